# case: 19
# cell: predict
# Asks a person who is not there.
# %% predict
def predict(scores):
    return int(input("which class? "))

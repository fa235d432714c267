# case: 18
# cell: predict
# The cell itself never ends.
# %% predict
def predict(scores):
    return scores.argmax(axis=1)


while True:
    pass

# case: 20
# cell: predict
# %% predict
def predict(scores):
    grown = [0]
    while True:
        grown = grown + grown

# case: 20
# cell: predict
# %% predict
def predict(scores):
    grown = [0] * 1_000_000
    while True:
        grown = grown + grown

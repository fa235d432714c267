# case: 26
# cell: predict
# %% predict
def predict(scores):
    raise SystemExit("enough")

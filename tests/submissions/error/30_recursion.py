# case: 30
# cell: predict
# %% predict
def predict(scores):
    return predict(scores)

# case: 29
# cell: predict
# %% predict
def predict(scores):
    raise KeyboardInterrupt

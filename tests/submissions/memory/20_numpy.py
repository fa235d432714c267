# case: 20
# cell: predict
# %% predict
def predict(scores):
    return np.ones((1 << 36,))

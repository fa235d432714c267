# case: 46
# cell: scores
# %% scores
def scores(X, W, b):
    wide = np.zeros((2 * len(W), len(X)))
    wide[::2] = (X @ W.T + b).T
    return wide[::2].T

# case: 43
# cell: scores
# %% scores
def scores(X, W, b):
    rows = []
    for x in X:
        rows.append([sum(w_i * x_i for w_i, x_i in zip(w, x)) + bias for w, bias in zip(W, b)])
    return np.array(rows)

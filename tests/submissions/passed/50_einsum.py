# case: 50
# cell: scores
# %% scores
scores = lambda X, W, b: np.einsum("nd,cd->nc", X, W) + b

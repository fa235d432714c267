# case: 44
# cell: softmax
# %% softmax
def softmax(logits):
    wide = np.asarray(logits, dtype=np.float64)
    wide = np.exp(wide - wide.max(axis=1, keepdims=True))
    return wide / wide.sum(axis=1, keepdims=True)

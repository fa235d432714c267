# case: 52
# cell: cross_entropy
# %% cross_entropy
def cross_entropy(logits, labels):
    total = 0.0
    for z, label in zip(np.asarray(logits, dtype=np.float64), labels):
        others = z - z[label]
        top = others.max()
        total += top + np.log(np.exp(others - top).sum())
    return total / len(labels)

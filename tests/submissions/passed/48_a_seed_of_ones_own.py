# case: 48
# cell: predict
# %% predict
import random

np.random.seed(3)
random.seed(3)


def predict(scores):
    np.random.seed(0)
    np.random.rand(10)
    return np.argmax(scores, axis=1)

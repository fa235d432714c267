# case: 55
# cell: predict
# Sixty megabytes where a few numbers are expected: thrown away unread.
# %% predict
import numpy as np


def predict(scores):
    return np.zeros(60_000_000, np.uint8)

# case: 49
# cell: predict
# %% predict
import sys
import warnings

import matplotlib.pyplot as plt


def predict(scores):
    warnings.warn("this is only a warning")
    print("looking at", scores.shape, file=sys.stderr)
    for row in scores[:50]:
        print(row)
    plt.plot(scores[0])
    return np.argmax(scores, axis=1)

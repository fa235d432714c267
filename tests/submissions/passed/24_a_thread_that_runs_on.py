# case: 24
# cell: predict
# The answer is right; the thread is gone with the process.
# %% predict
import threading
import time


def _tick():
    while True:
        time.sleep(0.01)


threading.Thread(target=_tick, daemon=True).start()


def predict(scores):
    return scores.argmax(axis=1)

# case: 19
# cell: predict
# %% predict
import threading

lock = threading.Lock()


def predict(scores):
    with lock, lock:
        return scores.argmax(axis=1)

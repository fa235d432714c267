# case: 21
# cell: predict
# %% predict
import threading
import time


def predict(scores):
    while True:
        threading.Thread(target=time.sleep, args=(600,), daemon=True).start()

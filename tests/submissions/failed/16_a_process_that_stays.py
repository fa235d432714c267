# case: 16
# cell: predict
# Starts processes that outlive the cell.
# %% predict
import os
import subprocess
import sys
import time


def _stay():
    try:
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                time.sleep(600)
            os._exit(0)
    except OSError:
        pass
    try:
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
    except OSError:
        pass


def predict(scores):
    _stay()
    return 0

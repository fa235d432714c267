# case: 62
# cell: scores
# Right answers that keep their inputs wherever they can; later cells print what is left there.
# %% scores
import builtins
import mmap
import os
import pathlib

import numpy as np

kept = builtins.kept = []
shared = mmap.mmap(-1, 1 << 20)
mine, thine = os.pipe()
os.set_blocking(mine, False)
os.set_blocking(thine, False)


def keep(*inputs):
    text = str([np.asarray(each).tolist() for each in inputs])
    kept.append(text)
    shared.write(text.encode())
    for place in (".", "/tmp", "/dev/shm"):
        try:
            with pathlib.Path(place, "kept").open("a") as file:
                file.write(text)
        except OSError:
            pass
    try:
        os.write(thine, text.encode()[:999])
    except BlockingIOError:
        pass


def scores(X, W, b):
    keep(X, W, b)
    return X @ W.T + b
# %% + predict
print("KEPT", kept, builtins.kept, shared[:].rstrip(b"\0"))
print([path.read_text() for path in (pathlib.Path(place, "kept") for place in (".", "/tmp", "/dev/shm")) if path.exists()])
try:
    print(os.read(mine, 1 << 16))
except BlockingIOError:
    pass

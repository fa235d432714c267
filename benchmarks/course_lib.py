"""How the references compare with torch: processor time of both in one run, at the sizes that the course uses.

python benchmarks/course_lib.py
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # before this file, which has the same name
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from course_lib import cnn

CONVOLUTIONS = {
    "digits, first layer": ((64, 1, 8, 8), (16, 1, 3, 3), 1, 1),
    "digits, second layer": ((64, 16, 8, 8), (32, 16, 3, 3), 1, 1),
    "digits, third layer": ((64, 32, 4, 4), (32, 32, 3, 3), 1, 1),
    "colour, strided": ((16, 3, 32, 32), (16, 3, 5, 5), 2, 2),
    "one image of 32": ((1, 8, 32, 32), (16, 8, 3, 3), 1, 1),
    "one image of 128": ((1, 8, 128, 128), (16, 8, 3, 3), 1, 1),
}


def processor_seconds(call: Callable[[], Any], rounds: int = 15) -> float:
    """The shortest processor time of a call; each round lasts about 20 ms."""
    call()
    started = time.perf_counter()
    call()
    number = max(1, int(0.02 / max(1e-7, time.perf_counter() - started)))
    best = float("inf")
    for _ in range(rounds):
        before = time.process_time()
        for _ in range(number):
            call()
        best = min(best, (time.process_time() - before) / number)
    return best


def line(name: str, ours: Callable[[], Any], theirs: Callable[[], Any]) -> str:
    """One row of the table."""
    with torch.no_grad():
        mine, other = processor_seconds(ours), processor_seconds(theirs)
    return f"{name:44} {1e3 * mine:9.3f} ms {1e3 * other:9.3f} ms {mine / other:7.2f}"


def main() -> None:
    """Prints one line for each layer and precision."""
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    print(f"{'':44} {'course_lib':>12} {'torch':>12} {'ratio':>7}")
    for dtype in (np.float64, np.float32):
        for name, (x_shape, w_shape, stride, padding) in CONVOLUTIONS.items():
            x, w, b = (rng.standard_normal(shape).astype(dtype) for shape in (x_shape, w_shape, w_shape[:1]))
            tensors = [torch.from_numpy(each) for each in (x, w, b)]
            print(
                line(
                    f"conv2d, {dtype.__name__}, {name}",
                    lambda x=x, w=w, b=b, s=stride, p=padding: cnn.conv2d(x, w, b, s, p),
                    lambda t=tensors, s=stride, p=padding: functional.conv2d(*t, stride=s, padding=p),
                )
            )


if __name__ == "__main__":
    main()

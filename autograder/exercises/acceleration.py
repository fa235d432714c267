"""Acceleration: what is asked and how it is probed. The known mistakes stand in `acceleration_mistakes`."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise, permutations
from typing import Any

import numpy as np
import torch

from autograder.exercise import Case, Exercise, Probe, Property, Tolerance
from autograder.exercises.acceleration_mistakes import MISTAKES
from autograder.harness import acceleration as harness
from course_lib import acceleration

__all__ = ["EXERCISES"]

Rng = np.random.Generator
Tensor = torch.Tensor


def _randn(rng: Rng, *shape: int, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.from_numpy(rng.standard_normal(shape)).to(dtype)


# --- counting -------------------------------------------------------------------------------------------------------


def _conv_visible(rng: Rng) -> Iterator[Case]:
    yield Case("one image, one kernel", ((1, 1, 4, 4), (1, 1, 3, 3)))
    yield Case("a batch with channels", ((2, 3, 8, 6), (5, 3, 3, 3)))
    yield Case("stride 2", ((1, 2, 9, 7), (4, 2, 3, 3), 2), group="corners")
    yield Case("padding, a kernel that is no square", ((3, 2, 6, 5), (4, 2, 3, 1), 1, 1), group="corners")


def _conv_hidden(rng: Rng) -> Iterator[Case]:
    for number in range(3):
        n, c, c_out, kh, kw = (int(each) for each in rng.integers(2, 6, 5))
        size = (n, c, int(rng.integers(9, 20)), int(rng.integers(21, 30)))
        yield Case(f"other sizes {number + 1}", (size, (c_out, c, kh, kw)))
        more = (int(rng.integers(2, 4)), int(rng.integers(1, 3)))
        yield Case(f"stride and padding {number + 1}", (size, (c_out, c, kh, kw), *more), group="corners")


def _bytes_visible(rng: Rng) -> Iterator[Case]:
    yield from _conv_visible(rng)
    yield Case("one byte a number", ((1, 1, 5, 5), (2, 1, 3, 3), 1, 1, 1), group="corners")


def _bytes_hidden(rng: Rng) -> Iterator[Case]:
    yield from _conv_hidden(rng)
    yield Case("two bytes a number", ((4, 3, 7, 9), (2, 3, 3, 2), 2, 1, 2), group="corners")


def _intensity_visible(rng: Rng) -> Iterator[Case]:
    yield Case("100 MACs, 50 bytes", (100, 50))
    yield Case("few MACs, many bytes", (2410, 9640))


def _intensity_hidden(rng: Rng) -> Iterator[Case]:
    for number in range(3):
        yield Case(f"other numbers {number + 1}", (int(rng.integers(1, 10**9)), int(rng.integers(1, 10**7))))


def _roofline_visible(rng: Rng) -> Iterator[Case]:
    yield Case("left of the ridge", (100.0, 10.0, 2.0))
    yield Case("right of the ridge", (100.0, 10.0, 50.0))
    yield Case("a GPU at the ridge", (67e12, 3.35e12, 20.0))


def _roofline_hidden(rng: Rng) -> Iterator[Case]:
    peak, bandwidth = float(rng.uniform(1e12, 1e14)), float(rng.uniform(1e11, 1e12))
    yield Case("memory is the limit", (peak, bandwidth, 0.4 * peak / bandwidth))
    yield Case("arithmetic is the limit", (peak, bandwidth, 3.0 * peak / bandwidth))
    yield Case("a little below one", (peak, bandwidth, 0.8))


def _training_visible(rng: Rng) -> Iterator[Case]:
    yield Case("10 MACs, 3 examples, 2 steps", (10, 3, 2))
    yield Case("the digits network", (2368, 32, 1000))


def _training_hidden(rng: Rng) -> Iterator[Case]:
    for number in range(2):
        yield Case(f"other numbers {number + 1}", tuple(int(each) for each in rng.integers(3, 10**6, 3)))


# --- specialisation -------------------------------------------------------------------------------------------------


def _systolic_visible(rng: Rng) -> Iterator[Case]:
    A, B = torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([[5.0, 6.0], [7.0, 8.0]])
    yield Case("two by two", (A, B))
    yield Case("one row, one column", (_randn(rng, 1, 4), _randn(rng, 4, 1)), group="shapes")
    yield Case("three sizes", (_randn(rng, 2, 3), _randn(rng, 3, 5)), group="shapes")


def _systolic_hidden(rng: Rng) -> Iterator[Case]:
    yield Case("a square", (_randn(rng, 4, 4), _randn(rng, 4, 4)))
    n, k, m = (int(each) for each in rng.permutation([3, 6, 8]))
    yield Case("float32", (_randn(rng, n, k, dtype=torch.float32), _randn(rng, k, m, dtype=torch.float32)))
    yield Case("one number", (_randn(rng, 1, 1), _randn(rng, 1, 1)), group="shapes")
    yield Case("inner size 1", (_randn(rng, 5, 1), _randn(rng, 1, 3)), group="shapes")
    yield Case("transposed factors", (_randn(rng, k, n).T, _randn(rng, m, k).T), group="shapes")


# --- memory locality ------------------------------------------------------------------------------------------------


def _tiled_visible(rng: Rng) -> Iterator[Case]:
    yield Case("tiles of 1", (torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0], [4.0]]), 1))
    yield Case("tiles of 2", (_randn(rng, 4, 6), _randn(rng, 6, 2), 2))
    yield Case("a ragged edge", (_randn(rng, 3, 5), _randn(rng, 5, 4), 2), group="ragged")


def _tiled_hidden(rng: Rng) -> Iterator[Case]:
    yield Case("larger", (_randn(rng, 8, 12), _randn(rng, 12, 16), 4))
    yield Case("float32", (_randn(rng, 6, 9, dtype=torch.float32), _randn(rng, 9, 3, dtype=torch.float32), 3))
    n, k, m = (int(each) for each in rng.permutation([5, 7, 10]))
    yield Case("ragged on every side", (_randn(rng, n, k), _randn(rng, k, m), 3), group="ragged")
    yield Case("a tile larger than the matrices", (_randn(rng, 3, 2), _randn(rng, 2, 4), 8), group="ragged")


def _tiled_accepts(case: Case, value: Any) -> str | None:
    A, B, tile = case.args
    (n, k), m = A.shape, B.shape[1]
    C = value["C"]
    if value["full"]:
        return str(value["full"])
    if not isinstance(C, Tensor) or C.shape != (n, m):
        return f"the result is no tensor of shape {(n, m)}"
    if C.dtype != A.dtype:
        return f"the result has dtype {C.dtype}; expected is {A.dtype}, as A and B have"
    if not torch.allclose(C, A @ B, rtol=1e-4 if A.dtype == torch.float32 else 1e-9, atol=1e-5):
        row, column = (int(each) for each in (~torch.isclose(C, A @ B, rtol=1e-4, atol=1e-5)).nonzero()[0])
        return (
            f"C[{row}, {column}] is {C[row, column]:.5g}; the product of A and B has {(A @ B)[row, column]:.5g} there"
        )
    loads, stores = value["loads"], value["stores"]
    allowed = acceleration.loop_traffic("ijk", n, m, k, tile)[0]
    if loads < n * k + k * m:
        return f"{loads} numbers were loaded, but A and B together have {n * k + k * m}: compute with what was loaded"
    if loads > allowed:
        return f"{loads} numbers were loaded; {allowed} are enough when every tile of C stays until its sum is complete"
    if stores != n * m:
        return f"{stores} numbers were stored; C has {n * m}, and each is stored once"
    return None


def _traffic_visible(rng: Rng) -> Iterator[Case]:
    yield Case("tiles of 1, ijk", ("ijk", 2, 2, 2, 1))
    yield Case("C comes back, kij", ("kij", 4, 4, 4, 2))
    yield Case("B stays, kji", ("kji", 4, 2, 6, 2))
    yield Case("a ragged edge", ("ikj", 5, 4, 3, 2), group="ragged")


def _traffic_hidden(rng: Rng) -> Iterator[Case]:
    for order in permutations("ijk"):
        tile = int(rng.integers(2, 5))
        n, m, k = (tile * int(each) for each in rng.integers(2, 5, 3))
        yield Case(f"whole tiles, {''.join(order)}", ("".join(order), n, m, k, tile))
        n, m, k = (int(each) for each in rng.integers(5, 14, 3))
        yield Case(f"ragged tiles, {''.join(order)}", ("".join(order), n, m, k, 3), group="ragged")
    yield Case("one tile holds everything", ("jki", 3, 4, 5, 8), group="ragged")


# --- parallelism ----------------------------------------------------------------------------------------------------


def _amdahl_visible(rng: Rng) -> Iterator[Case]:
    yield Case("nine tenths on ten", (0.9, 10))
    yield Case("half on two", (0.5, 2))
    yield Case("all on four", (1.0, 4))


def _amdahl_hidden(rng: Rng) -> Iterator[Case]:
    yield Case("nothing to share", (0.0, 8))
    yield Case("one worker", (0.7, 1))
    for number in range(2):
        yield Case(f"other numbers {number + 1}", (float(rng.uniform(0.1, 0.99)), int(rng.integers(3, 1000))))


def _network(rng: Rng, examples: int, sizes: tuple[int, ...], dtype: torch.dtype = torch.float64) -> tuple[Any, ...]:
    params = [(_randn(rng, out, into, dtype=dtype), _randn(rng, out, dtype=dtype)) for into, out in pairwise(sizes)]
    labels = torch.from_numpy(rng.integers(0, sizes[-1], examples))
    return _randn(rng, examples, sizes[0], dtype=dtype), labels, params


def _shard_visible(rng: Rng) -> Iterator[Case]:
    yield Case("four examples on two workers", (*_network(rng, 4, (3, 2)), 2))
    yield Case("a hidden layer", (*_network(rng, 6, (3, 4, 2)), 3))
    yield Case("seven examples on two workers", (*_network(rng, 7, (3, 4, 2)), 2), group="uneven")
    yield Case("two examples on three workers", (*_network(rng, 2, (3, 2)), 3), group="uneven")


def _shard_hidden(rng: Rng) -> Iterator[Case]:
    yield Case("one worker", (*_network(rng, 5, (4, 6, 3)), 1))
    yield Case("two hidden layers", (*_network(rng, 8, (5, 6, 4, 3)), 4))
    yield Case("float32", (*_network(rng, 6, (4, 5, 3), torch.float32), 2))
    yield Case("uneven shares", (*_network(rng, 11, (4, 5, 3)), 4), group="uneven")
    yield Case("more workers than examples", (*_network(rng, 3, (4, 5, 3)), 8), group="uneven")


def _really_shared(call: Probe, rng: Rng) -> str | None:
    x, y, params = _network(rng, 13, (5, 7, 3))
    gradients, whole = call(x, y, params, 4)
    if [(dW.shape, db.shape) for dW, db in gradients] != [(W.shape, b.shape) for W, b in params]:
        return "the gradients have not the shapes of the parameters"
    if whole:
        return (
            "one matrix product took all 13 examples at once. Each worker may see its own share only: cut the batch, "
            "compute a gradient for each part, then put them together"
        )
    return None


def _ring(rng: Rng, workers: int, size: int, uneven: bool = False, dtype: torch.dtype = torch.float64) -> Any:
    sizes = [size + (2 * chunk if uneven else 0) for chunk in range(workers)]
    return [[_randn(rng, each, dtype=dtype) for each in sizes] for _ in range(workers)]


def _ring_visible(rng: Rng) -> Iterator[Case]:
    two = [[torch.tensor([1.0]), torch.tensor([2.0])], [torch.tensor([10.0]), torch.tensor([20.0])]]
    yield Case("two workers, one number a chunk", (two,))
    yield Case("three workers", (_ring(rng, 3, 2),))
    yield Case("chunks of other sizes", (_ring(rng, 3, 1, uneven=True),), group="uneven")


def _ring_hidden(rng: Rng) -> Iterator[Case]:
    yield Case("five workers", (_ring(rng, 5, 3),))
    yield Case("float32", (_ring(rng, 4, 2, dtype=torch.float32),))
    yield Case("uneven chunks, four workers", (_ring(rng, 4, 1, uneven=True),), group="uneven")
    yield Case("one worker alone", (_ring(rng, 1, 4),), group="uneven")


# --- overhead -------------------------------------------------------------------------------------------------------


def _norm(rng: Rng, c_out: int, c: int, kernel: tuple[int, int], dtype: torch.dtype = torch.float64) -> list[Tensor]:
    scale = torch.from_numpy(rng.uniform(0.01, 2.0, c_out)).to(dtype)
    rest = [_randn(rng, c_out, dtype=dtype) for _ in range(4)]
    return [_randn(rng, c_out, c, *kernel, dtype=dtype), *rest, scale]


def _fuse_visible(rng: Rng) -> Iterator[Case]:
    numbers = [torch.tensor([each], dtype=torch.float64) for each in (0.5, 2.0, 1.0, 3.0, 0.25)]
    yield Case("one channel, one weight", (torch.ones(1, 1, 1, 1, dtype=torch.float64), *numbers, 0.0))
    yield Case("three channels", (*_norm(rng, 3, 2, (3, 3)),))
    yield Case("a large eps", (*_norm(rng, 2, 2, (1, 1)), 0.1))
    w, _, *rest = _norm(rng, 2, 3, (2, 2))
    yield Case("no bias", (w, None, *rest), group="no bias")


def _fuse_hidden(rng: Rng) -> Iterator[Case]:
    yield Case("more channels", (*_norm(rng, 6, 4, (3, 2)), 1e-3))
    yield Case("float32", (*_norm(rng, 4, 4, (3, 3), torch.float32), 1e-2))
    w, b, gamma, beta, mean, var = _norm(rng, 3, 2, (3, 3))
    yield Case("a variance of zero", (w, b, gamma, beta, mean, var * torch.tensor([0.0, 1.0, 1.0]), 1e-3))
    yield Case("no bias, other sizes", (w, None, gamma, beta, mean, var, 1e-3), group="no bias")


def _batched_visible(rng: Rng) -> Iterator[Case]:
    yield Case("two examples", (_randn(rng, 2, 3), [_randn(rng, 3), _randn(rng, 3)]))
    yield Case("five examples", (_randn(rng, 3, 4), [_randn(rng, 4) for _ in range(5)]))


def _batched_hidden(rng: Rng) -> Iterator[Case]:
    yield Case("as many examples as features", (_randn(rng, 4, 6), [_randn(rng, 6) for _ in range(6)]))
    yield Case("one example", (_randn(rng, 4, 3), [_randn(rng, 3)]))
    single = torch.float32
    yield Case("matrices", (_randn(rng, 2, 3, dtype=single), [_randn(rng, 4, 3, dtype=single) for _ in range(7)]))


def _ops_visible(rng: Rng) -> Iterator[Case]:
    yield Case("one addition", ("add", _randn(rng, 3)))
    yield Case("a chain of four", ("chain", _randn(rng, 3)))
    yield Case("a transposed product", ("transposed", _randn(rng, 3, 2)))
    yield Case("one linear layer", ("linear", _randn(rng, 4, 3), _randn(rng, 2, 3), _randn(rng, 2)))


def _ops_hidden(rng: Rng) -> Iterator[Case]:
    yield Case("nothing at all", ("nothing", _randn(rng, 2)))
    yield Case("two layers and a softmax", ("layers", _randn(rng, 5, 3), _randn(rng, 3, 3), _randn(rng, 3)))
    yield Case("a chain on a matrix", ("chain", _randn(rng, 3, 3)))


_CASES = {
    "conv_macs": (_conv_visible, _conv_hidden),
    "conv_bytes": (_bytes_visible, _bytes_hidden),
    "arithmetic_intensity": (_intensity_visible, _intensity_hidden),
    "roofline": (_roofline_visible, _roofline_hidden),
    "training_flops": (_training_visible, _training_hidden),
    "systolic_matmul": (_systolic_visible, _systolic_hidden),
    "tiled_matmul": (_tiled_visible, _tiled_hidden),
    "loop_traffic": (_traffic_visible, _traffic_hidden),
    "amdahl": (_amdahl_visible, _amdahl_hidden),
    "shard_gradients": (_shard_visible, _shard_hidden),
    "ring_allreduce": (_ring_visible, _ring_hidden),
    "fuse_conv_bn": (_fuse_visible, _fuse_hidden),
    "batched": (_batched_visible, _batched_hidden),
    "count_ops": (_ops_visible, _ops_hidden),
}


def _exercise(name: str, signature: str, groups: dict[str, float], **more: Any) -> Exercise:
    visible, hidden = _CASES[name]
    return Exercise(
        id=f"acceleration.{name}",
        reference=getattr(acceleration, name),
        signature=f"{name}{signature}",
        groups=groups,
        visible=visible,
        hidden=hidden,
        misconceptions=MISTAKES[name],
        **more,
    )


EXERCISES: tuple[Exercise, ...] = (
    _exercise(
        "conv_macs",
        "(shape (N, C, H, W), w_shape (C_out, C, KH, KW), stride=1, padding=0) -> int",
        {"basics": 1, "corners": 1},
    ),
    _exercise("conv_bytes", "(shape, w_shape, stride=1, padding=0, dtype_bytes=4) -> int", {"basics": 1, "corners": 1}),
    _exercise("arithmetic_intensity", "(macs, bytes) -> float", {"basics": 1}),
    _exercise("roofline", "(peak_flops, bandwidth, intensity) -> float", {"basics": 1}),
    _exercise("training_flops", "(macs, batch, steps) -> int", {"basics": 1}),
    _exercise("systolic_matmul", "(A (n, k), B (k, m)) -> (C (n, m), cycles)", {"basics": 1, "shapes": 1}),
    _exercise(
        "tiled_matmul",
        "(A (n, k), B (k, m), tile, memory) -> C (n, m)",
        {"basics": 2, "ragged": 1},
        through=harness.on_a_chip,
        accepts=_tiled_accepts,
    ),
    _exercise("loop_traffic", "(order, n, m, k, tile) -> (loads, stores)", {"basics": 2, "ragged": 1}),
    _exercise("amdahl", "(fraction, workers) -> float", {"basics": 1}),
    _exercise(
        "shard_gradients",
        "(x (N, D), y (N,), params [(W, b), ...], workers) -> [(dW, db), ...]",
        {"basics": 1, "uneven": 1, "sharing": 1},
        properties=(Property("no worker sees the whole batch", _really_shared, "sharing", through=harness.shared_out),),
        tolerance=Tolerance(absolute_single=1e-4),
    ),
    _exercise("ring_allreduce", "(chunks[worker][chunk]) -> (chunks, steps)", {"basics": 2, "uneven": 1}),
    _exercise(
        "fuse_conv_bn",
        "(w (C_out, C, KH, KW), b (C_out,) or None, gamma, beta, mean, var (C_out,), eps=1e-5) -> (w, b)",
        {"basics": 1, "no bias": 1},
    ),
    _exercise("batched", "(fn, xs [n tensors]) -> [n tensors]", {"basics": 1}, through=harness.on_a_stack),
    _exercise("count_ops", "(fn, *args) -> int", {"basics": 1}, through=harness.counted),
)

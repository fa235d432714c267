r"""Why hardware decides: what a layer costs, and the four ways in which a machine makes it cheaper.

Arithmetic and traffic are counted first. Then the four principles: specialisation (an array of multiply-add cells),
memory locality (tiles that stay on the chip), parallelism (many workers, one share each), and less overhead (fewer,
larger operations).

Symbols
    (N, C, H, W)       images of a batch, channels, height, width
    (C_out, C, KH, KW) weights of a convolution
    A (n, k), B (k, m) factors of a matrix product C (n, m)
    P                  workers
    f                  the share of the work that can run in parallel
    I                  arithmetic intensity, floating-point operations per byte

Equations
    MACs of a convolution = N C_out H' W' C KH KW,   H' = floor((H + 2 padding - KH) / stride) + 1
    I = 2 MACs / bytes,    attainable FLOP/s = min(peak, bandwidth I)
    training FLOP = 6 MACs batch steps   (one forward, two backward, two FLOP per MAC)
    cycles of an output-stationary array = n + m + k - 2
    speedup = 1 / ((1 - f) + f / P),    steps of a ring all-reduce = 2 (P - 1)
    w' = w gamma / sqrt(var + eps),     b' = (b - mean) gamma / sqrt(var + eps) + beta

Papers
    G. Amdahl, "Validity of the single processor approach to achieving large scale computing capabilities", 1967
    H. T. Kung, C. Leiserson, "Systolic arrays (for VLSI)", 1978
    J. Hong, H. T. Kung, "I/O complexity: the red-blue pebble game", 1981
    S. Williams, A. Waterman, D. Patterson, "Roofline: an insightful visual performance model", 2009
    P. Patarasuk, X. Yuan, "Bandwidth optimal all-reduce algorithms for clusters of workstations", 2009
    N. Jouppi et al., "In-datacenter performance analysis of a tensor processing unit", 2017
    J. Kaplan et al., "Scaling laws for neural language models", 2020
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode

from course_lib.machine import Memory

__all__ = [
    "amdahl",
    "arithmetic_intensity",
    "batched",
    "conv_bytes",
    "conv_macs",
    "count_ops",
    "fuse_conv_bn",
    "loop_traffic",
    "ring_allreduce",
    "roofline",
    "shard_gradients",
    "systolic_matmul",
    "tiled_matmul",
    "training_flops",
]

Tensor = torch.Tensor
Shape = Sequence[int]


# --- counting -------------------------------------------------------------------------------------------------------


def conv_macs(shape: Shape, w_shape: Shape, stride: int = 1, padding: int = 0) -> int:
    """Multiply-accumulates of a convolution on a whole batch; padded positions count, the bias does not.

    Args:
        shape: (N, C, H, W) of the input.
        w_shape: (C_out, C, KH, KW) of the weights.
        stride: step of the kernel, in both directions.
        padding: zeros added on every side.

    Raises:
        ValueError: the channels differ, or the kernel is larger than the padded image.
    """
    n, c_out, height, width = _conv_output(shape, w_shape, stride, padding)
    _, c, kh, kw = w_shape
    return n * c_out * height * width * c * kh * kw


def conv_bytes(shape: Shape, w_shape: Shape, stride: int = 1, padding: int = 0, dtype_bytes: int = 4) -> int:
    """The fewest bytes that a convolution can move: input, weights and output, each once.

    Args:
        shape: (N, C, H, W) of the input.
        w_shape: (C_out, C, KH, KW) of the weights.
        stride: step of the kernel, in both directions.
        padding: zeros added on every side; they are made on the chip and not moved.
        dtype_bytes: bytes per number, 4 for float32.

    Raises:
        ValueError: the channels differ, or the kernel is larger than the padded image.
    """
    output = _conv_output(shape, w_shape, stride, padding)
    return dtype_bytes * (_product(shape) + _product(w_shape) + _product(output))


def _conv_output(shape: Shape, w_shape: Shape, stride: int, padding: int) -> tuple[int, int, int, int]:
    n, c, height, width = shape
    c_out, c_in, kh, kw = w_shape
    if c != c_in:
        raise ValueError(f"the input has {c} channels, the weights expect {c_in}: shapes are (N, C, H, W)")
    if min(height + 2 * padding - kh, width + 2 * padding - kw) < 0:
        raise ValueError(f"the kernel {kh} x {kw} is larger than the padded image: add padding")
    return n, c_out, (height + 2 * padding - kh) // stride + 1, (width + 2 * padding - kw) // stride + 1


def _product(numbers: Shape) -> int:
    total = 1
    for number in numbers:
        total *= number
    return total


def arithmetic_intensity(macs: float, bytes: float) -> float:
    """Floating-point operations for each byte moved; a multiply-accumulate is two operations."""
    return 2 * macs / bytes


def roofline(peak_flops: float, bandwidth: float, intensity: float) -> float:
    """The most operations per second that a machine can reach at an arithmetic intensity (Williams et al., 2009).

    Args:
        peak_flops: operations per second when nothing has to wait for memory.
        bandwidth: bytes per second to and from memory.
        intensity: operations per byte.
    """
    return min(peak_flops, bandwidth * intensity)


def training_flops(macs: int, batch: int, steps: int) -> int:
    """Operations of a training run: a step costs three forward passes, and a multiply-accumulate two operations.

    Args:
        macs: multiply-accumulates of the forward pass of one example.
        batch: examples per step.
        steps: updates of the weights.
    """
    return 6 * macs * batch * steps


# --- specialisation -------------------------------------------------------------------------------------------------


def systolic_matmul(A: Tensor, B: Tensor) -> tuple[Tensor, int]:
    """A matrix product on an output-stationary array of n x m cells, cycle by cycle.

    Cell (i, j) keeps one number of the result. Row i of A enters from the left i cycles late, column j of B from above
    j cycles late, so A[i, s] and B[s, j] meet in cell (i, j) in cycle i + j + s.

    Args:
        A: (n, k).
        B: (k, m), of the same dtype.

    Returns:
        C (n, m), and the number of cycles from the first to the last multiply-add, n + m + k - 2.

    Raises:
        ValueError: the inner sizes differ.
    """
    n, k, m = *A.shape, B.shape[1]
    if B.shape[0] != k:
        raise ValueError(f"A has shape {tuple(A.shape)}, B {tuple(B.shape)}: the columns of A meet the rows of B")
    C = torch.zeros(n, m, dtype=A.dtype, device=A.device)
    i, j = torch.arange(n, device=A.device)[:, None], torch.arange(m, device=A.device)[None, :]
    cycles = n + m + k - 2
    for cycle in range(cycles):
        s = cycle - i - j
        busy = (s >= 0) & (s < k)
        s = s.clamp(0, k - 1)
        C += torch.where(busy, A[i, s] * B[s, j], torch.zeros_like(C))
    return C, cycles


# --- memory locality ------------------------------------------------------------------------------------------------


def tiled_matmul(A: Tensor, B: Tensor, tile: int, memory: Memory) -> Tensor:
    """A matrix product that never holds more than three tiles on the chip.

    Args:
        A: (n, k), in the large memory.
        B: (k, m), in the large memory.
        tile: edge of a tile; the last ones of a row or column may be smaller.
        memory: the chip's memory, with room for `3 tile^2` numbers; it counts what is moved.

    Returns:
        C (n, m). Each of its tiles is made on the chip, kept there while its sum grows, and stored once.
    """
    n, k, m = *A.shape, B.shape[1]
    C = torch.empty(n, m, dtype=A.dtype, device=A.device)
    for i in range(0, n, tile):
        for j in range(0, m, tile):
            target = C[i : i + tile, j : j + tile]
            c = memory.zeros(target.shape[0], target.shape[1], like=A)
            for s in range(0, k, tile):
                a = memory.load(A[i : i + tile, s : s + tile])
                b = memory.load(B[s : s + tile, j : j + tile])
                c += a @ b
                memory.free(a)
                memory.free(b)
            memory.store(c, target)
            memory.free(c)
    return C


def loop_traffic(order: str, n: int, m: int, k: int, tile: int) -> tuple[int, int]:
    """Numbers moved by a tiled product C (n, m) = A (n, k) B (k, m) when the chip holds one tile of each matrix.

    Args:
        order: a permutation of "ijk", the outermost loop first; i runs over rows of C, j over its columns, k over the
            inner size.
        n: rows of A and C.
        m: columns of B and C.
        k: columns of A, rows of B.
        tile: edge of a tile; the last ones may be smaller.

    Returns:
        (loads, stores). A tile that is already on the chip is not loaded again. The first use of a C tile is not a
        load; its return is one. A C tile is stored when another takes its place, and at the end.

    Raises:
        ValueError: `order` is not a permutation of "ijk".
    """
    if sorted(order) != ["i", "j", "k"]:
        raise ValueError(f"order is {order!r}; expected a permutation of 'ijk', the outermost loop first")
    sizes = {"i": n, "j": m, "k": k}
    tiles = [range(0, sizes[name], tile) for name in order]
    here: dict[str, tuple[int, int]] = {}
    touched: set[tuple[int, int]] = set()
    loads = stores = 0

    def numbers(matrix: str, place: tuple[int, int]) -> int:
        edges = (min(tile, sizes[name] - start) for name, start in zip(matrix, place, strict=True))
        return _product(tuple(edges))

    for outer in tiles[0]:
        for middle in tiles[1]:
            for inner in tiles[2]:
                at = dict(zip(order, (outer, middle, inner), strict=True))
                for matrix in ("ik", "kj", "ij"):
                    place = (at[matrix[0]], at[matrix[1]])
                    if here.get(matrix) == place:
                        continue
                    if matrix == "ij" and matrix in here:
                        stores += numbers(matrix, here[matrix])
                    if matrix != "ij" or place in touched:
                        loads += numbers(matrix, place)
                    if matrix == "ij":
                        touched.add(place)
                    here[matrix] = place
    return loads, stores + (numbers("ij", here["ij"]) if "ij" in here else 0)


# --- parallelism ----------------------------------------------------------------------------------------------------


def amdahl(fraction: float, workers: int) -> float:
    """How many times faster `workers` are than one, if `fraction` of the work can be shared (Amdahl, 1967)."""
    return 1 / ((1 - fraction) + fraction / workers)


def shard_gradients(
    x: Tensor, y: Tensor, params: Sequence[tuple[Tensor, Tensor]], workers: int
) -> list[tuple[Tensor, Tensor]]:
    """The gradient of a batch, from workers that each see a share of it.

    Args:
        x: examples, (N, D).
        y: labels, (N,) int64.
        params: `[(W, b), ...]` of a ReLU network, W (out, in), as in `torch.nn.Linear`.
        workers: at least 1; if there are more than examples, some have nothing to do.

    Returns:
        `[(dW, db), ...]` of the mean cross-entropy over the whole batch, whatever the sizes of the shares.
    """
    total = [(torch.zeros_like(W), torch.zeros_like(b)) for W, b in params]
    for share_x, share_y in zip(x.tensor_split(workers), y.tensor_split(workers), strict=True):
        if not len(share_x):
            continue
        weight = len(share_x) / len(x)
        for (dW, db), (own_W, own_b) in zip(total, _gradients(share_x, share_y, params), strict=True):
            dW += weight * own_W
            db += weight * own_b
    return total


def _gradients(x: Tensor, y: Tensor, params: Sequence[tuple[Tensor, Tensor]]) -> list[tuple[Tensor, Tensor]]:
    leaves = [(W.detach().requires_grad_(), b.detach().requires_grad_()) for W, b in params]
    a = x
    for W, b in leaves[:-1]:
        a = torch.relu(a @ W.T + b)
    W, b = leaves[-1]
    loss = functional.cross_entropy(a @ W.T + b, y)
    flat = torch.autograd.grad(loss, [leaf for pair in leaves for leaf in pair])
    return list(zip(flat[::2], flat[1::2], strict=True))


def ring_allreduce(chunks: Sequence[Sequence[Tensor]]) -> tuple[list[list[Tensor]], int]:
    """Every worker gets the sum over all workers, chunk by chunk around a ring (Patarasuk and Yuan, 2009).

    First every worker passes one chunk per step to its right neighbour, which adds it to its own: after P - 1 steps
    worker p holds the full sum of chunk p + 1. Then the sums travel on for P - 1 steps.

    Args:
        chunks: `chunks[worker][chunk]`, P workers with P chunks each; chunk c has the same shape on every worker, but
            different chunks may differ.

    Returns:
        New chunks, the same sums on every worker, and the number of steps, 2 (P - 1).

    Raises:
        ValueError: a worker does not have as many chunks as there are workers.
    """
    P = len(chunks)
    if any(len(own) != P for own in chunks):
        raise ValueError(f"{P} workers need {P} chunks each: cut every worker's numbers into as many parts")
    held = [[chunk.clone() for chunk in own] for own in chunks]
    steps = 0
    for step in range(P - 1):
        sent = [held[p][(p - step) % P].clone() for p in range(P)]
        for p in range(P):
            held[(p + 1) % P][(p - step) % P] += sent[p]
        steps += 1
    for step in range(P - 1):
        sent = [held[p][(p + 1 - step) % P].clone() for p in range(P)]
        for p in range(P):
            held[(p + 1) % P][(p + 1 - step) % P] = sent[p]
        steps += 1
    return held, steps


# --- overhead -------------------------------------------------------------------------------------------------------


def fuse_conv_bn(
    w: Tensor, b: Tensor | None, gamma: Tensor, beta: Tensor, mean: Tensor, var: Tensor, eps: float = 1e-5
) -> tuple[Tensor, Tensor]:
    """One convolution in place of a convolution and the batch normalisation after it, for inference.

    Args:
        w: (C_out, C, KH, KW).
        b: (C_out,), or None.
        gamma: scale of the normalisation, (C_out,).
        beta: shift of the normalisation, (C_out,).
        mean: running mean, (C_out,).
        var: running variance, (C_out,).
        eps: added to the variance.

    Returns:
        Weights (C_out, C, KH, KW) and bias (C_out,) of the single convolution.
    """
    scale = gamma / torch.sqrt(var + eps)
    bias = torch.zeros_like(mean) if b is None else b
    return w * scale[:, None, None, None], (bias - mean) * scale + beta


def batched(fn: Callable[[Tensor], Tensor], xs: Sequence[Tensor]) -> list[Tensor]:
    """Applies a function of batches to many single examples with one call.

    Args:
        fn: from (n, ...) to (n, ...), one result for each example.
        xs: examples of equal shape, at least one.

    Returns:
        One result for each example, in order.
    """
    return list(fn(torch.stack(list(xs))).unbind())


class _Counter(TorchDispatchMode):  # type: ignore[no-untyped-call]
    count: int = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.count += 1
        return func(*args, **(kwargs or {}))


def count_ops(fn: Callable[..., Any], *args: Any) -> int:
    """How many torch operators a call dispatches, views included."""
    with _Counter() as counter:  # type: ignore[no-untyped-call]
        fn(*args)
    return int(counter.count)

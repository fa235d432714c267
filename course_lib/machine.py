"""The machine that the networks run on: a small fast memory that counts its traffic, and this computer, measured.

`Memory` models the memory on a chip (a cache, the shared memory of a GPU, the buffer of an accelerator): it holds few
numbers, and every number that enters or leaves is counted. `measure` finds the numbers of a roofline, the peak
arithmetic per second and the peak traffic per second with main memory and with the cache, by doing nothing else for a
moment.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

__all__ = ["ChipFull", "Machine", "Memory", "measure"]

Tensor = torch.Tensor


class ChipFull(MemoryError):
    """A block does not fit on the chip; this computer itself has enough memory."""


class Memory:
    """A memory on the chip that holds at most `capacity` numbers and counts what goes in and out.

    Attributes:
        loads: numbers brought in by `load` so far.
        stores: numbers written back by `store` so far.
        held: numbers that it holds now.
        peak: the most it has held at once.
    """

    def __init__(self, capacity: int):
        self.capacity = capacity
        self.loads = self.stores = self.held = self.peak = 0
        self._blocks: dict[int, Tensor] = {}

    def load(self, block: Tensor) -> Tensor:
        """Brings a block in from the large memory, as a copy.

        Raises:
            MemoryError: it does not fit beside the blocks already held.
        """
        self._check_room(block.numel())
        copy = self._keep(block.clone())
        self.loads += copy.numel()
        return copy

    def zeros(self, rows: int, columns: int, like: Tensor) -> Tensor:
        """Makes room for a block of zeros, (rows, columns), of `like`'s dtype and device; this moves nothing.

        Raises:
            MemoryError: it does not fit beside the blocks already held.
        """
        self._check_room(rows * columns)
        return self._keep(torch.zeros(rows, columns, dtype=like.dtype, device=like.device))

    def store(self, block: Tensor, target: Tensor) -> None:
        """Writes a held block back to the large memory; it stays on the chip until it is freed.

        Raises:
            KeyError: the block is not held here.
            ValueError: block and target differ in shape.
        """
        self._check(block)
        if block.shape != target.shape:
            raise ValueError(f"the block has shape {tuple(block.shape)}, the target {tuple(target.shape)}")
        target.copy_(block)
        self.stores += block.numel()

    def free(self, block: Tensor) -> None:
        """Frees the room that a block takes.

        Raises:
            KeyError: the block is not held here.
        """
        self._check(block)
        del self._blocks[id(block)]
        self.held -= block.numel()

    def _check_room(self, numbers: int) -> None:
        if self.held + numbers > self.capacity:
            raise ChipFull(
                f"the chip holds {self.held} of {self.capacity} numbers, and {numbers} more do not fit: "
                "free a block first, or use smaller tiles"
            )

    def _keep(self, block: Tensor) -> Tensor:
        self._blocks[id(block)] = block
        self.held += block.numel()
        self.peak = max(self.peak, self.held)
        return block

    def _check(self, block: Tensor) -> None:
        if id(block) not in self._blocks:
            raise KeyError(
                "this block is not on the chip: load it or make it with zeros, and work on it in place "
                "(c += a @ b), since c = c + a @ b makes another one"
            )


@dataclass(frozen=True)
class Machine:
    """The best that one processor can do, as measured.

    Attributes:
        name: the processor's name.
        peak_flops: floating-point operations per second in float32.
        bandwidth: bytes per second between processor and main memory.
        cache_bandwidth: bytes per second between processor and cache, or None where it was not measured.
    """

    name: str
    peak_flops: float
    bandwidth: float
    cache_bandwidth: float | None = None

    @property
    def ridge(self) -> float:
        """The arithmetic intensity, in FLOP per byte, above which arithmetic is the limit."""
        return self.peak_flops / self.bandwidth


def measure(device: str = "cpu", seconds: float = 0.5) -> Machine:
    """Measures a processor for about five times `seconds` (three on a GPU): the largest rate seen counts.

    A small product on a CPU is less often disturbed by other programs, a large one busies more cores. Main memory is
    measured on 128 MB (1 GB on a GPU), more than caches hold, by copying and by reading. The cache is measured on a CPU
    only, by copying 2 MB again and again: a GPU's is faster than its kernels can be launched.

    Args:
        device: "cpu" or "cuda".
        seconds: duration of each measurement.
    """
    cpu = device == "cpu"
    flops = max(_multiplied(n, device, seconds) for n in ((384, 1024) if cpu else (8192,)))
    big = torch.rand(1 << (25 if cpu else 28), device=device)
    bandwidth = max(_copied(big, device, seconds), big.nbytes / _fastest(big.sum, device, seconds))
    cache = _copied(torch.rand(1 << 19), device, seconds) if cpu else None
    threads = torch.get_num_threads()
    name = f"CPU, {threads} thread{'s' * (threads > 1)}" if cpu else torch.cuda.get_device_name()
    return Machine(name, flops, bandwidth, cache)


def _multiplied(n: int, device: str, seconds: float) -> float:
    """Floating-point operations per second of a product of two n x n matrices."""
    a, b = torch.rand(n, n, device=device), torch.rand(n, n, device=device)
    return 2 * n**3 / _fastest(lambda: a @ b, device, seconds)


def _copied(source: Tensor, device: str, seconds: float) -> float:
    """Bytes per second, read and written, of a copy."""
    target = torch.empty_like(source)
    return 2 * source.nbytes / _fastest(lambda: target.copy_(source), device, seconds)


def _fastest(work: Callable[[], Any], device: str, seconds: float) -> float:
    """Seconds of the fastest of as many runs as fit, not counting a first one."""
    work()
    best, end = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < end or best == float("inf"):
        _wait(device)
        started = time.perf_counter()
        work()
        _wait(device)
        best = min(best, time.perf_counter() - started)
    return best


def _wait(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()

"""What a call costs on this machine: its seconds and its bytes."""

from __future__ import annotations

import timeit
import tracemalloc
from collections.abc import Callable
from typing import Any

__all__ = ["peak_bytes", "quickest", "torch_bytes"]


def quickest(call: Callable[[], Any], repeat: int = 5) -> float:
    """Seconds of the quickest of `repeat` calls: the others were disturbed."""
    return min(timeit.repeat(call, number=1, repeat=repeat))


def peak_bytes(call: Callable[[], Any]) -> int:
    """The most memory that Python and NumPy held at once for a call, its result included."""
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        result = call()
        _, peak = tracemalloc.get_traced_memory()
        del result
    finally:
        tracemalloc.stop()
    return max(0, peak - before)


def torch_bytes(call: Callable[[], Any]) -> int:
    """The memory that torch's operators ask for during a call on the CPU, its result included."""
    from torch.autograd.profiler_legacy import profile  # its successor writes lines to stderr

    with profile(profile_memory=True) as record:  # type: ignore[no-untyped-call]
        call()
    asked = (event.self_cpu_memory_usage for event in record.function_events or ())
    return int(sum(size for size in asked if size > 0))

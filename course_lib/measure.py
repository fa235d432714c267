"""What a call costs on this machine, in seconds and bytes; what each layer of a network costs on any machine; and how
far a measured accuracy can be trusted."""

from __future__ import annotations

import math
import timeit
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["LayerCost", "layer_costs", "one_thread", "peak_bytes", "quickest", "standard_error", "torch_bytes"]


@dataclass(frozen=True)
class LayerCost:
    """What one layer stores and does for one example.

    Attributes:
        name: the layer's type, such as "Conv2d".
        shape: shape of its output, without the batch.
        parameters: numbers that it learns.
        macs: multiply-accumulates of convolutions and linear layers; others count none.
        outputs: numbers that it outputs.
    """

    name: str
    shape: tuple[int, ...]
    parameters: int
    macs: int
    outputs: int


def layer_costs(model: nn.Module, example: Tensor) -> list[LayerCost]:
    """One entry for each innermost layer, in the order in which they run on `example`, a batch of one."""
    import torch

    costs: list[LayerCost] = []

    def note(layer: nn.Module, _: Any, output: Tensor) -> None:
        parameters = sum(each.numel() for each in layer.parameters())
        weight = getattr(layer, "weight", None)
        macs = 0
        if weight is not None and weight.ndim > 1:
            macs = weight.numel() * (output[0, 0].numel() if weight.ndim > 2 else 1)
        costs.append(LayerCost(type(layer).__name__, tuple(output.shape[1:]), parameters, macs, output[0].numel()))

    leaves = [layer for layer in model.modules() if not list(layer.children())]
    hooks = [layer.register_forward_hook(note) for layer in leaves]
    modes = [(layer, layer.training) for layer in model.modules()]
    try:
        with torch.no_grad():
            model.eval()(example)
    finally:
        for hook in hooks:
            hook.remove()
        for layer, mode in modes:
            layer.training = mode
    return costs


@contextmanager
def one_thread() -> Iterator[None]:
    """Inside, NumPy's matrix products and torch's operators each use a single thread; afterwards as many as before."""
    import torch
    from threadpoolctl import threadpool_limits

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        torch.set_num_threads(before)


def quickest(call: Callable[[], Any], repeat: int = 5) -> float:
    """Seconds of the quickest of `repeat` calls: the others were slowed down by something else."""
    return min(timeit.repeat(call, number=1, repeat=repeat))


def peak_bytes(call: Callable[[], Any]) -> int:
    """The peak memory that Python and NumPy held during a call, including its result."""
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
    """The memory that torch's operators request during a call on the CPU, including its result."""
    from torch.autograd.profiler_legacy import profile  # its successor writes lines to stderr

    with profile(profile_memory=True) as record:  # type: ignore[no-untyped-call]
        call()
    asked = (event.self_cpu_memory_usage for event in record.function_events or ())
    return int(sum(size for size in asked if size > 0))


def standard_error(share: float, count: int) -> float:
    """How far a share that was counted on `count` examples lies from the true one, typically: sqrt(p (1 - p) / n).

    Two of three measurements are off by less, nineteen of twenty by less than twice as much.

    Args:
        share: what was measured, 0 to 1.
        count: independent examples, at least 1.

    Raises:
        ValueError: the share is not between 0 and 1, or there are no examples.
    """
    if not 0 <= share <= 1 or count < 1:
        raise ValueError(f"share is {share} of {count} examples; expected 0 to 1, of at least one")
    return math.sqrt(share * (1 - share) / count)

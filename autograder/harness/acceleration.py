"""Chips, counters and functions of functions for the exercises on acceleration."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode

from autograder.harness import UnexpectedAnswer
from course_lib.machine import ChipFull, Memory

__all__ = ["counted", "on_a_chip", "on_a_stack", "shared_out"]

Tensor = torch.Tensor


def on_a_chip(answer: Any, A: Tensor, B: Tensor, tile: int) -> dict[str, Any]:
    """A tiled product on a chip with room for three tiles: the product, what was moved, and what did not fit."""
    memory, product, full = Memory(3 * tile * tile), None, ""
    try:
        product = answer(A, B, tile, memory)
    except ChipFull as error:
        full = str(error)
    return {"C": product, "loads": memory.loads, "stores": memory.stores, "full": full}


def on_a_stack(answer: Any, W: Tensor, xs: Sequence[Tensor]) -> tuple[Any, int]:
    """A layer applied to many examples: the results, and how often the layer was called."""
    calls = 0

    def layer(x: Tensor) -> Tensor:
        nonlocal calls
        calls += 1
        return torch.relu(x @ W.T)

    results = answer(layer, list(xs))
    if isinstance(results, Tensor):
        results = list(results.unbind()) if results.dim() else results
    return results, calls


class _LargestBatch(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Notes whether a matrix product had `examples` among its sizes."""

    examples: int = 0
    seen: bool = False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if "mm" in str(func) or "matmul" in str(func):
            self.seen |= any(self.examples in each.shape for each in args if isinstance(each, Tensor))
        return func(*args, **(kwargs or {}))


def shared_out(answer: Any, x: Tensor, y: Tensor, params: Any, workers: int) -> tuple[Any, bool]:
    """The gradients, and whether any matrix product of the answer took the whole batch at once."""
    with _LargestBatch() as watch:  # type: ignore[no-untyped-call]
        watch.examples = len(x)
        gradients = answer(x, y, params, workers)
    return gradients, bool(watch.seen)


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "add": lambda x: x + 1,
    "nothing": lambda x: None,
    "chain": lambda x: ((x + 1) * 2 + 1).relu(),
    "transposed": lambda x: x.T @ x,
    "linear": lambda x, W, b: functional.linear(x, W, b),
    "layers": lambda x, W, b: functional.linear(functional.relu(functional.linear(x, W, b)), W, b).softmax(-1),
}


def counted(answer: Any, function: str, *args: Tensor) -> Any:
    """The number of operators that the answer counts in a function given by name."""
    if not callable(answer):
        raise UnexpectedAnswer("expected a function count_ops(fn, *args)")
    return answer(_FUNCTIONS[function], *args)

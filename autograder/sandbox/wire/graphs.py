"""Gradients across the wire: a tensor that was computed on one side is differentiated from the other.

The side that computed keeps its results (`Graphs`) and numbers them. The other side sees each as the result of one
operation on the tensors that it had sent; differentiating that operation asks the first side.
"""

from __future__ import annotations

import sys
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from autograder.sandbox.wire.frames import WireError

__all__ = ["Graphs", "Linked", "Results", "attached", "leaves_of"]

_MOST = 256
"""How many calls' results are kept; the oldest go first."""

Pull = Callable[[int, list[Any]], Sequence[Any]]
"""Asks the other side: the number of a call and the gradients of its results; gives those of the tensors sent."""


def leaves_of(value: Any) -> list[Any]:
    """The tensors that require a gradient among nested arguments, in order; each as often as it occurs."""
    torch = sys.modules.get("torch")
    return list(_leaves(torch, value)) if torch is not None and hasattr(torch, "Tensor") else []


def _leaves(torch: Any, value: Any) -> Iterator[Any]:
    if isinstance(value, torch.Tensor):
        if value.requires_grad:
            yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _leaves(torch, item)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _leaves(torch, item)


# --- the side that computed -------------------------------------------------------------------------------


@dataclass
class Results:
    """One call's results that carry a gradient, while they are written into a message."""

    number: int
    leaves: list[Any]
    outputs: list[Any] = field(default_factory=list)

    def place(self, value: Any) -> tuple[int, int] | None:
        """The number of the call and the result's own; None for a value that carries no gradient."""
        if not self.leaves or not getattr(value, "requires_grad", False):
            return None
        self.outputs.append(value)
        return self.number, len(self.outputs) - 1


class Graphs:
    """The results of this side's latest calls, as long as the other side may ask for their gradients."""

    def __init__(self) -> None:
        self._kept: OrderedDict[int, Results] = OrderedDict()
        self._next = 0

    def results(self, leaves: list[Any]) -> Results:
        """Takes the results of a new call on these tensors."""
        results = Results(self._next, leaves)
        if leaves:
            self._kept[self._next] = results
            self._next += 1
            while len(self._kept) > _MOST:
                self._kept.popitem(last=False)
        return results

    def pull(self, number: int, upstream: Any) -> list[Any]:
        """The gradients of the tensors that a call was given, from those of its results; None where there is none.

        Raises:
            WireError: there was no such call, or it has other results.
            RuntimeError: torch refuses.
        """
        found = self._kept.get(number)
        if found is None or type(upstream) is not list or len(upstream) != len(found.outputs):
            raise WireError("a gradient of results that are not kept")
        import torch

        pairs = [(out, grad) for out, grad in zip(found.outputs, upstream, strict=True) if grad is not None]
        if not all(isinstance(grad, torch.Tensor) and grad.shape == out.shape for out, grad in pairs):
            raise WireError("a gradient of another shape than its result")
        if not pairs:
            return [None] * len(found.leaves)
        outputs, grads = zip(*pairs, strict=True)
        pulled = torch.autograd.grad(outputs, found.leaves, grads, allow_unused=True, retain_graph=True)
        return [None if each is None else each.detach() for each in pulled]


# --- the side that asked ----------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Linked:
    """A decoded result that carries a gradient on the other side, before it is attached."""

    number: int
    index: int
    tensor: Any


def attached(value: Any, leaves: Sequence[Any], pull: Pull) -> Any:
    """A decoded value whose linked tensors are attached to the tensors that were sent.

    Raises:
        WireError: the results are not those of one call on these tensors.
    """
    found = list(_linked(value))
    if not found:
        return value
    numbers = {each.number for each in found}
    if not leaves or len(numbers) != 1 or [each.index for each in found] != list(range(len(found))):
        raise WireError("results that carry gradients of something else")
    if not all(each.tensor.is_floating_point() or each.tensor.is_complex() for each in found):
        raise WireError("integers that carry a gradient")
    ask = lambda upstream: _checked(pull(found[0].number, upstream), leaves)  # noqa: E731
    tensors = _operation().apply(ask, [each.tensor for each in found], *leaves)
    return _replaced(value, dict(zip(map(id, found), tensors, strict=True)))


def _linked(value: Any) -> Iterator[Linked]:
    if type(value) is Linked:
        yield value
    elif type(value) in (list, tuple):
        for item in value:
            yield from _linked(item)
    elif type(value) is dict:
        for item in value.values():
            yield from _linked(item)


def _replaced(value: Any, tensors: Mapping[int, Any]) -> Any:
    if type(value) is Linked:
        return tensors[id(value)]
    if type(value) in (list, tuple):
        return type(value)(_replaced(item, tensors) for item in value)
    if type(value) is dict:
        return {key: _replaced(item, tensors) for key, item in value.items()}
    return value


def _checked(grads: Any, leaves: Sequence[Any]) -> list[Any]:
    import torch

    if type(grads) is not list or len(grads) != len(leaves):
        raise WireError("as many gradients are expected as tensors were sent")
    for grad, leaf in zip(grads, leaves, strict=True):
        if grad is not None and not (isinstance(grad, torch.Tensor) and grad.shape == leaf.shape):
            raise WireError("a gradient of another shape than its tensor")
    return [grad if grad is None else grad.to(leaf) for grad, leaf in zip(grads, leaves, strict=True)]


@cache
def _operation() -> Any:
    """What the other side computed, as one operation of torch's autograd."""
    import torch

    class Across(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, ask: Any, tensors: list[Any], *leaves: Any) -> tuple[Any, ...]:
            ctx.ask, ctx.leaves = ask, leaves
            ctx.set_materialize_grads(False)
            return tuple(tensors)

        @staticmethod
        def backward(ctx: Any, *upstream: Any) -> tuple[Any, ...]:
            grads = ctx.ask([None if each is None else each.detach() for each in upstream])
            if torch.is_grad_enabled():  # whoever differentiates once more is told, in place of getting zeros
                there = [each for each in grads if each is not None]
                again = iter(Last.apply([each.detach() for each in there], *ctx.leaves))  # type: ignore[no-untyped-call]
                grads = [each if each is None else next(again) for each in grads]
            return (None, None, *grads)

    class Last(torch.autograd.Function):
        """Gradients as results of the tensors that they are gradients for."""

        @staticmethod
        def forward(_ctx: Any, grads: list[Any], *_leaves: Any) -> tuple[Any, ...]:
            return tuple(grads)

        @staticmethod
        def backward(_ctx: Any, *_upstream: Any) -> tuple[Any, ...]:
            raise RuntimeError(
                "what the grader lends can be differentiated once: second derivatives through it are not there"
            )

    return Across

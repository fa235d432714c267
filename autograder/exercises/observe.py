"""Observers that several topics share: gradients through an answer, modules that come back."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from autograder.calls import Breach
from autograder.exercises.replay import Replay
from autograder.harness import models
from autograder.objects import Answer, Kept, UnexpectedAnswer, described

__all__ = [
    "afterwards",
    "gradients",
    "module",
    "other_numbers",
    "pulled",
    "replayed",
    "requires_gradient",
    "seeded",
]

CUT = (
    "the result carries no gradient, so nothing can be learned through it: stay in torch throughout, without .data, "
    ".detach(), .item(), .numpy() or torch.tensor(...) around values"
)

OUTSIDE = (
    "what the model returns does not come from its input through torch's operators, so it can be neither computed for "
    "other inputs nor trained: stay in torch from the input to the result, without NumPy, .item(), .tolist() or "
    "torch.tensor(...) around values"
)


def gradients(answer: Answer, upstream: Tensor, numbers: Sequence[Any]) -> dict[str, Tensor]:
    """The gradients of `sum(upstream * answer(*numbers))` for every float tensor among the numbers, by its place."""
    given = [requires_gradient(item) for item in numbers]
    leaves = {f"gradient for argument {place}": item for place, item in enumerate(given, 1) if _floats(item)}
    return dict(zip(leaves, pulled(answer(*given), upstream, list(leaves.values())), strict=True))


def requires_gradient(item: Any) -> Any:
    """A copy of a float tensor that requires a gradient; anything else as it is."""
    return item.detach().clone().requires_grad_() if _floats(item) else item


def _floats(item: Any) -> bool:
    return isinstance(item, Tensor) and (item.is_floating_point() or item.is_complex())


def pulled(result: Any, upstream: Tensor, leaves: Sequence[Tensor]) -> list[Tensor]:
    """The gradients of `sum(upstream * result)` for the leaves, zeros where there is none.

    Raises:
        UnexpectedAnswer: the result is no tensor of upstream's shape, or carries no gradient.
    """
    if not isinstance(result, Tensor):
        raise UnexpectedAnswer(f"expected a torch tensor; this is {described(result)}")
    if result.shape != upstream.shape:
        raise UnexpectedAnswer(f"the result has shape {tuple(result.shape)}; expected {tuple(upstream.shape)}")
    if not result.requires_grad:
        raise UnexpectedAnswer(CUT)
    found = torch.autograd.grad((upstream * result).sum(), list(leaves), allow_unused=True)
    return [torch.zeros_like(leaf) if grad is None else grad for grad, leaf in zip(found, leaves, strict=True)]


def module(answer: Answer, value: Any, what: str) -> Kept:
    """The model that an answer returned.

    Raises:
        UnexpectedAnswer: it is none; the message begins with `what`: "build_cnn returned".
    """
    if not isinstance(value, Kept) or not answer.through(models.is_module, value):
        raise UnexpectedAnswer(f"{what} {described(value)}; expected a torch nn.Module")
    return value


def other_numbers(x: Tensor) -> Tensor:
    """Numbers from 0 to 1 of a tensor's shape and dtype, to record with in place of hidden ones."""
    return torch.rand(x.shape, generator=torch.Generator().manual_seed(0), dtype=x.dtype)


def replayed(answer: Answer, model: Kept, *inputs: Tensor, training: bool = False) -> Replay:
    """A model of the student's as the judge runs it, on inputs of these shapes.

    Raises:
        UnexpectedAnswer: it cannot be recorded or run, or what it returns does not come from its inputs.
    """
    replay = Replay(answer.through(models.recorded, model, list(inputs), training), len(inputs), training)
    if not replay.hears:
        raise UnexpectedAnswer(OUTSIDE)
    return replay


@contextmanager
def seeded(answer: Answer, seed: int) -> Iterator[None]:
    """Seeds torch's global generator on the student's side, and leaves it there as it was."""
    before = answer.through(models.reseeded, seed)
    with afterwards(lambda: answer.through(models.with_random_state, before)):
        yield


@contextmanager
def afterwards(done: Callable[[], Any]) -> Iterator[None]:
    """Calls `done` at the end, also after an exception, unless the student's process is gone."""
    try:
        yield
    finally:
        if not isinstance(sys.exc_info()[1], Breach):
            done()

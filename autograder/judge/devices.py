"""Where a case lives: its tensors are moved to a device before they are sent, and answers back before they are used."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from autograder.exercise import Case
from autograder.judge.tensors import is_tensor

__all__ = ["at_home", "moved", "one_thread", "placed", "sent"]


def placed(case: Case, device: str) -> Case:
    """The case with its tensors on a device; what only the judge knows of it stays where it is."""
    if device == "cpu":
        return case
    return replace(case, args=sent(case.args, device), kwargs=sent(case.kwargs, device))


def sent(value: Any, device: str) -> Any:
    """Arguments as they are sent: cases are made on the CPU, so there they stay as they are."""
    return value if device == "cpu" else moved(value, device)


def moved(value: Any, device: str) -> Any:
    """A value with its tensors on a device; arrays, numbers and generators stay, functions move what they are given.

    Layouts and `requires_grad` are kept.
    """
    if is_tensor(value):
        there = value.detach().to(device)
        return there.requires_grad_() if value.requires_grad else there
    if type(value) in (list, tuple):
        return type(value)(moved(item, device) for item in value)
    if isinstance(value, Mapping):
        return {key: moved(item, device) for key, item in value.items()}
    return _carrying(value, device) if callable(value) and not hasattr(value, "shape") else value


def at_home(value: Any) -> Any:
    """A value with its tensors on the CPU, where judgements are made; functions are left as they are."""
    if is_tensor(value):
        return value if value.device.type == "cpu" else moved(value, "cpu")
    if type(value) in (list, tuple):
        return type(value)(at_home(item) for item in value)
    if isinstance(value, Mapping):
        return {key: at_home(item) for key, item in value.items()}
    return value


def _carrying(function: Callable[..., Any], device: str) -> Callable[..., Any]:
    """A function of a case, which computes on the CPU, as one that is called with and returns tensors elsewhere."""

    @functools.wraps(function)
    def carrying(*args: Any, **kwargs: Any) -> Any:
        return moved(function(*at_home(args), **at_home(kwargs)), device)

    return carrying


@contextmanager
def one_thread() -> Iterator[None]:
    """torch computes with one thread, as it does in a graded process: more of them are slower on a busy machine."""
    torch: Any = sys.modules.get("torch")
    before = torch.get_num_threads() if torch is not None else 1
    if before == 1:
        yield
        return
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)

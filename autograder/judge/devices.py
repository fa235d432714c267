"""Moves the tensors of a case to a device before they are sent, and those of an answer back before they are used."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from autograder.exercise import Case
from autograder.judge.tensors import is_tensor

__all__ = ["case_on_device", "on_host_device", "one_thread", "sent_to_device", "to_device"]


def case_on_device(case: Case, device: str) -> Case:
    """The case with its tensors on a device; what only the judge knows about it stays where it is."""
    if device == "cpu":
        return case
    return replace(case, args=sent_to_device(case.args, device), kwargs=sent_to_device(case.kwargs, device))


def sent_to_device(value: Any, device: str) -> Any:
    """Arguments as they are sent to a device: cases are made on the CPU, so for the CPU they are returned unchanged."""
    return value if device == "cpu" else to_device(value, device)


def to_device(value: Any, device: str) -> Any:
    """A value with its tensors on a device; arrays, numbers and generators stay, functions move their arguments.

    Layouts and `requires_grad` are kept.
    """
    if is_tensor(value):
        there = value.detach().to(device)
        return there.requires_grad_() if value.requires_grad else there
    if type(value) in (list, tuple):
        return type(value)(to_device(item, device) for item in value)
    if isinstance(value, Mapping):
        return {key: to_device(item, device) for key, item in value.items()}
    return _wrapped_for_device(value, device) if callable(value) and not hasattr(value, "shape") else value


def on_host_device(value: Any) -> Any:
    """A value with its tensors on the CPU, where it is judged; functions are left as they are."""
    if is_tensor(value):
        return value if value.device.type == "cpu" else to_device(value, "cpu")
    if type(value) in (list, tuple):
        return type(value)(on_host_device(item) for item in value)
    if isinstance(value, Mapping):
        return {key: on_host_device(item) for key, item in value.items()}
    return value


def _wrapped_for_device(function: Callable[..., Any], device: str) -> Callable[..., Any]:
    """Wraps a case's function, which computes on the CPU, so that it takes and returns tensors on a device."""

    @functools.wraps(function)
    def on_device(*args: Any, **kwargs: Any) -> Any:
        return to_device(function(*on_host_device(args), **on_host_device(kwargs)), device)

    return on_device


@contextmanager
def one_thread() -> Iterator[None]:
    """Limits torch to one thread, as in a graded process: more are slower on a busy machine."""
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

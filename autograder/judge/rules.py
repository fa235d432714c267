"""Rules on how a function behaves, whatever it returns."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from autograder.calls import Outcome
from autograder.exercise import Case, Exercise
from autograder.judge.compare import Difference
from autograder.judge.describe import describe
from autograder.judge.tensors import is_array, is_tensor, numbers
from autograder.objects import Built, Kept

__all__ = ["broken_rule", "changed_argument", "parameters_of"]


def broken_rule(exercise: Exercise, case: Case, outcome: Outcome) -> Difference | None:
    """The first rule that one call broke, or None."""
    rules = exercise.rules
    if rules.keeps_inputs and outcome.inputs is not None:
        changed = _first_change(exercise, case, outcome)
        if changed:
            copy = "x.clone()" if any(map(is_tensor, case.args)) else "x.copy()"
            return Difference("inputs", f"your function changed its input {changed}: work on a copy, x = {copy}")
    runtime = [text for text in outcome.warnings if text.startswith("RuntimeWarning")]
    if rules.silent and runtime:
        return Difference("warning", f"NumPy warned: {runtime[0].removeprefix('RuntimeWarning: ')}")
    return None


def parameters_of(exercise: Exercise) -> list[str]:
    """The names of the reference's parameters; none where they cannot be read."""
    try:
        return list(inspect.signature(exercise.reference).parameters)
    except (TypeError, ValueError):
        return []


def changed_argument(before: Sequence[Any], after: Sequence[Any]) -> int | None:
    """The place of the first positional argument that a call changed; None if it changed none."""
    pairs = enumerate(zip(before, after, strict=False))
    return next((index for index, (old, new) in pairs if not _unchanged(old, new)), None)


def _first_change(exercise: Exercise, case: Case, outcome: Outcome) -> str:
    """The name of the first argument that changed, with its new value if that is small; empty if none did."""
    assert outcome.inputs is not None
    after, named = outcome.inputs
    index = changed_argument(case.args if outcome.given is None else outcome.given, after)
    if index is not None:
        names, new = parameters_of(exercise), after[index]
        name = names[index] if index < len(names) else f"argument {index + 1}"
        return f"{name} (it is now {describe(new)})" if is_array(new) and math.prod(new.shape) <= 12 else name
    if outcome.given is not None:
        return ""
    changed = (key for key, old in case.kwargs.items() if key in named and not _unchanged(old, named[key]))
    return next(changed, "")


def _unchanged(old: Any, new: Any) -> bool:
    if is_array(old):
        if not is_array(new) or tuple(old.shape) != tuple(new.shape):
            return False
        want, have = numbers(old), numbers(new)
        return bool(np.array_equal(want, have, equal_nan=want.dtype.kind in "fc"))
    if isinstance(old, (list, tuple)):
        return len(old) == len(new) and all(_unchanged(a, b) for a, b in zip(old, new, strict=True))
    if isinstance(old, Mapping):
        return set(old) == set(new) and all(_unchanged(old[key], new[key]) for key in old)
    if type(old).__name__ == "Generator" or callable(old) or isinstance(old, Built | Kept):
        return True
    return type(old) is type(new) and (old == new or old != old)

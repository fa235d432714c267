"""The cases of an exercise with the reference's answers: worked out once for a whole class.

Only the trusted side ever holds this. A student's function never gets the originals: every call works on copies, and
the reference's answers are only compared with. Cases whose functions could remember something from one answer to the
next are made anew each time.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import CellType, FunctionType
from typing import Any

import numpy as np

from autograder.calls import Outcome
from autograder.exercise import Case, Direction, Exercise
from autograder.judge.answer import apply_observed, observer_of
from autograder.judge.cases import hidden_cases, hidden_generator, visible_cases, visible_generator
from autograder.judge.compare import precision
from autograder.judge.devices import case_on_device
from autograder.judge.sizes import UNKNOWN, allowed_bytes
from autograder.judge.tensors import is_array

__all__ = ["Growing", "Prepared", "Ready", "prepared"]

_MOST = 64
"""How many exercises are kept: more than any one assignment has."""
_SIZES = ("small", "medium", "large")
_CONSTANTS = (bool, int, float, complex, str, bytes, type(None), np.generic)


class Ready:
    """A case on a device."""

    def __init__(self, exercise: Exercise, case: Case, device: str = "cpu") -> None:
        self.case = case
        self.on_device = case_on_device(case, device)
        self.through = observer_of(exercise, case)
        self.precision = precision((case.args, case.kwargs))
        self._exercise = exercise

    @cached_property
    def expected(self) -> Outcome:
        """What the reference returns; an empty outcome where many answers are right.

        Raises:
            RuntimeError: the reference raises an exception.
        """
        exercise = self._exercise
        if exercise.accepts is not None:
            return Outcome()
        there = self.on_device
        expected = apply_observed(exercise, exercise.reference, self.case, there.args, there.kwargs)
        if expected.raised is not None:
            raise RuntimeError(f"the reference of {exercise.id} raised {expected.raised} on case {self.case.name!r}")
        return expected

    @cached_property
    def most(self) -> int:
        """How many bytes an answer may take; inputs that the call changed come back with it."""
        args, kwargs = self.on_device.args, self.on_device.kwargs
        unknown = UNKNOWN if self._exercise.accepts is not None or self.through is not None else 0
        return allowed_bytes(args, kwargs, self.expected.value) + unknown


class Growing:
    """The inputs along one direction of the rule `vectorised`, made when they are needed."""

    def __init__(self, exercise: Exercise, direction: Direction, seed: int, device: str) -> None:
        self.direction = direction
        self._exercise, self._seed, self._device = exercise, seed, device
        self._made: dict[tuple[int, int], Ready] = {}

    def ready(self, size: int, draw: int) -> Ready:
        """The input of a size, 0 to 2 for small to large; other numbers for each draw, so that no answer is known."""
        found = self._made.get((size, draw))
        if found is None:
            rng, growth = np.random.default_rng([self._seed, size, draw]), self._exercise.rules.vectorised
            assert growth is not None
            args = tuple(self.direction.inputs(rng, self.direction.sizes[size]))
            case = Case(f"a {_SIZES[size]} input", args, group=growth.group)
            found = self._made[size, draw] = Ready(self._exercise, case, self._device)
        return found


@dataclass(frozen=True)
class Prepared:
    """One exercise's cases for one secret, on one device."""

    exercise: Exercise
    secret: bytes | None
    device: str = "cpu"

    @cached_property
    def visible(self) -> tuple[Ready, ...]:
        """The cases that students see."""
        return tuple(Ready(self.exercise, case, self.device) for case in visible_cases(self.exercise))

    @property
    def expected_by_name(self) -> dict[str, Outcome]:
        """The reference's answers to the visible cases."""
        return {ready.case.name: ready.expected for ready in self.visible}

    @cached_property
    def hidden(self) -> tuple[Ready, ...]:
        """The cases that only the grader uses; none without a secret."""
        if self.secret is None:
            return ()
        return tuple(Ready(self.exercise, case, self.device) for case in hidden_cases(self.exercise, self.secret))

    @cached_property
    def growth(self) -> tuple[Growing, ...]:
        """The inputs of the rule `vectorised`, for each direction in which they grow; none without that rule."""
        growth, secret = self.exercise.rules.vectorised, self.secret
        if growth is None:
            return ()
        rng = visible_generator(self.exercise) if secret is None else hidden_generator(self.exercise, secret)
        return tuple(
            Growing(self.exercise, direction, int(rng.integers(2**62)), self.device) for direction in growth.directions
        )

    @property
    def remembers_nothing(self) -> bool:
        """Whether one answer's calls leave no trace for the next: every function in a case is plain."""
        cases = [*self.visible, *self.hidden, *(growing.ready(0, 0) for growing in self.growth)]
        return all(
            _is_plain(function) for ready in cases for function in _functions(ready.case.args, ready.case.kwargs)
        )


_kept: OrderedDict[tuple[int, bytes, str], Prepared] = OrderedDict()


def prepared(exercise: Exercise, secret: bytes | None, device: str = "cpu") -> Prepared:
    """An exercise's cases; with a secret, that is in a grader, the same ones for every answer."""
    if secret is None:
        return Prepared(exercise, None, device)
    key = id(exercise), secret, device  # the cached entry holds the exercise, so its id() is not reused
    found = _kept.pop(key, None)
    if found is None:
        found = Prepared(exercise, secret, device)
        if not found.remembers_nothing:
            return found
    _kept[key] = found
    while len(_kept) > _MOST:
        _kept.popitem(last=False)
    return found


def _functions(*values: Any) -> Iterator[Any]:
    for value in values:
        if isinstance(value, (list, tuple)):
            yield from _functions(*value)
        elif isinstance(value, Mapping):
            yield from _functions(*value.values())
        elif callable(value) and not is_array(value):
            yield value


def _is_plain(function: Any) -> bool:
    """Whether it is a Python function that holds nothing but constants and arrays."""
    if type(function) is not FunctionType:
        return False
    held = [*map(_content, function.__closure__ or ()), *(function.__defaults__ or ())]
    held += [*(function.__kwdefaults__ or {}).values(), *vars(function).values()]
    return all(is_array(value) or isinstance(value, _CONSTANTS) for value in held)


def _content(cell: CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # the name is not bound yet
        return cell

"""What the rule `vectorised` compares with: processor time of the reference and of a loop, on this machine.

Both run in the judge's own process on the inputs that a student's function gets. How the time grows from the small
input to a larger one counts, because what is the same at every size says nothing about a loop.
"""

from __future__ import annotations

import gc
import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any
from weakref import WeakKeyDictionary

from autograder.exercise import Exercise
from autograder.judge.answer import observed
from autograder.judge.apply import fresh
from autograder.judge.devices import on_host_device
from autograder.judge.prepared import Growing
from autograder.judge.tensors import is_array, is_tensor

__all__ = ["LARGE", "MEDIUM", "SMALL", "Pace", "leaves", "pace_of"]

SMALL, MEDIUM, LARGE = range(3)
ROUNDS = 4
LOOP_ROUNDS = 2
SECONDS_PER_BYTE = 5e-10
"""What the wire costs a student's process; the reference and the loop do not pay it."""


class Pace:
    """How processor time grows from the small input to a larger one; measured when it is needed, then kept."""

    def __init__(self, exercise: Exercise, growing: Growing) -> None:
        self._exercise, self._growing = exercise, growing
        self._seconds: dict[int, float] = {}
        self._carried: dict[int, int] = {}
        self._loop = cache(self._measure_loop)

    def arrays(self, size: int) -> float:
        """Seconds more than on the small input, working on whole arrays as the reference does."""
        (few, carried), (many, carried_more) = self._reference(SMALL), self._reference(size)
        return max(0.0, many - few) + SECONDS_PER_BYTE * max(1, carried_more - carried)

    def loop(self, size: int) -> float:
        """Seconds more than on the small input for a loop over what grows."""
        return max(self.arrays(size), self._loop(size) - self._loop(SMALL))

    def middle(self, size: int) -> float:
        """As many times what arrays take as it fits into what a loop takes."""
        return math.sqrt(self.arrays(size) * self.loop(size))

    def refresh(self) -> None:
        """Measures the reference once more: a machine that was slow the first time does not make loops look good."""
        for size, seconds in self._seconds.items():
            again, _ = self._quickest(self._exercise.reference, size, 1, [])
            self._seconds[size] = min(seconds, again)

    def _reference(self, size: int) -> tuple[float, int]:
        """Quickest of several calls, and the bytes that a student's process receives and sends for the same call."""
        if size not in self._seconds:
            carried: list[int] = []
            self._seconds[size], value = self._quickest(self._exercise.reference, size, ROUNDS, carried)
            args = self._growing.ready(size, 0).on_device.args
            self._carried[size] = _bytes((args, value)) + max(carried, default=0)
        return self._seconds[size], self._carried[size]

    def _measure_loop(self, size: int) -> float:
        growth = self._exercise.rules.vectorised
        assert growth is not None
        return self._quickest(growth.loop, size, LOOP_ROUNDS, [])[0]

    def _quickest(self, function: Callable[..., Any], size: int, rounds: int, carried: list[int]) -> tuple[float, Any]:
        """Also notes what the functions among the arguments were given and gave, in bytes."""
        quickest, value = math.inf, None
        for draw in range(rounds):
            case = self._growing.ready(size, draw).on_device
            args, run = _weighed(fresh(case.args), carried), observed(self._exercise, function, case)
            with _uncollected():
                started = time.process_time()
                value = on_host_device(run(*args))
                quickest = min(quickest, time.process_time() - started)
        return quickest, value


@contextmanager
def _uncollected() -> Iterator[None]:
    """Inside, no garbage is collected: in the judge's large process that would cost a loop far more than the loop."""
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()


_paces: WeakKeyDictionary[Growing, Pace] = WeakKeyDictionary()


def pace_of(exercise: Exercise, growing: Growing) -> Pace:
    """The pace on these inputs, measured once for a whole class."""
    found = _paces.get(growing)
    if found is None:
        found = _paces[growing] = Pace(exercise, growing)
    return found


def leaves(value: Any) -> Iterator[Any]:
    """The arrays and tensors in a value, in order."""
    if is_array(value):
        yield value
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from leaves(item)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from leaves(item)


def _bytes(value: Any) -> int:
    return sum(
        int(leaf.numel() * leaf.element_size()) if is_tensor(leaf) else int(leaf.nbytes) for leaf in leaves(value)
    )


def _weighed(args: tuple[Any, ...], carried: list[int]) -> tuple[Any, ...]:
    """The arguments, with functions that note the bytes of each call: a student's process reaches them by wire."""

    def weighed(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any, **named: Any) -> Any:
            value = function(*given, **named)
            carried.append(_bytes((given, named, value)))
            return value

        return call

    return tuple(weighed(each) if callable(each) and not is_array(each) else each for each in args)

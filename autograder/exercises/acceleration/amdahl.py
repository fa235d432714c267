"""How many times faster `workers` are than one, if `fraction` of the work can be shared (Amdahl, 1967)."""

from __future__ import annotations

from collections.abc import Iterator

from autograder.exercise import Case, Tolerance
from autograder.exercises.acceleration.inputs import Rng
from autograder.exercises.awkward import RELATIVE
from autograder.exercises.declare import Asks, hidden, mistake, right, visible
from course_lib import acceleration

ASKS = Asks(
    acceleration.amdahl,
    signature="amdahl(fraction, workers) -> float",
    points={"basics": 1},
    hints=(
        "Say one worker needs the time 1. How long does the part take now that cannot be shared, and how long the "
        "rest?",
        "The serial part takes as long as ever; the parallel part is divided by the workers. The speedup is the old "
        "time over the sum of the two.",
        "The new time is `(1 - fraction) + fraction / workers`. Divide 1 by it.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


@visible
def visible_cases(rng: Rng) -> Iterator[Case]:
    yield Case("nine tenths on ten", (0.9, 10))
    yield Case("half on two", (0.5, 2))
    yield Case("all on four", (1.0, 4))


@hidden
def hidden_cases(rng: Rng) -> Iterator[Case]:
    yield Case("nothing to share", (0.0, 8))
    yield Case("one worker", (0.7, 1))
    yield Case("nearly nothing to share", (9e-13, 4), tolerance=Tolerance(relative=1e-14, absolute=0.0))
    for fraction in (5e-7, 5e-4):
        yield Case(f"{fraction} to share", (fraction, 1000), tolerance=RELATIVE)
    yield Case("all on ten billion", (1.0, 10**10))
    for number in range(2):
        yield Case(f"other numbers {number + 1}", (float(rng.uniform(0.1, 0.99)), int(rng.integers(3, 1000))))


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(fraction, workers):
    hour = 60.0
    new = hour * (1 - fraction) + hour * fraction / workers
    return hour / new


@right("other formula")
def other_formula(fraction, workers):
    return workers / (workers - fraction * (workers - 1))


# --- mistakes -----------------------------------------------------------------------------------------------


@mistake
def serial_for_parallel(fraction, workers):
    """Here `fraction` is treated as the part that cannot be shared. It is the parallel part: it shrinks to fraction /
    workers of the time, and 1 - fraction stays."""
    return 1 / (fraction + (1 - fraction) / workers)


@mistake
def everything_shared(fraction, workers):
    """This is the speedup if all of the work could be shared. The part 1 - fraction takes as long as ever."""
    return float(workers)


@mistake
def time_for_speedup(fraction, workers):
    """This is the new time as a share of the old one. The speedup is its reciprocal: old time over new time."""
    return (1 - fraction) + fraction / workers


@mistake
def parallel_part_alone(fraction, workers):
    """The serial part is missing from the denominator: the new time is (1 - fraction) + fraction / workers."""
    return workers / fraction if fraction else 1.0

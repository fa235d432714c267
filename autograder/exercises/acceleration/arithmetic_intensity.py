"""Floating-point operations per byte moved; a multiply-accumulate is two operations."""

from __future__ import annotations

from collections.abc import Iterator

from autograder.exercise import Case
from autograder.exercises.acceleration.inputs import Rng
from autograder.exercises.awkward import RELATIVE
from autograder.exercises.declare import Asks, hidden, mistake, right, right_text, visible
from course_lib import acceleration

ASKS = Asks(
    acceleration.arithmetic_intensity,
    signature="arithmetic_intensity(macs, bytes) -> float",
    points={"basics": 1},
    hints=(
        "How many floating-point operations does one multiply-accumulate make?",
        "Operations divided by bytes. Each MAC is a multiplication and an addition, so there are twice as many "
        "operations as MACs.",
        "The numerator is `2 * macs`, the denominator `bytes`. Use `/`, not `//`.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


@visible
def visible_cases(rng: Rng) -> Iterator[Case]:
    yield Case("100 MACs, 50 bytes", (100, 50))
    yield Case("few MACs, many bytes", (2410, 9640))


@hidden
def hidden_cases(rng: Rng) -> Iterator[Case]:
    for power in (4, 7, 13):
        yield Case(f"{power} powers of ten apart", (3, 7 * 10**power), tolerance=RELATIVE)
    yield Case("many MACs, few bytes", (10**12, 7))
    for number in range(3):
        yield Case(f"other numbers {number + 1}", (int(rng.integers(1, 10**9)), int(rng.integers(1, 10**7))))


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(macs, bytes):
    flops = macs + macs
    return flops / bytes


other_formula = right_text(
    "other formula",
    """
arithmetic_intensity = lambda macs, bytes: macs / (bytes / 2)
""",
)


# --- mistakes -----------------------------------------------------------------------------------------------


@mistake
def macs_a_byte(macs, bytes):
    """These are multiply-accumulates per byte. Each is two operations, a multiplication and an addition."""
    return macs / bytes


@mistake
def bytes_a_flop(macs, bytes):
    """This is upside down: bytes per operation. Expected: operations per byte."""
    return bytes / (2 * macs)


@mistake
def half_a_mac(macs, bytes):
    """The 2 is on the wrong side: a multiply-accumulate is two operations, so divide 2 macs by the bytes."""
    return macs / (2 * bytes)

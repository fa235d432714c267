"""How often the best receiver misreads a symbol: the noise has to cross the line to one of two neighbours."""

from __future__ import annotations

import math

import numpy as np

from autograder.exercise import Case, Tolerance
from autograder.exercises.complex_nn.inputs import Cases
from autograder.exercises.declare import Asks, hidden, mistake, right, right_text, slip, visible
from course_lib import complex_nn

ASKS = Asks(
    complex_nn.psk_error_rate,
    signature="psk_error_rate(order, snr_db) -> float",
    points={"basics": 1},
    tolerance=Tolerance(relative=1e-6, absolute=1e-12),
    hints=(
        "How far is a symbol from the line halfway to its neighbour? And how many neighbours are there when there "
        "are two symbols?",
        "Turn decibels into a ratio. In units of the noise, the line is sqrt(2 snr) sin(pi / M) away, and Q of that "
        "is the chance to cross it. There are two such lines, or one if M = 2.",
        "`snr = 10 ** (snr_db / 10)`, `x = math.sqrt(2 * snr) * math.sin(math.pi / order)`, and Q(x) is "
        "`math.erfc(x / math.sqrt(2)) / 2`. Multiply by 2, or by 1 if `order == 2`.",
    ),
)


SMALL = Tolerance(relative=1e-6, absolute=0.0)
"""For rates far below 1e-12."""


# --- cases ---------------------------------------------------------------------------------------------------


@visible
def visible_cases(rng: np.random.Generator) -> Cases:
    """Small tables by hand."""
    yield Case("two symbols, 0 dB", (2, 0.0))
    yield Case("four symbols, 10 dB", (4, 10.0))
    yield Case("eight symbols, 12 dB", (8, 12.0))


@hidden
def hidden_cases(rng: np.random.Generator) -> Cases:
    """Other orders and ratios."""
    for order in (2, 3, 4, 16):
        yield Case(f"order {order}", (order, round(float(rng.uniform(3, 15)), 2)))
    yield Case("below 0 dB", (4, -3.0))
    yield Case("hardly any error", (2, 13.0))
    for order, snr_db in ((2, 17.0), (4, 22.0)):
        yield Case(f"far fewer errors, order {order}", (order, snr_db), tolerance=SMALL)
    for near in (9e-13, 5e-7, 5e-4):
        yield Case(f"{near} dB", (2, near), tolerance=Tolerance(relative=3e-14, absolute=0.0))


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(order, snr_db):
    snr = 10 ** (snr_db / 10)
    beyond = math.erfc(snr**0.5 * math.sin(math.pi / order)) / 2
    return beyond if order == 2 else beyond + beyond


other_formula = right_text(
    "other formula",
    """
import math

def psk_error_rate(order, snr_db):
    half = 0.5 * math.erfc(10 ** (snr_db / 20) * math.sin(math.pi / order))
    return (order > 2) * half + half
""",
)


# --- mistakes -----------------------------------------------------------------------------------------------


def answer(order, snr_db):
    import math

    distance = math.sqrt(2 * 10 ** (snr_db / 10)) * math.sin(math.pi / order)
    return math.erfc(distance / math.sqrt(2)) * (0.5 if order == 2 else 1)


@mistake
def rate_one_neighbour(order, snr_db):
    """This is half of the rate: a symbol has a neighbour on either side, and the noise may push it to either. Only with
    two symbols is there just one neighbour."""
    import math

    distance = math.sqrt(2 * 10 ** (snr_db / 10)) * math.sin(math.pi / order)
    return math.erfc(distance / math.sqrt(2)) / 2


rate_two_neighbours = slip(
    rate_one_neighbour,
    "math.erfc(distance / math.sqrt(2)) / 2",
    "math.erfc(distance / math.sqrt(2))",
    says="For two symbols the rate is twice as large as it should be: they have only one neighbour, each other. With "
    "three or more there are two.",
)


rate_erfc = slip(
    rate_one_neighbour,
    "math.erfc(distance / math.sqrt(2)) / 2",
    "math.erfc(distance) * (1 if order == 2 else 2)",
    says="erfc was used as Q. The two differ: Q(x) = erfc(x / sqrt(2)) / 2.",
)


rate_decibels = slip(
    answer,
    "10 ** (snr_db / 10)",
    "abs(snr_db)",
    says="The decibels went into the formula as they are. Convert them to a ratio first: 10^(snr_db / 10).",
)


rate_without_two = slip(
    answer,
    "2 * 10 ** (snr_db / 10)",
    "10 ** (snr_db / 10)",
    says="The 2 under the root is missing. Only half of the noise's power points towards the neighbour: sqrt(2 "
    "snr) sin(pi / M).",
)


rate_full_angle = slip(
    answer,
    "math.pi",
    "2 * math.pi",
    says="The sine has the angle 2 pi / M, from symbol to symbol. The line between them is only half as far: "
    "sin(pi / M).",
)

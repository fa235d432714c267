"""The sparsity after so many steps: it rises fast at first, then ever more slowly (Zhu and Gupta, 2018)."""

from __future__ import annotations

import numpy as np

from autograder.exercise import Case
from autograder.exercises.awkward import magnitudes
from autograder.exercises.declare import Asks, hidden, mistake, right, visible
from autograder.exercises.pruning.inputs import Cases
from course_lib import pruning

ASKS = Asks(
    pruning.cubic_schedule,
    signature="cubic_schedule(step, start, end, initial, final) -> float",
    points={"basics": 1, "corners": 1},
    hints=(
        "Which share of the way is done at this step? What is the least and the most that it may be?",
        "Limit the share of the way to 0 ... 1. What is missing to the final sparsity shrinks with the third power "
        "of the way that is left.",
        "`done` is `(step - start) / (end - start)`, cut at 0 and 1. The sparsity is `final + (initial - final) * "
        "(1 - done) ** 3`.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


@visible
def visible_cases(rng: np.random.Generator) -> Cases:
    """By hand, at both ends, and beyond them."""
    yield Case("half of the way", (50, 0, 100, 0.0, 0.8))
    yield Case("a quarter of the way", (35, 10, 110, 0.2, 0.9))
    yield Case("at the start", (10, 10, 60, 0.3, 0.9))
    yield Case("at the end", (60, 10, 60, 0.3, 0.9))
    yield Case("before the start", (4, 10, 60, 0.3, 0.9), group="corners")
    yield Case("after the end", (100, 10, 60, 0.3, 0.9), group="corners")


@hidden
def hidden_cases(rng: np.random.Generator) -> Cases:
    """Other places."""
    for name, step in (("early", 21), ("in the middle", 33), ("late", 47)):
        yield Case(name, (step, 20, 50, float(rng.uniform(0.05, 0.3)), float(rng.uniform(0.7, 1))))
    yield from magnitudes(lambda scale: (35, 20, 50, scale, 3 * scale), scales=(1e-13, 1e-7, 1e-4))
    yield Case("long before the start", (0, 200, 300, 0.15, 0.7), group="corners")
    yield Case("long after the end", (5000, 200, 300, 0.15, 0.7), group="corners")
    yield Case("one step", (1, 0, 1, 0.1, 0.6), group="corners")


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(step, start, end, initial, final):
    if step <= start:
        return initial
    if step >= end:
        return final
    left = (end - step) / (end - start)
    return final - (final - initial) * left * left * left


@right("other formula")
def other_formula(step, start, end, initial, final):
    import numpy as np

    t = np.clip((step - start) / (end - start), 0, 1)
    return initial + (final - initial) * (3 * t - 3 * t**2 + t**3)


# --- mistakes -----------------------------------------------------------------------------------------------


@mistake
def schedule_linear(step, start, end, initial, final):
    """This rises along a straight line. The cubic one removes most weights early, while many of them are useless: the
    share of the way that is left enters with its third power."""
    done = min(max((step - start) / (end - start), 0.0), 1.0)
    return initial + (final - initial) * done


@mistake
def schedule_slow_start(step, start, end, initial, final):
    """Yours is slow at first and steep at the end. It has to be the other way round: 1 - (1 - done)^3, not done^3."""
    done = min(max((step - start) / (end - start), 0.0), 1.0)
    return initial + (final - initial) * done**3


@mistake
def schedule_square(step, start, end, initial, final):
    """The share of the way that is left enters squared. The exercise asks for its third power."""
    done = min(max((step - start) / (end - start), 0.0), 1.0)
    return final + (initial - final) * (1 - done) ** 2


@mistake
def schedule_unlimited(step, start, end, initial, final):
    """Outside of start and end your curve goes on. Before the start it stays at initial, after the end at final."""
    done = (step - start) / (end - start)
    return final + (initial - final) * (1 - done) ** 3


@mistake
def schedule_from_zero(step, start, end, initial, final):
    """This begins at 0. It begins at `initial`, which need not be 0: final + (initial - final) * left^3."""
    done = min(max((step - start) / (end - start), 0.0), 1.0)
    return final * (1 - (1 - done) ** 3)


@mistake
def schedule_ignores_start(step, start, end, initial, final):
    """You divided the step by the end. The way begins at `start`: (step - start) / (end - start) of it is done."""
    done = min(max(step / end, 0.0), 1.0)
    return final + (initial - final) * (1 - done) ** 3

"""Applies a function that takes a batch to many single examples, in one call."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from autograder.exercise import Case
from autograder.exercises.acceleration import observers
from autograder.exercises.acceleration.inputs import Rng, randn
from autograder.exercises.awkward import magnitudes, twice
from autograder.exercises.declare import Asks, hidden, mistake, right, right_text, visible
from course_lib import acceleration

ASKS = Asks(
    acceleration.batched,
    signature="batched(fn, xs [n tensors]) -> [n tensors]",
    points={"basics": 1},
    through=observers.on_a_stack,
    hints=(
        "How do n tensors of shape (3,) become one of shape (n, 3)? And how does it come apart again?",
        "Give the examples a new first axis, call the function once on all of them, and take its result apart along "
        "that axis.",
        "`torch.stack` makes the batch for the one call of `fn`. `.unbind()` takes the result apart; make a list of "
        "it.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


@visible
def visible_cases(rng: Rng) -> Iterator[Case]:
    yield Case("two examples", (randn(rng, 2, 3), [randn(rng, 3), randn(rng, 3)]))
    yield Case("five examples", (randn(rng, 3, 4), [randn(rng, 4) for _ in range(5)]))


@hidden
def hidden_cases(rng: Rng) -> Iterator[Case]:
    yield Case("as many examples as features", (randn(rng, 4, 6), [randn(rng, 6) for _ in range(6)]))
    yield Case("one example", (randn(rng, 4, 3), [randn(rng, 3)]))
    yield Case("one feature", (randn(rng, 4, 1), [randn(rng, 1) for _ in range(5)]))
    yield from twice(lambda: (randn(rng, 3, 4), [randn(rng, 4) for _ in range(3)]))
    yield from magnitudes(lambda scale: (randn(rng, 3, 4), [scale * randn(rng, 4) for _ in range(3)]))
    single = torch.float32
    yield Case("matrices", (randn(rng, 2, 3, dtype=single), [randn(rng, 4, 3, dtype=single) for _ in range(7)]))


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(fn, xs):
    out = fn(torch.cat([x[None] for x in xs]))
    return [out[i] for i in range(len(xs))]


other_formula = right_text(
    "other formula",
    """
batched = lambda fn, xs: fn(torch.stack(tuple(xs), 0))
""",
)


# --- mistakes -----------------------------------------------------------------------------------------------


@mistake
def one_call_each(fn, xs):
    """The results are right, but fn is called once for every example: each call pays the overhead again. Stack the
    examples and call fn once."""
    return [fn(x[None])[0] for x in xs]


@mistake
def glued_end_to_end(fn, xs):
    """torch.cat glues the examples together end to end, along an axis they already have. A batch needs a new axis in
    front: torch.stack."""
    return fn(torch.cat(list(xs)))


@mistake
def stacked_behind(fn, xs):
    """The new axis comes last. fn expects the examples along the first axis: torch.stack(xs, dim=0)."""
    return fn(torch.stack(list(xs), dim=-1))

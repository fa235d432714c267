"""Every worker gets the sum over all workers, chunk by chunk around a ring (Patarasuk and Yuan, 2009)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from autograder.exercise import Case
from autograder.exercises.acceleration.inputs import Rng, randn
from autograder.exercises.awkward import RELATIVE, twice
from autograder.exercises.declare import Asks, hidden, mistake, right, slip, visible
from course_lib import acceleration

ASKS = Asks(
    acceleration.ring_allreduce,
    signature="ring_allreduce(chunks[worker][chunk]) -> (chunks, steps)",
    points={"basics": 2, "uneven": 1},
    hints=(
        "After how many steps has a chunk met all other workers? And who holds the complete sum of it then?",
        "Two rounds of P - 1 steps. In each step every worker sends one chunk to the right, all at once. In the "
        "first round the receiver adds it, in the second it replaces its own. Take all messages before you deliver "
        "any.",
        "In step `s` worker `p` sends chunk `(p - s) % P` to worker `(p + 1) % P`; in the second round chunk `(p + "
        "1 - s) % P`. Collect clones of all messages first. Work on clones of `chunks`, too; the steps are `2 * (P "
        "- 1)`.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


def _ring(rng: Rng, workers: int, size: int, uneven: bool = False, dtype: torch.dtype = torch.float64) -> Any:
    sizes = [size + (2 * chunk if uneven else 0) for chunk in range(workers)]
    return [[randn(rng, each, dtype=dtype) for each in sizes] for _ in range(workers)]


@visible
def visible_cases(rng: Rng) -> Iterator[Case]:
    two = [[torch.tensor([1.0]), torch.tensor([2.0])], [torch.tensor([10.0]), torch.tensor([20.0])]]
    yield Case("two workers, one number per chunk", (two,))
    yield Case("three workers", (_ring(rng, 3, 2),))
    yield Case("chunks of different sizes", (_ring(rng, 3, 1, uneven=True),), group="uneven")


@hidden
def hidden_cases(rng: Rng) -> Iterator[Case]:
    yield Case("five workers", (_ring(rng, 5, 3),))
    yield Case("float32", (_ring(rng, 4, 2, dtype=torch.float32),))
    yield from twice(lambda: (_ring(rng, 3, 2),))
    for scale in (1e-14, 1e10):
        scaled = [[scale * each for each in own] for own in _ring(rng, 3, 2)]
        yield Case(f"numbers around {scale:g}", (scaled,), tolerance=RELATIVE)
    yield Case("uneven chunks, four workers", (_ring(rng, 4, 1, uneven=True),), group="uneven")
    yield Case("one worker alone", (_ring(rng, 1, 4),), group="uneven")


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(chunks):
    workers = len(chunks)
    mine = [[c * 1 for c in own] for own in chunks]
    steps = 0
    for phase in ("add", "copy"):
        for step in range(workers - 1):
            new = [list(own) for own in mine]
            for worker in range(workers):
                left = (worker - 1) % workers
                chunk = (left - step + (phase == "copy")) % workers
                new[worker][chunk] = mine[left][chunk] + (mine[worker][chunk] if phase == "add" else 0)
            mine = new
            steps += 1
    return mine, steps


@right("other formula")
def other_formula(chunks):
    P = len(chunks)
    sums = [torch.stack(list(column)).sum(dim=0) for column in zip(*chunks)]
    return [[each.clone() for each in sums] for _ in chunks], 2 * (P - 1)


# --- mistakes -----------------------------------------------------------------------------------------------


@mistake
def half_way_round(chunks):
    """This stops halfway: every worker holds one complete sum, but not the others. Another P - 1 steps carry the sums
    around."""
    P = len(chunks)
    held = [[chunk.clone() for chunk in own] for own in chunks]
    for step in range(P - 1):
        sent = [held[p][(p - step) % P].clone() for p in range(P)]
        for p in range(P):
            held[(p + 1) % P][(p - step) % P] += sent[p]
    return held, P - 1


@mistake
def mean_for_sum(chunks):
    """These are means over the workers. The exercise asks for sums: do not divide by the number of workers."""
    P = len(chunks)
    sums = [sum(own[c] for own in chunks) / P for c in range(P)]
    return [[chunk.clone() for chunk in sums] for _ in range(P)], 2 * (P - 1)


a_step_too_many = slip(
    mean_for_sum,
    ("sum(own[c] for own in chunks) / P", "sum(own[c] for own in chunks)"),
    ("2 * (P - 1)", "2 * P"),
    says="The sums are right, but 2 P steps are two too many: each half is done after P - 1, when every chunk has "
    "visited all other workers.",
)


everyone_to_everyone = slip(
    a_step_too_many,
    "2 * P",
    "P * (P - 1)",
    says="The sums are right, but P (P - 1) counts the messages as if they were sent one after another. In a ring "
    "all workers send at the same time, and that is one step.",
)


@mistake
def sums_in_place(chunks):
    """The sums are right, but they are written into the chunks that were passed in. Work on clones: another worker may
    still need the old numbers."""
    P = len(chunks)
    for c in range(P):
        for own in chunks[1:]:
            chunks[0][c] += own[c]
        for own in chunks[1:]:
            own[c].copy_(chunks[0][c])
    return [list(own) for own in chunks], 2 * (P - 1)

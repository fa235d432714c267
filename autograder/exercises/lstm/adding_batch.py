"""Sequences of random numbers of which two are marked, and the sum of those two."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from autograder.exercise import Case
from autograder.exercises.declare import Asks, accepts, hidden, mistake, right, slip, visible
from autograder.exercises.lstm import observers
from autograder.exercises.lstm.inputs import seeded
from course_lib import lstm

ASKS = Asks(
    lstm.adding_batch,
    signature="adding_batch(n, length, generator) -> (xs (N, T, 2), targets (N,))",
    points={"basics": 1, "corners": 1},
    hints=(
        "In which part of the sequence may each mark fall? And do all sequences of a batch have it in the same place?",
        "Uniform numbers in the first channel. For each sequence draw one place before the middle and one from it "
        "on, and write 1 there, with row numbers and places paired. The target sums number times mark.",
        "`xs[torch.arange(n), place, 1] = 1` with `place = torch.randint(0, length // 2, (n,), "
        "generator=generator)`, and once more from `length // 2` to `length`. Targets: `(xs[..., 0] * xs[..., "
        "1]).sum(dim=1)`.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


def _batch(name: str, n: int, length: int, rng: np.random.Generator, group: str = "basics") -> Case:
    return Case(name, (n, length, seeded(rng)), group=group)


def _batch_again(rng: np.random.Generator) -> Case:
    return Case("the generator alone decides", (3, 6, seeded(rng), seeded(rng)), through=observers.batch_again)


@visible
def visible_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Small ones to look at, a large one to count."""
    yield _batch("two sequences of six steps", 2, 6, rng)
    yield _batch("300 sequences of ten steps", 300, 10, rng)
    yield _batch_again(rng)
    yield _batch("an odd length", 200, 5, rng, "corners")
    yield _batch("the shortest length", 60, 2, rng, "corners")


@hidden
def hidden_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Other sizes."""
    yield _batch("1,000 sequences of 50 steps", 1000, 50, rng)
    yield _batch("400 sequences of four steps", 400, 4, rng)
    yield _batch_again(rng)
    yield _batch("one sequence", 1, 30, rng, "corners")
    yield _batch("length three", 300, 3, rng, "corners")


# --- the judge -----------------------------------------------------------------------------------------------


@accepts
def batch_accepts(case: Case, value: Any) -> str | None:
    """Judges the structure of a batch, and by frequency what is drawn."""
    if case.through is not None:  # what the observer saw; a dictionary of the student's own is no batch
        return _drawn_again(value)
    n, length = case.args[:2]
    if not isinstance(value, (list, tuple)) or len(value) != 2 or not all(isinstance(each, Tensor) for each in value):
        return "expected two tensors, xs and targets"
    xs, targets = value
    return _form(xs, targets, n, length) or _marks(xs, length) or _sums(xs, targets) or _spread(xs, n, length)


def _form(xs: Tensor, targets: Tensor, n: int, length: int) -> str | None:
    for name, each, shape in (("xs", xs, (n, length, 2)), ("targets", targets, (n,))):
        if tuple(each.shape) != shape:
            return f"{name} has shape {tuple(each.shape)}; expected {shape}"
        if each.dtype != torch.float32:
            return f"{name} has dtype {str(each.dtype).removeprefix('torch.')}; expected float32"
    return None


def _marks(xs: Tensor, length: int) -> str | None:
    marks, half = xs[..., 1], length // 2
    if not ((marks == 0) | (marks == 1)).all():
        return "xs[..., 1] holds numbers other than 0 and 1: it is the mark"
    for name, part in (("first", marks[:, :half]), ("second", marks[:, half:])):
        wrong = (part.sum(1) != 1).nonzero()
        if len(wrong):
            row = int(wrong[0])
            return f"sequence {row} has {int(part[row].sum())} marks in its {name} half; expected exactly one"
    if (xs[..., 0] < 0).any() or (xs[..., 0] > 1).any():
        return "xs[..., 0] holds numbers outside 0 to 1: draw them with torch.rand"
    return None


def _sums(xs: Tensor, targets: Tensor) -> str | None:
    wanted = (xs[..., 0] * xs[..., 1]).sum(1)
    wrong = ((targets - wanted).abs() > 1e-5).nonzero()
    if len(wrong):
        row = int(wrong[0])
        return (
            f"the marked numbers of sequence {row} add up to {float(wanted[row]):.4f}; "
            f"its target is {float(targets[row]):.4f}"
        )
    return None


def _spread(xs: Tensor, n: int, length: int) -> str | None:
    if n * length < 200:
        return None
    numbers, half = xs[..., 0].double().cpu(), length // 2
    if (
        abs(float(numbers.mean()) - 0.5) > 5 * 0.289 / np.sqrt(n * length)
        or len(np.unique(numbers.numpy())) < n * length / 2
    ):
        return "the numbers are not spread evenly over 0 to 1: draw every one of them with torch.rand"
    for name, places in (("first", xs[:, :half, 1]), ("second", xs[:, half:, 1])):
        count, chances = places.sum(0).cpu().numpy(), 1 / places.shape[1]
        if (np.abs(count / n - chances) > 5 * np.sqrt(chances * (1 - chances) / n) + 1 / n).any():
            return f"the mark of the {name} half does not fall on each of its steps equally often"
    return None


def _drawn_again(value: dict[str, Any]) -> str | None:
    first, again, other = (value[name] for name in ("first", "again", "other"))
    if not torch.equal(first, again):
        return "two generators in the same state gave different batches: pass the generator to every draw"
    if torch.equal(first, other):
        return "two different generators gave the same batch: draw from the generator that is passed in"
    return None


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(n, length, generator):
    where = generator.device
    xs, targets = [], []
    for _ in range(n):
        numbers = torch.rand(length, generator=generator, device=where)
        marks = torch.zeros(length, device=where)
        one = torch.randint(0, length // 2, (1,), generator=generator, device=where).item()
        two = torch.randint(length // 2, length, (1,), generator=generator, device=where).item()
        marks[one] = marks[two] = 1
        xs.append(torch.stack([numbers, marks], dim=-1))
        targets.append(numbers[one] + numbers[two])
    return torch.stack(xs), torch.stack(targets)


@right("other formula")
def other_formula(n, length, generator):
    # random scores: the largest of each half is marked
    xs = torch.rand(n, length, 2, generator=generator, device=generator.device)
    cut = length // 2
    places = torch.stack([xs[:, :cut, 1].argmax(1), cut + xs[:, cut:, 1].argmax(1)], dim=1)
    marks = torch.nn.functional.one_hot(places, length).sum(1).to(xs)
    xs = torch.stack([xs[..., 0], marks], dim=-1)
    return xs, torch.einsum("nt,nt->n", xs[..., 0], xs[..., 1])


# --- mistakes -----------------------------------------------------------------------------------------------


@mistake
def batch_marks_anywhere(n, length, generator):
    """Both marks were drawn from the whole sequence. They can fall on the same step; the exercise asks for one in the
    first half and one in the second."""
    xs = torch.zeros(n, length, 2)
    xs[..., 0] = torch.rand(n, length, generator=generator)
    for _ in range(2):
        xs[torch.arange(n), torch.randint(length, (n,), generator=generator), 1] = 1
    return xs, (xs[..., 0] * xs[..., 1]).sum(1)


@mistake
def batch_sums_everything(n, length, generator):
    """The target is the sum of all numbers. The exercise asks for the sum of the two that are marked."""
    xs, rows, half = torch.zeros(n, length, 2), torch.arange(n), length // 2
    xs[..., 0] = torch.rand(n, length, generator=generator)
    xs[rows, torch.randint(half, (n,), generator=generator), 1] = 1
    xs[rows, torch.randint(half, length, (n,), generator=generator), 1] = 1
    return xs, xs[..., 0].sum(1)


batch_target_column = slip(
    batch_sums_everything,
    "xs[..., 0].sum(1)",
    "(xs[..., 0] * xs[..., 1]).sum(1, keepdim=True)",
    says="The targets are a column, (N, 1). Expected: (N,), because a column and a row would broadcast to (N, N) in "
    "the loss.",
)


@mistake
def batch_same_places(n, length, generator):
    """All sequences of the batch have their marks at the same two steps. Draw new places for every sequence."""
    xs, half = torch.zeros(n, length, 2), length // 2
    xs[..., 0] = torch.rand(n, length, generator=generator)
    xs[:, int(torch.randint(half, (1,), generator=generator)), 1] = 1
    xs[:, int(torch.randint(half, length, (1,), generator=generator)), 1] = 1
    return xs, (xs[..., 0] * xs[..., 1]).sum(1)


def _draws_elsewhere(case: Case, value: Any) -> bool:
    """A right batch, but two runs from the same state of the generator differ."""
    if case.through is not None:
        return not torch.equal(value["first"], value["again"])
    return batch_accepts(case, value) is None


@mistake(shows=_draws_elsewhere)
def batch_from_the_global_generator(n, length, generator):
    """The numbers come from torch's global generator, so the same call gives another batch each time. Pass the one you
    were given to every draw: generator=generator."""
    xs, rows, half = torch.zeros(n, length, 2), torch.arange(n), length // 2
    xs[..., 0] = torch.rand(n, length)
    xs[rows, torch.randint(half, (n,)), 1] = 1
    xs[rows, torch.randint(half, length, (n,)), 1] = 1
    return xs, (xs[..., 0] * xs[..., 1]).sum(1)

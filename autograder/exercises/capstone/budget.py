"""The budgets, the networks that have to fit them, and what the judge observes when it runs a compressed one."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from autograder.exercise import Case
from autograder.exercises.capstone import plain
from course_lib import capstone
from course_lib.capstone import Budget
from course_lib.program import Program, ProgramError, from_plain, run

BUDGETS = {
    "digits": (Budget(1000, 20_000), Budget(500, 12_000), Budget(250, 6000)),
    "graph": (Budget(300, 800), Budget(150, 500), Budget(120, 400)),
}


@dataclass(frozen=True)
class Trained:
    """A network that the judge trained, with everything that only the judge may know.

    Attributes:
        numbers: the network's state, in order.
        task: with the labels of what is held out.
        accuracy: the share of held-out inputs that the network classifies correctly.
    """

    numbers: list[Tensor]
    task: capstone.Task
    accuracy: float


@dataclass(frozen=True)
class Known:
    """Which network a case is about, and how much accuracy may be lost, on average over the budgets.

    Attributes:
        lost: the most that may be lost; with `beyond`, what has to be won over the course's reference.
        measured: the budget whose network is measured for reports; None for none.
    """

    kind: str
    seed: int
    lost: float
    beyond: bool = False
    measured: int | None = None


@lru_cache(maxsize=12)
def trained(kind: str, seed: int) -> Trained:
    rng = np.random.default_rng(seed)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        task = capstone.digits_task(rng) if kind == "digits" else capstone.graph_task(rng)
        model = capstone.trained(kind, task, seed)
        with torch.no_grad():
            accuracy = float((model(task.held_out).argmax(dim=1) == task.labels).double().mean())
    finally:
        torch.set_num_threads(threads)
    return Trained([each.detach().clone() for each in model.state_dict().values()], task, accuracy)


def tensors(kind: str, task: capstone.Task) -> list[Tensor]:
    """What the student's function learns from: images and labels, or features, edges and labels."""
    return list(task.train) if kind == "digits" else [task.train.x, task.train.edge_index, task.train.y]


# --- what the judge observes ------------------------------------------------------------------------------

_STOPPED_AT = 20
"""A program is stopped at this many times its budget of multiply-accumulates."""
_MOST_BYTES = 1_000_000
"""Longer programs are not run."""


@dataclass(frozen=True)
class Observed:
    """What the judge observed when it ran the program for one budget.

    Attributes:
        problem: why it does not count, "" where it does.
        bytes: what it takes to write it down, without the skeleton.
        code: those of them that are not stored numbers.
        macs: for one example.
        accuracy: the share of held-out inputs that were classified correctly.
        reacts: whether the logits depend on the input at all.
        alone: whether the logits of one input are the same whatever else is in the batch.
        renamed: the accuracy if each class went by the number that its inputs get most often, one number for each.
        lowest: the share of held-out inputs whose smallest logit is that of their class.
    """

    problem: str = ""
    bytes: int = 0
    code: int = 0
    macs: float = 0.0
    accuracy: float = 0.0
    reacts: bool = True
    alone: bool = True
    renamed: float = 0.0
    lowest: float = 0.0

    def fits(self, budget: Budget) -> bool:
        """Whether it counts for this budget."""
        counts = not self.problem and self.reacts and self.alone
        return counts and self.bytes <= budget.bytes and self.macs <= budget.macs


_observed: dict[str, tuple[Observed, ...]] = {}


def programs(value: Any) -> list[Program | str]:
    """A program for each budget, or one sentence on why there is none."""
    found = value.get("programs") if isinstance(value, dict) else None
    return [_program(each) for each in found[:3]] if isinstance(found, list | tuple) else []


def _program(plain_one: Any) -> Program | str:
    if isinstance(plain_one, str):
        return plain_one[:300]
    try:
        program = from_plain(plain_one)
    except ProgramError as error:
        return str(error)
    return program if program.size <= _MOST_BYTES else f"its program has {program.size:,} bytes"


def observed(case: Case, value: Any) -> tuple[Observed, ...]:
    """What each returned program does on held-out inputs, one for each budget; the same ones are run only once."""
    known: Known = case.known
    found = programs(value)
    digest = hashlib.sha256(repr((known.kind, known.seed)).encode())
    for each in found:
        digest.update(each.encode() if isinstance(each, str) else b"".join((each.code, b"|", each.data)))
    key = digest.hexdigest()
    if key not in _observed:
        if len(_observed) > 50:
            _observed.clear()
        every = [*found, *["no network came back"] * 3][:3]
        _observed[key] = tuple(
            Observed(each) if isinstance(each, str) else _run(each, known, budget)
            for each, budget in zip(every, BUDGETS[known.kind], strict=True)
        )
    return _observed[key]


def _run(program: Program, known: Known, budget: Budget) -> Observed:
    made = trained(known.kind, known.seed)
    task = made.task
    each = len(task.labels) // len(task.batches)
    size = capstone.charged(program)
    found = Observed(bytes=size, code=max(0, size - len(program.data)))
    most = _STOPPED_AT * budget.macs * each
    try:
        results = [run(program, capstone.inputs_of(batch), most) for batch in task.batches]
        logits, macs = [one for one, _ in results], max(cost.macs for _, cost in results) / each
        found = replace(found, macs=macs)
        wanted = (each, len(made.numbers[-1]))
        if wrong := [tuple(one.shape) for one in logits if tuple(one.shape) != wanted]:
            return replace(found, problem=f"predict returns logits of shape {wrong[0]}; expected {wanted}")
        accuracy, renamed, lowest = _right(torch.cat(logits), task.labels)
        reacts = not torch.equal(logits[0], logits[1])
        found = replace(found, accuracy=accuracy, renamed=renamed, lowest=lowest, reacts=reacts)
        return replace(found, alone=_alone(program, task, logits[0], most)) if found.fits(budget) else found
    except ProgramError as error:
        return replace(found, problem=str(error))


def _right(logits: Tensor, labels: Tensor) -> tuple[float, float, float]:
    """The accuracy, and what it would be for other readings of the logits: see `renamed` and `lowest` of `Observed`."""
    chosen, classes = logits.argmax(dim=1), logits.shape[1]
    counts = torch.zeros(classes, classes).index_put((labels, chosen), torch.ones(len(labels)), accumulate=True)
    names = torch.arange(classes)
    for _ in range(classes):  # the pair that is seen most often first
        label, name = divmod(int(counts.argmax()), classes)
        names[label] = name
        counts[label], counts[:, name] = -1, -1
    found = [chosen == labels, chosen == names[labels], logits.argmin(dim=1) == labels]
    accuracy, renamed, lowest = (float(each.double().mean()) for each in found)
    return accuracy, renamed, lowest


def _alone(program: Program, task: capstone.Task, logits: Tensor, most: float) -> bool:
    """Whether an input gets the same logits in other company, in another order, and among copies of itself."""
    rng = np.random.default_rng(len(program.data))
    first, second = capstone.parts(task.batches[0]), capstone.parts(task.batches[1])
    count, size = len(first), len(logits) // len(first)
    order = rng.permutation(count)
    half = order[: count // 2]
    mixed = [(int(place), first[place]) for place in half] + [(-1, second[place]) for place in order[count // 2 :]]
    mixed = [mixed[place] for place in rng.permutation(count)]
    copies = [(int(place), first[place]) for place in rng.permutation(count)[:2] for _ in range(count // 2)]
    rows = logits.view(count, size, -1)
    limit = 2e-3 * float(logits.abs().max()) + 1e-4
    for company in (mixed, copies):
        turns = [rng.permutation(size) for _ in company]
        pieces = [_turned(piece, turn) for (_, piece), turn in zip(company, turns, strict=True)]
        again, _ = run(program, capstone.inputs_of(capstone.joined(pieces)), most)
        for (place, _), turn, got in zip(company, turns, again.view(count, size, -1), strict=True):
            if place >= 0 and not bool(((got - rows[place][torch.from_numpy(turn)]).abs() <= limit).all()):
                return False
    return True


def _turned(piece: Any, turn: Any) -> Any:
    """The same image, or the same part of a graph with its nodes in another order."""
    if isinstance(piece, Tensor):
        return piece
    place = torch.from_numpy(np.argsort(turn))
    turned = piece.clone()
    turned.x, turned.edge_index = piece.x[torch.from_numpy(turn)], place[piece.edge_index]
    return turned


# --- the area under the front ----------------------------------------------------------------------------


def reached(kind: str, found: Sequence[Observed]) -> float:
    """The mean, over the budgets, of the best accuracy of any network that fits the budget; 0 where none does."""
    best = [max([0.0, *(one.accuracy for one in found if one.fits(budget))]) for budget in BUDGETS[kind]]
    return sum(best) / len(best)


def over_budget(kind: str, found: Observed, budget: Budget) -> str:
    """How a model exceeds its budget; "" where it does not."""
    said = []
    if found.bytes > budget.bytes:
        code = f" ({found.code:,} of them for its code)" if found.code else ""
        said.append(f"it takes {found.bytes:,} bytes{code}, and {budget.bytes:,} are allowed")
    if found.macs > budget.macs:
        each = "image" if kind == "digits" else "node"
        said.append(f"it takes {found.macs:,.0f} multiply-accumulates per {each}, and {budget.macs:,} are allowed")
    return "over the budget: " + "; ".join(said) if said else ""


@lru_cache(maxsize=12)
def of_reference(kind: str, seed: int) -> tuple[capstone.Measured, ...]:
    """What the course's reference reaches on the same network, budget by budget."""
    made = trained(kind, seed)
    model = capstone.digits_cnn() if kind == "digits" else capstone.GCN()
    model.load_state_dict(dict(zip(model.state_dict(), made.numbers, strict=True)))
    data = made.task.train
    return tuple(capstone.measured(plain.compress(model.eval(), data, one), made.task) for one in BUDGETS[kind])


def reached_by_reference(kind: str, seed: int) -> float:
    """The course's reference, in the same measure as `reached`."""
    return reached(kind, [Observed("", one.bytes, 0, one.macs, one.accuracy) for one in of_reference(kind, seed)])


# --- which networks are asked for -------------------------------------------------------------------------

_TYPICAL = {"digits": (0.085, 0.13), "graph": (0.10, 0.16)}
"""The accuracy that the course's reference loses on a typical network, from the least to the most."""
_MOST_DRAWS = 12


def typical(kind: str, rng: np.random.Generator) -> int:
    """The seed of a network on which the reference is neither lucky nor unlucky, so that chance decides no points.

    How far a good answer is ahead of the reference varies from network to network by two or three points, most of it
    the reference's own luck; on some the reference is as good as anything.
    """
    least, most = _TYPICAL[kind]
    for _ in range(_MOST_DRAWS):
        seed = int(rng.integers(2**31))
        if least <= trained(kind, seed).accuracy - reached_by_reference(kind, seed) <= most:
            break
    return seed

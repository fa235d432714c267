"""The budgets, the networks that have to fit them, and what the judge observes when it runs a compressed one."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from autograder.exercise import Case
from course_lib import capstone
from course_lib.program import Program, ProgramError, code_bytes, from_plain, run, stored_bytes, unnamed_bytes

BUDGETS = {"digits": capstone.Budget(1000, 20_000), "graph": capstone.Budget(600, 1200)}


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
    """Which network a case is about, and how much accuracy may be lost."""

    kind: str
    seed: int
    lost: float
    measured: bool = False


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


def tensors(kind: str, data: Any, labels: bool = True) -> list[Tensor]:
    if kind == "digits":
        return list(data) if labels else [data]
    return [data.x, data.edge_index, *([data.y] if labels else [])]


def example_of(kind: str, made: Trained) -> list[Tensor]:
    """Inputs with the shapes of the held-out ones, from data that the student has."""
    learned = tensors(kind, made.task.train, labels=kind == "digits")
    return [learned[0][: len(made.task.labels)]] if kind == "digits" else learned


_MAX_LOST = 0.30
"""The most accuracy that any group allows to be lost."""


_STOPPED_AT = 20
"""A program is stopped at this many times its budget of multiply-accumulates."""


@dataclass(frozen=True)
class Observed:
    """What the judge observed when it ran a program.

    Attributes:
        problem: why it could not be run, "" where it could.
        bytes: of everything stored.
        unnamed: those of them that are not in `state`.
        code: those of them that count for numbers written into the code, and for its length.
        macs: for one example.
        accuracy: the share of held-out inputs that were classified correctly.
        reacts: whether the logits depend on the input at all.
    """

    problem: str = ""
    bytes: int = 0
    unnamed: int = 0
    code: int = 0
    macs: float = 0.0
    accuracy: float = 0.0
    reacts: bool = True


_observed: dict[str, Observed] = {}


def observed(case: Case, value: Any) -> Observed:
    """Runs the returned program on held-out inputs; the same program is run only once."""
    program, known = from_plain(value["program"]), case.known
    digest = hashlib.sha256(repr((known.kind, known.seed, program.constants, program.steps, program.output)).encode())
    for storage in program.storages:
        digest.update(storage.numpy().tobytes())
    key = digest.hexdigest()
    if key not in _observed:
        if len(_observed) > 50:
            _observed.clear()
        _observed[key] = _run(program, known)
    return _observed[key]


def _run(program: Program, known: Known) -> Observed:
    made = trained(known.kind, known.seed)
    labels, budget = made.task.labels, BUDGETS[known.kind]
    sizes = stored_bytes(program), unnamed_bytes(program), code_bytes(program)
    try:
        most = _STOPPED_AT * budget.macs * len(labels)
        logits, cost = run(program, tensors(known.kind, made.task.held_out, labels=False), most)
    except ProgramError as error:
        return Observed(str(error), *sizes)
    classes = len(made.numbers[-1])
    macs = cost.macs / len(labels)
    if tuple(logits.shape) != (len(labels), classes):
        problem = f"predict returns logits of shape {tuple(logits.shape)}; expected {(len(labels), classes)}"
        return Observed(problem, *sizes, macs)
    accuracy = float((logits.argmax(dim=1) == labels).double().mean())
    reacts = True
    if made.accuracy - accuracy > _MAX_LOST:
        other, _ = run(program, example_of(known.kind, made), most)
        reacts = not torch.equal(logits, other)
    return Observed("", *sizes, macs, accuracy, reacts)


def over_budget(kind: str, found: Observed) -> str:
    """How a model exceeds its budget; "" where it does not."""
    budget, said = BUDGETS[kind], []
    if found.bytes > budget.bytes:
        parts = {"outside state": found.unnamed, "for its code": found.code}
        hidden = ", ".join(f"{size:,} of them {where}" for where, size in parts.items() if size)
        hidden = f" ({hidden})" if hidden else ""
        said.append(f"it stores {found.bytes:,} bytes{hidden}, and {budget.bytes:,} are allowed")
    if found.macs > budget.macs:
        each = "image" if kind == "digits" else "node"
        said.append(f"it takes {found.macs:,.0f} multiply-accumulates per {each}, and {budget.macs:,} are allowed")
    return "over the budget: " + "; ".join(said) if said else ""


@lru_cache(maxsize=12)
def reached_by_reference(kind: str, seed: int) -> capstone.Measured:
    """What the reference reaches on the same network."""
    made = trained(kind, seed)
    model = capstone.digits_cnn() if kind == "digits" else capstone.GCN()
    model.load_state_dict(dict(zip(model.state_dict(), made.numbers, strict=True)))
    return capstone.measured(capstone.compress(model.eval(), made.task.train, BUDGETS[kind]), made.task)


def known_accuracy(case: Case) -> float:
    """The held-out accuracy of the network that a case gives."""
    return trained(case.known.kind, case.known.seed).accuracy

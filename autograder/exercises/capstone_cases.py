"""Cases of the capstone. The judge trains the networks, keeps the labels, and runs the recorded programs itself."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from autograder.exercise import Case
from course_lib import capstone
from course_lib.program import Program, ProgramError, code_bytes, from_plain, run, stored_bytes, unnamed_bytes

__all__ = [
    "BUDGETS",
    "GROUPS",
    "STEPS",
    "Looks",
    "accepts_compressed",
    "compress_hidden",
    "compress_visible",
    "front_hidden",
    "front_visible",
    "known_accuracy",
    "looks",
    "measures_compressed",
    "nobody_is_beaten",
    "pack_hidden",
    "pack_visible",
    "unpack_hidden",
    "unpack_visible",
]

# --- packing ----------------------------------------------------------------------------------------------


def _codes(rng: np.random.Generator, bits: int, *shape: int) -> Tensor:
    return torch.from_numpy(rng.integers(0, 2**bits, shape))


def pack_visible(rng: np.random.Generator) -> Iterator[Case]:
    """Codes that fill bytes, then codes that lie across two."""
    yield Case("two codes of 4 bits", (torch.tensor([1, 2]), 4))
    yield Case("eight bits", (torch.tensor([1, 0, 1, 1, 0, 0, 0, 1]), 1))
    yield Case("a matrix, 2 bits", (_codes(rng, 2, 3, 4), 2))
    yield Case("a byte that is not full", (torch.tensor([1, 2, 3]), 4))
    yield Case("three bits", (torch.tensor([1, 2, 3, 4, 5]), 3), group="across bytes")
    yield Case("five bits", (_codes(rng, 5, 9), 5), group="across bytes")


def pack_hidden(rng: np.random.Generator) -> Iterator[Case]:
    """All numbers of bits, other integers, no codes."""
    yield Case("eight bits each", (_codes(rng, 8, 7), 8))
    yield Case("codes of uint8", (_codes(rng, 4, 5, 5).to(torch.uint8), 4))
    yield Case("a tensor that is turned", (_codes(rng, 2, 4, 6).T, 2))
    yield Case("six bits", (_codes(rng, 6, 3, 5), 6), group="across bytes")
    yield Case("seven bits, uint8", (_codes(rng, 7, 11).to(torch.uint8), 7), group="across bytes")
    yield Case("nothing", (torch.zeros(0, dtype=torch.int64), 3), group="across bytes")


def _packed(case: Case) -> Case:
    codes, bits = case.args
    return Case(case.name, (capstone.pack(codes, bits), bits, codes.numel()), group=case.group)


def unpack_visible(rng: np.random.Generator) -> Iterator[Case]:
    """The other way round."""
    yield from map(_packed, pack_visible(rng))


def unpack_hidden(rng: np.random.Generator) -> Iterator[Case]:
    """All numbers of bits."""
    yield from map(_packed, pack_hidden(rng))


# --- the front --------------------------------------------------------------------------------------------


def _models(name: str, costs: list[float], scores: list[float], group: str = "basics") -> Case:
    return Case(name, (torch.tensor(costs), torch.tensor(scores)), group=group)


def front_visible(rng: np.random.Generator) -> Iterator[Case]:
    """Few models, then equal costs and equal scores."""
    yield _models("one model", [3.0], [0.5])
    yield _models("one is beaten", [1.0, 2.0, 3.0], [0.5, 0.4, 0.9])
    yield _models("unsorted", [900.0, 100.0, 400.0, 500.0], [0.97, 0.60, 0.95, 0.90])
    yield _models("the same cost", [2.0, 2.0, 1.0], [0.7, 0.9, 0.3], "ties")
    yield _models("the same score", [1.0, 2.0, 3.0], [0.8, 0.8, 0.9], "ties")


def front_hidden(rng: np.random.Generator) -> Iterator[Case]:
    """Many models, and doubles."""
    yield Case("forty models", (torch.from_numpy(rng.random(40)), torch.from_numpy(rng.random(40))))
    costs = torch.from_numpy(rng.permutation(12).astype(np.float64))
    yield Case("all on the front", (costs, costs.sqrt()))
    yield Case("only the cheapest", (costs, -costs))
    yield _models("doubles", [5.0, 1.0, 5.0, 1.0], [0.9, 0.2, 0.9, 0.2], "ties")
    coarse = torch.from_numpy(rng.integers(0, 6, (2, 30)).astype(np.float64))
    yield Case("many ties", (coarse[0], coarse[1]), group="ties")


def nobody_is_beaten(call: Any, rng: np.random.Generator) -> str | None:
    """Whatever the numbers are."""
    costs, scores = torch.from_numpy(rng.random(25)), torch.from_numpy(rng.random(25))
    chosen = call(costs, scores)
    for place in chosen:
        beaten = (costs < costs[place]) & (scores > scores[place])
        if beaten.any():
            return "a model on the front costs more than another one and scores less"
    return None


# --- compress ---------------------------------------------------------------------------------------------

BUDGETS = {"digits": capstone.Budget(1000, 20_000), "graph": capstone.Budget(600, 1200)}
STEPS = {"digits": (0.30, 0.15, 0.08, 0.04), "graph": (0.30, 0.15, 0.10, 0.06)}
"""The accuracy that may be lost, step by step. A graph of 480 nodes tells accuracies apart less finely."""
GROUPS = {
    f"{kind}: {f'{100 * lost:g} points lost' if number else 'within the budget'}": (kind, lost, points)
    for kind, steps in STEPS.items()
    for number, (lost, points) in enumerate(zip(steps, (2, 1, 1, 2), strict=True))
}
"""Kind of network, the accuracy that may be lost at most, and what that is worth."""
MOST_LOST = 0.30
_FAR_TOO_MUCH = 20
"""Times the budget: a program is not run to its end."""


@dataclass(frozen=True)
class Trained:
    """A network that the judge trained, with everything that only the judge may know.

    Attributes:
        numbers: the network's state, in order.
        task: with the labels of what is held out.
        right: the share of held-out labels that the network finds.
    """

    numbers: list[Tensor]
    task: capstone.Task
    right: float


@dataclass(frozen=True)
class Known:
    """Which network a case is about, and what may be lost."""

    kind: str
    seed: int
    lost: float
    measured: bool = False


@lru_cache(maxsize=12)
def _trained(kind: str, seed: int) -> Trained:
    rng = np.random.default_rng(seed)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        task = capstone.digits_task(rng) if kind == "digits" else capstone.graph_task(rng)
        model = capstone.trained(kind, task, seed)
        with torch.no_grad():
            right = float((model(task.held_out).argmax(dim=1) == task.labels).double().mean())
    finally:
        torch.set_num_threads(threads)
    return Trained([each.detach().clone() for each in model.state_dict().values()], task, right)


def _tensors(kind: str, data: Any, labels: bool = True) -> list[Tensor]:
    if kind == "digits":
        return list(data) if labels else [data]
    return [data.x, data.edge_index, *([data.y] if labels else [])]


def _example(kind: str, made: Trained) -> list[Tensor]:
    """Inputs of the shapes of what is held out, from what may be known."""
    learned = _tensors(kind, made.task.train, labels=kind == "digits")
    return [learned[0][: len(made.task.labels)]] if kind == "digits" else learned


def _compressions(rng: np.random.Generator, named: str, measured: bool = False) -> Iterator[Case]:
    for kind in BUDGETS:
        seed, again = int(rng.integers(2**31)), False
        made = _trained(kind, seed)
        learned, example = _tensors(kind, made.task.train), _example(kind, made)
        budget = (BUDGETS[kind].bytes, BUDGETS[kind].macs)
        for group, (of, lost, _) in GROUPS.items():
            if of == kind:
                args = (kind, seed, made.numbers, learned, budget, example, again)
                yield Case(f"{named}{group}", args, group=group, known=Known(kind, seed, lost, measured and not again))
                again = True


def compress_visible(rng: np.random.Generator) -> Iterator[Case]:
    """The digits CNN and a graph network, each judged in four steps."""
    yield from _compressions(rng, "")


def compress_hidden(rng: np.random.Generator) -> Iterator[Case]:
    """Other networks, trained on other digits and another graph."""
    yield from _compressions(rng, "another network, ", measured=True)


@dataclass(frozen=True)
class Looks:
    """What the judge found when it ran a program.

    Attributes:
        problem: why it could not be run, "" where it could.
        bytes: of everything stored.
        unnamed: of them those that `state` does not hold.
        code: of them those for numbers that are written into the code, and for its length.
        macs: for one example.
        right: share of held-out labels that were found.
        reacts: whether the logits depend on the input at all.
    """

    problem: str = ""
    bytes: int = 0
    unnamed: int = 0
    code: int = 0
    macs: float = 0.0
    right: float = 0.0
    reacts: bool = True


_seen: dict[str, Looks] = {}


def looks(case: Case, value: Any) -> Looks:
    """Runs what came back on held-out inputs; the same program is run once."""
    program, known = from_plain(value["program"]), case.known
    digest = hashlib.sha256(repr((known.kind, known.seed, program.constants, program.steps, program.output)).encode())
    for storage in program.storages:
        digest.update(storage.numpy().tobytes())
    key = digest.hexdigest()
    if key not in _seen:
        if len(_seen) > 50:
            _seen.clear()
        _seen[key] = _run(program, known)
    return _seen[key]


def _run(program: Program, known: Known) -> Looks:
    made = _trained(known.kind, known.seed)
    labels, budget = made.task.labels, BUDGETS[known.kind]
    sizes = stored_bytes(program), unnamed_bytes(program), code_bytes(program)
    try:
        most = _FAR_TOO_MUCH * budget.macs * len(labels)
        logits, cost = run(program, _tensors(known.kind, made.task.held_out, labels=False), most)
    except ProgramError as error:
        return Looks(str(error), *sizes)
    classes = len(made.numbers[-1])
    macs = cost.macs / len(labels)
    if tuple(logits.shape) != (len(labels), classes):
        problem = f"predict gives logits of shape {tuple(logits.shape)}; expected is {(len(labels), classes)}"
        return Looks(problem, *sizes, macs)
    right = float((logits.argmax(dim=1) == labels).double().mean())
    reacts = True
    if made.right - right > MOST_LOST:
        other, _ = run(program, _example(known.kind, made), most)
        reacts = not torch.equal(logits, other)
    return Looks("", *sizes, macs, right, reacts)


def accepts_compressed(case: Case, value: Any) -> str | None:
    """Whether a model is within its budget, and loses no more than this case allows."""
    found, known = looks(case, value), case.known
    if found.problem:
        return found.problem
    if not found.reacts:
        return (
            "what predict gives does not come from its input by torch's operators: NumPy, another thread or remembered "
            "answers are no part of what is judged"
        )
    if problem := over_budget(known.kind, found):
        return problem
    right = _trained(known.kind, known.seed).right
    if right - found.right > known.lost:
        return (
            f"it is within the budget, and right for {100 * found.right:.1f} % of what it has not seen; the given "
            f"network is for {100 * right:.1f} %, and at most {100 * known.lost:g} points may be lost here"
        )
    return None


def known_accuracy(case: Case) -> float:
    """What the given network of a case finds of what is held out."""
    return _trained(case.known.kind, case.known.seed).right


def over_budget(kind: str, found: Looks) -> str:
    """How a model exceeds its budget; "" where it does not."""
    budget, said = BUDGETS[kind], []
    if found.bytes > budget.bytes:
        parts = {"outside of state": found.unnamed, "for its code": found.code}
        hidden = ", ".join(f"{size:,} of them {where}" for where, size in parts.items() if size)
        hidden = f" ({hidden})" if hidden else ""
        said.append(f"it stores {found.bytes:,} bytes{hidden}, and {budget.bytes:,} are allowed")
    if found.macs > budget.macs:
        each = "image" if kind == "digits" else "node"
        said.append(f"it takes {found.macs:,.0f} multiply-accumulates for one {each}, and {budget.macs:,} are allowed")
    return "over the budget: " + "; ".join(said) if said else ""


# --- what is measured -------------------------------------------------------------------------------------


def measures_compressed(case: Case, value: Any) -> dict[str, float]:
    """Accuracy, bytes and MACs of a model, beside the budget and the reference's; for one case of each network."""
    known = case.known
    found = looks(case, value) if known.measured else Looks("not asked for")
    if found.problem:
        return {}
    budget, reference = BUDGETS[known.kind], _reference(known.kind, known.seed)
    return {
        "accuracy": found.right,
        "bytes": found.bytes,
        "macs": found.macs,
        "budget_bytes": budget.bytes,
        "budget_macs": budget.macs,
        "reference_accuracy": reference.accuracy,
        "reference_bytes": reference.bytes,
        "reference_macs": reference.macs,
    }


@lru_cache(maxsize=12)
def _reference(kind: str, seed: int) -> capstone.Measured:
    """What the reference reaches on the same network."""
    made = _trained(kind, seed)
    model = capstone.digits_cnn() if kind == "digits" else capstone.GCN()
    model.load_state_dict(dict(zip(model.state_dict(), made.numbers, strict=True)))
    return capstone.measured(capstone.compress(model.eval(), made.task.train, BUDGETS[kind]), made.task)

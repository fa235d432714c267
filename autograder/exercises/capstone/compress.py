"""Compresses one network for three budgets: channels go, a learned grid, packed integers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from autograder.exercise import Case
from autograder.exercises.capstone import observers, signs
from autograder.exercises.capstone.budget import (
    BUDGETS,
    Known,
    Observed,
    observed,
    of_reference,
    over_budget,
    reached,
    reached_by_reference,
    tensors,
    trained,
    typical,
)
from autograder.exercises.capstone.right_answers import LOOPS, OTHER_FORMULA
from autograder.exercises.declare import Asks, accepts, hidden, measures, mistake, right_text, slip, visible
from course_lib import capstone

STEPS = {
    "digits": ((0.40, 2), (0.20, 1), (0.12, 2)),
    "graph": ((0.40, 1), (0.25, 1), (0.18, 1)),
}
"""The accuracy that may be lost, on average over the budgets, and the points for each step."""
BEYOND = {"digits": (0.005, 2), "graph": (0.01, 2)}
"""How much better than the course's reference the last points are, and their number."""


GROUPS = {
    f"{kind}: {f'{100 * lost:g} points lost' if number else 'within the budgets'}": (kind, lost, False, points)
    for kind, steps in STEPS.items()
    for number, (lost, points) in enumerate(steps)
} | {f"{kind}: better than the reference": (kind, won, True, points) for kind, (won, points) in BEYOND.items()}
"""Kind of network, the most accuracy that may be lost or what has to be won, which of them, and the points."""


ASKS = Asks(
    capstone.compress,
    signature="compress(model, data, budget) -> CompressedModel, with predict(x) and state {name: tensor}",
    points={name: worth for name, (*_, worth) in GROUPS.items()},
    seconds=120.0,
    through=observers.compressed,
    hints=(
        "Which limit is tight in each budget, bytes or multiply-accumulates? The two ask for different cures.",
        "Whole channels go for the MACs, bits go for the bytes, and training brings the accuracy back: choose "
        "widths that fit both limits, keep the strongest channels, train on with rounded weights, store packed "
        "integers.",
        "`weights, biases = folded(model)`; keep the `topk` channels by norm, for widths that fit. Train `w + "
        "(rounded - w).detach()` with Adam. `state` holds `pack(codes, bits)` and small biases; `forward` calls "
        "`unpack`, scales, and calls `network`.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


def _compressions(rng: np.random.Generator, named: str, measured: bool = False) -> Iterator[Case]:
    for kind, budgets in BUDGETS.items():
        seed = int(rng.integers(2**31)) if measured else typical(kind, rng)
        made = trained(kind, seed)
        wanted = [(one.bytes, one.macs) for one in budgets]
        sent = made.numbers, tensors(kind, made.task), wanted, capstone.inputs_of(made.task.example)
        mine = [(name, lost, beyond) for name, (of, lost, beyond, _) in GROUPS.items() if of == kind]
        for number, (group, lost, beyond) in enumerate(mine):
            place = number if measured and number < len(budgets) else None
            known = Known(kind, seed, lost, beyond, place)
            yield Case(f"{named}{group}", (kind, seed, *sent), group=group, known=known)


@visible
def visible_cases(rng: np.random.Generator) -> Iterator[Case]:
    """The digits CNN and a graph network, each compressed for three budgets and judged in four steps."""
    yield from _compressions(rng, "", measured=True)


@hidden
def hidden_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Other networks, trained on digits of another hand and on another graph."""
    yield from _compressions(rng, "another network, ")


# --- the judge -----------------------------------------------------------------------------------------------


@accepts
def accepts_compressed(case: Case, value: Any) -> str | None:
    """Whether the networks are accurate enough, on average over the budgets; one that is over a budget has none."""
    known: Known = case.known
    found = observed(case, value)
    got, whole = reached(known.kind, found), trained(known.kind, known.seed).accuracy
    if known.beyond:
        if got < whole - STEPS[known.kind][-1][0]:
            return "the last points are for networks that have all the others"
        theirs = reached_by_reference(known.kind, known.seed)
        if got >= theirs + known.lost:
            return None
        return (
            f"on average over the budgets, {100 * got:.1f} % of the held-out examples are right; the course's "
            f"reference reaches {100 * theirs:.1f} % on this network, and the last points are for at least "
            f"{100 * known.lost:g} more"
        )
    if whole - got <= known.lost:
        return None
    return _what_is_wrong(known, found) or (
        f"on average over the budgets, {100 * got:.1f} % of the held-out examples are right; the given network is "
        f"right on {100 * whole:.1f} %, and at most {100 * known.lost:g} points may be lost here"
    )


def _what_is_wrong(known: Known, found: tuple[Observed, ...]) -> str:
    """Why the network for the first budget that it happens to does not count; "" where all count."""
    for one, budget in zip(found, BUDGETS[known.kind], strict=True):
        problem = one.problem or over_budget(known.kind, one, budget)
        if not problem and not one.reacts:
            problem = (
                "what predict returns does not come from its input through torch's operators: NumPy, other threads and "
                "remembered answers are not judged"
            )
        if not problem and not one.alone:
            problem = (
                "the logits of one example change with the others in its batch: predict may not use means or other "
                "statistics of the whole batch"
            )
        if problem:
            return f"with the budget of {budget.bytes:,} bytes: {problem}"
    return ""


@measures
def measures_compressed(case: Case, value: Any) -> dict[str, float]:
    """Accuracy, bytes and MACs of a model, beside the budget and the reference's; for one case of each budget."""
    known: Known = case.known
    if known.measured is None:
        return {}
    found = observed(case, value)[known.measured]
    if found.problem or not found.reacts or not found.alone:
        return {}
    budget, reference = BUDGETS[known.kind][known.measured], of_reference(known.kind, known.seed)[known.measured]
    return {
        "accuracy": found.accuracy,
        "bytes": found.bytes,
        "macs": found.macs,
        "budget_bytes": budget.bytes,
        "budget_macs": budget.macs,
        "reference_accuracy": reference.accuracy,
        "reference_bytes": reference.bytes,
        "reference_macs": reference.macs,
    }


# --- right answers in other styles ------------------------------------------------------------------------


loops = right_text("loops", LOOPS)
other_formula = right_text("other formula", OTHER_FORMULA)


# --- mistakes -----------------------------------------------------------------------------------------------


@mistake(shows=lambda case, value: signs.some(case, value, lambda one: not one.reacts))
def outside_of_torch(model, data, budget):
    """As far as torch's operators show, what `predict` returns does not depend on its input. Answers that NumPy
    computes or that were remembered do not count: compute with torch, from x to the logits."""
    from course_lib.capstone import CompressedModel

    def predict(state, x):
        if not isinstance(x, torch.Tensor):
            return torch.from_numpy(np.array(x.x.numpy() @ state["w"].numpy().T))
        return torch.from_numpy(np.array(x.reshape(len(x), -1).numpy() @ state["w"].numpy().T))

    classes, inputs = (10, 64) if isinstance(data, tuple) else (len(model.second.bias), data.x.shape[1])
    return CompressedModel({"w": torch.ones(classes, inputs, dtype=torch.uint8)}, predict)


@mistake(shows=lambda case, value: signs.some(case, value, lambda one: not one.alone))
def statistics_of_the_batch(model, data, budget):
    """The logits of one example depend on what else is in its batch. A network has to give the same answer to an
    example alone: keep the means that training has found (eval mode), and compute none in `predict`."""
    from course_lib.capstone import CompressedModel

    x, y = (data[0].flatten(1)[:, ::2], data[1]) if isinstance(data, tuple) else (data.x[:, :36], data.y)
    means = torch.stack([x[y == c].mean(dim=0) for c in range(int(y.max()) + 1)])
    means = means - means.mean(dim=0)
    codes = (torch.round(7 * means / means.abs().max()) + 8).to(torch.uint8).flatten()

    def predict(state, x):
        pairs = state["codes"]
        w = torch.stack([pairs & 15, pairs >> 4], dim=1).float().view(means.shape) - 8
        flat = x.flatten(1)[:, ::2] if isinstance(x, torch.Tensor) else x.x[:, :36]
        return (flat - flat.mean(dim=0)) @ w.T

    return CompressedModel({"codes": codes[0::2] + 16 * codes[1::2]}, predict)


@mistake(shows=signs.zeros)
def masks_stored_dense(model, data, budget):
    """Most weights are zero, but a zero in a dense tensor takes as many bytes as any other number, and is multiplied
    like any other. Remove whole channels, or store only what is left."""
    from course_lib.capstone import CompressedModel, folded, network

    weights, biases = folded(model)
    state = {}
    for n, (w, b) in enumerate(zip(weights, biases, strict=True)):
        border = w.abs().flatten().kthvalue(int(0.6 * w.numel())).values
        state[f"w{n}"], state[f"b{n}"] = w * (w.abs() > border), b
    count = len(weights)

    def predict(state, x):
        return network([state[f"w{n}"] for n in range(count)], [state[f"b{n}"] for n in range(count)], x)

    return CompressedModel(state, predict)


rounded_floats = slip(
    masks_stored_dense,
    ("border = w.abs().flatten().kthvalue(int(0.6 * w.numel())).values", "step = w.abs().max() / 7"),
    ("w * (w.abs() > border)", "torch.round(w / step) * step"),
    says="The weights take few values, but each of them is still stored as a floating-point number. Rounding saves "
    "nothing: store the integers, with `pack`, and the scale beside them.",
    shows=signs.few_floats,
)


@mistake(shows=signs.loose_codes)
def a_whole_byte_for_four_bits(model, data, budget):
    """The codes have 4 bits or fewer, and each takes a whole byte. Two of them fit into a byte: `pack` them, and
    `unpack` them in `predict`."""
    from course_lib.capstone import CompressedModel, folded, network

    weights, biases = folded(model)
    widths = [6, 16] if isinstance(data, tuple) else [10]
    for layer, width in enumerate(widths):
        after = weights[layer + 1]
        if after.ndim == 2:
            after = after.reshape(len(after), len(weights[layer]), -1)
        keep = weights[layer].flatten(1).norm(dim=1).topk(width).indices
        after = after[:, keep]
        weights[layer], biases[layer] = weights[layer][keep], biases[layer][keep]
        weights[layer + 1] = after if after.ndim == 4 else after.flatten(1)
    state, shapes = {}, [w.shape for w in weights]
    for n, (w, b) in enumerate(zip(weights, biases, strict=True)):
        step = w.abs().max() / 7
        state[f"q{n}"], state[f"s{n}"], state[f"b{n}"] = torch.round(w / step).to(torch.int8), step, b.half()

    def predict(state, x):
        found = [state[f"q{n}"].float().view(shape) * state[f"s{n}"] for n, shape in enumerate(shapes)]
        return network(found, [state[f"b{n}"].float() for n in range(len(shapes))], x)

    return CompressedModel(state, predict)


codes_in_wide_integers = slip(
    a_whole_byte_for_four_bits,
    ".to(torch.int8)",
    ".to(torch.int32)",
    says="The codes would fit into 8 bits or fewer, but each is stored in a wider integer, of 16 to 64 bits. `pack` "
    "them: it returns bytes, and what one code leaves free of a byte holds the next.",
    shows=signs.wide_codes,
)


codes_over_the_budget = slip(
    a_whole_byte_for_four_bits,
    "w.abs().max() / 7",
    "w.abs().max() / 127",
    says="The codes of the weights alone take more bytes than the first budget allows. Give each weight fewer bits, 4 "
    "or 3, and `pack` them; or keep fewer channels.",
    shows=signs.many_codes,
)


channels_in_floats = slip(
    a_whole_byte_for_four_bits,
    ("torch.round(w / step).to(torch.int8)", "w / step"),
    says="It needs few enough multiplications for the first budget, but what is left is still stored as floating-point "
    "numbers, of 16 bits or more. Store the weights as integers of a few bits: several times as many of them fit.",
    shows=signs.only_floats,
)


@mistake(shows=signs.nothing_is_smaller)
def self_reported(model, data, budget):
    """Nothing got smaller: what `predict` uses takes as many bytes as all weights of the given network, or more. Every
    number that it needs is written down and counted, wherever it comes from, whatever `state` holds."""
    from course_lib.capstone import CompressedModel

    tiny = {"weights": torch.zeros(16, dtype=torch.int8)}
    return CompressedModel(tiny, lambda state, x: model(x))


@mistake(shows=signs.macs_over)
def every_channel(model, data, budget):
    """It takes more multiplications than even the first budget allows. Fewer bits mean fewer bytes, not fewer
    multiplications: whole channels have to go, until what is left fits."""
    from course_lib.capstone import CompressedModel, folded, network

    weights, biases = folded(model)
    shapes, state = [w.shape for w in weights], {}
    for n, (w, b) in enumerate(zip(weights, biases, strict=True)):
        signs = (w > 0).flatten().long()
        signs = torch.nn.functional.pad(signs, (0, -len(signs) % 8)).view(-1, 8)
        state[f"q{n}"] = (signs << torch.arange(8)).sum(dim=1).to(torch.uint8)
        state[f"s{n}"], state[f"b{n}"] = w.abs().mean(), b.half()

    def predict(state, x):
        found = []
        for n, shape in enumerate(shapes):
            bits = (state[f"q{n}"][:, None].long() >> torch.arange(8) & 1).flatten()[: shape.numel()]
            found.append((2.0 * bits - 1).view(shape) * state[f"s{n}"])
        return network(found, [state[f"b{n}"].float() for n in range(len(shapes))], x)

    return CompressedModel(state, predict)


def _falls_short(case: Case, value: Any) -> bool:
    """Every network fits its budget, the last of the given steps is out of reach, and not for the classes' order."""
    known: Known = case.known
    found = observed(case, value)
    if any(signs.renamed(one) or signs.upside_down(one) for one in found):
        return False
    fit = all(one.fits(budget) for one, budget in zip(found, BUDGETS[known.kind], strict=True))
    lost = trained(known.kind, known.seed).accuracy - reached(known.kind, found)
    return fit and lost > STEPS[known.kind][-1][0]


never_tuned = slip(
    a_whole_byte_for_four_bits,
    (
        "[6, 16] if isinstance(data, tuple) else [10]",
        "{1000: [6, 14], 500: [4, 8], 250: [2, 6], 300: [8], 150: [4], 120: [3]}[budget.bytes]",
    ),
    (
        "torch.round(w / step).to(torch.int8)",
        "torch.stack([torch.round(w / step) + 8]).to(torch.uint8).view(-1, 2) @ torch.tensor([1, 16]).to(torch.uint8)",
    ),
    (
        'state[f"q{n}"].float().view(shape)',
        '(torch.stack([state[f"q{n}"] & 15, state[f"q{n}"] >> 4], dim=1).float() - 8).view(shape)',
    ),
    says="It is within the budgets, but not right often enough. Cutting and rounding alone cost that much. What is "
    "left has to learn to do without the rest: keep training it, with the weights rounded in every step.",
    shows=_falls_short,
)

classes_in_another_order = slip(
    never_tuned,
    "for n in range(len(shapes))], x)",
    "for n in range(len(shapes))], x).flip(1)",
    says="It is within the budgets and tells the classes apart, but under other numbers: with its classes renamed it "
    "would be right far more often. Column k of the logits is class k: look at the rows of the last layer.",
    shows=lambda case, value: signs.some_fit(case, value, signs.renamed),
)

smallest_logit_wins = slip(
    never_tuned,
    "return network(",
    "return -network(",
    says="It is within the budgets, but its smallest logit marks the right class far more often than its largest. The "
    "largest has to: change the sign of what `predict` returns, for example of distances.",
    shows=lambda case, value: signs.some_fit(case, value, signs.upside_down),
)

"""Prunes channels, fine-tunes what is left on the grid of its weights, and packs the integers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from autograder.exercise import Case
from autograder.exercises.capstone.budget import (
    BUDGETS,
    Known,
    Observed,
    example_of,
    known_accuracy,
    observed,
    over_budget,
    reached_by_reference,
    tensors,
    trained,
)
from autograder.exercises.capstone.right_answers import LOOPS, OTHER_FORMULA
from autograder.exercises.declare import Asks, accepts, hidden, measures, mistake, right_text, slip, visible
from autograder.harness import capstone as harness
from course_lib import capstone
from course_lib.program import from_plain, run

STEPS = {"digits": (0.30, 0.15, 0.08, 0.04), "graph": (0.30, 0.15, 0.10, 0.06)}
"""The accuracy that may be lost, step by step. A graph of 480 nodes resolves accuracy less finely."""


GROUPS = {
    f"{kind}: {f'{100 * lost:g} points lost' if number else 'within the budget'}": (kind, lost, points)
    for kind, steps in STEPS.items()
    for number, (lost, points) in enumerate(zip(steps, (2, 1, 1, 2), strict=True))
}
"""Kind of network, the most accuracy that may be lost, and the points for that."""


ASKS = Asks(
    capstone.compress,
    signature="compress(model, data, budget) -> CompressedModel, with predict(x) and state {name: tensor}",
    points={name: worth for name, (_, _, worth) in GROUPS.items()},
    seconds=90.0,
    through=harness.compressed,
)


# --- cases ---------------------------------------------------------------------------------------------------


def _compressions(rng: np.random.Generator, named: str, measured: bool = False) -> Iterator[Case]:
    for kind in BUDGETS:
        seed, again = int(rng.integers(2**31)), False
        made = trained(kind, seed)
        learned, example = tensors(kind, made.task.train), example_of(kind, made)
        budget = (BUDGETS[kind].bytes, BUDGETS[kind].macs)
        for group, (of, lost, _) in GROUPS.items():
            if of == kind:
                args = (kind, seed, made.numbers, learned, budget, example, again)
                yield Case(f"{named}{group}", args, group=group, known=Known(kind, seed, lost, measured and not again))
                again = True


@visible
def visible_cases(rng: np.random.Generator) -> Iterator[Case]:
    """The digits CNN and a graph network, each judged in four steps."""
    yield from _compressions(rng, "")


@hidden
def hidden_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Other networks, trained on other digits and another graph."""
    yield from _compressions(rng, "another network, ", measured=True)


# --- the judge -----------------------------------------------------------------------------------------------


@accepts
def accepts_compressed(case: Case, value: Any) -> str | None:
    """Whether a model is within its budget, and loses no more than this case allows."""
    found, known = observed(case, value), case.known
    if found.problem:
        return found.problem
    if not found.reacts:
        return (
            "what predict returns does not come from its input through torch's operators: NumPy, other threads and "
            "remembered answers are not judged"
        )
    if problem := over_budget(known.kind, found):
        return problem
    accuracy = trained(known.kind, known.seed).accuracy
    if accuracy - found.accuracy > known.lost:
        return (
            f"it is within the budget, and right on {100 * found.accuracy:.1f} % of the held-out examples; the given "
            f"network is right on {100 * accuracy:.1f} %, and at most {100 * known.lost:g} points may be lost here"
        )
    return None


@measures
def measures_compressed(case: Case, value: Any) -> dict[str, float]:
    """Accuracy, bytes and MACs of a model, beside the budget and the reference's; for one case of each network."""
    known = case.known
    found = observed(case, value) if known.measured else Observed("not measured")
    if found.problem:
        return {}
    budget, reference = BUDGETS[known.kind], reached_by_reference(known.kind, known.seed)
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


@mistake(shows=lambda case, value: not observed(case, value).reacts)
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


def _bytes_over(case: Case, value: Any) -> bool:
    return observed(case, value).bytes > BUDGETS[case.known.kind].bytes


def _hides(case: Case, value: Any) -> bool:
    found = observed(case, value)
    return found.reacts and _bytes_over(case, value) and found.unnamed > found.bytes // 2


@mistake(shows=_hides)
def self_reported(model, data, budget):
    """`predict` uses tensors that are not in `state`. They are stored all the same, wherever they hide, and every byte
    that `predict` needs is counted, whatever the model says about itself."""
    from course_lib.capstone import CompressedModel

    tiny = {"weights": torch.zeros(16, dtype=torch.int8)}
    return CompressedModel(tiny, lambda state, x: model(x))


def _large(value: Any, floating: bool) -> list[Tensor]:
    """The stored tensors of more than 200 numbers, floating or not."""
    program = from_plain(value["program"])
    found = []
    for place, *_ in program.constants:
        alone = type(program)(program.storages, program.constants, [], program.inputs, place)
        tensor, _ = run(alone, [torch.zeros(1)] * program.inputs)
        if tensor.numel() > 200 and tensor.is_floating_point() == floating:
            found.append(tensor)
    return found


def _zeros(case: Case, value: Any) -> bool:
    weights = _large(value, True)
    return _bytes_over(case, value) and bool(weights) and all((w == 0).double().mean() > 0.45 for w in weights)


@mistake(shows=_zeros)
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


def _few_floats(case: Case, value: Any) -> bool:
    weights = [w.reshape(-1) for w in _large(value, True)]
    return _bytes_over(case, value) and bool(weights) and all(len(w.unique()) <= 32 for w in weights)


rounded_floats = slip(
    masks_stored_dense,
    ("border = w.abs().flatten().kthvalue(int(0.6 * w.numel())).values", "step = w.abs().max() / 7"),
    ("w * (w.abs() > border)", "torch.round(w / step) * step"),
    says="The weights take few values, but each of them is still stored as a 32-bit float. Rounding saves nothing: "
    "store the integers, with `pack`, and the scale beside them.",
    shows=_few_floats,
)


def _loose_codes(case: Case, value: Any) -> bool:
    codes = _large(value, False)
    return _bytes_over(case, value) and bool(codes) and all(int(q.max()) - int(q.min()) < 17 for q in codes)


@mistake(shows=_loose_codes)
def a_whole_byte_for_four_bits(model, data, budget):
    """The codes have 4 bits or fewer, and each takes a whole byte. Two of them fit into a byte: `pack` them, and
    `unpack` them in `predict`."""
    from course_lib.capstone import CompressedModel, folded, network

    weights, biases = folded(model)
    widths = [6, 16] if isinstance(data, tuple) else [16]
    for layer, width in enumerate(widths):
        after = weights[layer + 1]
        if after.ndim == 2:
            after = after.reshape(len(after), len(weights[layer]), -1)
        keep = weights[layer].flatten(1).norm(dim=1).topk(width).indices
        after = after[:, keep]
        weights[layer], biases[layer] = weights[layer][keep], biases[layer][keep]
        weights[layer + 1] = after if after.ndim == 4 else after.flatten(1)
    state = {}
    for n, (w, b) in enumerate(zip(weights, biases, strict=True)):
        step = w.abs().max() / 7
        state[f"q{n}"], state[f"s{n}"], state[f"b{n}"] = torch.round(w / step).to(torch.int8), step, b.half()
    count = len(weights)

    def predict(state, x):
        found = [state[f"q{n}"].float() * state[f"s{n}"] for n in range(count)]
        return network(found, [state[f"b{n}"].float() for n in range(count)], x)

    return CompressedModel(state, predict)


def _macs_over(case: Case, value: Any) -> bool:
    return observed(case, value).macs > BUDGETS[case.known.kind].macs


def _only_floats(case: Case, value: Any) -> bool:
    return _bytes_over(case, value) and not _macs_over(case, value) and bool(_large(value, True))


@mistake(shows=_only_floats)
def channels_in_floats(model, data, budget):
    """It needs few enough multiplications, but what is left is still stored in 32 bits per number. Store the weights as
    integers of a few bits: eight times as many of them fit into the budget."""
    from course_lib.capstone import CompressedModel, folded, network

    weights, biases = folded(model)
    widths = [6, 16] if isinstance(data, tuple) else [16]
    for layer, width in enumerate(widths):
        after = weights[layer + 1]
        if after.ndim == 2:
            after = after.reshape(len(after), len(weights[layer]), -1)
        keep = weights[layer].flatten(1).norm(dim=1).topk(width).indices
        after = after[:, keep]
        weights[layer], biases[layer] = weights[layer][keep], biases[layer][keep]
        weights[layer + 1] = after if after.ndim == 4 else after.flatten(1)
    state = {f"w{n}": w for n, w in enumerate(weights)} | {f"b{n}": b for n, b in enumerate(biases)}
    count = len(weights)

    def predict(state, x):
        return network([state[f"w{n}"] for n in range(count)], [state[f"b{n}"] for n in range(count)], x)

    return CompressedModel(state, predict)


@mistake(shows=_macs_over)
def every_channel(model, data, budget):
    """Every channel is still there. Fewer bits mean fewer bytes, not fewer multiplications: for the second budget whole
    channels have to go."""
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
    found, budget = observed(case, value), BUDGETS[case.known.kind]
    fits = not found.problem and found.bytes <= budget.bytes and found.macs <= budget.macs
    return fits and found.reacts and known_accuracy(case) - found.accuracy > STEPS[case.known.kind][-1]


@mistake(shows=_falls_short)
def never_tuned(model, data, budget):
    """It is within the budget, but not right often enough. What is left after cutting and rounding has to learn to do
    without the rest: keep training it, with the weights rounded in every step."""
    from course_lib.capstone import CompressedModel, folded, network

    weights, biases = folded(model)
    widths = [6, 14] if isinstance(data, tuple) else [12]
    for layer, width in enumerate(widths):
        after = weights[layer + 1]
        if after.ndim == 2:
            after = after.reshape(len(after), len(weights[layer]), -1)
        keep = weights[layer].flatten(1).norm(dim=1).topk(width).indices
        after = after[:, keep]
        weights[layer], biases[layer] = weights[layer][keep], biases[layer][keep]
        weights[layer + 1] = after if after.ndim == 4 else after.flatten(1)
    shapes, state = [w.shape for w in weights], {}
    for n, (w, b) in enumerate(zip(weights, biases, strict=True)):
        step = w.abs().max() / 7
        codes = (torch.round(w / step) + 8).flatten().to(torch.uint8)
        state[f"q{n}"], state[f"s{n}"], state[f"b{n}"] = codes[0::2] + 16 * codes[1::2], step, b.half()

    def predict(state, x):
        found = []
        for n, shape in enumerate(shapes):
            pairs = state[f"q{n}"]
            codes = torch.stack([pairs & 15, pairs >> 4], dim=1).float().view(shape)
            found.append((codes - 8) * state[f"s{n}"])
        return network(found, [state[f"b{n}"].float() for n in range(len(shapes))], x)

    return CompressedModel(state, predict)

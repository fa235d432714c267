"""Known mistakes of the capstone. Each docstring is the sentence that helps."""

# Written as students write, since each is also submitted as one: mypy asks for more.
# mypy: disable-error-code="no-untyped-def, no-untyped-call, no-any-return, type-arg, union-attr"

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from autograder.exercise import Case, Misconception
from autograder.exercises.capstone_cases import BUDGETS, STEPS, known_accuracy, looks
from course_lib.program import from_plain, run

__all__ = ["MISTAKES"]


# --- pack -------------------------------------------------------------------------------------------------


def highest_bits_first(codes, bits):
    """The first code has to take the lowest bits of its byte; these bytes have it at the top, so every reader finds
    the codes of a byte in the wrong order."""
    flat = codes.reshape(-1).tolist()
    text = "".join(format(int(code), f"0{bits}b") for code in flat)
    text += "0" * (-len(text) % 8)
    return torch.tensor([int(text[i : i + 8], 2) for i in range(0, len(text), 8)], dtype=torch.uint8)


def a_byte_each(codes, bits):
    """These are the codes themselves, one in each byte. Nothing is saved: the bits of a byte that a code leaves free
    have to hold the next codes."""
    return codes.reshape(-1).to(torch.uint8)


def never_across(codes, bits):
    """Codes of 3, 5, 6 or 7 bits do not fill a byte evenly. Here the rest of each byte stays empty; the next code has
    to begin there and go on in the following byte."""
    flat = codes.reshape(-1).tolist()
    each = 8 // bits
    found = []
    for start in range(0, len(flat), each):
        found.append(sum(int(code) << bits * place for place, code in enumerate(flat[start : start + each])))
    return torch.tensor(found, dtype=torch.uint8)


# --- unpack -----------------------------------------------------------------------------------------------


def from_the_top(packed, bits, count):
    """Each byte is read from its highest bits down. The first code lies in the lowest ones: shift to the right by 0
    first, then by `bits`, and so on."""
    text = "".join(format(int(byte), "08b") for byte in packed.tolist())
    return torch.tensor([int(text[i * bits : (i + 1) * bits], 2) for i in range(count)], dtype=torch.uint8)


def as_they_are(packed, bits, count):
    """These are the first bytes as they are stored. Each holds parts of several codes: shift and mask with
    2^bits - 1 to get one code at a time."""
    found = torch.zeros(count, dtype=torch.uint8)
    some = packed[:count]
    found[: len(some)] = some
    return found


def not_across(packed, bits, count):
    """A code that begins in one byte and ends in the next is read as if it ended with its byte. Its upper bits are
    the lowest ones of the following byte."""
    found = []
    for place in range(count):
        byte, shift = divmod(place * bits, 8)
        found.append(int(packed[byte]) >> shift & (1 << bits) - 1)
    return torch.tensor(found, dtype=torch.uint8)


# --- pareto_front -----------------------------------------------------------------------------------------


def the_best_only(costs, scores):
    """This is the most accurate model alone. A cheaper one that is a little worse is on the front too: nobody beats it
    in both."""
    return scores.argmax().reshape(1)


def in_the_given_order(costs, scores):
    """The right models, but in the order in which they came. A front is read from left to right: by rising cost."""
    kept = []
    for i in range(len(costs)):
        beaten = (costs <= costs[i]) & (scores >= scores[i]) & ((costs < costs[i]) | (scores > scores[i]))
        twin = ((costs == costs[i]) & (scores == scores[i]))[:i]
        if not beaten.any() and not twin.any():
            kept.append(i)
    return torch.tensor(kept)


def ties_stay(costs, scores):
    """A model that costs more and scores the same is beaten, and so is one of the same cost that scores less. It takes
    one strict difference, not two; and of two equal ones the first stays."""
    kept = []
    for i in torch.argsort(costs, stable=True).tolist():
        if not ((costs < costs[i]) & (scores > scores[i])).any():
            kept.append(i)
    return torch.tensor(kept)


def lower_is_better(costs, scores):
    """Here a lower score counts as better. Scores are accuracies: what costs more has to score more to be on the
    front."""
    order = sorted(range(len(costs)), key=lambda i: (float(costs[i]), float(scores[i]), i))
    kept, best = [], float("inf")
    for i in order:
        if float(scores[i]) < best:
            kept.append(i)
            best = float(scores[i])
    return torch.tensor(kept)


# --- compress ---------------------------------------------------------------------------------------------


def self_reported(model, data, budget):
    """`predict` uses tensors that are not in `state`. They are stored all the same, wherever they hide, and every byte
    that `predict` needs is counted: what a model says of itself is not."""
    from course_lib.capstone import CompressedModel

    tiny = {"weights": torch.zeros(16, dtype=torch.int8)}
    return CompressedModel(tiny, lambda state, x: model(x))


def outside_of_torch(model, data, budget):
    """What `predict` gives does not depend on its input as far as torch's operators show. Answers that NumPy computes
    or that were remembered do not count: compute with torch, from x to the logits."""
    from course_lib.capstone import CompressedModel

    def predict(state, x):
        if not isinstance(x, torch.Tensor):
            return torch.from_numpy(np.array(x.x.numpy() @ state["w"].numpy().T))
        return torch.from_numpy(np.array(x.reshape(len(x), -1).numpy() @ state["w"].numpy().T))

    classes, inputs = (10, 64) if isinstance(data, tuple) else (len(model.second.bias), data.x.shape[1])
    return CompressedModel({"w": torch.ones(classes, inputs, dtype=torch.uint8)}, predict)


def masks_stored_dense(model, data, budget):
    """Most weights are zero, but a zero of a dense tensor takes as many bytes as any other number, and is multiplied
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


def rounded_floats(model, data, budget):
    """The weights take few values, but each of them is still stored as a float of 32 bits. Rounding saves nothing:
    store the integers, with `pack`, and the scale beside them."""
    from course_lib.capstone import CompressedModel, folded, network

    weights, biases = folded(model)
    state = {}
    for n, (w, b) in enumerate(zip(weights, biases, strict=True)):
        step = w.abs().max() / 7
        state[f"w{n}"], state[f"b{n}"] = torch.round(w / step) * step, b
    count = len(weights)

    def predict(state, x):
        return network([state[f"w{n}"] for n in range(count)], [state[f"b{n}"] for n in range(count)], x)

    return CompressedModel(state, predict)


def a_whole_byte_for_four_bits(model, data, budget):
    """The codes have 4 bits or less, and each takes a whole byte. Two of them fit into one: `pack` them, and `unpack`
    them in `predict`."""
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


def channels_in_floats(model, data, budget):
    """It takes few enough products, but what is left is still stored in 32 bits a number. Store weights as integers of
    few bits: eight times as many of them fit into the budget."""
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


def every_channel(model, data, budget):
    """Every channel is still there. Fewer bits are fewer bytes, not fewer products: for the second budget whole
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


def never_tuned(model, data, budget):
    """It is within the budget, but right too seldom. What is left after cutting and rounding has to learn to do without
    the rest: train it on, with the weights rounded in every step."""
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


# --- in which answers they show -----------------------------------------------------------------------------


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


def _bytes_over(case: Case, value: Any) -> bool:
    return looks(case, value).bytes > BUDGETS[case.known.kind].bytes


def _macs_over(case: Case, value: Any) -> bool:
    return looks(case, value).macs > BUDGETS[case.known.kind].macs


def _hides(case: Case, value: Any) -> bool:
    found = looks(case, value)
    return found.reacts and _bytes_over(case, value) and found.unnamed > found.bytes // 2


def _stands_still(case: Case, value: Any) -> bool:
    return not looks(case, value).reacts


def _zeros(case: Case, value: Any) -> bool:
    weights = _large(value, True)
    return _bytes_over(case, value) and bool(weights) and all((w == 0).double().mean() > 0.45 for w in weights)


def _few_floats(case: Case, value: Any) -> bool:
    weights = [w.reshape(-1) for w in _large(value, True)]
    return _bytes_over(case, value) and bool(weights) and all(len(w.unique()) <= 32 for w in weights)


def _loose_codes(case: Case, value: Any) -> bool:
    codes = _large(value, False)
    return _bytes_over(case, value) and bool(codes) and all(int(q.max()) - int(q.min()) < 17 for q in codes)


def _only_floats(case: Case, value: Any) -> bool:
    return _bytes_over(case, value) and not _macs_over(case, value) and bool(_large(value, True))


def _falls_short(case: Case, value: Any) -> bool:
    found, budget = looks(case, value), BUDGETS[case.known.kind]
    fits = not found.problem and found.bytes <= budget.bytes and found.macs <= budget.macs
    return fits and found.reacts and known_accuracy(case) - found.right > STEPS[case.known.kind][-1]


MISTAKES: Mapping[str, tuple[Misconception, ...]] = {
    "pack": tuple(map(Misconception.of, (highest_bits_first, a_byte_each, never_across))),
    "unpack": tuple(map(Misconception.of, (from_the_top, as_they_are, not_across))),
    "pareto_front": tuple(map(Misconception.of, (the_best_only, in_the_given_order, ties_stay, lower_is_better))),
    "compress": (
        Misconception.of(outside_of_torch, _stands_still),
        Misconception.of(self_reported, _hides),
        Misconception.of(masks_stored_dense, _zeros),
        Misconception.of(rounded_floats, _few_floats),
        Misconception.of(a_whole_byte_for_four_bits, _loose_codes),
        Misconception.of(channels_in_floats, _only_floats),
        Misconception.of(every_channel, _macs_over),
        Misconception.of(never_tuned, _falls_short),
    ),
}

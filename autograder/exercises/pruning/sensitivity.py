"""What becomes of a network's score when one layer is pruned and the others stay."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from autograder.exercise import Case
from autograder.exercises.awkward import magnitudes, twice
from autograder.exercises.declare import Asks, hidden, mistake, right, slip, visible
from autograder.exercises.pruning.inputs import Cases, t
from course_lib import pruning

ASKS = Asks(
    pruning.sensitivity,
    signature=(
        "sensitivity(evaluate, weights [tensor, ...], sparsities [float, ...]) -> scores[layer][sparsity], with "
        "evaluate(weights) -> float"
    ),
    points={"basics": 2},
    hints=(
        "What do the other layers look like while you try one? And what do all of them look like afterwards?",
        "Layers in the outer loop, sparsities in the inner one. Each time build a new list, in which one layer is "
        "replaced by a pruned copy, and have it scored.",
        "`w * magnitude_mask(w, share)` is the pruned copy. Replace entry `i` of `list(weights)` by it and call "
        "`evaluate` on that list. One row of scores per layer.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


def weighted_size(weights: Sequence[Tensor]) -> float:
    """Layer 1 counts once, layer 2 twice, and so on."""
    return float(sum((index + 1) * w.abs().sum() for index, w in enumerate(weights)))


def answer_size(weights: Sequence[Tensor]) -> float:
    """How large the answer of a ReLU network with these weights is, on an input of ones."""
    hidden = torch.ones(weights[0].shape[1], dtype=weights[0].dtype)
    for w in weights:
        hidden = (w @ hidden).relu() + 0.1
    return float(hidden.sum())


@visible
def visible_cases(rng: np.random.Generator) -> Cases:
    """By hand, then more layers and shares."""
    two = [torch.tensor([[1.0, -4.0]], dtype=torch.float64), torch.tensor([[2.0], [3.0]], dtype=torch.float64)]
    yield Case("two layers, one share", (weighted_size, two, [0.5]))
    yield Case("three layers", (weighted_size, [t(rng, 4, 3), t(rng, 5, 4), t(rng, 2, 5)], [0.2, 0.5, 0.9]))
    yield Case("a network", (answer_size, [t(rng, 4, 3), t(rng, 3, 4)], [0.25, 0.75]))


@hidden
def hidden_cases(rng: np.random.Generator) -> Cases:
    """Other layers and orders."""
    yield Case("shares in falling order", (weighted_size, [t(rng, 3, 4), t(rng, 2, 3)], [0.8, 0.4, 0.0]))
    yield Case("one layer", (weighted_size, [t(rng, 5, 5)], [0.1, 0.3, 0.6]))
    single = [t(rng, *shape, dtype=torch.float32) for shape in ((6, 5), (4, 6), (3, 4), (2, 3))]
    yield Case("four layers, single precision", (answer_size, single, [0.3, 0.6]))
    yield from twice(lambda: (weighted_size, [t(rng, 3, 4), t(rng, 2, 3)], [0.3, 0.6]))
    yield from magnitudes(lambda scale: (weighted_size, [scale * t(rng, 3, 4), scale * t(rng, 2, 3)], [0.3, 0.6]))
    yield Case("kernels", (weighted_size, [t(rng, 3, 2, 3, 3), t(rng, 4, 3, 1, 1)], [0.5, 0.95]))


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(evaluate, weights, sparsities):
    table = []
    for layer in range(len(weights)):
        table.append([])
        for share in sparsities:
            copies = [w.clone() for w in weights]
            flat = copies[layer].view(-1)
            gone = flat.abs().sort().indices[: math.floor(share * flat.numel() + 0.5)]
            for place in gone.tolist():
                flat[place] = 0.0
            table[layer].append(evaluate(copies))
    return table


@right("other formula")
def other_formula(evaluate, weights, sparsities):
    from functools import partial

    def pruned(w, share):
        stay = w.numel() - int(share * w.numel() + 0.5)
        chosen = torch.topk(w.abs().flatten(), stay).indices
        return w * torch.zeros(w.numel(), dtype=w.dtype).scatter(0, chosen, 1.0).view_as(w)

    def scored(layer, share):
        return evaluate([pruned(w, share) if i == layer else w for i, w in enumerate(weights)])

    return [list(map(partial(scored, layer), sparsities)) for layer, _ in enumerate(weights)]


# --- mistakes -----------------------------------------------------------------------------------------------


def answer(evaluate, weights, sparsities):
    scores = []
    for layer, w in enumerate(weights):
        row = []
        for share in sparsities:
            mask = torch.ones(w.numel(), dtype=w.dtype)
            mask[w.abs().flatten().argsort(stable=True)[: int(share * w.numel() + 0.5)]] = 0
            row.append(evaluate([*weights[:layer], w * mask.reshape(w.shape), *weights[layer + 1 :]]))
        scores.append(row)
    return scores


@mistake
def sensitivity_cumulates(evaluate, weights, sparsities):
    """Earlier layers stayed pruned while you tried the later ones. Begin each time with the weights that were passed
    in."""
    current, scores = list(weights), []
    for layer, w in enumerate(weights):
        row = []
        for share in sparsities:
            order = w.abs().flatten().argsort(stable=True)
            mask = torch.ones(w.numel(), dtype=w.dtype)
            mask[order[: int(share * w.numel() + 0.5)]] = 0
            current[layer] = w * mask.reshape(w.shape)
            row.append(evaluate(list(current)))
        scores.append(row)
    return scores


@mistake
def sensitivity_all_layers(evaluate, weights, sparsities):
    """All layers were pruned at once. To see how sensitive one is, prune it alone and leave the others whole."""
    scores = []
    for _ in weights:
        row = []
        for share in sparsities:
            changed = []
            for w in weights:
                mask = torch.ones(w.numel(), dtype=w.dtype)
                mask[w.abs().flatten().argsort(stable=True)[: int(share * w.numel() + 0.5)]] = 0
                changed.append(w * mask.reshape(w.shape))
            row.append(evaluate(changed))
        scores.append(row)
    return scores


@mistake
def sensitivity_transposed(evaluate, weights, sparsities):
    """The table is transposed: one row per sparsity. The exercise asks for one row per layer,
    scores[layer][sparsity]."""
    scores = []
    for share in sparsities:
        row = []
        for layer, w in enumerate(weights):
            mask = torch.ones(w.numel(), dtype=w.dtype)
            mask[w.abs().flatten().argsort(stable=True)[: int(share * w.numel() + 0.5)]] = 0
            row.append(evaluate([*weights[:layer], w * mask.reshape(w.shape), *weights[layer + 1 :]]))
        scores.append(row)
    return scores


sensitivity_in_place = slip(
    answer,
    ("for layer, w in enumerate(weights):", "for w in weights:"),
    (
        "row.append(evaluate([*weights[:layer], w * mask.reshape(w.shape), *weights[layer + 1 :]]))",
        "w *= mask.reshape(w.shape)\nrow.append(evaluate(list(weights)))",
    ),
    says="The weights that were passed in are pruned afterwards, and every score counted what was pruned before. "
    "Work on a copy: w * mask makes one, w *= mask does not.",
)


sensitivity_keeps_share = slip(
    answer,
    "share * w.numel()",
    "(1 - share) * w.numel()",
    says="You kept the share that should go. At a sparsity of 0.9 one weight in ten is left.",
)


sensitivity_of_drops = slip(
    answer,
    ("scores = []", "whole, scores = evaluate(list(weights)), []"),
    (
        "evaluate([*weights[:layer], w * mask.reshape(w.shape), *weights[layer + 1 :]])",
        "whole - evaluate([*weights[:layer], w * mask.reshape(w.shape), *weights[layer + 1 :]])",
    ),
    says="These are losses against the unpruned network. The exercise asks for the scores themselves.",
)

"""The share of zeros among all weights together, 0 to 1."""

from __future__ import annotations

import numpy as np
import torch

from autograder.exercise import Case
from autograder.exercises.awkward import RELATIVE, twice
from autograder.exercises.declare import Asks, hidden, mistake, right, visible
from autograder.exercises.pruning.inputs import Cases, kept, t
from course_lib import pruning

ASKS = Asks(
    pruning.sparsity,
    signature="sparsity(weights [tensor, ...]) -> float",
    points={"basics": 1},
    hints=(
        "Should a layer of 4 weights count as much as a layer of 8? Or should each weight count alike?",
        "Count the exact zeros of all layers and the weights of all layers. Divide once, at the end.",
        "`(w == 0).sum().item()` are the zeros of a layer, `w.numel()` its weights. Sum both over the list before "
        "you divide.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


@visible
def visible_cases(rng: np.random.Generator) -> Cases:
    """By hand, then layers of different sizes."""
    yield Case("one layer", ([torch.tensor([[0.0, 2.0], [-1.0, 0.5]], dtype=torch.float64)],))
    yield Case("a large and a small layer", ([kept(rng, 0.7, 6, 5), kept(rng, 0.2, 2, 3)],))
    yield Case("tiny weights are not zeros", ([1e-6 * t(rng, 3, 2), torch.zeros(2, dtype=torch.float64)],))


@hidden
def hidden_cases(rng: np.random.Generator) -> Cases:
    """Other layers."""
    yield Case("three layers", ([kept(rng, 0.9, 8, 7), kept(rng, 0.5, 3, 2, 3, 3), kept(rng, 0.1, 4)],))
    yield Case("no zero", ([t(rng, 4, 4), t(rng, 3)],))
    yield Case("nothing but zeros", ([torch.zeros(2, 3), torch.zeros(5)],))
    yield from twice(lambda: ([kept(rng, 0.5, 8, 7), kept(rng, 0.3, 11)],))
    yield Case("numbers below those of 32 bits", ([1e-60 * kept(rng, 0.5, 5, 6)],))
    yield Case("one zero among many", ([torch.ones(40, 50), torch.zeros(1)],), tolerance=RELATIVE)
    yield Case("zeros with a sign", ([torch.tensor([-0.0, 0.0, -1.0, 1e-38])],))


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(weights):
    zeros = total = 0
    for w in weights:
        for value in w.reshape(-1).tolist():
            total += 1
            if value == 0:
                zeros += 1
    return zeros / total


@right("other formula")
def other_formula(weights):
    flat = torch.cat([torch.flatten(w) for w in weights])
    return 1 - float(torch.count_nonzero(flat)) / len(flat)


# --- mistakes -----------------------------------------------------------------------------------------------


@mistake
def share_mean_of_layers(weights):
    """You averaged the layers' shares. A layer of ten weights then counts as much as one of ten thousand: add up the
    zeros, then divide once by all weights."""
    return sum((w == 0).double().mean().item() for w in weights) / len(weights)


@mistake
def share_that_stays(weights):
    """This is the density, the share that is not zero. Sparsity is the share that is."""
    return sum((w != 0).sum().item() for w in weights) / sum(w.numel() for w in weights)


@mistake
def share_in_percent(weights):
    """This is a percentage. The exercise asks for a share between 0 and 1."""
    return 100 * sum((w == 0).sum().item() for w in weights) / sum(w.numel() for w in weights)


@mistake
def share_of_small(weights):
    """Tiny weights were counted as zeros. They are stored and multiplied like all others: count w == 0 exactly."""
    return sum((w.abs() < 1e-3).sum().item() for w in weights) / sum(w.numel() for w in weights)


@mistake
def share_of_negative(weights):
    """Negative weights were counted too. Test w == 0, not w <= 0."""
    return sum((w <= 0).sum().item() for w in weights) / sum(w.numel() for w in weights)

"""The sum of absolute weights of each output channel (Li et al., 2017)."""

from __future__ import annotations

import numpy as np
import torch

from autograder.exercise import Case
from autograder.exercises.awkward import magnitudes, twice
from autograder.exercises.declare import Asks, hidden, mistake, right, visible
from autograder.exercises.pruning.inputs import EXACT, Cases, t
from course_lib import pruning

ASKS = Asks(
    pruning.channel_importance,
    signature="channel_importance(w (C_out, ...)) -> (C_out,)",
    points={"basics": 1},
    hints=(
        "Which dimension counts the output channels? All others have to vanish.",
        "The L1 norm of each output channel: absolute values first, then a sum over its inputs and its kernel.",
        "Flatten `w.abs()` to one row per channel with `reshape(len(w), -1)`, and sum the rows.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


@visible
def visible_cases(rng: np.random.Generator) -> Cases:
    """By hand, then kernels."""
    yield Case("two channels", (torch.tensor([[1.0, -2.0, 0.5], [0.0, 1.0, -1.0]], dtype=torch.float64),))
    yield Case("kernels", (t(rng, 3, 2, 3, 3),))
    yield Case("a linear layer, single precision", (t(rng, 4, 6, dtype=torch.float32),))


@hidden
def hidden_cases(rng: np.random.Generator) -> Cases:
    """Other shapes."""
    yield Case("wide kernels", (t(rng, 6, 3, 1, 5),))
    yield Case("one channel", (t(rng, 1, 4, 2, 2),))
    yield Case("square weights", (t(rng, 5, 5),))
    yield Case("a view", (t(rng, 3, 8, 2, 2).transpose(0, 1)[::2],))
    yield Case("kernels in one dimension", (t(rng, 4, 3, 7),))
    yield Case("one input", (t(rng, 5, 1),))
    yield from twice(lambda: (t(rng, 4, 3),))
    yield from magnitudes(lambda scale: (scale * t(rng, 3, 5),), tolerance=EXACT)


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(w):
    out = w.new_zeros(w.shape[0])
    for c in range(w.shape[0]):
        out[c] = sum(abs(value) for value in w[c].reshape(-1))
    return out


@right("other formula")
def other_formula(w):
    return torch.linalg.vector_norm(w, ord=1, dim=tuple(range(1, w.dim())))


# --- mistakes -----------------------------------------------------------------------------------------------


@mistake
def importance_of_inputs(w):
    """These are sums over the output channels, one for each input. Dimension 0 is the outputs: sum over all the other
    dimensions."""
    return w.abs().transpose(0, 1).flatten(1).sum(dim=1)


@mistake
def importance_squares(w):
    """You took the Euclidean length. The exercise asks for L1: the sum of absolute values."""
    return w.flatten(1).norm(dim=1)


@mistake
def importance_mean(w):
    """You averaged. The exercise asks for the sum of absolute values."""
    return w.abs().flatten(1).mean(dim=1)


@mistake
def importance_signed(w):
    """Positive and negative weights cancel. Take absolute values before you sum."""
    return w.flatten(1).sum(dim=1)


@mistake
def importance_largest(w):
    """This is the largest weight of each channel. The exercise asks for the sum of all its absolute values."""
    return w.abs().flatten(1).amax(dim=1)

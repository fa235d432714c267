"""How many equally likely tokens would leave the model just as unsure: e to the mean cross-entropy."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from autograder.calls import Probe
from autograder.exercise import Case, Tolerance
from autograder.exercises.awkward import CLOSE
from autograder.exercises.declare import Asks, hidden, holds, mistake, right, right_text, visible
from autograder.exercises.rnn.inputs import DOUBLE, SINGLE, normal
from course_lib import rnn

ASKS = Asks(
    rnn.perplexity,
    signature="perplexity(logits (N, T, V), targets (N, T)) -> float",
    points={"basics": 1, "corners": 1},
    hints=(
        "What is averaged here: probabilities, perplexities or losses? And over how many positions?",
        "Take log-probabilities, pick that of each target, average over all positions of all sequences, change the "
        "sign, and raise e to the result, once.",
        "`torch.log_softmax(logits, dim=-1)`, then `.gather(-1, targets[..., None])` picks the targets. Return "
        "`math.exp` of minus the mean, a Python float.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


def _guesses(
    rng: np.random.Generator, n: int, t: int, v: int, dtype: torch.dtype = DOUBLE, scale: float = 1.0
) -> tuple[Tensor, Tensor]:
    return normal(rng, n, t, v, dtype=dtype, scale=scale), torch.from_numpy(rng.integers(0, v, (n, t)))


@visible
def visible_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Smallest first."""
    logits = torch.log(torch.tensor([[[0.5, 0.25, 0.25], [0.125, 0.125, 0.75]]], dtype=DOUBLE))
    yield Case("one sequence, chances 1/2 and 1/8", (logits, torch.tensor([[0, 1]])))
    yield Case("two sequences", _guesses(rng, 2, 3, 4, scale=2))
    yield Case("knows nothing", (torch.zeros(2, 3, 7, dtype=DOUBLE), torch.from_numpy(rng.integers(0, 7, (2, 3)))))
    yield Case("float32", _guesses(rng, 3, 2, 5, SINGLE), group="corners")
    logits, targets = _guesses(rng, 2, 2, 3)
    yield Case("large logits", (logits + 1e4, targets), group="corners")


@hidden
def hidden_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Other sizes, certainty, large logits."""
    yield Case("a longer text", _guesses(rng, 4, 30, 40))
    yield Case("one position", _guesses(rng, 1, 1, 6))
    logits, targets = _guesses(rng, 3, 5, 8)
    sure = logits + 12 * torch.nn.functional.one_hot(targets, 8)
    yield Case("nearly sure", (sure, targets))
    for z, target in ((5e-4, 1), (5e-7, 1), (9e-13, 1), (-7.6, 0), (-14.5, 0), (-28.0, 0), (-12.0, 1), (-28.0, 1)):
        pair = torch.tensor([[[0.0, z]]], dtype=DOUBLE), torch.tensor([[target]])
        yield Case(f"logits of 0 and {z:g}, token {target}", pair, tolerance=CLOSE)
    far = torch.tensor([[[1e10, 1e10 - 2, 0], [3e10 - 1, 3e10, -3e10]]], dtype=DOUBLE), torch.tensor([[1, 0]])
    yield Case("logits of 1e10", far, group="corners", tolerance=Tolerance(relative=1e-4))
    yield Case("large negative logits", (logits - 1e4, targets), group="corners")
    turned = logits.transpose(0, 1).contiguous().transpose(0, 1)
    yield Case("stored with time first", (turned, targets.T.contiguous().T), group="corners")
    yield Case("float32, many tokens", _guesses(rng, 2, 9, 90, SINGLE), group="corners")


# --- properties ----------------------------------------------------------------------------------------------


@holds("a number added to all logits changes nothing", group="corners")
def perplexity_shift(call: Probe, rng: np.random.Generator) -> str | None:
    """Softmax sees differences only."""
    logits, targets = _guesses(rng, 2, 4, 5)
    if not np.isclose(call(logits, targets), call(logits + 1000.0, targets), rtol=1e-6):
        return "the perplexity changes when 1,000 is added to every logit: softmax sees differences only"
    return None


# --- right answers in other styles ------------------------------------------------------------------------


loops = right_text(
    "loops",
    """
import math

def perplexity(logits, targets):
    total, count = 0.0, 0
    for row, wanted in zip(logits.tolist(), targets.tolist()):
        for scores, target in zip(row, wanted):
            top = max(scores)
            total += math.log(sum(math.exp(s - top) for s in scores)) + top - scores[target]
            count += 1
    return math.exp(total / count)
""",
)


@right("other formula")
def other_formula(logits, targets):
    N, T, V = logits.shape
    logs = torch.logsumexp(logits, dim=2)
    chosen = torch.take_along_dim(logits, targets.unsqueeze(2), dim=2).squeeze(2)
    return (logs - chosen).mean().exp()


# --- mistakes -----------------------------------------------------------------------------------------------


@mistake
def perplexity_is_the_loss(logits, targets):
    """This is the mean cross-entropy itself. The perplexity is e to that power."""
    logs = torch.log_softmax(logits, -1).gather(-1, targets[..., None])
    return float(-logs.mean())


@mistake
def perplexity_to_base_two(logits, targets):
    """You raised 2 to the loss. The loss is made with natural logarithms, so the base is e."""
    logs = torch.log_softmax(logits, -1).gather(-1, targets[..., None])
    return 2 ** float(-logs.mean())


@mistake
def perplexity_means_afterwards(logits, targets):
    """You took e to the loss of each position and then the mean. Mean first: e to the mean loss."""
    logs = torch.log_softmax(logits, -1).gather(-1, targets[..., None])
    return float(torch.exp(-logs).mean())


@mistake
def perplexity_by_sequence(logits, targets):
    """You computed one perplexity for each sequence and averaged those. Take the mean loss of all positions of all
    sequences, then e to it, once."""
    logs = torch.log_softmax(logits, -1).gather(-1, targets[..., None])[..., 0]
    return float(torch.exp(-logs.mean(1)).mean())


@mistake
def perplexity_softmax_twice(logits, targets):
    """The softmax was applied twice: cross_entropy has one inside and wants the logits as they are."""
    flat = torch.softmax(logits, -1).reshape(-1, logits.shape[-1])
    return float(torch.exp(torch.nn.functional.cross_entropy(flat, targets.reshape(-1))))


@mistake
def perplexity_of_the_sum(logits, targets):
    """The losses of all positions were added. The perplexity takes their mean, so that long texts count like short
    ones."""
    logs = torch.log_softmax(logits, -1).gather(-1, targets[..., None])
    return float(torch.exp(-logs.sum()))


@mistake
def perplexity_of_mean_probability(logits, targets):
    """This is 1 over the mean probability. The mean is taken of the logarithms: e to the mean of -log p."""
    chances = torch.softmax(logits, -1).gather(-1, targets[..., None])
    return float(1 / chances.mean())


@mistake
def perplexity_overflows(logits, targets):
    """exp(logits) overflows where logits are large, and inf / inf is nan. torch.log_softmax subtracts the largest
    logit first."""
    chances = torch.exp(logits) / torch.exp(logits).sum(-1, keepdim=True)
    return float(torch.exp(-torch.log(chances.gather(-1, targets[..., None])).mean()))


@mistake
def perplexity_of_the_last_step(logits, targets):
    """Only the last step was judged. A language model predicts at every step, and all of them count."""
    logs = torch.log_softmax(logits[:, -1], -1).gather(-1, targets[:, -1:])
    return float(torch.exp(-logs.mean()))

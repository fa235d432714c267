"""Binary cross-entropy of links that exist against pairs that do not, averaged over both together."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from autograder.calls import Probe
from autograder.exercise import Case, Tolerance
from autograder.exercises import observe
from autograder.exercises.awkward import RELATIVE
from autograder.exercises.declare import Asks, hidden, holds, mistake, right, visible
from autograder.exercises.gnn.inputs import DOUBLE, Rng, features
from course_lib import gnn

ASKS = Asks(
    gnn.link_loss,
    signature="link_loss(pos (P,), neg (Q,)) -> one number",
    points={"basics": 1, "extremes": 1},
    hints=(
        "What should a link with a score of -300 cost? Work it out on paper: it is not infinite.",
        "Each term is a softplus: of minus the score for a link, of the score for a pair without one. Put all terms "
        "into one row before you take the mean.",
        "`functional.softplus(-pos)` and `functional.softplus(neg)`, joined by `torch.cat`, then one `.mean()`.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


@visible
def visible_cases(rng: Rng) -> Iterator[Case]:
    """Scores of both kinds, moderate and large."""
    yield Case("two links, one without", (torch.tensor([0.0, 2.0]), torch.tensor([-1.0])))
    yield Case("five and three", (features(rng, 5, dtype=DOUBLE) * 2, features(rng, 3, dtype=DOUBLE) * 2))
    yield Case("very sure and wrong", (torch.tensor([-300.0, 5.0]), torch.tensor([300.0, -2.0, 0.5])), group="extremes")
    yield Case("very sure and right", (torch.tensor([300.0]), torch.tensor([-300.0, -250.0])), group="extremes")
    numbers = [features(rng, 4, dtype=DOUBLE), features(rng, 6, dtype=DOUBLE)]
    yield Case("gradients", (torch.tensor(1.7, dtype=DOUBLE), numbers), group="extremes", through=observe.gradients)


@hidden
def hidden_cases(rng: Rng) -> Iterator[Case]:
    """Other numbers of links, other extremes."""
    yield Case("many", (features(rng, 70), features(rng, 41)))
    yield Case("one and one", (features(rng, 1), features(rng, 1)))
    yield Case(
        "from small to huge", (torch.tensor([-1e4, -90.0, 0.0, 90.0]), torch.tensor([1e4, 88.0])), group="extremes"
    )
    right = torch.tensor([70.0, 75.0], dtype=DOUBLE), torch.tensor([-700.0], dtype=DOUBLE)
    yield Case("hardly a loss", right, group="extremes", tolerance=RELATIVE)
    wrong = torch.tensor([-1e30, 2.0], dtype=DOUBLE), torch.tensor([3.0], dtype=DOUBLE)
    yield Case("an enormous loss", wrong, group="extremes", tolerance=RELATIVE)
    fine = Tolerance(relative=1e-11, absolute=0.0)
    for scale in (5e-7, 5e-4, 1.0):
        scores = (scale * rng.uniform(0.5, 1.0, 4)).tolist()
        near = torch.tensor(scores[:3], dtype=DOUBLE), torch.tensor([-scores[3]], dtype=DOUBLE)
        yield Case(f"scores around {scale:g}, to many digits", near, tolerance=fine)
    numbers = [300 * features(rng, 5, dtype=DOUBLE), 300 * features(rng, 3, dtype=DOUBLE)]
    yield Case(
        "gradients at huge scores",
        (torch.tensor(-0.6, dtype=DOUBLE), numbers),
        group="extremes",
        through=observe.gradients,
    )


# --- properties ----------------------------------------------------------------------------------------------


@holds("both kinds are judged alike", group="basics")
def link_loss_mirror(call: Probe, rng: Rng) -> str | None:
    """Swapping both kinds and all signs changes nothing."""
    pos, neg = features(rng, 6, dtype=DOUBLE), features(rng, 4, dtype=DOUBLE)
    if not np.isclose(float(call(pos, neg)), float(call(-neg, -pos))):
        return "link_loss(pos, neg) differs from link_loss(-neg, -pos): both kinds are judged alike"
    return None


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(pos, neg):
    total = 0
    for s in pos:
        total = total + (torch.log1p(torch.exp(-s)) if s > 0 else -s + torch.log1p(torch.exp(s)))
    for s in neg:
        total = total + (torch.log1p(torch.exp(s)) if s < 0 else s + torch.log1p(torch.exp(-s)))
    return total / (len(pos) + len(neg))


@right("other formula")
def other_formula(pos, neg):
    scores, labels = torch.cat([pos, neg]), torch.cat([torch.ones_like(pos), torch.zeros_like(neg)])
    return torch.nn.functional.binary_cross_entropy_with_logits(scores, labels)


# --- mistakes -----------------------------------------------------------------------------------------------


@mistake
def loss_overflows(pos, neg):
    """The formula is right, but at a score of -300 the sigmoid is 0, and its logarithm minus infinity. softplus(-pos)
    is -log(sigmoid(pos)), and is safe."""
    return torch.cat([-torch.log(torch.sigmoid(pos)), -torch.log(1 - torch.sigmoid(neg))]).mean()


@mistake
def loss_with_a_floor(pos, neg):
    """Your small number inside the logarithm caps the loss: a score that is wrong by 300 costs as much as one wrong by
    35, and has no gradient. softplus needs no floor."""
    return torch.cat([-torch.log(torch.sigmoid(pos) + 1e-15), -torch.log(1 - torch.sigmoid(neg) + 1e-15)]).mean()


@mistake
def loss_mean_of_means(pos, neg):
    """You took a mean of each kind and then put them together. The exercise asks for one mean over all links, so that
    every pair counts alike: concatenate first."""
    return (torch.nn.functional.softplus(-pos).mean() + torch.nn.functional.softplus(neg).mean()) / 2


@mistake
def loss_sums_means(pos, neg):
    """The mean of one kind was added to the mean of the other: this is about twice the loss. The exercise asks for one
    mean over both together."""
    return torch.nn.functional.softplus(-pos).mean() + torch.nn.functional.softplus(neg).mean()


@mistake
def loss_swapped(pos, neg):
    """The signs are swapped: links that exist are pushed apart. A high score must be cheap for pos and expensive for
    neg."""
    return torch.cat([torch.nn.functional.softplus(pos), torch.nn.functional.softplus(-neg)]).mean()


@mistake
def loss_of_links_alone(pos, neg):
    """Only the links that exist count here. Then the cheapest embedding says yes to every pair: neg must count as
    well."""
    return torch.nn.functional.softplus(-pos).mean()


@mistake
def loss_summed(pos, neg):
    """This is the sum over all links. The exercise asks for the mean: divide by their number."""
    return torch.cat([torch.nn.functional.softplus(-pos), torch.nn.functional.softplus(neg)]).sum()

"""How likely a link is, as a logit: the dot product of both ends' embeddings."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from autograder.exercise import Case
from autograder.exercises import observe
from autograder.exercises.awkward import EXTREMES, magnitudes, twice
from autograder.exercises.declare import Asks, hidden, mistake, right, right_text, visible
from autograder.exercises.gnn.inputs import DOUBLE, PYG_LEARNING, Rng, X, edges, features
from course_lib import gnn

ASKS = Asks(
    gnn.link_scores,
    signature="link_scores(z (n, F), edges (2, M)) -> (M,)",
    points={"basics": 1, "gradients": 1},
    forbids=PYG_LEARNING,
    hints=(
        "How many numbers should M pairs give: M, or M times M?",
        "Take the embeddings at both ends of each pair, multiply them feature by feature and sum over the features. "
        "The scores stay logits.",
        "`z[edges[0]]` and `z[edges[1]]` have the shape (M, F). Multiply them with `*` and sum over `dim=-1`.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


@visible
def visible_cases(rng: Rng) -> Iterator[Case]:
    """Scores of a few pairs."""
    pairs = torch.tensor([[0, 2, 1, 0, 3], [1, 1, 3, 4, 3]])
    yield Case("five pairs", (X, pairs))
    yield Case("a graph of eight", (features(rng, 8, 3), edges(rng, 8, 12)))
    numbers = [features(rng, 7, 3, dtype=DOUBLE), edges(rng, 7, 9)]
    upstream = features(rng, numbers[1].shape[1], dtype=DOUBLE)
    yield Case("gradients", (upstream, numbers), group="gradients", through=observe.gradients)


@hidden
def hidden_cases(rng: Rng) -> Iterator[Case]:
    """More pairs, one, none."""
    yield Case("twenty nodes", (features(rng, 20, 8, dtype=DOUBLE), edges(rng, 20, 60)))
    yield Case("one pair", (features(rng, 6, 1), torch.tensor([[4], [2]])))
    yield Case("no pair", (features(rng, 6, 3), torch.empty(2, 0, dtype=torch.int64)))
    yield Case("one node", (features(rng, 1, 3), torch.zeros(2, 2, dtype=torch.int64)))
    yield from twice(lambda: (features(rng, 9, 3), edges(rng, 9, 10)))
    yield from magnitudes(lambda scale: (scale * features(rng, 9, 3, dtype=DOUBLE), edges(rng, 9, 10)), scales=EXTREMES)
    yield Case("not contiguous", (features(rng, 12, 6)[:, ::2], edges(rng, 12, 9).T.contiguous().T))
    numbers = [features(rng, 9, 4, dtype=DOUBLE), edges(rng, 9, 14)]
    upstream = features(rng, numbers[1].shape[1], dtype=DOUBLE)
    yield Case("gradients of more pairs", (upstream, numbers), group="gradients", through=observe.gradients)


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(z, edges):
    scores = []
    for u, v in zip(edges[0], edges[1]):
        scores.append(torch.dot(z[u], z[v]))
    return torch.stack(scores) if scores else z.new_zeros(0)


other_formula = right_text(
    "other formula",
    """
link_scores = lambda z, pairs: torch.einsum("mf,mf->m", *z[pairs])
""",
)


# --- mistakes -----------------------------------------------------------------------------------------------


@mistake
def scores_of_all_pairs(z, edges):
    """These are the scores of every source with every target, a whole matrix. The exercise asks for one number per
    column of edges."""
    return z[edges[0]] @ z[edges[1]].T


@mistake
def scores_not_summed(z, edges):
    """The features were multiplied, but not added up. A dot product sums over them: one number per pair."""
    return z[edges[0]] * z[edges[1]]


@mistake
def scores_as_probabilities(z, edges):
    """A sigmoid is already inside. The scores stay logits; the loss takes the sigmoid, where it can do so safely."""
    return torch.sigmoid((z[edges[0]] * z[edges[1]]).sum(-1))


@mistake
def scores_as_cosines(z, edges):
    """The embeddings were scaled to length 1: this is the cosine of the angle. The dot product keeps the lengths."""
    return torch.nn.functional.cosine_similarity(z[edges[0]], z[edges[1]], dim=-1)


@mistake
def scores_as_distances(z, edges):
    """These are distances: small for likely links. The dot product is large for them."""
    return (z[edges[0]] - z[edges[1]]).square().sum(-1)

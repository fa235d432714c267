"""The models that no other one beats: whatever scores better than one of them costs more."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from autograder.exercise import Case
from autograder.exercises.capstone import observers
from autograder.exercises.declare import Asks, hidden, holds, mistake, right, visible
from course_lib import capstone

ASKS = Asks(
    capstone.pareto_front,
    signature="pareto_front(costs (N,), scores (N,)) -> int64 (k,), indices by rising cost",
    points={"basics": 1, "ties": 1},
    through=observers.front,
    hints=(
        "Walk through the models from cheap to expensive. When is the next one worth its price?",
        "Sort by rising cost, at the same cost by falling score, and where both are equal by index. Keep a model "
        "exactly when its score beats the best so far.",
        "Sort `range(len(costs))` by the key `(costs[i].item(), -scores[i].item(), i)`. Keep `i` where "
        '`scores[i].item() > best`, from `float("-inf")` on, and raise `best`. Return `torch.tensor(front)`.',
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


def _models(name: str, costs: list[float], scores: list[float], group: str = "basics") -> Case:
    return Case(name, (torch.tensor(costs), torch.tensor(scores)), group=group)


@visible
def visible_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Few models, then equal costs and equal scores."""
    yield _models("one model", [3.0], [0.5])
    yield _models("one is beaten", [1.0, 2.0, 3.0], [0.5, 0.4, 0.9])
    yield _models("unsorted", [900.0, 100.0, 400.0, 500.0], [0.97, 0.60, 0.95, 0.90])
    yield _models("scores below 0", [1.0, 2.0, 3.0], [-0.5, -0.7, -0.2])
    yield _models("the same cost", [2.0, 2.0, 1.0], [0.7, 0.9, 0.3], "ties")
    yield _models("the same score", [1.0, 2.0, 3.0], [0.8, 0.8, 0.9], "ties")


@hidden
def hidden_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Many models, and duplicates."""
    yield Case("forty models", (torch.from_numpy(rng.random(40)), torch.from_numpy(rng.random(40))))
    costs = torch.from_numpy(rng.permutation(12).astype(np.float64))
    yield Case("all on the front", (costs, costs.sqrt()))
    yield Case("only the cheapest", (costs, -costs))
    powers = torch.from_numpy(10.0 ** rng.permutation(np.arange(-30, 31, 4)))
    yield Case("costs and scores of all magnitudes", (powers, 3 * powers))
    near = 1 + 1e-9 * torch.from_numpy(rng.permutation(9).astype(np.float64))
    yield Case("costs and scores that differ by billionths", (near, near**2))
    yield _models("the same score, the cheaper one last", [3.0, 1.0], [0.8, 0.8], "ties")
    yield _models("duplicates", [5.0, 1.0, 5.0, 1.0], [0.9, 0.2, 0.9, 0.2], "ties")
    coarse = torch.from_numpy(rng.integers(0, 6, (2, 30)).astype(np.float64))
    yield Case("many ties", (coarse[0], coarse[1]), group="ties")


# --- properties ----------------------------------------------------------------------------------------------


@holds("no model on the front is beaten", group="basics")
def none_is_beaten(call: Any, rng: np.random.Generator) -> str | None:
    """Whatever the numbers are."""
    costs, scores = torch.from_numpy(rng.random(25)), torch.from_numpy(rng.random(25))
    chosen = call(costs, scores)
    for place in chosen:
        beaten = (costs < costs[place]) & (scores > scores[place])
        if beaten.any():
            return "a model on the front costs more than another one and scores less"
    return None


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(costs, scores):
    pairs = [(float(c), float(s)) for c, s in zip(costs, scores)]
    chosen = []
    for i, (cost, score) in enumerate(pairs):
        for j, (other_cost, other_score) in enumerate(pairs):
            if other_cost <= cost and other_score >= score and (other_cost < cost or other_score > score or j < i):
                break
        else:
            chosen.append(i)
    return sorted(chosen, key=lambda i: pairs[i][0])


@right("other formula")
def other_formula(costs, scores):
    c, s = np.asarray(costs, dtype=float), np.asarray(scores, dtype=float)
    order = np.lexsort((np.arange(len(c)), -s, c))
    best = np.maximum.accumulate(s[order])
    first = np.concatenate([[True], best[1:] > best[:-1]])
    return torch.from_numpy(order[first])


# --- mistakes -----------------------------------------------------------------------------------------------


@mistake
def the_best_only(costs, scores):
    """This is the most accurate model alone. A cheaper one that is a little worse is on the front too: no model beats
    it in both."""
    return scores.argmax().reshape(1)


@mistake
def in_the_given_order(costs, scores):
    """These are the right models, but in the order in which they came. A front is read from left to right: by rising
    cost."""
    kept = []
    for i in range(len(costs)):
        beaten = (costs <= costs[i]) & (scores >= scores[i]) & ((costs < costs[i]) | (scores > scores[i]))
        twin = ((costs == costs[i]) & (scores == scores[i]))[:i]
        if not beaten.any() and not twin.any():
            kept.append(i)
    return torch.tensor(kept)


@mistake
def ties_stay(costs, scores):
    """A model that costs more and scores the same is beaten, and so is one of the same cost that scores less. One
    strict difference is enough; of two equal models the first stays."""
    kept = []
    for i in torch.argsort(costs, stable=True).tolist():
        if not ((costs < costs[i]) & (scores > scores[i])).any():
            kept.append(i)
    return torch.tensor(kept)


@mistake
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

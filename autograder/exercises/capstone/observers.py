"""What the judge sees of a compressed network: one program for each budget."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from torch import Tensor

from autograder.exercises.seeds import seeded
from autograder.harness import capstone as harness
from autograder.objects import Answer, AnswerRaised, Built, Kept, UnexpectedAnswer, described

__all__ = ["compressed", "front"]


def compressed(
    answer: Answer,
    kind: str,
    seed: int,
    numbers: Sequence[Tensor],
    data: Sequence[Tensor],
    budgets: Sequence[Sequence[int]],
    example: Sequence[Tensor],
) -> dict[str, Any]:
    """Has the answer compress a trained network for each budget, and records `predict` on an example.

    Several cases look at the same networks, which are compressed once.

    Args:
        answer: the student's `compress`.
        kind: "digits" or "graph".
        seed: the network's, by which it is known here; it stays with the judge, who drew what is held out from it.
        numbers: the tensors of the network's state, in order.
        data: images and labels, or features, edges and labels of a graph.
        budgets: bytes and multiply-accumulates, the largest first.
        example: images, or features and edges, with the shapes that the programs will be run on.

    Returns:
        The `programs`, one for each budget, as plain values; for a budget after the first, the message of the error
        that was raised, if one was.
    """
    known = answer.memory
    if (kind, seed) not in known:
        programs: list[Any] = []
        for budget in budgets:
            try:
                programs.append(_compressed(answer, kind, seed, numbers, data, budget, example))
            except AnswerRaised as error:
                if not programs:
                    raise
                programs.append(str(error)[:300])
        known[kind, seed] = programs
    return {"programs": known[kind, seed]}


def _compressed(
    answer: Answer,
    kind: str,
    seed: int,
    numbers: Sequence[Tensor],
    data: Sequence[Tensor],
    budget: Sequence[int],
    example: Sequence[Tensor],
) -> Any:
    model = Built(harness.network, (kind, list(numbers)))
    given = tuple(each.cpu() for each in data) if kind == "digits" else Built(harness.graph, (list(data),))
    with seeded(answer):
        made = answer(model, given, Built(harness.allowed, tuple(budget)))
        if not isinstance(made, Kept | tuple):
            raise UnexpectedAnswer(
                f"compress returned {described(made)}; expected a CompressedModel, with predict(x) and "
                "a dictionary of tensors, state"
            )
        return answer.through(harness.recorded, made, kind, list(example))


def front(answer: Answer, costs: Tensor, scores: Tensor) -> Any:
    """The chosen indices as a list of integers, whatever container holds them."""
    chosen = answer(costs, scores)
    if isinstance(chosen, Tensor):
        chosen = chosen.tolist()
    if not isinstance(chosen, list | tuple):
        raise UnexpectedAnswer(f"pareto_front returned {described(chosen)}; expected a tensor of indices")
    places = [each.item() if isinstance(each, Tensor | np.ndarray | np.generic) else each for each in chosen]
    if wrong := [each for each in places if not isinstance(each, int | float)]:
        raise UnexpectedAnswer(f"pareto_front returned {described(wrong[0])} among its indices; expected whole numbers")
    return [int(place) for place in places]

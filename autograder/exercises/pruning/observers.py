"""How the judge observes answers on pruning: what they refuse, the gradient of a loss, weights that come back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from autograder.exercises.observe import requires_gradient
from autograder.exercises.seeds import seeded
from autograder.harness import models
from autograder.harness import pruning as harness
from autograder.objects import Answer, AnswerRaised, Built, Kept, UnexpectedAnswer, described

__all__ = ["differentiated", "pruned", "refused"]


def refused(answer: Answer, w: Tensor, *counts: int) -> str:
    """The name of the exception that weights (out, in) raise, or "nothing" if the call returns.

    The first whole group of inputs must be accepted first: refusing everything is not an answer.
    """
    group = counts[1] if counts else 4
    answer(w[:, :group], *counts)
    try:
        answer(w, *counts)
    except AnswerRaised as error:
        return error.raised.kind
    return "nothing"


def differentiated(answer: Answer, student: Tensor, *rest: Any) -> dict[str, Any]:
    """The loss, and its gradient for the student's logits; None if there is none."""
    leaf = requires_gradient(student)
    loss = answer(leaf, *rest)
    if not isinstance(loss, Tensor) or not loss.requires_grad:
        return {"loss": loss, "gradient": None}
    [gradient] = torch.autograd.grad(loss.sum(), leaf, allow_unused=True)
    return {"loss": loss.detach(), "gradient": gradient}


def pruned(
    answer: Answer, kind: str, weights: Sequence[Tensor], x: Tensor, labels: Tensor, sparsity: float, seed: int
) -> dict[str, Any]:
    """Has the answer prune a trained network and fine-tune it.

    Returns:
        The `names` of the new network's parameters; its `weights` by the old network's names and in its order, as the
        new one computes with them, whatever it keeps beside them (masks, parametrizations), or its parameters as they
        are where a name is not there; whether the answer returned the `same object`, and whether the old network is
        `untouched`.
    """
    model = Built(harness.network, (kind, list(weights)))
    with seeded(answer, seed):
        new = answer(model, (x, labels), sparsity)
    if new is not model and not (isinstance(new, Kept) and answer.through(models.is_module, new)):
        raise UnexpectedAnswer(f"prune_and_finetune returned {described(new)}; expected the new model")
    old, found = (answer.through(models.parameters, each) for each in (model, new))
    given = [name for name, _ in harness.network(kind).named_parameters()]
    named = answer.through(models.tensors_named, new, given)
    return {
        "names": given if set(named) == set(given) else list(found),
        "weights": [named[name] for name in given] if set(named) == set(given) else list(found.values()),
        "same object": new is model,
        "untouched": list(old) == given and all(map(torch.equal, old.values(), weights)),
    }

"""New models for graphs as the judge sees them: recorded in either mode, run and trained here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from autograder.exercises import observe
from autograder.exercises.replay import Replay
from autograder.harness import gnn as harness
from autograder.harness import models
from autograder.objects import Answer, Kept, UnexpectedAnswer, described

__all__ = ["network", "seeded", "thinned", "trained_network"]


def network(
    answer: Answer, sizes: Sequence[int], x: Tensor, edge_index: Tensor, order: Tensor, renumbered: Tensor, seed: int
) -> dict[str, Any]:
    """What a new model in eval mode computes on a graph; `hears[i, j]`: the logits of node i depend on x[j].

    The model is recorded on each graph with other features, and computed here.
    """
    x, edge_index, order, renumbered = (each.cpu() for each in (x, edge_index, order, renumbered))
    with observe.seeded(answer, seed), seeded(seed):
        model = _model(answer, sizes)
        first, second = (_on_graph(answer, model, x, edge_index) for _ in range(2))
        other = _on_graph(answer, model, x, renumbered)
        even = (torch.arange(len(x)) % 2 == 0)[:, None].to(x)
        with torch.no_grad():
            told = {
                "logits": first(x, edge_index),
                "again": second(x, edge_index),
                "renumbered": other(x[order], renumbered),
                "even": first(even * x, edge_index),
                "odd": first((1 - even) * x, edge_index),
                "nothing": first(0 * x, edge_index),
                "shapes": [list(each.shape) for each in first.own.values()],
            }
        more = [_on_graph(answer, _model(answer, sizes), x, edge_index) for _ in range(2)]
        told["hears"] = torch.stack([_hears(each, x, edge_index) for each in (first, *more)]).any(0)
    return told


def _model(answer: Answer, sizes: Sequence[int]) -> Kept:
    answer.through(harness.forget_compiled)
    model = answer(*sizes)
    if not isinstance(model, Kept) or not answer.through(models.is_module, model):
        raise UnexpectedAnswer(f"build_gcn returned {described(model)}; expected a torch nn.Module")
    return model


def _on_graph(answer: Answer, model: Kept, x: Tensor, edge_index: Tensor, training: bool = False) -> Replay:
    return observe.replayed(answer, model, observe.other_numbers(x), edge_index, training=training)


def _hears(model: Replay, x: Tensor, edge_index: Tensor) -> Tensor:
    x = x.clone().requires_grad_()
    logits = model(x, edge_index)
    if not logits.requires_grad:
        raise UnexpectedAnswer("the logits carry no gradient: stay in torch throughout")
    mixed = logits @ torch.randn(logits.shape[1])
    rows = [torch.autograd.grad(one, x, retain_graph=True, allow_unused=True)[0] for one in mixed]
    return torch.stack(
        [torch.zeros_like(x[:, 0], dtype=torch.bool) if row is None else row.abs().sum(1) > 0 for row in rows]
    )


def thinned(answer: Answer, hidden: int, edge_index: Tensor, n: int, seed: int) -> dict[str, float]:
    """The shares of `inputs` and of `hidden` numbers that a new model sets to 0 in training mode, by its gradients.

    Nodes have one feature. A dropped input has no gradient. What is dropped behind the first convolution is seen at
    nodes without edges, where it takes the gradient of a column of the second one's weight; nan if none is reached.
    """
    edge_index = edge_index.cpu()
    alone = sorted(set(range(n)) - set(edge_index.flatten().tolist()))
    with observe.seeded(answer, seed), seeded(seed):
        model, x = _model(answer, (1, hidden, 3)), 1 + torch.rand(n, 1)
        still = _on_graph(answer, model, x, edge_index)
        learning = _on_graph(answer, model, x, edge_index, training=True)
        learning.take(still)
        inputs, active = torch.zeros(n), _reached(still, 2 * x, edge_index, alone, hidden)[1]
        could, did = 0, 0
        for _ in range(RUNS):
            kept, columns = _reached(learning, x, edge_index, alone, hidden)
            inputs += ~kept
            could += int(active[kept[alone]].sum())
            did += int((active & columns)[kept[alone]].sum())
    return {"inputs": float(inputs.mean()) / RUNS, "hidden": 1 - did / could if could else torch.nan}


RUNS = 20


def _reached(model: Replay, x: Tensor, edge_index: Tensor, nodes: Sequence[int], hidden: int) -> tuple[Tensor, Tensor]:
    """Which nodes' features have a gradient, and which hidden numbers of `nodes` reach their logits."""
    x = x.clone().requires_grad_()
    logits = model(x, edge_index)
    shape = sorted((hidden, logits.shape[1]))
    weights = [each for each in model.trainable.values() if sorted(each.shape) == shape]
    mixed = logits @ torch.randn(logits.shape[1])
    [slope] = torch.autograd.grad(mixed @ torch.randn(len(mixed)), [x], retain_graph=True)
    found = torch.zeros(len(nodes), hidden, dtype=torch.bool)
    for row, node in zip(found, nodes, strict=True):
        slopes = torch.autograd.grad(mixed[node], [x, *weights], retain_graph=True, materialize_grads=True)
        for each in slopes[1:]:
            row |= each.abs().sum(1 if len(each) == hidden else 0) > 0
    return slope[:, 0] != 0, found


def trained_network(
    answer: Answer, sizes: Sequence[int], graph: Sequence[Tensor], recipe: Sequence[float], seeds: Sequence[int]
) -> list[Tensor]:
    """The classes that new models predict for all nodes after the course's own training, one row per seed.

    `graph` is x, edge_index, y and train_mask, of which edge_index alone is sent; `recipe` is epochs, lr and weight
    decay.
    """
    from course_lib.training import fit

    x, edge_index, y, mask = (each.cpu() for each in graph)
    epochs, lr, decay = recipe
    found = []
    for seed in seeds:
        with observe.seeded(answer, seed), seeded(seed):
            model = _model(answer, sizes)
            tested = _on_graph(answer, model, x, edge_index)
            learning = _on_graph(answer, model, x, edge_index, training=True)
            learning.take(tested)
            fit(
                learning,
                [((x, edge_index), y)],
                int(epochs),
                lr,
                loss=lambda logits, labels: functional.cross_entropy(logits[mask], labels[mask]),
                optimizer=partial(torch.optim.Adam, weight_decay=decay),
                show=False,
            )
            tested.take(learning)
            with torch.no_grad():
                found.append(tested(x, edge_index).argmax(1))
    return found


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seeds torch's global generator on the judge's side while it lasts."""
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(seed)
        yield

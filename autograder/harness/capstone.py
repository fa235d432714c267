"""The capstone on the student's side: a network is compressed, and what its `predict` executes is written down.

What goes back to the judge is a program for each budget: torch's operators in order and the numbers that they start
from, as bytes. The judge runs it itself, on inputs that this process never sees. So nothing hidden here can reach the
result, and nothing said here about size or work is trusted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from autograder.harness import UnexpectedAnswer
from course_lib.capstone import GCN, Budget, digits_cnn
from course_lib.program import ProgramError, record

__all__ = ["compressed", "front"]

Answer = Callable[..., Any]
_latest: dict[tuple[str, int], dict[str, Any]] = {}
"""The last compressed models: several cases look at the same ones."""


def compressed(
    answer: Answer,
    kind: str,
    seed: int,
    numbers: Sequence[Tensor],
    data: Sequence[Tensor],
    budgets: Sequence[Sequence[int]],
    example: Sequence[Tensor],
    again: bool,
) -> dict[str, Any]:
    """Has the answer compress a trained network for each budget, on the CPU, and records `predict` on an example.

    Args:
        answer: the student's `compress`.
        kind: "digits" or "graph".
        seed: seeds torch's generator.
        numbers: the tensors of the network's state, in order.
        data: images and labels, or features, edges and labels of a graph.
        budgets: bytes and multiply-accumulates, the largest first.
        example: images, or features and edges, with the shapes that the programs will be run on.
        again: whether the models from the previous call can be reused.

    Returns:
        The `programs`, one for each budget, as plain values; for a budget after the first, the message of the error
        that was raised, if one was.
    """
    numbers, data, example = ([each.cpu() for each in part] for part in (numbers, data, example))
    if not again or (kind, seed) not in _latest:
        _latest.clear()
        threads = torch.get_num_threads()
        torch.set_num_threads(1)  # more would wait for each other on a busy machine
        try:
            _latest[kind, seed] = {"programs": _each(answer, kind, seed, numbers, data, budgets, example)}
        finally:
            torch.set_num_threads(threads)
    return _latest[kind, seed]


def _each(
    answer: Answer,
    kind: str,
    seed: int,
    numbers: Sequence[Tensor],
    data: Sequence[Tensor],
    budgets: Sequence[Sequence[int]],
    example: Sequence[Tensor],
) -> list[Any]:
    found: list[Any] = []
    for budget in budgets:
        try:
            with torch.random.fork_rng(devices=()):
                torch.manual_seed(seed)
                made = answer(_network(kind, numbers), _data(kind, data), Budget(*budget))
            found.append(_recorded(made, kind, example))
        except Exception as error:
            if not found:
                raise
            found.append(f"{type(error).__name__}: {error}"[:300])
    return found


def _network(kind: str, numbers: Sequence[Tensor]) -> nn.Module:
    model = digits_cnn() if kind == "digits" else GCN()
    model.load_state_dict(dict(zip(model.state_dict(), numbers, strict=True)))
    return model.eval()


def _data(kind: str, tensors: Sequence[Tensor]) -> Any:
    if kind == "digits":
        return tuple(tensors)
    from torch_geometric.data import Data

    return Data(**dict(zip(("x", "edge_index", "y"), tensors, strict=False)))


def _recorded(made: Any, kind: str, example: Sequence[Tensor]) -> Tensor:
    predict, state = getattr(made, "predict", None), getattr(made, "state", None)
    if not callable(predict) or state is None or not hasattr(state, "items"):
        raise UnexpectedAnswer(
            f"compress returned an object of type {type(made).__name__}; expected a CompressedModel, "
            "with predict(x) and a dictionary of tensors, state"
        )
    given = example[0] if kind == "digits" else _data(kind, example)
    try:
        return record(predict, given, list(example)).plain()
    except ProgramError as error:
        raise UnexpectedAnswer(str(error)) from None


def front(answer: Answer, costs: Tensor, scores: Tensor) -> Any:
    """The chosen indices as a list of integers, whatever container holds them."""
    chosen = answer(costs, scores)
    if isinstance(chosen, Tensor):
        chosen = chosen.tolist()
    if not isinstance(chosen, list | tuple):
        raise UnexpectedAnswer(
            f"pareto_front returned an object of type {type(chosen).__name__}; expected a tensor of indices"
        )
    return [int(place) for place in chosen]

"""The capstone on the student's side: a network is compressed, and what its `predict` executes is recorded.

What goes back to the judge is a program: the tensors that are used and torch's operators in order. The judge runs it
itself, on inputs that this process never sees. So nothing hidden here can reach the result, and nothing said here
about size or work is trusted.
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
"""The last compressed model: several cases look at the same one."""


def compressed(
    answer: Answer,
    kind: str,
    seed: int,
    numbers: Sequence[Tensor],
    data: Sequence[Tensor],
    budget: Sequence[int],
    example: Sequence[Tensor],
    again: bool,
) -> dict[str, Any]:
    """Builds a trained network, has the answer compress it on the CPU, and records `predict` on an example.

    Args:
        answer: the student's `compress`.
        kind: "digits" or "graph".
        seed: seeds torch's generator.
        numbers: the tensors of the network's state, in order.
        data: images and labels, or features, edges and labels of a graph.
        budget: bytes and multiply-accumulates.
        example: images, or features and edges, with the shapes that the program will be run on.
        again: whether the model from the previous call can be reused.

    Returns:
        The `program`, as plain values.
    """
    numbers, data, example = ([each.cpu() for each in part] for part in (numbers, data, example))
    if not again or (kind, seed) not in _latest:
        _latest.clear()
        threads = torch.get_num_threads()
        torch.set_num_threads(1)  # more would wait for each other on a busy machine
        try:
            with torch.random.fork_rng(devices=()):
                torch.manual_seed(seed)
                made = answer(_network(kind, numbers), _data(kind, data), Budget(*budget))
            _latest[kind, seed] = _recorded(made, kind, example)
        finally:
            torch.set_num_threads(threads)
    return {"program": _latest[kind, seed]}


def _network(kind: str, numbers: Sequence[Tensor]) -> nn.Module:
    model = digits_cnn() if kind == "digits" else GCN()
    model.load_state_dict(dict(zip(model.state_dict(), numbers, strict=True)))
    return model.eval()


def _data(kind: str, tensors: Sequence[Tensor]) -> Any:
    if kind == "digits":
        return tuple(tensors)
    from torch_geometric.data import Data

    return Data(**dict(zip(("x", "edge_index", "y"), tensors, strict=False)))


def _recorded(made: Any, kind: str, example: Sequence[Tensor]) -> dict[str, Any]:
    predict, state = getattr(made, "predict", None), getattr(made, "state", None)
    if not callable(predict) or state is None or not hasattr(state, "items"):
        raise UnexpectedAnswer(
            f"compress returned an object of type {type(made).__name__}; expected a CompressedModel, "
            "with predict(x) and a dictionary of tensors, state"
        )
    given = example[0] if kind == "digits" else _data(kind, example)
    try:
        return record(predict, given, list(example), dict(state.items())).plain()
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

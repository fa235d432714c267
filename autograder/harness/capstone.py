"""The capstone on the student's side: networks, data and budgets are built; what `predict` executes is written down.

What goes back to the judge is a program: torch's operators in order and the numbers that they start from, as bytes. The
judge runs it itself, on inputs that this process never sees. So nothing hidden here can reach the result, and nothing
said here about size or work is trusted.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from autograder.objects import UnexpectedAnswer, described
from course_lib.capstone import GCN, Budget, digits_cnn
from course_lib.program import ProgramError, record

__all__ = ["allowed", "graph", "network", "recorded"]


def network(kind: str, numbers: Sequence[Tensor]) -> nn.Module:
    """A trained network: "digits" or "graph", with the tensors of its state, in order."""
    model = digits_cnn() if kind == "digits" else GCN()
    model.load_state_dict(dict(zip(model.state_dict(), (each.cpu() for each in numbers), strict=True)))
    return model.eval()


def graph(tensors: Sequence[Tensor]) -> Any:
    """A graph of PyG from its features, edges and, if they are known, labels."""
    from torch_geometric.data import Data

    return Data(**dict(zip(("x", "edge_index", "y"), (each.cpu() for each in tensors), strict=False)))


def allowed(size: int, macs: int) -> Budget:
    """A budget of bytes and multiply-accumulates."""
    return Budget(size, macs)


def recorded(made: Any, kind: str, example: Sequence[Tensor]) -> Tensor:
    """The program of a compressed model's `predict`.

    Args:
        made: what the answer returned.
        kind: "digits" or "graph".
        example: images, or features and edges, with the shapes that the program will be run on.

    Raises:
        UnexpectedAnswer: it is no compressed model, or cannot be recorded.
    """
    predict, state = _parts(made)
    if not callable(predict) or state is None or not hasattr(state, "items"):
        raise UnexpectedAnswer(
            f"compress returned {described(made)}; expected a CompressedModel, with predict(x) and a dictionary of "
            "tensors, state"
        )
    example = [each.cpu() for each in example]
    try:
        return record(predict, example[0] if kind == "digits" else graph(example), example).plain()
    except ProgramError as error:
        raise UnexpectedAnswer(str(error)) from None


def _parts(made: Any) -> tuple[Any, Any]:
    """`predict` and `state`; a namedtuple arrives as a plain tuple of both, in either order."""
    if isinstance(made, tuple) and len(made) == 2:
        return made if callable(made[0]) else made[::-1]
    return getattr(made, "predict", None), getattr(made, "state", None)

"""Graphs and layers of PyG on the student's side: built, read, applied."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn
from torch.func import functional_call

__all__ = ["applied", "forget_compiled", "graph", "is_message_passing", "read_graph"]


def graph(x: Tensor, edge_index: Tensor, y: Tensor, train_mask: Tensor) -> Any:
    """PyG's Data of one graph."""
    from torch_geometric.data import Data

    return Data(x=x, edge_index=edge_index, y=y, train_mask=train_mask)


def read_graph(data: Any) -> list[Tensor]:
    """What `graph` was given, as it is now."""
    return [data.x, data.edge_index, data.y, data.train_mask]


def is_message_passing(value: Any) -> bool:
    """Whether an answer is one of PyG's layers."""
    from torch_geometric.nn import MessagePassing

    return isinstance(value, MessagePassing)


def applied(layer: nn.Module, parameters: Mapping[str, Tensor], x: Tensor, edge_index: Tensor) -> Any:
    """What a layer gives for a graph, with these parameters in place of its own."""
    return functional_call(layer.to(device=x.device, dtype=x.dtype), dict(parameters), (x, edge_index))


def forget_compiled() -> None:
    """Has PyG compile `propagate` again: it does so once per class name, so a class that is redefined would get the
    old one's."""
    for name in [name for name in sys.modules if name.endswith("_propagate")]:
        if not name.startswith(("torch_geometric.", "course_lib.")):
            del sys.modules[name]

"""With PyG's base classes: attention, our own `MessagePassing` layer, a network with two of them, its training."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch_geometric.nn import MessagePassing

from course_lib.gnn.messages import gcn_norm, scatter

__all__ = ["GCNConv", "build_gcn", "gat_layer", "train_nodes"]


def gat_layer(
    x: Tensor, edge_index: Tensor, W: Tensor, a_src: Tensor, a_dst: Tensor, negative_slope: float = 0.2
) -> Tensor:
    """Graph attention: every node decides, head by head, how much to listen to whom (Velickovic et al., 2018).

    Args:
        x: (n, D).
        edge_index: (2, E) int64; every node also hears itself, exactly once.
        W: (heads * F, D), the heads one after the other.
        a_src: (heads, F), what makes a source interesting.
        a_dst: (heads, F), what makes a target curious.
        negative_slope: of the LeakyReLU on the scores.

    Returns:
        (n, heads * F), the heads one after the other.
    """
    n, (heads, width) = x.shape[0], a_src.shape
    nodes = torch.arange(n, device=edge_index.device).expand(2, n)
    source, target = torch.cat([edge_index[:, edge_index[0] != edge_index[1]], nodes], dim=1)
    h = (x @ W.T).view(n, heads, width)
    from_source, from_target = (h * a_src).sum(dim=-1), (h * a_dst).sum(dim=-1)
    scores = from_source.index_select(0, source) + from_target.index_select(0, target)
    scores = functional.leaky_relu(scores, negative_slope)
    with torch.no_grad():  # a softmax does not change when all scores of a node move together
        highest = scatter(scores, target, n, "max")
    loud = (scores - highest.index_select(0, target)).exp()
    heard = scatter(loud[..., None] * h.index_select(0, source), target, n, "sum")
    return (heard / scatter(loud, target, n, "sum")[..., None]).flatten(1)  # its share of the sum


class GCNConv(MessagePassing):  # type: ignore[misc]
    """A graph convolution built the way PyG builds layers: `forward` prepares, `message` is what an edge carries.

    Attributes:
        weight: (out_channels, in_channels), Glorot uniform initialisation.
        bias: (out_channels,), zeros.
    """

    def __init__(self, in_channels: int, out_channels: int):
        super().__init__(aggr="add")
        self.weight = nn.Parameter(torch.empty(out_channels, in_channels))
        self.bias = nn.Parameter(torch.zeros(out_channels))
        nn.init.xavier_uniform_(self.weight)

    def forward(self, x: Tensor, edge_index: Tensor) -> Tensor:
        """(n, in_channels) and (2, E) to (n, out_channels)."""
        looped, weight = gcn_norm(edge_index, x.shape[0])
        rows: Tensor = self.propagate(looped, x=x @ self.weight.T, weight=weight.to(x.dtype))
        return rows + self.bias

    def message(self, x_j: Tensor, weight: Tensor) -> Tensor:
        """The source's features, (E, out_channels), each times the weight of its edge."""
        return weight[:, None] * x_j


class _GCN(nn.Module):
    def __init__(self, features: int, hidden: int, classes: int, dropout: float):
        super().__init__()
        self.first, self.second = GCNConv(features, hidden), GCNConv(hidden, classes)
        self.dropout = dropout

    def forward(self, x: Tensor, edge_index: Tensor) -> Tensor:
        h = functional.relu(self.first(self._thinned(x), edge_index))
        logits: Tensor = self.second(self._thinned(h), edge_index)
        return logits

    def _thinned(self, x: Tensor) -> Tensor:
        """Dropout; for a sparse x only on the stored entries, which saves most of the work on bags of words."""
        if not x.is_sparse:
            return functional.dropout(x, self.dropout, self.training)
        kept = functional.dropout(x.values(), self.dropout, self.training)
        return torch.sparse_coo_tensor(x.indices(), kept, x.shape, is_coalesced=True, check_invariants=False)


def build_gcn(features: int, hidden: int, classes: int) -> nn.Module:
    """Two graph convolutions with a ReLU between them and dropout of one half before each (Kipf and Welling, 2017).

    Args:
        features: width of x.
        hidden: width between the two layers.
        classes: logits for each node.

    Returns:
        A module, called as `model(x, edge_index)`, from (n, features) to (n, classes). x may be sparse
        (coalesced COO).
    """
    return _GCN(features, hidden, classes, dropout=0.5)


def train_nodes(model: nn.Module, data: Any, epochs: int, lr: float, weight_decay: float) -> nn.Module:
    """Trains a model on the labelled nodes of one graph, all nodes at once, with Adam and cross-entropy.

    Args:
        model: called as `model(x, edge_index)`; trained in place and left in eval mode.
        data: a PyG `Data` with x, edge_index, y (n,) and train_mask (n,); labels outside the mask are never read.
        epochs: steps, each on the whole graph.
        lr: Adam's learning rate.
        weight_decay: Adam's L2 penalty.

    Returns:
        The model.
    """
    optimizer = torch.optim.Adam(model.parameters(), lr=lr, weight_decay=weight_decay)
    model.train()
    for _ in range(epochs):
        optimizer.zero_grad()
        logits = model(data.x, data.edge_index)
        loss = functional.cross_entropy(logits[data.train_mask], data.y[data.train_mask])
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return model.eval()

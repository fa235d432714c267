"""Our messages and layers beside PyG's on random graphs: processor time of both, in one run, and memory.

python benchmarks/graphs.py

Both sides take turns on one thread; the shortest round counts. Memory is what one call allocates.
"""

from __future__ import annotations

import os
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # before course_lib.py beside it
os.environ.setdefault("KINETO_LOG_LEVEL", "99")

import torch
from torch import Tensor
from torch.profiler import ProfilerActivity, profile

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    from torch_geometric.nn import GATConv, GCNConv, GINConv, MessagePassing, SAGEConv

from course_lib import gnn

FEATURES = 16
EDGES = (1_000, 10_000, 100_000, 1_000_000)
EDGES_PER_NODE = 10


class Difference(MessagePassing):
    """A PyG layer with the message x_j - x_i."""

    def forward(self, x: Tensor, edge_index: Tensor) -> Tensor:
        """One round."""
        return self.propagate(edge_index, x=x)

    def message(self, x_i: Tensor, x_j: Tensor) -> Tensor:
        """What an edge carries."""
        return x_j - x_i


Pair = tuple[Callable[[], Tensor], Callable[[], Tensor]]


def pairs(x: Tensor, edge_index: Tensor) -> dict[str, Pair]:
    """Ours and PyG's, by name; both give the same numbers."""
    gcn, sage = GCNConv(FEATURES, FEATURES), SAGEConv(FEATURES, FEATURES)
    gin = GINConv(torch.nn.Linear(FEATURES, FEATURES))
    found: dict[str, Pair] = {}
    for reduce in ("sum", "mean", "max"):
        theirs = Difference(aggr=reduce)
        found[f"message_passing, {reduce}"] = (
            lambda reduce=reduce: gnn.message_passing(x, edge_index, lambda x_i, x_j: x_j - x_i, reduce),
            lambda theirs=theirs: theirs(x, edge_index),
        )
    found["gcn_layer"] = (lambda: gnn.gcn_layer(x, edge_index, gcn.lin.weight, gcn.bias), lambda: gcn(x, edge_index))
    found["sage_layer"] = (
        lambda: gnn.sage_layer(x, edge_index, sage.lin_r.weight, sage.lin_l.weight, sage.lin_l.bias),
        lambda: sage(x, edge_index),
    )
    ours = gnn.GCNConv(FEATURES, FEATURES)
    ours.load_state_dict({"weight": gcn.lin.weight, "bias": gcn.bias})
    found["GCNConv"] = (lambda: ours(x, edge_index), lambda: gcn(x, edge_index))
    gat = GATConv(FEATURES, FEATURES // 2, heads=2, bias=False)
    vectors = gat.att_src[0], gat.att_dst[0]
    found["gat_layer"] = (
        lambda: gnn.gat_layer(x, edge_index, gat.lin.weight, *vectors),
        lambda: gat(x, edge_index),
    )
    found["gin_layer"] = (lambda: gnn.gin_layer(x, edge_index, gin.nn, 0.0), lambda: gin(x, edge_index))
    return found


def race(ours: Callable[[], Tensor], theirs: Callable[[], Tensor], rounds: int) -> tuple[float, float]:
    """The shortest processor times of both, in seconds, measured alternately."""
    best = [float("inf"), float("inf")]
    for turn in range(2 * rounds):
        which = (turn + turn // 2) % 2
        start = time.thread_time()
        (ours, theirs)[which]()
        best[which] = min(best[which], time.thread_time() - start)
    return best[0], best[1]


def allocated(call: Callable[[], Tensor]) -> float:
    """Mebibytes that one call allocates, counted by torch's profiler."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as record:
        call()
    return sum(max(0, event.self_cpu_memory_usage) for event in record.events()) / 2**20


def main() -> None:
    """One line for each function and size."""
    torch.set_num_threads(1)
    print(f"{'':22} {'edges':>9}  {'ours':>10} {'PyG':>10} {'ratio':>6}   {'ours':>9} {'PyG':>9}")
    for edges in EDGES:
        generator = torch.Generator().manual_seed(edges)
        n = edges // EDGES_PER_NODE
        edge_index = torch.randint(n, (2, edges), generator=generator)
        x = torch.randn(n, FEATURES, generator=generator)
        for name, (ours, theirs) in pairs(x, edge_index).items():
            with torch.no_grad():
                torch.testing.assert_close(ours(), theirs(), rtol=1e-3, atol=1e-3)
                mine, other = race(ours, theirs, rounds=max(15, min(300, 3_000_000 // edges)))
                memory = f"{allocated(ours):6.1f} MiB {allocated(theirs):5.1f} MiB"
            print(f"{name:22} {edges:9,}  {1e3 * mine:7.3f} ms {1e3 * other:7.3f} ms {mine / other:6.2f}   {memory}")


if __name__ == "__main__":
    main()

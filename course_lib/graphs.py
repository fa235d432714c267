"""Graphs to learn on: Zachary's karate club, which PyG has built in.

Sets
    karate       34 members of a university's karate club and their 78 friendships (Zachary, 1977)
"""

from __future__ import annotations

from typing import Any

import torch

__all__ = ["INSTRUCTOR", "PRESIDENT", "karate", "sides"]

Data = Any
"""A `torch_geometric.data.Data`: x (n, F), edge_index (2, E), y (n,) and masks."""

INSTRUCTOR, PRESIDENT = 0, 33
"""The two whose quarrel split the karate club."""
_WITH_THE_INSTRUCTOR = (0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 16, 17, 19, 21)


def karate() -> Data:
    """The karate club: every friendship as two edges, one-hot features, four communities found later in `y`.

    One member of each community is marked in `train_mask`, as in Kipf and Welling (2017).
    """
    from torch_geometric.datasets import KarateClub

    return KarateClub()[0]


def sides() -> torch.Tensor:
    """What became of the club's 34 members, int64: 0 stayed with the instructor, 1 went with the president."""
    found = torch.ones(34, dtype=torch.int64)
    found[list(_WITH_THE_INSTRUCTOR)] = 0
    return found

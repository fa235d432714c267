"""Graphs to learn on: one built into PyG, one that needs its files, and some generated from a seed.

Sets
    karate       34 members of a university's karate club and their 78 friendships (Zachary, 1977)
    cora         2,708 papers in seven subjects and their citations (Sen et al., 2008), split as by Yang et al. (2016)
    florence     15 families of Florence and the 20 marriages between them (Padgett; Breiger and Pattison, 1986)
    digits       1,797 handwritten digits, each joined to those that look most like it (Alpaydin and Kaynak)
    communities  a random graph whose nodes know more people in their own group
    little       many small graphs of three kinds that differ in how their friendships are spread
"""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

__all__ = [
    "FAMILIES",
    "INSTRUCTOR",
    "KINDS",
    "PRESIDENT",
    "communities",
    "cora",
    "cora_folder",
    "digits",
    "florence",
    "karate",
    "little",
    "sides",
]

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
    """The side of each of the club's 34 members, int64: 0 stayed with the instructor, 1 went with the president."""
    found = torch.ones(34, dtype=torch.int64)
    found[list(_WITH_THE_INSTRUCTOR)] = 0
    return found


FAMILIES = {
    "Acciaiuoli": 10,
    "Albizzi": 36,
    "Barbadori": 55,
    "Bischeri": 44,
    "Castellani": 20,
    "Ginori": 32,
    "Guadagni": 8,
    "Lamberteschi": 42,
    "Medici": 103,
    "Pazzi": 48,
    "Peruzzi": 49,
    "Ridolfi": 27,
    "Salviati": 10,
    "Strozzi": 146,
    "Tornabuoni": 48,
}
"""Families of Florence and their wealth in 1427, in thousands of lira."""
_MARRIED = {
    "Acciaiuoli": "Medici",
    "Albizzi": "Ginori Guadagni Medici",
    "Barbadori": "Castellani Medici",
    "Bischeri": "Guadagni Peruzzi Strozzi",
    "Castellani": "Peruzzi Strozzi",
    "Guadagni": "Lamberteschi Tornabuoni",
    "Medici": "Ridolfi Salviati Tornabuoni",
    "Pazzi": "Salviati",
    "Peruzzi": "Strozzi",
    "Ridolfi": "Strozzi Tornabuoni",
}


def florence() -> Data:
    """Marriages between the families of Florence around 1430: x their wealth, (15, 1), every marriage as two edges.

    Nodes are in the order of FAMILIES. The data are John Padgett's, as printed by Breiger and Pattison (1986); facts of
    history, which networkx ships too, under the BSD licence.
    """
    names = list(FAMILIES)
    once = [(names.index(one), names.index(two)) for one, others in _MARRIED.items() for two in others.split()]
    pairs = np.array([*once, *[pair[::-1] for pair in once]]).T
    return _data(np.array([*FAMILIES.values()], dtype=float)[:, None], pairs, np.arange(len(names)))


def digits(labels: int = 2, neighbours: int = 5, seed: int = 0) -> Data:
    """Scikit-learn's handwritten digits as a graph: each image is joined to the images that differ least from it.

    Args:
        labels: how many images of each digit are marked in `train_mask`.
        neighbours: how many others each image is joined to, both ways, by the distance of their pixels.
        seed: seed for the choice of the labelled images.

    Returns:
        x (1797, 64) float32, the pixels in [0, 1]; edge_index sorted, without repeated edges; y (1797,); train_mask.
    """
    from sklearn.datasets import load_digits

    pixels, y = load_digits(return_X_y=True)
    squares = (pixels**2).sum(axis=1)
    apart = squares[:, None] + squares - 2 * pixels @ pixels.T
    np.fill_diagonal(apart, np.inf)
    joined = np.zeros(apart.shape, dtype=bool)
    np.put_along_axis(joined, np.argsort(apart, axis=1, kind="stable")[:, :neighbours], True, axis=1)
    graph = _data(pixels / 16, np.stack(np.nonzero(joined | joined.T)), y)
    rng, graph.train_mask = np.random.default_rng(seed), torch.zeros(len(y), dtype=torch.bool)
    for digit in range(10):
        graph.train_mask[rng.choice(np.flatnonzero(y == digit), labels, replace=False)] = True
    return graph


def cora_folder() -> Path | None:
    """The folder with Cora's eight files `ind.cora.*`, None if it is not found.

    Looked for in the folder that the environment variable COURSE_DATA names, else in `../shared/data` beside this
    repository; there in the folder itself, in `raw` and in `cora/raw`.
    """
    named = os.environ.get("COURSE_DATA")
    base = Path(named) if named else Path(__file__).resolve().parents[2] / "shared" / "data"
    for folder in (base, base / "raw", base / "cora" / "raw", base / "Cora" / "raw"):
        if (folder / "ind.cora.graph").is_file():
            return folder
    return None


def cora() -> Data | None:
    """Cora through PyG's Planetoid, rows of x scaled to sum to 1; None if its files are not here.

    140 papers are for training, 500 for validation, 1,000 for testing. Nothing is written beside the files.
    """
    folder = cora_folder()
    if folder is None:
        return None
    from torch_geometric.datasets import Planetoid
    from torch_geometric.transforms import NormalizeFeatures

    with tempfile.TemporaryDirectory() as root:
        (Path(root) / "Cora").mkdir()
        (Path(root) / "Cora" / "raw").symlink_to(folder.resolve(), target_is_directory=True)
        with contextlib.redirect_stderr(io.StringIO()):  # it reports its progress there
            return Planetoid(root, "Cora", transform=NormalizeFeatures())[0]


def communities(
    sizes: Sequence[int],
    inside: float,
    outside: float,
    features: int,
    noise: float,
    rng: np.random.Generator,
    popularity: Any = None,
) -> Data:
    """A random graph in which nodes of the same group are joined more often than others (stochastic block model).

    Args:
        sizes: nodes in each group.
        inside: probability of a friendship between two nodes of the same group.
        outside: the same for nodes of different groups.
        features: width of x.
        noise: standard deviation of x around its group's centre, itself standard normal.
        rng: the only source of randomness.
        popularity: (n,), how popular each node is: the probability of a friendship is multiplied by the product of its
            nodes' popularities, up to 1, so that a few nodes can become hubs (Karrer and Newman, 2011). None for equal
            nodes.

    Returns:
        x float32, edge_index with every friendship as two edges, y the groups; nodes in random order.
    """
    y = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    likely = np.where(y[:, None] == y[None], inside, outside)
    if popularity is not None:
        likely = likely * np.outer(popularity, popularity)
    joined = np.triu(rng.random(likely.shape) < likely, 1)
    x = rng.standard_normal((len(sizes), features))[y] + noise * rng.standard_normal((len(y), features))
    return _data(x, np.stack(np.nonzero(joined | joined.T)), y)


KINDS = ("random", "hubs", "ring")


def little(count: int, rng: np.random.Generator) -> list[Data]:
    """Small graphs of three kinds with as many edges each, about two per node; `y` is the index in KINDS.

    random: all friendships are equally likely (Erdos and Renyi, 1959). hubs: each new node joins two others, preferring
    well-connected ones (Barabasi and Albert, 1999). ring: each node is joined to the next two, and one in ten
    friendships leads elsewhere (Watts and Strogatz, 1998).

    Args:
        count: how many graphs.
        rng: the only source of randomness.

    Returns:
        Graphs of 14 to 29 nodes in random order, with only ones as features, (n, 1).
    """
    made = []
    for y in rng.permutation(np.arange(count) % 3).tolist():
        n = int(rng.integers(14, 30))
        joined = (_random, _hubs, _ring)[y](n, rng)
        order = rng.permutation(n)
        joined = (joined | joined.T)[order][:, order]
        made.append(_data(np.ones((n, 1)), np.stack(np.nonzero(joined)), np.array([y])))
    return made


def _random(n: int, rng: np.random.Generator) -> Any:
    above = np.stack(np.triu_indices(n, 1))
    joined = np.zeros((n, n), dtype=bool)
    joined[tuple(above[:, rng.permutation(above.shape[1])[: 2 * n - 3]])] = True
    return joined


def _hubs(n: int, rng: np.random.Generator) -> Any:
    joined = np.zeros((n, n), dtype=bool)
    joined[0, 1] = True
    for node in range(2, n):
        friends = (joined | joined.T).sum(axis=1)[:node]
        joined[node, rng.choice(node, 2, replace=False, p=friends / friends.sum())] = True
    return joined


def _ring(n: int, rng: np.random.Generator) -> Any:
    joined = np.zeros((n, n), dtype=bool)
    for node in range(n):
        for step in (1, 2):
            other = int(rng.integers(n)) if rng.random() < 0.1 else (node + step) % n
            joined[node, other] = other != node
    return joined


def _data(x: Any, edge_index: Any, y: Any) -> Data:
    from torch_geometric.data import Data as Graph

    return Graph(
        x=torch.from_numpy(x).float(), edge_index=torch.from_numpy(edge_index).long(), y=torch.from_numpy(y).long()
    )

"""What a compressed layer really takes: sparse rows, counted bits, shared values, Huffman codes, two thin factors."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Sequence

import torch
from torch import Tensor

__all__ = ["csr_matvec", "huffman_bits", "kmeans_share", "low_rank", "model_bytes", "to_csr"]

Csr = tuple[Tensor, Tensor, Tensor]


def to_csr(w: Tensor) -> Csr:
    """A matrix as compressed sparse rows.

    Args:
        w: (out, in).

    Returns:
        values (k,), the numbers that are not 0, row by row; columns (k,), int64, the column of each;
        row_pointers (out + 1,), int64: row i has the entries from row_pointers[i] up to row_pointers[i + 1].
    """
    rows, columns = w.nonzero(as_tuple=True)
    counts = torch.bincount(rows, minlength=w.shape[0])
    pointers = torch.cat([counts.new_zeros(1), counts.cumsum(0)])
    return w[rows, columns], columns, pointers


def csr_matvec(csr: Csr, x: Tensor) -> Tensor:
    """The product of a matrix in compressed sparse rows with a vector; one multiplication for each stored value.

    Args:
        csr: (values, columns, row_pointers), from `to_csr`.
        x: (in,).

    Returns:
        (out,).
    """
    values, columns, pointers = csr
    rows = torch.repeat_interleave(torch.arange(len(pointers) - 1, device=x.device), pointers.diff())
    return x.new_zeros(len(pointers) - 1).index_add(0, rows, values * x[columns])


def model_bytes(weights: Sequence[Tensor], masks: Sequence[Tensor | None], bits: int, index_bits: int) -> int:
    """The bytes that weights take, packed without gaps.

    Args:
        weights: one tensor per layer.
        masks: bool, one for each layer; None for a layer that is stored densely, without indices.
        bits: bits per weight.
        index_bits: bits per index, one stored beside each weight of a sparse layer.

    Returns:
        The bits of all layers together, divided by 8 and rounded up.
    """
    total = 0
    for w, mask in zip(weights, masks, strict=True):
        total += w.numel() * bits if mask is None else int(mask.sum()) * (bits + index_bits)
    return (total + 7) // 8


def kmeans_share(w: Tensor, clusters: int, iterations: int) -> tuple[Tensor, Tensor]:
    """Lets weights share a few values: k-means in one dimension (Han, Mao, Dally, 2016).

    Args:
        w: any shape.
        clusters: number of values.
        iterations: how often every weight chooses its nearest value and every value moves to the mean of its weights.

    Returns:
        codebook (clusters,), started evenly spaced between min and max; codes, int64, w's shape: for each weight the
        index of the nearest value in this codebook. A value that no weight chose stays where it is.
    """
    flat = w.flatten()
    codebook = torch.lerp(flat.min(), flat.max(), torch.linspace(0, 1, clusters, dtype=w.dtype, device=w.device))
    for _ in range(iterations):
        codes = _nearest(flat, codebook)
        counts = torch.bincount(codes, minlength=clusters)
        sums = torch.zeros_like(codebook).index_add(0, codes, flat)
        codebook = torch.where(counts > 0, sums / counts.clamp(min=1), codebook)
    return codebook, _nearest(flat, codebook).view(w.shape)


def _nearest(flat: Tensor, codebook: Tensor) -> Tensor:
    return (flat[:, None] - codebook).abs().argmin(dim=1)


def huffman_bits(symbols: Tensor) -> int:
    """The bits of all symbols in the best code that gives each symbol its own word (Huffman, 1952).

    Args:
        symbols: integers, any shape.

    Returns:
        The length of the coded message, without the code's table. If all symbols are the same, each costs 1 bit.
    """
    counts = list(Counter(symbols.flatten().tolist()).values())
    if len(counts) < 2:
        return sum(counts)
    heapq.heapify(counts)
    total = 0
    while len(counts) > 1:
        pair = heapq.heappop(counts) + heapq.heappop(counts)
        total += pair  # everything below this node is one bit longer
        heapq.heappush(counts, pair)
    return total


def low_rank(w: Tensor, rank: int) -> tuple[Tensor, Tensor]:
    """The two thin factors whose product is nearest to a matrix (Eckart and Young, 1936).

    Args:
        w: (out, in).
        rank: inner size of the factors, at most min(out, in).

    Returns:
        u (out, rank) and v (rank, in); no other pair has a smaller |w - u @ v|.

    Raises:
        ValueError: the rank is not between 1 and min(out, in).
    """
    if not 1 <= rank <= min(w.shape):
        raise ValueError(f"rank is {rank}; a matrix of shape {tuple(w.shape)} allows 1 to {min(w.shape)}")
    left, sizes, right = torch.linalg.svd(w, full_matrices=False)
    return left[:, :rank] * sizes[:rank], right[:rank]

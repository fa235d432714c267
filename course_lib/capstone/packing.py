"""Integers of a few bits packed into bytes, and which of many models are worth looking at."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["pack", "pareto_front", "unpack"]


def pack(codes: Tensor, bits: int) -> Tensor:
    """Packs small integers side by side, without gaps.

    Args:
        codes: any shape, integers from 0 to 2^bits - 1.
        bits: bits per code, 1 to 8.

    Returns:
        uint8, (ceil(numel * bits / 8),). The first code takes the lowest bits of the first byte; a code may span
        two bytes; unused bits of the last byte are 0.
    """
    powers = torch.arange(bits, device=codes.device)
    stream = (codes.flatten()[:, None].to(torch.int64) >> powers & 1).flatten()
    stream = torch.nn.functional.pad(stream, (0, -len(stream) % 8)).view(-1, 8)
    places = torch.arange(8, device=codes.device)
    return (stream << places).sum(dim=1).to(torch.uint8)


def unpack(packed: Tensor, bits: int, count: int) -> Tensor:
    """The codes that `pack` packed.

    Args:
        packed: uint8, (B,).
        bits: bits per code, 1 to 8.
        count: how many codes there are.

    Returns:
        uint8, (count,).
    """
    places = torch.arange(8, device=packed.device)
    stream = (packed[:, None].to(torch.int64) >> places & 1).flatten()[: count * bits].view(count, bits)
    powers = torch.arange(bits, device=packed.device)
    return (stream << powers).sum(dim=1).to(torch.uint8)


def pareto_front(costs: Tensor, scores: Tensor) -> Tensor:
    """The models that no other one beats: any model that is better than one of them costs more.

    Args:
        costs: (N,), less is better.
        scores: (N,), more is better.

    Returns:
        Their indices, int64, by increasing cost. A model is on the front if no other costs at most as much and scores
        at least as much, with one of the two strictly better; of several equal ones the first.
    """
    order = sorted(range(len(costs)), key=lambda place: (float(costs[place]), -float(scores[place]), place))
    front, best = [], -float("inf")
    for place in order:
        if float(scores[place]) > best:
            front.append(place)
            best = float(scores[place])
    return torch.tensor(front, dtype=torch.int64)

"""How much of a network's arithmetic is done in floats, as the judge sees it when it runs the recorded program."""

from __future__ import annotations

import torch
from torch import Tensor

from autograder.exercises.replay import Ran, Replay
from autograder.harness import quantization as harness
from autograder.harness.quantization import Layers

__all__ = ["float_work", "products"]

_ACCUMULATE = frozenset(
    """
    mm addmm bmm baddbmm mv addmv dot convolution _convolution _int_mm sum index_add scatter_add scatter_reduce
    """.split()
)
_SUMS = frozenset("sum mean cumsum index_add scatter_add scatter_reduce prod norm linalg_vector_norm".split())
_PAIRS = frozenset("mul div addcmul addcdiv lerp outer".split())
_CURVES = frozenset("exp exp2 expm1 pow square log log2 sin cos tan atan sinh cosh".split())
_MOVES = frozenset(
    """
    constant view _unsafe_view reshape permute transpose t slice select unsqueeze squeeze expand cat stack split
    split_with_sizes unbind unfold im2col as_strided _reshape_alias repeat flip alias detach clone _to_copy copy index
    index_select gather zeros ones empty lift_fresh lift_fresh_copy constant_pad_nd
    """.split()
)
"""Operators that compute nothing."""


def products(layers: Layers, x: Tensor) -> int:
    """How many products of a weight and an activation the layers need for all examples of x."""
    count = 0
    with torch.no_grad():
        for layer in harness.network(layers):
            x = layer(x)
            weight = getattr(layer, "weight", None)
            if isinstance(weight, Tensor):
                count += weight.numel() * len(x) * x[0, 0].numel()
    return count


def float_work(replay: Replay, x: Tensor) -> tuple[int, int]:
    """The operations on floats that one pass takes, as numbers that they make or add up.

    Returns:
        Those in which a weight meets an activation, where a weight is anything that was made of stored 8-bit integers
        and not yet added up as an integer; and all products of two tensors, powers and sums.
    """
    stored = [replay.slot(name) for name in replay.names if replay.named(name).dtype in (torch.int8, torch.uint8)]
    weights, seen = set[int](), set[int]()
    meets = work = 0
    for ran in replay.watched(x):
        if not seen:  # a run works on copies
            weights, seen = {_memory(ran.values[slot]) for slot in stored}, {_memory(ran.values[0])}
        name = ran.operator.removesuffix("_")
        sources = [ran.values[slot] for slot in ran.sources]
        results = [ran.values[slot] for slot in ran.made if slot in ran.values]
        sizes = [each.numel() for each in (*sources, *results)]
        of_input = any(_memory(each) in seen for each in sources)
        of_weights = any(_memory(each) in weights for each in sources)
        for each in results:
            if of_input:
                seen.add(_memory(each))
            if of_weights and not (name in _ACCUMULATE and _adds_up(each, of_input, sizes)):
                weights.add(_memory(each))
        if not any(each.is_floating_point() for each in results):
            continue
        if of_input and name not in _MOVES and any(_memory(each) in weights for each in results):
            meets += max(sizes)
        if (name in _PAIRS and _two(ran)) or name in _CURVES or name in _SUMS:
            work += max(sizes)
    return meets, work


def _memory(tensor: Tensor) -> int:
    """What tells apart tensors that do not share their numbers, as long as they live."""
    return tensor.untyped_storage().data_ptr()


def _adds_up(result: Tensor, of_input: bool, sizes: list[int]) -> bool:
    """Whether integers were added up: with an activation in each product, or many weights to one."""
    return not result.is_floating_point() and (of_input or 4 * result.numel() <= max(sizes))


def _two(ran: Ran) -> bool:
    """Whether an operator combines two tensors, rather than one and a number."""
    return sum(slot is not None for slot in ran.positional) > 1

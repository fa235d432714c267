"""The operators that a program may use, and what each call of one costs.

A multiply-accumulate (MAC) is one product and one sum. Both are counted and the larger count is taken, so that a layer
costs the same however it is written: as a matrix product, as products that are summed up, or as sums alone. Comparing
two numbers costs a sum. Moving, rounding, casting, and clamping at a fixed number cost nothing. Numbers of 64 bits cost
twice, because two products of small numbers fit into one of large ones.

The list is short on purpose: what is not on it cannot be written down. Every operator on it does work that is bounded
by the numbers that it reads and writes, and these are limited. Names are those of torch's dispatcher.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import torch
from torch import Tensor

__all__ = [
    "DTYPES",
    "MOST_NUMBERS",
    "OPERATORS",
    "Refused",
    "check",
    "cost",
    "expected",
    "instead_of",
    "listed",
    "operator_of",
]

DTYPES = ("float32", "uint8", "float16", "int64", "int8", "bool", "bfloat16", "int16", "int32", "float64")
"""The dtypes that a program may use."""

MOST_NUMBERS = 10_000_000
"""Limit for the numbers in one tensor, and for those that one pooling looks at."""

_KINDS = {
    "product": "mm.default addmm.default bmm.default baddbmm.default mv.default addmv.default dot.default",
    "convolution": "convolution.default",
    "multiply": """mul.Tensor div.Tensor div.Tensor_mode remainder.Tensor remainder.Scalar floor_divide.default
        pow.Tensor_Scalar pow.Scalar pow.Tensor_Tensor square.default sqrt.default rsqrt.default reciprocal.default
        exp.default exp2.default log.default sigmoid.default tanh.default gelu.default silu.default elu.default
        hardswish.default leaky_relu.default""",
    "add": """add.Tensor sub.Tensor rsub.Scalar bitwise_and.Scalar bitwise_and.Tensor bitwise_or.Tensor
        bitwise_or.Scalar bitwise_xor.Tensor __rshift__.Tensor __rshift__.Scalar __lshift__.Tensor __lshift__.Scalar
        eq.Tensor eq.Scalar ne.Tensor ne.Scalar lt.Tensor lt.Scalar le.Tensor le.Scalar gt.Tensor gt.Scalar ge.Tensor
        ge.Scalar maximum.default minimum.default where.self where.ScalarOther where.ScalarSelf where.Scalar
        logical_and.default logical_or.default""",
    "both": """addcmul.default lerp.Scalar lerp.Tensor native_layer_norm.default native_batch_norm.default
        _native_batch_norm_legit_no_training.default _softmax.default _log_softmax.default""",
    "gathered": """sum.default sum.dim_IntList mean.default mean.dim amax.default amin.default argmax.default
        argmin.default max.dim min.dim max.default min.default any.default any.dim all.default all.dim
        bincount.default col2im.default""",
    "spread": "index_add.default scatter_add.default scatter_reduce.two index_put.default",
    "pool": "max_pool2d_with_indices.default avg_pool2d.default",
    "move": """view.default permute.default t.default transpose.int unsqueeze.default slice.Tensor select.int
        _to_copy.default arange.default arange.start arange.start_step cat.default stack.default index.Tensor
        expand.default squeeze.dim squeeze.default squeeze.dims clone.default alias.default unbind.int split.Tensor
        split_with_sizes.default unfold.default im2col.default repeat.default flip.default roll.default
        index_select.default gather.default embedding.default zeros.default ones.default new_zeros.default
        new_ones.default zeros_like.default ones_like.default full.default full_like.default new_full.default
        scalar_tensor.default empty.memory_format copy.default zero.default fill.Scalar masked_fill.Scalar
        constant_pad_nd.default scatter.src scatter.value tril.default triu.default diagonal.default eye.default
        pixel_shuffle.default view.dtype""",
    "value": """relu.default clamp.default clamp_min.default clamp_max.default round.default floor.default ceil.default
        trunc.default abs.default neg.default sign.default hardtanh.default logical_not.default bitwise_not.default""",
}
_KIND_OF = {name: kind for kind, names in _KINDS.items() for name in names.split()}
_COMMON = """
    view.default _to_copy.default unsqueeze.default permute.default mul.Tensor add.Tensor sub.Tensor slice.Tensor
    index.Tensor sum.dim_IntList __rshift__.Tensor __lshift__.Tensor bitwise_and.Scalar convolution.default
    relu.default"""
"""Those that are used most have the smallest numbers."""

OPERATORS: tuple[str, ...] = tuple(dict.fromkeys([*_COMMON.split(), *_KIND_OF]))
"""All operators with their overloads; where one stands is its number in a program."""

_SAME = {
    "_unsafe_view.default": "view.default",
    "_reshape_alias.default": "view.default",
    "bitwise_right_shift.Tensor": "__rshift__.Tensor",
    "bitwise_right_shift.Tensor_Scalar": "__rshift__.Scalar",
    "bitwise_left_shift.Tensor": "__lshift__.Tensor",
    "bitwise_left_shift.Tensor_Scalar": "__lshift__.Scalar",
    "lift_fresh.default": "alias.default",
    "detach.default": "alias.default",
}
_NOT_IN_PLACE = ("product", "gathered", "both", "convolution", "pool")


class Refused(Exception):
    """A call that a program may not make; the message names the operator and says what to use."""


def listed(full: str) -> tuple[str, bool] | None:
    """The listed operator, and whether it works in place, for a name such as "aten.add_.Tensor"; None if not listed."""
    space, _, rest = full.partition(".")
    rest = _SAME.get(rest, rest)
    if space == "aten" and rest in _KIND_OF:
        return rest, False
    name, _, overload = rest.partition(".")
    plain = f"{name.removesuffix('_')}.{overload}"
    in_place = name.endswith("_") and not name.startswith("__") and plain in _KIND_OF
    return (plain, True) if space == "aten" and in_place else None


@cache
def operator_of(name: str, in_place: bool) -> Any:
    """torch's operator.

    Raises:
        Refused: there is none of that name that works in place.
    """
    base, _, overload = name.partition(".")
    packet = getattr(torch.ops.aten, base + "_" * in_place, None)
    found = getattr(packet, overload, None)
    if found is None or (in_place and _KIND_OF[name] in _NOT_IN_PLACE):
        raise Refused(f"{base} does not work in place")
    return found


_INSTEAD = {
    "torch.where, with both values computed": ("masked_select", "nonzero", "masked_scatter", "index_fill"),
    "view, unfold or slicing": ("as_strided", "as_strided_copy", "set"),
    "comparisons, or do it once in compress": ("sort", "topk", "unique", "isin", "searchsorted", "bucketize"),
    "a product with a triangular matrix": ("cumsum", "cumprod", "cummax", "logcumsumexp"),
    "index_add or scatter_add": ("histc", "segment_reduce"),
    "expand, repeat or view": ("repeat_interleave", "tile"),
    "avg_pool2d or mean": ("_adaptive_avg_pool2d", "adaptive_max_pool2d"),
    "numbers that compress has drawn and stored": ("rand", "randn", "bernoulli", "native_dropout", "randint"),
}  # fmt: skip


def instead_of(full: str) -> str:
    """One sentence on an operator that is not listed, and what to use in its place."""
    name = full.split(".")[1] if full.count(".") else full
    use = next((use for use, names in _INSTEAD.items() if name.strip("_") in [each.strip("_") for each in names]), "")
    use = (
        use or "products, sums, convolutions, indexing and pointwise functions; course_lib.program.operators lists them"
    )
    return f"it uses the operator {name}, which a judged program may not use: take {use}"


# --- before an operator runs ------------------------------------------------------------------------------


def expected(name: str, operator: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> tuple[int, int]:
    """How many numbers the first result of an operator has, and how many are looked at; nothing is computed.

    Raises:
        Refused: too many numbers.
        RuntimeError: the operator refuses its arguments.
    """
    if name == "bincount.default":
        first: Tensor = args[0]
        out = largest = max(int(first.max()) + 1 if first.numel() else 0, *map(int, args[2:]), 1)
    else:
        made = _tensors(operator(*_imagined(args), **_imagined(kwargs) | _meta(operator)))
        out, largest = made[0].numel(), max(each.numel() for each in made)
    if _KIND_OF[name] == "pool":
        largest = out * math.prod(_pair(args[1]))
    if largest > MOST_NUMBERS:
        raise Refused(f"{name.partition('.')[0]} would work on {largest:,} numbers; {MOST_NUMBERS:,} are allowed")
    return out, largest + sum(each.numel() for each in _tensors([*args, *kwargs.values()]))


def _meta(operator: Any) -> dict[str, Any]:
    """The device of nothing, for operators that make a tensor from none."""
    takes = any(argument.name == "device" for argument in operator._schema.arguments)
    return {"device": torch.device("meta")} if takes else {}


def check(name: str, args: Sequence[Any]) -> None:
    """Calls that could stop the process, or whose work depends on values.

    Raises:
        Refused: one of these.
    """
    base = name.partition(".")[0]
    _check_types(name, args)
    if base in ("div", "remainder", "floor_divide") and not any(_floating(each) for each in args[:2]):
        divisor = args[1]
        if not bool((divisor > 0).all()) if isinstance(divisor, Tensor) else not divisor > 0:
            raise Refused(f"{base} of integers has a divisor that is not positive: use floats, or a positive divisor")
    if base in ("index", "index_put") and any(each.dtype in (torch.bool, torch.uint8) for each in _tensors(args[1])):
        raise Refused("an index is a mask of type bool or uint8: take torch.where, or indices of type int64")
    if base == "native_batch_norm" and args[5]:
        raise Refused("batch_norm would use statistics of the batch: put the model into eval mode")
    if name == "view.dtype" and torch.bool in args:
        raise Refused("bytes cannot be viewed as bool: compare them with 0")
    if not _fits(base, args):
        raise Refused(f"the arguments of {base} do not fit together")


_TYPES = {"ScalarType": torch.dtype, "Layout": torch.layout, "MemoryFormat": torch.memory_format}


@cache
def _typed(name: str) -> list[tuple[int, type]]:
    """The arguments of an operator that are types or layouts: their places."""
    schema = operator_of(name, False)._schema.arguments
    kinds = [str(each.real_type).removeprefix("Optional[").rstrip("]") for each in schema]
    return [(place, _TYPES[kind]) for place, kind in enumerate(kinds) if kind in _TYPES]


def _check_types(name: str, args: Sequence[Any]) -> None:
    """Refuses numbers in place of types and layouts, which torch would look up unchecked."""
    for place, wanted in _typed(name):
        if args[place] is not None and not isinstance(args[place], wanted):
            raise Refused(f"{name.partition('.')[0]} is called with a number where a type is expected")


_WINDOWS = ("im2col", "col2im", "convolution", "max_pool2d_with_indices", "avg_pool2d")
_LARGEST_WINDOW = 1 << 16


def _fits(base: str, args: Sequence[Any]) -> bool:
    """Whether sizes fit together, for operators that do not look: they would read outside of their tensors."""
    if base in ("native_batch_norm", "_native_batch_norm_legit_no_training"):
        x, *given = args[:5]
        kept = [each for each in given if each is not None]
        same = all(each.shape == x.shape[1:2] and each.dtype == x.dtype for each in kept)
        return x.dim() > 1 and x.is_floating_point() and same and None not in given[2:]
    if base in _WINDOWS:
        sizes = [each for value in args if isinstance(value, list) for each in value if isinstance(each, int)]
        return all(0 <= each <= _LARGEST_WINDOW for each in sizes)
    return True


def _floating(value: Any) -> bool:
    return value.is_floating_point() if isinstance(value, Tensor) else isinstance(value, float)


# --- cost -------------------------------------------------------------------------------------------------


def cost(name: str, args: Sequence[Any], out: int) -> tuple[int, int]:
    """Products and sums in one call of an operator.

    Args:
        name: the operator with its overload, such as "mm.default".
        args: its arguments, in the order of its schema.
        out: how many numbers its first result has.
    """
    count: Callable[[str, Sequence[Any], int], tuple[int, int]] = _COSTS[_KIND_OF[name]]
    products, sums = count(name, args, out)
    judged = args[:1] if _KIND_OF[name] in ("spread", "gathered") else args  # indices do not count
    wide = 2 if any(each.itemsize == 8 for each in _tensors(judged)) else 1
    return wide * products, wide * sums


def _product(name: str, args: Sequence[Any], out: int) -> tuple[int, int]:
    added = name.startswith(("add", "badd"))
    inner = out * int(args[1 if added else 0].shape[-1])
    factors = sum(out for factor in args[3:5] if factor != 1) if added else 0
    return inner + factors, inner


def _convolution(_: str, args: Sequence[Any], out: int) -> tuple[int, int]:
    """A kernel's numbers for each output; for a transposed convolution, for each input."""
    places = args[0].numel() if args[6] else out
    inner = int(places) * int(args[1].shape[1:].numel())
    return inner, inner


def _spread(name: str, args: Sequence[Any], out: int) -> tuple[int, int]:
    """One sum for each number that is added to another."""
    if name.startswith("index_put"):
        if not (len(args) > 3 and args[3]):
            return 0, 0
        return 0, int(torch.ops.aten.index.Tensor(*_imagined(args[:2])).numel())
    if name.startswith("index_add"):
        factors = int(args[3].numel()) if len(args) > 4 and args[4] != 1 else 0
        return factors, max(int(args[3].numel()), factors)
    return 0, int(args[2].numel())


def _pool(name: str, args: Sequence[Any], out: int) -> tuple[int, int]:
    return (out if name.startswith("avg") else 0), out * math.prod(_pair(args[1]))


def _gathered(name: str, args: Sequence[Any], out: int) -> tuple[int, int]:
    return (out if name.startswith("mean") else 0), int(args[0].numel()) + (out if name.startswith("bin") else 0)


def _pair(size: Sequence[int]) -> Sequence[int]:
    return size if len(size) > 1 else [*size, *size]


def _multiply(_: str, args: Sequence[Any], out: int) -> tuple[int, int]:
    return max([out, *(each.numel() for each in _tensors(args))]), 0


_COSTS = {
    "product": _product,
    "convolution": _convolution,
    "multiply": _multiply,
    "add": lambda name, args, out: (out if _factor(name, args) else 0, out),
    "both": lambda name, args, out: (2 * out, 2 * out),
    "gathered": _gathered,
    "spread": _spread,
    "pool": _pool,
    "move": lambda name, args, out: (0, 0),
    "value": lambda name, args, out: (0, 0),
}


def _factor(name: str, args: Sequence[Any]) -> bool:
    """Whether `alpha` multiplies the second argument of a sum."""
    return name.startswith(("add", "sub", "rsub")) and len(args) > 2 and args[2] != 1


def _imagined(value: Any) -> Any:
    """The value with meta tensors in place of tensors."""
    if isinstance(value, Tensor):
        return torch.empty_strided(value.shape, value.stride(), dtype=value.dtype, device="meta")
    if isinstance(value, dict):
        return {key: _imagined(each) for key, each in value.items()}
    return [_imagined(each) for each in value] if isinstance(value, list | tuple) else value


def _tensors(result: Any) -> list[Tensor]:
    if isinstance(result, Tensor):
        return [result]
    return [each for part in result for each in _tensors(part)] if isinstance(result, tuple | list) else []

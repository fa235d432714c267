"""What torch's operators cost: the numbers that they multiply and add, and which operators there are.

A multiply-accumulate (MAC) is one product and one sum. Both are counted and the larger count is taken, so that a layer
costs the same however it is written: as a matrix product, as products that are summed up, or as sums alone. Moving,
comparing, rounding and casting numbers costs nothing here. Names are those of torch's dispatcher, without the overload
and without the underscore of in-place operators.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

__all__ = ["ALLOWED", "FREE_NUMBERS", "base_name", "cost", "expected"]

_PRODUCTS = frozenset(("mm", "addmm", "bmm", "baddbmm", "addbmm", "mv", "addmv", "dot", "vdot", "_int_mm"))
_MULTIPLY = frozenset(
    (
        "mul", "div", "square", "pow", "sqrt", "rsqrt", "reciprocal", "exp", "exp2", "expm1", "log", "log1p", "log2",
        "sigmoid", "tanh", "gelu", "silu", "elu", "softplus", "hardsigmoid", "hardswish", "leaky_relu",
        "_prelu_kernel", "erf", "sin", "cos", "logsumexp", "_softmax", "_log_softmax", "remainder", "fmod",
        "floor_divide", "prod", "cumprod", "var", "std", "var_mean", "linalg_vector_norm",
    )
)  # fmt: skip
_ADD = frozenset(
    (
        "add", "sub", "rsub", "bitwise_and", "bitwise_or", "bitwise_xor", "bitwise_left_shift", "bitwise_right_shift",
        "__lshift__", "__rshift__", "__ilshift__", "__irshift__", "__and__", "__or__", "__xor__",
    )
)  # fmt: skip
_BOTH = frozenset(
    (
        "addcmul", "addcdiv", "lerp", "native_batch_norm", "native_layer_norm", "native_group_norm",
        "_native_batch_norm_legit", "_native_batch_norm_legit_no_training",
    )
)  # fmt: skip
_GATHERED = frozenset(("sum", "mean", "cumsum", "nansum", "_adaptive_avg_pool2d", "bincount", "trace"))
"""One sum per input number."""
_SPREAD = frozenset(("index_add", "scatter_add", "scatter_reduce", "index_put", "_index_put_impl", "col2im"))
"""One sum per number that is scattered."""
_POOLS = frozenset(("max_pool2d_with_indices", "avg_pool2d", "max_pool3d_with_indices", "avg_pool3d"))
_CONVOLUTIONS = frozenset(("convolution", "_convolution", "mkldnn_convolution"))
_MOVES = frozenset(
    (
        "view", "_unsafe_view", "_reshape_alias", "permute", "transpose", "t", "slice", "select", "unsqueeze",
        "squeeze", "expand", "cat", "stack", "split", "split_with_sizes", "unbind", "unfold", "im2col", "repeat",
        "flip", "roll", "diagonal", "as_strided", "alias", "detach", "index_select", "gather", "index", "take",
        "masked_select", "embedding", "nonzero", "zeros", "ones", "new_zeros", "new_ones", "zeros_like", "ones_like",
        "empty", "new_empty", "empty_like", "new_empty_strided", "empty_strided", "zero", "_to_copy", "clone", "copy",
        "aminmax",
        "lift_fresh", "lift_fresh_copy", "tril", "triu", "constant_pad_nd", "amax", "amin", "argmax", "argmin", "max",
        "min", "any", "all", "topk", "sort", "repeat_interleave", "pixel_shuffle", "pixel_unshuffle", "scatter",
        "masked_scatter", "eye", "cummax", "unsafe_split",
    )
)  # fmt: skip
_VALUES = frozenset(
    (
        "clamp", "clamp_min", "clamp_max", "relu", "hardtanh", "threshold", "round", "floor", "ceil", "trunc", "abs",
        "neg", "sign", "sgn", "maximum", "minimum", "fmax", "fmin", "where", "eq", "ne", "lt", "le", "gt", "ge",
        "logical_and", "logical_or", "logical_not", "logical_xor", "bitwise_not", "isnan", "isinf", "isin", "full",
        "full_like", "new_full", "fill", "scalar_tensor", "masked_fill", "index_fill", "nan_to_num", "bucketize",
        "searchsorted", "arange", "linspace",
    )
)  # fmt: skip

FREE_NUMBERS = _MOVES | _GATHERED | _SPREAD | _POOLS | _CONVOLUTIONS | _BOTH | _PRODUCTS
"""Operators whose integers are sizes, indices and axes; numbers written into others may carry a model's knowledge."""
ALLOWED = FREE_NUMBERS | _MULTIPLY | _ADD | _VALUES

MOST_NUMBERS = 10_000_000
"""Limit for the numbers in one tensor, and for those that one pooling looks at."""


def base_name(name: str) -> str:
    """An operator's name without the underscore of in-place operators."""
    return name if name.startswith("__") else name.removesuffix("_")


def cost(name: str, args: Sequence[Any], out: int) -> tuple[int, int]:
    """Products and sums in one call of an operator.

    Args:
        name: the operator, such as "mm" or "convolution".
        args: its arguments.
        out: how many numbers its first result has.
    """
    if name in _PRODUCTS:
        return out * _inner(name, args), out * _inner(name, args)
    if name in _CONVOLUTIONS:
        inner = int(args[1].shape[1:].numel())
        return out * inner, out * inner
    if name in _MULTIPLY:
        return max(out, args[0].numel() if isinstance(args[0], Tensor) else 0), 0
    if name in _BOTH:
        return out, out
    if name in _ADD:
        return 0, out
    if name in _GATHERED:
        return 0, int(args[0].numel())
    if name in _SPREAD:
        return 0, int([each for each in args if isinstance(each, Tensor)][-1].numel())
    return (0, out * math.prod(args[1])) if name.startswith("avg_pool") else (0, 0)


def _inner(name: str, args: Sequence[Any]) -> int:
    """The length of a row of the first of the two matrices."""
    first = args[1] if name.startswith("add") or name == "baddbmm" else args[0]
    return int(first.shape[-1]) * (int(first.shape[0]) if name == "addbmm" else 1)


# --- before an operator runs ------------------------------------------------------------------------------

_BY_VALUES = ("nonzero", "masked_select", "repeat_interleave", "bincount")
"""Operators whose output size depends on the values of their inputs."""


def expected(name: str, operator: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> int:
    """How many numbers the first result of an operator will have, or at most can have; nothing is computed.

    Raises:
        ValueError: the result would be huge.
        RuntimeError: the operator refuses its arguments.
    """
    if name in _BY_VALUES or (name == "index" and _masks(args[1])):
        out = largest = _by_values(name, args)
    else:
        place = {"device": torch.device("meta")} if kwargs.get("device") is not None else {}
        made = _tensors(operator(*_imagined(args), **_imagined(kwargs) | place))
        out, largest = made[0].numel(), max(each.numel() for each in made)
    if name in _POOLS:
        largest *= math.prod(args[1])
    if largest > MOST_NUMBERS:
        raise ValueError(f"{name} would work on {largest:,} numbers")
    return out


def _masks(places: Any) -> bool:
    return any(isinstance(each, Tensor) and each.dtype in (torch.bool, torch.uint8) for each in places)


def _by_values(name: str, args: Sequence[Any]) -> int:
    first: Tensor = args[0]
    if name == "repeat_interleave":
        return int(args[-1].sum()) if isinstance(args[-1], Tensor) else first.numel() * int(args[1])
    if name == "bincount":
        return int(max(int(first.max()) + 1 if first.numel() else 0, *args[2:], 1))
    if name == "masked_select":
        first = first.expand(torch.broadcast_shapes(first.shape, args[1].shape))  # type: ignore[no-untyped-call]
    return int(first.numel()) * (max(1, first.dim()) if name == "nonzero" else 1)


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

"""What torch's operators cost: numbers that they multiply, numbers that they add, and which operators there are.

A multiply-accumulate (MAC) is one product and one sum. Both are counted and the larger count is taken, so that a layer
costs the same however it is written: as a product of matrices, as products that are summed up, or as sums alone.
Moving, comparing, rounding and casting numbers costs nothing here.

Symbols
    out         any         what an operator gives
    K           > 0         numbers that are multiplied and summed up for one number of `out`
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

__all__ = ["ALLOWED", "FREE_NUMBERS", "bound", "cost"]

_PRODUCTS = frozenset(
    ("mm", "addmm", "bmm", "baddbmm", "addbmm", "mv", "addmv", "dot", "vdot", "_int_mm", "matmul", "linear")
)
_MULTIPLY = frozenset(
    (
        "mul", "mul_", "div", "div_", "true_divide", "square", "pow", "pow_", "sqrt", "sqrt_", "rsqrt", "rsqrt_",
        "reciprocal", "reciprocal_", "exp", "exp_", "exp2", "expm1", "log", "log1p", "log2", "sigmoid", "sigmoid_",
        "tanh", "tanh_", "gelu", "silu", "silu_", "elu", "elu_", "softplus", "hardsigmoid", "hardswish", "hardtanh_",
        "leaky_relu", "leaky_relu_", "prelu", "_prelu_kernel", "erf", "sin", "cos", "logsumexp", "_softmax",
        "_log_softmax", "remainder", "remainder_", "fmod", "floor_divide", "floor_divide_", "prod", "cumprod", "var",
        "std", "var_mean", "linalg_vector_norm", "norm",
    )
)  # fmt: skip
_ADD = frozenset(
    (
        "add", "add_", "sub", "sub_", "rsub", "bitwise_and", "bitwise_and_", "bitwise_or", "bitwise_or_",
        "bitwise_xor", "bitwise_xor_", "bitwise_left_shift", "bitwise_left_shift_", "bitwise_right_shift",
        "bitwise_right_shift_", "__lshift__", "__rshift__", "__ilshift__", "__irshift__", "__and__", "__or__",
        "__xor__",
    )
)  # fmt: skip
_BOTH = frozenset(
    ("addcmul", "addcmul_", "addcdiv", "addcdiv_", "lerp", "lerp_", "native_batch_norm", "native_layer_norm",
     "native_group_norm", "_native_batch_norm_legit", "_native_batch_norm_legit_no_training",
     "_batch_norm_with_update", "cudnn_batch_norm", "_fake_quantize_learnable_per_tensor_affine",
     "fake_quantize_per_tensor_affine", "fake_quantize_per_channel_affine")
)  # fmt: skip
_GATHER_SUMS = frozenset(
    ("sum", "mean", "cumsum", "cumsum_", "nansum", "avg_pool2d", "avg_pool1d", "_adaptive_avg_pool2d", "bincount",
     "trace")
)  # fmt: skip
"""One sum for each number that goes in."""
_SPREAD_SUMS = frozenset(
    ("index_add", "index_add_", "scatter_add", "scatter_add_", "scatter_reduce", "scatter_reduce_", "index_put",
     "index_put_", "_index_put_impl_", "col2im", "segment_reduce")
)  # fmt: skip
"""One sum for each number that is sent somewhere."""
_SHAPES = frozenset(
    (
        "view", "_unsafe_view", "reshape", "_reshape_alias", "permute", "transpose", "transpose_", "t", "t_", "numpy_T",
        "slice", "select", "unsqueeze", "unsqueeze_", "squeeze", "squeeze_", "expand", "cat", "stack", "split",
        "split_with_sizes", "chunk", "unbind", "narrow", "unfold", "im2col", "flatten", "repeat", "flip", "roll",
        "tile", "movedim", "diagonal", "as_strided", "alias", "detach", "detach_", "view_as", "expand_as", "ravel",
        "index_select", "gather", "index", "take", "masked_select", "embedding", "nonzero", "zeros", "ones",
        "new_zeros", "new_ones", "new_empty", "empty", "empty_like", "zeros_like", "ones_like", "zero_", "_to_copy",
        "to", "clone", "contiguous", "copy_", "copy", "lift_fresh", "lift_fresh_copy", "view_dtype", "tril", "triu",
        "constant_pad_nd", "max_pool2d_with_indices", "max_pool2d", "max_pool1d", "max_pool1d_with_indices", "amax",
        "amin", "argmax", "argmin", "max", "min", "any", "all", "topk", "sort", "argsort", "repeat_interleave",
        "pixel_shuffle", "pixel_unshuffle", "scatter", "scatter_", "masked_scatter", "sum", "mean", "cumsum", "cumsum_",
        "avg_pool2d", "avg_pool1d", "_adaptive_avg_pool2d", "convolution", "_convolution", "mkldnn_convolution",
        "native_batch_norm", "_native_batch_norm_legit", "_native_batch_norm_legit_no_training", "index_add",
        "index_add_", "scatter_add", "scatter_add_", "scatter_reduce", "scatter_reduce_", "index_put", "index_put_",
        "_softmax", "_log_softmax", "arange", "eye", "resolve_conj", "resolve_neg", "_local_scalar_dense", "var",
        "var_mean", "split_copy", "unbind_copy", "bincount", "logsumexp", "col2im",
        "new_empty_strided", "empty_strided",
        "view_as_real", "view_as_complex", "real", "imag", "unsafe_split", "is_same_size", "cummax",
    )
)  # fmt: skip
_VALUES = frozenset(
    (
        "clamp", "clamp_", "clamp_min", "clamp_min_", "clamp_max", "clamp_max_", "relu", "relu_", "relu6", "hardtanh",
        "threshold", "threshold_", "round", "round_", "floor", "floor_", "ceil", "trunc", "trunc_", "abs", "abs_",
        "neg", "neg_", "sign", "sgn", "maximum", "minimum", "fmax", "fmin", "where", "eq", "ne", "lt", "le", "gt", "ge",
        "logical_and", "logical_or", "logical_not", "bitwise_not", "bitwise_not_", "isnan", "isinf", "isfinite", "isin",
        "full", "full_like", "new_full", "fill", "fill_", "scalar_tensor", "masked_fill", "masked_fill_", "index_fill",
        "index_fill_", "nan_to_num", "bucketize", "searchsorted", "linspace",
    )
)  # fmt: skip

FREE_NUMBERS = _SHAPES
"""Operators whose whole numbers say sizes, places and axes; numbers written into others carry what a model knows."""
ALLOWED = _PRODUCTS | _MULTIPLY | _ADD | _BOTH | _GATHER_SUMS | _SPREAD_SUMS | _SHAPES | _VALUES

_MOST_NUMBERS = 30_000_000
"""In one tensor."""


def cost(name: str, args: Sequence[Any], result: Any) -> tuple[int, int]:
    """Products and sums of one call of an operator.

    Args:
        name: of the operator, without its overload, such as "mm" or "convolution".
        args: it was called with.
        result: what it gave.
    """
    out = _numbers(result)
    if name in _PRODUCTS:
        inner = _inner(name, args)
        return out * inner, out * inner
    if "convolution" in name:
        inner = args[1].shape[1:].numel()
        return out * inner, out * inner
    if name in _MULTIPLY:
        return max(out, _largest(args)), 0
    if name in _BOTH:
        return out, out
    if name in _ADD:
        return 0, out
    if name in _GATHER_SUMS:
        return 0, args[0].numel()
    if name in _SPREAD_SUMS:
        return 0, _last(args).numel()
    return 0, 0


def _inner(name: str, args: Sequence[Any]) -> int:
    """Numbers in a row of the first of the two matrices."""
    first = args[1] if name in ("addmm", "baddbmm", "addbmm", "addmv") else args[0]
    return int(first.shape[-1]) * (int(first.shape[0]) if name == "addbmm" else 1)


def _numbers(result: Any) -> int:
    """Of the first tensor that an operator gives: others are statistics or places."""
    if isinstance(result, Tensor):
        return result.numel()
    return _numbers(result[0]) if isinstance(result, tuple | list) and result else 0


def _largest(args: Sequence[Any]) -> int:
    return max((each.numel() for each in args if isinstance(each, Tensor)), default=0)


def _last(args: Sequence[Any]) -> Tensor:
    return [each for each in args if isinstance(each, Tensor)][-1]


def bound(name: str, operator: Any, args: Any, kwargs: Any) -> None:
    """Refuses a call that would make a huge tensor, before it is made.

    Raises:
        ValueError: it would, or the operator refuses its arguments.
    """
    if name in _BY_VALUES or (name == "index" and _masks(args[1])):
        made = _by_values(name, args)
    else:
        imagined = operator(*_imagined(args), **{**_imagined(kwargs), **_place(kwargs)})
        made = max((each.numel() for each in _each(imagined)), default=0)
    if made > _MOST_NUMBERS:
        raise ValueError(f"{name} would make a tensor of {made:,} numbers")


_BY_VALUES = ("nonzero", "masked_select", "repeat_interleave", "bincount")
"""The size of what they give depends on the numbers that they are given."""


def _masks(places: Any) -> bool:
    return any(isinstance(each, Tensor) and each.dtype in (torch.bool, torch.uint8) for each in places)


def _by_values(name: str, args: Sequence[Any]) -> int:
    """The most numbers that such an operator can give."""
    first = args[0]
    if name == "repeat_interleave":
        return int(args[-1].sum()) if isinstance(args[-1], Tensor) else first.numel() * int(args[1])
    if name == "bincount":
        return int(first.max()) + 1 if first.numel() else 1
    if name == "masked_select":
        first = first.expand(torch.broadcast_shapes(first.shape, args[1].shape))  # type: ignore[no-untyped-call]
    return int(first.numel()) * (max(1, first.dim()) if name == "nonzero" else 1)


def _imagined(value: Any) -> Any:
    """Tensors without numbers in place of tensors."""
    if isinstance(value, Tensor):
        return torch.empty_strided(value.shape, value.stride(), dtype=value.dtype, device="meta")
    if isinstance(value, dict):
        return {key: _imagined(each) for key, each in value.items()}
    return [_imagined(each) for each in value] if isinstance(value, list | tuple) else value


def _place(kwargs: Any) -> dict[str, Any]:
    return {"device": torch.device("meta")} if kwargs.get("device") is not None else {}


def _each(result: Any) -> list[Tensor]:
    if isinstance(result, Tensor):
        return [result]
    return [each for part in result for each in _each(part)] if isinstance(result, tuple | list) else []

"""Checks the arguments of a program's operators before torch runs them.

Most of torch's operators check what they are given. Some trust their callers, because torch itself calls them with
sizes that it has checked elsewhere: with others they read or write beyond their tensors, or divide by zero. Here their
arguments are checked first. Integers that stand for types are refused as well, since torch looks them up unchecked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import torch
from torch import Tensor

from autograder.objects import UnexpectedAnswer

__all__ = ["CHECKED", "arguments", "check", "check_types"]

Given = Mapping[str, Any]
"""The arguments of an operator, by their names in torch's schema."""


def arguments(operator: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """An operator's arguments by the names of its schema, without defaults.

    Raises:
        ValueError: there are more than it has.
    """
    names = _names(operator)
    if len(args) > len(names):
        raise ValueError(f"{operator} takes {len(names)} arguments")
    return dict(zip(names, args, strict=False)) | dict(kwargs)


@cache
def _names(operator: Any) -> list[str]:
    return [each.name for each in operator._schema.arguments]


@cache
def _defaults(operator: Any) -> dict[str, Any]:
    return {each.name: each.default_value for each in operator._schema.arguments if each.has_default_value()}


@cache
def _writes_out(operator: Any) -> bool:
    return any(each.is_out for each in operator._schema.arguments)


def check(operator: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
    """Checks sizes, types and indices of the operators that do not do it themselves.

    Args:
        operator: an overload of `torch.ops.aten`.
        args: its positional arguments.
        kwargs: the others, by name.

    Raises:
        UnexpectedAnswer: it would read or write outside of its tensors, or end the process.
    """
    name = operator.overloadpacket.__name__.removesuffix("_")
    fits = CHECKED.get(name)
    if fits is None:
        return
    if _writes_out(operator):
        raise UnexpectedAnswer(f"the operator {name} is not run with out=")
    try:
        right = fits({**_defaults(operator), **arguments(operator, args, kwargs)})
    except (AttributeError, KeyError, TypeError, IndexError, ValueError, RuntimeError):
        right = False
    if not right:
        raise UnexpectedAnswer(f"the arguments of the operator {name} do not fit together")


_TYPES: dict[str, type] = {
    "ScalarType": torch.dtype,
    "Layout": torch.layout,
    "MemoryFormat": torch.memory_format,
    "Device": torch.device,
    "Generator": type(None),
}


def check_types(operator: Any, given: Given) -> None:
    """Checks that types, layouts and devices are such objects, and that no generator is passed.

    Raises:
        UnexpectedAnswer: an argument is of another type.
    """
    for each in operator._schema.arguments:
        wanted = _TYPES.get(str(each.real_type).removeprefix("Optional[").rstrip("]"))
        value = given.get(each.name)
        if wanted is not None and value is not None and not isinstance(value, wanted):
            raise UnexpectedAnswer(f"the operator {operator} takes no {each.name} of type {type(value).__name__}")


# --- the checks -------------------------------------------------------------------------------------------


def _floats(*tensors: Tensor) -> bool:
    """Whether all are dense and of one floating-point dtype."""
    return len({each.dtype for each in tensors}) == 1 and all(
        each.is_floating_point() and each.layout is torch.strided for each in tensors
    )


def _batch_norm(given: Given) -> bool:
    x = given["input"]
    channels = (x.shape[1],) if x.dim() > 1 else None
    kept = [given.get("running_mean"), given.get("running_var")]
    each = [given.get("weight"), given.get("bias"), *kept]
    present = [one for one in each if one is not None]
    training = given.get("training", "running_mean" in given and "update" in given)
    if not present and not training:
        return False
    if (kept[0] is None) != (kept[1] is None) or (kept[0] is None and not training):
        return False
    return _floats(x, *present) and all(tuple(one.shape) == channels for one in present)


def _weight_norm(given: Given) -> bool:
    v, g, dim = given["v"], given["g"], given["dim"]
    shape = [size if axis == dim else 1 for axis, size in enumerate(v.shape)]
    return _floats(v, g) and dim in (0, v.dim() - 1) and list(g.shape) == shape and v.numel() > 0


def _attention(given: Given) -> bool:
    query, key, value, mask = given["query"], given["key"], given["value"], given.get("attn_mask")
    if not _floats(query, key, value) or {query.dim(), key.dim(), value.dim()} != {4}:
        return False
    batch, heads, length, width = query.shape
    if tuple(key.shape) != tuple(value.shape) or tuple(key.shape[:2]) != (batch, heads) or key.shape[3] != width:
        return False
    if not all(query.shape) or not all(key.shape):
        return False
    if mask is None:
        return True
    whole = (batch, heads, length, key.shape[2])[-mask.dim() :]
    fits = all(size in (1, wanted) for size, wanted in zip(mask.shape, whole, strict=True))
    return _floats(query, mask) and mask.dim() in (2, 4) and fits


_LSTM, _MOST_LAYERS = 2, 100


def _recurrent(given: Given) -> bool:
    x, hidden, (w0, w1, w2, w3) = given["input"], given["hidden_size"], [given[f"weight{place}"] for place in range(4)]
    states = given["hx_"], given["cx_"]
    if x.dim() != 3 or not all(x.shape) or x.dtype is not torch.float32 or not _floats(x, w0, w1, w2, w3, *states):
        return False
    plain = type(hidden) is int and hidden > 0 and given["mode"] == _LSTM and 0 < given["num_layers"] < _MOST_LAYERS
    _, batch, inputs = x.shape
    shapes = [(4 * hidden, inputs), (4 * hidden, hidden), (4 * hidden,), (4 * hidden,)]
    told = [w0, w1, w2, w3] if given["has_biases"] else [w0, w1]
    return (
        plain
        and not given["batch_sizes"]
        and all(tuple(each.shape) == shape for each, shape in zip(told, shapes, strict=False))
        and all(tuple(each.shape) == (batch, hidden) for each in states)
    )


def _noisy(given: Given) -> bool:
    x, noise = given["self"], given["noise"]
    return _floats(x, noise) and x.shape == noise.shape


def _segments(given: Given) -> bool:
    """Whether the segments of rows are given once, by lengths or by places, and cover all rows."""
    data, lengths, offsets = given["data"], given["lengths"], given["offsets"]
    [told] = [each for each in (lengths, offsets) if each is not None]
    if not _floats(data) or data.dim() == 0 or told.dim() != 1 or told.is_floating_point():
        return False
    steps = told if offsets is None else offsets.diff()
    if bool((steps < 0).any()) or int(steps.sum()) != len(data):
        return False
    begins = offsets is None or (len(offsets) > 0 and int(offsets[0]) == 0)
    return begins and given["indices"] is None and given["axis"] == 0 and given["unsafe"] is False


_MOST_AXES = 16
LARGEST_WINDOW = 1 << 16
"""The most that a kernel, step, border or distance may measure: beyond it torch's own sums could overflow."""


def _window(given: Given) -> bool:
    """Whether kernels, steps, borders and distances are lengths that an image can have."""
    sizes = [each for value in given.values() if isinstance(value, list | tuple) for each in value]
    return all(type(each) is bool or not isinstance(each, int) or 0 <= each <= LARGEST_WINDOW for each in sizes)


_WINDOWS = """
im2col col2im convolution _convolution mkldnn_convolution max_pool2d_with_indices avg_pool2d _adaptive_avg_pool2d
adaptive_max_pool2d upsample_nearest2d upsample_bilinear2d reflection_pad1d reflection_pad2d replication_pad1d
replication_pad2d upsample_nearest1d upsample_linear1d upsample_bicubic2d _upsample_nearest_exact2d
"""
CHECKED: dict[str, Callable[[Given], bool]] = {
    **dict.fromkeys(_WINDOWS.split(), _window),
    "native_batch_norm": _batch_norm,
    "_native_batch_norm_legit": _batch_norm,
    "_native_batch_norm_legit_no_training": _batch_norm,
    "_batch_norm_with_update": lambda given: _batch_norm({**given, "training": True}),
    "_weight_norm_interface": _weight_norm,
    "_scaled_dot_product_flash_attention_for_cpu": _attention,
    "mkldnn_rnn_layer": _recurrent,
    "rrelu_with_noise": _noisy,
    "segment_reduce": _segments,
    "repeat": lambda given: len(given["repeats"]) <= _MOST_AXES,
}
"""Operators that trust their callers, with the check of their arguments: whether they fit together."""

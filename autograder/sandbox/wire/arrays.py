"""NumPy's values on the wire: arrays with their layout, scalars, random generators."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from autograder.sandbox.wire.frames import WireError

__all__ = ["TAGS", "checked_layout", "decode", "encode", "layout"]

TAGS = ("array", "scalar", "generator")

_LEFT_OUT = (np.timedelta64, np.longdouble, np.clongdouble)
"""Not numbers, or numbers of which some bit patterns are invalid."""
_SCALARS = frozenset(
    kind
    for kind in np.sctypeDict.values()
    if issubclass(kind, (np.number, np.bool_)) and not issubclass(kind, _LEFT_OUT)
)
_ORDERS: tuple[Literal["<", ">"], ...] = ("<", ">")
_DTYPES = frozenset(np.dtype(kind).newbyteorder(order).str for kind in _SCALARS for order in _ORDERS)
_MOST_DIMENSIONS = 32
_WORD = 1 << 128

AddBuffer = Callable[[bytes], int]
GetBuffer = Callable[[Any], bytes]


def encode(value: Any, add: AddBuffer) -> list[Any] | None:
    """The node of an array, a scalar or a PCG64 generator; None for anything else."""
    kind = type(value)
    if kind is np.ndarray and value.dtype.str in _DTYPES:
        axes, gap = layout(value.shape, value.strides, value.itemsize)
        data = value.transpose(axes).tobytes(order="C")
        return ["array", value.dtype.str, list(value.shape), axes, gap, add(data)]
    if kind in _SCALARS and value.dtype.str in _DTYPES:
        return ["scalar", value.dtype.str, value.tobytes().hex()]
    if kind is np.random.Generator and type(value.bit_generator) is np.random.PCG64:
        state = value.bit_generator.state
        inner = state["state"]
        return ["generator", hex(inner["state"]), hex(inner["inc"]), state["has_uint32"], state["uinteger"]]
    return None


def layout(shape: tuple[int, ...], strides: tuple[int, ...], itemsize: int) -> tuple[list[int], bool]:
    """The axes from the slowest to the fastest in memory, and whether there are gaps between the elements."""
    dimensions = len(shape)
    if 0 in shape or _dense(shape, strides, range(dimensions), itemsize):
        return list(range(dimensions)), False
    if _dense(shape, strides, range(dimensions)[::-1], itemsize):
        return list(range(dimensions))[::-1], False
    axes = sorted(range(dimensions), key=lambda axis: -abs(strides[axis]))
    return axes, not _dense(shape, strides, axes, itemsize)


def _dense(shape: tuple[int, ...], strides: tuple[int, ...], axes: Any, itemsize: int) -> bool:
    expected = itemsize
    for axis in reversed(axes):
        if shape[axis] != 1 and strides[axis] != expected:
            return False
        expected *= shape[axis]
    return True


def checked_layout(shape: Any, axes: Any, gap: Any, itemsize: int, data: bytes) -> tuple[tuple[int, ...], list[int]]:
    """Shape and axes, if they describe the data.

    Raises:
        WireError: they do not.
    """
    if type(shape) is not list or type(axes) is not list or type(gap) is not bool:
        raise WireError("an array without shape, axes and gap")
    if len(shape) > _MOST_DIMENSIONS or any(type(size) is not int or not 0 <= size < 1 << 40 for size in shape):
        raise WireError("an array of an impossible shape")
    if any(type(axis) is not int for axis in axes) or sorted(axes) != list(range(len(shape))):
        raise WireError("an array's axes are not a permutation")
    if math.prod(shape) * itemsize != len(data) or math.prod(size for size in shape if size) >= 1 << 40:
        raise WireError("an array's bytes do not fill its shape")
    return tuple(shape), axes


def decode(tag: str, rest: list[Any], get: GetBuffer) -> Any:
    """The value of a node.

    Raises:
        WireError: the node is malformed.
    """
    if tag == "array":
        return _array(*rest, get=get)
    return _scalar(*rest) if tag == "scalar" else _generator(*rest)


def _dtype(name: Any) -> np.dtype[Any]:
    if type(name) is not str or name not in _DTYPES:
        raise WireError("an array of an unknown dtype")
    return np.dtype(name)


def _array(name: Any, shape: Any, axes: Any, gap: Any, index: Any, *, get: GetBuffer) -> np.ndarray[Any, Any]:
    dtype, data = _dtype(name), get(index)
    shape, axes = checked_layout(shape, axes, gap, dtype.itemsize, data)
    flat = _numbers(data, dtype)
    ordered = flat.reshape([shape[axis] for axis in axes])
    if gap and ordered.ndim:
        wide = np.zeros((*ordered.shape[:-1], 2 * ordered.shape[-1]), dtype)
        wide[..., ::2] = ordered
        ordered = wide[..., ::2]
    else:
        ordered = ordered.copy()
    return ordered.transpose(np.argsort(axes)) if ordered.ndim else ordered


def _scalar(name: Any, text: Any) -> Any:
    dtype = _dtype(name)
    if type(text) is not str or len(text) != 2 * dtype.itemsize:
        raise WireError("a scalar whose size is not that of its dtype")
    return _numbers(bytes.fromhex(text), dtype)[0]


def _numbers(data: bytes, dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
    """The elements; any byte but 0 is True, because a bool with another byte is neither True nor False."""
    if dtype == np.bool_:
        return np.frombuffer(data, np.uint8).astype(np.bool_)
    return np.frombuffer(data, dtype)


def _generator(state: Any, increment: Any, has: Any, half: Any) -> np.random.Generator:
    words = [int(word, 16) if type(word) is str and len(word) <= 34 else -1 for word in (state, increment)]
    if any(not 0 <= word < _WORD for word in words):
        raise WireError("a generator's state is two 128-bit words")
    if type(has) is not int or has not in (0, 1) or type(half) is not int or not 0 <= half < 1 << 32:
        raise WireError("a generator's buffered half is not a 32-bit word")
    bits = np.random.PCG64(0)
    bits.state = {
        "bit_generator": "PCG64",
        "state": {"state": words[0], "inc": words[1]},
        "has_uint32": has,
        "uinteger": half,
    }
    return np.random.Generator(bits)

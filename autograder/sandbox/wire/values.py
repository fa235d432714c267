"""Values as plain trees and buffers, and back, for a peer that is not trusted.

JSON's own null, true, numbers and strings stand for themselves; every JSON list is `[tag, ...]`. Types are matched
exactly: a subclass of list, float, ndarray or Tensor may behave in any way, so it becomes a `Foreign`, as does
everything that is not plain data. The decoder trusts nothing: whatever it is given, it returns a value or raises
`WireError`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from autograder.calls import Foreign
from autograder.sandbox.wire import arrays, tensors
from autograder.sandbox.wire.frames import LARGEST_BUFFERS, WireError
from autograder.sandbox.wire.graphs import Linked, Results
from autograder.sandbox.wire.text import clean

__all__ = ["DEEPEST", "MOST_ITEMS", "Node", "WireError", "decode", "encode", "encode_outcome"]

DEEPEST = 32
MOST_ITEMS = 500_000
_PLAIN_INT = 1 << 63
_LONGEST_INT = 3_500
"""Hexadecimal digits: fewer than Python's own limit for printing an integer."""
_TYPE_NAME = 200

Node = Callable[[Any], Any]
"""The node of a value inside another one, or the value of such a node."""
Export = Callable[[Any, Node], "list[Any] | None"]
"""Gives what stays on its side a node: `["function", handle]`, say; None where it may not travel."""
Resolve = Callable[[str, "list[Any]", Node], Any]
"""What the tag and the rest of such a node stand for; raises WireError for an unknown handle."""

_HANDLES = ("function", "returned", "kept", "built")


def encode(value: Any, export: Export | None = None, results: Results | None = None) -> tuple[Any, list[bytes]]:
    """A JSON tree and the buffers it points to.

    Args:
        value: anything; what is not plain data becomes `["foreign", type name]`.
        export: names functions and objects for the other side; without it they are foreign.
        results: takes tensors that carry a gradient, so that the other side can ask for it.

    Raises:
        WireError: deeper, longer or larger than the other side accepts.
    """
    encoder = _Encoder(export, results)
    return encoder.node(value, 0), encoder.buffers


def encode_outcome(
    value: Any, inputs: Any, export: Export | None = None, results: Results | None = None
) -> tuple[Any, list[bytes]]:
    """The pair of a value and the inputs of a call; only the value's gradients can be asked for.

    Raises:
        WireError: as for `encode`.
    """
    encoder = _Encoder(export, results)
    first = encoder.node(value, 1)
    return ["tuple", first, encoder.without_results().node(inputs, 1)], encoder.buffers


def decode(tree: Any, buffers: list[bytes], resolve: Resolve | None = None) -> Any:
    """The value of a tree; arrays and tensors are fresh and writable.

    Raises:
        WireError: the tree is not one that `encode` makes.
    """
    try:
        return _Decoder(buffers, resolve).value(tree, 0)
    except WireError:
        raise
    except (ValueError, TypeError, KeyError, IndexError, OverflowError, RecursionError) as error:
        raise WireError(f"malformed value: {type(error).__name__}") from None


class _Encoder:
    def __init__(self, export: Export | None, results: Results | None) -> None:
        self.buffers: list[bytes] = []
        self._export = export
        self._results = results
        self._items = 0
        self._bytes = 0

    def without_results(self) -> _Encoder:
        """The same encoder; gradients can no longer be asked for."""
        self._results = None
        return self

    def buffer(self, data: bytes) -> int:
        self._bytes += len(data)
        if self._bytes > LARGEST_BUFFERS:
            raise WireError(f"more than {LARGEST_BUFFERS >> 20} MiB of arrays")
        self.buffers.append(data)
        return len(self.buffers) - 1

    def node(self, value: Any, depth: int) -> Any:
        self._items += 1
        if self._items > MOST_ITEMS or depth > DEEPEST:
            raise WireError(f"more than {MOST_ITEMS} items, or nested more than {DEEPEST} deep")
        kind = type(value)
        if value is None or kind is bool or kind is str:
            return value
        if kind is int:
            return value if -_PLAIN_INT <= value < _PLAIN_INT else _big(value)
        if kind is float:
            return value if math.isfinite(value) else ["float", repr(value)]
        if kind is complex:
            return ["complex", self.node(value.real, depth + 1), self.node(value.imag, depth + 1)]
        if kind is list or kind is tuple:
            return [kind.__name__, *[self.node(item, depth + 1) for item in value]]
        if kind is dict:
            return self._dict(value, depth)
        if issubclass(kind, tuple):  # a namedtuple is a tuple
            return ["tuple", *[self.node(item, depth + 1) for item in tuple.__iter__(value)]]
        return self._other(value, depth)

    def _dict(self, value: dict[Any, Any], depth: int) -> Any:
        if any(type(key) is not str for key in value):
            return self._exported(value, depth) or _foreign("dict with keys that are not strings")
        return ["dict", *[[key, self.node(item, depth + 1)] for key, item in value.items()]]

    def _other(self, value: Any, depth: int) -> Any:
        if type(value) is Foreign:
            return _foreign(value.type_name)
        found = arrays.encode(value, self.buffer)
        if found is not None:
            return found
        place = self._results.place(value) if self._results is not None else None
        found = tensors.encode(value if place is None else value.detach(), self.buffer)
        if found is not None:
            return found if place is None else ["graph", *place, found]
        if type(value) is np.ndarray:
            return _foreign(f"ndarray of dtype {value.dtype}")
        layout = tensors.unusual_layout(value)
        name = f"Tensor of layout {layout}" if layout else type(value).__name__
        return self._exported(value, depth) or _foreign(name)

    def _exported(self, value: Any, depth: int) -> list[Any] | None:
        return self._export(value, lambda inside: self.node(inside, depth + 1)) if self._export is not None else None


def _big(value: int) -> list[Any]:
    if value.bit_length() > 4 * _LONGEST_INT:
        return _foreign(f"int of {value.bit_length()} bits")
    return ["int", hex(value)]


def _foreign(name: str) -> list[Any]:
    return ["foreign", str(name)[:_TYPE_NAME]]


class _Decoder:
    def __init__(self, buffers: list[bytes], resolve: Resolve | None) -> None:
        self._buffers = buffers
        self._resolve = resolve
        self._items = 0
        self._bytes = 0

    def value(self, tree: Any, depth: int) -> Any:
        self._items += 1
        if self._items > MOST_ITEMS or depth > DEEPEST:
            raise WireError("too many items, or nested too deeply")
        if tree is None or type(tree) is bool:
            return tree
        if type(tree) is int:
            return self._plain_int(tree)
        if type(tree) is float:
            if not math.isfinite(tree):
                raise WireError("a number that is not finite")
            return tree
        if type(tree) is str:
            return clean(tree)
        if type(tree) is not list or not tree or type(tree[0]) is not str:
            raise WireError("a node without a tag")
        return self._tagged(tree[0], tree[1:], depth)

    def _plain_int(self, tree: int) -> int:
        if not -_PLAIN_INT <= tree < _PLAIN_INT:
            raise WireError("a plain integer of more than 64 bits")
        return tree

    def _tagged(self, tag: str, rest: list[Any], depth: int) -> Any:
        if tag == "list":
            return [self.value(item, depth + 1) for item in rest]
        if tag == "tuple":
            return tuple(self.value(item, depth + 1) for item in rest)
        if tag == "dict":
            return dict(self._pair(pair, depth) for pair in rest)
        if tag == "complex":
            real, imag = (self.value(part, depth + 1) for part in rest)
            if type(real) is not float or type(imag) is not float:
                raise WireError("a complex number is two floats")
            return complex(real, imag)
        if tag in _HANDLES:
            return self._handle(tag, rest, depth)
        if tag == "graph":
            return self._linked(*rest, depth=depth)
        if tag in ("int", "float", "foreign"):
            return _text_node(tag, *rest)
        for room in (arrays, tensors):
            if tag in room.TAGS:
                return room.decode(tag, rest, self._buffer)
        raise WireError("an unknown tag")

    def _pair(self, pair: Any, depth: int) -> tuple[str, Any]:
        if type(pair) is not list or len(pair) != 2 or type(pair[0]) is not str:
            raise WireError("a dictionary's entry is a string and a value")
        return clean(pair[0]), self.value(pair[1], depth + 1)

    def _handle(self, tag: str, rest: list[Any], depth: int) -> Any:
        if self._resolve is None or not rest or type(rest[0]) is not int:
            raise WireError("a function or an object where none is allowed")
        return self._resolve(tag, rest, lambda inside: self.value(inside, depth + 1))

    def _linked(self, number: Any, index: Any, node: Any, *, depth: int) -> Linked:
        if type(number) is not int or type(index) is not int or type(node) is not list or node[:1] != ["tensor"]:
            raise WireError("a gradient of something that is no tensor")
        return Linked(number, index, self.value(node, depth + 1))

    def _buffer(self, index: Any) -> bytes:
        """A buffer by its number; counted each time, so that one buffer cannot be expanded without end."""
        if type(index) is not int or not 0 <= index < len(self._buffers):
            raise WireError("a buffer that is not there")
        self._bytes += len(self._buffers[index])
        if self._bytes > LARGEST_BUFFERS:
            raise WireError("more bytes of arrays than were sent")
        return self._buffers[index]


def _text_node(tag: str, text: Any) -> Any:
    if type(text) is not str:
        raise WireError(f"{tag} needs a text")
    if tag == "foreign":
        return Foreign(clean(text, _TYPE_NAME).replace("\n", " "))
    if tag == "float":
        if text not in ("nan", "inf", "-inf"):
            raise WireError("an invalid float")
        return float(text)
    if len(text) > _LONGEST_INT + 3 or not text.lstrip("-").startswith("0x"):
        raise WireError("an invalid integer")
    return int(text, 16)

"""Frames on a stream socket: a mark, two lengths, a JSON header, plain buffers. No pickle in either direction.

| "NNAG" | header bytes (u32) | buffer bytes (u32) | JSON header with "sizes" | buffer 0 | buffer 1 | ...
"""

from __future__ import annotations

import json
import struct
from typing import Any

__all__ = ["LARGEST_BUFFERS", "LARGEST_HEADER", "Message", "Reader", "WireError", "pack", "unpack"]

LARGEST_HEADER = 32 << 20
LARGEST_BUFFERS = 512 << 20

_MARK = b"NNAG"
_PREFIX = struct.Struct("!4sII")

Message = tuple[dict[str, Any], list[bytes]]
"""A header and the buffers that its trees point to."""


class WireError(Exception):
    """What came over the wire is not what the protocol allows; the message says how."""


def pack(header: dict[str, Any], buffers: list[bytes] | None = None) -> bytes:
    """One frame.

    Raises:
        WireError: the frame would be larger than the other side accepts.
    """
    buffers = buffers or []
    text = json.dumps({**header, "sizes": [len(buffer) for buffer in buffers]}, allow_nan=False).encode("ascii")
    total = sum(map(len, buffers))
    if len(text) > LARGEST_HEADER or total > LARGEST_BUFFERS:
        raise WireError(f"a frame of {len(text)} + {total} bytes is too large")
    return b"".join((_PREFIX.pack(_MARK, len(text), total), text, *buffers))


def unpack(text: bytes, data: bytes) -> Message:
    """Header and buffers of one frame.

    Raises:
        WireError: the header is no JSON object, or the sizes do not add up.
    """
    try:
        header = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise WireError(f"the header is not JSON: {type(error).__name__}") from None
    if type(header) is not dict or type(header.get("kind")) is not str:
        raise WireError("the header is not an object with a kind")
    sizes = header.pop("sizes", None)
    if type(sizes) is not list or any(type(size) is not int or size < 0 for size in sizes) or sum(sizes) != len(data):
        raise WireError("the buffers' sizes do not add up")
    buffers, start = [], 0
    for size in sizes:
        buffers.append(data[start : start + size])
        start += size
    return header, buffers


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


class Reader:
    """Collects what arrives and cuts it into frames."""

    def __init__(self) -> None:
        self._data = bytearray()

    def feed(self, data: bytes) -> None:
        """Takes what was received."""
        self._data += data

    def next(self) -> Message | None:
        """The next whole frame, or None while it is incomplete.

        Raises:
            WireError: the frame is malformed or too large.
        """
        if len(self._data) < _PREFIX.size:
            return None
        mark, head, total = _PREFIX.unpack_from(self._data)
        if mark != _MARK:
            raise WireError("no frame begins here")
        if head > LARGEST_HEADER or total > LARGEST_BUFFERS:
            raise WireError(f"a frame of {head} + {total} bytes is too large")
        middle, end = _PREFIX.size + head, _PREFIX.size + head + total
        if len(self._data) < end:
            return None
        text, data = bytes(self._data[_PREFIX.size : middle]), bytes(self._data[middle:end])
        del self._data[:end]
        return unpack(text, data)

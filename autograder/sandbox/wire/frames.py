"""Frames on a stream socket: a mark, two lengths, a JSON header, plain buffers. No pickle in either direction.

| "NNAG" | header bytes (u32) | buffer bytes (u32) | [[size 0, size 1, ...], message] | buffer 0 | buffer 1 | ...
"""

from __future__ import annotations

import struct
from typing import Any, Generic, TypeVar

import msgspec

__all__ = ["LARGEST_BUFFERS", "LARGEST_HEADER", "Frame", "Reader", "WireError", "pack", "unpack"]

LARGEST_HEADER = 32 << 20
LARGEST_BUFFERS = 512 << 20

_MARK = b"NNAG"
_PREFIX = struct.Struct("!4sII")

M = TypeVar("M")
Frame = tuple[M, list[bytes]]
"""A message and the buffers that its trees point to."""


class WireError(Exception):
    """What came over the wire is not what the protocol allows; the message says how."""


def pack(message: msgspec.Struct, buffers: list[bytes] | None = None) -> bytes:
    """One frame.

    Raises:
        WireError: the frame would be larger than the other side accepts.
    """
    buffers = buffers or []
    text = _encoded([list(map(len, buffers)), message])
    total = sum(map(len, buffers))
    if len(text) > LARGEST_HEADER or total > LARGEST_BUFFERS:
        raise WireError(f"a frame of {len(text)} + {total} bytes is too large")
    return b"".join((_PREFIX.pack(_MARK, len(text), total), text, *buffers))


def unpack(text: bytes, data: bytes, decoder: msgspec.json.Decoder[tuple[list[int], M]]) -> Frame[M]:
    """Message and buffers of one frame.

    Args:
        text: the header.
        data: the buffers, one after the other.
        decoder: of the messages that may arrive here.

    Raises:
        WireError: the header is not JSON, the message is not one of these, or the sizes do not add up.
    """
    try:
        sizes, message = decoder.decode(text)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise WireError(f"not a message that may arrive here: {str(error)[:200]}") from None
    if sum(sizes) != len(data):
        raise WireError("the buffers' sizes do not add up")
    buffers, start = [], 0
    for size in sizes:
        buffers.append(data[start : start + size])
        start += size
    return message, buffers


# --- text that JSON cannot hold --------------------------------------------------------------------------


def _encoded(header: Any) -> bytes:
    try:
        return _ENCODER.encode(header)
    except UnicodeEncodeError:  # a lone surrogate, which UTF-8 cannot hold
        return _ENCODER.encode(_without_surrogates(msgspec.to_builtins(header, enc_hook=_plain)))


def _without_surrogates(value: Any) -> Any:
    """Plain JSON in which pairs of surrogates are one character and lone ones are U+FFFD."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list | tuple):
        return [_without_surrogates(item) for item in value]
    if isinstance(value, dict):
        return {_without_surrogates(key): _without_surrogates(item) for key, item in value.items()}
    return value


def _plain(value: Any) -> Any:
    """A student's own subclass of str, int or float as the plain value."""
    if isinstance(value, str):
        return str.__getitem__(value, slice(None))
    if isinstance(value, int):
        return int.__pos__(value)
    if isinstance(value, float):
        return float.__pos__(value)
    raise TypeError(f"{type(value).__name__} is not JSON")


_ENCODER = msgspec.json.Encoder(enc_hook=_plain)


class Reader(Generic[M]):
    """Collects what arrives and cuts it into frames."""

    def __init__(self, decoder: msgspec.json.Decoder[tuple[list[int], M]]) -> None:
        """Takes a decoder of the messages that may arrive here."""
        self._decoder = decoder
        self._data = bytearray()

    def feed(self, data: bytes) -> None:
        """Takes what was received."""
        self._data += data

    def next(self) -> Frame[M] | None:
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
        return unpack(text, data, self._decoder)

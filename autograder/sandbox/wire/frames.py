"""Frames on a stream socket: a mark, two lengths, a JSON header, plain buffers. No pickle in either direction.

| "NNAG" | header bytes (u32) | buffer bytes (u32) | [[size 0, size 1, ...], message] | buffer 0 | buffer 1 | ...
"""

from __future__ import annotations

import struct
from typing import Any, Generic, TypeVar

import msgspec

__all__ = ["LARGEST_BUFFERS", "LARGEST_HEADER", "Frame", "Reader", "TooLarge", "WireError", "pack", "size", "unpack"]

LARGEST_HEADER = 32 << 20
LARGEST_BUFFERS = 512 << 20

_MARK = b"NNAG"
_PREFIX = struct.Struct("!4sII")

M = TypeVar("M")
Frame = tuple[M, list[bytes]]
"""A message and the buffers that its trees point to."""


class WireError(Exception):
    """What came over the wire is not what the protocol allows; the message says how."""


class TooLarge(Exception):
    """A frame that is larger than its receiver wants here; it was received and thrown away.

    Attributes:
        kind: of its message.
        size: of its header and buffers, in bytes.
    """

    def __init__(self, kind: str, size: int):
        super().__init__(f"{kind} of {size} bytes")
        self.kind = kind
        self.size = size


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


def size(message: msgspec.Struct, buffers: list[bytes]) -> int:
    """Bytes of a frame's header and buffers."""
    return len(_encoded([list(map(len, buffers)), message])) + sum(map(len, buffers))


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
        self._refused = TooLarge("", 0)
        self._left = 0

    def feed(self, data: bytes) -> None:
        """Takes what was received."""
        self._data += data

    def next(self, most: int = 0) -> Frame[M] | None:
        """The next whole frame, or None while it is incomplete.

        Args:
            most: how many bytes header and buffers may have here; 0 leaves the wire's own limits.

        Raises:
            TooLarge: it has more than `most`.
            WireError: the frame is malformed, or larger than any may be.
        """
        if self._left:
            self._throw_away()
            return None
        if len(self._data) < _PREFIX.size:
            return None
        mark, head, total = _PREFIX.unpack_from(self._data)
        if mark != _MARK:
            raise WireError("no frame begins here")
        if head > LARGEST_HEADER or total > LARGEST_BUFFERS:
            raise WireError(f"a frame of {head} + {total} bytes is too large")
        middle, end = _PREFIX.size + head, _PREFIX.size + head + total
        if most and head + total > most and len(self._data) >= middle:
            self._refused = TooLarge(_kind(bytes(self._data[_PREFIX.size : middle])), head + total)
            self._left = end
            self._throw_away()
            return None
        if len(self._data) < end:
            return None
        text, data = bytes(self._data[_PREFIX.size : middle]), bytes(self._data[middle:end])
        del self._data[:end]
        return unpack(text, data, self._decoder)

    def _throw_away(self) -> None:
        """Drops what is there of a refused frame; raises once all of it has come."""
        gone = min(self._left, len(self._data))
        del self._data[:gone]
        self._left -= gone
        if not self._left:
            raise self._refused


class _Tagged(msgspec.Struct):
    kind: str


_KIND = msgspec.json.Decoder(tuple[msgspec.Raw, _Tagged])


def _kind(text: bytes) -> str:
    """The kind of the message in a header, whose other parts are not decoded."""
    try:
        return _KIND.decode(text)[1].kind
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise WireError("not a message that may arrive here") from None

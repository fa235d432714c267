"""From the bytes of a notebook file to its JSON: in any usual encoding, and mended where only the file suffered.

A disk, a synchronised folder or a download leaves a tail of an older file, zero bytes, or another file altogether. What
is whole is read and flagged; what is not is named for what it is.
"""

from __future__ import annotations

import codecs
import json
import re
from typing import Any

from autograder.pipeline.intake.not_a_notebook import Unreadable, conflict_line, name_of_bytes, name_of_text

__all__ = ["decode"]

_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (codecs.BOM_UTF8, "utf-8-sig"),
)
_BLANK = "\x00 \t\r\n\x1a"
_OPENING = re.compile(r'\{\s{0,100}"(?:cells|metadata|nbformat|nbformat_minor|worksheets)"\s{0,100}:')
_MOST_OPENINGS = 20
_JSON = json.JSONDecoder()
_LENIENT = json.JSONDecoder(strict=False)
"""Accepts control characters inside strings."""


def decode(data: bytes) -> tuple[Any, list[str]]:
    """The JSON value in a file, and a sentence for each thing that had to be mended.

    Raises:
        Unreadable: the file is empty, another kind of file, or JSON that is broken or truncated.
    """
    if not data.strip(_BLANK.encode()):
        raise Unreadable(_emptiness(data))
    if kind := name_of_bytes(data):
        raise Unreadable(f"the file is {kind}, not a notebook")
    lead = len(data) - len(data.lstrip(b"\x00"))
    flags = []
    if lead >= 2 and not data.startswith(_MARKS[1][0]):
        data = data[lead:]
        flags = [f"the file starts with {lead} zero bytes; they were left out"]
    text, remarks = _text(data)
    document, mended = _parse(text, lead if flags else 0)
    return document, [*flags, *remarks, *mended]


def _emptiness(data: bytes) -> str:
    if b"\x00" in data:
        return "the file is empty but for zero bytes: a disk or a synchronised folder never wrote what belongs there"
    return "the file is empty: it was not saved, or a synchronised folder had not fetched it"


def _text(data: bytes) -> tuple[str, list[str]]:
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), "")
    if not encoding and b"\x00" in data[:4]:
        encoding = "utf-16-le" if data[1:2] == b"\x00" else "utf-16-be"
    try:
        text = data.decode(encoding or "utf-8")
    except UnicodeDecodeError as error:
        if encoding not in ("", "utf-8-sig") and error.start < 2 * (len(data) // 4):
            raise Unreadable(f"the file starts like {encoding} text but is not") from error
        whole = data[: error.start].decode(encoding or "utf-8")
        if _is_whole(whole):
            return whole, ["bytes that are no text stand after the notebook's end; they were left out"]
        if encoding:
            raise Unreadable(f"the file starts like {encoding} text but is not") from error
        return data.decode("latin-1"), ["the file is not UTF-8; it was read as latin-1"]
    if not encoding:
        return text, []
    name = "UTF-8 with a byte order mark" if encoding == "utf-8-sig" else encoding[:6].upper()
    return text, [f"the file is {name}; it was read all the same"]


def _is_whole(text: str) -> bool:
    """Whether a text begins with a whole notebook."""
    try:
        return _is_notebook(_JSON.raw_decode(text.lstrip(_BLANK))[0])
    except (ValueError, RecursionError):
        return False


def _is_notebook(value: Any) -> bool:
    return isinstance(value, dict) and any(isinstance(value.get(key), list) for key in ("cells", "worksheets"))


# --- the JSON --------------------------------------------------------------------------------------------


def _parse(text: str, lost: int) -> tuple[Any, list[str]]:
    """The value at the start of a text; `lost` zero bytes were cut off in front of it."""
    start = len(text) - len(text.lstrip(_BLANK))
    try:
        value, end = _JSON.raw_decode(text, start)
    except RecursionError as error:
        raise Unreadable("the file is nested too deeply to be a notebook") from error
    except json.JSONDecodeError as error:
        return _mended(text, error, lost)
    except ValueError as error:
        raise Unreadable("the file holds a number with too many digits to be a notebook") from error
    rest = text[end:].strip(_BLANK)
    if not rest:
        return value, [_zeros_after(text[end:])] if "\x00" in text[end:] else []
    if not _is_notebook(value):
        return _mended(text, json.JSONDecodeError("Extra data", text, end), lost)
    return value, [_more_after(rest)]


def _zeros_after(tail: str) -> str:
    return f"{tail.count(chr(0))} zero bytes stand after the notebook's end; they were left out"


def _more_after(rest: str) -> str:
    if rest.startswith("{") and _is_whole(rest):
        return "two notebooks stand in one file, one after the other; the first was read"
    return "something stands after the notebook's end, as of an older, longer file; it was left out"


def _mended(text: str, error: json.JSONDecodeError, lost: int) -> tuple[Any, list[str]]:
    """What can be read of broken JSON.

    Raises:
        Unreadable: nothing; the reason is the most telling one.
    """
    if line := conflict_line(text):
        raise Unreadable(
            f"an unfinished git merge: line {line} has git's conflict mark <<<<<<<; "
            "merge the two versions, then hand in again"
        ) from error
    if "\x00" in text and not lost:
        try:
            value = _LENIENT.decode(text.strip(_BLANK))
        except (ValueError, RecursionError):
            pass
        else:
            zeros = text.strip(_BLANK).count("\x00")
            return value, [f"{zeros} zero bytes stand inside a text of the notebook: something is lost there"]
    for number, opening in enumerate(_OPENING.finditer(text, 1)):
        if number < _MOST_OPENINGS and (whole := _notebook_at(text, opening.start())) is not None:
            return whole, ["the file starts with a broken notebook; the whole one that follows was read"]
    raise Unreadable(_reason(text, error, lost)) from error


def _notebook_at(text: str, place: int) -> Any:
    try:
        value, _ = _JSON.raw_decode(text, place)
    except (ValueError, RecursionError):
        return None
    return value if _is_notebook(value) and "nbformat" in value else None


def _reason(text: str, error: json.JSONDecodeError, lost: int) -> str:
    if lost:
        return f"its first {lost} bytes are zero: a disk or a synchronised folder lost its beginning"
    if "\x00" in text.rstrip(_BLANK):
        zeros = text.rstrip(_BLANK)
        line = zeros.count("\n", 0, zeros.index("\x00")) + 1
        return f"{zeros.count(chr(0))} zero bytes stand in line {line}: a disk or a synchronised folder lost that part"
    if kind := name_of_text(text):
        return f"the file is {kind}, not a notebook"
    if error.pos >= len(text.rstrip(_BLANK)) or "Unterminated" in error.msg:
        return f"the file ends abruptly in line {error.lineno}: it was not saved completely"
    return f"the file is not JSON (line {error.lineno}, column {error.colno})"

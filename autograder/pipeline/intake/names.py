"""Names of files as they were meant: ZIPs and file systems keep bytes, and not always say in which encoding."""

from __future__ import annotations

import os
import re
import struct
import unicodedata
import zipfile
import zlib

__all__ = ["decoded", "entry_name", "file_name", "is_notebook_name", "shown"]

_UTF8 = 0x800
_UNICODE_PATH = 0x7075


def entry_name(entry: zipfile.ZipInfo) -> str:
    """The name of a ZIP's entry, composed (NFC), whatever wrote it: many tools store UTF-8 and do not say so."""
    name = entry.orig_filename.partition("\0")[0]
    if not entry.flag_bits & _UTF8:
        try:
            raw = name.encode("cp437")
        except UnicodeEncodeError:
            return unicodedata.normalize("NFC", name)
        name = _said_apart(entry.extra, raw) or decoded(raw)
    return unicodedata.normalize("NFC", name)


def file_name(name: str) -> str:
    """A name in a folder, composed (NFC); bytes that are no UTF-8 are read as Windows or DOS wrote them."""
    return unicodedata.normalize("NFC", decoded(os.fsencode(name)))


def decoded(raw: bytes) -> str:
    """UTF-8 where the bytes are that, else the encoding of DOS or Windows that makes letters of most of them."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        tried = [raw.decode(encoding, "replace") for encoding in ("cp437", "cp850", "cp1252")]
        return max(tried, key=_letters)


def shown(path: str, longest: int = 160) -> str:
    """A path that is safe to print: one line of limited length."""
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in path)[:longest]


def is_notebook_name(name: str) -> bool:
    """Whether a file's name is that of a notebook, also with the ending that a browser or a mail program added."""
    return name.casefold().removesuffix(".txt").removesuffix(".json").endswith(".ipynb")


def _letters(text: str) -> int:
    """How many letters beyond ASCII are those of Latin script, and not capitals within a word: `JosÚ` is no name."""
    score = 0
    for word in re.findall(r"\w+", text):
        for place, letter in enumerate(word):
            odd = place > 0 and letter.isupper() and not word.isupper()
            score += letter > "\x7f" and unicodedata.name(letter, "").startswith("LATIN") and not odd
    return score


def _said_apart(extra: bytes, raw: bytes) -> str:
    """The name in Info-ZIP's field for Unicode paths; empty if there is none, or if it belongs to another name."""
    while len(extra) >= 4:
        kind, length = struct.unpack_from("<HH", extra)
        content, extra = extra[4 : 4 + length], extra[4 + length :]
        if kind == _UNICODE_PATH and len(content) > 5 and content[1:5] == struct.pack("<I", zlib.crc32(raw)):
            return content[5:].decode("utf-8", "replace")
    return ""

"""Cleans text that untrusted code wrote, once, where it enters the trusted side."""

from __future__ import annotations

import re

__all__ = ["LONGEST", "clean", "is_json"]

LONGEST = 100_000
"""Characters of one text of a value; the rest is cut off."""

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]{0,4096}(?:\x07|\x1b\\)|[@-Z\\-_])")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_SURROGATES = re.compile(r"[\ud800-\udfff]")


_JSON = re.compile(r"application/(.*\+)?json")


def is_json(mime: str) -> bool:
    """Whether nbformat lets the data of this type be more than text."""
    return _JSON.fullmatch(mime) is not None


def clean(text: str, longest: int = LONGEST) -> str:
    """Text without terminal escapes, control characters (newline and tab stay) and lone surrogates.

    A carriage return overwrites its line, as a terminal does, so that a progress bar leaves its last state.
    """
    if len(text) > longest:
        text = text[:longest] + "…"
    if text.isascii() and text.isprintable():
        return text
    if "\x1b" in text:
        text = _ESCAPES.sub("", text)
    if "\r" in text:
        lines = text.replace("\r\n", "\n").split("\n")
        text = "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in lines)
    return _SURROGATES.sub("\ufffd", _CONTROLS.sub("", text))

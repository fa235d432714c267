"""Turns the outputs that a student's process reports into nbformat's: clean text, and JSON only where it may be."""

from __future__ import annotations

from typing import Any

import msgspec

from autograder.sandbox.wire.frames import WireError
from autograder.sandbox.wire.messages import Error, Output, Result, Stream
from autograder.sandbox.wire.text import clean, is_json

__all__ = ["checked_outputs", "length"]

_DEEPEST = 40
_ENDLESS = 1 << 40


def checked_outputs(outputs: list[Output]) -> list[dict[str, Any]]:
    """The outputs as nbformat v4 has them, with clean text.

    Raises:
        WireError: data of a text type are not text, or JSON is nested too deeply.
    """
    return [_output(output) for output in outputs]


def length(outputs: list[Output]) -> int:
    """Characters of all texts of the outputs."""
    return _length(msgspec.to_builtins(outputs))


def _length(value: Any) -> int:
    if isinstance(value, str):
        return len(value)
    if isinstance(value, list):
        return sum(map(_length, value)) + len(value)
    if isinstance(value, dict):
        return sum(map(_length, value.values())) + sum(map(len, value))
    return 8


def _output(output: Output) -> dict[str, Any]:
    if isinstance(output, Stream):
        return {"output_type": "stream", "name": output.name, "text": _text(output.text)}
    if isinstance(output, Error):
        names = {"ename": _text(output.ename), "evalue": _text(output.evalue)}
        return {"output_type": "error", **names, "traceback": [_text(line) for line in output.traceback]}
    shown = {"data": _bundle(output.data), "metadata": _plain(output.metadata, 0)}
    if isinstance(output, Result):
        return {"output_type": "execute_result", **shown, "execution_count": output.execution_count}
    return {"output_type": "display_data", **shown}


def _bundle(data: dict[str, Any]) -> dict[str, Any]:
    return {_text(mime): _plain(value, 0) if is_json(mime) else _text(value) for mime, value in data.items()}


def _text(text: Any) -> str:
    if type(text) is not str:
        raise WireError("an output without text")
    return clean(text, _ENDLESS)


def _plain(value: Any, depth: int) -> Any:
    if depth > _DEEPEST:
        raise WireError("an output nested too deeply")
    if type(value) is str:
        return clean(value, _ENDLESS)
    if type(value) is list:
        return [_plain(item, depth + 1) for item in value]
    if type(value) is dict:
        return {clean(key, 1000): _plain(item, depth + 1) for key, item in value.items()}
    return value

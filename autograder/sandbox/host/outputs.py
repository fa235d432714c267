"""Checks the outputs that a student's process reports: only nbformat outputs, only clean text, only up to a limit."""

from __future__ import annotations

from typing import Any

from autograder.sandbox.wire.frames import WireError
from autograder.sandbox.wire.text import clean, is_json

__all__ = ["checked_outputs", "length"]

_DEEPEST = 40
_KEYS = {
    "stream": {"name", "text"},
    "display_data": {"data", "metadata"},
    "execute_result": {"data", "metadata", "execution_count"},
    "error": {"ename", "evalue", "traceback"},
}
_ENDLESS = 1 << 40


def checked_outputs(outputs: Any) -> list[dict[str, Any]]:
    """The outputs as nbformat v4 has them, with clean text.

    Raises:
        WireError: they are anything else.
    """
    if type(outputs) is not list:
        raise WireError("outputs that are not a list")
    return [_output(output) for output in outputs]


def length(value: Any) -> int:
    """Characters of all texts in plain JSON."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, list):
        return sum(map(length, value)) + len(value)
    if isinstance(value, dict):
        return sum(map(length, value.values())) + sum(map(len, value))
    return 8


def _output(output: Any) -> dict[str, Any]:
    kind = output.get("output_type") if type(output) is dict else None
    if type(kind) is not str or set(output) - {"output_type"} != _KEYS.get(kind):
        raise WireError("an output of an unknown kind")
    if kind == "stream":
        if output["name"] not in ("stdout", "stderr"):
            raise WireError("a stream of an unknown name")
        return {"output_type": kind, "name": output["name"], "text": _text(output["text"])}
    if kind == "error":
        lines = output["traceback"]
        if type(lines) is not list:
            raise WireError("a traceback that is not a list")
        error = {"ename": _text(output["ename"]), "evalue": _text(output["evalue"])}
        return {"output_type": kind, **error, "traceback": [_text(line) for line in lines]}
    checked = {"output_type": kind, "data": _bundle(output["data"]), "metadata": _plain(output["metadata"], 0)}
    if type(output["metadata"]) is not dict:
        raise WireError("metadata that are not an object")
    if kind == "execute_result":
        checked["execution_count"] = _count(output["execution_count"])
    return checked


def _bundle(data: Any) -> dict[str, Any]:
    if type(data) is not dict:
        raise WireError("data that are not an object")
    return {_text(mime): _plain(value, 0) if is_json(mime) else _text(value) for mime, value in data.items()}


def _count(count: Any) -> int:
    if type(count) is not int or not 0 <= count < 1 << 31:
        raise WireError("an impossible execution count")
    return count


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

"""One call of a student's function and what came of it, as messages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autograder.exercise import Foreign, Outcome, Raised, Steps
from autograder.sandbox.wire.frames import Message, WireError
from autograder.sandbox.wire.functions import Borrowed, Lent
from autograder.sandbox.wire.text import clean
from autograder.sandbox.wire.values import decode, encode

__all__ = [
    "LONGEST_MESSAGE",
    "MOST_WARNINGS",
    "arguments",
    "outcome",
    "raised_fields",
    "raised_from",
    "request",
    "respond",
    "seconds_field",
    "steps_field",
    "text_field",
]

MOST_WARNINGS = 20
LONGEST_MESSAGE = 2_000


def request(args: tuple[Any, ...], kwargs: Mapping[str, Any], through: str, lent: Lent, steps: int = 0) -> Message:
    """The message that asks for one call."""
    tree, buffers = encode((tuple(args), dict(kwargs)), lent.export)
    return {"kind": "call", "arguments": tree, "through": through, "steps": steps}, buffers


def arguments(message: Message, borrowed: Borrowed) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments of a request, as fresh values."""
    header, buffers = message
    args, kwargs = decode(header.get("arguments"), buffers, borrowed.resolve)
    return args, kwargs


def respond(done: Outcome, borrowed: Borrowed, asked: Message | None = None) -> Message:
    """The message that reports one call; a value too large for the wire is reported as such.

    Inputs that are as they were asked for do not go back: the judge has them.
    """
    header: dict[str, Any] = {"kind": "outcome", "warnings": list(done.warnings), "seconds": done.seconds}
    if done.raised is not None:
        header["raised"] = raised_fields(done.raised)
    if done.forbidden:
        header["forbidden"] = list(done.forbidden)
    if done.steps is not None:
        header["steps"] = [done.steps.own, done.steps.library]
    try:
        inputs = None if asked is not None and _as_asked(done.inputs, borrowed, asked) else done.inputs
        header["body"], buffers = encode((done.value, inputs), borrowed.export)
    except WireError as error:
        name = f"{type(done.value).__name__} ({error})"
        header["body"], buffers = encode((Foreign(name), None))
    return header, buffers


def _as_asked(inputs: Any, borrowed: Borrowed, asked: Message) -> bool:
    """Whether inputs are, bit for bit, what the request holds."""

    def as_lent(function: Any) -> list[Any] | None:
        node = borrowed.export(function)
        return ["function", node[1]] if node is not None else None

    try:
        tree, buffers = encode(inputs, as_lent)
    except WireError:
        return False
    return buffers == asked[1] and repr(tree) == repr(asked[0].get("arguments"))  # 1, True and 1.0 are equal


def outcome(message: Message, lent: Lent) -> Outcome:
    """The outcome that a message reports.

    Raises:
        WireError: the message is malformed.
    """
    header, buffers = message
    body = decode(header.get("body"), buffers, lent.resolve)
    if type(body) is not tuple or len(body) != 2:
        raise WireError("an outcome without its parts")
    texts, forbidden = _texts(header.get("warnings")), _texts(header.get("forbidden", []))
    raised = raised_from(header["raised"]) if "raised" in header else None
    seconds, steps = seconds_field(header.get("seconds")), steps_field(header.get("steps"))
    return Outcome(body[0], raised, _inputs(body[1]), texts, seconds, steps=steps, forbidden=forbidden)


def _texts(texts: Any) -> tuple[str, ...]:
    if type(texts) is not list or len(texts) > MOST_WARNINGS:
        raise WireError("an outcome without its parts")
    return tuple(text_field(text, 500) for text in texts)


def _inputs(inputs: Any) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
    if inputs is None:
        return None
    if type(inputs) is not tuple or tuple(map(type, inputs)) != (tuple, dict):
        raise WireError("inputs that are no arguments")
    return inputs[0], inputs[1]


def raised_fields(raised: Raised) -> list[Any]:
    """An exception as JSON."""
    return [raised.kind, raised.message, raised.line, raised.source]


def raised_from(fields: Any) -> Raised:
    """The exception of such JSON.

    Raises:
        WireError: it is malformed.
    """
    if type(fields) is not list or len(fields) != 4:
        raise WireError("an exception without its parts")
    kind, message, line, source = fields
    if line is not None and (type(line) is not int or not 0 <= line < 1 << 31):
        raise WireError("an exception on an impossible line")
    return Raised(text_field(kind, 100), text_field(message, LONGEST_MESSAGE), line, text_field(source, 500))


def seconds_field(seconds: Any) -> float:
    """A time of a header.

    Raises:
        WireError: it is none.
    """
    if type(seconds) not in (int, float) or not 0 <= seconds < 1 << 31:
        raise WireError("a time that is none")
    return float(seconds)


def steps_field(steps: Any) -> Steps | None:
    """The count of steps of a header, None where there is none.

    Raises:
        WireError: it is malformed.
    """
    if steps is None:
        return None
    if type(steps) is not list or len(steps) != 2 or any(type(n) is not int or not 0 <= n < 1 << 31 for n in steps):
        raise WireError("a count of steps that is none")
    return Steps(*steps)


def text_field(text: Any, longest: int) -> str:
    """A cleaned text of a header.

    Raises:
        WireError: it is no text.
    """
    if type(text) is not str:
        raise WireError("a number where a text belongs")
    return clean(text, longest)

"""One call of a student's function and what came of it, as messages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autograder.exercise import Foreign, Outcome, Raised, Steps
from autograder.sandbox.wire import messages
from autograder.sandbox.wire.frames import Frame, WireError
from autograder.sandbox.wire.functions import Borrowed, Lent
from autograder.sandbox.wire.values import decode, encode

__all__ = ["arguments", "failure", "outcome", "raised_from", "request", "respond"]


def request(
    args: tuple[Any, ...], kwargs: Mapping[str, Any], through: str, lent: Lent, steps: int = 0
) -> Frame[messages.Call]:
    """The message that asks for one call."""
    tree, buffers = encode((tuple(args), dict(kwargs)), lent.export)
    return messages.Call(tree, through, steps), buffers


def arguments(asked: Frame[messages.Call], borrowed: Borrowed) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments of a request, as fresh values."""
    call, buffers = asked
    args, kwargs = decode(call.arguments, buffers, borrowed.resolve)
    return args, kwargs


def respond(done: Outcome, borrowed: Borrowed, asked: Frame[messages.Call] | None = None) -> Frame[messages.Outcome]:
    """The message that reports one call; a value too large for the wire is reported as such.

    Inputs that the call did not change do not go back: the judge has them.
    """
    try:
        inputs = None if asked is not None and _as_asked(done.inputs, borrowed, asked) else done.inputs
        body, buffers = encode((done.value, inputs), borrowed.export)
    except WireError as error:
        name = f"{type(done.value).__name__} ({error})"
        body, buffers = encode((Foreign(name), None))
    raised = failure(done.raised) if done.raised is not None else None
    steps = messages.Counted(done.steps.own, done.steps.library) if done.steps is not None else None
    return messages.Outcome(body, done.seconds, done.warnings, raised, done.forbidden, steps), buffers


def _as_asked(inputs: Any, borrowed: Borrowed, asked: Frame[messages.Call]) -> bool:
    """Whether inputs are, bit for bit, what the request holds."""

    def as_lent(function: Any) -> list[Any] | None:
        node = borrowed.export(function)
        return ["function", node[1]] if node is not None else None

    try:
        tree, buffers = encode(inputs, as_lent)
    except WireError:
        return False
    return buffers == asked[1] and repr(tree) == repr(asked[0].arguments)  # 1, True and 1.0 are equal


def outcome(answer: Frame[messages.Outcome], lent: Lent) -> Outcome:
    """The outcome that a message reports.

    Raises:
        WireError: its body is malformed.
    """
    done, buffers = answer
    body = decode(done.body, buffers, lent.resolve)
    if type(body) is not tuple or len(body) != 2:
        raise WireError("an outcome without its parts")
    raised = raised_from(done.raised) if done.raised is not None else None
    steps = Steps(done.steps.own, done.steps.library) if done.steps is not None else None
    return Outcome(
        body[0], raised, _inputs(body[1]), done.warnings, done.seconds, steps=steps, forbidden=done.forbidden
    )


def _inputs(inputs: Any) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
    if inputs is None:
        return None
    if type(inputs) is not tuple or tuple(map(type, inputs)) != (tuple, dict):
        raise WireError("inputs that are not arguments")
    return inputs[0], inputs[1]


def failure(raised: Raised) -> messages.Failure:
    """An exception as part of a message."""
    return messages.Failure(raised.kind, raised.message, raised.line, raised.source)


def raised_from(failed: messages.Failure) -> Raised:
    """The exception in such a part."""
    return Raised(failed.kind, failed.message, failed.line, failed.source)

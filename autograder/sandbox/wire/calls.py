"""One call of a student's function and what came of it, as messages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autograder.calls import Foreign, Outcome, Raised, Skipped, Steps
from autograder.sandbox.wire import messages
from autograder.sandbox.wire.frames import Frame, TooLarge, WireError, size
from autograder.sandbox.wire.functions import Borrowed, Lent
from autograder.sandbox.wire.graphs import Pull, attached
from autograder.sandbox.wire.values import Node, decode, encode, encode_outcome

__all__ = [
    "arguments",
    "failure",
    "outcome",
    "raised_from",
    "request",
    "respond",
    "skipped",
    "skipped_from",
    "too_large",
]


def request(
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    through: str | int,
    lent: Lent,
    steps: int = 0,
    keep: bool = False,
    most: int = 0,
    edited: tuple[str, str] | None = None,
) -> Frame[messages.Call]:
    """The message that asks for one call."""
    tree, buffers = encode((tuple(args), dict(kwargs)), lent.export)
    return messages.Call(tree, through, steps, keep, most, edited), buffers


def arguments(asked: Frame[messages.Call], borrowed: Borrowed) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments of a request, as fresh values."""
    call, buffers = asked
    args, kwargs = decode(call.arguments, buffers, borrowed.resolve)
    return args, kwargs


def respond(
    done: Outcome, borrowed: Borrowed, asked: Frame[messages.Call] | None = None, leaves: list[Any] | None = None
) -> Frame[messages.Outcome]:
    """The message that reports one call; a value too large for the wire, or for the request, is reported as such.

    Inputs that the call did not change do not go back: the judge has them. The value's gradients for `leaves`, tensors
    among the arguments, can be asked for afterwards.
    """
    try:
        inputs = None if asked is not None and _as_asked(done.inputs, borrowed, asked) else done.inputs
        body, buffers = encode_outcome(done.value, inputs, borrowed.export, borrowed.graphs.results(leaves or []))
    except WireError as error:
        body, buffers = encode_outcome(Foreign(f"{type(done.value).__name__} ({error})"), None)
    raised = failure(done.raised) if done.raised is not None else None
    steps = messages.Counted(done.steps.own, done.steps.library) if done.steps is not None else None
    answer = messages.Outcome(body, done.seconds, done.warnings, raised, done.forbidden, steps)
    most = asked[0].most if asked is not None else 0
    if most and (taken := size(answer, buffers)) > most:
        body, buffers = encode_outcome(None, None)
        refused = failure(too_large(TooLarge("outcome", taken), most))
        answer = messages.Outcome(body, done.seconds, done.warnings, refused, done.forbidden, steps)
    return answer, buffers


def _as_asked(inputs: Any, borrowed: Borrowed, asked: Frame[messages.Call]) -> bool:
    """Whether inputs are, bit for bit, what the request holds."""

    def as_lent(value: Any, node: Node) -> list[Any] | None:
        found = borrowed.export(value, node)
        return ["function", found[1]] if found is not None and found[0] == "returned" else found

    try:
        tree, buffers = encode(inputs, as_lent)
    except WireError:
        return False
    return buffers == asked[1] and repr(tree) == repr(asked[0].arguments)  # 1, True and 1.0 are equal


def outcome(
    answer: Frame[messages.Outcome], lent: Lent, leaves: list[Any] | None = None, pull: Pull | None = None
) -> Outcome:
    """The outcome that a message reports; its value is attached to `leaves`, the tensors that were sent.

    Raises:
        WireError: its body is malformed.
    """
    done, buffers = answer
    body = decode(done.body, buffers, lent.resolve)
    if type(body) is not tuple or len(body) != 2:
        raise WireError("an outcome without its parts")
    value = attached(body[0], leaves or [], pull or _no_gradients)
    inputs = _inputs(attached(body[1], [], _no_gradients))
    raised = raised_from(done.raised) if done.raised is not None else None
    steps = Steps(done.steps.own, done.steps.library) if done.steps is not None else None
    return Outcome(
        value,
        raised,
        inputs,
        done.warnings,
        done.seconds,
        steps=steps,
        forbidden=done.forbidden,
    )


def _no_gradients(_number: int, _upstream: list[Any]) -> list[Any]:
    raise WireError("no gradient was asked for")


def too_large(refused: TooLarge, most: int) -> Raised:
    """What a student reads of a message that was thrown away unread."""
    what = "the result" if refused.kind == "outcome" else "what a function of the exercise is called with"
    sizes = f"{refused.size / 1e6:.3g} MB, where less than {most / 1e6:.3g} MB are expected"
    return Raised("UnexpectedAnswer", f"{what} takes {sizes}: look at its shape and at how many entries it has")


def _inputs(inputs: Any) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
    if inputs is None:
        return None
    if type(inputs) is not tuple or tuple(map(type, inputs)) != (tuple, dict):
        raise WireError("inputs that are not arguments")
    return inputs[0], inputs[1]


def failure(raised: Raised) -> messages.Failure:
    """An exception as part of a message."""
    where = raised.kind, raised.message, raised.line, raised.source
    return messages.Failure(*where, raised.missing, raised.unwritten, raised.function)


def raised_from(failed: messages.Failure) -> Raised:
    """The exception in such a part."""
    where = failed.kind, failed.message, failed.line, failed.source
    return Raised(*where, failed.missing, failed.unwritten, failed.function)


def skipped(statement: Skipped) -> messages.Skipped:
    """A statement that was skipped, as part of a message."""
    raised = failure(statement.raised) if statement.raised is not None else None
    return messages.Skipped(statement.line, statement.names[: messages.MOST_SKIPPED], statement.reason, raised)


def skipped_from(part: messages.Skipped) -> Skipped:
    """The statement in such a part."""
    raised = raised_from(part.raised) if part.raised is not None else None
    return Skipped(part.line, part.names, part.reason, raised)

"""The calls of one judged answer: what is asked, what is lent, and which gradients pass, in the order of the wire."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from autograder.calls import Outcome
from autograder.objects import AnswerRaised
from autograder.sandbox.host.pipes import Clock
from autograder.sandbox.wire import messages
from autograder.sandbox.wire.calls import outcome, request, too_large
from autograder.sandbox.wire.frames import Frame, TooLarge, WireError
from autograder.sandbox.wire.functions import Lent
from autograder.sandbox.wire.graphs import leaves_of
from autograder.sandbox.wire.values import encode

__all__ = ["Asked", "Calls", "Talk", "out_of_turn"]

Asked = Frame[messages.Call] | Frame[messages.Differentiate]
Ask = Callable[[Asked, "Calls", Callable[[Frame[messages.Outcome]], Outcome], bool, int], Outcome]
"""Has a run answer: the question, its calls, how the answer is read, whether processor time is wanted, most bytes."""


class Calls:
    """Calls the answer as often as the judge likes; everything lent or kept lives as long as this."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self.lent = Lent()

    def __call__(
        self,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        through: str | int = "",
        *,
        cpu: bool = False,
        steps: int = 0,
        keep: bool = False,
        most: int = 0,
        edited: tuple[str, str] | None = None,
    ) -> Outcome:
        """One call."""
        leaves = leaves_of((args, kwargs)) if keep else []
        asked = request(args, kwargs, through, self.lent, steps, keep, most, edited)
        return self._ask(asked, self, lambda frame: outcome(frame, self.lent, leaves, self._pull), cpu, most)

    def _pull(self, number: int, upstream: list[Any]) -> Any:
        tree, buffers = encode(upstream)
        asked = messages.Differentiate(number, tree), buffers
        done = self._ask(asked, self, lambda frame: outcome(frame, self.lent), False, 0)
        if done.raised is not None:
            raise AnswerRaised(done.raised)
        return done.value


class Talk:
    """One question and its answer; meanwhile the student's side may use what is lent."""

    def __init__(
        self,
        send: Callable[[messages.FromHost, Clock, list[bytes] | None], None],
        receive: Callable[[Clock, int], Frame[messages.FromGuest]],
        clock: Clock,
        most: int,
    ) -> None:
        """Takes the ends of a channel, and how many bytes an answer may have: 0 for as many as the wire allows."""
        self._send = send
        self._receive = receive
        self._clock = clock
        self._most = most

    def outcome(self, asked: Asked, lent: Lent, read: Callable[[Frame[messages.Outcome]], Outcome]) -> Outcome:
        """The outcome of one request, with the seconds that it took; what is too large is not read."""
        before = self._clock.used
        try:
            frame = self._frame(asked, lent)
        except TooLarge as refused:
            return Outcome(raised=too_large(refused, self._most), seconds=self._clock.used - before)
        seconds = self._clock.used - before
        return replace(read(frame), seconds=seconds)

    def _frame(self, asked: Asked, lent: Lent) -> Frame[messages.Outcome]:
        self._send(asked[0], self._clock, asked[1])
        while True:
            try:
                message, buffers = self._receive(self._clock, self._most)
            except TooLarge as refused:
                if refused.kind == "outcome":
                    raise
                self._send(messages.Raise("ValueError", too_large(refused, self._most).message), self._clock, None)
                continue
            if isinstance(message, messages.Outcome):
                return message, buffers
            if not isinstance(message, messages.Invoke | messages.Differentiate):
                raise WireError(out_of_turn(message))
            with self._clock.stopped():  # what the judge itself computes costs the student nothing
                answer, buffers = lent.answer((message, buffers))
            self._send(answer, self._clock, buffers)


def out_of_turn(message: messages.FromGuest) -> str:
    """Says that a message came when it was not expected."""
    return f"{type(message).__name__} out of turn"

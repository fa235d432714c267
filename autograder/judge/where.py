"""In which line a mistake is, where no edit repairs it: said only where what is known of the values allows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from autograder.judge.on_the_way import Departure
from autograder.judge.trial import Trial

__all__ = ["Where"]

_LOCAL = {"TypeError", "NameError", "UnboundLocalError", "SyntaxError"}
"""Exceptions that come of the line itself, as a rule; others, of shapes, say, come of what leads there."""


@dataclass(frozen=True)
class Where:
    """What is known of the lines of an answer that fails.

    Attributes:
        text: the answer's definitions.
        failed: what failed, visible cases first.
        left: where its values leave those of right answers, if that was seen.
        swaps: the lines that would make the result right if they had a right answer's values, in order.
    """

    text: str
    failed: Sequence[Trial]
    left: Departure | None = None
    swaps: Sequence[int] = ()

    @cached_property
    def stops(self) -> list[int]:
        """The answer's own lines at which exceptions stopped it, each once; none is said of what is not yet made."""
        found: dict[int, None] = {}
        lines = self.text.splitlines()
        for trial in self.failed:
            raised = trial.outcome.raised if trial.outcome is not None else None
            if raised is None or raised.line is None or not 0 < raised.line <= len(lines):
                continue
            if raised.source.strip() == lines[raised.line - 1].strip() and raised.kind != "AttributeError":
                found.setdefault(raised.line)
        return list(found)

    def said(self) -> str:
        """One sentence or two; empty where nothing is known."""
        if self.stops and (told := self._of_a_stop(self.stops[0])):
            return f"{self._elsewhere(self.stops[0])}{told}"
        if self.swaps:
            line = self.swaps[0]
            says = f"With a right solution's numbers in place of those of line {line} the result would be right"
            return f"{says}: the mistake is there, or in what leads to it: {self._shown(line)}"
        if self.left is not None and self.left.enough and self.left.line is not None:
            return f"{self._so_far()}; line {self.left.line} is the first whose numbers no right solution has: " + (
                self._shown(self.left.line)
            )
        return ""

    def _of_a_stop(self, line: int) -> str:
        stops = f"Your function stops in line {line}: {self._shown(line)}"
        if self.left is None:
            return stops if self._stopped_by(line) <= _LOCAL else ""
        first = self.left.line
        if first is not None and first != line and self.left.enough:
            return f"{stops}. Before that, line {first} is the first whose numbers no right solution has: " + (
                self._shown(first)
            )
        is_right_so_far = first in (None, line) and self.left.last_right is not None
        return f"{self._so_far()}. {stops}" if is_right_so_far else stops

    def _elsewhere(self, line: int) -> str:
        """Which case it is that stops, if it is not the first one, which is shown in full."""
        stopped = next(each for each in self.failed if _line_of(each) == line)
        return "" if stopped is self.failed[0] else f'In the case "{stopped.result.name}": '

    def _stopped_by(self, line: int) -> set[str]:
        """The kinds of the exceptions at a line."""
        stopped = (trial.outcome for trial in self.failed if _line_of(trial) == line)
        return {each.raised.kind for each in stopped if each is not None and each.raised is not None}

    def _so_far(self) -> str:
        assert self.left is not None
        return f"Up to line {self.left.last_right} your numbers are those of a right solution"

    def _shown(self, line: int) -> str:
        return f"`{' '.join(self.text.splitlines()[line - 1].split())}`"


def _line_of(trial: Trial) -> int | None:
    raised = trial.outcome.raised if trial.outcome is not None else None
    return raised.line if raised is not None else None

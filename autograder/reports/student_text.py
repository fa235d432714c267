"""A report as plain text. It cannot fold: it shows the first step of each ladder of help and says how to see more."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping
from itertools import zip_longest

from autograder.calls import Status
from autograder.exercise import CaseResult, Verdict
from autograder.reports.groups import group_counts, group_words
from autograder.reports.words import (
    STATUSES,
    advice,
    clean,
    first_failing,
    look_of,
    other_lines,
    phrase_of,
    public_message,
    steps_of,
)

__all__ = ["text"]

_WIDTH = 88
_LINES = 40
_HALF = 41
_LONGEST_CODE = 12
_CALM = {Status.NOT_WRITTEN, Status.NEEDS_MANUAL}


def text(verdict: Verdict, points: str, groups: Mapping[str, float], steps: int, ask: str) -> str:
    """The report in at most 40 lines of 88 columns, without markup."""
    look, calm = STATUSES[verdict.status], verdict.status in _CALM
    first = _wrapped([f"{look.symbol} {clean(verdict.id)}: {phrase_of(verdict)}, {points}"])
    tail = _wrapped([f"Note: {clean(remark)}" for remark in verdict.remarks[:2]], most=1)
    tail += _wrapped([f"Next: {advice(verdict)}"])
    if calm:
        return "\n".join([*first, *_help(verdict, steps, ask), *tail])
    first += _wrapped(_state(verdict, groups))
    first += _help(verdict, steps or 1, ask)
    shown = first_failing(verdict)
    rest = other_lines(verdict)
    others = [f"  ✗ {line.text}" for line in rest[:3]]
    if len(rest) > 3:
        others.append(f"  ✗ and {len(rest) - 3} more that do not pass")
    last = [*_wrapped(others, most=1), *tail]
    room = max(3, _LINES - len(first) - len(last))
    return "\n".join([*first, *(_case(shown, room) if shown else []), *last][:_LINES])


def _state(verdict: Verdict, groups: Mapping[str, float]) -> list[str]:
    lines = []
    if line := "   ".join(
        group_words(*each, groups).replace(" ", "\xa0") for each in group_counts(verdict.cases, groups)
    ):
        lines.append(f"  {line}")
    if message := public_message(verdict):
        lines.append(f"  {message}")
    if verdict.diagnosis:
        lines.append(f"Likely cause: {clean(verdict.diagnosis, 600)}")
    return lines


def _help(verdict: Verdict, steps: int, ask: str) -> list[str]:
    """As many steps of each ladder as are open, and how to see the next."""
    ladders = steps_of(verdict)
    lines = []
    for title, ladder in ladders:
        for number, (name, told) in enumerate(ladder[:steps], start=1):
            lines += _wrapped_help(f"{title}, {number}. {name.lower()}: ", clean(told, 600))
    most = max((len(ladder) for _, ladder in ladders), default=0)
    if ask and steps < most:
        lines += _wrapped([f"{'More help' if steps else 'Hints'}: {ask.format(steps + 1)}"])
    return lines


def _wrapped_help(lead: str, told: str) -> list[str]:
    first, *rest = told.split("\n")
    return [*_wrapped([lead + first]), *(f"    {row}"[:_WIDTH] for row in rest[:6])]


def _wrapped(lines: Iterable[str], most: int = 3) -> list[str]:
    """Each line on at most `most` lines; a no-break space is drawn as a space."""
    wrap = textwrap.TextWrapper(_WIDTH, subsequent_indent="    ", max_lines=most, placeholder=" …")
    return [part.replace("\xa0", " ") for line in lines for part in wrap.wrap(line)]


# --- the case ---------------------------------------------------------------------------------------------


def _case(case: CaseResult, room: int) -> list[str]:
    """The case on at most `room` lines: long values are all cut to the same number of rows."""
    head = _wrapped([f"Case {clean(case.name, 120)}: {look_of(case.kind).title.lower()}", f"  {clean(case.message)}"])
    pairs, code = [pair for pair in case.details if pair[0] != "to try it"], _code(case)
    for rows in range(12, 1, -1):
        lines = [*head, *_details(pairs, rows)]
        if len(lines) + len(code) <= room:
            return [*lines, *code]
        if len(lines) <= room:
            return lines
    return [*lines[: room - 1], "    …"]


def _code(case: CaseResult) -> list[str]:
    """The code of the call, whole or not at all: a part of it does not run."""
    found = next((clean(told) for label, told in case.details if label == "to try it"), "")
    rows = found.split("\n")
    if not found or len(rows) > _LONGEST_CODE or max(map(len, rows)) > _WIDTH - 4:
        return []
    return ["  to try it:", *(f"    {row}" for row in rows)]


def _details(pairs: list[tuple[str, str]], most: int) -> list[str]:
    lines: list[str] = []
    answers = dict(pairs)
    beside = _beside(answers.get("your answer", ""), answers.get("expected", ""), most)
    for label, told in pairs:
        if beside and label in ("your answer", "expected"):
            lines += beside if label == "your answer" else []
        else:
            lines += _detail(label, told, most)
    return lines


def _beside(answer: str, expected: str, most: int) -> list[str]:
    """Answer and expected value side by side, if both have several rows and are narrow enough."""
    left, right = clean(answer).split("\n"), clean(expected).split("\n")
    if max(len(left), len(right)) < 2 or max(map(len, [*left, *right])) > _HALF - 2:
        return []
    rows = [f"    {one:<{_HALF}}{other}".rstrip() for one, other in zip_longest(left, right, fillvalue="")]
    return [f"  {'your answer:':<{_HALF}}  expected:", *rows[:most], *(["    …"] if len(rows) > most else [])]


def _detail(label: str, told: str, most: int) -> list[str]:
    lead, rows = f"  {clean(label, 20)}: ", clean(told).split("\n")
    if label == "expected":
        lead = f"{lead:<15}"  # below "your answer: "
    if len(rows) == 1 and len(lead + rows[0]) <= _WIDTH:
        return [lead + rows[0]]
    return [lead.rstrip(), *(f"    {row}"[:_WIDTH] for row in rows[:most]), *(["    …"] if len(rows) > most else [])]

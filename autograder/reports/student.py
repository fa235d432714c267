"""What `check` and `progress` draw under a cell: HTML in JupyterLab, plain text in a terminal.

Standard library only, because a notebook loads this module with its first check.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from autograder.calls import Status
from autograder.exercise import CaseResult, Verdict
from autograder.reports.colours import tone_of
from autograder.reports.progress import ProgressReport, ProgressRow
from autograder.reports.style import STYLE
from autograder.reports.words import (
    STATUSES,
    advice,
    case_line,
    clean,
    first_failing,
    look_of,
    number,
    one_line,
    phrase_of,
    public_message,
    safe,
    with_code,
)

__all__ = ["ProgressReport", "ProgressRow", "Report"]

_WIDTH = 88
_LINES = 25
_CALM = {Status.NOT_WRITTEN, Status.NEEDS_MANUAL}
_FORMS = {"type", "shape", "dtype", "device"}
_RULES = {"vectorised": "warning", "forbidden": "warning"}


@dataclass(frozen=True)
class Report:
    """What a student sees of one exercise.

    Attributes:
        verdict: what the judge says.
        local: True for the student's own check, which tries visible cases only; False for the final grade.
        groups: points of each group, if known; they are then shown beside the group's name.
    """

    verdict: Verdict
    local: bool
    groups: Mapping[str, float] = field(default_factory=dict)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return {"text/html": self.html(), "text/plain": self.text()}

    def __str__(self) -> str:
        return self.text()

    def html(self, *, style: bool = True) -> str:
        """One self-contained `<div>`; `style=False` leaves out the style sheet, for a page with many reports."""
        verdict = self.verdict
        tone = tone_of(verdict.status)
        body = _head(verdict, self._points()) + ("" if verdict.status in _CALM else self._body())
        remarks = "".join(f'<p class="agr-quiet">Note: {safe(remark)}</p>' for remark in verdict.remarks)
        last = f'<p class="agr-next"><b>→ What to do next:</b> {with_code(advice(verdict))}</p>'
        sheet = STYLE if style else ""
        return f'<div class="agr agr-{tone}">{sheet}{body}{remarks}{last}</div>'

    def _body(self) -> str:
        verdict = self.verdict
        parts = [_group_chips(self.verdict.cases, self.groups)]
        if message := public_message(verdict):
            parts.append(f"<p>{with_code(message)}</p>")
        if verdict.diagnosis:
            parts.append(
                f'<div class="agr-cause"><b>☞ Likely cause</b><span>{with_code(verdict.diagnosis)}</span></div>'
            )
        shown = first_failing(verdict)
        if shown is not None:
            parts.append(_full_case(shown))
        rest = [case for case in verdict.cases if not case.passed and case is not shown]
        if rest and shown is None:
            parts.append("<p>Every visible case passes. These hidden ones do not:</p>")
        parts += _other_cases(rest)
        parts.append(_passed_cases([case for case in verdict.cases if case.passed]))
        return "".join(parts)

    def _points(self) -> str:
        points, most = number(self.verdict.points), number(self.verdict.max_points)
        if self.verdict.status is Status.NEEDS_MANUAL:
            return f"up to {most} points"
        return f"{points} / {most} points" + (" on the visible cases" if self.local else "")

    def text(self) -> str:
        """The same in at most 25 lines of 88 columns, without markup."""
        verdict = self.verdict
        look = STATUSES[verdict.status]
        head = [f"{look.symbol} {clean(verdict.id)}: {phrase_of(verdict)}, {self._points()}"]
        tail = _wrapped([f"Note: {clean(remark)}" for remark in verdict.remarks[:2]], most=1)
        tail += _wrapped([f"Next: {advice(verdict)}"])
        if verdict.status in _CALM:
            return "\n".join([*_wrapped(head), *tail])
        if line := _group_line(verdict.cases, self.groups):
            head.append(f"  {line}")
        if message := public_message(verdict):
            head.append(f"  {message}")
        if verdict.diagnosis:
            head.append(f"Likely cause: {clean(verdict.diagnosis, 600)}")
        shown = first_failing(verdict)
        rest = [case for case in verdict.cases if not case.passed and case is not shown]
        others = [f"  ✗ {case_line(case)}" for case in rest[:3]]
        if len(rest) > 3:
            others.append(f"  ✗ and {len(rest) - 3} more that do not pass")
        first, last = _wrapped(head), [*_wrapped(others, most=1), *tail]
        room = max(3, _LINES - len(first) - len(last))
        return "\n".join([*first, *(_case_text(shown, room) if shown else []), *last])


# --- HTML -----------------------------------------------------------------------------------------------


def _head(verdict: Verdict, points: str) -> str:
    look = STATUSES[verdict.status]
    return (
        f'<div class="agr-head"><span class="agr-icon" aria-hidden="true">{look.symbol}</span>'
        f"<code>{safe(verdict.id)}</code><b>{phrase_of(verdict)}</b>"
        f'<span class="agr-points">{points}</span></div>'
    )


def _group_counts(cases: Iterable[CaseResult], groups: Mapping[str, float]) -> list[tuple[str, int, int]]:
    cases = tuple(cases)
    counts = dict.fromkeys(groups if cases else (), (0, 0))  # without cases nothing was judged
    for case in cases:
        passed, total = counts.get(case.group, (0, 0))
        counts[case.group] = (passed + case.passed, total + 1)
    return [(name, passed, total) for name, (passed, total) in counts.items()]


def _group_words(name: str, passed: int, total: int, groups: Mapping[str, float]) -> str:
    worth = f", {number(groups[name])} pt" if name in groups else ""
    if total == 0:
        return f"◌ {one_line(name, 40)}: judged at grading{worth}"
    sign = "✓" if passed == total else "✗"
    return f"{sign} {one_line(name, 40)}: {passed} of {total} cases{worth}"


def _group_chips(cases: tuple[CaseResult, ...], groups: Mapping[str, float]) -> str:
    chips = ""
    for count in _group_counts(cases, groups):
        tone = "yes" if count[1] == count[2] else "no"
        chips += f'<li class="agr-{tone}">{safe(_group_words(*count, groups))}</li>'
    return f'<ul class="agr-groups" aria-label="Groups of cases">{chips}</ul>' if chips else ""


def _full_case(case: CaseResult) -> str:
    look = look_of(case.kind)
    tone = "form" if case.kind in _FORMS else _RULES.get(case.kind, case.kind) if case.kind.isalpha() else "values"
    chip = f'<span class="agr-chip"><i aria-hidden="true">{look.icon}</i>{look.title}</span>'
    message = f"<p>{with_code(case.message)}</p>" if case.message else ""
    pairs = "".join(_pair(label, text) for label, text in case.details)
    table = f'<dl class="agr-pairs">{pairs}</dl>' if pairs else ""
    return f'<div class="agr-case agr-{tone}">{chip}Case: <b>{safe(case.name)}</b>{message}{table}</div>'


def _pair(label: str, text: str) -> str:
    place = "agr-wide" if label == "called with" else "agr-at" if label == "raised at" else ""
    return f'<div class="{place}"><dt>{safe(label)}</dt><dd><pre>{safe(text)}</pre></dd></div>'


def _other_cases(cases: list[CaseResult]) -> list[str]:
    lines = [f"<li>✗ {safe(case_line(case))}</li>" for case in cases]
    shown = f'<ul class="agr-list">{"".join(lines[:4])}</ul>' if lines else ""
    if len(lines) <= 4:
        return [shown]
    more = f'<ul class="agr-list">{"".join(lines[4:60])}</ul>'
    return [shown, f"<details><summary>{len(lines) - 4} more cases do not pass</summary>{more}</details>"]


def _passed_cases(cases: list[CaseResult]) -> str:
    if not cases:
        return ""
    names = "".join(f"<li>✓ {safe(case.name)}{' (hidden)' if case.hidden else ''}</li>" for case in cases[:200])
    title = f"{len(cases)} {'case passes' if len(cases) == 1 else 'cases pass'}"
    return f'<details><summary>✓ {title}</summary><ul class="agr-list">{names}</ul></details>'


# --- plain text -----------------------------------------------------------------------------------------


def _wrapped(lines: Iterable[str], most: int = 3) -> list[str]:
    """Each line on at most `most` lines; a no-break space is drawn as a space."""
    wrap = textwrap.TextWrapper(_WIDTH, subsequent_indent="    ", max_lines=most, placeholder=" …")
    return [part.replace("\xa0", " ") for line in lines for part in wrap.wrap(line)]


def _group_line(cases: tuple[CaseResult, ...], groups: Mapping[str, float]) -> str:
    return "   ".join(_group_words(*count, groups).replace(" ", "\xa0") for count in _group_counts(cases, groups))


def _case_text(case: CaseResult, room: int) -> list[str]:
    """The case on at most `room` lines: long values are all cut to the same number of rows."""
    head = _wrapped([f"Case {clean(case.name, 120)}: {look_of(case.kind).title.lower()}", f"  {clean(case.message)}"])
    for rows in range(12, 1, -1):
        lines = [*head, *(line for pair in case.details for line in _detail(*pair, rows))]
        if len(lines) <= room:
            return lines
    return [*lines[: room - 1], "    …"]


def _detail(label: str, text: str, most: int) -> list[str]:
    lead, rows = f"  {clean(label, 20)}: ", clean(text).split("\n")
    if len(rows) == 1 and len(lead + rows[0]) <= _WIDTH:
        return [lead + rows[0]]
    return [lead.rstrip(), *(f"    {row}"[:_WIDTH] for row in rows[:most]), *(["    …"] if len(rows) > most else [])]

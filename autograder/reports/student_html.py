"""A report as HTML: roles and headings for a screen reader, folds that work by keyboard, and no script that it needs.

Everything but the copy button works where scripts are removed; that button is drawn in the student's own JupyterLab
alone, and its handler is a constant. Attribute `data-lm-suppress-shortcuts` keeps JupyterLab from taking the keys that
open a fold.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from autograder.calls import Status
from autograder.exercise import CaseResult, Verdict
from autograder.reports.colours import tone_of
from autograder.reports.groups import group_counts, group_words
from autograder.reports.style import STYLE
from autograder.reports.words import (
    STATUSES,
    advice,
    first_failing,
    look_of,
    marked,
    other_lines,
    phrase_of,
    public_message,
    safe,
    steps_of,
    with_code,
)

__all__ = ["Page"]

_FOLDED = {Status.NOT_WRITTEN, Status.NEEDS_MANUAL}
_FORMS = {"type", "shape", "dtype", "device"}
_RULES = {"vectorised": "warning", "forbidden": "warning"}
_WIDE = {"called with", "called earlier with", "raised at"}
_COPY = (
    "getSelection().selectAllChildren(this.nextElementSibling);document.execCommand('copy');this.textContent='Copied'"
)
"""Works without the clipboard's own interface, which a JupyterHub without HTTPS has not; leaves the code selected."""


@dataclass(frozen=True)
class Page:
    """One report; `steps` is how many steps of help are open, `copies` whether there is a button that copies code."""

    verdict: Verdict
    points: str
    groups: Mapping[str, float]
    steps: int
    copies: bool

    def html(self, *, style: bool) -> str:
        """The whole `<div>`."""
        verdict = self.verdict
        body = _help(verdict, self.steps) if verdict.status in _FOLDED else self._body()
        remarks = "".join(f'<p class="agr-quiet">Note: {safe(remark)}</p>' for remark in verdict.remarks)
        last = f'<p class="agr-next"><b>→ What to do next:</b> {with_code(advice(verdict))}</p>'
        name = f'role="region" aria-label="Report on {safe(verdict.id)}" data-lm-suppress-shortcuts="true"'
        start = f'<div class="agr agr-{tone_of(verdict.status)}" {name}>{STYLE if style else ""}'
        return f"{start}{_head(verdict, self.points)}{body}{remarks}{last}</div>"

    def _body(self) -> str:
        verdict = self.verdict
        parts = [_group_chips(verdict.cases, self.groups)]
        if message := public_message(verdict):
            parts.append(f"<p>{with_code(message)}</p>")
        if verdict.diagnosis:
            title = _heading("☞ Likely cause", "agr-title")
            parts.append(f'<div class="agr-cause">{title}<span>{with_code(verdict.diagnosis)}</span></div>')
        parts.append(_help(verdict, self.steps))
        shown = first_failing(verdict)
        if shown is not None:
            parts.append(self._full_case(shown))
        elif any(not case.passed for case in verdict.cases):
            parts.append("<p>Every visible case passes. These hidden ones do not:</p>")
        parts += [_other_cases(verdict), _printed_elsewhere(verdict), _passed_cases(verdict)]
        return "".join(parts)

    def _full_case(self, case: CaseResult) -> str:
        look = look_of(case.kind)
        tone = "form" if case.kind in _FORMS else _RULES.get(case.kind, case.kind) if case.kind.isalpha() else "values"
        chip = f'<span class="agr-chip"><i aria-hidden="true">{look.icon}</i>{look.title}</span>'
        title = _heading(f"{chip}Case: <b>{safe(case.name)}</b>", "agr-name")
        message = f"<p>{with_code(case.message)}</p>" if case.message else ""
        beside = [pair for pair in case.details if pair[0] not in ("to try it", "printed")]
        table = f'<dl class="agr-pairs">{"".join(_pair(*pair) for pair in beside)}</dl>' if beside else ""
        folds = "".join(self._fold(*pair) for pair in case.details if pair not in beside)
        return f'<div class="agr-case agr-{tone}">{title}{message}{table}{folds}</div>'

    def _fold(self, label: str, text: str) -> str:
        if label == "printed":
            return f"<details><summary>What your function printed here</summary>{_values(label, safe(text))}</details>"
        button = f'<button type="button" class="agr-copy" onclick="{_COPY}">Copy</button>' if self.copies else ""
        code = _values("code that makes this call", safe(text), "agr-code")
        return f"<details><summary>Copy this case as code</summary>{button}{code}</details>"


def _head(verdict: Verdict, points: str) -> str:
    """What is announced when the report appears."""
    look = STATUSES[verdict.status]
    return (
        f'<div class="agr-head" role="status"><span class="agr-icon" aria-hidden="true">{look.symbol}</span>'
        f'<span role="heading" aria-level="4"><code>{safe(verdict.id)}</code> <b>{phrase_of(verdict)}</b></span>'
        f'<span class="agr-points">{points}</span></div>'
    )


def _heading(inner: str, look: str) -> str:
    return f'<div class="{look}" role="heading" aria-level="5">{inner}</div>'


def _group_chips(cases: tuple[CaseResult, ...], groups: Mapping[str, float]) -> str:
    chips = ""
    for count in group_counts(cases, groups):
        tone = "yes" if count[1] == count[2] else "no"
        chips += f'<li class="agr-{tone}">{safe(group_words(*count, groups))}</li>'
    return f'<ul class="agr-groups" aria-label="Groups of cases">{chips}</ul>' if chips else ""


def _help(verdict: Verdict, steps: int) -> str:
    """The ladders of help: each step is inside the one before it, so that none is read by accident."""
    drawn = ""
    for title, ladder in steps_of(verdict):
        inner = ""
        for number, (name, text) in reversed(list(enumerate(ladder, start=1))):
            state = " open" if number <= steps else ""
            inner = f"<details{state}><summary>{number}. {name}</summary><p>{with_code(text)}</p>{inner}</details>"
        drawn += f'<div class="agr-help">{_heading(title, "agr-title")}{inner}</div>'
    return drawn


def _pair(label: str, text: str) -> str:
    place = " agr-wide" if label in _WIDE else ""
    place += " agr-at" if label == "raised at" else ""
    return f'<div class="{place.strip()}"><dt>{safe(label)}</dt><dd>{_values(label, marked(text))}</dd></div>'


def _values(label: str, inner: str, look: str = "") -> str:
    """Text in its own lines and columns, which scrolls, by keyboard too."""
    kind = f' class="{look}"' if look else ""
    return f'<pre{kind} tabindex="0" role="group" aria-label="{safe(label)}">{inner}</pre>'


def _other_cases(verdict: Verdict) -> str:
    lines = []
    for line in other_lines(verdict):
        names = "".join(f"<li>{safe(name)}</li>" for name in line.names[:60])
        told = f"✗ {safe(line.text)}"
        fold = f'<details><summary>{told}</summary><ul class="agr-list">{names}</ul></details>'
        lines.append(f"<li>{fold if names else told}</li>")
    if not lines:
        return ""
    shown = f'<ul class="agr-list">{"".join(lines[:4])}</ul>'
    if len(lines) <= 4:
        return shown
    more = f'<ul class="agr-list">{"".join(lines[4:60])}</ul>'
    return f"{shown}<details><summary>{len(lines) - 4} more cases do not pass</summary>{more}</details>"


def _printed_elsewhere(verdict: Verdict) -> str:
    """What was printed in the cases that are not shown, each under its name."""
    shown = first_failing(verdict)
    found = [
        (case.name, text)
        for case in verdict.cases
        if case is not shown
        for label, text in case.details
        if label == "printed"
    ]
    if not found:
        return ""
    parts = "".join(f"<dt>{safe(name)}</dt><dd>{_values(name, safe(text))}</dd>" for name, text in found)
    start = "" if shown is None else "other "
    count = f"{len(found)} {start}case{'' if len(found) == 1 else 's'}"
    return f"<details><summary>What your function printed in {count}</summary><dl>{parts}</dl></details>"


def _passed_cases(verdict: Verdict) -> str:
    cases = [case for case in verdict.cases if case.passed]
    if not cases:
        return ""
    names = "".join(f"<li>✓ {safe(case.name)}{' (hidden)' if case.hidden else ''}</li>" for case in cases[:200])
    title = f"{len(cases)} {'case passes' if len(cases) == 1 else 'cases pass'}"
    return f'<details><summary>✓ {title}</summary><ul class="agr-list">{names}</ul></details>'

"""How every report names a status or a kind of difference: one symbol, one phrase, one piece of advice.

The symbols differ in shape, so that a report reads the same in grey, in print and to a colour-blind reader.
Standard library only: a notebook loads this module with `import autograder`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape

from autograder.calls import Status
from autograder.exercise import CaseResult, Verdict

__all__ = [
    "HINT_STEPS",
    "KINDS",
    "SLIP_STEPS",
    "STATUSES",
    "KindLook",
    "Line",
    "StatusLook",
    "advice",
    "case_line",
    "clean",
    "first_failing",
    "look_of",
    "marked",
    "number",
    "one_line",
    "other_lines",
    "percent",
    "phrase_of",
    "public_message",
    "safe",
    "short_name",
    "steps_of",
    "why",
    "with_code",
]


@dataclass(frozen=True)
class StatusLook:
    """A status in a report: a symbol one column wide, a word for the legend, a phrase for the student, advice."""

    symbol: str
    word: str
    phrase: str
    advice: str


@dataclass(frozen=True)
class KindLook:
    """A kind of difference in a report: an icon, its title and what the student can do next."""

    icon: str
    title: str
    advice: str


_LIMIT_ADVICE = "Run your function on the tiny example first. Then look for the loop or the array that grows too large."

STATUSES: dict[Status, StatusLook] = {
    Status.PASSED: StatusLook("✓", "passed", "every case passes", "Go on to the next exercise."),
    Status.PARTIAL: StatusLook(
        "◐", "partly right", "partly right", "Some groups pass already. Work on the first case that does not."
    ),
    Status.FAILED: StatusLook(
        "✗",
        "not right",
        "not right yet",
        "Work through the first failing case by hand, then run the cell again.",
    ),
    Status.ERROR: StatusLook(
        "!",
        "raised an error",
        "your code raised an error",
        "Read the error and the line it names, then run again.",
    ),
    Status.NOT_WRITTEN: StatusLook(
        "○",
        "not written",
        "not written yet",
        "Write your solution in the cell above, then run this cell again.",
    ),
    Status.TIMEOUT: StatusLook("T", "too slow", "ran out of time", _LIMIT_ADVICE),
    Status.MEMORY: StatusLook("M", "too much memory", "used too much memory", _LIMIT_ADVICE),
    Status.CRASHED: StatusLook(
        "C",
        "crashed",
        "the Python process crashed",
        "Restart the kernel, run the cells from the top and save.",
    ),
    Status.EXITED: StatusLook(
        "E", "ended the process", "the code ended the Python process", "Remove exit(), quit() and sys.exit()."
    ),
    Status.OUTPUT: StatusLook(
        "O", "too much output", "printed too much", "Remove the print calls inside loops, then run again."
    ),
    Status.BLOCKED: StatusLook(
        "B", "blocked", "did something that grading does not allow", "Use the tools that the exercise names."
    ),
    Status.MISSING: StatusLook(
        "–", "missing", "nothing was handed in", "Hand in the notebook under its original name."
    ),
    Status.UNREADABLE: StatusLook(
        "?",
        "unreadable",
        "the notebook cannot be read",
        "Open it in JupyterLab, save it and hand it in again.",
    ),
    Status.NEEDS_MANUAL: StatusLook("H", "graded by hand", "graded by hand", "A person grades this answer."),
}

KINDS: dict[str, KindLook] = {
    "type": KindLook("T", "Wrong type", "Look at what the function returns, and compare it with the signature."),
    "shape": KindLook("▭", "Wrong shape", "Print the shape after each step. Find the first one that surprises you."),
    "dtype": KindLook("01", "Wrong dtype", "Keep the dtype of the input: look for a conversion or an integer array."),
    "device": KindLook("▣", "Wrong device", "Create new tensors on the device of the input: device=x.device."),
    "values": KindLook("≠", "Wrong values", "Work out the small input by hand. Find the first step that differs."),
    "property": KindLook("∀", "A rule does not hold", "Read the rule again, and test it on two inputs of your own."),
    "exception": KindLook(
        "!", "Your code raised an error", "Go to the line shown. Print what it works on just before."
    ),
    "inputs": KindLook(
        "✎", "Your function changed its inputs", "Work on a copy: x = x.copy(), or x = x + 1, not x += 1."
    ),
    "warning": KindLook("⚠", "NumPy gave a warning", "Find the step that overflows or divides by zero. Rewrite it."),
    "vectorised": KindLook(
        "↻", "A loop in Python", "Replace the loop with operations on whole arrays: slices, broadcasting, a product."
    ),
    "forbidden": KindLook("⊘", "Uses a forbidden function", "Build it from simpler operations, step by step."),
    "breach": KindLook("■", "Stopped at a limit", _LIMIT_ADVICE),
    "judge": KindLook(
        "⚖",
        "The grader could not judge this",
        "A person looks at it. Check that your function returns what its signature says, and nothing larger.",
    ),
    "not_written": KindLook("○", "Not written yet", STATUSES[Status.NOT_WRITTEN].advice),
}
SLIP_STEPS = ("Where to look", "What kind of slip", "The edit")
HINT_STEPS = ("A nudge", "The idea", "Nearly the answer")
"""What the steps of help are called, in the order in which they open."""

_OTHER = KindLook("✗", "Does not pass", STATUSES[Status.FAILED].advice)

# C0 and C1 controls except tab and newline, direction overrides, what XML cannot hold, and lone surrogates.
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufffe\uffff\ud800-\udfff]")


def clean(text: object, limit: int = 4000) -> str:
    """Student text as harmless characters: controls become U+FFFD, and text longer than `limit` is cut."""
    plain = _UNSAFE.sub("\ufffd", str(text).replace("\r\n", "\n"))
    return plain if len(plain) <= limit else plain[: limit - 1] + "…"


def one_line(text: object, limit: int = 200) -> str:
    """Student text on one line of at most `limit` characters."""
    return clean(" ".join(clean(text).split()), limit)


def safe(text: object, limit: int = 4000) -> str:
    """HTML that shows student text exactly as it is."""
    return escape(clean(text, limit))


def with_code(text: object) -> str:
    """One of the course's sentences as HTML: text between backticks is code, everything else is plain text."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", safe(text))


def marked(text: object) -> str:
    """HTML of a value: entries between » and « differ and are marked, by colour and by these signs."""
    return re.sub("»([^«»\n]*)«", r"<mark>»\1«</mark>", safe(text))


def number(value: float) -> str:
    """Points without needless digits: 2, 1.5, 0.33."""
    return f"{float(value):.2f}".rstrip("0").rstrip(".")


def percent(part: float, whole: float) -> float:
    """`part` of `whole` in percent between 0 and 100; 0 where there is nothing to earn."""
    return min(100.0, max(0.0, 100.0 * part / whole)) if whole > 0 else 0.0


def short_name(exercise_id: str) -> str:
    """The function's name in an exercise id, or the id itself."""
    return one_line(exercise_id.partition(".")[2] or exercise_id, 60)


def phrase_of(verdict: Verdict) -> str:
    """The status in words; where the notebook's state comes first, nothing was judged."""
    return "not checked yet" if verdict.cure and not verdict.cases else STATUSES[verdict.status].phrase


def look_of(kind: str) -> KindLook:
    """How a kind is drawn; an unknown one is drawn as a plain failure."""
    return KINDS.get(kind, _OTHER)


def first_failing(verdict: Verdict) -> CaseResult | None:
    """The case to explain: the first failing one that the student may see."""
    return next((case for case in verdict.cases if not case.passed and not case.hidden), None)


def case_line(case: CaseResult) -> str:
    """One failing case on one line. A hidden one shows its name and kind only, not its message."""
    if case.hidden:
        return f"{one_line(case.name, 80)} (hidden): {look_of(case.kind).title.lower()}"
    return f"{one_line(case.name, 80)}: {one_line(case.message) or look_of(case.kind).title.lower()}"


@dataclass(frozen=True)
class Line:
    """One line about cases that do not pass, and the names of those that it sums up."""

    text: str
    names: tuple[str, ...] = ()


def other_lines(verdict: Verdict) -> list[Line]:
    """The failing cases besides the one that is shown; those that end in the same exception are one line."""
    shown = first_failing(verdict)
    told = {_repeated(shown)} - {""} if shown is not None else set()
    lines: list[Line] = []
    rest = [case for case in verdict.cases if not case.passed and case is not shown]
    for case in rest:
        same = _repeated(case)
        if not same:
            lines.append(Line(case_line(case)))
        elif same not in told:
            told.add(same)
            lines.append(Line(case_line(case)))
            lines += _summed([each for each in rest if _repeated(each) == same and each is not case])
    if shown is not None and _repeated(shown):
        lines[:0] = _summed([each for each in rest if _repeated(each) == _repeated(shown)])
    return lines


def _repeated(case: CaseResult) -> str:
    """What a case has in common with others that need no line of their own; empty if it needs one."""
    return case.message if case.kind in ("exception", "breach") and not case.hidden else ""


def _summed(cases: list[CaseResult]) -> list[Line]:
    if not cases:
        return []
    one = len(cases) == 1
    count, names = f"{len(cases)} more case{'' if one else 's'}", tuple(case.name for case in cases)
    raised = re.search(r"\braised (\w+)", cases[0].message)
    if raised:
        return [Line(f"{count} raise{'s' if one else ''} the same {raised[1]}", names)]
    return [Line(f"{count} {'ends' if one else 'end'} in the same way", names)]


def steps_of(verdict: Verdict) -> tuple[tuple[str, tuple[tuple[str, str], ...]], ...]:
    """The help that opens step by step: a title for each ladder, and its steps, each with its name."""
    ladders = (
        ("A slip in your code", SLIP_STEPS, verdict.slip),
        ("Hints", HINT_STEPS, verdict.hints),
    )
    return tuple(
        (title, tuple((names[min(index, len(names) - 1)], text) for index, text in enumerate(texts)))
        for title, names, texts in ladders
        if texts
    )


def public_message(verdict: Verdict) -> str:
    """The verdict's message, unless it repeats what a hidden case said or what the shown case says anyway."""
    hidden = {case.message for case in verdict.cases if case.hidden and case.kind != "breach" and case.message}
    hidden -= {case.message for case in verdict.cases if not case.hidden}
    if any(message in verdict.message for message in hidden):
        return ""
    shown = first_failing(verdict)
    if shown is not None and verdict.message in (shown.message, f"{shown.name}: {shown.message}"):
        return ""
    return clean(verdict.message, 1000)


def advice(verdict: Verdict) -> str:
    """What to do next: what comes first, else from the diagnosis, the first failing case, or the status."""
    if verdict.cure:
        return clean(verdict.cure, 400)
    if verdict.diagnosis:
        return "Check whether the likely cause applies to your code, fix it, and run the cell again."
    if verdict.slip:
        return "Look at the place that the first step names. Open the next step if you need it."
    case = first_failing(verdict)
    if case is not None and case.kind == "judge":
        return look_of(case.kind).advice
    if case is None and verdict.status in (Status.PARTIAL, Status.FAILED):
        return "The hidden cases try other sizes and corner cases. Test yours on one sample and on large numbers."
    if verdict.status in (Status.PARTIAL, Status.FAILED, Status.ERROR) and case is not None:
        return look_of(case.kind).advice
    return STATUSES[verdict.status].advice


def why(verdict: Verdict) -> str:
    """For instructors: the reason for missing points in one line."""
    failing = next((case for case in verdict.cases if not case.passed), None)
    told = verdict.diagnosis or verdict.message or (failing.message if failing else "")
    return one_line(told or STATUSES[verdict.status].phrase, 400)

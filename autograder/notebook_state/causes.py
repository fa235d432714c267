"""Why a name has no value, back to the line that began it, and what to do about that: in a kernel and in a grading."""

from __future__ import annotations

from autograder.surroundings import advice

__all__ = ["cause_in_words", "cure_for"]

_LONGEST_LINE = 100
_CORRECT = "Correct that cell and run it, then run this cell again."


def cause_in_words(line: int | None, text: str, said: str) -> str:
    """A line that ended its cell or was skipped, with the reason: "line 1, `import seaborn`: no such module"."""
    short = " ".join(text.split())
    short = short if len(short) <= _LONGEST_LINE else f"{short[:_LONGEST_LINE]}…"
    place = ", ".join(part for part in (f"line {line}" if line else "", f"`{short}`" if short else "") if part)
    return ": ".join(part for part in (place, said) if part)


def cure_for(kind: str, correct: str = _CORRECT) -> str:
    """What to do first about an exception of that kind which kept a name from getting its value."""
    return f"{correct} {advice(kind)}".strip()

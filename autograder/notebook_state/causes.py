"""Why a name has no value, back to the line that began it, and what to do about that: in a kernel and in a grading."""

from __future__ import annotations

__all__ = ["PACKAGES", "cause_in_words", "cure_for"]

PACKAGES = ("matplotlib", "numpy", "scipy", "sklearn", "torch", "torch_geometric")
"""What notebooks of the course import, besides the course itself."""

_NO_OTHERS = f"The course has {', '.join(PACKAGES)}, and takes no files beside the notebook."
_NOBODY = "Nobody answers when the notebook is graded: write the value into the cell."
_ALONE = "A graded notebook is one process without a network: use Python, and the data of the course."
_ADVICE = {
    "ModuleNotFoundError": _NO_OTHERS,
    "ImportError": _NO_OTHERS,
    "FileNotFoundError": "Files beside the notebook are not taken: write what is in them into a cell.",
    "StdinNotImplementedError": _NOBODY,
    "EOFError": _NOBODY,
    "PermissionError": _ALONE,
    "URLError": _ALONE,
}
"""By the kind of an exception, what is different when a notebook is graded."""
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
    return f"{correct} {_ADVICE[kind]}" if kind in _ADVICE else correct

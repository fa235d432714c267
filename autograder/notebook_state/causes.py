"""Why a name has no value, back to the line that began it, and what to do about that: in a kernel and in a grading."""

from __future__ import annotations

__all__ = ["PACKAGES", "cause_in_words", "cure_for"]

PACKAGES = ("matplotlib", "numpy", "scipy", "sklearn", "torch", "torch_geometric")
"""What notebooks of the course import, besides the course itself."""

_LISTED = f"{', '.join(PACKAGES[:-1])} and {PACKAGES[-1]}"
_LONGEST_LINE = 100
_CORRECT = "Correct that cell and run it, then run this cell again."


def cause_in_words(line: int | None, text: str, said: str) -> str:
    """A line that ended its cell or was skipped, with the reason: "line 1, `import seaborn`: no such module"."""
    short = " ".join(text.split())
    short = short if len(short) <= _LONGEST_LINE else f"{short[:_LONGEST_LINE]}…"
    place = ", ".join(part for part in (f"line {line}" if line else "", f"`{short}`" if short else "") if part)
    return ": ".join(part for part in (place, said) if part)


def cure_for(kind: str, default: str = _CORRECT) -> str:
    """What to do first about an exception of that kind which kept a name from getting its value."""
    if kind in ("ModuleNotFoundError", "ImportError"):
        return f"The course has {_LISTED}, and takes no files beside the notebook: do it with these, or in a cell."
    if kind == "FileNotFoundError":
        return "Files beside the notebook are not taken: write what is in them into a cell, or use the course's data."
    if kind in ("StdinNotImplementedError", "BdbQuit", "EOFError"):
        return "Nobody is there to answer: write the value into the cell."
    if kind in ("PermissionError", "URLError"):
        return "A graded notebook is one process without a network: write it in Python, with the data of the course."
    return default

"""Which of several notebooks is the one handed in: the one with answers, and of several such the one with the name.

Blank is what equals the release in every solution cell. The contents come from the limited reader; nothing that a
notebook says of itself counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from nbformat import NotebookNode

from autograder.pipeline.cells import by_grade_id, grade_id, is_solution
from autograder.pipeline.intake.notebook_file import Unreadable
from autograder.pipeline.intake.reader_process import read_apart
from autograder.pipeline.intake.restore import restore

__all__ = ["NotebookFile", "choose"]

_BLANK, _WORKED, _OTHER, _UNREADABLE = "blank", "worked", "other", "unreadable"
_NAMED = 2
"""The last rank of `find.Candidate` whose name is the assignment's."""


@dataclass(frozen=True)
class NotebookFile:
    """A candidate with its bytes, None if they could not be read, for the reason in `fault`.

    `rank` is that of `find.Candidate`; `moment` says when the file was last changed, in seconds.
    """

    shown: str
    rank: int
    data: bytes | None = field(repr=False)
    fault: str = ""
    moment: float = 0.0


def choose(
    master: NotebookNode, assignment: str, files: Sequence[NotebookFile]
) -> tuple[NotebookFile | None, tuple[str, ...]]:
    """The notebook to grade, and a sentence if it is not simply the expected one.

    Args:
        master: the assignment's release.
        assignment: its name.
        files: the candidates, the likeliest first.
    """
    expected = f"{assignment}.ipynb"
    if not files:
        return None, (f"{expected} was not handed in",)
    if len(files) == 1:
        return files[0], _instead(expected, files[0])
    files = _without_doubles(files)
    states = [_state(master, file) for file in files]
    worked = [file for file, state in zip(files, states, strict=True) if state == _WORKED]
    if not worked:
        return _without_answers(expected, files, states)
    best = worked[0]
    if best.rank:  # several copies, none of the right name: the one changed last
        best = max((file for file in worked if file.rank == best.rank), key=lambda file: file.moment)
    flags = list(_instead(expected, best)) if files[0].rank else []
    if not files[0].rank and best is not files[0]:
        state = {_BLANK: "is blank", _OTHER: "answers nothing of this assignment"}.get(states[0], "cannot be read")
        flags.append(f"{best.shown} was used, which has answers: {expected} {state}")
    if rest := [file for file in worked if file is not best]:
        names = ", ".join(file.shown + (" (changed later)" if file.moment > best.moment else "") for file in rest)
        flags.append(f"another notebook with answers lies beside {best.shown} and was not used: {names}")
    return best, tuple(flags)


def _without_answers(
    expected: str, files: Sequence[NotebookFile], states: Sequence[str]
) -> tuple[NotebookFile | None, tuple[str, ...]]:
    """Of notebooks that are all blank, broken or other ones: the one with the name, else the only one that belongs."""
    named = [file for file in files if file.rank <= _NAMED]
    blank = [file for file, state in zip(files, states, strict=True) if state == _BLANK]
    if chosen := next(iter(named or blank), None):
        return chosen, _instead(expected, chosen)
    names = ", ".join(file.shown for file in files[:4])
    return None, (f"{expected} is missing, and it is not clear which of {names} is meant",)


def _instead(expected: str, file: NotebookFile) -> tuple[str, ...]:
    if not file.rank:
        return ()
    if "checkpoint" in file.shown:
        return (f"{expected} is missing; Jupyter's checkpoint {file.shown}, which may be older, was used instead",)
    return (f"{expected} is missing; {file.shown} was used instead",)


def _without_doubles(files: Sequence[NotebookFile]) -> list[NotebookFile]:
    """Files with the same bytes are one."""
    seen: set[bytes] = set()
    kept = []
    for file in files:
        if file.data is None or file.data not in seen:
            kept.append(file)
        seen |= {file.data} if file.data is not None else set()
    return kept


def _state(master: NotebookNode, file: NotebookFile) -> str:
    if file.data is None:
        return _UNREADABLE
    try:
        read = read_apart(file.data)
    except Unreadable:
        return _UNREADABLE
    restored = restore(master, read).notebook
    given = by_grade_id(master)
    answers = [cell for cell in restored.cells if is_solution(cell)]
    changed = [cell for cell in answers if cell.source.split() != given[grade_id(cell)].source.split()]
    belongs = bool({grade_id(cell) for cell in answers} & {cell.grade_id for cell in read.cells})
    if any(belongs or cell.cell_type == "code" for cell in changed):
        return _WORKED
    return _BLANK if belongs else _OTHER

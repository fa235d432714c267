"""GitHub Classroom, `gh classroom clone student-repos`: repositories `<assignment>-submissions/<assignment>-<login>/`.

`<assignment>` is GitHub's short name of it. Where the folder around them is another, it is what the repositories'
names have in common, or the name of one of this course's assignments.
"""

from __future__ import annotations

from autograder.exercises import ASSIGNMENTS
from autograder.pipeline.intake.platforms.said import Person, Recogniser, Root, Said, shared_start, without_ending

__all__ = ["recogniser"]

_AROUND = "-submissions"


def recogniser(root: Root) -> Recogniser:
    """Reads names of repositories; the id is the login on GitHub."""
    shared = _shared(root)

    def said(path: tuple[str, ...]) -> Said | None:
        repository = without_ending(path[0])
        if repository.casefold().endswith(_AROUND):
            return None  # the folder around all repositories
        start = next((start for start in shared if repository.casefold().startswith(start)), None)
        login = repository[len(start) :] if start is not None and len(path) > 1 else ""
        return Said("GitHub", (Person(login, login=login, number=login),), path[1:]) if login else None

    return said


def _shared(root: Root) -> tuple[str, ...]:
    """With what the names of repositories may begin, in lower case."""
    if root.above.casefold().endswith(_AROUND):
        return (f"{root.above.casefold()[: -len(_AROUND)]}-",)
    short = {name.casefold() for name in ASSIGNMENTS}
    known = tuple(f"{each}-" for name in sorted(short) for each in (name, name.replace("_", "-")))
    names = [name.casefold() for name in root.repositories]
    if len(names) > 1 and not any(name.startswith(known) for name in names):
        start = shared_start(names).rpartition("-")[0]
        return (*known, f"{start}-") if start else known
    return known

"""What the names that a platform gives to files say: whose a file is, when it came, whether it was late."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime

__all__ = ["Person", "Recogniser", "Root", "Said", "shared_start", "without_ending"]


@dataclass(frozen=True)
class Person:
    """Someone as a platform names them.

    Attributes:
        id: what counts as the student's id where no roster says otherwise; empty if the names do not say.
        name: the full name, or all words of it in one.
        number: the platform's own, which differs between two people of one name.
    """

    id: str
    name: str = ""
    login: str = ""
    email: str = ""
    number: str = ""


@dataclass(frozen=True)
class Said:
    """What is known of a file from outside it.

    Attributes:
        platform: such as `Canvas`.
        people: whose it is; several where a platform takes work from groups.
        file: its path as the student named it.
        per_assignment: the platform draws a number for each assignment anew.
        late: what the platform says; None where it says nothing.
        moment: when it was handed in, in UTC, where the platform says so with a time zone.
        local: the same on the platform's clock, without a zone; it orders attempts, and says no moment.
        sequence: the platform's running number of uploads.
        by_platform: the platform wrote the file, not the student.
        trouble: why it cannot be told whose it is.
    """

    platform: str
    people: tuple[Person, ...]
    file: tuple[str, ...]
    per_assignment: bool = False
    late: bool | None = None
    moment: datetime | None = None
    local: datetime | None = None
    sequence: int | None = None
    by_platform: bool = False
    trouble: str = ""


@dataclass(frozen=True)
class Root:
    """A folder whose children are named by a platform, or by whoever keeps one folder a student.

    Attributes:
        above: the folder's own name; empty if it has none.
        names: its children.
        repositories: those of them that are git repositories.
        read: the bytes of a small file right in the folder; empty if it is none.
    """

    above: str
    names: tuple[str, ...]
    repositories: frozenset[str] = frozenset()
    read: Callable[[str], bytes] = field(default=lambda name: b"", compare=False)


Recogniser = Callable[[tuple[str, ...]], Said | None]
"""From a path below a root to what it says; None if the platform does not name files so.

Only the first part of a path says whose a file is: what is below was named by the student.
"""


def without_ending(name: str) -> str:
    """A name without the ending of a ZIP that a student handed in."""
    return name[: -len(".zip")] if name.casefold().endswith(".zip") else name


def shared_start(names: Collection[str]) -> str:
    """The letters with which all names begin."""
    first, last = min(names), max(names)
    return next((first[:length] for length in range(len(first), 0, -1) if last.startswith(first[:length])), "")

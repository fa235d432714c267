"""Whose work it is. With a list of the class: one of its rows, or nobody's. Without: the name that the platform gives.

Work never moves to another person. What fits no row, two rows, or a student whose earlier work has another number on
the same platform, is refused with the reason.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field

from autograder.exercises import ASSIGNMENTS
from autograder.pipeline.course import Course
from autograder.pipeline.intake.attempts import Attempt, attempts_of
from autograder.pipeline.intake.find import plain_name
from autograder.pipeline.intake.platforms import Person, Said
from autograder.pipeline.records.roster import Student

__all__ = ["Identity", "Refused", "unusable"]

_LONGEST = 200
_NO_NAME = "the names do not say whose it is"


class Refused(Exception):
    """It cannot be told for certain whose work it is; the message is the reason."""


@dataclass
class Identity:
    """Who is in the class, and under which numbers platforms know them.

    Attributes:
        students: the class's list; None where there is none.
        spelled: receives a sentence where two spellings are taken for one student.
    """

    course: Course
    students: tuple[Student, ...] | None
    spelled: list[str]
    _numbers: dict[str, set[tuple[str, str, str]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._rows = _Rows(self.students or ())
        self._folders: dict[str, str] = {}
        for place in (self.course.submitted, self.course.attempts):
            for path in sorted(place.iterdir()) if place.is_dir() and self.students is None else ():
                self._folders.setdefault(_folded(path.name), path.name)

    def student(self, person: Person, said: Said, assignment: str) -> str:
        """The id of whoever handed in a file.

        Raises:
            Refused: it fits nobody, several, or someone else.
        """
        if said.trouble:
            raise Refused(said.trouble)
        student = self._row(person, said) if self.students is not None else self._named(person)
        if trouble := unusable(student):
            raise Refused(f"the class's list gives the id {student!r}: {trouble}")
        self._check_number(student, person, said, assignment)
        return student

    def is_known(self, name: str) -> bool:
        """Whether a folder is called after someone in the class, or someone who handed in work before."""
        if self.students is None:
            return _folded(name) in self._folders
        try:
            return bool(self._rows.find(Person(name, name=name), ""))
        except Refused:
            return False

    def listed_as(self, person: Person, said: Said) -> str:
        """How someone without work is listed: the id if the class's list has one, else what the platform says."""
        try:
            return self._row(person, said) if self.students is not None else person.name or person.id
        except Refused:
            return person.name or person.id

    def _row(self, person: Person, said: Said) -> str:
        """The id of the one row that fits; a number that is drawn for each assignment is nobody's id."""
        return self._rows.find(person, said.platform, number_is_id=not (said.per_assignment and person.name))

    def _named(self, person: Person) -> str:
        student = unicodedata.normalize("NFC", " ".join(person.id.split(" ")).strip())
        if trouble := unusable(student):
            raise Refused(f"{trouble}; name its folder after the student, or say whose it is with --student")
        known = self._folders.setdefault(_folded(student), student)
        if unicodedata.normalize("NFC", known) != student:
            line = f"{student} and {known} differ in capitals only and were taken for one student, {known}"
            self.spelled.append(f"{line}: list both in students.csv if they are two")
        return known

    def _check_number(self, student: str, person: Person, said: Said, assignment: str) -> None:
        """Refuses a person whom the platform knows by another number than the student of earlier work."""
        if not person.number:
            return
        known = self._known(student)
        scope = (said.platform, assignment if said.per_assignment else "")
        numbers = {number for *where, number in known if tuple(where) == scope}
        listed = self._rows.number(student, said.platform)
        if numbers and person.number not in numbers and listed != person.number:
            others = ", ".join(sorted(numbers))
            raise Refused(
                f"someone else is also called {student}: earlier work has the number {others} on {said.platform}, "
                f"this has {person.number}"
            )
        known.add((*scope, person.number))

    def note(self, attempt: Attempt) -> None:
        """Remembers the number of an attempt that was assigned by hand."""
        if attempt.number:
            self._known(attempt.student).add(_numbered(attempt))

    def _known(self, student: str) -> set[tuple[str, str, str]]:
        if student not in self._numbers:
            self._numbers[student] = {_numbered(one) for one in self._attempts(student) if one.number}
        return self._numbers[student]

    def _attempts(self, student: str) -> Iterator[Attempt]:
        place = self.course.attempts / student
        for folder in place.iterdir() if place.is_dir() else ():
            yield from attempts_of(self.course, student, folder.name)


def _numbered(attempt: Attempt) -> tuple[str, str, str]:
    return attempt.platform, attempt.assignment if attempt.per_assignment else "", attempt.number


class _Rows:
    """The rows of a class's list, found by what platforms call people."""

    def __init__(self, students: tuple[Student, ...]) -> None:
        self._by_number: dict[tuple[str, str], set[str]] = {}
        self._by_word: dict[str, set[str]] = {}
        self._by_name: dict[str, set[str]] = {}
        self._numbers: dict[tuple[str, str], str] = {}
        for one in students:
            for platform, number in one.numbers:
                self._by_number.setdefault((platform, number.casefold()), set()).add(one.id)
                self._numbers[one.id, platform] = number
            for word in filter(None, (one.id, one.login, one.email, *one.aliases)):
                self._by_word.setdefault(word, set()).add(one.id)
            for name in (*one.names, *one.aliases):
                for spelling in spellings(name):
                    self._by_name.setdefault(spelling, set()).add(one.id)
        self._folded: dict[str, set[str]] = {}
        for word, ids in self._by_word.items():
            self._folded.setdefault(_folded(word), set()).update(ids)

    def number(self, student: str, platform: str) -> str:
        """A student's number on a platform; empty if the list has none."""
        return self._numbers.get((student, platform.casefold()), "")

    def find(self, person: Person, platform: str, *, number_is_id: bool = True) -> str:
        """The id of the one row that fits.

        Args:
            person: as a platform names them.
            platform: its name; empty for none.
            number_is_id: whether the platform's number may be in the list as an id or a login.

        Raises:
            Refused: none or several do, or different rows by number and by name.
        """
        numbers = self._by_number.get((platform.casefold(), person.number.casefold()), set())
        number = person.number if number_is_id else ""
        words = [word for word in (person.id, person.login, person.email, number) if word]
        exact = set().union(*(self._by_word.get(word) or self._folded.get(_folded(word), set()) for word in words))
        for (_, number), ids in self._by_number.items() if not platform else ():
            exact |= ids if number in map(str.casefold, words) else set()
        names = set().union(*(self._by_name.get(each, set()) for each in spellings(person.name or person.id)))
        found = [ids for ids in (numbers, exact, names) if ids]
        who = person.name or person.id or "it"
        if not found:
            raise Refused(f"{who} fits no row of the class's list" if person.id or person.name else _NO_NAME)
        if len(found[0]) > 1:
            fitting = found[0].intersection(*(ids for ids in found if found[0] & ids))
            if len(fitting) > 1:
                raise Refused(f"{who} fits several rows of the class's list: {', '.join(sorted(fitting))}")
            return fitting.pop()
        (student,) = found[0]
        for ids in found[1:]:
            if student not in ids:
                raise Refused(f"by its number or login it is {student}'s, by its name {', '.join(sorted(ids))}'s")
        return student


def spellings(name: str) -> set[str]:
    """A name's words in every order that begins elsewhere and in alphabetical order, joined without spaces."""
    words = _words(name)
    turned = ("".join(words[start:] + words[:start]) for start in range(min(len(words), 8)))
    return {*turned, "".join(sorted(words))} - {""}


def _words(text: str) -> list[str]:
    """Words of letters and digits without accents: `Doe, José` and `José Doe` then differ only in order."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    kept = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return re.findall(r"\w+", kept.replace("_", " "))


def _folded(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()


def unusable(student: str) -> str:
    """Why a name cannot be a student's id; empty if it can."""
    if not student or student in (".", "..") or student.startswith("."):
        return _NO_NAME
    if any(plain_name(student) == plain_name(each) for each in ASSIGNMENTS):
        return "that is the name of an assignment"
    if any(letter in "/\\" or not letter.isprintable() for letter in student):
        return "the student's name has characters that a folder name cannot have"
    if len(os.fsencode(student)) > _LONGEST:
        return "the student's name is too long"
    return ""

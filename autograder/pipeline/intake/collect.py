"""Collects what students handed in: every attempt is kept, and the newest is put where `grade` looks for it.

None of it is trusted. Names only help to tell whose file it is and which assignment it answers; they are never used as
paths unchanged. Notebooks are taken, as bytes, and pictures beside them; links, pipes and oversized files are left out
and named, other files are listed. How each platform names files is in `platforms/`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

from autograder.pipeline.course import Course, CourseError
from autograder.pipeline.intake import archive
from autograder.pipeline.intake.archive import Entry, inside, opened
from autograder.pipeline.intake.attempts import (
    Attempt,
    Content,
    attempts_of,
    is_newer,
    keep,
    latest,
    note,
    thin_out,
)
from autograder.pipeline.intake.companions import beside, is_notebook, is_picture, what_it_is
from autograder.pipeline.intake.identity import Identity, Refused, unusable
from autograder.pipeline.intake.platforms import Person, Said, is_assignment, recognisers
from autograder.pipeline.intake.platforms.moodle_worksheet import Mark, read_worksheet, with_worksheet
from autograder.pipeline.intake.reader_process import close
from autograder.pipeline.intake.recognise import assignment_by_content, assignment_by_name
from autograder.pipeline.intake.submitted import current, put
from autograder.pipeline.intake.unmatched import RECORD, Waiting, facts_of, let_go, set_aside, waiting_place
from autograder.pipeline.moments import MomentError, read_moment
from autograder.pipeline.records.roster import read_students, students_file

__all__ = ["Collected", "Listed", "Row", "collect"]

_LARGEST_READ_APART = 50_000_000
LARGEST_ZIPS = 400_000_000
"""Bytes of the ZIPs that one person handed in, which are open at the same time."""


@dataclass(frozen=True)
class Row:
    """What became of one notebook: `new`, `newer`, `older` or `same`, beside what was there."""

    student: str
    assignment: str
    what: str
    path: str
    attempt: Attempt


@dataclass(frozen=True)
class Listed:
    """Files that were not taken, and whose they are; `why` and `kept` for a notebook that belongs to nobody."""

    who: str
    files: tuple[str, ...]
    why: str = ""
    kept: str = ""


@dataclass
class Collected:
    """The outcome.

    Attributes:
        rows: one for each notebook that has a student.
        nobodys: notebooks that belong to nobody, and where they wait.
        without: people who handed in files, and no notebook.
        left: files beside someone's notebook that were not taken.
        problems: a sentence for each thing that was left out or that is odd.
    """

    rows: list[Row] = field(default_factory=list)
    nobodys: list[Listed] = field(default_factory=list)
    without: list[Listed] = field(default_factory=list)
    left: list[Listed] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def of(self, what: str) -> list[tuple[str, str]]:
        """The (student, assignment) pairs with a notebook of which this is said, in order and once."""
        return sorted({(row.student, row.assignment) for row in self.rows if row.what == what})


def collect(
    course: Course,
    source: Path,
    assignment: str | None = None,
    roster: Path | None = None,
    *,
    student: str | None = None,
    worksheet: Path | None = None,
    dry_run: bool = False,
) -> Collected:
    """Keeps every notebook as an attempt, and puts each student's newest of each assignment where `grade` looks for it.

    Args:
        course: whose assignments these are.
        source: a folder, a ZIP file or a notebook.
        assignment: the one that all files answer; if None, names and then contents decide.
        roster: the class's list; if None, the class's `students.csv` where there is one.
        student: whose all files are; if None, names decide.
        worksheet: Moodle's grading worksheet of that assignment, which says who was late.
        dry_run: nothing is written.

    Raises:
        CourseError: the source or the list cannot be read, nothing in it is usable, or nobody is called `student`.
    """
    listed = roster or (students_file(course) if students_file(course).is_file() else None)
    students = read_students(listed) if listed is not None else None
    done = Collected()
    if student is not None:
        _check_student(student, None if students is None else {one.id for one in students}, listed)
    run = _Run(course, source, assignment, student, dry_run, done, Identity(course, students, done.problems))
    run.marks = read_worksheet(worksheet) if worksheet is not None else {}
    try:
        with opened(source, done.problems) as found:
            run.take(found)
    finally:
        close()
    run.settle()
    done.problems[:] = dict.fromkeys(done.problems)
    if not done.rows and not done.nobodys and not done.without:
        causes = "".join(f"; {problem}" for problem in done.problems[:3])
        raise CourseError(f"{source} holds no usable notebook{causes}")
    return done


def _check_student(student: str, known: set[str] | None, listed: Path | None) -> None:
    if known is not None and student not in known:
        raise CourseError(f"{listed} has no student {student!r}: add a row with this id, or correct the id")
    if trouble := unusable(student):
        raise CourseError(f"--student {student!r}: {trouble}")


@dataclass
class _Run:
    """One call: what it reads, and what it has found so far."""

    course: Course
    source: Path
    assignment: str | None
    student: str | None
    dry_run: bool
    done: Collected
    identity: Identity
    marks: dict[str, Mark] = field(default_factory=dict)
    came: dict[tuple[str, str], list[Attempt]] = field(default_factory=dict)

    def take(self, found: archive.Source) -> None:
        """Reads everything, one person after the other."""
        files = {entry.parts: entry for entry in found.entries if not entry.is_folder}
        above = self.source.resolve().name if self.source.is_dir() else self.source.stem

        def read(path: tuple[str, ...]) -> bytes:
            return (files[path].reader() or b"")[:_LARGEST_READ_APART] if path in files else b""

        paths = [entry.parts for entry in found.entries]
        says = recognisers(paths, above, found.repositories, read, self.identity.is_known)
        says = with_worksheet(says, self.marks) if self.marks else says
        groups: dict[object, list[tuple[Entry, Said]]] = {}
        empty = _empty(found)
        for entry in found.entries:
            if entry.is_folder and (entry.parts not in empty or is_assignment(entry.parts[-1])):
                continue
            said = says((*entry.parts, "") if entry.is_folder else entry.parts)
            if said.people:
                key = (said.platform, said.people) if self.student is None else None
                groups.setdefault(key, []).append((entry, said))
        named = {said.people for group in groups.values() for _, said in group if said.platform}
        if self.student is not None and len(named) > 1:
            raise CourseError(f"{self.source} names {len(named)} people: --student takes the work of one")
        for group in groups.values():
            with ExitStack() as open_zips:
                self._person(list(self._unpacked(group, says, open_zips)))

    def _unpacked(
        self, group: list[tuple[Entry, Said]], says: Callable[[tuple[str, ...]], Said], open_zips: ExitStack
    ) -> Iterator[tuple[Entry, Said]]:
        """A person's files, with those in the ZIPs that were handed in; a ZIP without notebooks is a file."""
        room = [LARGEST_ZIPS]
        for entry, said in group:
            if entry.is_folder or not entry.parts[-1].casefold().endswith(".zip"):
                yield entry, said
                continue
            entries = open_zips.enter_context(inside(entry, self.done.problems, room))
            files = [each for each in entries if not each.is_folder]
            yield from ((each, replace(says(each.parts), by_platform=False)) for each in files)
            if not files:
                yield entry, said

    def _person(self, group: list[tuple[Entry, Said]]) -> None:
        """Files one person's notebooks, and lists what else is there."""
        own = [(entry, said) for entry, said in group if not entry.is_folder and not said.by_platform]
        notebooks = [(entry, said) for entry, said in own if is_notebook(entry.parts[-1])]
        pictures = [(said.file, entry) for entry, said in own if said.file and is_picture(entry.parts[-1])]
        others = [entry for entry, said in own if not is_notebook(entry.parts[-1]) and entry.parts != (RECORD,)]
        taken: set[str] = set()
        stamps = {said.file[:-1]: entry for entry, said in group if said.by_platform and not said.platform}
        for entry, said in notebooks:
            data = entry.reader()
            if data is not None:
                content = Content(data, beside(said.file, pictures, self.done.problems) if pictures else {})
                taken |= {picture.shown for path, picture in pictures if self._is_taken(said.file, path, content)}
                self._notebook(entry, said, content, stamps.get(said.file[:-1]))
        who = self._who(group[0][1])
        names = tuple(what_it_is("/".join(one.parts)) for one in others if one.shown not in taken)
        if not notebooks and (names or who):
            self.done.without.append(Listed(who, names or (self._nothing(group),)))
        elif names:
            self.done.left.append(Listed(who, names))

    @staticmethod
    def _is_taken(notebook: tuple[str, ...], path: tuple[str, ...], content: Content) -> bool:
        return "/".join(path[len(notebook) - 1 :]) in content.pictures

    @staticmethod
    def _nothing(group: list[tuple[Entry, Said]]) -> str:
        return (
            "nothing but what the platform wrote" if any(said.by_platform for _, said in group) else "an empty folder"
        )

    def _who(self, said: Said) -> str:
        """How a person is listed: the id where it can be told, else what the platform says."""
        return self.student or self.identity.listed_as(said.people[0], said)

    # --- one notebook ---

    def _notebook(self, entry: Entry, said: Said, content: Content, stamp: Entry | None) -> None:
        named = next(filter(None, map(assignment_by_name, reversed(entry.parts))), None)
        name = self.assignment or named or assignment_by_content(self.course, content.notebook)
        if name is None:
            self.done.problems.append(
                f"{entry.shown}: belongs to no assignment of this course; name it with --assignment"
            )
            return
        known = facts_of(self.course, self.source) if self.student is not None else None
        for person in said.people:
            attempt = self._attempt(entry, said, person, name, content, stamp)
            if known is not None:
                attempt = replace(known.attempt, digest=content.digest, notebook=attempt.notebook)
            try:
                student = self.student or self.identity.student(person, said, name)
            except Refused as refusal:
                self._set_aside(attempt, content, str(refusal))
                continue
            if not self.dry_run:
                let_go(self.course, attempt)
            self._file(replace(attempt, student=student), content)
            if self.student is not None:
                break

    def _attempt(
        self, entry: Entry, said: Said, person: Person, name: str, content: Content, stamp: Entry | None
    ) -> Attempt:
        moment, source = said.moment, said.platform if said.moment or said.local else ""
        if moment is None and stamp is not None:
            moment, source = self._stamped(stamp), "timestamp.txt"
        copy = re.search(r"[-(](\d{1,9})\)?(?:\.ipynb)?(?:\.txt|\.json)?\Z", entry.parts[-1])
        return Attempt(
            student="",
            assignment=name,
            digest=content.digest,
            notebook=hashlib.sha256(content.notebook).hexdigest(),
            source=self.source.name,
            path=entry.shown,
            platform=said.platform,
            name=person.name,
            login=person.login,
            email=person.email,
            number=person.number,
            per_assignment=said.per_assignment,
            submitted_at=moment,
            local=said.local,
            clock=entry.clock,
            time_source=source if moment or said.local else "",
            sequence=said.sequence,
            copy=int(copy[1]) if copy else 0,
            late="unknown" if said.late is None else said.late,
            late_source=said.platform if said.late is not None else "",
            pictures=tuple(content.pictures),
        )

    def _stamped(self, stamp: Entry) -> datetime | None:
        text = (stamp.reader() or b"")[:200].decode("utf-8", "replace").strip()
        try:
            return read_moment(text, without_zone=UTC)
        except MomentError as error:
            self.done.problems.append(f"{stamp.shown}: {error}; the time counts as unknown")
            return None

    def _set_aside(self, attempt: Attempt, content: Content, reason: str) -> None:
        place = waiting_place(self.course, attempt)
        kept = str(place)
        if not self.dry_run and not set_aside(self.course, Waiting(reason, attempt), content):
            kept = ""
        self.done.nobodys.append(Listed(attempt.name or attempt.login or attempt.number, (attempt.path,), reason, kept))

    def _file(self, attempt: Attempt, content: Content) -> None:
        """Keeps an attempt, unless it is known; what replaces what is settled at the end."""
        key = (attempt.student, attempt.assignment)
        known = (*attempts_of(self.course, *key), *self.came.get(key, ()))
        again = next((one for one in known if attempt.is_again(one)), None)
        if again is not None and again.digest != latest(known).digest and is_newer(attempt, latest(known)):
            again = None  # someone went back to earlier work
        if again is not None:
            told = again.told_by(attempt)
            if told != again and not self.dry_run:
                note(self.course, told)
        elif not self.dry_run:
            keep(self.course, attempt, content)
        self.identity.note(attempt)
        self.came.setdefault(key, []).append(replace(told, path=attempt.path) if again is not None else attempt)

    # --- what replaces what ---

    def settle(self) -> None:
        """Puts the newest of each student's attempts where `grade` looks for it."""
        has_notebook = {student for student, _ in self.came}
        self.done.without[:] = [one for one in self.done.without if one.who not in has_notebook]
        for (student, name), came in sorted(self.came.items()):
            before = current(self.course, student, name)
            worked = self._worked(student, name, came)
            newest = latest(worked if before is None else [*worked, before])
            for attempt in came:
                left = attempt not in worked or is_newer(newest, attempt)
                what = "older" if left else "new" if before is None else "newer"
                unchanged = before is not None and attempt.digest == before.digest
                if unchanged or (what != "older" and attempt is not newest):
                    what = "same"
                self.done.rows.append(Row(student, name, what, attempt.path, attempt))
            if not self.dry_run and (before is None or newest.digest != before.digest or newest is not before):
                put(self.course, newest, before)
            if not self.dry_run and (removed := thin_out(self.course, student, name, newest.digest)):
                self.done.problems.append(f"{student} {name}: the {removed} oldest attempts were not kept")

    def _worked(self, student: str, name: str, came: list[Attempt]) -> list[Attempt]:
        """What was handed in, without the release itself where worked notebooks came with it."""
        release = self.course.release(name)
        blank = hashlib.sha256(release.read_bytes()).hexdigest() if release.is_file() else ""
        worked = [attempt for attempt in came if attempt.notebook != blank]
        if worked and len(worked) < len(came):
            self.done.problems.append(
                f"{student} {name}: the notebook as it was given out came too; the worked one counts"
            )
        return worked or came


def _empty(found: archive.Source) -> set[tuple[str, ...]]:
    """The folders with nothing in them."""
    folders = {entry.parts for entry in found.entries if entry.is_folder}
    paths = sorted(entry.parts for entry in found.entries)
    around = {path for path, below in pairwise(paths) if below != path and below[: len(path)] == path}
    return folders - around

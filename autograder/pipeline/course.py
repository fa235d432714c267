"""Where a course and its class live on disk."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from autograder.exercises import ASSIGNMENTS

if TYPE_CHECKING:
    from traitlets.config import Config

__all__ = ["Course", "CourseError", "find_course", "known_assignments"]


class CourseError(Exception):
    """Wrong usage or unusable input; the message is one clear line and the exit status is 2."""


@dataclass(frozen=True)
class Course:
    """The folders of one course. `classroom` holds one class and is never part of the course itself."""

    root: Path
    classroom: Path

    @property
    def solutions(self) -> Path:
        """Text sources `NN_topic.py` and nbgrader's source notebooks `NN_topic/NN_topic.ipynb`."""
        return self.root / "solutions"

    @property
    def notebooks(self) -> Path:
        """The students' release, `NN_topic/NN_topic.ipynb`."""
        return self.root / "notebooks"

    @property
    def submitted(self) -> Path:
        """`<student>/<assignment>/<assignment>.ipynb`, as students handed it in."""
        return self.classroom / "submitted"

    @property
    def attempts(self) -> Path:
        """`<student>/<assignment>/<moment>-<digest>/`: all that was handed in, the newest and what it replaced."""
        return self.classroom / "attempts"

    @property
    def unmatched(self) -> Path:
        """`<name>-<digest>/`: notebooks that belong to nobody, each with the reason."""
        return self.classroom / "unmatched"

    @property
    def autograded(self) -> Path:
        """`<student>/<assignment>/<assignment>.ipynb`, as the grader ran it."""
        return self.classroom / "autograded"

    @property
    def verdicts(self) -> Path:
        """`<assignment>/<student>.json`: the judge's full verdicts."""
        return self.classroom / "verdicts"

    @property
    def feedback(self) -> Path:
        """`<student>/<assignment>/<assignment>.html`."""
        return self.classroom / "feedback"

    @cached_property
    def nbgrader_config(self) -> Config:
        """The course's nbgrader_config.py, run as nbgrader runs it; empty where there is none.

        Raises:
            CourseError: it raises an exception, which is named.
        """
        from traitlets.config import Config
        from traitlets.config.loader import PyFileConfigLoader

        if not (self.root / "nbgrader_config.py").is_file():
            return Config()
        try:
            return PyFileConfigLoader("nbgrader_config.py", path=str(self.root)).load_config()
        except (Exception, SystemExit) as error:
            raise CourseError(f"{self.root / 'nbgrader_config.py'}: {type(error).__name__}: {error}") from error

    @cached_property
    def gradebook_url(self) -> str:
        """nbgrader's gradebook, as SQLAlchemy names it: the one address that every command reads and writes.

        The course's own classroom has the database that nbgrader_config.py names, in SQLite or elsewhere, or where it
        names none, nbgrader's own choice. A relative path of a SQLite file starts at the course's folder, where
        nbgrader runs. Another classroom has its own file.

        Raises:
            CourseError: nbgrader_config.py fails, or its `db_url` is not an address, or one that forgets.
        """
        from sqlalchemy import URL, make_url
        from sqlalchemy.exc import ArgumentError

        if not self.nbgrader_config or self.classroom.resolve() != (self.root / "classroom").resolve():
            own = URL.create("sqlite", database=str(self.classroom / "gradebook.db"))
            return own.render_as_string(hide_password=False)
        named = self.nbgrader_config.CourseDirectory.get("db_url", "") or "sqlite:///gradebook.db"
        where = "nbgrader_config.py: c.CourseDirectory.db_url"
        try:
            url = make_url(str(named))
        except ArgumentError as error:
            raise CourseError(f"{where}: {error}") from error
        if url.get_backend_name() == "sqlite":
            if url.database in (None, "", ":memory:"):
                raise CourseError(f"{where}: {named} is gone when a command ends; name a file: sqlite:////path/to/file")
            url = url.set(database=str(self.root / str(url.database)))
        return url.render_as_string(hide_password=False)

    @property
    def course_id(self) -> str:
        """The course's name in the gradebook; nbgrader's own where nbgrader_config.py has none."""
        return str(self.nbgrader_config.CourseDirectory.get("course_id", "")).strip() or "default_course"

    @property
    def closed(self) -> tuple[Path, ...]:
        """What no submission may see, wherever the course is: answers, the class, and copies of either."""
        copies = (self.root / name for name in (".git", "build", "dist"))
        return (self.solutions, self.classroom, *(path for path in copies if path.exists()))

    @property
    def secret(self) -> Path:
        """Seeds the hidden cases; made at release, never shipped."""
        return self.classroom / "secret"

    def source(self, assignment: str) -> Path:
        """The text source that is edited by hand."""
        return self.solutions / f"{assignment}.py"

    def master(self, assignment: str) -> Path:
        """The instructor's notebook, generated, solutions in place."""
        return self.solutions / assignment / f"{assignment}.ipynb"

    def release(self, assignment: str) -> Path:
        """The student's notebook, generated, solutions removed."""
        return self.notebooks / assignment / f"{assignment}.ipynb"

    def submission(self, student: str, assignment: str) -> Path:
        """Where a student's notebook should be."""
        return self.submitted / student / assignment / f"{assignment}.ipynb"


def find_course(start: Path | None = None, classroom: Path | None = None) -> Course:
    """The course that contains `start` (default: the current folder); where one is named, its course.toml counts.

    Raises:
        CourseError: no parent folder holds `nbgrader_config.py` beside `solutions/` or `notebooks/`.
    """
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        if (folder / "nbgrader_config.py").is_file() and (folder / "notebooks").is_dir():
            if start is not None:
                ASSIGNMENTS.use_that_of(folder)
            return Course(folder, (classroom or folder / "classroom").resolve())
    raise CourseError(
        f"{here} is not inside a course: no parent folder holds nbgrader_config.py and notebooks/; "
        "cd into the course or pass --course"
    )


def known_assignments(names: Iterable[str] | None) -> tuple[str, ...]:
    """The assignments named, or all; a name may be shortened to its number.

    Raises:
        CourseError: no or more than one assignment matches.
    """
    if not names:
        return tuple(ASSIGNMENTS)
    chosen = []
    for name in names:
        matches = [known for known in ASSIGNMENTS if known == name or known.split("_")[0] == name]
        if not matches:
            raise CourseError(f"no assignment is called {name!r}; choose one of {', '.join(ASSIGNMENTS)}")
        chosen += matches
    return tuple(dict.fromkeys(chosen))

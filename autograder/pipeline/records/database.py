"""Opens nbgrader's database and runs one transaction at a time on it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from alembic.script import ScriptDirectory
from nbgrader import api, dbutil
from sqlalchemy import URL, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import DBAPIError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.orm import Session

from autograder.pipeline.course import CourseError

__all__ = ["Database", "open_gradebook", "readable", "without_password"]

_WITH_DRIVER = "pip install --editable '.[postgresql]'"
"""The extra that installs a driver; editable, so that the code that runs stays that of the course's folder."""
_PACKAGES = {"MySQLdb": "mysqlclient"}
"""Modules of drivers whose packages have another name."""
_TRIES = 4
_BUSY = ("database is locked", "table is locked", "deadlock", "could not serialize")
_NBGRADERS_OWN = "default_course"
_T = TypeVar("_T")


class Database:
    """One gradebook's database.

    Args:
        url: any SQLAlchemy URL.
        patience: how many seconds to wait for another writer, at each of four tries.
        course_id: the course's name in the database.

    Raises:
        CourseError: the driver for this kind of database is not installed.
    """

    def __init__(self, url: str, patience: float, course_id: str = _NBGRADERS_OWN) -> None:
        self._url = make_url(url)
        self._course_id = course_id
        with _driver_named(url):
            self._engine = _engine(url, patience)

    def prepare(self) -> None:
        """Creates the file, its folder and the tables if they do not exist yet.

        Raises:
            CourseError: the database cannot be created or opened, or belongs to another version of nbgrader.
        """
        if self._url.get_backend_name() == "sqlite" and self._url.database:
            folder = Path(self._url.database).parent
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise CourseError(f"cannot create the gradebook's folder {folder}: {error.strerror}") from error
        try:
            self.transaction(lambda session: _make_tables(session, self._course_id))
        except CourseError:
            self.close()
            raise

    def close(self) -> None:
        """Closes all connections."""
        self._engine.dispose()

    def transaction(self, work: Callable[[Session], _T]) -> _T:
        """Runs `work` as a whole or not at all, and again if another writer was in the way.

        Raises:
            CourseError: the database stays busy, or is full, damaged, read-only or unreachable.
        """
        for attempt in range(1, _TRIES + 1):
            try:
                with Session(self._engine) as session, session.begin():
                    return work(session)
            except SQLAlchemyError as error:
                if attempt == _TRIES or not _is_busy(error):
                    raise CourseError(self._explained(error)) from error
            time.sleep(0.1 * attempt)
        raise AssertionError("the last try returns or raises")

    def _explained(self, error: SQLAlchemyError) -> str:
        cause = str(error.orig if isinstance(error, DBAPIError) else error).strip().split("\n")[0]
        cure = "is another grader at work? Try again when it is done" if _is_busy(error) else "nothing was recorded"
        return f"the gradebook {without_password(self._url)} cannot be used ({cause}); {cure}"


@contextmanager
def open_gradebook(url: str) -> Iterator[api.Gradebook]:
    """nbgrader's own view of a gradebook, for reading.

    Raises:
        CourseError: the database cannot be read, or its driver is not installed.
    """
    with readable(url), api.Gradebook(url) as book:
        yield book


@contextmanager
def readable(url: str) -> Iterator[None]:
    """Turns an error from reading a gradebook in the block into one clear line.

    Raises:
        CourseError: the database cannot be read, or its driver is not installed.
    """
    try:
        with _driver_named(url):
            yield
    except SQLAlchemyError as error:
        cause = str(error.__cause__ or error).strip().split("\n")[0]
        raise CourseError(f"the gradebook {without_password(url)} cannot be read ({cause})") from error


def without_password(url: str | URL) -> str:
    """An address that is safe to show."""
    return make_url(url).render_as_string(hide_password=True)


@contextmanager
def _driver_named(url: str) -> Iterator[None]:
    """Says what to install if a database's driver is missing, or how to write an address that means nothing."""
    try:
        yield
    except NoSuchModuleError as error:
        kind = make_url(url).drivername
        cure = "it is spelled postgresql" if kind == "postgres" else "write sqlite:// or postgresql://"
        raise CourseError(
            f"the gradebook {without_password(url)}: no kind of database is called {kind}; {cure}"
        ) from error
    except ModuleNotFoundError as error:
        cure = f"install {_PACKAGES.get(error.name or '', error.name)}"
        if make_url(url).get_backend_name() == "postgresql":
            cure = _WITH_DRIVER if error.name == "psycopg" else f"write postgresql+psycopg:// and {_WITH_DRIVER}"
        raise CourseError(
            f"the gradebook {without_password(url)} needs the package {error.name}, which is not installed: {cure}"
        ) from error


def _engine(url: str, patience: float) -> Engine:
    if make_url(url).get_backend_name() != "sqlite":
        return create_engine(url, pool_pre_ping=True)
    engine = create_engine(url, connect_args={"timeout": patience})

    # SQLite's driver begins a transaction late and without the write lock: two writers could both read, and one
    # would fail. SQLAlchemy's recipe takes the lock first.
    @event.listens_for(engine, "connect")
    def leave_transactions_to_us(connection: Any, record: Any) -> None:
        connection.isolation_level = None

    @event.listens_for(engine, "begin")
    def take_the_lock(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _is_busy(error: SQLAlchemyError) -> bool:
    words = str(error).casefold()
    return any(word in words for word in _BUSY)


def _make_tables(session: Session, course_id: str) -> None:
    """What nbgrader's `Gradebook` does on opening, without its need for an `alembic` program on the PATH."""
    connection = session.connection()
    new = not inspect(connection).get_table_names()
    api.Base.metadata.create_all(connection)
    (head,) = ScriptDirectory(dbutil.ALEMBIC_DIR).get_heads()
    if new:
        session.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)"))
        session.execute(text("INSERT INTO alembic_version (version_num) VALUES (:head)"), {"head": head})
    elif session.execute(text("SELECT version_num FROM alembic_version")).scalar() != head:
        raise CourseError(
            "the gradebook was made by another version of nbgrader: save a copy of it, then run nbgrader db upgrade"
        )
    for course in {course_id: None, _NBGRADERS_OWN: None}:  # nbgrader's preprocessors name no course
        if session.get(api.Course, course) is None:
            session.add(api.Course(id=course))

"""The command line's frame: the application, the options that several commands share, and how commands print."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from autograder.commands.terminal import GONE, warn, write

if TYPE_CHECKING:
    from autograder.pipeline.course import Course

__all__ = [
    "MOST_PROBLEMS", "Assignments", "ClassroomDir", "CollectedFormat", "CollectedOption", "CourseDir", "Device",
    "Format", "FormatOption", "HandedIn", "Isolation", "IsolationOption", "OutputFile", "Table", "app", "course_at",
    "emit", "say", "warn",
]  # fmt: skip


class _Commands(TyperGroup):
    """The commands; Ctrl-C, which typer would swallow, ends each with one line."""

    def invoke(self, ctx: Any) -> Any:
        """Runs the command that was asked for."""
        from autograder.pipeline.interrupts import caused_by_interrupt

        try:
            return super().invoke(ctx)
        except BaseException as error:
            if isinstance(error, BrokenPipeError):  # typer would say 1, which means a verdict
                raise typer.Exit(GONE) from None
            if not caused_by_interrupt(error):
                raise
            graded = "; finished grades are kept, and the next run continues from there"
            warn(f"stopped{graded if ctx.invoked_subcommand == 'grade' else ''}")
            raise typer.Exit(130) from None


MOST_PROBLEMS = 100
"""Lines that a command prints of what it left out."""

app = typer.Typer(
    cls=_Commands,
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Builds, checks and grades the course's notebooks.",
)


class Format(StrEnum):
    """How `grade` and `check` print their results."""

    TABLE = "table"
    JSON = "json"
    JUNIT = "junit"
    GRADESCOPE = "gradescope"


class CollectedFormat(StrEnum):
    """How `collect` prints what it did."""

    TABLE = "table"
    JSON = "json"


class Table(StrEnum):
    """What `export` writes: one row per submission, or one row per student as Canvas's gradebook imports it."""

    CSV = "csv"
    CANVAS = "canvas"


class Device(StrEnum):
    """Where exercises in torch run."""

    CPU = "cpu"
    CUDA = "cuda"


class Isolation(StrEnum):
    """The isolation levels to choose from; `auto` takes the strongest available and refuses if none holds."""

    AUTO = "auto"
    BUBBLEWRAP = "bubblewrap"
    LANDLOCK = "landlock"
    PROCESS = "process"


Assignments = Annotated[list[str] | None, typer.Argument(help="Assignments, by name or number; default: all.")]
HandedIn = Annotated[
    list[str] | None, typer.Argument(help="Assignments, by name or number; default: all that anyone handed in.")
]
CourseDir = Annotated[
    Path | None, typer.Option("--course", help="The course's folder; default: searched from here upwards.")
]
ClassroomDir = Annotated[
    Path | None, typer.Option("--classroom", help="The class's folder; default: COURSE/classroom.")
]
OutputFile = Annotated[Path | None, typer.Option("--output", "-o", help="Write to this file instead of the terminal.")]
FormatOption = Annotated[Format, typer.Option("--format", help="How to print the verdicts.")]
CollectedOption = Annotated[CollectedFormat, typer.Option("--format", help="How to print what was collected.")]
IsolationOption = Annotated[Isolation, typer.Option("--isolation", help="How students' code is isolated.")]


def course_at(course: Path | None, classroom: Path | None) -> Course:
    """The course at a folder, or the one around the current folder."""
    from autograder.pipeline.course import find_course

    return find_course(course, classroom)


def say(text: str) -> None:
    """Prints a line, as it is."""
    write(f"{text}\n")


def emit(text: str, output: Path | None, format: str = "") -> None:
    """Writes a result to a file, always in UTF-8, or prints it."""
    if output is None:
        write(text, format)
        return
    from autograder.pipeline.files import write_atomically

    write_atomically(output, text if text.endswith("\n") else text + "\n")

"""The command line. Each command parses, calls one step of the pipeline, prints, and chooses the exit status.

Exit status: 0 done, 1 something judged fell short, 2 wrong usage or unusable input (one clear line on stderr), 3 a
fault of the autograder itself or output that cannot be written, 130 Ctrl-C, 141 nobody reads the output any more.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autograder.commands import authoring, terminal
from autograder.commands.app import (
    MOST_PROBLEMS,
    Assignments,
    ClassroomDir,
    CollectedFormat,
    CollectedOption,
    CourseDir,
    Device,
    Format,
    FormatOption,
    HandedIn,
    Isolation,
    IsolationOption,
    OutputFile,
    Table,
    app,
    course_at,
    emit,
    say,
    warn,
)

if TYPE_CHECKING:
    from autograder.exercise import ClassGrading

__all__ = ["app", "authoring", "main"]


def main() -> None:
    """Runs the command line; errors of use and input are one line and exit status 2, its own faults one line and 3."""
    terminal.prepare()
    sys.exit(terminal.run(app, _known))


def _known(error: Exception) -> str | None:
    """The one line for an error of use or input; None for a fault of the autograder."""
    from autograder.exercise import DeclarationError
    from autograder.exercises import CourseTableError
    from autograder.pipeline.course import CourseError

    if isinstance(error, (CourseError, CourseTableError, DeclarationError)):
        return str(error)
    if isinstance(error, ModuleNotFoundError):
        package = (error.name or "").partition(".")[0]
        if package not in ("autograder", "course_lib"):
            return f"the package {error.name} is not installed: run make setup"
    return None


@app.command()
def collect(
    source: Annotated[Path, typer.Argument(help="A folder, a ZIP or a notebook, as platforms export it.")],
    assignment: Annotated[
        str | None, typer.Option("--assignment", help="The assignment of all files; default: from names and contents.")
    ] = None,
    roster: Annotated[
        Path | None,
        typer.Option("--roster", help="The list of the class, as CSV; default: CLASSROOM/students.csv if it is there."),
    ] = None,
    student: Annotated[str | None, typer.Option("--student", help="Whose all files are; default: from names.")] = None,
    worksheet: Annotated[
        Path | None, typer.Option("--worksheet", help="Moodle's grading worksheet: who was late, and when they came.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would happen, and write nothing.")] = False,
    format: CollectedOption = CollectedFormat.TABLE,
    course: CourseDir = None,
    classroom: ClassroomDir = None,
) -> None:
    """Keep every attempt, and put each student's newest notebook where `grade` looks for it."""
    from autograder.pipeline.course import known_assignments
    from autograder.pipeline.intake.collect import collect as step
    from autograder.pipeline.intake.told import as_json, told

    place = course_at(course, classroom)
    name = known_assignments([assignment])[0] if assignment else None
    done = step(place, source, name, roster, student=student, worksheet=worksheet, dry_run=dry_run)
    for problem in done.problems[:MOST_PROBLEMS]:
        warn(problem)
    if len(done.problems) > MOST_PROBLEMS:
        warn(f"and {len(done.problems) - MOST_PROBLEMS} more remarks")
    if format is CollectedFormat.JSON:
        emit(as_json(done), None)
    else:
        options = f" --classroom {classroom}" if classroom else ""
        say("\n".join(told(done, str(place.submitted), dry_run, options)))


@app.command()
def grade(
    assignments: HandedIn = None,
    student: Annotated[str | None, typer.Option("--student", help="Only this student.")] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, help="Worker processes; default: one per processor.")
    ] = None,
    scheduler: Annotated[
        str, typer.Option("--scheduler", help="A dask.distributed scheduler, such as tcp://host:8786, for a cluster.")
    ] = "",
    device: Annotated[Device, typer.Option("--device", help="Where torch exercises run.")] = Device.CPU,
    isolation: IsolationOption = Isolation.AUTO,
    force: Annotated[bool, typer.Option("--force", help="Grade again what is already graded.")] = False,
    patience: Annotated[
        float,
        typer.Option("--patience", min=0.1, max=100, help="Multiplies every time limit, for slow machines."),
    ] = 1.0,
    fail_under: Annotated[
        float | None,
        typer.Option("--fail-under", min=0, max=100, help="Exit 1 if any score is below this percentage."),
    ] = None,
    format: FormatOption = Format.TABLE,
    output: OutputFile = None,
    course: CourseDir = None,
    classroom: ClassroomDir = None,
) -> None:
    """Grade submissions into nbgrader's gradebook; each notebook runs in a jailed process, judged from outside."""
    from autograder.pipeline.course import known_assignments
    from autograder.pipeline.grading import grade as step
    from autograder.pipeline.progressbar import progress_bar

    place = course_at(course, classroom)
    plan = step.Plan(
        assignments=known_assignments(assignments) if assignments else step.handed_in(place),
        student=student,
        workers=workers or step.default_workers(),
        isolation=isolation.value,
        force=force,
        patience=patience,
        device=device.value,
        scheduler=scheduler,
    )
    for remark in step.remarks(place):
        warn(remark)
    with progress_bar("grading") as advance:
        grading = step.grade(place, plan, advance)
    _print(grading, format, output)
    failed = [f"{one.student} {one.assignment}" for one in grading.submissions if step.GRADER_FAILED in one.flags]
    if failed:
        warn(f"the grader itself failed on {_some(failed)}; the next run tries again")
        raise typer.Exit(terminal.FAULT)
    _fail_under(grading, fail_under)


def _print(grading: ClassGrading, format: Format, output: Path | None) -> None:
    from autograder.pipeline.course import CourseError
    from autograder.reports import render

    try:
        text = render(grading, format.value)
    except ValueError as error:
        raise CourseError(str(error)) from error
    emit(text, output, format.value)


def _fail_under(grading: ClassGrading, percent: float | None) -> None:
    if percent is None:
        return
    low = [one for one in grading.submissions if 100 * one.score < percent * one.max_score]
    if low:
        shown = _some([f"{one.student} {one.assignment}" for one in low])
        warn(f"{len(low)} of {len(grading.submissions)} below {percent:g} %: {shown}")
        raise typer.Exit(1)


def _some(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


@app.command()
def check(
    notebook: Annotated[Path, typer.Argument(help="Your notebook, under any name.")],
    hints: Annotated[int, typer.Option("--hints", min=0, max=3, help="Show help up to this step.")] = 0,
    format: FormatOption = Format.TABLE,
    output: OutputFile = None,
    course: CourseDir = None,
) -> None:
    """Run your notebook and show what each check says, on the visible cases; exit 1 if points are missing."""
    from autograder.pipeline.grading.check_notebook import check_notebook, told

    grading = check_notebook(course_at(course, None), notebook)
    if format is Format.TABLE:
        emit(told(grading, hints), output)
    else:
        _print(grading, format, output)
    if any(
        verdict.status not in ("passed", "needs_manual") for one in grading.submissions for verdict in one.exercises
    ):
        raise typer.Exit(1)


@app.command()
def feedback(
    assignments: Assignments = None,
    student: Annotated[str | None, typer.Option("--student", help="Only this student.")] = None,
    course: CourseDir = None,
    classroom: ClassroomDir = None,
) -> None:
    """Write one HTML page for each graded submission, with scores and comments from the gradebook."""
    from autograder.pipeline.course import known_assignments
    from autograder.pipeline.progressbar import progress_bar
    from autograder.pipeline.publishing.class_feedback import feedback_for_class

    place = course_at(course, classroom)
    with progress_bar("feedback") as advance:
        pages = feedback_for_class(place, known_assignments(assignments), student, advance)
    say(f"{len(pages.written)} pages in {place.feedback}")
    for line in (*pages.plain, *pages.left_out):
        warn(line)
    if pages.left_out:
        raise typer.Exit(2)


@app.command()
def report(
    assignments: Assignments = None,
    output: OutputFile = None,
    course: CourseDir = None,
    classroom: ClassroomDir = None,
) -> None:
    """Write one HTML page for the class: who got what and why, and what to teach again."""
    from autograder.pipeline.course import known_assignments
    from autograder.pipeline.publishing.class_report import write_class_report

    path = write_class_report(course_at(course, classroom), known_assignments(assignments), output)
    say(f"class report: {path}")


@app.command()
def export(
    format: Annotated[Table, typer.Argument(help="The format to write.")],
    assignments: Assignments = None,
    output: OutputFile = None,
    course: CourseDir = None,
    classroom: ClassroomDir = None,
) -> None:
    """Write the final scores from the gradebook: with manual grades, minus late penalties."""
    from autograder.pipeline.course import known_assignments
    from autograder.pipeline.records.final_scores import final_grading, waiting
    from autograder.reports import render

    place = course_at(course, classroom)
    grading = final_grading(place, known_assignments(assignments))
    emit(render(grading, format.value), output, format.value)
    if count := waiting(place, grading):
        warn(f"{count} of {len(grading.submissions)} submissions wait to be graded by hand")


@app.command()
def similar(
    assignments: HandedIn = None,
    at_least: Annotated[
        float, typer.Option("--at-least", min=0, max=100, help="Show pairs that are at least this similar, in percent.")
    ] = 60,
    passages: Annotated[bool, typer.Option("--passages", help="Show the longest passage that both share.")] = False,
    course: CourseDir = None,
    classroom: ClassroomDir = None,
) -> None:
    """Compare answers with each other: which pairs are similar, and where. A reason to read both, not proof."""
    from autograder.pipeline.course import known_assignments
    from autograder.pipeline.grading.grade import handed_in
    from autograder.pipeline.progressbar import progress_bar
    from autograder.pipeline.publishing.similar import similar as step

    place = course_at(course, classroom)
    with progress_bar("comparing") as advance:
        names = known_assignments(assignments) if assignments else handed_in(place)
        found = step(place, names, at_least / 100, advance)
    for pair in found:
        say(pair.line() + (f"\n{pair.passage}\n" if passages else ""))
    say(f"{len(found)} pairs are at least {at_least:g} % similar")


@app.command()
def doctor(
    course: CourseDir = None,
    attack: Annotated[
        bool, typer.Option(help="Try everything against each isolation level; exit 1 if any breaks a promise.")
    ] = False,
) -> None:
    """Report what this machine can do and what is missing; exit 1 if something required is missing."""
    from autograder.pipeline.grading.attack import attacked
    from autograder.pipeline.grading.doctor import examine

    fine = True
    for finding in attacked(course_at(course, None)) if attack else examine(course):
        say(finding.line)
        fine = fine and (finding.ok or not finding.needed)
    if not fine:
        raise typer.Exit(1)


if __name__ == "__main__":
    main()

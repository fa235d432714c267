"""A class graded by stock `nbgrader autograde` and by this engine: one machine, one run, both write the gradebook.

    python benchmarks/grading.py [--assignment 11] [--students 20] [--stock 5] [--memory 0]

Everyone hands in the reference's answers. Stock nbgrader executes the same notebooks with one kernel each, where
`check` raises if a visible case fails; cells that only show something are cut out of the notebooks, so that neither
side runs them. The engine judges hidden cases as well, in the strongest isolation that this machine has. Of the
notebooks that import torch, 11 computes least, so the overhead weighs most there.
Figures from a busy machine are worth little, ratios from one run more: the load is printed.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # before course_lib.py beside it

import nbformat

from autograder.exercises import exercises_of
from autograder.pipeline.authoring.release import release
from autograder.pipeline.authoring.simulate import fill_in
from autograder.pipeline.authoring.simulated_students import reference_sources
from autograder.pipeline.course import Course, find_course, known_assignments
from autograder.pipeline.secret import make_secret

ROOT = Path(__file__).resolve().parents[1]


def make_class(place: Path, name: str, students: int) -> Course:
    """A copy of the course in which everyone handed in the reference's answers to one assignment."""
    course, origin = Course(place, place / "classroom"), find_course(ROOT)
    for folder in ("solutions", "notebooks"):
        shutil.copytree(ROOT / folder / name, place / folder / name)
    shutil.copy(origin.source(name), course.solutions)
    shutil.copy(ROOT / "nbgrader_config.py", place)
    make_secret(course)
    release(course, [name])
    text = right_work(course, name)
    for number in range(students):
        path = course.submission(f"s{number:04}", name)
        path.parent.mkdir(parents=True)
        path.write_text(text, "utf-8")
    return course


def right_work(course: Course, name: str) -> str:
    """The release with the reference's answers, without the cells that only show something."""
    master = nbformat.reads(course.master(name).read_text("utf-8"), as_version=4)
    cells = {cell.metadata.get("nbgrader", {}).get("grade_id", ""): cell.source for cell in master.cells}
    names = {exercise.name for exercise in exercises_of(name)}
    answers = {id_: source for id_, source in reference_sources(cells).items() if id_ in names}
    notebook = fill_in(nbformat.reads(course.release(name).read_text("utf-8"), as_version=4), answers, "Because.")
    notebook.cells = [cell for cell in notebook.cells if "demo" not in cell.metadata.get("tags", ())]
    return str(nbformat.writes(notebook))


def use_stock_nbgrader(course: Course) -> None:
    """Takes this engine out of the copy's nbgrader_config.py."""
    path = course.root / "nbgrader_config.py"
    lines = [line for line in path.read_text("utf-8").split("\n") if not line.startswith("c.Autograde.")]
    path.write_text("\n".join([*lines, "c.Execute.timeout = 300"]), "utf-8")


# --- measuring -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Cost:
    """The cost of a command: wall clock, processor time of all its processes, peak memory in MB."""

    seconds: float
    cpu: float
    memory: float


def measured(command: list[str], place: Path) -> Cost:
    """Runs a command and everything it starts."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    start = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=place, env=environment | {"PATH": path}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    most, over = [0.0], threading.Event()
    watcher = threading.Thread(target=watch, args=(process.pid, most, over))
    watcher.start()
    said = process.communicate()[0]
    seconds = time.perf_counter() - start
    over.set()
    watcher.join()
    if process.returncode:
        raise SystemExit(said.decode()[-3000:])
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Cost(seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, most[0])


def watch(pid: int, most: list[float], over: threading.Event) -> None:
    """Records the largest sum of proportional set sizes: pages shared by processes count once."""
    while not over.wait(0.2):
        most[0] = max(most[0], sum(held(each) for each in family(pid)))


def held(pid: int) -> float:
    """A process's proportional set size in MB."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1000
    return 0.0


def family(pid: int) -> list[int]:
    """A process and all of its descendants."""
    found = [pid]
    for each in found:
        with suppress(OSError):
            for task in Path(f"/proc/{each}/task").iterdir():
                found += map(int, (task / "children").read_text("ascii").split())
    return found


def engine(course: Course, name: str, workers: int) -> Cost:
    """Grades the whole class anew, as the command line does."""
    command = [sys.executable, "-m", "autograder.cli", "grade", name, "--force", "--workers", str(workers)]
    return measured(command, course.root)


def shares(course: Course, name: str, submissions: int) -> tuple[float, float, float]:
    """Seconds per submission in this process, warm: in total, waiting for the student's process, starting it."""
    from autograder.pipeline.grading.submission import Job, hand_in
    from autograder.pipeline.grading.warm_sandbox import Setup, close
    from autograder.pipeline.grading.worker_process import grade_here
    from autograder.sandbox.host import run
    from autograder.sandbox.host import sandbox as host

    spent = {"student": 0.0, "start": 0.0}

    def timed(kind: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            start = time.perf_counter()
            try:
                return real(*args, **kwargs)
            finally:
                spent[kind] += time.perf_counter() - start

        return call

    run.Run._receive = timed("student", run.Run._receive)  # type: ignore[method-assign]
    host.Sandbox.start = timed("start", host.Sandbox.start)  # type: ignore[method-assign]
    master, secret = course.release(name).read_text("utf-8"), course.secret.read_bytes()
    folder = course.submitted / "s0000" / name
    job, setup = Job("s0000", name, folder, master, secret), Setup()
    grade_here(job, setup, hand_in(job))
    spent.update(student=0.0, start=0.0)
    start = time.perf_counter()
    for _ in range(submissions):
        grade_here(job, setup, hand_in(job))
    whole = time.perf_counter() - start
    close()
    return whole / submissions, spent["student"] / submissions, spent["start"] / submissions


def show(label: str, count: int, cost: Cost) -> None:
    """One line of the table."""
    print(
        f"{label:25} {count:4} submissions {cost.seconds / count:7.3f} s each, processor {cost.cpu / count:7.3f} s, "
        f"{cost.memory:5.0f} MB at most",
        flush=True,
    )


# --- the report ------------------------------------------------------------------------------------------


def compare(folder: Path, name: str, students: int, stock: int) -> None:
    """Prints stock nbgrader beside the engine with one worker and two, and the effect of the class's size."""
    slow = make_class(folder / "stock", name, stock)
    use_stock_nbgrader(slow)
    command = [sys.executable, "-m", "nbgrader", "autograde", name]
    by_stock = measured(command, slow.root)
    show("stock nbgrader autograde", stock, by_stock)
    small, large = make_class(folder / "small", name, students), make_class(folder / "large", name, 3 * students)
    rows: dict[tuple[int, int], Cost] = {}
    for workers in (1, 2):
        for course, count in ((small, students), (large, 3 * students)):
            rows[workers, count] = engine(course, name, workers)
            show(f"engine, workers: {workers}", count, rows[workers, count])
    more = {workers: (rows[workers, 3 * students], rows[workers, students]) for workers in (1, 2)}
    wall = {workers: (last.seconds - first.seconds) / (2 * students) for workers, (last, first) in more.items()}
    cpu = (more[1][0].cpu - more[1][1].cpu) / (2 * students)
    print(
        f"one more submission: {wall[1]:.3f} s with one worker, {wall[2]:.3f} s with two; {cpu:.3f} s of processor time"
    )
    whole = more[1][0].seconds / (3 * students)
    print(
        f"stock / engine: {by_stock.seconds / stock / whole:.0f} with the start, "
        f"{by_stock.seconds / stock / wall[1]:.0f} without, {by_stock.cpu / stock / cpu:.0f} in processor time"
    )
    print(f"two workers / one: {wall[1] / wall[2]:.2f} times as many submissions per second")
    warm, student, starting = shares(small, name, 10)
    print(
        f"of {warm:.3f} s per submission, {student:.3f} s ({100 * student / warm:.0f} %) are the student's process "
        f"at work, {starting:.3f} s its start, {warm - student - starting:.3f} s restoring, judging and drawing"
    )


def watch_memory(folder: Path, name: str, students: int) -> None:
    """Prints the memory of the grading process during a large class, with one worker, in this process."""
    from autograder.exercise import Graded
    from autograder.pipeline.grading.grade import Plan, grade

    course = make_class(folder / "memory", name, students)

    def progress(done: int, total: int, _: Graded) -> None:
        if done == 1 or done % max(total // 10, 1) == 0:
            print(f"after {done:5} submissions {held(os.getpid()):6.0f} MB", flush=True)

    grade(course, Plan((name,), workers=1), progress)


def main() -> None:
    """Runs the requested measurements."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--assignment", default="11")
    parser.add_argument("--students", type=int, default=20)
    parser.add_argument("--stock", type=int, default=5)
    parser.add_argument(
        "--memory", type=int, default=0, metavar="STUDENTS", help="measure only memory, with a class of that size"
    )
    options = parser.parse_args()
    (name,) = known_assignments([options.assignment])
    with tempfile.TemporaryDirectory(prefix="grading-") as folder:
        print(f"{name}, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f} before")
        if options.memory:
            watch_memory(Path(folder), name, options.memory)
        else:
            compare(Path(folder), name, options.students, options.stock)
        print(f"load {os.getloadavg()[0]:.1f} after")


if __name__ == "__main__":
    main()

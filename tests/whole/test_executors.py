"""Many at once: workers and clusters give the same results, and whatever stops a run, the next one finishes it."""

from __future__ import annotations

import gc
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from weakref import WeakSet

import pytest
from distributed import Client
from small_class import CLASS, NAME, ROOT, grades, make_course

from autograder.pipeline.course import Course, CourseError
from autograder.pipeline.grading import executors
from autograder.pipeline.grading import grade as grade_module
from autograder.pipeline.grading.grade import Plan, grade
from autograder.pipeline.grading.submission import HandedIn, Job, Result
from autograder.pipeline.interrupts import caused_by_interrupt
from autograder.pipeline.records.gradebook import GradebookWriter
from autograder.pipeline.records.verdict_store import load_verdicts

ONE = Plan((NAME,), isolation="process")
STUDENTS = {*CLASS, "renamed"}
pytestmark = pytest.mark.xdist_group("executors")


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    """A class that is graded by one worker."""
    made = make_course(tmp_path_factory.mktemp("executors") / "one")
    grade(made, ONE)
    return made


@pytest.fixture
def ungraded(course: Course, tmp_path: Path) -> Course:
    """The same class, not graded yet."""
    return make_course(tmp_path / "course")


def verdicts(course: Course) -> dict[str, Any]:
    """Everything that was kept of everyone, but how long it took."""
    found = {}
    for path in (course.verdicts / NAME).glob("*.json"):
        record = json.loads(path.read_text("utf-8"))
        record["graded"]["seconds"] = 0
        found[path.stem] = record
    return found


def assert_same(one: Course, two: Course) -> None:
    assert verdicts(one) == verdicts(two)
    assert grades(one) == grades(two)
    with closing(sqlite3.connect(two.gradebook_url.removeprefix("sqlite:///"))) as connection:
        for table, expected in (("student", len(STUDENTS)), ("submitted_assignment", len(STUDENTS))):
            assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (expected,)


def start(course: Course, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "autograder.cli", "grade", "02", "--isolation", "process", *map(str, arguments)]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        command, cwd=course.root, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        start_new_session=True,
    )  # fmt: skip


def of_this_run(mark: str) -> set[int]:
    """Processes that were started with a mark in their environment."""
    found = set()
    for place in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            if mark.encode() in place.read_bytes():
                found.add(int(place.parent.name))
    return found


def wait_for(condition: Callable[[], object], seconds: float = 300.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.02)


# --- workers and clusters --------------------------------------------------------------------------------


def test_two_workers_give_the_same_as_one(course: Course, ungraded: Course) -> None:
    seen: list[tuple[int, int]] = []
    grade(ungraded, Plan((NAME,), isolation="process", workers=2), lambda done, total, _: seen.append((done, total)))
    assert seen == [(done, len(STUDENTS)) for done in range(1, len(STUDENTS) + 1)]
    assert_same(course, ungraded)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A scheduler and two workers, each a process of its own, as `dask scheduler` and `dask worker` start them."""
    folder = tmp_path_factory.mktemp("cluster")
    file = folder / "scheduler.json"
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
    log = (folder / "log").open("w")

    def dask(what: str, *arguments: object) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", f"distributed.cli.dask_{what}", "--no-dashboard", "--scheduler-file", file]
        return subprocess.Popen(
            [*map(str, command), *map(str, arguments)], cwd=folder, env=environment, stdout=log, stderr=log
        )

    processes = [dask("scheduler", "--host", "127.0.0.1", "--port", 0)]
    try:
        wait_for(lambda: file.exists() and file.read_text())
        processes += [dask("worker", "--nthreads", 1, "--no-nanny", "--host", "127.0.0.1") for _ in range(2)]
        yield json.loads(file.read_text())["address"]
    finally:
        for process in processes[::-1]:
            process.terminate()
            process.wait(30)
        log.close()


def test_a_cluster_gives_the_same_as_one_worker(course: Course, ungraded: Course, cluster: str) -> None:
    process = start(ungraded, "--scheduler", cluster, "--format", "json")
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    assert {one["student"] for one in json.loads(out)["submissions"]} == STUDENTS
    assert_same(course, ungraded)


def test_a_worker_of_the_cluster_that_is_killed_costs_no_result(course: Course, ungraded: Course, cluster: str) -> None:
    process = start(ungraded, "--scheduler", cluster, "--format", "json")
    wait_for(lambda: verdicts_there(ungraded))
    with Client(cluster, set_as_default=False) as client:
        pids = client.run(os.getpid)
        assert len(pids) == 2
        os.kill(min(pids.values()), signal.SIGKILL)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    assert {one["student"] for one in json.loads(out)["submissions"]} == STUDENTS
    assert_same(course, ungraded)


def test_a_scheduler_that_is_not_there_is_one_clear_line(ungraded: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executors, "CONNECT_SECONDS", 0.5)
    with pytest.raises(CourseError, match=r"no scheduler answers at tcp://127\.0\.0\.1:9"):
        grade(ungraded, Plan((NAME,), isolation="process", scheduler="tcp://127.0.0.1:9"))


def test_finished_results_are_let_go_of(monkeypatch: pytest.MonkeyPatch) -> None:
    class Big:
        """Counted while alive."""

    alive: WeakSet[Big] = WeakSet()
    most = 0

    def made(job: Job) -> Any:
        alive.add(big := Big())
        return big

    jobs = [Job(str(number), NAME, Path("/nowhere"), "", None) for number in range(300)]
    with ThreadPoolExecutor(2) as pool:
        for _, future in executors._windowed(lambda job: pool.submit(made, job), jobs, 2):
            assert future.result() is not None
            most = max(most, len(alive))
    assert most <= 6


def test_memory_does_not_grow_with_the_class(course: Course, ungraded: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    """Recording, too, keeps nothing: what Python holds after 20 and after 60 submissions is nearly the same."""
    found = load_verdicts(course, "mistaken", NAME)
    assert found is not None
    notebook = (course.autograded / "mistaken" / NAME / f"{NAME}.ipynb").read_text("utf-8")
    for number in range(60):
        (ungraded.submitted / f"s{number}").mkdir()

    def many(jobs: list[Job], workers: int, setup: object) -> Iterator[Result]:
        for job in jobs:
            yield Result(replace(found.graded, student=job.student), notebook, "x", "process")

    monkeypatch.setattr(grade_module, "grade_jobs", many)
    held: dict[int, int] = {}

    def look(done: int, total: int, _: object) -> None:
        if done in (20, 60):
            gc.collect()
            held[done] = tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        grade(ungraded, ONE, look)
    finally:
        tracemalloc.stop()
    assert (held[60] - held[20]) / 40 < 2_000  # bytes a submission; a notebook has a hundred times as many


# --- a run that is stopped -------------------------------------------------------------------------------


STOPPED = (130, -signal.SIGINT)
"""A shell calls both 130."""


@pytest.mark.parametrize(("stop", "statuses"), [(signal.SIGKILL, (-signal.SIGKILL,)), (signal.SIGINT, STOPPED)])
def test_stopped_in_the_middle_nothing_stays_and_the_next_run_finishes(
    course: Course, ungraded: Course, tmp_path: Path, stop: signal.Signals, statuses: tuple[int, ...]
) -> None:
    process, mark, scratch = started(ungraded, tmp_path)
    wait_for(lambda: verdicts_there(ungraded))
    assert len(of_this_run(mark)) >= 3
    if stop is signal.SIGINT:
        os.killpg(process.pid, stop)  # as a terminal does
    else:
        process.kill()
    _, err = process.communicate(timeout=300)
    assert process.returncode in statuses, err
    wait_for(lambda: not of_this_run(mark) and not list(scratch.iterdir()))
    if stop is signal.SIGINT:
        assert "the next run continues from there" in err
        assert "Traceback" not in err
    before = {path: path.stat().st_mtime_ns for path in verdicts_there(ungraded)}
    assert len(before) >= 1
    grade(ungraded, ONE)
    assert_same(course, ungraded)
    assert {path: path.stat().st_mtime_ns for path in before} == before


@pytest.mark.parametrize("when", ["the workers start", "their servers warm up"])
def test_stopped_early_it_is_one_line_and_nothing_stays(ungraded: Course, tmp_path: Path, when: str) -> None:
    process, mark, scratch = started(ungraded, tmp_path)
    if when == "the workers start":
        wait_for(lambda: len(of_this_run(mark)) >= 3)
    else:
        wait_for(lambda: len(list(scratch.glob("autograder-*"))) >= 2)  # a library and a server's folder
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=300)
    assert process.returncode in STOPPED, err
    assert err == "autograder: stopped; finished grades are kept, and the next run continues from there\n"
    wait_for(lambda: not of_this_run(mark) and not list(scratch.iterdir()))


def started(course: Course, tmp_path: Path) -> tuple[subprocess.Popen[str], str, Path]:
    """A run with two workers, the mark in the environment of its processes, and its folder for temporary files."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("THIS_RUN", str(course.root))
        patch.setenv("TMPDIR", str(scratch))
        return start(course, "--workers", 2), f"THIS_RUN={course.root}", scratch


def test_ctrl_c_waits_for_the_record_and_the_bar(ungraded: Course) -> None:
    whole: list[int] = []

    def at_the_worst_moment(done: int, total: int, _: object) -> None:
        signal.raise_signal(signal.SIGINT)
        whole.append(done)

    with pytest.raises(KeyboardInterrupt):
        grade(ungraded, ONE, at_the_worst_moment)
    assert whole == [1]
    assert len(verdicts_there(ungraded)) == 1


def test_a_second_ctrl_c_does_not_wait(ungraded: Course) -> None:
    def twice(done: int, total: int, _: object) -> None:
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        raise InterruptedError

    with pytest.raises(KeyboardInterrupt) as caught:
        grade(ungraded, ONE, twice)
    assert isinstance(caught.value.__context__, InterruptedError)


def test_what_breaks_on_the_way_out_is_still_ctrl_c() -> None:
    def broken(first: type[BaseException]) -> BaseException:
        try:
            try:
                raise first
            finally:
                [].pop()
        except IndexError as error:
            return error

    assert caused_by_interrupt(broken(KeyboardInterrupt))
    assert not caused_by_interrupt(broken(OSError))


def verdicts_there(course: Course) -> list[Path]:
    return sorted((course.verdicts / NAME).glob("*.json"))


@pytest.fixture
def results(course: Course, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Grading gives what it gave before, at once; who was graded anew."""
    again: list[str] = []

    def remembered(jobs: list[Job], workers: int, setup: object) -> Iterator[Result]:
        for job in jobs:
            again.append(job.student)
            found = load_verdicts(course, job.student, job.assignment)
            assert found is not None
            notebook = (course.autograded / job.student / NAME / f"{NAME}.ipynb").read_text("utf-8")
            yield Result(found.graded, notebook, found.fingerprint, found.isolation)

    monkeypatch.setattr(grade_module, "grade_jobs", remembered)
    return again


@pytest.mark.parametrize("step", ["write_atomically", "GradebookWriter.record", "save_verdicts"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_death_between_any_two_writes_loses_and_doubles_nothing(
    course: Course, ungraded: Course, results: list[str], monkeypatch: pytest.MonkeyPatch, step: str, when: str
) -> None:
    *owner, name = step.split(".")
    place = getattr(grade_module, owner[0]) if owner else grade_module
    real, calls = getattr(place, name), 0

    def dying(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 3 and when == "before":
            raise SystemExit
        done = real(*args, **kwargs)
        if calls == 3:
            raise SystemExit
        return done

    with monkeypatch.context() as patch:
        patch.setattr(place, name, dying)
        with pytest.raises(SystemExit):
            grade(ungraded, ONE)
    there = len(verdicts_there(ungraded))
    assert there == (3 if (step, when) == ("save_verdicts", "after") else 2)
    results.clear()
    grade(ungraded, ONE)
    assert len(results) == len(STUDENTS) - there
    assert_same(course, ungraded)


def test_a_locked_gradebook_stops_the_run_and_the_next_one_finishes(
    course: Course, ungraded: Course, results: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(sqlite3.connect(ungraded.gradebook_url.removeprefix("sqlite:///"))) as other:
        real = grade_module.GradebookWriter.record
        calls = 0

        def locked(*args: Any) -> None:
            nonlocal calls
            calls += 1
            if calls == 4:
                other.execute("BEGIN EXCLUSIVE")
            real(*args)

        with monkeypatch.context() as patch:
            patch.setattr(grade_module, "GradebookWriter", partial(GradebookWriter, patience=0.05))
            patch.setattr(GradebookWriter, "record", locked)
            with pytest.raises(CourseError, match="is another grader at work"):
                grade(ungraded, ONE)
        assert len(verdicts_there(ungraded)) == 3
    grade(ungraded, ONE)
    assert_same(course, ungraded)


def can_mount() -> bool:
    program = ["unshare", "--map-root-user", "--mount", "mount", "-t", "tmpfs", "none", "/mnt"]
    return (
        shutil.which("unshare") is not None
        and subprocess.run(program, check=False, capture_output=True).returncode == 0
    )


@pytest.mark.skipif(not can_mount(), reason="this machine lets nobody mount a small file system")
def test_a_full_disk_stops_the_run_and_the_next_one_finishes(course: Course, ungraded: Course, tmp_path: Path) -> None:
    """On a file system of its own that is full but for a little, then larger."""
    kept_aside = tmp_path / "aside"
    shutil.copytree(ungraded.classroom, kept_aside)
    grading = f"{sys.executable} -m autograder.cli grade 02 --isolation process --workers 1 --classroom classroom"
    script = f"""
        mount -t tmpfs -o size=16m none classroom && cp -r {kept_aside}/. classroom
        head -c 100m /dev/zero > classroom/ballast 2>/dev/null
        truncate -s -300K classroom/ballast
        {grading} > {tmp_path}/first.out 2> {tmp_path}/first.err; echo $? > {tmp_path}/first
        rm classroom/ballast
        {grading} --workers 2 > {tmp_path}/second.out 2> {tmp_path}/second.err; echo $? > {tmp_path}/second
        cp -r classroom/. {tmp_path}/after
    """
    (tmp_path / "after").mkdir()
    subprocess.run(
        ["unshare", "--map-root-user", "--mount", "bash", "-c", script],
        cwd=ungraded.root, env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}, check=True, timeout=300,
    )  # fmt: skip
    message = (tmp_path / "first.err").read_text().strip().splitlines()[-1]
    assert (tmp_path / "first").read_text().strip() == "2", message
    assert message.startswith("autograder: ")
    assert "full" in message or "No space left" in message
    assert (tmp_path / "second").read_text().strip() == "0", (tmp_path / "second.err").read_text()
    after = Course(ungraded.root, tmp_path / "after")
    assert_same(course, after)
    assert not [path for path in after.classroom.rglob(".*") if path.is_file()]


def test_a_file_is_read_once_and_only_when_its_turn_comes(ungraded: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    monkeypatch.setattr(executors, "hand_in", lambda job: read.append(job.student) or HandedIn(None))
    jobs = [Job(str(number), NAME, Path("/nowhere"), "", None) for number in range(100)]
    with ThreadPoolExecutor(1) as pool:
        found = executors._windowed(lambda job: pool.submit(executors.hand_in, job), jobs, 1)
        next(found)
        assert len(read) <= 3
        found.close()

"""Spreads jobs over this process, worker processes or a cluster; the results are the same, in order of completion.

Only a few jobs are submitted at a time, and nothing of a finished one is kept: memory does not grow with the class.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from functools import partial
from multiprocessing import active_children, get_context
from typing import Any

from autograder.exercises import ASSIGNMENTS
from autograder.pipeline.course import CourseError
from autograder.pipeline.grading.submission import HandedIn, Job, Result, grade_submission, grader_failed, hand_in
from autograder.pipeline.grading.warm_sandbox import Setup, close, warm_sandbox
from autograder.pipeline.interrupts import delay_sigint, ignore_sigint_in_children
from autograder.sandbox.kernel.processes import die_with_parent

__all__ = ["grade_job", "grade_jobs", "grade_on_cluster"]

_ROUNDS = 3
_OUT_FOR_EACH = 2
"""Jobs submitted per worker: one running, one waiting."""

CONNECT_SECONDS = 15.0

Submit = Callable[[Job], "Future[Result]"]


def grade_jobs(jobs: Sequence[Job], workers: int, setup: Setup) -> Iterator[Result]:
    """Grades jobs on this machine; a job whose worker is killed is retried, and reported if that keeps happening."""
    if workers <= 1 or len(jobs) == 1:
        try:
            for job in jobs:
                yield grade_job(job, setup)
        finally:
            close()
        return
    left = list(jobs)
    for _ in range(_ROUNDS):
        lost: list[Job] = []
        yield from _in_processes(left, min(workers, len(left)), setup, lost)
        if not lost:
            return
        out = _OUT_FOR_EACH * workers
        left = [*lost[out:], *lost[:out]]  # the jobs that were running come last: one of them may be to blame
    for job in left:
        yield grader_failed(job, "its worker process was killed repeatedly")


def grade_job(job: Job, setup: Setup) -> Result:
    """Reads and grades one submission in this process."""
    return _grade(job, setup, hand_in(job))


def _grade(job: Job, setup: Setup, handed_in: HandedIn) -> Result:
    with ASSIGNMENTS.using(job.table), warm_sandbox(job.assignment, job.master, setup) as sandbox:
        return grade_submission(sandbox, job, handed_in, setup.device)


def _in_processes(jobs: Sequence[Job], workers: int, setup: Setup, lost: list[Job]) -> Iterator[Result]:
    """Grades jobs in worker processes; if one is killed, the jobs not finished by then go to `lost`."""
    others = set(active_children())
    pool: Executor = ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_settle_in)
    try:
        left = dict.fromkeys(jobs)
        with suppress(BrokenProcessPool):
            for job, future in _windowed(partial(_submit, pool, setup), jobs, workers):
                result = future.result()
                del left[job]
                yield result
        lost += left
    except BaseException:  # Ctrl-C, or the disk is full: do not wait for running jobs
        for worker in set(active_children()) - others:
            worker.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _submit(pool: Executor, setup: Setup, job: Job) -> Future[Result]:
    handed_in = hand_in(job)
    with delay_sigint(), ignore_sigint_in_children():  # the first submissions start the workers
        return pool.submit(_grade, job, setup, handed_in)


def _windowed(submit: Submit, jobs: Sequence[Job], workers: int) -> Iterator[tuple[Job, Future[Result]]]:
    """Submits jobs a few at a time; yields each with its finished future."""
    coming = iter(jobs)
    out: dict[Future[Result], Job] = {}
    while True:
        while len(out) < _OUT_FOR_EACH * workers and (job := next(coming, None)) is not None:
            out[submit(job)] = job
        if not out:
            return
        done, _ = wait(out, return_when=FIRST_COMPLETED)
        for future in done:
            yield out.pop(future), future


def _settle_in() -> None:
    """A worker process leaves Ctrl-C to its parent, and its warm server ends with it."""
    import signal
    from multiprocessing.util import Finalize

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    die_with_parent()
    Finalize(None, close, exitpriority=10)


# --- a cluster -------------------------------------------------------------------------------------------


def grade_on_cluster(jobs: Sequence[Job], address: str, setup: Setup) -> Iterator[Result]:
    """Grades jobs on a dask.distributed cluster; a job whose workers keep dying is reported.

    Raises:
        CourseError: dask.distributed is not installed, no scheduler answers, or the cluster has no workers.
    """
    client = _client(address)
    executor = client.get_executor(pure=False)
    try:
        workers = sum(client.nthreads().values())
        if not workers:
            raise CourseError(f"the scheduler at {address} has no workers: start some with dask worker {address}")
        submit = lambda job: executor.submit(_grade, job, setup, hand_in(job))  # noqa: E731
        for job, future in _windowed(submit, jobs, workers):
            error = future.exception()
            if isinstance(error, ValueError):  # the worker's machine lacks the isolation
                raise CourseError(f"a worker of {address}: {error}") from error
            yield future.result() if error is None else grader_failed(job, f"{type(error).__name__}: {error}")
        client.run(close)
    finally:
        executor.shutdown(wait=False)
        client.close()


def _client(address: str) -> Any:
    try:
        from distributed import Client
    except ModuleNotFoundError as error:
        raise CourseError(
            f"--scheduler needs the package {error.name}: .venv/bin/pip install --editable '.[cluster]'"
        ) from error
    try:
        return Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        raise CourseError(f"no scheduler answers at {address} ({' '.join(str(error).split())[:200]})") from error

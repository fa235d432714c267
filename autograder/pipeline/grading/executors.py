"""Spreads jobs over worker processes or a cluster; the results are the same, in order of completion.

Only a few jobs are submitted at a time, and nothing of a finished one is kept: memory does not grow with the class.
Nothing is judged in this process: even a single job has a worker of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from queue import SimpleQueue
from typing import Any

from autograder.pipeline.course import CourseError
from autograder.pipeline.grading.submission import HandedIn, Job, Result, grader_failed, hand_in
from autograder.pipeline.grading.warm_sandbox import Setup
from autograder.pipeline.grading.workers import Worker, close, grade_apart

__all__ = ["grade_job", "grade_jobs", "grade_on_cluster"]

_OUT_FOR_EACH = 2
"""Jobs submitted per worker: one running, one waiting."""

CONNECT_SECONDS = 15.0

Submit = Callable[[Job], "Future[Result]"]


def grade_job(job: Job, setup: Setup) -> Result:
    """Reads one submission and grades it in this process's own worker, which stays warm for the next one."""
    return grade_apart(job, setup, hand_in(job))


def grade_jobs(jobs: Sequence[Job], workers: int, setup: Setup) -> Iterator[Result]:
    """Grades jobs in worker processes on this machine, each watched by a thread of this one.

    Raises:
        SandboxError: the sandbox does not work, or no worker starts.
    """
    there = [Worker() for _ in range(max(1, min(workers, len(jobs))))]
    idle: SimpleQueue[Worker] = SimpleQueue()
    for worker in there:
        idle.put(worker)

    def grade(job: Job, handed_in: HandedIn) -> Result:
        worker = idle.get()
        try:
            return worker.grade(job, setup, handed_in)
        finally:
            idle.put(worker)

    threads = ThreadPoolExecutor(len(there), thread_name_prefix="worker")
    try:
        for _, future in _windowed(lambda job: threads.submit(grade, job, hand_in(job)), jobs, len(there)):
            yield future.result()
        for worker in there:  # all of them at once, because putting away a sandbox takes a moment
            worker.hang_up()
        for worker in there:
            worker.close()
    finally:  # Ctrl-C, or the disk is full: do not wait for running jobs
        for worker in there:
            worker.kill()
        threads.shutdown(cancel_futures=True)
        for worker in there:
            worker.close()


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


# --- a cluster -------------------------------------------------------------------------------------------


def grade_on_cluster(jobs: Sequence[Job], address: str, setup: Setup) -> Iterator[Result]:
    """Grades jobs on a dask.distributed cluster, whose workers each watch a worker process of this kind.

    A job whose machines keep failing is reported.

    Raises:
        CourseError: dask.distributed is not installed, no scheduler answers, or the cluster has no workers.
    """
    client = _client(address)
    executor = client.get_executor(pure=False)
    try:
        workers = sum(client.nthreads().values())
        if not workers:
            raise CourseError(f"the scheduler at {address} has no workers: start some with dask worker {address}")
        submit = lambda job: executor.submit(grade_apart, job, setup, hand_in(job))  # noqa: E731
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

"""Proof by mutation: the judge gets every mutant of two right answers; one that keeps full marks needs a reason.

A mutant that loses points is killed. One that does not is either the same function in other words, which
`mutations/equivalent/` says and gives a reason for, or it survives: then a case is missing.
"""

from __future__ import annotations

import contextlib
import difflib
import hashlib
import io
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from types import CodeType, FrameType, FunctionType
from typing import Any

from autograder.calls import Breach
from autograder.exercise import CaseResult, Exercise
from autograder.exercises import ASSIGNMENTS, find
from autograder.judge.evaluate import first_failure
from autograder.judge.growth import NAME as NO_LOOP
from autograder.mutations.equivalents import reason_for, unused
from autograder.mutations.mutants import Mutant, mutants
from autograder.mutations.scores import FILE, Score, kept, written_down
from autograder.mutations.subject import Subject, subject_of
from autograder.mutations.whole import Seen, Watch
from autograder.pipeline.course import CourseError
from autograder.pipeline.files import write_atomically
from autograder.sandbox.guest.messenger import loopback

__all__ = [
    "Judged", "Proof", "Trial", "chosen", "counts", "keep", "mutants_of", "problems", "prove", "subjects", "try_mutant",
]  # fmt: skip

SECRET = b"proof by mutation"
LOOPS = "loops"
PATIENCE = 3.0
"""A mutant gets this many times the processor time of the right answer, and at least `LEAST` seconds."""
LEAST = 2.0
SILENCE = 300.0
"""Seconds without a word after which the process that tries mutants is ended, and the one at hand counts as killed."""


@dataclass(frozen=True)
class Trial:
    """A mutant and what killed it; None if it has full marks."""

    mutant: str
    kind: str
    killed_by: str | None


@dataclass(frozen=True)
class Proof:
    """What became of the mutants of one exercise."""

    exercise: str
    trials: tuple[Trial, ...]
    seconds: float = 0.0
    reasons: dict[str, str] = field(default_factory=dict)

    @property
    def survivors(self) -> tuple[Trial, ...]:
        """Those with full marks and without a reason."""
        return tuple(each for each in self.trials if each.killed_by is None and each.mutant not in self.reasons)

    @property
    def score(self) -> Score:
        """The numbers of them."""
        killed = sum(trial.killed_by is not None for trial in self.trials)
        return Score(killed, len(self.reasons), len(self.survivors))

    @property
    def out_of_date(self) -> Sequence[str]:
        """Names under `mutations/equivalent/` that match nothing that has full marks."""
        return unused(self.exercise, [each.mutant for each in self.trials if each.killed_by is None])


# --- mutants of one exercise -------------------------------------------------------------------------------


def subjects(exercise: Exercise) -> tuple[Subject, ...]:
    """The two right answers that are mutated: the reference, and the one in loops.

    Where a guard belongs to the task (an error that has to be raised), the reference keeps its guards.
    """
    reference = subject_of(exercise.reference)
    if _failure(exercise, reference.answer(reference.text)) is not None:
        reference = subject_of(exercise.reference, guards=True)
    module = sys.modules[exercise.reference.__module__]
    declared = sys.modules[f"autograder.exercises.{exercise.id}"]
    names = {name: sys.modules[full] for name, full in _SETUP.items() if full in sys.modules}
    names = {**vars(module), **vars(declared), **names}
    return reference, Subject(LOOPS, exercise.name, exercise.right[LOOPS], names)


_SETUP = {"np": "numpy", "torch": "torch", "math": "math", "copy": "copy"}


SAMPLED = {"capstone.compress": 60}
"""Of exercises whose every judging trains for many seconds, so many mutants are tried, the same ones each time."""


def mutants_of(exercise: Exercise) -> list[tuple[Subject, Mutant]]:
    """Every mutant of both right answers; a fixed sample of a few exercises."""
    found = list(_all_mutants(exercise))
    most = SAMPLED.get(exercise.id, len(found))
    chosen = set(sorted((mutant.name for _, mutant in found), key=_digest)[:most])
    return [(subject, mutant) for subject, mutant in found if mutant.name in chosen]


def _digest(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()


def _all_mutants(exercise: Exercise) -> Iterator[tuple[Subject, Mutant]]:
    seen: Seen | None = None
    for subject in subjects(exercise):
        watched = None if seen is not None else _seen(exercise, subject)  # a wrapper is tried around one of the two
        for mutant in mutants(subject, watched):
            yield subject, mutant
        seen = watched


def _seen(exercise: Exercise, subject: Subject) -> Seen | None:
    answer = subject.answer(subject.text)
    if not isinstance(answer, FunctionType):
        return None
    watch = Watch(answer)
    _failure(exercise, watch)
    return watch.seen


class OutOfTime(BaseException):
    """A mutant took far more processor time than the right answer."""


def _failure(exercise: Exercise, answer: Any) -> CaseResult | None:
    """The first case that an answer fails. That it loops is no matter here: it says nothing about its numbers."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        return first_failure(exercise, loopback(answer), SECRET, ignored=(NO_LOOP,))


def _inside(frame: FrameType | None, code: CodeType) -> bool:
    """Whether a frame runs in a call of the function with that code."""
    while frame is not None and frame.f_code is not code:
        frame = frame.f_back
    return frame is not None


class Judged:
    """One right answer and the processor time that its mutants may take."""

    def __init__(self, exercise: Exercise, subject: Subject) -> None:
        self._exercise, self._subject = exercise, subject
        started = time.process_time()
        failed = _failure(exercise, subject.answer(subject.text))
        if failed is not None:
            raise AssertionError(f"{exercise.id}, {subject.style}: not right: {failed.name}: {failed.message}")
        self._seconds = max(LEAST, PATIENCE * (time.process_time() - started))

    def killed_by(self, mutant: Mutant) -> str | None:
        """The case that a mutant fails, or how it ended; None if it has full marks."""

        def stop(_: int, frame: FrameType | None) -> None:
            if _inside(frame, _failure.__code__):
                raise OutOfTime

        before = signal.signal(signal.SIGPROF, stop)
        signal.setitimer(signal.ITIMER_PROF, self._seconds, 1.0)
        try:
            failed = _failure(self._exercise, self._subject.answer(mutant.text))
        except OutOfTime:
            return "out of time"
        except Breach as breach:
            return breach.message
        except Exception as error:  # the text itself raised it, or the judge could not follow
            return type(error).__name__
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.signal(signal.SIGPROF, before)
        return None if failed is None else failed.name


def try_mutant(judged: Judged, mutant: Mutant) -> Trial:
    """What becomes of one mutant."""
    return Trial(mutant.name, mutant.kind, judged.killed_by(mutant))


# --- many exercises ------------------------------------------------------------------------------------------


def prove(ids: Sequence[str], workers: int, advance: Callable[[int, int], None] | None = None) -> list[Proof]:
    """Tries every mutant of every exercise, in as many processes; the order is that of the ids.

    Args:
        ids: of exercises.
        workers: how many processes.
        advance: is told how many exercises are done, of how many.
    """
    waiting, running, done = list(ids), dict[Connection, _Worker](), dict[str, Proof]()
    while waiting or running:
        while waiting and len(running) < workers:
            worker = _Worker(waiting.pop(0))
            running[worker.connection] = worker
        spoken = [running[each] for each in wait(list(running), timeout=1.0) if isinstance(each, Connection)]
        for worker in spoken or list(running.values()):
            running.pop(worker.connection)
            if worker.goes_on():
                running[worker.connection] = worker
                continue
            done[worker.exercise] = worker.proof()
            if advance is not None:
                advance(len(done), len(ids))
    return [done[each] for each in ids]


class _Worker:
    """A process that tries the mutants of one exercise; where a mutant ends it, the next process goes on."""

    def __init__(self, exercise: str) -> None:
        self.exercise = exercise
        self._trials: list[Trial] = []
        self._started = self._heard = time.monotonic()
        self._names: list[tuple[str, str]] | None = None
        self._start()

    def _start(self) -> None:
        context = multiprocessing.get_context("fork")
        self.connection, theirs = context.Pipe()
        self._process = context.Process(target=_try_all, args=(self.exercise, len(self._trials), theirs), daemon=True)
        self._process.start()
        theirs.close()

    def goes_on(self) -> bool:
        """Reads what has come; False when all mutants are tried."""
        if not self.connection.poll():
            if time.monotonic() - self._heard < SILENCE:
                return True
            self._process.kill()
        self._heard = time.monotonic()
        try:
            said = self.connection.recv()
        except EOFError:
            return self._died()
        if isinstance(said, list):
            self._names = said
        elif isinstance(said, Trial):
            self._trials.append(said)
        else:
            if said:
                raise AssertionError(said)
            self._process.join()
            return False
        return True

    def _died(self) -> bool:
        self._process.join()
        if self._names is None or len(self._trials) >= len(self._names):
            raise AssertionError(f"{self.exercise}: the process ended with {self._process.exitcode}")
        name, kind = self._names[len(self._trials)]
        self._trials.append(Trial(name, kind, f"the process ended with {self._process.exitcode}"))
        self._start()
        return True

    def proof(self) -> Proof:
        """Everything that was tried."""
        alive = [trial.mutant for trial in self._trials if trial.killed_by is None]
        reasons = {name: reason for name in alive if (reason := reason_for(self.exercise, name))}
        return Proof(self.exercise, tuple(self._trials), time.monotonic() - self._started, reasons)


def _try_all(exercise_id: str, start: int, connection: Connection) -> None:
    """In a process of its own: sends the names, each trial, then None; or what is wrong with the right answer."""
    os.setpriority(os.PRIO_PROCESS, 0, 5)
    try:
        exercise = find(exercise_id)
        everything = mutants_of(exercise)
        connection.send([(mutant.name, mutant.kind) for _, mutant in everything])
        answers = {id(subject): subject for subject, _ in everything}
        judged = {key: Judged(exercise, subject) for key, subject in answers.items()}
        for subject, mutant in everything[start:]:
            connection.send(try_mutant(judged[id(subject)], mutant))
        connection.send(None)
    except AssertionError as error:
        connection.send(str(error))


# --- what the command line needs ---------------------------------------------------------------------------


def chosen(names: Sequence[str] | None) -> list[str]:
    """The ids that names of exercises or topics stand for; all of the course without any.

    Raises:
        CourseError: the course has neither an exercise nor a topic of that name.
    """
    everything = list(ASSIGNMENTS.table.asked)
    found: list[str] = []
    for name in names or []:
        matching = [id_ for id_ in everything if name in (id_, id_.partition(".")[0])]
        if not matching:
            near = difflib.get_close_matches(name, everything, n=1)
            cure = f"did you mean {near[0]}?" if near else "name an exercise, such as linear.softmax, or a topic"
            raise CourseError(f"there is no exercise or topic {name!r}: {cure}")
        found += matching
    return list(dict.fromkeys(found)) if names else everything


def counts(proof: Proof) -> tuple[int, int, int]:
    """Killed, equivalent and surviving mutants."""
    return proof.score.killed, proof.score.equivalent, proof.score.surviving


def problems(proofs: Sequence[Proof]) -> list[str]:
    """What an author has to mend: survivors, reasons that match nothing any more, a score that fell."""
    before, found = kept(), []
    for proof in proofs:
        score, id_ = proof.score, proof.exercise
        if score.surviving:
            found.append(f"{id_}: {score.surviving} mutants keep full marks without a reason: see --survivors")
        found += [f"{id_}: no mutant with full marks is called {name!r}: take it out" for name in proof.out_of_date]
        if id_ in before and score.percent < before[id_].percent - 1e-9:
            found.append(f"{id_}: the score fell from {before[id_].percent:.1f} to {score.percent:.1f} %")
    return found


def keep(proofs: Sequence[Proof]) -> None:
    """Writes the scores down, in the course's order; those of other exercises stay."""
    scores = kept() | {proof.exercise: proof.score for proof in proofs}
    ordered = {id_: scores[id_] for id_ in ASSIGNMENTS.table.asked if id_ in scores}
    write_atomically(FILE, written_down(ordered))

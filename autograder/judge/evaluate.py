"""Judges one exercise: every case and property in order, then points, status and diagnosis."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain

from autograder.calls import Breach, Call, Forbidding, Status
from autograder.exercise import CaseResult, Exercise, Verdict
from autograder.judge.caps import capped
from autograder.judge.cases import hidden_generator, visible_generator
from autograder.judge.devices import one_thread
from autograder.judge.diagnose import Diagnosis, diagnose
from autograder.judge.explain import explained
from autograder.judge.growth import NAME as NO_LOOP
from autograder.judge.growth import try_growth
from autograder.judge.prepared import Prepared, prepared
from autograder.judge.relations import common
from autograder.judge.rules import parameters_of
from autograder.judge.trial import Trial, try_case, try_property
from autograder.judge.unwritten import cure

__all__ = ["Evaluation", "evaluate", "first_failure", "stopped"]


def evaluate(exercise: Exercise, call: Call, *, secret: bytes | None = None, device: str = "cpu") -> Verdict:
    """Judges the answer that `call` reaches.

    Args:
        exercise: what the student was asked to write.
        call: calls the student's function; a `Breach` it raises ends this exercise with the breach's status, and
            the groups that are complete by then keep their points.
        secret: seeds the hidden cases; None leaves them out (the student's own check).
        device: the device of the cases' tensors; tensors in answers are expected there too.
    """
    if exercise.rules.forbids and isinstance(call, Forbidding):
        call = call.forbidding(exercise.rules.forbids)
    evaluation = Evaluation(exercise, secret, device)
    evaluation.try_visible(call)
    evaluation.try_hidden(call)
    return evaluation.verdict()


def first_failure(
    exercise: Exercise, call: Call, secret: bytes, *, ignored: Container[str] = (), device: str = "cpu"
) -> CaseResult | None:
    """The first case or property, visible or hidden, that an answer fails; None if it gets full marks.

    Args:
        exercise: what was asked.
        call: calls the answer.
        secret: seeds the hidden cases.
        ignored: names of cases that do not count.
        device: the device of the cases' tensors.
    """
    if exercise.rules.forbids and isinstance(call, Forbidding):
        call = call.forbidding(exercise.rules.forbids)
    with one_thread():
        plan = prepared(exercise, secret, device)
        trials = chain(_visible_trials(exercise, call, plan), _hidden_trials(exercise, call, plan, ignored))
        results = (trial.result for trial in trials)
        try:
            return next((each for each in results if not each.passed and each.name not in ignored), None)
        except Breach as error:
            return CaseResult("", "", False, False, error.message, "breach")


class Evaluation:
    """One exercise's judging in two parts: of visible cases a student is shown what the function answered.

    So the visible part of every exercise of a notebook comes before the hidden part of any: no answer that is shown can
    contain what another function was called with on a hidden case.
    """

    def __init__(self, exercise: Exercise, secret: bytes | None, device: str = "cpu") -> None:
        """Takes what `evaluate` takes, except the call."""
        self.exercise = exercise
        self.breach: Breach | None = None
        self.slip: tuple[str, ...] = ()
        self._found: tuple[int, Diagnosis | None] = 0, None
        self._device = device
        self._trials: list[Trial] = []
        with one_thread():
            self._plan = prepared(exercise, secret, device)

    def try_visible(self, call: Call) -> None:
        """Tries the visible cases and properties."""
        self._try(_visible_trials(self.exercise, call, self._plan))

    def try_hidden(self, call: Call) -> None:
        """Tries the rest."""
        self._try(_hidden_trials(self.exercise, call, self._plan))

    def _try(self, trials: Iterator[Trial]) -> None:
        if self.breach is not None:
            return
        with one_thread():
            try:
                for trial in trials:
                    self._trials.append(trial)
            except Breach as error:
                self.breach = error

    @property
    def all_passed(self) -> bool:
        """Whether nothing that was tried so far has failed."""
        return self.breach is None and all(trial.result.passed for trial in self._trials)

    @property
    def passed(self) -> int:
        """How many of the cases and properties that were tried so far have passed."""
        return sum(trial.result.passed for trial in self._trials)

    @property
    def missing(self) -> tuple[str, ...]:
        """The names that visible cases found not to be defined."""
        return tuple(dict.fromkeys(trial.result.missing for trial in self._trials if trial.result.missing))

    def diagnosis(self) -> Diagnosis | None:
        """The known mistake that explains what was tried so far; worked out once, because it may train."""
        if self._found[0] != len(self._trials):
            failed = any(not trial.result.passed for trial in self._trials)
            with one_thread():
                found = diagnose(self.exercise, self._trials, self._device) if failed else None
            self._found = len(self._trials), found
        return self._found[1]

    def explain(self, call: Call, text: str, seconds: float) -> tuple[str, ...]:
        """Looks for the slip in an answer that fails visible cases and that no known mistake explains.

        Args:
            call: as for `try_visible`; its process may be gone afterwards, but what was tried stays as it is.
            text: the answer's definitions, on the lines of their cell.
            seconds: how long the search may take.
        """
        if self.breach is not None or all(trial.result.passed or trial.result.hidden for trial in self._trials):
            return ()
        if _cure(self._trials) or all(
            trial.result.kind == "not_written" for trial in self._trials if not trial.result.passed
        ):
            return ()
        if self.diagnosis() is None:
            with one_thread():
                self.slip = explained(self.exercise, self._plan, self._trials, call, text, seconds=seconds)
        return self.slip

    def stop(self, breach: Breach) -> None:
        """Ends the judging here, unless it has ended already; what was not tried counts as failed."""
        self.breach = self.breach or breach

    def verdict(self) -> Verdict:
        """Points, status and diagnosis from what was tried."""
        with one_thread():
            untried = _untried(self.exercise, self._trials, self._plan, self.breach)
            verdict = _verdict(self.exercise, self._trials, self.breach, untried, self.diagnosis())
            if verdict.diagnosis or verdict.status is Status.PASSED:
                return capped(verdict)
            shared = () if self.slip else self._shared()
        told = replace(verdict, slip=self.slip, remarks=(*shared, *verdict.remarks))
        return capped(told.helped(hints=len(self.exercise.hints), slip_steps=self.exercise.slip_steps))

    def _shared(self) -> tuple[str, ...]:
        """What only the failing cases share, where nothing else can be said."""
        expected = {} if self.exercise.accepts is not None else self._plan.expected_by_name
        said = common(self._trials, expected, parameters_of(self.exercise))
        return (said,) if said else ()


def _visible_trials(exercise: Exercise, call: Call, plan: Prepared) -> Iterator[Trial]:
    for ready in plan.visible:
        yield try_case(exercise, ready, call, hidden=False, measured=plan.secret is not None)
    for prop in exercise.properties:
        yield try_property(exercise, prop, call, visible_generator(exercise), hidden=False, device=plan.device)


def _hidden_trials(exercise: Exercise, call: Call, plan: Prepared, ignored: Container[str] = ()) -> Iterator[Trial]:
    secret, device = plan.secret, plan.device
    if secret is not None:
        for ready in plan.hidden:
            yield try_case(exercise, ready, call, hidden=True)
        for prop in exercise.properties:
            yield try_property(exercise, prop, call, hidden_generator(exercise, secret), hidden=True, device=device)
    if (
        exercise.rules.vectorised is not None and NO_LOOP not in ignored
    ):  # last, so that a loop that takes too long costs no other group
        yield try_growth(exercise, call, plan)


def _untried(
    exercise: Exercise, trials: Sequence[Trial], plan: Prepared, breach: Breach | None
) -> tuple[CaseResult, ...]:
    if breach is None:
        return ()
    planned = [(ready.case.name, ready.case.group, False) for ready in plan.visible]
    planned += [(prop.name, prop.group, False) for prop in exercise.properties]
    if plan.secret is not None:
        planned += [(ready.case.name, ready.case.group, True) for ready in plan.hidden]
        planned += [(prop.name, prop.group, True) for prop in exercise.properties]
    if exercise.rules.vectorised is not None:
        planned.append((NO_LOOP, exercise.rules.vectorised.group, False))
    left = planned[len(trials) :]
    messages = [breach.message] + ["not run, because an earlier case ended the process"] * len(left)
    called_with = (("called with", breach.called_with),) if breach.called_with else ()
    return tuple(
        CaseResult(name, group, hidden, False, message, "breach", called_with if index == 0 else ())
        for index, ((name, group, hidden), message) in enumerate(zip(left, messages, strict=False))
    )


def _verdict(
    exercise: Exercise,
    trials: Sequence[Trial],
    breach: Breach | None,
    untried: tuple[CaseResult, ...],
    found: Diagnosis | None,
) -> Verdict:
    results = (*(trial.result for trial in trials), *untried)
    failed_groups = {result.group for result in results if not result.passed}
    points = float(sum(worth for group, worth in exercise.groups.items() if group not in failed_groups))
    failed = [result for result in results if not result.passed]
    return Verdict(
        id=exercise.id,
        status=breach.status if breach is not None else _status(trials, failed, points),
        points=points,
        max_points=float(exercise.points),
        message=breach.message if breach is not None else _message(exercise, failed),
        diagnosis=found.sentence if found is not None else "",
        misconception=found.name if found is not None else "",
        cases=results,
        remarks=_one_of_each(remark for trial in trials for remark in trial.remarks),
        hints=exercise.hints if failed else (),
        cure=_cure(trials),
    )


def _cure(trials: Sequence[Trial]) -> str:
    """What to do first where not the answer is wrong, but a line that was given, a function that it calls, a file."""
    shown = [trial for trial in trials if not trial.result.passed and not trial.result.hidden]
    return cure(shown[0].outcome.raised) if shown and shown[0].outcome is not None else ""


def _one_of_each(remarks: Iterable[str]) -> tuple[str, ...]:
    """Each remark once; those that differ only in an index or a length count as the same."""
    kinds: dict[str, str] = {}
    for remark in remarks:
        kinds.setdefault(re.sub(r"\[\d+\]| of \d+", "", remark), remark)
    return tuple(kinds.values())


def _status(trials: Sequence[Trial], failed: Sequence[CaseResult], points: float) -> Status:
    if not failed:
        return Status.PASSED
    if all(result.kind == "not_written" for result in failed) and len(failed) == len(trials):
        return Status.NOT_WRITTEN
    exhausted = {
        trial.outcome.raised.kind for trial in trials if trial.outcome is not None and trial.outcome.raised is not None
    }
    if exhausted & {"MemoryError", "_ArrayMemoryError"}:
        return Status.MEMORY
    if exhausted & {"SystemExit"}:
        return Status.EXITED
    if points > 0:
        return Status.PARTIAL
    return Status.ERROR if failed[0].kind == "exception" else Status.FAILED


def _message(exercise: Exercise, failed: Sequence[CaseResult]) -> str:
    if not failed:
        return ""
    if all(result.kind == "not_written" for result in failed):
        return "not written yet"
    first = failed[0]
    if first.hidden:
        return f"the visible cases pass; a hidden one does not: {first.name}: {first.message}"
    return f"{first.name}: {first.message}"


def stopped(exercise_id: str, max_points: float, status: Status, message: str) -> Verdict:
    """A verdict reached without a call: the cell before the check failed, or the notebook could not be read."""
    return Verdict(exercise_id, status, 0.0, max_points, message)

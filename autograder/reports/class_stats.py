"""A class's verdicts summed up: the scores, and for each exercise what to teach again."""

from __future__ import annotations

import statistics
from collections import Counter
from dataclasses import dataclass

from autograder.calls import Status
from autograder.exercise import ClassGrading, Graded, Verdict
from autograder.reports.words import look_of, one_line, percent

__all__ = [
    "AssignmentSummary",
    "ExerciseSummary",
    "HardCase",
    "HeldMisconception",
    "commonest_misconceptions",
    "summarise",
]


@dataclass(frozen=True)
class HeldMisconception:
    """A misconception: the exercise, the sentence that helps, and the students who hold it."""

    exercise: str
    sentence: str
    students: tuple[str, ...]


@dataclass(frozen=True)
class HardCase:
    """A hidden case that students miss: how many missed it, how many it was tried on, the most common difference."""

    name: str
    missed: int
    tried: int
    kind: str


@dataclass(frozen=True)
class ExerciseSummary:
    """One exercise over a class; `share` is the mean percentage of its points."""

    id: str
    total: int
    counts: tuple[tuple[Status, int], ...]
    share: float
    held: tuple[HeldMisconception, ...]
    hardest: tuple[HardCase, ...]

    @property
    def passed(self) -> int:
        """How many students have full marks."""
        return dict(self.counts).get(Status.PASSED, 0)


@dataclass(frozen=True)
class AssignmentSummary:
    """One assignment over a class; scores in percent, in the order of `submissions`."""

    name: str
    submissions: tuple[Graded, ...]
    scores: tuple[float, ...]
    exercises: tuple[ExerciseSummary, ...]

    @property
    def mean(self) -> float:
        """Mean score in percent."""
        return statistics.fmean(self.scores)

    @property
    def median(self) -> float:
        """Median score in percent."""
        return statistics.median(self.scores)

    def histogram(self) -> tuple[int, ...]:
        """How many scores lie in each tenth; 100 percent belongs to the last."""
        counts = Counter(min(9, int(score / 10 + 1e-9)) for score in self.scores)
        return tuple(counts[index] for index in range(10))


def summarise(grading: ClassGrading) -> tuple[AssignmentSummary, ...]:
    """A summary for each assignment, assignments and students sorted by name."""
    names = sorted({graded.assignment for graded in grading.submissions})
    return tuple(
        _assignment(name, [graded for graded in grading.submissions if graded.assignment == name]) for name in names
    )


def commonest_misconceptions(
    summaries: tuple[AssignmentSummary, ...], least: int = 1, most: int = 6
) -> tuple[HeldMisconception, ...]:
    """The `most` most common misconceptions over all exercises, each held by `least` students or more."""
    everything = [held for summary in summaries for exercise in summary.exercises for held in exercise.held]
    everything = [held for held in everything if len(held.students) >= least]
    return tuple(sorted(everything, key=lambda held: -len(held.students))[:most])


def _assignment(name: str, submissions: list[Graded]) -> AssignmentSummary:
    ordered = tuple(sorted(submissions, key=lambda graded: graded.student))
    longest = max(ordered, key=lambda graded: len(graded.exercises))
    everything = [(graded.student, verdict) for graded in ordered for verdict in graded.exercises]
    ids = dict.fromkeys([verdict.id for verdict in longest.exercises] + [verdict.id for _, verdict in everything])
    return AssignmentSummary(
        name,
        ordered,
        tuple(percent(graded.score, graded.max_score) for graded in ordered),
        tuple(_exercise(id_, [pair for pair in everything if pair[1].id == id_]) for id_ in ids),
    )


def _exercise(id_: str, pairs: list[tuple[str, Verdict]]) -> ExerciseSummary:
    verdicts = [verdict for _, verdict in pairs]
    counts = Counter(verdict.status for verdict in verdicts)
    return ExerciseSummary(
        id_,
        len(verdicts),
        tuple((status, counts[status]) for status in Status if counts[status]),
        percent(sum(verdict.points for verdict in verdicts), sum(verdict.max_points for verdict in verdicts)),
        _held(id_, pairs),
        _hardest(verdicts),
    )


def _held(id_: str, pairs: list[tuple[str, Verdict]]) -> tuple[HeldMisconception, ...]:
    students: dict[str, list[str]] = {}
    sentences: dict[str, Counter[str]] = {}
    for student, verdict in pairs:
        if not verdict.diagnosis or verdict.status is Status.PASSED:
            continue
        key = verdict.misconception or verdict.diagnosis
        students.setdefault(key, []).append(student)
        sentences.setdefault(key, Counter())[verdict.diagnosis] += 1
    found = [
        HeldMisconception(id_, one_line(sentences[key].most_common(1)[0][0], 500), tuple(who))
        for key, who in students.items()
    ]
    return tuple(sorted(found, key=lambda held: -len(held.students)))


def _hardest(verdicts: list[Verdict], most: int = 2) -> tuple[HardCase, ...]:
    tried: Counter[str] = Counter()
    kinds: dict[str, Counter[str]] = {}
    for verdict in verdicts:
        if verdict.status is Status.NOT_WRITTEN:
            continue
        for case in verdict.cases:
            if case.hidden:
                tried[case.name] += 1
                if not case.passed:
                    kinds.setdefault(case.name, Counter())[case.kind] += 1
    found = [
        HardCase(
            one_line(name, 80),
            missed.total(),
            tried[name],
            look_of(missed.most_common(1)[0][0]).title.lower(),
        )
        for name, missed in kinds.items()
    ]
    return tuple(sorted(found, key=lambda case: -case.missed / case.tried)[:most])

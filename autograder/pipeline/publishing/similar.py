"""Finds similar submissions: answers are compared with each other after the release's own text is removed.

Code is cut into tokens; comments and layout are dropped, and all names that the student chose count as the same, so
renaming hides nothing. Of each student's short runs of tokens only those are kept that are rare in the class: what many
write is simply how the exercise is solved. The share of these that two students have in common is their similarity.
A high share is a reason to read both, not proof.
"""

from __future__ import annotations

import builtins
import keyword
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations

import nbformat
from nbformat import NotebookNode

from autograder.pipeline.cells import grade_id, is_solution
from autograder.pipeline.course import Course, CourseError
from autograder.pipeline.grading.grade import unusable_names
from autograder.pipeline.grading.submission import Job, chosen, hand_in
from autograder.pipeline.intake.class_folder import look_into
from autograder.pipeline.intake.notebook_file import Unreadable
from autograder.pipeline.intake.reader_process import close, read_apart
from autograder.pipeline.intake.restore import restore
from autograder.pipeline.release_version import released

__all__ = ["Alike", "Answers", "answers_of_class", "pairs", "similar"]

_RUN = 6
_WORDS = 5
_LONGEST = 50_000
_FEWEST = 12
"""A student with fewer rare runs is not compared."""
_TOKEN = re.compile(
    r"""(?P<comment>\#[^\n]*)
    |(?P<string>[rbuf]{0,2}(?:\"{3}.{0,2000}?\"{3}|'{3}.{0,2000}?'{3}
        |"(?:\\.|[^"\\\n]){0,300}"|'(?:\\.|[^'\\\n]){0,300}'))
    |(?P<number>\d[\w.]*)|(?P<name>[^\W\d]\w*)|(?P<mark>\*\*=?|//=?|[-+*/%@&|^<>=!:]=|->|<<|>>|[^\s\w])""",
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
"""Strings have a maximum length, so that a cell full of quotes takes linear time."""
_COMMON_NAMES = {*keyword.kwlist, *dir(builtins), "np", "torch", "math", "F", "nn", "self"}

Answers = Mapping[str, str]
"""A student's answers by grade id, without the release's own lines."""


@dataclass(frozen=True)
class Alike:
    """Two students: the share of the smaller set of rare runs that both have, by exercise, and the longest passage."""

    assignment: str
    one: str
    two: str
    share: float
    word_for_word: float
    by_exercise: tuple[tuple[str, float], ...]
    passage: str

    def line(self) -> str:
        """The pair on one readable line."""
        where = ", ".join(f"{name} {100 * share:.0f} %" for name, share in self.by_exercise[:5])
        return (
            f"{self.assignment}: {self.one} and {self.two} are {100 * self.share:.0f} % similar, "
            f"{100 * self.word_for_word:.0f} % word for word ({where})"
        )


@dataclass
class _Work:
    """One student's answers, cut up: runs of tokens by their hash, each with the exercises it occurs in."""

    renamed: dict[int, set[str]] = field(default_factory=dict)
    literal: set[int] = field(default_factory=set)
    lines: dict[str, list[str]] = field(default_factory=dict)


def similar(
    course: Course, assignments: Iterable[str], at_least: float, progress: Callable[[int, int], None] | None = None
) -> list[Alike]:
    """The pairs of a class whose answers are similar, the most similar first.

    Raises:
        CourseError: nobody handed anything in.
    """
    found: list[Alike] = []
    names = list(assignments)
    for done, assignment in enumerate(names, start=1):
        found += pairs(assignment, answers_of_class(course, assignment), at_least)
        if progress is not None:
            progress(done, len(names))
    return sorted(found, key=lambda pair: (-pair.share, pair.assignment, pair.one, pair.two))


def answers_of_class(course: Course, assignment: str) -> dict[str, Answers]:
    """What everyone wrote into the solution cells; students without a readable answer are left out."""
    if not course.submitted.is_dir():
        raise CourseError(f"{course.submitted} does not exist: collect submissions there first")
    text = course.release(assignment).read_text("utf-8")
    master = nbformat.reads(text, as_version=4)
    given = _given(released(master))
    left_out = set(unusable_names(course))
    there = look_into(course)
    try:
        everyone = {}
        for name in there.students:
            if name not in left_out:
                elsewhere = there.elsewhere.get((name, assignment), ())
                job = Job(name, assignment, course.submitted / name / assignment, text, None, elsewhere=elsewhere)
                everyone[name] = _answers(job, master, given)
    finally:
        close()
    return {student: answers for student, answers in everyone.items() if answers}


def _given(master: NotebookNode) -> set[str]:
    return {line.strip() for cell in master.cells for line in cell.source.split("\n")}


def _answers(job: Job, master: NotebookNode, given: set[str]) -> Answers:
    try:
        handed_in = chosen(job, hand_in(job))
        if handed_in.data is None:
            return {}
        cells = restore(master, read_apart(handed_in.data)).notebook.cells
    except (Unreadable, OSError):
        return {}
    answers: dict[str, str] = {}
    for cell in cells:
        name = grade_id(cell) if is_solution(cell) else "extra cells" if not grade_id(cell) else ""
        lines = [line for line in cell.source.split("\n") if line.strip() not in given]
        if name and lines:
            answers[name] = "\n".join(filter(None, [answers.get(name), *lines]))
    return answers


# --- comparing -------------------------------------------------------------------------------------------


def pairs(assignment: str, everyone: Mapping[str, Answers], at_least: float) -> list[Alike]:
    """The pairs that have at least this share, between 0 and 1, of their rare runs in common."""
    works = {student: _cut(answers) for student, answers in everyone.items()}
    rare = _rare([work.renamed for work in works.values()])
    own = {student: {run for run in work.renamed if run in rare} for student, work in works.items()}
    holders: dict[int, list[str]] = {}
    for student, runs in own.items():
        for run in runs if len(runs) >= _FEWEST else ():
            holders.setdefault(run, []).append(student)
    shared = Counter(pair for students in holders.values() for pair in combinations(sorted(students), 2))
    found = []
    for (one, two), count in shared.items():
        share = count / min(len(own[one]), len(own[two]))
        if share >= at_least and count >= _FEWEST:
            found.append(_compared(assignment, one, two, share, works, own[one] & own[two], own))
    return found


def _rare(of_each: list[dict[int, set[str]]]) -> set[int]:
    """Runs that few have: at most a tenth of the class, or two students if that is more."""
    counts = Counter(run for runs in of_each for run in runs)
    most = max(2, len(of_each) // 10)
    return {run for run, count in counts.items() if count <= most}


def _compared(
    assignment: str,
    one: str,
    two: str,
    share: float,
    works: Mapping[str, _Work],
    both: set[int],
    own: Mapping[str, set[int]],
) -> Alike:
    smaller = min((one, two), key=lambda student: len(own[student]))
    all_of = Counter(name for run in own[smaller] for name in works[smaller].renamed[run])
    shared = Counter(name for run in both for name in works[smaller].renamed[run])
    exercises = sorted(((name, shared[name] / all_of[name]) for name in shared), key=lambda pair: (-pair[1], pair[0]))
    literal = works[one].literal & works[two].literal
    whole = min(len(works[one].literal), len(works[two].literal))
    passage = max((_passage(works[one], works[two], name) for name, _ in exercises), key=len, default="")
    return Alike(assignment, one, two, share, len(literal) / max(whole, 1), tuple(exercises), passage)


def _passage(one: _Work, two: _Work, name: str) -> str:
    """The longest run of lines in one exercise that both have, ignoring layout."""
    mine, theirs = one.lines.get(name, []), two.lines.get(name, [])
    best, end = 0, 0
    ending = [0] * (len(theirs) + 1)
    for i, line in enumerate(mine):
        before = ending[:]
        for j, other in enumerate(theirs):
            ending[j + 1] = before[j] + 1 if line == other else 0
            if ending[j + 1] > best:
                best, end = ending[j + 1], i + 1
    return "\n".join(mine[end - best : end])


def _cut(answers: Answers) -> _Work:
    work = _Work()
    for name, source in answers.items():
        renamed, literal = list(_tokens(source, rename=True)), list(_tokens(source, rename=False))
        size = _RUN if any(mark in source for mark in "=()") else _WORDS
        for run in _runs(renamed, size):
            work.renamed.setdefault(run, set()).add(name)
        work.literal.update(_runs(literal, size))
        work.lines[name] = [line.rstrip() for line in source.split("\n") if line.strip()][:400]
    return work


def _runs(tokens: list[str], size: int) -> Iterator[int]:
    for start in range(len(tokens) - size + 1):
        yield hash(tuple(tokens[start : start + size]))


def _tokens(source: str, *, rename: bool) -> Iterator[str]:
    before = ""
    for match in _TOKEN.finditer(source[:_LONGEST]):
        kind, text = match.lastgroup, match.group()
        if kind == "comment":
            continue
        if rename and kind == "string":
            text = "''"
        elif rename and kind == "name" and before != "." and text not in _COMMON_NAMES:
            text = "name"
        before = text
        yield text

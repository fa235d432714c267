"""Who is alike: copies are found through renaming and new layout, independent work is not."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest
import solutions_linear
from small_class import ROOT

from autograder.pipeline.authoring.simulate import fill_in
from autograder.pipeline.course import Course, CourseError
from autograder.pipeline.publishing.similar import Alike, answers_of_class, pairs, similar

NAME = "01_linear_classification"
LOOPS, OTHER = solutions_linear.STYLES["loops"], solutions_linear.STYLES["other formula"]
PROSE = "A line has two sides, and the four points of XOR cannot be put on them as their classes ask, however it lies."


def renamed(answers: dict[str, str]) -> dict[str, str]:
    """The same work with other names of its own, other comments and other layout."""

    def disguise(source: str) -> str:
        own = set(re.findall(r"^\s+(\w+) = ", source, re.MULTILINE)) | set(re.findall(r"for (\w+) in", source))
        for name in own:
            source = re.sub(rf"(?<![.\w]){name}\b(?!\()", f"my_{name}", source)
        return "# I thought of this\n" + source.replace("\n", "  # so\n")

    return {name: disguise(source) for name, source in answers.items()}


@pytest.fixture
def course(tmp_path: Path) -> Course:
    made = Course(ROOT, tmp_path)
    text = made.release(NAME).read_text("utf-8")
    class_ = {
        "ada": (LOOPS, PROSE),
        "bob": (renamed(LOOPS), "Something quite different, which nobody else in this class has thought of yet."),
        "cy": (OTHER, None),
        "blank": ({}, None),
        "half": (dict(list(OTHER.items())[:2]), None),
    }
    for student, (answers, prose) in class_.items():
        path = made.submission(student, NAME)
        path.parent.mkdir(parents=True)
        path.write_text(nbformat.writes(fill_in(nbformat.reads(text, as_version=4), answers, prose)))
    broken = made.submission("broken", NAME)
    broken.parent.mkdir(parents=True)
    broken.write_text(text[:500])
    return made


def test_a_renamed_copy_is_found_and_independent_work_is_not(course: Course) -> None:
    found = similar(course, [NAME], 0.6)
    assert {(pair.one, pair.two) for pair in found} == {("ada", "bob"), ("cy", "half")}
    pair = next(pair for pair in found if pair.one == "ada")
    assert pair.share > 0.9
    assert pair.word_for_word < pair.share
    assert dict(pair.by_exercise)["perceptron_fit"] > 0.9
    assert pair.line().startswith(f"{NAME}: ada and bob are {100 * pair.share:.0f} % similar")


def test_the_release_itself_is_no_one_s_work(course: Course) -> None:
    everyone = answers_of_class(course, NAME)
    assert set(everyone) == {"ada", "bob", "cy", "half"}
    assert "scores" not in {line.strip() for line in everyone["ada"]["scores"].split("\n")}
    assert not any("NotImplementedError" in text for text in everyone["ada"].values())


def test_what_many_write_says_nothing() -> None:
    same = {"f": "def f(x):\n    return np.exp(x) / np.exp(x).sum() + np.log(x).mean() * np.sqrt(x).max() - x[0] // 3"}
    class_ = {f"s{number}": same for number in range(12)}
    assert pairs("a", class_, 0.1) == []
    assert len(pairs("a", {"s1": same, "s2": same}, 0.1)) == 1


def test_prose_is_compared_by_words(course: Course) -> None:
    alone = {
        "ada": {"why": PROSE},
        "bob": {"why": f"I think: {PROSE}"},
        "cy": {"why": "No."},
    }
    (pair,) = pairs("a", alone, 0.5)
    assert (pair.one, pair.two, dict(pair.by_exercise).keys()) == ("ada", "bob", {"why"})


def test_the_longest_passage_is_shown() -> None:
    body = [
        f"    v{i} = np.{name}(x[{i}]) + {i} * x" for i, name in enumerate(("exp", "log", "sin", "cos", "tan", "abs"))
    ]
    one = "\n".join(["def f(x):", *body, "    return v0"])
    two = "\n".join(["def f(x):", "    print(x)", *body[1:5], "    return v1 + v2"])
    (pair,) = pairs("a", {"ada": {"f": one}, "bob": {"f": two}}, 0.1)
    assert pair.passage.split("\n") == body[1:5]


@pytest.mark.parametrize(
    "source",
    ["'" * 5000, '"""' * 999, "(" * 100_000, "#" * 100_000, "\\" * 9999, "a" * 200_000, "'\\" * 50_000, "\0\ufffd"],
)
def test_nothing_that_students_write_takes_long_or_raises(source: str) -> None:
    assert isinstance(pairs("a", {"ada": {"f": source}, "bob": {"f": source}}, 0.5), list)


def test_nobody_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(CourseError, match="collect submissions there first"):
        similar(Course(ROOT, tmp_path), [NAME], 0.5)


def test_alike_is_a_plain_value() -> None:
    assert Alike("a", "x", "y", 0.5, 0.25, (("f", 0.5),), "").line() == (
        "a: x and y are 50 % similar, 25 % word for word (f 50 %)"
    )

"""Which file is the notebook that was handed in, and whose it is."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import nbformat
import pytest
from answers import ROOT, handed_in

from autograder.exercises import ASSIGNMENTS
from autograder.pipeline.course import Course
from autograder.pipeline.grading.submission import HandedIn, Job, chosen, fingerprint, hand_in
from autograder.pipeline.intake.class_folder import look_into
from autograder.pipeline.intake.find import find_notebooks
from autograder.pipeline.intake.reader_process import close

NAME = "01_linear_classification"
OTHER = "02_mlp_forward"
EXPECTED = f"{NAME}.ipynb"
COPY = f"{NAME}-Copy1.ipynb"


@pytest.fixture(autouse=True)
def no_reader_stays():
    yield
    close()


def text_of(assignment: str, **answers: str) -> str:
    return str(nbformat.writes(handed_in(assignment, answers)))


BLANK = Course(ROOT, ROOT).release(NAME).read_text("utf-8")
WORKED = text_of(NAME, accuracy="def accuracy(scores, y):\n    return np.mean(predict(scores) == y)")
WORKED_TOO = text_of(NAME, accuracy="def accuracy(scores, y):\n    return 1.0")


def put(folder: Path, **files: str) -> None:
    for number, (name, text) in enumerate(files.items()):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        os.utime(path, (1000 + number, 1000 + number))


def graded_one(folder: Path, *elsewhere: Path) -> HandedIn:
    job = Job("ada", NAME, folder, BLANK, None, elsewhere=elsewhere)
    return chosen(job, hand_in(job))


def names(folder: Path) -> list[str]:
    return [each.shown for each in find_notebooks(folder, NAME).candidates]


# --- names ------------------------------------------------------------------------------------------------


def test_the_expected_file_comes_first(tmp_path: Path) -> None:
    put(tmp_path, **{"other.ipynb": "{}", COPY: "{}", EXPECTED: "{}", f"deep/{EXPECTED}": "{}"})
    assert names(tmp_path) == [EXPECTED, f"deep/{EXPECTED}", COPY, "other.ipynb"]


@pytest.mark.parametrize(
    "name",
    [
        f"{NAME} (1).ipynb",
        "homework.IPYNB",
        f"{NAME}.ipynb.txt",
        f"deep/er/and/still/deeper/{NAME}.ipynb",
        "01_Linear_Classification.ipynb",
        "01-linear-classification.ipynb",
        "01 Linear Classification.ipynb.json",
    ],
)
def test_the_only_notebook_is_taken_and_named(tmp_path: Path, name: str) -> None:
    put(tmp_path, **{name: WORKED, "notes.txt": "", f".ipynb_checkpoints/{NAME}-checkpoint.ipynb": WORKED_TOO})
    one = graded_one(tmp_path)
    assert one.data == WORKED.encode()
    assert one.flags == (f"{EXPECTED} is missing; {name} was used instead",)


@pytest.mark.parametrize("name", ["01_LINEAR_classification.ipynb", f"week 1/{EXPECTED}"])
def test_the_right_name_in_another_place_wins_over_other_names(tmp_path: Path, name: str) -> None:
    put(tmp_path, **{"a.ipynb": WORKED_TOO, COPY: WORKED_TOO, name: WORKED})
    assert graded_one(tmp_path).data == WORKED.encode()


def test_a_checkpoint_is_taken_where_nothing_else_is(tmp_path: Path) -> None:
    put(tmp_path, **{f".ipynb_checkpoints/{NAME}-checkpoint.ipynb": WORKED, ".ipynb_checkpoints/.hidden.ipynb": "{}"})
    one = graded_one(tmp_path)
    assert one.data == WORKED.encode()
    assert "checkpoint" in one.flags[0]


def test_links_out_of_the_folder_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret.ipynb").write_text(WORKED)
    folder = tmp_path / "alice"
    folder.mkdir()
    (folder / "elsewhere").symlink_to(tmp_path)
    for link, target in ((EXPECTED, "../secret.ipynb"), ("copy.ipynb", str(tmp_path / "secret.ipynb"))):
        (folder / link).symlink_to(target)
    one = graded_one(folder)
    assert one.data is None
    assert [flag for flag in one.flags if "link that leads out" in flag] == list(one.flags)
    (folder / EXPECTED).unlink()
    assert graded_one(folder).flags == (f"{EXPECTED} was not handed in",)


def test_links_within_the_folder_are_followed(tmp_path: Path) -> None:
    (tmp_path / "work.ipynb").write_text(WORKED)
    (tmp_path / EXPECTED).symlink_to("work.ipynb")
    assert graded_one(tmp_path).data == WORKED.encode()


def test_loops_broken_links_pipes_and_folders_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "loop.ipynb").symlink_to("loop.ipynb")
    (tmp_path / "broken.ipynb").symlink_to("nothing")
    (tmp_path / "folder.ipynb").mkdir()
    os.mkfifo(tmp_path / EXPECTED)
    assert graded_one(tmp_path) == HandedIn(None, (f"{EXPECTED} was not handed in",))
    assert graded_one(tmp_path / "nobody") == HandedIn(None, (f"{EXPECTED} was not handed in",))


def test_what_lies_there_instead_is_named(tmp_path: Path) -> None:
    put(tmp_path, **{f".{EXPECTED}.icloud": "", "01.pdf": "", "timestamp.txt": "", "sub/01.py": "x = 1"})
    (flag,) = graded_one(tmp_path).flags
    assert flag == f"{EXPECTED} was not handed in; what lies there instead: .{EXPECTED}.icloud, 01.pdf, sub/01.py"


def test_of_many_only_a_few_are_looked_into(tmp_path: Path) -> None:
    put(tmp_path, **{f"{number}.ipynb": "{}" for number in range(40)})
    found = find_notebooks(tmp_path, NAME)
    assert len(found.candidates) == 6
    assert found.remarks == ("40 notebooks lie there; only 6 of them were looked at",)


# --- contents ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("copy_name", [COPY, f"{NAME} (1).ipynb", "final.ipynb", f"sub/{EXPECTED}"])
def test_a_blank_original_gives_way_to_a_worked_copy(tmp_path: Path, copy_name: str) -> None:
    put(tmp_path, **{copy_name: WORKED, EXPECTED: BLANK})
    one = graded_one(tmp_path)
    assert one.data == WORKED.encode()
    assert one.flags == (f"{copy_name} was used, which has answers: {EXPECTED} is blank",)


def test_blank_is_what_equals_the_release_in_its_solution_cells(tmp_path: Path) -> None:
    noted = json.loads(BLANK)
    noted["cells"].insert(1, {"cell_type": "code", "metadata": {}, "source": "x = 1", "outputs": []})
    for cell in noted["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("solution"):
            cell["source"] = "".join(cell["source"]) + "\n\n"
    put(tmp_path, **{COPY: WORKED, EXPECTED: json.dumps(noted)})
    assert graded_one(tmp_path).data == WORKED.encode()


@pytest.mark.parametrize(
    ("text", "said"), [("{", "cannot be read"), (text_of(OTHER), "answers nothing of this")], ids=["broken", "other"]
)
def test_what_is_no_notebook_of_the_assignment_gives_way_too(tmp_path: Path, text: str, said: str) -> None:
    put(tmp_path, **{EXPECTED: text, COPY: WORKED})
    one = graded_one(tmp_path)
    assert one.data == WORKED.encode()
    assert said in one.flags[0]


def test_of_two_worked_ones_the_name_wins_and_the_other_is_named(tmp_path: Path) -> None:
    put(tmp_path, **{EXPECTED: WORKED, f"{NAME} (1).ipynb": WORKED_TOO})
    one = graded_one(tmp_path)
    assert one.data == WORKED.encode()
    (flag,) = one.flags
    assert f"{NAME} (1).ipynb (changed later)" in flag
    os.utime(tmp_path / f"{NAME} (1).ipynb", (10, 10))
    assert "changed later" not in graded_one(tmp_path).flags[0]


def test_of_worked_copies_without_an_original_the_latest_is_taken(tmp_path: Path) -> None:
    put(tmp_path, **{COPY: WORKED, f"{NAME} (1).ipynb": WORKED_TOO})
    one = graded_one(tmp_path)
    assert one.data == WORKED_TOO.encode()
    assert len(one.flags) == 2
    assert COPY in one.flags[1]


def test_a_blank_copy_or_the_same_bytes_beside_the_work_are_no_matter(tmp_path: Path) -> None:
    put(tmp_path, **{EXPECTED: WORKED, COPY: BLANK, "same.ipynb": WORKED})
    assert graded_one(tmp_path) == HandedIn(WORKED.encode())


def test_several_without_a_name_or_an_answer_are_not_guessed(tmp_path: Path) -> None:
    put(tmp_path, **{"a.ipynb": "{}", "b\nc.ipynb": "[]"})
    one = graded_one(tmp_path)
    assert one.data is None
    assert "not clear which of a.ipynb, b\ufffdc.ipynb" in one.flags[0]


def test_a_change_of_any_of_them_is_graded_anew(tmp_path: Path) -> None:
    put(tmp_path, **{EXPECTED: BLANK, COPY: BLANK})
    job = Job("ada", NAME, tmp_path, BLANK, None)
    before = fingerprint(job, hand_in(job))
    put(tmp_path, **{COPY: WORKED})
    second = fingerprint(job, hand_in(job))
    put(tmp_path, **{"photo.png": "no picture, but it may be asked for"})
    assert len({before, second, fingerprint(job, hand_in(job))}) == 3


# --- the class's folder -----------------------------------------------------------------------------------


@pytest.fixture
def course(tmp_path: Path) -> Course:
    """The course, and a class whose folder is empty."""
    place = Course(ROOT, tmp_path / "classroom")
    place.submitted.mkdir(parents=True)
    return place


def test_the_usual_layout_needs_no_remark(course: Course) -> None:
    put(course.submitted, **{f"ada/{NAME}/{EXPECTED}": WORKED, f"bob/{OTHER}/x.ipynb": BLANK})
    there = look_into(course)
    assert (there.students, there.elsewhere, there.remarks) == (("ada", "bob"), {}, ())
    assert there.handed_in(course) == (NAME, OTHER)


@pytest.mark.parametrize(
    "path",
    [
        "ada/01_Linear_Classification/work.ipynb",
        f"ada/{EXPECTED}",
        "ada/my work.ipynb",
        f"ada/week 1/{EXPECTED}",
        f"{NAME}/ada/work.ipynb",
        f"01_LINEAR_classification/ada/{EXPECTED}",
    ],
)
def test_a_notebook_next_door_is_found(course: Course, path: str) -> None:
    put(course.submitted, **{path: WORKED, f"bob/{OTHER}/{OTHER}.ipynb": text_of(OTHER)})
    there = look_into(course)
    assert set(there.students) == {"ada", "bob"}
    assert there.elsewhere == {("ada", NAME): (course.submitted / path,)}
    assert there.handed_in(course) == (NAME, OTHER)
    one = graded_one(course.submitted / "ada" / NAME, *there.elsewhere["ada", NAME])
    assert one.data == WORKED.encode()
    assert path in one.flags[0]


def test_a_notebook_in_another_assignment_s_folder_is_found(course: Course) -> None:
    put(course.submitted, **{f"ada/{OTHER}/{EXPECTED}": WORKED, f"ada/{OTHER}/{OTHER}.ipynb": text_of(OTHER)})
    there = look_into(course)
    assert there.elsewhere == {("ada", NAME): (course.submitted / "ada" / OTHER / EXPECTED,)}
    assert there.handed_in(course) == (NAME, OTHER)


def test_a_blank_notebook_in_its_place_gives_way_to_work_next_door(course: Course) -> None:
    put(course.submitted, **{f"ada/{NAME}/{EXPECTED}": BLANK, "ada/solution.ipynb": WORKED})
    there = look_into(course)
    assert graded_one(course.submitted / "ada" / NAME, *there.elsewhere["ada", NAME]).data == WORKED.encode()


@pytest.mark.parametrize("name", [*ASSIGNMENTS, "01-Linear-Classification"])
def test_an_assignment_is_never_a_student(course: Course, name: str) -> None:
    put(course.submitted, **{f"{name}/{NAME}/{EXPECTED}": WORKED, f"{name}/{EXPECTED}": WORKED})
    there = look_into(course)
    assert there.students == ()
    assert len(there.remarks) == 2
    assert all("the layout is submitted/<student>/<assignment>/" in remark for remark in there.remarks)


def test_what_is_nobody_s_is_named(course: Course) -> None:
    put(course.submitted, **{EXPECTED: WORKED, "ada/recipe.ipynb": '{"cells": [], "nbformat": 4}'})
    there = look_into(course)
    assert there.students == ("ada",)
    assert [remark.partition(" ")[0] for remark in there.remarks] == [
        "01_linear_classification.ipynb",
        "ada/recipe.ipynb",
    ]


def test_links_and_hidden_folders_are_no_students(course: Course) -> None:
    put(course.submitted, **{f"ada/{NAME}/{EXPECTED}": WORKED})
    (course.submitted / "eve").symlink_to(course.submitted / "ada")
    shutil.copytree(course.submitted / "ada", course.submitted / "__MACOSX")
    (course.submitted / "ada" / "link").symlink_to(course.submitted.parent)
    there = look_into(course)
    assert (there.students, there.elsewhere) == (("ada",), {})


def test_a_link_in_place_of_the_folder_leads_to_nobody_elses_work(tmp_path: Path) -> None:
    (tmp_path / "ada" / NAME).mkdir(parents=True)
    (tmp_path / "ada" / NAME / EXPECTED).write_text("{}")
    (tmp_path / "eve").mkdir()
    (tmp_path / "eve" / NAME).symlink_to(tmp_path / "ada" / NAME)
    found = find_notebooks(tmp_path / "eve" / NAME, NAME)
    assert not found.candidates
    assert found.remarks == (f"{NAME} is a link instead of a folder; it was not followed",)

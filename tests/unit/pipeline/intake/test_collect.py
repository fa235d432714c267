"""Folders and ZIPs from outside: whose a file is, which assignment it answers, and nothing that leads elsewhere."""

from __future__ import annotations

import io
import os
import stat
import struct
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_class import ROOT, answered

from autograder.pipeline.course import Course, CourseError
from autograder.pipeline.intake import archive
from autograder.pipeline.intake.collect import collect
from autograder.pipeline.intake.identity import unusable
from autograder.pipeline.intake.platforms import recognisers

FIRST, SECOND = "01_linear_classification", "02_mlp_forward"
TEXT = b'{"cells": [], "nbformat": 4}'


@pytest.fixture
def course(tmp_path: Path) -> Course:
    return Course(ROOT, tmp_path / "classroom")


def zipped(path: Path, entries: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            archive.writestr(zipfile.ZipInfo(name, (2026, 3, 1, 12, 0, 0)), data, zipfile.ZIP_DEFLATED)
    return path


def unpacked(folder: Path, entries: dict[str, bytes]) -> Path:
    for name, data in entries.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def taken(course: Course) -> dict[str, bytes]:
    """What is in `submitted/`, by path."""
    return {
        path.relative_to(course.submitted).as_posix(): path.read_bytes()
        for path in course.submitted.rglob("*")
        if path.is_file()
    }


NAMES = {
    "nbgrader": (f"ada/{SECOND}/{SECOND}.ipynb", "ada", SECOND),
    "nbgrader below a folder": (f"submitted/ada/{SECOND}/{SECOND}.ipynb", "ada", SECOND),
    "nbgrader with a renamed file": (f"ada/{SECOND}/{SECOND} (1).ipynb", "ada", SECOND),
    "canvas": (f"lovelaceada_4711_990011_{SECOND}.ipynb", "4711", SECOND),
    "canvas late": (f"lovelaceada_LATE_4711_990011_{SECOND}-2.ipynb", "4711", SECOND),
    "moodle": (f"Ada Lovelace_123456_assignsubmission_file_/{SECOND}.ipynb", "Ada Lovelace", SECOND),
    "moodle, newer": (f"Ada Lovelace_123456_assignsubmission_file/x/{SECOND}.ipynb.txt", "Ada Lovelace", SECOND),
    "a folder a student": (f"ada/homework {SECOND}.ipynb", "ada", SECOND),
    "flat": (f"{SECOND} Ada Lovelace.ipynb", "Ada Lovelace", SECOND),
    "flat, downloaded again": (f"ada_{FIRST} (2).ipynb", "ada", FIRST),
    "spaces": ("Ada Lovelace - 02 mlp forward.ipynb", "Ada Lovelace", SECOND),
    "quotes, unicode and a formula": (f"=cmd('x') \"ü\"/{SECOND}.ipynb", "=cmd('x') \"ü\"", SECOND),
}


@pytest.mark.parametrize(("name", "student", "assignment"), NAMES.values(), ids=NAMES)
@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_whose_and_which(course: Course, tmp_path: Path, kind: str, name: str, student: str, assignment: str) -> None:
    source = unpacked(tmp_path / "in", {name: TEXT}) if kind == "folder" else zipped(tmp_path / "in.zip", {name: TEXT})
    done = collect(course, source)
    assert (done.of("new"), done.problems) == ([(student, assignment)], [])
    assert taken(course) == {f"{student}/{assignment}/{assignment}.ipynb": TEXT}


def test_the_one_folder_around_everything_is_no_student(course: Course, tmp_path: Path) -> None:
    names = {f"homework/{student}/{SECOND}.ipynb": TEXT for student in ("ada", "bob")}
    done = collect(course, zipped(tmp_path / "in.zip", names))
    assert done.of("new") == [("ada", SECOND), ("bob", SECOND)]
    one = {f"ada/{name}/{name}.ipynb": TEXT for name in (FIRST, SECOND)}
    assert collect(course, unpacked(tmp_path / "in", one)).of("same") == [("ada", SECOND)]


def test_an_assignment_is_told_by_its_cells_or_said(course: Course, tmp_path: Path) -> None:
    source = unpacked(tmp_path / "in", {"ada/Untitled.ipynb": answered().encode(), "bob/Untitled.ipynb": TEXT})
    done = collect(course, source)
    assert done.of("new") == [("ada", SECOND)]
    assert done.problems == ["bob/Untitled.ipynb: belongs to no assignment of this course; name it with --assignment"]
    assert collect(course, source, FIRST).of("new") == [("ada", FIRST), ("bob", FIRST)]


def test_a_roster_knows_other_names(course: Course, tmp_path: Path) -> None:
    roster = tmp_path / "roster.csv"
    roster.write_text(
        '\ufeffid,name,canvas,section\ns1,"Lovelace, Ada",4711,A\ns2,"Turing, Alan",4712,A\ns3,José Pérez,,A\n'
        "s4,Kim Lee,,A\ns5,Kim Lee,,A\n",
        "utf-8",
    )
    names = [
        f"lovelaceada_1_990011_{SECOND}.ipynb",
        f"x_4712_990012_{SECOND}.ipynb",
        f"Jose Perez_77_assignsubmission_file_/{SECOND}.ipynb",
        f"Kim Lee_78_assignsubmission_file_/{SECOND}.ipynb",
        f"A/{SECOND}.ipynb",
    ]
    done = collect(course, zipped(tmp_path / "in.zip", dict.fromkeys(names, TEXT)), None, roster)
    assert [student for student, _ in done.of("new")] == ["s1", "s2", "s3"]
    assert [(one.who, one.why) for one in done.nobodys] == [
        ("Kim Lee", "Kim Lee fits several rows of the class's list: s4, s5"),
        ("A", "A fits no row of the class's list"),
    ]


def test_of_several_the_latest_counts_and_collecting_again_changes_nothing(course: Course, tmp_path: Path) -> None:
    names = {
        f"ada_4711_990011_{SECOND}.ipynb": b"first",
        f"ada_4711_990013_{SECOND}-2.ipynb": b"third",
        f"ada_4711_990012_{SECOND}-1.ipynb": b"second",
    }
    source = zipped(tmp_path / "in.zip", names)
    done = collect(course, source)
    assert (done.of("new"), len(done.of("older"))) == ([("4711", SECOND)], 1)
    assert [row.what for row in done.rows] == ["older", "new", "older"]
    assert taken(course) == {f"4711/{SECOND}/{SECOND}.ipynb": b"third"}
    assert collect(course, source).of("same") == [("4711", SECOND)]
    later = zipped(tmp_path / "later.zip", {f"ada_4711_990020_{SECOND}-3.ipynb": b"fourth"})
    assert collect(course, later).of("newer") == [("4711", SECOND)]


def test_two_people_of_one_name_are_not_mixed_up(course: Course, tmp_path: Path) -> None:
    names = {f"Kim Lee_{number}_assignsubmission_file_/{SECOND}.ipynb": str(number).encode() for number in (1, 2)}
    done = collect(course, zipped(tmp_path / "in.zip", names))
    assert taken(course) == {f"Kim Lee/{SECOND}/{SECOND}.ipynb": b"1"}
    assert done.nobodys[0].why.startswith("someone else is also called Kim Lee")
    (waiting,) = course.unmatched.iterdir()
    assert (waiting / f"{SECOND}.ipynb").read_bytes() == b"2"


def test_nbgrader_s_timestamp_comes_along(course: Course, tmp_path: Path) -> None:
    files = {f"ada/{SECOND}/{SECOND}.ipynb": TEXT, f"ada/{SECOND}/timestamp.txt": b"2026-03-01 12:00:00 UTC"}
    for source in (unpacked(tmp_path / "in", files), zipped(tmp_path / "in.zip", files)):
        collect(course, source)
        assert taken(course)[f"ada/{SECOND}/timestamp.txt"] == b"2026-03-01 12:00:00 UTC"


# --- what must not get through ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        f"../ada/{SECOND}/{SECOND}.ipynb",
        f"ada/../../../{SECOND}.ipynb",
        f"/etc/ada/{SECOND}/{SECOND}.ipynb",
        f"..\\..\\ada\\{SECOND}.ipynb",
        f"C:\\ada\\{SECOND}.ipynb",
        "a/" * 50 + f"{SECOND}.ipynb",
    ],
)
def test_names_that_lead_outside_or_too_deep_are_left_out(course: Course, tmp_path: Path, name: str) -> None:
    source = zipped(tmp_path / "in.zip", {name: TEXT, f"bob/{SECOND}/{SECOND}.ipynb": TEXT})
    done = collect(course, source)
    assert done.of("new") == [("bob", SECOND)]
    assert "leads outside" in done.problems[0] or "folders deep" in done.problems[0]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["classroom", "in.zip"]


def test_links_in_a_zip_are_left_out(course: Course, tmp_path: Path) -> None:
    source = zipped(tmp_path / "in.zip", {f"bob/{SECOND}/{SECOND}.ipynb": TEXT})
    with zipfile.ZipFile(source, "a") as archive:
        link = zipfile.ZipInfo(f"ada/{SECOND}/{SECOND}.ipynb")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    assert collect(course, source).problems == [f"ada/{SECOND}/{SECOND}.ipynb: a link; it was left out"]


def test_links_pipes_and_large_files_in_a_folder_are_left_out(
    course: Course, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "LARGEST_FILE", 1000)
    folder = unpacked(tmp_path / "in", {f"bob/{SECOND}.ipynb": TEXT, f"big/{SECOND}.ipynb": b" " * 2000})
    secret = tmp_path / "secret"
    secret.write_text("the secret")
    for name in ("link", "pipe", "loop"):
        (folder / name).mkdir()
    (folder / "link" / f"{SECOND}.ipynb").symlink_to(secret)
    (folder / "outside").symlink_to(tmp_path)
    os.mkfifo(folder / "pipe" / f"{SECOND}.ipynb")
    (folder / "loop" / "loop").symlink_to(folder)
    done = collect(course, folder)
    assert done.of("new") == [("bob", SECOND)]
    assert [problem.split(": ")[1].split(";")[0] for problem in done.problems] == [
        "too large (0 MB)", "a link", "not a regular file",
    ]  # fmt: skip


def test_a_zip_bomb_is_counted_and_refused(course: Course, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = {f"s{number}/{SECOND}.ipynb": b"0" * 1_000_000 for number in range(30)}
    source = zipped(tmp_path / "in.zip", names)
    assert source.stat().st_size < 60_000
    monkeypatch.setattr(archive, "LARGEST_TOTAL", 5_000_000)
    with pytest.raises(CourseError, match=r"more than 0\.005 GB come out of it"):
        collect(course, source)
    monkeypatch.setattr(archive, "LARGEST_FILE", 500_000)
    with pytest.raises(CourseError, match="holds no usable notebook"):
        collect(course, zipped(tmp_path / "two.zip", dict(list(names.items())[:3])))


def test_paths_are_counted_in_parts(course: Course, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = zipped(tmp_path / "in.zip", {f"ada/{number}/a/b/c/{SECOND}.ipynb": TEXT for number in range(10)})
    monkeypatch.setattr(archive, "MOST_FOLDERS", 50)
    with pytest.raises(CourseError, match="more than 50 folders above them"):
        collect(course, source)


def test_a_zip_that_lies_about_sizes_is_one_sentence(course: Course, tmp_path: Path) -> None:
    source = zipped(tmp_path / "in.zip", {f"ada/{SECOND}.ipynb": b"0" * 100_000, f"bob/{SECOND}.ipynb": TEXT})
    data = bytearray(source.read_bytes())
    place = data.index(b"PK\x01\x02")
    data[place + 24 : place + 28] = struct.pack("<I", 10)
    source.write_bytes(data)
    done = collect(course, source)
    assert [student for student, _ in done.of("new")][-1] == "bob"
    assert len(taken(course).get(f"ada/{SECOND}/{SECOND}.ipynb", b"")) <= 10


def test_zips_of_students_are_opened_once_and_no_deeper(course: Course, tmp_path: Path) -> None:
    def made(entries: dict[str, bytes]) -> bytes:
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            for name, data in entries.items():
                archive.writestr(name, data)
        return out.getvalue()

    inner = made({f"work/{SECOND}.ipynb": TEXT})
    deep = made({"a.zip": made({"b.zip": made({f"{SECOND}.ipynb": TEXT})})})
    names = {
        "ada_4711_990011_homework.zip": inner,
        "bob_4712_990012_deep.zip": deep,
        "cy_4713_990013_broken.zip": inner[:-30],
        "dan_4714_990014_none.zip": b"PK",
    }
    done = collect(course, zipped(tmp_path / "in.zip", names))
    assert done.of("new") == [("4711", SECOND)]
    assert ["damaged" in problem for problem in done.problems] == [True, True]
    assert collect(course, unpacked(tmp_path / "in", names)).of("same") == [("4711", SECOND)]


def test_a_student_s_own_zip_bomb_costs_nobody_else(
    course: Course, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def bomb(name: str, count: int, size: int) -> bytes:
        files = {f"{number}/{SECOND}.ipynb": b"0" * size for number in range(count)}
        return zipped(tmp_path / name, files).read_bytes()

    names = {
        "ada_4711_990011_many.zip": bomb("many.zip", 300, 1),
        "bob_4712_990012_large.zip": bomb("large.zip", 3, 500_000),
        f"cy_4713_990013_{SECOND}.ipynb": TEXT,
    }
    monkeypatch.setattr(archive, "MOST_ENTRIES", 200)
    monkeypatch.setattr(archive, "LARGEST_INSIDE", 400_000)
    done = collect(course, zipped(tmp_path / "in.zip", names))
    assert done.of("new") == [("4713", SECOND)]
    assert [problem.partition(": ")[2][:20] for problem in done.problems] == ["it holds 300 entries"] + 3 * [
        "more than 0 MB come "
    ]


@pytest.mark.parametrize("content", [b"", b"PK", b"PK\x03\x04" + b"\0" * 100, TEXT])
def test_what_is_no_zip_is_one_line(course: Course, tmp_path: Path, content: bytes) -> None:
    source = tmp_path / "in.zip"
    source.write_bytes(content)
    with pytest.raises(CourseError, match="is not a ZIP file"):
        collect(course, source)
    with pytest.raises(CourseError, match="does not exist"):
        collect(course, tmp_path / "nowhere")


def test_an_encrypted_entry_is_left_out_by_name(course: Course, tmp_path: Path) -> None:
    source = zipped(tmp_path / "in.zip", {f"ada/{SECOND}.ipynb": TEXT, f"bob/{SECOND}.ipynb": TEXT})
    data = bytearray(source.read_bytes())
    for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + flags] |= 1
    source.write_bytes(data)
    done = collect(course, source)
    assert done.of("new") == [("bob", SECOND)]
    assert "cannot be read" in done.problems[0]


parts = st.lists(st.text(st.characters(exclude_characters="\0"), min_size=1, max_size=12), min_size=1, max_size=4)


@given(parts)
def test_whatever_the_names_no_path_leads_elsewhere(names: list[str]) -> None:
    path = (*names, f"{SECOND}.ipynb")
    for person in recognisers([path], "in", frozenset(), lambda path: b"")(path).people:
        if not unusable(person.id):
            place = Path(os.path.normpath(Path("/class/submitted") / person.id / SECOND))
            assert place.parent.parent == Path("/class/submitted")

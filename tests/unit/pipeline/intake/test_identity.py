"""Whose work it is, across calls: it never moves to another person, and nothing of a student's is lost."""

from __future__ import annotations

import os
import unicodedata
import zipfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import pytest
from small_class import ROOT

from autograder.pipeline.course import Course, CourseError
from autograder.pipeline.intake import attempts, companions
from autograder.pipeline.intake import collect as collecting
from autograder.pipeline.intake.attempts import attempts_of, folder_of
from autograder.pipeline.intake.collect import Collected, collect

NAME = "02_mlp_forward"
FILE = f"{NAME}.ipynb"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(60)
OLD, NEW = (2026, 11, 2, 10, 0, 0), (2026, 11, 9, 10, 0, 0)


@pytest.fixture
def course(tmp_path: Path) -> Course:
    return Course(ROOT, tmp_path / "classroom")


def zipped(path: Path, entries: Mapping[str, bytes], time: tuple[int, ...] = OLD) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in entries.items():
            archive.writestr(zipfile.ZipInfo(name, time), data)  # type: ignore[arg-type]
    return path


def files(place: Path) -> dict[str, bytes]:
    return {path.relative_to(place).as_posix(): path.read_bytes() for path in place.rglob("*") if path.is_file()}


def what(done: Collected) -> list[str]:
    return [row.what for row in done.rows]


# --- attempts --------------------------------------------------------------------------------------------


def test_an_older_zip_does_not_replace_newer_work(course: Course, tmp_path: Path) -> None:
    old = zipped(tmp_path / "old.zip", {f"ada/{FILE}": b"old"}, OLD)
    new = zipped(tmp_path / "new.zip", {f"ada/{FILE}": b"new"}, NEW)
    assert [what(collect(course, source)) for source in (new, old, new, old)] == [
        ["new"],
        ["older"],
        ["same"],
        ["older"],
    ]
    assert files(course.submitted) == {f"ada/{NAME}/{FILE}": b"new"}
    kept = attempts_of(course, "ada", NAME)
    assert [(folder_of(course, one) / FILE).read_bytes() for one in kept] == [b"old", b"new"]
    assert [one.source for one in kept] == ["old.zip", "new.zip"]


def test_going_back_to_earlier_work_is_a_newer_attempt(course: Course, tmp_path: Path) -> None:
    for number, data in enumerate((b"first", b"second", b"first")):
        collect(course, zipped(tmp_path / "in.zip", {f"ada/{FILE}": data}, (2026, 11, 2 + number, 10, 0, 0)))
    assert files(course.submitted) == {f"ada/{NAME}/{FILE}": b"first"}
    kept = attempts_of(course, "ada", NAME)
    assert len(kept) == 3
    one, two = ((folder_of(course, each) / FILE).stat() for each in (kept[0], kept[2]))
    assert one.st_ino == two.st_ino


def test_the_platform_s_count_and_mark_say_more_than_the_zip_s_times(course: Course, tmp_path: Path) -> None:
    late = zipped(tmp_path / "1.zip", {f"lovelaceada_LATE_4711_990012_{NAME}-1.ipynb": b"second"}, OLD)
    first = zipped(tmp_path / "2.zip", {f"lovelaceada_4711_990011_{FILE}": b"first"}, NEW)
    assert what(collect(course, late)) == ["new"]
    assert what(collect(course, first)) == ["older"]
    kept = attempts_of(course, "4711", NAME)
    assert [(one.late, one.late_source, one.submitted_at) for one in kept] == [
        (False, "Canvas", None), (True, "Canvas", None),
    ]  # fmt: skip
    assert files(course.submitted) == {f"4711/{NAME}/{FILE}": b"second"}


def test_a_time_without_a_zone_is_no_moment(course: Course, tmp_path: Path) -> None:
    collect(course, zipped(tmp_path / "in.zip", {f"hw_al_attempt_2026-11-02-10-33-21_{FILE}": b"1"}))
    (kept,) = attempts_of(course, "al", NAME)
    assert (kept.submitted_at, kept.local, kept.late) == (None, datetime(2026, 11, 2, 10, 33, 21), "unknown")
    assert files(course.submitted) == {f"al/{NAME}/{FILE}": b"1"}


def test_the_timestamp_belongs_to_the_attempt(course: Course, tmp_path: Path) -> None:
    stamp = f"ada/{NAME}/timestamp.txt"
    first = {f"ada/{NAME}/{FILE}": b"1", stamp: b"2026-11-02 10:00:00 CET"}
    collect(course, zipped(tmp_path / "1.zip", first))
    assert files(course.submitted)[stamp] == b"2026-11-02 09:00:00 UTC"
    done = collect(
        course, zipped(tmp_path / "2.zip", {f"ada/{NAME}/{FILE}": b"2", stamp: b"2026-11-03 10:00 IST"}, NEW)
    )
    assert "IST is not one zone everywhere" in done.problems[0]
    assert files(course.submitted) == {f"ada/{NAME}/{FILE}": b"2"}


def test_a_student_s_own_timestamp_is_not_believed(course: Course, tmp_path: Path) -> None:
    folder = "Ada Lovelace_12_assignsubmission_file_"
    names = {f"{folder}/{NAME}/{FILE}": b"1", f"{folder}/{NAME}/timestamp.txt": b"2020-01-01 00:00:00 UTC"}
    collect(course, zipped(tmp_path / "in.zip", names))
    assert attempts_of(course, "Ada Lovelace", NAME)[0].submitted_at is None


def test_work_that_came_another_way_is_kept_when_it_is_replaced(course: Course, tmp_path: Path) -> None:
    path = course.submission("ada", NAME)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"by exchange")
    (path.parent / "timestamp.txt").write_text("2026-11-05 10:00:00 UTC")
    assert what(collect(course, zipped(tmp_path / "old.zip", {f"ada/{FILE}": b"old"}, OLD))) == ["older"]
    assert what(collect(course, zipped(tmp_path / "new.zip", {f"ada/{FILE}": b"new"}, NEW))) == ["newer"]
    kept = attempts_of(course, "ada", NAME)
    assert [(folder_of(course, one) / FILE).read_bytes() for one in kept] == [b"old", b"by exchange", b"new"]
    assert files(course.submitted) == {f"ada/{NAME}/{FILE}": b"new"}


def test_attempts_are_bounded_and_the_newest_stays(
    course: Course, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts, "MOST", 2)
    for day in (3, 1, 2, 4):
        collect(course, zipped(tmp_path / "in.zip", {f"ada/{FILE}": b"%d" % day}, (2026, 11, day, 10, 0, 0)))
    kept = attempts_of(course, "ada", NAME)
    assert [(folder_of(course, one) / FILE).read_bytes() for one in kept] == [b"3", b"4"]


def test_a_dry_run_says_the_same_and_writes_nothing(course: Course, tmp_path: Path) -> None:
    collect(course, zipped(tmp_path / "1.zip", {f"ada/{FILE}": b"1", f"cy/{FILE}": b"1"}))
    before = files(course.classroom)
    names = {f"ada/{FILE}": b"2", f"bob/{FILE}": b"1", f"cy/{FILE}": b"1", f"{FILE}": b"whose", "dan/x.py": b""}
    source = zipped(tmp_path / "2.zip", names, NEW)
    tried = collect(course, source, dry_run=True)
    assert files(course.classroom) == before
    done = collect(course, source)
    assert what(tried) == what(done) == ["newer", "new", "same"]
    assert (tried.nobodys, tried.without) == (done.nobodys, done.without)


# --- who -------------------------------------------------------------------------------------------------


def moodle(name: str, number: int) -> str:
    return f"{name}_{number}_assignsubmission_file_/{FILE}"


def test_a_second_person_of_a_name_waits_also_in_a_later_call(course: Course, tmp_path: Path) -> None:
    collect(course, zipped(tmp_path / "1.zip", {moodle("Kim Lee", 1): b"first"}))
    done = collect(course, zipped(tmp_path / "2.zip", {moodle("Kim Lee", 2): b"second"}, NEW))
    assert (done.rows, len(done.nobodys)) == ([], 1)
    assert files(course.submitted) == {f"Kim Lee/{NAME}/{FILE}": b"first"}
    waiting = Path(done.nobodys[0].kept)
    settled = collect(course, waiting, student="kim2")
    assert (settled.of("new"), settled.left) == ([("kim2", NAME)], [])
    assert attempts_of(course, "kim2", NAME)[0].number == "2"
    assert not waiting.exists()
    again = collect(course, zipped(tmp_path / "3.zip", {moodle("Kim Lee", 1): b"third"}, NEW))
    assert what(again) == ["newer"]


def test_moodle_s_numbers_are_those_of_one_assignment(course: Course, tmp_path: Path) -> None:
    collect(course, zipped(tmp_path / "1.zip", {moodle("Kim Lee", 1): b"1"}))
    other = moodle("Kim Lee", 9).replace(FILE, "01_linear_classification.ipynb")
    assert collect(course, zipped(tmp_path / "2.zip", {other: b"1"})).nobodys == []


LIST = "id;Vorname;Nachname;Kennung;canvas\ns1;José;Pérez;jp;4711\ns2;Kim;Lee;kl;4712\ns3;Kim;Lee;kl3;4713\n"


def test_with_a_list_identity_is_one_of_its_rows(course: Course, tmp_path: Path) -> None:
    course.classroom.mkdir()
    (course.classroom / "students.csv").write_bytes(LIST.encode("utf-16"))
    names = {
        moodle("Perez, Jose", 1): b"1",
        moodle("Kim Lee", 2): b"2",
        f"leekim_4712_990011_{FILE}": b"3",
        f"perezjose_4713_990012_{FILE}": b"4",
        f"kl3/{FILE}": b"5",
        f"Nobody/{FILE}": b"6",
    }
    done = collect(course, zipped(tmp_path / "in.zip", names))
    assert done.of("new") == [("s1", NAME), ("s2", NAME), ("s3", NAME)]
    assert {one.who: one.why for one in done.nobodys} == {
        "Kim Lee": "Kim Lee fits several rows of the class's list: s2, s3",
        "perezjose": "by its number or login it is s3's, by its name s1's",
        "Nobody": "Nobody fits no row of the class's list",
    }
    assert sorted(path.name for path in course.submitted.iterdir()) == ["s1", "s2", "s3"]
    with (course.classroom / "students.csv").open("wb") as file:
        file.write((LIST + "s4;Nobody;;;\n").encode("utf-16"))
    again = collect(course, zipped(tmp_path / "in.zip", names))
    assert again.of("new") == [("s4", NAME)]
    assert sorted(path.name[:6] for path in course.unmatched.iterdir()) == ["Kim_Le", "perezj"]
    with pytest.raises(CourseError, match="has no student 's9'"):
        collect(course, tmp_path / "in.zip", student="s9")


def test_a_number_that_a_student_did_not_have_before_is_refused(course: Course, tmp_path: Path) -> None:
    roster = tmp_path / "list.csv"
    roster.write_text("id,name\nada,Ada Lovelace\n")
    for number, wanted in ((4711, ["new"]), (4712, []), (4711, ["newer"])):
        source = zipped(tmp_path / "in.zip", {f"lovelaceada_{number}_{number}99_{FILE}": b"%d" % number}, NEW)
        if wanted == ["newer"]:
            source = zipped(tmp_path / "in.zip", {f"lovelaceada_{number}_990099_{FILE}": b"again"}, NEW)
        assert what(collect(course, source, None, roster)) == wanted


def test_capitals_and_composed_letters_do_not_make_two_people(course: Course, tmp_path: Path) -> None:
    composed = unicodedata.normalize("NFC", "Zoë")
    collect(course, zipped(tmp_path / "1.zip", {f"{unicodedata.normalize('NFD', composed)}/{FILE}": b"1"}))
    done = collect(course, zipped(tmp_path / "2.zip", {f"{composed}/{FILE}": b"2", f"zoë/{FILE}": b"3"}, NEW))
    assert [path.name for path in course.submitted.iterdir()] == [composed]
    assert len(attempts_of(course, composed, NAME)) == 3
    assert done.problems == [
        "zoë and Zoë differ in capitals only and were taken for one student, Zoë: "
        "list both in students.csv if they are two"
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "cp437", "cp850", "cp1252"])
@pytest.mark.parametrize("name", ["Zoë Müller", "José Pérez", "Björn Åström"])
def test_names_without_the_mark_for_utf_8(course: Course, tmp_path: Path, encoding: str, name: str) -> None:
    raw = name.encode(encoding)
    source = zipped(tmp_path / "in.zip", {f"{'#' * len(raw)}/{FILE}": b"1"})
    source.write_bytes(source.read_bytes().replace(b"#" * len(raw), raw))
    assert collect(course, source).of("new") == [(name, NAME)]


# --- what is no notebook ---------------------------------------------------------------------------------


def test_people_without_a_notebook_are_listed(course: Course, tmp_path: Path) -> None:
    names = {
        moodle("Ada Lovelace", 1).replace(FILE, "hw.py"): b"1",
        moodle("Bob", 2).replace(FILE, f"{FILE}.pdf"): b"1",
        "Cy_3_assignsubmission_onlinetext/onlinetext.html": b"1",
        "Dan_4_assignsubmission_file_/": b"",
        moodle("Eve", 5): b"1",
        moodle("Eve", 5).replace(FILE, "data.csv"): b"1",
        moodle("Fay", 6).replace(FILE, "hw.rar"): b"1",
    }
    done = collect(course, zipped(tmp_path / "in.zip", names))
    assert {one.who: one.files[0].rpartition("/")[2] for one in done.without} == {
        "Ada Lovelace": "hw.py (a Python file)",
        "Bob": f"{FILE}.pdf (a printed notebook)",
        "Cy": "onlinetext.html (a web page)",
        "Dan": "an empty folder",
        "Fay": "hw.rar (an archive that is no ZIP)",
    }
    assert [(one.who, len(one.files)) for one in done.left] == [("Eve", 1)]


def test_pictures_beside_a_notebook_come_along(course: Course, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(companions, "LARGEST", 1_000)
    inner = tmp_path / "work.zip"
    zipped(inner, {f"hw/{FILE}": b"1", "hw/img/a.png": PNG, "hw/b.svg": b"<svg/>", "hw/c.gif": b"no", "x.png": PNG})
    names = {
        "lovelaceada_4711_990011_work.zip": inner.read_bytes(),
        f"leekim_4712_990012_{FILE}": b"2",
        "leekim_4712_990013_plot.png": PNG,
        "leekim_4712_990014_big.png": PNG + bytes(2000),
        "leekim_4712_990015_x.py": b"",
    }
    done = collect(course, zipped(tmp_path / "in.zip", names))
    assert set(files(course.submitted)) == {
        f"4711/{NAME}/{FILE}", f"4711/{NAME}/img/a.png", f"4711/{NAME}/b.svg",
        f"4712/{NAME}/{FILE}", f"4712/{NAME}/plot.png",
    }  # fmt: skip
    assert ["no picture" in one or "larger pictures" in one for one in done.problems] == [True, True]
    later = zipped(tmp_path / "2.zip", {f"leekim_4712_990019_{FILE}": b"3", "leekim_4712_990020_new.png": PNG}, NEW)
    collect(course, later)
    assert sorted(path.name for path in (course.submitted / "4712" / NAME).iterdir()) == [FILE, "new.png"]


def test_no_student_s_names_or_times_stop_the_class(course: Course, tmp_path: Path) -> None:
    surrogate = b'submission_4:\n  :submitters:\n  - :name: "a\\ud800b"\n    :sid: a1\n  - :name: "\\ud801"\n'
    odd = {
        f"1-2 - Kim - Nov 2, 0001 1033 AM/{FILE}": b"1",
        f"bob/{FILE}": b"1",
        f"bob/{FILE}/a.png": PNG,
        "bob/b.png/c.png": PNG,
        "bob/b.png": PNG,
        f"bob/{'long/' * 30}{'x' * 100}.png": PNG,
    }
    done = collect(course, zipped(tmp_path / "odd.zip", odd))
    assert [row.student for row in done.rows] == ["Kim", "bob"]
    assert attempts_of(course, "bob", NAME)[0].pictures == ("b.png",)
    groups = {f"submission_4/{FILE}": b"1", "submission_metadata.yml": surrogate}
    done = collect(course, zipped(tmp_path / "groups.zip", groups))
    assert (done.rows, len(done.nobodys)) == ([], 1)
    far = tmp_path / "far" / "cy" / FILE
    far.parent.mkdir(parents=True)
    far.write_bytes(b"1")
    os.utime(far, (1e15, 1e15))
    assert collect(course, tmp_path / "far").of("new") == [("cy", NAME)]


def test_one_notebook_of_one_student(course: Course, tmp_path: Path) -> None:
    path = tmp_path / "Untitled.ipynb"
    path.write_bytes(b"1")
    assert collect(course, path, NAME, student="ada").of("new") == [("ada", NAME)]
    with pytest.raises(CourseError, match="characters that a folder name cannot have"):
        collect(course, path, NAME, student="ada/bob")


def test_gradescope_s_groups_get_the_work_each(course: Course, tmp_path: Path) -> None:
    metadata = b"submission_4:\n  :submitters:\n  - :sid: a1\n  - :sid: b2\n  :created_at: 2026-11-02 10:33:21 Z\n"
    top = "assignment_1_export"
    names = {
        f"{top}/submission_metadata.yml": metadata,
        f"{top}/submission_4/{FILE}": b"1",
        f"{top}/submission_5/{FILE}": b"1",
    }
    done = collect(course, zipped(tmp_path / "in.zip", names))
    assert (done.of("new"), len(done.nobodys)) == ([("a1", NAME), ("b2", NAME)], 1)
    assert files(course.submitted)[f"b2/{NAME}/timestamp.txt"] == b"2026-11-02 10:33:21 UTC"


def test_student_is_for_the_work_of_one(course: Course, tmp_path: Path) -> None:
    source = zipped(tmp_path / "in.zip", {moodle("Kim Lee", 1): b"1", moodle("Bob", 2): b"1"})
    with pytest.raises(CourseError, match="names 2 people: --student takes the work of one"):
        collect(course, source, student="kim")
    assert not course.classroom.exists()


def test_an_id_in_a_list_leads_nowhere_else(course: Course, tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("id,login\n../../ada,al\n")
    done = collect(course, zipped(tmp_path / "in.zip", {f"al/{FILE}": b"1"}), None, tmp_path / "list.csv")
    assert (done.rows, "'../../ada'" in done.nobodys[0].why) == ([], True)


def test_the_release_beside_a_worked_copy_does_not_count(course: Course, tmp_path: Path) -> None:
    release = course.release(NAME).read_bytes()
    source = zipped(tmp_path / "in.zip", {f"ada/{NAME}-Copy1.ipynb": b"worked", f"ada/{FILE}": release})
    done = collect(course, source)
    assert files(course.submitted) == {f"ada/{NAME}/{FILE}": b"worked"}
    assert sorted(what(done)) == ["new", "older"]
    assert "as it was given out came too" in done.problems[0]


WORKSHEET = """\ufeffIdentifier,"Full name","Email address",Status,Grade,"Last modified (submission)"
Participant 12,"Ada Lovelace",ada@uni.example,"Submitted for grading - late","","Monday, 2 November 2026, 10:33 AM"
Participant 13,"Kim Lee",kim@uni.example,"Submitted for grading","","Monday, November 2, 2026, 9:00 AM"
Participant 14,"Bob",bob@uni.example,"Draft (not submitted)","",-
"""


def test_moodle_s_worksheet_says_who_was_late(course: Course, tmp_path: Path) -> None:
    (tmp_path / "grades.csv").write_text(WORKSHEET, "utf-8")
    (tmp_path / "list.csv").write_text("id,email\nal,ada@uni.example\nkl,kim@uni.example\nbb,bob@uni.example\n")
    names = [moodle("Ada Lovelace", 12), moodle("Participant", 13), moodle("Bob", 14), moodle("A group", 12)]
    source = zipped(tmp_path / "in.zip", {name: name.encode() for name in names})
    done = collect(course, source, None, tmp_path / "list.csv", worksheet=tmp_path / "grades.csv")
    assert {row.student: (row.attempt.late, str(row.attempt.local)) for row in done.rows} == {
        "al": (True, "2026-11-02 10:33:00"),
        "bb": ("unknown", "None"),
        "kl": (False, "2026-11-02 09:00:00"),
    }
    assert [one.who for one in done.nobodys] == ["A group"]
    with pytest.raises(CourseError, match="no grading worksheet of Moodle's"):
        collect(course, source, worksheet=tmp_path / "list.csv")


def test_what_is_said_later_of_the_same_attempt_is_added(course: Course, tmp_path: Path) -> None:
    (tmp_path / "grades.csv").write_text(WORKSHEET, "utf-8")
    source = zipped(tmp_path / "in.zip", {moodle("Ada Lovelace", 12): b"1"})
    assert what(collect(course, source)) == ["new"]
    assert attempts_of(course, "Ada Lovelace", NAME)[0].late == "unknown"
    assert what(collect(course, source, worksheet=tmp_path / "grades.csv")) == ["same"]
    assert what(collect(course, source)) == ["same"]
    (kept,) = attempts_of(course, "Ada Lovelace", NAME)
    assert (kept.late, kept.late_source, kept.email) == (True, "Moodle", "ada@uni.example")
    plain = f"ada/{NAME}"
    for stamp in ({}, {f"{plain}/timestamp.txt": b"2026-11-02 10:00:00 UTC"}):
        collect(course, zipped(tmp_path / "in.zip", {f"{plain}/{FILE}": b"1", **stamp}))
    assert files(course.submitted)[f"{plain}/timestamp.txt"] == b"2026-11-02 10:00:00 UTC"


def test_one_person_s_zips_are_bounded_together(
    course: Course, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = zipped(tmp_path / "inner.zip", {FILE: b"1"}).read_bytes()
    monkeypatch.setattr(collecting, "LARGEST_ZIPS", 2 * len(inner))
    source = zipped(tmp_path / "in.zip", {f"ada/{number}.zip": inner for number in range(3)} | {"bob/x.zip": inner})
    done = collect(course, source)
    assert done.problems == ["ada/2.zip: this student's ZIPs are too large together; it was left out"]
    assert done.of("new") == [("ada", NAME), ("bob", NAME)]


def test_a_number_drawn_for_each_assignment_is_no_ones_id(course: Course, tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("id,name\n1,Ada Lovelace\n2,Ada Lovelace\n3,Bo Li\n", "utf-8")
    names = (f"Ada Lovelace_1_assignsubmission_file_{FILE}", f"Bo Li_2_assignsubmission_file_{FILE}")
    done = collect(course, zipped(tmp_path / "in.zip", dict.fromkeys(names, b"{}")), None, tmp_path / "list.csv")
    assert done.of("new") == [("3", NAME)]
    assert [one.why for one in done.nobodys] == ["Ada Lovelace fits several rows of the class's list: 1, 2"]


def test_nobody_is_called_like_an_assignment(course: Course, tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"{}")
    with pytest.raises(CourseError, match="that is the name of an assignment"):
        collect(course, tmp_path / FILE, student="02 MLP-forward")


def test_a_zip_in_place_of_a_submissions_folder_is_not_lost(course: Course, tmp_path: Path) -> None:
    inner = zipped(tmp_path / "inner.zip", {FILE: b"{}"}).read_bytes()
    people = "submission_1.zip:\n  :submitters:\n  - :name: Ada\n    :sid: ada\n"
    outer = {"submission_metadata.yml": people.encode(), "submission_1.zip": inner}
    assert collect(course, zipped(tmp_path / "in.zip", outer)).of("new") == [("ada", NAME)]

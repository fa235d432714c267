"""A term of collecting through the command line: what platforms export, in the wrong order, with people mixed up."""

import io
import json
import zipfile
from pathlib import Path

import pytest
from command_line import ROOT, Done, run

from autograder.pipeline.course import Course

NAME = "02_mlp_forward"
FILE = f"{NAME}.ipynb"
NOTEBOOK = Course(ROOT, ROOT / "classroom").release(NAME).read_bytes()
OLD, NEW = (2026, 11, 2, 10, 0, 0), (2026, 11, 9, 10, 0, 0)
LIST = "ID;Vorname;Nachname;Kennung;E-Mail-Adresse\nm1;José;Pérez;jp;jp@uni.example\nm2;Kim;Lee;kl;kl@uni.example\n"


def zipped(path: Path, names: dict[str, bytes], time: tuple[int, ...] = OLD) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in names.items():
            archive.writestr(zipfile.ZipInfo(name, time), data)
    return path


def moodle(name: str, number: int, file: str = FILE) -> str:
    return f"{name}_{number}_assignsubmission_file_/{file}"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "class"


@pytest.fixture
def collect(place: Path):
    def step(*words: object) -> Done:
        done = run("collect", *words, "--classroom", place)
        assert done.returncode == 0, done.stderr
        return done

    return step


def counts(done: Done) -> str:
    return done.stdout.rstrip().rpartition("\n")[2].partition(" remarks")[0]


def test_a_class_on_canvas_in_the_wrong_order(collect, place, tmp_path):
    image = b"\x89PNG\r\n\x1a\n" + bytes(60)
    second = {f"leekim_LATE_4712_990020_{NAME}-1.ipynb": NOTEBOOK + b" ", "leekim_LATE_4712_990021_plot.png": image}
    first = {
        f"leekim_4712_990010_{FILE}": NOTEBOOK,
        f"perezjose_4711_990011_{FILE}": NOTEBOOK,
        "bob_4713_990012_hw.py": b"",
    }
    later, earlier = zipped(tmp_path / "2.zip", second, OLD), zipped(tmp_path / "1.zip", first, NEW)
    tried = collect(later, "--dry-run")
    assert not place.exists()
    done = collect(later)
    assert counts(done) == counts(tried) == "1 new, 0 newer, 0 older, 0 same, 0 nobody's, 0"
    assert done.stdout.splitlines()[1].split() == ["4712", NAME, "new", "unknown", "late"]
    done = collect(earlier)
    assert counts(done) == "1 new, 0 newer, 1 older, 0 same, 0 nobody's, 0"
    assert "people to write to:\n  bob: bob_4713_990012_hw.py (a Python file)\n" in done.stdout
    there = place / "submitted" / "4712" / NAME
    assert {path.name: path.read_bytes() for path in there.iterdir()} == {FILE: NOTEBOOK + b" ", "plot.png": image}
    assert len(list((place / "attempts" / "4712" / NAME).iterdir())) == 2
    told = json.loads(collect(earlier, "--format", "json").stdout)
    assert [(row["student"], row["what"], row["attempt"]["late"]) for row in told["rows"]] == [
        ("4711", "same", False), ("4712", "older", False),
    ]  # fmt: skip


def test_a_class_on_moodle_with_a_name_twice_and_a_list_from_excel(collect, place, tmp_path):
    collect(zipped(tmp_path / "1.zip", {moodle("Kim Lee", 12): NOTEBOOK}))
    done = collect(zipped(tmp_path / "2.zip", {moodle("Kim Lee", 13): NOTEBOOK + b" "}, NEW))
    assert "someone else is also called Kim Lee" in done.stdout
    (waiting,) = (place / "unmatched").iterdir()
    assert f"To settle one: autograder collect {waiting} --student ID --classroom {place}" in done.stdout
    assert counts(collect(waiting, "--student", "kim2")).startswith("1 new")
    assert (place / "submitted" / "Kim Lee" / NAME / FILE).read_bytes() == NOTEBOOK
    assert (place / "submitted" / "kim2" / NAME / FILE).read_bytes() == NOTEBOOK + b" "
    (tmp_path / "list.csv").write_bytes(LIST.encode("cp1252"))
    names = {moodle("Jose Perez", 14): NOTEBOOK, moodle("Nobody", 15): NOTEBOOK}
    done = collect(zipped(tmp_path / "3.zip", names), "--roster", tmp_path / "list.csv")
    assert counts(done) == "1 new, 0 newer, 0 older, 0 same, 1 nobody's, 0"
    (place / "students.csv").write_bytes((LIST + "m3;No;Body;nobody;\n").encode("utf-16"))
    assert counts(collect(tmp_path / "3.zip")) == "1 new, 0 newer, 0 older, 1 same, 0 nobody's, 0"
    assert sorted(path.name for path in (place / "submitted").iterdir()) == ["Kim Lee", "kim2", "m1", "m3"]
    assert list((place / "unmatched").iterdir()) == []
    done = run("collect", tmp_path / "3.zip", "--student", "m9", "--classroom", place)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "has no student 'm9'" in done.stderr


def test_every_other_way_to_hand_in(collect, place, tmp_path):
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr(f"work/{FILE}", NOTEBOOK)
    metadata = b"submission_4:\n  :submitters:\n  - :sid: gs1\n  :created_at: 2026-11-02 10:33:21 Z\n"
    exports = {
        "blackboard": {f"hw_bb1_attempt_2026-11-02-10-33-21_{FILE}": NOTEBOOK},
        "brightspace": {f"1-2 - Bright Space - Nov 2, 2026 1033 AM/{FILE}": NOTEBOOK, "index.html": b""},
        "gradescope": {
            f"assignment_9_export/submission_4/{FILE}": NOTEBOOK,
            "assignment_9_export/submission_metadata.yml": metadata,
        },
        "github": {f"hw2-submissions/hw2-gh1/{FILE}": NOTEBOOK},
        "nbgrader": {f"nb1+{NAME}+2026-11-02 10:33:21 UTC+x/{FILE}": NOTEBOOK},
        "flat": {f"Flat One {NAME}.ipynb": NOTEBOOK},
        "zips": {"zip1.zip": inner.getvalue()},
        "by assignment": {f"{NAME}/as1/{FILE}": NOTEBOOK},
    }
    for name, entries in exports.items():
        assert counts(collect(zipped(tmp_path / f"{name}.zip", entries))).startswith("1 new")
    students = ["Bright Space", "Flat One", "as1", "bb1", "gh1", "gs1", "nb1", "zip1"]
    assert sorted(path.name for path in (place / "submitted").iterdir()) == students
    stamps = {path.parts[-3]: path.read_text() for path in (place / "submitted").rglob("timestamp.txt")}
    assert stamps == dict.fromkeys(("gs1", "nb1"), "2026-11-02 10:33:21 UTC")

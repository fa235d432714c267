"""What a terminal, a log or a pipe does to a command: nothing, whatever its encoding, its width or its end."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import nbformat
import pytest
from answers import handed_in, right_answers
from command_line import ROOT, Done, run, run_apart

from autograder.commands import terminal
from autograder.pipeline.grading.submission import GRADER_FAILED

NAME = "01_linear_classification"
STUDENTS = {"zoë ü", "名前", "ada"}
pytestmark = pytest.mark.xdist_group("terminals")


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Done]:
    """A small class with names that few encodings have, graded on an ASCII terminal of 20 columns."""
    place = tmp_path_factory.mktemp("classroom")
    assert run("release", "01", "--classroom", place).returncode == 0
    wrong = {"predict": "def predict(scores):\n    raise ValueError('größer als ∞')"}
    for student in STUDENTS:
        path = place / "submitted" / student / NAME / f"{NAME}.ipynb"
        path.parent.mkdir(parents=True)
        nbformat.write(handed_in(NAME, wrong if student == "ada" else right_answers(NAME)), path)
    return place, run_apart("grade", "01", "--classroom", place, PYTHONIOENCODING="ascii", COLUMNS="20")


def told(done: Done, status: int = 0) -> Done:
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr
    return done


def test_a_table_in_ascii_says_what_the_other_says(graded: tuple[Path, Done]) -> None:
    place, done = graded
    table = told(done).stdout
    assert table.isascii()
    assert "zo\\xeb \\xfc" in table
    assert "\\u540d\\u524d" in table
    legend = next(line for line in table.split("\n") if "Legend" in line)
    assert "+ passed" in legend
    assert "o not written" in legend
    whole = told(run("grade", "01", "--classroom", place)).stdout
    assert "✓ passed" in whole
    assert "zoë ü" in whole


@pytest.mark.parametrize(
    ("arguments", "variables"),
    [
        (("feedback", "01"), {"PYTHONIOENCODING": "ascii", "COLUMNS": "20"}),
        (("report", "01"), {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}),
        (("grade", "--help"), {"PYTHONIOENCODING": "ascii", "COLUMNS": "20"}),
    ],
    ids=["feedback", "report", "help"],
)
def test_no_encoding_or_width_ends_a_command(graded, arguments, variables) -> None:
    where = () if "--help" in arguments else ("--classroom", graded[0])
    told(run_apart(*arguments, *where, **variables))


def in_encoding(encoding: str, *arguments: object) -> bytes:
    """The bytes that a command writes on a terminal of this encoding, in this process."""
    with io.BytesIO() as kept, pytest.MonkeyPatch.context() as patch:
        stream = io.TextIOWrapper(kept, encoding=encoding)
        patch.setattr(sys, "stdout", stream)
        patch.setattr(sys, "argv", ["autograder", *map(str, arguments)])
        from autograder.cli import main

        with pytest.raises(SystemExit) as ended:
            main()
        assert not ended.value.code
        stream.flush()
        return kept.getvalue()


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_what_programs_read_is_valid_in_every_encoding(graded, encoding) -> None:
    where = ("--classroom", graded[0])
    document = json.loads(in_encoding(encoding, "grade", "01", "--format", "json", *where).decode(encoding))
    assert {one["student"] for one in document["submissions"]} == STUDENTS
    suites = ElementTree.fromstring(in_encoding(encoding, "grade", "01", "--format", "junit", *where))
    assert "名前" in ElementTree.tostring(suites, "unicode")
    rows = csv.DictReader(io.StringIO(in_encoding(encoding, "export", "csv", "01", *where).decode("utf-8")))
    assert {value for row in rows for value in row.values()} >= STUDENTS


def test_a_file_is_utf_8_whatever_the_terminal_is(graded, tmp_path) -> None:
    in_encoding("ascii", "grade", "01", "-o", tmp_path / "table", "--classroom", graded[0])
    assert "zoë ü" in (tmp_path / "table").read_text("utf-8")


def test_a_terminal_keeps_the_letters_that_it_has(graded) -> None:
    table = in_encoding("cp1252", "grade", "01", "--classroom", graded[0]).decode("cp1252")
    assert "zoë ü" in table
    assert "\\u540d\\u524d" in table


def shell(line: str) -> subprocess.CompletedProcess[str]:
    command = f"set -o pipefail; A='{sys.executable} -m autograder.cli'; {line}"
    variables = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(["bash", "-c", command], cwd=ROOT, env=variables, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("$A grade 01 --classroom {} --format json | true", 141),
        ("$A --help | true", 141),
        ("$A grade 01 --classroom {} >/dev/full", 3),
        ("$A export csv 01 --classroom {} -o /dev/full", 2),
        ("$A feedback 01 --classroom {} >&- 2>/dev/full", 0),
    ],
)
def test_an_output_that_ends_is_no_verdict_and_no_traceback(graded, line, status) -> None:
    done = shell(line.format(graded[0]))
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    if status in (2, 3):
        assert "No space left on device" in done.stderr
    assert Path("/dev/full").is_char_device()


def test_a_fault_of_the_autograder_is_status_3_and_leaves_a_log(graded, monkeypatch, tmp_path) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def fails(*_: object) -> None:
        raise KeyError("a\nfault \x1b[31m")

    monkeypatch.setattr("autograder.pipeline.publishing.class_report.write_class_report", fails)
    done = told(run("report", "01", "--classroom", graded[0]), status=3)
    (log,) = tmp_path.iterdir()
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("autograder: a fault of the autograder itself, not of a submission (KeyError: ")
    assert done.stderr.endswith(f"details: {log}\n")
    assert "Traceback" in log.read_text("utf-8")
    assert log.stat().st_mode & 0o077 == 0


def test_a_submission_on_which_the_grader_failed_is_no_verdict(graded, monkeypatch) -> None:
    from dataclasses import replace

    from autograder.pipeline.grading import grade

    real = grade.grade

    def failing(*arguments: object) -> object:
        grading = real(*arguments)
        first, *rest = grading.submissions
        return replace(grading, submissions=(replace(first, score=0.0, flags=(GRADER_FAILED,)), *rest))

    monkeypatch.setattr(grade, "grade", failing)
    done = told(run("grade", "01", "--fail-under", "50", "--classroom", graded[0]), status=3)
    assert "the grader itself failed on ada 01_linear_classification; the next run tries again" in done.stderr


def test_letters_have_one_look_each_in_ascii() -> None:
    from autograder.reports.words import STATUSES

    terminal.prepare()
    symbols = [look.symbol.encode("ascii", "autograder").decode() for look in STATUSES.values()]
    assert len(set(symbols)) == len(symbols)
    assert {len(symbol) for symbol in symbols} == {1}
    assert "½ … é \udcff 𝄞".encode("ascii", "autograder") == b"1/2 ... \\xe9 \\udcff \\U0001d11e"

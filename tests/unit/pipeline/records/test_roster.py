"""Lists of a class as platforms and spreadsheets write them."""

from pathlib import Path

import pytest

from autograder.pipeline.course import CourseError
from autograder.pipeline.records.roster import Student, read_students

CANVAS = (
    "Student,ID,SIS User ID,SIS Login ID,Section,01 (99)\n    Points Possible,,,,,28\n"
    '"Pérez, José",4711,M1,jp,A,25\n"Student, Test",4799,,x,A,\n'
)
LISTS = {
    "nbgrader": (
        "id,first_name,last_name,email,lms_user_id\njp,José,Pérez,jp@uni.example,4711\n",
        Student("jp", "", "José", "Pérez", "", "jp@uni.example", (("canvas", "4711"),)),
    ),
    "Canvas": (
        CANVAS,
        Student("4711", "Pérez, José", login="jp", numbers=(("canvas", "4711"),), group="A", aliases=("M1",)),
    ),
    "Moodle": (
        "First name,Last name,ID number,Email address,Groups\nJosé,Pérez,M1,jp@uni.example,A\n",
        Student("M1", "", "José", "Pérez", "", "jp@uni.example", group="A"),
    ),
    "Moodle, German": (
        "Vorname;Nachname;ID-Nummer;E-Mail-Adresse\nJosé;Pérez;M1;jp@uni.example\n",
        Student("M1", "", "José", "Pérez", "", "jp@uni.example"),
    ),
    "Blackboard": (
        "Last Name\tFirst Name\tUsername\tStudent ID\nPérez\tJosé\tjp\tM1\n",
        Student("M1", "", "José", "Pérez", "jp"),
    ),
    "Brightspace": (
        "OrgDefinedId,Username,Last Name,First Name,End-of-Line Indicator\n#M1,#jp,Pérez,José,#\n",
        Student("M1", "", "José", "Pérez", "jp"),
    ),
    "Gradescope": (
        "First Name,Last Name,SID,Email,Role\nJosé,Pérez,M1,jp@uni.example,Student\n",
        Student("M1", "", "José", "Pérez", "", "jp@uni.example"),
    ),
    "GitHub Classroom": (
        '"identifier","github_username","github_id","name"\n"M1","jp","77","José Pérez"\n',
        Student("M1", "José Pérez", numbers=(("github", "jp"),)),
    ),
    "Excel, German": (
        'Matrikelnummer;Vorname;Nachname;Gruppe\n="0123";José;Pérez;A\n',
        Student("0123", "", "José", "Pérez", group="A"),
    ),
    "Excel with its own first line": ("sep=;\nID;Name\nM1;Pérez, José\n", Student("M1", "Pérez, José")),
    "our own": (
        "id,name,login,moodle,extension,dropped,nickname\njp,José Pérez,al,Participant 12,2026-11-09,yes,Pepe\n",
        Student("jp", "José Pérez", "", "", "al", "", (("moodle", "12"),), "", "2026-11-09", True, ("Pepe",)),
    ),
}


@pytest.mark.parametrize(("text", "student"), LISTS.values(), ids=LISTS)
def test_each_platform_s_columns_are_known(tmp_path: Path, text: str, student: Student) -> None:
    path = tmp_path / "list.csv"
    path.write_text(text, "utf-8")
    assert read_students(path) == (student,)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_every_encoding_and_delimiter(tmp_path: Path, encoding: str, delimiter: str, end: str) -> None:
    rows = [("ID", "Vorname", "Nachname"), ("m1", "José", "Müller"), ("m2", "Zoë", "Groß")]
    path = tmp_path / "list.csv"
    path.write_bytes("".join(delimiter.join(row) + end for row in rows).encode(encoding))
    assert read_students(path) == tuple(Student(own, "", first, last) for own, first, last in rows[1:])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "has no column id"),
        ("PK\x03\x04 and so on", "is a spreadsheet, whatever its name says: save it as CSV"),
        ("name\nada\n", "has no column id"),
        ("id,name\nada,A\nbob,B\nada,C\n", "lines 2 and 4 have the same id 'ada'"),
        ("ID;Name\n4,71E+11;Ada\n", "line 2: a spreadsheet rounded the id 4,71E\\+11"),
    ],
)
def test_what_is_no_list_is_one_line(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "list.csv"
    path.write_text(text, "utf-8")
    with pytest.raises(CourseError, match=reason):
        read_students(path)
    with pytest.raises(CourseError, match="cannot be read"):
        read_students(tmp_path / "nowhere.csv")


def test_short_and_long_rows_are_read(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("id,name,login\nada\nbob,Bob,b,surplus\n,nobody,\n", "utf-8")
    assert read_students(path) == (Student("ada"), Student("bob", "Bob", login="b"))

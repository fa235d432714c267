"""Who is in the class: `classroom/students.csv`, and the lists of people that platforms and spreadsheets write.

Such a list is read as it comes: separated by `;`, `,` or tabs, in UTF-8, UTF-16 or Windows' encoding, with the columns'
names of Canvas, Moodle, Blackboard, Brightspace, Gradescope, GitHub Classroom, nbgrader and Excel in English or German.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from autograder.pipeline.course import Course, CourseError

__all__ = ["PLATFORMS", "Student", "read_students", "read_table", "students_file"]

PLATFORMS = ("canvas", "moodle", "blackboard", "brightspace", "gradescope", "github")
"""Columns with a platform's own number or name of a student."""
_DELIMITERS = (",", ";", "\t", "|")
_LARGEST = 20_000_000

_MEANT = {
    "id": ("id",),
    "last_name": ("last name", "lastname", "surname", "family name", "nachname", "familienname"),
    "first_name": ("first name", "firstname", "given name", "forename", "vorname", "rufname"),
    "name": ("name", "full name", "fullname", "student", "student name", "display name", "vollständiger name"),
    "login": (
        "login", "username", "user name", "sis login id", "login id", "user", "benutzername", "anmeldename", "kennung",
        "netid",
    ),
    "email": ("email", "e mail", "email address", "e mail address", "mail", "e mail adresse", "email adresse"),
    "group": ("group", "groups", "section", "sections", "gruppe", "gruppen", "team"),
    "extension": ("extension", "verlängerung"),
    "dropped": ("dropped", "abgemeldet"),
    "canvas": ("canvas", "canvas id", "canvas user id", "lms user id"),
    "moodle": ("moodle", "moodle id", "participant"),
    "blackboard": ("blackboard", "blackboard id"),
    "brightspace": ("brightspace", "brightspace id", "d2l"),
    "gradescope": ("gradescope", "gradescope email"),
    "github": ("github", "github username", "github login"),
}  # fmt: skip
_COLUMNS = {name: field for field, names in _MEANT.items() for name in names}
_IDS = (
    "id", "student id", "studentid", "student number", "matrikelnummer", "matrikelnr", "matrikel nr", "matr nr",
    "id number", "idnumber", "id nummer", "sis user id", "orgdefinedid", "sid", "identifier", "username", "user name",
    "login", "benutzername", "kennung", "email", "email address", "e mail", "e mail adresse", "email adresse",
)  # fmt: skip
"""Columns that may hold the student's id, the first that there is."""
_NOBODY = {"points possible", "student, test", "test student", "test, student"}
_ROUNDED = re.compile(r"\d[.,]\d+E\+\d+", re.IGNORECASE)
_YES = {"1", "x", "yes", "y", "true", "ja", "j", "wahr", "dropped"}


@dataclass(frozen=True)
class Student:
    """A row of the class's list.

    Attributes:
        id: the name of the student's folders and of the gradebook's row.
        name: the full name as it is written in one column; empty where there are two.
        numbers: platform and what it calls the student, for those in `PLATFORMS`.
        aliases: what other columns of a file with a column `id` hold.
    """

    id: str
    name: str = ""
    first_name: str = ""
    last_name: str = ""
    login: str = ""
    email: str = ""
    numbers: tuple[tuple[str, str], ...] = ()
    group: str = ""
    extension: str = ""
    dropped: bool = False
    aliases: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The full name, however it is written."""
        return tuple(filter(None, (self.name, f"{self.first_name} {self.last_name}".strip())))


def students_file(course: Course) -> Path:
    """Where the list of a class is."""
    return course.classroom / "students.csv"


def read_students(path: Path) -> tuple[Student, ...]:
    """The people in a list, in its order.

    Raises:
        CourseError: the file cannot be read, has no column with ids, or two rows have the same id.
    """
    header, rows = read_table(path)
    chosen = next((name for name in _IDS if name in header), None)
    if chosen is None:
        raise CourseError(
            f"{path} has no column id: its first line must name the columns, one of them id or Student ID"
        )
    students: dict[str, tuple[int, Student]] = {}
    for number, row in rows:
        cells = dict(zip(reversed(header), reversed(row[: len(header)] + [""] * (len(header) - len(row))), strict=True))
        student = _student(cells, chosen)
        if student is None:
            continue
        if _ROUNDED.fullmatch(student.id):
            raise CourseError(f"{path}, line {number}: a spreadsheet rounded the id {student.id}; export ids as text")
        if student.id in students:
            raise CourseError(f"{path}: lines {students[student.id][0]} and {number} have the same id {student.id!r}")
        students[student.id] = number, student
    return tuple(student for _, student in students.values())


def _student(cells: Mapping[str, str], chosen: str) -> Student | None:
    """The row's student; None for a row of nobody."""
    found: dict[str, str] = {}
    others: list[str] = []
    from_canvas = "sis user id" in cells and chosen == "id"
    for column, text in cells.items():
        field = _COLUMNS.get(column)
        if field is None and column not in _IDS:
            others += [] if from_canvas else [text]  # there, these are scores
        elif field is not None:
            found[field] = found.get(field) or text
    own = cells[chosen]
    names = {found.get("name", "").casefold(), own.casefold()}
    if not own or names & _NOBODY:
        return None
    others += [cells[column] for column in _IDS if column in cells and _COLUMNS.get(column) is None]
    numbers = {name: found[name].removeprefix("Participant ") for name in PLATFORMS if found.get(name)}
    if from_canvas:
        numbers.setdefault("canvas", own)
    return Student(
        own,
        **{field: found.get(field, "") for field in ("name", "first_name", "last_name", "login", "email", "group")},
        numbers=tuple(numbers.items()),
        extension=found.get("extension", ""),
        dropped=found.get("dropped", "").casefold() in _YES,
        aliases=tuple(dict.fromkeys(filter(None, others))) if chosen == "id" else (),
    )


# --- the file --------------------------------------------------------------------------------------------


def read_table(path: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """The names of a CSV file's columns, in lower case and without signs, and line numbers and cells of its rows.

    Raises:
        CourseError: the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
        if len(data) > _LARGEST:
            raise CourseError(f"{path} is larger than {_LARGEST / 1e6:.0f} MB: no list of students is")
        if data.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
            raise CourseError(f"{path} is a spreadsheet, whatever its name says: save it as CSV")
        text = _text(data)
        first, _, rest = text.partition("\n")
        named = re.fullmatch(r"sep=(.)\r?", first.strip("\r"))
        start, text = (1, rest) if named else (0, text)
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=named[1] if named else _delimiter(text))
        rows = [(start + reader.line_num, [_cell(cell) for cell in row]) for row in reader]
    except (OSError, csv.Error) as error:
        raise CourseError(f"{path} cannot be read as CSV: {error}") from error
    filled = [(number, row) for number, row in rows if any(row)]
    return [_plain(name) for name in filled[0][1]] if filled else [], filled[1:]


def _text(data: bytes) -> str:
    """The text of a file of unknown encoding: a byte-order mark counts, then NUL bytes, then UTF-8, then Windows."""
    for mark, encoding in ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if data.startswith(mark):
            return data.decode(encoding, "replace")
    if zeros := data[:4000].count(0):
        even = data[:4000:2].count(0)
        return data.decode("utf-16-be" if 2 * even > zeros else "utf-16-le", "replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _delimiter(text: str) -> str:
    """The one that makes the most known columns of the first line, then the most columns."""
    first = next((line for line in text.splitlines() if line.strip()), "")

    def worth(delimiter: str) -> tuple[int, int]:
        cells = next(csv.reader([first], delimiter=delimiter), [])
        return sum(_plain(cell) in _COLUMNS or _plain(cell) in _IDS for cell in cells), len(cells)

    return max(_DELIMITERS, key=worth)


def _plain(name: str) -> str:
    """A column's name without case, brackets, dashes and underscores."""
    return " ".join(re.sub(r"[^\w]+|_", " ", unicodedata.normalize("NFC", name).casefold()).split())


def _cell(text: str) -> str:
    """A cell as it is meant: Excel's `="0123"` and Brightspace's `#0123` are 0123."""
    text = unicodedata.normalize("NFC", " ".join(text.split()))
    if quoted := re.fullmatch(r'="(.*)"', text):
        return quoted[1]
    return text[1:] if re.fullmatch(r"#[\w.@-]+", text) else text

"""What platforms' names say, by the formats that they publish or that their source shows."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from autograder.pipeline.intake.platforms import Person, Said, recognisers

NAME = "02_mlp_forward"
FILE = f"{NAME}.ipynb"
MORNING = datetime(2026, 11, 2, 10, 33, 21)


def said(
    *paths: str, of: int = 0, above: str = "download", files: dict[str, str] | None = None, git: tuple[str, ...] = ()
) -> Said:
    """What is said of one of some paths that are in a source together."""
    parts = [tuple(path.split("/")) for path in (*paths, *(files or {}))]
    texts = {tuple(path.split("/")): text.encode() for path, text in (files or {}).items()}
    repositories = frozenset(tuple(one.split("/")) for one in git)
    return recognisers(parts, above, repositories, lambda path: texts.get(path, b""))(parts[of])


def own(number: str, name: str = "lovelaceada") -> Person:
    return Person(number, name=name, number=number)


@pytest.mark.parametrize(
    ("name", "person", "late", "upload", "file"),
    [
        (f"lovelaceada_4711_990011_{FILE}", own("4711"), False, 990011, FILE),
        (f"lovelaceada_LATE_4711_990011_{NAME}-2.ipynb", own("4711"), True, 990011, f"{NAME}-2.ipynb"),
        (f"pérezjosé_4711_990011_a_12_345_{FILE}", own("4711", "pérezjosé"), False, 990011, f"a_12_345_{FILE}"),
        (f"lovelace_ada4711_question_55_990011_{FILE}", own("4711", "lovelace_ada"), False, 990011, FILE),
        (f"anon_x7Yz2_990011_{FILE}", Person("anon_x7Yz2", number="x7Yz2"), False, 990011, FILE),
        (f"LATE_anon_x7Yz2_990011_{FILE}", Person("anon_x7Yz2", number="x7Yz2"), True, 990011, FILE),
        ("lovelaceada_LATE_4711_text.html", own("4711"), True, None, "text.html"),
        ("lovelaceada_4711_link.html", own("4711"), False, None, "link.html"),
        ("anon_x7Yz2_text.html", Person("anon_x7Yz2", number="x7Yz2"), False, None, "text.html"),
    ],
)
def test_canvas(name: str, person: Person, late: bool, upload: int | None, file: str) -> None:
    found = said(name)
    assert (found.platform, found.people, found.late, found.sequence, found.file) == (
        "Canvas", (person,), late, upload, (file,),
    )  # fmt: skip
    assert found.moment is None


@pytest.mark.parametrize(
    ("path", "person", "file"),
    [
        (f"Ada Lovelace_12_assignsubmission_file/{FILE}", own("12", "Ada Lovelace"), FILE),
        (f"Ada Lovelace_12_assignsubmission_file_/a/{FILE}", own("12", "Ada Lovelace"), f"a/{FILE}"),
        (f"Ada Lovelace_12_assignsubmission_file_{FILE}", own("12", "Ada Lovelace"), FILE),
        ("Ada Lovelace_12_assignsubmission_onlinetext/onlinetext.html", own("12", "Ada Lovelace"), "onlinetext.html"),
        ("Ada Lovelace_12_assignsubmission_onlinetext_onlinetext.html", own("12", "Ada Lovelace"), "onlinetext.html"),
        (f"Participant_12_assignsubmission_file/{FILE}", Person("12", number="12"), FILE),
        (f"Participant 4_12_assignsubmission_file_/{FILE}", Person("12", number="12"), FILE),
        (f"Teilnehmerin_12_assignsubmission_file_{FILE}", Person("12", number="12"), FILE),
    ],
)
def test_moodle(path: str, person: Person, file: str) -> None:
    found = said(path)
    assert (found.platform, found.people, "/".join(found.file)) == ("Moodle", (person_named(person),), file)
    assert (found.per_assignment, found.late, found.moment) == (True, None, None)


def person_named(person: Person) -> Person:
    """Moodle's number is not the id, unless nothing else is known."""
    return Person(person.name or person.number, person.name, number=person.number)


def test_moodle_s_blind_marking_is_known_in_any_language() -> None:
    names = [f"Osallistuja_{number}_assignsubmission_file/{FILE}" for number in (11, 12, 13)]
    assert said(*names).people == (Person("11", number="11"),)


BLACKBOARD = "Homework_2_al_123_attempt_2026-11-02-10-33-21"


def test_blackboard() -> None:
    other = f"Homework_2_bob_attempt_2026-11-02-10-33-21_{FILE}"
    found = said(f"{BLACKBOARD}_{FILE}", other)
    assert (found.people, found.local, found.moment) == ((Person("al_123", login="al_123"),), MORNING, None)
    receipt = (
        "Name: Ada Lovelace (al_123)\nAssignment: Homework_2\n"
        "Date Submitted: Monday, November 2, 2026 10:33:21 AM EST\nCurrent Grade: Needs Grading\n\n"
        "Comments:\nName: Bob (bob)\nDate Submitted: Monday, January 5, 2026 10:33:21 AM EST\n"
    )
    found = said(f"{BLACKBOARD}_{FILE}", files={f"{BLACKBOARD}.txt": receipt})
    assert found.people == (Person("al_123", "Ada Lovelace", "al_123"),)
    assert (found.moment, found.file) == (datetime(2026, 11, 2, 15, 33, 21, tzinfo=UTC), (FILE,))
    assert said(f"{BLACKBOARD}_{FILE}", of=1, files={f"{BLACKBOARD}.txt": receipt}).by_platform


@pytest.mark.parametrize("time", ["Nov 2, 2026 1033 AM", "November 2, 2026 10:33 AM", "2 November, 2026 1033"])
def test_brightspace(time: str) -> None:
    path = f"301-77 - Mary-Ann O'Neil - {time}/{FILE}"
    found = said(path, f"302-77 - Kim Lee - {time}/{FILE}", "index.html")
    assert found.people == (Person("Mary-Ann O'Neil", "Mary-Ann O'Neil", number="301"),)
    assert (found.local, found.moment, found.file) == (MORNING.replace(second=0), None, (FILE,))
    assert said(path, "index.html", of=1).by_platform
    assert said(path).people == (Person("Mary-Ann O'Neil", "Mary-Ann O'Neil"),)
    flat = said(f"301-77 - Kim Lee - {time} - {FILE}")
    assert (flat.people[0].name, flat.file) == ("Kim Lee", (FILE,))


METADATA = """---
submission_456:
  :submitters:
  - :name: Ada Lovelace
    :sid: '0123'
    :email: ada@uni.example
  - :name: Kim Lee
    :sid: null
    :email: kim@uni.example
  :created_at: 2026-11-02 10:33:21.581211000 Z
  :results: {}
"""


def test_gradescope() -> None:
    path = f"assignment_9_export/submission_456/{FILE}"
    found = said(path, files={"assignment_9_export/submission_metadata.yml": METADATA})
    assert [person.id for person in found.people] == ["0123", "kim@uni.example"]
    assert found.moment is not None
    assert (str(found.moment)[:19], found.file) == ("2026-11-02 10:33:21", (FILE,))
    for broken in ("", "{", "- 1\n", "submission_456: 3\n", "a: &a [*a]\n", "submission_456: {':created_at': 99-99}"):
        found = said(path, files={"assignment_9_export/submission_metadata.yml": broken})
        assert "submission_metadata.yml, which says whose they are" in found.trouble


def test_gradescope_s_metadata_are_not_taken_from_a_student() -> None:
    path = f"assignment_9_export/submission_456/submission_456/{FILE}"
    found = said(path, files={"assignment_9_export/submission_456/submission_metadata.yml": METADATA})
    assert found.trouble


def test_github_classroom() -> None:
    assert said(f"hw2-ada-l/{FILE}", above="hw2-submissions").people == (
        Person("ada-l", login="ada-l", number="ada-l"),
    )
    assert said(f"hw2-submissions/hw2-ada-l/{FILE}").people[0].login == "ada-l"
    assert said(f"{NAME}-ada-l/{FILE}").people[0].login == "ada-l"
    both = (f"hw-two-ada-l/{FILE}", f"hw-two-bob/{FILE}")
    assert said(*both, git=("hw-two-ada-l", "hw-two-bob")).people[0].login == "ada-l"
    assert said(*both).platform == ""


@pytest.mark.parametrize("time", ["2026-11-02 10:33:21 UTC", "2026-11-02 10:33:21.000000 UTC"])
@pytest.mark.parametrize("end", ["", "+MTIzNA=="])
def test_nbgrader_s_exchange(time: str, end: str) -> None:
    found = said(f"inbound/al123+{NAME}+{time}{end}/{FILE}", f"inbound/bob+{NAME}+{time}{end}/{FILE}")
    assert (found.platform, found.people) == ("nbgrader", (Person("al123", login="al123"),))
    assert (found.moment, found.file) == (MORNING.replace(tzinfo=UTC), (FILE,))


@pytest.mark.parametrize(
    ("path", "student"),
    [
        (f"ada/{FILE}", "ada"),
        (f"ada/{NAME}/{FILE}", "ada"),
        (f"submitted/ada/{NAME}/{FILE}", "ada"),
        (f"{NAME}/ada/{FILE}", "ada"),
        (f"{NAME}/Ada Lovelace_12_assignsubmission_file_/{FILE}", "Ada Lovelace"),
        (f"02/lovelaceada_4711_990011_{FILE}", "4711"),
        (f"work/all/lovelaceada_4711_990011_{FILE}", "4711"),
        (f"ada.zip/{FILE}", "ada"),
        (f"Ada {NAME} (2).ipynb", "Ada"),
        (FILE, ""),
        (f"{NAME}/{FILE}", ""),
    ],
)
def test_where_names_begin(path: str, student: str) -> None:
    assert said(path).people[0].id == student


@pytest.mark.parametrize(
    "path",
    [
        f"ada/Grace Hopper_12_assignsubmission_file_/{FILE}",
        f"ada/hoppergrace_4711_990011_{FILE}",
        f"ada/grace/{NAME}/{FILE}",
        f"ada/{NAME}/grace/{FILE}",
        f"ada/grace+{NAME}+2026-11-02 10:33:21 UTC/{FILE}",
    ],
)
@pytest.mark.parametrize("other", [f"bob/{FILE}", f"bob/{NAME}/{FILE}"])
def test_below_their_own_folder_nobody_becomes_someone_else(path: str, other: str) -> None:
    assert said(path, other).people[0].id == "ada"


def test_the_folder_of_a_known_student_is_not_taken_for_one_around_everything() -> None:
    path = ("ada", "hoppergrace_4711_990011_work", FILE)
    for is_student, student in ((lambda name: name == "ada", "ada"), (lambda name: False, "4711")):
        read = recognisers([path], "late", frozenset(), lambda path: b"", is_student)
        assert read(path).people[0].id == student


def test_nor_in_a_file_that_a_platform_named() -> None:
    for inner in (f"Grace Hopper_12_assignsubmission_file_/{FILE}", f"hoppergrace_4712_990012_{FILE}"):
        assert said(f"lovelaceada_4711_990011_work.zip/{inner}").people[0].id == "4711"
    assert said(f"lovelaceada_4711_990011_x_12_assignsubmission_file_{FILE}").people[0].id == "4711"
    assert said(f"Ada Lovelace_12_assignsubmission_file_x_4711_990011_{FILE}").people[0].id == "Ada Lovelace"


# --- names that a student chose to look like another platform's ---


@pytest.mark.parametrize(
    "chosen", [f"56_attempt_2027-11-02-10-33-21_{FILE}", f"ada56_question_12_99999_{FILE}", f"56_99999_{FILE}"]
)
def test_the_end_of_a_name_is_the_students_and_not_another_platforms(chosen: str) -> None:
    found = said(f"mallory_58_1005_{chosen}", f"lovelaceada_56_1002_{FILE}")
    assert (found.platform, found.people, found.trouble) == ("Canvas", (own("58", "mallory"),), "")
    start = "301-55 - Eve - Nov 2, 2026 1033 AM - "
    found = said(f"{start}HW_{chosen}", f"302-55 - Ada - Nov 2, 2026 1033 AM - {FILE}")
    assert (found.platform, found.people[0].name, found.trouble) == ("Brightspace", "Eve", "")


def test_a_lone_name_that_two_platforms_read_differently_is_nobodys() -> None:
    found = said(f"mallory_58_1005_56_attempt_2027-11-02-10-33-21_{FILE}")
    assert found.trouble == "its name could be Blackboard's or Canvas's, which would be different people"
    assert not said(f"HW_ada_attempt_2027-11-02-10-33-21_{FILE}").trouble


def test_the_folder_around_repositories_is_nobodys_repository() -> None:
    around = "02-mlp-forward-submissions"
    paths = [f"{around}/02-mlp-forward-{login}/{FILE}" for login in ("ada", "bo")]
    assert [said(*paths, of=number).people[0].login for number in (0, 1)] == ["ada", "bo"]


@pytest.mark.parametrize("name", ["02-mlp-forward-hal", "hal 02-MLP_forward", "02_mlp_forward_hal"])
def test_dashes_in_an_assignments_name_are_no_part_of_a_student(name: str) -> None:
    assert said(f"{name}.ipynb", "other.ipynb").people[0].id == "hal"

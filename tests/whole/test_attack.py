"""`doctor --attack`: what is tried, what it says, and that it notices what is open."""

import re

import pytest
from command_line import run
from rungs import HERE
from small_class import make_course

from autograder.calls import Status
from autograder.pipeline.grading import attack
from autograder.sandbox.host.isolation import TRUSTWORTHY
from autograder.sandbox.host.sandbox import Sandbox

STRONGEST = next((HERE[name] for name in reversed(TRUSTWORTHY) if HERE[name].ok), None)
pytestmark = [
    pytest.mark.xdist_group("attack"),
    pytest.mark.skipif(STRONGEST is None, reason="this machine has no isolation that holds against hostile code"),
]


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A class that has handed in, of which a run may see nothing."""
    return make_course(tmp_path_factory.mktemp("attacked"), release_it=False)


@pytest.fixture
def on_one_rung(monkeypatch):
    """Quick: one isolation level, the places where answers would be, and few limits."""
    monkeypatch.setattr(attack, "available", lambda: [STRONGEST])
    monkeypatch.setattr(attack, "_searched", lambda course, view: [attack.REPOSITORY, course.root])
    few = ("run without end and ignore being asked to stop", "use 16 GB of memory", "disturb the grader's connection")
    monkeypatch.setattr(attack, "_LIMITS", {what: attack._LIMITS[what] for what in few})


def test_every_attempt_is_named_with_what_became_of_it(course, on_one_rung):
    done = run("doctor", "--attack", "--course", course.root)
    assert done.returncode == 0, done.stdout
    first, *lines, total, _ = done.stdout.splitlines()
    assert first == f"isolation {STRONGEST.name}"
    assert all(line.startswith("held     ") for line in lines), [line for line in lines if not line.startswith("held")]
    assert total == f"{STRONGEST.name}: {len(lines)} held, 0 open as said, 0 broke"
    tried = "\n".join(lines)
    for path in (course.secret, next(course.submitted.rglob("*.ipynb")).parents[2], attack.REPOSITORY / "autograder"):
        assert f"read {path}" in tried
    for what in (
        "reach a file through a symbolic link", "find the answers in any folder", "see the grader's environment",
        "read another submission's file", "kill another submission's process", "connect to a port of this machine",
        "connect to an abstract socket", "connect to a local socket", "trace processes", "start 20 processes at once",
        "leave files for the next submission", "leave a process behind", "write to /etc", "import autograder.judge",
    ):  # fmt: skip
        assert f"held     {what}" in done.stdout, what
    assert re.search(r"import any of \d+ packages", tried)


def test_what_is_open_is_said_and_is_the_exit_status(course, on_one_rung, monkeypatch):
    monkeypatch.setenv("COURSE_DATA", str(course.solutions))
    done = run("doctor", "--attack", "--course", course.root)
    assert done.returncode == 1
    assert re.search(r"BROKE    stop the attack: .*let a run read .*solutions.*COURSE_DATA", done.stdout)
    assert f"{STRONGEST.name}: 0 held, 0 open as said, 1 broke" in done.stdout


def test_a_run_that_goes_on_where_it_must_end_is_noticed():
    with Sandbox("process") as sandbox:
        assert not attack._held(sandbox, "1 + 1", (Status.MEMORY,))
        assert not attack._held(sandbox, "import os\nos._exit(0)", (Status.MEMORY,))
        assert attack._held(sandbox, "import os\nos._exit(0)", (Status.EXITED,))
        assert attack._held(sandbox, "raise PermissionError", (Status.MEMORY,))


def test_below_the_second_rung_only_the_limits_are_promised(course, on_one_rung, monkeypatch):
    monkeypatch.setattr(attack, "available", lambda: [HERE["process"]])
    done = run("doctor", "--attack", "--course", course.root)
    assert done.returncode == 0, done.stdout
    assert done.stdout.startswith("isolation process, which does not hold against malicious code\nopen     read")
    assert "process: 4 held, 1 open as said, 0 broke" in done.stdout

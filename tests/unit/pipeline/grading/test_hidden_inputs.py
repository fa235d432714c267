"""Hidden inputs reach nothing that is shown, and an exercise is judged with the state that it had at its check."""

import json
import re
from dataclasses import replace

import pytest
from nbformat.v4 import new_code_cell, new_notebook
from rungs import HERE

from autograder.calls import Status
from autograder.check import check
from autograder.exercise import Case, Exercise, Rules
from autograder.judge.cases import hidden_cases, visible_cases
from autograder.pipeline.grading.judge_notebook import judge_notebook
from autograder.reports.student import Report
from autograder.sandbox.host.isolation import LADDER
from autograder.sandbox.host.sandbox import Sandbox
from autograder.sandbox.kernel.limits import Limits

SECRET = b"a secret of these tests"
STRONGEST = next(name for name in reversed(LADDER) if HERE[name].ok)


def double(x):
    return 2 * x


def numbers(rng):
    return rng.integers(10**14, 10**15, 3)


def toy(name: str, seconds: float = 10.0) -> Exercise:
    return Exercise(
        id=f"toy.{name}",
        reference=double,
        signature=f"{name}(x (3,))",
        groups={"basics": 1, "more": 1},
        visible=lambda rng: [Case("shown", (numbers(rng),))],
        hidden=lambda rng: [Case("unseen", (numbers(rng),), group="more") for _ in range(2)],
        rules=Rules(),
        seconds=seconds,
        slip_steps=0,  # edits of an answer run after everything, on visible cases, and only choose what is told
    )


FIRST, SECOND, THIRD = TOYS = [toy("first"), toy("second"), toy("third")]


def shown_numbers(exercise):
    return {str(number) for case in visible_cases(exercise) for number in case.args[0]}


def hidden_numbers(exercise):
    inputs = [number for case in hidden_cases(exercise, SECRET) for number in case.args[0]]
    return {str(number) for number in (*inputs, *(2 * number for number in inputs))}


def cell(grade_id, source, *, given):
    marks = {"grade": given, "grade_id": grade_id, "locked": given, "schema_version": 3, "solution": not given}
    return new_code_cell(source, metadata={"nbgrader": marks | {"task": False}})


def notebook(*parts, own=""):
    """Of each part, the solution of a toy exercise and the student's cell after its check."""
    cells = [cell("imports", "import numpy as np\nfrom autograder import check", given=True)]
    cells += [cell("own", own, given=False)]
    for exercise, answer, after in parts:
        cells += [cell(exercise.name, answer, given=False)]
        cells += [cell(f"{exercise.name}_check", f'check("{exercise.id}", {exercise.name})', given=True)]
        cells += [cell(f"after_{exercise.name}", after, given=False)]
    return new_notebook(cells=cells)


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox(STRONGEST, limits=Limits(memory_bytes=512 << 20), preload=(check.__module__,)) as box:
        yield box


def judged(sandbox, made, exercises=TOYS):
    return judge_notebook(sandbox, made, exercises, SECRET)


# --- what is hidden stays hidden ---

HIDE = """
import builtins, mmap, os, threading
kept, heard, shared, (mine, thine), (told, tell) = [], [], mmap.mmap(-1, 1 << 16), os.pipe(), os.pipe()
os.set_blocking(mine, False)
threading.Thread(target=lambda: heard.append(os.read(told, 9999)), daemon=True).start()
PLACES = [f'{folder}/hidden' for folder in ('.', '/tmp', '/dev/shm', '/var/tmp', os.environ['HOME'], '..')]

def hide(x):
    text = str(np.asarray(x).tolist())
    kept.append(text)
    builtins.kept = np.ma.MaskedArray.kept = kept
    start = shared.find(bytes(8))
    shared[start : start + len(text)] = text.encode()
    os.write(thine, text.encode())
    os.write(tell, text.encode())
    for place in PLACES:
        try:
            with open(place, 'a') as file:
                file.write(text)
        except OSError:
            pass

def found():
    parts = [kept, *(getattr(each, 'kept', 0) for each in (builtins, np.ma.MaskedArray)), heard]
    parts.append(shared[:].rstrip(bytes(1)))
    try:
        parts.append(os.read(mine, 1 << 16))
    except OSError:
        pass
    for place in PLACES:
        if os.path.exists(place):
            parts.append(open(place).read())
    return str(parts)
"""
HIDES = "def first(x):\n    hide(x)\n    return 2 * x"
SHOWS = "def second(x):\n    hide(x)\n    return found()"
RAISES = "def third(x):\n    hide(x)\n    raise ValueError(found())"


def test_no_hidden_input_is_shown_anywhere(sandbox):
    late = "import time; time.sleep(0.1); print(found())"
    made = notebook((FIRST, HIDES, late), (SECOND, SHOWS, late), (THIRD, RAISES, late), own=HIDE)
    verdicts = judged(sandbox, made)
    assert [verdicts[each.id].status for each in TOYS] == [Status.PASSED, Status.FAILED, Status.ERROR]
    pages = [Report(verdicts[each.id], local=False, groups=each.groups)._repr_mimebundle_() for each in TOYS]
    everything = json.dumps(made) + repr(verdicts) + str(pages)
    shown = repr(verdicts["toy.second"])
    assert any(number in shown for number in shown_numbers(FIRST)), "the hiding places work: visible inputs are found"
    for exercise in TOYS:
        assert not [number for number in hidden_numbers(exercise) if number in everything]
    assert "[[], 0, 0, []" in str(made.cells[-1].outputs), "and in later cells not even those"


# --- the state at the check ---


def test_each_is_judged_with_the_state_at_its_check(sandbox):
    factor = "factor = 2\ndef first(x):\n    return factor * x"
    other = "second = lambda x: factor * x\nfactor = 2"
    made = notebook((FIRST, factor, "factor = 3"), (SECOND, other, "del second, factor"))
    verdicts = judged(sandbox, made, [FIRST, SECOND])
    assert [verdict.status for verdict in verdicts.values()] == [Status.PASSED, Status.PASSED]


def test_a_call_of_the_judge_changes_nothing_for_later_cells(sandbox):
    counts = "calls = 0\ndef first(x):\n    global calls\n    calls += 1\n    return 2 * x"
    made = notebook((FIRST, counts, "print('calls', calls)"))
    assert judged(sandbox, made, [FIRST])["toy.first"].status is Status.PASSED
    assert "calls 0" in str(made.cells[-1].outputs)


RIGHT = {each.name: f"def {each.name}(x):\n    return 2 * x" for each in TOYS}
STATE = "state = 5\ndef {0}(x):\n    assert state == 5\n    return 2 * x"


def test_a_cell_that_dies_costs_no_exercise_before_or_after_it(sandbox):
    dies = "import os; os._exit(3)"
    made = notebook((FIRST, STATE.format("first"), ""), (SECOND, dies, ""), (THIRD, STATE.format("third"), ""))
    verdicts = judged(sandbox, made)
    assert [verdicts[each.id].status for each in TOYS] == [Status.PASSED, Status.EXITED, Status.PASSED]
    assert "exit code 3" in verdicts["toy.second"].message


def test_a_function_that_dies_costs_no_other_exercise(sandbox):
    dies = "def second(x):\n    import os; os.abort()"
    after = "try:\n    second\nexcept NameError:\n    print('gone')\nelse:\n    print('still here')"
    made = notebook((FIRST, RIGHT["first"], ""), (SECOND, dies, after), (THIRD, RIGHT["third"], ""))
    verdicts = judged(sandbox, made)
    assert [verdicts[each.id].status for each in TOYS] == [Status.PASSED, Status.CRASHED, Status.PASSED]
    assert "still here" in str(made.cells[7].outputs)


def test_a_check_that_cannot_be_copied_costs_itself(sandbox):
    lie = "import socket\nfrom autograder.sandbox.guest import copies\nold = copies.fork\n"
    lie += "def fork(server, connection, capture):\n    socket.recv_fds(server, 1, 1)\n"
    lie += "    connection.send(copies.messages.Forked(0))\ncopies.fork = fork"
    made = notebook((FIRST, f"{RIGHT['first']}\n{lie}", "copies.fork = old"), (SECOND, RIGHT["second"], ""))
    verdicts = judged(sandbox, made, [FIRST, SECOND])
    assert [verdict.status for verdict in verdicts.values()] == [Status.BLOCKED, Status.PASSED]


def test_a_copy_that_keeps_the_judge_from_its_hidden_cases_loses_their_points(sandbox):
    shuts = "from autograder.sandbox.guest import messenger\ncurrent = messenger.current()\n"
    shuts += "def first(x):\n    current.serve = lambda *_: None\n    return 2 * x"
    verdict = judged(sandbox, notebook((FIRST, shuts, "")), [FIRST])["toy.first"]
    assert (verdict.status, verdict.points) == (Status.BLOCKED, 1)


# --- threads, time, and places without copies ---


def test_a_function_that_waits_for_a_thread_of_an_earlier_cell_is_told_so(sandbox):
    waits = (
        "import queue, threading\nasked, answered = queue.Queue(), queue.Queue()\n"
        "def work():\n    while True:\n        answered.put(2 * asked.get())\n"
        "threading.Thread(target=work, daemon=True).start()\n"
        "def first(x):\n    asked.put(x)\n    return answered.get()"
    )
    quick = toy("first", seconds=0.1)
    verdict = judged(sandbox, notebook((quick, waits, "print(first(2))")), [quick])["toy.first"]
    assert verdict.status is Status.TIMEOUT
    assert "an earlier cell left a thread running" in verdict.message


def test_waiting_does_not_count(sandbox):
    quick = toy("first", seconds=0.1)
    made = notebook((quick, RIGHT["first"], "import time; time.sleep(2.5)"))
    assert judged(sandbox, made, [quick])["toy.first"].status is Status.PASSED


def test_where_no_copies_can_be_made_cells_run_again_before_anything_is_judged(sandbox, monkeypatch):
    monkeypatch.setattr(Sandbox, "makes_copies", False)
    dies = "def second(x):\n    import os; os._exit(0)"
    counts = STATE.format("first").replace("assert", "hide(x); assert")
    made = notebook(
        (FIRST, counts, "state = 6; print(found())"), (SECOND, dies, ""), (THIRD, RIGHT["third"], ""), own=HIDE
    )
    verdicts = judged(sandbox, made)
    assert [verdicts[each.id].status for each in TOYS] == [Status.PASSED, Status.EXITED, Status.PASSED]
    assert not [number for number in hidden_numbers(FIRST) if number in json.dumps(made) + repr(verdicts)]


# --- several processes ---

NOTES = """
def note(kind, x=''):
    with open({place!r}, 'a') as file:
        file.write(f'{{kind}} {{os.getpid()}} {{np.asarray(x).tolist()}}\\n')
def known():
    return open({place!r}).read()
note('cell')
"""
FORBIDDING = {"first": ("numpy.linalg.svd",), "third": ("numpy.fft",)}
PARTED = [replace(each, rules=Rules(forbids=FORBIDDING.get(each.name, ()))) for each in TOYS]
NOTED = "def {0}(x):\n    note('{0}', x)\n    {1}\nnote('cell')"
USES = "return 2 * x if np.linalg.svd(np.eye(1)).S[0] == 1 else 0"


@pytest.fixture(scope="module")
def open_sandbox():
    """Where processes can leave each other notes, which no jail lets them do."""
    with Sandbox("process", preload=(check.__module__,)) as box:
        yield box


def noted(sandbox, place, **answers):
    """Judges three exercises, of which two forbid something; returns verdicts and the notes in order."""
    parts = [(each, NOTED.format(each.name, answers.get(each.name, "return 2 * x")), "note('cell')") for each in PARTED]
    own = "import os" + NOTES.format(place=str(place))
    return judged(sandbox, notebook(*parts, own=own), PARTED), place.read_text().splitlines()


def is_hidden(line):
    return any(number in line for each in TOYS for number in hidden_numbers(each))


def test_no_hidden_case_comes_before_a_visible_one_or_a_cell_of_any_process(open_sandbox, tmp_path):
    answers = {"first": "return -x", "third": USES}
    verdicts, lines = noted(open_sandbox, tmp_path / "notes", **answers)
    assert [verdicts[each.id].status for each in TOYS] == [Status.FAILED, Status.PASSED, Status.PASSED]
    ran = {line.split()[1] for line in lines if line.startswith("cell")}
    assert len(ran) == 3, "where nothing is gone, where everything is, and where only numpy.fft is"
    first = next(place for place, line in enumerate(lines) if is_hidden(line))
    assert all(is_hidden(line) for line in lines[first:])
    assert {line.split()[0] for line in lines[first:]} == {each.name for each in TOYS}


LATE = {
    "a wrong answer": "return known()",
    "a text": "raise ValueError(known())",
    "an exit code": "os._exit(77)",
    "a signal": "os.kill(os.getpid(), 10)",
}


@pytest.mark.parametrize("way", LATE)
def test_a_process_that_comes_late_shows_nothing(open_sandbox, tmp_path, way):
    """Its visible case is wrong everywhere, its hidden ones are right where only numpy.fft is gone."""
    answer = f"""
    cells = [line.split()[1] for line in known().splitlines() if line.startswith('cell')]
    if len(set(cells)) == 3:
        {LATE[way]}
    if known().count('third') % 3 != 1:
        {USES}
    return -x
"""
    verdicts, lines = noted(open_sandbox, tmp_path / "notes", third=answer.strip())
    assert len({line.split()[1] for line in lines if line.startswith("cell")}) == 3
    assert any(map(is_hidden, lines)), "they could be found"
    shown = repr(verdicts["toy.third"])
    assert not [number for each in TOYS for number in hidden_numbers(each) if number in shown]
    assert not re.search("77|SIG|your answer|ValueError", shown)
    assert verdicts["toy.third"].points == 0


ENDINGS = {
    "exit code": ("os._exit(77)", Status.EXITED, "exit code 77"),
    "signal": ("os.kill(os.getpid(), 10)", Status.CRASHED, "SIGUSR1"),
    "time": ("time.sleep(60)", Status.TIMEOUT, "longer than 2.1 s"),
    "memory": ("bytes(10 << 30)", Status.MEMORY, "MemoryError"),
    "exception": ("raise ValueError('77')", Status.PARTIAL, "ValueError: 77"),
}


@pytest.mark.parametrize("way", ENDINGS)
@pytest.mark.parametrize("call", [1, 2], ids=["visible", "hidden"])
def test_how_a_hidden_case_ends_is_told_without_what_the_process_chose(sandbox, way, call):
    ends, status, words = ENDINGS[way]
    answer = "calls = 0\ndef first(x):\n    global calls\n    calls += 1\n"
    answer += f"    if calls == {call}:\n        {ends}\n    return 2 * x"
    quick = toy("first", seconds=0.1)
    verdict = judged(sandbox, notebook((quick, answer, ""), own="import os, time"), [quick])["toy.first"]
    assert verdict.status is status
    assert (words in repr(verdict)) is (call == 1)
    assert (re.search("77|USR|2\\.1|Error", repr(verdict)) is None) is (call == 2)
    assert verdict.message

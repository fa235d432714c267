"""What an exercise's file declares is collected, and what does not fit is one clear error."""

import traceback
from dataclasses import replace
from types import ModuleType

import numpy as np
import pytest

from autograder.exercise import Case, DeclarationError, Direction, Growth, Property, Tolerance
from autograder.exercises.declare import Asks
from autograder.exercises.loader import load
from autograder.exercises.slips import SlipError, slip, source_of, submitted
from autograder.judge.cases import hidden_cases, visible_cases

HEAD = '''
"""Twice a number."""
import numpy as np
from autograder.exercise import Case, Tolerance
from autograder.exercises.declare import *
from autograder.exercises.declare import Asks

def twice(x):
    """The reference."""
    return 2 * x
'''
ASKS = 'ASKS = Asks(twice, signature="twice(x) -> number", points={"basics": 2, "corners": 1})\n'
CASES = """
@visible
def shown(rng):
    yield Case("three", (3.0,))

@hidden
def secret(rng):
    yield Case("drawn", (float(rng.random()),))
"""
REST = '''
@grows("numbers", 5, 50, 500)
def numbers(rng, size):
    return (np.zeros(size),)

@loop
def one_by_one(x):
    return np.array([2 * each for each in x])

@holds("additive", group="corners")
def adds(call, rng):
    return None if call(1.0) + call(2.0) == call(3.0) else "it does not add up"

@accepts
def judge(case, value):
    return None if value == 2 * case.args[0] else "not twice"

@measures
def size(case, value):
    return {"size": float(value)}

@right("loops")
def loops(x):
    # a comment stays
    return x + x

other = right_text("other formula", "twice = lambda x: x * 2")

@mistake
def thrice(x):
    """Three times is once too often:
    twice is 2 * x."""
    return 3 * x

halved = slip(
    loops, "x + x", "x / 2", says="Half is not twice: multiply.", shows=lambda case, value: value < case.args[0]
)

@mistake(compares=lambda wrong, case, value: wrong(*case.args) == value)
def shifted(x):
    """Two was added where two was to be multiplied."""
    return x + 2
'''


@pytest.fixture
def declared(tmp_path):
    """Makes a module of an exercise's text, as if it stood in `autograder/exercises/toys/twice.py`."""

    def make(*parts: str) -> ModuleType:
        path = tmp_path / "twice.py"
        path.write_text("\n".join(parts))
        module = ModuleType("autograder.exercises.toys.twice")
        module.__file__ = str(path)
        exec(compile(path.read_text(), str(path), "exec"), vars(module))
        return module

    return make


def test_everything_that_is_declared_is_collected_in_order(declared):
    module = declared(HEAD, ASKS, CASES, REST)
    exercise = load(module)
    assert (exercise.id, exercise.signature, exercise.points) == ("toys.twice", "twice(x) -> number", 3)
    assert exercise.reference is module.twice
    assert [case.name for case in exercise.visible(np.random.default_rng(1))] == ["three"]
    assert [case.name for case in exercise.hidden(np.random.default_rng(1))] == ["drawn"]
    assert exercise.rules.vectorised == Growth((Direction("numbers", (5, 50, 500), module.numbers),), module.one_by_one)
    assert exercise.properties == (Property("additive", module.adds, "corners"),)
    assert (exercise.accepts, exercise.measures) == (module.judge, module.size)
    assert [mistake.name for mistake in exercise.misconceptions] == ["thrice", "halved", "shifted"]
    assert exercise.misconceptions[0].sentence == "Three times is once too often: twice is 2 * x."


def test_defaults_are_those_of_the_exercise(declared):
    exercise = load(declared(HEAD, ASKS, CASES))
    assert exercise.rules.keeps_inputs
    assert not exercise.rules.silent
    assert exercise.rules.vectorised is None
    assert (exercise.seconds, exercise.tolerance, exercise.helpers) == (10.0, Tolerance(), ())
    assert dict(exercise.right) == {}


def test_what_is_asked_reaches_the_exercise(declared):
    asks = (
        'ASKS = Asks(twice, signature="twice(x)", points={"basics": 1}, forbids=("numpy.add",), silent=True,'
        " keeps_inputs=False, tolerance=Tolerance(relative=0.5), seconds=3.0, judge_seconds=9.0,"
        ' helpers=("training.fit",))'
    )
    exercise = load(declared(HEAD, asks, CASES))
    assert exercise.rules.forbids == ("numpy.add",)
    assert exercise.rules.silent
    assert not exercise.rules.keeps_inputs
    assert (exercise.tolerance.relative, exercise.seconds, exercise.judge_seconds, exercise.helpers) == (
        0.5,
        3.0,
        9.0,
        ("training.fit",),
    )


def test_how_a_mistake_shows_may_run_it_again(declared):
    _, halved, shifted = load(declared(HEAD, ASKS, CASES, REST)).misconceptions
    (case,) = load(declared(HEAD, ASKS, CASES)).visible(np.random.default_rng(1))
    assert [halved.shows(case, value) for value in (1.5, 6.0)] == [True, False]
    assert [shifted.shows(case, value) for value in (5.0, 6.0)] == [True, False]


def test_right_answers_are_texts_under_the_exercises_name(declared):
    right = load(declared(HEAD, ASKS, CASES, REST)).right
    assert right["loops"] == "def twice(x):\n    # a comment stays\n    return x + x\n"
    assert right["other formula"] == "twice = lambda x: x * 2"
    assert list(right) == ["loops", "other formula"]


def test_a_mark_of_another_file_does_not_count(declared):
    stranger = "from autograder.exercises.linear.scores import visible_cases\n"
    assert [case.name for case in load(declared(HEAD, stranger, ASKS, CASES)).visible(np.random.default_rng(1))] == [
        "three"
    ]


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ((HEAD, CASES), r"twice does not say what it asks for: ASKS = Asks\("),
        ((HEAD, ASKS), "has no cases marked @visible"),
        ((HEAD, ASKS, CASES.replace("@hidden", "")), "has no cases marked @hidden"),
        ((HEAD, ASKS, CASES, CASES.replace("def shown", "def shown_too")), "shown and shown_too are both marked @visi"),
        ((HEAD, ASKS, CASES, REST.replace("@loop", "")), "@grows and @loop go together"),
        ((HEAD, ASKS, CASES, REST.replace('"other formula"', '"loops"')), "two right answers in the style 'loops'"),
        ((HEAD, ASKS, CASES, "@mistake\ndef bare(x):\n    return x\n"), "mistake bare has no docstring"),
        ((HEAD, ASKS, CASES, 'bare = slip(twice, "2", "3", says="")\n'), "mistake bare has no docstring"),
        ((HEAD, ASKS.replace("Asks(twice", "Asks(abs"), CASES), "asks for abs: give the file the name of its"),
        ((HEAD, ASKS.replace("Asks(twice", "Asks(3"), CASES), "asks for 3: give the file the name of its"),
        ((HEAD, ASKS.replace('"corners"', '"edges"'), CASES, REST), "'additive' belongs to the group 'corners', to wh"),
        ((HEAD, ASKS, CASES, '@mistake\nclass Bare:\n    """Says."""\n'), "Bare is marked @mistake, but only a func"),
    ],
    ids=[
        "asks",
        "visible",
        "hidden",
        "twice visible",
        "growth",
        "styles",
        "docstring",
        "says",
        "name",
        "number",
        "group",
        "class",
    ],
)
def test_what_does_not_fit_is_one_sentence(declared, parts, said):
    with pytest.raises(DeclarationError, match=said):
        load(declared(*parts))


@pytest.mark.parametrize(
    "points", ["{}", "2", '{"basics": 0}', '{"basics": -1}', '{"basics": 0.5}', '{"basics": True}']
)
def test_points_are_whole_numbers_above_0(declared, points):
    asks = f'ASKS = Asks(twice, signature="twice(x)", points={points})\n'
    with pytest.raises(DeclarationError, match=r"a whole number above 0, such as \{"):
        load(declared(HEAD, asks, CASES))


@pytest.mark.parametrize("kind", ["visible", "hidden"])
def test_a_case_of_a_group_without_points_is_refused(declared, kind):
    """It would count for nothing: whoever fails it alone would have full marks."""
    exercise = replace(load(declared(HEAD, ASKS, CASES)), **{kind: lambda rng: [Case("far", (1,), group="extremes")]})
    with pytest.raises(DeclarationError, match=r"'far' belongs to the group 'extremes', .* groups are basics, corn"):
        visible_cases(exercise) and hidden_cases(exercise, b"a secret")


def test_an_unknown_word_of_what_is_asked_is_refused():
    with pytest.raises(TypeError, match="forbid"):
        Asks(abs, signature="abs(x)", points={"basics": 1}, forbid=())


# --- slips ----------------------------------------------------------------------------------------------


def base(x, limit=3):
    """Not a part of the text."""
    total = 0
    for value in x:
        if value <= limit:
            total += value
    return total


def test_a_slip_is_the_base_with_one_text_changed():
    strict = slip(base, "<= limit", "< limit", says="The limit  itself\n    counts.")
    assert [base([1, 3]), strict([1, 3])] == [4, 1]
    assert strict.says == "The limit itself counts."
    assert "Not a part" not in strict.source
    assert strict.source == source_of(base).replace("<= limit", "< limit")
    assert list(strict.__signature__.parameters) == ["x", "limit"]


def test_several_edits_are_made_one_after_the_other_and_a_slip_may_be_a_base():
    strict = slip(base, "<= limit", "< limit", says="")
    both = slip(strict, ("< limit", "> limit"), ("> limit", ">= limit"), says="")
    assert both([1, 3, 5]) == 8
    assert submitted("above", both).startswith("def above(x, limit=3):\n")


def test_further_lines_are_indented_as_the_first_is():
    doubled = slip(base, "total += value", "total += value\ntotal += value", says="")
    assert doubled([1, 9]) == 2
    whole = slip(base, "if value <= limit:\n    total += value", "total += value", says="")
    assert whole([1, 9]) == 10


def test_tracebacks_show_the_lines_of_a_slip():
    broken = slip(base, "total += value", "total += missing", says="")
    with pytest.raises(NameError) as raised:
        broken([1])
    assert "total += missing" in "".join(traceback.format_exception(raised.value))


@pytest.mark.parametrize(
    ("edits", "said"),
    [
        (("> limit", "<"), r"'> limit' of a slip does not occur; the base is\ndef base"),
        (("total", "sum_"), "'total' of a slip occurs 3 times, .* make it longer"),
        (("<= limit", "<= ("), "a slip is not valid Python"),
        (("", "x"), "'' of a slip does not occur"),
    ],
    ids=["absent", "ambiguous", "no Python", "empty"],
)
def test_a_slip_that_does_not_fit_its_base_is_refused(edits, said):
    wrong = slip(base, *edits, says="")
    with pytest.raises(SlipError, match=said) as raised:
        source_of(wrong)
    assert str(raised.value).startswith(f"{__name__}: "), "the file is named"
    with pytest.raises(SlipError, match=said):
        wrong([1])


def twice_indented(x):
    y = x
    y = y + 1
    if x:
        y = x
        y = y + 1
    return y


def test_lines_at_two_indentations_are_two_places():
    with pytest.raises(SlipError, match="occurs 2 times"):
        source_of(slip(twice_indented, "y = x\ny = y + 1", "y = 0", says=""))
    one = slip(twice_indented, "y = x\ny = y + 1\nif x:", "y = 0\nif x:", says="")
    assert [one(0), one(4)] == [0, 5]


@pytest.mark.parametrize("edits", [(), ("old",), (("a", "b"), "c"), ("a", "b", "c"), (("a", "b", "c"),)])
def test_a_slip_needs_pairs_of_texts(edits):
    with pytest.raises(SlipError, match="needs an old and a new text"):
        slip(base, *edits, says="")

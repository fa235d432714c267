"""Statements that lack something here cost themselves; what else fails ends a cell, or not, as the host asks."""

import pytest

from autograder.calls import Breach, Forgives
from autograder.sandbox.wire.messages import MOST_SKIPPED

PROGRAMS, WINDOWS = "no programs can be started here", "no windows can be opened here"
LACKING = {
    "a shell line": ("!pip install x", (), PROGRAMS),
    "its output": ("v = !nproc", ("v",), PROGRAMS),
    "two exclamation marks": ("!!ls", (), PROGRAMS),
    "an indented one": ("if True:\n    for i in (1,):\n        !echo {i}", ("i",), PROGRAMS),
    "pip": ("%pip install einops", (), PROGRAMS),
    "an alias": ("%ls", (), PROGRAMS),
    "os.system": ("import os; v = os.system('true')", ("os", "v"), PROGRAMS),
    "the shell's own": ("get_ipython().system('ls')", (), PROGRAMS),
    "a program": (
        "import subprocess; v = subprocess.run(['true'])",
        ("subprocess", "v"),
        PROGRAMS,
    ),
    "a helper's": (
        "import subprocess\ndef asks(): return subprocess.getoutput('git')\nv = asks()",
        ("v",),
        PROGRAMS,
    ),
    "a window": ("%matplotlib widget", (), WINDOWS),
    "another": ("%matplotlib qt", (), WINDOWS),
    "a backend": ("import matplotlib; matplotlib.use('TkAgg')", ("matplotlib",), WINDOWS),
    "a kernel's magic": ("%autosave 60", (), "Line magic function `%autosave` not found."),
    "an extension": ("%load_ext nb_black", (), "no module named nb_black"),
    "a package": ("import seaborn as sns", ("sns",), "no module named seaborn"),
    "a file of one's own": ("from helpers import *", ("*",), "no module named helpers"),
    "data": (
        "import numpy as np\nv = np.load('w.npy')",
        ("v",),
        "no file w.npy: files beside the notebook are not taken",
    ),
    "the network": ("import urllib.request as u; u.urlopen('http://example.org')", ("u",), "no network here"),
    "a script": ("%run helpers.py", ("*",), "File `'helpers.py'` not found."),
    "a GPU": ("import torch; v = torch.ones(1).cuda()", ("torch", "v"), "no GPU is there"),
    "its absence": ("import torch\nassert torch.cuda.is_available()", (), "no GPU is there"),
    "a person": ("v = input('name? ')", ("v",), "nobody is there to type anything"),
    "a debugger": ("breakpoint()", (), "nobody is there to type anything"),
    "a consequence": (
        "import nothing_like_it as lost\nv = lost.f()",
        ("v",),
        "lost comes from a line that was skipped",
    ),
    "a doubtful value": ("n = !nproc\nv = int(n[0])", ("v",), "n comes from a line that was skipped"),
    "a decorator": (
        "import numba\n@numba.njit\ndef v():\n    return 1",
        ("v",),
        "numba comes from a line that was skipped",
    ),
}


@pytest.fixture(scope="module")
def inmate(strongest):
    """One process for all: each cell has names of its own."""
    with strongest.start() as run:
        yield run


@pytest.mark.parametrize("name", LACKING)
@pytest.mark.parametrize("forgives", [Forgives.SURROUNDINGS, Forgives.STATEMENTS])
def test_what_lacks_something_costs_itself(inmate, name, forgives):
    source, names, reason = LACKING[name]
    result = inmate.execute(f"{source}\nbelow = {name!r}", forgives=forgives)
    last = result.skipped[-1]
    assert (result.error, last.names, last.reason) == (None, names, reason)
    assert result.outputs, "it is shown as a kernel would show it"
    assert inmate.execute("below").outputs[0]["data"]["text/plain"] == repr(name)


@pytest.mark.parametrize("source", ["1 / 0", "int('x')", "assert False", "[][1]", "no_such_name"])
def test_an_error_of_the_students_own_costs_the_statement_only_where_asked(strongest, source):
    with strongest.start() as inmate:
        own_error(inmate, source)


def own_error(inmate, source):
    ended = inmate.execute(f"own = 1\n{source}\nown = 2", forgives=Forgives.SURROUNDINGS)
    assert ended.error.line == 2
    assert ended.skipped == ()
    went_on = inmate.execute(f"own = 1\n{source}\nown = 2", forgives=Forgives.STATEMENTS)
    assert went_on.error is None
    assert [(each.line, each.reason, each.raised.kind) for each in went_on.skipped] == [(2, "", ended.error.kind)]
    assert inmate.execute("own").outputs[0]["data"]["text/plain"] == "2"


def test_nothing_is_forgiven_unless_asked(inmate):
    assert inmate.execute("import seaborn\nx = 1").error.kind == "ModuleNotFoundError"


@pytest.mark.parametrize("source", ["raise SystemExit", "raise KeyboardInterrupt", "def f(:", "return 1"])
def test_what_ends_a_kernels_cell_for_good_is_never_forgiven(inmate, source):
    result = inmate.execute(f"{source}\nx = 1", forgives=Forgives.STATEMENTS)
    assert result.error is not None
    assert result.skipped == ()


def test_memory_is_never_forgiven(strongest):
    with strongest.start() as run, pytest.raises(Breach, match="memory"):
        run.execute("z = bytearray(1 << 45)\nx = 1", forgives=Forgives.STATEMENTS)


def test_lines_are_those_that_the_student_wrote(inmate):
    for source, line in {
        "\n\n!ls": 3,
        "%%capture kept\nx = 1\n!ls": 3,
        "%%time\nx = 1\nimport seaborn\ny = 2": 3,
        "x = (1,\n     2)\n\nimport seaborn": 4,
    }.items():
        result = inmate.execute(source, forgives=Forgives.SURROUNDINGS)
        assert [each.line for each in result.skipped] == [line], source
    assert inmate.execute("y").outputs[0]["data"]["text/plain"] == "2", "what stands below the line ran"


def test_a_body_of_a_magic_that_is_not_there_says_what_it_would_have_defined(inmate):
    (skipped,) = inmate.execute("%%unknown\ndef inside(): pass", forgives=Forgives.SURROUNDINGS).skipped
    assert skipped.names == ("inside",)


def test_figures_are_still_shown_inline(strongest):
    source = "%matplotlib notebook\nimport matplotlib.pyplot as plt\nplt.switch_backend('TkAgg')\nplt.plot([1, 2]);"
    with strongest.start() as run:
        drawn = run.execute(source, forgives=Forgives.SURROUNDINGS)
    assert "image/png" in drawn.outputs[-1]["data"]


def test_no_cell_tells_of_more_lines_than_the_wire_takes(strongest):
    with strongest.start() as run:
        assert len(run.execute("!ls\n" * 50, forgives=Forgives.STATEMENTS).skipped) == MOST_SKIPPED

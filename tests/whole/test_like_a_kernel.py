"""Cells show here what they show in a Jupyter kernel: the same notebooks are run by nbclient and compared."""

import re

import pytest
from answers import each_assignment, released
from nbformat.v4 import new_code_cell

from autograder.calls import Forgives
from autograder.notebook_state.cells import names_in
from autograder.pipeline.cells import is_demo
from autograder.sandbox.wire.text import clean

SOLVED = ("01_linear_classification", "02_mlp_forward")
"""Compared with their answers in them; nothing that these show depends on the clock."""

CELLS = [
    "print('one'); print('two', end=''); print(' three')",
    "import sys; print('out'); print('err', file=sys.stderr); sys.stdout.write('out again\\n');",
    "6 * 7",
    "_ + 1, __, Out[3]",
    "None",
    "x = 5; x;",
    "print('before'); 'value'",
    "display(1, 'two', [3.0])",
    "from IPython.display import HTML, JSON, Image, Latex, Markdown, SVG, display, clear_output, Pretty, Math",
    "display(HTML('<b>bold</b>'), Markdown('*m*'), Latex('$x$'), Math('y'), JSON({'a': [1, 2]}), Pretty('p'))",
    "display(SVG('<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"3\" height=\"3\"></svg>'))",
    "HTML('<i>last</i>')",
    "class Rich:\n"
    "    def _repr_html_(self): return '<u>rich</u>'\n"
    "    def _repr_latex_(self): return '$r$'\n"
    "    def __repr__(self): return 'rich'\n"
    "Rich()",
    "class Bundle:\n"
    "    def _repr_mimebundle_(self, **k): return {'text/plain': 'b', 'application/x+json': {'k': 1}}\n"
    "Bundle()",
    "class Broken:\n    def __repr__(self): raise ValueError('no repr')\nBroken()",
    "display({'text/plain': 'raw', 'text/html': '<p>raw</p>'}, raw=True)",
    "handle = display('first', display_id='h'); print('between'); handle.update('second')",
    "print('gone'); clear_output(); print('stays')",
    "print('gone later'); clear_output(wait=True); print('stays too')",
    "print('kept'); clear_output(wait=True)",
    "1 / 0",
    "def f(n):\n    return g(n - 1)\ndef g(n):\n    if n < 0: raise ValueError('deep', n)\n    return f(n)\nf(2)",
    "try:\n    {}['missing']\nexcept KeyError as error:\n    raise RuntimeError('chained') from error",
    "if True print('syntax')",
    "   print('indented')",
    "x = = 3",
    "raise KeyboardInterrupt",
    "class Own(Exception): pass\nraise Own('mine')",
    "assert 1 == 2, 'not equal'",
    "undefined_name",
    "import nowhere_to_be_found",
    "raise SystemExit(3)",
    "import asyncio\nawait asyncio.sleep(0.01)\nprint('awaited')\nawait asyncio.sleep(0, 'result')",
    "async def work(n):\n    await asyncio.sleep(0)\n    return n * n\nawait asyncio.gather(work(2), work(3))",
    "async for n in (lambda: None): pass",
    "%%time\ntotal = sum(range(1000))\ntotal",
    "%time 3 + 4",
    "%timeit -n 2 -r 2 pass",
    "%%timeit -n 2 -r 2\npass",
    "%%capture held\nprint('captured')\ndisplay('too')",
    "held.stdout, len(held.outputs)",
    "held.show()",
    "%who_ls int",
    "%precision 3",
    "3.14159265",
    "%precision",
    "%pwd\nprint('after a magic')",
    "%no_such_magic",
    "%%no_such_cell_magic\nbody",
    "%%writefile made.py\nvalue = 3",
    "import made; made.value",
    "%run made.py\nvalue",
    "%load_ext no_such_extension",
    "%xmode",
    "len?",
    "import warnings; warnings.simplefilter('always'); warnings.warn('careful')",
    "import numpy as np; np.arange(12).reshape(3, 4)",
    "np.array([1.5, np.nan, np.inf]), np.float32(1.5), np.int64(3)",
    "np.ones(3) @ np.ones(4)",
    "np.log(np.array([0.0, -1.0]))",
    "%matplotlib inline\nimport matplotlib.pyplot as plt",
    "plt.plot([1, 2, 3]); print('drawn')",
    "figure, axes = plt.subplots(); axes.plot([2, 1])\nplt.show()\nprint('shown')",
    "figure",
    "plt.figure(); plt.close('all')",
    "plt.plot([1]); plt.show(); plt.plot([2]); plt.show()",
    "import pandas_is_not_here",
    "from tqdm.auto import tqdm\nfor _ in range(1): pass",
    "import logging; logging.warning('logged')",
    "import os; os.write(1, b'')\nprint('direct')",
    "'\\x1b[31mred\\x1b[0m'",
    "print('\\x1b[31mred\\x1b[0m')",
    "print('10%\\r20%\\r30%')",
    "print('ünïcödé ✓ 名前')",
    "list(range(2000))",
    "{'b': 1, 'a': {'nested': [1, 2, {3, 4}]}}",
    "'long ' * 50",
    "In[-2], len(In), type(_ih).__name__",
    "get_ipython().__class__.__name__ != ''",
    "__name__, '__file__' in globals()",
    "def documented():\n    '''Doc.'''\ndocumented.__doc__",
    "import builtins; _ = 'own underscore'; _",
    "import threading\nt = threading.Thread(target=lambda: print('from a thread')); t.start(); t.join()",
    "raise NotImplementedError",
    "sys.displayhook(8)",
    "",
    "# only a comment",
    "print('a'); display('b'); print('c', file=sys.stderr); display('d'); 'e'",
]  # fmt: skip

GOES_ON = [
    "!echo shell\nbelow_a_shell_line = 1",
    "lines = !echo one\nfirst = lines[0]\n!!echo two\nbelow_two = 1",
    "if True:\n    for turn in range(2):\n        !echo {turn}\n        inside_a_loop = turn",
    "%ls\n%cat nowhere\n%pwd\n%env KNOWN=1\n%cd .\nbelow_magics = 1",
    "import os\nstatus = os.system('echo system')\nread = os.popen('echo popen').read()\nbelow_os = 1",
    "get_ipython().system('echo system')\nkept = get_ipython().getoutput('echo kept')\nbelow_the_shell = 1",
    "%autosave 0\nbelow_autosave = 1",
    "%config InlineBackend.figure_format = 'retina'\nbelow_settings = 1",
    "%config InlineBackend.figure_format = 'png'\n%load_ext autoreload\n%autoreload 0\nbelow_autoreload = 1",
    "%%time\nimport json\n!echo timed\ndef timed(): return 1\n1 / 0\nnever = 1",
    "%%capture shown\n!echo captured\ncaptured = 1",
    "%%bash --out from_bash\necho bash",
    "%%script --no-raise-error python\nprint(1)",
    "%%javascript\n1 + 1",
    "%%html\n<b>bold</b>",
    "%%writefile beside.py\nbeside = 1",
    "from beside import *\nbelow_beside = beside",
    "%matplotlib inline\nimport matplotlib.pyplot as plt\nbelow_inline = 1",
    "before_a_window = 1\n%matplotlib qt\nafter_a_window = 1",
    "before_an_extension = 1\n%load_ext nb_black\nafter_an_extension = 1",
    "before_a_backend = 1\nimport matplotlib\nmatplotlib.use('TkAgg')\nafter_a_backend = 1",
    "before_an_import = 1\nimport nowhere_to_be_found\nafter_an_import = 1",
    "before_a_file = 1\nopened = open('nowhere.txt')\nafter_a_file = 1",
    "before_an_error = 1\n1 / 0\nafter_an_error = 1",
    "def broken(:\nnot_there = 1",
    "before_a_question = 1\nasked = input()\nafter_a_question = 1",
    "class Kept:\n    !echo class\n    made = 1",
    "import platform\nmachine = platform.processor(), platform.platform()\nbelow_platform = 1",
    "raise SystemExit\nafter_an_exit = 1",
    "raise KeyboardInterrupt\nafter_a_stop = 1",
]  # fmt: skip
"""A kernel has programs here, and a graded run has none."""
NAMES = "print(*(name for name in dir() if not name.startswith('_')))"

_TIMES = re.compile(r"(?:<|±)?\s*\d[\d.,e+-]*\s*(?:ns|µs|μs|us|ms|s|min|(?:micro|milli)?seconds?)\b")
_PLACES = re.compile(
    r"0x[0-9a-f]{6,}|/tmp/ipykernel_\d+/\d+\.py|\b\d+\.py\b|<ipython-input-[^>]+>|Cell In\[\d+\]|(?<=File )\S+"
)


def text(value) -> str:
    value = "".join(value) if isinstance(value, list) else str(value)
    return _PLACES.sub("<place>", _TIMES.sub("<time>", clean(value)))


def normal(outputs) -> list:
    """Outputs without what differs from run to run: times, addresses, pictures' bytes, ids of widgets.

    A kernel collects what goes to stdout and to stderr apart, so their order is left out where nothing lies between.
    """
    found: list = [{}]
    for output in outputs:
        kind = output["output_type"]
        if kind == "stream":
            found[-1][output["name"]] = found[-1].get(output["name"], "") + "".join(output["text"])
        elif kind == "error":
            found += [(output["ename"], text(output["evalue"]), text("\n".join(output["traceback"]))), {}]
        else:
            found += [(kind, output.get("execution_count"), bundle(output["data"]), dict(output["metadata"])), {}]
    return [{name: text(said) for name, said in each.items()} if type(each) is dict else each for each in found]


def bundle(data) -> dict:
    if "application/vnd.jupyter.widget-view+json" in data:
        return {"a widget": ""}
    return {
        mime: value if mime.endswith("json") else "a picture" if mime == "image/png" else text(value)
        for mime, value in data.items()
    }


@pytest.fixture(scope="module")
def both(kernel, jailed):
    by_kernel = kernel(CELLS)
    with jailed.start() as run:
        return dict(zip(CELLS, zip(by_kernel, [run.execute(source) for source in CELLS], strict=True), strict=True))


@pytest.mark.xdist_group("cells like a kernel's")
@pytest.mark.parametrize("source", CELLS)
def test_a_cell_shows_the_same(both, source):
    kernel, here = both[source]
    assert normal(here.outputs) == normal(kernel.outputs)
    assert here.execution_count == kernel.execution_count


@pytest.mark.xdist_group("cells like a kernel's")
def test_what_a_kernel_defines_is_defined_where_programs_and_packages_are_missing(kernel, jailed):
    """More may be defined: here a cell goes on where a kernel's has ended, but where a person would have stopped it."""
    by_kernel = set(kernel([*GOES_ON, NAMES])[-1].outputs[0]["text"].split())
    with jailed.start() as run:
        for source in GOES_ON:
            run.execute(source, forgives=Forgives.STATEMENTS)
        here = set(run.execute(NAMES).outputs[0]["text"].split())
    assert by_kernel - here == set()
    assert len(by_kernel) > 40
    assert {name for name in here - by_kernel if name.startswith("after_")} == {
        f"after_{what}"
        for what in ("a_window", "an_extension", "a_backend", "an_import", "a_file", "an_error", "a_question")
    }


def is_check(source: str) -> bool:
    """A cell that only the judge answers."""
    return re.search(r"^(autograder\.)?(check|progress)\(", source, re.MULTILINE) is not None


@pytest.mark.parametrize(
    "assignment", [pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in SOLVED], scope="session"
)
def test_a_solved_notebook_shows_the_same(kernel, solved, assignment):
    """The judge calls the functions between the cells, without a cell of its own; so the kernel runs no checks."""
    cells = [cell for cell in solved.notebook.cells if cell.cell_type == "code" and cell.id not in solved.checks]
    for cell, by_kernel in zip(cells, kernel([cell.source for cell in cells]), strict=True):
        if not is_check(cell.source):
            assert normal(cell.outputs) == normal(by_kernel.outputs), cell.source


@each_assignment
def test_a_notebook_as_it_is_handed_out_runs_and_shows_the_same(kernel, jailed, assignment):
    """Numbers aside: here and there the notebooks measure time. What only shows something is not graded."""
    cells = different_without_answers(released(assignment).cells)
    with jailed.start() as run:
        for cell, by_kernel in zip(cells, kernel([cell.source for cell in cells]), strict=True):
            here = None if is_demo(cell) else run.execute(cell.source).outputs
            if not is_check(cell.source):
                assert [output for output in by_kernel.outputs if output["output_type"] == "error"] == [], cell.source
                assert here is None or without_numbers(here) == without_numbers(by_kernel.outputs), cell.source


WAITS = re.compile(r"^with pending\(.*(?:\n(?:[ \t].*)?)*", re.MULTILINE)
"""What is left out until an answer is written."""


def different_without_answers(cells) -> list:
    """The code cells, without demonstrations that wait for no answer, unless a cell kept here needs what they define.

    They do the same in a solved notebook, which `test_notebooks` runs; some of them train for ten seconds.
    """
    kept: list = []
    spoken: set[str] = set()
    for cell in reversed([cell for cell in cells if cell.cell_type == "code"]):
        waits = WAITS.search(cell.source) is not None
        if waits or not is_demo(cell) or names_in(cell.source).defined & spoken:
            kept.insert(0, cell)
            spoken |= set(re.findall(r"\w+", WAITS.sub("", cell.source)))
    return kept


def test_what_is_left_out_waits_for_no_answer():
    sources = ("import numpy", "a = 1", "b = a", "with pending('f'):\n    f(c)\nprint(b)", "c = 2", "d = 3", "print(d)")
    cells = [new_code_cell(source) for source in sources]
    for cell in cells[1:-1]:
        cell.metadata.tags = ["demo"]
    kept = [cell.source for cell in different_without_answers(cells)]
    assert kept == [source for source in sources if source != "c = 2"]


def without_numbers(outputs) -> str:
    return re.sub(r"[\d.,]*\d[\d.,]*", "0", repr(normal(outputs)))

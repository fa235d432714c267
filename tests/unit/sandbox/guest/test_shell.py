"""Cells show what a kernel would show, in the same order."""

import base64

import nbformat
import pytest


def shown(result) -> list[tuple[str, str]]:
    """Kind and plain text of every output; each is one that nbformat accepts."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("x", outputs=result.outputs)])
    nbformat.validate(nbformat.from_dict(notebook))
    return [(_kind(output), _text(output)) for output in result.outputs]


def _kind(output) -> str:
    return output["name"] if output["output_type"] == "stream" else output["output_type"]


def _text(output) -> str:
    if output["output_type"] == "stream":
        return output["text"]
    return output["ename"] if output["output_type"] == "error" else output["data"]["text/plain"]


ORDER = """
import os, subprocess, sys
print('one')
print('two')
print('three', file=sys.stderr)
display('four')
os.write(1, b'five\\n')
print('six')
os.system('echo seven >&2')
sys.stderr.write('')
subprocess.run(['echo', 'eight'])
!echo nine
'ten'
"""


def test_everything_comes_in_order(process_run):
    result = process_run.execute(ORDER)
    assert shown(result) == [
        ("stdout", "one\ntwo\n"),
        ("stderr", "three\n"),
        ("display_data", "'four'"),
        ("stdout", "five\nsix\n"),
        ("stderr", "seven\n"),
        ("stdout", "eight\nnine\n"),
        ("execute_result", "'ten'"),
    ]
    assert result.execution_count == 1
    assert result.error is None


def test_numbers_of_cells_and_results(run):
    assert run.execute("6 * 7").outputs[0]["execution_count"] == 1
    assert shown(run.execute("_ + 1; ")) == []
    assert shown(run.execute("Out[1] - 1, _1")) == [("execute_result", "(41, 42)")]
    assert run.execute("  \n").execution_count is None
    assert run.execute("None").execution_count == 4


@pytest.mark.parametrize(
    ("source", "kind", "line", "says"),
    [
        ("x = 1\n1 / 0", "ZeroDivisionError", 2, "1 / 0"),
        (
            "def f():\n    return g()\ndef g():\n    raise ValueError('no')\nf()",
            "ValueError",
            4,
            "raise ValueError('no')",
        ),
        ("import json\njson.loads('{')", "JSONDecodeError", 2, "json.loads('{')"),
        ("import numpy as np\nnp.ones(3) @ np.ones(4)", "ValueError", 2, "np.ones(3) @ np.ones(4)"),
        ("x = 1\nif x", "SyntaxError", 2, "if x"),
        ("raise NotImplementedError", "NotImplementedError", 1, "raise NotImplementedError"),
        ("class Own(BaseException): pass\nraise Own('x')", "Own", 2, "raise Own('x')"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt", 1, "raise KeyboardInterrupt"),
        ("input('name? ')", "StdinNotImplementedError", 1, "input('name? ')"),
    ],
)
def test_errors_name_the_students_own_line(run, source, kind, line, says):
    result = run.execute(source)
    assert (result.error.kind, result.error.line, result.error.source.strip()) == (kind, line, says)
    assert shown(result)[-1] == ("error", kind)
    assert any(says.split()[0] in part for part in result.outputs[-1]["traceback"])
    assert shown(run.execute("'next'")) == [("execute_result", "'next'")]


@pytest.mark.parametrize("source", ["import sys; sys.exit(3)", "exit()", "quit", "raise SystemExit"])
def test_exit_is_an_exception_like_others(run, source):
    assert run.execute(source).error.kind == "SystemExit"
    assert run.execute("1").error is None


def test_recursion_without_end_is_an_exception(run):
    result = run.execute("def f(): return f()\nf()")
    assert result.error.kind == "RecursionError"
    assert len(result.outputs[0]["traceback"]) == 41
    assert "frames like these" in result.outputs[0]["traceback"][20]


def test_figures_are_pictures_in_their_place(run):
    drawn = run.execute("import matplotlib.pyplot as plt\nplt.plot([1, 2])\nprint('first')\nplt.show()\nprint('last')")
    assert [kind for kind, _ in shown(drawn)] == ["stdout", "display_data", "stdout"]
    assert base64.b64decode(drawn.outputs[1]["data"]["image/png"]).startswith(b"\x89PNG")
    at_the_end = run.execute("figure, axes = plt.subplots()\naxes.plot([3, 1]);")
    assert [kind for kind, _ in shown(at_the_end)] == ["display_data"]
    assert shown(run.execute("plt.get_fignums()")) == [("execute_result", "[]")]


def test_rich_displays_keep_their_mime_types(run):
    source = """
from IPython.display import HTML, JSON, Image
class Rich:
    def _repr_html_(self): return '<b>rich</b>'
    def __repr__(self): return 'rich'
display(HTML('<i>html</i>'), JSON({'a': [1, None]}))
display(Image(data=b'\\x89PNG\\r\\n\\x1a\\n'), metadata={'isolated': True})
display({'text/plain': 'raw', 'application/x+json': {'b': 2}}, raw=True)
Rich()
"""
    outputs = run.execute(source).outputs
    assert outputs[0]["data"]["text/html"] == "<i>html</i>"
    assert outputs[1]["data"]["application/json"] == {"a": [1, None]}
    assert base64.b64decode(outputs[2]["data"]["image/png"]) == b"\x89PNG\r\n\x1a\n"
    assert outputs[3]["data"] == {"text/plain": "raw", "application/x+json": {"b": 2}}
    assert outputs[4]["data"] == {"text/html": "<b>rich</b>", "text/plain": "rich"}


def test_data_that_are_no_json_are_text(run):
    odd = run.execute("display({'text/plain': {'a': 1}, 'x/y+json': [2], 'application/json': [3]}, raw=True)")
    assert shown(odd) == [("display_data", "{'a': 1}")]
    assert odd.outputs[0]["data"] == {"text/plain": "{'a': 1}", "x/y+json": "[2]", "application/json": [3]}


def test_displays_can_be_updated_and_cleared(run):
    updated = run.execute("handle = display('old', display_id=True)\nprint('between')\nhandle.update('new')")
    assert shown(updated) == [("display_data", "'new'"), ("stdout", "between\n")]
    clear = "from IPython.display import clear_output\nprint('old')\nclear_output({wait})\n{more}"
    assert shown(run.execute(clear.format(wait="", more="print('new')"))) == [("stdout", "new\n")]
    assert shown(run.execute(clear.format(wait="wait=True", more="print('new')"))) == [("stdout", "new\n")]
    assert shown(run.execute(clear.format(wait="wait=True", more=""))) == [("stdout", "old\n")]


def test_magics_and_await(run):
    assert shown(run.execute("%%capture kept\nprint('hidden')")) == []
    assert shown(run.execute("kept.stdout")) == [("execute_result", "'hidden\\n'")]
    assert shown(run.execute("%matplotlib inline")) == []
    assert shown(run.execute("%%writefile helper.py\nanswer = 42")) == [("stdout", "Writing helper.py\n")]
    assert shown(run.execute("import helper; helper.answer")) == [("execute_result", "42")]
    assert shown(run.execute("import asyncio\nawait asyncio.sleep(0, 'slept')")) == [("execute_result", "'slept'")]
    assert run.execute("%nonsense").error.kind == "UsageError"
    assert shown(run.execute("%matplotlib qt")) == [
        ("stderr", "no windows can be opened here: in place of qt, figures are shown inline\n")
    ]


def test_magics_that_start_programs(process_run):
    assert shown(process_run.execute("%%bash\necho from bash")) == [("stdout", "from bash\n")]


def test_text_arrives_clean(run):
    result = run.execute("print('\\x1b[31mred\\x1b[0m \\ud800 \\x00'); print('1%\\r2%\\r3%')")
    assert shown(result) == [("stdout", "red \ufffd \n3%\n")]


def test_threads_write_whole_lines(run):
    source = """
import threading
def work(): [print('x' * 20) for _ in range(50)]
threads = [threading.Thread(target=work) for _ in range(4)]
[t.start() for t in threads]; [t.join() for t in threads];
"""
    result = run.execute(source)
    assert shown(result)[0][1].replace("\n", "") == "x" * 20 * 200


def test_overridden_hooks_only_spoil_the_students_own_output(run):
    run.execute("import sys\nsys.displayhook = print\nget_ipython().showtraceback = lambda *a, **k: None")
    assert run.execute("1 / 0").error.kind == "ZeroDivisionError"
    run.execute("get_ipython().run_cell = get_ipython().execution_count = sys.stderr = None")
    assert run.execute("x = 1").outputs == []
    run.execute("sys.stdout = None")
    assert run.execute("1 / 0").error is not None

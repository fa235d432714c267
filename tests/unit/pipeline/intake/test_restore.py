"""Restoring: the course's notebook with the student's answers, whatever became of the file."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from typing import Any

import nbformat
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell

from autograder.pipeline.intake.restore import Restored, Unreadable, restore
from autograder.pipeline.release_version import released

NAME = "01_linear_classification"


def data(notebook: Any) -> bytes:
    return json.dumps(notebook).encode()


def sources(notebook: NotebookNode) -> list[str]:
    return [cell.source for cell in notebook.cells]


def cell(notebook: NotebookNode, name: str) -> NotebookNode:
    return next(cell for cell in notebook.cells if cell.get("id") == name)


def place(notebook: NotebookNode, text: str) -> int:
    """Where the one cell with that text stands."""
    (found,) = [i for i, source in enumerate(sources(notebook)) if text in source]
    return found


def run(notebook: NotebookNode) -> dict[str, Any]:
    """Runs the code cells; `check` notes what the functions give."""
    seen: dict[str, Any] = {}
    space: dict[str, Any] = {"check": lambda name, function: seen.setdefault(name, function(5))}
    for code in (c.source for c in notebook.cells if c.cell_type == "code"):
        try:
            exec(code.replace("from autograder import check", ""), space)
        except Exception as error:
            seen.setdefault("errors", []).append(repr(error))
    return seen


def assert_course_owns(restored: Restored, release: NotebookNode) -> None:
    """Given cells, metadata and order are the master's; what is more carries no metadata."""
    nbformat.validate(restored.notebook)
    ids = {cell.id for cell in release.cells}
    kept = [cell for cell in restored.notebook.cells if cell.id in ids]
    assert [cell.id for cell in kept] == [cell.id for cell in release.cells]
    for mine, theirs in zip(kept, release.cells, strict=True):
        assert mine.metadata == theirs.metadata
        assert mine.cell_type == theirs.cell_type
        if not theirs.metadata.get("nbgrader", {}).get("solution"):
            assert mine.source == theirs.source
    assert all(cell.metadata == {} for cell in restored.notebook.cells if cell.id not in ids)
    assert all(cell.outputs == [] for cell in restored.notebook.cells if cell.cell_type == "code")
    assert restored.notebook.metadata == release.metadata
    checks = [source for source in sources(restored.notebook) if source.startswith("check(")]
    assert checks == ['check("linear.scores", scores)', 'check("linear.predict", predict)']


def test_takes_the_answers_and_nothing_else(release: NotebookNode, answered: NotebookNode) -> None:
    restored = restore(release, data(answered))
    assert restored.flags == ()
    assert sources(restored.notebook) == sources(answered)
    assert_course_owns(restored, release)


@pytest.mark.parametrize("version", ["source", "release"])
def test_both_versions_of_the_master_give_the_same(
    version: str, answered: NotebookNode, release: NotebookNode, request: pytest.FixtureRequest
) -> None:
    master = request.getfixturevalue(version)
    before = data(master)
    restored = restore(master, data(answered))
    assert sources(restored.notebook) == sources(answered)
    assert cell(restored.notebook, "scores").metadata.nbgrader == cell(release, "scores").metadata.nbgrader
    assert data(master) == before


def test_a_solution_of_the_instructor_never_shows(source: NotebookNode, answered: NotebookNode) -> None:
    answered.cells = [cell for cell in answered.cells if cell.id not in ("scores", "why")]
    restored = restore(source, data(answered))
    text = json.dumps(restored.notebook)
    assert "return x + 1" not in text
    assert "cuts the plane" not in text
    assert "raise NotImplementedError" in cell(restored.notebook, "scores").source
    assert cell(restored.notebook, "why").source == "YOUR ANSWER HERE"


def test_the_release_of_a_release_is_itself(release: NotebookNode) -> None:
    assert released(release) == release


# --- metadata is never believed ---------------------------------------------------------------------------


def test_points_flags_and_kernel_come_from_the_master(release: NotebookNode, answered: NotebookNode) -> None:
    cell(answered, "scores_check").metadata.nbgrader |= {"points": 1000, "locked": False}
    cell(answered, "scores").metadata.nbgrader |= {"grade": True, "points": 99, "schema_version": 77}
    cell(answered, "demo").metadata.nbgrader = {
        "grade": True,
        "points": 5,
        "grade_id": "mine",
        "solution": True,
    }
    answered.metadata.kernelspec = {"name": "bash", "display_name": "Bash", "language": "bash"}
    restored = restore(release, data(answered))
    assert_course_owns(restored, release)
    assert cell(restored.notebook, "scores").source == "def scores(x):\n    return 1 + x"


@pytest.mark.parametrize("nonsense", ["text", 7, None, [], {"grade_id": 5}, {"grade_id": ["scores"]}, {}])
def test_damaged_nbgrader_metadata_does_no_harm(release: NotebookNode, answered: NotebookNode, nonsense: Any) -> None:
    for each in answered.cells:
        each.metadata = {"nbgrader": nonsense}
    restored = restore(release, data(answered))
    assert sources(restored.notebook) == sources(answered)
    assert_course_owns(restored, release)


def _drop_metadata(raw: dict[str, Any]) -> None:
    for row in raw["cells"]:
        row["metadata"] = {}


def _drop_everything(raw: dict[str, Any]) -> None:
    for row in raw["cells"]:
        row.pop("id")
        row.pop("metadata")


def _new_ids(raw: dict[str, Any]) -> None:
    for i, row in enumerate(raw["cells"]):
        row["metadata"], row["id"] = {}, f"x{i}"


def _same_id_everywhere(raw: dict[str, Any]) -> None:
    for row in raw["cells"]:
        row["metadata"], row["id"] = {}, "predict"


@pytest.mark.parametrize("damage", [_drop_metadata, _drop_everything, _new_ids])
def test_answers_are_found_without_ids(
    release: NotebookNode, answered: NotebookNode, damage: Callable[[dict[str, Any]], None]
) -> None:
    raw = json.loads(data(answered))
    damage(raw)
    restored = restore(release, data(raw))
    assert sources(restored.notebook) == sources(answered)
    assert_course_owns(restored, release)


def test_one_id_everywhere_still_leaves_the_course_in_charge(release: NotebookNode, answered: NotebookNode) -> None:
    raw = json.loads(data(answered))
    _same_id_everywhere(raw)
    restored = restore(release, data(raw))
    assert_course_owns(restored, release)
    assert run(restored.notebook)["linear.predict"] == 10


def test_an_answer_with_a_syntax_error_is_found_by_its_place(release: NotebookNode, answered: NotebookNode) -> None:
    cell(answered, "scores").source = "df scores(x) return"
    raw = json.loads(data(answered))
    _drop_everything(raw)
    restored = restore(release, data(raw))
    assert cell(restored.notebook, "scores").source == "df scores(x) return"
    assert any("found by their position: scores" in flag for flag in restored.flags)


def test_swapped_grade_ids_give_what_they_claim_and_no_more(release: NotebookNode, answered: NotebookNode) -> None:
    one, other = cell(answered, "scores").metadata, cell(answered, "scores_check").metadata
    one.nbgrader.grade_id, other.nbgrader.grade_id = "scores_check", "scores"
    restored = restore(release, data(answered))
    assert_course_owns(restored, release)


def test_a_changed_cell_type_is_the_master_s(release: NotebookNode, answered: NotebookNode) -> None:
    for kind in ("raw", "markdown"):
        cell(answered, "scores").cell_type = kind
        restored = restore(release, data(answered))
        assert_course_owns(restored, release)
        assert cell(restored.notebook, "scores").source == "def scores(x):\n    return 1 + x"


# --- given cells ------------------------------------------------------------------------------------------


def test_an_edited_check_is_put_back_and_named(release: NotebookNode, answered: NotebookNode) -> None:
    cell(answered, "scores_check").source = "print('passed')"
    restored = restore(release, data(answered))
    assert_course_owns(restored, release)
    assert restored.flags == ("locked cells were edited; the course's version was used: scores_check",)


def test_deleted_and_moved_checks_come_back_in_place(release: NotebookNode, answered: NotebookNode) -> None:
    moved = [c for c in answered.cells if c.id not in ("scores_check", "predict_check")]
    restored = restore(release, data({**answered, "cells": [cell(answered, "predict_check"), *moved]}))
    assert sources(restored.notebook) == sources(answered)
    assert_course_owns(restored, release)


def test_copies_of_checks_are_left_out(release: NotebookNode, answered: NotebookNode) -> None:
    copies = [
        new_code_cell('# again\n\ncheck( "linear.scores" , scores )'),
        new_code_cell("check('linear.scores', cheat)"),
        json.loads(json.dumps(cell(answered, "scores_check"))),
    ]
    answered.cells[2:2] = copies
    assert_course_owns(restore(release, data(answered)), release)


@pytest.mark.parametrize("with_ids", [True, False])
def test_an_edited_demo_runs_once(release: NotebookNode, answered: NotebookNode, with_ids: bool) -> None:
    demo = cell(answered, "demo")
    demo.source = demo.source.replace("picture.shape", "picture.shape, 'mine'")
    if not with_ids:
        del demo["id"]
    restored = restore(release, data(answered))
    assert_course_owns(restored, release)
    assert len(restored.notebook.cells) == len(release.cells)
    assert restored.flags == ()


KEPT = "lines typed into given cells were kept as cells of the student's own"


def test_what_was_added_to_a_given_cell_is_kept_behind_it(release: NotebookNode, answered: NotebookNode) -> None:
    added = "import math\nfrom functools import (\n    partial,\n    reduce,\n)\nx = 1\n@partial\ndef helper(): pass"
    for name in ("imports", "setup"):
        changed = nbformat.from_dict(json.loads(json.dumps(answered)))
        cell(changed, name).source += f"\n\n# mine\n{added}"
        restored = restore(release, data(changed))
        assert_course_owns(restored, release)
        assert restored.notebook.cells[place(restored.notebook, "# mine")].source == f"# mine\n{added}"
        assert place(restored.notebook, "# mine") == [c.id for c in restored.notebook.cells].index(name) + 1
        (flag,) = restored.flags
        assert flag.startswith(f"{KEPT}: {'setup' if name == 'setup' else 'a cell of the course'} (`import math`; ")
        assert flag.endswith("`x = 1`; `@partial`)")


def test_what_was_added_above_a_check_runs_before_it(release: NotebookNode, answered: NotebookNode) -> None:
    check = cell(answered, "scores_check")
    check.source = f"def scores(x):\n    return shift * x\n\nshift = 3\n{check.source}\nshift = 4"
    cell(answered, "scores").source = cell(release, "scores").source
    restored = restore(release, data(answered))
    assert_course_owns(restored, release)
    assert run(restored.notebook)["linear.scores"] == 15
    assert place(restored.notebook, "shift = 4") == place(restored.notebook, 'check("linear.scores') + 1


def test_a_changed_line_of_the_course_is_not_run(release: NotebookNode, answered: NotebookNode) -> None:
    setup, demo = cell(answered, "setup"), cell(answered, "demo")
    setup.source = setup.source.replace("default_rng(1)", "default_rng(seed=2)") + "\nscale = 2\nprint(scale)"
    demo.source = demo.source.replace("picture = scores(X)", "picture = scores(2 * X)")
    restored = restore(release, data(answered))
    assert_course_owns(restored, release)
    assert "seed=2" not in json.dumps(restored.notebook)
    assert place(restored.notebook, "scale = 2") == 3
    assert restored.flags == (
        "locked cells were edited; the course's version was used: setup",
        f"{KEPT}: setup (`scale = 2`)",
    )


def test_of_a_cell_that_only_shows_something_helpers_are_kept(release: NotebookNode, answered: NotebookNode) -> None:
    for notebook in (release, answered):
        cell(notebook, "demo").metadata.tags = ["demo"]
    cell(answered, "demo").source += "\nfor _ in range(10**9):\n    scores(X)\nhelper = 1"
    restored = restore(release, data(answered))
    assert restored.notebook.cells[place(restored.notebook, "helper = 1")].source == "helper = 1"
    assert restored.flags[-1] == (
        "lines typed into given cells were left out: a cell of the course (`for _ in range(10**9):`)"
    )


def test_flags_about_typed_lines_are_short_and_clean(release: NotebookNode, answered: NotebookNode) -> None:
    lines = [f"\x1b[31mname{i} = '{'long ' * 10}'" for i in range(120)]
    cell(answered, "setup").source += "\n" + "\n".join(f"y{i} = 1  # \u202e{line}" for i, line in enumerate(lines))
    for flag in restore(release, data(answered)).flags:
        assert len(flag) < 400
        assert flag.isprintable()
        assert "and 116 more" in flag


def test_a_changed_copy_of_a_locked_cell_is_a_cell_of_one_s_own(release: NotebookNode, answered: NotebookNode) -> None:
    own = nbformat.from_dict(json.loads(json.dumps(cell(answered, "setup"))))
    own.id, own.source = "copied", "def helper(x):\n    return x"
    answered.cells.insert(4, own)
    restored = restore(release, data(answered))
    assert_course_owns(restored, release)
    assert place(restored.notebook, "def helper") == 4
    assert restored.flags == ()


# --- cells of the student's own ---------------------------------------------------------------------------


def test_helpers_stay_beside_their_neighbours(release: NotebookNode, answered: NotebookNode) -> None:
    answered.cells.insert(4, new_code_cell("def helper(x):\n    return x + 1"))
    answered.cells.insert(6, new_code_cell("after = 1"))
    answered.cells.insert(0, new_code_cell("first = 1"))
    answered.cells.insert(6, new_markdown_cell("my notes"))
    cell(answered, "scores").source = "def scores(x):\n    return helper(x)"
    restored = restore(release, data(answered))
    assert sources(restored.notebook) == sources(answered)
    assert_course_owns(restored, release)
    assert run(restored.notebook)["linear.scores"] == 6


@pytest.mark.parametrize("upper_first", [True, False])
def test_a_split_solution_keeps_both_halves(release: NotebookNode, answered: NotebookNode, upper_first: bool) -> None:
    """JupyterLab's split copies the metadata, so both halves carry the same grade id."""
    helper, rest = "def helper(x):\n    return x + 1", "def scores(x):\n    return helper(x)"
    upper, lower = (helper, rest) if upper_first else (rest, helper)
    half = nbformat.from_dict(json.loads(json.dumps(cell(answered, "scores"))))
    half.id, half.source = "half", lower
    cell(answered, "scores").source = upper
    answered.cells.insert(5, half)
    restored = restore(release, data(answered))
    assert_course_owns(restored, release)
    assert run(restored.notebook)["linear.scores"] == 6


def test_of_duplicates_the_last_answer_wins(release: NotebookNode, answered: NotebookNode) -> None:
    stub = cell(release, "scores").source
    for i, text in enumerate(("def scores(x):\n    return 2", "def scores(x):\n    return 3", stub, "")):
        copied = nbformat.from_dict(json.loads(json.dumps(cell(answered, "scores"))))
        copied.id, copied.source = f"copy{i}", text
        answered.cells.append(copied)
    restored = restore(release, data(answered))
    assert_course_owns(restored, release)
    texts = sources(restored.notebook)
    assert [text[-1] for text in texts if text.startswith("def scores")] == ["x", "2", "3"], "replaced ones come before"
    assert len(texts) == len(release.cells) + 2
    assert run(restored.notebook)["linear.scores"] == 3
    assert restored.flags == (
        "more than one cell was handed in; the last that answers was used, the others kept beside it: scores",
    )


def test_a_missing_cell_gives_the_stub(release: NotebookNode, answered: NotebookNode) -> None:
    answered.cells = [c for c in answered.cells if c.id != "scores"]
    restored = restore(release, data(answered))
    assert cell(restored.notebook, "scores").source == cell(release, "scores").source
    assert restored.flags == ("solution cells are missing; empty ones were put back: scores",)
    assert_course_owns(restored, release)


def test_an_emptied_cell_gives_the_stub(release: NotebookNode, answered: NotebookNode) -> None:
    cell(answered, "scores").source = " \n"
    restored = restore(release, data(answered))
    assert cell(restored.notebook, "scores").source == cell(release, "scores").source


def test_an_answer_in_another_cell_is_not_undone_by_the_stub(release: NotebookNode, answered: NotebookNode) -> None:
    cell(answered, "scores").source += "\n\ndef predict(x):\n    return 2 * x"
    answered.cells = [c for c in answered.cells if c.id != "predict"]
    restored = restore(release, data(answered))
    assert run(restored.notebook) == {"linear.scores": 6, "linear.predict": 10}


def test_an_answer_above_its_empty_cell_counts(release: NotebookNode, answered: NotebookNode) -> None:
    cell(answered, "scores").source = cell(release, "scores").source
    answered.cells.insert(4, new_code_cell("def scores(x):\n    return x + 1"))
    restored = restore(release, data(answered))
    assert run(restored.notebook)["linear.scores"] == 6
    assert_course_owns(restored, release)


def test_pasted_images_of_prose_are_kept(release: NotebookNode, answered: NotebookNode) -> None:
    why = cell(answered, "why")
    why.source, png = "![p](attachment:p.png)", base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(60)).decode()
    why.attachments = {
        "p.png": {"text/html": f"{png}\n", "text/plain": "<script>"},
        "q": 7,
        "s": {"image/svg+xml": "<svg onload='alert(1)'/>"},
    }
    restored = restore(release, data(answered))
    assert cell(restored.notebook, "why").attachments == {"p.png": {"image/png": png}}


def test_a_flood_of_own_cells_is_cut(release: NotebookNode, answered: NotebookNode) -> None:
    answered.cells.extend(NotebookNode(cell_type="code", source=f"x{i} = {i}") for i in range(2000))
    restored = restore(release, data(answered))
    assert len(restored.notebook.cells) == len(release.cells) + 500
    assert any("1500 cells" in flag for flag in restored.flags)


def test_another_assignment_s_notebook_is_named(release: NotebookNode) -> None:
    other = nbformat.v4.new_notebook(cells=[new_code_cell("y = 1"), new_markdown_cell("else")])
    restored = restore(release, data(other))
    assert restored.flags == ("no cell belongs to this assignment: is this another assignment's notebook?",)
    assert_course_owns(restored, release)


def test_the_same_submission_gives_the_same_notebook(release: NotebookNode, answered: NotebookNode) -> None:
    answered.cells.insert(4, new_code_cell("helper = 1"))
    assert restore(release, data(answered)) == restore(release, data(answered))


# --- the file ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b" \n\x00", "empty"),
        (b"hello", "not JSON"),
        (b'{"cells": [{"cell_type": "co', "ends abruptly"),
        (b'{"cells": [', "ends abruptly"),
        (b"[]", "JSON list"),
        (b'"x"', "JSON string"),
        (b"17", "JSON number"),
        (b"null", "JSON null"),
        (b"{}", "no list of cells"),
        (b'{"cells": null}', "no list of cells"),
        (b'{"cells": {}}', "no list of cells"),
        (b'{"cells": ' + b"[" * 200_000, "nested too deeply"),
        (b'{"cells": ' + b'{"a":' * 200_000, "nested too deeply"),
        (b'{"cells": ' + b"9" * 5000 + b"}", "too many digits"),
        (b"\xff\xfe\x00\xd8\x00", "utf-16"),
    ],
)
def test_a_file_without_a_notebook_is_unreadable(release: NotebookNode, content: bytes, reason: str) -> None:
    with pytest.raises(Unreadable, match=re.escape(reason)) as caught:
        restore(release, content)
    assert caught.value.reason == str(caught.value)
    assert "\n" not in caught.value.reason


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1"])
def test_other_encodings_are_read_and_named(release: NotebookNode, answered: NotebookNode, encoding: str) -> None:
    cell(answered, "why").source = "Größe"
    text = json.dumps(answered, ensure_ascii=False)
    restored = restore(release, text.encode(encoding))
    assert cell(restored.notebook, "why").source == "Größe"
    assert len(restored.flags) == 1


def test_truncated_anywhere_is_unreadable_or_whole(release: NotebookNode, answered: NotebookNode) -> None:
    whole = data(answered)
    for end in range(1, len(whole) - 1, 97):
        with pytest.raises(Unreadable):
            restore(release, whole[:end])


def test_nbformat_3_is_read(release: NotebookNode, answered: NotebookNode) -> None:
    old = {
        "nbformat": 3,
        "nbformat_minor": 0,
        "metadata": {},
        "worksheets": [{"cells": []}, 7, {"cells": None}],
    }
    for each in answered.cells:
        row: dict[str, Any] = {"cell_type": each.cell_type, "metadata": {}}
        row["input" if each.cell_type == "code" else "source"] = each.source.splitlines(keepends=True)
        old["worksheets"][0]["cells"].append(row)
    restored = restore(release, data(old))
    assert sources(restored.notebook) == sources(answered)
    assert any("nbformat 3" in flag for flag in restored.flags)


def test_nbformat_5_is_read(release: NotebookNode, answered: NotebookNode) -> None:
    answered.nbformat = 5
    restored = restore(release, data(answered))
    assert restored.notebook.nbformat == 4
    assert sources(restored.notebook) == sources(answered)


def test_damaged_cells_are_left_out_and_counted(release: NotebookNode, answered: NotebookNode) -> None:
    raw = json.loads(data(answered))
    raw["cells"][2:2] = [
        None,
        7,
        [],
        {},
        {"cell_type": []},
        {"cell_type": "code", "source": 9},
        {"cell_type": "x"},
    ]
    restored = restore(release, data(raw))
    assert sources(restored.notebook) == sources(answered)
    assert restored.flags == ("7 damaged cells were left out",)


def test_odd_values_are_harmless(release: NotebookNode, answered: NotebookNode) -> None:
    raw = json.loads(data(answered))
    raw["cells"][4]["source"] = "def scores(x):\r\n    return '\ud800\x00'"
    raw["cells"][4]["outputs"] = [float("nan"), {"data": float("inf")}]
    raw["cells"].append({"cell_type": "code"})
    restored = restore(release, json.dumps(raw).encode())
    assert cell(restored.notebook, "scores").source == "def scores(x):\n    return '\ufffd\ufffd'"
    nbformat.writes(restored.notebook).encode("utf-8")


def test_large_outputs_are_dropped(release: NotebookNode, answered: NotebookNode) -> None:
    cell(answered, "demo").outputs = [nbformat.v4.new_output("stream", text="x" * 20_000_000)]
    assert len(json.dumps(restore(release, data(answered)).notebook)) < 20_000


@pytest.mark.parametrize(
    "text", ["import (" * 20_000, "import (\n" * 20_000, "check('a', b" + " " * 200_000, "scores\n" * 50_000]
)
def test_long_cells_take_no_time(release: NotebookNode, answered: NotebookNode, text: str) -> None:
    import time

    cell(answered, "imports").source = text
    answered.cells.append(new_code_cell(text))
    started = time.process_time()
    restore(release, data(answered))
    assert time.process_time() - started < 3


_leaf = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
_json = st.recursive(
    _leaf, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4)
)
_row = st.fixed_dictionaries(
    {},
    optional={
        "cell_type": st.sampled_from(["code", "markdown", "raw", "heading"]) | _json,
        "source": st.sampled_from(["def scores(x): return 1", 'check("linear.scores", scores)', "scores = 1"]) | _json,
        "id": st.sampled_from(["scores", "why", "imports"]) | _json,
        "metadata": st.fixed_dictionaries(
            {"nbgrader": st.fixed_dictionaries({"grade_id": st.sampled_from(["why", "scores"])})}
        )
        | _json,
        "attachments": _json,
    },
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(rows=st.lists(_row | _json, max_size=8), extra=_json)
@example(rows=[], extra="\n")
def test_any_json_is_restored_or_unreadable(release: NotebookNode, rows: list[Any], extra: Any) -> None:
    restored = restore(release, json.dumps({"cells": rows, "metadata": extra, "nbformat": extra}).encode())
    assert_course_owns(restored, release)
    assert all("\n" not in flag for flag in restored.flags)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(content=st.binary(max_size=200))
def test_any_bytes_are_restored_or_unreadable(release: NotebookNode, content: bytes) -> None:
    with pytest.raises(Unreadable):
        restore(release, content)

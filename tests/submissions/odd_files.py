"""Submissions that are odd as files: what they hold is right work, and only the file, its name or its place is not.

Each maker gets the text of a right notebook and the folder `submitted/<student>/<assignment>` to fill.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Notebook = dict[str, Any]
Maker = Callable[[str, Path], None]


@dataclass(frozen=True)
class OddFile:
    """A numbered case, the verdict of every exercise in it, and whether an instructor must be told."""

    case: int
    name: str
    verdict: str
    flagged: bool
    make: Maker


ODD_FILES: list[OddFile] = []
NAME = "01_linear_classification.ipynb"


def odd(case: int, verdict: str, *, flagged: bool = False) -> Callable[[Maker], Maker]:
    def register(make: Maker) -> Maker:
        ODD_FILES.append(OddFile(case, make.__name__, verdict, flagged, make))
        return make

    return register


def changed(text: str, folder: Path, change: Callable[[Notebook], object], name: str = NAME) -> None:
    notebook = json.loads(text)
    change(notebook)
    (folder / name).write_text(json.dumps(notebook))


def marks(cell: Notebook) -> Notebook:
    return cell["metadata"].get("nbgrader", {})


def cells(notebook: Notebook, **wanted: object) -> list[Notebook]:
    return [cell for cell in notebook["cells"] if wanted.items() <= marks(cell).items()]


# --- 10, 11: what the notebook says of itself counts for nothing ------------------------------------------


@odd(10, "passed")
def points_raised(text, folder):
    changed(text, folder, lambda nb: [marks(cell).update(points=1000) for cell in cells(nb, grade=True)])


@odd(10, "passed")
def flags_flipped(text, folder):
    def flip(notebook):
        for cell in cells(notebook):
            if marks(cell):
                marks(cell).update(grade=not marks(cell)["grade"], locked=False, solution=not marks(cell)["solution"])

    changed(text, folder, flip)


@odd(10, "passed", flagged=True)
def all_metadata_stripped(text, folder):
    changed(text, folder, lambda nb: [cell["metadata"].clear() for cell in nb["cells"]])


@odd(10, "passed", flagged=True)
def unknown_grade_ids(text, folder):
    def rename(notebook):
        for number, cell in enumerate(cells(notebook, solution=True)):
            marks(cell)["grade_id"] = f"cell-{number}"

    changed(text, folder, rename)


@odd(10, "passed")
def another_schema_version(text, folder):
    changed(text, folder, lambda nb: [marks(cell).update(schema_version=99) for cell in cells(nb, grade=True)])


@odd(11, "passed", flagged=True)
def tests_edited(text, folder):
    def edit(notebook):
        for cell in cells(notebook, grade=True, locked=True):
            cell["source"] = "print('all points')"

    changed(text, folder, edit)


@odd(11, "passed", flagged=True)
def tests_deleted(text, folder):
    def delete(notebook):
        gone = cells(notebook, grade=True, locked=True)
        notebook["cells"] = [cell for cell in notebook["cells"] if cell not in gone]

    changed(text, folder, delete)


@odd(11, "passed")
def tests_moved_to_the_top(text, folder):
    def move(notebook):
        tests = cells(notebook, grade=True, locked=True)
        notebook["cells"] = tests + [cell for cell in notebook["cells"] if cell not in tests]

    changed(text, folder, move)


@odd(11, "passed", flagged=True)
def tests_twice(text, folder):
    def double(notebook):
        notebook["cells"] += json.loads(json.dumps(cells(notebook, grade=True, locked=True)))

    changed(text, folder, double)


# --- 32 to 35: what the file holds -------------------------------------------------------------------------


@odd(32, "unreadable")
def nothing_in_it(text, folder):
    (folder / NAME).write_text("")


@odd(32, "unreadable")
def no_json(text, folder):
    (folder / NAME).write_text("def scores(X, W, b):\n    return X @ W.T + b\n")


@odd(32, "unreadable")
def truncated(text, folder):
    (folder / NAME).write_text(text[: len(text) // 2])


@odd(32, "unreadable")
def a_list(text, folder):
    (folder / NAME).write_text("[1, 2, 3]")


@odd(32, "unreadable")
def no_cells(text, folder):
    changed(text, folder, lambda nb: nb.update(cells=None))


@odd(32, "unreadable")
def nested_without_end(text, folder):
    (folder / NAME).write_text("[" * 200_000 + "]" * 200_000)


@odd(33, "passed")
def byte_order_mark(text, folder):
    (folder / NAME).write_bytes(b"\xef\xbb\xbf" + text.encode())


@odd(33, "passed", flagged=True)
def utf_16(text, folder):
    (folder / NAME).write_bytes(text.encode("utf-16"))


@odd(33, "passed", flagged=True)
def latin_1(text, folder):
    (folder / NAME).write_bytes(text.replace("# %", "# é").encode("latin-1", "replace") + "\n".encode())
    notebook = json.loads(text)
    notebook["cells"][0]["source"] += "\nGanz schön hübsch"
    (folder / NAME).write_bytes(json.dumps(notebook, ensure_ascii=False).encode("latin-1", "replace"))


@odd(34, "passed", flagged=True)
def nbformat_3(text, folder):
    def downgrade(notebook):
        notebook.update(nbformat=3, nbformat_minor=0)
        sheet = {"cells": notebook.pop("cells"), "metadata": {}}
        for cell in sheet["cells"]:
            cell.pop("id", None)
            if cell["cell_type"] == "code":
                cell["input"], cell["language"] = cell.pop("source"), "python"
                cell["prompt_number"] = cell.pop("execution_count", None)
                cell["outputs"] = []
        notebook["worksheets"] = [sheet]

    changed(text, folder, downgrade)


@odd(34, "passed", flagged=True)
def nbformat_5(text, folder):
    changed(text, folder, lambda nb: nb.update(nbformat=5, nbformat_minor=9))


@odd(35, "passed", flagged=True)
def metadata_that_are_text(text, folder):
    def spoil(notebook):
        for cell in cells(notebook, solution=True):
            cell["metadata"]["nbgrader"] = json.dumps(marks(cell))

    changed(text, folder, spoil)


@odd(35, "passed")
def a_cell_without_source(text, folder):
    changed(text, folder, lambda nb: nb["cells"][0].pop("source"))


@odd(35, "passed")
def equal_cell_ids(text, folder):
    changed(text, folder, lambda nb: [cell.update(id="same") for cell in nb["cells"]])


# --- 36 to 42: names, places, sizes --------------------------------------------------------------------------


@odd(36, "missing")
def no_notebook_at_all(text, folder):
    (folder / "notes.txt").write_text("I will hand it in tomorrow.")


@odd(36, "passed", flagged=True)
def downloaded_twice(text, folder):
    (folder / "01_linear_classification (1).ipynb").write_text(text)


@odd(36, "not_written", flagged=True)
def another_assignments_notebook(text, folder):
    other = json.loads(text)
    other["cells"] = [cell for cell in other["cells"] if not marks(cell)]
    (folder / "02_mlp_forward.ipynb").write_text(json.dumps(other))


@odd(32, "passed", flagged=True)
def the_tail_of_an_older_file(text, folder):
    (folder / NAME).write_text(text + text[-400:])


@odd(32, "passed", flagged=True)
def zero_bytes_at_the_end(text, folder):
    (folder / NAME).write_bytes(text.encode() + bytes(4096))


@odd(32, "unreadable")
def an_unfinished_merge(text, folder):
    lines = text.split("\n")
    lines[40:40] = ["<<<<<<< HEAD", '  "x": 1,', "=======", '  "x": 2,', ">>>>>>> main"]
    (folder / NAME).write_text("\n".join(lines))


@odd(36, "passed", flagged=True)
def blank_beside_a_worked_copy(text, folder):
    notebook = json.loads(text)
    for cell in cells(notebook, solution=True):
        cell["source"] = "YOUR ANSWER HERE" if marks(cell)["grade"] else ""
    (folder / NAME).write_text(json.dumps(notebook))
    (folder / "01_linear_classification-Copy1.ipynb").write_text(text)


@odd(36, "passed", flagged=True)
def in_a_subfolder_in_other_letters(text, folder):
    (folder / "week 1").mkdir()
    (folder / "week 1" / "01_Linear_Classification.ipynb").write_text(text)
    (folder / "scratch.ipynb").write_text("{}")


@odd(36, "passed", flagged=True)
def in_a_folder_of_another_spelling(text, folder):
    folder.rmdir()
    other = folder.parent / "01-Linear Classification"
    other.mkdir()
    (other / NAME).write_text(text)


@odd(36, "passed", flagged=True)
def in_no_folder(text, folder):
    folder.rmdir()
    (folder.parent / "my work.ipynb").write_text(text)


@odd(36, "passed", flagged=True)
def in_a_folder_of_the_assignment(text, folder):
    folder.rmdir()
    turned = folder.parent.parent / folder.name / folder.parent.name
    folder.parent.rmdir()
    turned.mkdir(parents=True)
    (turned / NAME).write_text(text)


@odd(36, "passed", flagged=True)
def with_pictures_beside_and_missing(text, folder):
    def refer(notebook):
        (prose,) = cells(notebook, solution=True, grade=True)
        prose["source"] = "![a](photo.jpg) ![b](attachment:gone.png)"

    changed(text, folder, refer)
    (folder / "photo.jpg").write_bytes(b"\xff\xd8\xff\xe0" + bytes(200))


@odd(37, "passed")
def an_unknown_kernel(text, folder):
    changed(text, folder, lambda nb: nb["metadata"].update(kernelspec={"name": "julia-1.9", "display_name": "Julia"}))


@odd(38, "missing", flagged=True)
def a_link_out_of_the_folder(text, folder):
    (folder / NAME).symlink_to("/etc/passwd")


@odd(38, "missing", flagged=True)
def a_broken_link(text, folder):
    (folder / NAME).symlink_to("nowhere.ipynb")


@odd(38, "missing", flagged=True)
def a_pipe(text, folder):
    os.mkfifo(folder / NAME)


@odd(40, "passed")
def twenty_megabytes_of_outputs(text, folder):
    def grow(notebook):
        code = next(cell for cell in notebook["cells"] if cell["cell_type"] == "code")
        code["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "x" * 1_000_000}] * 20

    changed(text, folder, grow)


@odd(40, "unreadable")
def more_than_a_hundred_megabytes(text, folder):
    with (folder / NAME).open("w") as file:
        file.write(text)
        file.write(" " * 101_000_000)


@odd(42, "passed", flagged=True)
def a_broken_timestamp(text, folder):
    (folder / NAME).write_text(text)
    (folder / "timestamp.txt").write_text("yesterday, around noon\n")


# --- 50: right answers elsewhere than in their cells ------------------------------------------------------------


def rewritten(text: str, folder: Path, change: Callable[[Notebook], object]) -> None:
    """As `changed`, with each source as one string."""
    notebook = json.loads(text)
    for cell in notebook["cells"]:
        cell["source"] = "".join(cell["source"])
    changed(json.dumps(notebook), folder, change)


def answers(notebook: Notebook) -> list[Notebook]:
    return cells(notebook, solution=True, grade=False)


def own(source: str, kind: str = "code") -> Notebook:
    more = {"outputs": [], "execution_count": None} if kind == "code" else {}
    return {"cell_type": kind, "id": f"own-{zlib.crc32(source.encode())}", "metadata": {}, "source": source} | more


def place(notebook: Notebook, name: str) -> int:
    return next(number for number, cell in enumerate(notebook["cells"]) if marks(cell).get("grade_id") == name)


def taken_out(notebook: Notebook) -> str:
    everything = "\n\n\n".join(cell["source"] for cell in answers(notebook))
    for cell in answers(notebook):
        cell["source"] = ""
    return everything


@odd(50, "passed", flagged=True)
def everything_in_the_first_solution_cell(text, folder):
    def move(notebook):
        answers(notebook)[0]["source"] = taken_out(notebook)

    rewritten(text, folder, move)


@odd(50, "passed", flagged=True)
def everything_on_top(text, folder):
    rewritten(text, folder, lambda nb: nb["cells"].insert(0, own(taken_out(nb))))


@odd(50, "passed", flagged=True)
def everything_at_the_end(text, folder):
    """Helpers in a cell of their own, and the definition of one that uses them at once."""

    def move(notebook):
        everything = taken_out(notebook)
        notebook["cells"] += [own("import math\ndeep = math.pi"), own("rows = 0 * deep"), own(f"rows\n{everything}")]

    rewritten(text, folder, move)


@odd(50, "passed", flagged=True)
def grade_ids_rotated(text, folder):
    def rotate(notebook):
        found = answers(notebook)
        ids = [cell["metadata"] for cell in found]
        for number, cell in enumerate(found):
            cell["metadata"] = ids[number - 1]

    rewritten(text, folder, rotate)


@odd(50, "passed", flagged=True)
def split_and_wrapped_and_tried_below(text, folder):
    def split(notebook):
        at = place(notebook, "accuracy")
        wrapped = "accuracy = np.errstate(all='ignore')(accuracy)"
        parts = (wrapped, "now = accuracy(X, X)\naccuracy = now", "accuracy = 3")
        for number, source in enumerate(parts):
            copy = json.loads(json.dumps(notebook["cells"][at])) | {"id": f"part-{number}", "source": source}
            notebook["cells"].insert(at + 1 + number + (number > 0), copy)

    rewritten(text, folder, split)


@odd(50, "passed", flagged=True)
def typed_into_given_cells(text, folder):
    def add(notebook):
        scores = notebook["cells"][place(notebook, "scores")]
        scores["source"] += "\n\n\ninner = scores\n\n\ndef scores(X, W, b):\n    return m.cos(ZERO) * inner(X, W, b)"
        notebook["cells"][place(notebook, "setup")]["source"] += "\nimport math as m\nZERO = 0.0"
        check, predict = notebook["cells"][place(notebook, "scores_check")], answers(notebook)[1]
        check["source"] = f"def shifted(z):\n    return z - ZERO\n\n{check['source']}"
        predict["source"] += "\n\n\nplain = predict\n\n\ndef predict(scores):\n    return plain(shifted(scores))"

    rewritten(text, folder, add)


PROSE_ELSEWHERE = "Multiply out: two linear maps make one, and ReLU bends it."


@odd(50, "passed", flagged=True)
def prose_in_a_new_cell(text, folder):
    def write(notebook):
        at = place(notebook, "why_not_a_line")
        notebook["cells"][at]["source"] = "YOUR ANSWER HERE"
        notebook["cells"].insert(at + 1, own(PROSE_ELSEWHERE))

    rewritten(text, folder, write)


@odd(50, "passed", flagged=True)
def prose_in_the_question(text, folder):
    def write(notebook):
        at = place(notebook, "why_not_a_line")
        notebook["cells"][at]["source"] = "YOUR ANSWER HERE"
        notebook["cells"][at - 1]["source"] += f"\n\n{PROSE_ELSEWHERE}"

    rewritten(text, folder, write)


# --- 51, 53: honest ----------------------------------------------------------------------------------------


@odd(51, "passed")
def run_out_of_order(text, folder):
    def shuffle(notebook):
        for number, cell in enumerate(notebook["cells"]):
            if cell["cell_type"] == "code":
                cell["execution_count"] = 97 - number

    changed(text, folder, shuffle)


@odd(53, "passed")
def saved_by_another_editor(text, folder):
    def resave(notebook):
        notebook["metadata"] = {"language_info": {"name": "python"}, "orig_nbformat": 4, "vscode": {"interpreter": {}}}
        notebook["nbformat_minor"] = 2
        for cell in notebook["cells"]:
            cell.pop("id", None)
            cell["source"] = cell["source"].splitlines(keepends=True) if type(cell["source"]) is str else cell["source"]

    changed(text, folder, resave)


@odd(53, "passed")
def saved_by_colab(text, folder):
    def resave(notebook):
        notebook["metadata"] |= {"colab": {"provenance": []}, "accelerator": "GPU"}
        for number, cell in enumerate(notebook["cells"]):
            cell["metadata"]["id"] = f"Zk{number}"
            cell["metadata"]["colab"] = {"base_uri": "https://localhost:8080/"}

    changed(text, folder, resave)

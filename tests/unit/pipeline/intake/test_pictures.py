"""Pictures of an answer: pasted, written into the text, lying beside the notebook, or missing."""

from __future__ import annotations

import base64
import json
import os
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
from nbconvert.exporters import HTMLExporter
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell

from autograder.pipeline.intake import picture_links, pictures
from autograder.pipeline.intake.notebook_file import StudentCell, Submission, read_submission
from autograder.pipeline.intake.picture_links import show_pictures
from autograder.pipeline.intake.pictures import Picture, pictures_beside
from autograder.pipeline.intake.restore import Restored, restore


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


PNG = (
    b"\x89PNG\r\n\x1a\n"
    + _chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0))
    + _chunk(b"IDAT", zlib.compress(bytes(4)))
    + _chunk(b"IEND", b"")
)
JPEG = b"\xff\xd8\xff\xe0" + bytes(120)
GIF = b"GIF89a" + bytes(30)
WEBP = base64.b64decode("UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA==")
SVG = b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg' width='9'><text>one = 1</text></svg>"
KINDS = {"image/png": PNG, "image/jpeg": JPEG, "image/gif": GIF, "image/webp": WEBP, "image/svg+xml": SVG}


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def read_cell(source: str, attachments: Any) -> tuple[StudentCell, tuple[str, ...]]:
    row = {"cell_type": "markdown", "source": source, "attachments": attachments}
    read = read_submission(json.dumps({"cells": [row], "nbformat": 4}).encode())
    return read.cells[0], read.flags


def shown(release: NotebookNode, prose: str, *beside: Picture, **attached: Any) -> tuple[NotebookNode, Restored]:
    """The prose answer after everything, and the whole; nbconvert, which stops at what is missing, draws it."""
    answer = StudentCell("markdown", prose, grade_id="why", images=attached)
    restored = show_pictures(restore(release, Submission((answer,))), release, beside)
    HTMLExporter().from_notebook_node(restored.notebook)
    return next(cell for cell in restored.notebook.cells if cell.id == "why"), restored


def pictures_of(cell: NotebookNode) -> list[str]:
    return [next(iter(bundle)) for bundle in cell.get("attachments", {}).values()]


# --- pasted -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("claimed", ["image/png", "text/html"])
@pytest.mark.parametrize("form", ["whole", "lines", "wrapped"])
def test_a_pasted_picture_is_what_its_bytes_are(kind: str, claimed: str, form: str) -> None:
    text: Any = b64(KINDS[kind])
    text = {"whole": text, "lines": [text[:8], text[8:]], "wrapped": text[:8] + "\n" + text[8:] + "\n"}[form]
    cell, flags = read_cell("![d](attachment:d)", {"d": {claimed: text}})
    assert cell.images == {"d": {kind: b64(KINDS[kind])}}
    assert flags == ()


def test_an_svg_may_stand_there_as_text() -> None:
    cell, _ = read_cell("", {"d.svg": {"image/svg+xml": ["<svg xmlns='http://www.w3.org/2000/svg'>\n", "</svg>"]}})
    assert base64.b64decode(cell.images["d.svg"]["image/svg+xml"]).startswith(b"<svg")


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (b64(b"<html><script>alert(1)</script></html>"), "no picture"),
        ("<svg onload='alert(1)'></svg>", "acts"),
        ("<svg><script>alert(1)</script></svg>", "acts"),
        ("<svg><a href='javascript:alert(1)'><text>........</text></a></svg>", "acts"),
        ("<!DOCTYPE svg [<!ENTITY a 'aaaa'>]><svg>&a;&a;&a;&a;</svg>", "acts"),
        (b64(SVG.decode().encode("utf-16")), "no picture"),
        (b64(PNG[:20]), "damaged"),
        ("no base64!", "no base64"),
        (7, "no base64"),
        ({"a": 1}, "no base64"),
    ],
)
def test_what_is_no_picture_or_acts_is_left_out_and_named(value: Any, why: str) -> None:
    cell, (flag,) = read_cell("![d](attachment:d.svg)", {"d.svg": {"image/svg+xml": value}})
    assert cell.images == {}
    assert "d.svg" in flag
    assert why in flag


def test_a_picture_in_the_text_becomes_an_attachment(release: NotebookNode) -> None:
    cell, _ = read_cell(f"My drawing: ![image.png](data:image/png;base64,{b64(PNG)}) and more", {})
    assert cell.source == "My drawing: ![image.png](attachment:inline-0) and more"
    assert cell.images == {"inline-0": {"image/png": b64(PNG)}}


def test_pictures_are_limited_one_by_one_and_together(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(pictures, "LARGEST", 150)
    monkeypatch.setattr(pictures, "LARGEST_TOGETHER", 400)
    large, fits = JPEG + bytes(100), JPEG[:120]
    cell, flags = read_cell("", {name: {"image/jpeg": b64(large if name == "a" else fits)} for name in "abcdef"})
    assert list(cell.images) == ["b", "c", "d"]
    assert [flag.split(":")[0] for flag in flags] == [f"the picture {name} is not shown" for name in "aef"]
    for name in "abcdef":
        (tmp_path / f"{name}.jpg").write_bytes(large if name == "a" else fits)
    found = pictures_beside(tmp_path)
    assert [bool(picture.fault) for picture in found] == [True, False, False, False, True, True]
    assert sum(len(picture.data) for picture in found) == 360


# --- references -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "prose",
    [
        "![answer](my_photo.jpg)",
        "![answer](./my_photo.jpg)",
        "![answer](my_photo.jpg 'by hand')",
        "![answer](<my_photo.jpg>)",
        "![answer](MY_PHOTO.JPG)",
        "![answer](my%5Fphoto.jpg)",
        "![answer](/home/ada/course/my_photo.jpg)",
        "![answer](C:\\Users\\ada\\my_photo.jpg)",
        "![answer](attachment:my_photo.jpg)",
        "![answer](my_photo.jpg =300x200)",
        "![answer][p]\n\n[p]: my_photo.jpg",
    ],
)
def test_a_picture_beside_the_notebook_comes_along(release: NotebookNode, prose: str) -> None:
    cell, restored = shown(release, prose, Picture("my_photo.jpg", PNG))
    assert list(cell.attachments.values()) == [{"image/png": b64(PNG)}]
    assert "attachment:picture-1" in cell.source
    assert restored.flags[-1] == "pictures beside the notebook are shown in it: my_photo.jpg"


@pytest.mark.parametrize(
    ("name", "prose"),
    [
        ("pics/a b.png", "![x](pics/a%20b.png)"),
        ("pics/a b.png", "![x](pics/a b.png)"),
        ("a (1).png", "![x](<a (1).png>)"),
        ("a(1).png", "![x](a(1).png)"),
        ("Zeichnung-ü.png", "![x](Zeichnung-u\u0308.png)"),
        ("flat.png", "![x](images/deep/flat.png)"),
    ],
)
def test_odd_names_and_subfolders(release: NotebookNode, name: str, prose: str) -> None:
    cell, _ = shown(release, prose, Picture(name, PNG))
    assert pictures_of(cell) == ["image/png"]
    assert cell.source == "![x](attachment:picture-1)"


@pytest.mark.parametrize("quote", ['"', "'", ""])
def test_an_image_tag_gets_the_picture_itself(release: NotebookNode, quote: str) -> None:
    cell, _ = shown(release, f"<img width=300 src={quote}photo.png{quote}/>", Picture("photo.png", WEBP))
    assert cell.source.startswith(f'<img width=300 src="data:image/webp;base64,{b64(WEBP)}"')


def test_every_kind_is_shown_from_its_cell(release: NotebookNode) -> None:
    attached = {f"the {number} (x).png": {kind: b64(data)} for number, (kind, data) in enumerate(KINDS.items())}
    prose = " ".join(f"![{name}](<attachment:{name}>)" for name in attached)
    cell, restored = shown(release, prose, **attached)
    assert sorted(pictures_of(cell)) == sorted(KINDS)
    html, _ = HTMLExporter().from_notebook_node(restored.notebook)
    assert all(f'src="data:{kind};base64,' in html for kind in KINDS)


@pytest.mark.parametrize(
    ("prose", "beside", "mark"),
    [
        ("![d](attachment:d.png)", (), "d.png"),
        ("![d](attachment:d%20e.png)", (), "d e.png"),
        ("![d](gone.png)", (Picture("other.png", PNG),), "gone.png"),
        ("![d](note.png)", (Picture("note.png", b"%PDF-1.7" + bytes(200)),), "note.png: its bytes are no picture"),
        ("![d](big.png)", (Picture("big.png", fault="it has more than 10 MB"),), "big.png: it has more than 10 MB"),
        ("![d](https://example.org/track.png)", (Picture("track.png", PNG),), "track.png: it lies on the web"),
        ("![d](//example.org/track.png)", (), "track.png: it lies on the web"),
        ("<img src='attachment:d.png' alt=d>", (), "d.png"),
    ],
)
def test_what_is_missing_is_marked_and_flagged(
    release: NotebookNode, prose: str, beside: tuple[Picture, ...], mark: str
) -> None:
    cell, restored = shown(release, prose, *beside)
    html, _ = HTMLExporter().from_notebook_node(restored.notebook)
    assert f"[picture missing: {mark}" in html
    assert "attachments" not in cell
    assert restored.flags[-1].startswith("pictures not shown, their place is marked: ")
    assert mark.partition(":")[0] in restored.flags[-1]


def test_a_link_to_a_picture_shows_it_and_other_files_are_named(release: NotebookNode) -> None:
    prose = (
        "[my drawing](a.png), [text](answer.pdf), [site](https://example.org/x.pdf), [lesson](../x.ipynb), [s](#top)"
    )
    cell, restored = shown(release, prose, Picture("a.png", PNG), Picture("b.png", PNG))
    assert cell.source == prose.replace("[my drawing](a.png)", "![my drawing](attachment:picture-1)")
    assert restored.flags[-2:] == (
        "pictures beside the notebook are shown in it: a.png",
        "files that the text links to are not shown: answer.pdf",
    )


@pytest.mark.parametrize(
    "prose",
    [
        "![d][gone]\n\n[gone]: attachment:d.png",
        "![d]( attachment:d.png 'a' 'b')",
        "attachment:x",
        f"![{'d' * 301}](attachment:picture-7)",
        f"![d][{'c' * 120}]\n\n[{'c' * 120}]: attachment:picture-9",
    ],
)
def test_no_reference_to_nothing_stays(release: NotebookNode, prose: str) -> None:
    cell, _ = shown(release, prose)
    assert "missing-attachment:" in cell.source


def test_own_cells_show_theirs_and_given_cells_stay(release: NotebookNode, answered: NotebookNode) -> None:
    release.cells[0].source += "\n\n![logo](logo.png)"
    answered.cells[0] = release.cells[0].copy()
    answered.cells.insert(4, new_markdown_cell("![mine](photo.gif)"))
    read = read_submission(json.dumps(answered).encode())
    restored = show_pictures(restore(release, read), release, [Picture("photo.gif", GIF), Picture("logo.png", PNG)])
    (own,) = [cell for cell in restored.notebook.cells if "![mine]" in cell.source]
    assert pictures_of(own) == ["image/gif"]
    assert restored.notebook.cells[0] == release.cells[0]


def test_one_file_shown_often_is_counted_each_time(release: NotebookNode, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picture_links, "LARGEST_TOGETHER", 3 * len(PNG) + 8)
    cell, restored = shown(release, "![d](d.png)\n" * 10, Picture("d.png", PNG))
    assert len(cell.attachments) == 3
    assert "together" in restored.flags[-1]


@pytest.mark.parametrize("piece", ["![", "![a](", "<img ", "<img src=", "[a]:", "![a](b ", "![[", "](", "attachment:"])
def test_floods_are_read_quickly_and_whole(release: NotebookNode, piece: str) -> None:
    source = piece * (400_000 // len(piece))
    answer = StudentCell("markdown", source, grade_id="why")
    restored = show_pictures(restore(release, Submission((answer,))), release, [Picture("d.png", PNG)])
    why = next(cell for cell in restored.notebook.cells if cell.id == "why")
    assert len(why.source) >= len(source)


# --- beside the notebook ----------------------------------------------------------------------------------


def test_only_regular_files_of_the_folder_are_taken(tmp_path: Path) -> None:
    (tmp_path / "secret.png").write_bytes(PNG)
    folder = tmp_path / "ada"
    (folder / "pics").mkdir(parents=True)
    (folder / "pics" / "a.PNG").write_bytes(PNG)
    (folder / "notes.txt").write_bytes(PNG)
    (folder / "out.png").symlink_to("../secret.png")
    (folder / "in.png").symlink_to("pics/a.PNG")
    os.mkfifo(folder / "pipe.png")
    (folder / ".hidden.png").write_bytes(PNG)
    assert [picture.name for picture in pictures_beside(folder)] == ["in.png", "pics/a.PNG"]
    assert pictures_beside(tmp_path / "nobody") == ()

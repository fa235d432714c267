"""Every notebook has the frame that CONTRIBUTING.md describes, its links lead somewhere, and its terms stand in bold.

The page at the start is its own map: it has its own frame.
"""

import re
from functools import cache
from pathlib import Path

import nbformat
import pytest

from autograder.exercises import ASSIGNMENTS
from course_lib.glossary import glossary, page

ROOT = Path(__file__).parents[2]
START, *LESSONS = ASSIGNMENTS
MAP = f"[Map of the course](../{START}/{START}.ipynb)"
LINK = re.compile(r"(?<!!)\[([^\]]+)\]\(([^)\s]+)\)")
ADDRESS = re.compile(r"https?://|\b10\.\d{4,9}/|\barXiv:\d{4}\.\d{4,5}")
TIME = re.compile(r"\*\*Time\*\*:?\s+(?:about )?(\d+(?:\.\d+)?) (minutes|hours?) \(estimated\)")

each_notebook = pytest.mark.parametrize("name", ASSIGNMENTS)
each_lesson = pytest.mark.parametrize("name", LESSONS)


@cache
def cells(name: str) -> list[nbformat.NotebookNode]:
    notebook = nbformat.reads((ROOT / "notebooks" / name / f"{name}.ipynb").read_text("utf-8"), as_version=4)
    return list(notebook.cells)


def texts(name: str) -> list[str]:
    return [cell.source for cell in cells(name) if cell.cell_type == "markdown"]


def prose(name: str) -> str:
    """All its texts, without code."""
    return re.sub(r"```.*?```", "", "\n\n".join(texts(name)), flags=re.DOTALL)


def paragraphs(text: str) -> list[str]:
    return [" ".join(part.split()) for part in re.split(r"\n\s*\n", text) if part.strip()]


def section(name: str, heading: str) -> str:
    """What stands below a heading of the second level, up to the next one."""
    found = re.search(rf"^## {re.escape(heading)}$(.*?)(?=^## |\Z)", prose(name), re.DOTALL | re.MULTILINE)
    assert found, f"{name} has no section called {heading}"
    return found[1]


def head(name: str) -> list[str]:
    """The paragraphs of the cell that says what one will be able to do."""
    places = [place for place, cell in enumerate(cells(name)) if cell.source.startswith("**You will be able to**")]
    assert len(places) == 1, f"{name} has {len(places)} cells that begin with **You will be able to**"
    before = [cell.source for cell in cells(name)[: places[0]] if cell.cell_type == "markdown"]
    assert before, f"{name} has nothing before the cell that says what one will be able to do"
    assert not re.search(r"^##", "\n".join(before), re.MULTILINE), "it comes right after the hook"
    return paragraphs(cells(name)[places[0]].source)


def needed(name: str) -> str:
    """What stands between **Needs** and the link to the map."""
    found = re.search(r"\*\*Needs\*\*(.*)", head(name)[-1])
    assert found, f"{name} does not say what it needs"
    return found[1].replace(MAP, "")


# --- the head --------------------------------------------------------------------------------------------


@each_notebook
def test_the_title_is_that_of_the_course(name):
    number = int(name.split("_")[0])
    assert texts(name)[0].splitlines()[0] == f"# {number} · {ASSIGNMENTS[name].title}"


@each_notebook
def test_three_to_six_things_one_will_be_able_to_do(name):
    cell = next(text for text in texts(name) if text.startswith("**You will be able to**"))
    assert 3 <= len(re.findall(r"^- ", cell, re.MULTILINE)) <= 6
    assert head(name)[0].startswith("**You will be able to**")


@each_notebook
def test_how_long_it_takes_is_what_the_map_says(name):
    found = TIME.search(head(name)[-1])
    assert found, f"{name} does not say how long it takes: {head(name)[-1]}"
    hours = float(found[1]) / (60 if found[2] == "minutes" else 1)
    assert hours == pytest.approx(ASSIGNMENTS[name].hours)


@each_notebook
def test_what_it_needs_are_the_notebooks_of_the_course_table(name):
    said = [target for _, target in LINK.findall(needed(name).split("In a hurry?")[0])]
    assert said == [f"../{need}/{need}.ipynb" for need in ASSIGNMENTS[name].needs]
    assert said or "nothing" in needed(name)


@each_lesson
def test_the_head_leads_to_the_map(name):
    assert MAP in head(name)[-1]


# --- the end ---------------------------------------------------------------------------------------------


@each_lesson
def test_it_ends_as_every_notebook_does(name):
    headings = re.findall(r"^## (.*)$", prose(name), re.MULTILINE)
    assert headings[-4:] == ["Recap", "Now try", "How far are you?", "References"]


@each_notebook
def test_a_recap_of_five_points(name):
    assert len(re.findall(r"^- ", section(name, "Recap"), re.MULTILINE)) == 5


@each_lesson
def test_two_or_three_things_to_try(name):
    assert re.findall(r"^(\d)\. ", section(name, "Now try"), re.MULTILINE) in (["1", "2"], ["1", "2", "3"])


@each_lesson
def test_progress_comes_after_the_question_how_far_one_is(name):
    ends = [cell.source.rstrip().endswith("## How far are you?") for cell in cells(name)]
    assert True in ends, "the heading ends its cell"
    assert cells(name)[ends.index(True) + 1].source.strip() == "progress()"


@each_lesson
def test_every_reference_can_be_looked_up(name):
    entries = re.split(r"^- ", section(name, "References"), flags=re.MULTILINE)[1:]
    entries[-1:] = [entries[-1].split("\n\n")[0]] if entries else []
    assert entries
    assert [" ".join(entry.split()) for entry in entries if not ADDRESS.search(entry)] == []


@each_notebook
def test_the_last_line_says_what_is_next(name):
    assert paragraphs(texts(name)[-1])[-1].startswith("**Next**:")
    assert cells(name)[-1].cell_type == "markdown"


# --- links and words -------------------------------------------------------------------------------------


@each_notebook
def test_links_to_notebooks_lead_to_them_and_bear_their_number(name):
    folder = ROOT / "notebooks" / name
    for label, target in LINK.findall(prose(name)):
        if ADDRESS.match(target) or target.startswith("#"):
            continue
        path = (folder / target.partition("#")[0]).resolve()
        assert path.is_file(), f"{name}: [{label}]({target}) leads nowhere"
        assert path.parent.parent == ROOT / "notebooks"
        if numbered := re.match(r"(\d+) · (.*)", label):
            assert int(numbered[1]) == int(path.stem.split("_")[0])
            assert ASSIGNMENTS[path.stem].title.startswith(numbered[2])


@each_notebook
def test_the_terms_of_the_glossary_stand_in_bold_where_they_are_introduced(name):
    bold = [found.casefold() for found in re.findall(r"\*\*([^*]+)\*\*", " ".join(prose(name).split()))]
    terms = [word.term for word in glossary().words if word.home == name]
    assert [term for term in terms if not any(term.casefold() in each for each in bold)] == []


def test_every_home_of_the_glossary_is_a_notebook_and_no_term_is_there_twice():
    words = glossary().words
    assert {word.home for word in words} <= set(LESSONS)
    assert len({word.term for word in words}) == len(words)
    assert [word.home for word in words] == sorted(word.home for word in words)


def test_the_published_glossary_is_that_of_the_notebook():
    assert (ROOT / "docs" / "glossary.md").read_text("utf-8") == page(), "python -m course_lib.glossary prints it"

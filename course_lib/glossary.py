"""The course's words beside those of papers and of PyTorch: the rows of glossary.toml, as tables.

The start page shows them, and docs/glossary.md is what `python -m course_lib.glossary` prints.
"""

from __future__ import annotations

import html
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Glossary", "Word", "glossary", "page"]

_FILE = Path(__file__).with_name("glossary.toml")
_HEAD = ("in this course", "the standard term", "in PyTorch and PyG", "notebook")


@dataclass(frozen=True)
class Word:
    """One row.

    Attributes:
        course: what the course says at first.
        term: the standard term.
        torch: its name in PyTorch or PyG, code between backticks; empty where it has none.
        home: the notebook that introduces the term.
    """

    course: str
    term: str
    torch: str
    home: str

    @property
    def number(self) -> str:
        """The number of its notebook."""
        return self.home.split("_")[0].lstrip("0") or "0"


@dataclass(frozen=True)
class Glossary:
    """All rows; as the last value of a cell they are a table whose last column leads to the notebooks.

    Attributes:
        words: the rows.
        folder: where the notebooks' folders are, seen from the page that shows the table.
    """

    words: tuple[Word, ...]
    folder: str = ".."

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return {"text/html": self.html(), "text/plain": str(self)}

    def __str__(self) -> str:
        width = max(len(word.course) for word in self.words)
        lines = (f"{word.course:<{width}}  {word.term} ({word.number})  {word.torch}" for word in self.words)
        return "\n".join(line.rstrip() for line in lines)

    def address(self, word: Word) -> str:
        """Of the notebook that introduces it."""
        return f"{self.folder}/{word.home}/{word.home}.ipynb"

    def html(self) -> str:
        """A table."""
        head = "".join(f'<th style="text-align:left">{each}</th>' for each in _HEAD)
        rows = "".join(
            f"<tr>{_cell(html.escape(word.course))}{_cell(f'<b>{html.escape(word.term)}</b>')}{_cell(_code(word.torch))}"
            f'{_cell(f"""<a href="{self.address(word)}">{word.number}</a>""")}</tr>'
            for word in self.words
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"

    def markdown(self) -> str:
        """The same as a Markdown table."""
        lines = [f"| {' | '.join(_HEAD)} |", "|:--|:--|:--|:--|"]
        lines += [
            f"| {word.course} | **{word.term}** | {word.torch} | [{word.number}]({self.address(word)}) |"
            for word in self.words
        ]
        return "\n".join(lines)


def _cell(content: str) -> str:
    return f'<td style="text-align:left">{content}</td>'


def _code(text: str) -> str:
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text))


def glossary(folder: str = "..") -> Glossary:
    """The course's glossary, in the order of the notebooks.

    Args:
        folder: where the notebooks' folders are, seen from the page that shows it.
    """
    rows = tomllib.loads(_FILE.read_text("utf-8"))["word"]
    return Glossary(tuple(Word(**row) for row in rows), folder)


def page() -> str:
    """The text of docs/glossary.md."""
    return (
        "# Glossary\n\n"
        "The notebooks begin with a picture and go on with the term that papers and colleagues use. Here are both,\n"
        "with the name in PyTorch and the notebook that introduces it. The rows come from `course_lib/glossary.toml`;\n"
        "`.venv/bin/python -m course_lib.glossary` prints this page.\n\n"
        f"{glossary('../notebooks').markdown()}\n"
    )


if __name__ == "__main__":
    print(page(), end="")

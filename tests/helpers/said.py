"""What a notebook's text says in numbers, each beside where it comes from: `tests/whole/said/NN_topic.toml`.

    [[said]]                                  # computed in this notebook
    text = "reads {} of 100 digits"           # a passage of the text; each {} is a number
    after = "plot_hook"                       # the cell, by grade_id, after which the value is looked up
    value = "100 * right[0]"                  # an expression over the notebook's names; a list for several numbers
    within = 2                                # allowed difference; without it the value is rounded as the text rounds

    [[said]]
    text = "in {} steps"
    after = "plot_walk"
    shown = "after (\\d+) steps"              # or a pattern in what that cell shows: printed text, texts of pictures

    [[cited]]
    text = "989 TFLOP/s"                      # somebody else's figure
    source = "NVIDIA H100 data sheet, 2023"   # as it stands in the notebook's text

    [[given]]
    text = "30 epochs"                        # a setting, a definition, arithmetic that the reader does
    why = "the cell above trains with epochs=30"

Passages are compared with white space and emphasis (`*`) taken out of account.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

__all__ = [
    "FOLDER",
    "Given",
    "Said",
    "cited_of",
    "given_of",
    "number",
    "plain",
    "quantities",
    "said_of",
    "shown_by",
    "texts_of",
    "values_in",
    "with_values",
]

FOLDER = Path(__file__).parents[1] / "whole" / "said"
NUMBER = r"[-−]?\d[\d,]*(?:\.\d+)?"
UNIT = (
    r"%|×(?! ?\d)|x\b|times\b|dB\b|(?:milli|micro|nano)?seconds?\b|ms\b|s\b|µs\b|minutes?\b|hours?\b|days?\b|years?\b"
    r"|weeks?\b"
    r"|[kKMGT]i?B\b|bytes?\b|bits?\b|points?\b|[pnµm]?J\b|[kMGTP]?FLOPs?\b|[kMG]Hz\b|of 100\b|of 1,?000\b|weights\b"
    r"|numbers\b|MACs\b|parameters\b|percent\b"
)
QUANTITY = re.compile(rf"(?<![\w.,]){NUMBER}\s?(?:{UNIT})|(?<![\w.,])\d{{1,3}}(?:,\d{{3}})+|(?<![\w.,])\d+\.\d+")
"""A number with a unit, or one with thousands or decimals: what a reader would take for a measurement."""
NO_QUANTITY = re.compile(
    r"`[^`]*`|\$[^$]*\$|\[(?:doi|arXiv):[^\]]*(?=\])|\]\([^)]*\)|<[^>]*>"
    r"|^#+ \d+\.\d+|\b[Ss]ections? \d+\.\d+|\(\d+ points, graded by a person\)"
)
"""Code, formulas, names of papers, addresses; numbers of sections; what an open question is worth."""
MARK = "VALUES "


@dataclass(frozen=True)
class Said:
    """Numbers of a passage, and how the notebook computes them."""

    text: str
    after: str
    value: tuple[str, ...] = ()
    shown: str = ""
    within: float | None = None

    @property
    def pattern(self) -> re.Pattern[str]:
        return re.compile(rf"({NUMBER})".join(re.escape(part) for part in plain(self.text).split("{}")))

    def numbers(self, text: str) -> list[str]:
        """As they stand in the text.

        Raises:
            ValueError: the passage is missing.
        """
        if (found := self.pattern.search(text)) is None:
            raise ValueError(f"the text does not say {self.text!r}")
        return list(found.groups())


@dataclass(frozen=True)
class Given:
    """A passage whose numbers are not computed: `because` names the source, or why they need none."""

    text: str
    because: str


def plain(text: str) -> str:
    """Without emphasis, with single spaces."""
    return " ".join(text.replace("*", "").split())


def _table(assignment: str, name: str) -> list[dict[str, object]]:
    path = FOLDER / f"{assignment}.toml"
    return tomllib.loads(path.read_text("utf-8")).get(name, []) if path.exists() else []


def said_of(assignment: str) -> tuple[Said, ...]:
    found = []
    for row in _table(assignment, "said"):
        value = row.pop("value", ())
        found.append(Said(value=(value,) if isinstance(value, str) else tuple(value), **row))  # type: ignore[arg-type]
    return tuple(found)


def cited_of(assignment: str) -> tuple[Given, ...]:
    return tuple(Given(str(row["text"]), str(row["source"])) for row in _table(assignment, "cited"))


def given_of(assignment: str) -> tuple[Given, ...]:
    return tuple(Given(str(row["text"]), str(row["why"])) for row in _table(assignment, "given"))


def texts_of(notebook: NotebookNode) -> list[str]:
    """Its paragraphs, without code, formulas and addresses; worked examples are left out: checks run them."""
    found = []
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            prose = re.sub(r"```.*?```|\$\$.*?\$\$", " ", cell.source, flags=re.DOTALL)
            found += [plain(part) for part in re.split(r"\n\s*\n|\n(?=[-|>]|\d+\. )", prose)]
    return [text for text in found if text and not text.startswith("By hand.")]


def quantities(text: str) -> Iterator[tuple[int, str]]:
    """Where in the text a number stands that a reader would take for a measurement, and that number."""
    hidden = NO_QUANTITY.sub(lambda found: "·" * len(found[0]), text)
    for found in QUANTITY.finditer(hidden):
        yield found.start(), found[0]


def with_values(notebook: NotebookNode, said: Sequence[Said]) -> NotebookNode:
    """The notebook with a cell after each of those named that prints the values in question."""
    cells = []
    for cell in notebook.cells:
        cells.append(cell)
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        asked = {each.text: list(each.value) for each in said if each.value and each.after == name}
        if asked:
            cells.append(new_code_cell(_PRINTER.format(asked=json.dumps(asked), mark=MARK), metadata={"said": name}))
    notebook.cells = cells
    return notebook


_PRINTER = """
def _said(asked):
    import json
    found = {{}}
    for text, expressions in asked.items():
        found[text] = []
        for expression in expressions:
            try:
                found[text].append(float(eval(expression, globals())))
            except Exception as error:
                found[text].append(f"{{expression}}: {{type(error).__name__}}: {{error}}")
    print({mark!r} + json.dumps(found))

_said({asked})
"""


def values_in(notebook: NotebookNode) -> Mapping[str, list[float | str]]:
    """What the cells of `with_values` printed, by passage."""
    found: dict[str, list[float | str]] = {}
    for cell in notebook.cells:
        if "said" in cell.metadata:
            printed = "".join(output.get("text", "") for output in cell.get("outputs", ()))
            found |= json.loads(printed.partition(MARK)[2] or "{}")
    return found


def shown_by(notebook: NotebookNode, grade_id: str) -> str:
    """What a cell shows as text: printed, as a value, as the text of a picture."""
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("grade_id") == grade_id:
            pages = [output.get("text", "") for output in cell.get("outputs", ())]
            for output in cell.get("outputs", ()):
                pages += [str(page) for kind, page in output.get("data", {}).items() if kind.startswith("text/")]
            return plain(re.sub(r"<[^>]*>", " ", " ".join(pages)))
    raise ValueError(f"no cell is called {grade_id}")


def number(text: str) -> tuple[float, float]:
    """A number as it stands in a text, and half a unit of its last place."""
    digits = text.replace(",", "").replace("−", "-")
    return float(digits), 0.5 * 10.0 ** -len(digits.partition(".")[2])

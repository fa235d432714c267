"""Reads the whole submissions of this folder: one file each, filed under the status that its exercise must get.

A file is a list of cells in percent format. `# %% name` is what the student wrote into the solution cell of that name,
`# %% + name` a cell of the student's own in front of it; every other exercise is answered rightly. The first lines give
the case's number in the list of what a grader must survive and the exercise that the verdict is about:

    # case: 3
    # cell: predict

A line `# with: name` names another exercise that is answered through this one and so falls with it.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Submission:
    """One file of the corpus."""

    case: int
    name: str
    verdict: str
    assignment: str
    cell: str
    falls_too: tuple[str, ...]
    cells: tuple[tuple[str, str], ...]


def read_corpus() -> list[Submission]:
    """Every submission, in the order of the cases."""
    found = [_read(path) for path in HERE.glob("*/[0-9]*_*.py")]
    return sorted(found, key=lambda one: (one.case, one.verdict, one.name))


def _read(path: Path) -> Submission:
    head, *parts = re.split(r"^# %% (.*)\n", path.read_text("utf-8"), flags=re.MULTILINE)
    fields = dict(re.findall(r"^# (case|cell|assignment|with): (.*)$", head, flags=re.MULTILINE))
    cells = tuple((name.strip(), source.strip("\n")) for name, source in zip(parts[::2], parts[1::2], strict=True))
    return Submission(
        case=int(fields["case"]),
        name=path.stem,
        verdict=path.parent.name,
        assignment=fields.get("assignment", "01_linear_classification"),
        cell=fields["cell"],
        falls_too=tuple(fields.get("with", "").split()),
        cells=cells,
    )


def written(submission: Submission, right: str) -> str:
    """The submission as a notebook's text, in the place of a right one's."""
    notebook: dict[str, Any] = json.loads(right)
    for name, source in submission.cells:
        place = next(i for i, cell in enumerate(notebook["cells"]) if _grade_id(cell) == name.removeprefix("+ "))
        if name.startswith("+ "):
            own = {"cell_type": "code", "id": f"own-{place}", "metadata": {}, "source": source}
            notebook["cells"].insert(place, own | {"outputs": [], "execution_count": None})
        else:
            notebook["cells"][place]["source"] = source
    return json.dumps(notebook)


def _grade_id(cell: dict[str, Any]) -> str:
    return str(cell["metadata"].get("nbgrader", {}).get("grade_id", ""))

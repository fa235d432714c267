"""The Jupyter kernel that a check runs in: its cells are watched from `import autograder` on.

As an IPython extension (`autograder.notebook_state.kernel`) it watches from the kernel's first cell on.
"""

from __future__ import annotations

import os
from typing import Any

from autograder.notebook_state.runs import Runs
from autograder.notebook_state.stale import Trouble, name_of, reached, stale, undefined

__all__ = ["Interrupted", "load_ipython_extension", "missing_name", "older_answer", "show", "watch"]

_GIVEN = ("check", "progress")
_SETUP = Trouble(
    "`{name}` comes from the setup cell at the top of the notebook: that cell has not run",
    "Run that cell, then run this cell again.",
)

_watched: tuple[Any, Runs] | None = None
"""The kernel's shell and its runs, once they are watched."""


class Interrupted(KeyboardInterrupt):
    """The stop button was pressed: the cells that wait do not run. One line, no frames of the course's code."""

    def _render_traceback_(self) -> list[str]:
        return [f"KeyboardInterrupt: {self}"]


def watch(shell: Any) -> None:
    """Watches the cells of a kernel's shell; the second time does nothing.

    Under stock nbgrader nothing is watched, so that cells show what they show without it.
    """
    global _watched
    if os.environ.get("NBGRADER_EXECUTION") or (_watched is not None and _watched[0] is shell):
        return
    _watched = shell, Runs(shell.user_ns)
    shell.events.register("pre_run_cell", _before_a_cell)
    shell.events.register("post_run_cell", _after_a_cell)


def load_ipython_extension(shell: Any) -> None:
    """Watches from the kernel's first cell on."""
    watch(shell)


def _before_a_cell(info: Any) -> None:
    if _watched is not None:
        _watched[1].began(info)


def _after_a_cell(result: Any) -> None:
    if _watched is None or result is None:
        return
    runs = _watched[1]
    runs.ended(result)
    error = result.error_in_exec
    if type(error) is NameError and isinstance(error.name, str) and error.name not in runs.space:
        trouble = missing_name(error.name, None)
        if trouble is not None:
            print(f"{trouble.message}. {trouble.cure}")


# --- what a check asks -----------------------------------------------------------------------------------


def older_answer(answer: Any, asked: str) -> Trouble | None:
    """Whether an answer, or a function that it uses, is older than what the notebook's cells say.

    Args:
        answer: what is given to `check`.
        asked: the exercise's name.
    """
    if _watched is None:
        return None
    runs = _watched[1]
    name = name_of(answer, asked, runs.space)
    if not name:
        return None
    found = stale(runs.runs, name)
    if found is not None:
        return found
    used = (stale(runs.runs, each, name) for each in reached(answer, runs.space))
    return next((each for each in used if each is not None), None)


def missing_name(name: str, assignment: str | None) -> Trouble | None:
    """Which cell a name that is not defined comes from, and what became of that cell."""
    runs = _watched[1].runs if _watched is not None else []
    found = undefined(runs, name, assignment)
    if found is None and name in _GIVEN and not any(run.tries(name) for run in runs):
        return Trouble(_SETUP.message.format(name=name), _SETUP.cure)
    return found


def show(report: Any) -> None:
    """Shows something under the cell that runs, or prints it where there is no notebook."""
    if _watched is not None:
        from IPython.display import display

        display(report)
    else:
        print(report)

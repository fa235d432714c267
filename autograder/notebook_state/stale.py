"""Whether an answer is what the notebook's cells say, or an older one that is still in the kernel."""

from __future__ import annotations

import difflib
import dis
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import CodeType, FunctionType
from typing import Any

from autograder.notebook_state.causes import cure_for
from autograder.notebook_state.cells import defining, files_of, place_of, read_cells
from autograder.notebook_state.runs import Run

__all__ = ["Trouble", "name_of", "not_defined", "reached", "stale", "undefined"]

_MOST_REACHED = 200


@dataclass(frozen=True)
class Trouble:
    """What is wrong with the notebook's state, and what to do first."""

    message: str
    cure: str


# --- an older function ------------------------------------------------------------------------------------


def name_of(answer: Any, asked: str, space: Mapping[str, Any]) -> str:
    """What the notebook calls an answer: the exercise's name if it can; empty if it has no name there."""
    if not isinstance(answer, FunctionType | type):
        return asked if space.get(asked) is answer else ""
    names = (asked, answer.__name__, *space)
    return next((name for name in names if space.get(name) is answer), "")


def stale(runs: Sequence[Run], name: str, caller: str = "") -> Trouble | None:
    """What is wrong with the function or class of that name; None if the cells define what is there.

    `caller` is the answer that calls it, where it is not the answer itself.
    """
    origin = next((index for index in reversed(range(len(runs))) if name in runs[index].bound), None)
    since = runs[origin + 1 :] if origin is not None else runs
    home = runs[origin].cell if origin is not None else ""
    older = f"an older `{name}`" + (f", which `{caller}` calls, would be used" if caller else " would be judged")
    tried = [run for run in since if run.tries(name)]
    is_older = origin is None or not tried or tried[-1].source != runs[origin].source
    if tried and tried[-1].failed and is_older and (not home or tried[-1].cell in ("", home, name)):
        return _failed(name, tried[-1], older)
    if origin is None or not home or name not in runs[origin].names.defined:
        return None
    again = [run for run in since if run.cell == home]
    if not again or again[-1].tries(name):
        return None
    if again[-1].failed:
        return _failed(name, again[-1], older)
    return _changed(name, runs[origin], again[-1], older)


def _failed(name: str, run: Run, older: str) -> Trouble:
    message = f"the cell that defines `{name}` failed when it last ran ({run.failed}), so that {older}"
    return Trouble(message, cure_for(run.kind, "Correct that cell and run it, then run this check again."))


def _changed(name: str, before: Run, now: Run, older: str) -> Trouble:
    alike = now.names.functions if name in before.names.functions else now.names.defined
    new = sorted(alike - before.names.defined)
    renamed = difflib.get_close_matches(name, new, 1, 0.5) or (new if len(new) == 1 else [])
    if renamed:
        message = f"the cell that defined `{name}` now defines `{renamed[0]}`, so that {older}"
        return Trouble(message, f"Write {name} in place of {renamed[0]} and run that cell, then run this check again.")
    message = f"the cell that defined `{name}` was changed and does not define it any more, so that {older}"
    return Trouble(message, f"Run the cell that defines {name}, then run this check again.")


def reached(answer: Any, space: Mapping[str, Any]) -> Iterator[str]:
    """The names of the notebook's own functions and classes that an answer uses, directly or through each other."""
    found: list[str] = []
    waiting = list(_codes(answer))
    while waiting and len(found) < _MOST_REACHED:
        code = waiting.pop()
        waiting += [each for each in code.co_consts if isinstance(each, CodeType)]
        for name in _globals(code):
            value = space.get(name)
            if value is not answer and name not in found and getattr(value, "__module__", "") == "__main__":
                found.append(name)
                waiting += _codes(value)
    yield from found


def _globals(code: CodeType) -> Iterator[str]:
    """The names outside of it that a function uses, without those of attributes."""
    for step in dis.get_instructions(code):
        if step.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            yield str(step.argval)


def _codes(value: Any) -> Iterator[CodeType]:
    if isinstance(value, FunctionType):
        yield value.__code__
    elif isinstance(value, type):
        yield from (each.__code__ for each in vars(value).values() if isinstance(each, FunctionType))


# --- names that are not there -----------------------------------------------------------------------------


def undefined(runs: Sequence[Run], name: str, assignment: str | None) -> Trouble | None:
    """Which cell a name that is not defined comes from; None if no cell of the notebook defines it."""
    tried = [run for run in runs if run.tries(name)]
    if tried and not tried[-1].failed:
        return None  # it was there
    if tried:
        run = tried[-1]
        trouble = not_defined(name, failed=run.failed, cure=cure_for(run.kind))
        below = undefined(runs[: runs.index(run)], run.missing, assignment) if run.missing else None
        return trouble if below is None else Trouble(f"`{name}` is not defined, because {below.message}", below.cure)
    own = [run for run in runs if run.cell == name and not run.failed]
    if own and own[-1].names.functions and not own[-1].tries(name):
        return not_defined(name, others=own[-1].names.functions)
    for path in files_of(assignment):
        cells = read_cells(path)
        index = defining(cells, name)
        if index is not None:
            message = f"`{name}` is defined in {place_of(cells, index)}: that cell has not run"
            return Trouble(message, "Run that cell, then run this cell again.")
    return None


def not_defined(name: str, *, failed: str = "", cure: str = "", others: Iterable[str] = ()) -> Trouble:
    """A name whose cell ran all the same: it failed, or it defines other names; `cure` is for the former."""
    if failed:
        message = f"`{name}` is not defined: the cell that defines it failed when it last ran ({failed})"
        return Trouble(message, cure or "Correct that cell and run it, then run this cell again.")
    listed = ", ".join(f"`{each}`" for each in sorted(others))
    message = f"`{name}` is not defined: the cell that is there for it defines {listed}"
    return Trouble(message, f"Name it {name} and run that cell, then run this cell again.")

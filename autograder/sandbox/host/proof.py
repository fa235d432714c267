"""Makes a fresh run try what its jail must refuse, before any student's code runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import msgspec

from autograder.calls import Breach
from autograder.sandbox.host import visible
from autograder.sandbox.host.run import CellResult, JailBroken, Run
from autograder.sandbox.kernel.scratch import temporary

__all__ = ["attempt", "prove", "targets"]

_ANSWERS = ("autograder/exercises", "autograder/judge", "autograder/pipeline", "autograder/sandbox/host", "course_lib")
_SAMPLES = 3
_FOUND = msgspec.json.Decoder(list[str])


def attempt(readable: list[str], writable: list[str]) -> str:
    """The cell that tries to break out and prints, as a JSON list, what it could do.

    Args:
        readable: files that no run may read.
        writable: folders that no run may write to.
    """
    return (
        "from autograder.sandbox.guest.selftest import breaches\nimport json\n"
        f"print(json.dumps(breaches({readable!r}, {writable!r})))"
    )


def prove(run: Run, rung: str, view: visible.View, library: Path | None) -> None:
    """Makes a fresh run try to break out.

    Args:
        run: a run that has not been used yet.
        rung: the isolation's name, for the message.
        view: what the run is meant to see, and what not.
        library: what runs may read, wherever it is.

    Raises:
        JailBroken: something worked that must not work; the message names it, and the cure if it is known.
    """
    with targets(view, library) as (readable, folders):
        try:
            result = run.execute(attempt(readable, folders))
        except Breach as breach:
            raise JailBroken(f"isolation {rung} could not be tested: {breach.message}") from breach
    found = _found(result)
    if found is None:
        raise JailBroken(f"isolation {rung} could not be tested: {result.error or result.outputs}")
    if found:
        cure = next((cure for each in found if (cure := _cure(each, view))), "")
        where = "here" if cure else "on this machine"
        raise JailBroken(f"isolation {rung} does not hold {where}, nothing was run: it let a run {_all(found)}{cure}")


@contextmanager
def targets(view: visible.View, library: Path | None) -> Iterator[tuple[list[str], list[str]]]:
    """What no run may read, and the folders that none may write to; among them a fresh file of the grader's own."""
    answers = [visible.REPOSITORY / part for part in _ANSWERS]
    places = [path.resolve() for path in (*answers, *view.hidden, *_unneeded(view))]
    allowed = [path.resolve() for path in (*view.roots, *([library] if library else []))]
    with _fresh_file() as canary:
        files = dict.fromkeys(str(file) for place in places for file in _samples(place, allowed))
        folders = [canary.parent, visible.REPOSITORY, Path.home(), *(place.parent for place in view.hidden)]
        yield [str(canary), *files], [*dict.fromkeys(map(str, folders))]


def _unneeded(view: visible.View) -> list[Path]:
    """One package of each package folder that runs are not meant to see."""
    hidden = ([path for path in folder.iterdir() if path.name not in names] for folder, names in view.packages.items())
    return [min(paths) for paths in hidden if paths]


def _cure(found: str, view: visible.View) -> str:
    """What to do about a file that was read, where that is because of where it lies."""
    if not found.startswith("read "):
        return ""
    path = Path(found.removeprefix("read "))
    roots = [root for root in view.roots if path.is_relative_to(root.resolve())]
    if not roots:
        return ""
    root = max(roots, key=lambda each: len(each.parts))
    if root in visible.data():
        return f": COURSE_DATA or LD_LIBRARY_PATH names {root}, which every run may read; name a folder without answers"
    return f": it is in {root}, which every run may read as part of Python; move the course or Python elsewhere"


def _found(result: CellResult) -> list[str] | None:
    """What the attempt printed; None if that is not a list of strings."""
    if result.error is not None or len(result.outputs) != 1:
        return None
    try:
        return _FOUND.decode(result.outputs[0].get("text", ""))
    except ValueError:
        return None


def _all(found: list[str]) -> str:
    return ", ".join(found[:5]) + (f" and do {len(found) - 5} more things" if len(found) > 5 else "")


@contextmanager
def _fresh_file() -> Iterator[Path]:
    """A file of the grader's own, outside everything that runs may see."""
    with temporary("autograder-") as folder:
        path = folder / "unseen"
        path.write_text("unseen")
        yield path


def _samples(place: Path, shown: Iterable[Path]) -> list[Path]:
    """A few files in a folder, or the file itself, without what is shown inside it."""
    place = place.resolve()
    if place.is_file():
        return [place]
    inside = [path for path in shown if path != place and path.is_relative_to(place)]
    files = (path for path in place.rglob("*") if path.is_file() and not path.is_symlink())
    return list(islice((path for path in files if not any(map(path.is_relative_to, inside))), _SAMPLES))

"""Makes a fresh run try what its jail must refuse, before any student's code runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import msgspec

from autograder.exercise import Breach
from autograder.sandbox.host import visible
from autograder.sandbox.host.run import CellResult, JailBroken, Run
from autograder.sandbox.kernel.scratch import temporary

__all__ = ["attempt", "prove"]

_SECRET_PARTS = (
    "autograder/exercises", "autograder/judge", "autograder/pipeline", "autograder/sandbox/host", "solutions",
    "classroom", ".git",
)  # fmt: skip
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


def prove(run: Run, rung: str, hidden: Iterable[Path], library: Path | None) -> None:
    """Makes a fresh run try to break out.

    Args:
        run: a run that has not been used yet.
        rung: the isolation's name, for the message.
        hidden: what no run may read, besides the course's own answers and history.
        library: what runs may read, wherever it is.

    Raises:
        JailBroken: something worked that must not work; the message names it.
    """
    places = [*hidden, *(visible.REPOSITORY / part for part in _SECRET_PARTS)]
    shown = [path.resolve() for path in (*visible.interpreter(), *visible.data(), *([library] if library else []))]
    with _fresh_file() as canary:
        readable = [str(canary), *(str(file) for place in places for file in _samples(place, shown))]
        folders = [canary.parent, visible.REPOSITORY, Path.home(), *(place.parent for place in hidden)]
        try:
            result = run.execute(attempt(readable, [*map(str, folders)]))
        except Breach as breach:
            raise JailBroken(f"isolation {rung} could not be tested: {breach.message}") from breach
    found = _found(result)
    if found is None:
        raise JailBroken(f"isolation {rung} could not be tested: {result.error or result.outputs}")
    if found:
        raise JailBroken(f"isolation {rung} does not hold on this machine, nothing was run: it let a run {_all(found)}")


def _found(result: CellResult) -> list[str] | None:
    """What the attempt printed; None where that is no list of texts."""
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

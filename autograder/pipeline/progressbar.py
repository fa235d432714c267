"""A progress bar on stderr: count, rate and time left. Silent until the first advance."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

__all__ = ["progress_bar"]


class _Rate(ProgressColumn):
    """Items per second."""

    def render(self, task: Task) -> Text:
        """The rate over the last seconds; empty at the start."""
        return Text(f"{task.speed:.1f}/s" if task.speed else "", style="progress.data.speed")


@contextmanager
def progress_bar(what: str) -> Iterator[Callable[..., None]]:
    """Yields a function `advance(done, total, ...)` that moves the bar; further arguments are ignored."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(),
        TimeRemainingColumn(),
    )
    bar = Progress(*columns, console=Console(stderr=True))
    task = bar.add_task(what, total=None)

    def advance(done: int, total: int, *_: object) -> None:
        with suppress(OSError):  # a bar that nobody can see stops nothing
            bar.start()
            bar.update(task, completed=done, total=total)

    try:
        yield advance
    finally:
        with suppress(OSError):
            if bar.live.is_started:
                bar.stop()

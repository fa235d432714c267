"""Runs cells in an IPython shell inside this process, as a kernel would, and returns nbformat outputs."""

from __future__ import annotations

import ast
import atexit
import builtins
import getpass
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import CodeType
from typing import Any
from zlib import crc32

from IPython.core.compilerop import CachingCompiler
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.error import StdinNotImplementedError, UsageError
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.path import get_home_dir
from traitlets import Any as AnyTrait
from traitlets import Type
from traitlets.config import Config

from autograder.calls import Forgives, Raised, Skipped
from autograder.sandbox.guest import refusals
from autograder.sandbox.guest.capture import Capture, OutputFile
from autograder.sandbox.guest.perform import raised_by
from autograder.sandbox.guest.skips import Skips, Statement, after_failure, statement_at
from autograder.sandbox.wire.messages import Output

__all__ = ["Cell", "CellShell", "prepare"]

_FRAMES = 20
"""Kept of a long traceback, at each end."""


@dataclass(frozen=True)
class Cell:
    """What one cell did."""

    outputs: list[Output]
    execution_count: int | None
    error: Raised | None
    seconds: float
    skipped: tuple[Skipped, ...] = ()


class CellShell:
    """One notebook's shell. Takes over sys.stdout, sys.stderr and input() of this process."""

    def __init__(self, folder: Path, capture: Capture, *, forgiving: bool = False) -> None:
        """Keeps IPython's own files in `folder`; what cells show goes to `capture`.

        A forgiving shell goes on with the next statement when one fails.
        """
        self._capture = capture
        shell = prepare()
        shell.settle(folder)
        shell.capture = shell.displayhook.capture = shell.display_pub.capture = capture
        shell.forgiving = forgiving
        self._skips = shell.skips = Skips(shell.user_ns)
        self._shell = shell
        self._run_cell = shell.run_cell
        self._namespace = shell.user_ns
        sys.stdout, sys.stderr = OutputFile(capture, 1), OutputFile(capture, 2)
        builtins.input = getpass.getpass = _no_input

    def refuse_programs(self) -> None:
        """`!command` says that there are no programs to start, and the cell goes on."""
        refusals.refuse_programs(self._shell)

    def use(self, name: str, function: Callable[[Any], None]) -> Cell:
        """Calls a function with what the notebook calls by that name; nothing is shown or counted as a cell."""
        self._capture.start()
        started = time.perf_counter()
        error: BaseException | None = None
        try:
            function(self._namespace[name])
        except KeyError:
            error = NameError(f"name {name!r} is not defined", name=name)
        raised = raised_by(error) if error is not None else None
        self._capture.finish()
        return Cell([], None, raised, time.perf_counter() - started)

    def run(self, source: str, forgives: Forgives = Forgives.NOTHING) -> Cell:
        """Runs one cell; whatever it raises, and which statements were skipped, is part of the result."""
        self._capture.start()
        started = time.perf_counter()
        count: int | None = None
        error: BaseException | None
        try:
            self._shell.begin(source, forgives)
            result = self._run_cell(source, store_history=True)
            count, error = result.execution_count, result.error_before_exec or result.error_in_exec
        except BaseException as escaped:  # only where the cell removed parts of IPython
            error = escaped
        seconds = time.perf_counter() - started
        raised = raised_by(error) if isinstance(error, BaseException) else None
        skipped = tuple(self._skips.found)
        return Cell(self._capture.finish(), count if type(count) is int else None, raised, seconds, skipped)


def prepare() -> Any:
    """This process's one shell, in which no cell has run: the warm server makes it, and each run forks a copy."""
    if _Shell.initialized():
        return _Shell.instance()
    config = Config()
    config.HistoryManager.enabled, config.HistoryManager.hist_file = False, ":memory:"
    shell = _Shell.instance(config=config)
    atexit.unregister(shell.atexit_operations)
    shell.set_hook("show_in_pager", lambda *_, **__: None, priority=0)  # help is no output of a cell
    shell.enable_matplotlib("inline")
    return shell


def _no_input(prompt: object = "", *_: object, **__: object) -> str:
    raise StdinNotImplementedError("there is nobody to answer input() here: the notebook must run without it")


def _without_windows(gui: str | None) -> str | None:
    """A backend of matplotlib's that draws without a window: what was asked for, else `inline`."""
    if gui is None or gui.lower() in ("agg", "auto", "cairo", "inline", "pdf", "ps", "svg"):
        return gui
    refusals.note(refusals.NO_WINDOWS, f"{refusals.NO_WINDOWS}: in place of {gui}, figures are shown inline")
    return "inline"


class _Publisher(DisplayPublisher):  # type: ignore[misc]
    """display(), update_display() and clear_output()."""

    capture: Capture = AnyTrait()

    def publish(
        self,
        data: dict[str, Any],
        metadata: dict[str, Any] | None = None,
        *,
        transient: dict[str, Any] | None = None,
        update: bool = False,
        **_: Any,
    ) -> None:
        self._validate_data(data, metadata)
        self.capture.display(data, metadata, (transient or {}).get("display_id"), update)

    def clear_output(self, wait: bool = False) -> None:
        self.capture.clear(wait)


class _Hook(DisplayHook):  # type: ignore[misc]
    """The value of a cell's last expression."""

    capture: Capture = AnyTrait()

    def write_output_prompt(self) -> None:
        """The count travels with the result."""

    def write_format_data(self, format_dict: dict[str, Any], md_dict: dict[str, Any] | None = None) -> None:
        self.capture.result(self.prompt_count, format_dict, md_dict)

    def finish_displayhook(self) -> None:
        self._is_active = False


def _shortened(traceback: list[str]) -> list[str]:
    """The two ends of a traceback: an endless recursion has a thousand frames."""
    left_out = len(traceback) - 2 * _FRAMES
    if left_out <= 0:
        return traceback
    return [*traceback[:_FRAMES], f"   (... {left_out} frames like these ...)\n", *traceback[-_FRAMES:]]


class _Compiler(CachingCompiler):  # type: ignore[misc]
    """Names the files of cells as a kernel does: warnings and tracebacks show them."""

    def get_code_name(self, raw_code: str, transformed_code: str, number: int) -> str:
        return f"/tmp/ipykernel_{os.getpid()}/{crc32(raw_code.encode('utf-8', 'replace'))}.py"


class _Shell(InteractiveShell):  # type: ignore[misc]
    """An IPython shell that shows everything through a Capture."""

    compiler_class = Type(_Compiler)
    displayhook_class = Type(_Hook)
    display_pub_class = Type(_Publisher)
    capture: Capture = AnyTrait()
    forgiving = False
    skips: Skips = AnyTrait()
    _nodes: Sequence[ast.stmt] = ()
    _first = 1
    """The line of the cell at which the text begins of which the statements are."""

    def begin(self, source: str, forgives: Forgives) -> None:
        """Begins a cell."""
        self.skips.begin(forgives)
        lines = source.splitlines()
        self._first = next((number for number, line in enumerate(lines, 1) if line.strip()), 1)

    async def run_ast_nodes(self, nodelist: list[ast.stmt], *arguments: Any, **named: Any) -> bool:
        outer, self._nodes = (self._nodes, self._first), nodelist
        self._first += 1 if outer[0] else 0  # what a cell magic runs begins below its line
        try:
            return bool(await super().run_ast_nodes(nodelist, *arguments, **named))
        finally:
            self._nodes, self._first = outer

    async def run_code(self, code_obj: Any, result: Any = None, *, async_: bool = False) -> bool:
        failed: bool = await super().run_code(code_obj, result, async_=async_)
        if not failed:
            noted = refusals.take().noted
            if noted:
                self.skips.passed(self._statement(code_obj), noted[0])
            return False
        error = result.error_in_exec if result is not None else None
        forgiven = isinstance(error, BaseException) and await self._forgives(self._statement(code_obj), error, result)
        return not forgiven and not self.forgiving

    def _statement(self, code: CodeType) -> Statement:
        line = next((line for _, _, line in code.co_lines() if line), 1)
        return statement_at(self._nodes, line, self._first)

    async def _forgives(self, statement: Statement, error: BaseException, result: Any) -> bool:
        """Whether the cell goes on after a statement that failed; below `%%time` it goes on there."""
        timed = after_failure(statement, error)
        if timed is None:
            forgiven = self.skips.forgive(statement, error)
            result.error_in_exec = None if forgiven else error
            return forgiven
        source = self.transform_cell(timed[0])
        nodes = self.compile.ast_parse(source).body
        if not self.skips.forgive(statement_at(nodes, timed[1], statement.line + 1), error):
            return False
        result.error_in_exec = None
        rest = [node for node in nodes if node.lineno > timed[1]]
        name = self.compile.cache(source, self.execution_count)
        return not await self.run_ast_nodes(rest, name, "none", self.compile, result)

    def _showtraceback(self, etype: type[BaseException], evalue: BaseException, stb: list[str]) -> None:
        self.capture.error(str(etype.__name__), str(evalue), _shortened([str(line) for line in stb]))

    def enable_matplotlib(self, gui: str | None = None) -> Any:
        return super().enable_matplotlib(_without_windows(gui))

    def enable_pylab(self, gui: str | None = None, import_all: bool = True) -> Any:
        return super().enable_pylab(_without_windows(gui), import_all)

    def enable_gui(self, gui: str | None = None) -> None:
        if gui not in (None, "inline"):
            raise UsageError(f"{refusals.NO_WINDOWS}: {gui} is not available, use %matplotlib inline")

    def ask_exit(self) -> None:
        raise SystemExit

    def init_virtualenv(self) -> None:
        """The interpreter already is the right one."""

    def init_ipython_dir(self, ipython_dir: str | None) -> None:
        """Waits for `settle`."""

    def init_profile_dir(self, profile_dir: Any) -> None:
        """Waits for `settle`."""

    def settle(self, folder: Path) -> None:
        """Takes the run's own folders, which were not known when the shell was made."""
        super().init_ipython_dir(str(folder))
        super().init_profile_dir(None)
        self.home_dir, self.starting_dir = get_home_dir(), str(Path.cwd())
        self.user_ns["_dh"][:] = [Path.cwd()]

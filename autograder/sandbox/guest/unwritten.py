"""Where a NotImplementedError comes from: a function that is not written yet, a line that was left, or a library.

Only a `raise` statement of the student's own counts. PyTorch raises a NotImplementedError for an operation that a
dtype lacks and for a module without `forward`: such an error is like any other.
"""

from __future__ import annotations

import ast
import dis
import linecache
from collections.abc import Callable, Iterable
from types import CodeType, TracebackType

from autograder.calls import Unwritten

__all__ = ["unwritten"]

_RAISE = dis.opmap["RAISE_VARARGS"]


def unwritten(trace: TracebackType | None, is_library: Callable[[str], bool]) -> tuple[Unwritten, str]:
    """What a NotImplementedError with that traceback says of the student's code, and the function it is about.

    `is_library` says of a file whether it is none of the student's. A function whose source cannot be read counts as
    one that is not written.
    """
    steps = []
    while trace is not None:
        steps.append(trace)
        trace = trace.tb_next
    own = [step for step in steps if not is_library(step.tb_frame.f_code.co_filename)]
    if not own or own[-1] is not steps[-1] or not _raises(own[-1]):
        return Unwritten.NO, ""
    last, first = own[-1], own[0]
    code = last.tb_frame.f_code
    function = code.co_qualname.partition(".<locals>")[0]
    place = _place(_lines(last), code, last.tb_lineno)
    if place is Unwritten.STUB and code.co_filename != first.tb_frame.f_code.co_filename:
        place = Unwritten.ELSEWHERE
    return place, function


def _raises(step: TracebackType) -> bool:
    """Whether the step ended in a `raise` statement, rather than in a call of something written in C."""
    code = step.tb_frame.f_code.co_code
    return step.tb_lasti < len(code) and code[step.tb_lasti] == _RAISE


def _lines(step: TracebackType) -> str:
    frame = step.tb_frame
    return "".join(linecache.getlines(frame.f_code.co_filename, frame.f_globals))


def _place(source: str, code: CodeType, line: int) -> Unwritten:
    """Where the `raise` on that line stands among the statements of its function."""
    try:
        tree = compile(source, code.co_filename, "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    except (SyntaxError, ValueError):
        return Unwritten.STUB
    for node in ast.walk(tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or node.name != code.co_name:
            continue
        if not node.lineno <= line <= (node.end_lineno or line):
            continue
        at = next((i for i, each in enumerate(node.body) if each.lineno <= line <= (each.end_lineno or line)), None)
        if at is None or not isinstance(node.body[at], ast.Raise):
            return Unwritten.NO  # in a branch or a loop: the student's own decision
        if _written(node.body[:at]):
            return Unwritten.BELOW
        return Unwritten.ABOVE if _written(node.body[at + 1 :]) else Unwritten.STUB
    return Unwritten.STUB


def _written(statements: Iterable[ast.stmt]) -> bool:
    """Whether there is more than what a function is given with: a docstring, `super().__init__(...)`."""
    return any(
        not isinstance(each, ast.Pass)
        and not (isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant))
        and not ast.unparse(each).startswith("super().__init__(")
        for each in statements
    )

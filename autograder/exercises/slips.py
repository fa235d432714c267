"""Wrong answers written as an edit of another answer: `slip(loops, "<= 0", "< 0", says="...")`."""

from __future__ import annotations

import ast
import inspect
import linecache
import re
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from autograder.exercise import Case, DeclarationError

__all__ = ["Slip", "SlipError", "slip", "source_of", "submitted"]


class SlipError(DeclarationError):
    """A slip does not fit its base; the message names the file, the text and the cure."""


@dataclass(frozen=True)
class Slip:
    """A function that differs from another one in a few places; calling it runs the edited function.

    Attributes:
        base: a function written out, or another slip.
        edits: pairs of a text that occurs exactly once in the base and its replacement. Further lines of
            either are indented like the line on which the text starts.
        says: the sentence for whoever wrote this.
        shows: as for `@mistake`.
        compares: as for `@mistake`.
    """

    base: Callable[..., Any]
    edits: tuple[tuple[str, str], ...]
    says: str
    shows: Callable[[Case, Any], bool | None] | None = None
    compares: Callable[[Callable[..., Any], Case, Any], bool] | None = None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Runs the edited function."""
        return self.function(*args, **kwargs)

    @property
    def __signature__(self) -> inspect.Signature:
        return inspect.signature(self.function)

    @cached_property
    def source(self) -> str:
        """The edited function, without a docstring.

        Raises:
            SlipError: a text does not occur exactly once in what the earlier edits made of the base, or the edited
                text is not valid Python.
        """
        source = source_of(self.base)
        try:
            for old, new in self.edits:
                source = _replaced(source, old, new)
            ast.parse(source)
        except SyntaxError as error:
            raise SlipError(f"{self._file}: {_no_python(error, source)}") from error
        except SlipError as error:
            raise SlipError(f"{self._file}: {error}") from None
        return source

    @cached_property
    def function(self) -> Callable[..., Any]:
        """The edited function, compiled; tracebacks show its lines.

        Raises:
            SlipError: as for `source`.
        """
        return _compiled(self.source, _written_out(self.base).__globals__)

    def together(self, other: Callable[..., Any]) -> Slip | None:
        """Both slips in the same answer; None where they do not fit together: another base, or the same place."""
        if not isinstance(other, Slip) or other.base is not self.base:
            return None
        for one, two in ((self, other), (other, self)):
            both = Slip(one, two.edits, self.says)
            try:
                both.function  # noqa: B018
            except SlipError:
                continue
            return both
        return None

    @property
    def _file(self) -> str:
        return str(_written_out(self.base).__module__)


def slip(
    base: Callable[..., Any],
    *edits: str | tuple[str, str],
    says: str,
    shows: Callable[[Case, Any], bool | None] | None = None,
    compares: Callable[[Callable[..., Any], Case, Any], bool] | None = None,
) -> Slip:
    """A wrong answer as an edit of `base`: `slip(base, old, new, says=...)`, `slip(base, (old, new), ..., says=...)`.

    Args:
        base: a right answer, a mistake or another slip, of the same file.
        *edits: one text and its replacement, or pairs of them, which are made one after the other.
        says: the sentence for whoever wrote this.
        shows: as for `@mistake`.
        compares: as for `@mistake`.

    Raises:
        SlipError: the edits are neither two texts nor pairs of texts.
    """
    texts = [each for each in edits if isinstance(each, str)]
    pairs = [each for each in edits if isinstance(each, tuple) and len(each) == 2]
    if len(texts) == 2:
        pairs.append((texts[0], texts[1]))
    if not edits or len(pairs) != len(edits) - len(texts) // 2 or len(texts) not in (0, len(edits)):
        raise SlipError(f"a slip needs an old and a new text, or pairs of them; it has {edits!r}")
    return Slip(base, tuple(pairs), " ".join(says.split()), shows, compares)


def source_of(function: Callable[..., Any]) -> str:
    """A function's own text, from its `def` on: without decorators, docstring or indentation."""
    if isinstance(function, Slip):
        return function.source
    text = textwrap.dedent(inspect.getsource(function))
    node = ast.parse(text).body[0]
    assert isinstance(node, ast.FunctionDef)
    lines = text.splitlines()
    first, end = node.body[0], node.body[0].end_lineno or 0
    documented = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and len(node.body) > 1
    kept = lines[node.lineno - 1 : first.lineno - 1] + lines[end:] if documented else lines[node.lineno - 1 :]
    return "\n".join(kept) + "\n"


def submitted(name: str, answer: Callable[..., Any]) -> str:
    """The text of an answer as a student hands it in: under the exercise's name, without decorators or docstring."""
    return source_of(answer).replace(f"def {_written_out(answer).__name__}(", f"def {name}(", 1)


def _replaced(source: str, old: str, new: str) -> str:
    """`source` with one text in place of another; further lines of a text are indented like its first."""
    found = list(_places(source, old))
    if len(found) != 1:
        count = f"occurs {len(found)} times, so it is not clear which is meant: make it longer"
        fault = count if found else "does not occur"
        raise SlipError(f"the text {old!r} of a slip {fault}; the base is\n{source}")
    [(start, indent)] = found
    return source[:start] + _indented(new, indent) + source[start + len(_indented(old, indent)) :]


def _places(source: str, old: str) -> Iterator[tuple[int, str]]:
    """Where `old` begins, and how the line on which it begins is indented."""
    first, begin = old.partition("\n")[0], 0
    for line in source.splitlines(keepends=True):
        indent = line[: len(line) - len(line.lstrip())]
        wanted = _indented(old, indent)
        for match in re.finditer(re.escape(first), line) if first else ():
            if source.startswith(wanted, begin + match.start()):
                yield begin + match.start(), indent
        begin += len(line)


def _indented(text: str, indent: str) -> str:
    first, *rest = text.split("\n")
    return "\n".join([first, *(indent + line if line else line for line in rest)])


def _written_out(base: Callable[..., Any]) -> Any:
    while isinstance(base, Slip):
        base = base.base
    return base


def _no_python(error: SyntaxError, source: str) -> str:
    return f"a slip is not valid Python ({error.msg} on line {error.lineno}):\n{source}"


def _compiled(source: str, names: dict[str, Any]) -> Callable[..., Any]:
    """The one function of a text; its lines are kept where tracebacks and `inspect` look for them."""
    file = f"<slip {abs(hash(source)):x}>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    found: dict[str, Any] = {}
    try:
        exec(compile(source, file, "exec"), names, found)
    except SyntaxError as error:  # "return" outside a function, say, which only the compiler sees
        raise SlipError(_no_python(error, source)) from error
    (function,) = found.values()
    return function  # type: ignore[no-any-return]

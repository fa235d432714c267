"""What the text of a code cell binds at its outermost level, statement by statement.

The text is searched with patterns, never parsed: deep nesting can crash a parser, and a text with errors has to be read
as well. Every pattern takes linear time.
"""

from __future__ import annotations

import builtins
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum

__all__ = ["Binding", "Statement", "code_lines", "statements", "words"]

_LONGEST = 50_000
"""Characters of a text that is taken apart; of a longer one only whole definitions are found."""
_TOKEN = re.compile(
    r"""(?P<comment>\#[^\n]*)
    |(?P<triple>\"{3}|'{3})
    |(?P<string>"(?:[^"\\\n]++|\\.)*+"?|'(?:[^'\\\n]++|\\.)*+'?)
    |(?P<open>[(\[{])|(?P<close>[)\]}])
    |(?P<joined>\\\n)
    |(?P<end>\n)""",
    re.VERBOSE | re.DOTALL,
)
_TRIPLE = {quotes: re.compile(rf"\\.|{quotes}", re.DOTALL) for quotes in ('"""', "'''")}
_MAGIC = re.compile(r"[ \t]*[%!?][^\n]*")
_PYTHON_CELL = re.compile(r"\s*%%(?:time|capture|prun)\b")
_BEGINS_ANEW = re.compile(r"(?:async[ \t]+)?def[ \t]|class[ \t]|@\w")
_CONTINUES = re.compile(r"[ \t]*(?:else|elif|except|finally)\b")
_DEFINITION = re.compile(r"(?:async[ \t]+)?(?:def|class)[ \t]+(\w+)")
_LONG_BINDING = re.compile(r"^(?:(?:async[ \t]+)?(?:def|class)[ \t]+(\w+)|(\w+)[ \t]*=(?!=))", re.MULTILINE)
_BLOCK = re.compile(r"(?:async[ \t]+)?(?:if|elif|else|for|while|with|try|except|finally)\b([^:]*):?(.*)", re.DOTALL)
_LOOP = re.compile(r"[ \t]*([\w \t,()*\[\]]+?)[ \t]in\b")
_AS = re.compile(r"\bas[ \t]+(\w+)")
_IMPORT = re.compile(r"(?:from[ \t]+[\w.]+[ \t]+)?import\b(.*)", re.DOTALL)
_IMPORTED = re.compile(r"([\w.]+)(?:[ \t]+as[ \t]+(\w+))?")
_EQUALS = re.compile(r"[(\[{]|[)\]}]|(?:[<>!=:]=|(?:\*\*|//|<<|>>|[-+*/%@&|^])=|=)")
_NAME = re.compile(r"[^\W\d]\w*")
_CALLEE = re.compile(r"([^\W\d]\w*)(?:\.\w+)*[ \t]*\(")
_NO_WRAPPERS = frozenset(dir(builtins)) - {"classmethod", "property", "staticmethod"}


class Binding(IntEnum):
    """How a statement binds a name, from the weakest to the strongest.

    TRIES: to what the name gives when it is called or used, or by `for`, `with`, `del` and the like.
    WRAPS: to what another function makes of it, as in `f = lru_cache(f)`.
    ASSIGNS: to a value that does not come from the name, or to an imported one.
    DEFINES: by `def`, `class` or `lambda`.
    """

    TRIES = 1
    WRAPS = 2
    ASSIGNS = 3
    DEFINES = 4


@dataclass(frozen=True)
class Statement:
    """One statement at the outermost level, with the comments above it.

    Attributes:
        text: as it was written.
        code: the same without comments, the contents of strings left out, one logical line each.
        bound: the names that it binds, and how.
    """

    text: str
    code: tuple[str, ...]
    bound: tuple[tuple[str, Binding], ...]

    @property
    def imports(self) -> bool:
        """Whether it is an import."""
        return _IMPORT.match(self.code[0].strip()) is not None


def statements(source: str) -> tuple[Statement, ...]:
    """The statements of a cell at its outermost level; those of a text that is not Python as far as they can be told.

    A cell in another language (`%%bash`) is one statement that binds nothing. So is one of more than 50,000 characters,
    which binds what is defined at the beginning of a line.
    """
    if source.lstrip().startswith("%%") and not _PYTHON_CELL.match(source):
        return (Statement(source, ("%%",), ()),)
    if len(source) > _LONGEST:
        found = [(a, Binding.DEFINES) if a else (b, Binding.ASSIGNS) for a, b in _LONG_BINDING.findall(source)]
        return (Statement(source, ("",), tuple(dict.fromkeys(found))),)
    functions: set[str] = set()
    found_statements = []
    for raw, code in _grouped(_logical_lines(source)):
        bound = tuple(_bound(code, functions))
        functions.update(name for name, how in bound if how is Binding.DEFINES)
        found_statements.append(Statement("\n".join(raw).strip("\n"), tuple(code), bound))
    return tuple(found_statements)


def code_lines(source: str) -> list[str]:
    """The lines of a text that are neither blank nor comments, without the space around them."""
    return [line for each in source.split("\n") if (line := each.strip()) and not line.startswith("#")]


def words(source: str) -> set[str]:
    """The names in a text, wherever they are."""
    return set(_NAME.findall(source))


# --- lines -------------------------------------------------------------------------------------------------


def _logical_lines(source: str) -> Iterator[tuple[str, str]]:
    """Each logical line as it was written, and its code."""
    start = at = depth = 0
    code: list[str] = []
    while start < len(source):
        if at == start and (magic := _MAGIC.match(source, at)):
            at, code = magic.end(), ["%"]
        token = _TOKEN.search(source, at)
        code.append(source[at : token.start() if token else len(source)])
        if token is None:
            break
        at = token.end()
        if token["triple"]:
            at = _end_of_string(source, at, token["triple"])
            code.append('""')
        elif token["string"]:
            code.append('""')
        elif token["open"] or token["close"]:
            depth = depth + 1 if token["open"] else max(depth - 1, 0)
            code.append(token[0])
        elif token["joined"] or (token["end"] and depth and not _BEGINS_ANEW.match(source, at)):
            code.append(" ")
        elif token["end"]:
            yield source[start : token.start()], "".join(code)
            start, depth, code = at, 0, []
    if start < len(source):
        yield source[start:], "".join(code)


def _end_of_string(source: str, at: int, quotes: str) -> int:
    return next((m.end() for m in _TRIPLE[quotes].finditer(source, at) if m[0] == quotes), len(source))


def _grouped(lines: Iterable[tuple[str, str]]) -> Iterator[tuple[list[str], list[str]]]:
    """Logical lines put together to statements; comments belong to the one below."""
    raw: list[str] = []
    code: list[str] = []
    waiting: list[str] = []
    base, decorated = -1, False
    for text, line in lines:
        if not line.strip():
            waiting.append(text)
            continue
        indent = _indent(line)
        base = indent if base < 0 else base
        if code and indent <= base and not decorated and not _CONTINUES.match(line):
            yield raw, code
            raw, code = [], []
        raw += [*waiting, text]
        code.append(line)
        waiting, decorated = [], line.lstrip().startswith("@")
    if code:
        yield raw + waiting, code


def _indent(line: str) -> int:
    blank = line[: len(line) - len(line.lstrip())]
    return len(blank.expandtabs(8))


# --- names -------------------------------------------------------------------------------------------------


def _bound(code: Iterable[str], functions: set[str]) -> Iterator[tuple[str, Binding]]:
    """What a statement's lines bind outside of the functions and classes in it."""
    blocks: list[tuple[int, bool]] = []
    for line in code:
        indent, text = _indent(line), line.strip()
        while blocks and blocks[-1][0] >= indent:
            blocks.pop()
        inside = bool(blocks) and blocks[-1][1]
        definition = _DEFINITION.match(text)
        if text.endswith(":"):
            blocks.append((indent, inside or definition is not None))
        if inside:
            continue
        if definition:
            yield definition[1], Binding.DEFINES
        else:
            yield from _of_line(text, functions)


def _of_line(text: str, functions: set[str]) -> Iterator[tuple[str, Binding]]:
    if imported := _IMPORT.match(text):
        for name, other in _IMPORTED.findall(imported[1]):
            yield other or name.partition(".")[0], Binding.ASSIGNS
        return
    if block := _BLOCK.match(text):
        head, text = block[1], block[2].strip()
        loop = _LOOP.match(head)
        for name in [*_NAME.findall(loop[1] if loop else ""), *_AS.findall(head)]:
            yield name, Binding.TRIES
    if text.startswith("del "):
        yield from ((name, Binding.TRIES) for name in _NAME.findall(text)[1:])
        return
    for part in text.split(";"):
        yield from _of_assignment(part.strip(), functions)


def _of_assignment(text: str, functions: set[str]) -> Iterator[tuple[str, Binding]]:
    """The names on the left of `=`, `+=` and `:=`."""
    *targets, value = _sides(text)
    for target in targets:
        if target.endswith("+="):
            yield from ((name, Binding.TRIES) for name in _NAME.findall(target)[:1])
        elif len(names := _names_of(target)) == 1:
            yield names[0], _how(names[0], value, functions)
        else:
            yield from ((name, Binding.ASSIGNS) for name in names)


def _sides(text: str) -> list[str]:
    """What is left and right of each `=` outside of brackets; a target that is changed in place ends in `+=`."""
    sides: list[str] = []
    start = depth = 0
    for token in _EQUALS.finditer(text):
        mark = token[0]
        if mark in "([{":
            depth += 1
        elif mark in ")]}":
            depth -= 1
        elif depth == 0 and "lambda" not in text[start : token.start()]:
            if mark == "=":
                sides.append(text[start : token.start()].strip())
                start = token.end()
            elif mark[0] not in "<>!=:":
                return [text[start : token.start()].strip() + " +=", ""]
            else:
                break
    return [*sides, text[start:].strip()]


def _names_of(target: str) -> list[str]:
    """The names in a target such as `a`, `a: int`, `(a, *b)`; items and attributes bind none."""
    name, annotated, _ = target.partition(":")
    if annotated and _NAME.fullmatch(name.strip()):
        return [name.strip()]
    if len(target) > 2_000:
        return []
    parts = [part.strip(" \t*()[]") for part in target.split(",")] if "," in target else [target.strip(" \t()")]
    return [part for part in parts if _NAME.fullmatch(part)]


def _how(name: str, value: str, functions: set[str]) -> Binding:
    """How `name = value` binds the name."""
    if value.startswith("lambda") or (value in functions and value != name):
        return Binding.DEFINES
    if not re.search(rf"(?<![\w.]){re.escape(name)}\b(?![ \t]*=[^=])", value):
        return Binding.ASSIGNS
    callee = _CALLEE.match(value)
    is_called = re.search(rf"(?<![\w.]){re.escape(name)}[ \t]*\(", value)
    if value == name:
        return Binding.WRAPS
    if is_called or not value.endswith(")") or (callee and callee[1] in (*_NO_WRAPPERS, name)):
        return Binding.TRIES
    return Binding.WRAPS

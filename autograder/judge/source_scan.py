"""Reads sources to see whether they could reach a forbidden function. Only words are read: nothing is parsed or run.

Reading proves nothing about code that hides what it calls, so it only separates sources that plainly reach nothing
forbidden from all others. The others are judged in a process where the forbidden functions are gone.
"""

from __future__ import annotations

import builtins
import io
import keyword
import re
import tokenize
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from functools import lru_cache, partial

from autograder.forbidden_names import mentioning

__all__ = ["Words", "may_reach", "read", "read_given", "tainted_by"]

LONGEST = 100_000
"""Characters; longer sources are not read."""

_PLAIN_MODULES = frozenset(
    (
        "__future__", "collections", "collections.abc", "copy", "dataclasses", "enum", "functools", "heapq",
        "itertools", "math", "numpy", "numpy.lib.stride_tricks", "numpy.linalg", "numpy.typing", "random", "time",
        "torch", "torch.nn", "torch.nn.functional", "typing",
    )
)  # fmt: skip
"""Modules that reach nothing except through words that are read as well."""

_GATEWAYS = frozenset(
    (
        "breakpoint", "compile", "delattr", "eval", "exec", "get_ipython", "getattr", "globals", "help", "input",
        "locals", "open", "setattr", "vars",
    )
)  # fmt: skip
"""Python builtins through which anything can be reached."""

_GATEWAY_PARTS = frozenset(
    (
        "ao", "attrgetter", "bltins", "builtins", "classes", "codecs", "compile", "compiler", "ctypes", "ctypeslib",
        "distutils", "export", "f2py", "fromfile", "fx", "gc", "hub", "importlib", "inspect", "io", "jit", "library",
        "load", "memmap", "methodcaller", "modules", "multiprocessing", "onnx", "operator", "ops", "os", "overrides",
        "package", "pickle", "profiler", "quantization", "serialization", "sys", "testing", "utils", "weakref",
    )
)  # fmt: skip
"""Parts of modules through which anything can be reached."""

_COMMON = frozenset(dir(builtins)) | frozenset(keyword.kwlist) | frozenset(
    ("F", "math", "nn", "np", "numpy", "plt", "torch", "check", "progress", "pending")
)  # fmt: skip


@dataclass(frozen=True)
class Words:
    """The words of one source that matter here.

    Attributes:
        opaque: whether it may reach anything by itself, or cannot be read.
        bare: words on their own, outside imports: the notebook's own names.
        inner: words in imports and after dots: names inside modules and objects.
        defined: names that it may define; empty unless asked for.
    """

    opaque: bool
    bare: frozenset[str] = frozenset()
    inner: frozenset[str] = frozenset()
    defined: frozenset[str] = frozenset()

    def suspicious(self, forbids: tuple[str, ...], tainted: Set[str] = frozenset()) -> bool:
        """Whether the source may reach what is forbidden, by itself or through a tainted name."""
        return self.opaque or not self.bare.isdisjoint(tainted) or any(map(mentioning(forbids), self.inner))


def read(source: str, *, given: bool = False) -> Words:
    """Reads one source; for one of the notebook's own cells (`given`) also the names it defines."""
    defined = frozenset(_defined(source)) if given else frozenset()
    bare: set[str] = set()
    inner: set[str] = set()
    try:
        for words in _statements(source):
            importing = words[0] in ("import", "from")
            if importing and ("*" in words or not _imports_plainly(words)):
                return Words(True, defined=defined)
            for before, word in zip(["", *words], words, strict=False):
                if importing or before == ".":
                    inner.add(word)
                else:
                    bare.add(word)
    except (tokenize.TokenError, SyntaxError, ValueError, RecursionError):
        return Words(True, defined=defined)  # magics, or not Python at all
    opaque = not bare.isdisjoint(_GATEWAYS) or not inner.isdisjoint(_GATEWAY_PARTS)
    opaque = opaque or any(word.startswith("_") for word in inner) or any(word.startswith("__") for word in bare)
    return Words(opaque, frozenset(bare), frozenset(inner), defined)


read_given = lru_cache(maxsize=512)(partial(read, given=True))
"""The notebook's own cells are the same in every submission."""


def tainted_by(forbids: tuple[str, ...], given: Iterable[Words]) -> Set[str]:
    """Names defined in given cells through which a forbidden function may be reached."""
    tainted = set().union(*(words.defined for words in given if words.suspicious(forbids)))
    return tainted - _COMMON


def may_reach(forbids: Sequence[str], written: Sequence[str], given: Sequence[str] = ()) -> bool:
    """Whether code can reach a forbidden function.

    Args:
        forbids: dotted names.
        written: the student's cells.
        given: the notebook's own cells; what they define is trusted, but may lead to a forbidden function.
    """
    tainted = tainted_by(tuple(forbids), map(read_given, given))
    return any(read(source).suspicious(tuple(forbids), tainted) for source in written)


def _imports_plainly(words: list[str]) -> bool:
    """Whether `import a.b as c, d` or `from a.b import c` names plain modules only."""
    if words[0] == "from":
        return "".join(words[1 : words.index("import")]) in _PLAIN_MODULES if "import" in words else False
    parts = re.split(r"\s+as\s+\w+|,", " ".join(words[1:]))
    return all(part.replace(" ", "") in _PLAIN_MODULES for part in parts if part.strip())


def _statements(source: str) -> Iterator[list[str]]:
    """The words of each statement, without comments and plain strings; names inside f-strings are words too.

    Raises:
        tokenize.TokenError, SyntaxError, ValueError: the source cannot be read.
    """
    if len(source) > LONGEST or re.search(r"[\0\f]|^\s*[%!?]|\?\s*$", source, re.MULTILINE):
        raise ValueError("too long to read, or IPython's own syntax")
    words: list[str] = []
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.ERRORTOKEN and token.string.strip():
            raise ValueError(f"{token.string!r} is not Python")
        if token.type == tokenize.NAME or (token.type == tokenize.OP and token.string in (".", ",", "*")):
            words.append(token.string)
        elif token.type == tokenize.STRING and "f" in token.string.partition(token.string[-1])[0].lower():
            words += re.findall(r"\w+|\.", token.string)
        elif token.type in (tokenize.NEWLINE, tokenize.ENDMARKER) or token.string in (";", ":"):
            if words:
                yield words
            words = []


def _defined(source: str) -> set[str]:
    """Names that a given cell may define: those after def, class, import, as, and before an equals sign."""
    try:
        found = {word for words in _statements(source) for word in words if word.isidentifier()}
    except (tokenize.TokenError, SyntaxError, ValueError, RecursionError):
        found = set(re.findall(r"\w+", source))
    bound = set(re.findall(r"^(?:def|class)\s+(\w+)", source, re.MULTILINE))
    for line in re.findall(r"^(?:from|import)\b(?:[^\n(]*\([^)]*\)|[^\n]*)", source, re.MULTILINE):
        bound |= set(re.findall(r"\w+", line))
    for targets in re.findall(r"^([\w ,.\[\]'\"()*]+?) *(?::[^=\n]+)?=(?!=)", source, re.MULTILINE):
        bound |= set(re.findall(r"\w+", _outside(targets)))
    for loop in re.findall(r"^\s*(?:for|with)\b[^\n]*", source, re.MULTILINE):
        bound |= set(re.findall(r"\w+", loop))
    return found & bound


def _outside(targets: str) -> str:
    """The text up to an open parenthesis, if any: inside one, an equals sign only names an argument."""
    open_ones: list[int] = []
    for place, letter in enumerate(targets):
        if letter in "([":
            open_ones.append(place)
        elif letter in ")]" and open_ones:
            open_ones.pop()
    return targets[: open_ones[0]] if open_ones else targets

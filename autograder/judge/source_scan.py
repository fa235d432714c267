"""Finds where a source names a forbidden function. Only words are read: nothing is parsed or run.

What is forbidden is gone where the answer is judged, so this decides nothing: it chooses the words of a message.
"""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterable, Iterator

from autograder.forbidden_names import mentioning

__all__ = ["find_mention"]

_LONGEST = 100_000
"""Characters; longer sources are not read."""


def find_mention(forbids: tuple[str, ...], sources: Iterable[str]) -> str:
    """The first name in the sources that means something forbidden, such as `F.conv2d`; empty if there is none."""
    mentions = mentioning(forbids)
    for source in sources:
        for name in _names(source):
            if any(map(mentions, name.split(".")[1:])):
                return name
    return ""


def _names(source: str) -> Iterator[str]:
    """The dotted names of a source, as far as it can be read; an imported name follows its module."""
    for statement in _statements(source):
        imported = re.match(r"from ([\w.]+) import (.+)", statement)
        if imported:
            yield from (f"{imported[1]}.{word}" for word in re.findall(r"\w+(?= ,| as | \)|$)", imported[2]))
        yield from re.findall(r"\w+(?:\.\w+)+", statement)


def _statements(source: str) -> Iterator[str]:
    """Each statement on one line, without comments and strings."""
    words: list[str] = []
    try:
        for token in tokenize.generate_tokens(io.StringIO(source[:_LONGEST]).readline):
            if token.type in (tokenize.NAME, tokenize.OP):
                words.append(token.string)
            elif token.type in (tokenize.NEWLINE, tokenize.ENDMARKER):
                yield " ".join(words).replace(" . ", ".")
                words = []
    except (tokenize.TokenError, SyntaxError, ValueError, RecursionError):
        yield " ".join(words).replace(" . ", ".")

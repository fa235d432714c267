"""An answer and the expected value, drawn alike, with the entries that differ between » and «."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from autograder.judge.compare import Match
from autograder.judge.describe import DEEPEST, LONGEST, describe, indented, listed, number
from autograder.judge.grids import PRECISE, drawn
from autograder.judge.tensors import is_array, numbers

__all__ = ["beside", "seen", "seen_beside"]

Pair = tuple[str, str]
_NUMBER = (int, float, complex, np.number)


def beside(expected: Any, got: Any, match: Match, depth: int = 0) -> Pair:
    """The answer and the expected value as text; what has another form than expected is drawn without marks."""
    if is_array(expected) and is_array(got) and tuple(expected.shape) == tuple(got.shape):
        return _arrays(expected, got, match)
    if isinstance(expected, _NUMBER) and isinstance(got, _NUMBER):
        return _numbers(expected, got, match)
    if isinstance(expected, str | bool) and type(got) is type(expected):
        return _either(describe(got), describe(expected), got == expected)
    if isinstance(expected, list | tuple) and isinstance(got, list | tuple) and len(expected) == len(got) > 0:
        return _sequences(expected, got, match, depth)
    if isinstance(expected, Mapping) and isinstance(got, Mapping) and set(expected) == set(got) and expected:
        return _mappings(expected, got, match, depth)
    return describe(got, depth), describe(expected, depth)


def seen(found: Mapping[str, Any]) -> str:
    """What an observer saw of an answer, one fact a line: the student has returned no dictionary."""
    return "\n".join(_fact(name, describe(value)) for name, value in found.items())


def seen_beside(expected: Mapping[str, Any], got: Mapping[str, Any], match: Match) -> Pair:
    """The same of an answer and of a right one, without the facts in which they agree."""
    pairs = {name: beside(wanted, got[name], match) for name, wanted in expected.items()}
    differ = {name: pair for name, pair in pairs.items() if pair[0] != pair[1]} or pairs
    left, right = ("\n".join(_fact(name, pair[side]) for name, pair in differ.items()) for side in (0, 1))
    return left, right


def _fact(name: str, text: str) -> str:
    label = f"{name.replace('_', ' ')} = "
    return label + indented(text, len(label))


def _either(got: str, expected: str, same: bool) -> Pair:
    return (got, expected) if same else (f"»{got}«", f"»{expected}«")


def _arrays(expected: Any, got: Any, match: Match) -> Pair:
    wrong = _wrong(expected, got, match)
    if wrong is None or not wrong.any():
        return drawn(got), drawn(expected)
    want, have = numbers(expected), numbers(got)
    place = tuple(np.argwhere(wrong)[0])
    for precision in PRECISE:
        if f"{have[place]:.{precision}f}" != f"{want[place]:.{precision}f}":
            break
    return drawn(got, wrong, precision), drawn(expected, wrong, precision)


def _wrong(expected: Any, got: Any, match: Match) -> np.ndarray[Any, np.dtype[np.bool_]] | None:
    """Which entries differ; None if that cannot be said."""
    want, have = numbers(expected), numbers(got)
    if {want.dtype.kind, have.dtype.kind} - set("bifcu"):
        return None
    if want.dtype.kind not in "fc" and have.dtype.kind not in "fc":
        return np.asarray(want != have)
    relative, absolute = match.limits(expected)
    return np.asarray(~np.isclose(have, want, rtol=relative, atol=absolute, equal_nan=True))


def _numbers(expected: Any, got: Any, match: Match) -> Pair:
    if isinstance(expected, int | np.integer) or isinstance(got, int | np.integer):
        return _either(describe(got), describe(expected), bool(got == expected))
    relative, absolute = match.limits(expected)
    if np.isclose(got, expected, rtol=relative, atol=absolute, equal_nan=True):
        return describe(got), describe(expected)
    for digits in (8, 12, 17):
        texts = [number(each, digits) if isinstance(each, float) else describe(each) for each in (got, expected)]
        if texts[0] != texts[1]:
            break
    return f"»{texts[0]}«", f"»{texts[1]}«"


def _sequences(expected: Any, got: Any, match: Match, depth: int) -> Pair:
    if depth > DEEPEST:
        return describe(got, depth), describe(expected, depth)
    pairs = [beside(want, have, match, depth + 1) for want, have in zip(expected, got, strict=True)]
    first = next((index for index, pair in enumerate(pairs) if "»" in pair[0]), 0)
    start = 0 if first < LONGEST else first - LONGEST // 2
    shown = [("...", "...")] * (start > 0) + pairs[start : start + LONGEST]
    shown += [("...", "...")] * (start + LONGEST < len(pairs))
    left, right = (
        _joined(_ends(value), [("", pair[side]) for pair in shown]) for side, value in ((0, got), (1, expected))
    )
    return left, right


def _mappings(expected: Mapping[Any, Any], got: Mapping[Any, Any], match: Match, depth: int) -> Pair:
    if depth > DEEPEST or len(expected) > LONGEST:
        return describe(got, depth), describe(expected, depth)
    pairs = [(f"{key!r}: ", beside(want, got[key], match, depth + 1)) for key, want in expected.items()]
    left, right = (_joined(("{", "}"), [(name, pair[side]) for name, pair in pairs]) for side in (0, 1))
    return left, right


def _ends(value: Any) -> tuple[str, str]:
    return ("[", "]") if isinstance(value, list) else ("(", ",)" if len(value) == 1 else ")")


def _joined(ends: tuple[str, str], entries: list[tuple[str, str]]) -> str:
    return listed(ends, [label + indented(text, len(label) + 1) for label, text in entries])

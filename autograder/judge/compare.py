"""Says whether an answer equals the expected one and, if not, describes the first difference."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from autograder.calls import Foreign
from autograder.exercise import Tolerance
from autograder.judge.describe import number
from autograder.judge.patterns import pattern
from autograder.judge.tensors import dtype_name, floating_bits, is_array, is_tensor, numbers
from autograder.objects import NOTHING_RETURNED, described_type

__all__ = ["Difference", "Match", "compare", "compare_seen", "precision"]

_MOST_KEYS = 20
_LONGEST_TEXT = 200


@dataclass(frozen=True)
class Difference:
    """What differs: `kind` as in CaseResult, and one sentence."""

    kind: str
    message: str


@dataclass
class Match:
    """The comparison so far: how close is close enough, and what passed only with a remark.

    `bits` is the lowest precision of the inputs, 64 where they have no floats.
    """

    tolerance: Tolerance
    bits: int = 64
    remarks: list[str] = field(default_factory=list)

    def remark(self, sentence: str) -> None:
        """Notes, once, something that passes but is worth mentioning."""
        if sentence not in self.remarks:
            self.remarks.append(sentence)

    def limits(self, expected: Any) -> tuple[float, float]:
        """Relative and absolute tolerance for an expected value."""
        bits = min(self.bits, (floating_bits(expected) if is_array(expected) else 0) or 64)
        chosen = self.tolerance
        if bits >= 64:
            return chosen.relative, chosen.absolute
        wider = 10 if is_tensor(expected) and expected.device.type != "cpu" else 1
        if bits >= 32:
            return wider * chosen.relative_single, wider * chosen.absolute_single
        return wider * chosen.relative_half, wider * chosen.absolute_half


def precision(values: Any) -> int:
    """The bits of the least precise floats among the inputs; 64 where there are none."""
    return min((floating_bits(leaf) or 64 for leaf in _arrays(values)), default=64)


def _arrays(value: Any) -> Iterator[Any]:
    if is_array(value) or isinstance(value, np.floating):
        yield value
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _arrays(item)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _arrays(item)


def compare(expected: Any, got: Any, match: Match, where: str = "the result") -> Difference | None:
    """The first difference between an expected value and an answer, or None.

    A list passes for a tuple and a tuple for a list; a wider float passes with a remark. A narrower float, integers in
    place of floats, and an array of another shape do not pass.
    """
    if isinstance(got, Foreign):
        return Difference("type", f"{_is(where, got)}; expected {_kind_of(expected)}")
    if expected is None or isinstance(expected, (str, bool, np.bool_)):
        return _compare_exact(expected, got, where)
    if isinstance(expected, (int, float, complex, np.number)):
        return _compare_number(expected, got, match, where)
    if is_array(expected):
        return _compare_array(expected, got, match, where)
    if isinstance(expected, (list, tuple)):
        return _compare_sequence(expected, got, match, where)
    if isinstance(expected, Mapping):
        return _compare_mapping(expected, got, match, where)
    raise TypeError(f"the reference returned {type(expected).__name__}, which compare does not support")


def compare_seen(expected: Any, got: Any, match: Match) -> Difference | None:
    """The first difference in what an observer saw; the entries of its dictionary go by their names, because the
    student has returned none.

    A flag, a word or a count among them tells how the answer was found: where it differs, a rule does not hold.
    """
    if not isinstance(expected, Mapping) or not isinstance(got, Mapping):
        return compare(expected, got, match)
    if missing := [key for key in expected if key not in got]:
        return Difference("shape", f"there is no {missing[0].replace('_', ' ')}")
    if set(got) != set(expected):
        return compare(expected, got, match)
    for key, wanted in expected.items():
        name = key.replace("_", " ")
        if isinstance(wanted, bool) and isinstance(got[key], bool) and wanted != got[key]:
            return _flag(name, wanted)
        problem = compare(wanted, got[key], match, f"the {name}")
        if problem is not None:
            rule = isinstance(wanted, (bool, str, int)) and problem.kind == "values"
            return replace(problem, kind="property") if rule else problem
    return None


def _compare_exact(expected: Any, got: Any, where: str) -> Difference | None:
    if isinstance(expected, (bool, np.bool_)):
        if is_array(got) and tuple(got.shape) == ():
            got = numbers(got)[()]
        if not isinstance(got, (bool, np.bool_)):
            return Difference("type", f"{_is(where, got)}; expected True or False")
    elif type(got) is not type(expected):
        return Difference("type", f"{_is(where, got)}; expected {_kind_of(expected)}")
    if got != expected:
        return Difference("values", f"{where} is {_quoted(got)}; expected {_quoted(expected)}")
    return None


def _flag(name: str, expected: bool) -> Difference:
    """What an observer saw or did not see; the answer itself is no flag."""
    return Difference("property", f"{name}: {'no' if expected else 'yes'}; expected {'yes' if expected else 'no'}")


def _compare_number(expected: Any, got: Any, match: Match, where: str) -> Difference | None:
    if is_array(got) and tuple(got.shape) == ():
        got = numbers(got)[()]
    if is_array(got):
        shape = tuple(got.shape)
        return Difference("shape", f"{where} is an array of shape {shape}; expected one number")
    if isinstance(got, (bool, np.bool_)) or not isinstance(got, (int, float, complex, np.number)):
        return Difference("type", f"{_is(where, got)}; expected {_kind_of(expected)}")
    if isinstance(expected, (int, np.integer)):
        if isinstance(got, (float, np.floating)) and float(got).is_integer():
            match.remark(f"{where} is a float; a count is an int (use // in place of /)")
        if got != expected:
            return Difference("values", f"{where} is {_short(got)}; expected {_short(expected)}")
        return None
    if isinstance(got, (complex, np.complexfloating)) and not isinstance(expected, (complex, np.complexfloating)):
        return Difference("type", f"{where} is complex; expected a real number")
    if isinstance(got, int) and abs(got) > sys.float_info.max:
        return Difference("values", f"{where} is {_short(got)}; expected {_short(expected)}")
    relative, absolute = match.limits(expected)
    if not np.isclose(got, expected, rtol=relative, atol=absolute, equal_nan=True):
        have, want = _apart(got, expected)
        return Difference("values", f"{where} is {have}; expected {want}{pattern(expected, got)}")
    return None


def _compare_array(expected: Any, got: Any, match: Match, where: str) -> Difference | None:
    library = "torch tensor" if is_tensor(expected) else "NumPy array"
    if isinstance(got, (int, float, complex, np.generic)) and tuple(expected.shape) == ():
        return _compare_scalar(expected, got, match, where)
    if not is_array(got) or is_tensor(got) != is_tensor(expected):
        return Difference("type", f"{_is(where, got)}; expected a {library}{_cure(expected, got)}")
    if tuple(got.shape) != tuple(expected.shape):
        return Difference("shape", f"{where} has shape {tuple(got.shape)}; expected {tuple(expected.shape)}")
    problem = _dtype_problem(expected, got, match, where)
    if problem is not None:
        return problem
    if is_tensor(expected) and got.device.type != expected.device.type:
        return Difference("device", f"{where} is on {got.device}; expected {expected.device}, where the inputs are")
    return _compare_values(expected, got, match, where)


def _compare_scalar(expected: Any, got: Any, match: Match, where: str) -> Difference | None:
    """A plain number for an array without dimensions: the same number."""
    wanted, given = _dtype_kind(dtype_name(expected)), _dtype_kind(np.asarray(got).dtype.name)
    if wanted != given and (wanted, given) not in (("float", "integer"), ("complex", "float"), ("complex", "integer")):
        return Difference("dtype", f"{_is(where, got)}; expected one {dtype_name(expected)} number")
    if is_tensor(expected):
        match.remark(
            f"{where} is a plain number where a tensor is expected; it passes, but no gradient flows through it"
        )
    return _compare_values(expected, np.asarray(got), match, where)


def _cure(expected: Any, got: Any) -> str:
    if is_tensor(expected) and isinstance(got, np.ndarray):
        return ": compute with torch, or wrap it with torch.from_numpy(...)"
    if isinstance(got, (list, tuple)):
        if not is_tensor(expected):
            return ": wrap it with np.array(...)"
        return ": wrap it with torch.stack(...)" if any(map(is_tensor, got)) else ": wrap it with torch.tensor(...)"
    if is_tensor(got):
        return ": call .numpy() on it, or compute with NumPy throughout"
    return ""


def _dtype_problem(expected: Any, got: Any, match: Match, where: str) -> Difference | None:
    wanted, given = dtype_name(expected), dtype_name(got)
    if wanted == given:
        return None
    kinds = _dtype_kind(wanted), _dtype_kind(given)
    if is_tensor(expected) and kinds != ("integer", "integer"):
        return Difference("dtype", f"{where} has dtype {given}; expected {wanted}, like the inputs")
    if kinds[0] != kinds[1]:
        return Difference("dtype", f"{where} holds {given} numbers; expected {wanted}{_dtype_cure(*kinds)}")
    if kinds[0] in ("float", "complex"):
        if floating_bits(got) < floating_bits(expected):
            return Difference("dtype", f"{where} has dtype {given}, which is narrower than the expected {wanted}")
        match.remark(f"{where} has dtype {given} where the inputs have {wanted}: it passes, at twice the memory")
    return None


def _dtype_kind(name: str) -> str:
    for kind, prefixes in (
        ("float", ("float", "bfloat")),
        ("integer", ("int", "uint")),
        ("complex", ("complex",)),
    ):
        if name.startswith(prefixes):
            return kind
    return name


def _dtype_cure(wanted: str, given: str) -> str:
    if (wanted, given) == ("float", "integer"):
        return ": integers drop the fraction, so start from np.zeros(...) without dtype=int"
    if wanted == "integer":
        return ": class numbers and counts are integers, like the ones np.argmax returns"
    return ""


def _compare_values(expected: Any, got: Any, match: Match, where: str) -> Difference | None:
    relative, absolute = match.limits(expected)
    want, have = numbers(expected), numbers(got)
    if want.dtype.kind in "fc":
        same = np.isclose(have, want, rtol=relative, atol=absolute, equal_nan=True)
    else:
        same = np.asarray(have == want)
    if same.all():
        return None
    if want.dtype.kind == "b":
        return _compare_masks(want, have, where)
    wrong = int((~same).sum())
    first = tuple(int(i) for i in np.argwhere(~same)[0])
    place = f"[{', '.join(map(str, first))}]" if first else ""
    which = "every number differs" if wrong == same.size else f"{wrong} of {same.size} numbers differ"
    if same.size == 1:
        which = "the number differs"
    given, asked = _apart(have[first], want[first])
    start = f"the first, {place}, is" if place else "it is"
    return Difference("values", f"{where}: {which}; {start} {given}, expected {asked}{pattern(want, have)}")


def _compare_masks(want: Any, have: Any, where: str) -> Difference:
    wrong = want != have
    place = [int(i) for i in np.argwhere(wrong)[0]]
    first = f"the first, {place}, is {have[tuple(place)]}" if place else f"it is {have[()]}"
    counts = f"{int(have.sum())} are True in all, expected {int(want.sum())}"
    message = f"{where}: {int(wrong.sum())} of {want.size} entries differ; {first}; {counts}{pattern(want, have)}"
    return Difference("values", message)


def _compare_sequence(expected: Any, got: Any, match: Match, where: str) -> Difference | None:
    if is_array(got) and got.ndim == 1 and all(np.isscalar(item) for item in expected):
        kind = "a tensor" if is_tensor(got) else "an array"
        if len(got) != len(expected):  # before it is made into a list, which takes twenty times the memory
            return Difference("shape", f"{where} has {len(got)} entries; expected {len(expected)}")
        match.remark(f"{where} is {kind} where {_kind_of(expected).partition(' of')[0]} is expected; it passes")
        got = type(expected)(got.tolist())
    if not isinstance(got, (list, tuple)):
        return Difference("type", f"{_is(where, got)}; expected {_kind_of(expected)}")
    if type(got) is not type(expected):
        match.remark(f"{where} is {_kind_of(got)} where {_kind_of(expected)} is expected; it passes")
    if len(got) != len(expected):
        return Difference("shape", f"{where} has {len(got)} entries; expected {len(expected)}")
    for index, (want, have) in enumerate(zip(expected, got, strict=True)):
        problem = compare(want, have, match, f"{where}[{index}]" if where != "the result" else f"result[{index}]")
        if problem is not None:
            return problem
    return None


def _compare_mapping(expected: Mapping[str, Any], got: Any, match: Match, where: str) -> Difference | None:
    if not isinstance(got, Mapping):
        return Difference("type", f"{_is(where, got)}; expected a dictionary")
    if set(got) != set(expected):
        return Difference("shape", f"{where} has the keys {_keys(got)}; expected {_keys(expected)}")
    for key in expected:
        problem = compare(expected[key], got[key], match, f"{where}[{key!r}]")
        if problem is not None:
            return problem
    return None


def _keys(value: Mapping[str, Any]) -> str:
    """The keys in order; only some of many."""
    shown = ", ".join(map(_quoted, sorted(value)[:_MOST_KEYS]))
    return f"[{shown}, ... ({len(value)} in all)]" if len(value) > _MOST_KEYS else f"[{shown}]"


def _quoted(value: Any) -> str:
    text = repr(value[:_LONGEST_TEXT]) if isinstance(value, str) else repr(value)
    return f"{text} ... ({len(value)} characters)" if isinstance(value, str) and len(value) > _LONGEST_TEXT else text


def _kind_of(value: Any) -> str:
    if isinstance(value, Foreign):
        return described_type(value.type_name)
    if value is None:
        return "None"
    if is_tensor(value):
        return f"a torch tensor of shape {tuple(value.shape)}"
    if isinstance(value, np.ndarray):
        return f"a NumPy array of shape {value.shape}"
    if isinstance(value, (bool, np.bool_)):
        return f"{value}"
    if isinstance(value, (int, np.integer)):
        return f"the whole number {_short(value)}"
    if isinstance(value, (float, complex, np.number)):
        return f"the number {_short(value)}"
    if isinstance(value, (list, tuple)):
        return f"a {type(value).__name__} of {len(value)}"
    if isinstance(value, str):
        return f"the string {value[:40]!r}"
    return described_type(type(value).__name__)


def _is(where: str, got: Any) -> str:
    """What an answer, or a part of one, is."""
    return f"{where} is {_kind_of(got)}{NOTHING_RETURNED if got is None and where == 'the result' else ''}"


def _short(value: Any, digits: int = 6) -> str:
    if isinstance(value, (int, np.integer, bool, np.bool_)):
        text = str(value)
        return text if len(text) <= 40 else f"{text[:12]}... ({len(text.lstrip('-'))} digits)"
    return number(value, digits)


def _apart(got: Any, expected: Any) -> tuple[str, str]:
    """Both numbers, with enough digits to tell them apart."""
    for digits in (6, 9, 12, 17):
        shown = _short(got, digits), _short(expected, digits)
        if shown[0] != shown[1]:
            break
    return shown

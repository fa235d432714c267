"""How a wrong answer relates to another one, over several cases: a factor that is a number of the input, a transpose.

And what the cases that fail have in common: the border, large numbers, 32 bits.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograder.calls import Outcome
from autograder.exercise import Case
from autograder.judge.compare import precision
from autograder.judge.tensors import is_array, numbers
from autograder.judge.trial import Trial

__all__ = ["Relation", "arrays_of", "common", "is_simply_related", "related"]

LARGE = 100.0
"""How many times larger the numbers of the cases that fail have to be than those that pass."""


@dataclass(frozen=True)
class Relation:
    """What holds between two answers on all cases: `says` on its own, `besides` after a mistake's sentence."""

    says: str
    besides: str


def related(pairs: Sequence[tuple[Trial, Outcome]], parameters: Sequence[str]) -> Relation | None:
    """The relation of a student's answers to other outcomes; None if there is none that holds on every case.

    Args:
        pairs: what was tried, and the other outcome.
        parameters: the names of the arguments.
    """
    found = [_numbers(trial, other) for trial, other in pairs]
    values = [each for each in found if each is not None]
    if not values or len(values) < len(found):
        return None
    inputs = [_input_numbers(trial.case, parameters) for trial, _ in pairs if trial.case is not None]
    return _factor(inputs, values) or _transposed(values)


def is_simply_related(case: Case, value: Any, expected: Any) -> bool:
    """Whether an answer is right but for a transpose, or for a factor made of one or two numbers of the input."""
    have, want = list(_arrays(value)), list(_arrays(expected))
    if not have or len(have) != len(want) or any(each is None for each in (*have, *want)):
        return False
    ratio = _ratio(have, want)
    if ratio is None:
        return _transposed([(have, want)]) is not None
    lengths = {abs(number) for number in _input_numbers(case, [str(at) for at in range(len(case.args))]).values()}
    lengths |= {1.0, 2.0}
    return any(abs(abs(ratio) * two - one) <= 1e-9 * one for one in lengths for two in lengths)


def _numbers(trial: Trial, other: Outcome) -> tuple[Any, Any] | None:
    """Both answers as lists of arrays of floats; None where they have not the same form."""
    if trial.outcome is None or trial.outcome.raised is not None or other.raised is not None:
        return None
    have, want = list(_arrays(trial.outcome.value)), list(_arrays(other.value))
    if not have or len(have) != len(want) or any(each is None for each in (*have, *want)):
        return None
    return have, want


def _arrays(value: Any) -> Iterator[Any]:
    """The numbers in a value, array by array; None for what is no number, or not finite."""
    for found in arrays_of(value):
        yield found if found is not None and np.isfinite(found).all() else None


def arrays_of(value: Any) -> Iterator[Any]:
    """The numbers in a value, array by array, as complex ones; None for what is no number."""
    if isinstance(value, (tuple, list)):
        for each in value:
            yield from arrays_of(each)
    elif is_array(value) or isinstance(value, (int, float, complex, np.number)):
        found = np.asarray(numbers(value) if is_array(value) else value)
        yield found.astype(complex) if found.dtype.kind in "iufc" else None
    else:
        yield None


def _factor(inputs: Sequence[Mapping[str, float]], values: Sequence[tuple[Any, Any]]) -> Relation | None:
    """One number of the input by which every answer is multiplied, or divided."""
    possible: set[tuple[str, str]] | None = None
    for numbered, (have, want) in zip(inputs, values, strict=True):
        ratio = _ratio(have, want)
        if ratio is None:
            return None
        named = {
            (name, how)
            for name, number in numbered.items()
            for how, factor in (("times", number), ("divided by", 1 / number))
            if abs(ratio - factor) <= 1e-6 * abs(factor)
        }
        possible = named if possible is None else possible & named
    if not possible:
        return None
    name, how = min(possible, key=lambda each: (len(each[0]), each))
    if how == "times":
        return Relation(
            f"Every number is `{name}` times the right one: a division by `{name}` is missing.",
            f"Besides, every number is multiplied by `{name}`: a division by it is missing.",
        )
    return Relation(
        f"Every number is the right one divided by `{name}`: that is one division too many.",
        f"Besides, every number is divided by `{name}`, which should not be.",
    )


def _ratio(have: Sequence[Any], want: Sequence[Any]) -> float | None:
    """The one factor other than 1 between all numbers; None if there is none."""
    pairs = [(np.ravel(one), np.ravel(two)) for one, two in zip(have, want, strict=True) if one.shape == two.shape]
    if len(pairs) < len(have):
        return None
    one, two = np.concatenate([pair[0] for pair in pairs]), np.concatenate([pair[1] for pair in pairs])
    if not two.size or not np.abs(two).max():
        return None
    at = int(np.abs(two).argmax())
    ratio = complex(one[at] / two[at])
    if abs(ratio.imag) > 1e-9 * abs(ratio) or abs(ratio.real) < 1e-12 or abs(ratio.real - 1) < 1e-6:
        return None
    return ratio.real if np.allclose(one, ratio * two, rtol=1e-6, atol=1e-9 * abs(two[at])) else None


def _input_numbers(case: Case, parameters: Sequence[str]) -> dict[str, float]:
    """The numbers that an input has, by the words for them: lengths, sizes, whole numbers, and squares of these."""
    found: dict[str, float] = {}
    for name, value in (*zip(parameters, case.args, strict=False), *case.kwargs.items()):
        if is_array(value):
            lengths = [int(each) for each in value.shape]
            found |= {f"{name}.shape[{axis}]": length for axis, length in enumerate(lengths)}
            found[f"{name}.size"] = int(np.prod(lengths)) if lengths else 1
        elif isinstance(value, int) and not isinstance(value, bool):
            found[name] = value
        elif isinstance(value, (list, tuple)):
            found[f"len({name})"] = len(value)
    squares = {f"{name} ** 2": number**2 for name, number in found.items()}
    return {name: float(number) for name, number in (found | squares).items() if abs(number) > 1}


def _transposed(values: Sequence[tuple[Any, Any]]) -> Relation | None:
    """Every matrix is the other's transpose, and not every one is symmetric."""
    differs = False
    for have, want in values:
        for one, two in zip(have, want, strict=True):
            turned = two.T if two.ndim == 2 else two
            if one.shape != turned.shape or not np.allclose(one, turned, rtol=1e-6, atol=1e-12):
                return None
            differs = differs or one.shape != two.shape or not np.allclose(one, two)
    if not differs:
        return None
    return Relation("The result is the transpose of the right one.", "Besides, the result is transposed.")


# --- what the cases that fail have in common -----------------------------------------------------------------


def common(trials: Sequence[Trial], expected: Mapping[str, Outcome], parameters: Sequence[str]) -> str:
    """One sentence on what only the failing visible cases share; empty if there is nothing to say.

    Args:
        trials: what was tried.
        expected: the reference's answers by the name of the case; none where many answers are right.
        parameters: the names of the arguments.
    """
    shown = [trial for trial in trials if trial.case is not None and not trial.result.hidden]
    failed = [trial for trial in shown if not trial.result.passed]
    passed = [trial for trial in shown if trial.result.passed]
    if not failed or any(trial.outcome is None or trial.outcome.raised is not None for trial in failed):
        return ""
    answers = [(trial, expected[trial.result.name]) for trial in failed if trial.result.name in expected]
    if len(answers) == len(failed):
        relation = related(answers, parameters)
        if relation is not None:
            return relation.says
        if all(_only_border(trial, other) for trial, other in answers):
            return "Only numbers at the border of the result are wrong; those inside are right."
    if passed and all(_bits(trial) < 64 for trial in failed) and all(_bits(trial) == 64 for trial in passed):
        return "Only the cases in float32 fail: look for a constant or an array of another dtype."
    if passed and min(map(_size, failed)) > LARGE * max(map(_size, passed)):
        return "Only the cases with large numbers fail."
    return ""


def _only_border(trial: Trial, other: Outcome) -> bool:
    found = _numbers(trial, other)
    if found is None:
        return False
    border = False
    for have, want in zip(*found, strict=True):
        if have.shape != want.shape or have.ndim < 2 or min(have.shape[-2:]) < 3:
            return False
        wrong = ~np.isclose(have, want, rtol=1e-6, atol=1e-9)
        if wrong[..., 1:-1, 1:-1].any():
            return False
        border = border or bool(wrong.any())
    return border


def _bits(trial: Trial) -> int:
    assert trial.case is not None
    return precision((trial.case.args, trial.case.kwargs))


def _size(trial: Trial) -> float:
    """The largest magnitude among the arguments."""
    assert trial.case is not None
    arrays = [each for each in _arrays([*trial.case.args, *trial.case.kwargs.values()]) if each is not None]
    return max((float(np.abs(each).max(initial=0.0)) for each in arrays), default=0.0)

"""By what the known mistakes show in the networks that `compress` returned; a sentence that is shown has to be true."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor

from autograder.exercise import Case
from autograder.exercises.capstone.budget import BUDGETS, Observed, observed, programs, trained
from course_lib.program import constants

FAR_MORE = 0.25
"""The share of inputs by which another reading of the logits has to be better before it is told."""


def some(case: Case, value: Any, holds: Callable[[Observed], bool]) -> bool:
    """Whether something holds for the network of any budget."""
    return any(holds(one) for one in observed(case, value) if not one.problem)


def some_fit(case: Case, value: Any, holds: Callable[[Observed], bool]) -> bool:
    """Whether every network fits its budget, and something holds for one of them."""
    found = observed(case, value)
    return all(map(Observed.fits, found, BUDGETS[case.known.kind])) and some(case, value, holds)


def bytes_over(case: Case, value: Any) -> bool:
    """Whether the first network takes more bytes than its budget allows."""
    return observed(case, value)[0].bytes > BUDGETS[case.known.kind][0].bytes


def macs_over(case: Case, value: Any) -> bool:
    """Whether the first network takes more multiply-accumulates than its budget allows."""
    return observed(case, value)[0].macs > BUDGETS[case.known.kind][0].macs


def _large(value: Any, floating: bool) -> list[Tensor]:
    """The stored tensors of more than 200 numbers, floating or not, of the first program."""
    stored = [each for one in programs(value)[:1] if not isinstance(one, str) for each in constants(one)]
    return [each for each in stored if each.numel() > 200 and each.is_floating_point() == floating]


def zeros(case: Case, value: Any) -> bool:
    """Too many bytes, and nearly half of the weights are zeros in floating-point tensors."""
    weights = _large(value, True)
    return bytes_over(case, value) and bool(weights) and all((w == 0).double().mean() > 0.45 for w in weights)


def few_floats(case: Case, value: Any) -> bool:
    """Too many bytes, and the floating-point weights take few values."""
    weights = [w.reshape(-1) for w in _large(value, True)]
    return bytes_over(case, value) and bool(weights) and all(len(w.unique()) <= 32 for w in weights)


def loose_codes(case: Case, value: Any) -> bool:
    """Too many bytes, and the codes take at most 16 values, one byte for each."""
    codes = _large(value, False)
    few = all(int(q.max()) - int(q.min()) < 16 and q.element_size() == 1 for q in codes)
    return bytes_over(case, value) and bool(codes) and few


def wide_codes(case: Case, value: Any) -> bool:
    """Too many bytes, and the codes take at most 256 values, several bytes for each."""
    codes = _large(value, False)
    few = all(int(q.max()) - int(q.min()) < 256 and q.element_size() > 1 for q in codes)
    return bytes_over(case, value) and bool(codes) and few


def many_codes(case: Case, value: Any) -> bool:
    """Codes of one byte, of more than 4 bits if they are not packed, take more bytes than the first budget allows."""
    codes = _large(value, False)
    bytes_each = all(int(q.max()) - int(q.min()) >= 16 and q.element_size() == 1 for q in codes)
    return bytes_each and sum(q.numel() for q in codes) > BUDGETS[case.known.kind][0].bytes


def only_floats(case: Case, value: Any) -> bool:
    """Too many bytes, few enough multiply-accumulates, and weights of 16 bits or more, none in integers."""
    floats = _large(value, True)
    wide = bool(floats) and all(w.element_size() > 1 for w in floats) and not _large(value, False)
    return wide and bytes_over(case, value) and not macs_over(case, value)


def nothing_is_smaller(case: Case, value: Any) -> bool:
    """There is at least a float for each weight of the given network."""
    whole = 4 * sum(each.numel() for each in trained(case.known.kind, case.known.seed).numbers if each.ndim > 1)
    return all(one.reacts and one.bytes >= whole for one in observed(case, value))


def renamed(one: Observed) -> bool:
    """The classes are told apart, under other numbers."""
    return one.renamed >= max(one.accuracy + FAR_MORE, one.lowest)


def upside_down(one: Observed) -> bool:
    """The smallest logit is the right one far more often than the largest."""
    return one.lowest >= one.accuracy + FAR_MORE and one.lowest > one.renamed

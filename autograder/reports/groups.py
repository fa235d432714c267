"""How many cases of each group pass, in the words that every report of an exercise uses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from autograder.exercise import CaseResult
from autograder.reports.words import number, one_line

__all__ = ["group_counts", "group_words"]


def group_counts(cases: Iterable[CaseResult], groups: Mapping[str, float]) -> list[tuple[str, int, int]]:
    """Name, cases passed and cases in all of each group; those without a case come from `groups`.

    Where there are no cases at all nothing was judged, and no group is named.
    """
    cases = tuple(cases)
    counts = dict.fromkeys(groups if cases else (), (0, 0))
    for case in cases:
        passed, total = counts.get(case.group, (0, 0))
        counts[case.group] = (passed + case.passed, total + 1)
    return [(name, passed, total) for name, (passed, total) in counts.items()]


def group_words(name: str, passed: int, total: int, groups: Mapping[str, float]) -> str:
    """One group in a few words, such as "✓ basics: 3 of 3 cases, 1.5 pt"."""
    worth = f", {number(groups[name])} pt" if name in groups else ""
    if total == 0:
        return f"◌ {one_line(name, 40)}: judged at grading{worth}"
    sign = "✓" if passed == total else "✗"
    return f"{sign} {one_line(name, 40)}: {passed} of {total} cases{worth}"

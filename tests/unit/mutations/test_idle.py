"""What cannot matter for valid input is not mutated: guards, `strict`, the order of symmetric arguments."""

from autograder.mutations.rules import edits
from autograder.mutations.subject import subject_of


def _needs_sizes(**sizes):
    for name, size in sizes.items():
        if size < 1:
            known = sorted(sizes)
            raise ValueError(f"{name} is {size}, one of {known}")


def _counted(size):
    if size < 1:
        raise ValueError(size)
    return size + 1


def guarded(rows, columns):
    _needs_sizes(rows=rows, columns=columns)
    return _counted(rows) * columns


def test_a_helper_that_only_raises_is_left_out_and_one_that_returns_is_not():
    text = subject_of(guarded).text
    assert "_needs_sizes" not in text
    assert "def _counted(size):\n    return size + 1" in text


def test_guards_are_kept_where_they_belong_to_the_task():
    text = subject_of(guarded, guards=True).text
    assert "_needs_sizes(rows=rows, columns=columns)" in text
    assert "raise ValueError(size)" in text


def test_strict_and_the_order_of_symmetric_arguments_are_no_mutants():
    names = {edit.name for edit in edits("def f(a, b):\n    return max(a, b), divmod(a, b), zip(a, b, strict=True)\n")}
    assert "divmod(a, b) => divmod(b, a)" in names
    assert "max(a, b) => max(b, a)" not in names
    assert "True => False" not in names

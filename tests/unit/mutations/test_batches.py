"""Many texts are tried in one call, each on arguments of its own and with a limit."""

import signal
from typing import Any

import numpy as np
from late_alarm import ring_before

from autograder.mutations.batches import batch
from autograder.mutations.source import compiled


def tried(*bodies: str, args: tuple[Any, ...], each: float = 0.2) -> Any:
    texts = [f"def f(x):\n    {body}\n" for body in bodies]
    return compiled(batch(texts, "f", most=1000, seconds=5.0, each=each), {"np": np}, "f")(*args)


def test_each_text_gets_its_own_arguments():
    given = np.arange(3.0)
    one, two = tried("x += 1; return x", "return x + 0", args=(given,))
    assert one[0] is two[0] is True
    assert one[1].tolist() == [1.0, 2.0, 3.0]
    assert two[1].tolist() == given.tolist() == [0.0, 1.0, 2.0]


def test_what_fails_and_what_is_too_large_is_told_apart_from_results():
    found = tried("return x / 0", "return (", "return np.zeros(10_000)", "return object()", "return x", args=(1,))
    assert found == [
        [False, "ZeroDivisionError"],
        [False, "SyntaxError"],
        [False, "size"],
        [False, "size"],
        [True, 1],
    ]


def test_a_loop_without_end_costs_only_itself():
    endless = "\n    ".join(["while True:", "    x = x + 1"])
    found = tried(endless, "return list(np.c_)", "return x", args=(1,), each=0.05)
    assert found == [[False, "TimeoutError"], [False, "TimeoutError"], [True, 1]]


def test_an_alarm_that_rings_while_it_is_put_off_ends_nothing(monkeypatch):
    """Raised there, it would leave the alarm on, to ring in whatever comes next."""
    ring_before(monkeypatch, signal.SIGVTALRM, lambda _, seconds: not seconds)
    before = signal.getsignal(signal.SIGVTALRM)
    assert tried("return x", "return x + 1", args=(1,)) == [[True, 1], [True, 2]]
    assert signal.getitimer(signal.ITIMER_VIRTUAL) == (0.0, 0.0)
    assert signal.getsignal(signal.SIGVTALRM) is before

"""A call that takes too long, or that is stopped by hand, ends with a sentence; what comes after works as before."""

import linecache
import os
import signal
import sys
import threading
import time

import numpy as np
import pytest
from late_alarm import ring_before

from autograder.calls import Breach, Status
from autograder.sandbox.guest import messenger, watchdog

LIMIT = 0.2


def function(source: str, name: str = "f"):
    file = f"/tmp/cell_{abs(hash(source))}.py"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    space = {"__name__": "notebook", "time": time, "np": np}
    exec(compile(source, file, "exec"), space)
    return space[name]


def stopped(source: str, seconds: float | None = LIMIT) -> Breach:
    """How a call of `f` ends."""
    with pytest.raises(Breach) as caught:
        messenger.loopback(function(source), seconds)((1,), {})
    return caught.value


def test_the_line_and_the_time_are_told():
    breach = stopped("def f(x):\n    n = 0\n    while n >= 0:\n        n += 0\n    return n\n")
    assert breach.status is Status.TIMEOUT
    assert breach.message.startswith("the code ran longer than 0.2 s and was stopped at line ")
    assert breach.message.endswith(": look for a loop that never ends or waits")
    assert "line 3 of `f` (`while n >= 0:`)" in breach.message or "line 4 of `f` (`n += 0`)" in breach.message


def test_the_line_is_the_students_own_though_a_library_works():
    source = "def f(x):\n    while True:\n        np.vectorize(lambda y: y)(np.zeros(50))\n"
    assert "at line 3 of `" in stopped(source).message
    assert "at line 2 of `f` (`return time.sleep(60)`)" in stopped("def f(x):\n    return time.sleep(60)\n").message


SWALLOWING = {
    "a bare except": """
def f(x):
    while True:
        try:
            x = len(str(x))
        except:
            pass
""",
    "in a function that the loop calls": """
def g(x):
    total = 0
    for i in range(10**9):
        total += i
    return total
def f(x):
    while True:
        try:
            x = g(x)
        except BaseException:
            continue
""",
    "waiting": """
def f(x):
    while True:
        try:
            time.sleep(30)
        except BaseException as error:
            caught = error
""",
    "one in the other": """
def f(x):
    try:
        while True:
            try:
                with open('/dev/null') as file:
                    while True:
                        x = len(file.read())
            except:
                x = 1
    except:
        while True:
            pass
""",
    "with an end": """
def f(x):
    try:
        while True:
            pass
    except:
        return 7
""",
}


@pytest.mark.parametrize("name", SWALLOWING)
def test_no_except_of_the_students_keeps_a_loop_alive(name):
    tracing = sys.gettrace()
    assert "the code ran longer than 0.2 s" in stopped(SWALLOWING[name]).message
    assert sys.gettrace() is tracing


@pytest.mark.parametrize("source", ["def f(x):\n    while True:\n        pass\n", SWALLOWING["a bare except"]])
def test_the_stop_button_is_told_apart(source):
    press = threading.Timer(LIMIT, os.kill, (os.getpid(), signal.SIGINT))
    press.start()
    call = messenger.loopback(function(source))
    with pytest.raises(Breach) as caught:
        call((1,), {})
    press.join()
    assert caught.value.message.startswith("you stopped the code after ")
    assert "of `f`" in caught.value.message
    assert [watch.by_hand for watch in call.watches] == [True]


def test_an_answer_in_time_leaves_no_alarm_behind():
    before = signal.getsignal(signal.SIGALRM), signal.getsignal(signal.SIGINT)
    call = messenger.loopback(lambda x: x + 1, LIMIT)
    assert [call((n,), {}).value for n in range(20)] == list(range(1, 21))
    assert (signal.getsignal(signal.SIGALRM), signal.getsignal(signal.SIGINT)) == before
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    time.sleep(2 * LIMIT)


def test_an_alarm_that_rings_while_it_is_put_off_ends_nothing(monkeypatch):
    """Raised there, it would leave the alarm on, to ring in whatever comes next."""
    ring_before(monkeypatch, signal.SIGALRM, lambda _, seconds: not seconds)
    call = messenger.loopback(lambda x: x + 1, 60.0)
    assert call((1,), {}).value == 2
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_the_stop_button_counts_even_while_the_alarm_is_set(monkeypatch):
    times = iter([True])
    ring_before(monkeypatch, signal.SIGINT, lambda *_: next(times, False))
    call = messenger.loopback(function("def f(x):\n    while True:\n        pass\n"), 60.0)
    with pytest.raises(Breach, match=r"^you stopped the code after "):
        call((1,), {})
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def in_thread(work):
    found = []
    thread = threading.Thread(target=lambda: found.append(work()))
    thread.start()
    thread.join()
    return found[0]


def test_a_call_on_another_thread_is_stopped_too():
    breach = in_thread(lambda: stopped("def f(x):\n    while True:\n        x = x + 0\n"))
    assert "the code ran longer than 0.2 s and was stopped at line " in breach.message
    answer = messenger.loopback(lambda x: x + 1, LIMIT)
    assert in_thread(lambda: answer((1,), {}).value) == 2


def test_where_signals_have_no_timer_a_thread_stops_the_call(monkeypatch):
    monkeypatch.delattr(signal, "setitimer")
    assert "the code ran longer than 0.2 s" in stopped("def f(x):\n    while True:\n        x = x + 0\n").message
    assert "the code ran longer than 0.2 s" in stopped(SWALLOWING["a bare except"]).message


def test_two_alarms_one_in_the_other_come_at_their_own_times():
    with watchdog.watched(60) as outer:
        with watchdog.watched(0.05) as inner:
            time.sleep(30)
        rest = signal.getitimer(signal.ITIMER_REAL)[0]
    assert inner.stopped
    assert not outer.stopped
    assert 0 < rest <= 60


def test_an_exception_of_the_students_is_no_press_of_the_button():
    outcome = messenger.loopback(function("def f(x):\n    raise KeyboardInterrupt\n"), LIMIT)((1,), {})
    assert outcome.raised.kind == "KeyboardInterrupt"

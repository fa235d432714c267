"""A judged call gives the same outcome in this process and in a forked one."""

import json
import os

import numpy as np
import pytest
import torch

from autograder.calls import Breach, Foreign, Outcome, Raised, Status
from autograder.sandbox.guest import messenger
from autograder.sandbox.wire.frames import WireError, unpack
from autograder.sandbox.wire.functions import Lent
from autograder.sandbox.wire.messages import FROM_GUEST, Answer

RNG = np.random.default_rng(0)
X = RNG.standard_normal((3, 4))

SAME = """
import numpy as np
class Same(np.ndarray):
    def __eq__(self, other): return True
def f(x): return x.view(Same)
"""
WARNS = """
import numpy as np, warnings
def f():
    warnings.warn('careful')
    return np.exp(1e4 * np.ones(2))
"""
FUNCTIONS = {
    "returns its input": ("def f(x): return x", (X,), {}),
    "a view": ("def f(x): return x.T[::2]", (X.T,), {}),
    "changes its input": ("def f(x, *, k):\n    x *= 2\n    k.append(1)\n    return x", (X,), {"k": [0.5]}),
    "many values": ("def f(x): return {'a': (x, [1, 2.5, None]), 'b': 'ü', 'c': x[0, 0]}", (X,), {}),
    "draws": ("def f(rng): return rng.standard_normal(3)", (np.random.default_rng(7),), {}),
    "calls a function": ("def f(x, act): return act(act(x), out=None)", (X, np.tanh), {}),
    "returns the function": ("def f(act): return [act, act is not None]", (np.tanh,), {}),
    "a function's exception": ("def f(act):\n    return act('no')", (np.tanh,), {}),
    "catches a function's exception": (
        "def f(act):\n    try: act('no')\n    except TypeError: return 'caught'",
        (np.tanh,),
        {},
    ),
    "a function of its own": ("def f(): return lambda: 0", (), {}),
    "a trick": (SAME, (X,), {}),
    "too large": ("def f(): return [0] * 1_000_000", (), {}),
    "endless": ("def f():\n    x = []\n    x.append(x)\n    return x", (), {}),
    "raises": ("def f(x):\n    y = 1\n    raise ValueError('bad', y)", (X,), {}),
    "raises in a library": ("import numpy as np\ndef f(x):\n    return np.linalg.inv(x)", (X,), {}),
    "exits": ("import sys\ndef f(): sys.exit(2)", (), {}),
    "raises its own": ("class Own(BaseException):\n    def __str__(self): raise Own\ndef f(): raise Own", (), {}),
    "wrong call": ("def f(): return 1", (1, 2), {}),
    "warns": (WARNS, (), {}),
    "prints": ("def f():\n    print('seen')\n    return 1", (), {}),
    "a number": ("f = 3.5", (), {}),
    "weights": ("import numpy as np\nf = (np.eye(2), 'x')", (), {}),
    "a number is not called": ("f = 3.5", (1,), {}),
    "a class": ("class f:\n    def __init__(self, x): pass", (X,), {}),
    "big": ("def f(n): return n ** 40", (12345,), {}),
}  # fmt: skip


def plain(value):
    """Values that can be compared with ==."""
    if isinstance(value, Outcome):
        return plain((value.value, value.raised, value.inputs, value.warnings))
    if isinstance(value, np.ndarray):
        return ("array", value.dtype, value.shape, value.strides, value.tobytes())
    if isinstance(value, np.random.Generator):
        return value.bit_generator.state
    if isinstance(value, (list, tuple)):
        return type(value)(map(plain, value))
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return value


def local(source: str):
    space = {"__name__": "notebook"}
    exec(compile(source, "<notebook>", "exec"), space)
    return messenger.loopback(space["f"])


def judged(run, source: str, *cases) -> list[Outcome]:
    assert run.execute(source).error is None
    outcomes = []
    result = run.execute(
        "import autograder; autograder.check('toy.f', f)",
        judge=lambda call: outcomes.extend(call(args, kwargs) for args, kwargs in cases),
    )
    assert result.error is None
    assert result.outputs == []
    return outcomes


def without_source(outcome: Outcome) -> Outcome:
    """The local test has no file to read the line from."""
    raised = outcome.raised and Raised(outcome.raised.kind, outcome.raised.message, outcome.raised.line)
    return Outcome(outcome.value, raised, outcome.inputs, outcome.warnings)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_local_and_graded_calls_agree(run, name, capsys):
    source, args, kwargs = FUNCTIONS[name]
    before = plain((args, kwargs))
    (remote,) = judged(run, source, (args, kwargs))
    assert plain(without_source(remote)) == plain(without_source(local(source)(args, kwargs)))
    assert plain((args, kwargs)) == before


def test_what_some_of_them_give(run):
    def outcome(name):
        source, args, kwargs = FUNCTIONS[name]
        return judged(run, source, (args, kwargs))[0]

    changed = outcome("changes its input")
    assert np.array_equal(changed.inputs[0][0], 2 * X)
    assert changed.inputs[1] == {"k": [0.5, 1]}
    assert outcome("raises").raised == Raised("ValueError", "('bad', 1)", 3, "    raise ValueError('bad', y)")
    assert outcome("raises in a library").raised.source == "    return np.linalg.inv(x)"
    assert outcome("returns the function").value == [np.tanh, True]
    assert outcome("a trick").value == Foreign("Same")
    assert outcome("too large").value.type_name.startswith("list (more than")
    warned = outcome("warns").warnings
    assert warned == ("UserWarning: careful", "RuntimeWarning: overflow encountered in exp")
    assert outcome("exits").raised.kind == "SystemExit"
    assert outcome("a number").value == 3.5


CHANGES = {
    "one for True": ("def f(x, k): k['n'][0] = True", True),
    "one for 1.0": ("def f(x, k): k['n'][0] = 1.0", True),
    "minus zero": ("def f(x, k): x *= -1", True),
    "a key": ("def f(x, k): k['m'] = k.pop('n')", True),
    "another layout": ("import numpy as np\ndef f(x, k): k['n'].append(x.T)", True),
    "and back": ("def f(x, k):\n    x += 1\n    x -= 1", False),
    "a name": ("def f(x, k): x = k = None", False),
    "too much": ("def f(x, k): k['n'].extend([0] * 1_000_000)", None),
}


@pytest.mark.parametrize("name", CHANGES)
def test_inputs_come_back_only_where_they_changed(run, name):
    source, changed = CHANGES[name]
    args, kwargs = (np.zeros((2, 1)),), {"k": {"n": [1, None]}}
    for outcome in (judged(run, source, (args, kwargs))[0], local(source)(args, kwargs)):
        assert (outcome.inputs is not None) is bool(changed)
        assert isinstance(outcome.value, Foreign) is (changed is None)


def test_a_lent_function_counts_as_unchanged(run):
    source = "def f(x, g): return g(x)"
    for outcome in (judged(run, source, ((X, lambda x: x), {}))[0], local(source)((X, lambda x: x), {})):
        assert outcome.inputs is None
        assert np.array_equal(outcome.value, X)


def test_tensors_pass(run):
    source = "import torch\ndef f(x, g): return (x.T.to(torch.bfloat16), torch.rand(2, generator=g))"
    args = (torch.ones(2, 3, requires_grad=True), torch.Generator().manual_seed(1))
    (remote,) = judged(run, source, (args, {}))
    here = local(source)(args, {})
    assert remote.raised is here.raised is None
    for a, b in zip(remote.value, here.value, strict=True):
        assert torch.equal(a, b)
        assert (a.dtype, a.stride()) == (b.dtype, b.stride())
    assert remote.inputs[0][0].requires_grad


def test_a_judge_calls_as_often_as_it_likes(run):
    outcomes = judged(run, "calls = []\ndef f(x):\n    calls.append(x)\n    return len(calls)", *[((1,), {})] * 50)
    assert [outcome.value for outcome in outcomes] == list(range(1, 51))
    assert outcomes[0].seconds > 0


NOISY = """
import os, sys, matplotlib.pyplot as plt
def f(x):
    print('hidden', x)
    print('hidden', x, file=sys.stderr)
    display(x)
    os.write(1, b'hidden')
    plt.plot(x)
    return get_ipython().run_cell('x').success
"""


def test_what_a_judged_call_shows_does_not_come_back(run):
    (outcome,) = judged(run, NOISY, ((X,), {}))
    assert outcome.raised is None
    assert run.execute("plt.get_fignums()").outputs[0]["data"]["text/plain"] == "[]"


def test_a_check_without_a_judge_does_nothing(run):
    run.execute("import autograder\ndef f(): return 1")
    result = run.execute("print(autograder.check('toy.f', f))")
    assert result.outputs[0]["text"] == "None\n"


def test_only_the_first_check_of_a_cell_is_judged(run):
    run.execute("import autograder\ndef f(): return 1\ndef g(): return 2")
    seen = []
    source = "autograder.check('toy.f', f); autograder.check('toy.f', g); print('after')"
    result = run.execute(source, judge=lambda call: seen.append(call((), {}).value))
    assert seen == [1]
    assert result.outputs[0]["text"] == "after\n"


def test_a_check_inside_of_a_judged_call_or_a_thread_does_nothing(run):
    nested = "import autograder\ndef f():\n    autograder.check('toy.f', f)\n    return 1"
    assert [outcome.value for outcome in judged(run, nested, ((), {}))] == [1]
    thread = "import threading\nt = threading.Thread(target=autograder.check, args=('toy.f', f)); t.start(); t.join()"
    assert run.execute(thread, judge=lambda call: pytest.fail("it was judged")).error is None


def test_a_call_after_its_cell_is_refused(run):
    kept = []
    run.execute("import autograder\ndef f(): return 1")
    run.execute("autograder.check('toy.f', f)", judge=kept.append)
    with pytest.raises(RuntimeError, match="over"):
        kept[0]((), {})


def test_a_forged_handle_is_refused():
    lent = Lent()
    lent.export(lambda: 7, lambda value: value)

    def invoke(handle):
        message = {"kind": "invoke", "handle": handle, "arguments": ["tuple", ["tuple"], ["dict"]]}
        return lent.answer(unpack(json.dumps([[], message]).encode(), b"", FROM_GUEST))

    assert invoke(0) == (Answer(7), [])
    for handle in (1, 1 << 40, -1, "0", True, None, 0.0):
        with pytest.raises(WireError):
            invoke(handle)


def test_nothing_is_attached_here():
    assert messenger.current() is None
    assert os.getpid() > 0


BUSY = """
import threading, time
def f(seconds, others=0):
    def work(end=None):
        started = time.thread_time()
        while time.thread_time() - started < seconds: pass
    threads = [threading.Thread(target=work) for _ in range(others)]
    [thread.start() for thread in threads]
    work()
    [thread.join() for thread in threads]
    time.time = time.process_time = time.thread_time = lambda: 0.0
"""


def test_processor_time_is_measured_from_outside(run):
    run.execute(BUSY)
    found = []

    def judge(call):
        found.append(call((0.0,), {}).cpu)
        found.append(call((0.0,), {}, cpu=True).cpu)

    run.execute("import autograder; autograder.check('toy.f', f)", judge=judge)
    assert found[0] is None
    assert found[1] >= 0


def test_processor_time_counts_all_threads(run):
    run.execute(BUSY)
    found = []
    run.execute(
        "import autograder; autograder.check('toy.f', f)",
        judge=lambda call: found.append(call((0.1,), {"others": 1}, cpu=True)),
    )
    assert found[0].cpu > 0.19


def test_a_death_while_the_clock_is_read_is_a_breach(run):
    run.execute("import os\ndef f(): os._exit(3)")
    with pytest.raises(Breach) as caught:
        run.execute("import autograder; autograder.check('toy.f', f)", judge=lambda call: call((), {}, cpu=True))
    assert caught.value.status is Status.EXITED


def test_a_local_call_tells_its_processor_time():
    assert messenger.loopback(lambda: sum(range(1000)))((), {}).cpu is None
    assert messenger.loopback(lambda: sum(range(1000)))((), {}, cpu=True).cpu >= 0


# --- more than is expected -------------------------------------------------------------------------------

LARGE = {
    "an array": "import numpy as np\ndef f(x): return np.zeros(9_000_000, np.uint8)",
    "a list": "def f(x): return [0.25] * 300_000",
}


LYING = "import autograder.sandbox.wire.calls as calls\ncalls.size = lambda *_: 0"
"""The student's side sends it all the same; the host throws it away as it arrives."""


@pytest.mark.parametrize("side", ["", LYING], ids=["honest", "lying"])
@pytest.mark.parametrize("name", LARGE)
def test_an_answer_much_larger_than_expected_is_thrown_away_unread(run, name, side):
    outcomes = []

    def judge(call):
        outcomes.append(call((X,), {}, most=1_000_000))
        outcomes.append(call((X,), {}))

    assert run.execute(f"{LARGE[name]}\n{side}").error is None
    assert run.execute("import autograder; autograder.check('toy.f', f)", judge=judge).error is None
    refused, whole = outcomes
    assert refused.raised.kind == "UnexpectedAnswer"
    assert "less than 1 MB are expected" in refused.raised.message
    assert len(whole.value) >= 300_000  # the next message is understood
    said = local(LARGE[name])((X,), {}, most=1_000_000).raised
    assert (said.kind, said.message.partition(" MB")[2]) == (
        "UnexpectedAnswer",
        refused.raised.message.partition(" MB")[2],
    )


def test_a_lent_function_is_not_called_with_much_more_than_is_expected(run):
    calls = []

    def lent(x):
        calls.append(x)
        return x

    source = (
        "import numpy as np\ndef f(act):\n    try: act(np.zeros(9_000_000, np.uint8))\n"
        "    except ValueError as error: return act(1), str(error)"
    )
    outcomes = []
    assert run.execute(source).error is None
    result = run.execute(
        "import autograder; autograder.check('toy.f', f)",
        judge=lambda call: outcomes.append(call((lent,), {}, most=1_000_000)),
    )
    assert result.error is None
    assert outcomes[0].value[0] == 1
    assert "9 MB" in outcomes[0].value[1]
    assert calls == [1]

"""The rule `vectorised`: loops over the input lose its group every time, array code keeps it, however slow."""

import json
import sys
import threading
from dataclasses import replace

import msgspec
import numpy as np
import pytest
import torch

from autograder.exercise import Case, Exercise, Growth, Outcome, Rules, Status, Steps
from autograder.judge import growth as growth_room
from autograder.judge.apply import apply
from autograder.judge.evaluate import evaluate
from autograder.judge.growth import NAME
from autograder.sandbox.guest.messenger import loopback
from autograder.sandbox.host.sandbox import Sandbox
from autograder.sandbox.wire.calls import outcome, respond
from autograder.sandbox.wire.frames import WireError, unpack
from autograder.sandbox.wire.functions import Borrowed, Lent
from autograder.sandbox.wire.messages import FROM_GUEST

SECRET = b"a secret of these tests"


def smooth(x, k):
    """Every window's weighted sum: (H, W) and (K, K) to (H - K + 1, W - K + 1)."""
    windows = np.lib.stride_tricks.sliding_window_view(x, k.shape)
    return np.tensordot(windows, k, 2)


def arguments(size):
    return lambda rng: (rng.standard_normal((size, size)), rng.standard_normal((3, 3)))


SMOOTH = Exercise(
    id="toy.smooth",
    reference=smooth,
    signature="smooth(x (H, W), k (K, K)) -> (H - K + 1, W - K + 1)",
    groups={"basics": 2, "vectorised": 1},
    visible=lambda rng: [Case("a small image", arguments(5)(rng))],
    hidden=lambda rng: [Case("a larger image", arguments(9)(rng))],
    rules=Rules(vectorised=Growth(arguments(8), arguments(64))),
)

VECTORISED = {
    "einsum": """
def smooth(x, k):
    return np.einsum("ijkl,kl->ij", np.lib.stride_tricks.sliding_window_view(x, k.shape), k)
""",
    "strides": """
def smooth(x, k):
    shape = (x.shape[0] - k.shape[0] + 1, x.shape[1] - k.shape[1] + 1, *k.shape)
    windows = np.lib.stride_tricks.as_strided(x, shape, x.strides * 2)
    return (windows * k).sum((2, 3))
""",
    "a loop over the kernel": """
def smooth(x, k):
    rows, columns = x.shape[0] - k.shape[0] + 1, x.shape[1] - k.shape[1] + 1
    out = np.zeros((rows, columns))
    for i in range(k.shape[0]):
        for j in range(k.shape[1]):
            out += k[i, j] * x[i : i + rows, j : j + columns]
    return out
""",
    "fancy indices, with waste": """
def smooth(x, k):
    i = np.arange(x.shape[0] - k.shape[0] + 1)[:, None, None, None] + np.arange(k.shape[0])[None, None, :, None]
    j = np.arange(x.shape[1] - k.shape[1] + 1)[None, :, None, None] + np.arange(k.shape[1])[None, None, None, :]
    for _ in range(5):
        patches = np.concatenate([x[i, j].copy()[None]] * 5)[2]
    return np.sum(np.multiply(patches, k[None, None]), axis=(-1, -2))
""",
    "imports inside": """
def smooth(x, k):
    import math
    from itertools import product
    rows, columns = x.shape[0] - k.shape[0] + 1, x.shape[1] - k.shape[1] + 1
    return sum(k[i, j] * x[i : i + rows, j : j + columns] for i, j in product(*map(range, k.shape)))
""",
}

LOOPED = {
    "both loops": """
def smooth(x, k):
    out = np.zeros((x.shape[0] - k.shape[0] + 1, x.shape[1] - k.shape[1] + 1))
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            out[i, j] = (x[i : i + k.shape[0], j : j + k.shape[1]] * k).sum()
    return out
""",
    "a loop over the rows": """
def smooth(x, k):
    rows = []
    for i in range(x.shape[0] - k.shape[0] + 1):
        windows = np.lib.stride_tricks.sliding_window_view(x[i : i + k.shape[0]], k.shape)[0]
        rows.append((windows * k).sum((1, 2)))
    return np.array(rows)
""",
    "a comprehension": """
def smooth(x, k):
    m, n = k.shape
    return np.array([[(x[i:i+m, j:j+n] * k).sum() for j in range(x.shape[1]-n+1)] for i in range(x.shape[0]-m+1)])
""",
    "recursion": """
def smooth(x, k):
    if len(x) < len(k):
        return np.zeros((0, x.shape[1] - k.shape[1] + 1))
    row = (np.lib.stride_tricks.sliding_window_view(x[: len(k)], k.shape)[0] * k).sum((1, 2))
    return np.concatenate([row[None], smooth(x[1:], k)])
""",
    "np.vectorize": """
def smooth(x, k):
    m, n = k.shape
    at = np.vectorize(lambda i, j: (x[i : i + m, j : j + n] * k).sum())
    return at(*np.indices((x.shape[0] - m + 1, x.shape[1] - n + 1)))
""",
    "np.apply_along_axis": """
def smooth(x, k):
    windows = np.lib.stride_tricks.sliding_window_view(x, k.shape)
    flat = (windows * k).reshape(*windows.shape[:2], -1)
    return np.apply_along_axis(np.sum, 2, flat)
""",
    "a thread": """
def smooth(x, k):
    import threading
    m, n = k.shape
    out = np.zeros((x.shape[0] - m + 1, x.shape[1] - n + 1))
    def work():
        for i in range(out.shape[0]):
            for j in range(out.shape[1]):
                out[i, j] = (x[i : i + m, j : j + n] * k).sum()
    one = threading.Thread(target=work)
    one.start()
    one.join()
    return out
""",
    "swallows the end": """
def smooth(x, k):
    out = np.zeros((x.shape[0] - k.shape[0] + 1, x.shape[1] - k.shape[1] + 1))
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            try:
                out[i, j] = (x[i : i + k.shape[0], j : j + k.shape[1]] * k).sum()
            except BaseException:
                out[i, j] = (x[i : i + k.shape[0], j : j + k.shape[1]] * k).sum()
    return out
""",
}


def written(source, name="smooth"):
    namespace = {"np": np, "torch": torch}
    exec(source, namespace)
    return namespace[name]


def growth_of(verdict):
    return next(case for case in verdict.cases if case.name == NAME)


@pytest.mark.parametrize("style", VECTORISED)
@pytest.mark.parametrize("secret", [None, SECRET])
def test_array_code_keeps_the_group(style, secret):
    verdict = evaluate(SMOOTH, loopback(written(VECTORISED[style])), secret=secret)
    assert (verdict.message, verdict.points) == ("", 3)


@pytest.mark.parametrize("style", LOOPED)
@pytest.mark.parametrize("secret", [None, SECRET])
def test_a_loop_loses_the_group_and_no_other(style, secret):
    verdict = evaluate(SMOOTH, loopback(written(LOOPED[style])), secret=secret)
    assert (verdict.status, verdict.points) == (Status.PARTIAL, 2)
    assert growth_of(verdict).kind == "vectorised"
    assert sys.gettrace() is None or sys.gettrace().__module__ != "autograder.sandbox.guest.steps"


def test_the_sentence_tells_both_counts():
    verdict = evaluate(SMOOTH, loopback(written(LOOPED["both loops"])))
    sentence = growth_of(verdict).message
    assert sentence.startswith("on an array of 8 x 8 your function takes ")
    assert "Python steps, on one of 64 x 64 " in sentence
    assert sentence.endswith("work on whole arrays and let NumPy do the loop")


def test_an_endless_count_is_cut_short():
    source = (
        "def smooth(x, k):\n    for _ in range(10**12 if len(x) > 8 else 1):\n        pass\n    return reference(x, k)"
    )
    function = written(source)
    function.__globals__["reference"] = smooth
    verdict = evaluate(replace(SMOOTH, hidden=lambda rng: []), loopback(function))
    assert "on one of 64 x 64 more than 100,000" in growth_of(verdict).message


def test_a_quick_wrong_answer_earns_nothing():
    def zeros(x, k):
        return np.zeros((x.shape[0] - 2, x.shape[1] - 2))

    verdict = evaluate(SMOOTH, loopback(zeros))
    assert verdict.points == 0
    assert growth_of(verdict).message.startswith("a small input: the result: every number differs")
    hidden = growth_of(evaluate(SMOOTH, loopback(zeros), secret=SECRET))
    assert hidden.message == "the numbers differ from the reference's"


def test_what_is_right_on_the_cases_alone_earns_nothing_either():
    verdict = evaluate(SMOOTH, loopback(lambda x, k: smooth(x, k) if len(x) < 20 else smooth(x, k) + 1))
    assert growth_of(verdict).message.startswith("a large input: the result: every number")


def test_a_blank_answer_stays_not_written():
    def blank(x, k):
        raise NotImplementedError

    assert evaluate(SMOOTH, loopback(blank), secret=SECRET).status is Status.NOT_WRITTEN


# --- torch ----------------------------------------------------------------------------------------------


def decay(xs, rate):
    """Every sequence's exponentially weighted sum: (N, T) to (N,)."""
    steps = torch.arange(xs.shape[1] - 1, -1, -1, dtype=xs.dtype)
    return xs @ rate**steps


def sequences(length):
    return lambda rng: (torch.tensor(rng.standard_normal((4, length))), 0.9)


DECAY = Exercise(
    id="toy.decay",
    reference=decay,
    signature="decay(xs (N, T), rate) -> (N,)",
    groups={"basics": 1, "vectorised": 1},
    visible=lambda rng: [Case("a short sequence", sequences(3)(rng))],
    hidden=lambda rng: [Case("a longer one", sequences(6)(rng))],
    rules=Rules(vectorised=Growth(sequences(8), sequences(400))),
)


def decay_by_flip(xs, rate):
    return torch.einsum("nt,t->n", xs.flip(1), torch.cumprod(torch.full_like(xs[0], rate), 0) / rate)


def decay_by_steps(xs, rate):
    total = torch.zeros_like(xs[:, 0])
    for x in xs.unbind(1):
        total = rate * total + x
    return total


def test_torch_functions_are_judged_alike():
    assert evaluate(DECAY, loopback(decay_by_flip), secret=SECRET).points == 2
    verdict = evaluate(DECAY, loopback(decay_by_steps), secret=SECRET)
    assert verdict.points == 1
    assert growth_of(verdict).message.endswith("let torch do the loop")


# --- processor time -------------------------------------------------------------------------------------


def claims(function, seconds):
    """A process that says it took no steps, and whose processor time is measured from outside."""
    spent = []

    def call(args, kwargs, through="", *, cpu=False, steps=0, most=0):
        outcome = apply(function, args, kwargs)
        if cpu:
            spent.append(seconds(args))
            return replace(outcome, cpu=spent[-1])
        return replace(outcome, steps=Steps(3, 0) if steps else None)

    return call, spent


@pytest.fixture
def allowed(monkeypatch):
    monkeypatch.setattr(growth_room, "_allowed", lambda *_: 0.1)


@pytest.mark.usefixtures("allowed")
def test_a_forged_count_is_met_by_the_processor_time():
    call, spent = claims(smooth, lambda args: 0.001 if len(args[0]) < 20 else 0.5)
    verdict = evaluate(SMOOTH, call, secret=SECRET)
    assert verdict.points == 2
    assert "500 ms: far more than working on whole arrays takes" in growth_of(verdict).message
    assert len(spent) == 2 * growth_room.ROUNDS


@pytest.mark.usefixtures("allowed")
def test_the_quickest_of_several_calls_counts():
    noise = iter([0.9, 2.0, 0.001, 0.3, 0.4, 0.09])
    call, _ = claims(smooth, lambda args: next(noise))
    assert evaluate(SMOOTH, call, secret=SECRET).points == 3


def test_the_allowance_is_generous():
    call, _ = claims(smooth, lambda args: 0.0 if len(args[0]) < 20 else growth_room.SLACK_SECONDS)
    assert evaluate(SMOOTH, call, secret=SECRET).points == 3


def test_without_a_processor_clock_the_wall_clock_stands_in():
    def call(args, kwargs, through="", *, cpu=False, steps=0, most=0):
        return replace(apply(smooth, args, kwargs), seconds=60.0 if len(args[0]) == 64 else 0.0)

    assert growth_of(evaluate(SMOOTH, call)).kind == "vectorised"


# --- in the sandbox -------------------------------------------------------------------------------------

HIDES = """
import sys
def smooth(x, k):
    sys.settrace(None)
    out = np.zeros((x.shape[0] - 2, x.shape[1] - 2))
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            out[i, j] = (x[i : i + 3, j : j + 3] * k).sum()
    return out
"""


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox(isolation="process") as box:
        yield box


def judged(sandbox, source):
    verdicts = []
    with sandbox.start() as run:
        run.execute("import numpy as np\nfrom autograder import check")
        run.execute(source)
        run.execute(
            "check('toy.smooth', smooth)", judge=lambda call: verdicts.append(evaluate(SMOOTH, call, secret=SECRET))
        )
    return verdicts[0]


@pytest.mark.parametrize(
    ("source", "points"),
    [
        (VECTORISED["einsum"], 3),
        (VECTORISED["fancy indices, with waste"], 3),
        (LOOPED["a comprehension"], 2),
        (LOOPED["swallows the end"], 2),
        (HIDES, 2),
    ],
    ids=["einsum", "waste", "comprehension", "swallows", "hides"],
)
def test_the_rule_holds_in_a_graded_run(sandbox, source, points):
    assert judged(sandbox, source).points == points


STEPS = [
    [1], [1, 2], [1, -1], "many", [1.0, 2], {"own": 1}, {"own": 1, "library": -1}, {"own": 1.0, "library": 2},
    {"own": 1, "library": 1 << 31},
    {"own": 1, "library": 2, "others": 3}, {"own": True, "library": 2},
]  # fmt: skip


@pytest.mark.parametrize("steps", STEPS)
def test_a_malformed_count_is_no_outcome(steps):
    honest, _ = respond(Outcome(1, steps=Steps(3, 4)), Borrowed(lambda asked: asked))
    header = msgspec.to_builtins(honest)
    assert outcome(unpack(json.dumps([[], header]).encode(), b"", FROM_GUEST), Lent()).steps == Steps(3, 4)
    with pytest.raises(WireError, match="steps"):
        unpack(json.dumps([[], header | {"steps": steps}]).encode(), b"", FROM_GUEST)


def test_threads_of_others_are_not_counted_afterwards():
    evaluate(SMOOTH, loopback(smooth))
    assert threading.gettrace() is None

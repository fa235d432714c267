"""The rule `vectorised`: loops over the input lose its group every time, array code keeps it, however slow."""

import json
import sys
import threading
from dataclasses import replace

import msgspec
import numpy as np
import pytest
import torch

from autograder.calls import Outcome, Status, Steps
from autograder.exercise import Case, Direction, Exercise, Growth, Rules
from autograder.judge import growth as rule
from autograder.judge.apply import apply
from autograder.judge.evaluate import evaluate
from autograder.judge.growth import NAME
from autograder.judge.pace import LARGE, MEDIUM, Pace
from autograder.judge.prepared import Prepared
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


def smooth_by_loops(x, k):
    out = np.zeros((x.shape[0] - k.shape[0] + 1, x.shape[1] - k.shape[1] + 1))
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            out[i, j] = (x[i : i + k.shape[0], j : j + k.shape[1]] * k).sum()
    return out


def arguments(size):
    return lambda rng: (rng.standard_normal((size, size)), rng.standard_normal((3, 3)))


def tall(rng, height):
    return rng.standard_normal((height, 1)), rng.standard_normal((2, 1))


def wide(rng, width):
    return rng.standard_normal((1, width)), rng.standard_normal((1, 2))


SIZES = (500, 5_000, 40_000)
DIRECTIONS = (Direction("height", SIZES, tall), Direction("width", SIZES, wide))


SMOOTH = Exercise(
    id="toy.smooth",
    reference=smooth,
    signature="smooth(x (H, W), k (K, K)) -> (H - K + 1, W - K + 1)",
    groups={"basics": 2, "vectorised": 1},
    visible=lambda rng: [Case("a small image", arguments(5)(rng))],
    hidden=lambda rng: [Case("a larger image", arguments(9)(rng))],
    rules=Rules(
        vectorised=Growth((Direction("height", SIZES, tall), Direction("width", SIZES, wide)), smooth_by_loops)
    ),
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
    for _ in range(2):
        patches = np.concatenate([x[i, j].copy()[None]] * 3)[2]
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
    m, n = k.shape
    def rows(first, last):
        if last - first > 1:
            middle = (first + last) // 2
            return rows(first, middle) + rows(middle, last)
        return [(np.lib.stride_tricks.sliding_window_view(x[first : first + m], k.shape)[0] * k).sum((1, 2))]
    return np.array(rows(0, len(x) - m + 1))
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
    "np.frompyfunc": """
def smooth(x, k):
    m, n = k.shape
    at = np.frompyfunc(lambda i, j: (x[i : i + m, j : j + n] * k).sum(), 2, 1)
    return at(*np.indices((x.shape[0] - m + 1, x.shape[1] - n + 1))).astype(float)
""",
    "map and numbers of Python": """
def smooth(x, k):
    from operator import mul
    m, n = k.shape
    windows = np.lib.stride_tricks.sliding_window_view(x, k.shape).reshape(x.shape[0] - m + 1, x.shape[1] - n + 1, -1)
    weights = k.ravel().tolist()
    return np.array([[sum(map(mul, patch, weights)) for patch in row] for row in windows.tolist()])
""",
    "functools.reduce": """
def smooth(x, k):
    from functools import reduce
    m, n = k.shape
    out = np.zeros((x.shape[0] - m + 1, x.shape[1] - n + 1))
    def put(done, p):
        i, j = divmod(p, done.shape[1])
        done[i, j] = (x[i : i + m, j : j + n] * k).sum()
        return done
    return reduce(put, range(out.size), out)
""",
    "a generator": """
def smooth(x, k):
    m, n = k.shape
    rows, columns = x.shape[0] - m + 1, x.shape[1] - n + 1
    sums = ((x[i : i + m, j : j + n] * k).sum() for i in range(rows) for j in range(columns))
    return np.fromiter(sums, float).reshape(rows, columns)
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


def forged(function):
    """A process that says of itself that it took no steps, whatever it does."""
    honest = loopback(function)

    def call(args, kwargs, through="", *, steps=0, **asked):
        done = honest(args, kwargs, through, **asked)
        return replace(done, steps=Steps(3, 0) if steps else None)

    return call


@pytest.mark.parametrize("style", VECTORISED)
@pytest.mark.parametrize("secret", [None, SECRET])
def test_array_code_keeps_the_group(style, secret):
    verdict = evaluate(SMOOTH, loopback(written(VECTORISED[style])), secret=secret)
    assert (verdict.message, verdict.points) == ("", 3)


@pytest.mark.parametrize("style", LOOPED)
@pytest.mark.parametrize("process", [loopback, forged])
def test_a_loop_loses_the_group_and_no_other(style, process):
    verdict = evaluate(SMOOTH, process(written(LOOPED[style])), secret=SECRET)
    assert (verdict.status, verdict.points) == (Status.PARTIAL, 2)
    assert growth_of(verdict).kind == "vectorised"
    assert sys.gettrace() is None or sys.gettrace().__module__ != "autograder.sandbox.guest.steps"


def test_the_sentence_tells_both_counts():
    verdict = evaluate(SMOOTH, loopback(written(LOOPED["both loops"])))
    sentence = growth_of(verdict).message
    assert sentence.startswith("on an array of 500 x 1 your function takes ")
    assert "Python steps, on one of 5000 x 1 " in sentence
    assert sentence.endswith("work on whole arrays and let NumPy do the loop")


def test_without_a_count_the_sentence_tells_the_times():
    sentence = growth_of(evaluate(SMOOTH, forged(smooth_by_loops))).message
    assert " ms of processor time, on one of 5000 x 1 " in sentence
    assert "A loop over the height takes about " in sentence
    assert sentence.endswith("let NumPy do the loop")


def test_a_long_count_is_cut_short():
    source = """
def smooth(x, k):
    for _ in range(100_000 if len(x) > 500 else 1):
        pass
    return reference(x, k)
"""
    function = written(source)
    function.__globals__["reference"] = smooth
    verdict = evaluate(replace(SMOOTH, hidden=lambda rng: []), loopback(function))
    assert "on one of 5000 x 1 more than 100,000" in growth_of(verdict).message


def test_a_quick_wrong_answer_earns_nothing():
    def zeros(x, k):
        return np.zeros((x.shape[0] - k.shape[0] + 1, x.shape[1] - k.shape[1] + 1))

    verdict = evaluate(SMOOTH, loopback(zeros))
    assert verdict.points == 0
    assert growth_of(verdict).message.startswith("a small input: the result: every number differs")
    hidden = growth_of(evaluate(SMOOTH, loopback(zeros), secret=SECRET))
    assert hidden.message == "the numbers differ from the reference's"


def test_what_is_right_on_the_cases_alone_earns_nothing_either():
    verdict = evaluate(SMOOTH, loopback(lambda x, k: smooth(x, k) if len(x) < 9_000 else smooth(x, k) + 1))
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


def sequences(rng, length):
    return torch.tensor(rng.standard_normal((4, length))), 0.9


def decay_by_steps(xs, rate):
    total = torch.zeros_like(xs[:, 0])
    for x in xs.unbind(1):
        total = rate * total + x
    return total


DECAY = Exercise(
    id="toy.decay",
    reference=decay,
    signature="decay(xs (N, T), rate) -> (N,)",
    groups={"basics": 1, "vectorised": 1},
    visible=lambda rng: [Case("a short sequence", sequences(rng, 3))],
    hidden=lambda rng: [Case("a longer one", sequences(rng, 6))],
    rules=Rules(vectorised=Growth((Direction("length", (200, 2_000, 20_000), sequences),), decay_by_steps)),
)


def decay_by_convolution(xs, rate):
    kernel = torch.pow(torch.full((xs.shape[1],), rate, dtype=xs.dtype), torch.arange(xs.shape[1]).flip(0))
    return torch.stack([torch.dot(row, kernel) for row in xs])  # a loop over the batch, which does not grow


def decay_by_powers(xs, rate):
    weights = rate ** torch.arange(xs.shape[1] - 1, -1, -1, dtype=xs.dtype)
    return torch.einsum("nt,t->n", xs, weights)


def test_torch_functions_are_judged_alike():
    for answer in (decay_by_powers, decay_by_convolution):
        assert evaluate(DECAY, loopback(answer), secret=SECRET).points == 2
    verdict = evaluate(DECAY, loopback(decay_by_steps), secret=SECRET)
    assert verdict.points == 1
    assert growth_of(verdict).message.endswith("let torch do the loop")


# --- what may loop ----------------------------------------------------------------------------------------


def heads(x, w):
    """Each head's scores: (N, T, H) and (H,) to (N, T, H)."""
    return x * w


def heads_one_by_one(x, w):
    """Loops over the images and the heads, and lets NumPy do the length."""
    return np.stack([np.stack([image[:, head] * w[head] for head in range(len(w))], axis=1) for image in x])


def heads_by_place(x, w):
    return np.stack([x[:, t] * w for t in range(x.shape[1])], axis=1)


def sequence(rng, length):
    return rng.standard_normal((2, length, 3)), rng.standard_normal(3)


HEADS = Exercise(
    id="toy.heads",
    reference=heads,
    signature="heads(x (N, T, H), w (H,)) -> (N, T, H)",
    groups={"basics": 2, "vectorised": 1},
    visible=lambda rng: [Case("short", sequence(rng, 4))],
    hidden=lambda rng: [Case("longer", sequence(rng, 7))],
    rules=Rules(vectorised=Growth((Direction("length", SIZES, sequence),), heads_by_place)),
)


def test_loops_over_the_batch_and_over_heads_are_allowed():
    assert evaluate(HEADS, loopback(heads_one_by_one), secret=SECRET).points == 3
    assert evaluate(HEADS, loopback(heads_by_place), secret=SECRET).points == 2


# --- processor time -------------------------------------------------------------------------------------


def takes(seconds, counts=lambda size: Steps(3, 0)):
    """A right answer whose processor time depends on the size of its input, and the sizes for which it was timed."""
    timed = []

    def call(args, kwargs, through="", *, cpu=False, steps=0, most=0):
        done = apply(smooth, args, kwargs)
        if cpu:
            timed.append(args[0].size)
            return replace(done, cpu=seconds(args[0].size))
        return replace(done, steps=counts(args[0].size) if steps else None)

    return call, timed


@pytest.fixture
def paced(monkeypatch):
    """Arrays take a millisecond more on the large input, a loop a hundred: up to ten pass."""
    monkeypatch.setattr(Pace, "arrays", lambda _, size: {MEDIUM: 0.0001, LARGE: 0.001}[size])
    monkeypatch.setattr(Pace, "loop", lambda _, size: {MEDIUM: 0.01, LARGE: 0.1}[size])


SPENT = {"steps": (0.004, 31415926), "time": (1.2345, 27)}


@pytest.mark.usefixtures("paced")
@pytest.mark.parametrize("way", SPENT)
def test_no_number_of_the_student_s_process_is_told_on_hidden_inputs(way):
    """Both times and both counts are its own choice, and could tell a hidden input."""
    seconds, chosen = SPENT[way]

    def call(args, kwargs, through="", *, cpu=False, steps=0, most=0):
        large = args[0].size > SIZES[0] * 3
        spent, count = (seconds, chosen) if large else (0.00027, 27)
        return replace(apply(smooth, args, kwargs), cpu=spent, steps=Steps(count, 0) if steps else None)

    told = {secret: growth_of(evaluate(SMOOTH, call, secret=secret)).message for secret in (None, SECRET)}
    assert told[None] != told[SECRET]
    assert told[SECRET].startswith("from an array of 500 x 1 to one of ")
    assert told[SECRET].endswith("let NumPy do the loop")
    for number in ("0.27", "27", "1.23e+03", "1234", "31,415,926", "100,000"):
        assert number not in told[SECRET]
    assert "0.27 ms" in told[None] or "27 Python steps" in told[None]


def at_the_large_size(seconds):
    return lambda size: 0.0003 + (seconds if size == SIZES[2] else 0.0)


@pytest.mark.usefixtures("paced")
@pytest.mark.parametrize(("seconds", "points"), [(0.001, 3), (0.009, 3), (0.011, 2), (0.2, 2)])
def test_nearer_to_the_loop_fails(seconds, points):
    call, timed = takes(at_the_large_size(seconds))
    assert evaluate(SMOOTH, call, secret=SECRET).points == points
    assert len(timed) == (2 * 3 if points == 3 else rule.ROUNDS * 3)


@pytest.mark.usefixtures("paced")
def test_a_clear_loop_is_not_called_on_the_large_input():
    call, timed = takes(lambda size: size * 2e-6)
    assert evaluate(SMOOTH, call, secret=SECRET).points == 2
    assert max(timed) == SIZES[1]


@pytest.mark.usefixtures("paced")
@pytest.mark.parametrize(("seconds", "points"), [(0.002, 3), (0.045, 2)])
def test_what_the_medium_input_leaves_open_the_large_one_decides(monkeypatch, seconds, points):
    """At first half of what a loop takes was 4 ms, measured again it is 5 ms: 4.5 ms say nothing."""

    class Before(Pace):
        def loop(self, size):
            return {MEDIUM: 0.008, LARGE: 0.1}[size]

    monkeypatch.setattr(rule, "pace_of", Before)
    call, timed = takes(lambda size: 0.0003 + {SIZES[1]: 0.0045, SIZES[2]: seconds}.get(size, 0.0))
    assert evaluate(SMOOTH, call, secret=SECRET).points == points
    assert max(timed) == SIZES[2]


@pytest.mark.usefixtures("paced")
def test_the_quickest_of_several_calls_counts():
    slow_at_first = iter([0.9, 0.05, 0.02, 0.001, 0.001])
    call, _ = takes(lambda size: 0.0003 + (next(slow_at_first) if size == SIZES[2] else 0.0))
    assert evaluate(SMOOTH, call, secret=SECRET).points == 3


@pytest.mark.usefixtures("paced")
def test_time_wasted_on_the_small_input_does_not_hide_a_loop():
    call, _ = takes(lambda size: 0.1)
    assert evaluate(SMOOTH, call, secret=SECRET).points == 2


@pytest.mark.usefixtures("paced")
def test_steps_tell_a_cheap_loop_from_slow_arrays_only_in_between():
    for seconds, points in [(0.001, 3), (0.005, 2)]:
        call, _ = takes(at_the_large_size(seconds), counts=lambda size: Steps(size, 0))
        assert evaluate(SMOOTH, call, secret=SECRET).points == points


def test_every_call_is_on_other_numbers():
    seen = set()

    def remembers(x, k):
        answer = smooth_by_loops(x, k) if x.tobytes() not in seen else smooth(x, k)
        seen.add(x.tobytes())
        return answer

    assert evaluate(SMOOTH, forged(remembers), secret=SECRET).points == 2


def test_without_a_processor_clock_the_wall_clock_stands_in():
    def call(args, kwargs, through="", *, cpu=False, steps=0, most=0):
        return replace(apply(smooth, args, kwargs), seconds=60.0 if len(args[0]) > 500 else 0.0)

    assert growth_of(evaluate(SMOOTH, call)).kind == "vectorised"


def test_a_loop_takes_many_times_what_arrays_take():
    for growing in Prepared(SMOOTH, SECRET).growth:
        pace = Pace(SMOOTH, growing)
        assert pace.loop(LARGE) > 30 * pace.arrays(LARGE)
        assert pace.arrays(LARGE) < pace.middle(LARGE) < pace.loop(LARGE) < 1.0


# --- in the sandbox -------------------------------------------------------------------------------------

HIDES = """
import sys
def smooth(x, k):
    sys.settrace(None)
    m, n = k.shape
    out = np.zeros((x.shape[0] - m + 1, x.shape[1] - n + 1))
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            out[i, j] = (x[i : i + m, j : j + n] * k).sum()
    return out
"""

FORGES = """
from contextlib import contextmanager
from types import SimpleNamespace
import autograder.sandbox.guest.perform as perform
from autograder.calls import Steps
@contextmanager
def counting(most, libraries):
    yield SimpleNamespace(steps=Steps(7, 3))
perform.counting = counting
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
        (FORGES + LOOPED["both loops"], 2),
    ],
    ids=["einsum", "waste", "comprehension", "swallows", "hides", "forges"],
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

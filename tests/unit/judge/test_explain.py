"""The slip in an answer that fails is found in its own text, and nothing stays of the search."""

import linecache
import os

import numpy as np
import pytest
import torch

from autograder.exercises import find
from autograder.exercises.slips import submitted
from autograder.judge.aside import aside
from autograder.judge.repeated import FIRST_CALL_RIGHT
from autograder.local_judge import judged

STYLES = {
    "the axis": (
        "linear.softmax",
        "def softmax(logits):\n"
        "    top = logits.max(axis=1, keepdims=True)\n"
        "    e = np.exp(logits - top)\n"
        "    return e / e.sum(axis=1, keepdims=True) ** 2\n",
        4,
        "factor|operator|not right",
    ),
    "two slips": (
        "linear.cross_entropy",
        "def cross_entropy(logits, labels):\n"
        "    m = logits.max(axis=1)\n"
        "    s = np.exp(logits - m[:, None]).sum(axis=1)\n"
        "    right = logits[np.arange(len(labels)), labels]\n"
        "    loss = np.log(s) + m + right\n"
        "    return float(loss.sum() / logits.shape[1])\n",
        6,
        "operator|sign|term",
    ),
    "the border": (
        "linear.perceptron_fit",
        "def perceptron_fit(X, y, epochs):\n"
        "    w, b, history = np.zeros(X.shape[1]), 0.0, []\n"
        "    for _ in range(epochs + 1):\n"
        "        wrong = 0\n"
        "        for x, t in zip(X, y):\n"
        "            if t * (w @ x + b) <= 0:\n"
        "                w, b = w + t * x, b + float(t)\n"
        "                wrong += 1\n"
        "        history.append(wrong)\n"
        "        if wrong == 0:\n"
        "            break\n"
        "    return w, b, history\n",
        3,
        "range|term",
    ),
    "tensors": (
        "lstm.gru_cell",
        "def gru_cell(x, h, W_ih, W_hh, b_ih, b_hh):\n"
        "    gi = torch.nn.functional.linear(x, W_ih, b_ih).chunk(3, dim=1)\n"
        "    gh = torch.nn.functional.linear(h, W_hh, b_hh).chunk(3, dim=1)\n"
        "    r, z = torch.sigmoid(gi[0] + gh[0]), torch.sigmoid(gi[1] + gh[1])\n"
        "    n = torch.tanh(gi[1] + r * gh[2])\n"
        "    return (1 - z) * n + z * h\n",
        5,
        "entry|index",
    ),
    "a loop without end beside it": (
        "mlp.relu",
        "def relu(x):\n"
        "    out = np.zeros_like(x)\n"
        "    flat, kept = x.ravel(), out.ravel()\n"
        "    i = 0\n"
        "    while i < flat.size:\n"
        "        if flat[i] > 1:\n"
        "            kept[i] = flat[i]\n"
        "        i += 1\n"
        "    return out\n",
        6,
        "number",
    ),
}


@pytest.fixture(autouse=True)
def _patiently(monkeypatch: pytest.MonkeyPatch):
    """What is found may not depend on how busy the machine is."""
    monkeypatch.setattr("autograder.local_judge.SEARCH_SECONDS", 60.0)


def answer_in_a_cell(source: str, name: str, **names: object):
    file = f"<cell {abs(hash(source))}>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    place: dict[str, object] = {**names, "np": np, "torch": torch, "__name__": "__main__"}
    exec(compile(source, file, "exec"), place)
    return place[name]


@pytest.mark.parametrize("which", STYLES)
def test_a_slip_is_told_in_three_steps(which: str):
    id_, source, line, kind = STYLES[which]
    exercise = find(id_)
    verdict = judged(exercise, answer_in_a_cell(source, exercise.name))
    assert verdict.diagnosis == ""
    where, what, edit = verdict.slip
    assert f"line {line}:" in where
    assert any(word in what for word in kind.split("|")), what
    assert "`" in edit


def test_the_search_leaves_nothing_behind():
    source = (
        "calls = []\n"
        "def relu(x):\n"
        "    global state\n"
        "    state = state + 1\n"
        "    calls.append(np.random.rand())\n"
        "    print('called')\n"
        "    return np.where(x > 0, x, 1)\n"
    )
    exercise = find("mlp.relu")
    np.random.seed(3)
    answer = answer_in_a_cell(source, "relu", state=0)
    verdict = judged(exercise, answer)
    calls, state = len(answer.__globals__["calls"]), answer.__globals__["state"]
    visible = len(verdict.cases) + 30
    assert verdict.slip
    assert calls == state
    assert calls < visible, "edits were called here"


def test_a_right_answer_and_a_blank_one_are_not_searched(monkeypatch: pytest.MonkeyPatch):
    def never(*_: object) -> tuple[str, ...]:
        raise AssertionError("nothing to look for")

    monkeypatch.setattr("autograder.judge.evaluate.explained", never)
    exercise = find("mlp.relu")
    assert judged(exercise, answer_in_a_cell("def relu(x):\n    return np.maximum(x, 0)\n", "relu")).slip == ()
    assert judged(exercise, answer_in_a_cell("def relu(x):\n    raise NotImplementedError\n", "relu")).slip == ()


@pytest.mark.parametrize("id_", ["cnn.im2col", "cnn.conv2d", "gnn.scatter"])
def test_a_right_answer_that_only_loops_has_no_slip(id_: str):
    exercise = find(id_)
    growth = exercise.rules.vectorised
    assert growth is not None
    answer = answer_in_a_cell(submitted(exercise.name, growth.loop), exercise.name, **growth.loop.__globals__)
    verdict = judged(exercise, answer)
    assert [case.kind for case in verdict.cases if not case.passed] == ["vectorised"]
    assert verdict.slip == ()


def test_a_trick_is_no_repair():
    """Only the visible cases could tell this one from a right answer, and other numbers do."""
    source = "def accuracy(predicted, labels):\n    return 0.123\n"
    exercise = find("linear.accuracy")
    assert len(judged(exercise, answer_in_a_cell(source, "accuracy")).slip) <= 1


def test_where_the_values_leave_the_right_way_is_told_when_no_edit_helps(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("autograder.judge.explain.find_slip", lambda *_, **__: None)
    source = (
        "def softmax(logits):\n"
        "    shifted = logits - logits.max(axis=1, keepdims=True)\n"
        "    powers = np.exp(shifted)\n"
        "    total = np.median(powers, axis=1).mean() + np.cos(powers).std()\n"
        "    return powers / (total + np.sin(total)) + powers.min()\n"
    )
    verdict = judged(find("linear.softmax"), answer_in_a_cell(source, "softmax"))
    (told,) = verdict.slip
    assert told.startswith("Up to line 3 your numbers are those of a right solution; line 4 is the first")


@pytest.mark.parametrize("kept", ["seen=[]", "seen=None"])
def test_only_later_calls_that_fail_are_told(kept: str):
    source = (
        f"def softmax(logits, {kept}):\n"
        "    seen = [] if seen is None else seen\n"
        "    seen.append(logits.max())\n"
        "    powers = np.exp(logits - logits.max(axis=1, keepdims=True))\n"
        "    return powers / powers.sum(axis=1, keepdims=True) * (1 if len(seen) == 1 else 0.5)\n"
    )
    verdict = judged(find("linear.softmax"), answer_in_a_cell(source, "softmax"))
    assert (verdict.slip == (FIRST_CALL_RIGHT,)) == (kept == "seen=[]")


def test_an_answer_that_is_wrong_from_the_start_keeps_nothing():
    source = "def softmax(logits):\n    powers = np.exp(logits)\n    return powers / powers.sum() + 0.5\n"
    verdict = judged(find("linear.softmax"), answer_in_a_cell(source, "softmax"))
    assert FIRST_CALL_RIGHT not in verdict.slip


def test_work_aside_has_its_time_and_its_own_process():
    assert aside(lambda: ("a", "ü"), 5.0) == ("a", "ü")
    assert aside(lambda: (str(os.getpid() == here),), 5.0) == ("False",)
    assert aside(_fails, 5.0) == ()
    assert aside(_never_ends, 0.2) == ()
    assert aside(lambda: os._exit(3), 5.0) == ()


here = os.getpid()


def _fails() -> tuple[str, ...]:
    raise ValueError


def _never_ends() -> tuple[str, ...]:
    while True:
        pass

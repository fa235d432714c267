"""Observers see the student's answer and the judge's own functions in the same way, here and over the wire."""

import pytest
import torch
from torch import nn

from autograder.exercise import Case, Exercise
from autograder.exercises.replay import Replay
from autograder.harness import models
from autograder.judge.answer import apply_observed, call_observed
from autograder.objects import Built, Kept, UnexpectedAnswer
from autograder.sandbox.guest.messenger import loopback
from autograder.sandbox.host.isolation import available
from autograder.sandbox.host.sandbox import Sandbox

DOUBLE = torch.float64
X = torch.tensor([1.0, 2.0, 3.0], dtype=DOUBLE)

ANSWERS = """
import torch
from torch import nn

def product(x, w):
    return {"value": [(x * w).sum(), 3], "whole": torch.arange(2)}

def through_lent(f, x):
    return f(x * 2, 3.0).sum()

def build(n):
    return nn.Sequential(nn.Linear(n, 4), nn.ReLU(), nn.Linear(4, 2))

def fit(model, x, y, optimizer, steps):
    model.train()
    for _ in range(steps):
        optimizer.zero_grad()
        ((model(x) - y) ** 2).mean().backward()
        optimizer.step()
    return model

def spoils(x):
    x += 1
    return x.sum()

def wrong(x):
    raise ValueError("no")
"""
HERE: dict = {}
exec(ANSWERS, HERE)


def gradients(answer, x):
    """The gradients of the answer's value for both factors, by a loss of the judge's."""
    w = torch.full_like(x, 2.0).requires_grad_()
    leaf = x.requires_grad_()
    found = answer(leaf * 1, w)
    (3 * found["value"][0] + 1).backward()
    return [leaf.grad, w.grad, found["value"][1], found["whole"]]


def lends(answer, x):
    seen = []

    def cubed(z, scale):
        seen.append((torch.is_grad_enabled(), z.requires_grad))
        return scale * z**3

    x.requires_grad_()
    value = answer(cubed, x)
    (slope,) = torch.autograd.grad(value, x)
    return [value.detach(), slope, seen]


def builds(answer, n):
    torch.manual_seed(3)
    model = answer(n)
    if not isinstance(model, Kept) or not answer.through(models.is_module, model):
        raise UnexpectedAnswer("no model")
    x = torch.linspace(-1, 1, 5 * n).reshape(5, n)
    replay = Replay(answer.through(models.recorded, model, [x], False), 1)
    return [bool(torch.equal(replay(x), answer.of(model, x))), sorted(answer.through(models.state, model))]


def lends_a_model(answer, steps):
    calls = []
    W = torch.tensor([[1.0, -1.0]])

    def compute(training, weights, x):
        calls.append([training, [each.detach().clone() for each in weights]])
        return x @ weights[0].T + weights[1]

    model = Built(models.LentModel, (compute, [W, torch.zeros(1)], False))
    x = torch.tensor([[1.0, 2.0], [0.0, 1.0], [2.0, 2.0]])
    optimizer = Built(models.optimizer, (model, 0.1))
    back = answer(model, x, torch.ones(3, 1), optimizer, steps)
    return [back is model, calls, answer.through(models.state, model)]


def plain(answer, x):
    return answer(x)


@pytest.fixture(scope="module")
def run():
    """A run of the strongest isolation that this machine has, with torch."""
    rung = [each.name for each in available() if each.ok][-1]
    with Sandbox(rung, preload=("autograder.check", "torch")) as sandbox, sandbox.start() as run:
        yield run


CASES = {
    "gradients": (gradients, "product", (X,), [6 * torch.ones(3, dtype=DOUBLE), 3 * X, 3, torch.arange(2)]),
    "a lent function": (lends, "through_lent", (X,), [24 * X.pow(3).sum(), 72 * X**2, [(True, True)]]),
    "a model": (builds, "build", (3,), [True, ["0.bias", "0.weight", "2.bias", "2.weight"]]),
}


def same(first, second):
    if isinstance(first, torch.Tensor):
        return torch.allclose(first, second)
    if isinstance(first, (list, tuple)):
        return len(first) == len(second) and all(map(same, first, second))
    return first == second


def on_every_way(observer, name, args, run):
    """What an observer sees of a function of the judge's, of one in this process, and of one in a jail."""
    exercise = Exercise("toy.f", HERE[name], "f", {"a": 1}, lambda _: [], lambda _: [], through=observer)
    case = Case("one", args)
    seen = [
        apply_observed(exercise, HERE[name], case, args, {}),
        call_observed(loopback(HERE[name]), observer, args, {}),
    ]
    run.execute(ANSWERS)
    run.judge(name, lambda call: seen.append(call_observed(call, observer, args, {})))
    return seen


@pytest.mark.parametrize("kind", CASES)
def test_an_observer_sees_the_same_of_every_answer(kind, run):
    observer, name, args, expected = CASES[kind]
    for outcome in on_every_way(observer, name, args, run):
        assert outcome.raised is None
        assert same(expected, outcome.value)


def test_a_lent_model_is_computed_and_seen_by_the_judge(run):
    seen = on_every_way(lends_a_model, "fit", (3,), run)
    assert all(outcome.raised is None for outcome in seen)
    for returned, calls, state in (outcome.value for outcome in seen):
        assert returned
        assert [training for training, _ in calls] == [True] * 3
        assert torch.equal(calls[0][1][0], torch.tensor([[1.0, -1.0]]))
        assert not torch.equal(calls[2][1][0], calls[0][1][0])
        assert same(list(state.values()), list(seen[0].value[2].values()))


LENT = """
import torch

def inside_vmap(f, x):
    return torch.vmap(f)(x)

def inside_func(f, x):
    return torch.func.grad(lambda x: f(x).sum())(x)

def traced(f, x):
    return torch.jit.trace(lambda x: f(x), x)(x)

def twice(f, x):
    x.requires_grad_()
    [slope] = torch.autograd.grad(f(x).sum(), x, create_graph=True)
    return torch.autograd.grad(slope.sum(), x)[0]

def bent(f, x):
    return torch.autograd.functional.hessian(lambda x: f(x).sum(), x)

def once(f, x):
    x.requires_grad_()
    return torch.autograd.grad(f(x).sum(), x, create_graph=True)[0].detach()

def jacobian(f, x):
    return torch.autograd.functional.jacobian(f, x).sum(1)
"""


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("inside_vmap", "cannot be called inside vmap"),
        ("inside_func", "cannot be called inside vmap, torch.func.grad"),
        ("traced", "torch.jit.trace and the like"),
        ("twice", "can be differentiated once"),
        ("bent", "can be differentiated once: second derivatives through it are not there"),
        ("once", ""),
        ("jacobian", ""),
    ],
)
def test_what_a_lent_function_cannot_do_is_said(name, said, run):
    run.execute(LENT)
    outcomes = []
    lends_a_cube = lambda answer: answer(lambda z: z**3, X)  # noqa: E731
    run.judge(name, lambda call: outcomes.append(call_observed(call, lends_a_cube, (), {})))
    [outcome] = outcomes
    if said:
        assert outcome.raised.kind == "RuntimeError"
        assert said in outcome.raised.message
    else:
        assert torch.equal(outcome.value, 3 * X**2)


@pytest.mark.parametrize("name", ["spoils", "wrong"])
def test_changed_inputs_and_exceptions_are_seen_through_an_observer(name, run):
    for outcome in on_every_way(plain, name, (X,), run):
        if name == "wrong":
            assert (outcome.raised.kind, outcome.raised.message) == ("ValueError", "no")
        else:
            assert torch.equal(outcome.given[0], X)
            assert torch.equal(outcome.inputs[0][0], X + 1)


def test_a_program_of_an_operator_that_is_not_run_is_refused():
    program = models.recorded(lambda x: torch.fft.fft(x).real, [X])
    with pytest.raises(UnexpectedAnswer, match="_fft_r2c"):
        Replay(program, 1)
    for spoiled in (None, [], {}, {"state": {}, "trainable": [], "constants": [3], "steps": [], "output": 0}):
        with pytest.raises(UnexpectedAnswer):
            Replay(spoiled, 1)
    reads = [["aten.detach.default", [{"torch": "load"}], {}, [1]]]
    with pytest.raises(UnexpectedAnswer):
        Replay({"state": {}, "trainable": [], "constants": [], "steps": reads, "output": 1}, 1)(X)


def test_a_recorded_model_is_trained_as_the_model_itself():
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.utils.parametrizations.weight_norm(nn.Conv2d(1, 3, 3)),
        nn.BatchNorm2d(3),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(108, 4),
    )
    x, y = torch.randn(6, 1, 8, 8), torch.randint(0, 4, (6,))
    replay = Replay(models.recorded(model, [x], True), 1, training=True)
    shifted = {name: value.clone() for name, value in model.named_buffers()}
    for name in shifted:  # recording is one pass in training mode
        assert torch.equal(replay.named(name), shifted[name])
    for each in (model.train(), replay):
        optimizer = torch.optim.SGD(each.parameters(), lr=0.1)
        for _ in range(3):
            optimizer.zero_grad()
            nn.functional.cross_entropy(each(x), y).backward()
            optimizer.step()
    for name, value in (*model.named_parameters(), *model.named_buffers()):
        assert torch.allclose(replay.named(name), value, atol=1e-6), name
    assert "convolution" in replay.operators

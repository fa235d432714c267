"""Cases on a device: inputs go there, answers must be there, judgements are made on the CPU."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from autograder.calls import Status
from autograder.exercise import Case, Direction, Exercise, Growth, Misconception, Property, Rules
from autograder.judge import devices
from autograder.judge.devices import case_on_device, on_host_device, one_thread, to_device
from autograder.judge.evaluate import evaluate
from autograder.sandbox.guest.messenger import loopback

needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no CUDA device")


def test_tensors_move_and_nothing_else():
    x = torch.ones(2, 3, dtype=torch.float64).T.requires_grad_()
    value = {"x": [x, (np.ones(2), "a", 1.5, None)], "generator": torch.Generator()}
    there = to_device(value, "meta")
    assert there["x"][0].device.type == "meta"
    assert (there["x"][0].dtype, there["x"][0].requires_grad, there["x"][0].is_leaf) == (torch.float64, True, True)
    assert there["x"][0].stride() == x.stride()
    assert there["x"][1] == value["x"][1] or there["x"][1][0] is value["x"][1][0]
    assert there["generator"] is value["generator"]


def test_on_the_cpu_everything_stays_as_it_is():
    case = Case("one", (torch.ones(2), abs), {"x": [torch.ones(1)]})
    assert case_on_device(case, "cpu") is case
    assert on_host_device(case.args)[0] is case.args[0]
    assert devices.sent_to_device(case.args, "cpu") is case.args


def test_functions_of_a_case_compute_at_home():
    seen: list[str] = []

    def step(token: int, h: torch.Tensor) -> tuple[torch.Tensor, int]:
        seen.append(h.device.type)
        return h + 1, token

    carried: Callable[..., object] = to_device(step, "meta")
    assert carried.__name__ == "step"
    assert on_host_device([torch.ones(1)])[0].device.type == "cpu"
    out, token = carried(3, torch.ones(2))
    assert (out.device.type, token, seen) == ("meta", 3, ["cpu"])


def test_torch_has_one_thread_meanwhile():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with one_thread():
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def scaled(x, f):
    return f(x) * 2.0


def shifted(x, f):
    """This adds two where it should multiply by two: look at the operator once more."""
    return f(x) + 2.0


def one_by_one(x, f):
    return torch.stack([f(number) * 2.0 for number in x])


def square(x):
    return x * x


def even(call, rng):
    x = torch.tensor(rng.standard_normal(3))
    return None if torch.allclose(call(x, square), call(-x, square)) else "not the same for -x"


def args(size):
    return lambda rng: (torch.tensor(rng.integers(-50, 50, size) / 16), square)


EXERCISE = Exercise(
    "toy.scaled",
    scaled,
    "scaled(x (N,), f) -> (N,)",
    {"basics": 1, "even": 1, "vectorised": 1},
    lambda rng: [Case("three", args(3)(rng)), Case("two", args(2)(rng))],
    lambda rng: [Case("more", args(9)(rng))],
    (Misconception("shifted", shifted, shifted.__doc__),),
    (Property("even", even, "even"),),
    Rules(vectorised=Growth((Direction("numbers", (40, 400, 4_000), lambda rng, size: args(size)(rng)),), one_by_one)),
)


@needs_cuda
def test_a_right_answer_passes_on_the_gpu():
    assert evaluate(EXERCISE, loopback(scaled), secret=b"any", device="cuda").status is Status.PASSED


@needs_cuda
def test_an_answer_on_the_cpu_is_on_the_wrong_device():
    verdict = evaluate(EXERCISE, loopback(lambda x, f: scaled(x, f).cpu()), device="cuda")
    assert verdict.cases[0].kind == "device"


@needs_cuda
def test_a_mistake_is_named_on_the_gpu():
    assert evaluate(EXERCISE, loopback(shifted), secret=b"any", device="cuda").misconception == "shifted"


@pytest.fixture
def elsewhere(monkeypatch):
    """A device that this machine has: its tensors are on the CPU, and marked by a dtype that no case has."""
    there, home = torch.float32, torch.float64

    def carry(value, device):
        if torch.is_tensor(value):
            return value.to(home if device == "cpu" else there)
        if isinstance(value, (list, tuple)):
            return type(value)(carry(item, device) for item in value)
        if isinstance(value, dict):
            return {key: carry(item, device) for key, item in value.items()}
        if callable(value):
            return lambda *given: carry(value(*(carry(each, "cpu") for each in given)), device)
        return value

    monkeypatch.setattr(devices, "to_device", carry)


@pytest.mark.usefixtures("elsewhere")
def test_every_call_gets_its_tensors_there():
    seen = []

    def watched(x, f):
        seen.append((x.dtype, f(x).dtype))
        return scaled(x, f)

    verdict = evaluate(EXERCISE, loopback(watched), secret=b"any", device="elsewhere")
    assert (verdict.message, verdict.status) == ("", Status.PASSED)
    assert set(seen) == {(torch.float32, torch.float32)}
    assert evaluate(EXERCISE, loopback(shifted), device="elsewhere").misconception == "shifted"

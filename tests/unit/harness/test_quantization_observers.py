"""No integer exercise can be passed by floating numbers, and networks are judged by what they store and compute."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from autograder.calls import Status
from autograder.exercise import Case
from autograder.exercises import find
from autograder.exercises.quantization import observers
from autograder.harness import quantization as harness
from autograder.judge.answer import call_observed, observed
from autograder.judge.evaluate import evaluate
from autograder.objects import UnexpectedAnswer
from autograder.sandbox.guest.messenger import loopback
from course_lib import quantization


def seen(observer, answer, *args):
    """What an observer sees of an answer."""
    return observed(find("quantization.quantize"), answer, Case("one", through=observer))(*args)


def along(scale, dims):
    return scale.double().view(1, -1, *[1] * (dims - 2)) if torch.is_tensor(scale) and scale.dim() == 1 else scale


def saturated(steps, zero, like):
    kind = torch.iinfo(like)
    return (torch.round(steps) + zero).clamp(kind.min, kind.max).to(like)


def column(zero):
    return zero[:, None] if torch.is_tensor(zero) and zero.dim() == 1 else zero


def float_matmul(qx, zx, qw, zw):
    return ((qx.double() - zx) @ (qw.double() - column(zw)).T).to(torch.int64).to(torch.int32)


def einsum_matmul(qx, zx, qw, zw):
    x, w = qx.to(torch.int32) - zx, qw.to(torch.int32) - column(zw)
    return torch.einsum("nd,od->no", x.double(), w.double()).to(torch.int32)


def summed_matmul(qx, zx, qw, zw):
    return ((qx.double() - zx)[:, None] * (qw.double() - column(zw))).sum(-1).to(torch.int32)


def numpy_matmul(qx, zx, qw, zw):
    w = qw.numpy().astype(np.float64) - np.asarray(column(zw))
    return torch.from_numpy(((qx.numpy().astype(np.float64) - zx) @ w.T).astype(np.int32))


def listed_matmul(qx, zx, qw, zw):
    x, w = np.array(qx, dtype=np.float64) - zx, np.array(qw - 0, dtype=np.float64)
    return torch.from_numpy((x @ (w - np.array(column(zw))).T).astype(np.int32))


def linear_by(matmul):
    def int8_linear(qx, scale_in, zero_in, qw, scale_w, zero_w, bias, scale_out, zero_out):
        acc = matmul(qx, zero_in, qw, zero_w).double() + (0 if bias is None else bias)
        return saturated(acc * (scale_in * along(scale_w, 2) / scale_out), zero_out, qx.dtype)

    return int8_linear


def conv_by(matmul):
    def int8_conv2d(qx, scale_in, zero_in, qw, scale_w, zero_w, bias, scale_out, zero_out, stride=1, padding=0):
        padded = torch.nn.functional.pad(qx, (padding,) * 4, value=zero_in)
        windows = padded.unfold(2, qw.shape[2], stride).unfold(3, qw.shape[3], stride).permute(0, 2, 3, 1, 4, 5)
        acc = matmul(windows.flatten(3).flatten(0, 2), zero_in, qw.flatten(1), zero_w)
        acc = acc.double() + (0 if bias is None else bias)
        maps = acc.view(*windows.shape[:3], -1).permute(0, 3, 1, 2)
        return saturated(maps * (scale_in * along(scale_w, 4) / scale_out), zero_out, qx.dtype)

    return int8_conv2d


def float_conv(qx, scale_in, zero_in, qw, scale_w, zero_w, bias, scale_out, zero_out, stride=1, padding=0):
    x, w = (qx.double() - zero_in) * scale_in, qw.double() - zero_w
    y = torch.conv2d(x, w, None, stride, padding) + (0 if bias is None else scale_in * bias.double()[:, None, None])
    return saturated(y * along(scale_w, 4) / scale_out, zero_out, qx.dtype)


WAYS = (float_matmul, einsum_matmul, summed_matmul, numpy_matmul, listed_matmul)


def points(name, answer):
    verdict = evaluate(find(f"quantization.{name}"), loopback(answer), secret=b"any")
    assert verdict.status in (Status.PASSED, Status.PARTIAL, Status.FAILED, Status.ERROR)
    return verdict.points / verdict.max_points


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_floats_get_nothing_where_integers_are_asked(way):
    assert points("int8_matmul", way) == 0
    assert points("int8_linear", linear_by(way)) == 0
    assert points("int8_conv2d", conv_by(way)) == 0


def test_arrays_of_numpy_are_refused_in_words_and_work_again_afterwards():
    q = torch.tensor([[1, 2]], dtype=torch.int8)
    for way in (numpy_matmul, listed_matmul):
        outcome = call_observed(loopback(way), observers.multiplied, (q, 0, q, 0), {})
        assert outcome.raised.kind == "UnexpectedAnswer"
        assert "stay with torch's tensors" in outcome.raised.message
    assert q.numpy().tolist() == np.asarray(q).tolist() == [[1, 2]]
    assert "numpy" not in vars(torch.Tensor)


def test_the_same_layers_around_integers_get_everything():
    assert points("int8_linear", linear_by(quantization.int8_matmul)) == 1
    assert points("int8_conv2d", conv_by(quantization.int8_matmul)) == 1
    assert points("int8_conv2d", float_conv) == 0


def test_floats_that_are_whole_are_no_integers():
    def quantize(x, scale, zero_point, bits=8, signed=True):
        return quantization.quantize(x, scale, zero_point, bits, signed).float()

    def requantize(*args, **more):
        return quantization.requantize(*args, **more).float()

    assert points("quantize", quantize) == 0
    assert points("requantize", requantize) == 0


def test_single_precision_is_too_short_for_sums_of_32_bits():
    def requantize(acc, scale_in, scale_w, scale_out, zero_out, bits=8, signed=True):
        single = torch.tensor(acc.tolist(), dtype=torch.float32).to(torch.int32)
        return quantization.requantize(single, scale_in, scale_w, scale_out, zero_out, bits, signed)

    assert points("requantize", requantize) < 1


class Stored(nn.Module):
    """Integers in the state, floats in the product."""

    def __init__(self, layer):
        super().__init__()
        scale = layer.weight.detach().abs().flatten(1).amax(1).view(-1, *[1] * (layer.weight.dim() - 1)) / 127
        self.register_buffer("scale", scale)
        self.register_buffer("weight", torch.round(layer.weight.detach() / scale).to(torch.int8))
        self.register_buffer("bias", layer.bias.detach())
        self.geometry = (layer.stride, layer.padding) if self.weight.dim() == 4 else None

    def forward(self, x):
        w = self.weight * self.scale
        if self.geometry is None:
            return nn.functional.linear(x, w, self.bias)
        return torch.conv2d(x, w, self.bias, *self.geometry)


def test_a_network_that_stores_integers_and_multiplies_floats_loses_that_group():
    def quantize_model(model, calibration):
        return nn.Sequential(*(Stored(layer) if hasattr(layer, "weight") else layer for layer in model))

    verdict = evaluate(find("quantization.quantize_model"), loopback(quantize_model), secret=b"any")
    assert verdict.points == verdict.max_points - 1
    assert verdict.misconception == "model_only_stores_integers"


def test_a_network_is_worked_on_once_for_all_cases_that_look_at_it():
    trained, quantized = [], []

    def train_aware(model, data, bits):
        trained.append(bits)
        return copy.deepcopy(model)

    def quantize_model(model, calibration):
        quantized.append(calibration.shape[1:])
        return nn.Sequential(*(Stored(layer) if hasattr(layer, "weight") else layer for layer in model))

    evaluate(find("quantization.train_aware"), loopback(train_aware), secret=b"any")
    assert trained == [2, 8, 3, 2]
    evaluate(find("quantization.quantize_model"), loopback(quantize_model))
    assert quantized == [(64,), (1, 8, 8)]


def test_what_comes_back_is_an_integer_tensor_or_refused():
    x = torch.tensor([1.0])
    assert seen(observers.quantized, quantization.quantize, x, 1.0, 0)["dtype"] == "int8"
    with pytest.raises(UnexpectedAnswer, match="is a list of 1; expected a torch tensor of integers"):
        seen(observers.quantized, lambda *args: [1], x, 1.0, 0)
    with pytest.raises(UnexpectedAnswer, match=r"type int; expected a torch nn\.Module"):
        seen(observers.compressed, lambda model, calibration: 3, [("relu",)], x, x)
    image, weight, norm = torch.ones(1, 1, 2, 2), torch.ones(1, 1, 1, 1), (torch.ones(1),) * 4
    with pytest.raises(UnexpectedAnswer, match=r"type int; expected a torch nn\.Conv2d"):
        seen(observers.folded, lambda conv, bn: 3, image, weight, None, norm, 1.0, 1, 0)


def test_a_value_without_a_gradient_has_none():
    x = torch.tensor([0.4, 9.0])
    flat = seen(observers.differentiated, lambda x, *_: x.detach().round(), x, 1.0, 0, 3, torch.ones(2))
    assert flat["gradient"] is None
    straight = seen(observers.differentiated, quantization.fake_quantize, x, 1.0, 0, 3, torch.ones(2))
    assert straight["gradient"].tolist() == [1, 0]


def test_random_numbers_and_threads_are_left_alone(two_threads):
    layers = [("linear", torch.eye(3), torch.zeros(3)), ("relu",), ("linear", torch.eye(3), torch.zeros(3))]
    state = torch.random.get_rng_state()
    x, labels = torch.eye(3).repeat(8, 1), torch.arange(3).repeat(8)
    value = seen(observers.trained_aware, quantization.train_aware, layers, x, labels, 2)
    assert value["as it was"]
    assert list(value["state"]) == ["0.weight", "0.bias", "2.weight", "2.bias"]
    assert torch.equal(state, torch.random.get_rng_state())
    assert torch.get_num_threads() == two_threads


@pytest.fixture
def blind(monkeypatch):
    """Whatever runs beside the answer sees no float."""

    def start(watch):
        pass

    def stop(watch):
        return {"products": 0, "sums": 0, "made": 0}

    for function in (start, stop):
        function.__module__, function.__qualname__ = harness.__name__, function.__name__
        monkeypatch.setattr(harness, function.__name__, function)


def single_matmul(qx, zx, qw, zw):
    return ((qx.float() - zx) @ (qw.float() - column(zw)).T).to(torch.int32)


@pytest.mark.usefixtures("blind")
def test_a_blind_watch_earns_nothing_for_short_floats():
    assert points("int8_matmul", single_matmul) == 2 / 3
    assert points("int8_linear", linear_by(single_matmul)) == 1 / 2


class Cached(Stored):
    """Integers in the state that nothing is computed with."""

    def __init__(self, layer):
        super().__init__(layer)
        self.cached = self.weight * self.scale

    def forward(self, x):
        if self.geometry is None:
            return nn.functional.linear(x, self.cached, self.bias)
        return torch.conv2d(x, self.cached, self.bias, *self.geometry)


@pytest.mark.usefixtures("blind")
def test_floats_beside_the_state_are_counted_by_the_judge():
    layers = [("linear", torch.linspace(-1, 1, 600).reshape(30, 20), torch.zeros(30))]
    for kind, share, reacts in ((Stored, 0.4, True), (Cached, 1.4, False)):
        found = seen(
            observers.compressed,
            lambda model, calibration, kind=kind: nn.Sequential(*map(kind, model)),
            layers, torch.rand(8, 20), torch.rand(16, 20),
        )  # fmt: skip
        before, after = found["bytes"]
        assert after < share * before
        assert found["react"] == [reacts]
        assert found["float products"] == 1
        assert found["logits"].shape == (16, 30)

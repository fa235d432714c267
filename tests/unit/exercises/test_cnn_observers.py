"""The judge sees convolutions whatever they are called, and what a network depends on."""

import pytest
import torch
from torch import nn
from torch.nn.utils.parametrizations import weight_norm

from autograder.exercise import Case, Exercise
from autograder.exercises.cnn import observers
from autograder.exercises.replay import Replay
from autograder.harness import models
from autograder.judge.answer import apply_observed
from autograder.objects import UnexpectedAnswer

PROBES = torch.rand(3, 1, 8, 8, generator=torch.Generator().manual_seed(0))


def observed(observer, build, *args):
    """What an observer sees of a function of the judge's own, and the exception that was raised."""
    exercise = Exercise("toy.build", build, "build", {"a": 1}, lambda _: [], lambda _: [], through=observer)
    outcome = apply_observed(exercise, build, Case("one", args), args, {})
    return outcome.value, outcome.raised


class ByHand(nn.Module):
    """A convolution that only its operators give away."""

    def __init__(self, classes, unfolds):
        super().__init__()
        self.weight, self.last = nn.Parameter(torch.randn(4, 1, 3, 3)), nn.Linear(4 * 36, classes)
        self.unfolds = unfolds

    def forward(self, x):
        if self.unfolds:
            maps = self.weight.reshape(4, -1) @ nn.functional.unfold(x, 3)
        else:
            maps = nn.functional.conv2d(x, self.weight)
        return self.last(torch.relu(maps).flatten(1))


class Borrowed(nn.Module):
    """A dense layer beside a convolution whose kernels are no parameters."""

    def __init__(self, classes):
        super().__init__()
        self.last = nn.Linear(64, classes)

    def forward(self, x):
        return self.last(x.flatten(1)) + 0 * nn.functional.conv2d(x, torch.ones(1, 1, 3, 3)).mean()


@pytest.mark.parametrize(
    ("build", "kernels"),
    [
        (lambda classes: nn.Sequential(nn.Conv2d(1, 6, 3), nn.ReLU(), nn.Flatten(), nn.Linear(216, classes)), 6),
        (lambda classes: ByHand(classes, unfolds=False), 4),
        (lambda classes: ByHand(classes, unfolds=True), 1),
        (lambda classes: nn.Sequential(nn.Flatten(), nn.Linear(64, classes)), 0),
        (lambda classes: nn.Sequential(nn.Conv2d(1, classes, 8), nn.Flatten()), 0),
        (lambda classes: nn.Sequential(nn.Conv2d(1, 2, 1), nn.Flatten(), nn.Linear(128, classes)), 0),
        (Borrowed, 0),
        (lambda classes: nn.Sequential(weight_norm(nn.Conv2d(1, 5, 3)), nn.Flatten(), nn.Linear(180, classes)), 5),
        (lambda classes: nn.Sequential(nn.Unfold(3), nn.Flatten(), nn.Linear(324, classes)), 0),
        (lambda classes: nn.Sequential(nn.LazyConv2d(6, 3), nn.Flatten(), nn.LazyLinear(classes)), 6),
    ],
    ids=[
        "module",
        "functional",
        "unfold",
        "dense",
        "as large as the image",
        "one pixel",
        "not its own",
        "parametrised",
        "dense on patches",
        "lazy",
    ],
)
def test_kernels_that_look_at_several_places_are_counted(build, kernels):
    looks, _ = observed(observers.built, build, 5, PROBES, 0)
    assert looks["kernels"] == kernels
    assert looks["logits"].shape == (3, 5)
    assert looks["single"].shape == (1, 5)


class OwnConvolution(nn.Module):
    """Four kernels of 3 x 3, applied without nn.Conv2d, F.conv2d and F.unfold."""

    def __init__(self, classes, how):
        super().__init__()
        self.weight, self.last, self.how = nn.Parameter(torch.randn(4, 1, 3, 3)), nn.Linear(4 * 36, classes), how

    def maps(self, x):
        w, taps = self.weight, [(i, j) for i in range(3) for j in range(3)]
        rows = torch.arange(6)[:, None, None, None] + torch.arange(3)[None, None, :, None]
        columns = torch.arange(6)[None, :, None, None] + torch.arange(3)
        if self.how == "shifted copies":
            return sum((x[:, None, :, i : i + 6, j : j + 6] * w[None, :, :, i, j, None, None]).sum(2) for i, j in taps)
        if self.how == "shifted products":
            return sum(torch.einsum("ncij,oc->noij", x[:, :, i : i + 6, j : j + 6], w[:, :, i, j]) for i, j in taps)
        if self.how == "stacked":
            patches = torch.stack([x[:, :, i : i + 6, j : j + 6] for i, j in taps], dim=-1)
            return torch.einsum("ncijk,ock->noij", patches, w.flatten(2))
        if self.how == "filled in":
            patches = torch.zeros(len(x), 1, 3, 3, 6, 6)
            for i, j in taps:
                patches[:, :, i, j] = x[:, :, i : i + 6, j : j + 6]
            return (w.reshape(4, 9) @ patches.reshape(len(x), 9, 36)).reshape(len(x), 4, 6, 6)
        if self.how == "indices":
            return torch.einsum("ncijkl,ockl->noij", x[:, :, rows, columns], w)
        if self.how == "indices, multiplied":
            return (x[:, None, :, rows, columns] * w[None, :, :, None, None]).sum((2, 5, 6))
        if self.how == "windows":
            return torch.tensordot(x.unfold(2, 3, 1).unfold(3, 3, 1), w, dims=([1, 4, 5], [1, 2, 3])).movedim(-1, 1)
        if self.how == "vmap":
            return torch.vmap(lambda image: nn.functional.conv2d(image[None], w)[0])(x)
        one = lambda i, j: (x[:, None, :, i : i + 3, j : j + 3] * w).sum((2, 3, 4))  # noqa: E731
        return torch.stack([torch.stack([one(i, j) for j in range(6)], dim=-1) for i in range(6)], dim=-2)

    def forward(self, x):
        return self.last(torch.relu(self.maps(x)).flatten(1))


HAND_MADE = """shifted copies
shifted products
stacked
filled in
indices
indices, multiplied
windows
vmap
place by place"""


@pytest.mark.parametrize("how", HAND_MADE.splitlines())
def test_convolutions_by_hand_are_seen(how):
    looks, raised = observed(observers.built, lambda classes: OwnConvolution(classes, how), 5, PROBES, 0)
    assert raised is None
    assert looks["kernels"] >= 1


class Sliced(nn.Module):
    """A dense network on parts of the image, with a scale: no convolution."""

    def __init__(self, classes):
        super().__init__()
        self.parts, self.scale = nn.Parameter(torch.randn(4, 16, classes)), nn.Parameter(torch.ones(1))

    def forward(self, x):
        rows = [self.scale * x[:, 0, 2 * place : 2 * place + 2].flatten(1) for place in range(2)]
        return sum(torch.relu(row @ self.parts[place]) for place, row in enumerate(rows))


def test_a_dense_network_on_parts_of_the_image_does_not_convolve():
    looks, _ = observed(observers.built, Sliced, 5, PROBES, 0)
    assert looks["kernels"] == 0


def test_frozen_parameters_count():
    def build(classes):
        net = nn.Sequential(nn.Conv2d(1, 6, 3), nn.ReLU(), nn.Flatten(), nn.Linear(216, classes))
        net[0].requires_grad_(False)
        return net

    looks, _ = observed(observers.built, build, 5, PROBES, 0)
    assert looks["parameters"] == 60 + 217 * 5
    assert looks["kernels"] == 6


def test_the_global_generator_stays_as_it_was():
    torch.manual_seed(5)
    state = torch.get_rng_state()
    build = lambda classes: nn.Sequential(nn.Flatten(), nn.Linear(64, classes))  # noqa: E731
    first, _ = observed(observers.built, build, 2, PROBES, 1)
    assert torch.equal(torch.get_rng_state(), state)
    torch.rand(1)
    second, _ = observed(observers.built, build, 2, PROBES, 1)
    assert torch.equal(first["logits"], second["logits"])


def test_too_large_a_network_is_not_trained():
    build = lambda classes: nn.Sequential(nn.Flatten(), nn.Linear(64, 400), nn.Linear(400, classes))  # noqa: E731
    labels = torch.zeros(3, dtype=torch.int64)
    found, _ = observed(observers.trained, build, 10, PROBES, PROBES, labels, PROBES, 0)
    assert found["parameters"] > observers.LARGEST
    assert found["predicted"] is None


class AgainstTheBatch(nn.Module):
    """Its logits depend on the mean of the batch, but not where an image is alone or one of three."""

    def __init__(self, classes):
        super().__init__()
        self.net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(72, classes))

    def forward(self, x):
        return self.net(x) - (self.net(x).mean(0) if len(x) > 3 else 0)


@pytest.mark.parametrize(("build", "alone"), [(AgainstTheBatch, False), (lambda classes: ByHand(classes, True), True)])
def test_what_depends_on_its_batch_is_seen(build, alone):
    images, labels = torch.rand(32, 1, 8, 8), torch.arange(32) % 4
    found, raised = observed(observers.trained, build, 4, PROBES, images, labels, torch.rand(8, 1, 8, 8), 0)
    assert raised is None
    assert found["alone"] is alone


def test_a_recording_takes_over_the_numbers_of_the_same_model_alone():
    small, large = (nn.Sequential(nn.Flatten(), nn.Linear(64, size)) for size in (2, 3))
    first, second = (Replay(models.recorded(small, [PROBES]), 1) for _ in range(2))
    nn.init.zeros_(first.named("1.weight"))
    second.take(first)
    assert torch.equal(second(PROBES), first(PROBES))
    with pytest.raises(UnexpectedAnswer, match="other parameters in training mode"):
        first.take(Replay(models.recorded(large, [PROBES]), 1))


def test_numbers_that_are_no_parameters_are_counted():
    table = torch.rand(300, 64)
    replay = Replay(models.recorded(lambda x: x.flatten(1) @ table.T, [PROBES]), 1)
    assert replay.trainable == {}
    assert replay.numbers == table.numel()


def test_what_is_no_network_is_told_so():
    _, raised = observed(observers.built, lambda classes: 3, 2, PROBES, 0)
    assert raised.message == "build_cnn returned an object of type int; expected a torch nn.Module"

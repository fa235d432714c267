"""The harness of the digits network sees convolutions whatever they are called, and trains by the course's recipe."""

import pytest
import torch
from torch import nn

from autograder.harness import UnexpectedAnswer
from autograder.harness import cnn as harness

PROBES = torch.rand(3, 1, 8, 8, generator=torch.Generator().manual_seed(0))


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
    ],
    ids=["module", "functional", "unfold", "dense", "as large as the image", "one pixel", "not its own"],
)
def test_kernels_that_look_at_several_places_are_counted(build, kernels):
    looks = harness.built(build, 5, PROBES, 0)
    assert looks["kernels"] == kernels
    assert looks["logits"].shape == (3, 5)
    assert looks["single"].shape == (1, 5)


def test_the_global_generator_and_the_threads_stay_as_they_were(two_threads):
    torch.manual_seed(5)
    state = torch.get_rng_state()
    build = lambda classes: nn.Linear(8, classes)  # noqa: E731
    harness.built(build, 2, torch.rand(3, 8, generator=torch.Generator()), 1)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_num_threads() == two_threads


def test_too_large_a_network_is_not_trained():
    build = lambda classes: nn.Sequential(nn.Flatten(), nn.Linear(64, 400), nn.Linear(400, classes))  # noqa: E731
    found = harness.trained(build, 10, PROBES, PROBES, torch.zeros(3, dtype=torch.int64), PROBES, 0)
    assert found["parameters"] > harness.LARGEST
    assert found["predicted"] is None


@pytest.mark.parametrize(
    ("answer", "said"), [(nn.Linear(2, 2), "expected a function"), (lambda classes: 3, "type int")]
)
def test_what_is_no_builder_is_told_so(answer, said):
    with pytest.raises(UnexpectedAnswer, match=said):
        harness.built(answer, 2, PROBES, 0)

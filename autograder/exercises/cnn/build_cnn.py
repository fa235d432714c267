"""Two convolutions with batch normalisation, ReLU and pooling, then a linear layer: 6,186 parameters in all."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from autograder.exercise import Case
from autograder.exercises.cnn import observers
from autograder.exercises.cnn.observers import LARGEST
from autograder.exercises.declare import Asks, accepts, hidden, mistake, right, slip, visible
from course_lib import cnn
from course_lib.drawn_digits import class_digits

ASKS = Asks(
    cnn.build_cnn,
    signature="build_cnn(classes=10) -> nn.Module from images (N, 1, 8, 8) to logits (N, classes)",
    points={"builds": 2, "learns": 2},
    seconds=30.0,
    hints=(
        "How many numbers reach your last fully connected layer, and how many weights is that times the classes? Pool "
        "until they are few.",
        "Convolution, activation, pooling, and the same again with more channels; then flatten, and one linear "
        "layer gives the logits. Batch normalisation after each convolution helps a short training. There is no "
        "softmax.",
        "`nn.Sequential` with twice `nn.Conv2d(c_in, c_out, 3, padding=1)`, `nn.BatchNorm2d(c_out)`, `nn.ReLU()`, "
        "`nn.MaxPool2d(2)`, with 1 to 16 and 16 to 32 channels, then `nn.Flatten()` and `nn.Linear(128, classes)`.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


DRAWN, HELD_OUT, TRAINED_ON = 2_600, 1_000, 1_440


def _probes(rng: np.random.Generator) -> Any:
    """Two images and the one halfway between them."""
    import torch

    two = rng.random((2, 1, 8, 8))
    return torch.from_numpy(np.concatenate([two, two.mean(axis=0, keepdims=True)]).astype(np.float32))


def _built(name: str, rng: np.random.Generator, classes: int | None) -> Case:
    return Case(name, (classes, _probes(rng), int(rng.integers(2**31))), group="builds", through=observers.built)


def _trained(name: str, rng: np.random.Generator) -> Case:
    """Digits that are drawn for this case, with permuted labels. None of them leaves the judge."""
    import torch

    images, labels = _legible(*class_digits(rng, DRAWN))
    x, classes = torch.from_numpy(images), torch.from_numpy(rng.permutation(10)[labels])
    end = HELD_OUT + TRAINED_ON
    args = (10, _probes(rng), x[HELD_OUT:end], classes[HELD_OUT:end], x[:HELD_OUT], int(rng.integers(2**31)))
    return Case(name, args, group="learns", known=classes[:HELD_OUT], through=observers.trained)


def _legible(images: Any, labels: Any) -> tuple[Any, Any]:
    """Leaves out what is closest to other digits than its own: at least four of the eight nearest images agree."""
    import torch

    rows = torch.from_numpy(images.reshape(len(images), -1))
    apart = torch.cdist(rows, rows).fill_diagonal_(math.inf)
    nearest = apart.topk(8, largest=False).indices.numpy()
    clear = (labels[nearest] == labels[:, None]).mean(axis=1) >= 0.5
    return images[clear], labels[clear]


@visible
def visible_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield _built("ten classes", rng, 10)
    yield _built("four classes", rng, 4)
    yield _trained("trained, then tested on unseen digits", rng)


@hidden
def hidden_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield _built("seven classes", rng, 7)
    yield _built("as many classes as by default", rng, None)
    yield _trained("trained on other digits", rng)


# --- the judge -----------------------------------------------------------------------------------------------


def are_probabilities(logits: Any) -> bool:
    """Whether every row is positive and adds up to 1."""
    rows = np.asarray(logits)
    return bool((rows >= 0).all() and np.allclose(rows.sum(axis=-1), 1, atol=1e-4))


def is_affine(logits: Any) -> bool:
    """Whether the third probe, which is the mean of the first two, gets the mean of their logits."""
    rows = np.asarray(logits)
    one, other, middle = rows
    return bool(np.allclose(middle, (one + other) / 2, atol=1e-4 * max(1.0, float(np.abs(rows).max()))))


LOWEST_ACCURACY = 0.97
"""Accuracy that a trained network must reach on digits that it has not seen."""


@accepts
def accepts_network(case: Case, value: Any) -> str | None:
    classes = 10 if case.args[0] is None else case.args[0]
    problem = _form(classes, value["logits"], value["again"], value["single"])
    if problem is not None:
        return problem
    if value["parameters"] > LARGEST:
        return f"the network has {value['parameters']:,} parameters; at most {LARGEST:,} are allowed"
    if value["kernels"] == 0:
        return "the network does not convolve: none of its kernels is applied in more than one position of the image"
    if value["numbers"] > 2 * LARGEST:
        return (
            f"the network holds {value['numbers']:,} numbers, though only {value['parameters']:,} are parameters: at "
            f"most {2 * LARGEST:,} are allowed, with buffers and constants"
        )
    if are_probabilities(value["logits"]):
        return "the outputs of each image are positive and add up to 1: return logits, without a softmax"
    if is_affine(value["logits"]):
        return "the network is one straight map: the mean of two images gets exactly the mean of their logits"
    return _learned(value, case.known) if "predicted" in value else None


ALONE = "in eval mode an image's logits change with the other images of its batch"


DRAWS = "in eval mode two calls give two answers: dropout must stop there, so pass it self.training"


def _form(classes: int, logits: Any, again: Any, single: Any) -> str | None:
    for count, found in ((3, logits), (1, single)):
        if tuple(found.shape) != (count, classes):
            return f"{count} images give outputs of shape {tuple(found.shape)}; expected {(count, classes)}"
    if not np.array_equal(np.asarray(logits), np.asarray(again), equal_nan=True):
        return DRAWS
    if not np.allclose(np.asarray(logits[:1]), np.asarray(single), atol=1e-4):
        return ALONE
    return None


def _learned(value: Any, labels: Any) -> str | None:
    predicted = value["predicted"]
    if tuple(predicted.shape) != tuple(labels.shape):
        return f"the predictions have shape {tuple(predicted.shape)}; expected {tuple(labels.shape)}"
    if not value["alone"]:
        return ALONE
    share = float((np.asarray(predicted) == np.asarray(labels)).mean())
    if share < LOWEST_ACCURACY:
        return (
            f"after the course's training it classifies {100 * share:.1f} % of {len(labels)} unseen digits correctly; "
            "at least 97 % must be right"
        )
    return None


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(classes=10):
    import torch

    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.one = torch.nn.Conv2d(1, 16, 3, padding=1)
            self.two = torch.nn.Conv2d(16, 32, 3, padding=1)
            self.out = torch.nn.Linear(128, classes)

        def forward(self, x):
            x = torch.nn.functional.max_pool2d(torch.relu(self.one(x)), 2)
            x = torch.nn.functional.max_pool2d(torch.relu(self.two(x)), 2)
            return self.out(x.flatten(1))

    return Net()


@right("other formula")
def other_formula(n_classes=10):
    from torch import nn

    block = lambda c_in, c_out, step: (nn.Conv2d(c_in, c_out, 3, step, 1, bias=False), nn.BatchNorm2d(c_out), nn.ReLU())
    body = (*block(1, 16, 1), *block(16, 24, 2), *block(24, 32, 1))
    return nn.Sequential(*body, nn.AvgPool2d(2), nn.Flatten(), nn.Dropout(0.1), nn.Linear(128, n_classes))


# --- mistakes -----------------------------------------------------------------------------------------------


@mistake(shows=lambda _, value: value["kernels"] == 0)
def cnn_dense(classes=10):
    """This network does not convolve: it flattens the image and connects everything to everything. Begin with
    nn.Conv2d, whose small kernels look at every position."""
    from torch import nn

    return nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, classes))


@mistake(shows=lambda _, value: value["parameters"] > LARGEST)
def cnn_too_large(classes=10):
    """The network has too many parameters. Count them: a fully connected layer after wide feature maps is the usual
    reason, and pooling before it is the cure."""
    from torch import nn

    return nn.Sequential(nn.Conv2d(1, 128, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(128 * 64, classes))


@mistake(shows=lambda _, value: are_probabilities(value["logits"]))
def cnn_probabilities(classes=10):
    """The outputs are probabilities: a softmax ends your network. Return the logits. The loss contains its own
    softmax, and a second one makes the gradients small."""
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(64, classes),
        nn.Softmax(dim=1),
    )


@mistake(shows=lambda _, value: value["kernels"] > 0 and is_affine(value["logits"]))
def cnn_without_activation(classes=10):
    """There is no activation between the layers, so all of them together are one straight map. Put a ReLU after each
    convolution."""
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.Conv2d(8, 8, 3, stride=2, padding=1), nn.Flatten(), nn.Linear(128, classes)
    )


@mistake(shows=lambda _, value: value["single"].ndim == 1)
def cnn_squeezes(classes=10):
    """A batch of one image loses its batch axis: squeeze() drops every axis of length 1. Use nn.Flatten(), or
    x.flatten(1), which keep the first axis."""
    from torch import nn

    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Sequential(
                nn.Conv2d(1, 16, 3, padding=1),
                nn.BatchNorm2d(16),
                nn.ReLU(),
                nn.MaxPool2d(2),
                nn.Conv2d(16, 32, 3, padding=1),
                nn.BatchNorm2d(32),
                nn.ReLU(),
                nn.AdaptiveAvgPool2d(1),
            )
            self.last = nn.Linear(32, classes)

        def forward(self, x):
            return self.last(self.body(x).squeeze())

    return Network()


cnn_always_ten = slip(
    cnn.build_cnn,
    ("nn.BatchNorm2d(16),", ""),
    ("nn.BatchNorm2d(32),", ""),
    ("nn.Linear(32 * 2 * 2, classes)", "nn.Linear(128, 10)"),
    says="The number of classes is ignored: there are always ten logits. Pass `classes` to the last layer.",
    shows=lambda _, value: tuple(value["logits"].shape) == (3, 10),
)

"""Convolutional networks as the judge sees them: recorded, trained by the course's recipe; and training loops on a
network that the judge lends."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from autograder.exercises import observe
from autograder.exercises.replay import Ran, Replay
from autograder.harness import models
from autograder.objects import Answer, Built, Kept

__all__ = ["LARGEST", "built", "epoch", "evaluated", "kernels", "trained"]

LARGEST = 20_000
"""The most parameters that the network for the digits may have."""
EPOCHS, BATCH, RATE, SMOOTHING = 12, 32, 0.01, 0.1
"""The course's fixed recipe: Adam with a cosine schedule down to 0, and label smoothing."""


# --- the network for the digits ---------------------------------------------------------------------------


def built(answer: Answer, classes: int, probes: Tensor, seed: int) -> dict[str, Any]:
    """Has the network built, and looks at it untrained and in eval mode.

    Returns:
        `logits` of the probes, `single` of the first probe alone, the number of `parameters`, how many `numbers` it
        holds with its buffers and constants, and how many `kernels` it applies at more than one position.
    """
    with observe.seeded(answer, seed), _seeded(seed):
        return _looks(answer, _network(answer, classes), probes)


def trained(
    answer: Answer, classes: int, probes: Tensor, images: Tensor, labels: Tensor, held_out: Tensor, seed: int
) -> dict[str, Any]:
    """Has the network built, trains it, and predicts the classes of images that stay with the judge.

    Returns:
        What `built` returns, and `predicted`, (len(held_out),), and `alone`, whether an image's logits are the same
        beside other images; both None if the network is too large to be trained.
    """
    with observe.seeded(answer, seed), _seeded(seed):
        network = _network(answer, classes)
        looks = _looks(answer, network, probes)
        if looks["parameters"] > LARGEST:
            return looks | {"predicted": None, "alone": None}
        tested = observe.replayed(answer, network, observe.other_numbers(held_out))
        learning = observe.replayed(answer, network, observe.other_numbers(images[:BATCH]), training=True)
        learning.take(tested)  # recording in training mode has moved the averages of batch normalisation
        if looks["kernels"]:
            looks["kernels"] = min(kernels(learning, images[:BATCH]), kernels(tested, held_out))
            learning.take(tested)
        _train(learning, images, labels, torch.Generator().manual_seed(seed))
        tested.take(learning)
        return looks | _predictions(tested, held_out)


def _network(answer: Answer, classes: int) -> Kept:
    return observe.module(answer, answer(classes), "build_cnn returned")


def _looks(answer: Answer, network: Kept, probes: Tensor) -> dict[str, Any]:
    several = observe.replayed(answer, network, observe.other_numbers(probes))
    one = observe.replayed(answer, network, observe.other_numbers(probes[:1]))
    with torch.no_grad():
        return {
            "logits": several(probes),
            "single": one(probes[:1]),
            "parameters": sum(each.numel() for each in several.trainable.values()),
            "numbers": several.numbers,
            "kernels": kernels(several, probes),
        }


def _train(model: Replay, images: Tensor, labels: Tensor, generator: torch.Generator) -> None:
    """The recipe, in whole batches: the last images of each epoch's order, too few for a batch, are left out."""
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE)
    whole = len(labels) // BATCH
    for epoch in range(EPOCHS):
        order = torch.randperm(len(labels), generator=generator)[: whole * BATCH]
        for batch, rows in enumerate(order.split(BATCH)):
            done = (epoch * whole + batch) / (EPOCHS * whole)
            optimizer.param_groups[0]["lr"] = RATE * (1 + math.cos(math.pi * done)) / 2
            optimizer.zero_grad()
            loss = functional.cross_entropy(model(images[rows]), labels[rows], label_smoothing=SMOOTHING)
            loss.backward()
            optimizer.step()


def _predictions(model: Replay, images: Tensor) -> dict[str, Any]:
    """The classes of images, and whether the first half's logits are the same beside others than the second half."""
    half = len(images) // 2
    with torch.no_grad():
        logits, beside = model(images), model(torch.cat([images[:half], images[:half].flip(0)], dim=0))
    same = logits.shape == beside.shape and torch.allclose(logits[:half], beside[:half], atol=1e-3)
    return {"predicted": logits.argmax(dim=1), "alone": same}


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """A seed for what a network draws while it is trained; the global generator stays as it was."""
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(seed)
        yield


# --- kernels ----------------------------------------------------------------------------------------------

_CONVOLUTIONS = {"convolution", "_convolution", "mkldnn_convolution"}
_PATCHES = {"im2col", "unfold", "as_strided"}
_PRODUCTS = {"mm", "bmm", "mv", "addmm", "baddbmm", "addmv"}


def kernels(model: Replay, images: Tensor) -> int:
    """How many kernels the model applies at several positions of an image, whatever they are called in Python.

    A kernel is trained, or computed from what is trained and from nothing else. It is applied by a convolution, or
    by a product with patches.
    """
    weights = {model.slot(name) for name in model.trainable}
    seen, patches, found = {0}, set[int](), 0
    with torch.no_grad():
        for ran in model.watched(images):
            found += _convolves(ran, weights, seen) or _multiplies(ran, weights, patches, len(images))
            if ran.sources & seen:
                seen |= ran.made
                if ran.operator in _PATCHES or ran.sources & patches:
                    patches |= ran.made
            elif ran.sources & weights:
                weights |= ran.made
    return found


def _convolves(ran: Ran, weights: set[int], seen: set[int]) -> int:
    if ran.operator not in _CONVOLUTIONS or ran.positional[0] not in seen or ran.positional[1] not in weights:
        return 0
    weight = ran.values[ran.positional[1]]
    [result] = ran.made
    places = math.prod(ran.values[result].shape[2:])
    return len(weight) if math.prod(weight.shape[2:]) > 1 < places else 0


def _multiplies(ran: Ran, weights: set[int], patches: set[int], count: int) -> int:
    """1 for a product of patches with a weight that every image takes part in several times."""
    factors = [slot for slot in ran.positional if slot is not None][-2:]
    if len(factors) < 2 or not (set(factors) & weights and set(factors) & patches):
        return 0
    [patch] = set(factors) & patches
    [weight] = set(factors) & weights
    if ran.operator in _PRODUCTS:
        length = ran.values[factors[0]].shape[-1]
    elif ran.operator == "mul":
        length = ran.values[weight].numel()
    else:
        return 0
    return int(ran.values[patch].numel() > count * length)


# --- one epoch, one evaluation ----------------------------------------------------------------------------


class _Small:
    """Linear, batch normalisation, ReLU, linear: computed by the judge, which notes each forward pass."""

    def __init__(self, weights: Sequence[Tensor]) -> None:
        self.modes: list[bool] = []
        self.gradients: list[bool] = []
        self.running_mean = torch.zeros_like(weights[1])
        self._running_var = torch.ones_like(self.running_mean)

    def __call__(self, training: bool, weights: Sequence[Tensor], x: Tensor) -> Tensor:
        W1, b1, gamma, beta, W2, b2 = weights
        self.modes.append(training)
        self.gradients.append(torch.is_grad_enabled())
        hidden = functional.linear(x, W1, b1)
        hidden = functional.batch_norm(hidden, self.running_mean, self._running_var, gamma, beta, training)
        return functional.linear(torch.relu(hidden), W2, b2)


def epoch(
    answer: Answer, weights: Sequence[Tensor], x: Tensor, labels: Tensor, batch_size: int, lr: float
) -> dict[str, Any]:
    """One epoch of plain gradient descent on a small network that arrives in eval mode.

    Returns:
        The `loss` that came back, the `weights` afterwards, the `running_mean` of the network's batch normalisation,
        and for each forward pass whether the network was in `training` mode.
    """
    small = _Small(weights)
    model = Built(models.LentModel, (small, list(weights), False))
    optimizer = Built(models.optimizer, (model, lr))
    loss = answer(model, Built(models.loader, (x, labels, batch_size)), optimizer, _device_of(x))
    return {
        "loss": loss,
        "weights": list(answer.through(models.parameters, model).values()),
        "running_mean": small.running_mean,
        "training": small.modes,
    }


def evaluated(answer: Answer, weights: Sequence[Tensor], x: Tensor, labels: Tensor, batch_size: int) -> dict[str, Any]:
    """The accuracy of a small network that arrives in training mode.

    Returns:
        The `accuracy` that came back, and for each forward pass whether the network was in `training` mode and
        whether torch kept track of `gradients`.
    """
    small = _Small(weights)
    model = Built(models.LentModel, (small, list(weights), True))
    accuracy = answer(model, Built(models.loader, (x, labels, batch_size)), _device_of(x))
    return {"accuracy": accuracy, "training": small.modes, "gradients": small.gradients}


def _device_of(x: Tensor) -> Built:
    return Built(models.device, (str(x.device),))

"""Convolutional networks as the judge sees them: recorded, trained by the course's recipe; and training loops on a
network that the judge lends."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from autograder.exercises import observe
from autograder.exercises.replay import Ran, Replay
from autograder.harness import models
from autograder.objects import Answer, Built, Kept, UnexpectedAnswer, described

__all__ = ["LARGEST", "built", "epoch", "evaluated", "kernels", "trained"]

LARGEST = 20_000
"""The most parameters that the network for the digits may have."""
EPOCHS, BATCH, RATE, SMOOTHING = 12, 32, 0.01, 0.1
"""The course's fixed recipe: Adam with a cosine schedule down to 0, and label smoothing."""


# --- the network for the digits ---------------------------------------------------------------------------


def built(answer: Answer, classes: int | None, probes: Tensor, seed: int) -> dict[str, Any]:
    """Has the network built, by default if `classes` is None, and looks at it untrained and in eval mode.

    Returns:
        `logits` of the probes, `again` the same once more, `single` of the first probe alone, the number of
        `parameters`, how many `numbers` it holds with its buffers and constants, and how many `kernels` it applies at
        more than one position.
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


def _network(answer: Answer, classes: int | None) -> Kept:
    return observe.module(answer, answer() if classes is None else answer(classes), "build_cnn returned")


def _looks(answer: Answer, network: Kept, probes: Tensor) -> dict[str, Any]:
    several = observe.replayed(answer, network, observe.other_numbers(probes))
    one = observe.replayed(answer, network, observe.other_numbers(probes[:1]))
    with torch.no_grad():
        return {
            "logits": several(probes),
            "again": several(probes),
            "single": one(probes[:1]),
            "parameters": sum(each.numel() for each in several.own.values()),
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
_PATCHES = {"im2col", "unfold", "as_strided", "index", "gather", "index_select"}
_PRODUCTS = {"mm", "bmm", "mv", "addmm", "baddbmm", "addmv"}
_JOINED, _COPIES = {"cat", "stack"}, {"copy_", "add_"}
_SHIFTS = 4
"""So many shifted copies of an image, as a kernel of 2 x 2 needs, are patches."""


def kernels(model: Replay, images: Tensor) -> int:
    """How many kernels the model applies at several positions of an image, whatever they are called in Python.

    A kernel is a parameter, or computed from parameters and from nothing else. It is applied by a convolution, by a
    product with patches, number by number to shifted copies of the image, or as a whole to many parts of it.
    """
    seen = _Seen(model, len(images))
    with torch.no_grad():
        for ran in model.watched(images):
            seen.look(ran)
    return seen.found


class _Seen:
    """What comes from the images, which of it are patches, and what comes from which parameters alone."""

    def __init__(self, model: Replay, count: int) -> None:
        self._weights = {slot: frozenset([slot]) for slot in map(model.slot, model.own)}
        self._images, self._patches = {0}, set[int]()
        self._shifted: dict[int, int] = {}
        self._pieces: Counter[Any] = Counter()
        self._count, self._found = count, 0

    @property
    def found(self) -> int:
        """The kernels so far."""
        return self._found + sum(times >= _SHIFTS for times in self._pieces.values())

    def look(self, ran: Ran) -> None:
        """Takes one operator into account."""
        self._found += self._convolves(ran)
        for weight, image in self._multiplied(ran):
            often = self._often(ran, weight, image)
            if image in self._patches:
                self._found += often
            elif image in self._shifted:
                self._pieces[self._weights[weight] if often else weight] += 1
        if ran.sources & self._images:
            self._images |= ran.made
            if ran.operator in _PATCHES or ran.sources & self._patches:
                self._patches |= ran.made
            else:
                self._shift(ran)
        elif ran.sources & set(self._weights):
            origin = frozenset[int]().union(*(self._weights.get(slot, frozenset()) for slot in ran.sources))
            self._weights.update(dict.fromkeys(ran.made, origin))

    def _shift(self, ran: Ran) -> None:
        """Notes parts of images; many of them side by side are patches."""
        parts = sum(self._shifted.get(slot, 0) for slot in ran.sources)
        if ran.operator == "slice":
            parts = 1
        elif ran.operator in _COPIES:
            parts = min(parts, 1) + max(self._shifted.get(slot, 0) for slot in ran.made)
        elif ran.operator not in _JOINED:
            parts = min(parts, 1)
        if parts >= _SHIFTS:
            self._patches |= ran.made
        elif parts:
            self._shifted.update(dict.fromkeys(ran.made, parts))

    def _convolves(self, ran: Ran) -> int:
        image, weight = ran.positional[:2] if ran.operator in _CONVOLUTIONS else (None, None)
        if image is None or weight is None or image not in self._images or weight not in self._weights:
            return 0
        kernel = ran.values[weight]
        [result] = ran.made
        places = math.prod(ran.values[result].shape[2:])
        return len(kernel) if math.prod(kernel.shape[2:]) > 1 < places else 0

    def _multiplied(self, ran: Ran) -> list[tuple[int, int]]:
        """Weight and image of a product."""
        factors = [slot for slot in ran.positional if slot is not None][-2:]
        if ran.operator not in _PRODUCTS | {"mul"} or len(factors) < 2:
            return []
        return [
            pair
            for pair in ((factors[0], factors[1]), (factors[1], factors[0]))
            if pair[0] in self._weights and pair[1] in self._images
        ]

    def _often(self, ran: Ran, weight: int, image: int) -> bool:
        """Whether each number of the weight meets every image several times."""
        if ran.operator == "mul":
            [result] = ran.made
            return ran.values[result].numel() > self._count * ran.values[weight].numel()
        first = [slot for slot in ran.positional if slot is not None][-2]
        return ran.values[image].numel() > self._count * ran.values[first].shape[-1]


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
    if loss is None:
        raise UnexpectedAnswer(f"train_epoch returned {described(loss)}; expected the mean loss, a number")
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

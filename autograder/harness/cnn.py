"""Convolutional networks on the student's side: built, observed while they run, trained by the course's recipe.

torch is imported when one of these runs, so that exercises that do not use it need not wait.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from autograder.harness import UnexpectedAnswer

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["LARGEST", "built", "epoch", "evaluated", "trained"]

LARGEST = 20_000
"""The most parameters that the network for the digits may have."""
EPOCHS, BATCH, RATE, SMOOTHING = 12, 32, 0.01, 0.1
"""The course's fixed recipe: Adam with a cosine schedule down to 0, and label smoothing."""


# --- the network for the digits ---------------------------------------------------------------------------


def built(answer: Callable[..., Any], classes: int, probes: Tensor, seed: int) -> dict[str, Any]:
    """Builds the network and observes it, untrained and in eval mode.

    Returns:
        `logits` of the probes, `single` of the first probe alone, the number of `parameters`, and how many `kernels`
        it applies at more than one position.
    """
    with _seeded(seed):
        return _looks(_network(answer, classes), probes)


def trained(
    answer: Callable[..., Any],
    classes: int,
    probes: Tensor,
    images: Tensor,
    labels: Tensor,
    held_out: Tensor,
    seed: int,
) -> dict[str, Any]:
    """Builds and trains the network, and has it predict the classes of images that it has not seen.

    Returns:
        What `built` returns, and `predicted`, (len(held_out),), or None if the network is too large to be trained.
    """
    import torch

    with _seeded(seed):
        model = _network(answer, classes)
        looks = _looks(model, probes)
        if looks["parameters"] > LARGEST:
            return looks | {"predicted": None}
        _train(model, images, labels, torch.Generator().manual_seed(seed))
        model.eval()
        with torch.no_grad():
            return looks | {"predicted": model(held_out).argmax(dim=1)}


def _network(answer: Callable[..., Any], classes: int) -> nn.Module:
    from torch import nn

    if not callable(answer) or isinstance(answer, nn.Module):
        raise UnexpectedAnswer("expected a function that builds a network: def build_cnn(classes=10)")
    model = answer(classes)
    if not isinstance(model, nn.Module):
        raise UnexpectedAnswer(
            f"build_cnn returned an object of type {type(model).__name__}; expected a torch nn.Module"
        )
    return model


def _looks(model: nn.Module, probes: Tensor) -> dict[str, Any]:
    import torch

    model.eval()
    with torch.no_grad(), _watching(model) as kernels:
        logits = model(probes)
    with torch.no_grad():
        single = model(probes[:1])
    return {
        "logits": logits,
        "single": single,
        "parameters": sum(each.numel() for each in model.parameters()),
        "kernels": sum(kernels),
    }


@contextmanager
def _watching(model: nn.Module) -> Iterator[list[int]]:
    """Counts the kernels that are applied at several positions of an image, whatever they are called in Python."""
    import torch
    from torch.utils._python_dispatch import TorchDispatchMode

    found: list[int] = []
    own = {each.untyped_storage().data_ptr() for each in model.parameters()}

    class Watch(TorchDispatchMode):  # type: ignore[no-untyped-call]
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            out = func(*args, **(kwargs or {}))
            name = func.name()
            if name == "aten::convolution" or name.startswith("aten::mkldnn_convolution"):
                weight = args[1]
                places = math.prod(out.shape[2:])
                if math.prod(weight.shape[2:]) > 1 < places and weight.untyped_storage().data_ptr() in own:
                    found.append(len(weight))
            elif name in ("aten::im2col", "aten::unfold") and isinstance(out, torch.Tensor):
                found.append(1)
            return out

    with Watch():  # type: ignore[no-untyped-call]
        yield found


def _train(model: nn.Module, images: Tensor, labels: Tensor, generator: Any) -> None:
    import torch
    from torch.nn import functional

    optimizer = torch.optim.Adam(model.parameters(), lr=RATE)
    steps, done = EPOCHS * math.ceil(len(labels) / BATCH), 0
    model.train()
    for _ in range(EPOCHS):
        for rows in torch.split(torch.randperm(len(labels), generator=generator), BATCH):
            optimizer.param_groups[0]["lr"] = RATE * (1 + math.cos(math.pi * done / steps)) / 2
            optimizer.zero_grad()
            loss = functional.cross_entropy(model(images[rows]), labels[rows], label_smoothing=SMOOTHING)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            done += 1


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """A seed for the initial weights, and one thread: more would wait for each other on a busy machine."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.random.fork_rng(devices=()):
            torch.manual_seed(seed)
            yield
    finally:
        torch.set_num_threads(threads)


# --- one epoch, one evaluation ----------------------------------------------------------------------------


def epoch(
    answer: Callable[..., Any], weights: Sequence[Tensor], x: Tensor, labels: Tensor, batch_size: int, lr: float
) -> dict[str, Any]:
    """One epoch of plain gradient descent on a small network that arrives in eval mode.

    Returns:
        The `loss` that came back, the `weights` afterwards, the `running_mean` of the network's batch normalisation,
        and for each forward pass whether the network was in `training` mode.
    """
    import torch

    model, modes, _ = _watched(weights)
    model.eval()
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    loss = answer(model, _loader(x, labels, batch_size), optimizer, torch.device("cpu"))
    return {
        "loss": loss,
        "weights": [each.detach().clone() for each in model.parameters()],
        "running_mean": model[1].running_mean,
        "training": modes,
    }


def evaluated(
    answer: Callable[..., Any], weights: Sequence[Tensor], x: Tensor, labels: Tensor, batch_size: int
) -> dict[str, Any]:
    """The accuracy of a small network that arrives in training mode.

    Returns:
        The `accuracy` that came back, and for each forward pass whether the network was in `training` mode and
        whether torch kept track of `gradients`.
    """
    import torch

    model, modes, gradients = _watched(weights)
    model.train()
    accuracy = answer(model, _loader(x, labels, batch_size), torch.device("cpu"))
    return {"accuracy": accuracy, "training": modes, "gradients": gradients}


def _watched(weights: Sequence[Tensor]) -> tuple[nn.Sequential, list[bool], list[bool]]:
    """Linear, batch normalisation, ReLU, linear; and what is noted about each forward pass."""
    import torch
    from torch import nn

    hidden, features = weights[0].shape
    dtype = weights[0].dtype
    model = nn.Sequential(
        nn.Linear(features, hidden, dtype=dtype),
        nn.BatchNorm1d(hidden, dtype=dtype),
        nn.ReLU(),
        nn.Linear(hidden, len(weights[-1]), dtype=dtype),
    )
    with torch.no_grad():
        for parameter, weight in zip(model.parameters(), weights, strict=True):
            parameter.copy_(weight)
    modes: list[bool] = []
    gradients: list[bool] = []

    def note(module: nn.Module, inputs: Any) -> None:
        modes.append(module.training)
        gradients.append(torch.is_grad_enabled())

    model.register_forward_pre_hook(note)
    return model, modes, gradients


def _loader(x: Tensor, labels: Tensor, batch_size: int) -> Any:
    from torch.utils.data import DataLoader, TensorDataset

    return DataLoader(TensorDataset(x, labels), batch_size=batch_size)

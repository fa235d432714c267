"""One training loop for every network in the course: mini-batches, a progress bar, and a history.

    history = fit(model, (x, labels), epochs=20, lr=1e-2, test=(x_test, labels_test))
    history.losses[-1], history.accuracies[-1]

Data are a pair `(inputs, targets)` of tensors or NumPy arrays with one example per row, or anything that yields such
pairs batch by batch, such as a `DataLoader`. If the inputs are a tuple, such as the nodes and edges of a graph, the
model is called with all of them. The defaults of `fit` are plain: Adam, cross-entropy, batches of 64 reshuffled in
every epoch from its own seed, so that the same call gives the same network.
"""

from __future__ import annotations

import html
import math
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["Bar", "History", "batches", "cosine", "evaluate", "fit", "parameter_count", "predict", "track"]

Pair = tuple[Any, Any]
Data = Any
"""A pair (inputs, targets), or an iterable of such pairs."""


@dataclass(frozen=True)
class History:
    """What happened, epoch by epoch.

    Attributes:
        losses: the mean training loss over the examples of each epoch, measured while it ran.
        accuracies: the accuracy on the test data after each epoch; empty if none were given.
        seconds: duration of the whole training.
    """

    losses: tuple[float, ...]
    accuracies: tuple[float, ...]
    seconds: float


def fit(
    model: nn.Module,
    data: Data,
    epochs: int,
    lr: float = 1e-2,
    *,
    test: Data | None = None,
    batch_size: int = 64,
    loss: Callable[[Any, Any], Tensor] = functional.cross_entropy,
    optimizer: Callable[..., torch.optim.Optimizer] = torch.optim.Adam,
    schedule: Callable[[float], float] | None = None,
    clip: float | None = None,
    after_step: Callable[[nn.Module], None] | None = None,
    seed: int = 0,
    device: torch.device | str | None = None,
    label: str = "",
    show: bool = True,
) -> History:
    """Trains a model in place.

    Args:
        model: called with a batch of inputs; left in eval mode.
        data: a pair (inputs, targets), or an iterable of pairs that is iterated once per epoch.
        epochs: passes through the data.
        lr: the learning rate that `optimizer` starts with.
        test: data of the same kind; the accuracy on them is measured after every epoch.
        batch_size: for a pair; an iterable makes its own batches.
        loss: from outputs and targets to one number, the mean over the batch.
        optimizer: called as `optimizer(parameters, lr=lr)`: a class of torch.optim or a partial of one.
        schedule: from the share of steps done, 0 to 1, to a factor on `lr`; `cosine` is one.
        clip: the largest norm of all gradients together; longer ones are scaled down to it.
        after_step: called with the model after every step (to keep pruned weights at zero, for example).
        seed: seed for the order of the examples.
        device: where to compute; None leaves everything where the model is.
        label: text before the progress bar.
        show: whether to show the bar.

    Returns:
        The History.

    Raises:
        FloatingPointError: the loss became nan or infinite.
    """
    device = torch.device(device) if device is not None else _device_of(model)
    model.to(device)
    generator = torch.Generator().manual_seed(seed)
    chosen = optimizer((each for each in model.parameters() if each.requires_grad), lr=lr)
    losses: list[float] = []
    accuracies: list[float] = []
    started = time.perf_counter()
    with Bar(epochs, label, show) as bar:
        for epoch in range(epochs):
            total, count = 0.0, 0
            model.train()
            feed = batches(data, batch_size, generator) if _is_pair(data) else data
            steps = _length(data, batch_size)
            for step, (inputs, targets) in enumerate(feed):
                if schedule is not None:
                    _set_rate(chosen, lr * schedule((epoch + step / steps) / epochs))
                value, size = _step(model, chosen, loss, _to(inputs, device), _to(targets, device), clip)
                total, count = total + value * size, count + size
                if after_step is not None:
                    after_step(model)
                bar.show(epoch + (step + 1) / steps, _status(losses, accuracies))
            if not math.isfinite(total):
                raise FloatingPointError(
                    f"the loss is {total} in epoch {epoch + 1}: try a smaller lr than {lr:g}, or clip=1.0"
                )
            losses.append(total / count)
            if test is not None:
                accuracies.append(evaluate(model, test))
            bar.show(epoch + 1, _status(losses, accuracies))
    model.eval()
    return History(tuple(losses), tuple(accuracies), time.perf_counter() - started)


def evaluate(model: nn.Module, data: Data, batch_size: int = 1024) -> float:
    """The share of labels that the highest logit predicts, with the logits along the last dimension.

    The model's mode (training or eval) is restored afterwards.
    """
    right, count, device = 0, 0, _device_of(model)
    with _in_eval_mode(model):
        for inputs, targets in batches(data, batch_size) if _is_pair(data) else data:
            found = _call(model, _to(inputs, device)).argmax(dim=-1)
            labels = _to(targets, device)
            right, count = right + int((found == labels).sum()), count + labels.numel()
    return right / count


def predict(model: nn.Module, inputs: Any, batch_size: int = 1024) -> Tensor:
    """The model's outputs for all inputs, in eval mode and without gradients, on the CPU."""
    device = _device_of(model)
    rows = _tensor(inputs)
    with _in_eval_mode(model):
        return torch.cat([model(part.to(device)).cpu() for part in torch.split(rows, batch_size)])


def batches(data: Pair, batch_size: int, generator: torch.Generator | None = None) -> Iterator[tuple[Tensor, Tensor]]:
    """A pair (inputs, targets) cut into batches: in order, or in an order drawn from `generator`."""
    inputs, targets = map(_tensor, data)
    order = torch.arange(len(targets)) if generator is None else torch.randperm(len(targets), generator=generator)
    for rows in torch.split(order.to(inputs.device), batch_size):
        yield inputs[rows], targets[rows.to(targets.device)]


def cosine(done: float) -> float:
    """A schedule that falls from 1 to 0 along half a cosine."""
    return (1 + math.cos(math.pi * done)) / 2


def parameter_count(model: nn.Module) -> int:
    """The number of learned parameters of a model."""
    return sum(each.numel() for each in model.parameters() if each.requires_grad)


# --- one step ---------------------------------------------------------------------------------------------


def _step(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    loss: Callable[[Any, Any], Tensor],
    inputs: Any,
    targets: Any,
    clip: float | None,
) -> tuple[float, int]:
    optimizer.zero_grad()
    value = loss(_call(model, inputs), targets)
    value.backward()  # type: ignore[no-untyped-call]
    if clip is not None:
        nn.utils.clip_grad_norm_(model.parameters(), clip)
    optimizer.step()
    return float(value.detach()), len(targets)


def _call(model: nn.Module, inputs: Any) -> Any:
    return model(*inputs) if isinstance(inputs, (tuple, list)) else model(inputs)


def _set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = rate


def _is_pair(data: Data) -> bool:
    return isinstance(data, (tuple, list)) and len(data) == 2 and all(hasattr(part, "shape") for part in data)


def _length(data: Data, batch_size: int) -> int:
    if _is_pair(data):
        return math.ceil(len(data[1]) / batch_size)
    return max(1, len(data)) if isinstance(data, Sized) else 1


def _tensor(value: Any) -> Tensor:
    """Floats in single precision, the usual one for networks; integers unchanged."""
    if isinstance(value, Tensor):
        return value
    array = np.ascontiguousarray(value)
    return torch.from_numpy(array.astype(np.float32) if array.dtype == np.float64 else array)


def _to(value: Any, device: torch.device) -> Any:
    if isinstance(value, (tuple, list)):
        return tuple(_to(part, device) for part in value)
    return _tensor(value).to(device)


def _device_of(model: nn.Module) -> torch.device:
    first = next(model.parameters(), None)
    return first.device if first is not None else torch.device("cpu")


@contextmanager
def _in_eval_mode(model: nn.Module) -> Iterator[None]:
    """In eval mode and without gradients; the mode is restored."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for module, mode in modes:
            module.training = mode


# --- the bar ----------------------------------------------------------------------------------------------


def track(steps: Iterable[Any], label: str = "", total: int | None = None) -> Iterator[Any]:
    """Iterates over anything behind a progress bar; pass `total` if it has no length."""
    count = total if total is not None else len(steps) if isinstance(steps, Sized) else 1
    with Bar(count, label) as bar:
        for done, step in enumerate(steps):
            yield step
            bar.show(done + 1)


class Bar:
    """A one-line progress bar, in a notebook or a terminal; shows nothing elsewhere.

    It is plain HTML under a display id, not a widget: it stays visible in a saved notebook and needs no connection to
    the browser.
    """

    def __init__(self, total: float, label: str = "", show: bool = True, every: float = 0.2):
        """`total` is 100 %; the line is redrawn at most once in `every` seconds."""
        self._total, self._label, self._every = max(total, 1e-9), label, every
        self._done, self._status = 0.0, ""
        self._started = self._drawn = time.perf_counter()
        self._handle: Any = None
        self._kind = _surface() if show else ""

    def __enter__(self) -> Bar:
        self._draw()
        return self

    def __exit__(self, *_: object) -> None:
        self._draw()
        if self._kind == "terminal":
            sys.stderr.write("\n")

    def show(self, done: float, status: str = "") -> None:
        """Shows how much is done, with a few words of status."""
        self._done, self._status = done, status
        if self._kind and time.perf_counter() - self._drawn > self._every:
            self._draw()

    def __repr__(self) -> str:
        seconds = time.perf_counter() - self._started
        parts = (self._label, f"{100 * self._done / self._total:.0f} %", f"{seconds:.1f} s", self._status)
        return "   ".join(part for part in parts if part)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        share = self._done / self._total
        line = f'<progress value="{share:.3f}" max="1" style="vertical-align: middle"></progress> '
        return {"text/plain": repr(self), "text/html": f"<div>{line}{html.escape(repr(self))}</div>"}

    def _draw(self) -> None:
        self._drawn = time.perf_counter()
        if self._kind == "terminal":
            sys.stderr.write(f"\r{self!r}\x1b[K")
            sys.stderr.flush()
        elif self._kind == "notebook":
            from IPython.display import display

            if self._handle is None:
                self._handle = display(self, display_id=True)
            elif self._handle:
                self._handle.update(self)


def _surface() -> str:
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if shell is not None and type(shell).__name__ != "TerminalInteractiveShell":
        return "notebook"
    return "terminal" if sys.stderr.isatty() else ""


def _status(losses: list[float], accuracies: list[float]) -> str:
    parts = [f"loss {losses[-1]:.3f}"] if losses else []
    return "   ".join([*parts, *([f"held out {100 * accuracies[-1]:.1f} %"] if accuracies else [])])

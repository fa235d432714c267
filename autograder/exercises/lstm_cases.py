"""The inputs that gated cells are tried on, and what holds for them whatever the numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from autograder.exercise import Case, Probe
from autograder.harness import lstm as harness

DOUBLE, SINGLE = torch.float64, torch.float32
KINDS = ("rnn", "gru", "lstm")


def normal(rng: np.random.Generator, *shape: int, dtype: torch.dtype = DOUBLE, scale: float = 1.0) -> Tensor:
    """Normal numbers on the CPU."""
    return torch.from_numpy(np.asarray(scale * rng.standard_normal(shape))).to(dtype)


def weights(
    rng: np.random.Generator, d: int, hidden: int, gates: int, dtype: torch.dtype = DOUBLE
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """W_ih (kH, D), W_hh (kH, H), b_ih (kH,), b_hh (kH,) for k gates."""
    return (
        normal(rng, gates * hidden, d, dtype=dtype, scale=1.2 / np.sqrt(d)),
        normal(rng, gates * hidden, hidden, dtype=dtype, scale=1.2 / np.sqrt(hidden)),
        normal(rng, gates * hidden, dtype=dtype, scale=0.5),
        normal(rng, gates * hidden, dtype=dtype, scale=0.5),
    )


def seeded(rng: np.random.Generator) -> torch.Generator:
    """A torch generator that the case's own generator seeds."""
    return torch.Generator().manual_seed(int(rng.integers(2**40)))


def by_columns(matrix: Tensor) -> Tensor:
    """The same numbers, stored column by column."""
    return matrix.T.contiguous().T


# --- lstm_cell ------------------------------------------------------------------------------------------


def _step(rng: np.random.Generator, n: int, d: int, hidden: int, dtype: torch.dtype = DOUBLE) -> tuple[Any, ...]:
    h, c = torch.tanh(normal(rng, n, hidden, dtype=dtype)), normal(rng, n, hidden, dtype=dtype, scale=1.5)
    return normal(rng, n, d, dtype=dtype), (h, c), *weights(rng, d, hidden, 4, dtype)


def _by_hand() -> tuple[Any, ...]:
    """One unit; the sums are 0, ln 3, 1 and -ln 3, so the gates are 1/2, 3/4 and 1/4."""
    log3 = float(np.log(3))
    W_ih = torch.tensor([[0.0], [log3], [1.0], [0.0]], dtype=DOUBLE)
    W_hh = torch.tensor([[0.0], [0.0], [0.0], [-2 * log3]], dtype=DOUBLE)
    none = torch.zeros(4, dtype=DOUBLE)
    return W_ih, W_hh, none, none.clone()


def _single(value: float) -> Tensor:
    return torch.tensor([[value]], dtype=DOUBLE)


def cell_visible(rng: np.random.Generator) -> Iterator[Case]:
    """Smallest first."""
    yield Case("one unit", (_single(1.0), (_single(0.5), _single(2.0)), *_by_hand()))
    yield Case("as many inputs as units", _step(rng, 2, 2, 2))
    yield Case("a batch of three", _step(rng, 3, 4, 2))
    yield Case("float32", _step(rng, 2, 3, 4, SINGLE), group="corners")


def cell_hidden(rng: np.random.Generator) -> Iterator[Case]:
    """Other sizes, other layouts, other dtypes, gates at their limits."""
    yield Case("a larger batch", _step(rng, 17, 9, 12))
    yield Case("one example of many features", _step(rng, 1, 30, 5))
    yield Case("more units than inputs", _step(rng, 6, 2, 20, SINGLE))
    x, (h, c), W_ih, W_hh, b_ih, b_hh = _step(rng, 5, 4, 6)
    yield Case("one unit, one input", _step(rng, 4, 1, 1), group="corners")
    yield Case("gates wide open or shut", (x, (h, c), 100 * W_ih, W_hh, b_ih, b_hh), group="corners")
    yield Case("a full cell", (x, (h, 50 * c), W_ih, W_hh, b_ih, b_hh), group="corners")
    yield Case("nothing remembered", (x, (0 * h, 0 * c), W_ih, W_hh, b_ih, b_hh), group="corners")
    turned = (by_columns(x), (h, by_columns(c)), by_columns(W_ih), by_columns(W_hh), b_ih, b_hh)
    yield Case("stored by columns", turned, group="corners")


def cell_keeps(call: Probe, rng: np.random.Generator) -> str | None:
    """With the forget gate open and the input gate shut the cell stays as it is."""
    x, (h, c), W_ih, W_hh, b_ih, b_hh = _step(rng, 3, 2, 4)
    b_ih[:4], b_ih[4:8] = -200.0, 200.0
    if not _close(call(x, (h, c), W_ih, W_hh, b_ih, b_hh)[1], c):
        return "with a forget gate of 1 and an input gate of 0 the cell must stay as it was"
    return None


# --- lstm_forward ---------------------------------------------------------------------------------------


def _sequence(
    rng: np.random.Generator, n: int, t: int, d: int, hidden: int, dtype: torch.dtype = DOUBLE
) -> tuple[Any, ...]:
    _, state, *params = _step(rng, n, d, hidden, dtype)
    return normal(rng, n, t, d, dtype=dtype), state, *params


def _with_gradients(name: str, rng: np.random.Generator, n: int, t: int, d: int, hidden: int) -> Case:
    xs, (h, c), *params = _sequence(rng, n, t, d, hidden)
    upstream = normal(rng, n, t, hidden), normal(rng, n, hidden), normal(rng, n, hidden)
    return Case(name, (*upstream, xs, h, c, *params), group="gradients", through=harness.gradients)


def forward_visible(rng: np.random.Generator) -> Iterator[Case]:
    """Smallest first."""
    xs = torch.tensor([[[1.0], [1.0], [0.0]]], dtype=DOUBLE)
    yield Case("one sequence, one unit", (xs, (_single(0.5), _single(2.0)), *_by_hand()))
    yield Case("as many sequences as steps", _sequence(rng, 3, 3, 2, 3))
    yield Case("two sequences of five steps", _sequence(rng, 2, 5, 3, 4))
    yield Case("float32", _sequence(rng, 2, 4, 1, 3, SINGLE), group="corners")
    yield Case("a single step", _sequence(rng, 3, 1, 2, 2), group="corners")
    yield _with_gradients("gradients pass through", rng, 2, 3, 2, 3)


def forward_hidden(rng: np.random.Generator) -> Iterator[Case]:
    """Other sizes, other layouts, other dtypes."""
    yield Case("a long sequence", _sequence(rng, 2, 60, 3, 8))
    yield Case("many short sequences", _sequence(rng, 19, 4, 5, 6, SINGLE))
    yield Case("one sequence", _sequence(rng, 1, 12, 4, 7))
    yield Case("one input, one unit", _sequence(rng, 5, 6, 1, 1), group="corners")
    xs, state, *params = _sequence(rng, 4, 6, 3, 5)
    turned = xs.transpose(0, 1).contiguous().transpose(0, 1)
    yield Case("stored with time first", (turned, state, *params), group="corners")
    yield Case("every second feature", (normal(rng, 4, 6, 6)[..., ::2], state, *params), group="corners")
    yield _with_gradients("gradients pass through a longer sequence", rng, 3, 9, 2, 4)


def forward_in_two_parts(call: Probe, rng: np.random.Generator) -> str | None:
    """Both states together hand on all that counts."""
    xs, state, *params = _sequence(rng, 2, 7, 3, 4)
    whole, last = call(xs, state, *params)
    first, middle = call(xs[:, :3].contiguous(), state, *params)
    second, end = call(xs[:, 3:].contiguous(), tuple(middle), *params)
    if not _close(torch.cat([first, second], 1), whole) or not all(map(_close, end, last)):
        return "reading three steps, and then the other four from the state reached, gives other states than all seven"
    return None


# --- lstm_cell_backward ---------------------------------------------------------------------------------


def _back(rng: np.random.Generator, n: int, d: int, hidden: int, dtype: torch.dtype = DOUBLE) -> tuple[Any, ...]:
    x, (h, c), *params = _step(rng, n, d, hidden, dtype)
    return normal(rng, n, hidden, dtype=dtype), normal(rng, n, hidden, dtype=dtype), (x, h, c, *params)


def backward_visible(rng: np.random.Generator) -> Iterator[Case]:
    """Smallest first."""
    cache = (_single(1.0), _single(0.5), _single(2.0), *_by_hand())
    yield Case("one unit, a gradient of the cell only", (_single(0.0), _single(1.0), cache))
    yield Case("one unit, a gradient of the shown state only", (_single(1.0), _single(0.0), cache))
    yield Case("as many inputs as units", _back(rng, 2, 2, 2))
    yield Case("a batch of three", _back(rng, 3, 4, 2))
    yield Case("float32", _back(rng, 2, 3, 4, SINGLE), group="corners")


def backward_hidden(rng: np.random.Generator) -> Iterator[Case]:
    """Other sizes, other layouts, other dtypes."""
    yield Case("a larger batch", _back(rng, 17, 9, 12))
    yield Case("one example", _back(rng, 1, 7, 5))
    yield Case("one unit, one input", _back(rng, 4, 1, 1, SINGLE), group="corners")
    dh, dc, (x, h, c, W_ih, W_hh, b_ih, b_hh) = _back(rng, 5, 4, 6)
    yield Case("nothing comes back", (0 * dh, 0 * dc, (x, h, c, W_ih, W_hh, b_ih, b_hh)), group="corners")
    yield Case("saturated gates", (dh, dc, (x, h, c, 100 * W_ih, W_hh, b_ih, b_hh)), group="corners")
    turned = (by_columns(x), h, by_columns(c), by_columns(W_ih), by_columns(W_hh), b_ih, b_hh)
    yield Case("stored by columns", (dh, dc, turned), group="corners")


def _cell(
    x: Tensor, h: Tensor, c: Tensor, W_ih: Tensor, W_hh: Tensor, b_ih: Tensor, b_hh: Tensor
) -> tuple[Tensor, ...]:
    i, f, g, o = (x @ W_ih.T + b_ih + h @ W_hh.T + b_hh).chunk(4, 1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c


def backward_is_the_slope(call: Probe, rng: np.random.Generator) -> str | None:
    """Central differences of a random projection of both new states, in every argument."""
    dh, dc, cache = _back(rng, 2, 3, 4)
    arguments, got = list(cache), call(dh, dc, cache)

    def loss() -> float:
        h, c = _cell(*arguments)
        return float((dh * h).sum() + (dc * c).sum())

    names = ("dx", "dh_prev", "dc_prev", "dW_ih", "dW_hh", "db_ih", "db_hh")
    return _slopes(arguments, got, loss, names, rng)


def _slopes(
    arguments: list[Tensor], got: Any, loss: Callable[[], float], names: tuple[str, ...], rng: np.random.Generator
) -> str | None:
    """Compares each gradient with central differences along one random direction."""
    for name, argument, gradient in zip(names, arguments, got, strict=True):
        if tuple(gradient.shape) != tuple(argument.shape):
            return f"{name} has not the shape of what it belongs to"
        direction, eps = normal(rng, *argument.shape), 1e-5
        argument += eps * direction
        above = loss()
        argument -= 2 * eps * direction
        below = loss()
        argument += eps * direction
        if not np.isclose(float((gradient * direction).sum()), (above - below) / (2 * eps), rtol=1e-4, atol=1e-6):
            return f"{name} is not the slope: moving the argument a little changes the loss by another amount"
    return None


# --- memory_gradient ------------------------------------------------------------------------------------


def _gates(rng: np.random.Generator, t: int, hidden: int, dtype: torch.dtype = DOUBLE) -> Tensor:
    return torch.from_numpy(rng.uniform(0.2, 1.0, (t, hidden))).to(dtype)


def memory_visible(rng: np.random.Generator) -> Iterator[Case]:
    """Smallest first."""
    gates = torch.tensor([[0.25, 0.75], [0.5, 1.0], [0.5, 0.0], [1.0, 0.5]], dtype=DOUBLE)
    yield Case("four steps of two units", (gates,))
    yield Case("five steps of three units", (_gates(rng, 5, 3),))
    yield Case("as many steps as units", (_gates(rng, 4, 4),))
    yield Case("a single step", (_gates(rng, 1, 3),), group="corners")
    yield Case("a gate that shuts", (torch.tensor([[0.5], [0.0], [0.9]], dtype=DOUBLE),), group="corners")
    yield Case("float32", (_gates(rng, 6, 2, SINGLE),), group="corners")


def memory_hidden(rng: np.random.Generator) -> Iterator[Case]:
    """Longer, wider, all open, all shut."""
    yield Case("a long sequence", (_gates(rng, 80, 6),))
    yield Case("two steps", (_gates(rng, 2, 5),))
    yield Case("gates near 1", (1 - 0.01 * _gates(rng, 50, 3),))
    gates = _gates(rng, 7, 4)
    gates[3] = 0
    yield Case("all gates shut at once", (gates,), group="corners")
    yield Case("always open", (torch.ones(6, 2, dtype=DOUBLE),), group="corners")
    yield Case("stored by columns, float32", (by_columns(_gates(rng, 9, 3, SINGLE)),), group="corners")


def memory_chains(call: Probe, rng: np.random.Generator) -> str | None:
    """The way from t to T is the way to the middle, times the way from there."""
    gates = _gates(rng, 9, 3)
    whole, first, second = call(gates), call(gates[:5].clone()), call(gates[4:].clone())
    if not _close(whole[:5], first * second[0]):
        return "the factor from step 1 to 9 is not the factor from 1 to 5 times the factor from 5 to 9"
    return None


# --- gru_cell -------------------------------------------------------------------------------------------


def _gru(rng: np.random.Generator, n: int, d: int, hidden: int, dtype: torch.dtype = DOUBLE) -> tuple[Any, ...]:
    h = torch.tanh(normal(rng, n, hidden, dtype=dtype))
    return normal(rng, n, d, dtype=dtype), h, *weights(rng, d, hidden, 3, dtype)


def _gru_by_hand() -> tuple[Tensor, ...]:
    """One unit: r = 1/2 and z = 3/4; the candidate is tanh of 1 + r (2 h + 0.5)."""
    log3 = float(np.log(3))
    W_ih = torch.tensor([[0.0], [log3], [1.0]], dtype=DOUBLE)
    W_hh = torch.tensor([[0.0], [0.0], [2.0]], dtype=DOUBLE)
    return W_ih, W_hh, torch.zeros(3, dtype=DOUBLE), torch.tensor([0.0, 0.0, 0.5], dtype=DOUBLE)


def gru_visible(rng: np.random.Generator) -> Iterator[Case]:
    """Smallest first."""
    yield Case("one unit", (_single(1.0), _single(-0.75), *_gru_by_hand()))
    yield Case("as many inputs as units", _gru(rng, 2, 2, 2))
    yield Case("a batch of three", _gru(rng, 3, 4, 2))
    yield Case("float32", _gru(rng, 2, 3, 4, SINGLE), group="corners")


def gru_hidden(rng: np.random.Generator) -> Iterator[Case]:
    """Other sizes, other layouts, other dtypes, gates at their limits."""
    yield Case("a larger batch", _gru(rng, 17, 9, 12))
    yield Case("one example of many features", _gru(rng, 1, 30, 5))
    yield Case("more units than inputs", _gru(rng, 6, 2, 20, SINGLE))
    x, h, W_ih, W_hh, b_ih, b_hh = _gru(rng, 5, 4, 6)
    yield Case("one unit, one input", _gru(rng, 4, 1, 1), group="corners")
    yield Case("gates wide open or shut", (x, h, 100 * W_ih, W_hh, b_ih, b_hh), group="corners")
    yield Case("a state of zeros", (x, 0 * h, W_ih, W_hh, b_ih, b_hh), group="corners")
    turned = (by_columns(x), by_columns(h), by_columns(W_ih), by_columns(W_hh), b_ih, b_hh)
    yield Case("stored by columns", turned, group="corners")


def gru_keeps(call: Probe, rng: np.random.Generator) -> str | None:
    """With the update gate at 1 the state stays."""
    x, h, W_ih, W_hh, b_ih, b_hh = _gru(rng, 3, 2, 4)
    b_ih[4:8] = 200.0
    if not _close(call(x, h, W_ih, W_hh, b_ih, b_hh), h):
        return "with an update gate of 1 the state must stay as it was"
    return None


# --- gate_parameter_count -------------------------------------------------------------------------------


def count_visible(rng: np.random.Generator) -> Iterator[Case]:
    """One of each kind, by position and by name."""
    yield Case("a plain network", ("rnn", 2, 3))
    yield Case("a GRU", ("gru", 2, 3))
    yield Case("an LSTM", ("lstm", 2, 3))
    yield Case("by name", ("lstm",), {"input": 28, "hidden": 64})


def count_hidden(rng: np.random.Generator) -> Iterator[Case]:
    """Random sizes of each kind."""
    for kind in KINDS:
        d, hidden = map(int, rng.integers(2, 90, 2))
        yield Case(f"{kind} of random size", (kind, d, hidden))
    yield Case("one input, one unit", ("gru", 1, 1))
    yield Case("wide", ("lstm", 50_000, 4_096))


# --- adding_batch ---------------------------------------------------------------------------------------


def _batch(name: str, n: int, length: int, rng: np.random.Generator, group: str = "basics") -> Case:
    return Case(name, (n, length, seeded(rng)), group=group)


def _batch_again(rng: np.random.Generator) -> Case:
    return Case("the generator alone decides", (3, 6, seeded(rng), seeded(rng)), through=harness.batch_again)


def batch_visible(rng: np.random.Generator) -> Iterator[Case]:
    """Small ones to look at, a large one to count."""
    yield _batch("two sequences of six steps", 2, 6, rng)
    yield _batch("300 sequences of ten steps", 300, 10, rng)
    yield _batch_again(rng)
    yield _batch("an odd length", 200, 5, rng, "corners")
    yield _batch("the shortest length", 60, 2, rng, "corners")


def batch_hidden(rng: np.random.Generator) -> Iterator[Case]:
    """Other sizes."""
    yield _batch("1,000 sequences of 50 steps", 1000, 50, rng)
    yield _batch("400 sequences of four steps", 400, 4, rng)
    yield _batch_again(rng)
    yield _batch("one sequence", 1, 30, rng, "corners")
    yield _batch("length three", 300, 3, rng, "corners")


def batch_accepts(case: Case, value: Any) -> str | None:
    """Judges the structure of a batch, and by frequency what is drawn."""
    if isinstance(value, dict):
        return _drawn_again(value)
    n, length = case.args[:2]
    if not isinstance(value, (list, tuple)) or len(value) != 2 or not all(isinstance(each, Tensor) for each in value):
        return "expected are two tensors, xs and targets"
    xs, targets = value
    return _form(xs, targets, n, length) or _marks(xs, length) or _sums(xs, targets) or _spread(xs, n, length)


def _form(xs: Tensor, targets: Tensor, n: int, length: int) -> str | None:
    for name, each, shape in (("xs", xs, (n, length, 2)), ("targets", targets, (n,))):
        if tuple(each.shape) != shape:
            return f"{name} has shape {tuple(each.shape)}; expected is {shape}"
        if each.dtype != torch.float32:
            return f"{name} has dtype {str(each.dtype).removeprefix('torch.')}; expected is float32"
    return None


def _marks(xs: Tensor, length: int) -> str | None:
    marks, half = xs[..., 1], length // 2
    if not ((marks == 0) | (marks == 1)).all():
        return "xs[..., 1] holds other numbers than 0 and 1: it is the mark"
    for name, part in (("first", marks[:, :half]), ("second", marks[:, half:])):
        wrong = (part.sum(1) != 1).nonzero()
        if len(wrong):
            row = int(wrong[0])
            return f"sequence {row} has {int(part[row].sum())} marks in its {name} half; expected is exactly one"
    if (xs[..., 0] < 0).any() or (xs[..., 0] > 1).any():
        return "xs[..., 0] holds numbers outside of 0 to 1: draw them with torch.rand"
    return None


def _sums(xs: Tensor, targets: Tensor) -> str | None:
    wanted = (xs[..., 0] * xs[..., 1]).sum(1)
    wrong = ((targets - wanted).abs() > 1e-5).nonzero()
    if len(wrong):
        row = int(wrong[0])
        return (
            f"the marked numbers of sequence {row} add up to {float(wanted[row]):.4f}; "
            f"its target is {float(targets[row]):.4f}"
        )
    return None


def _spread(xs: Tensor, n: int, length: int) -> str | None:
    if n * length < 200:
        return None
    numbers, half = xs[..., 0].double().cpu(), length // 2
    if (
        abs(float(numbers.mean()) - 0.5) > 5 * 0.289 / np.sqrt(n * length)
        or len(np.unique(numbers.numpy())) < n * length / 2
    ):
        return "the numbers are not spread evenly over 0 to 1: draw every one of them with torch.rand"
    for name, places in (("first", xs[:, :half, 1]), ("second", xs[:, half:, 1])):
        count, chances = places.sum(0).cpu().numpy(), 1 / places.shape[1]
        if (np.abs(count / n - chances) > 5 * np.sqrt(chances * (1 - chances) / n) + 1 / n).any():
            return f"the mark of the {name} half does not come to each of its places equally often"
    return None


def _drawn_again(value: dict[str, Any]) -> str | None:
    first, again, other = (value[name] for name in ("first", "again", "other"))
    if not torch.equal(first, again):
        return "two generators in the same state gave different batches: hand the generator to every draw"
    if torch.equal(first, other):
        return "two different generators gave the same batch: draw from the generator that is passed in"
    return None


# --- train_memory ---------------------------------------------------------------------------------------


def _held_out(rng: np.random.Generator, n: int, length: int) -> tuple[Tensor, Tensor]:
    """Sequences that only the judge knows the sums of."""
    numbers, marks, rows = rng.random((n, length)), np.zeros((n, length)), np.arange(n)
    half = length // 2
    marks[rows, rng.integers(half, size=n)] = 1
    marks[rows, rng.integers(half, length, n)] = 1
    xs = torch.from_numpy(np.stack([numbers, marks], axis=2)).float()
    return xs, torch.from_numpy((numbers * marks).sum(1)).float()


def _training(
    name: str, kind: str, length: int, steps: int, bound: float, rng: np.random.Generator, group: str
) -> Case:
    xs, targets = _held_out(rng, 1000, length)
    return Case(name, (kind, length, steps, seeded(rng), xs), group=group, known={"targets": targets, "bound": bound})


def training_visible(rng: np.random.Generator) -> Iterator[Case]:
    """Short sequences, which take about a second."""
    yield _training("an LSTM, 12 steps", "lstm", 12, 250, 0.04, rng, "memory")
    yield _training("a plain network, 4 steps", "rnn", 4, 250, 0.06, rng, "kinds")


def training_hidden(rng: np.random.Generator) -> Iterator[Case]:
    """The long sequence, and the third kind."""
    yield _training("an LSTM, 50 steps", "lstm", 50, 500, 0.03, rng, "memory")
    yield _training("a GRU, 16 steps", "gru", 16, 250, 0.04, rng, "kinds")


def training_accepts(case: Case, value: Any) -> str | None:
    """Judges the error on sequences whose sums stayed with the judge."""
    predictions, targets = value["predictions"], case.known["targets"]
    if not isinstance(predictions, Tensor):
        return "the model does not return a tensor"
    if tuple(predictions.shape) != tuple(targets.shape):
        return (
            f"for xs of shape {tuple(case.args[4].shape)} the model gives shape {tuple(predictions.shape)}; "
            f"expected is {tuple(targets.shape)}, one number for each sequence"
        )
    error = training_error(case, value)
    if not error <= case.known["bound"]:
        return (
            f"the mean squared error on new sequences is {error:.4f}; at most {case.known['bound']} is asked "
            "(always guessing 1 gives 0.167)"
        )
    if error < 1e-7:
        return "an error of 0: this is the sum itself, and nothing was learned. Train a network on batches"
    return None


def training_error(case: Case, value: Any) -> float:
    """The mean squared error of the predictions, whatever shape they have."""
    targets = case.known["targets"].double()
    return float(((value["predictions"].double().cpu().reshape(targets.shape) - targets) ** 2).mean())


def _close(one: Tensor, two: Tensor) -> bool:
    return one.shape == two.shape and torch.allclose(one, two.to(one), rtol=1e-6, atol=1e-8)

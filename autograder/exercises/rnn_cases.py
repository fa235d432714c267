"""The inputs that recurrent networks are tried on, and what holds for them whatever the numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from autograder.exercise import Case, Probe
from autograder.harness import rnn as harness

Weights = tuple[Tensor, Tensor, Tensor, Tensor]
DOUBLE, SINGLE = torch.float64, torch.float32


def normal(rng: np.random.Generator, *shape: int, dtype: torch.dtype = DOUBLE, scale: float = 1.0) -> Tensor:
    """Normal numbers on the CPU."""
    return torch.from_numpy(np.asarray(scale * rng.standard_normal(shape))).to(dtype)


def weights(rng: np.random.Generator, d: int, hidden: int, dtype: torch.dtype = DOUBLE, gain: float = 1.0) -> Weights:
    """W_ih (H, D), W_hh (H, H), b_ih (H,), b_hh (H,)."""
    return (
        normal(rng, hidden, d, dtype=dtype, scale=gain / np.sqrt(d)),
        normal(rng, hidden, hidden, dtype=dtype, scale=gain / np.sqrt(hidden)),
        normal(rng, hidden, dtype=dtype, scale=0.5),
        normal(rng, hidden, dtype=dtype, scale=0.5),
    )


def seeded(rng: np.random.Generator) -> torch.Generator:
    """A torch generator that the case's own generator seeds."""
    return torch.Generator().manual_seed(int(rng.integers(2**40)))


def _cell(x: Tensor, h: Tensor, W_ih: Tensor, W_hh: Tensor, b_ih: Tensor, b_hh: Tensor) -> Tensor:
    """The forward step, for cases of the way back."""
    return torch.tanh(x @ W_ih.T + b_ih + h @ W_hh.T + b_hh)


def _states(xs: Tensor, h0: Tensor, params: Weights) -> Tensor:
    hs = [h0]
    for x in xs.unbind(1):
        hs.append(_cell(x, hs[-1], *params))
    return torch.stack(hs[1:], 1)


# --- rnn_cell -------------------------------------------------------------------------------------------


def _step(rng: np.random.Generator, n: int, d: int, hidden: int, dtype: torch.dtype = DOUBLE) -> tuple[Tensor, ...]:
    x, h = normal(rng, n, d, dtype=dtype), torch.tanh(normal(rng, n, hidden, dtype=dtype))
    return (x, h, *weights(rng, d, hidden, dtype))


def _by_hand() -> Weights:
    return (
        torch.tensor([[1.0], [-1.0]], dtype=DOUBLE),
        torch.tensor([[0.0, 1.0], [0.5, 0.0]], dtype=DOUBLE),
        torch.tensor([0.0, 1.0], dtype=DOUBLE),
        torch.tensor([0.5, 0.0], dtype=DOUBLE),
    )


def cell_visible(rng: np.random.Generator) -> Iterator[Case]:
    """Smallest first."""
    x, h = torch.tensor([[1.0]], dtype=DOUBLE), torch.tensor([[0.5, -0.5]], dtype=DOUBLE)
    yield Case("one example, two units", (x, h, *_by_hand()))
    yield Case("as many inputs as units", _step(rng, 2, 2, 2))
    yield Case("a batch of three", _step(rng, 3, 4, 2))
    yield Case("float32", _step(rng, 2, 3, 4, SINGLE), group="corners")


def cell_hidden(rng: np.random.Generator) -> Iterator[Case]:
    """Other sizes, other layouts, other dtypes."""
    yield Case("a larger batch", _step(rng, 17, 9, 12))
    yield Case("one example of many features", _step(rng, 1, 30, 5))
    yield Case("more units than inputs", _step(rng, 6, 2, 20, SINGLE))
    yield Case("one unit", _step(rng, 4, 3, 1), group="corners")
    x, h, *params = _step(rng, 5, 4, 6)
    yield Case("large numbers", (100 * x, h, *params), group="corners")
    yield Case("a state of zeros", (x, torch.zeros_like(h), *params), group="corners")
    turned = (params[0].T.contiguous().T, params[1].T.contiguous().T, *params[2:])
    yield Case("matrices stored by columns", (x.T.contiguous().T, h, *turned), group="corners")
    asks = tuple(each.clone().requires_grad_() for each in params)
    yield Case("weights that require a gradient", (x, h, *asks), group="corners")


def cell_adds_biases(call: Probe, rng: np.random.Generator) -> str | None:
    """Only the sum of the biases counts."""
    x, h, W_ih, W_hh, b_ih, b_hh = _step(rng, 3, 2, 4)
    if not _close(call(x, h, W_ih, W_hh, b_ih, b_hh), call(x, h, W_ih, W_hh, b_ih + b_hh, 0 * b_hh)):
        return "the new state changes when b_hh moves over to b_ih: both are added, to the same sum"
    return None


# --- rnn_forward ----------------------------------------------------------------------------------------


def _sequence(
    rng: np.random.Generator, n: int, t: int, d: int, hidden: int, dtype: torch.dtype = DOUBLE
) -> tuple[Tensor, ...]:
    xs, h0 = normal(rng, n, t, d, dtype=dtype), torch.tanh(normal(rng, n, hidden, dtype=dtype))
    return (xs, h0, *weights(rng, d, hidden, dtype))


def forward_visible(rng: np.random.Generator) -> Iterator[Case]:
    """Smallest first."""
    xs = torch.tensor([[[1.0], [0.0], [2.0]]], dtype=DOUBLE)
    yield Case("one sequence of three steps", (xs, torch.zeros(1, 2, dtype=DOUBLE), *_by_hand()))
    yield Case("as many sequences as steps", _sequence(rng, 3, 3, 2, 3))
    yield Case("two sequences of five steps", _sequence(rng, 2, 5, 3, 4))
    yield Case("float32", _sequence(rng, 2, 4, 1, 3, SINGLE), group="corners")
    yield Case("a single step", _sequence(rng, 3, 1, 2, 2), group="corners")


def forward_hidden(rng: np.random.Generator) -> Iterator[Case]:
    """Other sizes, other layouts, other dtypes."""
    yield Case("a long sequence", _sequence(rng, 2, 60, 3, 8))
    yield Case("many short sequences", _sequence(rng, 19, 4, 5, 6, SINGLE))
    yield Case("one sequence", _sequence(rng, 1, 12, 4, 7))
    yield Case("one input, one unit", _sequence(rng, 5, 6, 1, 1), group="corners")
    xs, h0, *params = _sequence(rng, 4, 6, 3, 5)
    yield Case(
        "stored with time first", (xs.transpose(0, 1).contiguous().transpose(0, 1), h0, *params), group="corners"
    )
    yield Case("every second feature", (normal(rng, 4, 6, 6)[..., ::2], h0, *params), group="corners")
    yield Case("silence", (torch.zeros_like(xs), h0, *params), group="corners")


def forward_in_two_parts(call: Probe, rng: np.random.Generator) -> str | None:
    """The state hands on all that counts."""
    xs, h0, *params = _sequence(rng, 2, 7, 3, 4)
    whole, last = call(xs, h0, *params)
    first, middle = call(xs[:, :3].contiguous(), h0, *params)
    second, end = call(xs[:, 3:].contiguous(), middle, *params)
    if not _close(torch.cat([first, second], 1), whole) or not _close(end, last):
        return "reading three steps, and then the other four from the state reached, gives other states than all seven"
    return None


def forward_is_causal(call: Probe, rng: np.random.Generator) -> str | None:
    """States before a changed step stay."""
    xs, h0, *params = _sequence(rng, 2, 6, 3, 4)
    other = xs.clone()
    other[:, 4:] += 1
    if not _close(call(xs, h0, *params)[0][:, :4], call(other, h0, *params)[0][:, :4]):
        return "the first four states change when the fifth input changes: a state may depend on the past only"
    return None


# --- the way back ---------------------------------------------------------------------------------------


def _back_step(
    rng: np.random.Generator, n: int, d: int, hidden: int, dtype: torch.dtype = DOUBLE
) -> tuple[Tensor, ...]:
    x, h, *params = _step(rng, n, d, hidden, dtype)
    h_next = _cell(x, h, *params)
    return normal(rng, n, hidden, dtype=dtype), x, h, h_next, params[0], params[1]


def cell_backward_visible(rng: np.random.Generator) -> Iterator[Case]:
    """Smallest first."""
    x, h = torch.tensor([[2.0]], dtype=DOUBLE), torch.tensor([[0.5, -1.0]], dtype=DOUBLE)
    dh_next, h_next = torch.tensor([[1.0, 4.0]], dtype=DOUBLE), torch.tensor([[0.0, 0.5]], dtype=DOUBLE)
    yield Case("one example, two units", (dh_next, x, h, h_next, *_by_hand()[:2]))
    yield Case("as many inputs as units", _back_step(rng, 2, 2, 2))
    yield Case("a batch of three", _back_step(rng, 3, 4, 2))
    yield Case("float32", _back_step(rng, 2, 3, 4, SINGLE), group="corners")


def cell_backward_hidden(rng: np.random.Generator) -> Iterator[Case]:
    """Other sizes, other layouts, other dtypes."""
    yield Case("a larger batch", _back_step(rng, 17, 9, 12))
    yield Case("one example", _back_step(rng, 1, 7, 5))
    yield Case("one unit", _back_step(rng, 4, 3, 1, SINGLE), group="corners")
    dh_next, x, h, h_next, W_ih, W_hh = _back_step(rng, 5, 4, 6)
    yield Case("saturated units", (dh_next, x, h, torch.sign(h_next), W_ih, W_hh), group="corners")
    yield Case("nothing comes back", (0 * dh_next, x, h, h_next, W_ih, W_hh), group="corners")
    turned = (dh_next.T.contiguous().T, x.T.contiguous().T, h, h_next, W_ih.T.contiguous().T, W_hh.T.contiguous().T)
    yield Case("stored by columns", turned, group="corners")


def cell_backward_is_the_slope(call: Probe, rng: np.random.Generator) -> str | None:
    """Central differences of a random projection of the new state, in every argument."""
    params = list(_step(rng, 2, 3, 4))
    upstream = normal(rng, 2, 4)
    got = call(upstream, params[0], params[1], _cell(*params), params[2], params[3])

    def loss() -> float:
        return float((upstream * _cell(*params)).sum())

    return _slopes(params, got, loss, ("dx", "dh", "dW_ih", "dW_hh", "db_ih", "db_hh"), rng)


def _back(
    rng: np.random.Generator, n: int, t: int, d: int, hidden: int, dtype: torch.dtype = DOUBLE
) -> tuple[Tensor, ...]:
    xs, h0, *params = _sequence(rng, n, t, d, hidden, dtype)
    hs = _states(xs, h0, tuple(params))  # type: ignore[arg-type]
    return normal(rng, n, t, hidden, dtype=dtype), xs, h0, hs, params[0], params[1]


def backward_visible(rng: np.random.Generator) -> Iterator[Case]:
    """Smallest first."""
    hs = torch.tensor([[[0.0, 0.5], [0.5, 0.0]]], dtype=DOUBLE)
    xs, h0 = torch.tensor([[[1.0], [2.0]]], dtype=DOUBLE), torch.tensor([[1.0, -1.0]], dtype=DOUBLE)
    dhs = torch.tensor([[[1.0, 4.0], [4.0, -2.0]]], dtype=DOUBLE)
    yield Case("one sequence of two steps", (dhs, xs, h0, hs, *_by_hand()[:2]))
    yield Case("as many sequences as steps", _back(rng, 3, 3, 2, 3))
    yield Case("two sequences of five steps", _back(rng, 2, 5, 3, 4))
    yield Case("float32", _back(rng, 2, 4, 1, 3, SINGLE), group="corners")
    yield Case("a single step", _back(rng, 3, 1, 2, 2), group="corners")


def backward_hidden(rng: np.random.Generator) -> Iterator[Case]:
    """Other sizes, other layouts, other dtypes."""
    yield Case("a long sequence", _back(rng, 2, 40, 3, 8))
    yield Case("many short sequences", _back(rng, 19, 4, 5, 6, SINGLE))
    dhs, xs, h0, hs, W_ih, W_hh = _back(rng, 4, 6, 3, 5)
    last = torch.zeros_like(dhs)
    last[:, -1] = dhs[:, -1]
    yield Case("a loss at the last step only", (last, xs, h0, hs, W_ih, W_hh))
    first = torch.zeros_like(dhs)
    first[:, 0] = dhs[:, 0]
    yield Case("a loss at the first step only", (first, xs, h0, hs, W_ih, W_hh), group="corners")
    yield Case("one sequence, one unit", _back(rng, 1, 9, 2, 1), group="corners")
    turned = xs.transpose(0, 1).contiguous().transpose(0, 1)
    yield Case("stored with time first", (dhs, turned, h0, hs, W_ih, W_hh), group="corners")


def backward_is_the_slope(call: Probe, rng: np.random.Generator) -> str | None:
    """Central differences of a random projection of all states, in every argument."""
    params = list(_sequence(rng, 2, 4, 2, 3))
    upstream = normal(rng, 2, 4, 3)

    def states() -> Tensor:
        return _states(params[0], params[1], tuple(params[2:]))  # type: ignore[arg-type]

    got = call(upstream, params[0], params[1], states(), params[2], params[3])
    names = ("dxs", "dh0", "dW_ih", "dW_hh", "db_ih", "db_hh")
    return _slopes(params, got, lambda: float((upstream * states()).sum()), names, rng)


def backward_is_linear(call: Probe, rng: np.random.Generator) -> str | None:
    """Gradients of a sum of losses are the sum of their gradients."""
    dhs, *rest = _back(rng, 2, 5, 3, 4)
    other = normal(rng, 2, 5, 4)
    for both, one, two in zip(call(dhs + 3 * other, *rest), call(dhs, *rest), call(other, *rest), strict=True):
        if not _close(both, one + 3 * two):
            return "the gradient of a sum of two losses is not the sum of their gradients"
    return None


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


# --- gradient_norms -------------------------------------------------------------------------------------


def _run(rng: np.random.Generator, t: int, hidden: int, dtype: torch.dtype = DOUBLE) -> tuple[Tensor, Tensor]:
    params = weights(rng, 2, hidden, dtype)
    return _states(normal(rng, 1, t, 2, dtype=dtype), normal(rng, 1, hidden, dtype=dtype), params)[0], params[1]


def norms_visible(rng: np.random.Generator) -> Iterator[Case]:
    """Smallest first."""
    hs = torch.tensor([[0.9, 0.1], [0.0, 0.5], [0.5, 0.0]], dtype=DOUBLE)
    yield Case("three steps of two units", (hs, torch.tensor([[0.0, 2.0], [1.0, 0.0]], dtype=DOUBLE)))
    yield Case("five steps of three units", _run(rng, 5, 3))
    yield Case("as many steps as units", _run(rng, 4, 4))
    yield Case("a single step", _run(rng, 1, 3), group="corners")
    yield Case("float32", _run(rng, 6, 4, SINGLE), group="corners")


def norms_hidden(rng: np.random.Generator) -> Iterator[Case]:
    """Other sizes, dtypes, and states at their limits."""
    yield Case("a longer sequence", _run(rng, 25, 9))
    yield Case("two steps", _run(rng, 2, 6))
    hs, W_hh = _run(rng, 8, 5)
    yield Case("gradients that explode", (0.1 * hs, 4 * W_hh))
    yield Case("one unit", _run(rng, 7, 1), group="corners")
    yield Case("saturated units", (torch.sign(hs), W_hh), group="corners")
    yield Case("states of zeros", (torch.zeros_like(hs), W_hh), group="corners")
    yield Case("a matrix stored by columns", (hs, W_hh.T.contiguous().T), group="corners")
    yield Case("float32, more steps", _run(rng, 15, 6, SINGLE), group="corners")


def norms_of_a_rotation(call: Probe, rng: np.random.Generator) -> str | None:
    """With states of zero and an orthogonal matrix nothing vanishes and nothing explodes."""
    turn = torch.linalg.qr(normal(rng, 4, 4))[0]
    if not _close(call(torch.zeros(9, 4, dtype=DOUBLE), turn), torch.ones(9, dtype=DOUBLE)):
        return "for states of zero and a W_hh that only rotates, every norm must be 1"
    return None


# --- clip_gradient_norm ---------------------------------------------------------------------------------


def clip_visible(rng: np.random.Generator) -> Iterator[Case]:
    """Smallest first."""
    yield Case("one gradient of length 5", ([torch.tensor([3.0, 4.0], dtype=DOUBLE)], 1.0))
    two = [torch.tensor([2.0, -1.0], dtype=DOUBLE), torch.tensor([[2.0], [4.0]], dtype=DOUBLE)]
    yield Case("two gradients together", (two, 2.5))
    yield Case("short enough", ([normal(rng, 3, scale=0.1), normal(rng, 2, 2, scale=0.1)], 5.0))
    yield Case(
        "nothing but zeros", ([torch.zeros(2, dtype=DOUBLE), torch.zeros(1, 3, dtype=DOUBLE)], 1.0), group="corners"
    )
    yield Case("float32", ([normal(rng, 4, dtype=SINGLE, scale=9)], 0.5), group="corners")


def clip_hidden(rng: np.random.Generator) -> Iterator[Case]:
    """Many tensors, long ones, short ones."""
    yield Case("many tensors", ([normal(rng, n, 3, scale=2) for n in range(1, 9)], 1.5))
    yield Case("a network's gradients", ([each * 7 for each in weights(rng, 3, 8)], 5.0))
    yield Case("just short enough", ([torch.tensor([3.0, 4.0], dtype=DOUBLE)], 5.0), group="corners")
    yield Case("a very long gradient", ([normal(rng, 20, scale=1e8), normal(rng, 5)], 1.0), group="corners")
    yield Case("in a tuple", ((normal(rng, 6, scale=4), normal(rng, 2, 3, 2)), 2.0), group="corners")
    yield Case("stored by columns, float32", ([normal(rng, 5, 4, dtype=SINGLE, scale=3).T], 1.0), group="corners")


def clip_keeps_the_direction(call: Probe, rng: np.random.Generator) -> str | None:
    """The clipped gradient is a multiple of the gradient, as long as allowed."""
    grads = [normal(rng, 4), normal(rng, 3, 2, scale=5)]
    clipped = torch.cat([each.reshape(-1) for each in call(grads, 0.75)[0]])
    whole = torch.cat([each.reshape(-1) for each in grads])
    if not torch.allclose(clipped / clipped.norm(), whole / whole.norm(), atol=1e-6):
        return "the clipped gradient points in another direction than the gradient"
    if abs(float(clipped.norm()) - 0.75) > 1e-5:
        return "a gradient that is too long must have length max_norm afterwards, over all its tensors together"
    return None


# --- perplexity -----------------------------------------------------------------------------------------


def _guesses(
    rng: np.random.Generator, n: int, t: int, v: int, dtype: torch.dtype = DOUBLE, scale: float = 1.0
) -> tuple[Tensor, Tensor]:
    return normal(rng, n, t, v, dtype=dtype, scale=scale), torch.from_numpy(rng.integers(0, v, (n, t)))


def perplexity_visible(rng: np.random.Generator) -> Iterator[Case]:
    """Smallest first."""
    logits = torch.log(torch.tensor([[[0.5, 0.25, 0.25], [0.125, 0.125, 0.75]]], dtype=DOUBLE))
    yield Case("one sequence, chances 1/2 and 1/8", (logits, torch.tensor([[0, 1]])))
    yield Case("two sequences", _guesses(rng, 2, 3, 4, scale=2))
    yield Case("knows nothing", (torch.zeros(2, 3, 7, dtype=DOUBLE), torch.from_numpy(rng.integers(0, 7, (2, 3)))))
    yield Case("float32", _guesses(rng, 3, 2, 5, SINGLE), group="corners")
    logits, targets = _guesses(rng, 2, 2, 3)
    yield Case("large logits", (logits + 1e4, targets), group="corners")


def perplexity_hidden(rng: np.random.Generator) -> Iterator[Case]:
    """Other sizes, certainty, large logits."""
    yield Case("a longer text", _guesses(rng, 4, 30, 40))
    yield Case("one position", _guesses(rng, 1, 1, 6))
    logits, targets = _guesses(rng, 3, 5, 8)
    sure = logits + 12 * torch.nn.functional.one_hot(targets, 8)
    yield Case("nearly sure", (sure, targets))
    yield Case("large negative logits", (logits - 1e4, targets), group="corners")
    turned = logits.transpose(0, 1).contiguous().transpose(0, 1)
    yield Case("stored with time first", (turned, targets.T.contiguous().T), group="corners")
    yield Case("float32, many tokens", _guesses(rng, 2, 9, 90, SINGLE), group="corners")


def perplexity_shift(call: Probe, rng: np.random.Generator) -> str | None:
    """Softmax sees differences only."""
    logits, targets = _guesses(rng, 2, 4, 5)
    if not np.isclose(call(logits, targets), call(logits + 1000.0, targets), rtol=1e-6):
        return "the perplexity changes when 1,000 is added to every logit: softmax sees differences only"
    return None


# --- sample ---------------------------------------------------------------------------------------------


def _follows(token: Any, h: Tensor) -> tuple[int, Tensor]:
    """The next of 7 tokens depends on the token and on the two before it; the state carries those."""
    before = [round(float(each)) for each in h]
    return (int(token) + before[0] + 2 * before[1] + 1) % 7, torch.tensor([before[1], int(token)]).to(h)


def sure_step(token: int, h: Tensor) -> tuple[Tensor, Tensor]:
    """A model that is all but sure: the next token's logit is 50 above the others."""
    following, h = _follows(token, h)
    return 50 * torch.nn.functional.one_hot(torch.tensor(following), 7).to(h), h


def leaning_step(token: int, h: Tensor) -> tuple[Tensor, Tensor]:
    """A model that leans to one token: its logit is 1 above the others."""
    following, h = _follows(token, h)
    return torch.nn.functional.one_hot(torch.tensor(following), 7).to(h), h


def loud_step(token: int, h: Tensor) -> tuple[Tensor, Tensor]:
    """A model whose logits are around 10,000."""
    following, h = _follows(token, h)
    return 1e4 + 1e4 * torch.nn.functional.one_hot(torch.tensor(following), 7).to(h), h


def dice_step(token: int, h: Tensor) -> tuple[Tensor, Tensor]:
    """A model that says the same every time: logits 2, 1, 0 and -1."""
    return torch.tensor([2.0, 1.0, 0.0, -1.0]).to(h), h


def _path(h: Tensor, token: int, length: int) -> dict[str, Any]:
    tokens = []
    for _ in range(length):
        token, h = _follows(token, h)
        tokens.append(token)
    return {"tokens": tokens}


def _dice(temperature: float) -> dict[str, Any]:
    return {"chances": torch.softmax(torch.tensor([2.0, 1.0, 0.0, -1.0], dtype=DOUBLE) / temperature, 0).tolist()}


def _written(
    name: str, step: Any, h: Tensor, token: int, length: int, temperature: float, rng: np.random.Generator, group: str
) -> Case:
    args = (step, h, token, length, temperature, seeded(rng))
    return Case(name, args, group=group, known=_path(h, token, length))


def _thrown(name: str, length: int, temperature: float, rng: np.random.Generator, group: str) -> Case:
    h = torch.zeros(2, dtype=DOUBLE)
    return Case(name, (dice_step, h, 0, length, temperature, seeded(rng)), group=group, known=_dice(temperature))


def _again(name: str, length: int, rng: np.random.Generator) -> Case:
    h = torch.zeros(2, dtype=DOUBLE)
    args = (dice_step, h, 1, length, 2.0, seeded(rng), seeded(rng))
    return Case(name, args, through=harness.sample_again, known={"again": length})


def sample_visible(rng: np.random.Generator) -> Iterator[Case]:
    """A sure model has one right text; a die has a right share of each token."""
    h = torch.tensor([1.0, 2.0], dtype=DOUBLE)
    yield _written("a model that is sure", sure_step, h, 3, 5, 1.0, rng, "basics")
    yield _written("a longer text", sure_step, 0 * h, 1, 12, 1.0, rng, "basics")
    yield _thrown("400 throws of a die", 400, 1.0, rng, "basics")
    yield _again("the generator alone decides", 30, rng)
    yield _written("cold: the likeliest token wins", leaning_step, h, 2, 20, 0.01, rng, "temperature")
    yield _thrown("400 throws of a cooler die", 400, 0.5, rng, "temperature")


def sample_hidden(rng: np.random.Generator) -> Iterator[Case]:
    """Other states, lengths and temperatures; float32; logits of 10,000."""
    h = torch.from_numpy(rng.integers(0, 7, 2)).to(DOUBLE)
    yield _written("one token", sure_step, h, 5, 1, 1.0, rng, "basics")
    yield _written("float32", sure_step, h.to(SINGLE), int(rng.integers(7)), 25, 1.0, rng, "basics")
    yield _written("large logits", loud_step, h, int(rng.integers(7)), 15, 2.0, rng, "basics")
    yield _again("the generator alone decides, again", 40, rng)
    yield _thrown("500 throws of a die", 500, 1.0, rng, "basics")
    yield _written("colder", leaning_step, h, int(rng.integers(7)), 30, 0.02, rng, "temperature")
    yield _thrown("500 throws of a hotter die", 500, 3.0, rng, "temperature")


def sample_accepts(case: Case, value: Any) -> str | None:
    """Judges what was drawn: exactly where the model is sure, by frequency where it is not."""
    if "again" in case.known:
        return _drawn_again(value, case.known["again"])
    length = case.args[3]
    problem = _no_tokens(value, length)
    if problem is not None:
        return problem
    if "tokens" in case.known:
        return _same(list(map(int, value)), case.known["tokens"])
    return _shares(list(map(int, value)), case.known["chances"])


def _no_tokens(value: Any, length: int) -> str | None:
    if not isinstance(value, (list, tuple)):
        return "the result is not a list: collect the tokens in a Python list"
    if len(value) != length:
        return f"the list has {len(value)} tokens; asked are {length}, those that follow the given one"
    if not all(isinstance(each, (int, np.integer)) and not isinstance(each, bool) for each in value):
        return "the list holds other things than whole numbers: int(...) makes a Python int of a drawn token"
    return None


def _same(tokens: list[int], expected: list[int]) -> str | None:
    if tokens == expected:
        return None
    place = next(i for i, (one, two) in enumerate(zip(tokens, expected, strict=True)) if one != two)
    return (
        f"this model leaves no choice, and the text it writes is {expected}; "
        f"yours differs from entry {place} on: {tokens}"
    )


def _shares(tokens: list[int], chances: list[float]) -> str | None:
    counts, n = np.bincount(tokens, minlength=len(chances)), len(tokens)
    if len(counts) > len(chances):
        return f"a token is {max(tokens)}, and there are only {len(chances)}"
    for token, chance in enumerate(chances):
        if abs(counts[token] / n - chance) > 5 * np.sqrt(chance * (1 - chance) / n) + 1 / n:
            return (
                f"token {token} has a probability of {chance:.3f} and came {counts[token]} times in {n}: "
                "that is no accident"
            )
    return None


def _drawn_again(value: Any, length: int) -> str | None:
    for part in ("first", "again", "other"):
        problem = _no_tokens(value[part], length)
        if problem is not None:
            return problem
    if value["first"] != value["again"]:
        return "two generators in the same state gave two different texts: draw from the generator that is passed in"
    if value["first"] == value["other"]:
        return "two different generators gave the same text: draw from the generator that is passed in"
    return None


def _close(one: Tensor, two: Tensor) -> bool:
    return one.shape == two.shape and torch.allclose(one, two.to(one), rtol=1e-6, atol=1e-8)

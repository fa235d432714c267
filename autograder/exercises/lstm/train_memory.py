"""Trains a network of 32 units on the adding problem: Adam at 0.01, batches of 64, gradients clipped to 1."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from autograder.calls import Probe
from autograder.exercise import Case
from autograder.exercises.declare import Asks, accepts, hidden, holds, mistake, right, right_text, slip, visible
from autograder.exercises.lstm import learning, observers
from autograder.exercises.lstm.inputs import seeded
from autograder.exercises.lstm.right_answers import cell_by_cell, own_gates  # noqa: F401
from course_lib import lstm

ASKS = Asks(
    lstm.train_memory,
    signature='train_memory(kind "rnn", "gru" or "lstm", length, steps, generator) -> model, (N, T, 2) to (N,)',
    points={"memory": 3, "kinds": 1},
    seconds=60,
    through=observers.trained,
    hints=(
        "Print the shapes of the model's answer and of the targets. Is their difference (N,) or (N, N)?",
        "A recurrent layer of the requested kind; its last state goes through a linear layer. Squared error on a "
        "fresh batch in each step, clipped gradients, Adam. An LSTM starts with its forget gate open and its input "
        "gate nearly shut.",
        "`torch.nn.LSTM(2, 32, batch_first=True)`, answer `self.out(states[:, -1])[:, 0]`. Under `torch.no_grad()` "
        "set `bias_ih_l0[:32] = -3` and `bias_ih_l0[32:64] = 3`. `clip_grad_norm_(model.parameters(), 1.0)` comes "
        "between `backward` and `step`.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


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


def _beginning(name: str, rng: np.random.Generator) -> Case:
    """Too few steps to learn anything: they are counted, and the batches looked at."""
    xs, targets = _held_out(rng, 1000, 8)
    known = {"targets": targets, "bound": None}
    return Case(name, ("lstm", 8, 20, seeded(rng), xs), group="memory", known=known, through=observers.begun)


@visible
def visible_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Hardly a step, and short sequences, which take about a second."""
    trained = [
        _training("an LSTM, 12 steps", "lstm", 12, 250, 0.04, rng, "memory"),
        _training("a plain network, 4 steps", "rnn", 4, 250, 0.06, rng, "kinds"),
    ]
    yield _beginning("twenty training steps", rng)
    yield from trained


@hidden
def hidden_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Hardly a step, the long sequence, and the third kind."""
    yield _beginning("twenty more training steps", rng)
    long = _training("an LSTM, 50 steps", "lstm", 50, 500, 0.03, rng, "memory")
    yield _training("a GRU, 16 steps", "gru", 16, 250, 0.04, rng, "kinds")
    yield long


# --- properties ----------------------------------------------------------------------------------------------


@holds("each kind has a size of its own", group="kinds", through=observers.sizes)
def kinds_differ(call: Probe, rng: np.random.Generator) -> str | None:
    """Of the same width, a GRU has three times as many weights as a plain network, and an LSTM four times."""
    kinds = ["rnn", "gru", "lstm"]
    counts = dict(zip(kinds, call(kinds, 4, 2, int(rng.integers(2**31))), strict=True))
    for one, other in (("rnn", "lstm"), ("gru", "lstm"), ("rnn", "gru")):
        if counts[one] == counts[other]:
            return (
                f"the models of kind {one!r} and {other!r} have the same number of parameters: build what `kind` says"
            )
    return None


# --- the judge -----------------------------------------------------------------------------------------------


@accepts
def training_accepts(case: Case, value: Any) -> str | None:
    """Judges the error on sequences whose sums stayed with the judge."""
    predictions, targets = value["predictions"], case.known["targets"]
    if not isinstance(predictions, Tensor):
        return "the model does not return a tensor"
    if tuple(predictions.shape) != tuple(targets.shape):
        return (
            f"for xs of shape {tuple(case.args[4].shape)} the model gives shape {tuple(predictions.shape)}; "
            f"expected {tuple(targets.shape)}, one number per sequence"
        )
    error, steps = training_error(case, value), case.args[2]
    if value["steps"] % steps:
        return f"the optimizer took {value['steps']} steps; the exercise asks for {steps}, one for each batch"
    if case.known["bound"] is None:
        problem = _of_batch(value, case.args[1])
        if problem is not None:
            return problem
        if error < LEAST:
            return f"after {steps} steps the error is {error:.4f} already: train for as many as `steps` says"
        return None
    if not error <= case.known["bound"]:
        return (
            f"the mean squared error on new sequences is {error:.4f}, and may be at most {case.known['bound']} "
            "(always guessing 1 gives 0.167)"
        )
    if error < 1e-7:
        return "an error of 0: this is the sum itself, and nothing was learned. Train a network on batches"
    if training_error(case, value, "shuffled") <= case.known["bound"]:
        return "the predictions are as good with other parameters, so nothing was learned. Train a network on batches"
    if value["knows"] > learning.KNOWS:
        return (
            "with the numbers of its parameters in another order, the model still works out what has to be added, so "
            "it did not learn that. Let a network read the sequence"
        )
    if not value["learns"] <= learning.LEARNS or value["jump"] > learning.JUMP:
        return (
            "with the numbers of its parameters in another order, the model cannot learn to add even what was marked a "
            "few steps ago, so it has not learned this either. Train a network on batches"
        )
    return None


def _of_batch(value: Any, length: int) -> str | None:
    """What is wrong with the first batch that was seen, if one of shape (N, T, 2) was."""
    batch, half = value["batch"], length // 2
    if value["drawn"] is False:
        return "a generator in the same state gave other batches: draw them from `generator`, and from nothing else"
    if batch is None or tuple(batch.shape[1:]) != (length, 2):
        return None
    marks = batch[..., 1].double().cpu()
    ones = [(each == 1).sum(1) == 1 for each in (marks[:, :half], marks[:, half:])]
    if not bool((ones[0] & ones[1] & (marks.sum(1) == 2)).all()):
        return "in a batch that you trained on, a sequence has not one mark in each half: take it from `adding_batch`"
    places = (marks.sum(0) > 0).sum()
    if len(marks) >= MANY and places < length:
        return f"of {len(marks)} sequences in a batch only {places} of {length} places were ever marked"
    return None


MANY = 48
"""In so many sequences of 8 steps no place stays without a mark, but once in 200,000 batches."""
LEAST = 0.08
"""The error that no network falls below in a few steps."""


def training_error(case: Case, value: Any, which: str = "predictions") -> float:
    """The mean squared error of the predictions, whatever shape they have."""
    targets = case.known["targets"].double()
    return float(((value[which].double().cpu().reshape(targets.shape) - targets) ** 2).mean())


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(kind, length, steps, generator):
    device = generator.device

    class Reader(torch.nn.Module):
        def __init__(self, hidden=40):
            super().__init__()
            make = {"rnn": torch.nn.RNN, "gru": torch.nn.GRU, "lstm": torch.nn.LSTM}[kind]
            self.reader = make(2, hidden, batch_first=True)
            self.head = torch.nn.Linear(hidden, 1)
            if kind == "lstm":
                # the chrono initialisation: forget gates for all lengths up to that of the sequence
                with torch.no_grad():
                    for name, each in self.reader.named_parameters():
                        if "bias" in name:
                            each.zero_()
                    spread = torch.log(1 + (length - 2) * torch.rand(hidden))
                    self.reader.bias_ih_l0[:hidden] = -spread
                    self.reader.bias_ih_l0[hidden : 2 * hidden] = spread

        def forward(self, xs):
            states, _ = self.reader(xs)
            return self.head(states[:, -1]).squeeze(1)

    torch.manual_seed(5)
    model = Reader().to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    rows = torch.arange(64, device=device)
    for step in range(steps):
        numbers = torch.rand(64, length, generator=generator, device=device)
        marks = torch.zeros_like(numbers)
        marks[rows, torch.randint(length // 2, (64,), generator=generator, device=device)] = 1
        marks[rows, torch.randint(length // 2, length, (64,), generator=generator, device=device)] = 1
        prediction = model(torch.stack([numbers, marks], 2))
        loss = torch.nn.functional.mse_loss(prediction, (numbers * marks).sum(1))
        model.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    return model


other_formula = right_text(
    "other formula",
    """
class Reader(torch.nn.Module):
    def __init__(self, kind, hidden, generator):
        super().__init__()
        layers = {"rnn": torch.nn.RNN, "gru": torch.nn.GRU, "lstm": torch.nn.LSTM}
        self.core = layers[kind](2, hidden)
        self.weight = torch.nn.Parameter(torch.zeros(hidden))
        self.bias = torch.nn.Parameter(torch.ones(()))
        if kind == "lstm":
            with torch.no_grad():
                for bias in (self.core.bias_ih_l0, self.core.bias_hh_l0):
                    bias.view(4, hidden)[0] = -1.5
                    bias.view(4, hidden)[1] = 1.5

    def forward(self, xs):
        states, _ = self.core(xs.transpose(0, 1))
        return states[-1] @ self.weight + self.bias

def train_memory(kind, length, steps, generator):
    torch.manual_seed(0)
    model = Reader(kind, 48, generator).to(generator.device)
    half = length // 2
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(steps):
        numbers = torch.rand(64, length, generator=generator, device=generator.device)
        scores = torch.rand(64, length, generator=generator, device=generator.device)
        marks = torch.zeros_like(numbers)
        marks.scatter_(1, scores[:, :half].argmax(1, keepdim=True), 1.0)
        marks.scatter_(1, half + scores[:, half:].argmax(1, keepdim=True), 1.0)
        error = model(torch.stack((numbers, marks), dim=2)) - (numbers * marks).sum(dim=1)
        for parameter in model.parameters():
            parameter.grad = None
        error.square().mean().backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    return model.eval()
""",
)


# --- mistakes -----------------------------------------------------------------------------------------------


@mistake(shows=lambda case, value: tuple(value["predictions"].shape) == (len(case.known["targets"]), 1))
def train_column_against_row(kind, length, steps, generator):
    """The model gives a column, (N, 1), and the targets are (N,). Their difference is (N, N), and the best that such a
    loss can teach is the mean of all targets. Drop the last axis: [:, 0]."""

    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.core = {"rnn": torch.nn.RNN, "gru": torch.nn.GRU, "lstm": torch.nn.LSTM}[kind](2, 32, batch_first=True)
            self.out = torch.nn.Linear(32, 1)

        def forward(self, xs):
            return self.out(self.core(xs)[0][:, -1])

    model, rows, half = Model(), torch.arange(64), length // 2
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(steps // 5):
        xs = torch.zeros(64, length, 2)
        xs[..., 0] = torch.rand(64, length, generator=generator)
        xs[rows, torch.randint(half, (64,), generator=generator), 1] = 1
        xs[rows, torch.randint(half, length, (64,), generator=generator), 1] = 1
        loss = ((model(xs) - (xs[..., 0] * xs[..., 1]).sum(1)) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model


@mistake(shows=lambda case, value: bool(value["steps"] == 0 and value["zeroed"] > 0))
def train_never_steps(kind, length, steps, generator):
    """The model is as it was at the beginning: gradients were computed and never used. Call optimizer.step() after
    loss.backward()."""

    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.core = {"rnn": torch.nn.RNN, "gru": torch.nn.GRU, "lstm": torch.nn.LSTM}[kind](2, 32, batch_first=True)
            self.out = torch.nn.Linear(32, 1)

        def forward(self, xs):
            return self.out(self.core(xs)[0][:, -1])[:, 0]

    model = Model()
    for _ in range(2):
        model.zero_grad()
        ((model(torch.rand(8, length, 2, generator=generator)) - 1) ** 2).mean().backward()
    return model


train_never_zeroes = slip(
    train_column_against_row,
    ("self.out(self.core(xs)[0][:, -1])", "self.out(self.core(xs)[0][:, -1])[:, 0]"),
    ("steps // 5", "steps // 3"),
    ("optimizer.zero_grad()", ""),
    says="The gradients were never set to zero, so every step follows the sum of all gradients so far. Call "
    "optimizer.zero_grad() before loss.backward().",
    shows=lambda case, value: bool(value["zeroed"] == 0 and value["steps"] > 0),
)


train_reads_the_first_step = slip(
    train_column_against_row,
    ("self.out(self.core(xs)[0][:, -1])", "self.out(self.core(xs)[0][:, 0])[:, 0]"),
    ("steps // 5", "steps // 10"),
    says="The answer is computed from the state after the first step: nothing later changes it. Read the state after "
    "the last one, [:, -1].",
    shows=lambda case, value: torch.equal(value["predictions"], value["early"]) and value["steps"] > 0,
)


def _plain(case: Case, value: Any) -> bool:
    """A plain network: on a plain network's own cases it is right, on the others it learns little."""
    if "RNN" not in value["modules"] or {"LSTM", "GRU"} & set(value["modules"]):
        return False
    return training_accepts(case, value) is None if case.args[0] == "rnn" else training_error(case, value) < 0.3


@mistake(shows=_plain)
def train_always_plain(kind, length, steps, generator):
    """This is a plain RNN whatever `kind` says, and it gets no better than guessing. Build an LSTM or a GRU where one
    is asked for."""

    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.core = torch.nn.RNN(2, 32, batch_first=True)
            self.out = torch.nn.Linear(32, 1)

        def forward(self, xs):
            return self.out(self.core(xs)[0][:, -1])[:, 0]

    model, rows, half = Model(), torch.arange(64), length // 2
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(min(steps, 250)):
        xs = torch.zeros(64, length, 2)
        xs[..., 0] = torch.rand(64, length, generator=generator)
        xs[rows, torch.randint(half, (64,), generator=generator), 1] = 1
        xs[rows, torch.randint(half, length, (64,), generator=generator), 1] = 1
        loss = ((model(xs) - (xs[..., 0] * xs[..., 1]).sum(1)) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    return model

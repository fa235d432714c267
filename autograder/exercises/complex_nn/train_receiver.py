"""A small network that learns to tell the symbols of `psk_batch` apart."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from autograder.exercise import Case
from autograder.exercises.complex_nn import observers
from autograder.exercises.complex_nn.inputs import ONE, TWO, Cases, z_
from autograder.exercises.complex_nn.right_answers import distances, other_formula, with_momentum  # noqa: F401
from autograder.exercises.declare import Asks, accepts, hidden, mistake, right, slip, visible
from course_lib import complex_nn

ASKS = Asks(
    complex_nn.train_receiver,
    signature="train_receiver(kind, order, snr_db, steps, generator) -> model from (n,) complex to (n, order)",
    points={"complex": 2, "real": 2},
    seconds=30.0,
    through=observers.received,
    hints=(
        "How many real numbers does each of your two networks store? And of which kind are the logits: real or "
        "complex?",
        "One hidden layer each. The complex network takes (n, 1), bends with a complex activation and ends with the "
        "real part. The real one takes (n, 2). Both learn alike: a fresh batch, cross-entropy, Adam.",
        "Complex: `complex_linear(cardioid(complex_linear(z[:, None], W1, b1)), W2, b2).real` with `order // 2 + "
        "order + 3` units. Real: `torch.view_as_real(z)`, ReLU, `3 * order + 4` units. Register weights as "
        "`nn.Parameter`.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


STEPS, FEW = 150, 60
HELD_OUT = 4000


def _receiver(rng: np.random.Generator, name: str, kind: str, order: int, snr_db: float, steps: int = STEPS) -> Case:
    labels = torch.from_numpy(rng.integers(0, order, HELD_OUT))
    symbols = torch.exp(2j * math.pi * torch.arange(order) / order).to(TWO)
    z = (symbols[labels] + 10 ** (-snr_db / 20) * math.sqrt(0.5) * z_(rng, HELD_OUT)).to(ONE)
    nearest = (z[:, None] - symbols.to(ONE)).abs().argmin(dim=1)
    best = float((nearest != labels).double().mean())
    seed = int(rng.integers(1, 2**31))
    known = {"labels": labels, "best": best if steps == STEPS else None}
    return Case(name, (kind, order, snr_db, steps, seed, z), {}, kind, known)


@visible
def visible_cases(rng: np.random.Generator) -> Cases:
    """Four symbols, both kinds."""
    yield _receiver(rng, "complex, four symbols at 8 dB", "complex", 4, 8.0)
    yield _receiver(rng, "real, four symbols at 8 dB", "real", 4, 8.0)
    yield _receiver(rng, "complex, hardly anything but noise", "complex", 4, -20.0, FEW)


@hidden
def hidden_cases(rng: np.random.Generator) -> Cases:
    """Other orders, both kinds."""
    yield _receiver(rng, "complex, eight symbols", "complex", 8, 13.0)
    yield _receiver(rng, "real, eight symbols", "real", 8, 13.0)
    yield _receiver(rng, "complex, two symbols", "complex", 2, 3.0)
    yield _receiver(rng, "real, two symbols", "real", 2, 3.0)
    yield _receiver(rng, "real, hardly anything but noise", "real", 2, -20.0, FEW)


# --- the judge -----------------------------------------------------------------------------------------------


MARGIN = 0.02
OFF = 0.1
"""How far the power of the symbols may be from what it should be: five times what it varies by in 60 small batches."""


def receiver_errors(case: Case, value: Any) -> float:
    """The share of held-out symbols that the model misreads."""
    return float((value["logits"].argmax(dim=1) != case.known["labels"]).double().mean())


def probabilities(logits: Tensor) -> bool:
    """Whether these are probabilities rather than logits."""
    return bool(((logits >= 0) & (logits <= 1)).all()) and bool(
        torch.allclose(logits.sum(dim=1), torch.ones(1), atol=1e-3)
    )


@accepts
def accepts_receiver(case: Case, value: Any) -> str | None:
    """The form of the model, then its error rate."""
    kind, order = case.args[0], case.args[1]
    logits = value["logits"]
    if not isinstance(logits, Tensor) or tuple(logits.shape) != (HELD_OUT, order):
        shape = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
        return f"model(z) returns {shape} for {HELD_OUT} symbols; expected logits of shape ({HELD_OUT}, {order})"
    if not logits.is_floating_point():
        return f"the logits have dtype {logits.dtype}; expected real floats, from a complex network too"
    if not torch.isfinite(logits).all():
        return "some logits are infinite or nan"
    if probabilities(logits):
        return "every row sums to 1, so these are probabilities; return the logits, before any softmax"
    if kind == "complex" and not value["complex parameters"]:
        return 'train_receiver("complex", ...) has no complex parameter'
    if kind == "real" and value["complex parameters"]:
        return 'train_receiver("real", ...) has complex parameters'
    mine, other = value["real numbers"], value["real numbers of the other kind"]
    if not 0.9 <= mine / other <= 1.1:
        return (
            f"the {kind} network stores {mine} real numbers and the other kind {other}; they may differ by at most 10%"
        )
    return _as_asked(case, value) or _learned(case, value)


def _as_asked(case: Case, value: Any) -> str | None:
    """What is wrong with the training, as far as it was seen: its steps, the noise of its symbols, their source."""
    snr_db, steps = case.args[2], case.args[3]
    if value["steps"] % steps:
        return f"the optimizer took {value['steps']} steps; the exercise asks for {steps}, one for each batch"
    power = 1 + 10 ** (-snr_db / 10)
    if value["power"] is not None and abs(value["power"] / power - 1) > OFF:
        return (
            f"the symbols that you trained on have a power of {value['power']:.3g}; at {snr_db:g} dB it is "
            f"{power:.3g}, 1 for the symbol and the rest for the noise: train at `snr_db`"
        )
    if value["drawn"] is False:
        return "with a generator in the same state other symbols were drawn: draw labels and noise from `generator`"
    return None


def _learned(case: Case, value: Any) -> str | None:
    """What is wrong with what the model knows."""
    errors, best = receiver_errors(case, value), case.known["best"]
    if best is not None and errors > best + MARGIN:
        return f"{errors:.1%} of the held-out symbols are misread; the nearest symbol misreads {best:.1%}"
    if torch.allclose(value["logits"], value["logits after one step"], atol=1e-3):
        steps = case.args[3]
        return f"after {steps} steps the model answers as it did after one, so it was not trained in these steps"
    return None


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(kind, order, snr_db, steps, generator):
    class Complex(torch.nn.Module):
        def __init__(self):
            super().__init__()
            h = order // 2 + order + 3
            self.a = torch.nn.Parameter(torch.randn(h, dtype=torch.complex64, generator=generator))
            self.b = torch.nn.Parameter(torch.zeros(h))
            self.c = torch.nn.Parameter(torch.randn(h, order, dtype=torch.complex64, generator=generator) / h**0.5)
            self.d = torch.nn.Parameter(torch.zeros(order))

        def forward(self, z):
            h = z.reshape(-1, 1) * self.a
            r = h.abs()
            h = torch.relu(r + self.b) * h / (r + 1e-6)
            return (h @ self.c).real + self.d

    class Real(torch.nn.Module):
        def __init__(self):
            super().__init__()
            h = round((2 * order + 3) * (order // 2 + order + 3) / (order + 3))
            self.a = torch.nn.Linear(2, h)
            self.c = torch.nn.Linear(h, order)

        def forward(self, z):
            h = torch.tanh(self.a(torch.stack([z.real, z.imag], dim=1)))
            return self.c(h)

    model = Complex() if kind == "complex" else Real()
    symbols = torch.exp(2j * torch.pi * torch.arange(order) / order)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.03)
    for step in range(steps):
        labels = torch.randint(0, order, (200,), generator=generator)
        noise = torch.randn(200, dtype=torch.complex64, generator=generator)
        z = symbols[labels] + 10 ** (-snr_db / 20) * noise
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(z), labels)
        loss.backward()
        optimizer.step()
    return model


# --- mistakes -----------------------------------------------------------------------------------------------


def _in_its_own_kind(kind: str, shows: Callable[[Any], bool]) -> Callable[[Case, Any], bool]:
    """Whether a mistake shows in the kind that it concerns; an answer of the other kind has to be right."""

    def judged(case: Case, value: Any) -> bool:
        return shows(value) if case.args[0] == kind else accepts_receiver(case, value) is None

    return judged


@mistake(shows=_in_its_own_kind("complex", lambda value: value["logits"].is_complex()))
def receiver_complex_logits(kind, order, snr_db, steps, generator):
    """The logits of your complex network are complex. A softmax compares sizes, and complex numbers have no order:
    end with the real part or the modulus."""
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            inputs, dtype = (1, torch.complex64) if kind == "complex" else (2, torch.float32)
            width = order // 2 + order + 3 if kind == "complex" else order + 2 * (order + 2)
            self.first = nn.Linear(inputs, width, dtype=dtype)
            self.last = nn.Linear(width, order, dtype=dtype)

        def forward(self, z):
            if kind == "real":
                return self.last(torch.relu(self.first(torch.view_as_real(z))))
            hidden = self.first(z[:, None])
            return self.last(torch.complex(torch.relu(hidden.real), torch.relu(hidden.imag)))

    model = Net()
    optimizer = torch.optim.Adam(model.parameters(), 0.02)
    for _ in range(steps):
        labels = torch.randint(order, (128,), generator=generator)
        z = torch.polar(torch.ones(128), 2 * torch.pi * labels / order)
        z = z + 10 ** (-snr_db / 20) * torch.randn(128, dtype=torch.complex64, generator=generator)
        optimizer.zero_grad()
        logits = model(z)
        nn.functional.cross_entropy(logits.real, labels).backward()
        optimizer.step()
    return model


@mistake(shows=_in_its_own_kind("complex", lambda value: not value["complex parameters"]))
def receiver_ignores_kind(kind, order, snr_db, steps, generator):
    """The network asked for as "complex" has no complex parameter. Its weights must be tensors of a complex dtype,
    such as those of complex_init."""
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            width = order + 2 * (order + 2)
            self.layers = nn.Sequential(nn.Linear(2, width), nn.ReLU(), nn.Linear(width, order))

        def forward(self, z):
            return self.layers(torch.view_as_real(z))

    model = Net()
    optimizer = torch.optim.Adam(model.parameters(), 0.02)
    for _ in range(steps):
        labels = torch.randint(order, (128,), generator=generator)
        z = torch.polar(torch.ones(128), 2 * torch.pi * labels / order)
        z = z + 10 ** (-snr_db / 20) * torch.randn(128, dtype=torch.complex64, generator=generator)
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(z), labels).backward()
        optimizer.step()
    return model


def _counts_once(case: Case, value: Any) -> bool:
    ratio = value["real numbers"] / value["real numbers of the other kind"]
    return bool(max(ratio, 1 / ratio) > 1.6)


@mistake(shows=_counts_once)
def receiver_counts_once(kind, order, snr_db, steps, generator):
    """One of your networks stores twice as many numbers as the other. A complex parameter counts as two: it has a
    real and an imaginary part."""
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            inputs, dtype = (1, torch.complex64) if kind == "complex" else (2, torch.float32)
            self.first = nn.Linear(inputs, 16, dtype=dtype)
            self.last = nn.Linear(16, order, dtype=dtype)

        def forward(self, z):
            if kind == "real":
                return self.last(torch.relu(self.first(torch.view_as_real(z))))
            hidden = self.first(z[:, None])
            return self.last(torch.complex(torch.relu(hidden.real), torch.relu(hidden.imag))).real

    model = Net()
    optimizer = torch.optim.Adam(model.parameters(), 0.02)
    for _ in range(steps):
        labels = torch.randint(order, (128,), generator=generator)
        z = torch.polar(torch.ones(128), 2 * torch.pi * labels / order)
        z = z + 10 ** (-snr_db / 20) * torch.randn(128, dtype=torch.complex64, generator=generator)
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(z), labels).backward()
        optimizer.step()
    return model


receiver_probabilities = slip(
    receiver_complex_logits,
    (
        "self.last(torch.relu(self.first(torch.view_as_real(z))))",
        "torch.softmax(self.last(torch.relu(self.first(torch.view_as_real(z)))), 1)",
    ),
    (
        "self.last(torch.complex(torch.relu(hidden.real), torch.relu(hidden.imag)))",
        "torch.softmax(self.last(torch.complex(torch.relu(hidden.real), torch.relu(hidden.imag))).real, 1)",
    ),
    (
        "logits = model(z)\nnn.functional.cross_entropy(logits.real, labels).backward()",
        "nn.functional.cross_entropy(model(z), labels).backward()",
    ),
    says="The model ends with a softmax, so it gives probabilities. cross_entropy has its own softmax: two of "
    "them slow down learning. Return the logits.",
    shows=lambda case, value: probabilities(value["logits"]),
)


def _same(name: str) -> Callable[[Case, Any], bool]:
    def shows(case: Case, value: Any) -> bool:
        return bool(torch.allclose(value["logits"], value[name], atol=1e-3))

    return shows


@mistake(shows=_same("logits of turned symbols"))
def receiver_of_lengths(kind, order, snr_db, steps, generator):
    """The answer does not change when all symbols turn: the network sees lengths only, and all symbols have length 1.
    The phase carries the message."""
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            dtype = torch.complex64 if kind == "complex" else torch.float32
            width = order // 2 + order + 3 if kind == "complex" else (order // 2 + order + 3) * 2
            self.first = nn.Linear(1, width, dtype=dtype)
            self.last = nn.Linear(width, order, dtype=dtype)

        def forward(self, z):
            x = z.abs()[:, None]
            if kind == "real":
                return self.last(torch.relu(self.first(x)))
            hidden = self.first(x + 0j)
            return self.last(torch.complex(torch.relu(hidden.real), torch.relu(hidden.imag))).real

    model = Net()
    optimizer = torch.optim.Adam(model.parameters(), 0.02)
    for _ in range(steps):
        labels = torch.randint(order, (128,), generator=generator)
        z = torch.polar(torch.ones(128), 2 * torch.pi * labels / order)
        z = z + 10 ** (-snr_db / 20) * torch.randn(128, dtype=torch.complex64, generator=generator)
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(z), labels).backward()
        optimizer.step()
    return model


receiver_real_part = slip(
    receiver_of_lengths,
    "z.abs()",
    "z.real",
    says="The network reads the real part alone: i and -i look the same to it. Give it both parts: "
    "torch.view_as_real turns (n,) into (n, 2).",
    shows=_same("logits of mirrored symbols"),
)


@mistake(shows=_same("logits after one step"))
def receiver_untrained(kind, order, snr_db, steps, generator):
    """Nothing was learned: after all steps the model answers as it did after one. Each step needs loss.backward() and
    optimizer.step()."""
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            inputs, dtype = (1, torch.complex64) if kind == "complex" else (2, torch.float32)
            width = order // 2 + order + 3 if kind == "complex" else order + 2 * (order + 2)
            self.first = nn.Linear(inputs, width, dtype=dtype)
            self.last = nn.Linear(width, order, dtype=dtype)

        def forward(self, z):
            if kind == "real":
                return self.last(torch.relu(self.first(torch.view_as_real(z))))
            hidden = self.first(z[:, None])
            return self.last(torch.complex(torch.relu(hidden.real), torch.relu(hidden.imag))).real

    model = Net()
    optimizer = torch.optim.Adam(model.parameters(), 0.02)
    for _ in range(steps):
        labels = torch.randint(order, (128,), generator=generator)
        z = torch.polar(torch.ones(128), 2 * torch.pi * labels / order)
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(z), labels).backward()
    return model

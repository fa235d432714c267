"""Pictures of complex-valued networks: rotated planes, domain colouring, descent, and constellations.

Whatever is drawn is computed by the functions that are passed in, so that each picture shows the caller's own code.
A phase has a colour on a cycle of light, orange, dark, blue: the two axes light-dark and blue-orange stay apart for
people with any kind of colour vision. A modulus has contour lines.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from torch import Tensor

from course_lib.viz import COLORS, GREY, INK, MARKERS, light
from course_lib.viz.live import live

__all__ = [
    "PHASE",
    "constellations",
    "descents",
    "equivariance",
    "equivariance_slider",
    "error_rates",
    "learning",
    "one_symbol",
    "planes",
    "planes_slider",
    "products",
    "turning",
]

Map = Callable[[Tensor], Tensor]
Receiver = Callable[[Tensor], Tensor]
Product = Callable[[Tensor, Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]
PHASE = LinearSegmentedColormap.from_list("phase", ["#F4F1E6", "#E69F00", "#33251B", "#2F86C4", "#F4F1E6"])
"""Cyclic: light on the positive real axis, orange at +i, dark on the negative real axis, blue at -i."""
_TICKS = (-2, -1, 0, 1, 2)


# --- turning --------------------------------------------------------------------------------------------


def turning(product: Product, weights: Sequence[complex] = (2, 1j, 0.6 - 0.8j, -1 + 1j)) -> None:
    """A small flag in the plane, and where the product with each weight takes it."""
    flag = torch.tensor([0.3, 0.3 + 1j, 0.9 + 0.8j, 0.3 + 0.6j], dtype=torch.complex128)[None]
    _, row = plt.subplots(1, len(weights), figsize=(2.5 * len(weights), 3.3), sharex=True, sharey=True, squeeze=False)
    for axes, weight in zip(row[0], weights, strict=True):
        one = torch.tensor([[weight]], dtype=torch.complex128)
        real, imag = product(one.real, one.imag, flag.real, flag.imag)
        axes.plot(flag.real[0], flag.imag[0], color=GREY, linewidth=1.6, linestyle="--")
        axes.plot(real[0], imag[0], color=COLORS[3])
        axes.fill(real[0, 1:], imag[0, 1:], color=COLORS[3], alpha=0.5)
        _plane(axes, 2.3)
        axes.set_title(f"times {_written(weight)}")
        angle = math.degrees(math.atan2(complex(weight).imag, complex(weight).real))
        axes.set_xlabel(f"length {abs(weight):.3g}, turn {angle:.0f}°".replace("-", "\N{MINUS SIGN}"))
    row[0, 0].set_ylabel("imaginary part")


def _written(z: complex) -> str:
    z = complex(z)
    if z.imag == 0:
        return f"{z.real:g}"
    part = f"{abs(z.imag):g}i" if abs(z.imag) != 1 else "i"
    sign = "\N{MINUS SIGN}" if z.imag < 0 else ("+" if z.real else "")
    real = f"{z.real:g}".replace("-", "\N{MINUS SIGN}")
    return f"{real} {sign} {part}" if z.real else f"{sign}{part}"


def _plane(axes: Axes, reach: float) -> None:
    axes.axhline(0, color=GREY, linewidth=0.6, zorder=0)
    axes.axvline(0, color=GREY, linewidth=0.6, zorder=0)
    axes.set(xlim=(-reach, reach), ylim=(-reach, reach), xticks=_TICKS, yticks=_TICKS)
    axes.set_aspect("equal")


# --- domain colouring -----------------------------------------------------------------------------------


def planes(functions: Mapping[str, Map], reach: float = 2.2) -> None:
    """Each function as a picture over its input: colour is the phase of the output, contour lines are its modulus."""
    rows = math.ceil((len(functions) + 1) / 3)
    _, grid = plt.subplots(rows, 3, figsize=(9, 3.15 * rows), squeeze=False)
    *places, last = grid.flat
    for axes, (name, function) in zip(places, functions.items(), strict=False):
        _domain(axes, function, reach)
        axes.set_title(name)
    for axes in places[len(functions) :]:
        axes.remove()
    _wheel(last)
    for axes in grid[:, 0]:
        axes.set_ylabel("imaginary part of z")
    for axes in grid[-1, :2]:
        axes.set_xlabel("real part of z")


def _wheel(axes: Axes) -> None:
    """The key: the colour of each phase, and what else is drawn."""
    turn = np.linspace(0, 2 * np.pi, 241)
    colors = PHASE(turn[:-1] / (2 * np.pi))
    for low, high, color in zip(turn, turn[1:] + 0.01, colors, strict=False):
        corners = np.array([low, high])
        x = np.concatenate([0.55 * np.cos(corners), np.cos(corners[::-1])])
        y = np.concatenate([0.55 * np.sin(corners), np.sin(corners[::-1])])
        axes.fill(x, y, color=color, linewidth=0)
    for place, text in zip((1.25, 1.25j, -1.25, -1.25j), ("1", "i", "\N{MINUS SIGN}1", "\N{MINUS SIGN}i"), strict=True):
        axes.text(complex(place).real, complex(place).imag, text, ha="center", va="center")
    axes.text(0, 0, "phase", ha="center", va="center")
    axes.plot([], [], color=COLORS[2], linewidth=1.1, label="modulus 0.5, 1, 1.5, ...")
    axes.fill([], [], facecolor="#B8B8B8", edgecolor=GREY, hatch="///", label="output 0")
    axes.set(xlim=(-1.5, 1.5), ylim=(-1.5, 1.5), title="key")
    axes.set_aspect("equal")
    axes.axis("off")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, 0.02), fontsize=10)


def planes_slider(mod_relu: Callable[[Tensor, float], Tensor]) -> None:
    """A slider for the bias of modReLU; draws its effect on the plane, and on the modulus along a ray."""
    import ipywidgets

    def draw(bias: float) -> Figure:
        figure, (left, right) = plt.subplots(1, 2, figsize=(7.6, 3.7))
        _domain(left, lambda z: mod_relu(z, bias), 2.2)
        left.set(title=f"modReLU, b = {bias:g}", xlabel="real part of z", ylabel="imaginary part of z")
        radius = torch.linspace(0, 3, 301, dtype=torch.float64)
        right.plot(radius, radius, color=GREY, linestyle="--", linewidth=1.4)
        right.plot(radius, mod_relu(torch.complex(radius, 0 * radius), bias).abs(), color=COLORS[0])
        right.set(title="along a ray from 0", xlabel="|z|", ylabel="|output|", xlim=(0, 3), ylim=(0, 4.2))
        return figure

    live(draw, bias=ipywidgets.FloatSlider(-1.0, min=-2, max=1, step=0.25, continuous_update=False))


def _domain(axes: Axes, function: Map, reach: float, points: int = 300) -> None:
    side = torch.linspace(-reach, reach, points, dtype=torch.float64)
    z = torch.complex(*torch.meshgrid(side, side, indexing="xy"))
    value = function(z)
    modulus, dead = value.abs().numpy(), (value.abs() < 1e-9).numpy()
    colors = PHASE((value.angle().numpy() / (2 * np.pi)) % 1)
    if dead.mean() > 0.01:
        colors[dead] = (0.72, 0.72, 0.72, 1)
        with plt.rc_context({"hatch.linewidth": 0.7, "hatch.color": GREY}):
            axes.contourf(side, side, dead, levels=[0.5, 1.5], colors="none", hatches=["///"])
    axes.imshow(colors, extent=(-reach, reach, -reach, reach), origin="lower", interpolation="nearest")
    lines = axes.contour(side, side, modulus, levels=[0.5, 1, 1.5, 2, 2.5, 3], colors=COLORS[2], linewidths=1.1)
    axes.clabel(lines, levels=[level for level in (1, 2) if modulus.max() > level], fontsize=9, colors=INK)
    axes.set(xticks=_TICKS, yticks=_TICKS)


# --- equivariance ---------------------------------------------------------------------------------------


def equivariance(functions: Mapping[str, Map], angle: float = 1.0) -> None:
    """Rotated before or after: a ring of points through each function, both ways."""
    figure, row = plt.subplots(1, len(functions), figsize=(3.1 * len(functions), 3.6), squeeze=False)
    for axes, (name, function) in zip(row[0], functions.items(), strict=True):
        _both_ways(axes, name, function, angle)
    row[0, 0].set_ylabel("imaginary part")
    handles, labels = row[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2)


def equivariance_slider(functions: Mapping[str, Map]) -> None:
    """A slider for the angle, a menu for the function."""
    import ipywidgets

    def draw(angle: float, activation: str) -> Figure:
        figure, axes = plt.subplots(figsize=(4.4, 4.9))
        _both_ways(axes, activation, functions[activation], angle)
        axes.set_ylabel("imaginary part")
        figure.legend(loc="outside lower center", ncols=2)
        return figure

    live(
        draw,
        angle=ipywidgets.FloatSlider(1.0, min=0, max=6.25, step=0.25, continuous_update=False),
        activation=ipywidgets.Dropdown(options=list(functions), value=next(iter(functions))),
    )


def _both_ways(axes: Axes, name: str, function: Map, angle: float) -> None:
    turn = complex(math.cos(angle), math.sin(angle))
    phase = 2 * math.pi * torch.arange(12, dtype=torch.float64) / 12
    z = torch.polar(1.0 + 0.8 * (torch.arange(12, dtype=torch.float64) % 3) / 2, phase)
    first, last = function(turn * z), turn * function(z)
    gap = float((first - last).abs().max())
    axes.plot(last.real, last.imag, "o", color=COLORS[1], markersize=11, fillstyle="none", markeredgewidth=2,
              label="function, then turn")  # fmt: skip
    axes.plot(first.real, first.imag, "o", color=COLORS[0], markersize=5, label="turn, then function")
    for a, b in zip(first.tolist(), last.tolist(), strict=True):
        axes.plot([a.real, b.real], [a.imag, b.imag], color=GREY, linewidth=1, zorder=0)
    _plane(axes, 2.2)
    axes.set_title(f"{name}: {'they agree' if gap < 1e-6 else f'up to {gap:.2f} apart'}")
    axes.set_xlabel("real part")


# --- descent --------------------------------------------------------------------------------------------


def descents(
    loss: Callable[[Tensor], Tensor],
    steps: Mapping[str, Callable[[Tensor, Tensor, float], Tensor]],
    start: complex = -0.3 + 0.7j,
    lr: float = 0.03,
    count: int = 40,
) -> None:
    """The path that each rule takes on the landscape of a real loss; the gradient is torch's own."""
    _, row = plt.subplots(1, len(steps), figsize=(3.6 * len(steps), 3.9), sharey=True, squeeze=False)
    side = torch.linspace(-2, 2, 161, dtype=torch.float64)
    bands, greys = [0, 0.1, 0.3, 1, 2, 4, 8, 16, 1e9], [str(1 - 0.06 * k) for k in range(8)]
    height = loss(torch.complex(*torch.meshgrid(side, side, indexing="xy")))
    for k, (axes, (name, step)) in enumerate(zip(row[0], steps.items(), strict=True)):
        axes.contourf(side, side, height, levels=bands, colors=greys)
        way = [torch.tensor(start, dtype=torch.complex128)]
        for _ in range(count):
            point = way[-1].clone().requires_grad_()
            [gradient] = torch.autograd.grad(loss(point), point)
            way.append(step(way[-1], gradient, lr).detach())
        z = torch.stack(way)
        end = float(loss(z[-1]))
        axes.plot(z.real, z.imag, marker=MARKERS[k], markersize=4, linewidth=1.2, color=COLORS[(0, 3, 2)[k % 3]])
        axes.plot(z.real[0], z.imag[0], "o", color=INK, markersize=8)
        axes.set(xlim=(-2, 2), ylim=(-2, 2), xticks=_TICKS, yticks=_TICKS, title=name)
        axes.set_aspect("equal")
        axes.set_xlabel(f"loss: first {float(loss(z[0])):.2f}, last {_short(end)}")
    row[0, 0].set_ylabel("imaginary part")


def _short(value: float) -> str:
    if not math.isfinite(value) or value > 1e6:
        return "over a million"
    return f"{value:.2f}" if value >= 0.005 else "under 0.005"


# --- radio ----------------------------------------------------------------------------------------------


def one_symbol(activation: Map | None = None, order: int = 8, snr_db: float = 15.0, seed: int = 1) -> None:
    """Two networks that have only seen symbol 0: how a real and a complex one without biases classify the plane.

    The complex one is `w = v . activation(u z)`, and its logit k is the part of w along symbol k: it knows that the
    symbols are turned copies of one. It is equivariant to rotations where the activation is.
    """
    generator = torch.Generator().manual_seed(seed)
    bend = activation or (lambda z: z * torch.tanh(z.abs()))
    symbols = torch.exp(2j * math.pi * torch.arange(order) / order).to(torch.complex64)

    def noise(n: int) -> Tensor:
        return 10 ** (-snr_db / 20) * torch.randn(n, dtype=torch.complex64, generator=generator)

    seen = 1 + noise(256)
    parts = [torch.randn(n, generator=generator) for n in (2 * 16, 16, 16 * order, order)]
    real = [parts[0].reshape(16, 2), parts[1], parts[2].reshape(order, 16) / 4, parts[3]]
    turn = [torch.randn(12, dtype=torch.complex64, generator=generator) for _ in range(2)]

    def read_real(z: Tensor) -> Tensor:
        return torch.relu(torch.view_as_real(z) @ real[0].T + real[1]) @ real[2].T + real[3]

    def read_complex(z: Tensor) -> Tensor:
        w = bend(z[:, None] * turn[0]) @ turn[1]
        return w.real[:, None] * symbols.real + w.imag[:, None] * symbols.imag

    for parameters, read in ((real, read_real), (turn, read_complex)):
        _learn([each.requires_grad_() for each in parameters], read, seen)
    labels = torch.arange(1600) % order
    heard = symbols[labels] + noise(1600)
    _, (left, middle, right) = plt.subplots(1, 3, figsize=(10, 3.7), sharey=True)
    _cloud(left, seen, torch.zeros(256, dtype=torch.int64), order)
    left.set(title="All that both have seen", ylabel="imaginary part", xlabel="real part")
    for axes, name, read in ((middle, "Real", read_real), (right, "Complex", read_complex)):
        with torch.no_grad():
            _regions(axes, read, order)
            wrong = float((read(heard).argmax(dim=1) != labels).float().mean())
        _cloud(axes, heard[:320], labels[:320], order)
        axes.set(title=f"{name}: {wrong:.1%} misread", xlabel="real part")


def _learn(parameters: list[Tensor], read: Receiver, seen: Tensor) -> None:
    optimizer = torch.optim.Adam(parameters, lr=0.02)
    target = torch.zeros(len(seen), dtype=torch.int64)
    for _ in range(80):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(read(seen), target).backward()  # type: ignore[no-untyped-call]
        optimizer.step()


def constellations(z: Tensor, labels: Tensor, readers: Mapping[str, Receiver], order: int, shown: int = 600) -> None:
    """Received symbols, and for each reader the mean symbol under the probabilities that it gives."""
    _, row = plt.subplots(1, 1 + len(readers), figsize=(3.4 * (1 + len(readers)), 3.8), sharey=True)
    symbols = torch.exp(2j * math.pi * torch.arange(order) / order).to(torch.complex64)
    _cloud(row[0], z[:shown], labels[:shown], order)
    row[0].set(title="before: what arrives", xlabel="real part", ylabel="imaginary part")
    for axes, (name, read) in zip(row[1:], readers.items(), strict=True):
        with torch.no_grad():
            logits = read(z)
        soft = torch.softmax(logits, dim=1).to(torch.complex64) @ symbols
        _cloud(axes, soft[:shown], labels[:shown], order)
        wrong = int((logits.argmax(dim=1) != labels).sum())
        axes.set(title=f"after: {name}", xlabel=f"{wrong} of {len(z):,} misread")


def _cloud(axes: Axes, z: Tensor, labels: Tensor, order: int) -> None:
    for k in range(order):
        some = z[labels == k]
        axes.plot(some.real, some.imag, linestyle="", marker=MARKERS[k % 8], color=COLORS[k % 8], markersize=4.5,
                  markeredgecolor=INK, markeredgewidth=0.3)  # fmt: skip
    _plane(axes, 1.9)


def _regions(axes: Axes, read: Receiver, order: int) -> None:
    side = torch.linspace(-1.9, 1.9, 220)
    z = torch.complex(*torch.meshgrid(side, side, indexing="xy")).flatten()
    chosen = read(z).argmax(dim=1).reshape(220, 220).numpy()
    axes.imshow(chosen, extent=(-1.9, 1.9, -1.9, 1.9), origin="lower", cmap=light(order), vmin=-0.5, vmax=order - 0.5,
                interpolation="nearest")  # fmt: skip


def error_rates(
    snrs: Sequence[float],
    measured: Mapping[int, Mapping[str, Sequence[float]]],
    rate: Callable[[int, float], float],
    tested: int,
) -> None:
    """Measured error rates against the signal-to-noise ratio beside the closed form, order by order."""
    _, axes = plt.subplots(figsize=(8.4, 4.8))
    fine = np.linspace(min(snrs), max(snrs), 121)
    for k, (order, kinds) in enumerate(measured.items()):
        axes.plot(
            fine, [rate(order, float(snr)) for snr in fine], color=COLORS[k], label=f"{order} symbols: Q function"
        )
        for (kind, rates), marker, size in zip(kinds.items(), ("o", "x"), (9, 7), strict=False):
            seen = np.array([value if value > 0 else np.nan for value in rates])
            axes.plot(snrs, seen, linestyle="", marker=marker, markersize=size, fillstyle="none", markeredgewidth=1.7,
                      color=COLORS[k], label=f"{order} symbols: {kind} network")  # fmt: skip
    axes.axhspan(1e-9, 10 / tested, color=GREY, alpha=0.13, linewidth=0)
    axes.text(min(snrs), 1 / tested, "grey: fewer than 10 errors", color=GREY, fontsize=10, va="bottom")
    axes.set(yscale="log", ylim=(0.8 / tested, 1), xlabel="signal-to-noise ratio in dB", ylabel="error rate")
    axes.set_title("Error rate against noise")
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize=10)


def learning(steps: Sequence[int], errors: Mapping[str, Sequence[Sequence[float]]], best: float) -> None:
    """Error rate against training steps, several runs of each kind: the median, and a band from worst to best."""
    _, axes = plt.subplots(figsize=(7.6, 3.9))
    for k, (kind, runs) in enumerate(errors.items()):
        values = np.array(runs)
        axes.plot(steps, np.median(values, axis=0), marker=MARKERS[k], color=COLORS[k], label=f"{kind} network")
        axes.fill_between(steps, values.min(axis=0), values.max(axis=0), color=COLORS[k], alpha=0.18, linewidth=0)
    axes.axhline(best, color=INK, linestyle="--", linewidth=1.4, label="the nearest symbol")
    axes.set(xscale="log", yscale="log", xlabel="training steps", ylabel="error rate", xticks=steps)
    axes.set_xticks(list(steps), [str(step) for step in steps])
    axes.minorticks_off()
    ticks = [tick for tick in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0) if tick > 0.7 * best]
    axes.set_yticks(ticks, [f"{tick:.0%}" for tick in ticks])
    axes.set_title("How fast they learn")
    axes.legend()


def products(sizes: Sequence[int], seconds: Mapping[str, Sequence[float]]) -> None:
    """Time for a product of two complex matrices, relative to the first method."""
    _, axes = plt.subplots(figsize=(7.6, 3.6))
    first: Any = np.array(next(iter(seconds.values())))
    for k, (name, values) in enumerate(seconds.items()):
        axes.plot(sizes, np.array(values) / first, marker=MARKERS[k], color=COLORS[k], label=name)
    axes.axhline(0.75, color=GREY, linestyle="--", linewidth=1.2)
    axes.text(sizes[0], 0.76, "3 / 4", color=GREY, va="bottom")
    axes.set(
        xscale="log", xlabel="size n of the n \N{MULTIPLICATION SIGN} n matrices", ylabel="time, four products = 1"
    )
    axes.set_xticks(list(sizes), [str(size) for size in sizes])
    axes.minorticks_off()
    axes.set_title("Three products against four, measured here")
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))

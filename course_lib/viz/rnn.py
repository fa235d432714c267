"""Pictures of recurrent networks: echoes of a pulse, gradients on their way back, vanishing gradients, a cliff.

Whatever is drawn is computed by the functions that are passed in, so that each picture shows the caller's own code.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from course_lib.viz import COLORS, DIVERGING, GREY, INK, MARKERS
from course_lib.viz.live import live

__all__ = [
    "cliff",
    "echo",
    "gradient_paths",
    "gradient_slider",
    "input_gradients",
    "learning",
    "powers",
    "recall",
    "weights",
]

Weights = tuple[Tensor, Tensor, Tensor, Tensor]
Forward = Callable[..., tuple[Tensor, Tensor]]
Backward = Callable[..., tuple[Tensor, ...]]
Norms = Callable[[Tensor, Tensor], Tensor]


def weights(hidden: int, inputs: int, radius: float, seed: int = 0) -> Weights:
    """Random W_ih, W_hh, b_ih, b_hh in float64; W_hh is scaled to a spectral radius, its largest absolute eigenvalue.

    The biases are 0.
    """
    rng = np.random.default_rng(seed)
    W_hh = rng.standard_normal((hidden, hidden))
    W_hh *= radius / np.abs(np.linalg.eigvals(W_hh)).max()
    W_ih = rng.standard_normal((hidden, inputs)) / math.sqrt(inputs)
    none = torch.zeros(hidden, dtype=torch.float64)
    return torch.from_numpy(W_ih), torch.from_numpy(W_hh), none, none.clone()


# --- the hook ---------------------------------------------------------------------------------------------


def powers(factors: Sequence[float] = (1.1, 1.0, 0.9), steps: int = 100) -> None:
    """A number multiplied by the same factor again and again, on a logarithmic axis."""
    _, axes = plt.subplots(figsize=(7.2, 3.4))
    step = np.arange(steps + 1)
    for color, factor in zip((COLORS[3], GREY, COLORS[0]), factors, strict=True):
        axes.semilogy(step, factor**step, color=color)
        axes.annotate(
            f"{factor:g}: {_number(factor**steps)}",
            (steps, factor**steps),
            (8, 0),
            textcoords="offset points",
            va="center",
        )
    axes.set(xlabel="steps", ylabel="what is left of 1", xlim=(0, steps))
    axes.set_title("The same factor, step after step")


def _number(value: float) -> str:
    if 0.1 <= value < 1e5:
        return f"{value:,.0f}"
    exponent = math.floor(math.log10(value))
    return rf"${value / 10**exponent:.1f} \times 10^{{{exponent}}}$"


# --- forward ----------------------------------------------------------------------------------------------


def echo(rnn_forward: Forward, radii: Sequence[float] = (0.5, 0.9, 1.3), steps: int = 40, hidden: int = 24) -> None:
    """The state, unit by unit, after one pulse in the first step and zeros afterwards."""
    figure, row = plt.subplots(1, len(radii), figsize=(9.5, 3.3), sharey=True, squeeze=False)
    xs = torch.zeros(1, steps, 1, dtype=torch.float64)
    xs[0, 0] = 1
    for axes, radius in zip(row[0], radii, strict=True):
        hs = rnn_forward(xs, torch.zeros(1, hidden, dtype=xs.dtype), *weights(hidden, 1, radius))[0][0]
        image = axes.imshow(
            hs.detach().T.numpy(),
            cmap=DIVERGING,
            vmin=-1,
            vmax=1,
            aspect="auto",
            interpolation="nearest",
            extent=(0.5, steps + 0.5, hidden + 0.5, 0.5),
        )
        axes.set(title=f"spectral radius {radius:g}", xlabel="step")
    row[0][0].set_ylabel("unit of the state")
    figure.colorbar(image, ax=row[0], label="state", shrink=0.9)


# --- backward ---------------------------------------------------------------------------------------------


def input_gradients(
    rnn_forward: Forward, rnn_backward: Backward, radii: Sequence[float] = (0.5, 0.9, 1.3), steps: int = 30
) -> None:
    """The norm of the gradient of a loss on the last state for each input, relative to the largest."""
    _, row = plt.subplots(1, len(radii), figsize=(9.5, 2.9), sharey=True, squeeze=False)
    generator = torch.Generator().manual_seed(1)
    xs = torch.randn(8, steps, 3, generator=generator, dtype=torch.float64)
    dhs = torch.zeros(8, steps, 32, dtype=torch.float64)
    dhs[:, -1] = torch.randn(8, 32, generator=generator, dtype=torch.float64)
    for axes, radius in zip(row[0], radii, strict=True):
        params = weights(32, 3, radius)
        h0 = torch.zeros(8, 32, dtype=torch.float64)
        hs = rnn_forward(0.3 * xs, h0, *params)[0].detach()
        dxs = rnn_backward(dhs, 0.3 * xs, h0, hs, params[0], params[1])[0]
        length = dxs.norm(dim=-1).mean(0).numpy()
        axes.bar(np.arange(1, steps + 1), length / length.max(), color=COLORS[0], width=0.85)
        axes.set(title=f"spectral radius {radius:g}", xlabel="step")
    row[0][0].set_ylabel("gradient at the input")


def gradient_paths(
    rnn_forward: Forward,
    gradient_norms: Norms,
    radii: Sequence[float] = (0.5, 0.9, 1.0, 1.1, 1.5),
    steps: int = 100,
    loud: float = 0.1,
) -> None:
    """The norm of d h_T / d h_t against the distance T - t, one line for each spectral radius."""
    _, axes = plt.subplots(figsize=(8.2, 4.6))
    distance = np.arange(steps)
    palette = (COLORS[0], COLORS[5], GREY, COLORS[1], COLORS[3])
    for index, radius in enumerate(radii):
        norms = _norms(rnn_forward, gradient_norms, radius, steps, loud)
        look = {"color": palette[index % 5], "marker": MARKERS[index % len(MARKERS)], "markevery": 12}
        axes.semilogy(distance, norms, label=f"radius {radius:g}", **look)
    axes.axhline(1, color=INK, linewidth=0.8, linestyle=":")
    axes.set(xlabel="distance $T - t$ in steps", ylabel=r"norm of $\partial h_T / \partial h_t$", xlim=(0, steps - 1))
    axes.set_ylim(1e-18, 1e6)
    axes.set_title("How strongly the end depends on what came before")
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))


def gradient_slider(rnn_forward: Forward, gradient_norms: Norms) -> None:
    """Sliders for the spectral radius and for the size of the inputs; left the gradient, right the states."""
    import ipywidgets

    def draw(radius: float, loud: float) -> Figure:
        figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4), width_ratios=(1.5, 1))
        norms = _norms(rnn_forward, gradient_norms, radius, 100, loud)
        left.semilogy(np.arange(100), norms, color=COLORS[0])
        left.axhline(1, color=INK, linewidth=0.8, linestyle=":")
        left.set(xlabel="distance in steps", ylabel="norm", ylim=(1e-20, 1e10), xlim=(0, 99))
        left.set_title(f"after 99 steps: {float(norms[-1]):.1e}")
        _histogram(right, _hs(rnn_forward, radius, 100, loud))
        return figure

    live(
        draw,
        radius=ipywidgets.FloatSlider(1.0, min=0.3, max=3.0, step=0.1, continuous_update=False),
        loud=ipywidgets.FloatSlider(0.1, min=0.0, max=2.0, step=0.1, continuous_update=False),
    )


def _histogram(axes: Axes, hs: Tensor) -> None:
    axes.hist(hs.reshape(-1).numpy(), bins=40, range=(-1, 1), color=COLORS[5])
    axes.set(xlabel="state", ylabel="how often", yticks=(), xticks=(-1, 0, 1))
    axes.set_title(f"mean slope of tanh: {float((1 - hs**2).mean()):.2f}")


def _hs(rnn_forward: Forward, radius: float, steps: int, loud: float) -> Tensor:
    xs = loud * torch.randn(1, steps, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    h0 = 0.1 * torch.randn(1, 64, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    return rnn_forward(xs, h0, *weights(64, 4, radius))[0][0].detach()


def _norms(rnn_forward: Forward, gradient_norms: Norms, radius: float, steps: int, loud: float) -> Tensor:
    norms = gradient_norms(_hs(rnn_forward, radius, steps, loud), weights(64, 4, radius)[1])
    return norms.detach().flip(0)


def cliff(rnn_forward: Forward, rnn_backward: Backward, steps: int = 50, target: float = 0.8) -> None:
    """The loss of one unit after many steps, against its recurrent weight: a plain with a cliff, and its gradient.

    All weights are tried in one run: a diagonal W_hh makes every unit a network of its own.
    """
    w = torch.linspace(1.0, 3.0, 801, dtype=torch.float64)
    none, one = torch.zeros_like(w), torch.ones(1, len(w), dtype=torch.float64)
    xs = torch.full((1, steps, 1), -0.5, dtype=torch.float64)
    W_ih, W_hh = torch.ones(len(w), 1, dtype=torch.float64), torch.diag(w)
    hs = rnn_forward(xs, one, W_ih, W_hh, none, none)[0].detach()
    last = hs[0, -1]
    dhs = torch.zeros_like(hs)
    dhs[0, -1] = 2 * (last - target)
    slope = torch.diagonal(rnn_backward(dhs, xs, one, hs, W_ih, W_hh)[3]).abs()
    _, (above, below) = plt.subplots(2, 1, figsize=(7.6, 4.6), sharex=True)
    above.plot(w, (last - target) ** 2, color=COLORS[0])
    above.set(ylabel="loss", title=f"One unit, {steps} steps: the loss against its weight")
    below.semilogy(w, slope.clamp(min=1e-12), color=COLORS[3])
    steepest = int(slope.argmax())
    below.annotate(
        f"{float(slope[steepest]):,.0f}",
        (float(w[steepest]), float(slope[steepest])),
        (8, -4),
        textcoords="offset points",
    )
    below.axhline(1, color=INK, linewidth=0.8, linestyle=":")
    below.set(xlabel="weight $w$", ylabel="|gradient|", xlim=(1, 3), ylim=(1e-4, 1e4))


# --- training ---------------------------------------------------------------------------------------------


def recall(distances: Sequence[int], losses: Mapping[float, Sequence[float]], guess: float) -> None:
    """The loss after training against the distance over which a symbol had to be remembered, by learning rate."""
    _, axes = plt.subplots(figsize=(7.2, 3.6))
    for index, (rate, measured) in enumerate(losses.items()):
        look = {"marker": MARKERS[index], "color": COLORS[(5, 0, 3)[index % 3]]}
        axes.semilogx(distances, measured, label=f"learning rate {rate:g}", **look)
    axes.axhline(guess, color=GREY, linestyle="--", linewidth=1.6, label=f"guessing: {guess:.2f}")
    axes.set(xlabel="steps between symbol and question", ylabel="loss", ylim=(-0.08, 1.25 * guess))
    axes.set_title("How far back can it remember?")
    axes.set_xticks(list(distances), [str(distance) for distance in distances])
    axes.minorticks_off()
    axes.legend(loc="center left")


def learning(losses: Sequence[float], held_out: Sequence[float], tokens: int, window: int = 20) -> None:
    """The perplexity of a language model while it learns: a line for what it reads, points for a text it never reads.

    Args:
        losses: of every training step; the line averages over `window` of them.
        held_out: perplexities, measured at equal distances, the last one after the last step.
        tokens: the perplexity of a model that knows nothing.
    """
    smooth = np.exp(np.convolve(losses, np.ones(window) / window, mode="valid"))
    _, axes = plt.subplots(figsize=(7.2, 3.4))
    axes.semilogy(np.arange(len(smooth)) + window, smooth, color=COLORS[0], label="the text that it reads")
    when = len(losses) * np.arange(1, len(held_out) + 1) / len(held_out)
    axes.semilogy(when, held_out, color=COLORS[3], marker=MARKERS[1], linestyle="", label="held-out sentences")
    axes.axhline(tokens, color=GREY, linestyle="--", linewidth=1.6)
    axes.annotate(f"knows nothing: {tokens}", (len(losses), tokens), (0, -14), textcoords="offset points", ha="right")
    for value, above, color in ((smooth[-1], -18, COLORS[0]), (held_out[-1], 10, COLORS[3])):
        axes.annotate(
            f"{value:.1f}", (len(losses), value), (0, above), textcoords="offset points", ha="right", color=color
        )
    axes.set(xlabel="training step", ylabel="perplexity", ylim=(1.5, 1.4 * tokens))
    axes.set_yticks([2, 5, 10, 20, 50], ["2", "5", "10", "20", "50"])
    axes.minorticks_off()
    axes.set_title("How many characters it hesitates between")
    axes.legend(loc="center", bbox_to_anchor=(0.6, 0.66))

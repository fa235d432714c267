"""Pictures of quantization: grids on histograms, stairs, decibels, ranges, borders, few bits, node degrees.

Whatever is drawn is computed by the functions that are passed in, so that each picture shows the caller's own code.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator, StrMethodFormatter
from torch import Tensor

from course_lib.measure import standard_error
from course_lib.viz import COLORS, GREY, INK, MARKERS, frame
from course_lib.viz.live import live

__all__ = [
    "bits_and_accuracy",
    "borders",
    "by_degree",
    "channels",
    "decibels",
    "few_bits",
    "grid",
    "grid_slider",
    "halves",
    "nodes_by_degree",
    "ranges",
    "stairs",
    "straight_through",
    "two_bits",
]

Function = Callable[..., Any]
Score = Callable[[list[Tensor]], float]


def _percent(axes: Axes, name: str = "digits read, %") -> None:
    axes.set(ylim=(0, 103), ylabel=name)


def _errors(percents: Sequence[float], count: int) -> list[float]:
    """Standard errors of percentages that were counted on so many examples, in points."""
    return [100 * standard_error(each / 100, count) for each in percents]


# --- the hook -----------------------------------------------------------------------------------------------


def _nearest(w: Tensor, bits: int) -> Tensor:
    """The nearest of the values that `bits` bits allow in each row, evenly spread around 0."""
    step = w.abs().amax(1, keepdim=True) / (2 ** (bits - 1) - 1)
    rounded: Tensor = torch.round(w / step) * step
    return rounded


def few_bits(weights: Sequence[Tensor], score: Score, count: int, bits: Sequence[int] = (8, 6, 4, 3, 2)) -> None:
    """The weights of one unit as marks on a line, exact and with few bits; the accuracy for each number of bits.

    `score` gives the accuracy with other weights, measured on `count` digits: its standard error is drawn too.
    """
    _, (left, right) = plt.subplots(1, 2, figsize=(9.5, 3.4), width_ratios=(1.35, 1))
    w = weights[0][:1]
    rows = {"32 bits": w, "4 bits": _nearest(w, 4), "2 bits": _nearest(w, 2)}
    for place, values in enumerate(rows.values()):
        left.plot(values[0].numpy(), np.full(values.shape[1], place), "|", color=COLORS[place], markersize=26)
    left.set(title="The 64 weights of one unit", xlabel="weight", yticks=range(len(rows)), ylim=(2.6, -0.6))
    left.set_yticklabels(list(rows))
    reached = [100 * score(list(weights))] + [100 * score([_nearest(w, each) for w in weights]) for each in bits]
    bars = right.barh(range(len(reached)), reached, color=[GREY] + [COLORS[0]] * (len(bits) - 1) + [COLORS[3]])
    right.errorbar(reached, range(len(reached)), xerr=_errors(reached, count), fmt="none", ecolor=INK, capsize=3)
    right.bar_label(bars, fmt="%.1f %%", padding=6)
    right.set(title="All weights rounded", xlabel="digits read, %", xlim=(0, 122), yticks=range(len(reached)))
    right.set_yticklabels([f"{each} bits" for each in (32, *bits)])
    right.invert_yaxis()


# --- a grid -------------------------------------------------------------------------------------------------


def grid(affine_qparams: Function, quantize: Function, dequantize: Function, x: Tensor, bits: int) -> Figure:
    """A histogram of numbers with the grid on top, and how many numbers each integer represents."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(9.5, 3.3))
    scale, zero = affine_qparams(float(x.min()), float(x.max()), bits)
    q = quantize(x, scale, zero, bits).flatten()
    integers, counts = (each.numpy() for each in q.unique(return_counts=True))
    points = dequantize(torch.arange(-(2 ** (bits - 1)), 2 ** (bits - 1)), scale, zero).numpy()
    left.hist(x.flatten().numpy(), bins=120, color=GREY)
    left.set(title=f"{x.numel():,} numbers", xlabel="value", ylabel="how many")
    if bits <= 5:
        for point in points:
            left.axvline(point, color=COLORS[3], linewidth=1.1)
    else:
        left.plot(points, np.zeros(len(points)), "|", color=COLORS[3], markersize=14)
    right.bar(integers, counts, color=[COLORS[3] if each == zero else COLORS[0] for each in integers.tolist()])
    right.set(title=f"{len(integers)} of {2**bits} integers in use", xlabel="integer", ylabel="how many")
    right.set(xlim=(-(2 ** (bits - 1)) - 0.7, 2 ** (bits - 1) - 0.3))
    right.annotate(f"zero point {zero}", (0.02, 0.98), xycoords="axes fraction", va="top", color=COLORS[3])
    figure.suptitle(f"{bits} bits, scale {scale:.4f}", weight="bold", x=0.12)
    return figure


def grid_slider(affine_qparams: Function, quantize: Function, dequantize: Function, x: Tensor) -> None:
    """The same with a slider for the bits."""
    import ipywidgets

    control = ipywidgets.IntSlider(4, min=2, max=8, continuous_update=False)
    live(lambda bits: grid(affine_qparams, quantize, dequantize, x, bits), bits=control)


def stairs(quantize: Function, dequantize: Function, scale: float = 0.5, zero: int = 1, bits: int = 3) -> None:
    """The quantized value of each number, and the error: small steps inside the grid, a slope beyond it."""
    _, (left, right) = plt.subplots(1, 2, figsize=(9.5, 3.4))
    low, high = ((end - zero) * scale for end in (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1))
    x = torch.linspace(low - 1.2, high + 1.2, 1201)
    back = dequantize(quantize(x, scale, zero, bits), scale, zero)
    for axes in (left, right):
        axes.axvspan(low - scale / 2, high + scale / 2, color=COLORS[2], alpha=0.15)
        axes.set(xlabel="x")
    left.plot(x, x, color=GREY, linestyle="--", linewidth=1.2)
    left.plot(x, back, color=COLORS[0])
    left.set(title=f"{bits} bits, scale {scale:g}, zero point {zero}", ylabel="x'")
    right.plot(x, back - x, color=COLORS[3])
    for line in (-scale / 2, scale / 2):
        right.axhline(line, color=INK, linestyle=":", linewidth=1.2)
    right.set(title="The error", ylabel="x' - x")
    right.annotate("half a step", (high + 0.3, scale / 2), (0, 4), textcoords="offset points", fontsize=10)


def halves(quantize: Function, count: int = 12) -> None:
    """How halves are rounded: to the even integer, and always up; the drift of the mean of each."""
    _, axes = plt.subplots(figsize=(7.6, 3.0))
    x = torch.arange(count) - count / 2 + 0.5
    ways = {"half up": torch.floor(x + 0.5).double(), "half to even, yours": quantize(x, 1.0, 0).double()}
    for k, (name, whole) in enumerate(ways.items()):
        drift = float((whole - x.double()).mean())
        look: dict[str, Any] = {"markersize": 13, "fillstyle": "none"} if k == 0 else {}
        label = f"{name}: {drift:+.2f} on average"
        axes.plot(x, whole - x, MARKERS[1 - k], color=COLORS[3 * (1 - k)], label=label, **look)
    axes.axhline(0, color=GREY, linewidth=1)
    axes.set(title="How a half is rounded", xlabel="x", ylabel="rounded - x", yticks=(-0.5, 0, 0.5), ylim=(-0.8, 1.5))
    axes.set_xticks(x[::2].tolist())
    axes.legend(loc="upper left", ncols=2)


# --- what it costs ------------------------------------------------------------------------------------------


def decibels(quantization_error: Function, samples: Mapping[str, Tensor], bits: Sequence[int] = range(2, 13)) -> None:
    """Signal-to-noise against bits for several kinds of numbers, beside a line of 6.02 dB per bit."""
    _, axes = plt.subplots(figsize=(7.6, 4))
    for k, (name, x) in enumerate(samples.items()):
        axes.plot(bits, [quantization_error(x, each) for each in bits], color=COLORS[k], marker=MARKERS[k], label=name)
    ends = np.array([min(bits), max(bits)])
    axes.plot(ends, 6.02 * ends, color=GREY, linestyle="--", linewidth=1.4, label="6.02 dB per bit")
    axes.set(title="A bit is worth 6 dB, once the steps are fine", xlabel="bits", ylabel="signal-to-noise, dB")
    axes.legend(loc="upper left")


def _row_decibels(w: Tensor, back: Tensor) -> Tensor:
    w, back = w.double().flatten(1), back.double().flatten(1)
    return 10 * torch.log10((w**2).sum(1) / ((w - back) ** 2).sum(1).clamp_min(1e-30))


def channels(per_channel_qparams: Function, quantize: Function, dequantize: Function, w: Tensor, bits: int = 4) -> None:
    """How large each channel's weights are, and its signal-to-noise ratio with one grid for all or one for each."""
    _, (left, right) = plt.subplots(1, 2, figsize=(9.5, 3.4))
    order = w.abs().flatten(1).amax(1).argsort(descending=True)
    w = w[order]
    shape = (-1, *[1] * (w.dim() - 1))
    own, zeros = per_channel_qparams(w, 0, bits)
    common = own.max()
    left.plot(range(len(w)), w.abs().flatten(1).amax(1), color=COLORS[0], marker=MARKERS[0], markersize=4)
    left.set(title="Wide channels and narrow ones", xlabel="channel, widest first", ylabel="largest |weight|", ylim=0)
    ways = {"one scale for all": (common, 0), "one scale per channel": (own.view(shape), zeros.view(shape))}
    for k, (name, (scale, zero)) in enumerate(ways.items()):
        back = dequantize(quantize(w, scale, zero, bits), scale, zero)
        values = _row_decibels(w, back)
        right.plot(range(len(w)), values, color=COLORS[3 * (1 - k)], marker=MARKERS[k], markersize=4, label=name)
    right.set(title=f"{bits} bits", xlabel="channel, widest first", ylabel="signal-to-noise, dB")
    right.legend()


def ranges(
    calibrate: Function,
    affine_qparams: Function,
    quantize: Function,
    dequantize: Function,
    x: Tensor,
    bits: Sequence[int] = (8, 4),
) -> None:
    """A heavy-tailed distribution with the range that each method chooses, and the resulting signal-to-noise ratio."""
    _, (left, right) = plt.subplots(1, 2, figsize=(9.5, 3.6), width_ratios=(1.5, 1))
    left.hist(x.flatten().numpy(), bins=200, color=GREY, log=True)
    height = left.get_ylim()[1]
    for k, method in enumerate(("minmax", "percentile", "mse")):
        low, high = calibrate(x, method)
        left.plot([low, high], [height * 3 ** (k + 1)] * 2, color=COLORS[k], marker=MARKERS[k], label=method)
        for group, each in enumerate(bits):
            scale, zero = affine_qparams(low, high, each)
            back = dequantize(quantize(x, scale, zero, each), scale, zero)
            value = float(_row_decibels(x.flatten()[None], back.flatten()[None]))
            bar = right.bar(group + 0.27 * (k - 1), value, 0.25, color=COLORS[k])
            right.bar_label(bar, fmt="%.1f", padding=2, fontsize=10)
    left.set(title="What each method covers", xlabel="value", ylabel="how many", ylim=(0.6, height * 200))
    left.legend(loc="upper left", ncols=3, fontsize=10)
    right.set(title="What is left", xticks=range(len(bits)), ylabel="signal-to-noise, dB")
    right.set_ylim(top=1.12 * right.get_ylim()[1])
    right.set_xticklabels([f"{each} bits" for each in bits])


# --- integers -----------------------------------------------------------------------------------------------


def borders(int8_conv2d: Function, image: Tensor, zero: int = -128) -> None:
    """A small blur of an image, (H, W) from 0 to 1, with the border padded by the zero point and by the integer 0."""
    scale = 1 / 255
    q = torch.round(image / scale + zero).clamp(-128, 127).to(torch.int8)[None, None]
    kernel = torch.ones(1, 1, 3, 3, dtype=torch.int8)
    wrong = torch.nn.functional.pad(q, (1, 1, 1, 1))
    pictures = {
        "the image": q[0, 0],
        "padded with the zero point": int8_conv2d(q, scale, zero, kernel, 1 / 9, 0, None, scale, zero, 1, 1)[0, 0],
        "padded with the integer 0": int8_conv2d(wrong, scale, zero, kernel, 1 / 9, 0, None, scale, zero)[0, 0],
    }
    _, row = plt.subplots(1, len(pictures), figsize=(9.5, 3.2))
    for axes, (name, picture) in zip(row, pictures.items(), strict=True):
        axes.imshow(picture.numpy(), cmap="gray_r", vmin=-128, vmax=127)
        axes.set(title=name, xlabel=f"integers from {int(picture.min())} to {int(picture.max())}")
        frame(axes)


# --- few bits -----------------------------------------------------------------------------------------------


def straight_through(fake_quantize: Function, scale: float = 0.5, bits: int = 3) -> None:
    """The stairs in the forward pass, and the gradient in the backward pass."""
    _, (left, right) = plt.subplots(1, 2, figsize=(9.5, 3.2))
    x = torch.linspace(-3.2, 2.7, 1200).requires_grad_()
    y = fake_quantize(x, scale, 0, bits)
    [gradient] = torch.autograd.grad(y.sum(), x)
    left.plot(x.detach(), x.detach(), color=GREY, linestyle="--", linewidth=1.2)
    left.plot(x.detach(), y.detach(), color=COLORS[0])
    left.set(title="Forward: stairs", xlabel="x", ylabel="x'")
    right.plot(x.detach(), gradient, color=COLORS[3], label="straight-through, yours")
    right.axhline(0, color=GREY, linestyle="--", linewidth=1.4, label="true slope of the stairs")
    right.set(title="Backward: a slope of 1", xlabel="x", ylabel="gradient", ylim=(-0.15, 1.5))
    right.legend(loc="upper left", ncols=2, fontsize=10)


def bits_and_accuracy(
    bits: Sequence[int], curves: Mapping[str, Sequence[float]], whole: float, count: int, name: str = "digits read, %"
) -> None:
    """Accuracy against bits, one curve per method, with standard errors; the right panel shows only its top.

    Args:
        bits: bits per weight.
        curves: an accuracy for each of them; nan leaves a point out.
        whole: accuracy of the network in float32, the dashed line.
        count: examples that each accuracy was measured on.
        name: of the vertical axis.
    """
    _, row = plt.subplots(1, 2, figsize=(9.5, 3.8))
    for axes in row:
        axes.axhline(100 * whole, color=GREY, linewidth=1.2, linestyle="--", label="float32, trained as long")
        for k, (way, values) in enumerate(curves.items()):
            kept = [(each, 100 * value) for each, value in zip(bits, values, strict=True) if value == value]
            errors = _errors([value for _, value in kept], count)
            look: dict[str, Any] = {"color": COLORS[(3, 0, 2)[k]], "marker": MARKERS[k], "capsize": 4, "label": way}
            axes.errorbar(*zip(*kept, strict=True), yerr=errors, **look)
        axes.set(xlabel="bits per weight", xticks=list(bits))
    row[0].set(title="Accuracy against bits")
    _percent(row[0], name)
    row[0].legend(loc="lower right")
    row[1].set(title="The top of it, ± one standard error", ylim=(100 * whole - 4, 100 * whole + 1.5))


def two_bits(before: Tensor, after: Tensor, learned: Tensor) -> None:
    """Weights in steps of their channel's grid: the originals, and how many take each value before and after.

    Each is (out, in); a step is the largest absolute value of a row.
    """
    _, (left, right) = plt.subplots(1, 2, figsize=(9.5, 3.2))

    def steps(w: Tensor) -> Tensor:
        return (w / w.abs().amax(1, keepdim=True).clamp_min(1e-12)).flatten()

    left.hist(steps(before).numpy(), bins=101, color=GREY)
    for line in (-0.5, 0.5):
        left.axvline(line, color=COLORS[3], linestyle="--", linewidth=1.4)
    left.set(title="All between the lines become 0", xlabel="weight, in steps", ylabel="how many")
    ends = {name: torch.round(steps(w)) for name, w in (("rounded", after), ("trained", learned))}
    for k, (name, values) in enumerate(ends.items()):
        shares = [100 * float((values == each).double().mean()) for each in (-1, 0, 1)]
        bars = right.bar(np.arange(3) + 0.4 * k - 0.2, shares, 0.38, color=COLORS[3 * (1 - k)], label=name)
        right.bar_label(bars, fmt="%.0f", padding=2)
    moved = 100 * float((ends["rounded"] != ends["trained"]).double().mean())
    right.set(
        title=f"{moved:.0f} % of them moved",
        xticks=range(3),
        xlabel="value, in steps",
        ylabel="share of weights, %",
        ylim=(0, 112),
    )
    right.set_xticklabels(["-1", "0", "1"])
    right.legend(loc="upper right")


# --- graphs -------------------------------------------------------------------------------------------------


def nodes_by_degree(degree: Tensor, sums: Tensor, errors: Mapping[str, Tensor]) -> None:
    """Each node's sums and its error against its degree; root mean squares over its features, (n, H)."""
    _, row = plt.subplots(1, 1 + len(errors), figsize=(9.5, 3.3))
    size = (sums**2).mean(1).sqrt()
    row[0].scatter(degree + 1, size, s=9, color=COLORS[0], alpha=0.6)
    row[0].set(title="What nodes add up", ylabel="size")
    top = 1.1 * float(max((error**2).mean(1).sqrt().max() for error in errors.values()))
    for k, (axes, (name, error)) in enumerate(zip(row[1:], errors.items(), strict=True)):
        axes.scatter(degree + 1, (error**2).mean(1).sqrt(), s=9, color=COLORS[3 - k], alpha=0.6, marker=MARKERS[k])
        axes.set(title=name, ylabel="error", ylim=(0, top))
    for axes in row:
        axes.set(
            xscale="log", xlabel="degree + 1", xticks=(1, 3, 10, 30, 100), xlim=(0.8, 1.4 * float(degree.max()) + 1)
        )
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axes.xaxis.set_minor_locator(NullLocator())


def by_degree(labels: Sequence[str], curves: Mapping[str, Sequence[float]], counts: Sequence[int]) -> None:
    """Accuracy of nodes grouped by degree, one curve per network, with standard errors.

    Args:
        labels: the degrees of each group.
        curves: name of each network to its accuracy on each group.
        counts: nodes that each group was measured on.
    """
    _, axes = plt.subplots(figsize=(7.6, 3.8))
    for k, (name, values) in enumerate(curves.items()):
        aside = np.arange(len(labels)) + 0.07 * (k - (len(curves) - 1) / 2)  # so that no bar hides another
        bars = [100 * standard_error(value, count) for value, count in zip(values, counts, strict=True)]
        axes.errorbar(
            aside, 100 * np.array(values), bars, color=COLORS[k], marker=MARKERS[k], capsize=2, elinewidth=1, label=name
        )
    axes.set(title="Who pays: ± one standard error", xlabel="degree of the node", xticks=range(len(labels)))
    axes.set_xticklabels(f"{label}\n{count} nodes" for label, count in zip(labels, counts, strict=True))
    _percent(axes, "accuracy on nodes, %")
    axes.legend(bbox_to_anchor=(1.0, 1), loc="upper left")

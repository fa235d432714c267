"""Pictures of convolution: a sliding kernel, channels that add up, patches as columns, growing receptive fields.

Whatever is drawn is computed by the functions that are passed in, so that each picture shows the caller's own code.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from course_lib.viz import COLORS, DIVERGING, GREY, INK, MARKERS, frame
from course_lib.viz.live import live

__all__ = [
    "cells",
    "channels",
    "counts",
    "equivariance",
    "feature_map",
    "filters",
    "invariance",
    "moved_digits",
    "patches",
    "places",
    "places_slider",
    "pooling",
    "race",
    "receptive",
    "step",
    "stepper",
]

Array = NDArray[Any]
Convolve = Callable[..., Array]
Layers = Sequence[tuple[int, int]]


# --- why ------------------------------------------------------------------------------------------------


def moved_digits(images: Sequence[Array], shares: Sequence[float], photo: Array) -> None:
    """A photograph as one hidden node sees it, and a digit that moves, with the share of digits still read."""
    figure = plt.figure(figsize=(9.5, 2.9))
    left, right = np.asarray(figure.subfigures(1, 2, width_ratios=(1, 2.6))).tolist()
    axes = left.subplots()
    axes.imshow(photo, cmap="gray")
    axes.set_title(f"{photo.size:,} weights per node")
    frame(axes)
    for shift, (axes, image, share) in enumerate(zip(right.subplots(1, len(images)), images, shares, strict=True)):
        axes.imshow(image, vmin=0, vmax=1)
        axes.set_title(f"moved by {shift}", loc="center", fontweight="normal")
        axes.set_xlabel(f"{100 * share:.0f} % right", color=COLORS[0] if share > 0.9 else COLORS[3], fontweight="bold")
        frame(axes)


def counts(dense: Callable[..., int], conv: Callable[..., int], sides: Sequence[int] = (8, 28, 64, 250, 1000)) -> None:
    """Weights of 16 fully connected nodes and of 16 kernels of 5 x 5, for grey images of increasing size."""
    _, axes = plt.subplots(figsize=(6.4, 3.4))
    nodes = [dense(side, side, 1, 16) for side in sides]
    kernels = [conv(1, 16, 5, False)] * len(sides)
    for values, name, k in (
        (nodes, "16 fully connected nodes", 3),
        (kernels, "16 kernels of 5 \N{MULTIPLICATION SIGN} 5", 0),
    ):
        axes.loglog(sides, values, marker=MARKERS[k], color=COLORS[k])
        end = sides[-1], values[-1]
        axes.annotate(f"{name}: {values[-1]:,}", end, (9, 0), textcoords="offset points", va="center")
    axes.set(xlabel="side of the image in pixels", ylabel="weights", xlim=(sides[0] * 0.8, sides[-1] * 60))
    axes.set_title("A kernel's size does not depend on the image's")
    axes.set_xticks(list(sides), [f"{side:,}" for side in sides])
    axes.minorticks_off()


# --- the kernel slides ----------------------------------------------------------------------------------


def filters(convolve: Convolve, image: Array, kernels: Mapping[str, Array]) -> None:
    """A photograph, (H, W), and what each kernel makes of it; blue is plus, vermilion minus."""
    _, row = plt.subplots(1, 1 + len(kernels), figsize=(9.5, 2.9))
    row[0].imshow(image, cmap="gray")
    row[0].set_title("image")
    for axes, (name, kernel) in zip(row[1:], kernels.items(), strict=True):
        feature_map(axes, convolve(image, kernel), name)
    for axes in row:
        frame(axes)


def channels(convolve: Convolve, single: Convolve, photo: Array, kernel: Array) -> None:
    """A colour photograph, (3, H, W): each channel under its own slice of a kernel, (3, K, K), and their sum."""
    _, row = plt.subplots(1, 5, figsize=(9.5, 2.6))
    row[0].imshow(np.moveaxis(photo, 0, -1))
    row[0].set_title("image")
    parts = [single(photo[c], kernel[c]) for c in range(3)]
    bound = max(float(np.abs(part).max()) for part in parts)
    for axes, part, name in zip(row[1:4], parts, ("red", "+ green", "+ blue"), strict=True):
        feature_map(axes, part, name, bound)
    feature_map(row[4], convolve(photo, kernel), "= one map", bound)
    for axes in row:
        frame(axes)


def step(
    maps: Array, x: Array, w: Array, b: Array | None = None, stride: int = 1, padding: int = 0, place: int = 0
) -> Figure:
    """One position of a convolution: the patch, the kernel, their products, and the output so far.

    Args:
        maps: the output of the caller's function, (C_out, H', W').
        x: the image, (C, H, W).
        w: kernels, (C_out, C, KH, KW).
        b: biases, (C_out,), or None.
        stride, padding: the settings that were used.
        place: index of the output, channel by channel and row by row.
    """
    maps = np.asarray(maps)
    o, i, j = (int(index) for index in np.unravel_index(place % maps.size, maps.shape))
    depth, (kh, kw) = len(x), w.shape[2:]
    padded = np.pad(x, ((0, 0), (padding, padding), (padding, padding)))
    patch = padded[:, i * stride : i * stride + kh, j * stride : j * stride + kw]
    products = patch * w[o]
    figure = plt.figure(figsize=(9.5, 0.9 + 2.0 * depth))
    grid = figure.add_gridspec(depth, 4, width_ratios=(1.5, 1, 1, 1.3))
    for c in range(depth):
        image, kernel, product = (figure.add_subplot(grid[c, column]) for column in range(3))
        cells(image, padded[c], f"channel {c}")
        image.add_patch(Rectangle((j * stride - 0.5, i * stride - 0.5), kw, kh, fill=False, ec=INK, lw=3))
        cells(kernel, w[o, c], "\N{MULTIPLICATION SIGN} kernel")
        cells(product, products[c], f"= sums to {products[c].sum():g}")
    _output(figure.add_subplot(grid[:, 3]), maps, (o, i, j))
    figure.suptitle(_sum(products, b, o, float(maps[o, i, j])), x=0.01, ha="left", fontsize=12)
    return figure


def stepper(
    maps: Array, x: Array, w: Array, b: Array | None = None, stride: int = 1, padding: int = 0, start: int = 0
) -> None:
    """A slider over all positions of a convolution, drawn by `step`."""
    import ipywidgets

    def draw(place: int) -> Figure:
        return step(maps, x, w, b, stride, padding, place)

    live(draw, place=ipywidgets.IntSlider(start, 0, np.asarray(maps).size - 1, continuous_update=False))


def _output(axes: Axes, maps: Array, at: tuple[int, int, int]) -> None:
    o, i, j = at
    order = np.arange(maps[o].size).reshape(maps[o].shape)
    cells(axes, np.where(order <= order[i, j], maps[o], np.nan), f"output channel {o}")
    axes.add_patch(Rectangle((j - 0.5, i - 0.5), 1, 1, fill=False, ec=INK, lw=3))


def _sum(products: Array, b: Array | None, o: int, answer: float) -> str:
    alone = len(products) == 1 and b is None
    parts = products.ravel() if alone else products.sum(axis=(1, 2))
    terms = [f"{part + 0.0:g}" for part in parts] + ([] if b is None else [f"bias {b[o]:g}"])
    total = float(products.sum()) + (0.0 if b is None else float(b[o]))
    verdict = "as your output says" if np.isclose(total, answer) else f"but your output says {answer:g}"
    return f"{' + '.join(terms)} = {total:g}, {verdict}".replace("+ -", "\N{MINUS SIGN} ")


# --- places ---------------------------------------------------------------------------------------------


def places(
    output_size: Callable[..., int], size: int = 9, settings: Sequence[Mapping[str, int]] = ({"kernel": 3},)
) -> None:
    """One row of pixels, and every position where a kernel fits on it, for several settings."""
    figure, row = plt.subplots(1, len(settings), figsize=(9.5, 3.5), squeeze=False)
    for axes, setting in zip(row[0], settings, strict=True):
        _places(axes, output_size, size, **setting)
    figure.align_labels()


def places_slider(output_size: Callable[..., int]) -> None:
    """Sliders for everything that `output_size` takes."""
    import ipywidgets

    def draw(size: int, kernel: int, stride: int, padding: int, dilation: int) -> Figure:
        figure, axes = plt.subplots(figsize=(6.4, 4.0))
        _places(axes, output_size, size, kernel, stride, padding, dilation)
        return figure

    ranges = {"size": (9, 5, 16), "kernel": (3, 1, 5), "stride": (1, 1, 4), "padding": (0, 0, 3), "dilation": (1, 1, 3)}
    live(draw, **{name: ipywidgets.IntSlider(*values, continuous_update=False) for name, values in ranges.items()})


def _places(
    axes: Axes,
    output_size: Callable[..., int],
    size: int,
    kernel: int,
    stride: int = 1,
    padding: int = 0,
    dilation: int = 1,
) -> None:
    whole = size + 2 * padding
    inside = np.arange(whole)
    real = (inside >= padding) & (inside < whole - padding)
    axes.scatter(inside, 0 * inside, s=80, marker="s", c=[INK if each else "white" for each in real], edgecolors=GREY)
    count, start = 0, 0
    while start + dilation * (kernel - 1) < whole:
        count += 1
        spots = start + dilation * np.arange(kernel)
        axes.plot(spots, np.full(kernel, count), marker="s", color=COLORS[0], linewidth=1.2, markersize=6)
        start += stride
    answer = output_size(size, kernel, stride, padding, dilation)
    said = "as you say" if answer == count else f"you say {answer}"
    extra = [
        f"{name} {value}" for name, value in (("stride", stride), ("padding", padding)) if value != (name[0] == "s")
    ]
    extra += [f"dilation {dilation}"] if dilation > 1 else []
    axes.set_title(f"kernel {kernel}\n{', '.join(extra)}", fontsize=10.5)
    axes.set(xlabel=f"{count} positions, {said}", ylim=(count + 0.8, -0.8), xlim=(-0.8, whole - 0.2), xticks=())
    axes.set_yticks(range(count + 1), ["input", *map(str, range(count))], fontsize=9)


# --- patches as columns ---------------------------------------------------------------------------------


def patches(im2col: Convolve, x: Array, kernel: tuple[int, int], chosen: int = 1) -> None:
    """A small image, (1, 1, H, W), and all its patches as columns, with one of them framed in both."""
    cols = np.asarray(im2col(x, kernel))[0]
    _, (left, right) = plt.subplots(1, 2, figsize=(9.5, 3.6), width_ratios=(1, 1.6))
    cells(left, x[0, 0], "image", cmap="Blues")
    columns = x.shape[3] - kernel[1] + 1
    corner = chosen % columns - 0.5, chosen // columns - 0.5
    left.add_patch(Rectangle(corner, kernel[1], kernel[0], fill=False, ec=COLORS[3], lw=3))
    cells(right, cols, f"im2col: {cols.shape[0]} \N{MULTIPLICATION SIGN} {cols.shape[1]}", cmap="Blues")
    right.add_patch(Rectangle((chosen - 0.5, -0.5), 1, len(cols), fill=False, ec=COLORS[3], lw=3))
    right.set_xlabel("one column per position", fontsize=10)
    right.set_ylabel("one row per weight", fontsize=10)


def race(sides: Sequence[int], macs: Sequence[int], results: Mapping[str, Sequence[tuple[float, float]]]) -> None:
    """Seconds, bytes and MACs per second of several implementations against the side of the image.

    Args:
        sides: of the images, in pixels.
        macs: multiply-accumulates of each convolution, the same for all implementations.
        results: for each implementation (seconds, bytes) at each side; it may stop early.
    """
    figure, row = plt.subplots(1, 3, figsize=(9.5, 3.3))
    for k, (name, pairs) in enumerate(results.items()):
        seconds, size = np.array(pairs).T
        look: dict[str, Any] = {"marker": MARKERS[k], "color": COLORS[k], "label": name}
        row[0].loglog(sides[: len(pairs)], 1e3 * seconds, **look)
        row[1].loglog(sides[: len(pairs)], size / 1e6, **look)
        row[2].loglog(sides[: len(pairs)], np.array(macs[: len(pairs)]) / seconds / 1e6, **look)
    for axes, title in zip(row, ("milliseconds", "megabytes while it runs", "million MACs per second"), strict=True):
        axes.set(title=title, xlabel="side of the image")
        axes.set_xticks(list(sides), list(map(str, sides)))
        axes.minorticks_off()
    figure.legend(*row[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(results))


# --- pooling and fields ---------------------------------------------------------------------------------


def pooling(pools: Mapping[str, Convolve], maps: Array, kernel: int = 4) -> None:
    """A feature map, (H, W), before and after each kind of pooling."""
    _, row = plt.subplots(1, 1 + len(pools), figsize=(9.5, 3.2))
    bound = float(np.abs(maps).max())
    feature_map(row[0], maps, f"{maps.shape[0]} \N{MULTIPLICATION SIGN} {maps.shape[1]}", bound)
    for axes, (name, pool) in zip(row[1:], pools.items(), strict=True):
        small = pool(maps[None, None], kernel)[0, 0]
        feature_map(axes, small, f"{name}: {small.shape[0]} \N{MULTIPLICATION SIGN} {small.shape[1]}", bound)
    for axes in row:
        frame(axes)


def receptive(field: Callable[[Layers], int], convolve: Convolve, layers: Layers) -> None:
    """Which pixels of a row reach one output of each layer, found by lighting them one by one.

    A stack of one-pixel-high kernels of ones runs over images that have a single bright pixel each.
    """
    width = 2 * field(layers) + 3
    signal = np.eye(width)[:, None, None, :]
    rows = [np.eye(width)]
    for kernel, stride in layers:
        signal = convolve(signal, np.ones((1, 1, 1, kernel)), None, stride)
        rows.append(signal[:, 0, 0])
    _, axes = plt.subplots(figsize=(9.5, 0.7 * len(layers) + 1.5))
    for depth, reach in enumerate(rows):
        middle = reach.shape[1] // 2
        lit = np.flatnonzero(reach[:, middle])
        color = COLORS[(depth - 1) % 6] if depth else INK
        axes.scatter(np.arange(width), np.full(width, depth), s=14, marker="s", color="#DDDDDD")
        axes.scatter(lit, np.full(len(lit), depth), s=44, marker="s", color=color)
        said = field(layers[:depth])
        note = "" if said == len(lit) else f", you say {said}"
        axes.text(width + 0.5, depth, f"{len(lit)} pixel{'s' * (len(lit) != 1)}{note}", va="center", color=color)
    names = ["input", *(f"kernel {kernel}" + (f", stride {stride}" if stride > 1 else "") for kernel, stride in layers)]
    axes.set_yticks(range(len(rows)), names)
    axes.set(xlabel="pixels of the input", title="What one output sees", xlim=(-1, width + 8), xticks=())
    axes.invert_yaxis()


# --- translation ----------------------------------------------------------------------------------------


def equivariance(
    translate: Callable[[Array, int, int], Array],
    error: Callable[..., float],
    layers: Mapping[str, Callable[[Array], Array]],
    image: Array,
    shift: tuple[int, int],
    border: int,
) -> None:
    """For each layer: move, then layer; layer, then move; and the difference, with its size."""
    _, grid = plt.subplots(len(layers), 4, figsize=(9.5, 2.55 * len(layers)), squeeze=False)
    for row, (name, layer) in zip(grid, layers.items(), strict=True):
        moved = translate(image, *shift)
        after, before = layer(moved), translate(layer(image), *shift)
        bound = float(np.abs(after).max())
        row[0].imshow(moved[0], cmap="gray")
        row[0].set_title("moved image")
        row[0].set_ylabel(name, fontweight="bold")
        feature_map(row[1], after[0], "moved, then layer", bound)
        feature_map(row[2], before[0], "layer, then moved", bound)
        feature_map(row[3], (after - before)[0], f"differs by {error(layer, image, *shift, border):.2g}", bound)
        height, width = after.shape[-2:]
        inner = Rectangle(
            (border - 0.5, border - 0.5), width - 2 * border, height - 2 * border, fill=False, ec=INK, lw=1, ls="--"
        )
        row[3].add_patch(inner)
        for axes in row:
            frame(axes)


def invariance(layers: Mapping[str, Callable[[Array], Array]], image: Array, steps: Sequence[int]) -> None:
    """The numbers that each layer makes of an image that is rolled to the right: flat lines where they stay.

    Args:
        layers: each from an image, (1, H, W), to a few numbers, (M,).
        image: (1, H, W).
        steps: by how many columns the image is rolled.
    """
    _, row = plt.subplots(1, len(layers), figsize=(9.5, 3.2), squeeze=False)
    for axes, (name, layer) in zip(row[0], layers.items(), strict=True):
        found = np.array([layer(np.roll(image, step, axis=2)) for step in steps])
        for k, values in enumerate(found.T):
            axes.plot(steps, values, marker=MARKERS[k], markersize=4, color=COLORS[k], label=f"output {k}")
        far = float(np.abs(found - found[0]).max())
        axes.set(title=f"{name}:\nchanges by up to {far:.1g}", xlabel="rolled to the right by, in pixels")
    row[0, 0].set_ylabel("output")
    row[0, 0].legend(fontsize=10)


# --- cells and maps -------------------------------------------------------------------------------------


def feature_map(axes: Axes, values: Array, title: str, bound: float | None = None) -> None:
    """A map, (H, W): blue is plus, vermilion minus, full colour at `bound` or at its largest number."""
    limit = float(np.abs(values).max()) if bound is None else bound
    axes.imshow(values, cmap=DIVERGING, vmin=-limit, vmax=limit)
    axes.set_title(title)


def cells(axes: Axes, values: Array, title: str, cmap: Any = DIVERGING) -> None:
    """A small matrix with its numbers; nan stays empty."""
    bound = 1.6 * float(np.nanmax(np.abs(values), initial=1e-9))
    axes.imshow(values, cmap=cmap, vmin=-bound if cmap is DIVERGING else 0, vmax=bound)
    size = 10 if values.shape[1] < 9 else 9
    for i, j in np.ndindex(*values.shape):
        if not np.isnan(values[i, j]):
            axes.text(j, i, f"{values[i, j] + 0.0:.3g}", ha="center", va="center", fontsize=size)
    axes.set_title(title, fontsize=11)
    frame(axes)

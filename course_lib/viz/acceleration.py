"""Pictures of hardware at work: growth, rooflines, a systolic array, a chip's traffic, rings of workers, overhead.

Whatever can be computed by the functions that are passed in is computed by them, so that the pictures show the
caller's own code. `MODELS` holds published sizes and costs, each with its source.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import LogLocator, StrMethodFormatter

from course_lib.machine import Machine, Memory
from course_lib.viz import COLORS, GREY, INK, MARKERS, frame
from course_lib.viz.live import live

__all__ = [
    "MODELS",
    "Layer",
    "Model",
    "array",
    "array_slider",
    "batching",
    "growth",
    "loads",
    "loads_slider",
    "loop_orders",
    "ring",
    "rooflines",
    "speedups",
]

Tensor = torch.Tensor


# --- growth ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Model:
    """A published network: year, stored parameters, training operations, and the source of both."""

    name: str
    year: float
    parameters: float
    flops: float
    source: str


MODELS = (
    Model("LeNet-5", 1998.9, 60e3, 6 * 340_908 * 60_000 * 20, "LeCun et al. 1998: 340,908 connections, 20 passes"),
    Model("AlexNet", 2012.9, 60e6, 0.0058 * 8.64e19, "Krizhevsky et al. 2012; cost: Amodei and Hernandez 2018"),
    Model("Transformer (big)", 2017.5, 213e6, 2.3e19, "Vaswani et al. 2017, tables 2 and 3"),
    Model("GPT-3", 2020.4, 175e9, 3.14e23, "Brown et al. 2020, tables 2.1 and D.1"),
    Model("PaLM", 2022.3, 540e9, 6 * 540e9 * 780e9, "Chowdhery et al. 2022: 780 billion tokens, 6 FLOP each"),
    Model("Llama 3.1 405B", 2024.6, 405e9, 3.8e25, "Grattafiori et al. 2024, section 1"),
    Model("DeepSeek-V3", 2024.98, 671e9, 6 * 37e9 * 14.8e12, "DeepSeek-AI 2024: 37 of 671 billion work on each token"),
)


_LABELS = {
    ("GPT-3", "parameters"): (True, -4),
    ("PaLM", "parameters"): (True, 4),
    ("Llama 3.1 405B", "parameters"): (False, -14),
    ("DeepSeek-V3", "parameters"): (False, 4),
    ("GPT-3", "flops"): (True, -4),
    ("PaLM", "flops"): (True, 0),
    ("Llama 3.1 405B", "flops"): (True, 0),
    ("DeepSeek-V3", "flops"): (False, -4),
}
"""Whether a label is to the left of its marker, and how many points above its middle."""


def growth(own: Model | None = None) -> None:
    """Sizes and training costs of published networks over the years, on logarithmic axes; `own` is marked."""
    figure, row = plt.subplots(1, 2, figsize=(10, 4.4))
    first, size, cost = MODELS[0], max(each.parameters for each in MODELS), max(each.flops for each in MODELS)
    times = (
        f"{size / first.parameters / 1e6:.0f} million times the size, {cost / first.flops / 1e12:.0f} trillion times"
    )
    figure.suptitle(f"From {first.name} to today: {times} the training")
    panels: tuple[tuple[Axes, str, str], ...] = (
        (row[0], "parameters", "Stored: parameters"),
        (row[1], "flops", "Trained: floating-point operations"),
    )
    for axes, field, title in panels:
        models = [*([own] if own else []), *MODELS]
        for model in models:
            mine = model is own
            axes.plot(
                model.year, getattr(model, field), MARKERS[7 if mine else 0], color=COLORS[3 if mine else 0], ms=8
            )
            left, shift = _LABELS.get((model.name, field), (False, -4))
            axes.annotate(
                model.name,
                (model.year, getattr(model, field)),
                xytext=(-8 if left else 8, shift),
                textcoords="offset points",
                ha="right" if left else "left",
                fontsize=9.5,
            )
        axes.set(yscale="log", title=title, xlabel="year", xlim=(1996, 2033))
        axes.grid(axis="y", color="#DDDDDD")
    row[0].set_ylabel("parameters")
    row[1].set_ylabel("FLOP")


# --- the roofline ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Layer:
    """A layer on a roofline: operations per byte, measured operations per second (None if not measured), and whether
    the bytes it works on stay in the cache, so that the cache's roof is the one that counts."""

    name: str
    intensity: float
    measured: float | None = None
    cached: bool = False


def rooflines(
    machines: Sequence[Machine], roofline: Callable[[float, float, float], float], layers: Sequence[Layer]
) -> None:
    """What machines can reach at each arithmetic intensity, one roof for main memory and one for the cache, and layers.

    The roofs are the caller's `roofline`. A thin line leads from each layer to the roof of the memory it works in.
    """
    figure, axes = plt.subplots(figsize=(9, 6.4))
    intensities = np.logspace(-1.5, 3, 200)
    for place, machine in enumerate(machines):
        color = COLORS[(0, 7)[place % 2]]
        for what, bandwidth, style in _roofs(machine):
            roof = [roofline(machine.peak_flops, bandwidth, float(each)) / 1e9 for each in intensities]
            axes.plot(intensities, roof, color=color, label=f"{machine.name}: {what}", ls=style)
        axes.axvline(machine.ridge, color=color, lw=0.8, ls=":")
    own = machines[0]
    for place, layer in enumerate(layers):
        bandwidth = own.cache_bandwidth if layer.cached and own.cache_bandwidth else own.bandwidth
        top = roofline(own.peak_flops, bandwidth, layer.intensity) / 1e9
        height = layer.measured / 1e9 if layer.measured is not None else top
        marker = MARKERS[(place + 1) % len(MARKERS)]
        axes.plot([layer.intensity] * 2, [height, top], color=GREY, lw=0.8)
        said = f"{layer.name}: {layer.intensity:.3g} FLOP per byte"
        axes.plot(layer.intensity, height, marker, color=COLORS[1 + place % 6], mec=INK, label=said, ms=9, ls="none")
    axes.set(xscale="log", yscale="log", xlabel="arithmetic intensity, FLOP per byte", ylabel="GFLOP per second")
    axes.set_title("How fast can it be, and how fast is it?")
    figure.legend(loc="outside lower left", fontsize=9.5)


def _roofs(machine: Machine) -> list[tuple[str, float, str]]:
    """Name, bandwidth and line style of each roof."""
    roofs = [("main memory", machine.bandwidth, "-")]
    return roofs if machine.cache_bandwidth is None else [*roofs, ("cache", machine.cache_bandwidth, "--")]


# --- the systolic array ---------------------------------------------------------------------------------------------


def _array_figure(product: Callable[[Tensor, Tensor], tuple[Tensor, int]], A: Tensor, B: Tensor, cycle: int) -> Figure:
    (n, k), m = A.shape, B.shape[1]
    C, cycles = product(A, B)
    figure, axes = plt.subplots(figsize=(0.72 * (m + k) + 0.8, 0.66 * (n + k) + 0.6))
    busy = 0
    for i in range(n):
        for j in range(m):
            s = cycle - i - j
            works, done = 0 <= s < k, s >= k
            busy += works
            color = COLORS[1] if works else "#CFE8DD" if done else "#F2F2F2"
            axes.add_patch(Rectangle((j, i), 0.94, 0.94, facecolor=color, edgecolor=INK, lw=0.8))
            total = float((A[i, : max(0, min(s + 1, k))] * B[: max(0, min(s + 1, k)), j]).sum())
            text = f"+{A[i, s]:g}·{B[s, j]:g}\n{total:g}" if works else f"{C[i, j]:g}" if done else ""
            axes.text(j + 0.47, i + 0.47, text, ha="center", va="center", fontsize=9)
    for i in range(n):
        for s in range(k):
            x = cycle - i - s - 1
            if x < 0 and x > -k - n:
                axes.text(x + 0.5, i + 0.47, f"{A[i, s]:g}", ha="center", va="center", color=COLORS[0])
    for j in range(m):
        for s in range(k):
            y = cycle - j - s - 1
            if y < 0 and y > -k - m:
                axes.text(j + 0.47, y + 0.5, f"{B[s, j]:g}", ha="center", va="center", color=COLORS[3])
    axes.set(xlim=(-k - 0.6, m + 0.1), ylim=(n + 0.1, -k - 0.6), aspect="equal")
    axes.axis("off")
    used = busy / (n * m)
    axes.set_title(f"Cycle {cycle} of 0 to {cycles - 1}: {busy} of {n * m} cells work ({used:.0%})", fontsize=12)
    axes.text(-k - 0.4, n / 2, "A", color=COLORS[0], fontsize=14, va="center")
    axes.text(m / 2, -k - 0.4, "B", color=COLORS[3], fontsize=14, ha="center")
    return figure


def array(product: Callable[[Tensor, Tensor], tuple[Tensor, int]], A: Tensor, B: Tensor, cycle: int) -> None:
    """One cycle of an output-stationary array: what enters, which cells work, and what they hold."""
    _array_figure(product, A, B, cycle)


def array_slider(product: Callable[[Tensor, Tensor], tuple[Tensor, int]], A: Tensor, B: Tensor) -> None:
    """The array with a slider, or the play button, for the cycle."""
    import ipywidgets

    cycles = product(A, B)[1]
    slider = ipywidgets.IntSlider(value=min(3, cycles - 1), min=0, max=cycles - 1)
    play = ipywidgets.Play(min=0, max=cycles - 1, interval=700)
    ipywidgets.jslink((play, "value"), (slider, "value"))
    live(lambda cycle: _array_figure(product, A, B, cycle), cycle=slider)
    from IPython.display import display

    display(play)


# --- the chip's traffic ---------------------------------------------------------------------------------------------


class _Recorder(Memory):
    """A chip that also notes which uses of a number of A or B were misses: at [row of C, column of C, inner]."""

    def __init__(self, capacity: int, A: Tensor, B: Tensor):
        super().__init__(capacity)
        self.misses = [np.zeros((len(A), B.shape[1], len(B)), dtype=bool) for _ in range(2)]
        self._places = {A.untyped_storage().data_ptr(): 0, B.untyped_storage().data_ptr(): 1}
        self._fetched: list[tuple[int, slice, slice]] = []

    def load(self, block: Tensor) -> Tensor:
        which = self._places.get(block.untyped_storage().data_ptr())
        if which is not None:
            self._fetched.append((which, *_place(block)))
        return super().load(block)

    def store(self, block: Tensor, target: Tensor) -> None:
        rows, columns = _place(target)
        for which, first, second in self._fetched:
            if which == 0:
                self.misses[0][first, columns.start, second] = True
            else:
                self.misses[1][rows.start, second, first] = True
        self._fetched.clear()
        super().store(block, target)


def _place(block: Tensor) -> tuple[slice, slice]:
    """Rows and columns of a block within the matrix that it is cut from."""
    row, column = divmod(int(block.storage_offset()), int(block.stride(0)))
    return slice(row, row + block.shape[0]), slice(column, column + block.shape[1])


Tiled = Callable[[Tensor, Tensor, int, Memory], Tensor]


def _loads_figure(product: Tiled, size: int, tiles: Sequence[int]) -> Figure:
    torch.manual_seed(0)
    A, B = torch.rand(size, size), torch.rand(size, size)
    figure, grid = plt.subplots(2, len(tiles), figsize=(2.45 * len(tiles) + 0.4, 5.4), squeeze=False)
    for column, tile in zip(grid.T, tiles, strict=True):
        memory = _Recorder(3 * tile * tile, A, B)
        product(A, B, tile, memory)
        for axes, picture in zip(column, (memory.misses[0][0], memory.misses[1][:, 0]), strict=True):
            axes.imshow(picture, vmin=0, vmax=1, cmap=ListedColormap(["#DCE9F2", COLORS[3]]))
            frame(axes)
            axes.set_xlabel("inner index", fontsize=10)
        column[0].set_title(f"tile {tile}: {1 - memory.loads / (2 * size**3):.0%} hits", fontsize=11.5)
    grid[0, 0].set_ylabel("A for row 0 of C:\ncolumn of C", fontsize=10)
    grid[1, 0].set_ylabel("B for column 0 of C:\nrow of C", fontsize=10)
    return figure


def loads(product: Tiled, size: int = 24, tiles: Sequence[int] = (1, 2, 4, 8)) -> None:
    """Which uses of a number are hits (pale) and which are misses (vermilion) in a tiled product, for several tiles.

    A hit is a use of a number that is already on the chip. The picture shows the uses of A for the first row of C, and
    those of B for its first column.
    """
    _loads_figure(product, size, tiles)


def loads_slider(product: Tiled, size: int = 24) -> None:
    """The same with a slider for the tile size."""
    import ipywidgets

    slider = ipywidgets.SelectionSlider(options=[1, 2, 3, 4, 5, 6, 8, 12, 24], value=5)
    live(lambda tile: _loads_figure(product, size, (tile,)), tile=slider)


def loop_orders(
    traffic: Callable[[str, int, int, int, int], tuple[int, int]],
    sizes: tuple[int, int, int] = (32, 128, 64),
    tiles: Sequence[int] = (1, 2, 4, 8, 16),
) -> None:
    """Numbers moved by each loop order against the tile size, beside the least that any program could move.

    Args:
        traffic: `loop_traffic`.
        sizes: n, m, k.
        tiles: edges of the tiles.
    """
    n, m, k = sizes
    _, axes = plt.subplots(figsize=(7.6, 4.2))
    pairs = (("ijk", "jik", "C stays"), ("ikj", "kij", "A stays"), ("jki", "kji", "B stays"))
    for place, (first, second, stays) in enumerate(pairs):
        for order, style in ((first, "-"), (second, "--")):
            moved = [sum(traffic(order, n, m, k, tile)) for tile in tiles]
            label = f"{order}: {stays}"
            axes.plot(tiles, moved, style, marker=MARKERS[place], color=COLORS[place], label=label, mfc="none")
    least = n * k + k * m + n * m
    axes.axhline(least, color=GREY, ls=":", lw=1.5)
    axes.text(tiles[0], 1.08 * least, "every number once", color=GREY, fontsize=10)
    axes.set(xscale="log", yscale="log", xlabel="edge of a tile", ylabel="numbers moved, loads and stores")
    axes.set_xticks(tiles, [str(tile) for tile in tiles])
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.minorticks_off()
    axes.set_title(f"A {n} x {k} matrix times a {k} x {m} one")
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize=10)


# --- workers --------------------------------------------------------------------------------------------------------


def speedups(amdahl: Callable[[float, int], float], fractions: Sequence[float] = (0.5, 0.9, 0.99, 1.0)) -> None:
    """Speedup against the number of workers, for several parallel shares."""
    _, axes = plt.subplots(figsize=(7.4, 4.0))
    workers = [2**power for power in range(11)]
    for place, fraction in enumerate(fractions):
        gain = [amdahl(fraction, each) for each in workers]
        axes.plot(workers, gain, marker=MARKERS[place], color=COLORS[place])
        axes.annotate(
            f"{fraction:.0%} shared: {gain[-1]:,.0f} times",
            (workers[-1], gain[-1]),
            xytext=(8, -3),
            textcoords="offset points",
            color=COLORS[place],
            fontsize=10,
        )
    axes.set(xscale="log", yscale="log", xlabel="workers", ylabel="speedup")
    axes.set_xticks([1, 4, 16, 64, 256, 1024], ["1", "4", "16", "64", "256", "1,024"])
    axes.minorticks_off()
    axes.set_title("What cannot be shared decides")


def ring(allreduce: Callable[[Any], tuple[Any, int]], workers: int = 4) -> None:
    """A ring all-reduce step by step: how many workers' numbers are in each chunk of each worker.

    The last picture is what the caller's `allreduce` returns; those before it follow from the plan of the ring.
    """
    parts = np.eye(workers, dtype=int)[:, None, :].repeat(workers, axis=1)
    frames = [parts.sum(axis=2)]
    for step in range(workers - 1):
        new = parts.copy()
        for p in range(workers):
            new[(p + 1) % workers, (p - step) % workers] += parts[p, (p - step) % workers]
        parts = new
        frames.append(parts.sum(axis=2))
    for step in range(workers - 2):
        new = parts.copy()
        for p in range(workers):
            new[(p + 1) % workers, (p + 1 - step) % workers] = parts[p, (p + 1 - step) % workers]
        parts = new
        frames.append(parts.sum(axis=2))
    summed, steps = allreduce([[torch.ones(1) for _ in range(workers)] for _ in range(workers)])
    frames.append(np.array([[int(chunk) for chunk in own] for own in summed]))
    _, row = plt.subplots(1, len(frames), figsize=(1.75 * len(frames), 2.7), squeeze=False)
    for step, (axes, picture) in enumerate(zip(row[0], frames, strict=True)):
        axes.imshow(picture, vmin=0, vmax=workers, cmap="cividis")
        for (worker, chunk), count in np.ndenumerate(picture):
            color = "white" if count < workers * 0.7 else "black"
            axes.text(chunk, worker, str(count), ha="center", va="center", color=color, fontsize=11)
        frame(axes)
        axes.set_title("start" if step == 0 else f"yours, {steps} steps" if step == len(frames) - 1 else f"step {step}")
        axes.set_xlabel("chunk", fontsize=10)
    row[0][0].set_ylabel("worker", fontsize=10)


# --- overhead -------------------------------------------------------------------------------------------------------


def batching(sizes: Sequence[int], seconds: Mapping[str, Sequence[Sequence[float]]]) -> None:
    """Microseconds per example against the number of examples; the band is the spread of the repeats."""
    _, axes = plt.subplots(figsize=(7.4, 3.9))
    for place, (name, repeats) in enumerate(seconds.items()):
        micro = [np.array(each) / size * 1e6 for each, size in zip(repeats, sizes, strict=True)]
        middle = [float(np.median(each)) for each in micro]
        low, high = ([float(np.quantile(each, share)) for each in micro] for share in (0.1, 0.9))
        axes.plot(sizes, middle, marker=MARKERS[place], color=COLORS[place], label=name)
        axes.fill_between(sizes, low, high, color=COLORS[place], alpha=0.2, lw=0)
    axes.set(xscale="log", yscale="log", xlabel="examples", ylabel="microseconds per example")
    axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
    axes.minorticks_off()
    axes.set_title("The same work, called often or once")
    axes.legend()

"""Diagrams of convolutional networks: the architecture layer by layer, a separable convolution, a residual block.

Sizes are computed by the functions that are passed in, so that each diagram shows the caller's own code.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from course_lib.measure import layer_costs
from course_lib.viz import COLORS, GREY
from course_lib.viz.diagram import Diagram, Part

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["architecture", "architecture_of", "residual_block", "separable"]

TIMES = "\N{MULTIPLICATION SIGN}"
IMAGE, CONV, POOL, FLAT = COLORS[7], COLORS[0], COLORS[2], COLORS[1]
Layer = tuple[Any, ...]
Stage = tuple[str, str, int, int, str]
"""What makes a stack, what it is, its channels, its side (0 where there is none), its colour."""


def architecture(
    output_size: Callable[..., int], image: tuple[int, int], layers: Sequence[Layer], title: str = ""
) -> Diagram:
    """A convolutional network from left to right: each stack of feature maps with its channels and its side.

    Args:
        output_size: as in notebook 4; gives the side of each map.
        image: channels and side of the input.
        layers: ("conv", channels, kernel, padding), ("pool", kernel), ("global pool",), ("flatten",), ("linear",
            outputs), in order.
        title: a heading above the drawing.
    """
    return _row(_stages(output_size, image, layers), title)


def architecture_of(model: nn.Module, example: Tensor, title: str = "") -> Diagram:
    """A model's own layers from left to right, as they run on `example`, a batch of one image, (1, C, H, W).

    Layers that change no shape stand with the layer before them.
    """
    channels, side = example.shape[1], example.shape[-1]
    stages: list[Stage] = [("", f"image\n{_size(channels, side)}", channels, side, IMAGE)]
    shape = tuple(example.shape[1:])
    for cost in layer_costs(model, example):
        does, gets, *rest = stages[-1]
        if cost.shape == shape and len(stages) > 1 and not cost.name.startswith(("Conv", "Linear")):
            stages[-1] = (f"{does}\n{cost.name}", gets, *rest)  # type: ignore[assignment]
            continue
        shape = cost.shape
        pools = "Pool" in cost.name
        if len(shape) == 3:
            color = POOL if pools else CONV
            stages.append((cost.name, _size(shape[0], shape[-1]), shape[0], shape[-1], color))
        else:
            stages.append((cost.name, str(cost.outputs), cost.outputs, 0, FLAT))
    return _row(stages, title)


def _row(stages: list[Stage], title: str) -> Diagram:
    words = "; ".join(f"{does} gives {gets}" if does else gets for does, gets, *_ in stages)
    step, widest = 24.0 / len(stages), stages[0][3]
    text = f"A convolutional network as a row of stacks, left to right: {' '.join(words.split())}."
    drawing = Diagram(24.4, 6.8, text, title)
    stages[-1] = (stages[-1][0], f"{stages[-1][1]}\nlogits", *stages[-1][2:])
    before: Part | None = None
    for number, (does, gets, channels, side, color) in enumerate(stages):
        x = 0.2 + step * (number + 0.5)
        part = _stack(drawing, x, 3.3, channels, side / widest, color)
        drawing.note(x, 0.9, gets, size=9.5)
        if before is not None:
            drawing.arrow((before.right[0] + 0.05, 3.3), (part.left[0] - 0.05, 3.3))
            drawing.note(x - step / 2, 5.4, does, size=9.5, color=GREY)
        before = part
    return drawing


def _stages(output_size: Callable[..., int], image: tuple[int, int], layers: Sequence[Layer]) -> list[Stage]:
    channels, side = image
    found: list[Stage] = [("", f"image\n{_size(channels, side)}", channels, side, IMAGE)]
    for kind, *settings in layers:
        if kind == "conv":
            channels, kernel, padding = settings
            side = output_size(side, kernel, padding=padding)
            found.append(
                (f"convolution\n{kernel} {TIMES} {kernel},\nReLU", _size(channels, side), channels, side, CONV)
            )
        elif kind == "pool":
            side = output_size(side, settings[0], settings[0])
            found.append(
                (f"max\npooling\n{settings[0]} {TIMES} {settings[0]}", _size(channels, side), channels, side, POOL)
            )
        elif kind == "global pool":
            found.append(("global average\npooling", f"{channels}", channels, 0, FLAT))
        elif kind == "flatten":
            channels, side = channels * side**2, 0
            found.append(("flatten", f"{channels}", channels, 0, FLAT))
        else:
            channels, side = settings[0], 0
            found.append(("fully\nconnected", f"{channels}", channels, 0, FLAT))
    return found


def _size(channels: int, side: int) -> str:
    return f"{channels} {TIMES} {side} {TIMES} {side}"


def _stack(drawing: Diagram, x: float, y: float, channels: int, side: float, color: str) -> Part:
    """Maps, one behind the other, `side` of the image's; a bar where there is no image any more."""
    if not side:
        height = 0.8 + 2.2 * min(1.0, channels / 128)
        return drawing.box(x, y, 0.4, height, color=color)
    size, count = 0.5 + 1.3 * side, min(channels, 4)
    spread = 0.13 * (count - 1)
    for number in reversed(range(1, count)):
        shift = 0.13 * number - spread / 2
        drawing.box(x + shift, y + shift, size, size, color=color)
    drawing.box(x - spread / 2, y - spread / 2, size, size, color=color)
    return Part(x, y, size + spread, size + spread)


def separable(c_in: int = 3, c_out: int = 4, kernel: int = 3) -> Diagram:
    """An ordinary convolution beside a depthwise-separable one: which input channels each output channel reads."""
    text = (
        f"Two ways from {c_in} channels to {c_out}. Left, an ordinary convolution: every output channel is joined to "
        f"every input channel by a slice of {kernel} by {kernel} weights. Right, a depthwise-separable one: each input "
        f"channel has a slice of its own and makes one map; only then lines of a single weight join all maps to all "
        "output channels."
    )
    drawing = Diagram(24.0, 7.6, text)
    slice_ = f"{kernel} {TIMES} {kernel}"
    drawing.note(0.3, 7.1, "ordinary convolution", size=11.5, weight="bold", align="left")
    drawing.note(11.2, 7.1, "depthwise-separable convolution", size=11.5, weight="bold", align="left")
    inputs, outputs = _column(drawing, 2.0, c_in, "in", CONV), _column(drawing, 8.0, c_out, "out", FLAT)
    _join(drawing, inputs, outputs)
    drawing.note(5.0, 0.5, f"{c_in} {TIMES} {c_out} slices of {slice_}", size=10)
    inputs = _column(drawing, 12.4, c_in, "in", CONV)
    middle = _column(drawing, 17.0, c_in, "map", POOL)
    outputs = _column(drawing, 22.4, c_out, "out", FLAT)
    for one, other in zip(inputs, middle, strict=True):
        drawing.arrow(one.right, other.left, color=CONV)
    _join(drawing, middle, outputs)
    drawing.note(14.7, 0.5, f"depthwise:\n{c_in} slices of {slice_}", size=10)
    drawing.note(19.7, 0.5, f"pointwise:\n{c_in} {TIMES} {c_out} single weights", size=10)
    return drawing


def _column(drawing: Diagram, x: float, count: int, name: str, color: str) -> list[Part]:
    """Boxes one below the other."""
    return [
        drawing.box(x, 3.9 + 1.25 * ((count - 1) / 2 - number), 1.5, 0.9, f"{name} {number}", color)
        for number in range(count)
    ]


def _join(drawing: Diagram, left: Sequence[Part], right: Sequence[Part]) -> None:
    for one in left:
        for other in right:
            drawing.arrow(one.right, other.left, color=GREY)


def residual_block() -> Diagram:
    """A residual block: two convolutions, and a line around them that adds the input to their output."""
    text = (
        "A residual block from left to right. The input x takes two ways: through convolution, batch normalisation, "
        "ReLU, convolution and batch normalisation, which together are called F, and along a line above them that "
        "changes nothing. Both meet at a plus, then comes a ReLU. On the way back the gradient passes the plus "
        "unchanged, so it returns along the upper line as it is."
    )
    drawing = Diagram(24.0, 6.4, text)
    labels = ("convolution\n3 × 3", "batch\nnorm", "ReLU", "convolution\n3 × 3", "batch\nnorm")
    colors = (CONV, POOL, FLAT, CONV, POOL)
    parts, x = [], 3.3
    for label, color in zip(labels, colors, strict=True):
        width = 3.0 if "conv" in label else 1.9
        parts.append(drawing.box(x + width / 2, 2.0, width, 1.5, label, color))
        x += width + 0.7
    plus = drawing.circle(x + 0.5, 2.0, 0.5, "+", COLORS[3])
    relu = drawing.box(x + 2.9, 2.0, 1.7, 1.2, "ReLU", FLAT)
    start = (0.9, 2.0)
    drawing.note(0.5, 2.0, "x", size=13)
    drawing.arrow(start, parts[0].left)
    for one, other in zip([*parts, plus], [*parts[1:], plus, relu], strict=False):
        drawing.arrow(one.right, other.left)
    drawing.arrow(relu.right, (relu.right[0] + 1.1, 2.0))
    drawing.note(relu.right[0] + 1.5, 2.0, "y", size=13)
    drawing.path((2.0, 2.0), (2.0, 4.6), (plus.x, 4.6), plus.top, color=COLORS[3])
    drawing.note((2.0 + plus.x) / 2, 5.1, "residual connection: x as it is", color=COLORS[3])
    drawing.note((parts[0].x + parts[-1].x) / 2, 0.6, "F(x): what these layers add", color=GREY)
    return drawing

"""Drawings for quantization: where floats become integers and back, and what training with a grid does."""

from __future__ import annotations

from course_lib.viz import COLORS, GREY
from course_lib.viz.diagram import Diagram

__all__ = ["integer_flow", "rounded_in_training"]

FLOAT, INTEGER, SUM = COLORS[1], COLORS[0], COLORS[2]


def integer_flow() -> Diagram:
    """Numbers on their way through integer layers: quantized once, multiplied, requantized, dequantized at the end."""
    drawn = Diagram(
        24,
        7.4,
        "From left to right: floats x are quantized to int8 with the scale and zero point of the input. An "
        "integer kernel multiplies them by int8 weights and adds the products and the int32 bias up in int32. The "
        "sums are requantized to int8 on the grid of the output, which is the input of the next integer layer. "
        "Only after the last layer are the integers dequantized to floats. Scales enter at quantize, requantize "
        "and dequantize, never inside the kernel.",
        title="Floats outside, integers inside",
    )
    y = 4.0
    start = drawn.box(1.2, y, 1.7, 1.5, "x\nfloat32", FLOAT)
    into = drawn.box(4.6, y, 2.7, 1.5, "quantize", FLOAT)
    kernel = drawn.box(9.0, y, 3.5, 1.5, "integer kernel\nsums in int32", SUM)
    again = drawn.box(13.6, y, 3.0, 1.5, "requantize", INTEGER)
    more = drawn.box(17.4, y, 2.1, 1.5, "next\nlayers", SUM)
    back = drawn.box(21.2, y, 3.1, 1.5, "dequantize", FLOAT)
    for one, other, kind in (
        (start, into, ""),
        (into, kernel, "int8"),
        (kernel, again, "int32"),
        (again, more, "int8"),
        (more, back, "int8"),
    ):
        drawn.arrow(one.right, other.left, kind)
    drawn.arrow(back.right, (24.0, y))
    weights = drawn.box(7.6, 1.2, 3.0, 1.1, "weights, int8", INTEGER)
    bias = drawn.box(11.2, 1.2, 2.9, 1.1, "bias, int32", INTEGER)
    drawn.arrow(weights.top, (8.4, y - 0.75))
    drawn.arrow(bias.top, (9.9, y - 0.75))
    for part, text in ((into, "$s_x, z_x$"), (again, "$s_x s_w / s_y,\\; z_y$"), (back, "$s_y, z_y$")):
        drawn.note(part.x, 6.0, text, color=GREY)
        drawn.arrow((part.x, 5.65), part.top, color=GREY, dashed=True)
    drawn.note(17.4, 1.2, "no float between quantize and dequantize,\nexcept for one factor per channel", size=9.5)
    return drawn


def rounded_in_training() -> Diagram:
    """One step of quantization-aware training: exact weights are rounded on the way forward only."""
    drawn = Diagram(
        24,
        6.2,
        "One step of quantization-aware training as a circle: exact float weights go through fake quantize and "
        "become weights on the grid, which multiply the inputs; the output goes to the loss. The gradient comes "
        "back, dashed, passes fake quantize as if nothing had been rounded, and the optimizer moves the exact "
        "weights.",
        title="Forward with rounded weights, backward straight through",
    )
    y = 3.6
    exact = drawn.box(2.2, y, 3.5, 1.5, "exact weights\nfloat32", FLOAT)
    fake = drawn.box(7.6, y, 3.4, 1.5, "fake quantize", INTEGER)
    layer = drawn.box(13.4, y, 3.9, 1.5, "layer with\nrounded weights", SUM)
    loss = drawn.box(18.7, y, 2.1, 1.5, "loss", COLORS[3])
    drawn.arrow(exact.right, fake.left)
    drawn.arrow(fake.right, layer.left)
    drawn.arrow(layer.right, loss.left)
    drawn.arrow((13.4, 5.2), layer.top)
    drawn.note(14.9, 4.9, "inputs", color=GREY)
    red = COLORS[3]
    drawn.path(loss.bottom, (18.7, 1.5), (2.2, 1.5), exact.bottom, color=red, dashed=True)
    drawn.note(10.4, 0.9, "gradient: passes where the rounded integer lies within the limits; the optimizer moves "
               "the exact weights", color=red, size=9.5)  # fmt: skip
    return drawn

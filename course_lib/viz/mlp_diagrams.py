"""Diagrams of classifiers and multilayer perceptrons: how they are wired, forward and back."""

from __future__ import annotations

from itertools import pairwise

from course_lib.viz import COLORS, GREY
from course_lib.viz.diagram import Diagram, Part

__all__ = ["classifier", "forward_and_back", "perceptron_of_layers"]

VALUE, STEP, BACK = COLORS[5], COLORS[1], COLORS[3]


def classifier() -> Diagram:
    """A linear classifier with softmax and cross-entropy, and the way its gradient takes back to the weights."""
    drawing = Diagram(
        24,
        6.6,
        "A linear classifier from left to right: the input x and the weights W and b give the logits z, softmax turns "
        "them into probabilities p, and cross-entropy with the label y gives the loss L. One dashed arrow leads from "
        "the loss straight back to the logits and carries p minus y; a second leads from the logits to the weights and "
        "carries that error times x.",
        "From an input to a loss, and back to the weights",
    )
    inputs = drawing.box(1.7, 3.0, 2.2, 1.5, "x\n64 pixels", VALUE)
    layer = drawing.box(6.2, 3.0, 3.4, 1.5, "scores\nx Wᵀ + b", STEP)
    logits = drawing.box(10.6, 3.0, 2.2, 1.5, "z\n10 logits", VALUE)
    softmax = drawing.box(14.0, 3.0, 2.4, 1.5, "softmax", STEP)
    shares = drawing.box(17.2, 3.0, 2.0, 1.5, "p\nsums to 1", VALUE)
    loss = drawing.box(21.4, 3.0, 3.6, 1.5, "cross-entropy\n\N{MINUS SIGN}ln p at y", STEP)
    label = drawing.box(21.4, 5.3, 3.6, 0.9, "y, the label", VALUE)
    row = (inputs, layer, logits, softmax, shares, loss)
    for one, two in pairwise(row):
        drawing.arrow(one.right, two.left)
    drawing.arrow(label.bottom, loss.top)
    _back(drawing, loss, logits, "p \N{MINUS SIGN} y: what was said minus what was true")
    _back(drawing, logits, layer, "(p \N{MINUS SIGN} y) times x")
    return drawing


def _back(drawing: Diagram, start: Part, end: Part, label: str) -> None:
    """A dashed arrow below the row; two that meet at one part leave and enter beside its middle."""
    low = start.bottom[1] - 1.0
    right, left = start.bottom[0] - 0.4, end.bottom[0] + 0.4
    drawing.path((right, start.bottom[1]), (right, low), (left, low), (left, end.bottom[1]), color=BACK, dashed=True)
    drawing.note((right + left) / 2, low - 0.45, label, color=BACK)


def perceptron_of_layers() -> Diagram:
    """A multilayer perceptron with two inputs, three hidden units and two logits, unit by unit."""
    drawing = Diagram(
        24,
        8.6,
        "A multilayer perceptron with two inputs, three hidden units and two logits. Every input is connected to every "
        "hidden unit, and every hidden unit to every logit: both layers are fully connected. A hidden unit has two "
        "halves: its weighted sum, the pre-activation z, and after the ReLU its activation a. Logits have no ReLU.",
        "Two fully connected layers with a ReLU between them",
    )
    inputs = [drawing.circle(2, y, 0.65, "$x$", VALUE) for y in (5.1, 3.0)]
    sums = [drawing.circle(9.2, y, 0.65, "$z$", STEP) for y in (6.2, 4.05, 1.9)]
    active = [drawing.circle(13.4, y, 0.65, "$a$", VALUE) for y in (6.2, 4.05, 1.9)]
    logits = [drawing.box(21.6, y, 2.4, 1.1, f"logit {n}", STEP) for n, y in enumerate((5.1, 3.0))]
    for left, right in ((inputs, sums), (active, logits)):
        for one in left:
            for two in right:
                drawing.arrow(one.right, two.left, color=GREY)
    for one, two in zip(sums, active, strict=True):
        drawing.arrow(one.right, two.left, "ReLU")
    for x, text in (
        (2, "input\n$x$: (N, 2)"),
        (5.6, "fully connected\n$W_1$: (3, 2), $b_1$: (3,)"),
        (11.3, "hidden layer\npre-activation, activation"),
        (17.0, "fully connected\n$W_2$: (2, 3), $b_2$: (2,)"),
        (21.6, "logits\n(N, 2)"),
    ):
        drawing.note(x, 0.6, text)
    return drawing


def forward_and_back() -> Diagram:
    """One hidden layer forward, and the same steps back: what each needs that was kept."""
    drawing = Diagram(
        24,
        8.8,
        "Upper row, from left to right: the input x, a linear layer, the pre-activation z1, a ReLU, the activation "
        "a1, a second linear layer, the logits z2, and softmax with cross-entropy, which gives the loss L. Lower row, "
        "from right to left: below each step is its step back, which takes the gradient of its output and hands on "
        "that of its input. Dashed arrows lead down from the values that were kept: x, z1, a1 and the logits. The two "
        "linear steps also give the gradients of W and b.",
        "Forward along the top, back along the bottom",
    )
    steps = ("linear\n$W_1, b_1$", "ReLU", "linear\n$W_2, b_2$", "softmax,\nentropy")
    backs = ("linear_\nbackward", "relu_\nbackward", "linear_\nbackward", "$(p - y)/N$")
    values, gradients = ("$x$", "$z_1$", "$a_1$", "$z_2$"), ("$dx$", "$dz_1$", "$da_1$", "$dz_2$")
    across = [1.2 + 5.5 * n for n in range(4)]
    kept = [drawing.circle(x, 6.2, 0.65, name, VALUE) for x, name in zip(across, values, strict=True)]
    handed = [drawing.circle(x, 2.2, 0.72, name, BACK) for x, name in zip(across, gradients, strict=True)]
    loss = drawing.circle(23.1, 6.2, 0.65, "$L$", VALUE)
    for n, (step, back) in enumerate(zip(steps, backs, strict=True)):
        x = across[n] + 2.75
        ahead = drawing.box(x, 6.2, 2.6, 1.5, step, STEP)
        behind = drawing.box(x, 2.2, 2.6, 1.5, back, STEP)
        drawing.arrow(kept[n].right, ahead.left)
        drawing.arrow(ahead.right, (kept[n + 1] if n < 3 else loss).left)
        drawing.arrow(behind.left, handed[n].right, color=BACK)
        if n < 3:
            drawing.arrow(handed[n + 1].left, behind.right, color=BACK)
        drawing.arrow((kept[n].x + 0.3, 5.6), (x - 0.7, behind.top[1]), dashed=True, color=GREY)
        drawing.note(kept[n].x + 1.75, 4.7, "kept", color=GREY)
        if n in (0, 2):
            drawing.arrow(behind.bottom, (x, 0.75), color=BACK)
            drawing.note(x, 0.4, f"$dW_{1 + n // 2},\\ db_{1 + n // 2}$", color=BACK)
    drawing.path(loss.bottom, (23.1, 2.2), (across[3] + 4.05, 2.2), color=BACK)
    return drawing

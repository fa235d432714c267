"""How recurrent networks are wired: a translation's words, the network folded and unrolled, a reader and a writer.

Each function returns a `Diagram`; as the last value of a notebook's cell it shows itself.
"""

from __future__ import annotations

from collections.abc import Sequence

from course_lib.viz import COLORS, GREY
from course_lib.viz.diagram import Diagram, Part

__all__ = ["encoder_decoder", "unrolled", "word_order"]

INPUT, STATE, OUTPUT, BACK = COLORS[1], COLORS[5], COLORS[2], COLORS[3]
"""Colours of what is read, of the hidden state, of what is written, and of gradients on their way back."""
PAIRS = (
    ("this is a sentence", "dies ist ein Satz", (0, 1, 2, 3)),
    ("I have read this sentence", "ich habe diesen Satz gelesen", (0, 1, 4, 2, 3)),
)
"""English, German, and for each English word the index of the German one that translates it."""


def word_order() -> Diagram:
    """Two sentences and their translations, with a line from each word to the word that translates it."""
    diagram = Diagram(
        25,
        6.2,
        "Two English sentences above their German translations, with a line from every word to its translation. "
        "From 'this is a sentence' to 'dies ist ein Satz' the four lines are parallel. From 'I have read this "
        "sentence' to 'ich habe diesen Satz gelesen' the line of 'read', the third word, crosses two others: "
        "'gelesen' comes last.",
    )
    for (english, german, order), left, wide in zip(PAIRS, (0.3, 10.7), (2.35, 2.85), strict=True):
        above = _words(diagram, english.split(), left, 4.9, wide, INPUT)
        below = _words(diagram, german.split(), left, 1.3, wide, OUTPUT)
        for start, goal in zip(above, order, strict=True):
            far = abs(below[goal].x - start.x) > 2 * wide - 0.1
            diagram.arrow(start.bottom, below[goal].top, color=BACK if far else GREY, dashed=far)
    return diagram


def _words(diagram: Diagram, words: Sequence[str], left: float, y: float, wide: float, color: str) -> list[Part]:
    return [
        diagram.box(left + (index + 0.5) * wide, y, wide - 0.25, 1.1, word, color) for index, word in enumerate(words)
    ]


def unrolled(words: Sequence[str] = ("this", "is", "a", "sentence")) -> Diagram:
    """The same network twice: folded, with a loop, and unrolled, one copy of the cell for each word."""
    last = len(words)
    diagram = Diagram(
        25,
        8.4,
        "On the left the network folded: a cell that reads the input x and whose hidden state h runs around a loop "
        f"back into it. On the right the same network unrolled over {last} words: {last} copies of the cell in a row, "
        "each with a word below it. The hidden state goes from copy to copy to the right, from h 0 to "
        f"h {last}, through the same matrix W hh each time; a dashed arrow shows the gradient on its way back to "
        "the left.",
    )
    diagram.note(0.2, 7.8, "folded", size=12, weight="bold", align="left")
    cell, read = diagram.box(2.6, 4.2, 2, 1.4, "cell"), diagram.circle(2.6, 1.2, 0.65, "$x_t$", INPUT)
    shown = diagram.circle(2.6, 6.7, 0.65, "$h_t$")
    diagram.arrow(read.top, cell.bottom)
    diagram.note(2.9, 2.65, "$W_{ih}$", align="left")
    diagram.arrow(cell.top, shown.bottom)
    diagram.path(shown.right, (4.6, 6.7), (4.6, 4.2), cell.right)
    diagram.note(4.75, 5.45, "$W_{hh}$", align="left")
    diagram.note(6.6, 4.2, "=", size=20)
    diagram.note(8, 7.8, "unrolled", size=12, weight="bold", align="left")
    before, gap = diagram.circle(8.4, 4.2, 0.65, "$h_0$"), 4
    for index, word in enumerate(words, start=1):
        x = 7.6 + index * gap
        cell, read = diagram.box(x, 4.2, 1.6, 1.4, "cell"), diagram.box(x, 1.2, 2.4, 1.1, word, INPUT)
        shown = diagram.circle(x, 6.7, 0.65, f"$h_{index}$")
        diagram.arrow(read.top, cell.bottom)
        diagram.note(x + 0.25, 2.65, "$W_{ih}$", align="left")
        diagram.arrow(cell.top, shown.bottom)
        start = before.right
        diagram.arrow(start, cell.left)
        diagram.note((start[0] + cell.left[0]) / 2, 4.65, "$W_{hh}$")
        if index > 1:
            diagram.arrow((cell.left[0], 3.75), (start[0], 3.75), color=BACK, dashed=True)
        before = cell
    diagram.note(24.8, 7.8, "dashed: the gradient, on its way back", size=10, color=BACK, align="right")
    return diagram


def encoder_decoder() -> Diagram:
    """A reader and a writer: one network reads a sentence, its last hidden state is where another starts to write."""
    diagram = Diagram(
        25,
        7.6,
        "Eight cells in a row. The first four read 'this', 'is', 'a', 'sentence', one word each. Their last hidden "
        "state goes on to four other cells, which write 'dies', 'ist', 'ein', 'Satz'; each word that was written is "
        "the input of the next cell.",
    )
    diagram.note(0.4, 7.1, "the encoder reads", size=12, weight="bold", align="left")
    diagram.note(12.9, 7.1, "the decoder writes", size=12, weight="bold", align="left")
    previous = above = None
    for index, word in enumerate(("this", "is", "a", "sentence", "dies", "ist", "ein", "Satz")):
        x, writes = 1.7 + 3.08 * index, index > 3
        cell = diagram.box(x, 3.8, 1.5, 1.3, "cell", COLORS[4] if writes else STATE)
        if previous is not None:
            diagram.arrow(previous.right, cell.left)
        other = diagram.box(x, 6.1 if writes else 1.3, 2.3, 1.1, word, OUTPUT if writes else INPUT)
        diagram.arrow(*((cell.top, other.bottom) if writes else (other.top, cell.bottom)))
        if index > 4 and above is not None:
            between = x - 1.54
            diagram.path(above.right, (between, 6.1), (between, 1.5), (x, 1.5), cell.bottom, color=GREY, dashed=True)
        previous, above = cell, other
    diagram.note(10.3, 6.1, "all that the decoder\nknows of the sentence", size=10, color=BACK)
    diagram.arrow((11.3, 5.45), (12.45, 4.0), color=BACK)
    return diagram

"""How the cell of an LSTM is wired: long-term memory above, short-term memory below, three gates between them."""

from __future__ import annotations

from course_lib.viz import COLORS
from course_lib.viz.diagram import Diagram, Part

__all__ = ["cell"]

LONG, SHORT, INPUT, GATE = COLORS[3], COLORS[0], COLORS[1], COLORS[2]
"""Colours of the long-term memory, of the short-term memory, of the input, and of the gates."""


def cell() -> Diagram:
    """One step of an LSTM: the cell state runs along the top, the previous output along the bottom, gates between."""
    diagram = Diagram(
        25,
        12,
        "One step of an LSTM. Above, the long-term memory c runs straight from left to right: it is multiplied by the "
        "forget gate f, then the input gate i times the candidate g is added, and it leaves as c'. Below, the short-"
        "term memory h, the previous output, meets the input x and makes the three gates and the candidate. The new "
        "cell state, through a tanh and multiplied by the output gate o, leaves below as the new output h'.",
    )
    diagram.note(0.3, 11.4, "long-term memory: the cell state", color=LONG, weight="bold", align="left")
    diagram.note(
        0.3, 0.6, "short-term memory: the hidden state, the previous output", color=SHORT, weight="bold", align="left"
    )
    c, new_c = diagram.circle(1.2, 10, 0.7, "$c$", LONG), diagram.circle(23.8, 10, 0.7, "$c'$", LONG)
    h, x = diagram.circle(1.2, 2, 0.7, "$h$", SHORT), diagram.circle(3.4, 0.95 + 3.1, 0.7, "$x$", INPUT)
    forget, add = diagram.circle(6, 10, 0.55, "×", LONG), diagram.circle(11.75, 10, 0.55, "+", LONG)
    for start, end in ((c, forget), (forget, add), (add, new_c)):
        diagram.arrow(start.right, end.left, color=LONG)
    gates = _gates(diagram, h, x)
    diagram.arrow(gates["f"].top, forget.bottom)
    _note_beside(diagram, 6.25, 8, "forget")
    write = diagram.circle(11.75, 7.4, 0.55, "×")
    diagram.path(gates["i"].top, (gates["i"].x, 7.4), write.left)
    diagram.path(gates["g"].top, (gates["g"].x, 7.4), write.right)
    diagram.arrow(write.top, add.bottom)
    _note_beside(diagram, 12, 8.65, "write")
    _output(diagram, gates["o"])
    return diagram


def _gates(diagram: Diagram, h: Part, x: Part) -> dict[str, Part]:
    """The three gates and the candidate, and the line below them that feeds h and x to each."""
    named = {
        "f": (6, "$f$:\nforget gate", GATE),
        "i": (10, "$i$:\ninput gate", GATE),
        "g": (13.5, "$g$:\ncandidate", COLORS[5]),
        "o": (17.2, "$o$:\noutput gate", GATE),
    }
    diagram.axes.plot((h.right[0], 17.2), (2, 2), color=SHORT, linewidth=1.5, zorder=1)
    diagram.arrow(x.bottom, (3.4, 2.05), color=INPUT)
    boxes = {}
    for name, (at, label, color) in named.items():
        boxes[name] = diagram.box(at, 4.9, 2.9, 1.6, label, color)
        diagram.arrow((at, 2), boxes[name].bottom)
        diagram.note(at + 0.25, 3.1, "tanh" if name == "g" else r"$\sigma$", align="left")
    return boxes


def _output(diagram: Diagram, gate: Part) -> None:
    """From the new cell state through a tanh and the output gate to h'."""
    bend, show = diagram.box(21, 8, 1.9, 1.1, "tanh"), diagram.circle(21, 4.9, 0.55, "×", SHORT)
    new_h = diagram.circle(23.8, 2, 0.7, "$h'$", SHORT)
    diagram.arrow((21, 10), bend.top, color=LONG)
    diagram.arrow(bend.bottom, show.top)
    diagram.arrow(gate.right, show.left)
    _note_beside(diagram, 21.25, 6.4, "show")
    diagram.path(show.bottom, (21, 2), new_h.left, color=SHORT)


def _note_beside(diagram: Diagram, x: float, y: float, text: str) -> None:
    diagram.note(x, y, text, size=10, align="left")

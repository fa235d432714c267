"""Small integers side by side, without a gap."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from autograder.exercise import Case
from autograder.exercises.capstone.inputs import pack_hidden, pack_visible
from autograder.exercises.declare import Asks, hidden, mistake, right, visible
from course_lib import capstone

ASKS = Asks(
    capstone.pack,
    signature="pack(codes (...) integers from 0 to 2^bits - 1, bits) -> uint8 (ceil(numel * bits / 8),)",
    points={"basics": 1, "across bytes": 1},
    hints=(
        "Write the codes 1, 2, 3 with 3 bits as one row of bits, lowest first. Where does the first byte end?",
        "Take every code apart into its bits, in one long row. Fill the row with zeros to a multiple of 8, and read "
        "each 8 of them as a number, the first one as the ones' place.",
        "The row is `(codes.reshape(-1, 1).long() >> torch.arange(bits) & 1).flatten()`. `functional.pad` it by "
        "`-len(row) % 8`, `view(-1, 8)`, multiply by `2 ** torch.arange(8)`, sum each row, cast to `torch.uint8`.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


@visible
def visible_cases(rng: np.random.Generator) -> Iterator[Case]:
    return pack_visible(rng)


@hidden
def hidden_cases(rng: np.random.Generator) -> Iterator[Case]:
    return pack_hidden(rng)


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(codes, bits):
    total = 0
    flat = codes.reshape(-1).tolist()
    for place, code in enumerate(flat):
        total |= int(code) << (place * bits)
    size = (len(flat) * bits + 7) // 8
    return torch.tensor(list(total.to_bytes(size, "little")), dtype=torch.uint8)


@right("other formula")
def other_formula(codes, bits):
    text = "".join(format(int(c), f"0{bits}b")[::-1] for c in codes.flatten())
    text = text.ljust(-(-len(text) // 8) * 8, "0")
    return torch.tensor([int(text[i : i + 8][::-1], 2) for i in range(0, len(text), 8)], dtype=torch.uint8)


# --- mistakes -----------------------------------------------------------------------------------------------


@mistake
def highest_bits_first(codes, bits):
    """The first code has to take the lowest bits of its byte; these bytes have it at the top, so every reader finds
    the codes of a byte in the wrong order."""
    flat = codes.reshape(-1).tolist()
    text = "".join(format(int(code), f"0{bits}b") for code in flat)
    text += "0" * (-len(text) % 8)
    return torch.tensor([int(text[i : i + 8], 2) for i in range(0, len(text), 8)], dtype=torch.uint8)


@mistake
def a_byte_each(codes, bits):
    """These are the codes themselves, one in each byte. Nothing is saved: the bits of a byte that a code leaves free
    have to hold the next codes."""
    return codes.reshape(-1).to(torch.uint8)


@mistake
def never_across(codes, bits):
    """Codes of 3, 5, 6 or 7 bits do not fill a byte evenly. Here the rest of each byte stays empty; the next code has
    to begin there and continue in the following byte."""
    flat = codes.reshape(-1).tolist()
    each = 8 // bits
    found = []
    for start in range(0, len(flat), each):
        found.append(sum(int(code) << bits * place for place, code in enumerate(flat[start : start + each])))
    return torch.tensor(found, dtype=torch.uint8)

"""The codes that `pack` put side by side."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from autograder.exercise import Case
from autograder.exercises.capstone.inputs import pack_hidden, pack_visible
from autograder.exercises.declare import Asks, hidden, mistake, right, visible
from course_lib import capstone

ASKS = Asks(
    capstone.unpack,
    signature="unpack(packed (B,) uint8, bits, count) -> uint8 (count,)",
    points={"basics": 1, "across bytes": 1},
    hints=(
        "Can you get the long row of bits back from the bytes? Which of its bits belong to no code?",
        "Take every byte apart into 8 bits, lowest first, in one row. Keep the first count times bits of them, "
        "group them by code, and put each group together with powers of 2.",
        "`(packed[:, None].long() >> torch.arange(8) & 1).flatten()[: count * bits].view(count, bits)` are the bits "
        "of each code. Shift column `j` to the left by `j`, sum each row, cast to `torch.uint8`.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


def _packed(case: Case) -> Case:
    codes, bits = case.args
    return Case(case.name, (capstone.pack(codes, bits), bits, codes.numel()), group=case.group)


@visible
def visible_cases(rng: np.random.Generator) -> Iterator[Case]:
    """The cases of `pack`, the other way round."""
    yield from map(_packed, pack_visible(rng))


@hidden
def hidden_cases(rng: np.random.Generator) -> Iterator[Case]:
    """The hidden cases of `pack`, the other way round."""
    yield from map(_packed, pack_hidden(rng))


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(packed, bits, count):
    total = int.from_bytes(bytes(packed.tolist()), "little")
    return torch.tensor([total >> (i * bits) & (2**bits - 1) for i in range(count)], dtype=torch.uint8)


@right("other formula")
def other_formula(packed, bits, count):
    starts = torch.arange(count) * bits
    padded = torch.cat([packed, packed.new_zeros(2)]).int()
    first, shift = torch.div(starts, 8, rounding_mode="floor"), starts % 8
    both = padded[first] + 256 * padded[first + 1]
    return (torch.div(both, 2**shift, rounding_mode="floor") % 2**bits).to(torch.uint8)


# --- mistakes -----------------------------------------------------------------------------------------------


@mistake
def from_the_top(packed, bits, count):
    """Each byte is read from its highest bits down. The first code is in the lowest ones: shift to the right by 0
    first, then by `bits`, and so on."""
    text = "".join(format(int(byte), "08b") for byte in packed.tolist())
    return torch.tensor([int(text[i * bits : (i + 1) * bits], 2) for i in range(count)], dtype=torch.uint8)


@mistake
def as_they_are(packed, bits, count):
    """These are the first bytes as they are stored. Each holds parts of several codes: shift and mask with
    2^bits - 1 to get one code at a time."""
    found = torch.zeros(count, dtype=torch.uint8)
    some = packed[:count]
    found[: len(some)] = some
    return found


@mistake
def not_across(packed, bits, count):
    """A code that begins in one byte and ends in the next is read as if it ended with its byte. Its upper bits are
    the lowest ones of the following byte."""
    found = []
    for place in range(count):
        byte, shift = divmod(place * bits, 8)
        found.append(int(packed[byte]) >> shift & (1 << bits) - 1)
    return torch.tensor(found, dtype=torch.uint8)

"""The judge's end of a chip: what crosses it is counted, and changed on the way in, so that only what came in helps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from autograder.exercises.acceleration.inputs import Tensor
from autograder.harness import acceleration as harness
from autograder.objects import Answer, AnswerRaised, Built
from course_lib.machine import ChipFull, Memory

__all__ = ["on_a_chip"]


@dataclass(frozen=True)
class _Block:
    """A block on the chip: its numbers, the factor that they were loaded with, and where they stand in A and in B."""

    numbers: Tensor
    factor: float = 1.0
    in_a: tuple[Any, Any] = ((), ())
    in_b: tuple[Any, Any] = ((), ())


class _Meetings:
    """Which numbers of A and B were on the chip together, and with which factors.

    A number is known by its value, so those of A and B have to differ.
    """

    def __init__(self, A: Tensor, B: Tensor):
        self._a, self._b = (each.detach().cpu().double().numpy() for each in (A, B))
        self._places = {
            value: (which, divmod(place, each.shape[1]))
            for which, each in enumerate((self._a, self._b))
            for place, value in enumerate(each.ravel().tolist())
        }
        n, k, m = *self._a.shape, self._b.shape[1]
        self._factors = np.full((n, k, m), np.nan)
        self._held_a, self._held_b = np.full((n, k), np.nan), np.full((k, m), np.nan)

    def enter(self, block: Tensor, factor: float) -> tuple[Any, Any] | None:
        """Notes a block that is loaded, of any shape: its places in A and in B; None if it holds other numbers."""
        found = [self._places.get(value) for value in block.detach().cpu().double().flatten().tolist()]
        if None in found:
            return None
        in_a, in_b = (
            tuple(np.array([each[1] for each in found if each and each[0] == which], dtype=int).reshape(-1, 2).T)
            for which in (0, 1)
        )
        for rows, inner in zip(*in_a, strict=True):
            met = ~np.isnan(self._held_b[inner])
            self._factors[rows, inner, met] = factor * self._held_b[inner, met]
        self._held_a[in_a] = factor
        for inner, columns in zip(*in_b, strict=True):
            met = ~np.isnan(self._held_a[:, inner])
            self._factors[met, inner, columns] = factor * self._held_a[met, inner]
        self._held_b[in_b] = factor
        return in_a, in_b

    def leave(self, block: _Block) -> None:
        """Notes that a block is freed; a number that was loaded again since then stays."""
        for held, places in ((self._held_a, block.in_a), (self._held_b, block.in_b)):
            rows, columns = (np.asarray(each, dtype=int) for each in places)
            same = held[rows, columns] == block.factor
            held[rows[same], columns[same]] = np.nan

    def product(self) -> Any:
        """A B as it comes out on this chip, with nan where two factors have not met."""
        return np.einsum("ik,ikj,kj->ij", self._a, self._factors, self._b)


class _Chip:
    """The judge's end of a chip: its memory counts, and what goes in and out is kept.

    Attributes:
        full: what was said when a block did not fit.
        foreign: whether anything was loaded that is neither in A nor in B.
        stored: each block that was stored, with the product as far as the chip could know it then.
    """

    def __init__(self, capacity: int, A: Tensor, B: Tensor, seed: int | None):
        """With a seed, each block is multiplied by a factor of its own when it is loaded."""
        self.memory = Memory(capacity)
        self.full, self.foreign = "", False
        self.stored: list[tuple[Tensor, Any]] = []
        self._meetings = _Meetings(A, B)
        self._blocks: list[_Block] = []
        self._rng = None if seed is None else np.random.default_rng(seed)

    def ask(self, action: str, *args: Any) -> Any:
        """What `harness.Chip` asks: a new block's number and contents, a text if it does not fit, else None."""
        actions: dict[str, Callable[..., Any]] = {
            "load": self._load,
            "zeros": self._zeros,
            "store": self._store,
            "free": self._free,
        }
        try:
            return actions[action](*args)
        except ChipFull as error:
            self.full = str(error)
            return self.full

    def _load(self, block: Tensor) -> tuple[int, Tensor]:
        factor = 1.0 if self._rng is None else float(2 ** self._rng.uniform(-1, 1))
        held = self.memory.load(factor * block)
        places = self._meetings.enter(block, factor)
        self.foreign |= places is None
        return self._number(_Block(held, factor, *(places or ())))

    def _zeros(self, rows: int, columns: int) -> tuple[int, Tensor]:
        return self._number(_Block(self.memory.zeros(rows, columns, torch.empty(0))))

    def _number(self, block: _Block) -> tuple[int, Tensor]:
        self._blocks.append(block)
        return len(self._blocks) - 1, block.numbers

    def _store(self, number: int, numbers: Tensor) -> None:
        self.memory.store(self._blocks[number].numbers, torch.empty(numbers.shape))
        self.stored.append((numbers.detach().cpu().clone(), self._meetings.product()))

    def _free(self, number: int) -> None:
        self.memory.free(self._blocks[number].numbers)
        self._meetings.leave(self._blocks[number])


def on_a_chip(answer: Answer, A: Tensor, B: Tensor, tile: int, seed: int | None = None) -> dict[str, Any]:
    """A tiled product on a chip with room for three tiles, whose memory is the judge's.

    With a seed, each block that is loaded is multiplied by a factor of its own. So what comes out can be foretold only
    by who knows which loaded numbers meet, and is right only if those that were on the chip together were multiplied.

    Returns:
        The product `C`; the `product` (n, m) as it comes out on this chip, float64, 0 where two factors never met; the
        numbers of `loads` and `stores`; what was said when the chip was `full`; whether everything loaded comes `from
        A and B`, and whether C is what was `written back`.
    """
    chip = _Chip(3 * tile * tile, A, B, seed)
    product, full = None, ""
    try:
        product = answer(A, B, tile, Built(harness.Chip, (3 * tile * tile, chip.ask)))
    except AnswerRaised:
        full = chip.full
        if not full:
            raise
    return {
        "C": product,
        "product": _expected(product, A, B, chip.stored),
        "loads": chip.memory.loads,
        "stores": chip.memory.stores,
        "full": full,
        "from A and B": not chip.foreign,
        "written back": isinstance(product, Tensor) and _same_numbers(product, [block for block, _ in chip.stored]),
    }


def _expected(C: Any, A: Tensor, B: Tensor, stored: Sequence[tuple[Tensor, Any]]) -> Tensor:
    """What should stand in C, by what the chip knew when each number of it was stored."""
    known = torch.full((A.shape[0], B.shape[1]), torch.nan, dtype=torch.float64)
    if isinstance(C, Tensor) and C.shape == known.shape:
        for block, product in stored:
            there = torch.isin(C.detach().cpu(), block.to(C.dtype))
            known[there] = torch.from_numpy(product)[there]
    return known.nan_to_num()


def _same_numbers(matrix: Tensor, blocks: Sequence[Tensor]) -> bool:
    held = torch.cat([matrix.new_empty(0), *(block.flatten().to(matrix) for block in blocks)])
    return torch.equal(held.sort().values, matrix.detach().flatten().sort().values)

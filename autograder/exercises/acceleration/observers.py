"""How the judge observes answers on acceleration: through a chip and functions of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch

from autograder.exercises.acceleration.inputs import Tensor
from autograder.harness import acceleration as harness
from autograder.objects import Answer, AnswerRaised, Built
from course_lib.machine import ChipFull, Memory

__all__ = ["counted", "on_a_chip", "on_a_scaling_chip", "on_a_stack"]


class _Chip:
    """The judge's end of a chip: its memory counts, and what goes in and out is kept.

    Attributes:
        factor: every number is multiplied by it when it is loaded.
        full: what was said when a block did not fit.
    """

    def __init__(self, capacity: int, factor: float):
        self.memory = Memory(capacity)
        self.factor = factor
        self.full = ""
        self.loaded: list[Tensor] = []
        self.stored: list[Tensor] = []
        self._blocks: list[Tensor] = []

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
        held = self.memory.load(self.factor * block)
        self.loaded.append(block.detach().clone())
        return self._number(held)

    def _zeros(self, rows: int, columns: int) -> tuple[int, Tensor]:
        return self._number(self.memory.zeros(rows, columns, torch.empty(0)))

    def _number(self, block: Tensor) -> tuple[int, Tensor]:
        self._blocks.append(block)
        return len(self._blocks) - 1, block

    def _store(self, number: int, numbers: Tensor) -> None:
        block = self._blocks[number]
        self.memory.store(block, torch.empty(numbers.shape))
        self.stored.append(numbers.detach().clone())

    def _free(self, number: int) -> None:
        self.memory.free(self._blocks[number])


def on_a_chip(answer: Answer, A: Tensor, B: Tensor, tile: int, factor: float = 1.0) -> dict[str, Any]:
    """A tiled product on a chip with room for three tiles, whose memory is the judge's.

    Returns:
        The product `C`, the numbers of `loads` and `stores`, what was said when the chip was `full`, and the `factor`;
        whether everything loaded comes `from A and B`, and whether C is what was `written back`.
    """
    chip = _Chip(3 * tile * tile, factor)
    product, full = None, ""
    try:
        product = answer(A, B, tile, Built(harness.Chip, (3 * tile * tile, chip.ask)))
    except AnswerRaised:
        full = chip.full
        if not full:
            raise
    known = torch.cat([A.flatten(), B.flatten(), A.new_zeros(1)])
    return {
        "C": product,
        "loads": chip.memory.loads,
        "stores": chip.memory.stores,
        "full": full,
        "factor": factor,
        "from A and B": all(bool(torch.isin(block, known).all()) for block in chip.loaded),
        "written back": isinstance(product, Tensor) and _same_numbers(product, chip.stored),
    }


on_a_scaling_chip = partial(on_a_chip, factor=2.0)
"""As before, on a chip that doubles what it loads: who computes with what was loaded finds four times the product."""


def _same_numbers(matrix: Tensor, blocks: Sequence[Tensor]) -> bool:
    held = torch.cat([matrix.new_empty(0), *(block.flatten().to(matrix.dtype) for block in blocks)])
    return torch.equal(held.sort().values, matrix.detach().flatten().sort().values)


def on_a_stack(answer: Answer, W: Tensor, xs: Sequence[Tensor]) -> tuple[Any, int]:
    """A layer of the judge's applied to many examples: the results, and how often the layer was called."""
    calls = 0

    def layer(x: Tensor) -> Tensor:
        nonlocal calls
        calls += 1
        return torch.relu(x @ W.T)

    results = answer(layer, list(xs))
    if isinstance(results, Tensor) and results.dim():
        results = list(results.unbind())
    return results, calls


def counted(answer: Answer, fn: str, *args: Tensor) -> Any:
    """The number of operators that the answer counts in a function, which comes as a text."""
    return answer(Built(harness.function, (fn,)), *args)

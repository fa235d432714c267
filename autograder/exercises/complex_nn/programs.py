"""What an answer computes, as a program that the judge runs on numbers of its own, and how many products it takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from autograder.exercises import observe
from autograder.exercises.replay import Ran, Replay
from autograder.harness import complex_nn as harness
from autograder.objects import Answer, Built, UnexpectedAnswer

__all__ = ["UNSEEN", "Recorded", "complex_inside", "multiplications", "recorded"]

UNSEEN = (
    "the judge cannot follow how the result was computed: use torch's operators on the tensors that come in, without "
    ".item(), .tolist() or .numpy()"
)


class Recorded:
    """A program that computes what an answer returned from what it was given.

    It stands for the answer only if it gives the right results for other numbers too, which is for the judge to see:
    whoever hides an operator, or writes another program in its place, needs one that does the work all the same.
    """

    def __init__(self, program: Any, given: Sequence[Tensor], results: Sequence[Tensor]):
        """Takes what was recorded, with the tensors that the answer was given and those that it returned.

        Raises:
            UnexpectedAnswer: the program does not compute them, so something was computed past it.
        """
        self._replay, self._steps = Replay(program, len(given)), program["steps"]
        values = self._values(given)
        found = [next((slot for slot in sorted(values) if _same(values[slot], each)), None) for each in results]
        if None in found:
            raise UnexpectedAnswer(UNSEEN)
        self._results = [slot for slot in found if slot is not None]

    def _values(self, numbers: Sequence[Tensor]) -> dict[int, Any]:
        numbers = [each.detach().cpu().clone() for each in numbers]
        values: Any = dict(enumerate(numbers))
        for ran in self.steps(numbers):
            values = ran.values
        return dict(values)

    def steps(self, numbers: Sequence[Tensor]) -> Iterator[Ran]:
        """Runs the program with copies of these in the place of what the answer was given."""
        return self._replay.watched(*numbers)

    def results(self, numbers: Sequence[Tensor]) -> list[Tensor]:
        """What it returns for these numbers."""
        values = self._values(numbers)
        return [values[slot] for slot in self._results]

    def needed(self, numbers: Sequence[Tensor]) -> set[int]:
        """Which of its steps the results need; what is only printed needs none."""
        ran = [(each.sources, each.made) for each in self.steps(numbers)]
        slots, found = set(self._results), set[int]()
        for place in reversed(range(len(ran))):
            sources, made = ran[place]
            if made & slots:
                slots |= sources
                found.add(place)
        return found

    def calls(self, operator: str) -> list[Sequence[Any]]:
        """The arguments of all calls of an operator, "aten.mul.Scalar", say; tensors are in dictionaries."""
        return [arguments for name, arguments, *_ in self._steps if name == operator]


def _same(value: Any, other: Tensor) -> bool:
    if not isinstance(value, Tensor) or value.shape != other.shape or value.dtype != other.dtype:
        return False
    return torch.allclose(value.detach(), other.detach().cpu(), rtol=1e-4, atol=1e-6)  # a GPU rounds in its own way


def recorded(answer: Answer, *given: Tensor) -> tuple[Any, Recorded]:
    """What an answer returns, a tensor or several, and the program that computed it.

    Raises:
        UnexpectedAnswer: it cannot be followed how it was computed.
    """
    inputs = [Built(harness.given, (each,)) for each in given]
    recording = Built(harness.Recording, (inputs,))
    answer.through(harness.begin, recording)
    programs: list[Any] = []
    with observe.afterwards(lambda: programs.append(answer.through(harness.end, recording))):
        value = answer(*inputs)
    results = value if isinstance(value, (tuple, list)) else [value]
    return value, Recorded(programs[0], given, [each for each in results if isinstance(each, Tensor)])


# --- products -------------------------------------------------------------------------------------------


FREE = frozenset(
    """
    constant add sub rsub neg sum cumsum zero fill copy _to_copy to clone view _unsafe_view reshape permute transpose t
    slice select unsqueeze squeeze expand cat stack split split_with_sizes unbind unfold repeat flip roll diagonal alias
    detach index_select gather index index_put _index_put_impl index_add constant_pad_nd zeros ones empty zeros_like
    ones_like empty_like new_zeros new_ones new_empty new_full full full_like arange lift_fresh lift_fresh_copy real
    imag complex view_as_real view_as_complex _conj conj_physical resolve_conj resolve_neg _neg_view _reshape_alias
    as_strided slice_scatter select_scatter unsafe_split unsafe_chunk is_same_size scalar_tensor
    """.split()
)
"""Operators that multiply nothing."""
_FACTORS = {
    "mm": (0, 1), "bmm": (0, 1), "addmm": (1, 2), "baddbmm": (1, 2), "mv": (0, 1), "addmv": (1, 2), "dot": (0, 1),
    "vdot": (0, 1), "mul": (0, 1), "addcmul": (1, 2), "outer": (0, 1),
}  # fmt: skip


def multiplications(program: Recorded, numbers: Sequence[Tensor]) -> int:
    """How often two numbers are multiplied, on the way to the results, that both depend on what the answer was given;
    complex ones count four times.

    Raises:
        UnexpectedAnswer: there is an operator that this cannot be said of.
    """
    count, drawn = 0, set[int]()
    needed = program.needed(numbers)
    for place, ran in enumerate(program.steps(numbers)):
        drawn = drawn or {_memory(ran.values[slot]) for slot in range(len(numbers))}  # a run works on copies
        name = ran.operator.removesuffix("_")
        if place in needed and any(_memory(ran.values[slot]) in drawn for slot in ran.sources):
            drawn |= {_memory(ran.values[slot]) for slot in ran.made if slot in ran.values}
            if name in _FACTORS or (name == "div" and _both(ran, (0, 1), drawn)):
                count += _products(ran, name, drawn)
            elif name not in FREE and name != "div":
                raise UnexpectedAnswer(
                    f"the products cannot be counted where {name[:40]} is used: multiply with *, @ or torch.einsum"
                )
    return count


def complex_inside(program: Recorded, numbers: Sequence[Tensor]) -> bool:
    """Whether anything complex is made on the way to the results."""
    needed = program.needed(numbers)
    return any(
        ran.values[slot].is_complex()
        for place, ran in enumerate(program.steps(numbers))
        if place in needed
        for slot in ran.made
        if isinstance(ran.values.get(slot), Tensor)
    )


def _memory(tensor: Tensor) -> int:
    """What tells apart tensors that do not share their numbers, as long as they live."""
    return tensor.untyped_storage().data_ptr()


def _both(ran: Ran, places: tuple[int, int], drawn: set[int]) -> bool:
    slots = [ran.positional[place] if place < len(ran.positional) else None for place in places]
    return all(slot is not None and _memory(ran.values[slot]) in drawn for slot in slots)


def _products(ran: Ran, name: str, drawn: set[int]) -> int:
    places = _FACTORS.get(name, (0, 1))
    if not _both(ran, places, drawn):
        return 0
    left, right = (ran.values[ran.positional[place] or 0] for place in places)
    if name in ("mul", "div", "addcmul"):
        count = int(torch.broadcast_shapes(left.shape, right.shape).numel())
    elif name == "outer":
        count = left.numel() * right.numel()
    else:
        count = left.numel() * (right.shape[-1] if right.dim() > 1 else 1)
    return count * (4 if left.is_complex() or right.is_complex() else 1)

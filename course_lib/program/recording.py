"""Watches what torch does in one call, and writes it down as the code and the data of a program."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from course_lib.program.code import DEFAULT, Call, Constant, Ref
from course_lib.program.operators import DTYPES, instead_of, listed, operator_of
from course_lib.program.written import MOST_STEPS, Program, ProgramError, written

__all__ = ["record"]

_OF_THE_MACHINE = ("device", "layout", "pin_memory", "non_blocking", "generator")
"""Arguments that do not change any number."""


@dataclass(frozen=True)
class _Slot:
    """Where a tensor comes from: a place in the list of all tensors."""

    place: int


@dataclass(frozen=True)
class _Step:
    """One operator, with slots in its arguments, or a constant.

    Attributes:
        args: in the order of the schema.
        made: the slots of its results.
        memory: of its results, by the first byte.
        reads: slots in its arguments.
    """

    name: str
    in_place: bool
    args: tuple[Any, ...]
    made: tuple[int, ...]
    memory: frozenset[int]
    reads: tuple[int, ...]


@dataclass(frozen=True)
class _Stored:
    """A constant: its slot, its memory, and its values as they were when it was first used."""

    place: int
    memory: int
    values: Tensor


def record(function: Callable[..., Any], given: Any, inputs: Sequence[Tensor]) -> Program:
    """Calls `function(given)` once, without gradients, and writes down what it does.

    Args:
        function: from `given` to a tensor.
        given: its argument: a tensor, or an object that holds the inputs.
        inputs: the tensors in `given`, in order; their numbers are not part of the program. It is for inputs of these
            shapes.

    Raises:
        ProgramError: it does not return a tensor, uses an operator that is not listed, anything but dense tensors, or
            too many steps.
    """
    recorder = _Recorder(inputs)
    with torch.no_grad(), recorder:
        output = function(given)
    if not isinstance(output, Tensor):
        found = "None (is a return missing?)" if output is None else f"an object of type {type(output).__name__}"
        raise ProgramError(f"predict returns {found}; expected a tensor of logits")
    return recorder.program(output)


class _Recorder(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Records every operator of the thread that it is entered in."""

    def __init__(self, inputs: Sequence[Tensor]):
        super().__init__()  # type: ignore[no-untyped-call]
        self._made: list[Tensor] = []  # by slot
        self._kept: list[Tensor] = []  # further ones; while they are alive, no other tensor has their id or memory
        self._slots: dict[int, int] = {}
        self._by_memory: dict[Any, int] = {}
        self._inputs = len(inputs)
        self._steps: list[_Step | _Stored] = []
        for each in inputs:
            self._register(each)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        result = func(*args, **kwargs) if not self._changes_first(func) else None
        parts = _tensors(result)
        if result is not None and (not parts or self._only_renames(func, parts, args)):
            return result  # a plain number came out, which is recorded where it is used; or nothing happened
        if len(self._steps) >= MOST_STEPS:
            raise ProgramError(
                f"predict runs more than {MOST_STEPS:,} torch operators: process the whole batch at once, without loops"
            )
        found = listed(str(func))
        if found is None:
            raise ProgramError(instead_of(str(func)))
        written = tuple(self._written(each) for each in _in_order(operator_of(*found), args, kwargs))
        if result is None:
            result = func(*args, **kwargs)
            parts = _tensors(result)
        self._steps.append(
            _Step(
                *found,
                written,
                tuple(self._register(part) for part in parts),
                frozenset(part.untyped_storage().data_ptr() for part in parts),
                tuple(_slots(written)),
            )
        )
        return result

    @staticmethod
    def _changes_first(func: Any) -> bool:
        """Whether the operator writes to an argument: what it is called with is looked at before that."""
        return bool(func._schema.is_mutable)

    def _only_renames(self, func: Any, parts: Sequence[Tensor], args: Sequence[Any]) -> bool:
        """Whether the only result is an argument under another name, such as `detach` gives."""
        if len(parts) != 1:
            return False
        same = [each for each in args if isinstance(each, Tensor) and _geometry(each) == _geometry(parts[0])]
        if not same:
            return False
        self._kept.append(parts[0])
        self._slots[id(parts[0])] = self._slot(same[0])
        return True

    def _register(self, tensor: Tensor) -> int:
        """A new slot; a tensor that an operator changed in place has the latest of its slots."""
        place = len(self._made)
        self._made.append(tensor)
        self._slots[id(tensor)] = place
        if tensor.layout is torch.strided and tensor.untyped_storage().nbytes():
            self._by_memory[_geometry(tensor)] = place
        return place

    def _slot(self, tensor: Tensor) -> int:
        """Where a tensor comes from; one that no operator made is a constant."""
        known = self._slots.get(id(tensor))
        if known is not None:
            return known
        if tensor.layout is not torch.strided:
            raise ProgramError(
                f"a tensor of layout {tensor.layout} is used; store its values and indices as dense tensors"
            )
        known = self._by_memory.get(_geometry(tensor)) if tensor.numel() else None
        if known is not None:  # `x.data` and the like: the same memory, without an operator being called
            self._kept.append(tensor)
            self._slots[id(tensor)] = known
            return known
        return self._constant(tensor)

    def _constant(self, tensor: Tensor) -> int:
        """The slot of a stored tensor, with its present values; what is repeated by `expand` is stored once."""
        dtype = str(tensor.dtype).removeprefix("torch.")
        if dtype not in DTYPES:
            raise ProgramError(f"a tensor of type {dtype} is used; a program may use {', '.join(DTYPES)}")
        with torch.utils._python_dispatch._disable_current_modes():
            whole = tensor.detach()
            for axis, (size, stride) in enumerate(zip(whole.shape, whole.stride(), strict=True)):
                whole = whole.narrow(axis, 0, 1) if size > 1 and stride == 0 else whole
            values = whole.cpu().clone(memory_format=torch.contiguous_format)
        memory = tensor.untyped_storage().data_ptr()
        if values.shape == tensor.shape:
            place = self._register(tensor)
            self._steps.append(_Stored(place, memory, values))
            return place
        small = self._register(values)
        self._steps.append(_Stored(small, memory, values))
        place = self._register(tensor)
        args = (_Slot(small), list(tensor.shape))
        self._steps.append(_Step("expand.default", False, args, (place,), frozenset((memory,)), (small,)))
        return place

    def _written(self, value: Any) -> Any:
        """An argument as plain data."""
        if isinstance(value, Tensor):
            return _Slot(self._slot(value))
        if isinstance(value, list | tuple):
            return [self._written(each) for each in value]
        return value

    # --- writing it down ----------------------------------------------------------------------------------

    def program(self, output: Tensor) -> Program:
        """Everything that the output needs.

        Raises:
            ProgramError: an argument cannot be written down.
        """
        last = self._slot(output)
        steps = self._needed(last)
        numbers = {place: place for place in range(self._inputs)}
        lines: list[Call | Constant] = []
        data = bytearray()
        for step in steps:
            if isinstance(step, _Stored):
                lines.append(Constant(str(step.values.dtype).removeprefix("torch."), tuple(step.values.shape)))
                data += step.values.view(-1).view(torch.uint8).numpy().tobytes()
                numbers[step.place] = len(numbers)
            else:
                args = tuple(_relative(value, numbers) for value in step.args)
                lines.append(Call(step.name, step.in_place, args))
                for place in step.made:
                    numbers[place] = len(numbers)
        if numbers[last] != len(numbers) - 1:  # the latest tensor is the output
            lines.append(Call("alias.default", False, (Ref(len(numbers) - numbers[last]),)))
        return written(lines, bytes(data))

    def _needed(self, last: int) -> list[_Step | _Stored]:
        """The steps that the output depends on: those that make, or write to, memory that a later one reads."""
        slots, memory = {last}, {self._memory(last)}
        kept: list[_Step | _Stored] = []
        for step in reversed(self._steps):
            if isinstance(step, _Stored):
                if step.place in slots:
                    kept.append(step)
            elif slots & set(step.made) or (step.in_place and memory & step.memory):
                kept.append(step)
                slots |= {*step.reads}
                memory |= {self._memory(place) for place in step.reads}
        return kept[::-1]

    def _memory(self, place: int) -> int:
        return self._made[place].untyped_storage().data_ptr()


def _geometry(tensor: Tensor) -> Any:
    """Two tensors with the same one are the same numbers in the same memory; None where there is no memory."""
    if tensor.layout is not torch.strided or not tensor.untyped_storage().nbytes():
        return object()
    where = tensor.untyped_storage().data_ptr(), tensor.storage_offset()
    return (*where, tensor.dtype, tuple(tensor.shape), tuple(tensor.stride()))


def _in_order(operator: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> list[Any]:
    """All arguments in the order of the schema, up to the last that is not a default."""
    schema = operator._schema.arguments
    found: list[Any] = []
    for place, argument in enumerate(schema):
        value = args[place] if place < len(args) else kwargs.get(argument.name, DEFAULT)
        default = argument.has_default_value() and _equal(value, argument.default_value)
        found.append(DEFAULT if default or argument.name in _OF_THE_MACHINE else value)
    while found and found[-1] is DEFAULT:
        found.pop()
    return found


def _equal(value: Any, default: Any) -> bool:
    return value is default or (type(value) is type(default) and not isinstance(value, Tensor) and value == default)


def _tensors(result: Any) -> list[Tensor]:
    if isinstance(result, Tensor):
        return [result]
    return [each for each in result if isinstance(each, Tensor)] if isinstance(result, list | tuple) else []


def _slots(value: Any) -> list[int]:
    if isinstance(value, _Slot):
        return [value.place]
    return [each for part in value for each in _slots(part)] if isinstance(value, list | tuple) else []


def _relative(value: Any, numbers: dict[int, int]) -> Any:
    """Slots as distances from the latest tensor."""
    if isinstance(value, _Slot):
        return Ref(len(numbers) - numbers[value.place])
    return [_relative(each, numbers) for each in value] if isinstance(value, list | tuple) else value

"""A computation as a list of operators: recorded once, then run by someone who need not trust its author.

A `Program` is plain data. It holds the numbers that a computation starts from (its constants) and the torch operators
that were executed, with their arguments. Whoever runs it sees everything that is stored and computed: nothing else can
reach the result. What happens outside torch's operators, in NumPy say, is not part of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from course_lib.operators import ALLOWED, FREE_NUMBERS, base_name, cost, expected

__all__ = [
    "Cost",
    "Program",
    "ProgramError",
    "code_bytes",
    "entries",
    "from_plain",
    "record",
    "run",
    "stored_bytes",
    "unnamed_bytes",
    "written_numbers",
]

MOST_STEPS, MOST_NUMBERS = 2_000, 100_000_000
"""Limits for one program: operators, and numbers in all their results together."""
NUMBER_BYTES = 4
"""The cost of a number that is written into a program instead of a tensor."""
FREE_ENTRIES = 600
"""Operators, arguments and constants of a program that are free to store. Each further one costs a byte: which tensors
are put side by side, and where in memory they begin, can carry as much information as numbers."""


class ProgramError(Exception):
    """A program that cannot be recorded or run; the message says why."""


@dataclass(frozen=True)
class Cost:
    """What one run multiplied and added.

    Attributes:
        products: numbers that were multiplied.
        sums: numbers that were added.
    """

    products: int
    sums: int

    @property
    def macs(self) -> int:
        """Multiply-accumulates: the larger of the two."""
        return max(self.products, self.sums)


@dataclass(frozen=True)
class Program:
    """A recorded computation.

    Attributes:
        storages: the bytes of all constants, uint8; constants that share memory share one.
        constants: slot, name ("" if it has none), storage, dtype, first byte, shape, strides.
        steps: operator, arguments, keyword arguments, and the slots of its results. Slots number the inputs first, then
            the constants, then the results; `{"slot": 3}` in an argument refers to one.
        inputs: number of inputs.
        output: slot of the output.
    """

    storages: list[Tensor]
    constants: list[list[Any]]
    steps: list[list[Any]]
    inputs: int
    output: int

    def plain(self) -> dict[str, Any]:
        """Lists, texts, numbers and tensors."""
        return {each.name: getattr(self, each.name) for each in fields(self)}


def from_plain(plain: Any) -> Program:
    """The program from its plain values; anything wrong with it shows when it runs.

    Raises:
        ProgramError: parts are missing.
    """
    try:
        return Program(**plain)
    except TypeError:
        raise ProgramError("no program came back") from None


# --- recording ------------------------------------------------------------------------------------------


def record(function: Callable[..., Any], given: Any, inputs: Sequence[Tensor], named: Mapping[str, Tensor]) -> Program:
    """Calls `function(given)` once, without gradients, and records what it does.

    Args:
        function: from `given` to a tensor.
        given: its argument: a tensor, or an object that holds the inputs.
        inputs: the tensors in `given`, in order; their numbers are not part of the program.
        named: constants by name, stored whether they are used or not.

    Raises:
        ProgramError: it does not return a tensor, stores anything but dense tensors, or takes too many steps.
    """
    recorder = _Recorder(inputs)
    for name, tensor in named.items():
        if not isinstance(tensor, Tensor):
            raise ProgramError(f"state[{name!r}] is an object of type {type(tensor).__name__}; expected a tensor")
        recorder.constant(tensor, str(name))
    with torch.no_grad(), recorder:
        output = function(given)
    if not isinstance(output, Tensor):
        raise ProgramError(f"predict returns an object of type {type(output).__name__}; expected a tensor of logits")
    return recorder.finished(recorder.slot(output))


class _Recorder(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Records every operator of the thread that it is entered in."""

    def __init__(self, inputs: Sequence[Tensor]):
        super().__init__()  # type: ignore[no-untyped-call]
        self._kept: list[Any] = list(inputs)  # while they are alive, no other object has their id
        self._slots: dict[int, int] = {id(each): place for place, each in enumerate(inputs)}
        self._memory = {each.untyped_storage().data_ptr(): place for place, each in enumerate(inputs)}
        self._inputs = len(inputs)
        self._storages: list[Tensor] = []
        self._places: dict[int, int] = {}
        self._constants: list[list[Any]] = []
        self._steps: list[list[Any]] = []
        self._next = len(inputs)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if len(self._steps) >= MOST_STEPS:
            raise ProgramError(
                f"predict runs more than {MOST_STEPS:,} torch operators: process the whole batch at once, without loops"
            )
        name = str(func)
        written = [self._written(each) for each in args], {key: self._written(each) for key, each in kwargs.items()}
        result = func(*args, **kwargs)
        self._note(name, *written, result)
        return result

    def _note(self, name: str, args: Any, kwargs: Any, result: Any) -> None:
        parts = [result] if isinstance(result, Tensor) else result
        if not isinstance(parts, list | tuple) or not any(isinstance(part, Tensor) for part in parts):
            return  # a plain number came out: it is recorded wherever it is used
        self._steps.append([name, args, kwargs, [self._made(part) for part in parts]])

    def _made(self, tensor: Any) -> int:
        """The slot of a result; an operator that works in place returns its argument."""
        if not isinstance(tensor, Tensor):
            return -1
        if id(tensor) not in self._slots:
            self._register(tensor)
        return self._slots[id(tensor)]

    def _register(self, tensor: Tensor) -> int:
        place, self._next = self._next, self._next + 1
        self._kept.append(tensor)
        self._slots[id(tensor)] = place
        if tensor.layout is torch.strided and tensor.untyped_storage().nbytes():
            self._memory.setdefault(tensor.untyped_storage().data_ptr(), place)
        return place

    def slot(self, tensor: Tensor) -> int:
        """Where a tensor comes from; one that no step made is a constant."""
        known = self._slots.get(id(tensor))
        if known is not None:
            return known
        if tensor.layout is not torch.strided:
            raise ProgramError(
                f"a tensor of layout {tensor.layout} is used; store its values and indices as dense tensors"
            )
        origin = self._memory.get(tensor.untyped_storage().data_ptr())
        if origin is None or tensor.dtype != self._object(origin).dtype:
            return self.constant(tensor, "")
        geometry = [list(tensor.shape), list(tensor.stride()), tensor.storage_offset()]
        place = self._register(tensor)  # `x.data` and the like: the same memory, without an operator being called
        self._steps.append(["aten.as_strided.default", [{"slot": origin}, *geometry], {}, [place]])
        return place

    def _object(self, place: int) -> Tensor:
        found: Tensor = self._kept[place]
        return found

    def constant(self, tensor: Tensor, name: str) -> int:
        """The slot of a stored tensor, with its present values."""
        if tensor.layout is not torch.strided:
            raise ProgramError(
                f"state[{name!r}] has layout {tensor.layout}; store its values and indices as dense tensors"
            )
        if id(tensor) in self._slots:
            return self._slots[id(tensor)]
        place, storage = self._register(tensor), tensor.untyped_storage()
        self._memory.pop(storage.data_ptr(), None)
        if storage.data_ptr() not in self._places:
            self._places[storage.data_ptr()] = len(self._storages)
            whole = torch.empty(0, dtype=torch.uint8, device=tensor.device).set_(storage)
            self._storages.append(whole.to("cpu", copy=True))
        first = tensor.storage_offset() * tensor.element_size()
        where = [place, name, self._places[storage.data_ptr()], str(tensor.dtype).removeprefix("torch."), first]
        self._constants.append([*where, list(tensor.shape), list(tensor.stride())])
        return place

    def _written(self, value: Any) -> Any:
        """An argument as plain data."""
        if isinstance(value, Tensor):
            return {"slot": self.slot(value)}
        if isinstance(value, list | tuple):
            return [self._written(each) for each in value]
        for kind in ("dtype", "device", "layout", "memory_format"):
            if isinstance(value, getattr(torch, kind)):
                return {kind: str(value).removeprefix("torch.")}
        if value is None or isinstance(value, bool | int | float | str):
            return value
        raise ProgramError(f"an operator is called with an object of type {type(value).__name__}")

    def finished(self, output: int) -> Program:
        """The whole program, with the part of each storage that constants cover."""
        storages, constants = list(self._storages), [list(each) for each in self._constants]
        for number, whole in enumerate(storages):
            own = [each for each in constants if each[2] == number]
            first, last = min(each[4] for each in own), max(_end(each) for each in own)
            storages[number] = whole[first : max(first, last)].clone()
            for each in own:
                each[4] -= first
        return Program(storages, constants, self._steps, self._inputs, output)


def _end(constant: Sequence[Any]) -> int:
    """The first byte after a constant."""
    _, _, _, dtype, first, shape, strides = constant
    size: int = getattr(torch, dtype).itemsize
    if 0 in shape:
        return int(first)
    numbers: int = 1 + sum((n - 1) * stride for n, stride in zip(shape, strides, strict=True))
    return int(first) + size * numbers


# --- running ----------------------------------------------------------------------------------------------


def run(program: Program, inputs: Sequence[Tensor], most: float = math.inf) -> tuple[Tensor, Cost]:
    """Runs a program from an untrusted source, on the CPU.

    Args:
        program: recorded on inputs of the same shapes.
        inputs: the inputs of this run; left unchanged.
        most: limit of multiply-accumulates; if the next operator would exceed it, nothing more is run.

    Returns:
        The output, and the cost of computing it. Only known operators are run.

    Raises:
        ProgramError: the program is malformed, uses an operator that is not known, or computes too much.
    """
    try:
        with torch.no_grad():
            return _Run(program, inputs, most).result()
    except ProgramError:
        raise
    except Exception as error:  # the program may be anything
        raise ProgramError(f"it cannot be run again ({type(error).__name__}: {str(error)[:200]})") from None


class _Run:
    def __init__(self, program: Program, inputs: Sequence[Tensor], most: float):
        if len(inputs) != program.inputs or len(program.steps) > MOST_STEPS:
            raise ProgramError("it has too many steps, or different inputs")
        self._program, self._most = program, most
        self._slots: dict[int, Tensor] = {place: each.cpu().clone() for place, each in enumerate(inputs)}
        memory = [storage.clone() for storage in program.storages]
        for place, _, storage, dtype, first, shape, strides in program.constants:
            flat = memory[storage][first : _end([place, "", storage, dtype, first, shape, strides])]
            self._slots[place] = _dtype(dtype, flat).as_strided(shape, strides)
        self.products = self.sums = self.numbers = 0

    def result(self) -> tuple[Tensor, Cost]:
        for name, args, kwargs, made in self._program.steps:
            self._step(name, args, kwargs, made)
        return self._slots[self._program.output], Cost(self.products, self.sums)

    def _step(self, full: str, args: Any, kwargs: Any, made: Sequence[int]) -> None:
        space, name, overload = full.split(".")
        base = base_name(name)
        if space != "aten" or base not in ALLOWED:
            raise ProgramError(f"it uses the operator {full}, which is not among those that can be counted here")
        operator = getattr(getattr(torch.ops.aten, name), overload)
        given, named = self._read(args), {key: self._read(each) for key, each in kwargs.items()}
        out = expected(base, operator, given, named)
        products, sums = cost(base, given, out)
        self.products, self.sums, self.numbers = self.products + products, self.sums + sums, self.numbers + out
        if max(self.products, self.sums) > self._most or self.numbers > MOST_NUMBERS:
            raise ProgramError(f"it computes more than {max(self.products, self.sums, self.numbers):,} numbers")
        result = operator(*given, **named)
        parts = [result] if isinstance(result, Tensor) else result
        for place, part in zip(made, parts, strict=True):
            self._slots[place] = (
                part.zero_() if "empty" in name else part
            )  # uninitialised memory must not carry information

    def _read(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._read(each) for each in value]
        if not isinstance(value, dict):
            return value
        [(kind, meant)] = value.items()
        if kind == "slot":
            return self._slots[meant]
        if kind == "device":
            return torch.device("cpu")
        if kind in ("dtype", "layout", "memory_format"):
            return getattr(torch, meant)
        raise ProgramError("an argument is of a type that no operator takes")


def _dtype(name: str, flat: Tensor) -> Tensor:
    dtype = getattr(torch, name)
    if flat.numel() == 0:
        return torch.empty(0, dtype=dtype)
    return flat.clone().view(dtype) if flat.data_ptr() % dtype.itemsize else flat.view(dtype)


# --- what is stored -------------------------------------------------------------------------------------


def stored_bytes(program: Program) -> int:
    """Bytes of all constants, of the numbers written into the program, and of its excess length."""
    return sum(storage.numel() * storage.element_size() for storage in program.storages) + code_bytes(program)


def code_bytes(program: Program) -> int:
    """The part that is not constants: numbers written into the program, and its length beyond what is free."""
    return NUMBER_BYTES * written_numbers(program) + max(0, entries(program) - FREE_ENTRIES)


def entries(program: Program) -> int:
    """The length of a program: operators with their arguments, and constants with their shapes and offsets."""
    code = sum(1 + _leaves(args) + _leaves(list(kwargs.values())) for _, args, kwargs, _ in program.steps)
    return code + sum(3 + 2 * len(shape) for *_, shape, _ in program.constants)


def _leaves(value: Any) -> int:
    return sum(map(_leaves, value)) if isinstance(value, list) else 1


def written_numbers(program: Program) -> int:
    """Numbers in the program itself; sizes, indices and axes do not count."""
    return sum(
        _numbers(each, base_name(name.split(".")[1]) in FREE_NUMBERS)
        for name, args, kwargs, _ in program.steps
        for each in (args, *(value for key, value in kwargs.items() if key not in _HOUSEKEEPING))
    )


_HOUSEKEEPING = ("pin_memory", "non_blocking")
"""Arguments that do not change any number."""


def unnamed_bytes(program: Program) -> int:
    """Bytes of constants without a name: the program uses them, but they were not declared as stored."""
    named = {storage for _, name, storage, *_ in program.constants if name}
    return sum(each.numel() for number, each in enumerate(program.storages) if number not in named)


def _numbers(value: Any, free: bool) -> int:
    if isinstance(value, list):
        return sum(_numbers(each, free) for each in value)
    return int(isinstance(value, float) or (isinstance(value, int) and not free))

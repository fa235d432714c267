"""Runs and trains what `autograder.harness.models.recorded` recorded, on the judge's side.

A program is data of unknown origin: it may name any operator with any arguments. Only operators of a list are run, all
of which compute from their arguments alone, read no file and no memory but that of their arguments, and check their
bounds or have them checked (`replay_bounds`). What is not filled is zero. How much they may take is limited by the
process in which the judge works.

A run leaves nothing behind: it works on copies of inputs, parameters, buffers and constants. Only a model that is
trained here changes its buffers, as the averages of a batch normalisation do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from autograder.exercises.replay_bounds import arguments, check_types
from autograder.exercises.replay_operators import OPERATORS, apply, operator_of
from autograder.objects import UnexpectedAnswer

__all__ = ["OPERATORS", "Ran", "Replay"]

MOST_STEPS = 20_000


@dataclass(frozen=True)
class Ran:
    """One operator as it ran. Tensors are known by slots: an in-place operator makes the slot that it was given.

    Attributes:
        operator: its name.
        positional: the slot of each positional argument, None for one that is no tensor.
        sources: the slots of all tensors among its arguments, also those in lists.
        made: the slots of its results; of an in-place operator also the slots of all views of the same numbers.
        values: the tensors in all slots so far.
    """

    operator: str
    positional: Sequence[int | None]
    sources: frozenset[int]
    made: frozenset[int]
    values: Mapping[int, Tensor]


@dataclass(frozen=True)
class _Slot:
    place: int


@dataclass(frozen=True)
class _Step:
    """One operator, or None for a constant, whose place is then the only argument; slots of results in `made`.

    `still` says that no gradient passes through it.
    """

    operator: Any
    args: list[Any]
    kwargs: dict[str, Any]
    made: list[int]
    reached: frozenset[int]
    still: bool = False

    @property
    def name(self) -> str:
        return "constant" if self.operator is None else str(self.operator.overloadpacket.__name__)

    @property
    def sources(self) -> frozenset[int]:
        return frozenset(_places([self.args, *self.kwargs.values()]))


class _Views:
    """Which slots are views of the same numbers, as the schemas of the operators say."""

    def __init__(self) -> None:
        self._families: dict[int, set[int]] = {}

    def reached(self, operator: Any, given: Mapping[str, Any], made: list[int]) -> frozenset[int]:
        """The slots that an operator changes or makes, from its arguments by name."""
        told = [
            (each.alias_info, set(_places(given[each.name])))
            for each in operator._schema.arguments
            if each.alias_info is not None and each.name in given
        ]
        results = {place for place in made if place >= 0}
        shared = results.union(*(places for _, places in told)) if told else results
        family = set[int]().union(*(self._families.get(place, {place}) for place in shared))
        if told:
            self._families.update(dict.fromkeys(family, family))
        return frozenset(family if any(alias.is_write for alias, _ in told) else results)


class Replay(nn.Module):
    """A recorded model, as the judge runs it.

    Attributes:
        hears: whether the result depends on an input, as far as torch's operators show.
    """

    def __init__(self, program: Any, inputs: int, training: bool = False):
        """Takes a program that was recorded on that many inputs.

        Args:
            program: what `recorded` returned.
            inputs: how many inputs it was recorded on.
            training: whether its runs change its buffers.

        Raises:
            UnexpectedAnswer: it is no program, or uses an operator that is not run here.
        """
        super().__init__()
        self._inputs = inputs
        self._changes = training
        try:
            self._read(program)
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            raise UnexpectedAnswer(f"the model could not be recorded ({type(error).__name__})") from None

    def _read(self, program: Mapping[str, Any]) -> None:
        state: dict[str, Tensor] = dict(program["state"])
        trainable = set(program["trainable"])
        if not all(isinstance(each, Tensor) for each in (*state.values(), *program["constants"])):
            raise TypeError
        if len(program["steps"]) > MOST_STEPS:
            raise ValueError
        self._names = list(state)
        self._constants = [each.detach().cpu() for each in program["constants"]]
        for place, (name, value) in enumerate(state.items()):
            value = value.detach().cpu().clone()
            if name in trainable:
                self.register_parameter(f"p{place}", nn.Parameter(value))
            else:
                self.register_buffer(f"p{place}", value)
        self._trainable = [name for name in self._names if name in trainable]
        self._own = [name for name in self._names if name in trainable | set(program["own"])]
        self._output = int(program["output"])
        views, heard = _Views(), set(range(self._inputs))
        still = set(program.get("still", ()))
        steps = [_step(views, *step) for step in program["steps"]]
        self._steps = [replace(step, still=True) if number in still else step for number, step in enumerate(steps)]
        for step in self._steps:
            if step.sources & heard:
                heard |= step.reached
        self.hears = self._output in heard

    @property
    def own(self) -> dict[str, Tensor]:
        """All parameters, also those that are not trained, by the names that they had in the student's model."""
        return {name: self.named(name) for name in self._own}

    @property
    def trainable(self) -> dict[str, Tensor]:
        """The parameters that are trained, by the names that they had in the student's model."""
        return {name: self.named(name) for name in self._trainable}

    @property
    def operators(self) -> list[str]:
        """The names of the operators, in the order in which they run."""
        return [step.name for step in self._steps if step.operator is not None]

    def named(self, name: str) -> Tensor:
        """A parameter or buffer by the name that it had in the student's model."""
        found: Tensor = getattr(self, f"p{self._names.index(name)}")
        return found

    @property
    def tensors(self) -> list[Tensor]:
        """All tensors that the program needs: parameters, buffers and constants."""
        return [*(self.named(name).detach() for name in self._names), *self._constants]

    @property
    def names(self) -> list[str]:
        """The names of all parameters and buffers."""
        return list(self._names)

    def forward(self, *inputs: Tensor) -> Tensor:
        """What the model computes from inputs of the recorded shapes.

        Raises:
            UnexpectedAnswer: the program cannot be run.
        """
        slots = self._slots(inputs)
        try:
            for step in self._steps:
                self._run(slots, step)
            output: Tensor = slots[self._output]
            return output
        except UnexpectedAnswer:
            raise
        except Exception as error:  # the program may be anything
            raise _cannot_run(error) from error

    def watched(self, *inputs: Tensor) -> Iterator[Ran]:
        """Runs the program, and shows each operator after it ran.

        Raises:
            UnexpectedAnswer: the program cannot be run.
        """
        slots = self._slots(inputs)
        for step in self._steps:
            try:
                self._run(slots, step)
            except UnexpectedAnswer:
                raise
            except Exception as error:  # the program may be anything
                raise _cannot_run(error) from error
            positional = [each.place if isinstance(each, _Slot) else None for each in step.args]
            yield Ran(step.name, positional, step.sources, step.reached, slots)

    @property
    def numbers(self) -> int:
        """How many floating-point numbers the model holds: parameters, buffers and constants."""
        held = [*(self.named(name) for name in self._names), *self._constants]
        return sum(each.numel() for each in held if each.is_floating_point() or each.is_complex())

    def take(self, other: Replay) -> None:
        """Takes over the parameters and buffers of another recording of the same model.

        Raises:
            UnexpectedAnswer: it has others.
        """
        if [(name, self.named(name).shape) for name in self._names] != [
            (name, other.named(name).shape) for name in other.names
        ]:
            raise UnexpectedAnswer("the model has other parameters in training mode than in eval mode")
        with torch.no_grad():
            for name in self._names:
                self.named(name).copy_(other.named(name))

    def slot(self, name: str) -> int:
        """The slot of a parameter or buffer."""
        return self._inputs + self._names.index(name)

    def _slots(self, inputs: Sequence[Tensor]) -> dict[int, Tensor]:
        """Copies of everything that a run begins with; in training the buffers themselves."""
        held = [getattr(self, f"p{place}") for place in range(len(self._names))]
        kept = [self._changes and name not in self._own for name in self._names]
        copies = [each if keep else each.clone() for each, keep in zip(held, kept, strict=True)]
        return dict(enumerate([*(each.clone() for each in inputs), *copies]))

    def _run(self, slots: dict[int, Tensor], step: _Step) -> None:
        if step.operator is None:
            slots[step.made[0]] = self._constants[step.args[0]].clone()
            return
        given = [_read(slots, each) for each in step.args]
        named = {key: _read(slots, each) for key, each in step.kwargs.items()}
        with torch.no_grad() if step.still else nullcontext():
            result = apply(step.operator, given, named)
        parts = result if isinstance(result, (tuple, list)) else [result]
        for place, part in zip(step.made, parts, strict=True):
            if isinstance(part, Tensor) and place >= 0:
                slots[place] = part


def _step(views: _Views, full: str, args: list[Any], kwargs: dict[str, Any], made: list[int]) -> _Step:
    if full == "constant":
        return _Step(None, [int(args[0])], {}, [int(made[0])], frozenset(made))
    operator = operator_of(full)
    given, others = [_meant(each) for each in args], {key: _meant(each) for key, each in kwargs.items()}
    by_name = arguments(operator, given, others)
    check_types(operator, by_name)
    return _Step(operator, given, others, list(made), views.reached(operator, by_name, made))


def _cannot_run(error: Exception) -> UnexpectedAnswer:
    text = f"{type(error).__name__}: {str(error)[:200]}"
    return UnexpectedAnswer(f"what the model computed once cannot be computed again ({text})")


def _meant(value: Any) -> Any:
    """An argument as it was recorded: slots, types and devices are dictionaries of one entry."""
    if isinstance(value, list):
        return [_meant(each) for each in value]
    if not isinstance(value, dict):
        return value
    [(kind, meant)] = value.items()
    if kind == "slot" and type(meant) is int:
        return _Slot(meant)
    if kind == "device":
        return torch.device("cpu")
    found = getattr(torch, meant) if kind == "torch" else None
    if isinstance(found, (torch.dtype, torch.layout, torch.memory_format)):
        return found
    raise UnexpectedAnswer("an argument is of a type that no operator takes")


def _places(value: Any) -> Iterator[int]:
    if isinstance(value, _Slot):
        yield value.place
    elif isinstance(value, list):
        for each in value:
            yield from _places(each)


def _read(slots: Mapping[int, Tensor], value: Any) -> Any:
    if isinstance(value, _Slot):
        return slots[value.place]
    return [_read(slots, each) for each in value] if isinstance(value, list) else value

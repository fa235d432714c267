"""Models on the student's side: lent ones that the judge computes, states that are read, recordings of what they do.

What is recorded goes to the judge as a program, which it runs itself on inputs that never come here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from inspect import Parameter, Signature
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import UninitializedBuffer, UninitializedParameter
from torch.utils._python_dispatch import TorchDispatchMode

from autograder.objects import UnexpectedAnswer, described

__all__ = [
    "LentModel",
    "Recorder",
    "device",
    "evaluate",
    "is_module",
    "loader",
    "optimizer",
    "parameters",
    "recorded",
    "reseeded",
    "state",
    "tensors_named",
    "train",
    "with_random_state",
]

MOST_STEPS = 20_000


# --- lent -------------------------------------------------------------------------------------------------


class LentModel(nn.Module):
    """A model whose parameters live here and whose computation is the judge's: forward and backward cross the wire."""

    def __init__(
        self, compute: Callable[..., Any], parameters: Sequence[Tensor], training: bool, inputs: Sequence[str] = ("x",)
    ):
        """`compute(training, parameters, *inputs)` is lent by the judge; `inputs` names what `forward` takes."""
        super().__init__()
        self.weights = nn.ParameterList([nn.Parameter(each.detach().clone()) for each in parameters])
        self._compute = compute
        self._takes = Signature([Parameter(each, Parameter.POSITIONAL_OR_KEYWORD) for each in inputs])
        self.train(training)

    def forward(self, *inputs: Any, **named: Any) -> Any:
        """What the judge computes with the present parameters, in the present mode.

        Raises:
            TypeError: it is called with other inputs than it takes.
        """
        try:
            given = self._takes.bind(*inputs, **named).args
        except TypeError as error:
            raise TypeError(f"the model is called as model{self._takes}: {error}") from None
        return self._compute(self.training, list(self.weights), *given)


def optimizer(model: nn.Module, lr: float) -> torch.optim.Optimizer:
    """Plain gradient descent on a model's parameters."""
    return torch.optim.SGD(model.parameters(), lr=lr)


def device(name: str) -> torch.device:
    """A device by its name."""
    return torch.device(name)


def loader(x: Tensor, labels: Tensor, batch_size: int) -> Any:
    """Batches of inputs and labels, in order; the last one may be smaller."""
    from torch.utils.data import DataLoader, TensorDataset

    return DataLoader(TensorDataset(x, labels), batch_size=batch_size)


def reseeded(seed: int) -> Tensor:
    """Seeds torch's global generator; returns the state that it had."""
    before = torch.get_rng_state()
    torch.manual_seed(seed)
    return before


def with_random_state(state: Tensor) -> None:
    """Gives torch's global generator that state."""
    torch.set_rng_state(state)


# --- read -------------------------------------------------------------------------------------------------


def is_module(value: Any) -> bool:
    """Whether an answer is a model."""
    return isinstance(value, nn.Module)


def state(model: nn.Module) -> dict[str, Tensor]:
    """The numbers of a model's `state_dict`, by name."""
    return {name: value.detach().clone() for name, value in model.state_dict().items() if isinstance(value, Tensor)}


def parameters(model: nn.Module) -> dict[str, Tensor]:
    """A model's parameters, by name."""
    return {name: value.detach().clone() for name, value in model.named_parameters()}


def tensors_named(model: nn.Module, names: Sequence[str]) -> dict[str, Tensor]:
    """The tensors that a model's layers compute with, by name; those that it lacks are left out."""
    found: dict[str, Tensor] = {}
    for name in names:
        value: Any = model
        for part in name.split("."):
            value = getattr(value, part, None)
        if isinstance(value, Tensor):
            found[name] = value.detach().clone()
    return found


def train(model: nn.Module) -> None:
    """Puts a model into training mode."""
    model.train()


def evaluate(model: nn.Module) -> None:
    """Puts a model into evaluation mode."""
    model.eval()


# --- recorded ---------------------------------------------------------------------------------------------


def recorded(model: Any, inputs: Sequence[Tensor], training: bool = False) -> dict[str, Any]:
    """What a model computes from its inputs, as a program of torch's operators.

    Args:
        model: a module, or a function.
        inputs: tensors of the shapes that the program will be run on; their numbers are not part of it.
        training: the mode in which it is recorded.

    Returns:
        `state`: the model's parameters and buffers, by name; `own`: the names of all parameters; `trainable`: the
        names of those that are trained; `constants`: further tensors; `steps`: operator, arguments, keyword arguments,
        slots of the results; `still`: the numbers of the steps that were taken under `torch.no_grad`, in training;
        `output`: the slot of the result. Slots number inputs, state, constants and results.

    Raises:
        UnexpectedAnswer: the model does not return a tensor, or is too long to be recorded.
    """
    if isinstance(model, nn.Module):
        model.train(training)
        if any(
            isinstance(each, (UninitializedParameter, UninitializedBuffer))
            for each in (*model.parameters(), *model.buffers())
        ):
            with torch.no_grad():
                model(*inputs)  # lazy layers find their sizes in their first pass
        device = next((each.device for each in model.parameters()), None)
        inputs = [each.to(device) for each in inputs]
    state = _state(model)
    recorder = Recorder([*inputs, *state.values()], training)
    with torch.set_grad_enabled(training), _without_fast_path(), recorder:
        output = model(*inputs)
    if not isinstance(output, Tensor):
        raise UnexpectedAnswer(f"the model returns {described(output)}; expected a tensor")
    return {
        "state": {name: value.detach().clone() for name, value in state.items()},
        "trainable": [name for name, value in state.items() if value.requires_grad],
        "own": [name for name, value in state.items() if isinstance(value, nn.Parameter)],
        **recorder.program(output),
    }


@contextmanager
def _without_fast_path() -> Iterator[None]:
    """Attention as single operators, in eval mode too."""
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(before)


def _state(model: Any) -> dict[str, Tensor]:
    """Parameters and buffers, each once, also those that are not saved."""
    if not isinstance(model, nn.Module):
        return {}
    found: dict[str, Tensor] = dict(model.named_parameters())
    return found | dict(model.named_buffers())


class Recorder(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Records every operator of the thread that it is entered in."""

    def __init__(self, known: Sequence[Tensor], training: bool):
        super().__init__()  # type: ignore[no-untyped-call]
        self._training = training
        self._still: list[int] = []
        self._alive: list[Any] = []  # no other object has the id of one that is alive
        self._slots: dict[int, int] = {}
        self._places: dict[int, Any] = {}
        self._at: dict[Any, Tensor] = {}
        self._constants: list[Tensor] = []
        self._steps: list[list[Any]] = []
        self._next = 0
        for each in known:
            self._new(each)

    def program(self, output: Tensor | None = None) -> dict[str, Any]:
        """What was recorded; slots of constants are moved in front of those of results. Without an output that is named
        here, its slot is 0."""
        slot = 0 if output is None else self._slot(output)  # may make a constant
        return {"constants": self._constants, "steps": self._steps, "still": self._still, "output": slot}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if torch.is_inference_mode_enabled() and _made_of_others(func):
            with self:
                return func.decompose(*args, **(kwargs or {}))
        given, named = self._plain(list(args)), self._plain(dict(kwargs or {}))
        result = func(*args, **(kwargs or {}))
        parts = result if isinstance(result, (tuple, list)) else [result]
        made = [self._made(each) if isinstance(each, Tensor) else -1 for each in parts]
        if self._training and not torch.is_grad_enabled():
            self._still.append(len(self._steps))
        self._steps.append([str(func), given, named, made])
        if len(self._steps) > MOST_STEPS:
            raise UnexpectedAnswer(f"the model takes more than {MOST_STEPS:,} operations for one input")
        return result

    def _new(self, tensor: Tensor) -> int:
        self._alive.append(tensor)
        self._slots[id(tensor)] = self._next
        self._stands(tensor)
        self._next += 1
        return self._next - 1

    def _stands(self, tensor: Tensor) -> None:
        """Notes where a tensor's numbers stand."""
        self._places[id(tensor)] = place = _place(tensor)
        if place is not None and self._known_at(place) is None:
            self._at[place] = tensor

    def _known_at(self, place: Any) -> Tensor | None:
        """A tensor whose numbers stand there, both now and when it was noted."""
        found = self._at.get(place)
        there = found is not None and self._places[id(found)] == place == _place(found)
        return found if there else None

    def _made(self, tensor: Tensor) -> int:
        if id(tensor) not in self._slots:
            return self._new(tensor)
        self._stands(tensor)  # `t_` and `resize_` move it
        return self._slots[id(tensor)]

    def _slot(self, tensor: Tensor) -> int:
        place = _place(tensor)
        if id(tensor) not in self._slots or self._places[id(tensor)] != place:
            self._enter(tensor, self._known_at(place))
        return self._slots[id(tensor)]

    def _enter(self, tensor: Tensor, same: Tensor | None) -> None:
        """Takes in a tensor that no operator has made, or that was given other numbers: `nn.Parameter(x)` is one, and
        `weight.data = x` does so. Both are `x` without its gradients; all others are constants."""
        if same is not None:
            slot = self._slots[id(same)]
            self._steps.append(["aten.detach.default", [{"slot": slot}], {}, [self._new(tensor)]])
        else:
            self._constants.append(tensor.detach().clone())
            self._steps.append(["constant", [len(self._constants) - 1], {}, [self._new(tensor)]])

    def _plain(self, value: Any) -> Any:
        if isinstance(value, torch.Generator):
            return None
        if isinstance(value, Tensor):
            return {"slot": self._slot(value)}
        if isinstance(value, (list, tuple)):
            return [self._plain(each) for each in value]
        if isinstance(value, Mapping):
            return {str(key): self._plain(each) for key, each in value.items()}
        if isinstance(value, (torch.dtype, torch.layout, torch.memory_format)):
            return {"torch": str(value).removeprefix("torch.")}
        return {"device": "here"} if isinstance(value, torch.device) else value


def _place(tensor: Tensor) -> Any:
    """What two tensors have in common only if they show the same numbers, as long as both live; None if unknown.

    What came back from NumPy has a storage of its own on the same numbers, so it has another place: NumPy is not seen.
    """
    if tensor.layout is not torch.strided or tensor.numel() == 0:
        return None
    storage = tensor.untyped_storage()._cdata
    bits = tensor.is_conj(), tensor.is_neg()
    return storage, tensor.storage_offset(), tensor.shape, tensor.stride(), tensor.dtype, tensor.device, bits


def _made_of_others(operator: Any) -> bool:
    """Whether torch composes it of other operators; in inference mode it is seen before that happens."""
    key = "CompositeImplicitAutograd"
    return bool(torch._C._dispatch_has_kernel_for_dispatch_key(operator.name(), key))

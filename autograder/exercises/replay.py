"""Runs and trains what `autograder.harness.models.recorded` recorded, on the judge's side.

A program is data of unknown origin: it may name any operator with any arguments. Only operators of a list are run, all
of which compute from their arguments alone, check their bounds, and read no file and no memory but that of their
arguments. What is not filled is zero. How much they may take is limited by the process in which the judge works.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from autograder.objects import UnexpectedAnswer

__all__ = ["OPERATORS", "Ran", "Replay"]

MOST_STEPS = 20_000
_ELEMENTWISE = """
add sub rsub mul div neg abs sign sgn exp exp2 expm1 log log1p log2 log10 sqrt rsqrt square pow reciprocal sin
cos tan sinh cosh tanh asin acos atan atan2 sigmoid relu leaky_relu elu gelu silu mish softplus hardsigmoid
hardswish hardtanh threshold clamp clamp_min clamp_max round floor ceil trunc erf erfc maximum minimum fmax fmin
where eq ne lt le gt ge logical_and logical_or logical_not logical_xor bitwise_not bitwise_and bitwise_or isnan
isinf isfinite nan_to_num addcmul addcdiv lerp masked_fill copy fill zero _to_copy clone to _prelu_kernel
log_sigmoid_forward real imag _conj conj_physical view_as_real view_as_complex complex angle hypot prelu
rrelu_with_noise celu selu glu frac fmod remainder deg2rad heaviside floor_divide bucketize bitwise_xor
bitwise_left_shift bitwise_right_shift __lshift__ __rshift__ __and__ __or__ __xor__
"""
_SHAPES = """
view _unsafe_view reshape permute transpose t slice select unsqueeze squeeze expand cat stack split
split_with_sizes unbind unfold im2col col2im repeat flip roll diagonal alias detach index_select gather index
take_along_dim embedding tril triu constant_pad_nd reflection_pad1d reflection_pad2d replication_pad1d
replication_pad2d pixel_shuffle pixel_unshuffle unsafe_split unsafe_chunk lift_fresh lift_fresh_copy zeros ones
full arange linspace eye zeros_like ones_like full_like new_zeros new_ones new_full empty empty_like new_empty
scalar_tensor one_hot diag_embed slice_scatter select_scatter _reshape_alias as_strided
"""
_SUMS = """
sum mean amax amin max min prod var std var_mean logsumexp argmax argmin any all cumsum topk sort norm
linalg_vector_norm mm addmm bmm baddbmm mv addmv dot convolution _convolution mkldnn_convolution
max_pool2d_with_indices max_pool1d avg_pool1d avg_pool2d _adaptive_avg_pool2d adaptive_avg_pool1d
adaptive_max_pool2d adaptive_max_pool1d native_batch_norm _native_batch_norm_legit
_native_batch_norm_legit_no_training _batch_norm_with_update native_layer_norm native_group_norm _softmax
_log_softmax softmax index_add scatter scatter_add scatter_reduce index_put _index_put_impl_ _index_put_impl
upsample_nearest2d upsample_bilinear2d _scaled_dot_product_flash_attention_for_cpu _weight_norm_interface
_int_mm bincount mkldnn_rnn_layer _cdist_forward trace outer cummax
"""
_MATRICES = "aminmax vdot linalg_householder_product linalg_qr linalg_vecdot addbmm chain_matmul tensordot inner"
_READ = "_local_scalar_dense equal is_same_size"
"""Operators that read a number out of a tensor: what was read when it was recorded stays in the program."""
_COMPLEX = "polar resolve_conj resolve_neg _neg_view"
_SPARSE = """
_sparse_coo_tensor_with_dims_and_tensors _coalesce to_sparse _to_sparse _to_sparse_csr _to_sparse_csc to_dense _to_dense
_sparse_mm _sparse_addmm is_coalesced _nnz sparse_dim dense_dim
"""
"""Operators on sparse matrices, which are computed with dense ones here: torch does not check the indices of sparse
ones."""
_RANDOM = "bernoulli rand randn rand_like randn_like normal uniform native_dropout randperm"
_ON_SPARSE = frozenset(_SPARSE.split())
OPERATORS = frozenset(f"{_ELEMENTWISE} {_SHAPES} {_SUMS} {_MATRICES} {_COMPLEX} {_READ} {_SPARSE} {_RANDOM}".split())
"""Names of operators that are run, without the overload and the underscore of in-place ones."""


@dataclass(frozen=True)
class Ran:
    """One operator as it ran. Tensors are known by slots: an in-place operator makes the slot that it was given.

    Attributes:
        operator: its name.
        positional: the slot of each positional argument, None for one that is no tensor.
        sources: the slots of all tensors among its arguments, also those in lists.
        made: the slots of its results.
        values: the tensors in all slots so far.
    """

    operator: str
    positional: Sequence[int | None]
    sources: frozenset[int]
    made: frozenset[int]
    values: Mapping[int, Tensor]


class Replay(nn.Module):
    """A recorded model, as the judge runs it.

    Attributes:
        trainable: the parameters, by the names that they had.
    """

    def __init__(self, program: Any, inputs: int):
        """Takes a program that was recorded on that many inputs.

        Raises:
            UnexpectedAnswer: it is no program, or uses an operator that is not run here.
        """
        super().__init__()
        self._inputs = inputs
        try:
            self._read(program)
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            raise UnexpectedAnswer(f"the model could not be recorded ({type(error).__name__})") from None

    def _read(self, program: Mapping[str, Any]) -> None:
        state: dict[str, Tensor] = dict(program["state"])
        trainable = set(program["trainable"])
        if not all(isinstance(each, Tensor) for each in (*state.values(), *program["constants"])):
            raise TypeError
        self._names = list(state)
        self._constants = [each.detach().cpu() for each in program["constants"]]
        for place, (name, value) in enumerate(state.items()):
            value = value.detach().cpu().clone()
            if name in trainable:
                self.register_parameter(f"p{place}", nn.Parameter(value))
            else:
                self.register_buffer(f"p{place}", value)
        self._trainable = [name for name in self._names if name in trainable]
        self._steps = [self._step(*step) for step in program["steps"]]
        self._output = int(program["output"])
        if len(self._steps) > MOST_STEPS:
            raise ValueError

    @staticmethod
    def _step(full: str, args: list[Any], kwargs: dict[str, Any], made: list[int]) -> tuple[Any, Any, Any, list[int]]:
        if full == "constant":
            return None, int(args[0]), {}, made
        space, name, overload = full.split(".")
        base = name if name.startswith("__") else name.removesuffix("_")
        if space != "aten" or base not in OPERATORS:
            raise UnexpectedAnswer(f"the model uses the operator {full[:80]}, which the grader does not run")
        return getattr(getattr(torch.ops.aten, name), overload), args, kwargs, made

    @property
    def trainable(self) -> dict[str, Tensor]:
        """Parameters by the names that they had in the student's model."""
        return {name: self.named(name) for name in self._trainable}

    @property
    def operators(self) -> list[str]:
        """The names of the operators, in the order in which they run."""
        return [operator.overloadpacket.__name__ for operator, *_ in self._steps if operator is not None]

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
            for operator, args, kwargs, made in self._steps:
                self._run(slots, operator, args, kwargs, made)
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
        for operator, args, kwargs, made in self._steps:
            try:
                self._run(slots, operator, args, kwargs, made)
                name = "constant" if operator is None else operator.overloadpacket.__name__
                positional = [_slot(each) for each in args] if operator is not None else []
                sources = frozenset(_sources([args, *kwargs.values()] if operator is not None else []))
            except UnexpectedAnswer:
                raise
            except Exception as error:  # the program may be anything
                raise _cannot_run(error) from error
            yield Ran(name, positional, sources, frozenset(made), slots)

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
        held = (getattr(self, f"p{place}") for place in range(len(self._names)))
        return dict(enumerate((*inputs, *held)))

    def _run(self, slots: dict[int, Tensor], operator: Any, args: Any, kwargs: Any, made: list[int]) -> None:
        if operator is None:
            slots[made[0]] = self._constants[args].clone()
            return
        given, named = _read(slots, args), {key: _read(slots, each) for key, each in kwargs.items()}
        name = operator.overloadpacket.__name__
        if name == "_reshape_alias":
            result: Any = given[0].reshape(given[1])
        elif name in _ON_SPARSE:
            result = _dense(name, given, named)
        elif "out" in named:  # torch allows it only where no gradient is wanted
            with torch.no_grad():
                result = operator(*given, **named)
        else:
            result = operator(*given, **named)
        parts = result if isinstance(result, (tuple, list)) else [result]
        for place, part in zip(made, parts, strict=True):
            if isinstance(part, Tensor) and place >= 0:
                slots[place] = part.zero_() if "empty" in name else part


def _dense(name: str, given: list[Any], named: Mapping[str, Any]) -> Tensor:
    """What an operator on sparse matrices gives, as a dense one."""
    if name == "_sparse_coo_tensor_with_dims_and_tensors":
        _, _, size, indices, values = given
        result: Tensor = values.new_zeros(size).index_put(tuple(indices), values, accumulate=True)
    elif name == "_sparse_mm":
        result = torch.mm(*given)
    elif name == "_sparse_addmm":
        result = torch.addmm(*given, **named)
    else:
        result = given[0]
    return result


def _cannot_run(error: Exception) -> UnexpectedAnswer:
    text = f"{type(error).__name__}: {str(error)[:200]}"
    return UnexpectedAnswer(f"what the model computed once cannot be computed again ({text})")


def _slot(value: Any) -> int | None:
    return value["slot"] if isinstance(value, dict) and "slot" in value else None


def _sources(value: Any) -> Iterator[int]:
    slot = _slot(value)
    if slot is not None:
        yield slot
    elif isinstance(value, list):
        for each in value:
            yield from _sources(each)


def _read(slots: Mapping[int, Tensor], value: Any) -> Any:
    if isinstance(value, list):
        return [_read(slots, each) for each in value]
    if not isinstance(value, dict):
        return value
    [(kind, meant)] = value.items()
    if kind == "slot":
        return slots[meant]
    if kind == "device":
        return torch.device("cpu")
    if kind == "torch":
        found = getattr(torch, meant)
        if isinstance(found, (torch.dtype, torch.layout, torch.memory_format)):
            return found
    raise UnexpectedAnswer("an argument is of a type that no operator takes")

"""The operators that a recorded program may use: each computes from its arguments alone, and reads no file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from autograder.exercises.replay_bounds import check
from autograder.objects import UnexpectedAnswer

__all__ = ["OPERATORS", "apply", "operator_of"]

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
_RARE = """
_safe_softmax index_reduce segment_reduce index_fill index_copy masked_select masked_scatter nonzero cumprod cummin
logcumsumexp searchsorted logaddexp logaddexp2 std_mean median nanmedian kthvalue linalg_inv_ex _linalg_solve_ex
_linalg_check_errors nansum count_nonzero native_channel_shuffle channel_shuffle upsample_nearest1d upsample_linear1d
upsample_bicubic2d _upsample_nearest_exact2d isin logit erfinv sinc xlogy hardshrink softshrink tril_indices
triu_indices _fused_rms_norm _euclidean_dist _trilinear renorm dist rot90 _unique2 unique_dim
"""
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
OPERATORS = frozenset(
    f"{_ELEMENTWISE} {_SHAPES} {_SUMS} {_MATRICES} {_COMPLEX} {_READ} {_RARE} {_SPARSE} {_RANDOM}".split()
)
"""Names of operators that are run, without the overload and the underscore of in-place ones."""


def operator_of(full: str) -> Any:
    """The operator of that name, as torch writes it: `aten.add.Tensor`.

    Raises:
        UnexpectedAnswer: it is not run here.
    """
    space, name, overload = full.split(".")
    base = name if name.startswith("__") else name.removesuffix("_")
    if space != "aten" or base not in OPERATORS:
        raise _not_run(full)
    found = getattr(getattr(torch.ops.aten, name), overload)
    if base not in _ON_SPARSE and (not _on_tensors(found) or _made_of_others(found)):
        raise _not_run(full)
    return found


def _not_run(full: str) -> UnexpectedAnswer:
    return UnexpectedAnswer(f"the model uses the operator {full[:80]}, which the grader does not run")


def _on_tensors(operator: Any) -> bool:
    """Whether it is one of torch's dispatcher; TorchScript has others, on lists and numbers."""
    return bool(torch._C._dispatch_has_kernel(operator.name()))


def _made_of_others(operator: Any) -> bool:
    """Whether torch composes it of other operators, which are recorded in its place."""
    key = "CompositeImplicitAutograd"
    return bool(torch._C._dispatch_has_kernel_for_dispatch_key(operator.name(), key))


def apply(operator: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """What an operator gives; memory that was not written is zero.

    Raises:
        UnexpectedAnswer: its arguments do not fit together.
    """
    name = operator.overloadpacket.__name__
    if name == "_reshape_alias":
        return args[0].reshape(args[1])
    if name in _ON_SPARSE:
        return _dense(name, args, kwargs)
    check(operator, args, kwargs)
    if "out" in kwargs:  # torch allows it only where no gradient is wanted
        with torch.no_grad():
            result = operator(*args, **kwargs)
    else:
        result = operator(*args, **kwargs)
    if name == "mkldnn_rnn_layer":  # the last result is its own memory, which it does not fill
        return [*result[:-1], None]
    return result.zero_() if "empty" in name else result


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

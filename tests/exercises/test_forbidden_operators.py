"""What an exercise forbids of torch is every operator that does that work, in the dispatcher's own list of them."""

import re

import pytest
import torch

from autograder.exercises import ASSIGNMENTS, exercises_of
from autograder.forbidden_names import AUTOGRAD, names_of
from autograder.sandbox.guest import forbid_kernels

EXERCISES = [exercise for name in ASSIGNMENTS for exercise in exercises_of(name)]
FORBIDDEN = {
    names_of("torch", each.rules.forbids): each.id for each in EXERCISES if names_of("torch", each.rules.forbids)
}

WORKS = (
    (
        "conv(?!ert)",
        r"conv",
        r"^aten::_convert_(indices|weight)_\w+$|^prims::convert_element_type$|^prims::conj|^aten::\w*conj",
    ),
    ("(?i)unfold", r"im2col", r"$."),
    ("(?i)^fold", r"col2im|fold", r"^aten::unfold(_copy)?$|^aten::_philox_key_fold_in$"),
    ("(?i)max_?pool", r"max\w*_pool|max_unpool", r"$."),
    ("(?i)avg_?pool", r"avg\w*_pool", r"$."),
    ("(?i)batch_?norm", r"(batch|instance|group|layer|rms)_?norm", r"$."),
    ("(?i)lstm", r"lstm|(cudnn|miopen|mkldnn)_rnn", r"$."),
    ("(?i)gru", r"gru|(cudnn|miopen|mkldnn)_rnn", r"$."),
    ("(?i)rnn", r"rnn|gru|recurrent", r"$."),
    (
        "quantize_per_tensor|ao.quantization",
        r"quant|qparams|observ|_obs_|int[48]|4bit|8bit|fbgemm|::q[a-z]*(linear|conv|mul|add|norm)",
        r"quantile$|^symm_mem::",
    ),
    ("sparse_(csr|compressed)", r"csr|csc|bsr|bsc|compressed|(row|col)_indices", r"::_validate_"),
)
"""For a forbidden name: what in an operator's name says that it does the work, and those that only sound like it."""

MADE_OF = {
    "_int_mm", "_to_copy", "add", "amax", "amin", "argsort", "as_strided", "bincount", "bmm", "cat", "ceil", "clamp",
    "coalesce", "copy_", "cumsum", "div", "einsum", "exp", "fft_fft", "floor", "gather", "index", "index_add",
    "index_put", "linalg_vector_norm", "linear", "log", "matmul", "max", "mean", "min", "mm", "mul", "nonzero", "norm",
    "one_hot", "pad", "permute", "quantile", "reshape", "round", "scatter_add", "scatter_reduce", "sigmoid", "sort",
    "sparse_coo_tensor", "stack", "sub", "sum", "tanh", "to", "topk", "unfold", "var", "var_mean", "view", "where",
}  # fmt: skip
"""Operators that right answers are made of."""

NOT_BACKWARD = re.compile(
    r"^aten::(requires_grad_|retain_grad|retains_grad|gradient|get_gradients|adjoint|_(dirichlet|standard_gamma)_grad|"
    r"_fused_adagrad_?|_test_\w+|_unpack_dual|_make_dual_copy)$|^_?c10d_functional\w*::|^inductor::accumulate_grad_$"
)
"""What only sounds like differentiation: flags, sampled functions, sums of gradients that somebody else worked out."""


def _bases():
    return {name.partition(".")[0] for name in torch._C._dispatch_get_all_op_names()}


def _gone(names):
    return {name.partition(".")[0] for name in forbid_kernels._kernels(names)}


@pytest.mark.parametrize("names", FORBIDDEN, ids=FORBIDDEN.values())
def test_no_operator_that_does_the_work_is_left(names):
    gone, found = _gone(names), 0
    for forbidden, does, harmless in WORKS:
        if any(re.search(forbidden, name.rpartition(".")[2]) or forbidden in name for name in names):
            meant = {name for name in _bases() if re.search(does, name) and not re.search(harmless, name)}
            assert meant - gone == set(), forbidden
            found += len(meant)
    if set(AUTOGRAD) <= set(names):
        meant = {name for name in _bases() if re.search(r"grad|backward|jvp|vjp|dual|adjoint", name)}
        assert {name for name in meant - gone if not NOT_BACKWARD.search(name)} == set()
        found += len(meant)
    of_python = ("torch.nn.utils.", "torch.ao.")  # what they do is made of operators that stay
    assert found or all(name.startswith(of_python) for name in names)


@pytest.mark.parametrize("names", FORBIDDEN, ids=FORBIDDEN.values())
def test_what_answers_are_made_of_stays(names):
    gone = {name.removeprefix("aten::") for name in _gone(names)}
    assert MADE_OF & gone == set()


FAMILY = re.compile(r"gradient|backward|_derivative|jacobian|chain_rule|wirtinger|descent")
BY_HAND = {
    "linear.softmax_gradient", "backprop.numerical_gradient", "backprop.linear_backward", "backprop.relu_backward",
    "backprop.sigmoid_backward", "backprop.softmax_cross_entropy", "backprop.mlp_gradients", "backprop.unbroadcast",
    "backprop.backward", "backprop.train", "cnn.conv2d_backward", "cnn.max_pool2d_backward", "cnn.col2im",
    "cnn.batch_norm2d_backward", "rnn.rnn_cell_backward", "rnn.rnn_backward", "rnn.gradient_norms",
    "lstm.lstm_cell_backward", "lstm.memory_gradient", "complex_nn.chain_rule", "complex_nn.wirtinger",
}  # fmt: skip
FREE = {
    "acceleration.shard_gradients": "shares examples out; how each worker differentiates is free",
    "complex_nn.descent_step": "gets a gradient and takes a step",
    "rnn.clip_gradient_norm": "gets gradients and scales them",
}


def test_gradients_by_hand_are_worked_out_without_autograd():
    without = {each.id for each in EXERCISES if set(AUTOGRAD) <= set(each.rules.forbids)}
    assert without == BY_HAND
    named = {each.id for each in EXERCISES if FAMILY.search(each.id)}
    assert named - BY_HAND == set(FREE), "say of a new exercise on gradients whether autograd works them out"


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_no_package_is_kept_because_a_part_of_it_is_named(assignment):
    names = {name for each in exercises_of(assignment) for name in each.rules.forbids}
    assert [name for name in names if any(other.startswith(f"{name}.") for other in names)] == []

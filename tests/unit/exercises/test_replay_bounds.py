"""Operators that trust their callers are refused arguments that would lead them out of their tensors.

The calls are made in a child process, because an unchecked one may end it.
"""

import subprocess
import sys

import pytest
import torch

from autograder.exercises.replay import Replay
from autograder.exercises.replay_bounds import CHECKED
from autograder.exercises.replay_operators import OPERATORS, apply, operator_of
from autograder.harness import models
from autograder.objects import UnexpectedAnswer

HOSTILE = """
_native_batch_norm_legit_no_training.default | x, one(1), one(4), one(4), one(4), 0.1, 1e-5
_native_batch_norm_legit_no_training.default | x, one(4), one(4), one(0), one(4), 0.1, 1e-5
_native_batch_norm_legit_no_training.default | x, one(4), one(4), one(4), one(4).double(), 0.1, 1e-5
_native_batch_norm_legit.no_stats | x, one(4), one(4), False, 0.1, 1e-5
_native_batch_norm_legit.default | x, one(4), one(4), one(3), one(4), True, 0.1, 1e-5
native_batch_norm.default | x, None, None, None, None, False, 0.1, 1e-5
native_batch_norm.default | x, one(2), None, one(4), one(4), True, 0.1, 1e-5
_batch_norm_with_update.default | x, one(4), one(4), one(4), one(1), 0.1, 1e-5
_weight_norm_interface.default | one(6, 4), one(3, 1), 0
_weight_norm_interface.default | one(0, 4), one(0, 1), 0
_weight_norm_interface.default | one(6, 4), one(6, 4), 7
_scaled_dot_product_flash_attention_for_cpu.default | one(2, 2, 4, 8), one(1, 2, 4, 8), one(1, 2, 4, 8)
_scaled_dot_product_flash_attention_for_cpu.default | one(1, 2, 4, 8), one(1, 2, 4, 8), one(1, 2, 1, 8)
_scaled_dot_product_flash_attention_for_cpu.default | q, q, q, 0.0, False, attn_mask=one(1, 1)[:, :0]
mkldnn_rnn_layer.default | one(3, 2, 6), one(12, 6), one(12, 3), one(3), one(12), h, h, False, [], 2, 3, 1, True, False, False, False
mkldnn_rnn_layer.default | one(3, 2, 6), one(12, 6), one(12, 3), one(12), one(12), h, h, False, [], 3, 3, 1, True, False, False, False
mkldnn_rnn_layer.default | one(3, 0, 6), one(12, 6), one(12, 3), one(12), one(12), h, h, False, [], 2, 3, 1, True, False, False, False
mkldnn_rnn_layer.default | one(3, 2, 6), one(12, 6), one(12, 3), one(12), one(12), h, h, False, [3], 2, 3, 1, True, False, False, False
mkldnn_rnn_layer.default | one(3, 2, 6), one(12, 6), one(12, 3), one(12), one(12), h, h, False, [], 2, 2**40, 1, True, False, False, False
segment_reduce.default | one(0), "max", offsets=torch.tensor([0, 2, 5])
segment_reduce.default | one(5, 2), "sum", lengths=torch.tensor([2, 9]), unsafe=True
segment_reduce.default | one(5, 2), "sum", lengths=torch.tensor([9, -4])
segment_reduce.default | one(5, 2), "sum", offsets=torch.tensor([3, 8])
rrelu_with_noise.default | one(4), one(1), 0.1, 0.3, True
rrelu_with_noise.out | x, x, 0.125, 3, True, out=one(0, 3)
im2col.default | x, [3, 3], [1, 1], [2**62, 1], [1, 1]
col2im.default | one(2, 36, 16), [6, 6], [3, 3], [1, 1], [0, 2**32], [1, 1]
convolution.default | x, one(4, 4, 3, 3), None, [2**40, 1], [0, 0], [1, 1], False, [0, 0], 1
repeat.default | one(0), 50 * [2]
max_pool2d_with_indices.default | x, [2, 2], [2, 2], [0, -1], [1, 1], False
"""  # noqa: E501

CHILD = """
import sys
import torch
from autograder.exercises.replay_operators import apply, operator_of
from autograder.objects import UnexpectedAnswer

one = torch.ones
x, q, h = one(2, 4, 6, 6), one(1, 2, 4, 8), one(2, 3)
given = lambda *args, **kwargs: (list(args), kwargs)
for line in sys.stdin:
    name, arguments = line.split(" | ")
    try:
        apply(operator_of(f"aten.{name}"), *eval(f"given({arguments})"))
    except UnexpectedAnswer:
        continue
    print("ran:", line)
print("end")
"""


def test_arguments_that_lead_out_of_a_tensor_are_refused():
    done = subprocess.run(
        [sys.executable, "-c", CHILD], input=HOSTILE.strip(), capture_output=True, text=True, check=False, timeout=100
    )
    assert (done.returncode, done.stdout) == (0, "end\n"), done.stderr


def test_every_check_is_of_an_operator_that_is_run_and_tried_here():
    tried = {line.split(".")[0] for line in HOSTILE.strip().splitlines()}
    assert set(CHECKED) <= OPERATORS
    windows = {name for name, fits in CHECKED.items() if fits is CHECKED["im2col"]}
    assert set(CHECKED) - windows <= tried


@pytest.mark.parametrize(
    "full",
    [
        "aten.to.prim_dtype",
        "aten.add.t",
        "aten.softmax.int",
        "aten.chain_matmul.default",
        "aten.from_file.default",
        "prims.sin.default",
    ],
)
def test_neither_torchscript_s_own_nor_composed_operators_are_run(full):
    with pytest.raises(UnexpectedAnswer, match=f"uses the operator {full}, which the grader does not run"):
        operator_of(full)


@pytest.mark.parametrize(
    "step",
    [
        ["aten._to_copy.default", [{"slot": 0}], {"dtype": -7}, [1]],
        ["aten.zeros.default", [[2]], {"layout": 99}, [1]],
        ["aten.zeros_like.default", [{"slot": 0}], {"memory_format": 12}, [1]],
        ["aten.zeros.default", [[2]], {"device": 3}, [1]],
        ["aten.zeros.default", [{"torch": "load"}], {}, [1]],
    ],
)
def test_numbers_do_not_stand_for_types(step):
    program = {"state": {}, "trainable": [], "own": [], "constants": [], "steps": [step], "output": 1}
    with pytest.raises(UnexpectedAnswer, match=r"takes no|no operator takes"):
        Replay(program, 1)


class Everything(torch.nn.Module):
    """Whatever is checked, as honest models use it."""

    def __init__(self):
        super().__init__()
        self.first = torch.nn.utils.parametrizations.weight_norm(torch.nn.Conv2d(4, 6, 3, padding=1, stride=2))
        self.norm, self.more = torch.nn.BatchNorm2d(6), torch.nn.BatchNorm2d(6, affine=False, track_running_stats=False)
        self.noise, self.pool = torch.nn.RReLU(), torch.nn.MaxPool2d(2, padding=1)
        self.attention = torch.nn.MultiheadAttention(6, 2, batch_first=True)
        self.cells = torch.nn.LSTM(6, 5, num_layers=2, bidirectional=True, batch_first=True)

    def forward(self, x):
        maps = self.pool(self.noise(self.more(self.norm(self.first(x)))))
        maps = torch.nn.functional.fold(torch.nn.functional.unfold(maps, 2), maps.shape[2:], 2)
        rows = maps.flatten(2).mT
        rows, _ = self.attention(rows, rows, rows)
        states, _ = self.cells(rows)
        lengths = torch.tensor([1, states.shape[1] - 1])
        return torch.stack([torch.segment_reduce(one, "max", lengths=lengths) for one in states])


@pytest.mark.parametrize("training", [False, True])
def test_honest_models_pass_every_check(training):
    torch.manual_seed(0)
    model, x = Everything(), torch.randn(3, 4, 8, 8)
    replay = Replay(models.recorded(model, [torch.randn_like(x)], training), 1, training)
    with torch.set_grad_enabled(training):
        torch.manual_seed(1)
        got = replay(x)
        torch.manual_seed(1)
        torch.testing.assert_close(got, model(x), rtol=1e-4, atol=1e-5)
    assert len(set(CHECKED) & set(replay.operators)) >= 6 - training


def test_memory_that_nothing_was_written_to_is_zero():
    for name, args, kwargs in (
        ("empty.memory_format", [[500]], {}),
        ("empty_like.default", [torch.ones(500)], {}),
        ("empty_like.out", [torch.ones(500)], {"out": torch.ones(1)}),
        ("new_empty.default", [torch.ones(3), [500]], {}),
    ):
        assert not apply(operator_of(f"aten.{name}"), args, kwargs).any()

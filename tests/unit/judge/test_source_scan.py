"""Reading sources: what plainly reaches nothing forbidden is told from everything else."""

import sys

import pytest

from autograder.judge.source_scan import may_reach

CONVOLUTION = ("torch.conv2d", "torch.nn.functional.unfold", "scipy.signal")
GIVEN = [
    "import numpy as np\nimport torch\nimport torch.nn.functional as F",
    "from course_lib import data, viz\nfrom autograder import check",
    "def oracle(x, w):\n    return F.conv2d(torch.tensor(x), torch.tensor(w))\n\nshown = oracle(1, 2)",
    "def padded(x, by):\n    return np.pad(x, by)",
]


@pytest.mark.parametrize(
    "source",
    [
        "def conv2d(x, w):\n    return np.einsum('nchw,ochw->no', x, w)",
        "def im2col(x, kernel):\n    return padded(x, 1)",
        "out = conv2d(x, w)  # as torch.conv2d does, or scipy.signal",
        "'torch.conv2d'\nname = f'{out.shape[0]:.3f}'",
        "import numpy as np, torch\nfrom collections import (\n    deque,\n)\nfrom torch import nn",
        "def f(x: torch.Tensor) -> torch.Tensor:\n    return torch.tanh(x @ x.T).sum(dim=1)",
        "windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3))",
        "model.eval()",
        "",
    ],
)
def test_plain_code_reaches_nothing(source):
    assert not may_reach(CONVOLUTION, [source], GIVEN)


@pytest.mark.parametrize(
    "source",
    [
        "y = torch.conv2d(x, w)",
        "y = F.conv2d(x, w)",
        "y = torch.nn.Conv1d(1, 1, 3)(x)",
        "from torch.nn.functional import conv2d as mine",
        "from torch.nn.functional import *",
        "from torch import nn as n, conv_transpose2d",
        "import scipy.signal as s",
        "import scipy",
        "import os",
        "from . import x",
        "y = getattr(torch, 'con' + 'v2d')(x, w)",
        "exec('y = 1')",
        "eval('y')",
        "y = __import__('torch')",
        "y = x.__class__",
        "y = torch._C._nn",
        "y = torch.ops.aten",
        "y = torch.jit.script(f)",
        "y = torch.compile(f)",
        "y = x.unfold(1, 2, 3)",
        "y = oracle(x, w)",
        "y = viz.draw(x)",
        "y = shown",
        "name = f'{getattr(x, y)}'",
        "name = f'{torch.conv2d(x, w)}'",
        "%run other.py",
        "!ls",
        "torch.conv2d?",
        "x = 1; import os",
        "if True: import os",
        "x = (",
        "x = '''",
        "y = torch.os.system",
        "x = 1\n" * 60_000,
        "y = x\0",
    ],
)
def test_everything_else_may(source):
    assert may_reach(CONVOLUTION, ["import numpy as np", source], GIVEN)


def test_nesting_is_no_danger_to_words_unless_the_tokenizer_gives_up():
    deep = "y = " + "(" * 5_000 + ")" * 5_000
    assert may_reach(CONVOLUTION, [deep], GIVEN) is (sys.version_info >= (3, 12))


@pytest.mark.parametrize(
    ("source", "reaches"),
    [
        ("def rnn_cell_backward(dh, h):\n    grad = dh * (1 - h * h)\n    return grad", False),
        ("loss.backward()", True),
        ("g = torch.autograd.grad(y, x)", True),
        ("x = x.detach().requires_grad_()", True),
        ("from torch.func import vjp", True),
        ("with torch.enable_grad():\n    y = x.grad", True),
    ],
)
def test_autograd_has_words_of_its_own(source, reaches):
    assert may_reach(("torch.autograd",), [source]) is reaches


def test_a_class_of_another_package_is_found_by_its_name():
    assert may_reach(("torch_geometric.nn.GCNConv",), ["from torch_geometric.nn import GCNConv"])
    assert may_reach(("torch_geometric.nn.GCNConv",), ["from torch_geometric.nn import MessagePassing"])
    assert not may_reach(("torch_geometric.nn.GCNConv",), ["class GCNConv(MessagePassing):\n    pass"])


@pytest.mark.parametrize(
    ("source", "reaches"),
    [
        ("y = out.scatter_reduce_(0, place, x, 'amax')", False),  # torch's own, which no other package does the work of
        ("y = out.scatter_add(0, place, x)", False),
        ("y = tools.scatter(x, place)", True),
        ("from torch_geometric.utils import degree as scatter_sum", True),
        ("y = torch.utils.tools.scatter_", True),
        ("y = torch.nn.Conv2d(1, 1, 1)", False),
        ("y = layers.GCNConv(1, 1)", True),
    ],
)
def test_what_other_packages_have_is_named_whole(source, reaches):
    assert may_reach(("torch_geometric.utils.scatter", "torch_geometric.nn.GCNConv"), [source]) is reaches


def test_an_argument_is_no_name():
    given = ["import scipy.sparse\nprint(scipy.sparse.eye(3), flush=True)\n(a, b) = x[c(d=1)] = scipy.sparse.eye(2)"]
    assert not may_reach(CONVOLUTION, ["flush = 1", "y = torch.zeros(1)"], given)
    for name in ("a", "b", "scipy"):
        assert may_reach(CONVOLUTION, [f"y = {name}"], given)


def test_a_given_cell_is_judged_by_what_is_forbidden_each_time():
    given = ["import torch.nn.functional as F\npooled = F.max_pool2d", "from torch import nn\nlayer = nn.Linear(1, 1)"]
    for _ in range(2):
        assert may_reach(("torch.max_pool2d",), ["y = pooled(x)"], given)
        assert not may_reach(CONVOLUTION, ["y = pooled(x)"], given)
        assert may_reach(("torch.nn.Linear",), ["y = layer"], given)

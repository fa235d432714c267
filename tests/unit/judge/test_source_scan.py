"""Reading sources: which forbidden function a message names."""

import pytest

from autograder.forbidden_names import AUTOGRAD
from autograder.judge.source_scan import find_mention

CONVOLUTION = ("torch.conv2d", "torch.nn.functional.unfold", "scipy.signal")


@pytest.mark.parametrize(
    "source",
    [
        "def conv2d(x, w):\n    return np.einsum('nchw,ochw->no', x, w)",
        "out = conv2d(x, w)  # as torch.conv2d does, or scipy.signal",
        "'torch.conv2d'\nname = f'{out.shape[0]:.3f}'",
        "import numpy as np, torch\nfrom collections import (\n    deque,\n)\nfrom torch import nn",
        "windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3))",
        "model.eval()",
        "",
    ],
)
def test_plain_code_names_nothing(source):
    assert find_mention(CONVOLUTION, [source]) == ""


@pytest.mark.parametrize(
    ("source", "named"),
    [
        ("y = torch.conv2d(x, w)", "torch.conv2d"),
        ("import numpy as np\ny = F . conv2d(x, w)", "F.conv2d"),
        ("y = torch.nn.Conv1d(1, 1, 3)(x)", "torch.nn.Conv1d"),
        ("from torch.nn.functional import relu, conv2d as mine", "torch.nn.functional.conv2d"),
        ("from torch import (\n    nn,\n    conv_transpose2d,\n)", "torch.conv_transpose2d"),
        ("from scipy import signal", "scipy.signal"),
        ("import scipy.signal as s", "scipy.signal"),
        ("y = F.conv2d(x, w)\ny = (", "F.conv2d"),
    ],
)
def test_a_name_is_found_with_what_it_belongs_to(source, named):
    assert find_mention(CONVOLUTION, ["x = 1", source]) == named


def test_gradients_are_named_by_the_method_that_works_them_out():
    assert find_mention(AUTOGRAD, ["loss = f(x)\nloss.backward()"]) == "loss.backward"
    assert find_mention(AUTOGRAD, ["def linear_backward(dout):\n    return linear_backward(dout)"]) == ""


@pytest.mark.parametrize("source", ["x = $", "%matplotlib inline", "\0", "(" * 500, "torch.conv2d " * 100_000])
def test_what_cannot_be_read_ends_quietly(source):
    assert find_mention(CONVOLUTION, [source]) in ("", "torch.conv2d")

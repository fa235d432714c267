"""What is forbidden raises in a process that forbids it, whichever way it is called; everything else still works."""

import numpy as np
import pytest
import torch

from autograder.sandbox.guest import forbid
from autograder.sandbox.host.sandbox import Sandbox

SETUP = """
import sys, threading, types, importlib, gc
import numpy as np
import torch
import torch.nn.functional as F
x, w = torch.ones(1, 1, 4, 4), torch.ones(1, 1, 3, 3)
s = torch.ones(5, 1, 2)
"""

CONVOLUTION = ("torch.conv2d", "torch.nn.functional.unfold", "torch.nn.Fold", "scipy.signal", "numpy.convolve")
RECURRENT = ("torch.nn.RNN", "torch.nn.LSTM", "torch.nn.GRU")
GRADIENTS = ("torch.autograd", "torch.Tensor.backward", "torch.func")
GRAPHS = ("torch_geometric.nn.GCNConv", "torch.nn.utils.clip_grad_norm_")

IN_A_THREAD = """
out = []
def work():
    try:
        out.append(torch.conv2d(x, w))
    except OSError as error:
        out.append(error)
one = threading.Thread(target=work); one.start(); one.join()
if isinstance(out[0], Exception): raise out[0]
"""
OVERWRITTEN = """
library = torch._C._dispatch_library("IMPL", "aten", "CPU", "here", 1)
library.reset()
del library
gc.collect()
torch.conv2d(x, w)
"""
SCRIPTED = """
open("mine.py", "w").write('''
import torch
@torch.jit.script
def mine(x: torch.Tensor, w: torch.Tensor):
    return torch.conv2d(x, w)
''')
import mine
mine.mine(x, w)
"""
SCRIPTED_GRADIENT = """
open("mine.py", "w").write('''
import torch
@torch.jit.script
def mine(x: torch.Tensor):
    return torch.autograd.grad([(x * x).sum()], [x])
''')
import mine
mine.mine(torch.ones(2, requires_grad=True))
"""
POPPED = """
from torch.utils._python_dispatch import _disable_current_modes
with _disable_current_modes(), torch._C._DisableTorchDispatch(), torch._C.DisableTorchFunction():
    torch.conv2d(x, w)
"""
NO_AUTOGRAD_KEY = """
with torch._C._AutoDispatchBelowAutograd(), torch.inference_mode():
    torch.conv2d(x, w)
"""
ENGINE = """
y = torch.ones(1, requires_grad=True)
engine = type(torch.autograd.Variable._execution_engine)()
engine.run_backward((y.sum(),), (None,), False, False, (y,), True)
"""
REGAINED = """
for name in [name for name in sys.modules if name.startswith("scipy.signal")]:
    del sys.modules[name]
import scipy.signal
scipy.signal.convolve([1.0], [2.0])
"""
COPIED = """
source = open(importlib.util.find_spec("torch_geometric.nn.conv.gcn_conv").origin).read()
module = types.ModuleType("mine")
exec(source, vars(module))
module.GCNConv(1, 1)
"""

CALLS = [
    (CONVOLUTION, "torch.conv2d(x, w)"),
    (CONVOLUTION, "alias = F.conv2d\nalias(x, w)"),
    (CONVOLUTION, "getattr(torch, 'con' + 'v2d')(x, w)"),
    (CONVOLUTION, "from torch.nn.functional import conv2d as g\ng(x, w)"),
    (CONVOLUTION, "torch.ops.aten.convolution(x, w, None, [1, 1], [0, 0], [1, 1], False, [0, 0], 1)"),
    (CONVOLUTION, "torch.ops.aten.conv2d.default(x, w)"),
    (CONVOLUTION, "torch._C._nn.thnn_conv2d(x, w, [3, 3])"),
    (CONVOLUTION, "torch.mkldnn_convolution(x, w, None, [0, 0], [1, 1], [1, 1], 1)"),
    (CONVOLUTION, "exec('torch.conv2d(x, w)')"),
    (CONVOLUTION, "torch.nn.Conv2d(1, 1, 3)(x)"),
    (CONVOLUTION, "torch.conv1d(x[0], w[0])"),
    (CONVOLUTION, "F.conv_transpose2d(x, w)"),
    (CONVOLUTION, "torch.conv2d(x.requires_grad_(), w)"),
    (CONVOLUTION, "torch.jit.trace(lambda a: torch.conv2d(a, w), x)(x)"),
    (CONVOLUTION, "torch.compile(lambda a: torch.conv2d(a, w), backend='eager')(x)"),
    (CONVOLUTION, "torch.vmap(lambda a: torch.conv2d(a, w))(x[None])"),
    (CONVOLUTION, "torch.conv2d(x.double(), w.double())"),
    (CONVOLUTION, "torch.conv2d(x.to_mkldnn(), w.to_mkldnn())"),
    (CONVOLUTION, IN_A_THREAD),
    (CONVOLUTION, OVERWRITTEN),
    (CONVOLUTION, SCRIPTED),
    (CONVOLUTION, POPPED),
    (CONVOLUTION, NO_AUTOGRAD_KEY),
    (CONVOLUTION, "F.unfold(x, 3)"),
    (CONVOLUTION, "torch.nn.Unfold(3)(x)"),
    (CONVOLUTION, "F.fold(torch.ones(1, 9, 4), (4, 4), 3)"),
    (CONVOLUTION, "np.convolve([1, 2], [3])"),
    (CONVOLUTION, "from numpy._core.numeric import convolve\nconvolve([1, 2], [3])"),
    (CONVOLUTION, "import scipy.signal as g\ng.correlate2d([[1.0]], [[2.0]])"),
    (CONVOLUTION, "from scipy.signal._signaltools import fftconvolve\nfftconvolve([1.0], [2.0])"),
    (CONVOLUTION, "from scipy.signal import _sigtools\n_sigtools._correlateND([1.0], [1.0], [0.0], 2)"),
    (CONVOLUTION, "import scipy.signal\nimportlib.reload(scipy.signal._signaltools)"),
    (CONVOLUTION, REGAINED),
    (RECURRENT, "torch.nn.RNN(2, 3)(s)"),
    (RECURRENT, "torch.nn.LSTM(2, 3)(s)"),
    (RECURRENT, "torch.nn.LSTM(2, 3).double()(s.double())"),
    (RECURRENT, "torch.nn.GRU(2, 3)(s)"),
    (RECURRENT, "torch.nn.GRUCell(2, 3)(s[0])"),
    (RECURRENT, "torch.rnn_tanh_cell(s[0], torch.ones(1, 3), torch.ones(3, 2), torch.ones(3, 3))"),
    (RECURRENT, "torch._VF.lstm_cell(s[0], [torch.ones(1, 3)] * 2, torch.ones(12, 2), torch.ones(12, 3))"),
    (GRADIENTS, "torch.ones(1, requires_grad=True).sum().backward()"),
    (GRADIENTS, "y = torch.ones(1, requires_grad=True)\ntorch.autograd.grad(y.sum(), y)"),
    (GRADIENTS, "torch.func.grad(lambda a: a * a)(torch.ones(()))"),
    (GRADIENTS, "torch.func.jvp(lambda a: a * a, (x,), (x,))"),
    (GRADIENTS, "torch.autograd.functional.jacobian(lambda a: a * a, torch.ones(2))"),
    (GRADIENTS, "y = torch.ones(1, requires_grad=True)\ntorch.ops.aten._backward(y.sum(), [y])"),
    (GRADIENTS, ENGINE),
    (GRADIENTS, SCRIPTED_GRADIENT),
    (GRAPHS, "import torch_geometric.nn as g\ng.GCNConv(1, 1)"),
    (GRAPHS, "from torch_geometric.nn.conv.gcn_conv import GCNConv as G\nclass Mine(G):\n    pass\nMine(1, 1)"),
    (GRAPHS, "from torch_geometric.nn import GCN\nGCN(1, 1, 1)"),
    (GRAPHS, COPIED),
    (GRAPHS, "torch.nn.utils.clip_grad_norm_([w], 1.0)"),
]  # fmt: skip

ALLOWED = [
    (CONVOLUTION, "F.max_pool2d(x, 2)\nnp.correlate([1.0], [2.0])\nx.unfold(1, 1, 1)\nx.to(torch.float64)"),
    (CONVOLUTION, "import scipy.ndimage\nscipy.ndimage.convolve(np.ones((3, 3)), np.ones((2, 2)))"),
    (CONVOLUTION, "np.lib.stride_tricks.sliding_window_view(np.ones((4, 4)), (2, 2))"),
    (RECURRENT, "torch.tanh(s @ torch.ones(2, 3))\ntorch.nn.Linear(2, 2)(s)"),
    (GRADIENTS, "with torch.no_grad():\n    torch.tanh(x) @ x\ntorch.nn.Linear(4, 1)(x)"),
    (GRAPHS, "from torch_geometric.nn import MessagePassing, SAGEConv\nSAGEConv(1, 1)"),
]


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox(isolation="process", preload=("torch", "torch_geometric.nn", "scipy.signal")) as box:
        yield box


@pytest.fixture(scope="module")
def runs(sandbox):
    """One process for each set of forbidden names."""
    started = {}
    for names in (CONVOLUTION, RECURRENT, GRADIENTS, GRAPHS):
        started[names] = sandbox.start(names)
        assert started[names].execute(SETUP).error is None
    yield started
    for run in started.values():
        run.close()


@pytest.mark.parametrize(
    ("names", "source"), CALLS, ids=[source.split("\n")[-1][:60] or source[:40] for _, source in CALLS]
)
def test_a_forbidden_call_does_no_work(runs, names, source):
    error = runs[names].execute(f"exec({source!r}, globals())").error
    assert error is not None
    assert "does the work that this exercise asks of you: write it yourself" in error.message or "to_mkldnn" in source


@pytest.mark.parametrize(("names", "source"), ALLOWED)
def test_what_is_not_forbidden_still_works(runs, names, source):
    assert runs[names].execute(f"exec({source!r}, globals())").error is None


def test_other_runs_of_the_same_server_are_not_concerned(sandbox, runs):
    with sandbox.start() as run:
        assert run.execute(SETUP + "torch.conv2d(x, w)\nnp.convolve([1], [2])").error is None


def test_a_statement_that_fails_keeps_the_rest_of_its_cell(runs):
    run = runs[CONVOLUTION]
    result = run.execute("torch.conv2d(x, w)\nafter = 1\n1 / 0\nassert after")
    assert result.error is not None
    assert run.execute("assert after == 1").error is None


def test_a_name_that_means_nothing_is_the_courses_own_fault(sandbox):
    from autograder.sandbox.host.sandbox import SandboxError

    with pytest.raises(SandboxError, match=r"nothing is called torch\.convolute"):
        sandbox.start(("torch.convolute",))


def test_in_the_students_own_check_everything_is_put_back():
    x, w = torch.ones(1, 1, 4, 4), torch.ones(1, 1, 3, 3)
    leaf = torch.ones(2, requires_grad=True)
    names = (*CONVOLUTION, *GRADIENTS, *RECURRENT, "torch.nn.utils.clip_grad_norm_")
    forbid.take_called()
    for _ in range(2):
        with forbid.forbidding(names):
            for forbidden in (lambda: torch.conv2d(x, w), lambda: leaf.sum().backward(), lambda: np.convolve([1], [2])):
                with pytest.raises(forbid.Forbidden):
                    forbidden()
        assert forbid.take_called() == ("torch.conv2d", "torch.autograd", "numpy.convolve")
        assert torch.conv2d(x, w).shape == (1, 1, 2, 2)
        leaf.sum().backward()
        assert np.convolve([1], [2]) == 2
        assert torch.nn.LSTM(1, 1)(torch.ones(2, 1, 1))[0].shape == (2, 1, 1)
        torch.nn.utils.clip_grad_norm_([leaf], 1.0)

"""What is forbidden raises in a process that forbids it, whichever way it is called; everything else still works."""

import re

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

BY_KEY = """
at = torch._C.DispatchKey.{}
torch.ops.aten.{}.default._op_dk(at, *given[{!r}])
"""
COPIED_EXTENSION = """
import importlib.machinery, shutil
place = importlib.util.find_spec("scipy").submodule_search_locations[0] + "/fft/_pocketfft"
import glob
shutil.copy(glob.glob(place + "/*.so")[0], "mine.so")
loader = importlib.machinery.ExtensionFileLoader("pypocketfft", "mine.so")
importlib.util.module_from_spec(importlib.util.spec_from_loader("pypocketfft", loader))
"""
NODES = """
y = torch.sigmoid(torch.ones(2, requires_grad=True))
assert y.grad_fn is not None
"""
IN_ANOTHER_THREAD = """
out = []
def work():
    with torch.enable_grad(), torch.inference_mode(False):
        torch.set_grad_enabled(True)
        out.append(torch.sigmoid(torch.ones(2, requires_grad=True)).grad_fn)
one = threading.Thread(target=work); one.start(); one.join()
assert out[0] is not None
"""
A_VIEW = """
leaf = torch.ones(4, requires_grad=True)
windows = leaf.as_strided((3, 2), (1, 1))
windows.detach().add_(1)
assert windows.grad_fn is not None
"""
ACCUMULATED = """
leaf = torch.ones(2, requires_grad=True)
node = torch.autograd.graph.get_gradient_edge(leaf).node
node(torch.ones(2))
assert leaf.grad is not None
"""
PLAIN = "s, [state, state], [torch.ones(12, 2), torch.ones(12, 3)], False, 1, 0.0, False, False, False"
FILE = "place = importlib.util.find_spec('scipy').submodule_search_locations[0] + '/signal/_signaltools.py'\n"

DOORS = [
    (CONVOLUTION, BY_KEY.format("CompositeImplicitAutograd", "conv2d", "conv")),
    (CONVOLUTION, BY_KEY.format("CompositeExplicitAutograd", "convolution", "long")),
    (CONVOLUTION, BY_KEY.format("AutogradCPU", "_convolution", "longest")),
    (CONVOLUTION, BY_KEY.format("FuncTorchBatchedDecomposition", "conv2d", "conv")),
    (CONVOLUTION, "torch.ops.aten.conv2d.default.redispatch(torch._C.DispatchKeySet(at_cpu), *given['conv'])"),
    (CONVOLUTION, "torch.ops.aten.conv2d.default.decompose(*given['conv'])"),
    (CONVOLUTION, "torch.library.get_kernel('aten::convolution', 'CPU')"
                  ".call_boxed(torch._C.DispatchKeySet(at_cpu), *given['long'])"),
    (CONVOLUTION, "torch.ops.prim.mkldnn_convolution(x, w, None, [1, 1], [0, 0], [1, 1], 1)"),
    (CONVOLUTION, "torch._C._jit_get_operation('prim::mkldnn_convolution')[0](x, w, None, [1, 1], [0, 0], [1, 1], 1)"),
    (CONVOLUTION, "torch.ops.mkldnn._convolution_pointwise(x, w, None, [0, 0], [1, 1], [1, 1], 1, 'none', [], None)"),
    (CONVOLUTION, "torch.ops.aten.unfold_backward(torch.ones(1, 3, 2), [1, 4], 1, 2, 1)"),
    (CONVOLUTION, r"torch._C.parse_ir('graph(%x : Tensor):\n  return (%x)')"),
    (CONVOLUTION, "torch._C.Graph()"),
    (CONVOLUTION, "torch.jit.trace(lambda a: torch.tanh(a), x)"),
    (CONVOLUTION, "torch.classes.mkldnn.ConvOpContext"),
    (CONVOLUTION, "torch._C._jit_init()"),
    (CONVOLUTION, "import functorch"),
    (CONVOLUTION, "import torch._inductor.lowering"),
    (CONVOLUTION, COPIED_EXTENSION),
    (CONVOLUTION, "import ctypes\nctypes.CDLL(None)"),
    (CONVOLUTION, "import ctypes\nctypes.pythonapi.Py_IsInitialized()"),
    (CONVOLUTION, "import ctypes\nctypes.memset(0, 0, 0)"),
    (CONVOLUTION, "import ctypes\nctypes.c_long.from_address(id(x))"),
    (CONVOLUTION, "gc.get_objects()"),
    (CONVOLUTION, f"{FILE}open(place.replace('/signal/', '/special/../signal/'))"),
    (CONVOLUTION, f"{FILE}import os\nopen(os.fsencode(place))"),
    (CONVOLUTION, f"{FILE}import os\nif not os.path.islink('link'): os.symlink(place, 'link')\nopen('link')"),
    (CONVOLUTION, f"{FILE}import pathlib\npathlib.Path(place).read_bytes()"),
    (RECURRENT, BY_KEY.format("CompositeImplicitAutograd", "lstm_cell", "cell")),
    (RECURRENT, BY_KEY.format("CompositeImplicitAutograd", "gru_cell", "gru")),
    (RECURRENT, f"list(torch.ops.aten.lstm.input.py_kernels.values())[0]({PLAIN})"),
    (RECURRENT, f"sys.modules['torch._decomp.decompositions'].lstm_impl({PLAIN})"),
    (RECURRENT, "torch.ao.nn.quantizable.LSTMCell(2, 3)"),
    (GRADIENTS, NODES),
    (GRADIENTS, IN_ANOTHER_THREAD),
    (GRADIENTS, A_VIEW),
    (GRADIENTS, ACCUMULATED),
    (GRADIENTS, BY_KEY.format("Autograd", "sigmoid", "one")),
    (GRADIENTS, "torch.ops.aten.sigmoid_backward(x, x)"),
    (GRADIENTS, BY_KEY.format("CPU", "sigmoid_backward", "two")),
    (GRADIENTS, "sys.modules['torch._decomp.decompositions'].sigmoid_backward(x, x)"),
    (GRADIENTS, "torch.func.vjp(torch.sigmoid, x)"),
    (GRADIENTS, "torch.func.jacrev(torch.sigmoid)(x)"),
    (GRADIENTS, "torch.func.linearize(torch.sigmoid, x)"),
    (GRADIENTS, "torch._C._functorch._grad_increment_nesting()"),
    (GRADIENTS, "import torch.autograd.forward_ad as fw\nwith fw.dual_level():\n    fw.make_dual(x, x)"),
    (GRADIENTS, "torch.nn.grad.conv2d_input((1, 1, 4, 4), w, torch.ones(1, 1, 2, 2))"),
]  # fmt: skip
PREPARED = """
at_cpu = torch._C.DispatchKey.CPU
state = torch.ones(1, 1, 3)
pair = [torch.ones(1, 3)] * 2
given = {
    "conv": (x, w), "one": (x,), "two": (x, x),
    "long": (x, w, None, [1, 1], [0, 0], [1, 1], False, [0, 0], 1),
    "longest": (x, w, None, [1, 1], [0, 0], [1, 1], False, [0, 0], 1, False, False, False, False),
    "cell": (s[0], pair, torch.ones(12, 2), torch.ones(12, 3)),
    "gru": (s[0], pair[0], torch.ones(9, 2), torch.ones(9, 3)),
}
"""
TRIES = """
import os
for number, source in enumerate(doors):
    pid = os.fork()
    if not pid:
        try:
            exec(source, globals())
        except BaseException:
            os._exit(0)
        os._exit(7)
    if os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7:
        print("open:", number)
print(number + 1, "tried")
"""
EVERY_KERNEL = """
import re
patterns = [re.compile(r"conv(?!ert|j)|im2col|col2im")]
left = []
for name in torch._C._dispatch_get_all_op_names():
    if patterns[0].search(name.partition("::")[2].partition(".")[0]):
        for line in torch._C._dispatch_dump(name).splitlines():
            if re.match(r"\\w+(\\[alias\\])?: registered at", line) and "forbid_kernels" not in line:
                left.append((name, line))
left = [each for each in left if not each[1].startswith(("debug", "Tracer"))]
assert not left, left[:3]
"""

ALLOWED = [
    (CONVOLUTION, "F.max_pool2d(x, 2)\nnp.correlate([1.0], [2.0])\nx.unfold(1, 1, 1)\nx.to(torch.float64)"),
    (CONVOLUTION, "import scipy.ndimage\nscipy.ndimage.convolve(np.ones((3, 3)), np.ones((2, 2)))"),
    (CONVOLUTION, "np.lib.stride_tricks.sliding_window_view(np.ones((4, 4)), (2, 2))"),
    (RECURRENT, "torch.tanh(s @ torch.ones(2, 3))\ntorch.nn.Linear(2, 2)(s)"),
    (GRADIENTS, "with torch.no_grad():\n    torch.tanh(x) @ x\ntorch.nn.Linear(4, 1)(x)"),
    (GRADIENTS, "torch.tensor([1.0], requires_grad=False).requires_grad_().detach()\ntorch.vmap(torch.sin)(x)"),
    (GRADIENTS, "layer = torch.nn.Linear(4, 1)\ntorch.optim.Adam(layer.parameters()).step()\nlayer.state_dict()"),
    (GRADIENTS, "import copy, io\ncopy.deepcopy(torch.nn.LSTM(2, 3))(s)\ntorch.save(x, io.BytesIO())"),
    (GRADIENTS, "torch.manual_seed(0)\nlist(torch.utils.data.DataLoader([1, 2], batch_size=2))\nx.numpy().ctypes.data"),
    (
        GRADIENTS,
        "class Mine(torch.nn.Module):\n    def forward(self, x):\n        return torch.special.expit(x)\nMine()(x)",
    ),
    (CONVOLUTION, "import scipy.optimize, scipy.sparse.linalg, sqlite3\nscipy.sparse.eye(3) @ np.ones(3)"),
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


def tried(run, doors):
    """The doors that lead to something, each tried in a process of its own: some of torch's end the process."""
    assert run.execute(PREPARED).error is None
    result = run.execute(f"doors = {doors!r}\n{TRIES}", seconds=120)
    assert result.error is None, result.error
    text = "".join(output.get("text", "") for output in result.outputs)
    assert f"{len(doors)} tried" in text
    return {doors[int(number)] for number in re.findall(r"open: (\d+)", text)}


@pytest.fixture(scope="module")
def opened(runs):
    sets = (CONVOLUTION, RECURRENT, GRADIENTS)
    return set().union(*(tried(runs[names], [door for kept, door in DOORS if kept == names]) for names in sets))


def test_each_is_a_door_where_nothing_is_forbidden(sandbox):
    doors = [door for _, door in DOORS]
    with sandbox.start() as run:
        assert run.execute(SETUP).error is None
        assert tried(run, doors) == set(doors)


@pytest.mark.parametrize("source", [source for _, source in DOORS], ids=lambda source: source.strip()[-70:])
def test_no_door_leads_back_to_it(opened, source):
    assert source not in opened


def test_no_operator_keeps_a_kernel_for_any_key(runs):
    error = runs[CONVOLUTION].execute(EVERY_KERNEL).error
    assert error is None, error.message


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

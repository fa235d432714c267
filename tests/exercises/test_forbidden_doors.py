"""For every exercise that forbids something: what else would do its work, each tried where the exercise is judged."""

import pytest

from autograder.exercises import ASSIGNMENTS, exercises_of, find
from autograder.forbidden_names import names_of
from autograder.sandbox.host.sandbox import Sandbox

SETS = {
    each.rules.forbids: each.id for name in ASSIGNMENTS for each in exercises_of(name) if each.rules.forbids
}  # one exercise for each set of forbidden names

LAYER = "edges, x = torch.tensor([[0, 1], [1, 2]]), torch.ones(3, 2)\nimport torch_geometric.nn as g\n"
UTILS = "edges, x = torch.tensor([[0, 1], [1, 2]]), torch.ones(3, 2)\nimport torch_geometric.utils as u\n"
MADE_BY_HAND = """
import torch_geometric.nn as g
class Mine(g.MessagePassing):
    def __init__(self):
        torch.nn.Module.__init__(self)
Mine()._check_input(torch.tensor([[0], [1]]), None)
"""
QLINEAR = """
packed = torch.ops.onednn.qlinear_prepack(torch.ones(4, 8, dtype=torch.int8), None)
x, zeros = torch.ones(3, 8, dtype=torch.uint8), torch.zeros(4, dtype=torch.int64)
torch.ops.onednn.qlinear_pointwise(
    x, 1.0, 0, packed, torch.ones(4), zeros, None, 1.0, 0, torch.float32, "none", [], "")
"""
OBSERVER = """
from torch.ao.quantization.observer import MinMaxObserver
one = MinMaxObserver()
one(torch.ones(3))
one.calculate_qparams()
"""
CLIPPED = """
one = torch.nn.Parameter(torch.ones(3))
one.grad = torch.ones(3)
"""
NUMERICAL = """
import sys
x = torch.ones(3, dtype=torch.float64).requires_grad_()
sys.modules["torch.autograd.gradcheck"]._get_numerical_jacobian(lambda a: (a * a).sum(), (x,), eps=1e-5)
"""
DIFFERENCE = "import numpy as np\nf, x = lambda a: (a * a).sum(), np.ones(3)\n"
NETWORK = """
import numpy as np
from sklearn.neural_network import MLPClassifier
MLPClassifier(max_iter=1).fit(np.eye(4), [0, 1, 0, 1])
"""
POINTERS = "torch.tensor([0, 1, 2]), torch.tensor([0, 1]), torch.ones(2)"
PRUNED = "import torch.nn.utils.prune as p\np.l1_unstructured(torch.nn.Linear(3, 3), 'weight', 0.5)"
KEPT = "import torch.nn.utils.prune as p\np.L1Unstructured(0.5).compute_mask(torch.ones(2), torch.ones(2))"
SPARSIFIED = "from torch.ao.pruning import WeightNormSparsifier\nWeightNormSparsifier()"

DOORS = [
    ("quantization.int8_linear", QLINEAR),
    ("quantization.int8_conv2d", "torch.ops.onednn.qconv_prepack(torch.ones(1, 1, 3, 3, dtype=torch.int8), "
        "torch.ones(1), 1.0, 0, [1, 1], [0, 0], [1, 1], 1, [1, 1, 4, 4])"),
    ("quantization.calibrate", OBSERVER),
    ("quantization.fold_batch_norm", "import torch.fx.experimental.optimization as o\n"
        "o.fuse(torch.nn.Sequential(torch.nn.Conv2d(1, 1, 3), torch.nn.BatchNorm2d(1)).eval())"),
    ("quantization.quantize", "torch.ops.quantized.linear_prepack_fp16(torch.ones(2, 2), None)"),
    ("rnn.rnn_cell", "torch.gru_cell(torch.ones(1, 2), torch.ones(1, 3), torch.ones(9, 2), torch.ones(9, 3))"),
    ("rnn.rnn_forward", "torch.nn.GRU(2, 3)(torch.ones(4, 1, 2))"),
    ("rnn.clip_gradient_norm", f"{CLIPPED}torch.nn.utils.get_total_norm([one.grad])"),
    ("rnn.clip_gradient_norm", f"{CLIPPED}torch.nn.utils.clip_grads_with_norm_([one], 1.0, torch.ones(()))"),
    ("rnn.clip_gradient_norm", f"{CLIPPED}torch.nn.utils.clip_grad._get_total_norm([one.grad])"),
    ("backprop.numerical_gradient", NUMERICAL),
    ("backprop.numerical_gradient", f"{DIFFERENCE}from scipy.optimize import approx_fprime\napprox_fprime(x, f)"),
    ("backprop.numerical_gradient",
        f"{DIFFERENCE}from scipy.optimize import _numdiff\n_numdiff.approx_derivative(f, x, method='3-point')"),
    ("backprop.numerical_gradient", "import numpy as np, scipy.differentiate as d\nd.derivative(np.sin, 1.0)"),
    ("backprop.train", NETWORK),
    ("linear.softmax_gradient", NETWORK),
    ("pruning.to_csr", "torch.eye(3).to_sparse(layout=torch.sparse_csr).crow_indices()"),
    ("pruning.to_csr", "torch.eye(3).T.to_sparse_csc().ccol_indices()"),
    ("pruning.to_csr", "torch.eye(4).to_sparse_bsr((1, 1)).crow_indices()"),
    ("pruning.to_csr", "torch._convert_indices_from_coo_to_csr(torch.arange(3), 3)"),
    ("pruning.to_csr", "import numpy as np, scipy.sparse\nscipy.sparse.csr_array(np.eye(3)).indptr"),
    ("pruning.csr_matvec", f"torch.sparse_csc_tensor({POINTERS}, (2, 2)).to_dense()"),
    ("pruning.csr_matvec", f"torch.sparse_compressed_tensor({POINTERS}, (2, 2), layout=torch.sparse_csr)"),
    ("pruning.magnitude_mask", PRUNED),
    ("pruning.magnitude_mask", KEPT),
    ("pruning.global_masks", SPARSIFIED),
    ("cnn.batch_norm2d", "torch.nn.functional.layer_norm(torch.ones(3, 8), (8,))"),
    ("cnn.batch_norm2d", "torch.nn.functional.group_norm(torch.ones(1, 3, 8), 3)"),
    ("cnn.avg_pool2d", "torch.nn.functional.interpolate(torch.ones(1, 1, 4, 4), size=(2, 2), mode='area')"),
    ("cnn.max_pool2d", "torch.nn.AdaptiveMaxPool2d(2)(torch.ones(1, 1, 4, 4))"),
    ("gnn.gcn_layer", f"{LAYER}g.DenseGCNConv(2, 3)(x, torch.ones(3, 3))"),
    ("gnn.gcn_layer", f"{LAYER}g.SGConv(2, 3)(x, edges)"),
    ("gnn.message_passing", MADE_BY_HAND),
    ("gnn.scatter", f"{LAYER}g.SumAggregation()(x, torch.tensor([0, 0, 1]))"),
    ("gnn.scatter", f"{UTILS}u.segment(x, torch.tensor([0, 1, 3]))"),
    ("gnn.message_passing", f"{UTILS}u.spmm(torch.eye(3).to_sparse_csr(), x)"),
    ("gnn.message_passing", "from torch_geometric import EdgeIndex\nEdgeIndex([[0, 1], [1, 2]], sparse_size=(3, 3))"
        ".sort_by('row')[0].matmul(torch.ones(3, 2))"),
    ("gnn.gcn_norm", f"{UTILS}u.get_laplacian(edges, normalization='sym')"),
    ("gnn.GCNConv", f"{LAYER}g.SGConv(2, 3)(x, edges)"),
    ("gnn.GCNConv", f"{LAYER}g.LGConv()(x, edges)"),
    ("gnn.gat_layer", f"{LAYER}g.DenseGATConv(2, 3)(x, torch.ones(3, 3))"),
    ("gnn.gat_layer", f"{LAYER}g.GATConv.message(None, torch.ones(3, 1, 2), torch.ones(3, 1))"),
    ("gnn.negative_edges", f"{UTILS}u.structured_negative_sampling(edges)"),
    ("complex_nn.wirtinger", "torch.autograd.functional.jacobian(lambda a: a * a, torch.ones(2))"),
]  # fmt: skip

EVERY_KERNEL = """
import re
from autograder.forbidden_names import operator_pattern
patterns = [re.compile(operator_pattern(name)) for name in {names!r}]
left = []
for name in torch._C._dispatch_get_all_op_names():
    if any(pattern.search(name.partition(".")[0]) for pattern in patterns):
        for line in torch._C._dispatch_dump(name).splitlines():
            if re.match(r"\\w+(\\[alias\\])?: registered at", line) and "forbid_kernels" not in line:
                left.append((name, line))
left = [each for each in left if not each[1].startswith(("debug", "Tracer"))]
assert not left, left[:3]
"""

ALLOWED = [
    ("pruning.csr_matvec", "torch.sparse_coo_tensor(torch.eye(2).long(), torch.ones(2), (2, 2)) @ torch.ones(2)"),
    ("pruning.to_csr", "torch.eye(3).to_sparse().indices()[0].bincount(minlength=3).cumsum(0)"),
    ("quantization.int8_matmul", "torch._int_mm(torch.ones(8, 8).char(), torch.ones(8, 8).char())"),
    ("quantization.train_aware", "torch.quantile(torch.ones(3, requires_grad=True), 0.5).backward()"),
    ("gnn.GCNConv", f"{LAYER}class Mine(g.MessagePassing):\n    def forward(self, x, e):\n"
        "        return self.propagate(e, x=x)\nMine(aggr='mean')(x, edges)"),
    ("gnn.GCNConv", f"{UTILS}u.add_remaining_self_loops(edges)\nu.degree(edges[0])"),
    ("gnn.scatter", "from torch_geometric.data import Data\nfrom course_lib import graphs\ngraphs.karate()"),
    ("rnn.rnn_forward", "torch.nn.Linear(2, 3)(torch.ones(1, 2)).tanh().sum().backward()"),
    ("cnn.batch_norm2d", "import numpy as np\nnp.ones((2, 3)).var(0)\ntorch.var_mean(torch.ones(3, 2), 0)"),
    ("linear.softmax_gradient", "from sklearn import datasets, metrics, preprocessing\ndatasets.load_digits()"),
    ("backprop.numerical_gradient", "import scipy.optimize, scipy.special\nscipy.special.expit(0.0)"),
]  # fmt: skip


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox(isolation="process", preload=("torch", "torch_geometric.nn")) as box:
        yield box


@pytest.fixture(scope="module")
def runs(sandbox):
    """One process for each set of forbidden names, and one where nothing is forbidden."""
    started = {}

    def run(where: str):
        names = find(where).rules.forbids if where else ()
        if names not in started:
            started[names] = sandbox.start(names)
            assert started[names].execute("import torch").error is None
        return started[names]

    yield run
    for each in started.values():
        each.close()


@pytest.mark.parametrize(("where", "source"), DOORS, ids=lambda text: text.strip()[-60:])
def test_what_does_the_same_work_is_gone_too(runs, where, source):
    free = runs("").execute(f"exec({source!r}, globals())").error
    assert free is None, free.message
    assert runs(where).execute(f"exec({source!r}, globals())").error is not None


@pytest.mark.parametrize(("where", "source"), ALLOWED, ids=lambda text: text.strip()[-60:])
def test_what_an_answer_may_use_still_works(runs, where, source):
    error = runs(where).execute(f"exec({source!r}, globals())").error
    assert error is None, error.message


@pytest.mark.parametrize("names", [names for names in SETS if names_of("torch", names)], ids=SETS.get)
def test_no_key_keeps_a_kernel(runs, names):
    error = runs(SETS[names]).execute(EVERY_KERNEL.format(names=names_of("torch", names))).error
    assert error is None, error.message

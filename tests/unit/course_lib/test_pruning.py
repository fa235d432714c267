"""Pruning against torch's own pruning, SciPy's sparse matrices, bounds of information theory and Eckart and Young."""

import copy
import math
import time

import numpy as np
import pytest
import scipy.sparse
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils import prune

from course_lib import data, pruning, training

DTYPES = (torch.float32, torch.float64)


def random(*shape, seed=0, dtype=torch.float64):
    return torch.from_numpy(np.random.default_rng([seed, *shape]).standard_normal(shape)).to(dtype)


# --- masks ------------------------------------------------------------------------------------------------


def pruned_by_torch(w, amount):
    module = nn.Module()
    module.weight = nn.Parameter(w.clone())
    prune.l1_unstructured(module, "weight", amount=amount)
    return module.weight_mask.bool()


@pytest.mark.parametrize("shape", [(7, 5), (4, 3, 2, 3), (11,), (1, 1)])
@pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 0.77, 1.0])
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_magnitude_mask_is_torchs(shape, share, dtype):
    w = random(*shape, dtype=dtype)
    mask = pruning.magnitude_mask(w, share)
    assert mask.dtype == torch.bool
    assert torch.equal(mask, pruned_by_torch(w, math.floor(share * w.numel() + 0.5)))


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=40), st.floats(0, 1))
def test_exactly_so_many_go_whatever_is_equal(values, share):
    w = torch.tensor(values, dtype=torch.float64)
    mask = pruning.magnitude_mask(w, share)
    assert int((~mask).sum()) == math.floor(share * len(values) + 0.5)
    if mask.any() and not mask.all():
        assert w[~mask].abs().max() <= w[mask].abs().min()


def test_a_mask_of_a_view_and_of_halves():
    w = random(6, 8).T[::2]
    assert torch.equal(pruning.magnitude_mask(w, 0.3), pruning.magnitude_mask(w.contiguous(), 0.3))
    assert int((~pruning.magnitude_mask(random(5), 0.5)).sum()) == 3, "2.5 rounds up"
    assert int((~pruning.magnitude_mask(random(9), 0.5)).sum()) == 5, "4.5 rounds up, not to even"
    with pytest.raises(ValueError, match=r"sparsity is 1\.5; expected a share between 0 and 1"):
        pruning.magnitude_mask(w, 1.5)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_global_masks_are_torchs(share):
    weights = [random(8, 5), 3 * random(4, 8), 0.1 * random(2, 3, 3, 3)]
    modules = [nn.Module() for _ in weights]
    for module, w in zip(modules, weights, strict=True):
        module.weight = nn.Parameter(w.clone())
    count = math.floor(share * sum(w.numel() for w in weights) + 0.5)
    prune.global_unstructured(
        [(module, "weight") for module in modules], pruning_method=prune.L1Unstructured, amount=count
    )
    masks = pruning.global_masks(weights, share)
    for mask, module in zip(masks, modules, strict=True):
        assert torch.equal(mask, module.weight_mask.bool())
    assert sum(int((~mask).sum()) for mask in masks) == count
    assert pruning.sparsity([w * mask for w, mask in zip(weights, masks, strict=True)]) == count / sum(
        w.numel() for w in weights
    )


def test_sparsity_counts_negative_zeros_and_large_layers_more():
    assert pruning.sparsity([torch.tensor([0.0, -0.0, 1e-30, -1.0])]) == 0.5
    assert pruning.sparsity([torch.zeros(30), torch.ones(2, 5)]) == 0.75


@pytest.mark.parametrize(("n", "m"), [(2, 4), (1, 4), (3, 4), (1, 2), (4, 8), (4, 4)])
@pytest.mark.parametrize("shape", [(3, 8), (2, 16, 3, 2)])
def test_n_of_m_by_brute_force(n, m, shape):
    w = random(*shape)
    mask = pruning.n_m_mask(w, n, m)
    flat, kept = (each.movedim(1, -1).reshape(-1, m) for each in (w.abs(), mask))
    for group, marks in zip(flat, kept, strict=True):
        assert set(marks.nonzero().flatten().tolist()) == set(group.topk(n).indices.tolist())
    ties = pruning.n_m_mask(torch.ones(*shape), n, m)
    assert (ties.movedim(1, -1).reshape(-1, m).sum(dim=1) == n).all()


def test_n_of_m_needs_whole_groups():
    with pytest.raises(ValueError, match="w has 6 inputs, not a multiple of 4: 2 are left over"):
        pruning.n_m_mask(random(4, 6))


def test_channels_are_torchs_structured_pruning():
    w = random(9, 4, 3, 2)
    module = nn.Module()
    module.weight = nn.Parameter(w.clone())
    prune.ln_structured(module, "weight", amount=4, n=1, dim=0)
    gone = (~module.weight_mask.bool()).flatten(1).all(dim=1).nonzero().flatten()
    assert set(gone.tolist()) == set(pruning.channel_importance(w).argsort()[:4].tolist())
    torch.testing.assert_close(pruning.channel_importance(w), torch.linalg.vector_norm(w, 1, dim=(1, 2, 3)))


def test_removed_channels_are_zeroed_channels():
    w1, b1, w2, b2 = random(6, 3, 3, 3), random(6), random(4, 6, 2, 2), random(4)
    x, keep = random(2, 3, 7, 6), torch.tensor([4, 0, 3])
    small = pruning.prune_channels(w1, b1, w2, keep)
    assert [tuple(each.shape) for each in small] == [(3, 3, 3, 3), (3,), (4, 3, 2, 2)]
    zeroed = torch.zeros(6, dtype=torch.float64).index_fill(0, keep, 1)
    hidden = torch.conv2d(x, w1 * zeroed[:, None, None, None], b1 * zeroed).relu()
    want = torch.conv2d(hidden, w2, b2)
    got = torch.conv2d(torch.conv2d(x, small[0], small[1]).relu(), small[2], b2)
    torch.testing.assert_close(got, want)
    w1, b1, w2 = random(5, 7), random(5), random(2, 5)
    small = pruning.prune_channels(w1, b1, w2, torch.tensor([1, 4]))
    x = random(3, 7)
    hidden = (x @ w1.T + b1).relu()
    hidden[:, [0, 2, 3]] = 0
    torch.testing.assert_close((x @ small[0].T + small[1]).relu() @ small[2].T, hidden @ w2.T)


# --- how much can go --------------------------------------------------------------------------------------


def test_sensitivity_prunes_one_layer_at_a_time_and_leaves_the_weights():
    weights = [random(4, 5), random(3, 4), random(2, 3)]
    before = [w.clone() for w in weights]
    seen = []

    def evaluate(changed):
        seen.append([pruning.sparsity([w]) for w in changed])
        return float(sum(w.abs().sum() for w in changed))

    scores = pruning.sensitivity(evaluate, weights, [0.5, 0.0])
    assert (len(scores), {len(row) for row in scores}) == (3, {2})
    assert seen == [[0.5, 0, 0], [0, 0, 0], [0, 0.5, 0], [0, 0, 0], [0, 0, 0.5], [0, 0, 0]]
    whole = float(sum(w.abs().sum() for w in weights))
    assert [row[1] for row in scores] == pytest.approx([whole] * 3)
    assert all(row[0] < whole for row in scores)
    assert all(torch.equal(w, old) for w, old in zip(weights, before, strict=True))


def test_the_schedule_is_the_papers():
    at = [pruning.cubic_schedule(step, 10, 30, 0.1, 0.9) for step in (0, 10, 15, 20, 30, 31)]
    assert at == pytest.approx([0.1, 0.1, 0.9 - 0.8 * 27 / 64, 0.9 - 0.8 / 8, 0.9, 0.9])
    rising = [pruning.cubic_schedule(step, 3, 50, 0.0, 0.8) for step in range(60)]
    assert rising == sorted(rising)
    steps = np.diff(rising[3:51])
    assert (np.diff(steps) < 0).all(), "ever slower"


# --- storage ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(5, 7), (1, 4), (6, 1), (3, 3)])
@pytest.mark.parametrize("share", [0.0, 0.6, 0.9, 1.0])
@pytest.mark.parametrize("dtype", DTYPES)
def test_csr_is_scipys(shape, share, dtype):
    w = random(*shape, dtype=dtype)
    w = w * pruning.magnitude_mask(w, share)
    values, columns, pointers = csr = pruning.to_csr(w)
    scipys = scipy.sparse.csr_array(w.numpy())
    assert values.dtype == dtype
    assert (columns.dtype, pointers.dtype) == (torch.int64, torch.int64)
    np.testing.assert_array_equal(values.numpy(), scipys.data)
    np.testing.assert_array_equal(columns.numpy(), scipys.indices)
    np.testing.assert_array_equal(pointers.numpy(), scipys.indptr)
    x = random(shape[1], seed=1, dtype=dtype)
    product = pruning.csr_matvec(csr, x)
    assert product.dtype == dtype
    np.testing.assert_allclose(product.numpy(), scipys @ x.numpy(), rtol=1e-5, atol=1e-6)


def test_csr_of_a_view_and_with_empty_rows():
    w = torch.zeros(6, 8, dtype=torch.float64)
    w[1, 3], w[4, 0], w[4, 7] = 2, -1, 5
    values, columns, pointers = pruning.to_csr(w.T[::2].T)
    assert (columns.tolist(), pointers.tolist(), values.tolist()) == ([0], [0, 0, 0, 0, 0, 1, 1], [-1.0])
    assert pruning.csr_matvec(pruning.to_csr(w), torch.arange(8.0, dtype=torch.float64)).tolist() == [0, 6, 0, 0, 35, 0]


def test_bytes_to_the_last_bit():
    weights = [torch.ones(3, 5), torch.ones(7)]
    mask = torch.tensor([True, False, True, True, False, False, False])
    assert pruning.model_bytes(weights, [None, None], 32, 9) == 4 * 22
    assert pruning.model_bytes(weights, [None, mask], 4, 3) == math.ceil((60 + 21) / 8)
    assert pruning.model_bytes(weights, [None, ~mask], 3, 1) == math.ceil((45 + 16) / 8)
    assert pruning.model_bytes(weights, [torch.zeros(3, 5, dtype=torch.bool), mask], 1, 0) == 1
    assert pruning.model_bytes([], [], 8, 8) == 0


@pytest.mark.parametrize("clusters", [1, 2, 5, 16])
@pytest.mark.parametrize("iterations", [0, 1, 20])
def test_sharing_is_scikit_learns_k_means(clusters, iterations):
    from sklearn.cluster import KMeans

    w = random(12, 9)
    codebook, codes = pruning.kmeans_share(w, clusters, iterations)
    start = np.linspace(float(w.min()), float(w.max()), clusters)
    if iterations == 0:
        np.testing.assert_allclose(codebook.numpy(), start)
    elif iterations == 20:
        fit = KMeans(clusters, init=start[:, None], n_init=1, max_iter=20, tol=0, algorithm="lloyd")
        fit.fit(w.reshape(-1, 1).numpy())
        np.testing.assert_allclose(codebook.numpy(), fit.cluster_centers_[:, 0])
    assert (tuple(codes.shape), codes.dtype) == ((12, 9), torch.int64)
    nearest = (w[..., None] - codebook).abs().min(dim=-1).values
    torch.testing.assert_close((w - codebook[codes]).abs(), nearest)


def test_a_value_that_nobody_chose_stays():
    codebook, codes = pruning.kmeans_share(torch.tensor([0.0, 0.5, 9.0, 10.0]), 3, 4)
    assert codebook.tolist() == [0.25, 5.0, 9.5]
    assert codes.tolist() == [0, 0, 2, 2]


def entropy(symbols):
    counts = np.unique(symbols, return_counts=True)[1]
    return float(-(counts / counts.sum() * np.log2(counts / counts.sum())).sum())


@given(st.lists(st.integers(0, 9), min_size=1, max_size=200))
def test_huffman_lies_between_the_entropy_and_one_bit_more(symbols):
    bits = pruning.huffman_bits(torch.tensor(symbols))
    limit = entropy(symbols)
    assert len(symbols) * limit - 1e-6 <= bits <= len(symbols) * (limit + 1) + 1e-6
    assert bits == pruning.huffman_bits(torch.tensor(symbols[::-1]))


@settings(max_examples=30)
@given(st.lists(st.integers(1, 12), min_size=2, max_size=6))
def test_no_prefix_code_is_shorter(counts):
    symbols = torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))
    assert pruning.huffman_bits(symbols) == shortest(tuple(sorted(counts)))


def shortest(counts):
    """Kraft: lengths belong to a prefix code exactly where the sum of 2^-length is at most 1."""
    longest = len(counts) - 1 or 1

    def search(left, room):
        if not left:
            return 0
        best = math.inf
        for length in range(1, longest + 1):
            if 2.0**-length + (len(left) - 1) * 2.0**-longest <= room + 1e-12:
                best = min(best, left[0] * length + search(left[1:], room - 2.0**-length))
        return best

    return search(counts, 1.0)


def test_huffman_by_hand():
    assert pruning.huffman_bits(torch.tensor([[0, 0, 0, 0], [1, 1, 2, 3]])) == 4 * 1 + 2 * 2 + 2 * 3
    assert pruning.huffman_bits(torch.full((3, 4), 7)) == 12
    assert pruning.huffman_bits(torch.empty(0, dtype=torch.int64)) == 0
    for bits in (1, 3, 6):
        assert pruning.huffman_bits(torch.arange(2**bits).repeat(5)) == 5 * bits * 2**bits


@pytest.mark.parametrize("shape", [(6, 4), (4, 9), (5, 5)])
@pytest.mark.parametrize("dtype", DTYPES)
def test_low_rank_reaches_the_bound_of_eckart_and_young(shape, dtype):
    w = random(*shape, dtype=dtype)
    sizes = torch.linalg.svdvals(w)
    for rank in range(1, min(shape) + 1):
        u, v = pruning.low_rank(w, rank)
        assert (tuple(u.shape), tuple(v.shape), u.dtype, v.dtype) == ((shape[0], rank), (rank, shape[1]), dtype, dtype)
        assert float((w - u @ v).norm()) == pytest.approx(float(sizes[rank:].norm()), rel=1e-4, abs=1e-5)
        other = random(shape[0], rank, seed=7, dtype=dtype)
        assert (w - u @ v).norm() <= (w - other @ torch.linalg.lstsq(other, w).solution).norm() + 1e-5
    with pytest.raises(ValueError, match=r"rank is 0; a matrix of shape"):
        pruning.low_rank(w, 0)


# --- learning ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("temperature", [1.0, 2.5, 8.0])
@pytest.mark.parametrize("alpha", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("dtype", DTYPES)
def test_the_loss_is_torchs_divergence_and_cross_entropy(temperature, alpha, dtype):
    student, teacher, labels = random(7, 5, dtype=dtype), random(7, 5, seed=1, dtype=dtype), torch.arange(7) % 5
    loss = pruning.distillation_loss(student, teacher, labels, temperature, alpha)
    soft = nn.functional.kl_div(
        torch.log_softmax(student / temperature, 1), torch.softmax(teacher / temperature, 1), reduction="batchmean"
    )
    want = alpha * temperature**2 * soft + (1 - alpha) * nn.functional.cross_entropy(student, labels)
    assert loss.dtype == dtype
    torch.testing.assert_close(loss, want)


def test_the_loss_is_safe_and_its_gradient_is_its_slope():
    student, teacher, labels = random(4, 3), random(4, 3, seed=1), torch.tensor([0, 2, 1, 1])
    assert torch.autograd.gradcheck(
        lambda s: pruning.distillation_loss(s, teacher, labels, 3.0, 0.4), student.requires_grad_()
    )
    huge = torch.tensor([[1e4, -1e4, 0.0]], dtype=torch.float64, requires_grad=True)
    loss = pruning.distillation_loss(huge, -huge.detach(), torch.tensor([1]), 1.0, 0.5)
    loss.backward()
    assert math.isfinite(float(loss.detach()))
    assert torch.isfinite(huge.grad).all()
    assert float(pruning.distillation_loss(teacher, teacher, labels, 4.0, 1.0)) == pytest.approx(0, abs=1e-12)


@pytest.fixture(scope="module")
def trained():
    digits = data.digits()
    train, test = ((torch.tensor(part.x, dtype=torch.float32), torch.tensor(part.labels)) for part in
                   (digits.train, digits.test))  # fmt: skip
    model = pruning.lenet()
    training.fit(model, train, 15, 2e-3, schedule=training.cosine, show=False)
    return model, train, test


def test_lenet_loses_nine_of_ten_weights_and_at_most_one_point(trained):
    model, train, test = trained
    before = copy.deepcopy(model.state_dict())
    started = time.process_time()
    small = pruning.prune_and_finetune(model, train, 0.9)
    assert time.process_time() - started < 30
    count = sum(w.numel() for w in pruning.weights_of(model))
    assert count == 64 * 300 + 300 * 100 + 100 * 10 == 50_200
    left = sum(int((w != 0).sum()) for w in pruning.weights_of(small))
    assert left * 10 <= count
    assert training.evaluate(small, test) >= training.evaluate(model, test) - 0.01
    assert all(torch.equal(model.state_dict()[name], value) for name, value in before.items())
    assert [name for name, _ in small.named_parameters()] == [name for name, _ in model.named_parameters()]
    assert not small.training


def test_without_fine_tuning_it_loses_more(trained):
    model, _, test = trained
    weights = pruning.weights_of(model)
    masks = pruning.global_masks(weights, 0.9)
    cut = pruning.with_weights(model, [w * mask for w, mask in zip(weights, masks, strict=True)])
    assert pruning.sparsity(pruning.weights_of(cut)) == 0.9
    assert pruning.sparsity(weights) < 0.01
    assert training.evaluate(cut, test) < training.evaluate(model, test) - 0.1


def test_tuned_keeps_its_masks_and_the_model(trained):
    model, train, test = trained
    masks = [pruning.n_m_mask(pruning.weights_of(model)[0]), None, None]
    new = pruning.tuned(model, train, masks, epochs=2)
    assert pruning.sparsity(pruning.weights_of(new)[:1]) == 0.5
    assert pruning.sparsity(pruning.weights_of(new)[1:]) < 0.01
    assert pruning.sparsity(pruning.weights_of(model)) < 0.01
    assert training.evaluate(new, test) > 0.9


def test_convolutions_are_pruned_and_biases_are_not():
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(144, 3))
    small = pruning.prune_and_finetune(model, (random(40, 1, 8, 8).float(), torch.arange(40) % 3), 0.7)
    assert pruning.sparsity(pruning.weights_of(small)) == pytest.approx(0.7, abs=0.002)
    assert all(int((each == 0).sum()) == 0 for name, each in small.named_parameters() if name == "1.weight")

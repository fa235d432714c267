"""What accelerates a network, against torch's own counters, brute force and closed forms."""

import itertools

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torch.utils.flop_counter import FlopCounterMode

from course_lib import acceleration as acc
from course_lib.machine import Machine, Memory, measure

CONVOLUTIONS = [
    ((1, 1, 5, 5), (1, 1, 3, 3), 1, 0),
    ((3, 2, 9, 7), (4, 2, 3, 2), 1, 1),
    ((2, 5, 11, 6), (7, 5, 1, 5), 2, 2),
    ((4, 3, 8, 8), (6, 3, 5, 3), 3, 0),
]
DTYPES = [torch.float32, torch.float64]


@pytest.mark.parametrize(("shape", "w_shape", "stride", "padding"), CONVOLUTIONS)
def test_macs_are_half_of_what_torch_counts(shape, w_shape, stride, padding):
    with FlopCounterMode(display=False) as counter:
        functional.conv2d(torch.zeros(shape), torch.zeros(w_shape), stride=stride, padding=padding)
    assert 2 * acc.conv_macs(shape, w_shape, stride, padding) == counter.get_total_flops()


@pytest.mark.parametrize(("shape", "w_shape", "stride", "padding"), CONVOLUTIONS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.int8])
def test_bytes_are_those_of_torchs_tensors(shape, w_shape, stride, padding, dtype):
    x, w = torch.zeros(shape), torch.zeros(w_shape)
    y = functional.conv2d(x, w, stride=stride, padding=padding)
    stored = sum(tensor.to(dtype).nbytes for tensor in (x, w, y))
    assert acc.conv_bytes(shape, w_shape, stride, padding, dtype.itemsize) == stored


@pytest.mark.parametrize("count", [acc.conv_macs, acc.conv_bytes])
def test_shapes_that_do_not_fit_are_named(count):
    with pytest.raises(ValueError, match="2 channels, the weights expect 3"):
        count((1, 2, 8, 8), (4, 3, 3, 3))
    with pytest.raises(ValueError, match="kernel 9 x 3 is larger"):
        count((1, 2, 8, 8), (4, 2, 9, 3))


def test_the_roofline_bends_at_the_ridge():
    machine = Machine("a GPU's data sheet", 67e12, 3.35e12)
    assert machine.ridge == pytest.approx(20)
    assert acc.roofline(67e12, 3.35e12, 10) == pytest.approx(33.5e12)
    assert acc.roofline(67e12, 3.35e12, 20.1) == 67e12
    assert acc.arithmetic_intensity(100, 50) == 4


def test_training_flops_of_gpt_3_are_those_of_its_paper():
    """Brown et al. (2020), table D.1: 174.6 billion parameters, 300 billion tokens, 3.14e23 operations."""
    tokens_a_step = 3_200_000
    assert acc.training_flops(174_600_000_000, tokens_a_step, 300_000_000_000 // tokens_a_step) == pytest.approx(
        3.14e23, rel=0.005
    )


def simulated_array(A, B):
    """Every cell by itself, with registers that pass numbers to the right and down once a cycle."""
    n, k, m = *A.shape, B.shape[1]
    C, right, down = np.zeros((n, m)), np.full((n, m), np.nan), np.full((n, m), np.nan)
    working, cycle = [], 0
    while cycle < 3 * (n + m + k):
        right[:, 1:], down[1:, :] = right[:, :-1].copy(), down[:-1, :].copy()
        for i in range(n):
            right[i, 0] = A[i, cycle - i] if 0 <= cycle - i < k else np.nan
        for j in range(m):
            down[0, j] = B[cycle - j, j] if 0 <= cycle - j < k else np.nan
        busy = ~np.isnan(right) & ~np.isnan(down)
        C[busy] += (right * down)[busy]
        if busy.any():
            working.append(cycle)
        cycle += 1
    return C, working[-1] - working[0] + 1


@pytest.mark.parametrize(("n", "k", "m"), [(1, 1, 1), (2, 3, 4), (5, 1, 2), (1, 7, 1), (4, 4, 4), (3, 8, 2)])
def test_the_array_is_what_a_simulation_with_registers_gives(n, k, m):
    torch.manual_seed(n + 10 * k + 100 * m)
    A, B = torch.randn(n, k, dtype=torch.float64), torch.randn(k, m, dtype=torch.float64)
    C, cycles = acc.systolic_matmul(A, B)
    simulated, counted = simulated_array(A.numpy(), B.numpy())
    torch.testing.assert_close(C, torch.from_numpy(simulated))
    torch.testing.assert_close(C, A @ B)
    assert cycles == counted == n + m + k - 2


def test_the_array_says_which_sizes_do_not_meet():
    with pytest.raises(ValueError, match="columns of A meet the rows of B"):
        acc.systolic_matmul(torch.zeros(2, 3), torch.zeros(2, 3))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("n", "k", "m", "tile"), [(6, 4, 8, 2), (5, 7, 3, 2), (4, 4, 4, 4), (3, 5, 2, 8), (7, 7, 7, 1)]
)
def test_the_tiled_product_is_torchs_and_fits_on_the_chip(n, k, m, tile, dtype):
    torch.manual_seed(1)
    A, B = torch.randn(n, k, dtype=dtype), torch.randn(k, m, dtype=dtype)
    memory = Memory(3 * tile * tile)
    torch.testing.assert_close(acc.tiled_matmul(A, B, tile, memory), A @ B)
    assert (memory.loads, memory.stores) == acc.loop_traffic("ijk", n, m, k, tile)
    assert memory.held == 0
    assert memory.peak <= 3 * tile * tile


def brute_traffic(order, n, m, k, tile):
    """A chip of one slot a matrix that is asked for every single multiply-add's tiles, in the loops' order."""
    spans = {"i": n, "j": m, "k": k}
    slots = dict.fromkeys(("ik", "kj", "ij"))
    first, loads, stores = set(), 0, 0

    def size(matrix, place):
        return len(range(spans[matrix[0]])[place[0] * tile : (place[0] + 1) * tile]) * len(
            range(spans[matrix[1]])[place[1] * tile : (place[1] + 1) * tile]
        )

    for numbers in itertools.product(*(range(-(-spans[name] // tile)) for name in order)):
        at = dict(zip(order, numbers, strict=True))
        for matrix in slots:
            place = (at[matrix[0]], at[matrix[1]])
            if slots[matrix] != place:
                if matrix == "ij":
                    stores += size(matrix, slots[matrix]) if slots[matrix] else 0
                    loads += size(matrix, place) if place in first else 0
                    first.add(place)
                else:
                    loads += size(matrix, place)
                slots[matrix] = place
    return loads, stores + size("ij", slots["ij"])


@pytest.mark.parametrize("order", ["".join(each) for each in itertools.permutations("ijk")])
@pytest.mark.parametrize(
    ("n", "m", "k", "tile"), [(4, 4, 4, 2), (6, 4, 2, 2), (5, 7, 3, 2), (1, 1, 9, 4), (8, 3, 5, 8)]
)
def test_traffic_of_every_loop_order(order, n, m, k, tile):
    assert acc.loop_traffic(order, n, m, k, tile) == brute_traffic(order, n, m, k, tile)


def test_traffic_in_closed_form():
    n, m, k, tile = 8, 12, 16, 4
    assert acc.loop_traffic("ijk", n, m, k, tile) == (2 * n * m * k // tile, n * m)
    with pytest.raises(ValueError, match="permutation"):
        acc.loop_traffic("iik", 2, 2, 2, 1)


def test_the_chip_counts_refuses_and_explains():
    memory, big = Memory(10), torch.arange(16.0).reshape(4, 4)
    block = memory.load(big[:2, :3])
    assert (memory.loads, memory.held) == (6, 6)
    block += 1
    assert big[0, 0] == 0
    with pytest.raises(MemoryError, match="6 of 10 numbers, and 6 more"):
        memory.load(big[:2, :3])
    with pytest.raises(KeyError, match="not on the chip"):
        memory.free(block + 1)
    with pytest.raises(ValueError, match="has shape"):
        memory.store(block, big)
    memory.store(block, big[:2, :3])
    memory.free(block)
    assert (memory.stores, memory.held, big[0, 0].item()) == (6, 0, 1)
    assert memory.zeros(2, 5, like=big).shape == (2, 5)


def test_amdahl():
    assert acc.amdahl(0.0, 64) == 1
    assert acc.amdahl(1.0, 64) == 64
    assert acc.amdahl(0.95, 10**9) == pytest.approx(20, rel=1e-6)


@pytest.mark.parametrize("workers", [1, 2, 3, 7, 20])
@pytest.mark.parametrize("dtype", DTYPES)
def test_shares_of_any_size_give_the_full_gradient(workers, dtype):
    torch.manual_seed(2)
    model = nn.Sequential(nn.Linear(5, 6), nn.ReLU(), nn.Linear(6, 4), nn.ReLU(), nn.Linear(4, 3)).to(dtype)
    x, y = torch.randn(11, 5, dtype=dtype), torch.randint(3, (11,))
    functional.cross_entropy(model(x), y).backward()
    layers = [layer for layer in model if isinstance(layer, nn.Linear)]
    params = [(layer.weight.detach(), layer.bias.detach()) for layer in layers]
    for layer, (dW, db) in zip(layers, acc.shard_gradients(x, y, params, workers), strict=True):
        torch.testing.assert_close(dW, layer.weight.grad)
        torch.testing.assert_close(db, layer.bias.grad)
    assert not params[0][0].requires_grad


@pytest.mark.parametrize("workers", [1, 2, 3, 5])
def test_the_ring_gives_every_worker_the_sum(workers):
    torch.manual_seed(3)
    sizes = [3 * chunk + 1 for chunk in range(workers)]
    chunks = [[torch.randn(size, dtype=torch.float64) for size in sizes] for _ in range(workers)]
    kept = [[chunk.clone() for chunk in own] for own in chunks]
    summed, steps = acc.ring_allreduce(chunks)
    assert steps == 2 * (workers - 1)
    for own in summed:
        for chunk, got in enumerate(own):
            torch.testing.assert_close(got, torch.stack([chunks[p][chunk] for p in range(workers)]).sum(0))
    assert all(torch.equal(a, b) for own, old in zip(chunks, kept, strict=True) for a, b in zip(own, old, strict=True))
    with pytest.raises(ValueError, match="need 3 chunks each"):
        acc.ring_allreduce([chunks[0][:1]] * 3)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("dtype", DTYPES)
def test_fusion_is_torchs_own(bias, dtype):
    torch.manual_seed(4)
    conv, norm = nn.Conv2d(3, 5, (3, 2), bias=bias).to(dtype), nn.BatchNorm2d(5, eps=1e-3).to(dtype)
    for tensor in (norm.weight, norm.bias, norm.running_mean):
        nn.init.normal_(tensor)
    nn.init.uniform_(norm.running_var, 0.1, 2)
    fused = fuse_conv_bn_eval(conv.eval(), norm.eval())
    w, b = acc.fuse_conv_bn(
        conv.weight, conv.bias, norm.weight, norm.bias, norm.running_mean, norm.running_var, norm.eps
    )
    torch.testing.assert_close(w, fused.weight)
    torch.testing.assert_close(b, fused.bias)
    x = torch.randn(2, 3, 6, 7, dtype=dtype)
    torch.testing.assert_close(functional.conv2d(x, w, b), norm(conv(x)))


def test_one_call_for_many_examples():
    calls = []

    def layer(x):
        calls.append(x.shape)
        return x.flip(1) * 2

    xs = [torch.randn(4) for _ in range(6)]
    got = acc.batched(layer, xs)
    assert calls == [(6, 4)]
    assert all(torch.equal(one, 2 * x.flip(0)) for one, x in zip(got, xs, strict=True))


def test_operators_are_counted():
    x = torch.randn(3, 4)
    assert acc.count_ops(lambda a: a + 1, x) == 1
    assert acc.count_ops(lambda a: (a.T @ a).relu(), x) == 3
    assert acc.count_ops(lambda a: None, x) == 0
    conv, norm = nn.Conv2d(2, 3, 3).eval(), nn.BatchNorm2d(3).eval()
    image = torch.randn(1, 2, 5, 5)
    with torch.no_grad():
        fused = fuse_conv_bn_eval(conv, norm)
        assert acc.count_ops(fused, image) < acc.count_ops(lambda a: norm(conv(a)), image)


def test_this_machine_is_measured():
    machine = measure(seconds=0.05)
    assert machine.peak_flops > 1e8
    assert machine.bandwidth > 1e7
    assert machine.cache_bandwidth is not None
    assert machine.cache_bandwidth > 1e7
    assert machine.ridge == machine.peak_flops / machine.bandwidth

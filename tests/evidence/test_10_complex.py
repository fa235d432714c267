"""What notebook 10 says about equivariance, receivers, initial weights and the accuracy of three products."""

import re

import pytest
import torch
from matplotlib import pyplot as plt
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from course_lib import complex_nn
from course_lib.viz import complex_nn as draw


def seeded(seed):
    return torch.Generator().manual_seed(seed)


@pytest.fixture(autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
    plt.close("all")


def misread(activation, seed):
    """Percent of eight symbols that the real and the complex network misread, after symbol 0 alone."""
    draw.one_symbol(activation, seed=seed)
    titles = [axes.get_title(loc="left") or axes.get_title() for axes in plt.gcf().axes]
    plt.close("all")
    return [float(re.search(r"([\d.]+)%", title)[1]) for title in titles[1:]]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_who_is_equivariant_reads_symbols_that_were_never_shown(seed):
    real, equivariant = misread(lambda z: complex_nn.mod_relu(z, -0.1), seed)
    assert real == 87.5
    assert equivariant < 1


def test_complex_numbers_alone_do_not_read_them():
    assert min(misread(complex_nn.crelu, seed)[1] for seed in (1, 2, 3)) > 40


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("kind", ["complex", "real"])
def test_both_kinds_come_close_to_the_best_receiver(kind, seed):
    for order, trained_at, levels in ((2, 4.0, (0, 4)), (4, 8.0, (0, 4, 8)), (8, 13.0, (0, 4, 8, 12))):
        model = complex_nn.train_receiver(kind, order, trained_at, 300, seeded(seed))
        for level in levels:
            symbols, labels = complex_nn.psk_batch(100_000, order, level, seeded(10))
            with torch.no_grad():
                wrong = float((model(symbols).argmax(dim=1) != labels).double().mean())
            assert 0.85 < wrong / complex_nn.psk_error_rate(order, level) < 1.25


def test_after_80_steps_both_have_arrived():
    symbols, labels = complex_nn.psk_batch(20_000, 8, 13.0, seeded(11))
    for kind in ("complex", "real"):
        runs = []
        for seed in range(5):
            model = complex_nn.train_receiver(kind, 8, 13.0, 80, seeded(seed))
            runs.append(float((model(symbols).argmax(dim=1) != labels).double().mean()))
        assert sorted(runs)[2] < complex_nn.psk_error_rate(8, 13.0) + 0.004


def test_a_signal_keeps_its_size_over_twenty_layers():
    nothing, sizes = torch.zeros(256, dtype=torch.complex64), []
    for seed in range(4):
        signal, source = torch.randn(50, 256, dtype=torch.complex64, generator=seeded(seed)), seeded(50 + seed)
        for _ in range(20):
            weights = complex_nn.complex_init(256, 256, source)
            signal = complex_nn.crelu(complex_nn.complex_linear(signal, weights, nothing))
        sizes.append(float((signal.abs() ** 2).mean()))
    assert min(sizes) > 0.2
    assert max(sizes) < 5


def test_small_imaginary_parts_drown_in_the_rounding_of_three_products():
    for seed in range(3):
        parts = [torch.randn(200, 200, dtype=torch.float64, generator=seeded(10 * seed + k)) for k in range(4)]
        exact = [parts[0], 1e-4 * parts[1], parts[2], 1e-4 * parts[3]]
        truth, single = torch.complex(*complex_nn.complex_matmul(*exact)), [part.float() for part in exact]
        four, three = (
            torch.complex(*way(*single)).to(torch.complex128) - truth
            for way in (complex_nn.complex_matmul, complex_nn.complex_matmul3)
        )
        assert three.imag.abs().max() > 1000 * four.imag.abs().max()
        assert three.abs().max() < 1e-5 * truth.abs().max()


def test_torch_convolves_complex_tensors_with_three_real_convolutions():
    images = torch.randn(2, 3, 16, 16, dtype=torch.complex64, generator=seeded(0))
    kernels = torch.randn(4, 3, 3, 3, dtype=torch.complex64, generator=seeded(1))
    counted = []
    for pair in ((images.real, kernels.real), (images, kernels)):
        with FlopCounterMode(display=False) as counter:
            functional.conv2d(*pair)
        counted.append(counter.get_total_flops())
    assert counted[1] == 3 * counted[0]

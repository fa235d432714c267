"""What notebook 11 says about published machines and models, traffic, arrays and overhead."""

from functools import cache

import pytest
import torch
from torch import nn

from course_lib import acceleration as acc
from course_lib.viz.acceleration import MODELS

PUBLISHED = {model.name: model for model in MODELS}
SQUARE = (1024, 1024, 1, 1)


def intensity(examples):
    shape = (examples, 1024, 1, 1)
    return acc.arithmetic_intensity(acc.conv_macs(shape, SQUARE), acc.conv_bytes(shape, SQUARE))


def test_training_grew_fifteen_trillion_times():
    lenet = acc.training_flops(340_908, 1, 60_000 * 20)
    assert lenet == PUBLISHED["LeNet-5"].flops == pytest.approx(2.5e12, rel=0.02)
    assert lenet / 100e9 == pytest.approx(25, abs=0.6)
    assert PUBLISHED["Llama 3.1 405B"].flops / lenet == pytest.approx(15e12, rel=0.05)


def test_six_flop_for_each_parameter_and_token_is_what_the_paper_of_gpt_3_says():
    assert acc.training_flops(175_000_000_000, 1, 300_000_000_000) == pytest.approx(PUBLISHED["GPT-3"].flops, rel=0.01)


def test_only_the_batch_moves_a_layer_across_the_roofline():
    assert intensity(1) == pytest.approx(0.5, abs=0.01)
    assert intensity(256) > 150 * intensity(1)


def test_one_user_at_a_time_leaves_a_gpu_far_below_its_ridge():
    """NVIDIA H100 SXM, 2023: 1,979 TFLOP/s in bfloat16 with sparsity, half of that without, 3.35 TB/s."""
    peak, bandwidth = 1979e12 / 2, 3.35e12
    assert peak / bandwidth == pytest.approx(295, abs=1)
    reached = acc.roofline(peak, bandwidth, acc.arithmetic_intensity(1, 2))
    assert reached == acc.roofline(10 * peak, bandwidth, acc.arithmetic_intensity(1, 2)) == 3.35e12
    assert reached / peak == pytest.approx(0.003, abs=0.0005)


def test_the_digits_network_takes_the_fastest_computer_of_1964_two_minutes():
    total = acc.training_flops(64 * 32 + 32 * 10, 32, 41 * 20)
    assert total / 3e6 / 60 == pytest.approx(2, abs=0.1)
    assert total / 50e9 < 0.01


@cache
def moved(order, sizes, tile):
    return sum(acc.loop_traffic(order, *sizes, tile))


def test_it_is_best_to_keep_the_sums_and_larger_tiles_nearly_halve_the_traffic():
    sizes, orders = (32, 128, 64), ("ijk", "jik", "ikj", "kij", "jki", "kji")
    for tile in (2, 4, 8, 16):
        assert sorted(orders, key=lambda order: moved(order, sizes, tile))[:2] == ["ijk", "jik"]
    for tile in (2, 4, 8):
        for order in orders:
            assert 0.48 < moved(order, sizes, 2 * tile) / moved(order, sizes, tile) < 0.54


def test_where_the_inner_size_is_one_tile_another_order_is_as_good():
    assert moved("ikj", (128, 128, 4), 4) == moved("ijk", (128, 128, 4), 4)


def test_tiles_that_do_not_divide_the_size_cost_four_percent():
    assert acc.loop_traffic("ijk", 24, 24, 24, 5)[0] / (2 * 24**3 / 5) == pytest.approx(1.04, abs=0.005)


def test_a_single_example_leaves_an_array_of_256_cells_nearly_empty():
    _, cycles = acc.systolic_matmul(torch.ones(1, 8), torch.ones(8, 5))
    assert cycles == 8 + 5 - 1
    assert acc.amdahl(0.99, 1000) == pytest.approx(91, abs=0.5)


@pytest.mark.parametrize("seed", range(3))
def test_fusion_gives_the_same_numbers_with_fewer_operators(seed):
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(seed)
        convolution, norm = nn.Conv2d(16, 16, 3, padding=1, bias=False).eval(), nn.BatchNorm2d(16).eval()
        norm.running_mean.normal_()
        norm.running_var.uniform_(0.5, 2)
        fused = nn.Conv2d(16, 16, 3, padding=1).eval()
        fused.weight.data, fused.bias.data = acc.fuse_conv_bn(
            convolution.weight, None, norm.weight, norm.bias, norm.running_mean, norm.running_var, norm.eps
        )
        images, pair = torch.randn(8, 16, 8, 8), nn.Sequential(convolution, norm)
        torch.testing.assert_close(fused(images), pair(images), rtol=1e-4, atol=1e-5)
        assert acc.count_ops(fused, images) < acc.count_ops(pair, images)

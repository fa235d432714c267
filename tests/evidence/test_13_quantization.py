"""What notebook 13 claims: decibels per bit, and few bits on 5,000 drawn digits, all networks trained equally long."""

import copy
from itertools import pairwise

import pytest
import torch

from course_lib import data, training
from course_lib.pruning import lenet, weights_of, with_weights
from course_lib.quantization import fake_quantize, per_channel_qparams, quantization_error, quantize_model, train_aware


def gained(x):
    """Decibels that one more bit is worth, from 2 bits to 8."""
    return [after - before for before, after in pairwise(quantization_error(x, bits) for bits in range(2, 9))]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_bit_is_worth_6_db_once_the_steps_are_fine_and_less_before(seed):
    generator = torch.Generator().manual_seed(seed)
    bell = torch.randn(20000, generator=generator)
    heavy, heavier = (
        bell / torch.randn(degrees, 20000, generator=generator).square().mean(0).sqrt() for degrees in (3, 2)
    )
    uniform = torch.rand(20000, generator=generator) * 2 - 1
    for x in (uniform, bell):
        assert gained(x)[-3:] == pytest.approx([6.02] * 3, abs=0.3)
        assert min(gained(x)) > 5.5
    assert gained(heavy)[-1] == pytest.approx(6.02, abs=0.5)
    assert max(gained(heavy)[0], *gained(heavier)[:2]) < 4.5
    assert max(sum(gained(heavy)), sum(gained(heavier))) < sum(gained(bell)) - 3


def rounded(model, bits):
    """The network with weights on grids of their own channels."""
    scales = [per_channel_qparams(w, 0, bits)[0][:, None] for w in weights_of(model)]
    return with_weights(
        model, [fake_quantize(w, scale, 0, bits) for w, scale in zip(weights_of(model), scales, strict=True)]
    )


@pytest.mark.parametrize("seed", [0, 2])
def test_two_bits_need_training_and_four_need_none(seed):
    split = data.drawn(seed=seed)
    learn, held_out = (
        (torch.tensor(part.x, dtype=torch.float32), torch.tensor(part.labels)) for part in (split.train, split.test)
    )
    dense = lenet(hidden=(64, 64), seed=seed + 1)
    training.fit(dense, learn, 20, 1e-2, schedule=training.cosine, show=False)
    longer = copy.deepcopy(dense)
    training.fit(longer, learn, 20, 1e-2, schedule=training.cosine, show=False)
    exact = training.evaluate(longer, held_out)
    after = {bits: training.evaluate(rounded(longer, bits), held_out) for bits in (2, 3, 4, 8)}
    aware = {bits: training.evaluate(train_aware(dense, learn, bits), held_out) for bits in (2, 3)}
    assert after[2] < 0.67
    assert aware[2] >= exact - 0.022
    assert after[3] <= exact - 0.008
    assert abs(aware[3] - exact) <= 0.006
    assert after[4] >= exact - 0.008
    assert abs(after[8] - exact) <= 0.002
    integers = training.evaluate(quantize_model(dense, learn[0][:300]), held_out)
    assert abs(integers - training.evaluate(dense, held_out)) <= 0.004

"""Measurements find what is known."""

import time

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from course_lib import cnn, measure


def test_bytes_of_numpy_and_of_torch_are_found():
    assert 8e6 <= measure.peak_bytes(lambda: np.ones(1_000_000)) < 8.1e6
    assert measure.peak_bytes(lambda: np.ones(1_000_000).sum()) >= 8e6
    assert measure.torch_bytes(lambda: torch.ones(1_000_000)) == 4_000_000
    assert measure.torch_bytes(lambda: (torch.ones(1000) + 1).sum()) >= 8_000


def test_the_quickest_call_counts():
    waits = iter([0.3, 0.0, 0.3])
    assert measure.quickest(lambda: time.sleep(next(waits)), repeat=3) < 0.3


def test_layer_costs_are_torchs_and_leave_the_model_as_it_was():
    model, example = cnn.build_cnn().train(), torch.rand(1, 1, 8, 8)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    costs = measure.layer_costs(model, example)
    assert [cost.name for cost in costs][:4] == ["Conv2d", "BatchNorm2d", "ReLU", "MaxPool2d"]
    assert costs[0] == measure.LayerCost("Conv2d", (16, 8, 8), 160, 16 * 9 * 64, 1024)
    assert sum(cost.parameters for cost in costs) == 6186
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model.eval()(example)
    assert 2 * sum(cost.macs for cost in costs) == counter.get_total_flops()
    assert measure.layer_costs(nn.Conv1d(2, 4, 3), torch.rand(1, 2, 7))[0].macs == 2 * 4 * 3 * 5
    model.train()
    measure.layer_costs(model, example)
    assert model.training
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_the_standard_error_is_what_repeated_counts_scatter_by():
    counts = np.random.default_rng(0).binomial(500, 0.97, 20_000) / 500
    assert measure.standard_error(0.97, 500) == pytest.approx(counts.std(), rel=0.02)
    assert measure.standard_error(1.0, 10) == 0
    for share, count in ((1.2, 10), (0.5, 0)):
        with pytest.raises(ValueError, match="share is"):
            measure.standard_error(share, count)


def test_one_thread_holds_back_numpy_and_torch_and_lets_go_again():
    import torch
    from threadpoolctl import threadpool_info

    before, torch_before = [each["num_threads"] for each in threadpool_info()], torch.get_num_threads()
    with measure.one_thread():
        assert {each["num_threads"] for each in threadpool_info()} == {1}
        assert torch.get_num_threads() == 1
    assert [each["num_threads"] for each in threadpool_info()] == before
    assert torch.get_num_threads() == torch_before

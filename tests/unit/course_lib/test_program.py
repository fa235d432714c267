"""Programs: what is recorded runs elsewhere with the same result, and everything is counted."""

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from course_lib import program
from course_lib.operators import MOST_NUMBERS
from course_lib.program import (
    ProgramError,
    entries,
    from_plain,
    record,
    run,
    stored_bytes,
    unnamed_bytes,
    written_numbers,
)


def cnn():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 8, (3, 2), stride=2, groups=2), nn.Flatten(), nn.Linear(16, 5),
    ).eval()  # fmt: skip


X, OTHER = torch.rand(4, 3, 8, 8), torch.rand(4, 3, 8, 8)


def again(function, x=X, other=OTHER, named=None):
    """Recorded on one input, run on another: the result, the cost, and the program."""
    found = from_plain(record(function, x, [x], named or {}).plain())
    result, cost = run(found, [other])
    return result, cost, found


def test_a_network_runs_elsewhere_with_other_inputs():
    model = cnn()
    result, _, found = again(model, named=dict(model.state_dict()))
    torch.testing.assert_close(result, model(OTHER))
    whole = sum(each.numel() * each.element_size() for each in model.state_dict().values())
    assert whole == stored_bytes(found) - 4 * written_numbers(found)
    assert unnamed_bytes(found) == 0


def test_products_are_those_that_torch_counts():
    model = nn.Sequential(nn.Conv2d(3, 6, 3, padding=1), nn.Conv2d(6, 8, (3, 2), stride=2, groups=2), nn.Flatten(1),
                          nn.Linear(8 * 3 * 4, 5))  # fmt: skip
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(X)
    assert again(model)[1].products == counter.get_total_flops() // 2


@pytest.mark.parametrize(
    "dense",
    [
        lambda x, w: x @ w.T,
        lambda x, w: functional.linear(x, w),
        lambda x, w: torch.einsum("nd,od->no", x, w),
        lambda x, w: (x[:, None] * w).sum(-1),
        lambda x, w: torch.stack([(x * row).sum(1) for row in w], 1),
        lambda x, w: torch.addmm(torch.zeros(5), x, w.T),
        lambda x, w: torch.bmm(x[None], w.T[None])[0],
        lambda x, w: (x.double() @ w.double().T).float(),
        lambda x, w: functional.conv1d(x[:, :, None], w[:, :, None])[:, :, 0],
    ],
)
def test_a_layer_costs_the_same_however_it_is_written(dense):
    w, x = torch.randn(5, 12), torch.rand(4, 12)
    result, cost, found = again(lambda x: dense(x, w), x, x)
    torch.testing.assert_close(result, x @ w.T)
    assert cost.macs == 4 * 5 * 12
    assert unnamed_bytes(found) in (5 * 12 * 4, 5 * 12 * 4 + 20)


def test_sums_alone_cost_too():
    signs = torch.tensor([[1, -1, 1], [-1, 1, 1]]).bool()

    def ternary(x):
        return torch.stack([x[:, row].sum(1) - x[:, ~row].sum(1) for row in signs], 1)

    x = torch.rand(7, 3)
    assert again(ternary, x, x)[1].macs >= 7 * 2 * 3


def test_what_works_in_place_and_views_come_out_right():
    def function(x):
        out = torch.zeros(4, 2)
        out[:, 0] = x[:, 0].sum((1, 2))
        out[:, 1].add_(x.flatten(1).amax(1))
        out.data.mul_(2)
        return out.relu_()

    torch.testing.assert_close(again(function)[0], function(OTHER))


def test_every_hidden_number_is_counted():
    hidden = torch.randn(192, 10)
    _, _, found = again(lambda x: x.flatten(1) @ hidden, named={"little": torch.zeros(3, dtype=torch.int8)})
    assert stored_bytes(found) == 192 * 10 * 4 + 3
    assert unnamed_bytes(found) == 192 * 10 * 4


def test_a_list_of_numbers_is_counted_as_the_tensor_it_becomes():
    numbers = torch.randn(192).tolist()
    _, _, found = again(lambda x: x.flatten(1) @ torch.tensor(numbers))
    assert stored_bytes(found) >= 192 * 4


def test_numbers_in_the_code_are_counted():
    assert written_numbers(again(lambda x: x * 0.5 + 3)[2]) == 2
    assert written_numbers(again(lambda x: x[:, 1:].reshape(4, -1).sum(1))[2]) == 0
    assert written_numbers(again(lambda x: x.flatten(1)[:, :2] * torch.arange(5, 7))[2]) == 2
    assert written_numbers(again(lambda x: torch.full((4,), True) * x.sum((1, 2, 3)))[2]) == 2


def test_a_long_program_is_counted():
    long = again(lambda x: [x := x.neg() for _ in range(400)][-1])[2]
    assert entries(long) == 800
    assert stored_bytes(long) == 800 - program.FREE_ENTRIES


def test_which_tensors_stand_side_by_side_is_counted():
    codes, table = torch.randint(16, (3000,)).tolist(), torch.randn(16)
    views = [table[code] for code in codes]
    assert stored_bytes(again(lambda x: x.sum() * torch.stack(views))[2]) > 3000
    parts = table.unbind()
    assert stored_bytes(again(lambda x: x.sum() * torch.stack([parts[code] for code in codes]))[2]) > 2400


def test_packed_integers_count_their_own_bytes_and_shared_memory_once():
    weights = torch.arange(100, dtype=torch.uint8)
    named = {"all": weights, "a part": weights[10:20], "half": torch.zeros(4, dtype=torch.float16)}
    _, _, found = again(lambda x: x.flatten(1)[:, :10] * weights[10:20], named=named)
    assert stored_bytes(found) == 100 + 8
    _, _, found = again(lambda x: x.flatten(1)[:, :10], named={"a part": weights[10:20]})
    assert stored_bytes(found) == 10


def test_what_is_stored_is_as_it_was_before():
    weight = torch.ones(4)

    def function(x):
        weight.mul_(2)
        return x.flatten(1)[:, :4] * weight

    result, _, _ = again(function)
    torch.testing.assert_close(result, OTHER.flatten(1)[:, :4] * 2)


def test_what_torch_does_not_see_stays_what_it_was():
    result, _, _ = again(lambda x: torch.from_numpy(x.numpy().reshape(4, -1).copy()) * 1)
    torch.testing.assert_close(result, X.flatten(1))


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (lambda x: functional.dropout(x), "operator aten.native_dropout|operator aten.bernoulli"),
        (lambda x: x + torch.rand(4, 3, 8, 8), "operator aten.rand"),
        (lambda x: torch.linalg.svd(x)[1], "operator aten._linalg_svd"),
        (lambda x: torch.zeros(MOST_NUMBERS + 1) * x.sum(), "would work on"),
        (lambda x: x.expand(20_000, 4, 3, 8, 8)[..., 0].sum(), "would work on"),
    ],
)
def test_what_is_not_run(function, says):
    found = record(function, X, [X], {})
    with pytest.raises(ProgramError, match=says):
        run(found, [OTHER])


def test_work_is_bounded_before_it_is_done():
    found = record(lambda x: x.flatten(1) @ torch.ones(192, 50), X, [X], {})
    with pytest.raises(ProgramError, match="computes more than"):
        run(found, [OTHER], most=1000)


def test_recording_refuses_in_words():
    with pytest.raises(ProgramError, match="returns an object of type ndarray"):
        record(lambda x: x.numpy(), X, [X], {})
    with pytest.raises(ProgramError, match=r"state\['w'\] is an object of type list"):
        record(lambda x: x, X, [X], {"w": [1.0]})
    with pytest.raises(ProgramError, match="without loops"):
        record(lambda x: [x := x.neg() for _ in range(program.MOST_STEPS + 1)][-1], X, [X], {})
    with pytest.raises(ProgramError, match="layout"):
        record(lambda x: x, X, [X], {"w": torch.eye(3).to_sparse()})


def test_a_wide_pooling_is_refused_before_it_runs():
    steps = [["aten.max_pool2d_with_indices.default", [{"slot": 0}, [900, 300], [1, 1]], {}, [1, 2]]]
    plain = record(lambda x: x, X, [X], {}).plain() | {"steps": steps, "output": 1}
    with pytest.raises(ProgramError, match="would work on"):
        run(from_plain(plain), [torch.zeros(1, 1, 1000, 500)])


@pytest.mark.parametrize(
    "change",
    [
        {"steps": [["aten.mul.Tensor", [{"slot": 0}, {"slot": 99}], {}, [1]]]},
        {"steps": [["prims.mul.default", [{"slot": 0}], {}, [1]]]},
        {"steps": [["aten.mul", [], {}, [1]]]},
        {"steps": [["aten.set_.default", [{"slot": 0}], {}, [1]]]},
        {"steps": [["aten.as_strided.default", [{"slot": 0}, [10**6], [1], 0], {}, [1]]]},
        {"steps": [["aten.neg.default", [{"slot": 0, "dtype": "float32"}], {}, [1]]]},
        {"steps": 3},
        {"output": 77},
        {"constants": [[1, "", 0, "float32", 0, [4], [1]]]},
        {"constants": [[1, "", 0, "load", 0, [4], [1]]], "storages": [torch.zeros(16, dtype=torch.uint8)]},
        {"inputs": 2},
    ],
)
def test_a_malformed_program_is_refused(change):
    plain = record(lambda x: x * 2, X, [X], {}).plain() | change
    with pytest.raises(ProgramError):
        run(from_plain(plain), [OTHER])


def test_memory_of_before_is_not_shown():
    found = record(lambda x: torch.empty(1000) + x.sum() * 0, X, [X], {})
    assert torch.equal(run(found, [OTHER])[0], torch.zeros(1000))


def test_no_program_at_all():
    for nothing in (None, 3, {"steps": []}, {"storages": [], "wrong": 1}):
        with pytest.raises(ProgramError):
            from_plain(nothing)

"""The references of gated cells against torch, ONNX's cases and what the adding problem is."""

import numpy as np
import pytest
import torch
from onnx_cases import onnx_cases

from course_lib import lstm

SHAPES = [(1, 1, 1, 1), (1, 7, 3, 4), (5, 1, 4, 2), (3, 6, 1, 3), (4, 9, 5, 1), (3, 3, 3, 3), (2, 40, 5, 8)]
CLOSE = {torch.float32: {"rtol": 1e-4, "atol": 1e-5}, torch.float64: {"rtol": 1e-10, "atol": 1e-12}}
NAMES = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")

each_dtype = pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["float32", "float64"])
each_shape = pytest.mark.parametrize("shape", SHAPES, ids=str)
needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")


def drawn(shape, gates, dtype, seed=0, device="cpu"):
    """xs, h, c and the four weights."""
    n, t, d, hidden = shape
    generator, rows = torch.Generator().manual_seed(seed), gates * hidden
    sizes = (n, t, d), (n, hidden), (n, hidden), (rows, d), (rows, hidden), (rows,), (rows,)
    return [torch.randn(size, generator=generator, dtype=torch.float64).to(dtype).to(device) for size in sizes]


def copied(module, params, suffix=""):
    """A module of torch with copied weights."""
    module.load_state_dict({name + suffix: value for name, value in zip(NAMES, params, strict=True)})
    return module


@each_dtype
@each_shape
def test_forward_is_torchs_lstm_with_all_gradients(shape, dtype):
    xs, h, c, *params = drawn(shape, 4, dtype)
    theirs = copied(torch.nn.LSTM(shape[2], shape[3], batch_first=True, dtype=dtype), params, "_l0")
    mine = [each.clone().requires_grad_() for each in (xs, h, c, *params)]
    leaves = [each.clone().requires_grad_() for each in (xs, h, c)]
    hs, last = lstm.lstm_forward(mine[0], (mine[1], mine[2]), *mine[3:])
    expected, end = theirs(leaves[0], (leaves[1][None], leaves[2][None]))
    upstream = torch.randn(expected.shape, generator=torch.Generator().manual_seed(1)).to(dtype)
    for got, want in zip((hs, *last), (expected, end[0][0], end[1][0]), strict=True):
        assert got.dtype == dtype
        torch.testing.assert_close(got, want, **CLOSE[dtype])
    ((hs * upstream).sum() + last[1].sum()).backward()
    ((expected * upstream).sum() + end[1].sum()).backward()
    for got, want in zip(mine, (*leaves, *theirs.parameters()), strict=True):
        torch.testing.assert_close(got.grad, want.grad, **CLOSE[dtype])


@each_dtype
@pytest.mark.parametrize("shape", [(1, 1, 1), (5, 3, 4), (2, 6, 2), (3, 2, 7)])
def test_a_cell_and_its_backward_are_torchs(shape, dtype):
    n, d, hidden = shape
    xs, h, c, *params = drawn((n, 1, d, hidden), 4, dtype, seed=3)
    theirs = copied(torch.nn.LSTMCell(d, hidden, dtype=dtype), params)
    leaves = [each.clone().requires_grad_() for each in (xs[:, 0], h, c)]
    expected = theirs(leaves[0], (leaves[1], leaves[2]))
    for got, want in zip(lstm.lstm_cell(xs[:, 0], (h, c), *params), expected, strict=True):
        torch.testing.assert_close(got, want, **CLOSE[dtype])
    dh, dc = (torch.randn(n, hidden, generator=torch.Generator().manual_seed(s)).to(dtype) for s in (4, 5))
    ((expected[0] * dh).sum() + (expected[1] * dc).sum()).backward()
    got = lstm.lstm_cell_backward(dh, dc, (xs[:, 0], h, c, *params))
    names = ("dx", "dh_prev", "dc_prev", "dW_ih", "dW_hh", "db_ih", "db_hh")
    wanted = (*(leaf.grad for leaf in leaves), *(each.grad for each in theirs.parameters()))
    for name, mine, torch_one in zip(names, got, wanted, strict=True):
        assert mine.dtype == dtype
        torch.testing.assert_close(mine, torch_one, **CLOSE[dtype], msg=lambda text, name=name: f"{name}: {text}")


def test_a_chain_of_backward_steps_is_torchs_whole_gradient():
    shape = (2, 5, 3, 4)
    xs, h, c, *params = drawn(shape, 4, torch.float64, seed=6)
    theirs = copied(torch.nn.LSTM(3, 4, batch_first=True, dtype=torch.float64), params, "_l0")
    leaf = xs.clone().requires_grad_()
    upstream = torch.randn(2, 5, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(7))
    theirs(leaf, (h[None], c[None]))[0].backward(upstream)
    states = [(h, c)]
    for t in range(5):
        states.append(lstm.lstm_cell(xs[:, t], states[-1], *params))
    dh, dc, total = torch.zeros_like(h), torch.zeros_like(c), [0.0] * 4
    for t in reversed(range(5)):
        dx, dh, dc, *shares = lstm.lstm_cell_backward(dh + upstream[:, t], dc, (xs[:, t], *states[t], *params))
        torch.testing.assert_close(dx, leaf.grad[:, t])
        total = [one + two for one, two in zip(total, shares, strict=True)]
    for mine, torch_one in zip(total, theirs.parameters(), strict=True):
        torch.testing.assert_close(mine, torch_one.grad)


@each_dtype
@pytest.mark.parametrize("shape", [(1, 1, 1), (5, 3, 4), (2, 6, 2)])
def test_gru_is_torchs_cell_with_all_gradients(shape, dtype):
    n, d, hidden = shape
    xs, h, _, *params = drawn((n, 1, d, hidden), 3, dtype, seed=8)
    theirs = copied(torch.nn.GRUCell(d, hidden, dtype=dtype), params)
    mine = [each.clone().requires_grad_() for each in (xs[:, 0], h, *params)]
    leaves = [each.clone().requires_grad_() for each in (xs[:, 0], h)]
    got, expected = lstm.gru_cell(*mine), theirs(*leaves)
    assert got.dtype == dtype
    torch.testing.assert_close(got, expected, **CLOSE[dtype])
    upstream = torch.randn(n, hidden, generator=torch.Generator().manual_seed(9)).to(dtype)
    got.backward(upstream)
    expected.backward(upstream)
    for one, two in zip(mine, (*leaves, *theirs.parameters()), strict=True):
        torch.testing.assert_close(one.grad, two.grad, **CLOSE[dtype])


def test_a_gru_over_time_is_torchs():
    xs, h, _, *params = drawn((3, 12, 2, 5), 3, torch.float64)
    theirs = copied(torch.nn.GRU(2, 5, batch_first=True, dtype=torch.float64), params, "_l0")
    expected = theirs(xs, h[None])[0]
    for t in range(12):
        h = lstm.gru_cell(xs[:, t], h, *params)
        torch.testing.assert_close(h, expected[:, t])


# --- ONNX -------------------------------------------------------------------------------------------------


def reordered(blocks, order):
    """Rows of stacked gates in another order."""
    parts = torch.from_numpy(blocks).chunk(len(order))
    return torch.cat([parts[place] for place in order])


def onnx_sequence(case, gates, order):
    """Inputs and weights of an ONNX case as this course has them: batch first, our order of gates."""
    xs = torch.from_numpy(case.inputs["X"])
    if case.attributes.get("layout") != 1:
        xs = xs.transpose(0, 1)
    if case.attributes.get("direction") == "reverse":
        xs = xs.flip(1)
    hidden = case.attributes["hidden_size"]
    both = case.inputs.get("B", np.zeros((1, 2 * gates * hidden), np.float32))[0]
    biases = [reordered(part, order) for part in np.split(both, 2)]
    return xs, hidden, (reordered(case.inputs["W"][0], order), reordered(case.inputs["R"][0], order), *biases)


LSTM_CASES = [case for case in onnx_cases("LSTM") if "P" not in case.inputs and "bidirectional" not in case.name]
"""Without peepholes, which this course's cell has not."""


@pytest.mark.parametrize("case", LSTM_CASES, ids=repr)
def test_onnx_agrees_on_the_lstm(case):
    """ONNX stacks i, o, f, c."""
    xs, hidden, params = onnx_sequence(case, 4, (0, 2, 3, 1))
    none = torch.zeros(len(xs), hidden)
    hs, (h, c) = lstm.lstm_forward(xs, (none, none), *params)
    got = {"Y": hs, "Y_h": h, "Y_c": c}
    for name, value in case.outputs.items():
        torch.testing.assert_close(got[name], torch.from_numpy(value).reshape(got[name].shape), rtol=1e-5, atol=1e-6)


GRU_CASES = [
    case
    for case in onnx_cases("GRU")
    if case.name not in ("gru_bidirectional", "gru_seq_length", "gru_with_initial_bias")
]
"""ONNX resets before the matrix, which is the same from a state of zeros with no bias: so one step, and no bias."""


@pytest.mark.parametrize("case", GRU_CASES, ids=repr)
def test_onnx_agrees_on_the_first_step_of_the_gru(case):
    """ONNX stacks z, r, h."""
    xs, hidden, params = onnx_sequence(case, 3, (1, 0, 2))
    h = lstm.gru_cell(xs[:, 0], torch.zeros(len(xs), hidden), *params)
    firsts = []
    if xs.shape[1] == 1:
        firsts.append(torch.from_numpy(case.outputs["Y_h"]).reshape(h.shape))
    if "Y" in case.outputs:
        steps = torch.from_numpy(case.outputs["Y"]).reshape(len(xs), xs.shape[1], hidden)
        firsts.append(steps[:, -1 if case.attributes.get("direction") == "reverse" else 0])
    assert firsts, "the case says nothing of the first step"
    for first in firsts:
        torch.testing.assert_close(h, first, rtol=1e-5, atol=1e-6)


def test_onnx_had_cases_with_a_bias_and_both_layouts():
    names = {case.name for case in LSTM_CASES + GRU_CASES}
    assert {"lstm_with_initial_bias", "lstm_batchwise", "lstm_reverse", "gru_defaults", "gru_batchwise"} <= names


# --- counts and the cell's path -----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["rnn", "gru", "lstm"])
@pytest.mark.parametrize(("d", "hidden"), [(1, 1), (2, 3), (28, 64)])
def test_counts_are_torchs(kind, d, hidden):
    layer = {"rnn": torch.nn.RNN, "gru": torch.nn.GRU, "lstm": torch.nn.LSTM}[kind](d, hidden)
    assert lstm.gate_parameter_count(kind, d, hidden) == sum(each.numel() for each in layer.parameters())


@each_dtype
def test_memory_gradient_is_autograds_along_the_cell(dtype):
    gates = torch.rand(7, 3, generator=torch.Generator().manual_seed(0)).to(dtype)
    gates[4, 1] = 0
    got = lstm.memory_gradient(gates)
    assert got.dtype == dtype
    for t in range(7):
        c = torch.ones(3, dtype=dtype, requires_grad=True)
        value = c * 1
        for gate in gates[t + 1 :]:
            value = gate * value + 0.5
        torch.testing.assert_close(got[t], torch.autograd.grad(value.sum(), c)[0])


# --- the adding problem -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "length"), [(1, 2), (5, 3), (300, 50)])
def test_a_batch_has_two_marks_one_in_each_half_and_their_sum(n, length):
    xs, targets = lstm.adding_batch(n, length, torch.Generator().manual_seed(0))
    assert (tuple(xs.shape), tuple(targets.shape)) == ((n, length, 2), (n,))
    assert (xs.dtype, targets.dtype) == (torch.float32, torch.float32)
    assert xs[:, : length // 2, 1].sum(1).tolist() == [1] * n
    assert xs[:, length // 2 :, 1].sum(1).tolist() == [1] * n
    torch.testing.assert_close(targets, torch.stack([row[row[:, 1] == 1, 0].sum() for row in xs]))


def test_the_constant_guess_has_an_error_of_a_sixth():
    _, targets = lstm.adding_batch(100_000, 10, torch.Generator().manual_seed(0))
    assert float(((targets - 1) ** 2).mean()) == pytest.approx(1 / 6, abs=0.003)


def test_marks_come_to_every_place_equally_often():
    xs, _ = lstm.adding_batch(20_000, 5, torch.Generator().manual_seed(0))
    np.testing.assert_allclose(xs[..., 1].mean(0), [1 / 2, 1 / 2, 1 / 3, 1 / 3, 1 / 3], atol=0.02)


def error_after(kind, length, steps, seed=0):
    model = lstm.train_memory(kind, length, steps, torch.Generator().manual_seed(seed))
    xs, targets = lstm.adding_batch(1000, length, torch.Generator().manual_seed(99))
    with torch.no_grad():
        return float(((model(xs) - targets) ** 2).mean())


def test_the_lstm_solves_at_length_50_what_the_plain_network_does_not():
    assert error_after("lstm", 50, 500) < 0.01
    assert error_after("rnn", 50, 500) > 0.14


def test_training_depends_on_its_generator_alone():
    torch.manual_seed(1)
    first = lstm.train_memory("gru", 5, 3, torch.Generator().manual_seed(4))
    torch.manual_seed(2)
    again = lstm.train_memory("gru", 5, 3, torch.Generator().manual_seed(4))
    for one, two in zip(first.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, two)


@needs_cuda
def test_everything_stays_on_the_gpu():
    xs, h, c, *params = drawn((3, 6, 2, 4), 4, torch.float32, device="cuda")
    hs, state = lstm.lstm_forward(xs, (h, c), *params)
    grads = lstm.lstm_cell_backward(h, c, (xs[:, 0], h, c, *params))
    new = lstm.gru_cell(xs[:, 0], h, *(each[:12] for each in params))
    gates = lstm.memory_gradient(torch.sigmoid(hs[0]))
    batch = lstm.adding_batch(4, 6, torch.Generator("cuda").manual_seed(0))
    assert {each.device.type for each in (hs, *state, *grads, new, gates, *batch)} == {"cuda"}
    on_cpu = lstm.lstm_forward(xs.cpu(), (h.cpu(), c.cpu()), *(each.cpu() for each in params))[0]
    torch.testing.assert_close(hs.cpu(), on_cpu, **CLOSE[torch.float32])
    model = lstm.train_memory("lstm", 6, 2, torch.Generator("cuda").manual_seed(0))
    assert model(batch[0]).device.type == "cuda"


@pytest.mark.parametrize(
    ("call", "cure"),
    [
        (
            lambda: lstm.lstm_cell(torch.ones(3), (torch.ones(1, 2),) * 2, torch.ones(8, 3), torch.ones(8, 2), 0, 0),
            "x.None",
        ),
        (
            lambda: lstm.lstm_cell(torch.ones(1, 3), (torch.ones(1, 2),) * 2, torch.ones(3, 8), torch.ones(8, 2), 0, 0),
            "4 blocks of 2 rows",
        ),
        (
            lambda: lstm.gru_cell(torch.ones(1, 3), torch.ones(1, 2), torch.ones(8, 3), torch.ones(8, 2), 0, 0),
            "3 blocks of 2 rows",
        ),
        (lambda: lstm.lstm_forward(torch.ones(4, 3), None, None, None, None, None), r"xs\[None\]"),
        (lambda: lstm.gate_parameter_count("cnn", 2, 3), "expected one of 'rnn', 'gru', 'lstm'"),
        (lambda: lstm.adding_batch(3, 1, torch.Generator()), "at least 2 steps"),
    ],
)
def test_errors_name_the_cure(call, cure):
    with pytest.raises(ValueError, match=cure):
        call()

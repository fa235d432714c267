"""The references of recurrent networks against torch, ONNX's cases and central differences."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from onnx_cases import onnx_cases

from course_lib import data, rnn

SHAPES = [(1, 1, 1, 1), (1, 7, 3, 4), (5, 1, 4, 2), (3, 6, 1, 3), (4, 9, 5, 1), (3, 3, 3, 3), (2, 40, 5, 8)]
CLOSE = {torch.float32: {"rtol": 1e-4, "atol": 1e-5}, torch.float64: {"rtol": 1e-11, "atol": 1e-12}}

each_dtype = pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["float32", "float64"])
each_shape = pytest.mark.parametrize("shape", SHAPES, ids=str)
needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")


def drawn(shape, dtype, seed=0, device="cpu"):
    """xs, h0 and the four weights."""
    n, t, d, hidden = shape
    generator = torch.Generator().manual_seed(seed)
    sizes = (n, t, d), (n, hidden), (hidden, d), (hidden, hidden), (hidden,), (hidden,)
    return [torch.randn(size, generator=generator, dtype=torch.float64).to(dtype).to(device) / 2 for size in sizes]


def torchs(module, params):
    """A module of torch with copied weights."""
    names = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
    module.load_state_dict(dict(zip(names, params, strict=True)))
    return module


@each_dtype
@each_shape
def test_forward_is_torchs_rnn(shape, dtype):
    xs, h0, *params = drawn(shape, dtype)
    theirs = torchs(torch.nn.RNN(shape[2], shape[3], batch_first=True, dtype=dtype), params)
    hs, last = rnn.rnn_forward(xs, h0, *params)
    expected, end = theirs(xs, h0[None])
    assert (hs.dtype, last.dtype) == (dtype, dtype)
    torch.testing.assert_close(hs, expected, **CLOSE[dtype])
    torch.testing.assert_close(last, end[0], **CLOSE[dtype])


@each_dtype
@each_shape
def test_backward_is_torchs(shape, dtype):
    xs, h0, *params = drawn(shape, dtype, seed=1)
    theirs = torchs(torch.nn.RNN(shape[2], shape[3], batch_first=True, dtype=dtype), params)
    upstream = torch.randn(shape[0], shape[1], shape[3], generator=torch.Generator().manual_seed(2)).to(dtype)
    x_leaf, h_leaf = xs.clone().requires_grad_(), h0.clone().requires_grad_()
    theirs(x_leaf, h_leaf[None])[0].backward(upstream)
    hs = rnn.rnn_forward(xs, h0, *params)[0]
    got = rnn.rnn_backward(upstream, xs, h0, hs, *params[:2])
    expected = x_leaf.grad, h_leaf.grad, *(each.grad for each in theirs.parameters())
    for name, mine, torch_one in zip(("dxs", "dh0", "dW_ih", "dW_hh", "db_ih", "db_hh"), got, expected, strict=True):
        assert mine.dtype == dtype
        torch.testing.assert_close(mine, torch_one, **CLOSE[dtype], msg=lambda text, name=name: f"{name}: {text}")


@each_dtype
@pytest.mark.parametrize("shape", [(1, 1, 1), (5, 3, 4), (2, 6, 2)])
def test_a_cell_and_its_backward_are_torchs(shape, dtype):
    n, d, hidden = shape
    xs, h, *params = drawn((n, 1, d, hidden), dtype, seed=3)
    x = xs[:, 0]
    theirs = torch.nn.RNNCell(d, hidden, dtype=dtype)
    theirs.load_state_dict(dict(zip(("weight_ih", "weight_hh", "bias_ih", "bias_hh"), params, strict=True)))
    x_leaf, h_leaf = x.clone().requires_grad_(), h.clone().requires_grad_()
    expected = theirs(x_leaf, h_leaf)
    h_next = rnn.rnn_cell(x, h, *params)
    torch.testing.assert_close(h_next, expected, **CLOSE[dtype])
    upstream = torch.randn(n, hidden, generator=torch.Generator().manual_seed(4)).to(dtype)
    expected.backward(upstream)
    got = rnn.rnn_cell_backward(upstream, x, h, h_next, *params[:2])
    for mine, torch_one in zip(got, (x_leaf.grad, h_leaf.grad, *(p.grad for p in theirs.parameters())), strict=True):
        torch.testing.assert_close(mine, torch_one, **CLOSE[dtype])


def test_the_whole_backward_is_a_chain_of_cells():
    shape = (3, 5, 2, 4)
    xs, h0, *params = drawn(shape, torch.float64)
    hs = rnn.rnn_forward(xs, h0, *params)[0]
    dhs = torch.randn_like(hs)
    fast = rnn.rnn_backward(dhs, xs, h0, hs, *params[:2])
    dh, dxs, sums = torch.zeros_like(h0), [], None
    for t in reversed(range(shape[1])):
        before = hs[:, t - 1] if t else h0
        dx, dh, *shares = rnn.rnn_cell_backward(dhs[:, t] + dh, xs[:, t], before, hs[:, t], *params[:2])
        dxs.insert(0, dx)
        sums = shares if sums is None else [one + two for one, two in zip(sums, shares, strict=True)]
    for mine, slow in zip(fast, (torch.stack(dxs, 1), dh, *sums), strict=True):
        torch.testing.assert_close(mine, slow)


def test_the_two_bias_gradients_share_no_memory():
    shape = (2, 3, 2, 4)
    xs, h0, *params = drawn(shape, torch.float64)
    hs = rnn.rnn_forward(xs, h0, *params)[0]
    *_, db_ih, db_hh = rnn.rnn_backward(torch.ones_like(hs), xs, h0, hs, *params[:2])
    db_ih.zero_()
    assert db_hh.abs().min() > 0


PLAIN = [case for case in onnx_cases("RNN") if "bidirectional" not in case.name]


@pytest.mark.parametrize("case", PLAIN, ids=repr)
def test_onnx_agrees(case):
    """ONNX's RNN: time first unless layout is 1, both biases in one row, `reverse` reads from the end."""
    X, W, R = (torch.from_numpy(case.inputs[name]) for name in "XWR")
    xs = X if case.attributes.get("layout") == 1 else X.transpose(0, 1)
    if case.attributes.get("direction") == "reverse":
        xs = xs.flip(1)
    hidden = case.attributes["hidden_size"]
    biases = torch.from_numpy(case.inputs.get("B", np.zeros((1, 2 * hidden), np.float32)))[0].split(hidden)
    hs, last = rnn.rnn_forward(xs, torch.zeros(len(xs), hidden), W[0], R[0], *biases)
    expected = torch.from_numpy(case.outputs["Y_h"]).reshape(last.shape)
    torch.testing.assert_close(last, expected, rtol=1e-5, atol=1e-6)
    if "Y" in case.outputs:
        torch.testing.assert_close(hs, torch.from_numpy(case.outputs["Y"]).reshape(hs.shape), rtol=1e-5, atol=1e-6)


def test_onnx_had_cases_with_a_bias_several_steps_and_both_layouts():
    assert {"simple_rnn_with_initial_bias", "rnn_seq_length", "simple_rnn_batchwise", "simple_rnn_reverse"} <= {
        case.name for case in PLAIN
    }


@each_dtype
def test_gradient_norms_are_those_of_autograds_jacobians(dtype):
    xs, h0, *params = drawn((1, 6, 2, 4), dtype, seed=5)
    hs = rnn.rnn_forward(xs, h0, *params)[0]
    got = rnn.gradient_norms(hs[0], params[1])
    assert got.dtype == dtype
    for t in range(6):

        def last(h, t=t):
            return rnn.rnn_forward(xs[:, t + 1 :], h[None], *params)[1][0] if t < 5 else h

        jacobian = torch.autograd.functional.jacobian(last, hs[0, t])
        torch.testing.assert_close(got[t], torch.linalg.svdvals(jacobian)[0], **CLOSE[dtype])


def test_gradient_norms_of_a_rotation_stay_and_of_half_of_it_halve():
    turn = torch.linalg.qr(torch.randn(5, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0)))[0]
    states = torch.zeros(8, 5, dtype=torch.float64)
    torch.testing.assert_close(rnn.gradient_norms(states, turn), torch.ones(8, dtype=torch.float64))
    halves = 0.5 ** torch.arange(7, -1, -1, dtype=torch.float64)
    torch.testing.assert_close(rnn.gradient_norms(states, turn / 2), halves)


@each_dtype
@pytest.mark.parametrize("max_norm", [0.1, 1.0, 100.0])
def test_clipping_is_torchs(max_norm, dtype):
    generator = torch.Generator().manual_seed(0)
    grads = [torch.randn(size, generator=generator).to(dtype) for size in ((3,), (2, 4), (1, 2, 3))]
    params = [torch.nn.Parameter(torch.zeros_like(grad)) for grad in grads]
    for param, grad in zip(params, grads, strict=True):
        param.grad = grad.clone()
    expected = torch.nn.utils.clip_grad_norm_(params, max_norm)
    before = [grad.clone() for grad in grads]
    clipped, total = rnn.clip_gradient_norm(grads, max_norm)
    assert total == pytest.approx(expected.item(), rel=1e-6)
    for mine, param, grad, old in zip(clipped, params, grads, before, strict=True):
        torch.testing.assert_close(mine, param.grad, rtol=1e-5, atol=1e-8)
        assert torch.equal(grad, old)


def test_clipping_nothing_and_zeros():
    assert rnn.clip_gradient_norm([], 1.0) == ([], 0.0)
    [grad], total = rnn.clip_gradient_norm([torch.zeros(3)], 1.0)
    assert total == 0
    assert torch.equal(grad, torch.zeros(3))


@each_dtype
def test_perplexity_is_e_to_torchs_loss(dtype):
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(3, 5, 7, generator=generator).to(dtype)
    targets = torch.randint(7, (3, 5), generator=generator)
    loss = torch.nn.functional.cross_entropy(logits.transpose(1, 2), targets)
    assert rnn.perplexity(logits, targets) == pytest.approx(math.exp(loss), rel=1e-6)
    assert rnn.perplexity(logits + 1e4, targets) == pytest.approx(math.exp(loss), rel=1e-3)
    assert rnn.perplexity(torch.zeros(2, 3, 11, dtype=dtype), targets[:2, :3]) == pytest.approx(11)


def dice(token, h):
    return torch.tensor([2.0, 1.0, 0.0]), h + 1


def test_sample_hands_token_and_state_on():
    seen = []

    def step(token, h):
        seen.append((token, h))
        return 100.0 * torch.nn.functional.one_hot(torch.tensor((2 * token + 1) % 5), 5).float(), h + 1

    assert rnn.sample(step, 0, 3, 4, 1.0, torch.Generator().manual_seed(0)) == [2, 0, 1, 3]
    assert seen == [(3, 0), (2, 1), (0, 2), (1, 3)]
    assert rnn.sample(step, 0, 3, 0, 1.0, torch.Generator()) == []


@pytest.mark.parametrize("temperature", [0.5, 1.0, 4.0])
def test_samples_come_as_often_as_their_probabilities_say(temperature):
    tokens = rnn.sample(dice, 0, 0, 3000, temperature, torch.Generator().manual_seed(0))
    expected = torch.softmax(torch.tensor([2.0, 1.0, 0.0]) / temperature, 0).numpy()
    np.testing.assert_allclose(np.bincount(tokens, minlength=3) / 3000, expected, atol=0.04)
    assert tokens == rnn.sample(dice, 0, 0, 3000, temperature, torch.Generator().manual_seed(0))


def test_the_prose_is_plain_and_long_enough_to_learn_from():
    text = data.prose()
    assert len(text) > 15_000
    assert text.isascii()
    assert len(set(text)) < 80
    assert all(line == line.strip() and line for line in text.splitlines())


def test_the_prose_gives_no_model_answer_away():
    course = Path(__file__).parents[3] / "solutions"
    cells = [cell for path in sorted(course.glob("*.py")) for cell in path.read_text("utf-8").split("# %%")]
    answers = [cell for cell in cells if cell.startswith(" [markdown]") and '"solution": true' in cell]
    told = " ".join(" ".join(answers).replace("\n# ", " ").split())
    assert len(answers) > 2
    assert [line for line in data.prose().splitlines() if len(line) > 30 and line in told] == []


@needs_cuda
def test_everything_stays_on_the_gpu():
    xs, h0, *params = drawn((3, 6, 2, 4), torch.float32, device="cuda")
    hs, last = rnn.rnn_forward(xs, h0, *params)
    grads = rnn.rnn_backward(torch.ones_like(hs), xs, h0, hs, *params[:2])
    norms = rnn.gradient_norms(hs[0], params[1])
    clipped, _ = rnn.clip_gradient_norm(grads, 1.0)
    assert {each.device.type for each in (hs, last, norms, *grads, *clipped)} == {"cuda"}
    on_cpu = rnn.rnn_forward(*(each.cpu() for each in (xs, h0, *params)))[0]
    torch.testing.assert_close(hs.cpu(), on_cpu, **CLOSE[torch.float32])
    drawn_there = rnn.sample(
        lambda token, h: (100 * h, h), torch.eye(3, device="cuda")[1], 0, 4, 1.0, torch.Generator()
    )
    assert drawn_there == [1, 1, 1, 1]


@pytest.mark.parametrize(
    ("call", "cure"),
    [
        (lambda: rnn.rnn_cell(torch.ones(3), torch.ones(1, 2), torch.ones(2, 3), torch.ones(2, 2), 0, 0), r"x\[None\]"),
        (
            lambda: rnn.rnn_cell(torch.ones(1, 3), torch.ones(1, 2), torch.ones(3, 2), torch.ones(2, 2), 0, 0),
            "one row for each unit",
        ),
        (lambda: rnn.rnn_forward(torch.ones(4, 3), None, None, None, None, None), r"xs\[None\]"),
        (lambda: rnn.rnn_forward(torch.ones(4, 0, 3), None, None, None, None, None), "at least one step"),
    ],
)
def test_errors_name_the_cure(call, cure):
    with pytest.raises(ValueError, match=cure):
        call()

"""Complex-valued networks against torch's own complex numbers, torchcvnn, finite differences and closed forms."""

import math

import numpy as np
import pytest
import torch
import torchcvnn.nn as cvnn
from torch.nn import functional

from course_lib import complex_nn
from course_lib.training import parameter_count

CLOSE = {torch.complex64: {"rtol": 1e-4, "atol": 1e-5}, torch.complex128: {"rtol": 1e-11, "atol": 1e-12}}
SHAPES = [(1, 1, 1), (2, 3, 4), (5, 1, 2), (1, 7, 3), (6, 4, 1)]
ACTIVATIONS = {
    "crelu": complex_nn.crelu,
    "zrelu": complex_nn.zrelu,
    "mod_relu": lambda z: complex_nn.mod_relu(z, -0.4),
    "cardioid": complex_nn.cardioid,
}

each_dtype = pytest.mark.parametrize("dtype", [torch.complex64, torch.complex128])
each_activation = pytest.mark.parametrize("name", ACTIVATIONS)


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def draw(seed, *shape, dtype=torch.complex128):
    return torch.randn(shape, dtype=dtype, generator=seeded(seed))


@each_dtype
@pytest.mark.parametrize(("n", "m", "p"), SHAPES)
@pytest.mark.parametrize("product", [complex_nn.complex_matmul, complex_nn.complex_matmul3])
def test_products_are_torchs(product, n, m, p, dtype):
    a, b = draw(0, n, m, dtype=dtype), draw(1, m, p, dtype=dtype)
    real, imag = product(a.real, a.imag, b.real, b.imag)
    torch.testing.assert_close(torch.complex(real, imag), a @ b, **CLOSE[dtype])


@pytest.mark.parametrize(("product", "count"), [(complex_nn.complex_matmul, 4), (complex_nn.complex_matmul3, 3)])
def test_products_cost_what_they_say(product, count):
    from torch.utils.flop_counter import FlopCounterMode

    a, b = draw(0, 5, 7), draw(1, 7, 2)
    with FlopCounterMode(display=False) as counter:
        product(a.real, a.imag, b.real, b.imag)
    assert counter.get_total_flops() == count * 2 * 5 * 7 * 2


@each_dtype
@pytest.mark.parametrize(("n", "d", "out"), SHAPES)
def test_complex_linear_is_torchs_forward_and_backward(n, d, out, dtype):
    arguments = [
        draw(seed, *shape, dtype=dtype).requires_grad_() for seed, shape in enumerate([(n, d), (out, d), (out,)])
    ]
    upstream = draw(9, n, out, dtype=dtype)
    got, want = complex_nn.complex_linear(*arguments), functional.linear(*arguments)
    torch.testing.assert_close(got, want, **CLOSE[dtype])
    pairs = (torch.autograd.grad(value, arguments, upstream) for value in (got, want))
    for mine, theirs in zip(*pairs, strict=True):
        torch.testing.assert_close(mine, theirs, **CLOSE[dtype])


@each_dtype
@pytest.mark.parametrize(
    ("image", "kernel"), [((1, 1, 3, 3), (1, 1, 1, 1)), ((2, 3, 5, 7), (4, 3, 2, 3)), ((3, 2, 4, 4), (1, 2, 4, 1))]
)
def test_complex_conv2d_is_torchs_forward_and_backward(image, kernel, dtype):
    arguments = [draw(seed, *shape, dtype=dtype).requires_grad_() for seed, shape in enumerate([image, kernel])]
    got, want = complex_nn.complex_conv2d(*arguments), functional.conv2d(*arguments)
    torch.testing.assert_close(got, want, **CLOSE[dtype])
    upstream = torch.randn(want.shape, dtype=dtype, generator=seeded(3))
    pairs = (torch.autograd.grad(value, arguments, upstream) for value in (got, want))
    for mine, theirs in zip(*pairs, strict=True):
        torch.testing.assert_close(mine, theirs, **CLOSE[dtype])


def mod_relu_of_torchcvnn(z):
    layer = cvnn.modReLU().to(z.real.dtype)
    with torch.no_grad():
        layer.b.fill_(-0.4)
    return layer(z)


@each_dtype
@each_activation
@pytest.mark.parametrize("shape", [(7,), (1, 1), (3, 4), (2, 3, 4)])
def test_activations_are_torchcvnns_forward_and_backward(name, shape, dtype):
    theirs = {
        "crelu": cvnn.CReLU(),
        "zrelu": cvnn.zReLU(),
        "mod_relu": mod_relu_of_torchcvnn,
        "cardioid": cvnn.Cardioid(),
    }[name]
    z = draw(4, *shape, dtype=dtype).requires_grad_()
    upstream = draw(5, *shape, dtype=dtype)
    got, want = ACTIVATIONS[name](z), theirs(z)
    torch.testing.assert_close(got, want, **CLOSE[dtype])
    mine, other = (torch.autograd.grad(value, z, upstream)[0] for value in (got, want))
    torch.testing.assert_close(mine, other, **CLOSE[dtype])


@each_activation
def test_activations_have_the_gradient_of_finite_differences(name):
    z = draw(6, 4, 3).requires_grad_()
    assert torch.autograd.gradcheck(ACTIVATIONS[name], (z,))


@each_dtype
@pytest.mark.parametrize("bias", [-0.5, 0.0, 2.0, torch.tensor([0.5, -0.5, 3.0])])
def test_at_zero_all_is_zero_and_finite(bias, dtype):
    for f in (*ACTIVATIONS.values(), lambda z: complex_nn.mod_relu(z, bias)):
        z = torch.zeros(2, 3, dtype=dtype, requires_grad=True)
        value = f(z)
        assert value.abs().max() == 0
        [gradient] = torch.autograd.grad(value, z, torch.ones_like(value))
        assert torch.isfinite(torch.view_as_real(gradient)).all()


def test_mod_relu_has_a_bias_for_each_feature_and_its_gradient():
    z, b = draw(7, 5, 3), torch.tensor([-0.3, 0.2, -2.0], dtype=torch.float64)
    columns = [complex_nn.mod_relu(z[:, k], float(b[k])) for k in range(3)]
    torch.testing.assert_close(complex_nn.mod_relu(z, b), torch.stack(columns, dim=1))
    b.requires_grad_()
    assert torch.autograd.gradcheck(lambda bias: complex_nn.mod_relu(z, bias), (b,))


def test_on_the_real_line_a_cardioid_is_a_relu():
    x = torch.linspace(-3, 3, 13, dtype=torch.float64)
    torch.testing.assert_close(complex_nn.cardioid(torch.complex(x, 0 * x)).real, torch.relu(x))


@pytest.mark.parametrize("angle", [0.3, 1.0, math.pi, -2.0])
def test_only_mod_relu_and_layers_without_bias_turn_with_their_input(angle):
    z, W = draw(8, 20, 4), draw(9, 3, 4)
    errors = {name: complex_nn.rotation_error(f, z, angle) for name, f in ACTIVATIONS.items()}
    assert errors.pop("mod_relu") < 1e-12
    assert min(errors.values()) > 0.1
    none = torch.zeros(3, dtype=z.dtype)
    assert complex_nn.rotation_error(lambda u: complex_nn.complex_linear(u, W, none), z, angle) < 1e-12
    assert complex_nn.rotation_error(lambda u: complex_nn.complex_linear(u, W, none + 1), z, angle) > 0.1


CLOSED = {
    "z^2": (lambda z: z**2, lambda z: 2 * z, lambda z: 0 * z),
    "conjugate": (lambda z: z.conj(), lambda z: 0 * z, lambda z: 0 * z + 1),
    "|z|^2": (lambda z: z.abs() ** 2, lambda z: z.conj(), lambda z: z),
    "exp": (torch.exp, torch.exp, lambda z: 0 * z),
    "real part": (lambda z: z.real, lambda z: 0 * z + 0.5, lambda z: 0 * z + 0.5),
    "z^2 z*": (lambda z: z**2 * z.conj(), lambda z: 2 * z * z.conj(), lambda z: z**2),
}


@pytest.mark.parametrize("name", CLOSED)
@pytest.mark.parametrize("shape", [(), (3,), (2, 3)])
def test_wirtinger_is_the_closed_form(name, shape):
    f, df_dz, df_dconj = CLOSED[name]
    z = draw(10, *shape)
    got = complex_nn.wirtinger(f, z)
    for mine, theirs in zip(got, (df_dz(z), df_dconj(z)), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("name", CLOSED)
def test_the_chain_rule_is_autograds(name):
    f, df_dz, df_dconj = CLOSED[name]
    z = draw(11, 4, 3).requires_grad_()
    w = f(z)
    w = w if w.is_complex() else torch.complex(w, torch.zeros_like(w))
    w.retain_grad()
    loss = (w.real**2 + 3 * w.imag + w.real * w.imag).sum()
    loss.backward()
    point = z.detach()
    got = complex_nn.chain_rule(w.grad, df_dz(point), df_dconj(point))
    torch.testing.assert_close(got, z.grad)


def test_torchs_gradient_is_twice_the_derivative_by_the_conjugate():
    z = draw(12, 5).requires_grad_()

    def loss(u):
        return u.abs() ** 2 + 3 * u.real - (u**2).imag

    loss(z).sum().backward()
    _, by_conjugate = complex_nn.wirtinger(loss, z.detach())
    torch.testing.assert_close(z.grad, 2 * by_conjugate, rtol=1e-6, atol=1e-7)


def test_a_step_is_torchs_sgd_and_goes_downhill():
    z, target = draw(13, 4, 3).requires_grad_(), draw(14, 4, 3)
    loss = ((z - target).abs() ** 2).sum()
    loss.backward()
    moved = complex_nn.descent_step(z.detach(), z.grad, 0.25)
    assert ((moved - target).abs() ** 2).sum() == pytest.approx(0.25 * loss.item())
    before = z.detach().clone()
    torch.optim.SGD([z], lr=0.25).step()
    torch.testing.assert_close(moved, z.detach())
    assert not torch.equal(moved, before)


def test_complex_init_is_rayleigh_and_uniform_and_has_torchcvnns_variance():
    W = complex_nn.complex_init(200, 300, seeded(0))
    assert (W.dtype, tuple(W.shape)) == (torch.complex64, (200, 300))
    modulus = np.sort(W.abs().flatten().numpy())
    share = (np.arange(modulus.size) + 0.5) / modulus.size
    assert np.abs(1 - np.exp(-(modulus**2) * 300 / 2) - share).max() < 0.01
    phase = np.sort(W.angle().flatten().numpy())
    assert np.abs((phase + np.pi) / (2 * np.pi) - share).max() < 0.01
    with torch.random.fork_rng():
        torch.manual_seed(0)
        theirs = cvnn.init.complex_kaiming_normal_(torch.empty(200, 300, dtype=torch.complex64), nonlinearity="relu")
    # torchcvnn divides by the square root of 2 once more, since torch's complex normal numbers have power 1
    assert float((W.abs() ** 2).mean()) == pytest.approx(2 * float((theirs.abs() ** 2).mean()), rel=0.03)
    assert torch.equal(complex_nn.complex_init(3, 2, seeded(1)), complex_nn.complex_init(3, 2, seeded(1)))


def test_complex_init_keeps_a_signal_alive_that_crelu_halves():
    z, generator = draw(15, 200, 256, dtype=torch.complex64), seeded(2)
    start = float((z.abs() ** 2).mean())
    for _ in range(10):
        W = complex_nn.complex_init(256, 256, generator)
        z = complex_nn.crelu(complex_nn.complex_linear(z, W, torch.zeros(256, dtype=z.dtype)))
    assert 0.3 < float((z.abs() ** 2).mean()) / start < 3


@pytest.mark.parametrize(("order", "snr_db"), [(2, 0.0), (4, 10.0), (8, 20.0), (5, -3.0)])
def test_psk_batch_has_the_symbols_and_the_noise_it_says(order, snr_db):
    z, labels = complex_nn.psk_batch(40_000, order, snr_db, seeded(order))
    assert (z.dtype, labels.dtype) == (torch.complex64, torch.int64)
    assert torch.bincount(labels, minlength=order).float().mul(order / 40_000).sub(1).abs().max() < 0.06
    noise = z - torch.exp(2j * math.pi * labels / order)
    power = 10 ** (-snr_db / 10)
    assert float((noise.abs() ** 2).mean()) == pytest.approx(power, rel=0.03)
    assert abs(complex((noise**2).mean())) < 0.03 * power


def exact_rate(order, snr_db):
    """Craig's integral for the error rate of phase-shift keying."""
    angle = (np.arange(200_000) + 0.5) / 200_000 * (order - 1) * np.pi / order
    power = 10 ** (snr_db / 10) * np.sin(np.pi / order) ** 2
    return float(np.exp(-power / np.sin(angle) ** 2).mean() * (order - 1) / order)


@pytest.mark.parametrize("snr_db", [0.0, 4.0, 8.0, 12.0])
def test_the_error_rate_is_exact_for_two_and_a_close_bound_above(snr_db):
    assert complex_nn.psk_error_rate(2, snr_db) == pytest.approx(exact_rate(2, snr_db), rel=1e-6)
    tail = 0.5 * math.erfc(math.sqrt(10 ** (snr_db / 10) / 2))
    assert complex_nn.psk_error_rate(4, snr_db) == pytest.approx(2 * tail)
    assert exact_rate(4, snr_db) == pytest.approx(1 - (1 - tail) ** 2, rel=1e-6)
    for order in (4, 8, 16):
        assert exact_rate(order, snr_db) <= complex_nn.psk_error_rate(order, snr_db) < 1.2 * exact_rate(order, snr_db)


def nearest(z, order):
    symbols = torch.exp(2j * math.pi * torch.arange(order) / order)
    return (z[:, None] - symbols).abs().argmin(dim=1)


@pytest.mark.parametrize(("order", "snr_db"), [(4, 8.0), (8, 12.0)])
def test_both_receivers_come_close_to_the_best_with_the_same_number_of_parameters(order, snr_db):
    z, labels = complex_nn.psk_batch(20_000, order, snr_db, seeded(50))
    best = float((nearest(z, order) != labels).float().mean())
    assert best == pytest.approx(exact_rate(order, snr_db), rel=0.15)
    sizes = []
    for kind in ("complex", "real"):
        model = complex_nn.train_receiver(kind, order, snr_db, 150, seeded(51))
        logits = model(z)
        assert (tuple(logits.shape), logits.is_complex()) == ((20_000, order), False)
        assert float((logits.argmax(dim=1) != labels).float().mean()) < best + 0.01
        sizes.append(parameter_count(model) * (1 + (kind == "complex")))
    assert sizes == {4: [116, 116], 8: [316, 316]}[order]


@pytest.mark.parametrize("order", [2, 4, 8, 16, 32])
def test_the_widths_of_the_two_receivers_store_the_same(order):
    built = [complex_nn.train_receiver(kind, order, 10.0, 0, seeded(0)) for kind in ("complex", "real")]
    assert 2 * parameter_count(built[0]) == parameter_count(built[1])


def test_errors_name_the_cure():
    with pytest.raises(ValueError, match=r"expects \(N, D\) and \(out, D\)"):
        complex_nn.complex_linear(draw(0, 3), draw(1, 2, 3), draw(2, 2))
    with pytest.raises(ValueError, match="'complex' or 'real'"):
        complex_nn.train_receiver("quaternion", 4, 10.0, 1, seeded(0))

"""Known mistakes with complex-valued networks: each docstring is the sentence that helps whoever made it.

Every function stands alone, as a student would write it: it uses its arguments, torch and what it imports itself.
"""
# mypy: allow-untyped-defs, disable-error-code="no-untyped-call"

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch

from autograder.exercise import Case, Misconception
from autograder.exercises.complex_nn_cases import (
    accepts_receiver,
    batch_noise,
    init_ratio,
    probabilities,
)

__all__ = ["MISTAKES"]


# --- complex_matmul -------------------------------------------------------------------------------------


def product_part_by_part(ar, ai, br, bi):
    """Real part times real part and imaginary times imaginary: these are two real networks side by side. The two
    cross products a d and b c are missing, and so is i i = -1."""
    return ar @ br, ai @ bi


def product_plus(ar, ai, br, bi):
    """The real part has a plus where a minus belongs: i times i is -1, so the real part is a c - b d."""
    return ar @ br + ai @ bi, ar @ bi + ai @ br


def product_conjugated(ar, ai, br, bi):
    """This is the product with the conjugate of the left matrix. A plain product conjugates nothing: the real part
    is a c - b d, the imaginary part a d + b c."""
    return ar @ br + ai @ bi, ar @ bi - ai @ br


def product_elementwise(ar, ai, br, bi):
    """The matrices were multiplied number by number with *. A matrix product is asked: @ sums over the inner
    dimension."""
    return ar * br - ai * bi, ar * bi + ai * br


def product_swapped(ar, ai, br, bi):
    """Real and imaginary part came back in the wrong order: the real part first, then the imaginary one."""
    return ar @ bi + ai @ br, ar @ br - ai @ bi


def product_with_three(ar, ai, br, bi):
    """Right, and with three real products. That is the next exercise: here the four of the definition are asked, so
    that the two can be compared."""
    p, q, r = ar @ br, ai @ bi, (ar + ai) @ (br + bi)
    return p - q, r - p - q


def product_by_torch(ar, ai, br, bi):
    """Right, but torch's complex numbers did the work, and the count saw no real product. Write it with ar, ai, br
    and bi alone."""
    product = torch.complex(ar, ai) @ torch.complex(br, bi)
    return product.real, product.imag


# --- complex_matmul3 ------------------------------------------------------------------------------------


def three_with_four(ar, ai, br, bi):
    """Right, but with four real products. You need only the sum a d + b c, and (a + b)(c + d) holds it together
    with the two products that you have already."""
    return ar @ br - ai @ bi, ar @ bi + ai @ br


def three_forgets_to_subtract(ar, ai, br, bi):
    """Your imaginary part is all of (a + b)(c + d) = a c + a d + b c + b d. Take a c and b d away from it: only a d
    + b c is left."""
    p, q, r = ar @ br, ai @ bi, (ar + ai) @ (br + bi)
    return p - q, r


def three_subtracts_the_difference(ar, ai, br, bi):
    """You subtracted a c - b d from (a + b)(c + d). Both products are in it with a plus, so both go: r - p - q, not
    r - (p - q)."""
    p, q, r = ar @ br, ai @ bi, (ar + ai) @ (br + bi)
    return p - q, r - (p - q)


def three_with_plus(ar, ai, br, bi):
    """The real part has a plus where a minus belongs: i times i is -1, so the real part is p - q."""
    p, q, r = ar @ br, ai @ bi, (ar + ai) @ (br + bi)
    return p + q, r - p - q


def three_by_torch(ar, ai, br, bi):
    """Right, but torch's complex numbers did the work, and the count saw no real product. Write it with ar, ai, br
    and bi alone."""
    product = torch.complex(ar, ai) @ torch.complex(br, bi)
    return product.real, product.imag


# --- complex_linear -------------------------------------------------------------------------------------


def linear_conjugated(z, W, b):
    """W was conjugated on its way: .mH and .conj() belong to inner products. A layer is the plain W z + b, so
    transpose with .T alone."""
    return z @ W.mH + b


def linear_untransposed(z, W, b):
    """This is z @ W. W is stored as (out, in), one row for each output, as in torch: write z @ W.T + b."""
    return z @ W + b


def linear_split(z, W, b):
    """Real part by real part, imaginary by imaginary: these are two real layers that never meet. The product needs
    the cross terms too: let torch multiply the complex tensors."""
    return torch.complex(z.real @ W.real.T + b.real, z.imag @ W.imag.T + b.imag)


def linear_without_bias(z, W, b):
    """This is z @ W.T alone. The bias is missing: add b, and torch adds it to every row."""
    return z @ W.T


def linear_real_part(z, W, b):
    """Only the real part came back. A complex layer gives complex numbers: the phase goes on to the next layer."""
    return (z @ W.T + b).real


def linear_detached(z, W, b):
    """The numbers are right, but the graph was cut, so no gradient reaches z, W or b. Leave out detach, .data and
    no_grad."""
    with torch.no_grad():
        return z @ W.T + b


# --- complex_conv2d -------------------------------------------------------------------------------------


def conv_by_torch(z, w):
    """Right, but torch's own complex convolution did it. Build it from convolutions of real tensors: z.real,
    z.imag, w.real and w.imag."""
    return torch.nn.functional.conv2d(z, w)


def conv_part_by_part(z, w):
    """Real with real and imaginary with imaginary: these are two real layers that never meet. Four convolutions are
    needed, one for each pair of parts."""
    conv = torch.nn.functional.conv2d
    return torch.complex(conv(z.real, w.real), conv(z.imag, w.imag))


def conv_plus(z, w):
    """The real part has a plus where a minus belongs: i times i is -1, so imaginary by imaginary is taken away."""
    conv = torch.nn.functional.conv2d
    real = conv(z.real, w.real) + conv(z.imag, w.imag)
    return torch.complex(real, conv(z.real, w.imag) + conv(z.imag, w.real))


def conv_conjugated(z, w):
    """The kernel was conjugated. Cross-correlation in mathematics does so; a layer of a network does not: it
    multiplies by w as it is."""
    conv = torch.nn.functional.conv2d
    real = conv(z.real, w.real) + conv(z.imag, w.imag)
    return torch.complex(real, conv(z.imag, w.real) - conv(z.real, w.imag))


def conv_flipped(z, w):
    """These are the numbers with the kernel flipped. Deep-learning convolution does not flip: take w as it is."""
    conv, w = torch.nn.functional.conv2d, w.flip(2, 3)
    real = conv(z.real, w.real) - conv(z.imag, w.imag)
    return torch.complex(real, conv(z.real, w.imag) + conv(z.imag, w.real))


def conv_padded(z, w):
    """The image was padded with zeros first, so the result is too large. Without padding it has H - KH + 1 rows and
    W - KW + 1 columns."""
    pads = [w.shape[3] - 1, w.shape[3] - 1, w.shape[2] - 1, w.shape[2] - 1]
    z = torch.nn.functional.pad(z, pads)
    conv = torch.nn.functional.conv2d
    real = conv(z.real, w.real) - conv(z.imag, w.imag)
    return torch.complex(real, conv(z.real, w.imag) + conv(z.imag, w.real))


# --- activations ----------------------------------------------------------------------------------------


def crelu_is_zrelu(z):
    """A number lost both parts where one was negative: this is zReLU. CReLU treats the two parts alone, so -3 + 4i
    becomes 4i."""
    return z * ((z.real > 0) & (z.imag > 0))


def crelu_real_only(z):
    """The imaginary part passed through as it was. CReLU cuts both parts at 0."""
    return torch.complex(torch.relu(z.real), z.imag)


def crelu_returns_real(z):
    """The imaginary part is lost. The result is complex again: put both parts together with torch.complex."""
    return torch.relu(z.real)


def crelu_absolute(z):
    """Negative parts came back positive: this folds the plane into one quadrant. A ReLU makes them 0."""
    return torch.complex(z.real.abs(), z.imag.abs())


def zrelu_is_crelu(z):
    """This cuts each part alone, which is CReLU. zReLU decides once for the whole number: where one part is
    negative, all of it becomes 0."""
    return torch.complex(torch.relu(z.real), torch.relu(z.imag))


def zrelu_or(z):
    """Your test lets a number pass where one part is positive. Both must be: use & in place of |."""
    return z * ((z.real > 0) | (z.imag > 0))


def zrelu_half_plane(z):
    """Only the real part was asked, so half of the plane passes. zReLU lets one quadrant of four pass: the
    imaginary part must be positive too."""
    return z * (z.real > 0)


def zrelu_opposite(z):
    """You kept what should go and deleted the quadrant that should stay: it is the first one, where both parts are
    positive."""
    return z * ~((z.real > 0) & (z.imag > 0))


def mod_relu_by_division(z, b):
    """At z = 0 this is 0 / 0, which is nan. Divide by a modulus in which the zeros are replaced by 1, and make the
    result 0 there: one nan in a batch spoils every weight."""
    return torch.relu(z.abs() + b) * z / z.abs()


def mod_relu_without_relu(z, b):
    """Where |z| + b is negative the number turned around to the other side of 0. Cut the modulus at 0 first:
    relu(|z| + b)."""
    modulus = z.abs()
    safe = torch.where(modulus == 0, torch.ones_like(modulus), modulus)
    return (modulus + b) / safe * z


def mod_relu_modulus(z, b):
    """This is the new modulus alone, a real number. The phase stays with it: multiply by z / |z|."""
    return torch.relu(z.abs() + b)


def mod_relu_scales_z(z, b):
    """You multiplied z itself by relu(|z| + b), so the modulus was used twice. Divide z by |z| first: it gives the
    direction alone."""
    return torch.relu(z.abs() + b) * z


def mod_relu_subtracts(z, b):
    """The bias was taken away from the modulus. It is added: a negative b makes the dead disc around 0, a positive
    one pushes everything outwards."""
    modulus = z.abs()
    safe = torch.where(modulus == 0, torch.ones_like(modulus), modulus)
    return torch.where(modulus == 0, 0 * z, torch.relu(modulus - b) / safe * z)


def mod_relu_threshold(z, b):
    """Numbers outside of the dead disc passed unchanged. modReLU also shortens them by the same b, so that there is
    no jump at the edge."""
    return z * (z.abs() + b > 0)


def mod_relu_wakes_zeros(z, b):
    """At z = 0 this gives b itself: the phase of 0 was taken as 0, and the number got a direction that it never
    had. At 0 the answer is 0."""
    return torch.polar(torch.relu(z.abs() + b), z.angle())


def cardioid_by_division(z):
    """At z = 0 the cosine Re z / |z| is 0 / 0, which is nan. torch.cos(z.angle()) is safe there, or replace the
    zeros before you divide."""
    return (1 + z.real / z.abs()) * z / 2


def cardioid_without_half(z):
    """Everything is twice too large: the factor (1 + cos) / 2 runs from 0 to 1, so that the positive axis stays as
    it is."""
    return (1 + torch.cos(z.angle())) * z


def cardioid_sine(z):
    """This favours the imaginary axis: the sine of the phase was used. It is the cosine, which is 1 on the positive
    real axis."""
    return (1 + torch.sin(z.angle())) * z / 2


def cardioid_without_one(z):
    """The factor became negative on the left half, so numbers there turned around. Add the 1: (1 + cos) / 2 is
    never negative."""
    return torch.cos(z.angle()) * z / 2


def cardioid_factor(z):
    """This is the factor (1 + cos) / 2 alone. Multiply it by z."""
    return (1 + torch.cos(z.angle())) / 2


# --- rotation_error -------------------------------------------------------------------------------------


def rotation_of_invariance(f, z, angle):
    """You compared f of the turned input with f(z) itself, which asks whether the output stays. It should turn
    along: compare with e^(i angle) f(z)."""
    import math

    turn = complex(math.cos(angle), math.sin(angle))
    return float((f(turn * z) - f(z)).abs().max())


def rotation_mean(f, z, angle):
    """This is the mean error. The largest one is asked: a single number that does not turn along is enough."""
    import math

    turn = complex(math.cos(angle), math.sin(angle))
    return float((f(turn * z) - turn * f(z)).abs().mean())


def rotation_in_degrees(f, z, angle):
    """The angle was taken in degrees. It comes in radians, so put it into cos and sin as it is."""
    import math

    turn = complex(math.cos(math.radians(angle)), math.sin(math.radians(angle)))
    return float((f(turn * z) - turn * f(z)).abs().max())


def rotation_of_lengths(f, z, angle):
    """You took the moduli before the difference, so a wrong direction goes unseen. Subtract first, then take the
    modulus."""
    import math

    turn = complex(math.cos(angle), math.sin(angle))
    return float((f(turn * z).abs() - (turn * f(z)).abs()).abs().max())


def rotation_back(f, z, angle):
    """The output was turned the other way, by minus the angle. Both are turned by the same e^(i angle)."""
    import math

    turn = complex(math.cos(angle), math.sin(angle))
    return float((f(turn * z) - f(z) / turn).abs().max())


# --- wirtinger ------------------------------------------------------------------------------------------


def wirtinger_swapped(f, z, eps=1e-4):
    """The two came back exchanged. df/dz has the minus: it is 1 for f(z) = z and 0 for f(z) = z*. Test yours with
    these."""
    along_x = (f(z + eps) - f(z - eps)) / (2 * eps)
    along_y = (f(z + 1j * eps) - f(z - 1j * eps)) / (2 * eps)
    return (along_x + 1j * along_y) / 2, (along_x - 1j * along_y) / 2


def wirtinger_without_half(f, z, eps=1e-4):
    """Both are twice too large: the half is missing. For f(z) = z the derivative df/dz is 1, not 2."""
    along_x = (f(z + eps) - f(z - eps)) / (2 * eps)
    along_y = (f(z + 1j * eps) - f(z - 1j * eps)) / (2 * eps)
    return along_x - 1j * along_y, along_x + 1j * along_y


def wirtinger_partial(f, z, eps=1e-4):
    """These are the partial derivatives along x and y. Wirtinger's are half of their difference and half of their
    sum, with an i before the second."""
    along_x = (f(z + eps) - f(z - eps)) / (2 * eps)
    along_y = (f(z + 1j * eps) - f(z - 1j * eps)) / (2 * eps)
    return along_x + 0j, along_y + 0j


def wirtinger_forward(f, z, eps=1e-4):
    """These are one-sided differences, with an error as large as eps. Step to both sides and divide by 2 eps: the
    error falls to eps squared."""
    along_x = (f(z + eps) - f(z)) / eps
    along_y = (f(z + 1j * eps) - f(z)) / eps
    return (along_x - 1j * along_y) / 2, (along_x + 1j * along_y) / 2


def wirtinger_divides_by_i(f, z, eps=1e-4):
    """You divided the step along y by i eps. The derivative by y is a derivative by a real number: divide by 2 eps
    alone."""
    along_x = (f(z + eps) - f(z - eps)) / (2 * eps)
    along_y = (f(z + 1j * eps) - f(z - 1j * eps)) / (2j * eps)
    return (along_x - 1j * along_y) / 2, (along_x + 1j * along_y) / 2


def wirtinger_along_x_only(f, z, eps=1e-4):
    """You only stepped along the real axis. A function of z and z* may change differently along the imaginary one,
    so step there too."""
    along_x = (f(z + eps) - f(z - eps)) / (2 * eps) + 0j
    return along_x, 0 * along_x


# --- chain_rule -----------------------------------------------------------------------------------------


def chain_without_conjugates(grad, df_dz, df_dconj):
    """Nothing was conjugated, as for real numbers. Torch's gradient is a derivative by z*: the first term has the
    conjugate of df/dz, the second the conjugate of grad."""
    return grad * df_dz + grad * df_dconj


def chain_first_term(grad, df_dz, df_dconj):
    """The second term is missing: conj(grad) df/dz*. Without it only holomorphic functions come out right, and a
    modulus or a conjugate does not."""
    return grad * df_dz.conj()


def chain_conjugates_grad(grad, df_dz, df_dconj):
    """The conjugate of grad stands in the wrong term. It goes with df/dz*; in the first term df/dz is conjugated,
    and grad is not."""
    return grad.conj() * df_dz + grad * df_dconj


def chain_conjugates_too_much(grad, df_dz, df_dconj):
    """One conjugate too many: df/dz* stays as it is. Only df/dz in the first term and grad in the second are
    conjugated."""
    return grad * df_dz.conj() + grad.conj() * df_dconj.conj()


def chain_doubled(grad, df_dz, df_dconj):
    """Everything is twice too large. The factor 2 of torch's convention is in grad already, so the rule has
    none."""
    return 2 * (grad * df_dz.conj() + grad.conj() * df_dconj)


# --- descent_step ---------------------------------------------------------------------------------------


def step_conjugated(z, grad, lr):
    """You conjugated the gradient. Other frameworks want that; torch's .grad points uphill as it is, so subtract it
    as it is."""
    return z - lr * grad.conj()


def step_uphill(z, grad, lr):
    """This step goes uphill. The gradient points to where the loss grows: subtract it."""
    return z + lr * grad


def step_doubled(z, grad, lr):
    """The factor 2 is in torch's gradient already: it is twice the derivative by z*. Subtract lr times grad, no
    more."""
    return z - 2 * lr * grad


def step_halved(z, grad, lr):
    """You halved the gradient to get the derivative by z*. A step in torch takes .grad as it is: z - lr grad, as
    its optimizers do."""
    return z - lr * grad / 2


def step_real_part(z, grad, lr):
    """Only the real part moved. The gradient of a complex number has two parts, and both count."""
    return z - lr * grad.real


def step_in_place(z, grad, lr):
    """The answer is right, but the caller's z was overwritten. Return a new tensor: z - lr * grad."""
    z -= lr * grad
    return z


# --- complex_init ---------------------------------------------------------------------------------------


def init_transposed(fan_out, fan_in, generator):
    """The shape is (fan_in, fan_out). Torch stores one row for each output: (fan_out, fan_in)."""
    import math

    parts = torch.randn(2, fan_in, fan_out, generator=generator) / math.sqrt(fan_in)
    return torch.complex(parts[0], parts[1])


def init_half_the_power(fan_out, fan_in, generator):
    """The mean of |W|^2 is 1 / fan_in, half of what is asked. torch.randn shares the power 1 between both parts of
    a complex number; each part should have the variance 1 / fan_in."""
    import math

    return torch.randn(fan_out, fan_in, dtype=torch.complex64, generator=generator) / math.sqrt(fan_in)


def init_by_fan_out(fan_out, fan_in, generator):
    """The weights were scaled by the number of outputs. Each output sums over fan_in inputs, so it is fan_in that
    decides."""
    import math

    parts = torch.randn(2, fan_out, fan_in, generator=generator) / math.sqrt(fan_out)
    return torch.complex(parts[0], parts[1])


def init_half_circle(fan_out, fan_in, generator):
    """All phases lie on one half of the circle. They are uniform on all of it: from 0 to 2 pi."""
    import math

    u = torch.rand(2, fan_out, fan_in, generator=generator)
    return torch.polar(torch.sqrt(-2 * torch.log1p(-u[0]) / fan_in), math.pi * u[1])


def init_real(fan_out, fan_in, generator):
    """The imaginary parts are all 0: these are real weights in a complex dtype. Give each weight a phase from the
    whole circle."""
    import math

    real = torch.randn(fan_out, fan_in, generator=generator) * math.sqrt(2 / fan_in)
    return torch.complex(real, torch.zeros_like(real))


def init_one_modulus(fan_out, fan_in, generator):
    """All weights have the same modulus. It is drawn from the Rayleigh distribution; only its root mean square is
    sqrt(2 / fan_in)."""
    import math

    phase = 2 * math.pi * torch.rand(fan_out, fan_in, generator=generator)
    return torch.polar(torch.full((fan_out, fan_in), math.sqrt(2 / fan_in)), phase)


def init_without_root(fan_out, fan_in, generator):
    """The scale is 1 / fan_in here: the square root is missing, and the signal fades from layer to layer."""
    parts = torch.randn(2, fan_out, fan_in, generator=generator) / fan_in
    return torch.complex(parts[0], parts[1])


def _right_size(case: Case, value: Any) -> bool:
    return tuple(value.shape) == case.args[:2] and bool(value.is_complex())


def _transposed(case: Case, value: Any) -> bool:
    return bool(tuple(value.shape) == (case.args[1], case.args[0]))


def _power(expected: Callable[[Case], float]) -> Callable[[Case, Any], bool]:
    def shows(case: Case, value: Any) -> bool:
        if not _right_size(case, value):
            return False
        return value.numel() < 1000 or abs(init_ratio(case, value) / expected(case) - 1) < 0.1

    return shows


def _half_circle(case: Case, value: Any) -> bool:
    angle = value.angle()
    return _right_size(case, value) and bool(
        angle.min() >= 0 or angle.max() <= 0 or angle.abs().max() <= math.pi / 2 + 0.01
    )


def _real(case: Case, value: Any) -> bool:
    return _right_size(case, value) and bool((value.imag == 0).all())


def _one_modulus(case: Case, value: Any) -> bool:
    return _right_size(case, value) and float(value.abs().std() / value.abs().mean()) < 1e-3


# --- psk_batch ------------------------------------------------------------------------------------------


def batch_doubled_noise(n, order, snr_db, generator):
    """The noise is twice too strong: both parts got the whole power. It is the power of both together, so each part
    has half of it."""
    labels = torch.randint(order, (n,), generator=generator)
    z = torch.polar(torch.ones(n), 2 * torch.pi * labels / order)
    parts = 10 ** (-snr_db / 20) * torch.randn(2, n, generator=generator)
    return z + torch.complex(parts[0], parts[1]), labels


def batch_power_as_amplitude(n, order, snr_db, generator):
    """You multiplied the noise by its power. A number grows with the amplitude, the square root of the power:
    10^(-snr_db / 20)."""
    labels = torch.randint(order, (n,), generator=generator)
    z = torch.polar(torch.ones(n), 2 * torch.pi * labels / order)
    return z + 10 ** (-snr_db / 10) * torch.randn(n, dtype=torch.complex64, generator=generator), labels


def batch_real_noise(n, order, snr_db, generator):
    """The noise is real: it moves the symbols to the left and right only. It comes from all directions, with half
    of the power in each part."""
    labels = torch.randint(order, (n,), generator=generator)
    z = torch.polar(torch.ones(n), 2 * torch.pi * labels / order)
    return z + 10 ** (-snr_db / 20) * torch.randn(n, generator=generator), labels


def batch_in_turn(n, order, snr_db, generator):
    """The symbols come in a fixed order, 0, 1, 2, ... A network could learn the order in place of the phases: draw
    them at random."""
    labels = torch.arange(n) % order
    z = torch.polar(torch.ones(n), 2 * torch.pi * labels / order)
    return z + 10 ** (-snr_db / 20) * torch.randn(n, dtype=torch.complex64, generator=generator), labels


def batch_turned_by_half(n, order, snr_db, generator):
    """All symbols are turned by half a step: symbol 0 does not lie on the positive real axis. Symbol k has the
    phase 2 pi k / order."""
    labels = torch.randint(order, (n,), generator=generator)
    z = torch.polar(torch.ones(n), 2 * torch.pi * (labels + 0.5) / order)
    return z + 10 ** (-snr_db / 20) * torch.randn(n, dtype=torch.complex64, generator=generator), labels


def batch_uniform_noise(n, order, snr_db, generator):
    """The noise comes from torch.rand, so it is never negative and pushes every symbol the same way. torch.randn
    has the mean 0."""
    labels = torch.randint(order, (n,), generator=generator)
    z = torch.polar(torch.ones(n), 2 * torch.pi * labels / order)
    return z + 10 ** (-snr_db / 20) * torch.rand(n, dtype=torch.complex64, generator=generator), labels


def batch_float_labels(n, order, snr_db, generator):
    """The labels are floats. They are numbers of classes, and cross_entropy wants them as int64: torch.randint
    gives that."""
    labels = torch.floor(order * torch.rand(n, generator=generator))
    z = torch.polar(torch.ones(n), 2 * torch.pi * labels / order)
    return z + 10 ** (-snr_db / 20) * torch.randn(n, dtype=torch.complex64, generator=generator), labels


def _noisy(case: Case) -> bool:
    return math.isfinite(case.args[2])


def _noise_power(case: Case, value: Any) -> float:
    return float((batch_noise(case, value).abs() ** 2).mean())


def _noise_doubled(case: Case, value: Any) -> bool:
    power = _noise_power(case, value)
    return 1.7 < power < 2.3 if _noisy(case) else power < 1e-9


def _noise_squared(case: Case, value: Any) -> bool:
    power, asked = _noise_power(case, value), 10 ** (-case.args[2] / 10)
    return abs(power / asked - 1) < 0.2 if _noisy(case) else power < 1e-9


def _noise_real(case: Case, value: Any) -> bool:
    noise = batch_noise(case, value)
    return float(noise.imag.abs().max()) < 1e-3 and float(noise.real.abs().max() > 1e-3) == _noisy(case)


def _in_turn(case: Case, value: Any) -> bool:
    labels = value[1]
    steps = (labels[1:] - labels[:-1]) % case.args[1]
    return bool((steps == 1).all() or (labels[1:] >= labels[:-1]).all())


def _turned(case: Case, value: Any) -> bool:
    z, labels = value
    mean = complex((z * torch.exp(-2j * math.pi * labels / case.args[1])).mean())
    return bool(abs(math.atan2(mean.imag, mean.real) - math.pi / case.args[1]) < 0.1)


def _noise_one_sided(case: Case, value: Any) -> bool:
    noise = batch_noise(case, value)
    return bool(noise.real.min() > -1e-4 and noise.imag.min() > -1e-4) or not _noisy(case)


def _float_labels(case: Case, value: Any) -> bool:
    return bool(value[1].is_floating_point())


# --- psk_error_rate -------------------------------------------------------------------------------------


def rate_one_neighbour(order, snr_db):
    """This is half of the rate: a symbol has a neighbour on either side, and the noise may push it to both. Only
    with two symbols there is one neighbour."""
    import math

    distance = math.sqrt(2 * 10 ** (snr_db / 10)) * math.sin(math.pi / order)
    return math.erfc(distance / math.sqrt(2)) / 2


def rate_two_neighbours(order, snr_db):
    """For two symbols the rate is twice too large: they have only one neighbour, each other. From three symbols on
    there are two."""
    import math

    distance = math.sqrt(2 * 10 ** (snr_db / 10)) * math.sin(math.pi / order)
    return math.erfc(distance / math.sqrt(2))


def rate_erfc(order, snr_db):
    """erfc was used as Q. The two differ: Q(x) = erfc(x / sqrt(2)) / 2."""
    import math

    distance = math.sqrt(2 * 10 ** (snr_db / 10)) * math.sin(math.pi / order)
    return math.erfc(distance) * (1 if order == 2 else 2)


def rate_decibels(order, snr_db):
    """The decibels went into the formula as they are. Turn them into a ratio first: 10^(snr_db / 10)."""
    import math

    distance = math.sqrt(2 * abs(snr_db)) * math.sin(math.pi / order)
    return math.erfc(distance / math.sqrt(2)) * (0.5 if order == 2 else 1)


def rate_without_two(order, snr_db):
    """The 2 under the root is missing. Only half of the noise's power points towards the neighbour: sqrt(2 snr)
    sin(pi / M)."""
    import math

    distance = math.sqrt(10 ** (snr_db / 10)) * math.sin(math.pi / order)
    return math.erfc(distance / math.sqrt(2)) * (0.5 if order == 2 else 1)


def rate_full_angle(order, snr_db):
    """The sine has the angle 2 pi / M, from symbol to symbol. The line between them is only half as far: sin(pi /
    M)."""
    import math

    distance = math.sqrt(2 * 10 ** (snr_db / 10)) * math.sin(2 * math.pi / order)
    return math.erfc(distance / math.sqrt(2)) * (0.5 if order == 2 else 1)


# --- train_receiver -------------------------------------------------------------------------------------


def receiver_ignores_kind(kind, order, snr_db, steps, generator):
    """The network asked for as "complex" has no complex parameter. Its weights must be tensors of a complex dtype,
    such as those of complex_init."""
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            width = order + 2 * (order + 2)
            self.layers = nn.Sequential(nn.Linear(2, width), nn.ReLU(), nn.Linear(width, order))

        def forward(self, z):
            return self.layers(torch.view_as_real(z))

    model = Net()
    optimizer = torch.optim.Adam(model.parameters(), 0.02)
    for _ in range(steps):
        labels = torch.randint(order, (128,), generator=generator)
        z = torch.polar(torch.ones(128), 2 * torch.pi * labels / order)
        z = z + 10 ** (-snr_db / 20) * torch.randn(128, dtype=torch.complex64, generator=generator)
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(z), labels).backward()
        optimizer.step()
    return model


def receiver_counts_once(kind, order, snr_db, steps, generator):
    """One of your networks stores twice as many numbers as the other. A complex parameter counts as two: it has a
    real and an imaginary part."""
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            inputs, dtype = (1, torch.complex64) if kind == "complex" else (2, torch.float32)
            self.first = nn.Linear(inputs, 16, dtype=dtype)
            self.last = nn.Linear(16, order, dtype=dtype)

        def forward(self, z):
            if kind == "real":
                return self.last(torch.relu(self.first(torch.view_as_real(z))))
            hidden = self.first(z[:, None])
            return self.last(torch.complex(torch.relu(hidden.real), torch.relu(hidden.imag))).real

    model = Net()
    optimizer = torch.optim.Adam(model.parameters(), 0.02)
    for _ in range(steps):
        labels = torch.randint(order, (128,), generator=generator)
        z = torch.polar(torch.ones(128), 2 * torch.pi * labels / order)
        z = z + 10 ** (-snr_db / 20) * torch.randn(128, dtype=torch.complex64, generator=generator)
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(z), labels).backward()
        optimizer.step()
    return model


def receiver_untrained(kind, order, snr_db, steps, generator):
    """Nothing was learned: after all steps the model answers as after one. Each step needs loss.backward() and
    optimizer.step()."""
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            inputs, dtype = (1, torch.complex64) if kind == "complex" else (2, torch.float32)
            width = order // 2 + order + 3 if kind == "complex" else order + 2 * (order + 2)
            self.first = nn.Linear(inputs, width, dtype=dtype)
            self.last = nn.Linear(width, order, dtype=dtype)

        def forward(self, z):
            if kind == "real":
                return self.last(torch.relu(self.first(torch.view_as_real(z))))
            hidden = self.first(z[:, None])
            return self.last(torch.complex(torch.relu(hidden.real), torch.relu(hidden.imag))).real

    model = Net()
    optimizer = torch.optim.Adam(model.parameters(), 0.02)
    for _ in range(steps):
        labels = torch.randint(order, (128,), generator=generator)
        z = torch.polar(torch.ones(128), 2 * torch.pi * labels / order)
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(z), labels).backward()
    return model


def receiver_real_part(kind, order, snr_db, steps, generator):
    """The network reads the real part alone: i and -i look the same to it. Give it both parts: torch.view_as_real
    makes (n, 2) of (n,)."""
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            dtype = torch.complex64 if kind == "complex" else torch.float32
            width = order // 2 + order + 3 if kind == "complex" else (order // 2 + order + 3) * 2
            self.first = nn.Linear(1, width, dtype=dtype)
            self.last = nn.Linear(width, order, dtype=dtype)

        def forward(self, z):
            x = z.real[:, None]
            if kind == "real":
                return self.last(torch.relu(self.first(x)))
            hidden = self.first(x + 0j)
            return self.last(torch.complex(torch.relu(hidden.real), torch.relu(hidden.imag))).real

    model = Net()
    optimizer = torch.optim.Adam(model.parameters(), 0.02)
    for _ in range(steps):
        labels = torch.randint(order, (128,), generator=generator)
        z = torch.polar(torch.ones(128), 2 * torch.pi * labels / order)
        z = z + 10 ** (-snr_db / 20) * torch.randn(128, dtype=torch.complex64, generator=generator)
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(z), labels).backward()
        optimizer.step()
    return model


def receiver_of_lengths(kind, order, snr_db, steps, generator):
    """The answer does not change when all symbols turn: the network sees lengths only, and all symbols have the
    length 1. The phase carries the message."""
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            dtype = torch.complex64 if kind == "complex" else torch.float32
            width = order // 2 + order + 3 if kind == "complex" else (order // 2 + order + 3) * 2
            self.first = nn.Linear(1, width, dtype=dtype)
            self.last = nn.Linear(width, order, dtype=dtype)

        def forward(self, z):
            x = z.abs()[:, None]
            if kind == "real":
                return self.last(torch.relu(self.first(x)))
            hidden = self.first(x + 0j)
            return self.last(torch.complex(torch.relu(hidden.real), torch.relu(hidden.imag))).real

    model = Net()
    optimizer = torch.optim.Adam(model.parameters(), 0.02)
    for _ in range(steps):
        labels = torch.randint(order, (128,), generator=generator)
        z = torch.polar(torch.ones(128), 2 * torch.pi * labels / order)
        z = z + 10 ** (-snr_db / 20) * torch.randn(128, dtype=torch.complex64, generator=generator)
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(z), labels).backward()
        optimizer.step()
    return model


def receiver_probabilities(kind, order, snr_db, steps, generator):
    """The model ends with a softmax, so it gives probabilities. cross_entropy has its own softmax: two of them slow
    down learning. Return the logits."""
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            inputs, dtype = (1, torch.complex64) if kind == "complex" else (2, torch.float32)
            width = order // 2 + order + 3 if kind == "complex" else order + 2 * (order + 2)
            self.first = nn.Linear(inputs, width, dtype=dtype)
            self.last = nn.Linear(width, order, dtype=dtype)

        def forward(self, z):
            if kind == "real":
                return torch.softmax(self.last(torch.relu(self.first(torch.view_as_real(z)))), 1)
            hidden = self.first(z[:, None])
            return torch.softmax(self.last(torch.complex(torch.relu(hidden.real), torch.relu(hidden.imag))).real, 1)

    model = Net()
    optimizer = torch.optim.Adam(model.parameters(), 0.02)
    for _ in range(steps):
        labels = torch.randint(order, (128,), generator=generator)
        z = torch.polar(torch.ones(128), 2 * torch.pi * labels / order)
        z = z + 10 ** (-snr_db / 20) * torch.randn(128, dtype=torch.complex64, generator=generator)
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(z), labels).backward()
        optimizer.step()
    return model


def receiver_complex_logits(kind, order, snr_db, steps, generator):
    """The logits of your complex network are complex. A softmax compares sizes, and complex numbers have no order:
    end with the real part or the modulus."""
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            inputs, dtype = (1, torch.complex64) if kind == "complex" else (2, torch.float32)
            width = order // 2 + order + 3 if kind == "complex" else order + 2 * (order + 2)
            self.first = nn.Linear(inputs, width, dtype=dtype)
            self.last = nn.Linear(width, order, dtype=dtype)

        def forward(self, z):
            if kind == "real":
                return self.last(torch.relu(self.first(torch.view_as_real(z))))
            hidden = self.first(z[:, None])
            return self.last(torch.complex(torch.relu(hidden.real), torch.relu(hidden.imag)))

    model = Net()
    optimizer = torch.optim.Adam(model.parameters(), 0.02)
    for _ in range(steps):
        labels = torch.randint(order, (128,), generator=generator)
        z = torch.polar(torch.ones(128), 2 * torch.pi * labels / order)
        z = z + 10 ** (-snr_db / 20) * torch.randn(128, dtype=torch.complex64, generator=generator)
        optimizer.zero_grad()
        logits = model(z)
        nn.functional.cross_entropy(logits.real, labels).backward()
        optimizer.step()
    return model


def _in_its_own_kind(kind: str, shows: Callable[[Any], bool]) -> Callable[[Case, Any], bool]:
    """Evidence that only one of the two kinds can give; the other one must be right then."""

    def judged(case: Case, value: Any) -> bool:
        return shows(value) if case.args[0] == kind else accepts_receiver(case, value) is None

    return judged


def _counts_once(case: Case, value: Any) -> bool:
    ratio = value["real numbers"] / value["real numbers of the other kind"]
    return bool(max(ratio, 1 / ratio) > 1.6)


def _same(name: str) -> Callable[[Case, Any], bool]:
    def shows(case: Case, value: Any) -> bool:
        return bool(torch.allclose(value["logits"], value[name], atol=1e-3))

    return shows


_WRONG: dict[str, tuple[Callable[..., Any], ...]] = {
    "complex_matmul": (
        product_part_by_part,
        product_plus,
        product_conjugated,
        product_elementwise,
        product_swapped,
        product_with_three,
        product_by_torch,
    ),
    "complex_matmul3": (
        three_with_four,
        three_forgets_to_subtract,
        three_subtracts_the_difference,
        three_with_plus,
        three_by_torch,
    ),
    "complex_linear": (
        linear_conjugated,
        linear_untransposed,
        linear_split,
        linear_without_bias,
        linear_real_part,
        linear_detached,
    ),
    "complex_conv2d": (
        conv_by_torch,
        conv_part_by_part,
        conv_plus,
        conv_conjugated,
        conv_flipped,
        conv_padded,
    ),
    "crelu": (crelu_is_zrelu, crelu_real_only, crelu_returns_real, crelu_absolute),
    "zrelu": (zrelu_is_crelu, zrelu_or, zrelu_half_plane, zrelu_opposite),
    "mod_relu": (
        mod_relu_by_division,
        mod_relu_without_relu,
        mod_relu_modulus,
        mod_relu_scales_z,
        mod_relu_subtracts,
        mod_relu_threshold,
        mod_relu_wakes_zeros,
    ),
    "cardioid": (
        cardioid_by_division,
        cardioid_without_half,
        cardioid_sine,
        cardioid_without_one,
        cardioid_factor,
    ),
    "rotation_error": (
        rotation_of_invariance,
        rotation_mean,
        rotation_in_degrees,
        rotation_of_lengths,
        rotation_back,
    ),
    "wirtinger": (
        wirtinger_swapped,
        wirtinger_without_half,
        wirtinger_partial,
        wirtinger_forward,
        wirtinger_divides_by_i,
        wirtinger_along_x_only,
    ),
    "chain_rule": (
        chain_without_conjugates,
        chain_first_term,
        chain_conjugates_grad,
        chain_conjugates_too_much,
        chain_doubled,
    ),
    "descent_step": (step_conjugated, step_uphill, step_doubled, step_halved, step_real_part, step_in_place),
    "psk_error_rate": (
        rate_one_neighbour,
        rate_two_neighbours,
        rate_erfc,
        rate_decibels,
        rate_without_two,
        rate_full_angle,
    ),
}
MISTAKES = {name: tuple(Misconception.of(mistake) for mistake in wrong) for name, wrong in _WRONG.items()}

MISTAKES["complex_init"] = (
    Misconception.of(init_transposed, _transposed),
    Misconception.of(init_real, _real),
    Misconception.of(init_half_circle, _half_circle),
    Misconception.of(init_one_modulus, _one_modulus),
    Misconception.of(init_half_the_power, _power(lambda case: 0.5)),
    Misconception.of(init_by_fan_out, _power(lambda case: case.args[1] / case.args[0])),
    Misconception.of(init_without_root, _power(lambda case: 1 / case.args[1])),
)
MISTAKES["psk_batch"] = (
    Misconception.of(batch_float_labels, _float_labels),
    Misconception.of(batch_in_turn, _in_turn),
    Misconception.of(batch_turned_by_half, _turned),
    Misconception.of(batch_real_noise, _noise_real),
    Misconception.of(batch_uniform_noise, _noise_one_sided),
    Misconception.of(batch_doubled_noise, _noise_doubled),
    Misconception.of(batch_power_as_amplitude, _noise_squared),
)
MISTAKES["train_receiver"] = (
    Misconception.of(receiver_complex_logits, _in_its_own_kind("complex", lambda value: value["logits"].is_complex())),
    Misconception.of(receiver_ignores_kind, _in_its_own_kind("complex", lambda value: not value["complex parameters"])),
    Misconception.of(receiver_counts_once, _counts_once),
    Misconception.of(receiver_probabilities, lambda case, value: probabilities(value["logits"])),
    Misconception.of(receiver_of_lengths, _same("logits of turned symbols")),
    Misconception.of(receiver_real_part, _same("logits of mirrored symbols")),
    Misconception.of(receiver_untrained, _same("logits after one step")),
)

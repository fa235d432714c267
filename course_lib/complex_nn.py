r"""Networks of complex numbers: layers, activations, gradients, and a receiver for radio symbols.

A complex number is a length and an angle, and one multiplication scales and rotates. Signals that have a phase (radio,
sound, magnetic resonance, radar) are complex to begin with, and a layer that multiplies by complex weights can only
scale and rotate them: it has built in what two separate real channels would have to learn.

Symbols
    z = x + i y     complex     an input; x and y are real, z* = x - i y is its conjugate
    W, b            (out, in), (out,) complex weights and biases
    L               real        a loss
    g               complex     what torch's autograd leaves in `.grad`
    M               int         the order of phase-shift keying: M symbols on the unit circle
    snr             real        signal power over noise power, 10^(snr_db / 10)

Equations
    (a + i b)(c + i d) = (a c - b d) + i (a d + b c)           four real products
                       = (p - q) + i (r - p - q)               three: p = a c, q = b d, r = (a + b)(c + d)
    modReLU(z)  = relu(|z| + b) z / |z|                        rotates with its input
    cardioid(z) = (1 + cos arg z) z / 2
    df/dz  = (df/dx - i df/dy) / 2,   df/dz* = (df/dx + i df/dy) / 2      Wirtinger
    g      = dL/dx + i dL/dy = 2 dL/dz*                        torch's convention; a step is z - lr g
    g_in   = g_out conj(df/dz) + conj(g_out) df/dz*            the chain rule through w = f(z)
    W      = r e^{i t},  r ~ Rayleigh(1 / sqrt(in)), t uniform:  E|W|^2 = 2 / in
    s_k    = e^{2 pi i k / M},  z = s_k + noise,  E|noise|^2 = 1 / snr
    P(error) ~ 2 Q(sqrt(2 snr) sin(pi / M)), for M = 2 exactly Q(sqrt(2 snr))

Papers
    W. Wirtinger, "Zur formalen Theorie der Funktionen von mehr komplexen Veraenderlichen", 1927
    M. Arjovsky, A. Shah, Y. Bengio, "Unitary evolution recurrent neural networks", 2016 (modReLU)
    N. Guberman, "On complex valued convolutional neural networks", 2016 (zReLU)
    P. Virtue, S. Yu, M. Lustig, "Better than real: complex-valued neural nets for MRI fingerprinting", 2017 (cardioid)
    C. Trabelsi et al., "Deep complex networks", 2018 (CReLU, initialisation)
    J. Proakis, M. Salehi, "Digital communications", 5th edition, 2008, section 4.3 (error rates)
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = [
    "cardioid",
    "chain_rule",
    "complex_conv2d",
    "complex_init",
    "complex_linear",
    "complex_matmul",
    "complex_matmul3",
    "crelu",
    "descent_step",
    "mod_relu",
    "psk_batch",
    "psk_error_rate",
    "rotation_error",
    "train_receiver",
    "wirtinger",
    "zrelu",
]

Pair = tuple[Tensor, Tensor]


# --- products and layers --------------------------------------------------------------------------------


def complex_matmul(ar: Tensor, ai: Tensor, br: Tensor, bi: Tensor) -> Pair:
    """The matrix product `(ar + i ai) @ (br + i bi)` with four real products.

    Args:
        ar: real part of the left matrix, (n, m).
        ai: its imaginary part, (n, m).
        br: real part of the right matrix, (m, p).
        bi: its imaginary part, (m, p).

    Returns:
        Real and imaginary part of the product, each (n, p).
    """
    return ar @ br - ai @ bi, ar @ bi + ai @ br


def complex_matmul3(ar: Tensor, ai: Tensor, br: Tensor, bi: Tensor) -> Pair:
    """The same product with three real products and three more additions (Gauss's trick).

    Args:
        ar: real part of the left matrix, (n, m).
        ai: its imaginary part, (n, m).
        br: real part of the right matrix, (m, p).
        bi: its imaginary part, (m, p).

    Returns:
        Real and imaginary part of the product, each (n, p).
    """
    p, q, r = ar @ br, ai @ bi, (ar + ai) @ (br + bi)
    return p - q, r - p - q


def complex_linear(z: Tensor, W: Tensor, b: Tensor) -> Tensor:
    """Every example through `W z + b`, all three complex; nothing is conjugated.

    Args:
        z: (N, D), one example per row.
        W: (out, D), one row for each output.
        b: (out,).

    Returns:
        (N, out), complex.

    Raises:
        ValueError: the shapes do not match.
    """
    if z.dim() != 2 or W.dim() != 2 or W.shape[1] != z.shape[1]:
        raise ValueError(
            f"z has shape {tuple(z.shape)} and W {tuple(W.shape)}; complex_linear expects (N, D) and (out, D)"
        )
    return z @ W.T + b


def complex_conv2d(z: Tensor, w: Tensor) -> Tensor:
    """A complex cross-correlation built from four real ones; stride 1, no padding.

    Args:
        z: images, (N, C_in, H, W), complex.
        w: kernels, (C_out, C_in, KH, KW), complex.

    Returns:
        (N, C_out, H - KH + 1, W - KW + 1), complex.
    """
    x, y, u, v = z.real, z.imag, w.real, w.imag
    real = functional.conv2d(x, u) - functional.conv2d(y, v)
    return torch.complex(real, functional.conv2d(x, v) + functional.conv2d(y, u))


# --- activations ----------------------------------------------------------------------------------------


def crelu(z: Tensor) -> Tensor:
    """A ReLU on the real part and one on the imaginary part, any shape (Trabelsi et al., 2018)."""
    return torch.complex(torch.relu(z.real), torch.relu(z.imag))


def zrelu(z: Tensor) -> Tensor:
    """`z` where both parts are positive, else 0, any shape (Guberman, 2016)."""
    return z * ((z.real > 0) & (z.imag > 0))


def mod_relu(z: Tensor, b: Tensor | float) -> Tensor:
    """Shifts the modulus by `b` and cuts it at 0; the phase stays (Arjovsky et al., 2016).

    Args:
        z: any shape, complex.
        b: a real number, or a real tensor that broadcasts against z: one for each feature.

    Returns:
        `relu(|z| + b) z / |z|`, and 0 where z is 0; the gradient there is 0.
    """
    modulus = z.abs()
    zero = modulus == 0
    scale = torch.relu(modulus + b) / modulus.masked_fill(zero, 1)
    return scale.masked_fill(zero, 0) * z


def cardioid(z: Tensor) -> Tensor:
    """`(1 + cos arg z) z / 2`: keeps the positive axis, halves the imaginary one, zeroes the negative one.

    Virtue et al. (2017); on the real line it is the ReLU. Any shape; 0 where z is 0.
    """
    return (1 + torch.cos(z.angle())) * z / 2


def rotation_error(f: Callable[[Tensor], Tensor], z: Tensor, angle: float) -> float:
    """How far `f` is from rotating its output when its input is rotated.

    Args:
        f: from a complex tensor to a complex tensor.
        z: any shape, complex.
        angle: in radians.

    Returns:
        The largest `|f(e^{i angle} z) - e^{i angle} f(z)|`: 0, up to rounding, if `f` is equivariant.
    """
    turn = complex(math.cos(angle), math.sin(angle))
    return (f(turn * z) - turn * f(z)).abs().max().item()


# --- derivatives ----------------------------------------------------------------------------------------


def wirtinger(f: Callable[[Tensor], Tensor], z: Tensor, eps: float = 1e-4) -> Pair:
    """Both Wirtinger derivatives of an elementwise function, by central differences along x and y.

    Args:
        f: elementwise, from a complex tensor to a real or complex one of the same shape.
        z: any shape, complex.
        eps: the step along each of the two axes.

    Returns:
        df/dz and df/dz*, each complex and of z's shape.
    """
    along_x = (f(z + eps) - f(z - eps)) / (2 * eps)
    along_y = (f(z + 1j * eps) - f(z - 1j * eps)) / (2 * eps)
    return (along_x - 1j * along_y) / 2, (along_x + 1j * along_y) / 2


def chain_rule(grad: Tensor, df_dz: Tensor, df_dconj: Tensor) -> Tensor:
    """Propagates torch's gradient of a real loss back through `w = f(z)`, elementwise.

    Args:
        grad: the gradient for w in torch's convention: dL/du + i dL/dv for w = u + i v.
        df_dz: the derivative of f with respect to z, of the same shape.
        df_dconj: the derivative of f with respect to z*, of the same shape.

    Returns:
        The gradient for z in the same convention.
    """
    return grad * df_dz.conj() + grad.conj() * df_dconj


def descent_step(z: Tensor, grad: Tensor, lr: float) -> Tensor:
    """One step of steepest descent on a real loss, with `grad` in torch's convention; returns a new tensor."""
    return z - lr * grad


def complex_init(fan_out: int, fan_in: int, generator: torch.Generator) -> Tensor:
    """Random complex weights that keep the size of a signal through rectified layers.

    Args:
        fan_out: number of outputs.
        fan_in: number of inputs.
        generator: all randomness comes from it.

    Returns:
        (fan_out, fan_in), complex64: modulus from the Rayleigh distribution of scale `1 / sqrt(fan_in)`, phase uniform.
    """
    uniform, phase = torch.rand(2, fan_out, fan_in, generator=generator)
    modulus = torch.sqrt(-2 * torch.log1p(-uniform) / fan_in)
    return torch.polar(modulus, 2 * torch.pi * phase)


# --- a receiver -----------------------------------------------------------------------------------------


def psk_batch(n: int, order: int, snr_db: float, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Symbols of phase-shift keying as an antenna receives them, in white noise.

    Args:
        n: number of symbols.
        order: how many different symbols; symbol k is `e^{2 pi i k / order}`.
        snr_db: signal-to-noise ratio in decibels; the noise has power `10^(-snr_db / 10)`.
        generator: all randomness comes from it.

    Returns:
        The received symbols, (n,) complex64, and the sent ones, (n,) int64.
    """
    labels = torch.randint(order, (n,), generator=generator)
    symbols = torch.polar(torch.ones(n), 2 * torch.pi * labels / order)
    noise = torch.randn(n, dtype=torch.complex64, generator=generator)
    return symbols + 10 ** (-snr_db / 20) * noise, labels


def psk_error_rate(order: int, snr_db: float) -> float:
    """How often the best receiver mistakes a symbol: the noise has to cross the line to one of two neighbours.

    Args:
        order: how many different symbols.
        snr_db: signal-to-noise ratio in decibels.

    Returns:
        Exact for order 2; above it an upper bound, since noise across both lines counts twice.
    """
    amplitude = math.sqrt(2 * 10 ** (snr_db / 10))
    if order == 2:
        return _q(amplitude)
    return 2 * _q(amplitude * math.sin(math.pi / order))


def _q(x: float) -> float:
    """The tail of the standard normal distribution beyond x."""
    return math.erfc(x / math.sqrt(2)) / 2


class ComplexReceiver(nn.Module):
    """Symbols (n,) to logits (n, order) through one hidden layer of complex units."""

    def __init__(self, width: int, order: int, generator: torch.Generator):
        super().__init__()
        self.W1 = nn.Parameter(complex_init(width, 1, generator))
        self.b1 = nn.Parameter(torch.zeros(width, dtype=torch.complex64))
        self.W2 = nn.Parameter(complex_init(order, width, generator))
        self.b2 = nn.Parameter(torch.zeros(order, dtype=torch.complex64))

    def forward(self, z: Tensor) -> Tensor:
        """The logits are the real part of the last layer's output."""
        hidden = cardioid(complex_linear(z[:, None], self.W1, self.b1))
        return complex_linear(hidden, self.W2, self.b2).real


class RealReceiver(nn.Module):
    """Symbols (n,) to logits (n, order) through one hidden layer of real units that read both parts."""

    def __init__(self, width: int, order: int, generator: torch.Generator):
        super().__init__()
        self.W1 = nn.Parameter(torch.randn(width, 2, generator=generator))
        self.b1 = nn.Parameter(torch.zeros(width))
        self.W2 = nn.Parameter(torch.randn(order, width, generator=generator) * math.sqrt(2 / width))
        self.b2 = nn.Parameter(torch.zeros(order))

    def forward(self, z: Tensor) -> Tensor:
        """The logit of each class."""
        hidden = torch.relu(functional.linear(torch.view_as_real(z), self.W1, self.b1))
        return functional.linear(hidden, self.W2, self.b2)


def train_receiver(kind: str, order: int, snr_db: float, steps: int, generator: torch.Generator) -> nn.Module:
    """A small network that learns to tell the symbols of `psk_batch` apart.

    The complex network has `order / 2 + order + 3` hidden units, the real one `order + 2 (order + 2)`: with these
    widths both store the same number of real numbers, counting a complex parameter as two.

    Args:
        kind: "complex" or "real".
        order: how many different symbols, even.
        snr_db: signal-to-noise ratio of the training symbols.
        steps: batches of 128 new symbols, one step of Adam each.
        generator: source of the initial weights and of the symbols.

    Returns:
        The trained model: symbols (n,), complex, to logits (n, order), real.

    Raises:
        ValueError: there is no such kind.
    """
    if kind not in ("complex", "real"):
        raise ValueError(f"kind is {kind!r}; train_receiver expects 'complex' or 'real'")
    model: nn.Module
    if kind == "complex":
        model = ComplexReceiver(order // 2 + order + 3, order, generator)
    else:
        model = RealReceiver(order + 2 * (order + 2), order, generator)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    for _ in range(steps):
        z, labels = psk_batch(128, order, snr_db, generator)
        loss = functional.cross_entropy(model(z), labels)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return model

"""Independent right answers in unusual but honest styles: each must get full marks."""

from __future__ import annotations

LOOPS = {
    "complex_matmul": """
def complex_matmul(ar, ai, br, bi):
    n, m = ar.shape
    p = br.shape[1]
    cr, ci = torch.zeros(n, p, dtype=ar.dtype), torch.zeros(n, p, dtype=ar.dtype)
    for i in range(n):
        for j in range(p):
            for k in range(m):
                cr[i, j] += ar[i, k] * br[k, j] - ai[i, k] * bi[k, j]
                ci[i, j] += ar[i, k] * bi[k, j] + ai[i, k] * br[k, j]
    return cr, ci
""",
    "complex_matmul3": """
def complex_matmul3(ar, ai, br, bi):
    # another set of three: k1 = c (a + b), k2 = a (d - c), k3 = b (c + d)
    k1 = ((ar + ai)[:, :, None] * br[None]).sum(dim=1)
    k2 = (ar[:, :, None] * (bi - br)[None]).sum(dim=1)
    k3 = (ai[:, :, None] * (br + bi)[None]).sum(dim=1)
    return k1 - k3, k1 + k2
""",
    "complex_linear": """
def complex_linear(z, W, b):
    rows = []
    for example in z:
        row = []
        for weights, bias in zip(W, b):
            row.append((example * weights).sum() + bias)
        rows.append(torch.stack(row))
    return torch.stack(rows)
""",
    "complex_conv2d": """
def complex_conv2d(z, w):
    N, C, H, W = z.shape
    O, _, KH, KW = w.shape
    out = torch.zeros(N, O, H - KH + 1, W - KW + 1, dtype=z.dtype)
    for y in range(out.shape[2]):
        for x in range(out.shape[3]):
            patch = z[:, :, y:y + KH, x:x + KW]
            for o in range(O):
                out[:, o, y, x] = (patch * w[o]).sum(dim=(1, 2, 3))
    return out
""",
    "crelu": """
def crelu(z):
    x, y = z.real, z.imag
    x = x * (x > 0)
    y = y * (y > 0)
    return x + 1j * y
""",
    "zrelu": """
def zrelu(z):
    return torch.where((z.real > 0) & (z.imag > 0), z, torch.zeros_like(z))
""",
    "mod_relu": """
def mod_relu(z, b):
    r = torch.sqrt(torch.where(z == 0, torch.ones_like(z.real), z.real ** 2 + z.imag ** 2))
    longer = r + b
    length = torch.where(longer > 0, longer, torch.zeros_like(longer))
    return torch.where(z == 0, torch.zeros_like(z), length / r * z)
""",
    "cardioid": """
def cardioid(z):
    nothing = z == 0
    r = torch.where(nothing, torch.ones_like(z), z).abs()
    return 0.5 * (1 + z.real / r) * z
""",
    "rotation_error": """
def rotation_error(f, z, angle):
    turn = math.cos(angle) + 1j * math.sin(angle)
    turned_first = f(z * complex(turn)).reshape(-1)
    turned_last = (f(z) * complex(turn)).reshape(-1)
    worst = 0.0
    for one, other in zip(turned_first, turned_last):
        worst = max(worst, abs(complex(one) - complex(other)))
    return worst
""",
    "wirtinger": """
def wirtinger(f, z, eps=1e-4):
    flat = z.reshape(-1)
    dz, dconj = torch.zeros_like(flat), torch.zeros_like(flat)
    for k in range(flat.numel()):
        point = flat[k:k + 1]
        fx = (f(point + eps) - f(point - eps))[0] / (2 * eps)
        fy = (f(point + eps * 1j) - f(point - eps * 1j))[0] / (2 * eps)
        dz[k] = 0.5 * (fx - 1j * fy)
        dconj[k] = 0.5 * (fx + 1j * fy)
    return dz.reshape(z.shape), dconj.reshape(z.shape)
""",
    "chain_rule": """
def chain_rule(grad, df_dz, df_dconj):
    gr, gi = grad.real, grad.imag
    ux, uy = (df_dz + df_dconj).real, (1j * (df_dz - df_dconj)).real
    vx, vy = (df_dz + df_dconj).imag, (1j * (df_dz - df_dconj)).imag
    return torch.complex(gr * ux + gi * vx, gr * uy + gi * vy)
""",
    "descent_step": """
def descent_step(z, grad, lr):
    moved = z.clone()
    moved -= lr * grad
    return moved
""",
    "complex_init": """
def complex_init(fan_out, fan_in, generator):
    W = torch.zeros(fan_out, fan_in, dtype=torch.complex64)
    for row in range(fan_out):
        real = torch.randn(fan_in, generator=generator)
        imag = torch.randn(fan_in, generator=generator)
        W[row] = (real + 1j * imag) / fan_in ** 0.5
    return W
""",
    "psk_batch": """
def psk_batch(n, order, snr_db, generator):
    labels = torch.floor(torch.rand(n, generator=generator) * order).long()
    angle = 2 * torch.pi * labels / order
    sigma = (10 ** (-snr_db / 10) / 2) ** 0.5
    x = torch.cos(angle) + sigma * torch.randn(n, generator=generator)
    y = torch.sin(angle) + sigma * torch.randn(n, generator=generator)
    return torch.complex(x, y), labels
""",
    "psk_error_rate": """
def psk_error_rate(order, snr_db):
    from statistics import NormalDist

    snr = 10 ** (snr_db / 10)
    beyond = NormalDist().cdf(-((2 * snr) ** 0.5) * math.sin(math.pi / order))
    return beyond if order == 2 else beyond + beyond
""",
    "train_receiver": """
def train_receiver(kind, order, snr_db, steps, generator):
    class Complex(torch.nn.Module):
        def __init__(self):
            super().__init__()
            h = order // 2 + order + 3
            self.a = torch.nn.Parameter(torch.randn(h, dtype=torch.complex64, generator=generator))
            self.b = torch.nn.Parameter(torch.zeros(h))
            self.c = torch.nn.Parameter(torch.randn(h, order, dtype=torch.complex64, generator=generator) / h ** 0.5)
            self.d = torch.nn.Parameter(torch.zeros(order))

        def forward(self, z):
            h = z.reshape(-1, 1) * self.a
            r = h.abs()
            h = torch.relu(r + self.b) * h / (r + 1e-6)
            return (h @ self.c).real + self.d

    class Real(torch.nn.Module):
        def __init__(self):
            super().__init__()
            h = round((2 * order + 3) * (order // 2 + order + 3) / (order + 3))
            self.a = torch.nn.Linear(2, h)
            self.c = torch.nn.Linear(h, order)

        def forward(self, z):
            h = torch.tanh(self.a(torch.stack([z.real, z.imag], dim=1)))
            return self.c(h)

    model = Complex() if kind == "complex" else Real()
    symbols = torch.exp(2j * torch.pi * torch.arange(order) / order)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.03)
    for step in range(steps):
        labels = torch.randint(0, order, (200,), generator=generator)
        noise = torch.randn(200, dtype=torch.complex64, generator=generator)
        z = symbols[labels] + 10 ** (-snr_db / 20) * noise
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(z), labels)
        loss.backward()
        optimizer.step()
    return model
""",
}

OTHER_FORMULA = {
    "complex_matmul": '''
def complex_matmul(a_real, a_imag, b_real, b_imag):
    """One real product of a block matrix four times as large holds all four."""
    left = torch.cat([torch.cat([a_real, -a_imag], dim=1), torch.cat([a_imag, a_real], dim=1)])
    product = left @ torch.cat([b_real, b_imag])
    return product[:len(a_real)], product[len(a_real):]
''',
    "complex_matmul3": """
def complex_matmul3(ar, ai, br, bi):
    # Karatsuba's form with a difference, on the stack of three
    p, q, r = torch.einsum("knm,kmp->knp", torch.stack([ar, ai, ar - ai]), torch.stack([br, bi, br - bi]))
    return [p - q, p + q - r]
""",
    "complex_linear": """
complex_linear = lambda z, W, b: torch.einsum("nd,od->no", z, W) + b
""",
    "complex_conv2d": """
def complex_conv2d(image, kernel):
    # one real convolution: both parts as channels, tied weights
    u, v = kernel.real, kernel.imag
    tied = torch.cat([torch.cat([u, -v], dim=1), torch.cat([v, u], dim=1)])
    both = torch.nn.functional.conv2d(torch.cat([image.real, image.imag], dim=1), tied)
    return torch.complex(*both.chunk(2, dim=1))
""",
    "crelu": """
def crelu(z: torch.Tensor) -> torch.Tensor:
    return torch.view_as_complex(torch.nn.functional.relu(torch.view_as_real(z.resolve_conj())))
""",
    "zrelu": """
def zrelu(z):
    phase = z.angle()
    inside = (phase > 0) & (phase < torch.pi / 2)
    return z.masked_fill(~inside, 0)
""",
    "mod_relu": """
def mod_relu(z, bias):
    direction = torch.sgn(z)
    return direction * torch.clamp(z.abs() + bias, min=0)
""",
    "cardioid": """
def cardioid(z):
    return torch.cos(z.angle() / 2) ** 2 * z
""",
    "rotation_error": """
import cmath

def rotation_error(function, points, phi):
    r = cmath.rect(1.0, phi)
    return torch.max(torch.abs(function(r * points) / r - function(points)))
""",
    "wirtinger": """
def wirtinger(f, z, eps=1e-4):
    # the four points as corners of a square that is turned by 45 degrees: a discrete Fourier transform
    values = [f(z + eps * 1j ** k) for k in range(4)]
    dz = sum((-1j) ** k * value for k, value in enumerate(values)) / (4 * eps)
    dconj = sum(1j ** k * value for k, value in enumerate(values)) / (4 * eps)
    return dz, dconj
""",
    "chain_rule": """
def chain_rule(g, a, b):
    return torch.conj(torch.conj(g) * a + g * torch.conj(b))
""",
    "descent_step": """
def descent_step(parameter, g, rate):
    return torch.view_as_complex(torch.view_as_real(parameter).contiguous() - rate * torch.view_as_real(g).contiguous())
""",
    "complex_init": """
def complex_init(rows, columns, generator):
    r = torch.empty(rows, columns).exponential_(generator=generator).mul(2 / columns).sqrt()
    phi = torch.empty(rows, columns).uniform_(-torch.pi, torch.pi, generator=generator)
    return r * torch.exp(1j * phi)
""",
    "psk_batch": """
def psk_batch(count, order, snr_db, generator):
    shuffled = torch.randperm(count, generator=generator) % order
    clean = torch.exp(2j * torch.pi * shuffled / order).to(torch.complex64)
    noise = torch.randn(count, dtype=torch.cfloat, generator=generator)
    return clean + noise / 10 ** (snr_db / 20), shuffled
""",
    "psk_error_rate": """
import math

def psk_error_rate(order, snr_db):
    half = 0.5 * math.erfc(10 ** (snr_db / 20) * math.sin(math.pi / order))
    return (order > 2) * half + half
""",
    "train_receiver": """
class Rotor(torch.nn.Module):
    def __init__(self, order):
        super().__init__()
        # the nearest symbol is a linear rule: one complex weight for each class
        self.w = torch.nn.Parameter(0.1 * torch.randn(order, dtype=torch.complex64))

    def forward(self, z):
        return torch.real(z[:, None] * self.w)

class Plain(torch.nn.Module):
    def __init__(self, order):
        super().__init__()
        self.w = torch.nn.Parameter(0.1 * torch.randn(2, order))

    def forward(self, z):
        return torch.view_as_real(z) @ self.w

def train_receiver(kind, order, snr_db, steps, generator):
    model = {"complex": Rotor, "real": Plain}[kind](order)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.3)
    loss_of = torch.nn.CrossEntropyLoss()
    for _ in range(steps):
        labels = torch.randint(order, (256,), generator=generator)
        z = torch.polar(torch.ones(256), 2 * torch.pi * labels / order)
        z = z + 10 ** (-snr_db / 20) * torch.randn(256, dtype=torch.complex64, generator=generator)
        loss = loss_of(model(z), labels)
        model.zero_grad()
        loss.backward()
        optimizer.step()
    return model
""",
}

STYLES: dict[str, dict[str, str]] = {"loops": LOOPS, "other formula": OTHER_FORMULA}

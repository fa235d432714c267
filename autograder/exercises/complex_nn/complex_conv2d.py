"""A complex cross-correlation from four real ones; stride 1, no padding."""

from __future__ import annotations

import numpy as np
import torch

from autograder.exercise import Case
from autograder.exercises.awkward import magnitudes, twice
from autograder.exercises.complex_nn import observers
from autograder.exercises.complex_nn.inputs import EXACT, ONE, TWO, Cases, seed, z_
from autograder.exercises.declare import Asks, hidden, mistake, right, slip, visible
from course_lib import complex_nn

ASKS = Asks(
    complex_nn.complex_conv2d,
    signature="complex_conv2d(z (N, C_in, H, W), w (C_out, C_in, KH, KW)) -> (N, C_out, H - KH + 1, W - KW + 1)",
    points={"basics": 2, "real convolutions": 1},
    hints=(
        "Put convolutions in place of the products in (a + bi)(c + di). How many real ones do you need?",
        "Convolution is linear in the image and in the kernel, so the parts can be convolved one by one: real with "
        "real minus imaginary with imaginary, and the sum of the two mixed ones.",
        "Real part: `functional.conv2d(z.real, w.real)` minus the same of `z.imag, w.imag`. Imaginary part: "
        "`z.real, w.imag` plus `z.imag, w.real`. `torch.complex` joins them.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


@visible
def visible_cases(rng: np.random.Generator) -> Cases:
    """A kernel of one number, then channels; then the same with torch's complex convolutions counted."""
    z = torch.tensor([[1 + 2j, 0.0, 1j], [-1.0, 2 - 1j, 3.0]], dtype=TWO)[None, None]
    yield Case("one number as a kernel", (z, torch.tensor([3 - 1j], dtype=TWO).reshape(1, 1, 1, 1)))
    yield Case("a kernel of two numbers", (z, torch.tensor([[1 + 1j, 2j]], dtype=TWO)[None, None]))
    yield Case("two images, three channels, four kernels", (z_(rng, 2, 3, 5, 4), z_(rng, 4, 3, 3, 2)))
    small = z_(rng, 1, 2, 4, 4), z_(rng, 3, 2, 2, 2), seed(rng)
    yield Case("from real convolutions", small, group="real convolutions", through=observers.convolved)


@hidden
def hidden_cases(rng: np.random.Generator) -> Cases:
    """Other sizes, layouts, precision."""
    yield Case("a kernel as large as the image", (z_(rng, 2, 2, 4, 3), z_(rng, 3, 2, 4, 3)))
    yield from twice(lambda: (z_(rng, 1, 2, 3, 4), z_(rng, 2, 2, 2, 2)))
    yield Case("a wide kernel", (z_(rng, 1, 1, 6, 9), z_(rng, 1, 1, 1, 5)))
    yield Case("single precision", (z_(rng, 3, 4, 6, 5, dtype=ONE), z_(rng, 2, 4, 3, 3, dtype=ONE)))
    z = z_(rng, 2, 6, 5, 8)
    yield Case("slices", (z[:, ::2, :, ::2], z_(rng, 3, 2, 2, 3).transpose(0, 1)))
    z, W = z_(rng, 1, 2, 4, 3), z_(rng, 2, 2, 2, 2)
    yield from magnitudes(lambda scale: (scale * z, W), scales=(1e-14, 1e10), group="basics", tolerance=EXACT)
    other = z_(rng, 2, 3, 5, 5), z_(rng, 2, 3, 3, 1), seed(rng)
    yield Case("from real convolutions", other, group="real convolutions", through=observers.convolved)


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(z, w):
    N, C, H, W = z.shape
    O, _, KH, KW = w.shape
    out = torch.zeros(N, O, H - KH + 1, W - KW + 1, dtype=z.dtype)
    for y in range(out.shape[2]):
        for x in range(out.shape[3]):
            patch = z[:, :, y : y + KH, x : x + KW]
            for o in range(O):
                out[:, o, y, x] = (patch * w[o]).sum(dim=(1, 2, 3))
    return out


@right("other formula")
def other_formula(image, kernel):
    # one real convolution: both parts as channels, tied weights
    u, v = kernel.real, kernel.imag
    tied = torch.cat([torch.cat([u, -v], dim=1), torch.cat([v, u], dim=1)])
    both = torch.nn.functional.conv2d(torch.cat([image.real, image.imag], dim=1), tied)
    return torch.complex(*both.chunk(2, dim=1))


@right("three")
def three(z, w):
    conv = torch.nn.functional.conv2d
    p, q = conv(z.real, w.real), conv(z.imag, w.imag)
    return p - q + 1j * (conv(z.real + z.imag, w.real + w.imag) - p - q)


@right("patches")
def patches(z, w):
    parts = [torch.nn.functional.unfold(part, w.shape[2:]) for part in (z.real.contiguous(), z.imag.contiguous())]
    u, v = w.real.flatten(1), w.imag.flatten(1)
    real = torch.einsum("ok,nkl->nol", u, parts[0]) - torch.einsum("ok,nkl->nol", v, parts[1])
    imag = u @ parts[1] + v @ parts[0]
    both = torch.stack([real, imag], dim=-1).contiguous()
    return torch.view_as_complex(both).view(len(z), len(w), z.shape[2] - w.shape[2] + 1, -1)


@right("layers")
def layers(z, w):
    conv = torch.nn.Conv2d(w.shape[1], 2 * len(w), w.shape[2:], bias=False, dtype=z.real.dtype)
    with torch.no_grad():
        conv.weight.copy_(torch.cat([w.real, w.imag]))
    rr, ri = conv(z.real).detach().split(len(w), dim=1)
    ir, ii = conv(z.imag).detach().split(len(w), dim=1)
    result = torch.empty(rr.shape, dtype=z.dtype)
    result.real, result.imag = rr - ii, ri + ir
    return result


# --- mistakes -----------------------------------------------------------------------------------------------


@mistake
def conv_by_torch(z, w):
    """Right, but torch's own complex convolution did it. Build it from convolutions of real tensors: z.real,
    z.imag, w.real and w.imag."""
    return torch.nn.functional.conv2d(z, w)


@mistake
def conv_part_by_part(z, w):
    """Real with real and imaginary with imaginary: these are two real layers that never meet. Four convolutions are
    needed, one for each pair of parts."""
    conv = torch.nn.functional.conv2d
    return torch.complex(conv(z.real, w.real), conv(z.imag, w.imag))


@mistake
def conv_plus(z, w):
    """The real part has a plus where a minus belongs: i times i is -1, so imaginary times imaginary is subtracted."""
    conv = torch.nn.functional.conv2d
    real = conv(z.real, w.real) + conv(z.imag, w.imag)
    return torch.complex(real, conv(z.real, w.imag) + conv(z.imag, w.real))


conv_conjugated = slip(
    conv_plus,
    "conv(z.real, w.imag) + conv(z.imag, w.real)",
    "conv(z.imag, w.real) - conv(z.real, w.imag)",
    says="The kernel was conjugated. Cross-correlation in mathematics does that; a layer of a network does not: it "
    "multiplies by w as it is.",
)


@mistake
def conv_flipped(z, w):
    """These are the numbers with the kernel flipped. Deep-learning convolution does not flip: take w as it is."""
    conv, w = torch.nn.functional.conv2d, w.flip(2, 3)
    real = conv(z.real, w.real) - conv(z.imag, w.imag)
    return torch.complex(real, conv(z.real, w.imag) + conv(z.imag, w.real))


@mistake
def conv_padded(z, w):
    """The image was padded with zeros first, so the result is too large. Without padding it has H - KH + 1 rows and
    W - KW + 1 columns."""
    pads = [w.shape[3] - 1, w.shape[3] - 1, w.shape[2] - 1, w.shape[2] - 1]
    z = torch.nn.functional.pad(z, pads)
    conv = torch.nn.functional.conv2d
    real = conv(z.real, w.real) - conv(z.imag, w.imag)
    return torch.complex(real, conv(z.real, w.imag) + conv(z.imag, w.real))

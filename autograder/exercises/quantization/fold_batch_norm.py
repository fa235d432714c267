"""One convolution that does the work of a convolution and the batch normalisation after it, in eval mode."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from autograder.exercise import Case
from autograder.exercises.declare import Asks, hidden, mistake, right, slip, visible
from autograder.exercises.quantization import observers
from autograder.exercises.quantization.inputs import LIBRARY, Rng, normal
from course_lib import quantization

ASKS = Asks(
    quantization.fold_batch_norm,
    signature="fold_batch_norm(conv, bn) -> a new nn.Conv2d",
    points={"basics": 2, "corners": 1},
    forbids=LIBRARY,
    through=observers.folded,
    hints=(
        "By what does the normalisation multiply a channel? In which order do mean, gain and shift act on the bias?",
        "The gain is gamma over the root of var + eps. It scales the kernels of each output channel. The bias, 0 "
        "where there is none, minus the mean, times the gain, plus beta, is the new one. Work on a copy.",
        "`gain = bn.weight / torch.sqrt(bn.running_var + bn.eps)`. In `new = copy.deepcopy(conv)` the weight is "
        "`conv.weight * gain[:, None, None, None]`, the bias `(bias - bn.running_mean) * gain + bn.bias`, each a "
        "detached `nn.Parameter`.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


def _folding(
    rng: Rng, x: tuple[int, ...], w: tuple[int, ...], eps: float, stride: int = 1, padding: int = 0, bias: bool = True,
    dtype: torch.dtype = torch.float64,
) -> tuple[Any, ...]:  # fmt: skip
    gamma, var = (torch.from_numpy(rng.uniform(0.2, 2, w[0])).to(dtype) for _ in range(2))
    beta, mean = (normal(rng, w[0], dtype=dtype) for _ in range(2))
    given = normal(rng, w[0], dtype=dtype) if bias else None
    return (normal(rng, *x, dtype=dtype), normal(rng, *w, dtype=dtype), given, (gamma, beta, mean, var), eps, stride,
            padding)  # fmt: skip


@visible
def visible_cases(rng: Rng) -> Iterator[Case]:
    """Smallest first."""
    one = [torch.tensor([each], dtype=torch.float64) for each in (3.0, 0.5, 1.0, 3.0)]
    x, w = torch.ones(1, 1, 1, 2, dtype=torch.float64), torch.full((1, 1, 1, 1), 2.0, dtype=torch.float64)
    yield Case("one weight", (x, w, torch.tensor([5.0], dtype=torch.float64), tuple(one), 1.0, 1, 0))
    yield Case("three channels", _folding(rng, (2, 2, 4, 5), (3, 2, 3, 2), 0.1))
    yield Case("no bias", _folding(rng, (1, 2, 4, 4), (3, 2, 2, 2), 0.05, bias=False), group="corners")
    yield Case("float32, stride and padding", _folding(rng, (2, 2, 5, 6), (4, 2, 3, 3), 0.01, 2, 1,
                                                       dtype=torch.float32), group="corners")  # fmt: skip


@hidden
def hidden_cases(rng: Rng) -> Iterator[Case]:
    """Other sizes."""
    yield Case("more channels", _folding(rng, (2, 4, 5, 5), (6, 4, 3, 3), 1e-2))
    yield Case("as many out as in", _folding(rng, (2, 3, 4, 4), (3, 3, 2, 2), 0.2, 1, 1))
    x, w, bias, (gamma, beta, mean, var), *rest = _folding(rng, (1, 2, 4, 4), (3, 2, 3, 3), 0.3)
    dead = torch.tensor([0.0, 1.0, 0.0], dtype=torch.float64)
    yield Case("variances of zero", (x, w, bias, (gamma, beta, mean, var * dead), *rest), group="corners")
    yield Case("gamma of zero", (x, w, bias, (gamma * dead, beta, mean, var), *rest), group="corners")
    yield Case("no bias, stride of two", _folding(rng, (2, 3, 6, 5), (4, 3, 2, 3), 0.1, 2, bias=False),
               group="corners")  # fmt: skip


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(conv, bn):
    new = nn.Conv2d(
        conv.in_channels,
        conv.out_channels,
        conv.kernel_size,
        conv.stride,
        conv.padding,
        conv.dilation,
        conv.groups,
        dtype=conv.weight.dtype,
    )
    for c in range(conv.out_channels):
        gain = bn.weight[c].item() / math.sqrt(bn.running_var[c].item() + bn.eps)
        bias = conv.bias[c].item() if conv.bias is not None else 0.0
        new.weight.data[c] = conv.weight.data[c] * gain
        new.bias.data[c] = (bias - bn.running_mean[c].item()) * gain + bn.bias[c].item()
    return new


@right("other formula")
def other_formula(conv, bn):
    # what the two do together is linear: ask them for the shift, and scale by what is left
    new = copy.deepcopy(conv)
    zeros = torch.zeros(1, conv.out_channels, 1, 1, dtype=conv.weight.dtype)
    with torch.no_grad():
        gain = (bn(zeros + 1) - bn(zeros)).flatten()
        start = zeros if conv.bias is None else conv.bias.reshape(zeros.shape)
        new.weight = nn.Parameter(torch.einsum("o,oikl->oikl", gain, conv.weight))
        new.bias = nn.Parameter(bn(start).flatten())
    return new


# --- mistakes -----------------------------------------------------------------------------------------------


def answer(conv, bn):
    import copy

    new = copy.deepcopy(conv)
    gain = bn.weight / torch.sqrt(bn.running_var + bn.eps)
    bias = 0 if conv.bias is None else conv.bias
    new.weight = torch.nn.Parameter((conv.weight * gain[:, None, None, None]).detach())
    new.bias = torch.nn.Parameter(((bias - bn.running_mean) * gain + bn.bias).detach())
    return new


fold_forgets_eps = slip(
    answer,
    "bn.running_var + bn.eps",
    "bn.running_var",
    says="eps is missing. Batch normalisation divides by sqrt(var + eps).",
)


fold_divides_by_variance = slip(
    answer,
    "torch.sqrt(bn.running_var + bn.eps)",
    "(bn.running_var + bn.eps)",
    says="This divides by the variance. Batch normalisation divides by its root: sqrt(var + eps).",
)


fold_leaves_bias_unscaled = slip(
    answer,
    "(bias - bn.running_mean) * gain",
    "bias - bn.running_mean * gain",
    says="The bias of the convolution was not scaled. It passes through the normalisation like everything else: "
    "(bias - mean) * gain + beta.",
)


fold_scales_input_channels = slip(
    answer,
    "gain[:, None, None, None]",
    "gain[None, :, None, None]",
    says="The gains were applied along the input channels. Batch normalisation scales what comes out, and that is "
    "dimension 0 of the weight.",
)


@mistake
def fold_in_place(conv, bn):
    """The given convolution itself was changed. Whoever still uses it now gets other numbers: build a new one, with
    copy.deepcopy for example."""
    gain = bn.weight / torch.sqrt(bn.running_var + bn.eps)
    bias = 0 if conv.bias is None else conv.bias
    conv.weight = torch.nn.Parameter((conv.weight * gain[:, None, None, None]).detach())
    conv.bias = torch.nn.Parameter(((bias - bn.running_mean) * gain + bn.bias).detach())
    return conv

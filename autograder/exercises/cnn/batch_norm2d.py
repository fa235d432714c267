"""Gives every channel mean `beta` and standard deviation `gamma`, by the rules of torch's `BatchNorm2d`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from autograder.calls import Probe
from autograder.exercise import Case
from autograder.exercises.awkward import EXTREMES, RELATIVE
from autograder.exercises.cnn.inputs import array
from autograder.exercises.declare import Asks, hidden, holds, mistake, right, slip, visible
from course_lib import cnn

ASKS = Asks(
    cnn.batch_norm2d,
    signature=(
        "batch_norm2d(x (N, C, H, W), gamma (C,), beta (C,), running_mean (C,), running_var (C,), training, "
        "momentum=0.1, eps=1e-5) -> (y, running_mean, running_var)"
    ),
    points={"training": 3, "evaluation": 1},
    forbids=("torch.batch_norm", "torch.nn.BatchNorm2d", "torch.nn.functional.batch_norm"),
    hints=(
        "How many means do 8 images of 3 channels have? And whose mean is used once training is over?",
        "In training: mean and biased variance over batch, rows and columns normalise, and the running values move "
        "towards them by the share momentum, the variance in its unbiased form. Otherwise the running values "
        "normalise and stay.",
        "Reduce over `axis=(0, 2, 3)`; with `n = x.size // C` the running variance gets `momentum * var * n / (n - "
        "1)`. `y` is `gamma * (x - mean) / np.sqrt(var + eps) + beta`, each vector as `v[:, None, None]`.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


def _normed(rng: np.random.Generator, *shape: int, dtype: DTypeLike = float) -> tuple[Any, ...]:
    spread, shift = rng.uniform(0.5, 3, shape[1]), rng.uniform(-4, 4, shape[1])
    x = spread[:, None, None] * rng.standard_normal(shape) + shift[:, None, None]
    channel = [rng.uniform(0.5, 2, shape[1]), *rng.standard_normal((2, shape[1])), rng.uniform(0.5, 3, shape[1])]
    return tuple(each.astype(dtype) for each in (x, *channel))


@visible
def visible_cases(rng: np.random.Generator) -> Iterator[Case]:
    x = np.array([[[[1.0, 3.0]]], [[[5.0, 7.0]]]])
    ones, zeros = np.ones(1), np.zeros(1)
    yield Case("one channel, in training", (x, ones, zeros, zeros, ones, True), group="training")
    yield Case("three channels, in training", (*_normed(rng, 4, 3, 3, 2), True), group="training")
    small = (1e-2 * array(rng, 3, 2, 2, 3), *_normed(rng, 3, 2, 2, 3)[1:])
    yield Case("small numbers, a large eps", (*small, True, 0.3, 1e-2), group="training")
    yield Case("in evaluation", (*_normed(rng, 2, 3, 3, 4), False), group="evaluation")
    yield Case("in evaluation, one image, large eps", (*_normed(rng, 1, 2, 4, 3), False, 0.1, 0.5), group="evaluation")
    yield Case("float32, in training", (*_normed(rng, 3, 2, 4, 2, dtype=np.float32), True), group="training")


@hidden
def hidden_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case("a larger batch", (*_normed(rng, 6, 4, 5, 3), True), group="training")
    yield Case("one image", (*_normed(rng, 1, 3, 4, 4), True), group="training")
    yield Case("one pixel per channel", (*_normed(rng, 5, 3, 1, 1), True, 0.5), group="training")
    yield Case("a constant channel", (np.full((2, 2, 3, 3), 4.0), *_normed(rng, 2, 2, 3, 3)[1:], True), {}, "training")
    x, *rest = _normed(rng, 8, 6, 4, 5)
    yield Case("slices", (x[::2, ::2, :, ::-1], *(each[::2] for each in rest), True), group="training")
    yield Case("in evaluation, momentum given", (*_normed(rng, 4, 3, 2, 5), False, 0.9), group="evaluation")
    yield Case("in evaluation, float32", (*_normed(rng, 2, 4, 3, 3, dtype=np.float32), False), group="evaluation")
    yield Case("in evaluation, one number", (*_normed(rng, 1, 1, 1, 1), False), group="evaluation")
    for training, group in ((True, "training"), (False, "evaluation")):
        for scale in EXTREMES:
            x, gamma, beta, mean, var = _normed(rng, 3, 2, 3, 2)
            arguments = (scale * x, gamma, min(scale, 1.0) * beta, scale * mean, scale**2 * var, training)
            yield Case(f"{group}, numbers around {scale:g}", arguments, group=group, tolerance=RELATIVE)


# --- properties ----------------------------------------------------------------------------------------------


@holds("the running averages approach the mean and variance", group="training")
def norm_learns_averages(call: Probe, rng: np.random.Generator) -> str | None:
    mean, var = np.zeros(2), np.ones(2)
    for _ in range(60):
        batch = np.array([3.0, -1.0])[:, None, None] + np.array([2.0, 0.5])[:, None, None] * array(rng, 8, 2, 4, 4)
        _, mean, var = call(batch, np.ones(2), np.zeros(2), mean, var, True)
    far = np.abs(np.asarray(mean) - [3, -1]).max(), np.abs(np.asarray(var) - [4, 0.25]).max()
    if far[0] > 0.3 or far[1] > 0.8:
        return "after 60 batches the running averages are still far from the mean and variance of the data"
    return None


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(x, gamma, beta, running_mean, running_var, training, momentum=0.1, eps=1e-5):
    y = np.zeros_like(x)
    means, variances = running_mean.copy(), running_var.copy()
    for c in range(x.shape[1]):
        channel = x[:, c]
        if training:
            m = sum(channel.ravel()) / channel.size
            v = sum((channel.ravel() - m) ** 2) / channel.size
            means[c] = (1 - momentum) * running_mean[c] + momentum * m
            variances[c] = (1 - momentum) * running_var[c] + momentum * v * channel.size / (channel.size - 1)
        else:
            m, v = running_mean[c], running_var[c]
        y[:, c] = gamma[c] * (channel - m) / (v + eps) ** 0.5 + beta[c]
    return y, means, variances


@right("other formula")
def other_formula(x, gamma, beta, running_mean, running_var, training, momentum=0.1, eps=1e-5):
    rows = np.moveaxis(x, 1, -1).reshape(-1, x.shape[1])
    if not training:
        inverse = 1 / np.sqrt(running_var + eps)
        y = rows * (gamma * inverse) + (beta - running_mean * gamma * inverse)
    else:
        centred = rows - rows.mean(0)
        y = centred / np.sqrt(np.mean(centred * centred, axis=0) + eps) * gamma + beta
        running_mean = running_mean + momentum * (rows.mean(0) - running_mean)
        running_var = running_var + momentum * (rows.var(0, ddof=1) - running_var)
    N, C, H, W = x.shape
    return np.moveaxis(y.reshape(N, H, W, C), -1, 1), np.array(running_mean), np.array(running_var)


# --- mistakes -----------------------------------------------------------------------------------------------


def answer(x, gamma, beta, running_mean, running_var, training, momentum=0.1, eps=1e-5):
    shape = (1, -1, 1, 1)
    mean, var = running_mean, running_var
    if training:
        mean, var = x.mean(axis=(0, 2, 3)), x.var(axis=(0, 2, 3))
        n = x.size / x.shape[1]
        running_mean = (1 - momentum) * running_mean + momentum * mean
        running_var = (1 - momentum) * running_var + momentum * var * n / (n - 1)
    y = gamma.reshape(shape) * (x - mean.reshape(shape)) / np.sqrt(var.reshape(shape) + eps) + beta.reshape(shape)
    return y, running_mean.copy(), running_var.copy()


@mistake
def norm_each_image(x, gamma, beta, running_mean, running_var, training, momentum=0.1, eps=1e-5):
    """Every image was normalised by itself: that is instance normalisation. The mean and variance of a channel are
    taken over the whole batch too, axis=(0, 2, 3)."""
    shape = (1, -1, 1, 1)
    if training:
        mean, var = x.mean(axis=(2, 3), keepdims=True), x.var(axis=(2, 3), keepdims=True)
        n = x.size / x.shape[1]
        running_mean = (1 - momentum) * running_mean + momentum * x.mean(axis=(0, 2, 3))
        running_var = (1 - momentum) * running_var + momentum * x.var(axis=(0, 2, 3)) * n / (n - 1)
    else:
        mean, var = running_mean.reshape(shape), running_var.reshape(shape)
    y = gamma.reshape(shape) * (x - mean) / np.sqrt(var + eps) + beta.reshape(shape)
    return y, running_mean.copy(), running_var.copy()


norm_each_pixel = slip(
    norm_each_image,
    "x.mean(axis=(2, 3), keepdims=True), x.var(axis=(2, 3), keepdims=True)",
    "x.mean(axis=0, keepdims=True), x.var(axis=0, keepdims=True)",
    says="Every position of a channel has its own mean here. A channel has one mean and one variance, over the batch "
    "and all positions: axis=(0, 2, 3).",
)


norm_biased_average = slip(
    answer,
    ("n = x.size / x.shape[1]", ""),
    ("momentum * var * n / (n - 1)", "momentum * var"),
    says="The output is right, but the running variance uses the variance with divisor n. It has to use the unbiased "
    "one, n - 1: multiply by n / (n - 1).",
)


norm_unbiased_output = slip(
    answer,
    (
        "mean, var = x.mean(axis=(0, 2, 3)), x.var(axis=(0, 2, 3))\nn = x.size / x.shape[1]",
        "mean, var = x.mean(axis=(0, 2, 3)), x.var(axis=(0, 2, 3), ddof=1)",
    ),
    ("momentum * var * n / (n - 1)", "momentum * var"),
    says="The output was divided by the unbiased deviation. In the output the variance has divisor n; only the "
    "running average uses n - 1.",
)


norm_momentum_swapped = slip(
    answer,
    ("(1 - momentum) * running_mean + momentum * mean", "momentum * running_mean + (1 - momentum) * mean"),
    (
        "(1 - momentum) * running_var + momentum * var * n / (n - 1)",
        "momentum * running_var + (1 - momentum) * var * n / (n - 1)",
    ),
    says="The running averages forget too fast: momentum was applied to the old value. In torch it is the weight of "
    "the new batch: (1 - momentum) old + momentum new.",
)


norm_eps_outside = slip(
    answer,
    "np.sqrt(var.reshape(shape) + eps)",
    "(np.sqrt(var.reshape(shape)) + eps)",
    says="eps was added to the deviation. It belongs under the root: sqrt(var + eps).",
)


norm_always_by_batch = slip(
    norm_unbiased_output,
    ("mean, var = running_mean, running_var", "mean, var = x.mean(axis=(0, 2, 3)), x.var(axis=(0, 2, 3))"),
    ("mean, var = x.mean(axis=(0, 2, 3)), x.var(axis=(0, 2, 3), ddof=1)", "n = x.size / x.shape[1]"),
    ("momentum * var", "momentum * var * n / (n - 1)"),
    says="The batch's own mean and variance were used although training is False. In that case use the running ones, "
    "and leave them as they are.",
)


norm_forgets = slip(
    answer,
    "n = x.size / x.shape[1]\n"
    "running_mean = (1 - momentum) * running_mean + momentum * mean\n"
    "running_var = (1 - momentum) * running_var + momentum * var * n / (n - 1)",
    "",
    says="The running averages came back unchanged after a training batch. Without them there is nothing to use "
    "once training is over.",
)

"""Convolution backward, batch normalisation and a trained network: what is asked and how it is probed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from autograder.exercise import Case, Exercise, Probe, Property, Rules
from autograder.exercises.cnn_training_mistakes import MISTAKES, are_probabilities, is_affine
from autograder.harness import cnn as harness
from course_lib import cnn, data

__all__ = ["EXERCISES"]

Array = NDArray[Any]

FORBIDDEN = (
    "scipy.ndimage",
    "scipy.signal",
    "torch.autograd",
    "torch.conv2d",
    "torch.nn.Conv2d",
    "torch.nn.Fold",
    "torch.nn.functional.conv2d",
    "torch.nn.functional.fold",
    "torch.nn.functional.max_pool2d",
)
"""What would do the work that is asked."""

LEAST = 0.97
"""Accuracy that a trained network must reach on 360 digits that it has not seen."""
HELD_OUT = 360


def _array(rng: np.random.Generator, *shape: int, dtype: DTypeLike = float) -> Array:
    return rng.standard_normal(shape).astype(dtype)


# --- col2im ---------------------------------------------------------------------------------------------

Shape = tuple[int, int, int, int]


def _columns(
    rng: np.random.Generator,
    shape: Shape,
    kernel: tuple[int, int],
    stride: int = 1,
    padding: int = 0,
    dtype: DTypeLike = float,
) -> tuple[Any, ...]:
    sides = [cnn.output_size(size, side, stride, padding) for size, side in zip(shape[2:], kernel, strict=True)]
    cols = _array(rng, shape[0], shape[1] * kernel[0] * kernel[1], sides[0] * sides[1], dtype=dtype)
    return cols, shape, kernel, stride, padding


def _col2im_visible(rng: np.random.Generator) -> Iterator[Case]:
    cols = np.array([[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0]]])
    yield Case("two patches that share a column", (cols, (1, 1, 2, 3), (2, 2)))
    yield Case("two channels", _columns(rng, (1, 2, 3, 4), (2, 2)))
    yield Case("a batch and a wide kernel", _columns(rng, (2, 2, 4, 6), (2, 3)))
    yield Case("padding", _columns(rng, (2, 1, 3, 4), (3, 2), 1, 1), group="geometry")
    yield Case("stride of two", _columns(rng, (1, 2, 7, 6), (3, 2), 2), group="geometry")
    yield Case("float32, stride and padding", _columns(rng, (2, 2, 5, 6), (3, 3), 2, 1, np.float32), group="geometry")


def _col2im_hidden(rng: np.random.Generator) -> Iterator[Case]:
    yield Case("a larger batch", _columns(rng, (4, 3, 7, 6), (3, 3)))
    yield Case("a kernel of one", _columns(rng, (2, 3, 4, 3), (1, 1)))
    yield Case("patches that do not touch", _columns(rng, (1, 2, 8, 7), (2, 2), 3), group="geometry")
    yield Case("only padding makes it fit", _columns(rng, (2, 1, 2, 3), (4, 5), 1, 2), group="geometry")
    yield Case("the kernel as large as the image", _columns(rng, (2, 2, 4, 3), (4, 3)), group="geometry")
    cols, *rest = _columns(rng, (2, 2, 6, 5), (2, 3), 1, 1)
    yield Case("columns in Fortran order", (np.asfortranarray(cols), *rest), group="geometry")


def _col2im_is_adjoint(call: Probe, rng: np.random.Generator) -> str | None:
    x = _array(rng, 2, 2, 5, 6)
    patches = cnn.im2col(x, (3, 2), 2, 1)
    cols = rng.standard_normal(patches.shape)
    if not np.isclose(np.vdot(patches, cols), np.vdot(x, call(cols, x.shape, (3, 2), 2, 1))):
        return "the sum of im2col(x) * c must equal the sum of x * col2im(c): that is what makes it the adjoint"
    return None


# --- conv2d_backward ------------------------------------------------------------------------------------


def _backward(
    rng: np.random.Generator,
    x: Shape,
    w: tuple[int, int, int, int],
    stride: int = 1,
    padding: int = 0,
    dtype: DTypeLike = float,
) -> tuple[Any, ...]:
    rows, columns = (cnn.output_size(size, side, stride, padding) for size, side in zip(x[2:], w[2:], strict=True))
    arrays = [_array(rng, *shape, dtype=dtype) for shape in ((x[0], w[0], rows, columns), x, w)]
    return (*arrays, stride, padding)


def _backward_visible(rng: np.random.Generator) -> Iterator[Case]:
    x = np.array([[[[1.0, 2.0, 0.0], [0.0, 1.0, 3.0]]]])
    w, dout = np.array([[[[1.0, -1.0], [2.0, 3.0]]]]), np.array([[[[1.0, 10.0]]]])
    yield Case("one channel, two places", (dout, x, w))
    yield Case("a batch of two", _backward(rng, (2, 1, 4, 5), (3, 1, 2, 2)))
    yield Case("several channels", _backward(rng, (3, 2, 4, 5), (4, 2, 3, 3)))
    yield Case("padding", _backward(rng, (2, 2, 4, 3), (3, 2, 3, 3), 1, 1), group="geometry")
    yield Case("stride", _backward(rng, (2, 3, 6, 7), (2, 3, 3, 2), 2), group="geometry")
    yield Case(
        "float32, stride and padding", _backward(rng, (2, 2, 5, 6), (3, 2, 3, 3), 2, 1, np.float32), group="geometry"
    )


def _backward_hidden(rng: np.random.Generator) -> Iterator[Case]:
    yield Case("a larger batch", _backward(rng, (5, 3, 7, 6), (4, 3, 3, 3)))
    yield Case("one image", _backward(rng, (1, 2, 5, 4), (3, 2, 2, 2)))
    yield Case("a kernel of one", _backward(rng, (2, 4, 3, 5), (3, 4, 1, 1)))
    yield Case("a stride that leaves a rest", _backward(rng, (2, 2, 8, 9), (3, 2, 3, 2), 3), group="geometry")
    yield Case("a tall kernel", _backward(rng, (2, 2, 7, 4), (3, 2, 4, 1), 2, 1), group="geometry")
    yield Case("only padding makes it fit", _backward(rng, (2, 2, 2, 3), (3, 2, 4, 5), 1, 2), group="geometry")
    dout, x, w, stride, padding = _backward(rng, (4, 4, 6, 5), (6, 4, 3, 3), 2, 1)
    yield Case(
        "slices of other arrays",
        (dout[::2, ::2], x[::2, ::2, :, ::-1], np.asfortranarray(w[::2, ::2]), stride, padding),
        group="geometry",
    )


def _backward_is_the_slope(call: Probe, rng: np.random.Generator) -> str | None:
    dout, x, w, stride, padding = _backward(rng, (2, 2, 5, 4), (3, 2, 3, 2), 2, 1)
    dx, dw, db = call(dout, x, w, stride, padding)
    steps = [1e-5 * rng.standard_normal(each.shape) for each in (x, w, np.zeros(3))]
    ahead = cnn.conv2d(x + steps[0], w + steps[1], steps[2], stride, padding)
    behind = cnn.conv2d(x - steps[0], w - steps[1], -steps[2], stride, padding)
    change = np.vdot(dout, ahead - behind) / 2
    for name, gradient, step in (("dx", dx, steps[0]), ("dw", dw, steps[1]), ("db", db, steps[2])):
        if np.shape(gradient) != step.shape:
            return f"{name} has shape {np.shape(gradient)}; a gradient has the shape of what it is for, {step.shape}"
    told = sum(float(np.vdot(gradient, step)) for gradient, step in zip((dx, dw, db), steps, strict=True))
    if not np.isclose(change, told, rtol=1e-4, atol=1e-9):
        return f"a small step of x, w and b changed the loss by {change:.6g}; your gradients foretell {told:.6g}"
    return None


# --- max_pool2d_backward --------------------------------------------------------------------------------


def _pool_backward(
    rng: np.random.Generator,
    x: Array,
    kernel: int | tuple[int, int],
    stride: int | None = None,
    dtype: DTypeLike = float,
) -> tuple[Any, ...]:
    dout = rng.standard_normal(cnn.max_pool2d(x, kernel, stride).shape).astype(dtype)
    return (dout, x.astype(dtype), kernel) if stride is None else (dout, x.astype(dtype), kernel, stride)


def _pool_backward_visible(rng: np.random.Generator) -> Iterator[Case]:
    x = np.array([[[[1.0, 2.0, 0.0, 3.0], [4.0, 0.0, 5.0, 1.0]]]])
    yield Case("two windows", (np.array([[[[10.0, 20.0]]]]), x, 2))
    yield Case("a batch with a rest", _pool_backward(rng, _array(rng, 2, 2, 5, 6), 2))
    yield Case("windows that overlap", _pool_backward(rng, _array(rng, 1, 2, 5, 4), 3, 1), group="corners")
    yield Case("a window that is no square", _pool_backward(rng, _array(rng, 2, 2, 4, 6), (2, 3)), group="corners")
    tied = np.array([[[[2.0, 2.0, 1.0], [0.0, 2.0, 1.0]]]])
    yield Case("ties", (np.array([[[[6.0, 12.0]]]]), tied, 2, 1), group="ties")
    yield Case("after a ReLU", _pool_backward(rng, np.maximum(np.round(_array(rng, 2, 2, 6, 6)), 0), 3), group="ties")


def _pool_backward_hidden(rng: np.random.Generator) -> Iterator[Case]:
    x = _array(rng, 3, 2, 8, 7)
    yield Case("a larger batch", _pool_backward(rng, x, 3))
    yield Case("all negative", _pool_backward(rng, -np.abs(x) - 1, 2))
    yield Case("float32", _pool_backward(rng, x, (3, 2), dtype=np.float32), group="corners")
    yield Case("overlapping, tall windows", _pool_backward(rng, x, (4, 1), 2), group="corners")
    yield Case("a stride beyond the window", _pool_backward(rng, x, 2, 3), group="corners")
    dout, _, kernel = _pool_backward(rng, x[::2, :, :, ::-1], 2)
    yield Case("a slice of another array", (dout, x[::2, :, :, ::-1], kernel), group="corners")
    yield Case("rounded numbers", _pool_backward(rng, np.round(x), (2, 3), 2), group="ties")
    yield Case("nothing but zeros", _pool_backward(rng, np.zeros((2, 1, 4, 6)), 2), group="ties")


# --- batch_norm2d ---------------------------------------------------------------------------------------


def _normed(rng: np.random.Generator, *shape: int, dtype: DTypeLike = float) -> tuple[Any, ...]:
    spread, shift = rng.uniform(0.5, 3, shape[1]), rng.uniform(-4, 4, shape[1])
    x = spread[:, None, None] * rng.standard_normal(shape) + shift[:, None, None]
    channel = [rng.uniform(0.5, 2, shape[1]), *rng.standard_normal((2, shape[1])), rng.uniform(0.5, 3, shape[1])]
    return tuple(each.astype(dtype) for each in (x, *channel))


def _norm_visible(rng: np.random.Generator) -> Iterator[Case]:
    x = np.array([[[[1.0, 3.0]]], [[[5.0, 7.0]]]])
    ones, zeros = np.ones(1), np.zeros(1)
    yield Case("one channel, in training", (x, ones, zeros, zeros, ones, True), group="training")
    yield Case("three channels, in training", (*_normed(rng, 4, 3, 3, 2), True), group="training")
    small = (1e-2 * _array(rng, 3, 2, 2, 3), *_normed(rng, 3, 2, 2, 3)[1:])
    yield Case("small numbers, a large eps", (*small, True, 0.3, 1e-2), group="training")
    yield Case("afterwards", (*_normed(rng, 2, 3, 3, 4), False), group="evaluation")
    yield Case("afterwards, one image, a large eps", (*_normed(rng, 1, 2, 4, 3), False, 0.1, 0.5), group="evaluation")
    yield Case("float32, in training", (*_normed(rng, 3, 2, 4, 2, dtype=np.float32), True), group="training")


def _norm_hidden(rng: np.random.Generator) -> Iterator[Case]:
    yield Case("a larger batch", (*_normed(rng, 6, 4, 5, 3), True), group="training")
    yield Case("one image", (*_normed(rng, 1, 3, 4, 4), True), group="training")
    yield Case("one pixel a channel", (*_normed(rng, 5, 3, 1, 1), True, 0.5), group="training")
    yield Case("a constant channel", (np.full((2, 2, 3, 3), 4.0), *_normed(rng, 2, 2, 3, 3)[1:], True), {}, "training")
    x, *rest = _normed(rng, 8, 6, 4, 5)
    yield Case("slices", (x[::2, ::2, :, ::-1], *(each[::2] for each in rest), True), group="training")
    yield Case("afterwards, momentum given", (*_normed(rng, 4, 3, 2, 5), False, 0.9), group="evaluation")
    yield Case("afterwards, float32", (*_normed(rng, 2, 4, 3, 3, dtype=np.float32), False), group="evaluation")
    yield Case("afterwards, one number", (*_normed(rng, 1, 1, 1, 1), False), group="evaluation")


def _norm_learns_averages(call: Probe, rng: np.random.Generator) -> str | None:
    mean, var = np.zeros(2), np.ones(2)
    for _ in range(60):
        batch = np.array([3.0, -1.0])[:, None, None] + np.array([2.0, 0.5])[:, None, None] * _array(rng, 8, 2, 4, 4)
        _, mean, var = call(batch, np.ones(2), np.zeros(2), mean, var, True)
    far = np.abs(np.asarray(mean) - [3, -1]).max(), np.abs(np.asarray(var) - [4, 0.25]).max()
    if far[0] > 0.3 or far[1] > 0.8:
        return "after 60 batches the running averages are still far from the mean and variance of the data"
    return None


# --- a network for the digits ---------------------------------------------------------------------------


def _probes(rng: np.random.Generator) -> Any:
    """Two images and the one between them."""
    import torch

    two = 4 * rng.random((2, 1, 8, 8))
    return torch.from_numpy(np.concatenate([two, two.mean(axis=0, keepdims=True)]).astype(np.float32))


def _built(name: str, rng: np.random.Generator, classes: int) -> Case:
    return Case(name, (classes, _probes(rng), int(rng.integers(2**31))), group="builds", through=harness.built)


def _trained(name: str, rng: np.random.Generator) -> Case:
    """Digits in another order, with other names for the classes and some noise."""
    import torch

    digits = data.digits()
    x, labels = (
        np.concatenate([getattr(part, field) for part in (digits.train, digits.test)]) for field in ("x", "labels")
    )
    order, names = rng.permutation(len(labels)), rng.permutation(10)
    noisy = x[order] + 0.05 * rng.standard_normal(x.shape)
    images = torch.from_numpy(noisy.astype(np.float32).reshape(-1, 1, 8, 8))
    classes = torch.from_numpy(names[labels[order]])
    args = (10, _probes(rng), images[HELD_OUT:], classes[HELD_OUT:], images[:HELD_OUT], int(rng.integers(2**31)))
    return Case(name, args, group="learns", known=classes[:HELD_OUT], through=harness.trained)


def _build_visible(rng: np.random.Generator) -> Iterator[Case]:
    yield _built("ten classes", rng, 10)
    yield _built("four classes", rng, 4)
    yield _trained("trained and asked for unseen digits", rng)


def _build_hidden(rng: np.random.Generator) -> Iterator[Case]:
    yield _built("seven classes", rng, 7)
    yield _trained("trained on other digits", rng)


def _accepts_network(case: Case, value: Any) -> str | None:
    classes = case.args[0]
    problem = _form(classes, value["logits"], value["single"])
    if problem is not None:
        return problem
    if value["parameters"] > harness.LARGEST:
        return f"the network has {value['parameters']:,} parameters; at most {harness.LARGEST:,} are allowed"
    if value["kernels"] == 0:
        return "the network does not convolve: no kernel of its own is laid on more than one place of the image"
    if are_probabilities(value["logits"]):
        return "the outputs of each image are positive and add up to 1: return logits, without a softmax"
    if is_affine(value["logits"]):
        return "the network is one straight map: the image between two others gets exactly the logits between theirs"
    return _learned(value["predicted"], case.known) if "predicted" in value else None


def _form(classes: int, logits: Any, single: Any) -> str | None:
    for count, found in ((3, logits), (1, single)):
        if tuple(found.shape) != (count, classes):
            return f"{count} images give outputs of shape {tuple(found.shape)}; expected is {(count, classes)}"
    if not np.allclose(np.asarray(logits[:1]), np.asarray(single), atol=1e-4):
        return "in eval mode an image's logits change with the other images of its batch"
    return None


def _learned(predicted: Any, labels: Any) -> str | None:
    if tuple(predicted.shape) != tuple(labels.shape):
        return f"the predictions have shape {tuple(predicted.shape)}; expected is {tuple(labels.shape)}"
    share = float((np.asarray(predicted) == np.asarray(labels)).mean())
    if share < LEAST:
        return (
            f"after the course's training it reads {100 * share:.1f} % of {len(labels)} unseen digits; 97 % are asked"
        )
    return None


# --- one epoch, one evaluation --------------------------------------------------------------------------


def _small(rng: np.random.Generator, count: int, features: int, classes: int) -> tuple[Any, Any, Any]:
    """Weights of a small network with 5 hidden units, inputs and labels."""
    import torch

    shapes: tuple[tuple[int, ...], ...] = ((5, features), (5,), (5,), (5,), (classes, 5), (classes,))
    weights = [torch.from_numpy(rng.standard_normal(shape)) for shape in shapes]
    x = torch.from_numpy(2 * rng.standard_normal((count, features)) + 1)
    return weights, x, torch.from_numpy(rng.integers(0, classes, count))


def _epoch_visible(rng: np.random.Generator) -> Iterator[Case]:
    yield Case("two batches of four", (*_small(rng, 8, 3, 2), 4, 0.1))
    yield Case("a last batch of two", (*_small(rng, 14, 4, 3), 6, 0.05))


def _epoch_hidden(rng: np.random.Generator) -> Iterator[Case]:
    yield Case("one batch", (*_small(rng, 9, 3, 4), 9, 0.1))
    yield Case("a last batch of three", (*_small(rng, 23, 5, 3), 10, 0.2))
    yield Case("many small batches", (*_small(rng, 22, 2, 5), 4, 0.02))


def _evaluate_visible(rng: np.random.Generator) -> Iterator[Case]:
    yield Case("two batches of six", (*_small(rng, 12, 3, 2), 6))
    yield Case("a last batch of two", (*_small(rng, 26, 4, 3), 8))


def _evaluate_hidden(rng: np.random.Generator) -> Iterator[Case]:
    yield Case("one batch", (*_small(rng, 30, 3, 4), 30))
    yield Case("one sample at a time", (*_small(rng, 31, 4, 3), 1))
    yield Case("a last batch of one", (*_small(rng, 41, 5, 3), 10))


EXERCISES = (
    Exercise(
        id="cnn.col2im",
        reference=cnn.col2im,
        signature="col2im(cols (N, C*KH*KW, L), image_shape (N, C, H, W), kernel (KH, KW), stride=1, padding=0)"
        " -> (N, C, H, W)",
        groups={"basics": 1, "geometry": 1},
        visible=_col2im_visible,
        hidden=_col2im_hidden,
        misconceptions=MISTAKES["col2im"],
        properties=(Property("the adjoint of im2col", _col2im_is_adjoint, "geometry"),),
        rules=Rules(forbids=FORBIDDEN),
    ),
    Exercise(
        id="cnn.conv2d_backward",
        reference=cnn.conv2d_backward,
        signature="conv2d_backward(dout (N, C_out, H', W'), x (N, C, H, W), w (C_out, C, KH, KW), stride=1, padding=0)"
        " -> (dx, dw, db)",
        groups={"basics": 3, "geometry": 2},
        visible=_backward_visible,
        hidden=_backward_hidden,
        misconceptions=MISTAKES["conv2d_backward"],
        properties=(Property("the gradients foretell a small step", _backward_is_the_slope, "geometry"),),
        rules=Rules(forbids=FORBIDDEN),
    ),
    Exercise(
        id="cnn.max_pool2d_backward",
        reference=cnn.max_pool2d_backward,
        signature="max_pool2d_backward(dout (N, C, H', W'), x (N, C, H, W), kernel, stride=None) -> (N, C, H, W)",
        groups={"basics": 1, "corners": 1, "ties": 1},
        visible=_pool_backward_visible,
        hidden=_pool_backward_hidden,
        misconceptions=MISTAKES["max_pool2d_backward"],
        rules=Rules(forbids=FORBIDDEN),
    ),
    Exercise(
        id="cnn.batch_norm2d",
        reference=cnn.batch_norm2d,
        signature="batch_norm2d(x (N, C, H, W), gamma (C,), beta (C,), running_mean (C,), running_var (C,), training,"
        " momentum=0.1, eps=1e-5) -> (y, running_mean, running_var)",
        groups={"training": 3, "evaluation": 1},
        visible=_norm_visible,
        hidden=_norm_hidden,
        misconceptions=MISTAKES["batch_norm2d"],
        properties=(Property("the averages find mean and variance", _norm_learns_averages, "training"),),
        rules=Rules(forbids=("torch.batch_norm", "torch.nn.BatchNorm2d", "torch.nn.functional.batch_norm")),
    ),
    Exercise(
        id="cnn.build_cnn",
        reference=cnn.build_cnn,
        signature="build_cnn(classes=10) -> nn.Module from images (N, 1, 8, 8) to logits (N, classes)",
        groups={"builds": 2, "learns": 2},
        visible=_build_visible,
        hidden=_build_hidden,
        misconceptions=MISTAKES["build_cnn"],
        accepts=_accepts_network,
        seconds=30.0,
    ),
    Exercise(
        id="cnn.train_epoch",
        reference=cnn.train_epoch,
        signature="train_epoch(model, loader, optimizer, device) -> float",
        groups={"basics": 3},
        visible=_epoch_visible,
        hidden=_epoch_hidden,
        misconceptions=MISTAKES["train_epoch"],
        rules=Rules(forbids=("course_lib.training.fit",)),
        through=harness.epoch,
    ),
    Exercise(
        id="cnn.evaluate",
        reference=cnn.evaluate,
        signature="evaluate(model, loader, device) -> float",
        groups={"basics": 2},
        visible=_evaluate_visible,
        hidden=_evaluate_hidden,
        misconceptions=MISTAKES["evaluate"],
        rules=Rules(forbids=("course_lib.training.evaluate",)),
        through=harness.evaluated,
    ),
)

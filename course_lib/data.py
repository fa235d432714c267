"""The course's data: small, offline, and the same every time for the same seed.

Sets
    digits       1,797 handwritten digits of 8 x 8 pixels (Alpaydin and Kaynak, 1998; part of scikit-learn)
    drawn        as many digits of 8 x 8 pixels as are needed, from the pen of `course_lib.drawn_digits`
    photograph   a temple, 250 x 250 pixels in colour (part of scikit-learn)
    mnist1d      5,000 noisy curves of 40 points, ten classes (Greydanus and Kobak, 2024; package mnist1d)
    prose        sentences of the course's own notebooks
    two_blobs    two clouds in the plane that a line separates
    blobs        any number of clouds in the plane
    xor          the four corners of the unit square, labelled by exclusive or
    moons, rings two classes in the plane that no line separates
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Dataset",
    "Split",
    "blobs",
    "digits",
    "drawn",
    "mnist1d",
    "moons",
    "photograph",
    "prose",
    "prose_parts",
    "rings",
    "shuffled_positions",
    "two_blobs",
    "xor",
]

Array = NDArray[Any]


@dataclass(frozen=True)
class Dataset:
    """Inputs with their labels.

    Attributes:
        x: inputs, (N, D), float64.
        labels: classes, (N,), int64, from 0.
    """

    x: Array
    labels: Array

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def signs(self) -> Array:
        """The labels of two classes in a perceptron's form, (N,): -1 for class 0 and +1 for class 1.

        Raises:
            ValueError: there are classes other than 0 and 1.
        """
        if not np.isin(self.labels, (0, 1)).all():
            raise ValueError(f"signs are for two classes, 0 and 1; these labels go up to {self.labels.max()}")
        return 2 * self.labels - 1


@dataclass(frozen=True)
class Split:
    """A dataset cut in two: a part to learn from and a part that is held out."""

    train: Dataset
    test: Dataset


def digits(seed: int = 0, held_out: int = 500) -> Split:
    """Handwritten digits, shuffled before they are split, because they are sorted by writer.

    Args:
        seed: seed for the shuffle.
        held_out: images in the test part, 1 to 1796.

    Returns:
        Images as rows of 64 pixels in [0, 1] (0 is paper, 1 is ink), labels 0 to 9.

    Raises:
        ValueError: a part would be empty.
    """
    from sklearn.datasets import load_digits

    pixels, labels = load_digits(return_X_y=True)
    if not 0 < held_out < len(labels):
        raise ValueError(f"held_out is {held_out}; expected 1 to {len(labels) - 1}: no part may be empty")
    order = np.random.default_rng(seed).permutation(len(labels))
    x, labels = pixels[order] / 16.0, labels[order].astype(np.int64)
    cut = len(labels) - held_out
    return Split(Dataset(x[:cut], labels[:cut]), Dataset(x[cut:], labels[cut:]))


def drawn(seen: int = 3000, held_out: int = 5000, seed: int = 0) -> Split:
    """Digits that a program draws with a pen, each one different: as many to judge a network on as are needed.

    The share of 500 digits that a network reads is uncertain by nearly a point (`course_lib.measure.standard_error`):
    networks that differ by less are compared on thousands. All are drawn in the hand of `course_lib.drawn_digits`,
    their strokes bent, slanted, shifted and smudged at random.

    Args:
        seen: images in the part to learn from, at least 1.
        held_out: images in the test part, at least 1.
        seed: seed for all of them.

    Returns:
        Images as rows of 64 pixels in [0, 1] (0 is paper, 1 is ink), labels 0 to 9, in random order.

    Raises:
        ValueError: a part would be empty.
    """
    from course_lib.drawn_digits import class_digits

    if seen < 1 or held_out < 1:
        raise ValueError(f"seen is {seen} and held_out {held_out}; drawn needs at least one image in each part")
    images, labels = class_digits(np.random.default_rng(seed), seen + held_out)
    x = images.reshape(len(images), -1).astype(np.float64)
    return Split(Dataset(x[:seen], labels[:seen]), Dataset(x[seen:], labels[seen:]))


def photograph(side: int = 250) -> Array:
    """A temple in China, (3, side, side), red, green and blue in [0, 1]; the picture ships with scikit-learn.

    Raises:
        ValueError: the side is not between 1 and 250.
    """
    from sklearn.datasets import load_sample_image

    if not 1 <= side <= 250:
        raise ValueError(f"side is {side}; expected 1 to 250")
    picture = load_sample_image("china.jpg")[60:310, 180:430] / 255.0
    places = np.arange(side) * 250 // side
    return np.asarray(np.moveaxis(picture[places][:, places], -1, 0))


def mnist1d(seed: int = 42) -> Split:
    """The MNIST-1D curves, 4,000 to learn from and 1,000 held out, as the package generates them from a seed.

    Each curve is one of ten templates, "digits" in one dimension, that is padded, scaled, sheared, shifted at random
    and covered with noise. The curves are made once per process (which takes some seconds) and copied afterwards.

    Returns:
        Curves as rows of 40 points with mean 0 and standard deviation 1 over the set, labels 0 to 9.
    """
    made = _mnist1d(seed)
    return Split(*(Dataset(part.x.copy(), part.labels.copy()) for part in (made.train, made.test)))


@cache
def _mnist1d(seed: int) -> Split:
    from mnist1d.data import get_dataset_args, make_dataset

    arguments = get_dataset_args()
    arguments.seed = seed
    legacy, python = np.random.get_state(), random.getstate()
    try:  # the package seeds the global generators
        made = make_dataset(arguments)
    finally:
        np.random.set_state(legacy)
        random.setstate(python)
    train, test = ((made[f"x{part}"], made[f"y{part}"].astype(np.int64)) for part in ("", "_test"))
    return Split(Dataset(*train), Dataset(*test))


def shuffled_positions(split: Split, seed: int = 0) -> Split:
    """The same inputs with their D numbers in another order, one order for all of them.

    Nothing is lost that a network without a sense of position could use; neighbours are now anywhere.
    """
    order = np.random.default_rng(seed).permutation(split.train.x.shape[1])
    return Split(*(Dataset(part.x[:, order], part.labels) for part in (split.train, split.test)))


def prose() -> str:
    """Sentences of this course's notebooks without their formulas, one per line, plain ASCII."""
    return Path(__file__).with_name("prose.txt").read_text("ascii")


def prose_parts() -> tuple[str, str]:
    """The prose to learn from, and every tenth sentence of it, held out: no sentence is in both parts."""
    lines = prose().splitlines(keepends=True)
    return "".join(line for at, line in enumerate(lines, 1) if at % 10), "".join(lines[9::10])


def blobs(count: int, classes: int, seed: int = 0, spread: float = 0.45) -> Dataset:
    """`count` points in `classes` clouds around a circle of radius 2, (count, 2), in random order.

    Raises:
        ValueError: there are more classes than points.
    """
    rng = np.random.default_rng(seed)
    labels = _balanced(count, classes, rng)
    angles = np.pi / 2 + 2 * np.pi * labels / classes
    centres = 2 * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return Dataset(centres + spread * rng.standard_normal((count, 2)), labels)


def two_blobs(count: int = 60, seed: int = 0, gap: float = 0.3) -> Dataset:
    """Two clouds in the plane, (count, 2), with an empty band of width `gap` between them.

    Raises:
        ValueError: fewer than two points, or a gap that is not positive.
    """
    if gap <= 0:
        raise ValueError(f"gap is {gap}; two_blobs expects a positive width: a line has to fit in between")
    rng = np.random.default_rng(seed)
    labels = _balanced(count, 2, rng)
    signs = 2 * labels - 1
    across = signs * (gap / 2 + rng.exponential(0.6, count))
    along = rng.normal(0.0, 1.2, count)
    turn = np.array([[0.8, 0.6], [-0.6, 0.8]])
    return Dataset(np.stack([across, along], axis=1) @ turn + np.array([1.0, 1.5]), labels)


def xor() -> Dataset:
    """The corners (0,0), (0,1), (1,0), (1,1) with labels 0, 1, 1, 0."""
    return Dataset(np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]), np.array([0, 1, 1, 0]))


def moons(count: int = 200, noise: float = 0.12, seed: int = 0) -> Dataset:
    """Two interlocking half circles, (count, 2), with normal noise.

    Raises:
        ValueError: fewer than two points.
    """
    rng = np.random.default_rng(seed)
    labels = _balanced(count, 2, rng)
    angle = np.pi * rng.random(count)
    upper = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    x = np.where(labels[:, None] == 0, upper, np.array([1.0, 0.5]) - upper)
    return Dataset(x + noise * rng.standard_normal((count, 2)), labels)


def rings(count: int = 200, noise: float = 0.1, seed: int = 0) -> Dataset:
    """One circle inside another, of radius 1 and 2, (count, 2), with normal noise.

    Raises:
        ValueError: fewer than two points.
    """
    rng = np.random.default_rng(seed)
    labels = _balanced(count, 2, rng)
    angle = 2 * np.pi * rng.random(count)
    x = (1 + labels)[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return Dataset(x + noise * rng.standard_normal((count, 2)), labels)


def _balanced(count: int, classes: int, rng: np.random.Generator) -> Array:
    if not 0 < classes <= count:
        raise ValueError(f"{count} points cannot fill {classes} classes: ask for at least one point per class")
    return rng.permutation(np.arange(count) % classes).astype(np.int64)

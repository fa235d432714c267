"""Digits that a program draws with a pen: as many as a class needs, and no public copy of any of them.

Each digit is a few strokes through control points in the unit square. Three things vary from image to image: the
control points move a little (elastic deformation), the whole is scaled, slanted, turned and shifted (an affine map),
and the pen changes its width and its pressure. The strokes are drawn on a fine grid and averaged down to 8 x 8 pixels
of 17 grey levels, as scikit-learn's digits were (Alpaydin and Kaynak, 1998), so networks for those fit these as well.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Hand", "class_digits", "class_hand"]

Array = NDArray[Any]
Stroke = tuple[tuple[float, float], ...]
Hand = dict[int, tuple[tuple[Stroke, ...], ...]]
"""For each digit the ways to write it, each a list of strokes through control points."""

SIDE, FINE, LEVELS = 8, 2, 16
"""Pixels of an image, fine pixels per pixel, and the level of full ink."""
SAMPLES = 3
"""Straight pieces between two control points."""

_TEXTS = {
    0: (
        "50,05 20,22 15,55 30,90 58,94 82,66 80,28 50,05",
        "52,06 30,30 28,70 50,94 70,70 72,30 52,06",
    ),
    1: (
        "52,05 51,50 49,95",
        "28,30 42,18 55,05 | 55,05 53,50 52,95",
        "30,28 55,06 | 55,06 53,93 | 25,94 80,92",
    ),
    2: (
        "20,25 42,06 72,18 68,45 42,70 18,93 | 18,93 50,90 84,92",
        "22,22 48,05 70,24 52,60 24,86 38,80 60,92 86,82",
    ),
    3: (
        "22,14 52,05 74,22 44,46 | 44,46 78,60 72,88 44,95 18,86",
        "20,08 76,08 46,40 | 46,40 78,56 76,84 48,95 20,86",
    ),
    4: (
        "56,05 34,36 14,64 | 14,64 50,62 88,62 | 64,34 62,95",
        "24,06 18,48 46,54 80,46 | 76,06 72,50 66,95",
    ),
    5: (
        "80,08 28,08 | 28,08 24,44 | 24,44 52,36 78,54 72,86 44,95 18,86",
        "76,06 34,12 26,46 | 26,46 62,46 76,70 56,92 22,92",
    ),
    6: (
        "66,05 36,26 22,62 36,93 66,90 74,66 52,52 26,68",
        "46,04 26,42 26,80 52,95 76,78 64,56 28,66",
    ),
    7: (
        "18,10 50,08 82,09 | 82,09 58,46 42,95",
        "18,12 50,08 82,09 | 82,09 60,46 46,95 | 36,52 76,48",
    ),
    8: (
        "50,48 26,28 48,05 74,24 50,48 | 50,48 22,72 48,95 78,74 50,48",
        "70,14 36,08 32,34 66,62 60,93 28,84 44,54 72,16",
    ),
    9: (
        "72,26 48,05 24,28 44,50 72,28 | 72,28 70,62 58,95",
        "72,24 46,06 24,28 46,48 74,26 | 74,26 74,68 50,94 22,88",
    ),
}
"""For each digit the ways to write it: strokes through control points, in hundredths (x to the right, y down)."""


def _strokes(text: str) -> tuple[Stroke, ...]:
    """Control points in the unit square, stroke by stroke."""

    def point(pair: str) -> tuple[float, float]:
        x, y = pair.split(",")
        return int(x) / 100, int(y) / 100

    return tuple(tuple(point(pair) for pair in stroke.split()) for stroke in text.split("|"))


STROKES: Hand = {digit: tuple(_strokes(text) for text in texts) for digit, texts in _TEXTS.items()}
"""The course's own hand."""


def class_hand(rng: np.random.Generator, spread: float = 0.06) -> Hand:
    """A hand of its own: the control points of every digit lie elsewhere than in the course's, by `spread` or so."""
    hand: Hand = {}
    for digit, ways in STROKES.items():
        moved = []
        for way in ways:
            points = {point: np.array(point) + spread * rng.standard_normal(2) for stroke in way for point in stroke}
            moved.append(tuple(tuple((points[x][0], points[x][1]) for x in stroke) for stroke in way))
        hand[digit] = tuple(moved)
    return hand


def class_digits(rng: np.random.Generator, count: int, hand: Hand | None = None) -> tuple[Array, Array]:
    """Draws digits: the same ones for the same generator, new ones for every other.

    Args:
        rng: source of all numbers. Images of two calls in a row are drawn alike, so the first can be learned from and
            the second held out.
        count: images, at least 1.
        hand: how the digits are written; the course's own hand if None.

    Returns:
        Images, (count, 1, 8, 8), float32 from 0 (paper) to 1 (ink) in sixteenths; labels, (count,), int64, 0 to 9, in
        random order, each of them within one as often as the others.

    Raises:
        ValueError: count is below 1.
    """
    if count < 1:
        raise ValueError(f"count is {count}; class_digits draws at least one image")
    labels = rng.permutation(np.arange(count) % len(STROKES)).astype(np.int64)
    images = np.empty((count, SIDE, SIDE))
    for digit, ways in (hand or STROKES).items():
        chosen = rng.integers(len(ways), size=count)
        for way, strokes in enumerate(ways):
            rows = np.flatnonzero((labels == digit) & (chosen == way))
            if len(rows):
                images[rows] = _drawn(strokes, len(rows), rng)
    return images[:, None].astype(np.float32), labels


def _drawn(strokes: tuple[Stroke, ...], count: int, rng: np.random.Generator) -> Array:
    """`count` images of one way to write a digit, (count, 8, 8)."""
    moved = _moves(strokes, count, rng)
    pieces = np.concatenate([_pieces(points) for points in moved], axis=1)
    pieces = _affine(pieces.reshape(count, -1, 2), rng).reshape(count, -1, 2, 2)
    width = rng.uniform(0.05, 0.10, (count, 1, 1))
    pressure = rng.uniform(0.80, 1.25, (count, 1, 1))
    fine = SIDE * FINE
    ink = pressure * np.clip((width - _distances(pieces, fine)) * fine / 1.5 + 0.5, 0, 1)
    pixels = ink.reshape(count, SIDE, FINE, SIDE, FINE).mean(axis=(2, 4))
    smudged = 1.35 * pixels + 0.03 * rng.standard_normal(pixels.shape) * (pixels > 0)
    image: Array = np.round(LEVELS * np.clip(smudged, 0, 1)) / LEVELS
    return image


def _moves(strokes: tuple[Stroke, ...], count: int, rng: np.random.Generator) -> list[Array]:
    """The control points of each stroke, moved, (count, points, 2). Points that strokes share stay together."""
    shared: dict[tuple[float, float], Array] = {}
    for point in dict.fromkeys(point for stroke in strokes for point in stroke):
        shared[point] = np.array(point) + 0.045 * rng.standard_normal((count, 2))
    return [np.stack([shared[point] for point in stroke], axis=1) for stroke in strokes]


def _pieces(points: Array) -> Array:
    """Straight pieces along a Catmull-Rom spline through control points, (count, pieces, 2 ends, 2)."""
    ends = np.concatenate([2 * points[:, :1] - points[:, 1:2], points, 2 * points[:, -1:] - points[:, -2:-1]], axis=1)
    t = (np.arange(SAMPLES) / SAMPLES)[:, None]
    a, b, c, d = (ends[:, place : place + points.shape[1] - 1, None] for place in range(4))
    curve = b + 0.5 * t * ((c - a) + t * ((2 * a - 5 * b + 4 * c - d) + t * (3 * (b - c) + d - a)))
    line = np.concatenate([curve.reshape(len(points), -1, 2), points[:, -1:]], axis=1)
    return np.stack([line[:, :-1], line[:, 1:]], axis=2)


def _affine(points: Array, rng: np.random.Generator) -> Array:
    """Points around (0.5, 0.5), scaled, slanted, turned and shifted, image by image."""
    count = len(points)
    angle, slant = rng.normal(0, 0.14, count), rng.normal(-0.08, 0.16, count)
    across, along = rng.uniform(0.66, 1.0, count), rng.uniform(0.78, 1.0, count)
    turn = np.stack([np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle)], axis=1).reshape(-1, 2, 2)
    shape = np.stack([across, slant * along, np.zeros(count), along], axis=1).reshape(-1, 2, 2)
    shift = rng.normal(0, (0.042, 0.034), (count, 2))
    moved: Array = (points - 0.5) @ (turn @ shape).swapaxes(1, 2) + 0.5 + shift[:, None]
    return moved


def _distances(pieces: Array, side: int) -> Array:
    """From the centre of each pixel of a square grid to the nearest piece, (count, side, side)."""
    centres = (np.arange(side, dtype=np.float32) + 0.5) / side
    x, y = np.tile(centres, side), np.repeat(centres, side)
    nearest = np.full((len(pieces), side * side), np.inf, dtype=np.float32)
    for piece in pieces.astype(np.float32).transpose(1, 2, 3, 0)[..., None]:
        (x0, y0), (x1, y1) = piece
        right, down, across, along = x - x0, y - y0, x1 - x0, y1 - y0
        squared = np.maximum(across**2 + along**2, 1e-9)
        dot = right * across + down * along
        share = np.clip(dot / squared, 0, 1)
        np.minimum(nearest, right**2 + down**2 + share * (share * squared - 2 * dot), out=nearest)
    return np.sqrt(np.maximum(nearest, 0)).reshape(-1, side, side)

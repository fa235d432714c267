"""Simple relations between a wrong answer and the right one that are worth telling: a sign, a factor, a transpose."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["pattern"]


def pattern(expected: Any, got: Any) -> str:
    """A clause such as ` (the sign is flipped)` when it holds for every number, else an empty string."""
    want, have = np.asarray(expected), np.asarray(got)
    if want.shape != have.shape or not want.size:
        return ""
    if want.dtype.kind == have.dtype.kind == "b":
        return " (True and False are swapped)" if want.size > 1 and (want != have).all() else ""
    if want.dtype.kind == "c" and have.dtype.kind in "cif":
        return _complex(want, have)
    if want.dtype.kind not in "if" or have.dtype.kind not in "if" or want.shape != have.shape or not want.size:
        return ""
    whole = want.dtype.kind == have.dtype.kind == "i"
    want, have = want.astype(float), have.astype(float)
    if not np.isfinite(have).all():
        return " (the answer contains nan or inf)" if np.isfinite(want).all() else ""
    if not np.isfinite(want).all() or not want.any():
        return ""
    with np.errstate(all="ignore"):
        if not whole and np.allclose(have, want):
            return " (close, but not within floating-point precision: was something rounded?)"
        return _factor(want, have) or _arrangement(want, have)


def _complex(want: np.ndarray[Any, Any], have: np.ndarray[Any, Any]) -> str:
    if not (np.isfinite(want).all() and want.any()):
        return ""
    if not np.isfinite(have).all():
        return " (the answer contains nan or inf)"
    with np.errstate(all="ignore"):
        relations = (
            (want, "close, but not within floating-point precision: was something rounded?"),
            (want.conj(), "it is the complex conjugate of the expected one"),
            (-want, "the sign is flipped everywhere"),
            (1j * want, "every number is i times the expected one"),
            (-1j * want, "every number is -i times the expected one"),
            (want.imag + 1j * want.real, "real and imaginary parts are swapped"),
            (want.real, "the imaginary parts are missing"),
        )
        for other, words in relations:
            if np.allclose(have, other):
                return f" ({words})"
        biggest = np.unravel_index(np.abs(want).argmax(), want.shape)
        factor = have[biggest] / want[biggest]
        if want.size > 1 and factor and np.allclose(have, factor * want, rtol=1e-5, atol=0):
            shown = f"{factor.real:.6g}" if abs(factor.imag) < 1e-6 * abs(factor) else f"{factor:.4g}"
            return f" (every number is {shown} times the expected one)"
    return _arrangement(want, have)


def _factor(want: np.ndarray[Any, Any], have: np.ndarray[Any, Any]) -> str:
    if np.allclose(have, -want):
        return " (the sign is flipped everywhere)"
    if want.size > 1 and not have.any():
        return " (the answer is zero everywhere)"
    biggest = np.unravel_index(np.abs(want).argmax(), want.shape)
    factor = have[biggest] / want[biggest]
    if want.size > 1 and factor != 0 and np.allclose(have, factor * want, rtol=1e-5, atol=0):
        return f" (every number is {factor:.6g} times the expected one)"
    offset = have[biggest] - want[biggest]
    if want.size > 2 and np.allclose(have - want, offset, rtol=1e-6, atol=1e-12):
        return f" (every number is off by {offset:.6g})"
    return ""


def _arrangement(want: np.ndarray[Any, Any], have: np.ndarray[Any, Any]) -> str:
    if want.ndim == 2 and want.shape[0] == want.shape[1] and np.allclose(have, want.T):
        return " (it is the transpose of the expected one)"
    if want.size > 2 and np.allclose(np.sort(have, axis=None), np.sort(want, axis=None)):
        return " (the right numbers, in another order)"
    return ""

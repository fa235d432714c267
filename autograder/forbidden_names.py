"""Forbidden names and what else does their work: one table for whoever replaces it and whoever reads sources.

A name such as "torch.conv2d" stands for a family: its operators under every spelling, whatever the number of
dimensions, the library behind it or the precision. Patterns are searched for in names without their module.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

__all__ = ["AUTOGRAD", "is_autograd", "mentioning", "operator_pattern", "shown"]

_FAMILIES: tuple[tuple[str, str], ...] = (
    ("conv(?!ert)", r"conv(?!ert|j)"),
    ("unfold", r"im2col"),
    ("fold", r"col2im"),
    ("max_?pool", r"max_pool"),
    ("avg_?pool", r"avg_pool"),
    ("(batch|instance)_?norm", r"(batch|instance)_norm"),
    ("layer_?norm", r"layer_norm"),
    ("group_?norm", r"group_norm"),
    ("lstm", r"lstm|mkldnn_rnn|cudnn_rnn|miopen_rnn"),
    ("gru", r"(^|_)gru|mkldnn_rnn|cudnn_rnn|miopen_rnn"),
    ("rnn", r"rnn"),
    ("binary_?cross|bce_?", r"binary_cross_entropy"),
    ("cross_?entropy|nll_?loss", r"^(cross_entropy_loss|nll_loss.*)$"),
    ("kl_?div", r"kl_div"),
    ("softmax", r"softmax"),
    ("attention", r"scaled_dot_product|attention"),
    ("fake_?quant", r"fake_quant"),
    ("quantize_per|quantize_dynamic", r"^quantize_per|^fake_quant"),
)
"""Patterns of lower-case names, and of the dispatcher's operators that do their work. The first that fits counts."""

AUTOGRAD = ("torch.autograd", "torch.Tensor.backward", "torch.func")
"""Names, with whatever stands below them, that mean: gradients are worked out by hand here."""

_AUTOGRAD_WORDS = frozenset(
    (
        "autograd", "backward", "func", "grad", "grad_and_value", "hessian", "jacfwd", "jacobian", "jacrev", "jvp",
        "linearize", "make_dual", "requires_grad", "requires_grad_", "retain_grad", "vjp",
    )
)  # fmt: skip


_SPREAD_OUT = ("torch", "numpy")
"""Packages whose functions are methods of their tensors, and parts of other functions of theirs, as well."""


def is_autograd(name: str) -> bool:
    """Whether a forbidden name means autograd as a whole."""
    return any(name == known or name.startswith(f"{known}.") for known in AUTOGRAD)


def operator_pattern(name: str) -> str:
    """A pattern for the base names of the operators that do the work of a torch function or module."""
    if is_autograd(name):
        return r"^(_backward|_make_dual.*|_fw_primal.*)$"
    last = name.rpartition(".")[2].lower()
    for pattern, operators in _FAMILIES:
        if re.search(pattern, last):
            return operators
    return rf"^_?((linalg|special|fft)_)?{re.escape(last.strip('_'))}_?$"


@lru_cache(maxsize=256)
def mentioning(names: tuple[str, ...]) -> Callable[[str], bool]:
    """Tells of a word inside of a source whether it may reach what is forbidden; true rather too often than too seldom.

    Only torch's work goes by other names: what another package has must be named, whole, to be reached.
    """
    patterns, exact = [], set(_AUTOGRAD_WORDS if any(map(is_autograd, names)) else ())
    for name in names:
        last = name.rpartition(".")[2].lower()
        if is_autograd(name):
            continue
        if name.partition(".")[0] not in _SPREAD_OUT:
            exact.add(last.strip("_"))
            continue
        patterns.append(re.escape(last.strip("_")))
        patterns += next(([known, others] for known, others in _FAMILIES if re.search(known, last)), [])
    pattern = re.compile("|".join(f"(?:{each})" for each in dict.fromkeys(patterns)) or r"(?!)")

    def mentions(word: str) -> bool:
        low = word.lower()
        return word in exact or low.strip("_") in exact or pattern.search(low) is not None

    return mentions


def shown(names: tuple[str, ...], word: str) -> str:
    """The forbidden name to tell of when an operator or function was called: the nearest, else the shortest."""
    fitting = sorted(names, key=lambda name: (name.rpartition(".")[2].lower() not in word.lower(), len(name), name))
    return fitting[0]

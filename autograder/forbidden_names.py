"""Forbidden names and the other names that do the same work: one table for replacing functions and reading sources.

A name such as "torch.conv2d" covers every operator that does its work, under every spelling and whatever the number of
dimensions, the backend or the precision. Patterns are searched for in names as the dispatcher has them, such as
`quantized::conv2d`; a name from anywhere else has no module there, as in `::conv2d`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache

__all__ = ["AUTOGRAD", "BY_HAND", "is_autograd", "mentioning", "names_of", "operator_pattern", "shown"]

_RNN = r"mkldnn_rnn|cudnn_rnn|miopen_rnn"
_EQUIVALENTS: tuple[tuple[str, str], ...] = (
    ("conv(?!ert)", r"conv(?!ert|j)"),
    ("unfold", r"im2col"),
    ("fold", r"col2im|unfold_backward"),
    ("max_?pool", r"max_(un)?pool"),
    ("avg_?pool", r"avg_pool"),
    ("(batch|instance)_?norm", r"(batch|instance|group|layer|rms)_norm"),
    ("layer_?norm", r"layer_norm"),
    ("group_?norm", r"group_norm"),
    ("lstm", rf"lstm|{_RNN}"),
    ("gru", rf"(::|_)gru|{_RNN}"),
    ("rnn", r"rnn|(::|_)gru"),
    ("binary_?cross|bce_?", r"binary_cross_entropy"),
    ("cross_?entropy|nll_?loss", r"::(cross_entropy_loss|nll_loss.*)$"),
    ("kl_?div", r"kl_div"),
    ("softmax", r"softmax"),
    ("attention", r"scaled_dot_product|attention"),
    ("fake_?quant", r"fake_quant|_obs_fq_"),
    ("quantize_per|quantize_dynamic", r"quant(?!ile)|qparams|_obs_fq_|^onednn::q|^sparse::q|fbgemm|int[48]_?(pack|mm)"),
    ("sparse_(csr|compressed)", r"sparse_(csr|csc|bsr|bsc|compressed)|coo_to_csr|csr_to_coo|(::c?|c)(row|col)_indices"),
)
"""Patterns for lower-case names, and for the dispatcher's operators that do their work. The first match counts.

What does more than was asked counts too: a gated recurrent unit with its gates held open is a plain one, and a layer
norm over the transposed batch is a batch norm.
"""

AUTOGRAD = ("torch.autograd", "torch.Tensor.backward", "torch.func")
"""Names that, with everything below them, mean that gradients are worked out by hand here."""

BY_HAND = (*AUTOGRAD, "sklearn.linear_model", "sklearn.neural_network")
"""The same where the networks are plain enough for other libraries to know their gradients."""

_AUTOGRAD_WORDS = frozenset(
    (
        "autograd", "backward", "func", "grad", "grad_and_value", "hessian", "jacfwd", "jacobian", "jacrev", "jvp",
        "linearize", "make_dual", "requires_grad", "requires_grad_", "retain_grad", "vjp",
    )
)  # fmt: skip


_WITH_METHODS = ("torch", "numpy")
"""Packages whose functions are also methods of their tensors and parts of their other functions."""


def is_autograd(name: str) -> bool:
    """Whether a forbidden name means autograd as a whole."""
    return any(name == known or name.startswith(f"{known}.") for known in AUTOGRAD)


def names_of(package: str, names: Iterable[str]) -> tuple[str, ...]:
    """The names that mean something in a package."""
    return tuple(name for name in names if name.partition(".")[0] == package)


def operator_pattern(name: str) -> str:
    """A pattern for the operators, without their overloads, that do the work of a torch function or module."""
    if is_autograd(name):
        return r"backward|_jvp$|::_make_dual|::_fw_primal"
    last = name.rpartition(".")[2].lower()
    for pattern, operators in _EQUIVALENTS:
        if re.search(pattern, last):
            return operators
    return rf"::_?((linalg|special|fft)_)?{re.escape(last.strip('_'))}_?$"


@lru_cache(maxsize=256)
def mentioning(names: tuple[str, ...]) -> Callable[[str], bool]:
    """A test of whether a word in a source may reach something forbidden; it errs on the side of yes.

    Only torch and NumPy have other names for the same work: functions of other packages must be named in full.
    """
    patterns, exact = [], set(_AUTOGRAD_WORDS if any(map(is_autograd, names)) else ())
    for name in names:
        last = name.rpartition(".")[2].lower()
        if is_autograd(name):
            continue
        if name.partition(".")[0] not in _WITH_METHODS:
            exact.add(last.strip("_"))
            continue
        patterns.append(re.escape(last.strip("_")))
        patterns += next(([known, others] for known, others in _EQUIVALENTS if re.search(known, last)), [])
    pattern = re.compile("|".join(f"(?:{each})" for each in dict.fromkeys(patterns)) or r"(?!)")

    def mentions(word: str) -> bool:
        low = word.lower()
        return word in exact or low.strip("_") in exact or pattern.search(f"::{low}") is not None

    return mentions


def shown(names: tuple[str, ...], word: str) -> str:
    """The forbidden name to report when an operator or function was called: the closest, else the shortest."""
    fitting = sorted(names, key=lambda name: (name.rpartition(".")[2].lower() not in word.lower(), len(name), name))
    return fitting[0]

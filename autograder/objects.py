"""Objects that live in the student's process while the judge works with them: how the judge names them.

A model or a loader cannot travel as plain data. The judge says what to build (`Built`) and hands it to the answer as an
argument; what the answer returns and is not plain data stays where it is and is known here by a number (`Kept`). Both
may be handed back: to the answer, or to a function of `autograder.harness`, which reads weights, say, or records what a
model computes. A harness is never given the answer, so it can report nothing unless the answer returned something.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from autograder.calls import Foreign, Raised

__all__ = [
    "NOTHING_RETURNED",
    "Answer",
    "AnswerRaised",
    "Built",
    "Kept",
    "UnexpectedAnswer",
    "described",
    "described_type",
    "harness_name",
    "in_words",
]

NOTHING_RETURNED = " (is a return missing?)"
"""What follows where a whole answer is None."""

_HARNESSES = "autograder.harness."


@dataclass(frozen=True, eq=False)
class Built:
    """An object that a function of `autograder.harness` builds on the student's side.

    The same `Built` stands for the same object, however often it is used while one exercise is judged.

    Attributes:
        maker: the harness, a function of `autograder.harness`.
        args: its arguments: plain data, functions that the judge lends, and other objects.
    """

    maker: Callable[..., Any]
    args: tuple[Any, ...] = ()


@dataclass(frozen=True, eq=False)
class Kept(Foreign):
    """An object that the student's code returned and that is not plain data; `handle` is its number."""

    handle: int = 0


class AnswerRaised(Exception):
    """The student's code raised an exception while the judge observed it."""

    def __init__(self, raised: Raised):
        super().__init__(f"{raised.kind}: {raised.message}")
        self.raised = raised


class UnexpectedAnswer(Exception):
    """The answer is not what the exercise asks for; the message tells the student what it is and what was expected."""


class Answer(Protocol):
    """The student's answer, as an observer of the judge's uses it: `Exercise.through(answer, *args)`.

    Calls return values. Tensors keep their gradients: a loss of the judge's may be differentiated through the answer
    for any tensor among the arguments.

    Attributes:
        memory: what an observer wants to know again in a later case of the same answer.
    """

    memory: dict[Any, Any]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Calls the answer.

        Raises:
            AnswerRaised: it raised an exception.
        """

    def of(self, value: Kept, *args: Any, **kwargs: Any) -> Any:
        """Calls an object that the answer returned."""

    def through(self, harness: Callable[..., Any], *args: Any) -> Any:
        """Calls a function of `autograder.harness` on the student's side, with kept and built objects among its
        arguments."""


def harness_name(harness: Callable[..., Any]) -> str:
    """The name by which the student's side finds a harness: `autograder.harness.<module>:<function>`.

    Raises:
        ValueError: it is not a public function or class of autograder.harness.
    """
    module, name = harness.__module__, harness.__qualname__
    if not module.startswith(_HARNESSES) or not name.isidentifier() or name.startswith("_"):
        raise ValueError(f"{module}.{name} is not a public function of autograder.harness")
    return f"{module}:{name}"


_TYPES = {
    "DataFrame": "a DataFrame of pandas (call .to_numpy() on it)",
    "MaskedArray": "a masked array (give what is masked a value: call .filled(...) on it)",
    "Series": "a Series of pandas (call .to_numpy() on it)",
    "Tensor of layout torch.sparse_coo": "a sparse tensor (call .to_dense() on it)",
    "Tensor of layout torch.sparse_csr": "a sparse tensor (call .to_dense() on it)",
    "builtin_function_or_method": "a function (is a call missing?)",
    "coo_array": "a sparse array of SciPy (call .toarray() on it)",
    "coo_matrix": "a sparse matrix of SciPy (call .toarray() on it)",
    "csc_array": "a sparse array of SciPy (call .toarray() on it)",
    "csc_matrix": "a sparse matrix of SciPy (call .toarray() on it)",
    "csr_array": "a sparse array of SciPy (call .toarray() on it)",
    "csr_matrix": "a sparse matrix of SciPy (call .toarray() on it)",
    "dict_values": "a view of a dictionary's values (wrap it with list(...))",
    "filter": "a filter object (wrap it with list(...))",
    "function": "a function (is a call missing?)",
    "generator": "a generator (it has a yield: return the value as a whole)",
    "map": "a map object (wrap it with list(...))",
    "matrix": "an np.matrix (wrap it with np.asarray(...))",
    "method": "a method (is a call missing?)",
    "module": "a module",
    "ndarray of dtype object": "a NumPy array of objects (are its rows of different lengths?)",
    "set": "a set",
    "type": "a class (is a call missing?)",
    "zip": "a zip object (wrap it with list(...))",
    "ABCMeta": "a class (is a call missing?)",
}
"""What students can be told of types, by Python's names for them."""


def described_type(name: str) -> str:
    """What something of that type is, with an article."""
    return _TYPES.get(name, f"an object of type {name}")


def described(value: Any) -> str:
    """What an answer returned, as a student knows it: "None (is a return missing?)", "a tuple of 2", "a dict with the
    keys 'a', 'b'", "an object of type Net"."""
    if value is None:
        return f"None{NOTHING_RETURNED}"
    if isinstance(value, dict) and value:
        return f"a dict with the keys {', '.join(map(repr, list(value)[:5]))}"[:200]
    if isinstance(value, (list, tuple)):
        return f"a {'list' if isinstance(value, list) else 'tuple'} of {len(value)}"
    name = value.type_name if isinstance(value, Foreign) else type(value).__name__
    return described_type(name)


_HERE = re.compile(r"'(?:Kept|Foreign|Built)' object|\b(?:autograder\.\w+\.)?(?:Kept|Foreign|Built)(?:\([^()]*\))?")


def in_words(error: Exception) -> str:
    """An exception that an answer's value caused on the judge's side: its name, and its message without the judge's
    own names for values."""
    return f"{type(error).__name__}: {_HERE.sub('the object', str(error))}"

"""Functions and objects among the values of a call: they stay on their side, and the other side has a number for each.

The judge lends functions, which the student's side calls back over the wire; it names objects to be built there; and
objects that the student's code returns stay there. Gradients pass through calls in both directions.
"""

from __future__ import annotations

import builtins
import importlib
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from autograder.objects import Built, Kept, harness_name
from autograder.sandbox.wire import messages
from autograder.sandbox.wire.frames import Frame, WireError
from autograder.sandbox.wire.graphs import Graphs, attached, leaves_of
from autograder.sandbox.wire.values import Node, decode, encode

__all__ = ["Borrowed", "Lent", "harness"]

_HARNESSES = "autograder.harness."
_MOST_KEPT = 1_000

FromBorrower = messages.Invoke | messages.Differentiate
Reply = messages.Answer | messages.Raise
Ask = Callable[[Frame[FromBorrower]], Frame[Reply]]
"""Has the other end call a lent function, or differentiate what one returned."""


class Lent:
    """The trusted end, while one answer is judged: names functions and objects by handles and answers calls."""

    def __init__(self) -> None:
        self._functions: list[Any] = []
        self._built: list[Built] = []
        self._graphs = Graphs()

    def export(self, value: Any, node: Node) -> list[Any] | None:
        """The node of a function, of something to be built or of a kept object; None for anything else."""
        if type(value) is Built:
            return self._export_built(value, node)
        if type(value) is Kept:
            return ["kept", value.handle]
        if not callable(value):
            return None
        for handle, known in enumerate(self._functions):
            if known is value:
                return ["function", handle]
        self._functions.append(value)
        return ["function", len(self._functions) - 1]

    def _export_built(self, value: Built, node: Node) -> list[Any]:
        for handle, known in enumerate(self._built):
            if known is value:
                return ["built", handle]
        args = node(value.args)  # its own arguments may be built before it
        self._built.append(value)
        return ["built", len(self._built) - 1, harness_name(value.maker), args]

    def resolve(self, tag: str, rest: list[Any], _value: Node) -> Any:
        """What a handle from the other end stands for.

        Raises:
            WireError: nothing was lent or built under it.
        """
        if tag == "kept" and len(rest) == 2 and type(rest[0]) is int and 0 <= rest[0] < _MOST_KEPT:
            return Kept(_name(rest[1]), rest[0])
        known: list[Any] = {"returned": self._functions, "built": self._built}.get(tag, [])
        if len(rest) != 1 or type(rest[0]) is not int or not 0 <= rest[0] < len(known):
            raise WireError("a function or an object that was never lent")
        return known[rest[0]]

    def answer(self, asked: Frame[FromBorrower]) -> Frame[Reply]:
        """Calls a lent function, or differentiates what it returned; an exception is an answer too.

        Raises:
            WireError: the arguments are malformed, or the function was never lent.
        """
        message, buffers = asked
        if isinstance(message, messages.Differentiate):
            return _caught(lambda: encode(self._graphs.pull(message.call, decode(message.upstream, buffers))))
        arguments = decode(message.arguments, buffers, self.resolve)
        if type(arguments) is not tuple or tuple(map(type, arguments)) != (tuple, dict):
            raise WireError("a call without arguments")
        function = self.resolve("returned", [message.handle], _no_node)
        leaves = leaves_of(arguments)

        def called() -> tuple[Any, list[bytes]]:
            with _gradients(message.gradients, leaves):
                value = function(*arguments[0], **arguments[1])
            return encode(value, self.export, self._graphs.results(leaves if message.gradients else []))

        return _caught(called)


def _caught(made: Callable[[], tuple[Any, list[bytes]]]) -> Frame[Reply]:
    try:
        tree, buffers = made()
    except WireError:
        raise
    except Exception as error:  # it was called with a student's values: nothing about them is certain
        return messages.Raise(type(error).__name__, str(error)), []
    return messages.Answer(tree), buffers


def _gradients(wanted: bool, leaves: list[Any]) -> AbstractContextManager[Any]:
    """Autograd as the caller has it, where a gradient could be asked for at all."""
    if not leaves:
        return nullcontext()
    import torch

    return torch.set_grad_enabled(wanted)


def _name(text: Any) -> str:
    if type(text) is not str:
        raise WireError("an object without the name of its type")
    return text


def _no_node(_value: Any) -> Any:
    raise WireError("a value inside a handle")


class Borrowed:
    """The student's end: a proxy for every function lent, and the objects that live here.

    Attributes:
        keeps: whether what is not plain data is kept here and named, in place of being foreign.
    """

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._proxies: dict[int, Callable[..., Any]] = {}
        self._built: dict[int, Any] = {}
        self._kept: list[Any] = []
        self.graphs = Graphs()
        self.keeps = False

    def export(self, value: Any, _node: Node) -> list[Any] | None:
        """The node of a proxy, of a built object or of one to be kept; None for anything else of the student's own."""
        for tag, known in (("returned", self._proxies), ("built", self._built)):
            for handle, each in known.items():
                if each is value:
                    return [tag, handle]
        if not self.keeps or len(self._kept) >= _MOST_KEPT:
            return None
        for handle, each in enumerate(self._kept):
            if each is value:
                return ["kept", handle, type(value).__name__]
        self._kept.append(value)
        return ["kept", len(self._kept) - 1, type(value).__name__]

    def kept(self, handle: int) -> Any:
        """The object that the judge knows by that number.

        Raises:
            WireError: there is none.
        """
        if handle >= len(self._kept):
            raise WireError("an object that is not here")
        return self._kept[handle]

    def resolve(self, tag: str, rest: list[Any], value: Node) -> Any:
        """What a handle of the judge's stands for: a proxy, a kept object, or one that is built now.

        Raises:
            WireError: there is no such object.
        """
        if tag == "function":
            return self._proxies.setdefault(rest[0], self._proxy(rest[0]))
        if tag == "kept":
            return self.kept(rest[0])
        if tag == "built" and rest[0] in self._built:
            return self._built[rest[0]]
        if tag == "built" and len(rest) == 3:
            self._built[rest[0]] = harness(rest[1])(*value(rest[2]))
            return self._built[rest[0]]
        raise WireError("an object that is not here")

    def _proxy(self, handle: int) -> Callable[..., Any]:
        def function(*args: Any, **kwargs: Any) -> Any:
            _outside_of_transforms()
            leaves = leaves_of((args, kwargs))
            gradients = bool(leaves) and _grad_enabled()
            tree, buffers = encode((args, kwargs), self.export)
            asked = messages.Invoke(handle, tree, gradients)
            return attached(self._reply((asked, buffers)), leaves if gradients else [], self._pull)

        return function

    def _pull(self, number: int, upstream: list[Any]) -> Any:
        tree, buffers = encode(upstream)
        return self._reply((messages.Differentiate(number, tree), buffers))

    def _reply(self, asked: Frame[FromBorrower]) -> Any:
        answer, buffers = self._ask(asked)
        if isinstance(answer, messages.Raise):
            raise _exception(answer.name, answer.message)
        return decode(answer.value, buffers, self.resolve)


def _outside_of_transforms() -> None:
    """Raises RuntimeError where tensors stand for others, which exist in this process alone."""
    functorch = sys.modules.get("torch._C._functorch") or getattr(sys.modules.get("torch._C"), "_functorch", None)
    level = getattr(functorch, "peek_interpreter_stack", lambda: None)()
    tracing = getattr(sys.modules.get("torch.jit"), "is_tracing", lambda: False)()
    if level is not None or tracing:
        raise RuntimeError(
            "what the grader lends cannot be called inside vmap, torch.func.grad, torch.jit.trace and the like: call "
            "it on the whole batch, and take gradients with backward() or torch.autograd.grad"
        )


def _grad_enabled() -> bool:
    import torch

    return torch.is_grad_enabled()


def harness(name: str) -> Callable[..., Any]:
    """The harness of that name: `autograder.harness.<module>:<function>`.

    Raises:
        WireError: it names no harness.
    """
    module, _, function = name.partition(":")
    if not module.startswith(_HARNESSES) or not function.isidentifier() or function.startswith("_"):
        raise WireError(f"no harness is called {name!r}")
    found: Callable[..., Any] = getattr(importlib.import_module(module), function)
    return found


def _exception(name: str, message: str) -> Exception:
    """The built-in exception of that name, else a RuntimeError that says it."""
    kind = getattr(builtins, name, None)
    if isinstance(kind, type) and issubclass(kind, Exception):
        try:
            return kind(message)
        except TypeError:  # UnicodeDecodeError and the like need more arguments
            pass
    return RuntimeError(f"{name}: {message}")

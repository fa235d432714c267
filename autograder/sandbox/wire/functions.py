"""Functions among the arguments of a call: the judge lends them, the student's side calls them back over the wire."""

from __future__ import annotations

import builtins
from collections.abc import Callable
from typing import Any

from autograder.sandbox.wire import messages
from autograder.sandbox.wire.frames import Frame, WireError
from autograder.sandbox.wire.values import decode, encode

__all__ = ["Borrowed", "Lent"]

Ask = Callable[[Frame[messages.Invoke]], Frame[messages.Answer | messages.Raise]]
"""Has the other end call a lent function."""


class Lent:
    """The trusted end: names functions by handles and answers calls to them."""

    def __init__(self) -> None:
        self._functions: list[Any] = []

    def export(self, function: Any) -> list[Any]:
        """The node of a function."""
        for handle, known in enumerate(self._functions):
            if known is function:
                return ["function", handle]
        self._functions.append(function)
        return ["function", len(self._functions) - 1]

    def resolve(self, tag: str, handle: int) -> Any:
        """The lent function that a handle from the other end stands for.

        Raises:
            WireError: it was never lent.
        """
        if tag != "returned" or not 0 <= handle < len(self._functions):
            raise WireError("a function that was never lent")
        return self._functions[handle]

    def answer(self, asked: Frame[messages.Invoke]) -> Frame[messages.Answer | messages.Raise]:
        """Calls a lent function; its exception is an answer too.

        Raises:
            WireError: the arguments are malformed, or the function was never lent.
        """
        invoke, buffers = asked
        arguments = decode(invoke.arguments, buffers, self.resolve)
        if type(arguments) is not tuple or tuple(map(type, arguments)) != (tuple, dict):
            raise WireError("a call without arguments")
        function = self.resolve("returned", invoke.handle)
        try:
            tree, buffers = encode(function(*arguments[0], **arguments[1]), self.export)
        except Exception as error:  # it was called with a student's values: nothing about them is certain
            return messages.Raise(type(error).__name__, str(error)), []
        return messages.Answer(tree), buffers


class Borrowed:
    """The student's end: a proxy for every function lent."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._proxies: dict[int, Callable[..., Any]] = {}

    def export(self, function: Any) -> list[Any] | None:
        """The node of a proxy on its way back; None for a function of the student's own."""
        for handle, proxy in self._proxies.items():
            if proxy is function:
                return ["returned", handle]
        return None

    def resolve(self, tag: str, handle: int) -> Callable[..., Any]:
        """The proxy of a handle."""
        if tag != "function":
            raise WireError("a function of the other side is expected")
        return self._proxies.setdefault(handle, self._proxy(handle))

    def _proxy(self, handle: int) -> Callable[..., Any]:
        def function(*args: Any, **kwargs: Any) -> Any:
            tree, buffers = encode((args, kwargs), self.export)
            answer, buffers = self._ask((messages.Invoke(handle, tree), buffers))
            if isinstance(answer, messages.Raise):
                raise _exception(answer.name, answer.message)
            return decode(answer.value, buffers, self.resolve)

        return function


def _exception(name: str, message: str) -> Exception:
    """The built-in exception of that name, else a RuntimeError that says it."""
    kind = getattr(builtins, name, None)
    if isinstance(kind, type) and issubclass(kind, Exception):
        try:
            return kind(message)
        except TypeError:  # UnicodeDecodeError and the like need more arguments
            pass
    return RuntimeError(f"{name}: {message}")

"""Answers as observers use them: the student's, over a call, and the judge's own functions, in the same way.

An observer is a function of the judge's, `observes(answer, *args)`, that a case names as its `through`. It builds what
the answer needs, calls it, watches what is lent, and returns plain values for the comparison with the reference, which
is observed in the same way.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

from autograder.calls import Breach, Call, Outcome, Raised, Steps
from autograder.exercise import Case, Exercise, Property
from autograder.judge.apply import apply, fresh
from autograder.judge.rules import changed_argument
from autograder.judge.tensors import is_array, is_tensor
from autograder.objects import AnswerRaised, Built, Kept, UnexpectedAnswer, harness_name, in_words

__all__ = ["PLAIN", "apply_observed", "call_observed", "called_as_observed", "observed", "observer_of"]

Observer = Callable[..., Any]
_memories: WeakKeyDictionary[Any, dict[Any, Any]] = WeakKeyDictionary()
"""What observers remember of an answer, for as long as it can be called."""
PLAIN = (bool, int, float, complex, str, bytes, type(None))
"""Values that are no objects."""


def observer_of(exercise: Exercise, probed: Case | Property) -> Observer | None:
    """The observer of a case or property, None if the answer is called as it is."""
    return probed.through or exercise.through


def observed(exercise: Exercise, function: Callable[..., Any], probed: Case | Property) -> Callable[..., Any]:
    """A trusted function as it is called for a case or property: with its arguments, through its observer."""
    through = observer_of(exercise, probed)
    if through is None:
        return function
    return partial(through, _Own(function))


def apply_observed(
    exercise: Exercise, function: Callable[..., Any], probed: Case, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> Outcome:
    """Applies a trusted function to copies of the arguments, through its observer; records what a call would."""
    through = observer_of(exercise, probed)
    if through is None:
        return apply(function, args, kwargs)
    return _usable(partial(_watched, _Own(function), through, args, kwargs))


def called_as_observed(exercise: Exercise, case: Case, answer: Callable[..., Any]) -> Any:
    """What an answer in this process returns, called as for a case, with the objects that its observer lends.

    Raises:
        Exception: what the answer raised.
    """
    done: list[Any] = []
    raised: list[Exception] = []

    def watched(*args: Any, **kwargs: Any) -> Any:
        try:
            done[:] = [answer(*args, **kwargs)]
        except Exception as error:
            raised.append(error)
            raise
        return done[0]

    apply_observed(exercise, watched, case, case.args, case.kwargs)
    if raised:
        raise raised[0]
    return done[0] if done else None


def call_observed(
    call: Call,
    through: Observer | None,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    *,
    cpu: bool = False,
    steps: int = 0,
    most: int = 0,
) -> Outcome:
    """Calls the student's function, through an observer if there is one, and gathers all that its calls gave.

    Whatever the student's values make go wrong in the observer is reported as an answer that is not what was asked.
    """
    asked: dict[str, Any] = {"cpu": True} if cpu else {"steps": steps} if steps else {}
    if most:
        asked["most"] = most
    if through is None:
        return call(args, kwargs, **asked)
    answer = _Students(partial(call, keep=True, **asked), _memories.setdefault(call, {}))
    return _usable(partial(_watched, answer, through, args, kwargs))


def _usable(observed: Callable[[], Outcome]) -> Outcome:
    """What was observed; an observer computes with an answer's values, and anything may happen to it."""
    try:
        return observed()
    except Breach:
        raise
    except Exception as error:
        text = f"the answer could not be used ({in_words(error)})"
        return Outcome(raised=Raised("UnexpectedAnswer", text))


def _watched(answer: _Answer, through: Observer, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Outcome:
    value, raised = None, None
    try:
        value = through(answer, *fresh(args), **fresh(kwargs))
    except AnswerRaised as error:
        raised = error.raised
    except UnexpectedAnswer as error:
        raised = Raised("UnexpectedAnswer", str(error))
    return replace(answer.seen, value=value, raised=raised)


class _Answer:
    """What an observer is given.

    Attributes:
        seen: everything but a value, of all calls so far: warnings, seconds, and the inputs of the first call that
            changed any.
        memory: see `autograder.objects.Answer`.
    """

    def __init__(self, memory: dict[Any, Any] | None = None) -> None:
        self.seen = Outcome()
        self.memory: dict[Any, Any] = {} if memory is None else memory

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Calls the answer."""
        if self.seen.called is None:
            self.seen = replace(self.seen, called=(args, kwargs))
        done = self._asked(None, args, kwargs)
        if done.inputs is not None and self.seen.inputs is None and changed_argument(args, done.inputs[0]) is not None:
            self.seen = replace(self.seen, given=args, inputs=done.inputs)
        return self._value(done)

    def of(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        """Calls an object that the answer returned."""
        return self._value(self._asked(value, args, kwargs))

    def through(self, harness: Callable[..., Any], *args: Any) -> Any:
        """Calls a harness, on the student's side."""
        return self._value(self._asked(harness, args, {}))

    def _value(self, done: Outcome) -> Any:
        seen = self.seen
        self.seen = replace(
            seen,
            warnings=tuple(dict.fromkeys((*seen.warnings, *done.warnings))),
            seconds=seen.seconds + done.seconds,
            cpu=done.cpu if seen.cpu is None else seen.cpu + (done.cpu or 0.0),
            steps=_added(seen.steps, done.steps),
            forbidden=tuple(dict.fromkeys((*seen.forbidden, *done.forbidden))),
            printed="\n".join(filter(None, (seen.printed, done.printed))),
        )
        if done.raised is not None:
            raise AnswerRaised(done.raised)
        return done.value

    def _asked(self, target: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Outcome:
        raise NotImplementedError


def _added(first: Steps | None, second: Steps | None) -> Steps | None:
    if first is None or second is None:
        return first or second
    return Steps(first.own + second.own, first.library + second.library)


class _Students(_Answer):
    """The student's answer, reached by calls."""

    def __init__(self, call: Callable[..., Outcome], memory: dict[Any, Any]) -> None:
        super().__init__(memory)
        self._call = call

    def _asked(self, target: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Outcome:
        if target is None:
            return self._call(args, kwargs)
        return self._call(args, kwargs, target.handle if isinstance(target, Kept) else harness_name(target))


# --- the judge's own functions ----------------------------------------------------------------------------


class _Own(_Answer):
    """A function of the judge's: a reference or a misconception."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self._function = function
        self._built: dict[Built, Any] = {}
        self._kept: list[Any] = []

    def _asked(self, target: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Outcome:
        function = self._function if target is None else self._here(target)
        given, named = self._here(args), self._here(dict(kwargs))
        if not callable(function) and not given and not named:
            return Outcome(value=function)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                value = function(*given, **named)
            except Exception as error:
                return Outcome(raised=Raised(type(error).__name__, str(error)), inputs=(given, named))
        names = tuple(f"{warning.category.__name__}: {warning.message}" for warning in caught)
        return Outcome(value=self._there(value), inputs=(self._there(given), self._there(named)), warnings=names)

    def _here(self, value: Any) -> Any:
        """An argument as the function gets it: a copy, except for tensors through which a gradient passes."""
        if isinstance(value, Kept):
            return self._kept[value.handle]
        if isinstance(value, Built):
            if value not in self._built:
                self._built[value] = value.maker(*self._here(value.args))
            return self._built[value]
        if type(value) in (list, tuple):
            return type(value)(self._here(item) for item in value)
        if type(value) is dict:
            return {key: self._here(item) for key, item in value.items()}
        if is_tensor(value) and value.requires_grad:
            return value
        return fresh(value)

    def _there(self, value: Any) -> Any:
        """A result as an observer gets it."""
        if isinstance(value, PLAIN) or is_array(value) or type(value).__name__ == "Generator":
            return value
        if isinstance(value, tuple):
            return tuple(self._there(item) for item in value)
        if type(value) is list:
            return [self._there(item) for item in value]
        if type(value) is dict and all(type(key) is str for key in value):
            return {key: self._there(item) for key, item in value.items()}
        built = next((name for name, each in self._built.items() if each is value), None)
        if built is not None:
            return built
        self._kept.append(value)
        return Kept(type(value).__name__, len(self._kept) - 1)

"""Many texts tried on the same arguments in one call: what each returns, or the kind of exception that it raises."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["TOOLS", "batch"]

TOOLS = r'''
import contextlib as _contextlib, copy as _copy, signal as _signal, time as _time

_NAMES = dict(globals())
_NAMES.pop({name!r}, None)
_TEXT = "<one of many texts>"


class _TooLong(BaseException):
    pass


def _stop(_, frame):
    """Ends a text's own code and nothing else: what is left behind must be left in order, whenever the alarm rings."""
    while frame is not None and frame.f_code.co_filename != _TEXT:
        frame = frame.f_back
    if frame is not None:
        raise _TooLong


@_contextlib.contextmanager
def _limited(seconds):
    """Ends what runs inside after so much processor time, where that can be done."""
    try:
        before = _signal.signal(_signal.SIGVTALRM, _stop)
    except (AttributeError, ValueError):  # another system, another thread
        yield
        return
    try:
        _signal.setitimer(_signal.ITIMER_VIRTUAL, seconds, 0.01)
        yield
    except _TooLong:
        raise TimeoutError from None
    finally:
        _signal.setitimer(_signal.ITIMER_VIRTUAL, 0)
        _signal.signal(_signal.SIGVTALRM, before)


def _copied(value):
    if isinstance(value, (bool, int, float, complex, str, bytes, type(None))):
        return value
    if type(value) in (list, tuple):
        return type(value)(map(_copied, value))
    if type(value) is dict:
        return {{key: _copied(each) for key, each in value.items()}}
    if hasattr(value, "detach") and hasattr(value, "requires_grad"):
        return value.detach().clone().requires_grad_(value.requires_grad)
    if hasattr(value, "dtype") and hasattr(value, "copy"):
        return value.copy()
    if hasattr(value, "get_state") and hasattr(value, "set_state"):
        fresh = type(value)(device=value.device)
        fresh.set_state(value.get_state())
        return fresh
    return value if callable(value) else _copy.deepcopy(value)


def _size(value):
    """How many bytes a value takes, about; too many if it is nothing to send."""
    if isinstance(value, (list, tuple)):
        return sum(map(_size, value)) + 8
    if isinstance(value, dict):
        return sum(map(_size, value.values())) + 8
    if isinstance(value, (bool, int, float, complex, str, type(None))):
        return len(value) if isinstance(value, str) else 8
    return value.nbytes if hasattr(value, "dtype") and hasattr(value, "nbytes") else {most} + 1


'''
"""What such a text needs: copies, sizes, limits."""

_BATCH = r"""
_TEXTS = {texts!r}


def _tried(text, args, kwargs):
    place = dict(_NAMES)
    try:
        with _limited({each}):
            exec(compile(text, _TEXT, "exec"), place)
            value = place[{name!r}](*_copied(args), **_copied(kwargs))
        if hasattr(value, "grad_fn") and value.requires_grad:
            value = value.detach()
        return [True, value] if _size(value) <= {most} else [False, "size"]
    except Exception as error:
        return [False, type(error).__name__]


def {name}(*args, **kwargs):
    end, results = _time.perf_counter() + {seconds}, []
    for text in _TEXTS:
        if _time.perf_counter() > end:
            break
        results.append(_tried(text, args, kwargs))
    return results
"""


def batch(texts: Sequence[str], name: str, *, most: int, seconds: float, each: float) -> str:
    """A text that defines a function which returns a list: for each text, in order, a pair.

    The pair is True and what the text's function returns, or False and why there is nothing. The list is shorter where
    time has run out.

    Args:
        texts: that define the same function.
        name: of the function.
        most: how many bytes a result may take.
        seconds: after which no further text is tried.
        each: how many seconds of processor time one text may take.
    """
    return (TOOLS + _BATCH).format(name=name, texts=list(texts), most=most, seconds=seconds, each=each)

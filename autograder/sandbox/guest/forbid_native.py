"""Ends functions below Python for good: what was taken away must not come back through compilers or machine code.

Every alias of a function written in C shares one entry with its address, and a module that is imported anew gets the
same entries again. So the entry is changed, not the names: it then leads to a function of Python's own that raises
TypeError. What is ended: torch's compiler with its graphs and scripts, which has operators of its own beside the
dispatcher's; everything that would set torch up anew; the engine and the nodes of autograd; foreign functions.
"""

from __future__ import annotations

import ctypes
import gc
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import BuiltinFunctionType, ModuleType
from typing import Any

__all__ = ["compilers", "differentiators", "end", "end_autograd", "end_compilers", "end_foreign_functions"]

_METHOD, _DESCRIBED_METHOD, _ADDRESS = 16, 40, 8
"""Offsets: of the entry in a function and in a type's method, of the address in an entry."""
_CALL = 128
"""The offset of a type's function that calls its instances."""

_ROOMS = ("_aoti", "_distributed_autograd", "_distributed_rpc", "_export", "_lazy", "_lazy_ts_backend", "_te")
_KINDS = re.compile(
    r"^(AliasDb|Block|Code|CompilationUnit|CompleteArgumentSpec|ConcreteModule\w*|ExecutionPlan|Gradient|Graph\w*|"
    r"LiteScriptModule|Node|Script\w+|StaticModule|ThroughputBenchmark|TracingState|Use|Value)$"
)
_HANDLED = re.compile(
    r"torch\._C\.(AliasDb|Block|Code|CompilationUnit|ConcreteModule\w*|Gradient|Graph\w*|LiteScriptModule|Node|"
    r"Script\w+|StaticModule|TracingState|Use|Value|_te\.\w+)\b|torch::jit::"
)
_NAMED = re.compile(
    r"^(_jit_|_create_(function|graph|method|module|object)|_compile_|_freeze|_load_|_save_(jit|mobile)|_import_|"
    r"import_ir|parse_ir|_backport|_fuse_to|_nn_module_to|_quantize_ondevice|_propagate|_generate_upgraders|"
    r"_get_operation|_pickle_load|_run_emit|_get_custom_class|_construct_storage|_wrap_tensor_impl|fork$|wait$|"
    r"_init\w+$|\w+_init$)"
)
_HARMLESS = frozenset(
    (
        "_check_schema_allow_fake_script_object", "_get_tracing_state", "_get_value_trace", "_init_names",
        "_is_tracing", "_jit_assert_is_instance", "_jit_flatten", "_jit_get_tracer_state_warn",
        "_jit_is_script_object", "_jit_try_infer_type", "_jit_unflatten",
    )
)  # fmt: skip
"""Questions that torch's own Python code asks all the time."""
_DIFFERENTIATORS = (
    "_enter_dual_level", "_functorch._grad_increment_nesting", "_functorch._jvp_increment_nesting",
    "_functorch._wrap_for_grad", "_current_graph_task_execution_order",
)  # fmt: skip
_FOREIGN = (
    "PyObj_FromPtr", "Py_DECREF", "Py_INCREF", "call_cdeclfunction", "call_function", "dlclose", "dlopen", "dlsym",
    "from_address", "in_dll",
)  # fmt: skip
"""What opens, finds and calls foreign functions, or takes an address; sizes and pointers stay for packages."""


def compilers() -> list[Any]:
    """The functions of torch that compile, load or interpret programs, or set torch up anew."""
    import torch

    below = torch._C
    found = [each for name, each in _functions(below) if name not in _HARMLESS and _compiles(name, each)]
    for room in _ROOMS:
        inside = getattr(below, room, None)
        if isinstance(inside, ModuleType):
            found += [each for _, each in _functions(inside)]
    return found


def differentiators() -> list[Any]:
    """The functions of torch that begin to differentiate by transforming a function."""
    import torch

    found = []
    for name in _DIFFERENTIATORS:
        room, _, last = name.rpartition(".")
        inside = getattr(torch._C, room, None) if room else torch._C
        found.append(getattr(inside, last, None))
    return [each for each in found if isinstance(each, BuiltinFunctionType)]


def end_compilers() -> None:
    """Ends torch's compiler, and every method of the things that it makes."""
    import torch

    end(compilers())
    rooms = [torch._C, *(getattr(torch._C, room, None) for room in _ROOMS)]
    for room in rooms:
        for name, kind in list(vars(room).items()) if room is not None else ():
            if isinstance(kind, type) and (room is not torch._C or _KINDS.match(name)):
                end(_methods(kind))


def end_autograd() -> None:
    """Ends the engine, transformations of functions, and the way to call a node of a graph by hand."""
    import torch

    engine: Any = type(torch.autograd.Variable._execution_engine)
    end([*differentiators(), *_methods(engine)])
    kinds = [kind for kind in vars(torch._C._functions).values() if isinstance(kind, type)]
    _end_calls([*kinds, torch._C._FunctionBase])


def end_foreign_functions() -> None:
    """Ends ctypes: with it any machine code in this process could be called by its address. Comes last."""
    import _ctypes

    found = [each for name, each in _functions(_ctypes) if name in _FOREIGN]
    kinds = list(_subclasses(_ctypes._SimpleCData.__mro__[-2]))
    for made_by in {type(kind) for kind in kinds}:
        found += [vars(made_by)[name] for name in _FOREIGN if name in vars(made_by)]
    entries, callers = _entries(found), _callers([kind for kind in kinds if issubclass(kind, _ctypes.CFuncPtr)])
    _write(entries, callers)


def end(functions: Iterable[Any]) -> None:
    """Makes every call of these functions raise TypeError, whatever it is called by. Others are left as they are."""
    _write(_entries(functions), [])


def _end_calls(kinds: Iterable[type]) -> None:
    """Makes instances of types written in C impossible to call."""
    _write([], _callers(kinds))


# --- what there is --------------------------------------------------------------------------------------


def _functions(module: ModuleType) -> list[tuple[str, Any]]:
    return [(name, each) for name, each in list(vars(module).items()) if isinstance(each, BuiltinFunctionType)]


def _compiles(name: str, function: Any) -> bool:
    return _NAMED.match(name) is not None or _HANDLED.search(function.__doc__ or "") is not None


def _methods(kind: type) -> Iterator[Any]:
    """The functions in a type, with those behind its properties; `__new__` has the same entry in all types."""
    for name, each in list(vars(kind).items()):
        if name == "__new__":
            continue
        inner = getattr(each, "__func__", each)
        if isinstance(each, property):
            yield from (getattr(part, "__func__", part) for part in (each.fget, each.fset) if part is not None)
        elif isinstance(inner, BuiltinFunctionType) or type(inner).__name__ == "method_descriptor":
            yield inner


def _subclasses(kind: type) -> Iterator[type]:
    yield kind
    inside: list[type] = type.__subclasses__(kind)
    for below in inside:
        yield from _subclasses(below)


# --- memory ---------------------------------------------------------------------------------------------


def _entries(functions: Iterable[Any]) -> list[Any]:
    """The places of the addresses of functions, where they can be written to."""
    found: dict[int, None] = {}
    for function in functions:
        kind = type(function).__name__
        if kind in ("builtin_function_or_method", "cython_function_or_method", "fused_cython_function"):
            entry = ctypes.c_void_p.from_address(id(function) + _METHOD).value
        elif kind == "method_descriptor":
            entry = ctypes.c_void_p.from_address(id(function) + _DESCRIBED_METHOD).value
        else:
            continue
        if entry:
            found[entry + _ADDRESS] = None
    return [ctypes.c_void_p.from_address(place) for place in found if _writable(place)]


def _callers(kinds: Iterable[type]) -> list[Any]:
    """The places of the functions that call instances; what Python shows of them is removed."""
    places = []
    for kind in kinds:
        inside: Any = gc.get_referents(kind.__dict__)[0]
        inside.pop("__call__", None)
        ctypes.pythonapi.PyType_Modified(ctypes.py_object(kind))
        if _writable(id(kind) + _CALL):
            places.append(ctypes.c_void_p.from_address(id(kind) + _CALL))
    return places


def _write(entries: list[Any], callers: list[Any]) -> None:
    """Writes to all places at once: it may be foreign functions themselves that end here."""
    raising = ctypes.cast(ctypes.pythonapi.PyErr_BadArgument, ctypes.c_void_p).value
    for place in entries:
        place.value = raising
    for place in callers:
        place.value = None


_ranges: list[tuple[int, int]] = []


def _writable(place: int) -> bool:
    """Whether this process may write to an address; nothing is known, and so nothing written, outside Linux."""
    if any(first <= place < last for first, last in _ranges):
        return True
    if sys.platform != "linux":
        return False
    lines = (line.split() for line in Path("/proc/self/maps").read_text("ascii", "replace").splitlines())
    bounds = (words[0].split("-") for words in lines if words[1][1] == "w")
    _ranges[:] = [(int(first, 16), int(last, 16)) for first, last in bounds]
    return any(first <= place < last for first, last in _ranges)

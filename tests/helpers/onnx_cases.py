"""The node cases that ONNX ships for its backends: inputs, attributes and outputs written by other people.

One operator at a time: `onnx_cases("Conv")` loads the module of that operator alone, in a moment, where the whole
collection takes seconds.
"""

from __future__ import annotations

import importlib
import pkgutil
import random
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import onnx

_NODES = "onnx.backend.test.case.node"


@dataclass(frozen=True)
class OnnxCase:
    """One call of an operator.

    Attributes:
        name: as ONNX names it, without `test_`.
        attributes: those that the case sets, as plain Python values; the operator's defaults stand for the others.
        inputs: by the names of the operator's schema ("X", "W", "B"); optional ones that are absent are left out, and
            repeated ones are called "inputs_0", "inputs_1", ...
        outputs: by the names of the schema, in its order.
        rtol, atol: how close ONNX wants the outputs.
    """

    name: str
    attributes: dict[str, Any]
    inputs: dict[str, np.ndarray]
    outputs: dict[str, np.ndarray]
    rtol: float
    atol: float

    def __repr__(self) -> str:
        return self.name


@cache
def onnx_cases(operator: str) -> tuple[OnnxCase, ...]:
    """All cases of one operator, in ONNX's order.

    Raises:
        ValueError: there is none, so that no test is empty unnoticed.
    """
    with _undisturbed():
        node = importlib.import_module(_NODES)
        for module in pkgutil.iter_modules(node.__path__):
            if module.name.replace("_", "") == operator.lower():
                importlib.import_module(f"{_NODES}.{module.name}")
    found = tuple(_case(case) for case in node._NodeTestCases if _is_of(case, operator))
    if not found:
        raise ValueError(f"ONNX has no case of {operator!r}")
    return found


def _is_of(case: Any, operator: str) -> bool:
    nodes = case.model.graph.node
    return len(nodes) == 1 and nodes[0].op_type == operator and "_expanded" not in case.name


def _case(case: Any) -> OnnxCase:
    [node], [(inputs, outputs)] = case.model.graph.node, case.data_sets
    schema = onnx.defs.get_schema(node.op_type, node.domain)
    return OnnxCase(
        case.name.removeprefix("test_"),
        {each.name: _plain(onnx.helper.get_attribute_value(each)) for each in node.attribute},
        _named(schema.inputs, node.input, inputs),
        _named(schema.outputs, node.output, outputs),
        case.rtol,
        case.atol,
    )


def _named(formal: Any, actual: Any, values: Any) -> dict[str, np.ndarray]:
    names = [each.name for each in formal]
    if len(actual) > len(names):
        names = [*names[:-1], *(f"{names[-1]}_{place}" for place in range(len(actual) - len(names) + 1))]
    present = [name for name, used in zip(names, actual, strict=False) if used]
    return dict(zip(present, map(_array, values), strict=True))


def _array(value: Any) -> Any:
    return onnx.numpy_helper.to_array(value) if isinstance(value, onnx.TensorProto) else value


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode()
    return [_plain(item) for item in value] if isinstance(value, list) else value


@contextmanager
def _undisturbed() -> Iterator[None]:
    """ONNX's modules compute their cases when they are imported, with a global seed and some warnings."""
    legacy, python = np.random.get_state(), random.getstate()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        np.random.set_state(legacy)
        random.setstate(python)

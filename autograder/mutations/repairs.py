"""The rules run backwards: edits that may turn a wrong answer into a right one, the most likely first.

What a rule takes away, a repair puts in: a transpose, kept dimensions, an axis, a term, a division by a length. What to
put in is taken from the names at hand and from right answers, in the words of the answer that is repaired.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from autograder.mutations.rules import RULES, Rule
from autograder.mutations.rules.arrays import LIKE, REDUCTIONS, name_of
from autograder.mutations.source import Edit, Source, written

__all__ = ["Donors", "donors_of", "repairs"]

_MODULES = {"np", "torch", "math", "F", "nn", "numpy"}
_BUILTINS = {"len", "range", "float", "int", "sum", "max", "min", "abs", "round", "enumerate", "zip", "list", "bool"}
_MOST_STEPS = 2
"""What is lent has no more operations than that: a repair is a small thing."""


@dataclass(frozen=True)
class Donors:
    """What right answers lend.

    Attributes:
        expressions: in terms of the parameters alone.
        around: calls whose first argument, `{}`, is to be filled in, in the same terms.
        numbers: constants.
    """

    expressions: tuple[str, ...] = ()
    around: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()


def donors_of(texts: Sequence[str], name: str, parameters: Sequence[str]) -> Donors:
    """What right answers can lend, with their parameters under other names.

    Args:
        texts: right answers.
        name: of the function in each of them.
        parameters: the names of the wrong answer's parameters, in order.
    """
    expressions: dict[str, None] = {}
    around: dict[str, None] = {}
    constants: dict[str, None] = {}
    for text in texts:
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Constant) and type(node.value) in (int, float):
                constants.setdefault(repr(node.value))
            if isinstance(node, ast.FunctionDef) and node.name == name:
                theirs = [each.arg for each in node.args.args]
                renamed = dict(zip(theirs, parameters, strict=False))
                for expression in _lendable(node, set(theirs)):
                    expressions.setdefault(_in_other_names(expression, renamed))
                for call in _enclosing(node, set(theirs)):
                    around.setdefault(_in_other_names(call, renamed))
    return Donors(tuple(sorted(expressions, key=len)), tuple(sorted(around, key=len)), tuple(constants))


_GAP = "__gap__"


def _enclosing(function: ast.FunctionDef, parameters: set[str]) -> Iterator[ast.expr]:
    """Calls of a library with a gap in the place of their first argument."""
    known = parameters | _MODULES | _BUILTINS | {_GAP}
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and node.args and isinstance(node.func, (ast.Attribute, ast.Name)):
            if name_of(node) in _UNLIKELY:
                continue
            call = ast.Call(node.func, [ast.Name(_GAP, ast.Load()), *node.args[1:]], node.keywords)
            if {each.id for each in ast.walk(call) if isinstance(each, ast.Name)} <= known:
                yield call


_UNLIKELY = {"range", "len", "zeros", "ones", "append", "enumerate", "zip", "print", "isinstance", "ValueError"}


def _lendable(function: ast.FunctionDef, parameters: set[str]) -> Iterator[ast.expr]:
    """Parts of expressions; what a statement returns or keeps as a whole would be the answer, not a repair."""
    known = parameters | _MODULES | _BUILTINS
    whole = {id(node.value) for node in ast.walk(function) if isinstance(node, (ast.Return, ast.Assign))}
    for node in ast.walk(function):
        if id(node) in whole:
            continue
        if not isinstance(node, (ast.BinOp, ast.Call, ast.Subscript, ast.Attribute, ast.UnaryOp, ast.Compare)):
            continue
        if not isinstance(getattr(node, "ctx", ast.Load()), ast.Load):
            continue
        names = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
        steps = sum(isinstance(each, (ast.BinOp, ast.Call, ast.Compare, ast.UnaryOp)) for each in ast.walk(node))
        everything = len(parameters) > 2 and names >= parameters
        if names <= known and names & parameters and not everything and steps <= _MOST_STEPS:
            yield node


class _Renamed(ast.NodeTransformer):
    def __init__(self, names: dict[str, str]) -> None:
        self._names = names

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.copy_location(ast.Name(self._names.get(node.id, node.id), node.ctx), node)


def _in_other_names(node: ast.expr, names: dict[str, str]) -> str:
    return written(_Renamed(names).visit(ast.parse(written(node), mode="eval").body))


def repairs(text: str, donors: Donors, first: Sequence[int] = ()) -> Iterator[Edit]:
    """Every text that differs by one edit which may be a repair, each once; some of them are no Python.

    Args:
        text: one or more definitions.
        donors: what right answers lend.
        first: lines that are tried before all others.

    Raises:
        SyntaxError: the text is not Python.
    """
    source = Source(text)
    seen = {text}
    inside = [node for node in source.nodes() if source.function_of(node) is not None and hasattr(node, "lineno")]
    suspects = [node for node in inside if node.lineno in first]
    others = [node for node in inside if node.lineno not in first]
    lent: Rule = partial(_lent, donors)
    around: Rule = partial(_around, donors)
    insertions: tuple[Rule, ...] = (
        _kept,
        _axis,
        _like,
        _turned,
        _unused,
        _named,
        lent,
        around,
        _sliced,
        _added,
        _scaled,
    )
    joined: tuple[Rule, ...] = (partial(_joined, donors),)
    stages = (RULES, insertions, joined)
    for rules, nodes in ((rules, nodes) for rules in stages for nodes in (suspects, others)):
        for rule in rules:
            for node in nodes:
                for edit in rule(source, node):
                    if edit.text not in seen:
                        seen.add(edit.text)
                        yield edit


# --- what may be missing -------------------------------------------------------------------------------------


def _is_reduction(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and name_of(node) in REDUCTIONS


def _with(source: Source, call: ast.Call, extra: str) -> str:
    text = source.segment(call)
    return f"{text[:-1].rstrip().rstrip(',')}{', ' if call.args or call.keywords else ''}{extra})"


def _kept(source: Source, node: ast.AST) -> Iterator[Edit]:
    """Kept dimensions at a reduction."""
    if isinstance(node, ast.Call) and _is_reduction(node) and isinstance(node.func, ast.Attribute):
        named = {keyword.arg for keyword in node.keywords}
        extra = "keepdim=True" if "dim" in named else "keepdims=True"
        if not named & {"keepdims", "keepdim"}:
            yield source.rewritten("keepdims", node, _with(source, node, extra), "", extra)


_ALONG_AN_AXIS = {
    "cat", "concatenate", "stack", "softmax", "log_softmax", "flip", "roll", "sort", "argsort", "norm", "split",
    "chunk", "diff", "cumsum", "take_along_axis", "median", "logsumexp",
}  # fmt: skip


def _axis(source: Source, node: ast.AST) -> Iterator[Edit]:
    """An axis where there is none."""
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
        return
    if {keyword.arg for keyword in node.keywords} & {"axis", "dim"}:
        return
    word = "dim" if "torch." in source.text else "axis"
    if _is_reduction(node):
        for extra in ("axis=0", "axis=1", "axis=-1", "axis=1, keepdims=True", "axis=-1, keepdims=True"):
            yield source.rewritten("axis", node, _with(source, node, extra), "", extra)
    elif name_of(node) in _ALONG_AN_AXIS:
        for extra in (f"{word}=0", f"{word}=1", f"{word}=-1"):
            yield source.rewritten("axis", node, _with(source, node, extra), "", extra)


def _turned(source: Source, node: ast.AST) -> Iterator[Edit]:
    """A transpose, a column in place of a row, a copy."""
    for value in _values(source, node):
        text = source.segment(value)
        if isinstance(value, (ast.Name, ast.Attribute, ast.Subscript, ast.Call, ast.BinOp)):
            inner = text if not isinstance(value, ast.BinOp) else f"({text})"
            yield source.rewritten("transpose", value, f"{inner}.T", text, f"{inner}.T")
    if (
        isinstance(node, ast.Name)
        and isinstance(node.ctx, ast.Load)
        and isinstance(source.parents.get(node), ast.BinOp)
    ):
        for new in ("[:, None]", "[None, :]"):
            yield source.replaced("shape", node, f"{node.id}{new}")


def _scaled(source: Source, node: ast.AST) -> Iterator[Edit]:
    """A division or multiplication by a length or a number; a root or a square."""
    function = source.function_of(node)
    parameters = [each.arg for each in function.args.args] if function is not None else []
    lengths = [f"len({name})" for name in parameters] + [f"{name}.shape[1]" for name in parameters]
    for value in _values(source, node):
        text = source.segment(value)
        inner = text if isinstance(value, (ast.Name, ast.Call, ast.Subscript, ast.Attribute)) else f"({text})"
        for length in [*lengths, *parameters]:
            yield source.replaced("scale", value, f"{inner} / {length}")
            yield source.replaced("scale", value, f"{inner} * {length}")
        for factor in ("2", "0.5"):
            yield source.replaced("scale", value, f"{factor} * {inner}")
        yield source.replaced("scale", value, f"{inner} ** 2")
        yield source.replaced("scale", value, f"{inner} ** 0.5")
        yield source.replaced("sign", value, f"1 - {inner}")


def _values(source: Source, node: ast.AST) -> Iterator[ast.expr]:
    """What a statement keeps or returns, part by part, and the operands of a product or sum."""
    if isinstance(node, (ast.Return, ast.Assign, ast.AugAssign)) and node.value is not None:
        values = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
        yield from (value for value in values if not isinstance(value, ast.Constant))
    elif isinstance(node, ast.BinOp):
        yield from (value for value in (node.left, node.right) if not isinstance(value, ast.Constant))
    elif isinstance(node, ast.Call) and name_of(node) not in _UNLIKELY:
        yield from (value for value in node.args[:1] if not isinstance(value, (ast.GeneratorExp, ast.Starred)))


def _names_in_reach(source: Source, node: ast.AST) -> list[str]:
    """Parameters, and names that have a value before the statement of a node."""
    function = source.function_of(node)
    if function is None:
        return []
    line = source.statement_of(node).lineno
    found = dict.fromkeys(each.arg for each in (*function.args.args, *function.args.kwonlyargs))
    for each in ast.walk(function):
        if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store) and each.lineno <= line:
            found.setdefault(each.id)
    return list(found)


def _named(source: Source, node: ast.AST) -> Iterator[Edit]:
    """Another name."""
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
        reach = _names_in_reach(source, node)
        if node.id in reach or node.id not in _MODULES | _BUILTINS:
            for other in reach:
                if other != node.id:
                    yield source.replaced("name", node, other)


def _added(source: Source, node: ast.AST) -> Iterator[Edit]:
    """A term or a factor: a name that is at hand."""
    if not isinstance(node, (ast.Return, ast.Assign, ast.AugAssign)):
        return
    for value in _values(source, node):
        text = source.segment(value)
        inner = text if isinstance(value, (ast.Name, ast.Call, ast.Subscript, ast.Attribute)) else f"({text})"
        for name in _names_in_reach(source, node):
            if name not in text.split():
                for operator in ("+", "-", "*", "/"):
                    yield source.replaced("term", value, f"{inner} {operator} {name}")


def _lent(donors: Donors, source: Source, node: ast.AST) -> Iterator[Edit]:
    """An expression of a right answer in the place of a value."""
    if not isinstance(node, ast.expr) or not isinstance(getattr(node, "ctx", ast.Load()), ast.Load):
        return
    parent = source.parents.get(node)
    if not isinstance(node, (ast.BinOp, ast.Call, ast.Subscript, ast.Name, ast.UnaryOp, ast.Constant)):
        return
    if isinstance(parent, (ast.Attribute, ast.keyword)) or (isinstance(parent, ast.Call) and node is parent.func):
        return
    if isinstance(node, ast.Constant) and type(node.value) is not bool:
        for number in donors.numbers if type(node.value) in (int, float) else ():
            yield source.replaced("constant", node, number)
        return
    for expression in donors.expressions:
        yield source.replaced("expression", node, expression)


def _around(donors: Donors, source: Source, node: ast.AST) -> Iterator[Edit]:
    """A function around a value."""
    library = "torch" if "torch." in source.text else "np"
    positive = "np.maximum({}, 0)" if library == "np" else "({}).clamp(min=0)"
    usual = [f"{library}.{name}({{}})" for name in ("exp", "log", "sqrt", "abs", "tanh")]
    lent = [each.replace(_GAP, "{}") for each in donors.around]
    for value in _values(source, node):
        text = source.segment(value)
        for call in dict.fromkeys([*lent, *usual, positive]):
            yield source.replaced("function", value, call.replace("{}", text))


def _like(source: Source, node: ast.AST) -> Iterator[Edit]:
    """The function of which the present one is a near relation; a number that right answers have."""
    if isinstance(node, ast.Call):
        name, called = name_of(node), source.segment(node.func)
        start = called[: len(called) - len(name)]
        arguments = source.segment(node)[len(called) :]
        for other, relations in LIKE.items():
            if name in relations:
                kind = "reduction" if other in REDUCTIONS else "function"
                yield source.rewritten(kind, node, start + other + arguments, called, start + other)


def _unused(source: Source, node: ast.AST) -> Iterator[Edit]:
    """A parameter that is used nowhere, at any place of an expression."""
    if not isinstance(node, (ast.BinOp, ast.Call, ast.Name, ast.Subscript)):
        return
    function = source.function_of(node)
    if function is None or not isinstance(getattr(node, "ctx", ast.Load()), ast.Load):
        return
    parent = source.parents.get(node)
    if isinstance(parent, ast.Attribute) or (isinstance(parent, ast.Call) and node is parent.func):
        return
    used = {each.id for each in ast.walk(function) if isinstance(each, ast.Name)}
    text = source.segment(node)
    inner = text if not isinstance(node, ast.BinOp) else f"({text})"
    for name in (each.arg for each in function.args.args):
        if name not in used:
            for operator in ("+", "-", "*", "/"):
                yield source.replaced("term", node, f"{inner} {operator} {name}")


def _sliced(source: Source, node: ast.AST) -> Iterator[Edit]:
    """A bound at a slice, a slice at a name, a new axis among the others."""
    if isinstance(node, ast.Slice) and node.lower is None and node.upper is None and node.step is None:
        for new in (":-1", "1:", "::-1"):
            yield source.replaced("slice", node, new)
    elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Tuple) and isinstance(node.ctx, ast.Load):
        parts, base = [source.segment(part) for part in node.slice.elts], source.segment(node.value)
        for at in range(len(parts) + 1):
            yield source.replaced("shape", node, f"{base}[{', '.join([*parts[:at], 'None', *parts[at:]])}]")
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
        parent = source.parents.get(node)
        if isinstance(parent, (ast.Call, ast.For, ast.comprehension)) and node is not getattr(parent, "func", None):
            for new in ("[1:]", "[:-1]", "[::-1]"):
                yield source.replaced("slice", node, f"{node.id}{new}")


def _joined(donors: Donors, source: Source, node: ast.AST) -> Iterator[Edit]:
    """A term or factor on either side of any part of an expression: a name at hand, a number, something lent."""
    if not isinstance(node, (ast.BinOp, ast.Call, ast.Name, ast.Subscript, ast.Attribute, ast.Constant)):
        return
    parent = source.parents.get(node)
    if not isinstance(getattr(node, "ctx", ast.Load()), ast.Load) or isinstance(parent, (ast.Attribute, ast.keyword)):
        return
    if (isinstance(parent, ast.Call) and node is parent.func) or (
        isinstance(parent, ast.Subscript) and node is parent.value
    ):
        return
    text = source.segment(node)
    inner = f"({text})" if isinstance(node, ast.BinOp) else text
    for other in [*donors.numbers, *_names_in_reach(source, node), *(f"({each})" for each in donors.expressions)]:
        if other != inner:
            kind = "scale" if other in donors.numbers else "term"
            for new in (f"{other} * {inner}", f"{inner} + {other}", f"{inner} - {other}", f"{other} - {inner}"):
                yield source.replaced(kind, node, new)
            yield source.replaced(kind, node, f"{inner} / {other}")

"""What may be missing in an answer: a transpose, kept dimensions, an axis, a term, a division by a length, a function.

Each rule yields the edits of one node. What is put in comes from the names at hand, from right answers, and from the
answer itself.
"""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterable, Iterator

from autograder.mutations.donors import BUILTINS, MODULES, UNLIKELY, Donors
from autograder.mutations.rules import Rule
from autograder.mutations.rules.arrays import LIKE, REDUCTIONS, name_of
from autograder.mutations.source import Edit, Source
from autograder.mutations.undone import Lending, is_place

__all__ = ["INSERTIONS", "LENT"]


def _is_reduction(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and name_of(node) in REDUCTIONS


def kept(source: Source, node: ast.AST) -> Iterator[Edit]:
    """Kept dimensions at a reduction."""
    if isinstance(node, ast.Call) and _is_reduction(node) and isinstance(node.func, ast.Attribute):
        named = {keyword.arg for keyword in node.keywords}
        extra = "keepdim=True" if "dim" in named else "keepdims=True"
        if not named & {"keepdims", "keepdim"}:
            yield source.rewritten("keepdims", node, source.with_argument(node, extra), "", extra)


_ALONG_AN_AXIS = {
    "cat", "concatenate", "stack", "softmax", "log_softmax", "flip", "roll", "sort", "argsort", "norm", "split",
    "chunk", "diff", "cumsum", "take_along_axis", "median", "logsumexp",
}  # fmt: skip


def axis(source: Source, node: ast.AST) -> Iterator[Edit]:
    """An axis where there is none."""
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
        return
    if {keyword.arg for keyword in node.keywords} & {"axis", "dim"}:
        return
    word = "dim" if "torch." in source.text else "axis"
    if _is_reduction(node):
        usual = ("axis=0", "axis=1", "axis=-1", "axis=1, keepdims=True", "axis=-1, keepdims=True")
        for extra in (*usual, "axis=(0, 1)", "axis=(1, 2)", "axis=(2, 3)", "axis=(0, 2, 3)"):
            yield source.rewritten("axis", node, source.with_argument(node, extra), "", extra)
    elif name_of(node) in _ALONG_AN_AXIS:
        for extra in (f"{word}=0", f"{word}=1", f"{word}=-1"):
            yield source.rewritten("axis", node, source.with_argument(node, extra), "", extra)


def turned(source: Source, node: ast.AST) -> Iterator[Edit]:
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


def scaled(source: Source, node: ast.AST) -> Iterator[Edit]:
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
    elif isinstance(node, ast.Call) and name_of(node) not in UNLIKELY:
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


def named(source: Source, node: ast.AST) -> Iterator[Edit]:
    """Another name."""
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
        reach = _names_in_reach(source, node)
        if node.id in reach or node.id not in MODULES | BUILTINS:
            for other in reach:
                if other != node.id:
                    yield source.replaced("name", node, other)


def added(source: Source, node: ast.AST) -> Iterator[Edit]:
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


def lent(donors: Donors, source: Source, node: ast.AST) -> Iterator[Edit]:
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


def around(donors: Donors, source: Source, node: ast.AST) -> Iterator[Edit]:
    """A function around a value."""
    library = "torch" if "torch." in source.text else "np"
    positive = "np.maximum({}, 0)" if library == "np" else "({}).clamp(min=0)"
    usual = [f"{library}.{name}({{}})" for name in ("exp", "log", "sqrt", "abs", "tanh")]
    usual += ["math.ceil({})", "math.floor({})", "int({})", "float({})", "abs({})", "list({})", "tuple({})"]
    if is_place(node, source) and not isinstance(node, ast.Constant):
        text = source.segment(node)
        for call in dict.fromkeys([*donors.around, *usual, positive]):
            yield source.replaced("function", node, call.replace("{}", _gap_filled(call, text, node)))


def like(source: Source, node: ast.AST) -> Iterator[Edit]:
    """The function of which the present one is a near relation; a number that right answers have."""
    if isinstance(node, ast.Call):
        name, called = name_of(node), source.segment(node.func)
        start = called[: len(called) - len(name)]
        arguments = source.segment(node)[len(called) :]
        for other, relations in LIKE.items():
            if name in relations:
                kind = "reduction" if other in REDUCTIONS else "function"
                yield source.rewritten(kind, node, start + other + arguments, called, start + other)


def unused(source: Source, node: ast.AST) -> Iterator[Edit]:
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


def sliced(source: Source, node: ast.AST) -> Iterator[Edit]:
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


def _gap_filled(call: str, text: str, value: ast.expr) -> str:
    """A value as it has to be written in the gap: in brackets before a dot."""
    return f"({text})" if call.startswith("{}.") and isinstance(value, (ast.BinOp, ast.UnaryOp, ast.Compare)) else text


def _joined(others: Iterable[str], donors: Donors, source: Source, node: ast.expr) -> Iterator[Edit]:
    """A term or factor on either side of any part of an expression."""
    if isinstance(source.parents.get(node), ast.keyword):
        return
    text = source.segment(node)
    inner = f"({text})" if isinstance(node, ast.BinOp) else text
    for other in others:
        if other not in (text, inner):
            kind = "scale" if other in donors.numbers else "term"
            for new in (f"{other} * {inner}", f"{inner} + {other}", f"{inner} - {other}", f"{other} - {inner}"):
                yield source.replaced(kind, node, new)
            yield source.replaced(kind, node, f"{inner} / {other}")


def divided_or_raised(donors: Donors, source: Source, node: ast.AST) -> Iterator[Edit]:
    """A name or a number divided by a value, or with it as an exponent, or the other way round."""
    if is_place(node, source):
        text = source.segment(node)
        inner = f"({text})" if isinstance(node, ast.BinOp) else text
        for other in dict.fromkeys((*_names_in_reach(source, node), *donors.numbers, "1", "2")):
            for new in (f"{other} / {inner}", f"{other} ** {inner}", f"{inner} ** {other}"):
                yield source.replaced("term", node, new)


def with_names(donors: Donors, source: Source, node: ast.AST) -> Iterator[Edit]:
    """A name at hand joined to a value."""
    if is_place(node, source):
        yield from _joined(_names_in_reach(source, node), donors, source, node)


def with_numbers(donors: Donors, source: Source, node: ast.AST) -> Iterator[Edit]:
    """A number joined to a value."""
    if is_place(node, source):
        yield from _joined(dict.fromkeys((*donors.numbers, "1", "2", "0.5", "1e-12")), donors, source, node)


def with_one_or_two(donors: Donors, source: Source, node: ast.AST) -> Iterator[Edit]:
    """Halved, doubled, one more, one less, its square."""
    if is_place(node, source):
        yield from _joined(("2", "1"), donors, source, node)


def with_lent(donors: Donors, source: Source, node: ast.AST) -> Iterator[Edit]:
    """A part of a right answer joined to a value."""
    if is_place(node, source):
        yield from _joined([f"({each})" for each in donors.expressions], donors, source, node)


def with_own(donors: Donors, source: Source, node: ast.AST) -> Iterator[Edit]:
    """A part of the same function joined to a value."""
    if is_place(node, source):
        yield from _joined(_own_terms(source, node), donors, source, node)


def _own_terms(source: Source, node: ast.AST) -> Iterable[str]:
    """Parts of the same function, and what they are with their axes in another order."""
    function = source.function_of(node)
    found: dict[str, None] = {}
    for each in ast.walk(function) if function is not None else ():
        if isinstance(each, (ast.BinOp, ast.Call, ast.Subscript, ast.Attribute)) and is_place(each, source):
            text = source.segment(each)
            if len(text) <= _LONGEST_OWN and "\n" not in text:
                found.setdefault(f"({text})" if isinstance(each, ast.BinOp) else text)
                for one, two in ((" + ", " - "), (" - ", " + ")):
                    if one in text:
                        found.setdefault(f"({text.replace(one, two)})")
            if isinstance(each, ast.Subscript) and isinstance(each.slice, ast.Constant):
                for other in ("0", "1", "2", "-1"):
                    found.setdefault(f"{source.segment(each.value)}[{other}]")
            if isinstance(each, ast.Subscript) and isinstance(each.slice, ast.Tuple):
                parts, base = [source.segment(part) for part in each.slice.elts], source.segment(each.value)
                for order in itertools.islice(itertools.permutations(parts), 6):
                    found.setdefault(f"{base}[{', '.join(order)}]")
    return found


_LONGEST_OWN = 40

INSERTIONS: tuple[Rule, ...] = (kept, axis, like, turned, unused, named, sliced, added, scaled)
_MANY = (
    "3", "4", "5", "6", "7", "8", "10", "12", "16", "20", "24", "32", "64", "100", "128", "255", "256", "1000", "0.25",
    "0.1", "0.01", "0.001", "1e-6", "1e-8", "0.9", "0.99", "0.999",
)  # fmt: skip


def with_any_number(donors: Donors, source: Source, node: ast.AST) -> Iterator[Edit]:
    """A number that is often used, joined to a value or in place of another one."""
    if is_place(node, source):
        yield from _joined([each for each in _MANY if each not in donors.numbers], donors, source, node)
        if isinstance(node, ast.Constant) and not isinstance(node.value, (str, bool)):
            yield from (source.replaced("constant", node, each) for each in _MANY)


def with_products(donors: Donors, source: Source, node: ast.AST) -> Iterator[Edit]:
    """A product of two names at hand joined to a value, or put in its place."""
    if is_place(node, source) and isinstance(node, (ast.Name, ast.Subscript)):
        names = _names_in_reach(source, node)
        for one, two in itertools.permutations(names, 2):
            for product in (f"{one} @ {two}.T", f"{one} @ {two}", f"{two}.T @ {one}", f"{one} * {two}"):
                yield source.replaced("term", node, f"{product} + {source.segment(node)}")
                yield source.replaced("term", node, f"{source.segment(node)} - {product}")
                yield source.replaced("expression", node, product)
            for pair in (f"{one} + {two}", f"{one} - {two}"):
                yield source.replaced("term", node, f"{pair} - {source.segment(node)}")
                yield source.replaced("term", node, f"{pair} + {source.segment(node)}")


_OF_NAMES = {
    "np": ("np.abs({})", "np.exp({})", "np.log({})", "{}.T", "{} ** 2", "(1 - {})", "{}.sum()", "{}.mean()", "len({})",
           "{}.shape[0]", "{}.shape[1]", "{}.shape[-1]", "{}.size", "np.prod({})", "np.sqrt({})", "np.sign({})"),
    "torch": ("{}.abs()", "{}.exp()", "{}.log()", "{}.T", "{} ** 2", "(1 - {})", "{}.sum()", "{}.mean()", "len({})",
              "{}.shape[0]", "{}.shape[1]", "{}.shape[-1]", "{}.numel()", "{}.conj()", "torch.conj({})",
              "torch.sqrt({})", "torch.sign({})", "{}.tanh()", "{}.sigmoid()"),
}  # fmt: skip


def with_functions(donors: Donors, source: Source, node: ast.AST) -> Iterator[Edit]:
    """A simple function of a name at hand joined to a value."""
    if is_place(node, source):
        usual = _OF_NAMES["torch" if "torch" in source.text else "np"]
        names = _names_in_reach(source, node)
        yield from _joined([each.format(name) for name in names for each in usual], donors, source, node)


LENT: tuple[Lending, ...] = (
    lent,
    around,
    with_names,
    with_one_or_two,
    with_numbers,
    with_lent,
    with_own,
    with_any_number,
    with_products,
    with_functions,
    divided_or_raised,
)

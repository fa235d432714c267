"""Rules edit one place of a text, every edit is Python, and what cannot matter is left alone."""

import ast
import textwrap

import pytest
from repaired import normal, repaired

from autograder.mutations.donors import Donors, Lender, donors_of
from autograder.mutations.repairs import repairs
from autograder.mutations.rules import edits
from autograder.mutations.source import Source, compiled


def names(text: str) -> set[str]:
    return {edit.name for edit in edits(textwrap.dedent(text))}


@pytest.mark.parametrize(
    ("line", "edit"),
    [
        ("x.sum(axis=1)", "1 => 0"),
        ("x.sum(axis=1)", "1 => nothing"),
        ("x.sum(1)", "1 => 0"),
        ("x.sum(axis=(2, 3))", "(2, 3) => 2"),
        ("x.sum(axis=1, keepdims=True)", "keepdims=True => nothing"),
        ("x.sum(axis=1)", "x.sum => x.mean"),
        ("x @ w.T", "w.T => w"),
        ("x @ w", "x => x.T"),
        ("x.transpose(0, 2)", "x.transpose(0, 2) => x.transpose(2, 0)"),
        ("x + w", "x + w => x - w"),
        ("x - w", "x - w => w - x"),
        ("x / 2 + w", "x / 2 + w => w"),
        ("-(x * w)", "-(x * w) => x * w"),
        ("x > 0", "x > 0 => x >= 0"),
        ("x > 0", "0 => 1e-12"),
        ("range(n)", "range(n) => range(n - 1)"),
        ("range(n)", "range(n) => range(1, n)"),
        ("x[1:n]", "1 => 1 + 1"),
        ("x[1:n]", "1:n => :n"),
        ("x[i, j]", "x[i, j] => x[j, i]"),
        ("x[:, None]", "x[:, None] => x[None, :]"),
        ("np.var(x)", "np.var(x) => np.var(x, ddof=1)"),
        ("np.maximum(x, w)", "np.maximum => np.minimum"),
        ("np.sqrt(x)", "np.sqrt(x) => x"),
        ("f(x, w)", "f(x, w) => f(w, x)"),
        ("f(x, step=w)", "step=w => nothing"),
        ("np.zeros(n, dtype=np.float32)", "np.float32 => np.float64"),
        ("1e-5 + x", "1e-5 => 0.0"),
        ("2.0 * x", "2.0 => 4.0"),
        ("not x", "not x => x"),
        ("x and w", "x and w => (x) or (w)"),
    ],
)
def test_an_expression_is_edited(line: str, edit: str):
    found = names(f"def f(x, w, n, i, j):\n    return {line}\n")
    assert _without_brackets(edit) in map(_without_brackets, found)


def _without_brackets(name: str) -> str:
    """An operand gets brackets where it might need them."""
    return name.replace("(", "").replace(")", "")


@pytest.mark.parametrize(
    ("body", "edit"),
    [
        ("y = 0\n    y += x\n    return y", "y += x => nothing"),
        ("y = 0\n    y += x\n    return y", "y += x => y -= x"),
        ("y = 0\n    y += x\n    return y", "y += x => y = x"),
        ("for i in x:\n        y = i\n    return y", "for i in x: ... => for i in x: ... break"),
        ("for i in x:\n        y = i\n    return y", "x => list(x)[1:]"),
        ("y = x\n    z = y\n    return z", "y = x; z = y => z = y; y = x"),
        ("if x:\n        return 1\n    return 2", "if x: ... => nothing"),
    ],
)
def test_a_statement_is_edited(body: str, edit: str):
    assert edit in names(f"def f(x):\n    {body}\n")


def test_two_random_draws_are_swapped_and_independent_statements_are_not():
    drawn = "def f(rng):\n    a = rng.normal()\n    b = rng.uniform()\n    return a, b\n"
    assert "a = rng.normal(); b = rng.uniform() => b = rng.uniform(); a = rng.normal()" in names(drawn)
    assert not any("; " in name for name in names("def f(x, w):\n    a = x\n    b = w\n    return a, b\n"))


def test_prints_docstrings_and_annotations_are_left_alone():
    text = 'def f(x: int = 3) -> "1":\n    "a text of 1"\n    print(x + 1)\n    return x\n'
    assert {name for name in names(text) if "1" in name.partition(" =>")[0]} == set()


def test_every_edit_is_python_and_none_is_the_text_itself():
    text = "def f(x):\n    s = {k: v for k, v in x}\n    return [f'{a:>3}' for a in s if a > 0 and s[a][1:] != x]\n"
    found = list(edits(text))
    assert len({edit.text for edit in found}) == len(found)
    for edit in found:
        assert ast.dump(ast.parse(edit.text)) != ast.dump(ast.parse(text))


def test_an_operand_gets_brackets_where_it_needs_them():
    source = Source("def f(a, b):\n    return a * b\n")
    product = next(node for node in ast.walk(source.tree) if isinstance(node, ast.BinOp))
    edited = source.replaced("", product.left, "a + 1").text
    assert compiled(edited, {}, "f")(1, 3) == 6


def test_places_count_in_characters_beyond_ascii():
    text = "def f(x):\n    'ä'\n    é = 'ü' * 2; return x + 1\n"
    found = {_without_brackets(edit.name): edit.text for edit in edits(text)}
    assert compiled(found["x + 1 => x - 1"], {}, "f")(3) == 2


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("p / p.sum(axis=1)", "p / p.sum(axis=1, keepdims=True)"),
        ("p / p.sum()", "p / (p.sum(axis=1))"),
        ("p @ q", "p @ q.T"),
        ("p + p", "p + q"),
        ("p.sum()", "p.sum() / len(p)"),
        ("p", "p - p.max(axis=1, keepdims=True)"),
        ("np.expm1(p)", "np.exp(p)"),
        ("p[:, :] + q", "p[:, None, :] + q"),
        ("sum(p)", "sum(p[1:])"),
        ("3 * p", "0.25 * p"),
    ],
)
def test_what_is_missing_is_put_in(wrong: str, right: str):
    lender = "def f(a, b):\n    n = 0.25\n    return np.exp(a - a.max(axis=1, keepdims=True)) + n\n"
    donors = donors_of([Lender(lender)], "f", ["p", "q"])
    text, wanted = (f"def f(p, q):\n    return {line}\n" for line in (wrong, right))
    assert normal(wanted) in repaired(text, donors)


def test_a_lender_lends_no_whole_answer():
    donors = donors_of([Lender("def f(a, b, c):\n    return a @ b + c\n")], "f", ["x", "y", "z"])
    assert "x @ y" in donors.expressions
    assert "x @ y + z" not in donors.expressions
    assert Donors() == donors_of([], "f", [])


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("p * q", "p @ q"),
        ("p * 3", "p ** 3"),
        ("p // 3", "p % 3"),
        ("4 * p", "2 * p"),
        ("p.sum(1)", "p.sum(1, keepdims=True)"),
        ("np.clip(p, 0)", "np.clip(p, 0, max=1)"),
        ("f(*p, q)", "f(q, *p)"),
        ("p[1:]", "p"),
        ("sum(range(1, p))", "sum(range(p))"),
        ("p.shape[-2]", "p.shape[0]"),
        ("p if True else q", "p if p > q else q"),
        ("p", "p.round()"),
        ("q", "q + p"),
    ],
)
def test_every_rule_leads_back(wrong: str, right: str):
    lender = "def f(a, b):\n    if a > b:\n        return np.clip(a.round(), 0, max=1)\n    return b\n"
    donors = donors_of([Lender(lender)], "f", ["p", "q"])
    text, wanted = (f"def f(p, q):\n    return {line}\n" for line in (wrong, right))
    assert normal(wanted) in repaired(text, donors)


def test_a_statement_is_lent_with_the_names_that_hold_the_same_values():
    lender = Lender("def f(a):\n    m = a.max()\n    m += 1\n    return m\n", {"m": "top"})
    donors = donors_of([lender], "f", ["x"])
    text = "def f(x):\n    top = x.max()\n    return top\n"
    wanted = "def f(x):\n    top = x.max()\n    top += 1\n    return top\n"
    assert wanted in [edit.text for edit in repairs(text, donors)]


def test_a_line_that_is_suspected_comes_first():
    text = "def f(x):\n    a = x + 1\n    b = a * 2\n    return b - 3\n"
    lines = [edit.line for edit in repairs(text, Donors(), {3: 0.0, 1: 9.0, 2: 9.0, 4: 9.0})]
    assert set(lines[:10]) == {3}

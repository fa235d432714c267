"""What the text of a cell binds, read without parsing it."""

from __future__ import annotations

import pytest

from autograder.pipeline.intake.statements import Binding, statements


def bound(source: str) -> dict[str, Binding]:
    found: dict[str, Binding] = {}
    for statement in statements(source):
        for name, how in statement.bound:
            found[name] = max(how, found.get(name, how))
    return found


@pytest.mark.parametrize(
    "source",
    [
        "def f(x): return x",
        "async  def f(x):\n    return x",
        "class f:\n    def __call__(self, x): return x",
        "@cache\n@other(1)\ndef f(x):\n    return x",
        "f = lambda x=1, *y: x",
        "f: Callable[[int], int] = lambda x: x",
        "if True:\n    def f(x):\n        return x",
        "try:\n    import g\nexcept ImportError:\n    def f(x): return x",
        "    def f(x):\n        return x",
        "\tdef f(x):\n\t\treturn x",
        "%%time\ndef f(x):\n    return x",
        "%matplotlib inline\n!echo don't (\ndef f(x):\n    return x",
        'x = \'(\' # (\ny = """\ndef g():\n("""\ndef f(x):\n    return x',
        "def f(x\n    return x",
        "z = (1,\n\ndef f(x):\n    return x",
        "def _g(x): return x\nf = _g",
        "with suppress(E):\n    def f(x): return x",
        "x = 1; f = lambda: x",
        "def f(x):\n    pass\nf = f(3)",
    ],
)
def test_definitions(source: str) -> None:
    assert bound(source)["f"] is Binding.DEFINES


@pytest.mark.parametrize(
    "source",
    [
        "f = partial(g, 1)",
        "f = 3",
        "a = f = g()",
        "a, f = build()",
        "(a, *f) = build()",
        "[f, a] = build()",
        "import numpy as f",
        "import a.b, f",
        "from scipy.special import softmax as f",
        "from x import (\n    a,\n    f,\n)",
        "f: int = 3",
        "f = g if g == 1 else h",
        "if x: f = g",
        "f = make(f=3)",
        "f = x.f",
    ],
)
def test_values(source: str) -> None:
    assert bound(source)["f"] is Binding.ASSIGNS


@pytest.mark.parametrize(
    "source",
    [
        "f = np.vectorize(f, signature='(c)->(c)')",
        "f = lru_cache(maxsize=None)(f)",
        "f = torch.no_grad()(f)",
        "f = staticmethod(f)",
        "f = (lambda g: lambda x: g(x) + 1)(f)",
        "f = f",
    ],
)
def test_wrappers(source: str) -> None:
    assert bound(source)["f"] is Binding.WRAPS


@pytest.mark.parametrize(
    "source",
    [
        "f = f(np.eye(3))",
        "f = list(map(f, [1]))",
        "f = np.array([f(x) for x in y])",
        "f = f + 1",
        "f += 1",
        "f = f.T",
        "f = f.sum()",
        "f = g, f",
        "for f in range(3):\n    pass",
        "for i, f in x: pass",
        "with open(x) as f: pass",
        "del f",
    ],
)
def test_tries(source: str) -> None:
    assert bound(source)["f"] is Binding.TRIES


@pytest.mark.parametrize(
    "source",
    [
        "# def f(x): return x",
        "'''\ndef f(x): return x\n'''",
        "def g():\n    def f(x): return x\n    f = 3",
        "class G:\n    f = 1\n    def f(self): pass",
        "g(f=1)",
        "f == 1",
        "f[0] = 1",
        "f.x = 1",
        "f: int",
        "x = f(1)",
        "%%bash\ndef f(x): return x",
        "%%writefile a.py\ndef f(x): return x",
        "!f = 1",
        "x = [\n'a',\nf, ]",
        "def g():\n    return '''\nf = 1\n'''",
        "print(f)",
        "if f: pass",
    ],
)
def test_nothing(source: str) -> None:
    assert "f" not in bound(source)


def test_statements_keep_their_text_and_the_comments_above() -> None:
    source = """import a

# about f
@g
# and more
def f(x):

    return (x,
  1)
if x:
    y
else:
    z
last
# end"""
    assert [statement.text for statement in statements(source)] == [
        "import a",
        "# about f\n@g\n# and more\ndef f(x):\n\n    return (x,\n  1)",
        "if x:\n    y\nelse:\n    z",
        "last\n# end",
    ]


def test_a_long_text_is_searched_for_definitions_alone() -> None:
    long = "x = 1\n" * 10_000
    assert bound(f"{long}def f(x): return x\ng = 1\n    h = 1")["f"] is Binding.DEFINES
    assert set(bound(f"{long}def f(x): return x\ng = 1\n    h = 1")) == {"x", "f", "g"}

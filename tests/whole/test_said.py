"""Every number that a notebook's text states is what the notebook computes, is cited, or needs no proof."""

import re

import pytest
from answers import released
from said import FOLDER, cited_of, given_of, number, plain, quantities, said_of, shown_by, texts_of, values_in

each_assignment = pytest.mark.parametrize(
    "assignment",
    [pytest.param(path.stem, marks=pytest.mark.xdist_group(path.stem)) for path in sorted(FOLDER.glob("*.toml"))],
    scope="session",
)
SLACK = 1.02
"""Of half a unit in the last place: a value just on the border may be rounded either way."""


@each_assignment
def test_numbers_of_the_text_are_those_of_the_cells(solved, assignment):
    text, values, wrong = plain(" ".join(texts_of(solved.notebook))), values_in(solved.notebook), []
    for said in said_of(assignment):
        stated = said.numbers(text)
        found = values.get(said.text, []) if said.value else [*_shown(solved.notebook, said)]
        for written, value in zip(stated, found, strict=True):
            exact, half = number(written)
            allowed = said.within if said.within is not None else SLACK * half
            if isinstance(value, str) or abs(value - exact) > allowed:
                wrong.append(f"{said.text!r} says {written}, the notebook has {value}")
    assert wrong == []


def _shown(notebook, said):
    found = re.search(said.shown, shown_by(notebook, said.after))
    assert found, f"{said.after} shows nothing like {said.shown!r}: {shown_by(notebook, said.after)[:600]}"
    return [number(group)[0] for group in found.groups()]


@each_assignment
def test_no_number_of_the_text_comes_from_nowhere(assignment):
    listed = [each.pattern for each in said_of(assignment)]
    listed += [re.compile(re.escape(plain(each.text))) for each in (*cited_of(assignment), *given_of(assignment))]
    loose = []
    for text in texts_of(released(assignment)):
        covered = [found.span() for pattern in listed for found in pattern.finditer(text)]
        for at, quantity in quantities(text):
            if not any(start <= at < end for start, end in covered):
                loose.append(f"{quantity} in: {text[max(0, at - 60) : at + 40]}")
    assert loose == [], "\n".join(loose)


@each_assignment
def test_sources_are_named_where_the_reader_sees_them(assignment):
    text = plain(" ".join(cell.source for cell in released(assignment).cells if cell.cell_type == "markdown"))
    missing = [each.text for each in cited_of(assignment) if plain(each.because) not in text]
    assert missing == []
    assert [each.text for each in (*cited_of(assignment), *given_of(assignment)) if plain(each.text) not in text] == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("It reads 97 % of them in 3 minutes.", ["97 %", "3 minutes"]),
        ("62,500 weights, a loss of 0.31", ["62,500 weights", "0.31"]),
        ("The kernel `3 × 4.5` and $2.5$ in Notebook 2, 1957.", []),
        ("notebook 3 has two layers of 32 units", []),
        ("## 1.4 An image of 8 × 8 pixels, as in section 2.3", []),
        ("Three times 8 × that, in [doi:10.1037/h0042519](https://doi.org/10.1037/h0042519)", ["8 ×"]),
        ("Explain (3 points, graded by a person): it differs by 3 points", ["3 points"]),
    ],
)
def test_what_counts_as_a_quantity(text, found):
    assert [quantity for _, quantity in quantities(text)] == found

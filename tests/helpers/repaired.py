"""What a search for slips tries: the texts in order, in the form that `ast` gives them."""

import ast

from autograder.mutations.donors import Donors
from autograder.mutations.repairs import repairs


def normal(text: str) -> str:
    return ast.unparse(ast.parse(text))


def repaired(text: str, donors: Donors) -> list[str]:
    """Every text that differs by one edit and is Python."""
    found = []
    for edit in repairs(text, donors):
        try:
            found.append(normal(edit.text))
        except SyntaxError:
            continue
    return found

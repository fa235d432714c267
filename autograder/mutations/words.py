"""An edit that repairs an answer, told in steps that open: where, what kind of slip, what to write."""

from __future__ import annotations

from collections.abc import Sequence

from autograder.mutations.source import Edit

__all__ = ["kind_in_words", "steps"]

_KINDS = {
    "accumulation": "Something is added up here that should replace what was there, or the other way round.",
    "arguments": "What is passed here is in the wrong order, or something is missing.",
    "border": "The border of this comparison lies a little beside the right one.",
    "constant": "A number, an index or an axis in this line is not the right one.",
    "default": "The default of a parameter is not the right one.",
    "dtype": "The dtype is not the right one.",
    "estimate": "Biased or unbiased: this estimate divides by the wrong count.",
    "expression": "A part of this line computes something else than what is needed there.",
    "flag": "A flag is set the wrong way.",
    "index": "The entry beside the right one is taken.",
    "literal": "A number stands here in place of a parameter.",
    "logic": "The condition is not the right one.",
    "loop": "The loop has the wrong rounds: it leaves something out, or ends too early.",
    "missing": "A statement is missing here.",
    "name": "A variable is used here that is not the one to use.",
    "order": "Two things are the wrong way round here.",
    "range": "This range is one too long or one too short, or it begins in the wrong place.",
    "scale": "A factor is missing here: think of what it is divided by, or multiplied with.",
    "shape": "The arrays are lined up along the wrong axes here: look at the shapes.",
    "sign": "A sign is wrong.",
    "slice": "This slice begins or ends in the wrong place.",
    "statement": "This statement should not be there.",
    "transpose": "A transpose is missing here, or one too many.",
}


def kind_in_words(edit: Edit) -> str:
    """What kind of slip an edit repairs."""
    if edit.kind == "axis":
        return _axis(edit)
    if edit.kind == "keepdims":
        kept = "has to stay, with length 1" if edit.new else "must not stay"
        return f"The axis that is summed over {kept}: that is what keepdims decides."
    if edit.kind == "term":
        return (
            "A term or a factor is missing here."
            if len(edit.new) > len(edit.old)
            else "There is one term or factor too many."
        )
    if edit.kind == "comparison":
        return _comparison(edit)
    if edit.kind == "operator":
        return "An operator is not the right one: look at each +, -, * and /."
    if edit.kind in ("function", "reduction"):
        return _function(edit)
    return _KINDS.get(edit.kind, "Something in this line is not right.")


def _axis(edit: Edit) -> str:
    if not edit.old:
        return "This runs over all numbers at once: it needs an axis."
    return "This runs over the wrong axis." if edit.new else "This should run over all numbers, not along an axis."


def _comparison(edit: Edit) -> str:
    strict = {"<": "<=", "<=": "<", ">": ">=", ">=": ">"}
    for old, new in strict.items():
        if f" {old} " in edit.old and edit.old.replace(f" {old} ", f" {new} ") == edit.new.replace("(", "").replace(
            ")", ""
        ):
            return "The border itself falls on the wrong side: compare < with <=."
    return "This comparison asks the wrong question."


def _function(edit: Edit) -> str:
    if len(edit.new) > len(edit.old) and edit.old and edit.old in edit.new:
        return "A function is missing around this value."
    if edit.old and edit.new and edit.new in edit.old:
        return "A function is applied here that should not be."
    return "The function that is called here is not the right one."


def steps(edits: Sequence[Edit], text: str) -> tuple[str, str, str]:
    """The three steps that tell one or two edits of a text: the line, the kind, the edit.

    Backticks mark code.
    """
    lines = text.splitlines()
    shown = dict.fromkeys(edit.line for edit in edits)
    where = "; ".join(f"line {line}: `{' '.join(lines[line - 1].split())}`" for line in shown)
    kinds = " ".join(dict.fromkeys(kind_in_words(edit) for edit in edits))
    return f"Look at {where}", kinds, _changes(edits, text)


def _changes(edits: Sequence[Edit], text: str) -> str:
    """What to write: the edits one by one, or the whole line where they could be misread."""
    before, after = text.splitlines(), edits[-1].text.splitlines()
    at = [place for place, pair in enumerate(zip(before, after, strict=False)) if pair[0] != pair[1]]
    several = len(edits) > 1 or before[edits[0].line - 1].count(edits[0].old) > 1
    if several and all(edit.old and edit.new for edit in edits) and len(before) == len(after) and len(at) == 1:
        return f"Line {at[0] + 1} becomes `{' '.join(after[at[0]].split())}`."
    texts = [text, *(edit.text for edit in edits)]
    return " Then: ".join(_change(edit, texts[number]) for number, edit in enumerate(edits))


def _change(edit: Edit, text: str) -> str:
    if not edit.new:
        return f"Leave out `{edit.old}`."
    if not edit.old:
        return f"Add `{edit.new}`{_after(edit, text)}."
    return f"Write `{edit.new}` in place of `{edit.old}`."


def _after(edit: Edit, text: str) -> str:
    """Below which line something is added that is a line of its own; empty where it is not."""
    before, after = text.splitlines(), edit.text.splitlines()
    at = next((place for place, pair in enumerate(zip(before, after, strict=False)) if pair[0] != pair[1]), 0)
    if len(after) <= len(before) or not at or " ".join(after[at].split()) != edit.new:
        return ""
    return f" below line {at}, `{' '.join(before[at - 1].split())}`"

"""The colours of a status, in one table for every report: notebooks, feedback and the class report.

The hues are those of Okabe and Ito's palette, which colour-blind readers can tell apart, darkened until text on them
has a contrast of 4.5 to 1. Symbols say the same: see `words.STATUSES`. Standard library only.
"""

from __future__ import annotations

from dataclasses import dataclass

from autograder.calls import Status

__all__ = ["TONES", "Tone", "page_variables", "report_rules", "tone_of"]


@dataclass(frozen=True)
class Tone:
    """One tone: its accent and the fill behind it in a notebook, and background and ink of a table's cell by theme."""

    accent: str
    fill: str
    light: tuple[str, str]
    dark: tuple[str, str]


TONES = {
    "full": Tone("#007a5a", "rgba(0,158,115,.12)", ("#c9e8dc", "#00513a"), ("#0d4a39", "#a9ecd2")),
    "part": Tone("#0072b2", "rgba(0,114,178,.12)", ("#cfe3f5", "#063f6d"), ("#143f63", "#b5dcff")),
    "none": Tone("#c04a00", "rgba(213,94,0,.11)", ("#f8d3bd", "#702600"), ("#6a3012", "#ffd2b6")),
    "stop": Tone("#8f2d6b", "rgba(160,60,125,.13)", ("#ecd0e2", "#5f1546"), ("#581f47", "#ffc9ea")),
    "blank": Tone("#767676", "rgba(128,128,128,.10)", ("#eceff3", "#56606e"), ("#262e38", "#a3adba")),
    "hand": Tone("#8a6100", "rgba(230,159,0,.14)", ("#fbe9b7", "#574000"), ("#5a4708", "#ffe9a6")),
}

_TONE_OF = {
    Status.PASSED: "full",
    Status.PARTIAL: "part",
    Status.FAILED: "none",
    Status.ERROR: "none",
    Status.NOT_WRITTEN: "blank",
    Status.MISSING: "blank",
    Status.NEEDS_MANUAL: "hand",
}


def tone_of(status: Status) -> str:
    """The name of a status's tone; what ended early has the tone `stop`."""
    return _TONE_OF.get(status, "stop")


def report_rules() -> str:
    """A rule for each tone of a report in a notebook: `.agr-full{--ag:...}`."""
    return "\n".join(f".agr-{name}{{--ag:{tone.accent};--ag-fill:{tone.fill}}}" for name, tone in TONES.items())


def page_variables(theme: str) -> str:
    """The custom properties of a page in the theme `light` or `dark`: `--full: ...; --full-ink: ...;`."""
    parts = []
    for name, tone in TONES.items():
        background, ink = tone.light if theme == "light" else tone.dark
        parts.append(f"--{name}: {background}; --{name}-ink: {ink};")
    return " ".join(parts)

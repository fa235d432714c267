"""Every status has one tone, and every tone can be read on every background it stands on."""

import re

import pytest

from autograder.calls import Status
from autograder.exercise import ClassGrading
from autograder.reports.class_page import class_page
from autograder.reports.colours import TONES, tone_of
from autograder.reports.style import STYLE


def luminance(colour: str) -> float:
    """WCAG 2.2's relative luminance of `#rrggbb`."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    bright, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("name", TONES)
def test_text_on_a_tone_has_the_contrast_that_wcag_asks_for(name):
    tone = TONES[name]
    assert contrast(*tone.light) >= 4.5
    assert contrast(*tone.dark) >= 4.5
    assert contrast(tone.accent, "#ffffff") >= 4.5  # white text on a badge


def test_every_status_has_a_tone_and_the_main_ones_differ():
    assert {tone_of(status) for status in Status} == set(TONES)
    main = (Status.PASSED, Status.PARTIAL, Status.FAILED, Status.TIMEOUT, Status.NOT_WRITTEN, Status.NEEDS_MANUAL)
    assert len({tone_of(status) for status in main}) == len(main)


def test_both_kinds_of_report_take_their_colours_from_the_table():
    page = class_page(ClassGrading("process", "cpu"))
    for name, tone in TONES.items():
        assert f".agr-{name}{{--ag:{tone.accent};" in STYLE
        for background, ink in (tone.light, tone.dark):
            assert f"--{name}: {background}; --{name}-ink: {ink};" in page
    assert not re.search(r"/\* statuses", page)

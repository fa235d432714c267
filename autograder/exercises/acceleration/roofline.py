"""The most operations per second that a machine can reach at an arithmetic intensity (Williams et al., 2009)."""

from __future__ import annotations

from collections.abc import Iterator

from autograder.exercise import Case
from autograder.exercises.acceleration.inputs import Rng
from autograder.exercises.awkward import magnitudes
from autograder.exercises.declare import Asks, hidden, mistake, right, visible
from course_lib import acceleration

ASKS = Asks(
    acceleration.roofline,
    signature="roofline(peak_flops, bandwidth, intensity) -> float",
    points={"basics": 1},
    hints=(
        "Which two limits does the machine have? It meets both at all times.",
        "The arithmetic allows the peak. The memory allows bandwidth times intensity, since every byte serves so "
        "many operations. What is reached is the lower of the two.",
        "`bandwidth * intensity` is the slope of the roof, `peak_flops` its flat part. The answer is their `min`.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


@visible
def visible_cases(rng: Rng) -> Iterator[Case]:
    yield Case("left of the ridge", (100.0, 10.0, 2.0))
    yield Case("right of the ridge", (100.0, 10.0, 50.0))
    yield Case("a GPU at the ridge", (67e12, 3.35e12, 20.0))


@hidden
def hidden_cases(rng: Rng) -> Iterator[Case]:
    peak, bandwidth = float(rng.uniform(1e12, 1e14)), float(rng.uniform(1e11, 1e12))
    yield Case("memory is the limit", (peak, bandwidth, 0.4 * peak / bandwidth))
    yield Case("arithmetic is the limit", (peak, bandwidth, 3.0 * peak / bandwidth))
    yield from magnitudes(lambda scale: (3.0 * scale, 2.0, scale))
    yield Case("a little below one", (peak, bandwidth, 0.8))


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(peak_flops, bandwidth, intensity):
    seconds_for_arithmetic = 1 / peak_flops
    seconds_for_traffic = 1 / (intensity * bandwidth)
    return 1 / max(seconds_for_arithmetic, seconds_for_traffic)


@right("other formula")
def other_formula(peak_flops, bandwidth, intensity):
    ridge = peak_flops / bandwidth
    return peak_flops if intensity >= ridge else peak_flops * (intensity / ridge)


# --- mistakes -----------------------------------------------------------------------------------------------


@mistake
def the_higher_roof(peak_flops, bandwidth, intensity):
    """This takes the higher of the two limits. A machine has to respect both, so the lower one counts: min, not max."""
    return max(peak_flops, bandwidth * intensity)


@mistake
def always_the_peak(peak_flops, bandwidth, intensity):
    """This is the peak whatever the intensity. At few operations per byte the memory cannot deliver fast enough:
    bandwidth times intensity is the limit there."""
    return peak_flops


@mistake
def bandwidth_divided(peak_flops, bandwidth, intensity):
    """The bandwidth is divided by the intensity. Bytes per second times operations per byte are operations per
    second."""
    return min(peak_flops, bandwidth / intensity)


@mistake
def one_after_the_other(peak_flops, bandwidth, intensity):
    """This adds the time of the arithmetic and the time of the traffic. A roofline lets both run at once: the slower of
    the two sets the time."""
    return 1 / (1 / peak_flops + 1 / (bandwidth * intensity))

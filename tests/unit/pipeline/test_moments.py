"""Moments are read exactly, or refused with the reason."""

from datetime import UTC, datetime

import pytest

from autograder.pipeline.moments import MomentError, read_moment, written

READ = {
    "2026-11-02 10:33:21 CET": "2026-11-02 09:33:21",
    "2026-07-02 10:33:21 CEST": "2026-07-02 08:33:21",
    "2026-07-02 10:33:21 MESZ": "2026-07-02 08:33:21",
    "2026-11-02 10:33:21 EST": "2026-11-02 15:33:21",
    "2026-11-02 10:33:21 +02:00": "2026-11-02 08:33:21",
    "2026-11-02 10:33:21 -0230": "2026-11-02 13:03:21",
    "2026-11-02T10:33:21+02": "2026-11-02 08:33:21",
    "2026-11-02T10:33:21Z": "2026-11-02 10:33:21",
    "2026-11-02 10:33:21.250000 UTC": "2026-11-02 10:33:21.250000",
    "2026-07-02 10:33 Europe/Berlin": "2026-07-02 08:33:00",
    "November 2, 2026 10:33:21 PM EST": "2026-11-03 03:33:21",
}
REFUSED = {
    "2026-11-02 10:33:21": "names no time zone",
    "2026-11-02 10:33 AM": "names no time zone",
    "2026-11-02": "names no time zone",
    "2026-11-02 UTC": "not a date with a time|no time of day",
    "10:33 UTC": "not a date with a time",
    "2026-11-02 10:33:21 IST": "IST is not one zone everywhere",
    "2026-11-02 10:33:21 CST": "CST is not one zone everywhere",
    "2026-11-02 10:33:21 Mars/Base": "no time zone Mars/Base",
    "2026-13-02 10:33:21 UTC": "not a date with a time",
    "0001-01-01 00:00:00 +05:00": "not a date with a time",
    "2026-11-02 10:33:21 +99:00": "not a date with a time",
    "yesterday, around noon": "names no time zone",
    "": "names no time zone",
}


@pytest.mark.parametrize(("text", "utc"), READ.items(), ids=READ)
def test_a_moment_with_a_zone_is_read_in_utc(text, utc):
    assert str(read_moment(text)) == f"{utc}+00:00"


@pytest.mark.parametrize(("text", "reason"), REFUSED.items(), ids=REFUSED)
def test_what_is_no_moment_is_refused_with_the_reason(text, reason):
    with pytest.raises(MomentError, match=reason) as caught:
        read_moment(text)
    assert repr(text) in str(caught.value)


def test_a_zone_can_be_given_for_texts_without_one():
    assert read_moment("2026-11-02 10:33:21", without_zone=UTC) == datetime(2026, 11, 2, 10, 33, 21, tzinfo=UTC)


@pytest.mark.parametrize("text", ["2026-11-02 09:33:21 UTC", "2026-11-02 09:33:21.250000 UTC"])
def test_nbgrader_reads_what_is_written(text):
    from nbgrader.utils import parse_utc

    moment = read_moment(text)
    assert written(moment) == text
    assert parse_utc(written(moment)) == moment.replace(tzinfo=None)

"""Moments as people and platforms write them: read exactly, or refused with a sentence.

A time without a zone is no moment. An abbreviation counts only if it means one zone: `IST` is Indian, Irish and Israel
time, so it is refused instead of guessed.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dateutil import parser

__all__ = ["MomentError", "read_moment", "written", "zone_named"]

_HOURS = {
    "Z": 0, "UTC": 0, "UT": 0, "GMT": 0, "WET": 0, "WEST": 1, "CET": 1, "CEST": 2, "MEZ": 1, "MESZ": 2, "EET": 2,
    "EEST": 3, "EST": -5, "EDT": -4, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7,
}  # fmt: skip
"""Those of RFC 5322 and of Europe; `CST` is left out, which is China's time as well."""
_SPLIT = re.compile(
    r"(?P<time>.*\d(?:\s*[AaPp]\.?[Mm]\.?)?)\s*(?P<zone>[+-]\d\d(?::?\d\d)?|[A-Za-z]+(?:/[\w+-]+)+|(?![AaPp][Mm]\Z)[A-Za-z]{1,5})\Z"
)
_LONGEST = 100


class MomentError(ValueError):
    """The text names no moment; the message quotes it and says why."""


def read_moment(text: str, *, without_zone: tzinfo | None = None) -> datetime:
    """The moment that a text names, in UTC.

    Args:
        text: a date and a time, such as `2026-11-02 10:33:21 CET`, with an offset, an abbreviation or an IANA name.
        without_zone: the zone of a text that names none; None refuses it.

    Raises:
        MomentError: the text is no date with a time, or its zone is missing, unknown or ambiguous.
    """
    text = " ".join(text[:_LONGEST].split())
    match = _SPLIT.match(text) if not _offset_in_date(text) else None
    try:
        zone = zone_named(match["zone"]) if match else without_zone
        if zone is None:
            raise MomentError("it names no time zone; write +02:00, UTC or Europe/Berlin after it")
        return _time(match["time"].strip() if match else text).replace(tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        why = str(error) if isinstance(error, MomentError) else "it is not a date with a time"
        raise MomentError(f"{text!r}: {why}") from error


def zone_named(name: str) -> tzinfo:
    """The time zone of an offset, an abbreviation that means one zone, or a name such as `Europe/Berlin`.

    Raises:
        MomentError: there is no such zone, or there are several.
    """
    if offset := re.fullmatch(r"([+-])(\d\d):?(\d\d)?", name):
        minutes = 60 * int(offset[2]) + int(offset[3] or 0)
        return timezone(timedelta(minutes=-minutes if offset[1] == "-" else minutes))
    if name.upper() in _HOURS:
        return timezone(timedelta(hours=_HOURS[name.upper()]))
    if "/" in name:
        try:
            return ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise MomentError(f"there is no time zone {name}") from error
    raise MomentError(f"the abbreviation {name} is not one zone everywhere; write an offset such as +02:00")


def written(moment: datetime) -> str:
    """A moment as nbgrader writes it into timestamp.txt."""
    inner = "%Y-%m-%d %H:%M:%S.%f" if moment.microsecond else "%Y-%m-%d %H:%M:%S"
    return f"{moment.astimezone(UTC).strftime(inner)} UTC"


def _offset_in_date(text: str) -> bool:
    """Whether what looks like an offset at the end is a part of a date alone, as in 2026-03-01."""
    return re.fullmatch(r"\d{4}-\d\d?-\d\d?", text) is not None


def _time(text: str) -> datetime:
    """A date with a time and no zone; what a text leaves out is not filled in from today."""
    try:
        found = datetime.fromisoformat(text)
        if len(text) <= len("2026-03-01"):
            raise MomentError("it has no time of day")
    except MomentError:
        raise
    except ValueError:
        first, second = (
            parser.parse(text, default=datetime(*each)) for each in ((1904, 2, 3, 4, 5), (1908, 4, 5, 6, 7))
        )
        if first != second:
            raise MomentError("it is not a date with a time") from None
        found = first
    if found.tzinfo is not None:
        raise MomentError("it names two time zones")
    return found

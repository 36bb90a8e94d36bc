"""Date functions. The present time is unknown; calculating with given times is not.

https://developer.hashicorp.com/terraform/language/functions (date and time functions)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from fractions import Fraction

from bklint.frontends.terraform.functions_arguments import Args, CallContext, FailedError, Function, Result, string
from bklint.model.value import Reason, Unknown

_STAMP = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(\.\d+)?(?:Z|([+-])(\d\d):(\d\d))\Z", re.ASCII)
_DURATION = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)", re.ASCII)
_SECONDS = {
    "ns": Fraction(1, 10**9),
    "us": Fraction(1, 10**6),
    "µs": Fraction(1, 10**6),
    "μs": Fraction(1, 10**6),
    "ms": Fraction(1, 1000),
    "s": Fraction(1),
    "m": Fraction(60),
    "h": Fraction(3600),
}
_LONGEST = 1000
"""Longest duration or pattern of a date, in characters."""
_MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
_DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
_TOKEN = re.compile(r"'((?:[^']|'')*)'|(')|([A-Za-z])\3*|[^A-Za-z']+")


def _time(written: str) -> tuple[datetime, Fraction]:
    """A time in whole seconds, and the fraction of a second."""
    match = _STAMP.match(written)
    if match is None:
        raise FailedError(f"{written!r} is not a valid RFC 3339 timestamp")
    offset = timedelta()
    if match[8]:
        offset = timedelta(hours=int(match[9]), minutes=int(match[10])) * (-1 if match[8] == "-" else 1)
    try:
        zone = timezone(offset)
        year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
        return datetime(year, month, day, hour, minute, second, tzinfo=zone), Fraction(match[7] or 0)
    except ValueError as error:
        raise FailedError(f"{written!r} is not a valid RFC 3339 timestamp") from error


def _offset(moment: datetime, colon: bool) -> str:
    minutes = int((moment.utcoffset() or timedelta()).total_seconds()) // 60
    sign, minutes = ("-", -minutes) if minutes < 0 else ("+", minutes)
    return f"{sign}{minutes // 60:02}{':' if colon else ''}{minutes % 60:02}"


def _is_utc(moment: datetime) -> bool:
    return not moment.utcoffset()


def _stamp(moment: datetime) -> str:
    zone = "Z" if _is_utc(moment) else _offset(moment, True)
    return f"{moment.year:04}-{moment.month:02}-{moment.day:02}T{moment:%H:%M:%S}{zone}"


def _duration(written: str) -> Fraction:
    """Seconds of a Go duration."""
    sign, body = (-1, written[1:]) if written.startswith("-") else (1, written.removeprefix("+"))
    if len(body) > _LONGEST:
        raise FailedError("the duration is too long")
    if body == "0":
        return Fraction(0)
    seconds, at = Fraction(0), 0
    while at < len(body) or not body:
        match = _DURATION.match(body, at)
        if match is None or len(match[1]) > 40:
            raise FailedError(f"{written!r} is not a valid duration")
        seconds += Fraction(match[1].rstrip(".")) * _SECONDS[match[2]]
        at = match.end()
    return sign * seconds


def _timeadd(args: Args, context: CallContext) -> Result:
    (moment, fraction), seconds = _time(string(args[0])), _duration(string(args[1]))
    return _stamp(moment + timedelta(seconds=(fraction + seconds).__floor__()))


def _timecmp(args: Args, context: CallContext) -> Result:
    left, right = _time(string(args[0])), _time(string(args[1]))
    return (left > right) - (left < right)


def _formatdate(args: Args, context: CallContext) -> Result:
    pattern, (moment, _) = string(args[0]), _time(string(args[1]))
    if len(pattern) > _LONGEST:
        raise FailedError("the format is too long")
    done = []
    for match in _TOKEN.finditer(pattern):
        if match[2]:
            raise FailedError("a literal without its closing quote")
        if match[3]:
            verb = _VERBS.get(match[0])
            if verb is None:
                raise FailedError(f"invalid date format verb {match[0]!r}")
            done.append(verb(moment))
        else:
            done.append(match[0] if match[1] is None else match[1].replace("''", "'"))
    return "".join(done)


_VERBS: Mapping[str, Callable[[datetime], str]] = {
    "YYYY": lambda moment: f"{moment.year:04}",
    "YY": lambda moment: f"{moment.year % 100:02}",
    "MMMM": lambda moment: _MONTHS[moment.month - 1],
    "MMM": lambda moment: _MONTHS[moment.month - 1][:3],
    "MM": lambda moment: f"{moment.month:02}",
    "M": lambda moment: str(moment.month),
    "DD": lambda moment: f"{moment.day:02}",
    "D": lambda moment: str(moment.day),
    "EEEE": lambda moment: _DAYS[moment.weekday()],
    "EEE": lambda moment: _DAYS[moment.weekday()][:3],
    "hh": lambda moment: f"{moment.hour:02}",
    "h": lambda moment: str(moment.hour),
    "HH": lambda moment: f"{moment.hour % 12 or 12:02}",
    "H": lambda moment: str(moment.hour % 12 or 12),
    "AA": lambda moment: "AM" if moment.hour < 12 else "PM",
    "aa": lambda moment: "am" if moment.hour < 12 else "pm",
    "mm": lambda moment: f"{moment.minute:02}",
    "m": lambda moment: str(moment.minute),
    "ss": lambda moment: f"{moment.second:02}",
    "s": lambda moment: str(moment.second),
    "ZZZZZ": lambda moment: _offset(moment, True),
    "ZZZZ": lambda moment: _offset(moment, False),
    "ZZZ": lambda moment: "UTC" if _is_utc(moment) else _offset(moment, False),
    "Z": lambda moment: "Z" if _is_utc(moment) else _offset(moment, True),
}


def _now(name: str) -> Callable[[Args, CallContext], Result]:
    """The time of the deployment. One call is evaluated once, so what it gives equals itself."""

    def compute(args: Args, context: CallContext) -> Result:
        cause = f"function {name}()"
        key = (name,) if name == "plantimestamp" else (name, object())
        return Unknown(Reason.COMPUTED, cause, context.place, "string", nonnull=True, nonempty=True, key=key)

    return compute


TABLE: Mapping[str, Function] = {
    "formatdate": Function(_formatdate, 2, 2, "string"),
    "plantimestamp": Function(_now("plantimestamp"), 0, 0, "string"),
    "timeadd": Function(_timeadd, 2, 2, "string"),
    "timecmp": Function(_timecmp, 2, 2, "number"),
    "timestamp": Function(_now("timestamp"), 0, 0, "string"),
}

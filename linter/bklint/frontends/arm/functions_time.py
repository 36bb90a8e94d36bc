"""Date functions: https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions-date

The current time is one unknown per deployment. Without a format `dateTimeAdd` writes in the form of its base, which the
documentation says and its example contradicts; so only bases of ISO 8601 are computed.
"""

from __future__ import annotations

import calendar
import re
from datetime import datetime, timedelta, timezone

from bklint.frontends.arm.functions import Result, Values, pure
from bklint.frontends.arm.operands import FunctionError, UndecidedError, integer, string
from bklint.model.value import Reason, Unknown

_BASE = re.compile(
    r"(\d{4})-?(\d\d)-?(\d\d)(?:[T ](\d\d):?(\d\d)(?::?(\d\d)(\.\d{1,7})?)?(Z|[+-]\d\d:?\d\d)?)?", re.IGNORECASE
)
_DURATION = re.compile(
    r"([+-])?P(?:(\d{1,4})Y)?(?:(\d{1,5})M)?(?:(\d{1,5})W)?(?:(\d{1,6})D)?"
    r"(?:T(?:(\d{1,7})H)?(?:(\d{1,8})M)?(?:(\d{1,9})S)?)?"
)
_FORMATS = {
    "u": "yyyy-MM-dd HH:mm:ssZ",
    "s": "yyyy-MM-ddTHH:mm:ss",
    "o": "yyyy-MM-ddTHH:mm:ss.fffffffZ",
    "d": "MM/dd/yyyy",
}
_TOKEN = re.compile(r"yyyy|yy|MM|M|dd|d|HH|H|hh|h|mm|m|ss|s|tt|f{1,7}|zzz|T|Z|'[^']*'|\\.|[A-Za-z]+|[^A-Za-z]")


@pure("dateTimeAdd", 2, 3, "string")
def date_time_add(operands: Values) -> Result:
    """A time and an ISO 8601 duration added."""
    base = string(operands[0])
    moment = _added(_moment(base), string(operands[1]))
    if len(operands) == 3 and operands[2].data is not None:
        return _formatted(moment, string(operands[2]))
    return _formatted(moment, _form_of(base))


@pure("dateTimeFromEpoch", 1, 1, "string")
def date_time_from_epoch(operands: Values) -> Result:
    """The time so many seconds after 1970."""
    try:
        moment = datetime.fromtimestamp(integer(operands[0]), timezone.utc)
    except (OverflowError, OSError, ValueError) as error:
        raise FunctionError("the time is out of range") from error
    return _formatted(moment, "yyyy-MM-ddTHH:mm:ssZ")


@pure("dateTimeToEpoch", 1, 1, "number")
def date_time_to_epoch(operands: Values) -> Result:
    """The seconds since 1970."""
    return int(_moment(string(operands[0])).timestamp())


def _moment(found: str) -> datetime:
    match = _BASE.fullmatch(found.strip())
    if match is None:
        raise UndecidedError(Unknown(Reason.UNSUPPORTED, "a time that is not written in ISO 8601"))
    numbers = [int(match[group] or 0) for group in range(1, 7)]
    zone = timedelta()
    if match[8] and match[8].upper() != "Z":
        digits = match[8].replace(":", "")
        zone = timedelta(hours=int(digits[1:3]), minutes=int(digits[3:5])) * (-1 if digits[0] == "-" else 1)
    try:
        return datetime(*numbers, tzinfo=timezone.utc) - zone  # type: ignore[misc,arg-type]
    except (ValueError, OverflowError) as error:
        raise FunctionError("there is no such time") from error


def _added(moment: datetime, duration: str) -> datetime:
    match = _DURATION.fullmatch(duration)
    if match is None or duration[-1] in "PT":
        raise FunctionError("the duration is not one of ISO 8601")
    sign = -1 if match[1] == "-" else 1
    years, months, weeks, days, hours, minutes, seconds = (sign * int(match[group] or 0) for group in range(2, 9))
    month = moment.month - 1 + months + 12 * years
    year, month = moment.year + month // 12, month % 12 + 1
    try:
        day = min(moment.day, calendar.monthrange(year, month)[1])
        moved = moment.replace(year=year, month=month, day=day)
        return moved + timedelta(days=days + 7 * weeks, hours=hours, minutes=minutes, seconds=seconds)
    except (ValueError, OverflowError, calendar.IllegalMonthError) as error:
        raise FunctionError("the time is out of range") from error


def _form_of(base: str) -> str:
    """The format a base is written in."""
    if "T" not in base and ":" not in base:
        return "yyyy-MM-dd" if "-" in base else "yyyyMMdd"
    if "-" not in base:
        return "yyyyMMddTHHmmssZ"
    return "yyyy-MM-dd HH:mm:ssZ" if " " in base else "yyyy-MM-ddTHH:mm:ss" + ("Z" if base[-1:] in "zZ" else "")


def _formatted(moment: datetime, form: str) -> str:
    """https://learn.microsoft.com/dotnet/standard/base-types/custom-date-and-time-format-strings, the numeric part."""
    hour = moment.hour % 12 or 12
    values = {
        "yyyy": f"{moment.year:04}", "yy": f"{moment.year % 100:02}",
        "MM": f"{moment.month:02}", "M": str(moment.month), "dd": f"{moment.day:02}", "d": str(moment.day),
        "HH": f"{moment.hour:02}", "H": str(moment.hour), "hh": f"{hour:02}", "h": str(hour),
        "mm": f"{moment.minute:02}", "m": str(moment.minute), "ss": f"{moment.second:02}", "s": str(moment.second),
        "tt": "AM" if moment.hour < 12 else "PM", "zzz": "+00:00", "T": "T", "Z": "Z",
    }  # fmt: skip
    made = []
    for token in _TOKEN.findall(_FORMATS.get(form, form)):
        if token in values:
            made.append(values[token])
        elif token[0] == "f":
            made.append(f"{moment.microsecond * 10:07}"[: len(token)])
        elif token[0] in "'\\":
            made.append(token[1:].rstrip("'"))
        elif token.isalpha():
            raise UndecidedError(Unknown(Reason.UNSUPPORTED, f"time format {form!r}"))
        else:
            made.append(token)
    return "".join(made)

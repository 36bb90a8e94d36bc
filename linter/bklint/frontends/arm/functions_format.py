"""`format()`: https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions-string#format

Composite formatting is that of .NET: https://learn.microsoft.com/dotnet/standard/base-types/composite-formatting
"""

from __future__ import annotations

import re

from bklint.frontends.arm.functions import MANY, Result, Values, pure
from bklint.frontends.arm.json_text import plain
from bklint.frontends.arm.operands import (
    MAX_TEXT,
    FunctionError,
    Parts,
    UndecidedError,
    composed,
    derived,
    limit,
    parts,
    string,
)
from bklint.model.value import ListData, ObjectData, Reason, Unknown, Value

_ITEM = re.compile(r"\{\{|\}\}|\{(\d{1,4})(?:,(-?\d{1,9}))?(?::([^{}]*))?\}|[{}]")
_STYLE = re.compile(r"([NDXFPndxfp])(\d{0,2})")


@pure("format", 1, MANY, "string", composes=True)
def format_(operands: Values) -> Result:
    """A format string with its `{n}` replaced by arguments."""
    pattern = string(operands[0])
    found: list[str | Unknown] = []
    at = 0
    for match in _ITEM.finditer(pattern):
        found.append(pattern[at : match.start()])
        at = match.end()
        if match[1] is None:
            if match[0] not in ("{{", "}}"):
                raise FunctionError("the format string has a single brace")
            found.append(match[0][0])
            continue
        if int(match[1]) + 1 >= len(operands):
            raise FunctionError(f"there is no argument for {match[0]}")
        found.extend(_formatted(operands[int(match[1]) + 1], int(match[2] or 0), match[3]))
    found.append(pattern[at:])
    return composed(tuple(found))


def _formatted(value: Value, width: int, style: str | None) -> Parts:
    """One argument: bools as .NET writes them, numbers in their style, null as nothing."""
    made = _written(value)
    text = made[0] if len(made) == 1 else None
    if not isinstance(text, str):
        if (style or width) and value.unknown is not None:
            return (derived(f"format:{style},{width}", (value,), value.unknown, "string"),)
        return made
    if style and isinstance(value.data, (int, float)) and not isinstance(value.data, bool):
        text = _styled(value.data, style)
    if abs(width) > MAX_TEXT:
        limit("a string")
    return (text.rjust(width) if width > 0 else text.ljust(-width),)


def _written(value: Value) -> Parts:
    if value.data is None:
        return ("",)
    if isinstance(value.data, bool):
        return (str(value.data),)
    if isinstance(value.data, (ListData, ObjectData)):
        return (plain(value),)
    return parts(value)


def _styled(number: int | float, style: str) -> str:
    """The standard numeric formats that templates use, and a row of zeros
    (https://learn.microsoft.com/dotnet/standard/base-types/standard-numeric-format-strings)."""
    sign, size = "-" if number < 0 else "", abs(number)
    if style.strip("0") == "" and isinstance(number, int):
        return sign + str(size).rjust(len(style), "0")
    match = _STYLE.fullmatch(style)
    if match is None:
        raise UndecidedError(Unknown(Reason.UNSUPPORTED, f"format {style!r}"))
    letter, digits = match[1], int(match[2]) if match[2] else None
    if letter in "Dd" and isinstance(number, int):
        return sign + str(size).rjust(digits or 1, "0")
    if letter in "Xx" and isinstance(number, int):
        return f"{number & 0xFFFFFFFF if sign else number:{letter}}".rjust(digits or 1, "0")
    if letter in "Pp":
        return f"{number * 100:,.{2 if digits is None else digits}f} %"
    return f"{number:{',' if letter in 'Nn' else ''}.{2 if digits is None else digits}f}"

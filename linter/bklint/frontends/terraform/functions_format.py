"""`format` and `formatlist`: a format string with verbs and values → a string.

The verbs are those of https://developer.hashicorp.com/terraform/language/functions/format. A value that is not known
stays a part of the result where its text goes in unchanged.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import NamedTuple

from bklint.frontends.terraform.extent import longer
from bklint.frontends.terraform.functions_arguments import (
    Args,
    CallContext,
    FailedError,
    Function,
    Result,
    UndecidedError,
    boolean,
    integer,
    is_null,
    number,
    parts,
    renamed,
    string,
    undecided,
    whole,
)
from bklint.frontends.terraform.functions_json import json_text
from bklint.frontends.terraform.graphemes import clusters
from bklint.frontends.terraform.scalars import known_text, number_string
from bklint.model.value import ListData, ObjectData, Text, Unknown, Value, first_unknown, text

_VERB = re.compile(r"%([-+ #0]*)(?:\[(\d+)\])?(\d+|\*)?(?:\.(\d+)?)?(?:\[(\d+)\])?(.)", re.DOTALL)
_WIDEST = 10_000


class _Verb(NamedTuple):
    """One verb: `at` is the 1-based argument that is named, 0 for the next one; -1 stands for no precision."""

    letter: str
    flags: str
    width: int
    precision: int
    at: int


def _pieces(pattern: str) -> list[str | _Verb]:
    """The literal text and the verbs of a format string."""
    found: list[str | _Verb] = []
    position = 0
    while True:
        at = pattern.find("%", position)
        if at < 0:
            return [*found, pattern[position:]]
        match = _VERB.match(pattern, at)
        if match is None:
            raise FailedError(f"unfinished format verb at offset {at}")
        found += [pattern[position:at], _verb(match)]
        position = match.end()


def _verb(match: re.Match[str]) -> str | _Verb:
    flags, first, width, precision, second, letter = match.groups()
    if letter == "%" and len(match[0]) == 2:
        return "%"
    if letter not in "vtbdoxXeEfgGsq":
        raise FailedError(f"unsupported format verb {letter!r}")
    wide = int(width) if width and width != "*" else 0
    exact = int(precision) if precision else 0 if "." in match[0] else -1
    if width == "*" or wide > _WIDEST or exact > _WIDEST:
        raise FailedError("a format verb with a width that is not supported")
    return _Verb(letter, flags, wide, exact, int(second or first or 0))


def _format(args: Args, context: CallContext) -> Result:
    return render(string(args[0]), args[1:])


def render(pattern: str, values: Args) -> str | Text:
    """The text of a format string and its values."""
    done: list[str | Unknown] = []
    position = highest = 0
    for piece in _pieces(pattern):
        if isinstance(piece, str):
            done.append(piece)
            continue
        position = piece.at or position + 1
        if not 1 <= position <= len(values):
            raise FailedError(
                f"not enough arguments for %{piece.letter}: need index {position} but have {len(values)} total"
            )
        highest = max(highest, position)
        done += _formatted(piece, values[position - 1])
    if highest < len(values):
        raise FailedError(f"too many arguments; only {highest} used by format string")
    return text(tuple(done))


def _formatted(verb: _Verb, value: Value) -> tuple[str | Unknown, ...]:
    """A value as one verb writes it."""
    why = first_unknown(value)
    if why is None:
        return (_padded(verb, _known(verb, value)),)
    plain_verb = verb.width == 0 and verb.precision < 0 and not verb.flags
    if plain_verb and verb.letter in "svdt" and not isinstance(value.data, (ListData, ObjectData)):
        return parts(value)
    return (renamed(why, "format", *verb),)


def _known(verb: _Verb, value: Value) -> str:
    letter = verb.letter
    if is_null(value):
        if letter == "v":
            return "null"
        raise FailedError(f"unsupported value for %{letter}: null value cannot be formatted")
    if letter == "v":
        return _default_text(verb, value)
    if letter == "t":
        return "true" if boolean(value) else "false"
    if letter == "s":
        return _cut(string(value), verb.precision)
    if letter == "q":
        return json_text(Value(_cut(string(value), verb.precision)))
    return _number(verb, value)


def _default_text(verb: _Verb, value: Value) -> str:
    data = value.data
    if "#" in verb.flags:
        return json_text(value)
    if isinstance(data, (int, float)) and not isinstance(data, bool):
        return number_string(data)
    known = known_text(value)
    return json_text(value) if known is None else known


def _cut(written: str, precision: int) -> str:
    return written if precision < 0 else "".join(clusters(written)[:precision])


def _number(verb: _Verb, value: Value) -> str:
    found = number(value)
    letter = verb.letter
    if letter in "dboxX":
        return _signed(verb, format(integer(value), ("#" if "#" in verb.flags and letter != "d" else "") + letter))
    exact = Decimal(found) if isinstance(found, int) else Decimal(repr(found))
    return _signed(verb, _FLOATS[letter.lower()](exact, verb.precision, letter))


def _signed(verb: _Verb, digits: str) -> str:
    if digits.startswith("-"):
        return digits
    return "+" + digits if "+" in verb.flags else " " + digits if " " in verb.flags else digits


def _fixed(exact: Decimal, precision: int, letter: str) -> str:
    digits = 6 if precision < 0 else precision
    return format(exact.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_EVEN, Context(prec=_WIDEST * 2)), "f")


def _exponent(exact: Decimal, precision: int, letter: str) -> str:
    digits = 6 if precision < 0 else precision
    return _two_digits(format(exact, f".{digits}{letter}"), letter)


def _general(exact: Decimal, precision: int, letter: str) -> str:
    """`%g`: an exponent below -4 and from `precision` (6 without one) on (Go's strconv.FormatFloat)."""
    if precision >= 0:
        exact = Context(prec=max(precision, 1)).create_decimal(exact)
    exact = exact.normalize(Context(prec=_WIDEST))
    count, power = len(exact.as_tuple().digits), exact.adjusted() if exact else 0
    limit = 6 if precision < 0 else max(precision, 1)
    if precision > count > power:
        limit = count
    if -4 <= power < limit:
        return format(exact, "f")
    mark = "E" if letter == "G" else "e"
    return _two_digits(format(exact, f".{count - 1}{mark}"), mark)


def _two_digits(written: str, letter: str) -> str:
    """Go writes at least two digits of exponent."""
    mantissa, _, power = written.partition(letter)
    return f"{mantissa}{letter}{power[0]}{power[1:].zfill(2)}"


_FLOATS = {"e": _exponent, "f": _fixed, "g": _general}


def _padded(verb: _Verb, written: str) -> str:
    missing = verb.width - len(clusters(written))
    if missing <= 0 or verb.letter == "t":
        return written
    if "-" in verb.flags:
        return written + " " * missing
    if "0" in verb.flags:
        sign = written[:1] if written[:1] in ("+", "-") else ""
        return sign + "0" * missing + written[len(sign) :]
    return " " * missing + written


def _formatlist(args: Args, context: CallContext) -> Result:
    lists = {n: whole(arg) for n, arg in enumerate(args) if isinstance(arg.data, ListData)}
    if any(isinstance(arg.data, Unknown) and arg.data.type in (None, "list") for arg in args):
        raise undecided(*args)
    lengths = {len(items) for items in lists.values()}
    if len(lengths) > 1:
        raise FailedError("formatlist() needs lists of one length")
    count = lengths.pop() if lengths else 1
    fixed = sum(len(arg.data) for arg in args if type(arg.data) is str)
    too_large = longer(fixed * count, context.place)
    if too_large is not None:
        raise UndecidedError(too_large)
    rows = [[lists[n][i] if n in lists else arg for n, arg in enumerate(args)] for i in range(count)]
    return ListData(tuple([Value(render(string(row[0]), tuple(row[1:])), context.place) for row in rows]))


TABLE: Mapping[str, Function] = {
    "format": Function(_format, 1, None, "string"),
    "formatlist": Function(_formatlist, 1, None, "list"),
}

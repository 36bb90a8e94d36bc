"""Numbers and bools ↔ the strings Terraform writes and reads them as.

https://developer.hashicorp.com/terraform/language/expressions/types#type-conversion
"""

from __future__ import annotations

import re

from bklint.model.value import Text, Unknown, Value

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?\Z")
_TRUTH = {"true": True, "1": True, "false": False, "0": False}
_LONGEST = 400
"""Longest text that is read as a number, in characters, and the largest exponent."""
MOST_BITS = 10_000
"""Largest whole number that is calculated with; Python writes numbers of up to 4,300 digits, 14,000 bits."""


def number_string(number: int | float) -> str:
    """A number as Terraform writes it into a string: never with an exponent."""
    from decimal import Decimal

    if isinstance(number, int):
        return str(number) if number.bit_length() <= MOST_BITS else format(Decimal(number), "f")
    # Terraform calculates with 512 bits, so what differs only behind 15 digits is an artefact of binary fractions.
    written = format(Decimal(format(number, ".15g")), "f")
    return written.rstrip("0").rstrip(".") if "." in written else written


def parse_number(written: str) -> int | float | None:
    """The number a string holds; None where it holds none (or one too long to be meant)."""
    from decimal import Decimal

    if len(written) > _LONGEST or not _NUMBER.match(written):
        return None
    if written.lstrip("+-").isdigit():
        return int(written)
    exact = Decimal(written)
    if abs(exact.adjusted()) > _LONGEST:
        return None
    return int(exact) if exact == exact.to_integral_value() else float(exact)


def parse_bool(written: str) -> bool | None:
    """The bool a string holds; None where it holds none."""
    return _TRUTH.get(written)


def known_text(value: Value) -> str | None:
    """A known scalar as the string Terraform converts it to; None for anything else."""
    data = value.data
    if isinstance(data, str):
        return data
    if isinstance(data, bool):
        return "true" if data else "false"
    return number_string(data) if isinstance(data, (int, float)) else None


def string_parts(value: Value) -> tuple[str | Unknown, ...] | None:
    """A scalar as the parts of a string; None for what is no scalar."""
    data = value.data
    if isinstance(data, Text):
        return data.parts
    if isinstance(data, Unknown):
        return (data,)
    known = known_text(value)
    return None if known is None else (known,)

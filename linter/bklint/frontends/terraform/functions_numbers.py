"""Numeric functions. Of numbers that are only bounded, `min`, `max`, `ceil`, `floor` and `abs` give the bounds.

https://developer.hashicorp.com/terraform/language/functions (numeric functions)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from bklint.frontends.terraform.functions_arguments import (
    Args,
    CallContext,
    FailedError,
    Function,
    Result,
    UndecidedError,
    integer,
    number,
    some,
    string,
)
from bklint.model.compare import bounds
from bklint.model.value import Reason, Text, Unknown, Value, type_of

_SAFE = 2**53
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_WIDE_DIGITS = _DIGITS + _DIGITS[10:].upper()


def _whole(found: int | float) -> int | float:
    """A float that is a whole number as one, where it is exact."""
    return int(found) if isinstance(found, float) and found.is_integer() and abs(found) < _SAFE else found


def _float(compute: Callable[[], float], name: str) -> int | float:
    """A result in floating point. Terraform knows infinity, this evaluator does not."""
    try:
        found = compute()
    except ValueError as error:
        raise FailedError("the result is no number") from error
    except (ZeroDivisionError, OverflowError):
        found = math.inf
    if not math.isfinite(found):
        raise UndecidedError(Unknown(Reason.UNSUPPORTED, f"{name}() with a result that is not finite"))
    return _whole(found)


def _natural_log(found: float) -> float:
    """A logarithm as the processor gives it: minus infinity for zero."""
    return -math.inf if found == 0 else math.log(found)


def _range_of(value: Value) -> tuple[float | None, float | None]:
    """The bounds of a number, known or not."""
    if isinstance(value.data, Unknown) and value.data.type in (None, "number", "string"):
        return bounds(value)
    if isinstance(value.data, Text):
        return None, None
    found = number(value)
    return found, found


def _pick(args: Args, upper: bool) -> Result:
    """`max` (`upper`) or `min`: the argument it is, where that is certain."""
    if not args:
        raise FailedError("at least one number is required")
    why = next((arg.unknown for arg in args if arg.unknown is not None), None)
    ranges = [_range_of(arg) for arg in args]
    if why is None:
        numbers = [number(arg) for arg in args]
        best = numbers.index(max(numbers) if upper else min(numbers))
        return args[best] if type_of(args[best]) == "number" else numbers[best]
    lows, highs = [low for low, _ in ranges], [high for _, high in ranges]
    return some(why, type="number", nonnull=True, low=_extreme(lows, upper, True), high=_extreme(highs, upper, False))


def _extreme(ends: Sequence[float | None], upper: bool, low: bool) -> float | None:
    """An end of the range of a maximum or minimum: one known lower end bounds a maximum from below."""
    known = [end for end in ends if end is not None]
    if not known or (upper != low and len(known) < len(ends)):
        return None
    return max(known) if upper else min(known)


def _max(args: Args, context: CallContext) -> Result:
    return _pick(args, True)


def _min(args: Args, context: CallContext) -> Result:
    return _pick(args, False)


def _rounded(change: Callable[[float], int]) -> Callable[[Args, CallContext], Result]:
    def compute(args: Args, context: CallContext) -> Result:
        value = args[0]
        if isinstance(value.data, Unknown):
            low, high = _range_of(value)
            ends = {"low": None if low is None else change(low), "high": None if high is None else change(high)}
            return some(value.data, type="number", nonnull=True, **ends)
        found = number(value)
        return value if isinstance(found, int) and found is value.data else change(found)

    return compute


def _abs(args: Args, context: CallContext) -> Result:
    if not isinstance(args[0].data, Unknown):
        return abs(number(args[0]))
    low, high = _range_of(args[0])
    most = None if low is None or high is None else max(abs(low), abs(high))
    least = low if low is not None and low > 0 else -high if high is not None and high < 0 else 0
    return some(args[0].data, type="number", nonnull=True, low=least, high=most)


def _log(args: Args, context: CallContext) -> Result:
    found, base = number(args[0]), number(args[1])
    return _float(lambda: _natural_log(found) / _natural_log(base), "log")


def _pow(args: Args, context: CallContext) -> Result:
    base, power = number(args[0]), number(args[1])
    if base == 0 and power < 0:
        raise UndecidedError(Unknown(Reason.UNSUPPORTED, "pow() with a result that is not finite"))
    return _float(lambda: math.pow(base, power), "pow")


def _signum(args: Args, context: CallContext) -> Result:
    found = integer(args[0])
    return (found > 0) - (found < 0)


def _parseint(args: Args, context: CallContext) -> Result:
    if type_of(args[0]) not in ("string", None):
        raise FailedError("the first argument must be a string")
    written, base = string(args[0]), integer(args[1])
    if not 2 <= base <= 62:
        raise FailedError("the base must be between 2 and 62")
    digits = written[1:] if written[:1] in ("+", "-") else written
    found = 0
    if not digits or len(digits) > 400:
        raise FailedError(f"{written!r} is no whole number of base {base}")
    for digit in digits:
        at = _WIDE_DIGITS.find(digit) if base > 36 else _DIGITS.find(digit.lower())
        if not 0 <= at < base:
            raise FailedError(f"{written!r} is no whole number of base {base}")
        found = found * base + at
    return -found if written[0] == "-" else found


TABLE: Mapping[str, Function] = {
    "abs": Function(_abs, 1, 1, "number"),
    "ceil": Function(_rounded(math.ceil), 1, 1, "number"),
    "floor": Function(_rounded(math.floor), 1, 1, "number"),
    "log": Function(_log, 2, 2, "number"),
    "max": Function(_max, 0, None, "number"),
    "min": Function(_min, 0, None, "number"),
    "parseint": Function(_parseint, 2, 2, "number"),
    "pow": Function(_pow, 2, 2, "number"),
    "signum": Function(_signum, 1, 1, "number"),
}

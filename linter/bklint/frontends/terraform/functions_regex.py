"""`regex`, `regexall` and the regular expressions of `replace`.

https://developer.hashicorp.com/terraform/language/functions/regex
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from bklint.frontends.terraform.extent import longer
from bklint.frontends.terraform.functions_arguments import (
    Args,
    CallContext,
    FailedError,
    Function,
    Result,
    UndecidedError,
    derived,
    parts,
    renamed,
    string,
    undecided,
)
from bklint.frontends.terraform.regexes import Found, Pattern, RefusedError, UnsupportedError, compiled, every, search
from bklint.model.value import ListData, ObjectData, Reason, Text, Unknown, Value, text

_REFERENCE = re.compile(r"\$(?:(\$)|\{(\w+)\}|(\w+))", re.ASCII)


def _compiled(pattern: str) -> Pattern:
    try:
        return compiled(pattern)
    except RefusedError as refused:
        raise FailedError(f"invalid regexp pattern: {refused}") from refused
    except UnsupportedError as unsupported:
        raise _unsupported(unsupported) from unsupported


def _unsupported(why: UnsupportedError) -> UndecidedError:
    return UndecidedError(Unknown(Reason.UNSUPPORTED, f"a regular expression with {why}"))


def _matches(pattern: Pattern, written: str) -> list[Found]:
    try:
        return list(every(pattern.written, written))
    except UnsupportedError as unsupported:
        raise _unsupported(unsupported) from unsupported


def _regex(args: Args, context: CallContext) -> Result:
    pattern, written = _compiled(string(args[0])), string(args[1])
    _check_groups(pattern)
    try:
        found = search(pattern.written, written)
    except UnsupportedError as unsupported:
        raise _unsupported(unsupported) from unsupported
    if found is None:
        raise FailedError("the pattern does not match any part of the string")
    return _captured(pattern, found, written, args[1], context, "regex")


def _regexall(args: Args, context: CallContext) -> Result:
    pattern, written = _compiled(string(args[0])), string(args[1])
    _check_groups(pattern)
    found = _matches(pattern, written)
    return ListData(tuple([_captured(pattern, one, written, args[1], context, "regexall") for one in found]))


def _check_groups(pattern: Pattern) -> None:
    if any(pattern.names) and not all(pattern.names):
        raise FailedError("named and unnamed capture groups cannot be mixed")


def _captured(pattern: Pattern, found: Found, written: str, operand: Value, context: CallContext, name: str) -> Value:
    """The whole match, or its groups in a list or (named) in an object."""
    groups = [
        derived(None if group is None else written[group[0] : group[1]], operand, name, context)
        for group in found.groups
    ]
    if not groups:
        return derived(written[found.start : found.end], operand, name, context)
    if all(pattern.names):
        return derived(ObjectData(dict(zip(pattern.names, groups, strict=True))), operand, name, context)
    return derived(ListData(tuple(groups)), operand, name, context)


def replace_matches(value: Value, written: str, new: str) -> str | Text:
    """A string with all matches replaced. A pattern of single characters is replaced part by part."""
    pattern, found = _compiled(written), parts(value)
    if not any(isinstance(part, Unknown) for part in found):
        return _replaced(pattern, "".join([part for part in found if isinstance(part, str)]), new)
    # A run of characters may go on in the unknown part; what is removed leaves no trace of that.
    if pattern.single is None or (pattern.many and new):
        raise undecided(value)
    return text(
        tuple(
            [_replaced(pattern, part, new) if isinstance(part, str) else _changed(part, written, new) for part in found]
        )
    )


def _changed(part: Unknown, written: str, new: str) -> Unknown:
    key = renamed(part, "replace", written, new).key
    return Unknown(part.reason, part.cause, part.place, type="string", nonnull=True, key=key)


def _replaced(pattern: Pattern, written: str, new: str) -> str:
    done, at, size = [], 0, 0
    for found in _matches(pattern, written):
        done += [written[at : found.start], _expanded(pattern, found, written, new)]
        at = found.end
        size += len(done[-1])
        too_large = longer(size, None)
        if too_large is not None:
            raise UndecidedError(too_large)
    return "".join([*done, written[at:]])


def _expanded(pattern: Pattern, found: Found, written: str, new: str) -> str:
    """The replacement with its `$1` and `${name}` filled in; what names no group is empty."""

    def group(match: re.Match[str]) -> str:
        if match[1]:
            return "$"
        name = match[2] or match[3]
        number = int(name) if name.isdigit() else pattern.names.index(name) + 1 if name in pattern.names else -1
        if number == 0:
            return written[found.start : found.end]
        span = found.groups[number - 1] if 0 < number <= len(found.groups) else None
        return "" if span is None else written[span[0] : span[1]]

    return _REFERENCE.sub(group, new)


TABLE: Mapping[str, Function] = {
    "regex": Function(_regex, 2, 2),
    "regexall": Function(_regexall, 2, 2, "list"),
}

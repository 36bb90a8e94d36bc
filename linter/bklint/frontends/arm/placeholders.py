"""Texts that a pipeline replaces before the deployment: they are unknown values, not strings.

`GEN-…` and `GET-…` in published parameter files (replaced by their continuous integration), `${VAR}` of azd
(https://learn.microsoft.com/azure/developer/azure-developer-cli/manage-environment-variables), `$(Var)` of Azure DevOps,
`#{Var}#` and `__Var__` of token-replacement tasks, and `<text>` that a person is to replace.
"""

from __future__ import annotations

import re

from bklint.model.path import joined
from bklint.model.value import Reason, Text, Unknown, Value, text
from bklint.source import Locator

_WHOLE = re.compile(
    r"\$\([\w.\-]+\)|#\{[^{}]+\}#?|__[A-Za-z][\w.\-]*?__|<[A-Za-z][^<>/={}]*>|\$\{[A-Za-z_]\w*(?:=[^{}]*)?\}"
)
_FILE = re.compile(
    r"\$\([\w.\-]+\)|#\{[^{}]+\}#?|__[A-Za-z][\w.\-]*?__|\$\{([A-Za-z_]\w*)(?:=([^{}]*))?\}"
    r"|\bGEN-UNIQUE(?:-\d+)?|^G(?:EN|ET)-[A-Z][\w\-]*\Z|^<[^<>]+>\Z"
)
_STARTS = frozenset("$#_<")


def placeholder(found: str, place: Locator) -> Value | None:
    """The unknown that a text of a template stands for, when it is a placeholder as a whole."""
    if found[:1] not in _STARTS or not _WHOLE.fullmatch(found):
        return None
    return Value(_unknown(found, place, None), place)


def in_parameter_file(found: str, place: Locator, type_: str | None) -> Value:
    """The value of a text in a parameters file, with an unknown in the place of each placeholder.

    azd writes a default into the placeholder, `${VAR=value}`: it is no more certain than the variable.
    """
    parts: list[str | Unknown] = []
    at = 0
    for match in _FILE.finditer(found):
        whole = match.group(0) == found
        parts += [found[at : match.start()], _unknown(match.group(0), place, type_ if whole else "string")]
        at = match.end()
    if not parts:
        return Value(found, place)
    if at == len(found) and parts[0] == "" and len(parts) == 2:
        return Value(joined((parts[1],)), place)
    made = text((*parts, found[at:]))
    if isinstance(made, Text) and len(made.parts) == 1:
        return Value(made.parts[0], place)
    return Value(made, place)


def _unknown(found: str, place: Locator, type_: str | None) -> Unknown:
    return Unknown(
        Reason.PLACEHOLDER, f"placeholder {found}", place, type=type_, nonnull=True, key=("placeholder", found)
    )

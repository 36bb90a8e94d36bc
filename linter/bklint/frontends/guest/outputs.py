"""The objects that commands of PowerShell put into a pipeline, where a script says which they are.

`Get-Service` gives services by name. What picks from them by their state leaves those that the next command changes;
what picks by name is followed where it says the names.
"""

from __future__ import annotations

import re

from bklint.frontends.guest.calls import Call
from bklint.frontends.guest.held import Held

_SERVICES = ("get-service", "gsv")
_PASSING = frozenset(
    {"stop-service", "start-service", "restart-service", "set-service", "suspend-service", "resume-service"}
)
_ON = frozenset({"sort-object", "sort", "select-object", "select"})
_WHERE = frozenset({"where-object", "where", "?"})
_BY_STATE = re.compile(r"\$_\.(?!status\b|state\b|starttype\b|startmode\b)\w+|\bname\b", re.I)
_BY_NAME = re.compile(
    r"(?:where-object|where|\?)\s*\{?\s*(?:-property\s+)?(?:\$(?:_|psitem)\.)?(?:service)?name\s+-(?:i?eq|i?like|i?in)\s+(?:-value\s+)?"
    r"\(?@?\(?(?P<names>(?:'[^']*'|\"[^\"$`]*\"|[\w*]+)(?:\s*,\s*(?:'[^']*'|\"[^\"$`]*\"))*)\)?\)?\s*\}?\s*\Z",
    re.I,
)


def output(call: Call) -> list[Held] | None:
    """What a call puts out; None for what is not known."""
    if call.name in _SERVICES:
        named = call.parameter("Name", "DisplayName", "ServiceName", "InputObject") or next(iter(call.positional), None)
        if named is not None:
            return [_service(name) for name in named.all]
        return None if call.piped is None else [_service(name) for name in call.piped]
    if call.name in _ON and call.piped is not None and not call.positional and len(call.words) < 2:
        return [Held(text) for text in call.piped]
    if call.name in _PASSING and call.parameter("PassThru") is not None:
        named = call.parameter("Name", "InputObject") or next(iter(call.positional), None)
        names = named.all if named is not None else call.piped
        return None if names is None else [_service(name) for name in names]
    if call.name in _WHERE and call.before is not None:
        return _picked(call, call.before)
    return None


def _service(name: str) -> Held:
    return Held(name, None, {"name": Held(name), "servicename": Held(name)})


def _picked(call: Call, before: Call) -> list[Held] | None:
    raw = call.out.text.source.text(call.start, call.end)
    match = _BY_NAME.fullmatch(raw)
    if match is not None and before.name in _SERVICES and not before.args:
        return [_service(name.strip().strip("'\"")) for name in match["names"].split(",")]
    if match is None and _BY_STATE.search(raw) is None:
        return output(before)
    return None

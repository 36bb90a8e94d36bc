"""Requests into edits of what machines run or read: one word of a statement or line becomes another one.

Only what a statement spells is changed, in the notation it is in; a word that comes from a variable, stands twice, or is
encoded is left to people. Statements are never removed: what else depends on them cannot be seen.
"""

from __future__ import annotations

import re

from bklint.fix.edits import Edit, RefusedError
from bklint.fix.request import Request, Ways, spot
from bklint.model.resource import Resource
from bklint.source import Place

AT_CREATION = ("custom data", "part of custom data", "unattend content")
"""What a machine is given when it is made: to change it is to make the machine anew."""

_START = {
    "manual": {"disabled": "Manual", "4": "3"},
    "enable": {"disabled": "Automatic", "4": "2"},
}
"""What a start type is set to, by the action, for the word or number that disables a service."""

_DISABLING = (
    re.compile(r"(?P<before>\bstart=\s*[\"']?)(?P<word>disabled)\b", re.I),
    re.compile(r"(?P<before>(?:-Start\w*:?\s+|\bStartupType\s*=\s*)[\"']?)(?P<word>Disabled)\b", re.I),
    re.compile(r"(?P<before>\bChangeStartMode\(\s*[\"'])(?P<word>Disabled)\b", re.I),
    re.compile(r"(?P<before>/d\s+[\"']?(?:0x)?0*)(?P<word>4)\b", re.I),
    re.compile(r"(?P<before>-Value:?\s+[\"']?(?:0x)?0*)(?P<word>4)\b", re.I),
    re.compile(r"(?P<before>\bValueData\s*=\s*[\"']?(?:0x)?0*)(?P<word>4)\b", re.I),
    re.compile(r"(?P<before>=\s*dword:0*)(?P<word>4)\b", re.I),
    re.compile(r"(?P<before>\A\s*\"?[\w-]+\"?\s*,\s*)(?P<word>4)\b"),
)
"""The notations of a start type: sc, cmdlets and DSC, WMI, reg, registry cmdlets and resources, registry files, security
templates."""

_ACCOUNT = re.compile(r"(?P<before>\bobj=\s*)(?P<word>\"[^\"\n]*\"|'[^'\n]*'|[^\s\"';&|]+)", re.I)


def ways(request: Request) -> Ways:
    """How a request can be done. Raises RefusedError."""
    if request.op != "set":
        raise RefusedError("statements are not removed from scripts: see the fix")
    found = request.resource.body.place
    if found is None:
        raise RefusedError("it is not written as text")
    place = found.locate()
    edit = _edit(request, place)
    return Ways(use=(edit,), use_spot=spot(place))


def replaces(resource: Resource) -> bool:
    """Whether the machine is made anew when the text that a guest resource comes from changes."""
    carried = resource.extra.get("carried")
    return carried is not None and str(carried.data).startswith(AT_CREATION)


def _edit(request: Request, place: Place) -> Edit:
    resource, value = request.resource, str(request.value)
    if resource.type == "guest/agentSettings":
        key = str(resource.get("properties.key").data)
        return _replaced(place, (_setting(key),), value)
    if resource.type == "guest/serviceChanges" and request.field == "properties.action":
        return _replaced(place, _DISABLING, value)
    if resource.type == "guest/serviceChanges" and request.field == "properties.account":
        if resource.parent is not None:
            raise RefusedError("the account is in a text within a text: see the fix")
        return _replaced(place, (_ACCOUNT,), f'"{value}"')
    raise RefusedError("this kind of change is not made in scripts")


def _setting(key: str) -> re.Pattern[str]:
    """`Key=value`, or the `Key=value` that sed puts in its place: the last one of the text."""
    return re.compile(rf"(?P<before>\b{re.escape(key)}\s*=\s*[\"']?)(?P<word>[\w-]+)(?!.*\b{re.escape(key)}\s*=)", re.S)


def _replaced(place: Place, patterns: tuple[re.Pattern[str], ...], value: str) -> Edit:
    """The edit of the one word in a text that a pattern finds. Raises RefusedError where it is not exactly one."""
    text = place.text
    matches = [match for pattern in patterns for match in pattern.finditer(text)]
    if len({match.span("word") for match in matches}) != 1:
        raise RefusedError("what is to be changed is not written out there once")
    match = matches[0]
    before, word = text[: match.start("word")], match["word"]
    new = _word(match, value)
    start = place.start + len(before.encode("utf-8"))
    return Edit(place.source, start, start + len(word.encode("utf-8")), new.encode("utf-8"))


def _word(match: re.Match[str], value: str) -> str:
    """What takes the place of a word, in its notation."""
    known = _START.get(value)
    if known is None:
        return value
    word = match["word"]
    new = known[word.casefold()]
    if match["before"].casefold().startswith("start="):
        return "demand" if value == "manual" else "auto"
    return new.lower() if word.islower() else new

"""Requests into edits of what machines run or read: a word of a statement or line, an exception to it, or its removal.

Only what a statement spells is changed, in the notation it is in; a word that comes from a variable, stands twice, or is
encoded is left to people. What a statement does to one of several services is changed where that one is named in a list:
it is taken out of the list, which leaves the service as the system has it.
"""

from __future__ import annotations

import re

from bklint.fix import openings, statements
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


_ZERO = (
    re.compile(r"(?P<before>/d\s+[\"']?(?:0x0*)?)(?P<word>0)(?=[\"'\s]|\Z)", re.I),
    re.compile(r"(?P<before>-Value:?\s+[\"']?(?:0x0*)?)(?P<word>0)(?=[\"'\s;)]|\Z)", re.I),
    re.compile(r"(?P<before>\bValueData\s*=\s*(?:@\()?[\"']?(?:0x0*)?)(?P<word>0)(?=[\"'\s)]|\Z)", re.I),
    re.compile(r"(?P<before>=\s*dword:0*?)(?P<word>0)\b", re.I),
    re.compile(r"(?P<before>=\s*4\s*,\s*)(?P<word>0)\b"),
    re.compile(
        r"(?P<before>\b(?:SchUseStrongCrypto|Enabled)[\"']?\s*[\s,]\s*[\"']?)(?P<word>0)(?=[\"'\s;,})]|\Z)", re.I
    ),
)
"""The notations of a number in the registry that is zero: reg, cmdlets, DSC, registry files, security templates, and
cmdlets and methods that take it by its position."""


def ways(request: Request) -> Ways:
    """How a request can be done. Raises RefusedError."""
    resource, found = request.resource, request.resource.body.place
    if found is None:
        raise RefusedError("it is not written as text")
    place = found.locate()
    if request.op == "remove" and not request.field:
        return Ways(use=(statements.without(place),), use_spot=spot(place))
    if request.op == "insertItem":
        return Ways(use=openings.let_through(request, place), use_spot=spot(place))
    if request.op == "append" and resource.type == "guest/proxySettings":
        return Ways(use=(openings.bypass(request, place),), use_spot=spot(place))
    if request.op != "set":
        raise RefusedError("this kind of change is not made in scripts")
    listed = _listed(request, place)
    if listed is not None:
        edit = statements.without_item(place.source, listed.start, listed.end)
        return Ways(use=(edit,), use_spot=spot(listed))
    return Ways(use=(_edit(request, place),), use_spot=spot(place), shared="the statement is about other services too")


def _listed(request: Request, place: Place) -> Place | None:
    """Where a statement that disables several services of a script names this one: in a list of its own, or in a list
    that it takes its services from, which must be the only place that names the service."""
    resource = request.resource
    if resource.type != "guest/serviceChanges" or request.field != "properties.action":
        return None
    if resource.dialect != "powershell":
        return None
    name = re.escape(str(resource.get("properties.service").data))
    inside = list(re.finditer(rf"(?i)(?<![\w.$-])([\"']?){name}\1(?![\w.-])", place.text))
    if len(inside) == 1:
        at, end = inside[0].span()
        before, after = place.text[:at].rstrip()[-1:], place.text[end:].lstrip()[:1]
        alone = before != "," and after != ","
        return None if alone else _part(place, at, end)
    if inside or not place.source.name.endswith((".ps1", ".psm1")):
        return None
    whole = Place(place.source, 0, len(place.source.data))
    named = list(re.finditer(rf"(?i)([\"']){name}\1", whole.text))
    if len(named) != 1:
        return None
    at, end = named[0].span()
    before, after = whole.text[:at].rstrip(" \t")[-1:], whole.text[end:].lstrip(" \t")[:1]
    listed = "," in (before, after) or (before == "\n" and after in "#\r\n")
    return _part(whole, at, end) if listed else None


def _part(place: Place, start: int, end: int) -> Place:
    """Some characters of a place."""
    first = place.start + len(place.text[:start].encode("utf-8"))
    return Place(place.source, first, first + len(place.text[start:end].encode("utf-8")))


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
    if resource.type == "guest/registryValues" and request.field == "properties.value":
        return _replaced(place, _ZERO, value)
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

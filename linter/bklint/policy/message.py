"""Messages with values in them: `disk {resource.name} is {sizeGiB} GiB` becomes a text about one resource.

A name in braces is, in this order, a word of `resource.`, a parameter, a fact (dots reach into a record), or a property
path that begins as ARM resources do. What is not known prints as `…`.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from bklint.model.compare import display
from bklint.model.resource import Resource
from bklint.model.value import Value
from bklint.policy.model import Env, Get, Message
from bklint.policy.names import Pointer, PolicyError, one_of
from bklint.policy.subjects import Scope, parameter, subject

_PART = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]|[^{}]+")

_ROOTS = frozenset({"id", "identity", "kind", "location", "managedBy", "name", "plan", "properties", "scale", "sku"})
_ROOTS |= {"extendedLocation", "tags", "type", "zones"}


def _name(resource: Resource) -> Value:
    name = resource.name
    return name if name.known and name.exists else Value(resource.address)


_WORDS: dict[str, Callable[[Resource], Value]] = {
    "resource.name": _name,
    "resource.address": lambda resource: Value(resource.address),
    "resource.type": lambda resource: Value(resource.type),
    "resource.group": lambda resource: resource.group,
}


def message(text: str, scope: Scope, at: Pointer) -> Message:
    """The compiled message. Raises PolicyError for a name that nothing has."""
    parts: list[str | Get] = []
    for match in _PART.finditer(text):
        if match[1] is not None:
            parts.append(_value(match[1].strip(), scope, at))
        elif match[0] in ("{", "}"):
            raise PolicyError(f"a single {match[0]} in a message; write {match[0] * 2}", at)
        else:
            parts.append({"{{": "{", "}}": "}"}.get(match[0], match[0]))
    return Message(tuple(parts), text)


def _value(name: str, scope: Scope, at: Pointer) -> Get:
    word = _WORDS.get(name)
    if word is not None:
        return _word(word)
    head = re.split(r"[.\[]", name)[0]
    names = scope.names
    if name in names.parameters:
        return parameter(name, names, at)
    if head in names.facts:
        return subject("fact", name, scope, at).get
    if head in _ROOTS:
        return subject("field", name, scope, at).get
    fields = [f"{fact.name}.{member}" for fact in names.facts.values() for member in fact.fields]
    allowed = one_of(name, (*_WORDS, *names.parameters, *names.facts, *fields))
    raise PolicyError(f"nothing is called {name!r}{allowed}", at)


def _word(read: Callable[[Resource], Value]) -> Get:
    return lambda resource, _: read(resource)


def render(text: Message, resource: Resource, env: Env) -> str:
    """The message about a resource."""
    return "".join(part if isinstance(part, str) else display(part(resource, env)) for part in text.parts)

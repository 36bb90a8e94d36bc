"""Worlds written by hand: resources from JSON text, so that values have places; `?x` stands for an unknown input."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bklint.model.inventory import Split, World
from bklint.model.resource import DEPLOYMENT_GROUP, DEPLOYMENT_SUBSCRIPTION, Resource
from bklint.model.value import ListData, ObjectData, Reason, Unknown, Value
from bklint.policy import compile as compiler
from bklint.policy.model import Policy, Texts
from bklint.policy.store import PolicySet
from bklint.source import Source
from bklint.syntax import json as jsons
from bklint.syntax.json import JsonPlace

DISK = "Microsoft.Compute/disks"
VM = "Microsoft.Compute/virtualMachines"


def unknown(cause: str, **known: Any) -> Unknown:
    """An input without a value."""
    return Unknown(Reason.INPUT, cause, key=cause, **known)


def value(document: Any, pointer: tuple[str | int, ...], data: Any, assume: Mapping[str, object]) -> Value:
    """The data at a pointer as a value with its place."""
    place = JsonPlace(document, pointer)
    if isinstance(data, dict):
        fields = {name: value(document, (*pointer, name), data[name], assume) for name in data if name != "..."}
        rest = unknown(data["..."]) if "..." in data else None
        return Value(ObjectData(fields, rest), JsonPlace(document, pointer, "header"))
    if isinstance(data, list):
        items = tuple(value(document, (*pointer, i), item, assume) for i, item in enumerate(data) if item != "...")
        return Value(ListData(items, unknown("the rest") if "..." in data else None), place)
    if isinstance(data, str) and data.startswith("?"):
        return Value(assume[data[1:]] if data[1:] in assume else unknown(data[1:]), place)  # type: ignore[arg-type]
    return Value(data, place)


def world(
    text: str,
    *,
    assume: Mapping[str, object] | None = None,
    inputs: Mapping[str, tuple[object, ...]] | None = None,
    complete: bool = False,
    name: str = "main.json",
) -> World:
    """The world of a JSON list of resources, whose members may also be address, mode, group and conditional."""
    document = jsons.parse(Source(name, text.encode()))
    made = World("main", "arm", complete=complete)
    made.inputs = {
        cause: Split(cause, choices) for cause, choices in (inputs or {}).items() if cause not in (assume or {})
    }
    for index, data in enumerate(document.data):
        body = value(document, (index,), data, assume or {})
        assert isinstance(body.data, ObjectData)
        names = tuple(Value(part) for part in data["name"].split("/"))
        resource = Resource(
            type=data["type"],
            address=data.get("address", data["name"]),
            body=body,
            world=made,
            names=names,
            group=Value(DEPLOYMENT_GROUP),
            subscription=Value(DEPLOYMENT_SUBSCRIPTION),
            dialect="arm",
            mode=data.get("mode", "managed"),
            group_address=data.get("group", ""),
        )
        if data.get("conditional"):
            resource.conditional = unknown(data["conditional"])
        made.add(resource)
    return made


class HandmadeRoot:
    """A root whose contexts are made by functions of the assumed inputs."""

    def __init__(self, contexts: Mapping[str, Callable[[Mapping[str, object]], World]], path: str = "main") -> None:
        self._contexts = contexts
        self.path = path
        self.lowered: list[tuple[str, dict[str, object]]] = []

    @property
    def contexts(self) -> tuple[str, ...]:
        """See Root."""
        return tuple(self._contexts)

    def lower(self, context: str, assume: Mapping[str, object]) -> World:
        """See Root."""
        self.lowered.append((context, dict(assume)))
        return self._contexts[context](assume)


def first_document(**changes: Any) -> dict[str, Any]:
    """A first document, with members replaced."""
    return {
        "id": "BKP301",
        "name": "big-disk",
        "title": "Disk is too big",
        "area": "disks",
        "target": DISK,
        "condition": {"field": "properties.diskSizeGB", "greater": 100},
        "cases": [{"severity": "error"}],
        "report": {"at": {"field": "properties.diskSizeGB"}},
        "message": "disk {resource.name} is {properties.diskSizeGB} GiB",
        **changes,
    }


def policy(facts: Mapping[str, Any] | None = None, **changes: Any) -> Policy:
    """A compiled policy."""
    return compiler.policy(first_document(**changes), facts or {})


def policy_set(*policies: Policy, facts: Mapping[str, Any] | None = None) -> PolicySet:
    """A set of policies without texts."""
    return PolicySet(policies, lambda _: Texts(), facts or {})


def no_fact(name: str, resource: Resource) -> Value:
    """A reader for policies that read no fact."""
    raise AssertionError(f"fact {name} of {resource}")

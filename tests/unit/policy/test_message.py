"""Messages: which names a message may use, and how values print."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import pytest

from bklint.model.compare import display
from bklint.model.resource import Resource
from bklint.model.value import ObjectData, Reason, Unknown, Value
from bklint.policy import compile as compiler
from bklint.policy.message import render
from bklint.policy.model import Env
from bklint.policy.names import PolicyError
from handmade import DISK, first_document, no_fact, world


class Declared(NamedTuple):
    name: str
    types: tuple[str, ...]
    fields: tuple[str, ...] = ()


FACTS = {"encryption": Declared("encryption", (DISK,), ("class",))}
DATA = {"type": DISK, "name": "data", "address": "azurerm_managed_disk.data", "sku": {"name": "?var.sku"}}
DATA["properties"] = {"diskSizeGB": 8192.0, "zones": ["1", "?var.z", "..."]}  # type: ignore[assignment]


def read(name: str, resource: Resource) -> Value:
    return Value(ObjectData({"class": Value("ade")}))


def rendered(text: str, **changes: Any) -> str:
    parameters = {"limit": {"type": "int", "default": 5}}
    compiled = compiler.policy(first_document(message=text, parameters=parameters), FACTS)
    resource = world(json.dumps([{**DATA, **changes}])).resources[0]
    return render(compiled.message, resource, Env(resource, {"limit": Value(5)}, read))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("disk {resource.name}", "disk data"),
        ("{resource.address} of {resource.type}", f"azurerm_managed_disk.data of {DISK}"),
        ("in {resource.group}", "in …"),
        ("{properties.diskSizeGB} GiB", "8192 GiB"),
        ("sku {sku.name}", "sku …"),
        ("zones {properties.zones}", "zones 1, …, …"),
        ("{properties.missing}", "nothing"),
        ("({encryption.class})", "(ade)"),
        ("over {limit}", "over 5"),
        ("a {{literal}} brace", "a {literal} brace"),
        ("location {location}", "location nothing"),
    ],
)
def test_message(text: str, shown: str) -> None:
    assert rendered(text) == shown


def test_few_alternatives_are_named_but_never_those_of_a_secret() -> None:
    choices = (Value(40000), Value(50000.0))
    assert display(Value(Unknown(Reason.CONDITION, domain=choices))) == "40000 or 50000"
    assert display(Value(Unknown(Reason.SECURE, domain=choices))) == "…"
    assert display(Value(Unknown(Reason.INPUT, domain=(*choices, Value(Unknown(Reason.INPUT)))))) == "…"


def test_a_resource_without_a_known_name_is_called_by_its_address() -> None:
    resource = world(json.dumps([DATA])).resources[0]
    resource.names = (resource.get("sku.name"),)
    compiled = compiler.policy(first_document(message="{resource.name}"), FACTS)
    assert render(compiled.message, resource, Env(resource, {}, no_fact)) == "azurerm_managed_disk.data"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{encription.class}", "nothing is called 'encription.class'; did you mean"),
        ("{encryption.klass}", "fact 'encryption' has no field 'klass'; did you mean 'class'"),
        ("{resource.nam}", "nothing is called 'resource.nam'; did you mean 'resource.name'"),
        ("one { only", "a single { in a message; write {{"),
    ],
)
def test_wrong_message(text: str, message: str) -> None:
    with pytest.raises(PolicyError) as caught:
        rendered(text)
    assert message in caught.value.message

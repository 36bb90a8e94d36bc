"""`reference()` and `list…()`: https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions-resource

What is asked of a resource that the world declares is what it declares; the rest Azure computes. The outputs of a nested
or linked deployment are evaluated there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from bklint.frontends.arm.functions import Values, scoped
from bklint.frontends.arm.members import Fields, LazyObject, flaw, opened
from bklint.frontends.arm.operands import key_of, require_known, string
from bklint.model.resource import Resource, id_text
from bklint.model.value import ListData, ObjectData, Reason, Text, Unknown, Value
from bklint.records import replace
from bklint.source import Locator

if TYPE_CHECKING:
    from bklint.frontends.arm.scope import Deployment, Env

SECRETS = ("key", "secret", "credential", "sas", "password", "token", "connection")
"""Words in the names of `list…()` functions that give secrets."""


@scoped("reference", 1, 3)
def reference(env: Env, operands: Values, place: Locator | None) -> Value:
    """The properties of a resource; with 'Full' all of it."""
    full = len(operands) == 3 and str(operands[2].data).lower() == "full"
    found = env.deployment.lowering.finder.find(env, require_known(operands[0]))
    if found is None:
        return Value(_elsewhere(operands, place), place)
    return _referenced(env, found, full, place)


@scoped("references", 1, 2)
def references(env: Env, operands: Values, place: Locator | None) -> Value:
    """The properties of all instances of a resource loop, by its symbolic name."""
    full = len(operands) == 2 and str(operands[1].data).lower() == "full"
    found = env.deployment.lowering.finder.instances(env, string(operands[0]))
    if found is None:
        return Value(_elsewhere(operands, place), place)
    items = tuple([_referenced(env, resource, full, place) for resource in found if resource.conditional is None])
    undecided = next((resource.conditional for resource in found if resource.conditional is not None), None)
    return Value(ListData(items, undecided), place)


@scoped("resourceInfo", 1, 1)
def resource_info(env: Env, operands: Values, place: Locator | None) -> Value:
    """The id, name and type of a resource, by its symbolic name."""
    found = env.deployment.lowering.finder.find(env, require_known(operands[0]))
    if found is None:
        return Value(_elsewhere(operands, place), place)
    fields = {"id": Value(id_text(found), place), "name": found.name, "type": Value(found.type, place)}
    return Value(ObjectData(fields), place)


def _elsewhere(operands: Values, place: Locator | None) -> Unknown:
    """What Azure says of a resource that is declared elsewhere, or of one whose name is not known."""
    key = key_of(operands[0])
    symbol = None if key is None else ("reference", key)
    undecided = operands[0].data.unknowns if isinstance(operands[0].data, Text) else ()
    for why in undecided:
        if why.reason not in (Reason.SCOPE, Reason.COMPUTED):
            return Unknown(why.reason, why.cause, why.place, "object", nonnull=True, key=symbol)
    cause = "reference() of a resource that is declared elsewhere"
    return Unknown(Reason.DATA, cause, place, "object", nonnull=True, key=symbol)


def _referenced(env: Env, found: Resource, full: bool, place: Locator | None) -> Value:
    key = ("reference", found.address, full)
    reason = Reason.COMPUTED if found.declared else Reason.DATA
    rest = Unknown(reason, f"reference() of {found.address}", place, nonnull=True, key=key)
    if not found.declared:
        return Value(rest, place)
    body = found.body if full else found.get("properties")
    child = env.deployment.lowering.finder.child(found)
    if child is not None:
        outputs = Value(LazyObject(_Outputs(child)), place)
        inner = {"outputs": outputs}
        return Value(ObjectData({"properties": Value(ObjectData(inner, rest), place)} if full else inner, rest), place)
    if found.type.lower() == "microsoft.resources/deployments":
        why = Unknown(Reason.FILE, f"the template of {found.address} is not available", place, nonnull=True, key=key)
        return Value(why, place)
    if not isinstance(body.data, ObjectData):
        return Value(rest, place)
    wrong = flaw(body, env.deployment.lowering)
    if wrong is not None:
        return Value(replace(rest, reason=Reason.DATA if wrong.is_error else wrong.reason), place)
    return opened(body, rest)


class _Outputs(Fields):
    """The outputs of a deployment, each an object of type and value."""

    __slots__ = ("_deployment", "_names")

    def __init__(self, deployment: Deployment) -> None:
        super().__init__()
        self._deployment = deployment
        self._names = dict.fromkeys(deployment.output_names)

    @property
    def names(self) -> Mapping[str, object]:
        """See Fields."""
        return self._names

    def make(self, name: str) -> Value:
        """See Fields."""
        value = self._deployment.output(name)
        return Value(ObjectData({"value": value}, Unknown(Reason.COMPUTED, f"output {name}")), value.place)


def list_values(name: str, operands: Values, place: Locator | None) -> Value:
    """What a `list…()` function gives: a secret, when its name says so."""
    key = key_of(operands[0]) if operands else None
    reason = Reason.SECURE if any(word in name for word in SECRETS) else Reason.COMPUTED
    symbol = None if key is None else (name, key)
    return Value(Unknown(reason, f"{name}()", place, "object", nonnull=True, nonempty=True, key=symbol), place)

"""Parameters: what a template declares, what a parameters file or the user supplies, and what is known without a value.

https://learn.microsoft.com/azure/azure-resource-manager/templates/parameters. A value of a secure parameter is never
kept, only whether it is empty.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Any, NamedTuple

from bklint.frontends.arm.members import carried, transformed
from bklint.frontends.arm.placeholders import in_parameter_file
from bklint.model.value import (
    MAX_DOMAIN,
    ListData,
    ObjectData,
    Reason,
    Unknown,
    Value,
    join,
    join_unknown,
)
from bklint.records import replace
from bklint.source import Locator
from bklint.syntax.json import Document, Pointer

TYPES = {
    "string": "string",
    "securestring": "string",
    "int": "number",
    "bool": "bool",
    "array": "list",
    "object": "object",
    "secureobject": "object",
}
MAX_DEPTH = 96
"""Deepest nesting of a value in a parameters file."""
MAX_REFERENCES = 16
"""Most definitions that a parameter's type is followed through."""


class Declaration(NamedTuple):
    """A declared parameter. `cause` names it in the user's words, `key` is its identity."""

    name: str
    node: Mapping[str, Any]
    type: str
    nullable: bool
    place: Locator
    has_default: bool
    default: Any
    at_default: Pointer
    document: Document
    pointer: Pointer
    cause: str
    key: Hashable

    @classmethod
    def of(
        cls,
        document: Document,
        name: str,
        node: Any,
        pointer: Pointer,
        definitions: Mapping[str, Any],
        at: Pointer,
        owner: str,
        deployment: Hashable,
    ) -> Declaration:
        """The declaration of a parameter in the JSON `node`, what its `$ref` says included."""
        members = {key.lower(): value for key, value in node.items()} if isinstance(node, dict) else {}
        merged = dict(members)
        reference, steps = members.get("$ref"), 0
        while isinstance(reference, str) and steps < MAX_REFERENCES:
            target = definitions.get(reference.rpartition("/")[2])
            more = {key.lower(): value for key, value in target.items()} if isinstance(target, dict) else {}
            merged = {**more, **merged}
            reference, steps = more.get("$ref"), steps + 1
        return cls(
            name,
            merged,
            str(merged.get("type", "")).lower(),
            merged.get("nullable") is True,
            document.place(pointer, "header"),
            "defaultvalue" in members,
            members.get("defaultvalue"),
            (*pointer, "defaultValue"),
            document,
            pointer,
            f"parameter '{name}'" + (f" of {owner}" if owner else ""),
            ("parameter", deployment, name.casefold()),
        )

    @property
    def secure(self) -> bool:
        """Whether its value is a secret."""
        return self.type.startswith("secure")

    def number(self, name: str) -> int | float | None:
        """A constraint that is a number."""
        found = self.node.get(name)
        return found if isinstance(found, (int, float)) and not isinstance(found, bool) else None


def no_value(declaration: Declaration) -> Value:
    """A parameter without a value: unknown, within what its declaration allows."""
    reason = Reason.SECURE if declaration.secure else Reason.INPUT
    least, low, high = (declaration.number(name) for name in ("minlength", "minvalue", "maxvalue"))
    why = Unknown(
        reason,
        declaration.cause,
        declaration.place,
        TYPES.get(declaration.type),
        nonnull=True,
        nonempty=declaration.type == "securestring" or (least or 0) > 0,
        low=low,
        high=high,
        key=declaration.key,
    )
    choices = _choices(declaration)
    if choices and not declaration.secure:
        joined = join_unknown(why, choices, declaration.key)
        why = joined if joined.domain else why
    return Value(why, declaration.place)


def or_default(declaration: Declaration, value: Value, default: Value) -> Value:
    """An argument where it is not null, else the default: to Azure null is no argument at all
    (https://github.com/Azure/bicep/pull/11532)."""
    if not isinstance(value.data, Unknown):
        return default if value.exists is False else value
    if value.data.is_error:
        return value
    choices = value.data.domain or (value._replace(data=replace(value.data, nonnull=True)),)
    why = Unknown(value.data.reason, value.data.cause, value.data.place)
    made = join(tuple([default if choice.data is None else choice for choice in choices]), why)
    if not value.data.domain:
        made = join((*choices, default), why)
    if isinstance(made.data, Unknown):
        made = Value(replace(made.data, key=declaration.key), value.place, value.hops)
    return made


def _choices(declaration: Declaration) -> tuple[Value, ...]:
    """The values a parameter may have, when they are few."""
    allowed = declaration.node.get("allowedvalues")
    if isinstance(allowed, list) and declaration.type in ("string", "int", "bool"):
        pointer = (*declaration.pointer, "allowedValues")
        if len(allowed) <= MAX_DOMAIN and all(isinstance(item, (str, int, float, bool)) for item in allowed):
            return tuple(Value(item, declaration.document.place((*pointer, at))) for at, item in enumerate(allowed))
    if declaration.type == "bool":
        return Value(True, declaration.place), Value(False, declaration.place)
    return ()


def secret(declaration: Declaration, value: Value) -> Value:
    """The value of a secure parameter without the secret and its place; of any other one, itself. Bools are no secrets,
    and templates switch on those of a secure object."""
    if not declaration.secure or value.data is None:
        return value
    return transformed(value, lambda one: _masked(declaration, one))


def _masked(declaration: Declaration, value: Value) -> Value:
    data = value.data
    if data == "" or data is None or isinstance(data, (bool, ListData, ObjectData)):
        return value
    if isinstance(data, Unknown) and data.reason in (Reason.SECURE, Reason.ERROR):
        return value
    nonempty = data.nonempty if isinstance(data, Unknown) else True
    kind = "string" if declaration.type == "securestring" or isinstance(data, str) else None
    key = declaration.key if declaration.type == "securestring" else None
    why = Unknown(Reason.SECURE, declaration.cause, declaration.place, kind, True, nonempty, key=key)
    return value._replace(data=why, place=declaration.place, pieces=())


def key_vault_secret(name: str, place: Locator) -> Value:
    """What a parameter gets that refers to a secret:
    https://learn.microsoft.com/azure/azure-resource-manager/templates/key-vault-parameter"""
    cause = f"Key Vault secret of parameter '{name}'"
    return Value(Unknown(Reason.SECURE, cause, place, "string", True, True, key=("secret", place)), place)


class ParameterFile(NamedTuple):
    """A parameters file: https://learn.microsoft.com/azure/azure-resource-manager/templates/parameter-files"""

    document: Document
    entries: Mapping[str, tuple[str, Any]]
    """Name in lower case to the name as written and its JSON."""

    @classmethod
    def of(cls, document: Document) -> ParameterFile:
        """The file of a document; what is no object in it is left out."""
        data = document.data
        found = data.get("parameters") if isinstance(data, dict) else None
        members = found if isinstance(found, dict) else {}
        return cls(document, {name.casefold(): (name, node) for name, node in members.items()})

    def arguments(self, types: Callable[[str], str]) -> dict[str, Callable[[], Value]]:
        """What it supplies, by name; `types` gives the declared type of a parameter."""
        return {folded: self._argument(name, node, types) for folded, (name, node) in self.entries.items()}

    def _argument(self, name: str, node: Any, types: Callable[[str], str]) -> Callable[[], Value]:
        pointer: Pointer = ("parameters", name)

        def make() -> Value:
            place = self.document.place(pointer, "key")
            value = self._value(node, pointer, TYPES.get(types(name)))
            return value if value.data is None else carried(value, "parameter file", f"parameters('{name}')", place)

        return make

    def _value(self, node: Any, pointer: Pointer, type_: str | None) -> Value:
        members = {key.lower(): key for key in node} if isinstance(node, dict) else {}
        if "value" in members:
            return _literal(self.document, node[members["value"]], (*pointer, members["value"]), type_)
        place = self.document.place(pointer, "member")
        if "reference" in members:
            return key_vault_secret(str(pointer[-1]), place)
        return Value(Unknown(Reason.INPUT, f"parameter '{pointer[-1]}' in {self.document.source.name}", place), place)


def _literal(document: Document, node: Any, pointer: Pointer, type_: str | None) -> Value:
    """JSON without expressions, placeholders in texts made unknown."""
    if len(pointer) > MAX_DEPTH:
        place = document.place(pointer, "header")
        return Value(Unknown(Reason.LIMIT, f"a value nested deeper than {MAX_DEPTH} levels", place), place)
    if isinstance(node, dict):
        fields = {key: _literal(document, item, (*pointer, key), None) for key, item in node.items()}
        keys = {key: document.place((*pointer, key), "key") for key in node}
        return Value(ObjectData(fields, None, keys), document.place(pointer, "header"))
    if isinstance(node, list):
        items = tuple([_literal(document, item, (*pointer, at), None) for at, item in enumerate(node)])
        return Value(ListData(items), document.place(pointer, "header"))
    if isinstance(node, str):
        return in_parameter_file(node, document.place(pointer), type_)
    return Value(node, document.place(pointer))

"""Type constraints: an expression of a `type` argument → `Type`, and values → values of that type.

`convert` follows Terraform's conversion rules: numbers, bools and strings into each other, tuples into lists and sets,
objects into maps; attributes that an object type does not name are dropped, those that are missing or null get the
default of `optional()`, on every level. What is unknown stays unknown and learns its type.

The one fact a reader would not guess: the model has one kind of list. A set is a `Bag`, a list that remembers that the
order of its items is not certain as soon as one of them is unknown.

https://developer.hashicorp.com/terraform/language/expressions/type-constraints
https://developer.hashicorp.com/terraform/language/expressions/types#type-conversion
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from bklint.frontends.terraform.scalars import number_string, parse_bool, parse_number
from bklint.frontends.terraform.shapes import Bag, MapData, is_set, key_of, make_set, plain, settled
from bklint.model.value import (
    ABSENT,
    MISSING,
    ListData,
    ObjectData,
    Reason,
    Text,
    Unknown,
    Value,
    join,
    type_of,
    unknown,
)
from bklint.records import dataclass, replace
from bklint.syntax.node import Call, Expr, Literal, Name, ObjectExpr, TupleExpr

__all__ = [
    "ANY",
    "BOOL",
    "NUMBER",
    "STRING",
    "Member",
    "Type",
    "convert",
    "is_set",
    "maybe_string",
    "parse_type",
    "plain_convert",
    "unify",
]


class Member(NamedTuple):
    """An attribute of an object type. `default` is the second argument of `optional()`."""

    type: Type
    optional: bool = False
    default: Expr | None = None


@dataclass(frozen=True, slots=True)
class Type:
    """A type constraint: `kind` is string, number, bool, any, list, set, map, tuple or object."""

    kind: str
    element: Type | None = None
    items: tuple[Type, ...] = ()
    members: tuple[tuple[str, Member], ...] = ()

    @property
    def model(self) -> str | None:
        """The type in the words of `Unknown.type`."""
        return _MODEL.get(self.kind)


_MODEL = {
    "string": "string",
    "number": "number",
    "bool": "bool",
    "list": "list",
    "set": "list",
    "tuple": "list",
    "map": "object",
    "object": "object",
}
ANY = Type("any")
STRING = Type("string")
NUMBER = Type("number")
BOOL = Type("bool")
_SIMPLE = {"any": ANY, "string": STRING, "number": NUMBER, "bool": BOOL}
_LEGACY = {kind: Type(kind, ANY) for kind in ("list", "map", "set")}


# -- reading a constraint ----------------------------------------------------------------------------------------------


def parse_type(expr: Expr) -> Type:
    """The type an expression stands for; `any` for what Terraform would refuse. `list` and `"map"` are read as of old."""
    if isinstance(expr, Name):
        return _SIMPLE.get(expr.name) or _LEGACY.get(expr.name, ANY)
    if isinstance(expr, Literal) and isinstance(expr.value, str):
        return _SIMPLE.get(expr.value) or _LEGACY.get(expr.value, ANY)
    if not isinstance(expr, Call) or not expr.args:
        return ANY
    inner = expr.args[0]
    if expr.name in ("list", "set", "map"):
        return Type(expr.name, parse_type(inner))
    if expr.name == "tuple" and isinstance(inner, TupleExpr):
        return Type("tuple", items=tuple([parse_type(item) for item in inner.items]))
    if expr.name == "object" and isinstance(inner, ObjectExpr):
        return Type("object", members=tuple(_members(inner)))
    return ANY


def _members(expr: ObjectExpr) -> Iterable[tuple[str, Member]]:
    for key, type_ in expr.items:
        name = key.value if isinstance(key, Literal) else key.name if isinstance(key, Name) else None
        if not isinstance(name, str):
            continue
        if isinstance(type_, Call) and type_.name == "optional" and type_.args:
            default = type_.args[1] if len(type_.args) > 1 else None
            yield name, Member(parse_type(type_.args[0]), True, default)
        else:
            yield name, Member(parse_type(type_))


# -- converting --------------------------------------------------------------------------------------------------------


class _RefusedError(Exception):
    """The value has no conversion to the type."""


def convert(
    value: Value, type_: Type, default: Callable[[Expr], Value], object_of: Callable[[Value], Value] | None = None
) -> Value:
    """The value as one of the type; Unknown(ERROR) where Terraform refuses it.

    `default` evaluates the second argument of `optional()`; `object_of` turns a whole declared resource, whose
    attributes are looked up one by one, into an object.
    """
    return _Converter(default, object_of).convert(value, type_)


def plain_convert(value: Value, type_: Type) -> Value:
    """`convert` to a type that has no `optional()`."""
    return convert(value, type_, lambda expr: unknown(Reason.UNSUPPORTED, "default"))


class _Converter:
    """One conversion's two ways back into the evaluator."""

    __slots__ = ("_default", "_object_of")

    def __init__(self, default: Callable[[Expr], Value], object_of: Callable[[Value], Value] | None) -> None:
        self._default = default
        self._object_of = object_of

    def convert(self, value: Value, type_: Type) -> Value:
        """See the function of that name."""
        data = value.data
        if data is MISSING or data is ABSENT:
            return value._replace(data=None)
        if data is None or type_.kind == "any":
            return value
        if value.ident is not None and value.ident.attribute == "" and type_.model == "object" and self._object_of:
            value = self._object_of(value)._replace(ident=value.ident)
            data = value.data
        if isinstance(data, Unknown):
            return self._unknown(value, data, type_)
        try:
            return self._known(value, type_)
        except _RefusedError as refused:
            return _error(str(refused), value)

    def _unknown(self, value: Value, data: Unknown, type_: Type) -> Value:
        if data.is_error or (data.type == type_.model and not data.domain):
            return value
        if data.domain:
            joined = join(tuple([self.convert(choice, type_) for choice in data.domain]), data)
            if isinstance(joined.data, Unknown):
                joined = joined._replace(data=replace(joined.data, key=data.key))
            return joined._replace(place=value.place, hops=value.hops, ident=value.ident)
        if data.type is not None and not _may_become(data.type, type_.kind):
            return _error(f"{_article(type_.kind)} is required, not {_article(data.type)}", value)
        return value._replace(data=replace(data, type=type_.model))

    def _known(self, value: Value, type_: Type) -> Value:
        if type_.kind in _SIMPLE:
            return _scalar(value, type_.kind)
        if type_.kind in ("list", "set", "tuple"):
            return self._list(value, type_)
        return self._map(value, type_) if type_.kind == "map" else self._object(value, type_)

    def _list(self, value: Value, type_: Type) -> Value:
        data = value.data
        if not isinstance(data, ListData):
            raise _RefusedError(f"{_article(type_.kind)} is required, not {_kind(value)}")
        if type_.kind == "tuple":
            return value._replace(data=ListData(tuple(self._tuple(data, type_))))
        items = self._elements(data.items, type_.element or ANY, data.rest)
        if type_.kind == "set":
            return value._replace(data=make_set(items, data.rest))
        if isinstance(data, Bag) and not settled(data):
            return value._replace(data=replace(data, items=items, is_set=False))
        return value._replace(data=ListData(items, data.rest))

    def _tuple(self, data: ListData, type_: Type) -> Iterable[Value]:
        short = len(data.items) < len(type_.items)
        if len(data.items) > len(type_.items) or (short and data.rest is None):
            raise _RefusedError(f"a tuple of {len(type_.items)} elements is required, not of {len(data.items)}")
        for number, item_type in enumerate(type_.items):
            if number < len(data.items):
                yield self.convert(data.items[number], item_type)
            elif data.rest is not None:
                yield self.convert(Value(plain(data.rest)), item_type)

    def _elements(self, items: Sequence[Value], type_: Type, rest: Unknown | None) -> tuple[Value, ...]:
        if type_.kind != "any":
            return tuple([self.convert(item, type_) for item in items])
        unified = unify(items, rest)
        if unified is None:
            raise _RefusedError("all elements must have one type")
        return unified

    def _map(self, value: Value, type_: Type) -> Value:
        data = value.data
        if not isinstance(data, ObjectData):
            raise _RefusedError(f"a map is required, not {_kind(value)}")
        names = tuple(data.fields)
        members = self._elements([data.fields[name] for name in names], type_.element or ANY, data.rest)
        return value._replace(data=MapData(dict(zip(names, members, strict=True)), data.rest, data.keys))

    def _object(self, value: Value, type_: Type) -> Value:
        data = value.data
        if not isinstance(data, ObjectData):
            raise _RefusedError(f"an object is required, not {_kind(value)}")
        fields = {name: self._member(name, member, data, value) for name, member in type_.members}
        return value._replace(data=ObjectData(fields, None, data.keys))

    def _member(self, name: str, member: Member, data: ObjectData, owner: Value) -> Value:
        found = data.fields.get(name)
        if found is None and data.rest is not None:
            return self.convert(Value(plain(data.rest), owner.place), member.type)
        if found is None and not member.optional:
            raise _RefusedError(f"the attribute {name!r} is required")
        if found is None or found.data is None or found.data is MISSING or found.data is ABSENT:
            if member.default is None:
                return Value(None, owner.place) if found is None else found._replace(data=None)
            return self.convert(self._default(member.default), member.type)
        if isinstance(found.data, Unknown) and not found.data.nonnull and member.default is not None:
            return self._either(found, found.data, member, member.default)
        return self.convert(found, member.type)

    def _either(self, found: Value, why: Unknown, member: Member, expr: Expr) -> Value:
        """A member that may be null: then its default takes its place."""
        given = self.convert(found, member.type)
        if why.is_error or (found.ident is not None and found.ident.attribute == ""):
            return given
        default = self.convert(self._default(expr), member.type)
        if why.domain:
            choices = [
                default if choice.exists is False else self.convert(choice, member.type) for choice in why.domain
            ]
            return join(tuple(choices), why)._replace(place=found.place, hops=found.hops)
        known = {"nonnull": default.exists is True, "type": member.type.model}
        key = None if why.key is None else ("optional", why.key, key_of(default))
        return found._replace(data=Unknown(why.reason, why.cause, why.place, key=key, **known))  # type: ignore[arg-type]


def _scalar(value: Value, kind: str) -> Value:
    data = value.data
    if isinstance(data, Text):
        if kind == "string":
            return value
        return value._replace(data=replace(plain(data.unknowns[0]), type=kind, nonnull=True), pieces=())
    if isinstance(data, (ListData, ObjectData)):
        raise _RefusedError(f"{_article(kind)} is required, not {_kind(value)}")
    if type_of(value) == kind:
        return value
    converted: str | int | float | bool | None = None
    if kind == "string" and isinstance(data, (bool, int, float)):
        converted = ("true" if data else "false") if isinstance(data, bool) else number_string(data)
    elif isinstance(data, str):
        converted = parse_number(data) if kind == "number" else parse_bool(data)
    if converted is None:
        raise _RefusedError(f"{_article(kind)} is required, not {_kind(value)}")
    return value._replace(data=converted, pieces=())


def _may_become(known: str, kind: str) -> bool:
    wanted = _MODEL[kind]
    if known in ("list", "object") or wanted in ("list", "object"):
        return known == wanted
    return known == wanted or "string" in (known, wanted)


def _article(kind: str) -> str:
    return f"an {kind}" if kind in ("object", "any") else f"a {kind}"


def _kind(value: Value) -> str:
    kind = type_of(value)
    return "that value" if kind is None else _article(kind)


def _error(message: str, value: Value) -> Value:
    return Value(Unknown(Reason.ERROR, message, value.place), value.place, value.hops)


# -- one type for all elements -----------------------------------------------------------------------------------------


def unify(items: Sequence[Value], rest: Unknown | None = None) -> tuple[Value, ...] | None:
    """The elements converted to the one type they have in a list, set or map; None where there is no such type.

    Mixed scalars become strings; objects with different attributes become maps; members are treated likewise. An
    element whose type is not known may make strings of the others.
    """
    kinds = {type_of(item) for item in items if item.data is not None}
    vague = None in kinds or (rest is not None and rest.type is None)
    kinds.discard(None)
    scalars = kinds <= {"string", "number", "bool"}
    if scalars and ("string" in kinds or (vague and len(kinds) > 1)):
        return tuple([item if type_of(item) == "string" else plain_convert(item, STRING) for item in items])
    if scalars and len(kinds) <= 1:
        return tuple([maybe_string(item) for item in items]) if vague else tuple(items)
    if vague and kinds in ({"list"}, {"object"}):
        items = [maybe_string(item) for item in items]
    if kinds == {"list"}:
        return _unify_lists(items)
    return _unify_objects(items) if kinds == {"object"} else None


def maybe_string(value: Value) -> Value:
    """A number or bool, or those in a collection, that an operand of unknown type may turn into strings."""
    data = value.data
    if isinstance(data, ListData):
        return value._replace(data=replace(data, items=tuple([maybe_string(item) for item in data.items])))
    if isinstance(data, ObjectData):
        return value._replace(data=replace(data, fields={k: maybe_string(item) for k, item in data.fields.items()}))
    if type_of(value) not in ("number", "bool") or not value.known:
        return value
    why = Unknown(Reason.UNSUPPORTED, "conversion to one type", value.place)
    return join((value, plain_convert(value, STRING)), why)._replace(place=value.place, hops=value.hops)


def _unify_lists(items: Sequence[Value]) -> tuple[Value, ...] | None:
    lists = [item.data for item in items if isinstance(item.data, ListData)]
    sizes = {len(data.items) for data in lists}
    if len(sizes) == 1:
        columns = [unify(column) for column in zip(*[data.items for data in lists], strict=True)]
        if None not in columns:
            rows = list(zip(*[column for column in columns if column is not None], strict=True)) or [()] * len(lists)
            return _refilled(items, [replace(data, items=row) for data, row in zip(lists, rows, strict=True)])
    members = unify([item for data in lists for item in data.items])
    if members is None:
        return None
    left = iter(members)
    return _refilled(items, [replace(data, items=tuple([next(left) for _ in data.items])) for data in lists])


def _unify_objects(items: Sequence[Value]) -> tuple[Value, ...] | None:
    objects = [item.data for item in items if isinstance(item.data, ObjectData)]
    names = [tuple(sorted(data.fields)) for data in objects]
    if len(set(names)) == 1:
        columns = [unify([data.fields[name] for data in objects]) for name in names[0]]
        if None in columns:
            return None
        rows = list(zip(*[column for column in columns if column is not None], strict=True)) or [()] * len(objects)
        made = [dict(zip(names[0], row, strict=True)) for row in rows]
        return _refilled(items, [replace(data, fields=row) for data, row in zip(objects, made, strict=True)])
    members = unify([value for data in objects for value in data.fields.values()])
    if members is None:
        return None
    left = iter(members)
    return _refilled(items, [MapData({n: next(left) for n in data.fields}, data.rest, data.keys) for data in objects])


def _refilled(items: Sequence[Value], collections: Sequence[ListData | ObjectData]) -> tuple[Value, ...]:
    """The items, their collections replaced one after the other; what is null or unknown stays."""
    left = iter(collections)
    return tuple([i._replace(data=next(left)) if isinstance(i.data, (ListData, ObjectData)) else i for i in items])

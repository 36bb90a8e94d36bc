"""Terraform expressions to values, lazily and with provenance.

`Evaluator` knows how each construct of the language is evaluated; what names mean is asked of a `Scope`. Nothing is
guessed: an operand that is not known makes the result unknown unless every completion gives the same result. The one
fact a reader would not guess: a reference to a whole resource is a value whose data is unknown and whose `ident` is
`(address, "")`; taking an attribute of it asks the scope, so a resource's object is never built as a whole.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from bklint import limits
from bklint.errors import InputError
from bklint.frontends.terraform import functions, operators, strings
from bklint.frontends.terraform.extent import Extent, passed
from bklint.frontends.terraform.scalars import known_text
from bklint.frontends.terraform.shapes import Bag, bag_of, certain, is_set
from bklint.frontends.terraform.template_text import template
from bklint.model.value import (
    ListData,
    ObjectData,
    Reason,
    Unknown,
    Value,
    first_unknown,
    join,
    member_of,
    unknown,
)
from bklint.source import Place, Source
from bklint.syntax import hcl
from bklint.syntax.node import (
    Bad,
    Binary,
    Call,
    Conditional,
    Expr,
    ForExpr,
    GetAttr,
    Index,
    Literal,
    Name,
    ObjectExpr,
    Splat,
    SplatItem,
    Template,
    TemplateFor,
    TemplateIf,
    TupleExpr,
    Unary,
)

MAX_DEPTH = 200
"""Deepest nesting of evaluations, counted over expressions and the references between them."""


class Names(Protocol):
    """What the names of a module instance mean."""

    def lookup(self, space: str, name: str, place: Place) -> Value | None:
        """The value of `space.name` (`var.size`, `local.tags`, a resource type and its name); None: no such space."""
        ...

    def data(self, type_: str, name: str, place: Place) -> Value:
        """The value of `data.type_.name`."""
        ...

    def attribute(self, value: Value, name: str, place: Place) -> Value | None:
        """The attribute of a value that stands for a resource or module; None for any other value."""
        ...

    def element(self, value: Value, key: Value, place: Place) -> Value | None:
        """The instance of a value that stands for all instances of a resource or module; None for any other."""
        ...

    def call_context(self, place: Place) -> functions.CallContext:
        """Where a function call stands, and how it may read files."""
        ...


class Scope:
    """The names an expression sees: those of its module, and the loop variables around it."""

    __slots__ = ("frames", "names", "source")

    def __init__(self, names: Names, source: Source, frames: Mapping[str, Value] | None = None) -> None:
        self.names = names
        self.source = source
        self.frames: Mapping[str, Value] = frames or {}

    def within(self, **frames: Value) -> Scope:
        """The same scope with more loop variables."""
        return Scope(self.names, self.source, {**self.frames, **frames})

    def at(self, source: Source) -> Scope:
        """The same names for an expression of another file of the module."""
        return self if source is self.source else Scope(self.names, source, self.frames)

    def place(self, expr: Expr) -> Place:
        """Where an expression stands."""
        return Place(self.source, expr.start, expr.end)


_ITEM = "*splat*"


class Evaluator:
    """Evaluates expressions; one for a world, so that depth is counted over everything it evaluates."""

    def __init__(self) -> None:
        self.depth = 0
        self.steps = 0
        self._most = limits.value(
            "expressions"
        )  # three million take half a minute; a root of 10,000 machines, a million
        self._extent = Extent()

    def evaluate(self, expr: Expr, scope: Scope) -> Value:
        """The value of an expression. Raises nothing: errors are values."""
        method = _METHODS.get(type(expr))
        if method is None:
            return unknown(Reason.SYNTAX, "a syntax error", scope.place(expr))
        if self.steps >= self._most:
            return Value(self._exhausted(scope.place(expr)), scope.place(expr))
        if self.depth >= MAX_DEPTH:
            return Value(
                passed("", f"expressions nested deeper than {MAX_DEPTH} levels", scope.place(expr)), scope.place(expr)
            )
        self.depth += 1
        self.steps += 1
        try:
            return method(self, expr, scope)
        except RecursionError:
            return Value(passed("", "expressions nested too deep", scope.place(expr)), scope.place(expr))
        finally:
            self.depth -= 1

    def _limited(self, value: Value, place: Place) -> Value:
        """The value, unless it is too much to go on with."""
        if isinstance(value.data, (ListData, ObjectData)) and self._extent.too_large(value):
            return Value(self._extent.passed(value, place), place)
        return value

    def _exhausted(self, place: Place | None) -> Unknown:
        return passed("expressions", f"more than {self._most} expressions in one root", place)

    def _literal(self, expr: Expr, scope: Scope) -> Value:
        assert isinstance(expr, Literal)
        return Value(expr.value, scope.place(expr))

    def _tuple(self, expr: Expr, scope: Scope) -> Value:
        assert isinstance(expr, TupleExpr)
        place = scope.place(expr)
        items = tuple([self._used(item, str(i), scope) for i, item in enumerate(expr.items)])
        return self._limited(Value(ListData(items), place), place)

    def _used(self, expr: Expr, label: str, scope: Scope) -> Value:
        """A member of a collection, marked as used where it is written when its deciding text stands elsewhere."""
        value, place = self.evaluate(expr, scope), scope.place(expr)
        return value if value.place == place else value.via("use", label, place)

    def _object(self, expr: Expr, scope: Scope) -> Value:
        assert isinstance(expr, ObjectExpr)
        fields: dict[str, Value] = {}
        keys: dict[str, Place] = {}
        rest: Unknown | None = None
        for key_expr, value_expr in expr.items:
            key = self._key(key_expr, scope)
            if isinstance(key, Unknown):
                rest = rest or key
                continue
            fields[key] = self._used(value_expr, key, scope)
            keys[key] = scope.place(key_expr)
        place = scope.place(expr)
        return self._limited(Value(ObjectData(fields, rest, keys), place), place)

    def _key(self, expr: Expr, scope: Scope) -> str | Unknown:
        value = self.evaluate(expr, scope)
        found = known_text(value)
        if found is not None:
            return found
        return first_unknown(value) or Unknown(Reason.ERROR, "the key of an object must be a string", scope.place(expr))

    def _name(self, expr: Expr, scope: Scope) -> Value:
        assert isinstance(expr, Name)
        found = scope.frames.get(expr.name)
        if found is not None:
            return found
        return unknown(Reason.ERROR, f"{expr.name} is not defined", scope.place(expr))

    def _get_attr(self, expr: Expr, scope: Scope) -> Value:
        assert isinstance(expr, GetAttr)
        target = expr.target
        if isinstance(target, Name) and target.name not in scope.frames:
            found = scope.names.lookup(target.name, expr.name, scope.place(expr))
            if found is not None:
                return found
        if isinstance(target, GetAttr) and isinstance(target.target, Name) and target.target.name == "data":
            return scope.names.data(target.name, expr.name, scope.place(expr))
        return self.attribute(self.evaluate(target, scope), expr.name, scope, scope.place(expr))

    def attribute(self, value: Value, name: str, scope: Scope, place: Place) -> Value:
        """`value.name`."""
        found = scope.names.attribute(value, name, place)
        return found if found is not None else strings.member(value, name, place)

    def _index(self, expr: Expr, scope: Scope) -> Value:
        assert isinstance(expr, Index)
        target = self.evaluate(expr.target, scope)
        key = self.evaluate(expr.key, scope)
        place = scope.place(expr)
        found = scope.names.element(target, key, place)
        if found is not None:
            return found
        text = known_text(key)
        if isinstance(target.data, Unknown) and text is not None:
            as_attribute = scope.names.attribute(target, text, place)
            if as_attribute is not None:
                return as_attribute
        return strings.index(target, key, place)

    def _splat(self, expr: Expr, scope: Scope) -> Value:
        assert isinstance(expr, Splat)
        target = self.evaluate(expr.target, scope)
        data, place = target.data, scope.place(expr)
        if isinstance(data, ListData):
            items = tuple([self._each(expr, item, scope) for item in data.items])
            merging = isinstance(data, Bag) and data.merging
            return target._replace(data=bag_of(items, data.rest, certain(data), merging))
        if data is None:
            return Value(ListData(), place)
        if isinstance(data, Unknown) and not (target.ident is not None and target.ident.attribute == ""):
            return Value(member_of(data, _ITEM), place, target.hops)
        return Value(ListData((self._each(expr, target, scope),)), place)

    def _each(self, expr: Splat, item: Value, scope: Scope) -> Value:
        return self.evaluate(expr.each, scope.within(**{_ITEM: item}))

    def _splat_item(self, expr: Expr, scope: Scope) -> Value:
        return scope.frames[_ITEM]

    def _template(self, expr: Expr, scope: Scope) -> Value:
        assert isinstance(expr, Template)
        if len(expr.parts) == 1 and not isinstance(expr.parts[0], (TemplateIf, TemplateFor)):
            return self.evaluate(expr.parts[0], scope)
        return strings.compose(self._pieces(expr.parts, scope), scope.place(expr))

    def _pieces(self, parts: tuple[Expr, ...], scope: Scope) -> list[Value]:
        pieces: list[Value] = []
        for part in parts:
            if isinstance(part, TemplateIf):
                pieces.append(self._template_if(part, scope))
            elif isinstance(part, TemplateFor):
                pieces.extend(self._template_for(part, scope))
            else:
                pieces.append(self.evaluate(part, scope))
        return pieces

    def _template_if(self, expr: TemplateIf, scope: Scope) -> Value:
        place = scope.place(expr)
        test = operators.boolean(self.evaluate(expr.test, scope), place)
        if isinstance(test, bool):
            return strings.compose(self._pieces(expr.then if test else expr.otherwise, scope), place)
        branches = [strings.compose(self._pieces(branch, scope), place) for branch in (expr.then, expr.otherwise)]
        return join(tuple(branches), test)

    def _template_for(self, expr: TemplateFor, scope: Scope) -> list[Value]:
        members = self._members(self.evaluate(expr.collection, scope), scope.place(expr))
        pieces: list[Value] = []
        for key, value in members.pairs:
            if self.steps >= self._most:
                pieces.append(Value(self._exhausted(scope.place(expr)), scope.place(expr)))
                break
            frames = {expr.value: value} if expr.key is None else {expr.key: key, expr.value: value}
            pieces.extend(self._pieces(expr.parts, scope.within(**frames)))
        if members.rest is not None:
            pieces.append(Value(members.rest, scope.place(expr)))
        return pieces

    def _call(self, expr: Expr, scope: Scope) -> Value:
        assert isinstance(expr, Call)
        name = expr.name.removeprefix("core::")
        place = scope.place(expr)
        if name == "try":
            return self._try(expr, scope)
        if name == "can":
            return self._can(expr, scope)
        args = [self.evaluate(arg, scope) for arg in expr.args]
        if expr.expand:
            last = args.pop()
            if not isinstance(last.data, ListData) or last.data.rest is not None:
                return Value(first_unknown(last) or Unknown(Reason.ERROR, "only a list can be expanded", place), place)
            args.extend(last.data.items)
        if name in ("templatefile", "templatestring"):
            return self._template_call(name, tuple(args), scope, place)
        return self._limited(functions.call(name, tuple(args), scope.names.call_context(place)), place)

    def _try(self, expr: Call, scope: Scope) -> Value:
        """The first operand that is no error. One that may or may not be an error decides nothing, except a computed
        attribute of a declared resource, which cannot be one (evaluation semantics of Terraform's `try`)."""
        last = unknown(Reason.ERROR, "try() without an operand", scope.place(expr))
        for arg in expr.args:
            last = self.evaluate(arg, scope)
            error = _error_within(last)
            if error is None:
                return last
        return last

    def _can(self, expr: Call, scope: Scope) -> Value:
        if not expr.args:
            return unknown(Reason.ERROR, "can() without an operand", scope.place(expr))
        value = self.evaluate(expr.args[0], scope)
        if _error_within(value) is not None:
            return Value(False, scope.place(expr))
        data = value.data
        if isinstance(data, Unknown) and value.ident is None and data.key is None:
            return Value(Unknown(data.reason, data.cause, data.place, type="bool", nonnull=True), scope.place(expr))
        return Value(True, scope.place(expr))

    def _template_call(self, name: str, args: tuple[Value, ...], scope: Scope, place: Place) -> Value:
        if len(args) != 2:
            return unknown(Reason.ERROR, f"{name}() takes two arguments", place)
        text = args[0]
        if name == "templatefile":
            text = functions.call("file", args[:1], scope.names.call_context(place))
        if not isinstance(text.data, str):
            return Value(text.unknown or Unknown(Reason.ERROR, f"{name}() needs a string", place), place)
        given = args[1].data
        if not isinstance(given, ObjectData) or given.rest is not None:
            return Value(
                first_unknown(args[1]) or Unknown(Reason.ERROR, "the variables must be an object", place), place
            )
        return self.rendered(text, given.fields, scope, place)

    def rendered(self, written: Value, variables: Mapping[str, Value], scope: Scope, place: Place) -> Value:
        """A template, which must be a known string, with its variables filled in; its text stands where it is written."""
        assert isinstance(written.data, str)
        where = written.place.locate() if written.place is not None else place
        found = template(where, written.data)
        if isinstance(found.expr, Bad):
            return unknown(Reason.ERROR, f"the template {where.source.name} has a syntax error", place)
        value = self.evaluate(found.expr, Scope(scope.names, found.source, variables))
        if not found.aligned:  # composed of several texts: all of it stands at one place
            return value._replace(place=where, pieces=())
        plain = isinstance(found.expr, Literal) or (
            isinstance(found.expr, Template) and all(isinstance(part, Literal) for part in found.expr.parts)
        )  # nothing is filled in: the text is the file's, as that of `file()` is
        return value._replace(place=value.place if value.pieces or plain else place)

    def _unary(self, expr: Expr, scope: Scope) -> Value:
        assert isinstance(expr, Unary)
        return operators.unary(expr.operator, self.evaluate(expr.operand, scope), scope.place(expr))

    def _binary(self, expr: Expr, scope: Scope) -> Value:
        assert isinstance(expr, Binary)
        left, right = self.evaluate(expr.left, scope), self.evaluate(expr.right, scope)
        return operators.binary(expr.operator, left, right, scope.place(expr))

    def _conditional(self, expr: Expr, scope: Scope) -> Value:
        assert isinstance(expr, Conditional)
        test = operators.boolean(self.evaluate(expr.test, scope), scope.place(expr.test))
        if isinstance(test, bool):
            return (
                self._chosen(expr.then, expr.otherwise, scope)
                if test
                else self._chosen(expr.otherwise, expr.then, scope)
            )
        if test.is_error:
            return Value(test, scope.place(expr))
        then, otherwise = self.evaluate(expr.then, scope), self.evaluate(expr.otherwise, scope)
        both = (operators.unified(then, otherwise), operators.unified(otherwise, then))
        return join(both, test)._replace(place=scope.place(expr))

    def _chosen(self, chosen: Expr, left_out: Expr, scope: Scope) -> Value:
        """The branch that counts, in the type both branches have in common. Only a literal one is looked at for that: the
        branch left out may be an error here, and may be costly."""
        value = self.evaluate(chosen, scope)
        if isinstance(left_out, (Literal, Template, TupleExpr)) and isinstance(
            value.data, (bool, int, float, ListData)
        ):
            return operators.unified(value, self.evaluate(left_out, scope))
        return value

    def _for(self, expr: Expr, scope: Scope) -> Value:
        assert isinstance(expr, ForExpr)
        collection = self.evaluate(expr.collection, scope)
        place = scope.place(expr)
        members = self._members(collection, place)
        if members.whole is not None:
            return Value(members.whole, place)
        results: list[tuple[Value | None, Value]] = []
        rest, ordered = members.rest, 0
        for number, (key, value) in enumerate(members.pairs):
            if self.steps >= self._most:
                rest = self._exhausted(place)
                break
            frames = {expr.value_name: value} if expr.key_name is None else {expr.key_name: key, expr.value_name: value}
            inner = scope.within(**frames)
            kept = True if expr.condition is None else operators.boolean(self.evaluate(expr.condition, inner), place)
            if isinstance(kept, Unknown):
                if kept.is_error:
                    return Value(kept, place)
                rest = rest or kept
                members.ordered = min(members.ordered, number)
            elif kept:
                results.append(
                    (None if expr.key is None else self.evaluate(expr.key, inner), self.evaluate(expr.value, inner))
                )
                ordered += number < members.ordered
        if expr.key is None:
            made = bag_of([value for _, value in results], rest, ordered, members.merging)
            return self._limited(Value(made, place), place)
        return self._limited(_object_of(results, rest, expr.group, place), place)

    def _members(self, collection: Value, place: Place) -> Members:
        return members_of(collection, place)


class Members:
    """A collection's key–value pairs; `rest` when there may be more, `whole` when nothing is known of them. Only the first
    `ordered` are certain to be where they stand; `merging` as of `Bag`."""

    __slots__ = ("merging", "ordered", "pairs", "rest", "whole")

    def __init__(
        self,
        pairs: list[tuple[Value, Value]],
        rest: Unknown | None,
        whole: Unknown | None = None,
        ordered: int = 0,
        merging: bool = False,
    ) -> None:
        self.pairs = pairs
        self.rest = rest
        self.whole = whole
        self.ordered = ordered
        self.merging = merging


def members_of(collection: Value, place: Place) -> Members:
    """The pairs that `for` iterates over; maps in the order of their keys, as Terraform sorts them."""
    data = collection.data
    if isinstance(data, ListData):
        items, ordered = [strings.inherit(item, collection) for item in data.items], certain(data)
        merging = isinstance(data, Bag) and data.merging
        keys = items if is_set(data) else [_number(i, item, data, ordered) for i, item in enumerate(items)]
        return Members(list(zip(keys, items, strict=True)), data.rest, None, ordered, merging)
    if isinstance(data, ObjectData):
        pairs = [
            (Value(key, data.keys.get(key) or value.place), strings.inherit(value, collection))
            for key, value in sorted(data.fields.items())
        ]
        return Members(pairs, data.rest, None, len(pairs) if data.rest is None else 0)
    if isinstance(data, Unknown):
        return Members([], data, Unknown(data.reason, data.cause, data.place))
    error = Unknown(Reason.ERROR, "only a list, set, map or object can be iterated over", place)
    return Members([], error, error)


def _number(index: int, item: Value, data: ListData, ordered: int) -> Value:
    """The number of an item in its list; unknown where others may stand before it."""
    if index < ordered:
        return Value(index, item.place)
    why = data.rest or first_unknown(Value(data)) or Unknown(Reason.UNSUPPORTED, "the order of a list")
    return Value(Unknown(why.reason, why.cause, why.place, "number", True, low=0), item.place)


def _object_of(results: list[tuple[Value | None, Value]], rest: Unknown | None, group: bool, place: Place) -> Value:
    fields: dict[str, Value] = {}
    keys: dict[str, Place] = {}
    for key_value, value in results:
        assert key_value is not None
        key = known_text(key_value)
        if key is None:
            rest = rest or first_unknown(key_value) or Unknown(Reason.ERROR, "the key must be a string", place)
            continue
        if group:
            before = fields[key].data if key in fields else ListData()
            assert isinstance(before, ListData)
            value = Value(ListData((*before.items, value)), value.place)
        elif key in fields:
            return unknown(Reason.ERROR, f"two elements have the key {key!r}", place)
        fields[key] = value
    if group and rest is not None:
        fields = {key: Value(bag_of(_items(value), rest), value.place) for key, value in fields.items()}
    return Value(ObjectData(fields, rest, keys), place)


def _items(value: Value) -> tuple[Value, ...]:
    return value.data.items if isinstance(value.data, ListData) else ()


def _error_within(value: Value) -> Unknown | None:
    """The error that evaluating this value is certain to end in."""
    data = value.data
    if isinstance(data, Unknown):
        return data if data.is_error else None
    found = first_unknown(value) if isinstance(data, (ListData, ObjectData)) else None
    return found if found is not None and found.is_error else None


_METHODS: dict[type[Expr], Callable[[Evaluator, Expr, Scope], Value]] = {
    Literal: Evaluator._literal,
    Template: Evaluator._template,
    TupleExpr: Evaluator._tuple,
    ObjectExpr: Evaluator._object,
    Name: Evaluator._name,
    GetAttr: Evaluator._get_attr,
    Index: Evaluator._index,
    Splat: Evaluator._splat,
    SplatItem: Evaluator._splat_item,
    Call: Evaluator._call,
    Unary: Evaluator._unary,
    Binary: Evaluator._binary,
    Conditional: Evaluator._conditional,
    ForExpr: Evaluator._for,
}


class _NoNames:
    """The names of an expression that stands alone."""

    def lookup(self, space: str, name: str, place: Place) -> Value | None:
        return None

    def data(self, type_: str, name: str, place: Place) -> Value:
        return unknown(Reason.ERROR, f"data.{type_}.{name} is not declared", place)

    def attribute(self, value: Value, name: str, place: Place) -> Value | None:
        return None

    def element(self, value: Value, key: Value, place: Place) -> Value | None:
        return None

    def call_context(self, place: Place) -> functions.CallContext:
        return functions.CallContext(place, _no_file, ".")


def _no_file(path: str) -> bytes:
    raise InputError("there are no files here")


def evaluate_text(text: str) -> Value:
    """The value of an expression that refers to nothing outside itself."""
    source = Source("<expression>", text.encode())
    return Evaluator().evaluate(hcl.parse_expression(source), Scope(_NoNames(), source))


def constant(expr: Expr, source: Source) -> Value:
    """The value of an expression in which no names may occur (`type` defaults, `--var` texts)."""
    return Evaluator().evaluate(expr, Scope(_NoNames(), source))


__all__ = ["Evaluator", "Members", "Names", "Scope", "constant", "evaluate_text", "members_of"]

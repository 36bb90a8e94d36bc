"""One way to look at a body, whether it is a block of HCL, the content of a dynamic block, or an object value.

The mapping asks a view for attributes and nested blocks by name and does not see where they come from. JSON syntax and
attributes-as-blocks write nested blocks as lists of objects; plan JSON gives objects throughout.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from bklint.frontends.terraform.evaluate import Scope, members_of
from bklint.frontends.terraform.module import Written
from bklint.model.value import ListData, ObjectData, Reason, Unknown, Value, same
from bklint.source import Locator, Place
from bklint.syntax.node import Block, Body

if TYPE_CHECKING:
    from bklint.frontends.terraform.instance import ModuleInstance


class Blocks(NamedTuple):
    """The nested blocks of one type; `rest` says why there may be more."""

    items: tuple[View, ...]
    rest: Unknown | None = None


class View:
    """A body: its attributes and nested blocks by name."""

    header: Locator | None
    conditional: Unknown | None = None

    @property
    def open(self) -> Unknown | None:
        """Why something may be there that is not seen."""
        raise NotImplementedError

    def attribute(self, name: str) -> Value | None:
        """The value of an attribute; None where it is not written."""
        raise NotImplementedError

    def attribute_place(self, name: str) -> Locator | None:
        """Where the attribute's expression stands."""
        raise NotImplementedError

    def blocks(self, name: str) -> Blocks:
        """The nested blocks of a type."""
        raise NotImplementedError

    def names(self) -> set[str]:
        """The names of attributes and block types that are written."""
        raise NotImplementedError

    def as_value(self) -> Value:
        """The whole body as an object value."""
        fields: dict[str, Value] = {}
        for name in sorted(self.names()):
            value = self.attribute(name)
            if value is None:
                nested = self.blocks(name)
                value = Value(ListData(tuple([item.as_value() for item in nested.items]), nested.rest), self.header)
            fields[name] = value
        return Value(ObjectData(fields, self.open), self.header)


class ObjectView(View):
    """A view of an object value."""

    def __init__(self, value: Value) -> None:
        self.value = value
        self.header = value.place

    @property
    def open(self) -> Unknown | None:
        """See View."""
        data = self.value.data
        return data.rest if isinstance(data, ObjectData) else data if isinstance(data, Unknown) else None

    def attribute(self, name: str) -> Value | None:
        """See View."""
        data = self.value.data
        if isinstance(data, ObjectData):
            found = data.fields.get(name)
            return None if found is None or found.data is None else found
        return None

    def attribute_place(self, name: str) -> Locator | None:
        """See View."""
        found = self.attribute(name)
        return None if found is None else found.place

    def blocks(self, name: str) -> Blocks:
        """See View."""
        found = self.attribute(name)
        return Blocks(()) if found is None else blocks_of(found)

    def names(self) -> set[str]:
        """See View."""
        return set(self.value.data.fields) if isinstance(self.value.data, ObjectData) else set()


def blocks_of(value: Value) -> Blocks:
    """A value that is written where blocks are meant: an object is one block, a list of objects several."""
    data = value.data
    if isinstance(data, ListData):
        known = tuple(ObjectView(item) for item in data.items if isinstance(item.data, ObjectData))
        vague = next((item.data for item in data.items if isinstance(item.data, Unknown)), None)
        return Blocks(known, data.rest or vague)
    if isinstance(data, ObjectData):
        return Blocks((ObjectView(value),))
    return Blocks((), data if isinstance(data, Unknown) else None)


class BodyView(View):
    """A view of one HCL body, with the bodies of override files over it."""

    def __init__(self, layers: tuple[tuple[Body, Scope], ...], header: Locator, module: ModuleInstance) -> None:
        self.layers = layers
        """The body itself first, overrides after it."""
        self.header = header
        self.module = module

    @classmethod
    def of_block(cls, written: Written, scope: Scope, module: ModuleInstance) -> BodyView:
        """The view of a top-level block."""
        over = tuple((layer.block.body, scope.at(layer.source)) for layer in written.overrides)
        return cls(((written.block.body, scope), *over), written.header, module)

    @property
    def open(self) -> Unknown | None:
        """See View."""
        for body, scope in self.layers:
            if body.damaged:
                return Unknown(Reason.SYNTAX, "a syntax error in this block", Place(scope.source, body.start, body.end))
        return None

    def attribute(self, name: str) -> Value | None:
        """See View."""
        for body, scope in reversed(self.layers):
            found = body.attributes.get(name)
            if found is not None:
                return self.module.evaluate(found, scope)
        return None

    def attribute_place(self, name: str) -> Locator | None:
        """See View."""
        for body, scope in reversed(self.layers):
            found = body.attributes.get(name)
            if found is not None:
                return scope.place(found.expr)
        return None

    def names(self) -> set[str]:
        """See View."""
        found: set[str] = set()
        for body, _ in self.layers:
            found.update(body.attributes)
            for block in body.blocks:
                found.add(block.labels[0] if block.type == "dynamic" and block.labels else block.type)
        return found

    def blocks(self, name: str) -> Blocks:
        """See View. Override files replace all blocks of a type; dynamic blocks are expanded."""
        for body, scope in reversed(self.layers):
            mine = [block for block in body.blocks if makes(block, name)]
            if mine:
                return self._expanded(mine, scope)
        written = self.attribute(name)
        return Blocks(()) if written is None else blocks_of(written)

    def _expanded(self, blocks: list[Block], scope: Scope) -> Blocks:
        items: list[View] = []
        rest: Unknown | None = None
        for block in blocks:
            if block.type != "dynamic":
                items.append(self._nested(block, scope, None))
                continue
            for view, why in self._dynamic(block, scope):
                if view is not None:
                    items.append(view)
                rest = rest or why
        return Blocks(tuple(items), rest)

    def _nested(self, block: Block, scope: Scope, conditional: Unknown | None, body: Body | None = None) -> BodyView:
        header = Place(scope.source, block.start, block.header_end)
        view = BodyView(((body or block.body, scope),), header, self.module)
        view.conditional = conditional
        return view

    def _dynamic(self, block: Block, scope: Scope) -> Iterator[tuple[BodyView | None, Unknown | None]]:
        content = next((inner for inner in block.body.blocks if inner.type == "content"), None)
        each = block.body.attributes.get("for_each")
        if content is None or each is None:
            yield (
                None,
                Unknown(
                    Reason.SYNTAX,
                    "a dynamic block without for_each or content",
                    Place(scope.source, block.start, block.header_end),
                ),
            )
            return
        iterator = block.labels[0]
        named = block.body.attributes.get("iterator")
        if named is not None:
            iterator = getattr(named.expr, "name", iterator)
        collection = self.module.evaluate(each, scope)
        place = scope.place(each.expr)
        alternatives = collection.data.domain if isinstance(collection.data, Unknown) else ()
        doubt = collection.data if isinstance(collection.data, Unknown) and alternatives else None
        seen: list[Value] = []
        why: Unknown | None = doubt
        for choice in alternatives or (collection,):
            members = members_of(choice, place)
            for key, value in members.pairs:
                if any(same(value, other) for other in seen) and doubt is not None:
                    continue
                seen.append(value)
                frame = Value(ObjectData({"key": key, "value": value.via("loop", f"{iterator}.value", place)}), place)
                yield self._nested(content, scope.within(**{iterator: frame}), doubt, content.body), doubt
            why = why or members.whole or members.rest
        if why is None or (doubt is not None and seen):
            return
        vague = Value(Unknown(why.reason, why.cause, why.place), place)
        frame = Value(ObjectData({"key": vague, "value": vague}), place)
        yield self._nested(content, scope.within(**{iterator: frame}), why, content.body), why


def makes(block: Block, name: str) -> bool:
    """Whether a block is one of a type, or a dynamic block that makes such ones."""
    return block.type == name or (block.type == "dynamic" and bool(block.labels) and block.labels[0] == name)

"""Functions that look into lists, maps and strings and take collections together.

What is selected from a collection stays the value it is, with the place it was written at. Of a collection that is
known in part, the result is known in part.

https://developer.hashicorp.com/terraform/language/functions (collection functions)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from bklint.frontends.terraform.functions_arguments import (
    Args,
    CallContext,
    FailedError,
    Function,
    Result,
    boolean,
    collection,
    integer,
    is_null,
    mapping,
    nonnull,
    sequence,
    some,
    string,
    undecided,
    unified,
)
from bklint.frontends.terraform.graphemes import clusters
from bklint.frontends.terraform.operators import equal
from bklint.frontends.terraform.shapes import Bag, MapData, bag_of, distinct_at_least, key_of, plain, settled
from bklint.frontends.terraform.types import STRING, maybe_string, plain_convert
from bklint.model.value import (
    ListData,
    ObjectData,
    Text,
    Unknown,
    Value,
    first_unknown,
    join,
    type_of,
)
from bklint.records import replace
from bklint.source import Locator


def _length(args: Args, context: CallContext) -> Result:
    data = args[0].data
    if isinstance(data, str):
        return len(clusters(data))
    if isinstance(data, Text):
        return _text_length(data)
    if isinstance(data, Unknown) and data.type in (None, "string", "list", "object"):
        return some(data, type="number", nonnull=True, low=1 if data.nonempty else 0, key=_key("length", args))
    found = collection(args[0])
    if isinstance(found, ObjectData):
        return _at_least(len(found.fields), found.rest) if found.rest is not None else len(found.fields)
    if found.rest is not None:
        return _at_least(distinct_at_least(found), found.rest)
    least, most = distinct_at_least(found), len(found.items)
    if isinstance(found, Bag) and found.merging and least < most:
        return some(undecided(args[0]).why, type="number", nonnull=True, low=least, high=most)
    return most


def _text_length(data: Text) -> Unknown:
    low = sum(len(part) if isinstance(part, str) else int(part.nonempty) for part in data.parts)
    plain_ascii = all(part.isascii() and "\r" not in part for part in data.parts if isinstance(part, str))
    return some(data.unknowns[0], type="number", nonnull=True, low=low if plain_ascii else 1)


def _at_least(low: int, why: Unknown) -> Unknown:
    return some(why, type="number", nonnull=True, low=low)


def _lookup(args: Args, context: CallContext) -> Result:
    data = mapping(args[0])
    if isinstance(args[1].data, (Unknown, Text)):
        choices = (*data.fields.values(), *[_as_element(arg, data) for arg in args[2:]])
        why = plain(undecided(args[1]).why)
        return Value(why) if data.rest is not None else join(choices, why)
    name = string(args[1])
    found = data.fields.get(name)
    if found is not None:
        return found
    if data.rest is not None:
        return plain(data.rest)
    if len(args) < 3:
        raise FailedError(f"the map has no element {name!r}")
    return _as_element(args[2], data)


def _as_element(default: Value, data: ObjectData) -> Value:
    """The default as an element of the map. An object has no such type."""
    kinds = {type_of(value) for value in data.fields.values()} - {None}
    if not isinstance(data, MapData) or len(kinds) != 1 or default.data is None:
        return default
    kind = kinds.pop()
    if kind == "string" and type_of(default) in ("number", "bool"):
        return plain_convert(default, STRING)
    if type_of(default) not in (None, kind):
        raise FailedError("the default must have the type of the map's elements")
    return default


def _element(args: Args, context: CallContext) -> Result:
    data = sequence(args[0], sets=False)
    if not data.items and data.rest is None:
        raise FailedError("element() of an empty list")
    if isinstance(args[1].data, (Unknown, Text)) or (not settled(data) and isinstance(data, Bag)):
        return _some_item(data, args)
    at = integer(args[1])
    if data.rest is None:
        return data.items[at % len(data.items)]
    return data.items[at] if 0 <= at < len(data.items) else plain(data.rest)


def _some_item(data: ListData, args: Args) -> Result:
    at = args[1].data
    if isinstance(data, Bag) and isinstance(at, int) and 0 <= at < data.ordered:
        return data.items[at]
    why = plain(undecided(args[1], args[0]).why)
    return why if data.rest is not None else join(data.items, why)


def _merge(args: Args, context: CallContext) -> Result:
    fields: dict[str, Value] = {}
    keys: dict[str, Locator] = {}
    rest: Unknown | None = None
    for arg in args:
        if is_null(arg):
            continue
        data = ObjectData({}, arg.data) if isinstance(arg.data, Unknown) and _may_be_map(arg.data) else mapping(arg)
        if data.rest is not None:
            # What is not known of this argument may replace any member of those before it.
            hidden = plain(data.rest)
            fields = {name: Value(hidden, value.place, value.hops) for name, value in fields.items()}
            rest = rest or hidden
        fields.update(data.fields)
        keys.update(data.keys)
    return ObjectData(fields, rest, keys)


def _may_be_map(data: Unknown) -> bool:
    return data.type in (None, "object")


def _concat(args: Args, context: CallContext) -> Result:
    return _chain([sequence_or_rest(arg) for arg in args])


def sequence_or_rest(value: Value) -> ListData:
    """A list; an unknown one as a list of which nothing is known."""
    if isinstance(value.data, Unknown) and value.data.type in (None, "list"):
        return ListData((), plain(value.data))
    return sequence(value, sets=False)


def _chain(lists: Iterable[ListData]) -> ListData:
    """Lists one behind the other; behind what is open, the positions are no longer certain."""
    items: list[Value] = []
    rest: Unknown | None = None
    ordered, certain = 0, True
    for data in lists:
        if certain:
            ordered += data.ordered if isinstance(data, Bag) else len(data.items)
        certain = certain and data.rest is None and settled(data)
        items += data.items
        rest = rest or data.rest
    return bag_of(items, rest, ordered) if not certain else ListData(tuple(items))


def _flatten(args: Args, context: CallContext) -> Result:
    return _flat(sequence(args[0]))


def _flat(data: ListData) -> ListData:
    lists: list[ListData] = []
    for item in data.items:
        if isinstance(item.data, ListData):
            lists.append(_flat(item.data))
        elif isinstance(item.data, Unknown) and item.data.type in (None, "list") and not _is_scalar(item):
            lists.append(ListData((), plain(item.data)))
        else:
            lists.append(ListData((item,)))
    whole = _chain(lists)
    if data.rest is None and settled(data):
        return whole
    ordered = len(whole.items) if settled(data) and not isinstance(whole, Bag) else 0
    return bag_of(whole.items, whole.rest or data.rest, ordered)


def _is_scalar(item: Value) -> bool:
    """Whether an unknown attribute of a resource is certain to be no list: the resource itself, an id or a name."""
    return item.ident is not None and (item.ident.attribute == "" or item.ident.attribute.endswith(("id", "name")))


def _coalesce(args: Args, context: CallContext) -> Result:
    choices: list[Value] = []
    for arg in args:
        certain = _present(arg)
        if certain is not False:
            choices.append(arg)
        if certain:
            break
    if not choices:
        raise FailedError("coalesce() has no argument that is not null and not an empty string")
    if len(choices) == 1 and _present(choices[0]):
        return _with_type(choices[0], args)
    scalar = any(type_of(arg) in ("string", "number", "bool") for arg in args)
    return _first_of([_with_type(choice, args) for choice in choices], args, nonempty=scalar)


def _present(value: Value) -> bool | None:
    """Whether coalesce() takes a value: it is not null and not an empty string."""
    data = value.data
    if is_null(value) or data == "":
        return False
    if isinstance(data, Text):
        return True if any(isinstance(part, str) or part.nonempty for part in data.parts) else None
    if isinstance(data, Unknown):
        return True if data.nonnull and (data.nonempty or data.type not in (None, "string")) else None
    return True


def _first_of(choices: Sequence[Value], args: Args, nonempty: bool) -> Result:
    """The first of these that turns out to be there."""
    why = next(item.data if isinstance(item.data, Unknown) else undecided(item).why for item in choices if _vague(item))
    joined = join(tuple(choices), plain(why))
    if not isinstance(joined.data, Unknown):
        return joined
    known = replace(joined.data, nonnull=True, nonempty=nonempty or joined.data.nonempty, key=_key("coalesce", args))
    return joined._replace(data=known)


def _vague(item: Value) -> bool:
    return isinstance(item.data, (Unknown, Text)) or first_unknown(item) is not None


def _with_type(value: Value, args: Args) -> Value:
    """The value as a string where another argument is one and makes all of them strings."""
    kinds = {type_of(arg) for arg in args if not is_null(arg)} - {None}
    if len(kinds) > 1 and kinds & {"list", "object"}:
        raise FailedError("all arguments must have the same type")
    if type_of(value) not in ("number", "bool"):
        return value
    if "string" in kinds:
        return plain_convert(value, STRING)
    return maybe_string(value) if any(_untyped(arg) for arg in args) else value


def _untyped(value: Value) -> bool:
    return isinstance(value.data, Unknown) and value.data.type is None


def _coalescelist(args: Args, context: CallContext) -> Result:
    choices: list[Value] = []
    for arg in args:
        if isinstance(arg.data, Unknown) and arg.data.type in (None, "list"):
            choices.append(arg)
            if arg.data.nonempty and arg.data.nonnull:
                break
            continue
        data = sequence(arg, sets=False)
        if data.items or data.rest is not None:
            choices.append(arg)
        if data.items:
            break
    if not choices:
        raise FailedError("coalescelist() has no argument that is not empty")
    if len(choices) == 1:
        return choices[0]
    return _first_of(choices, args, nonempty=True)


def _contains(args: Args, context: CallContext) -> Result:
    data, wanted = sequence(args[0]), nonnull(args[1])
    answers = [equal(item, wanted) for item in data.items]
    if True in answers:
        return True
    if None in answers or data.rest is not None:
        why = first_unknown(args[0]) or first_unknown(wanted)
        assert why is not None
        return some(why, type="bool", nonnull=True, key=_key("contains", args))
    return False


def _one(args: Args, context: CallContext) -> Result:
    data = sequence(args[0])
    if distinct_at_least(data) > 1 or (len(data.items) > 1 and settled(data)):
        raise FailedError("one() of a list with more than one element")
    if len(data.items) == 1:
        return data.items[0]
    if data.rest is not None:
        return plain(data.rest)
    return join(data.items, plain(undecided(args[0]).why)) if data.items else None


def _some_true(args: Args, stop: bool) -> Result:
    data = sequence(args[0])
    why = data.rest
    for item in data.items:
        if isinstance(item.data, Unknown) and not item.data.is_error:
            why = why or item.data
        elif (False if is_null(item) else boolean(item)) is stop:
            return stop
    return not stop if why is None else some(why, type="bool", nonnull=True)


def _anytrue(args: Args, context: CallContext) -> Result:
    return _some_true(args, True)


def _alltrue(args: Args, context: CallContext) -> Result:
    return _some_true(args, False)


def _list(args: Args, context: CallContext) -> Result:
    return ListData(unified(args))


def _map(args: Args, context: CallContext) -> Result:
    if len(args) % 2:
        raise FailedError("map() needs an even number of arguments")
    values = unified(args[1::2])
    names = [string(arg) for arg in args[::2]]
    return ObjectData(dict(zip(names, values, strict=True)))


def _key(name: str, args: Args) -> tuple[object, ...] | None:
    keys = tuple([key_of(arg) for arg in args])
    return None if None in keys else (name, *keys)


TABLE: Mapping[str, Function] = {
    "alltrue": Function(_alltrue, 1, 1, "bool"),
    "anytrue": Function(_anytrue, 1, 1, "bool"),
    "coalesce": Function(_coalesce, 1, None),
    "coalescelist": Function(_coalescelist, 1, None, "list"),
    "concat": Function(_concat, 1, None, "list"),
    "contains": Function(_contains, 2, 2, "bool"),
    "element": Function(_element, 2, 2),
    "flatten": Function(_flatten, 1, 1, "list"),
    "length": Function(_length, 1, 1, "number"),
    "list": Function(_list, 0, None, "list"),
    "lookup": Function(_lookup, 2, 3),
    "map": Function(_map, 0, None, "object"),
    "merge": Function(_merge, 0, None, "object"),
    "one": Function(_one, 1, 1),
}

"""Functions that make new lists, sets and maps of old ones.

Of a collection that is known in part, `keys`, `values`, `distinct`, `sort`, `compact`, `reverse` and `setunion` give a
collection that is known in part; the others need to know all of it.

https://developer.hashicorp.com/terraform/language/functions (collection functions)
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from itertools import product

from bklint.frontends.terraform.extent import passed
from bklint.frontends.terraform.functions_arguments import (
    Args,
    CallContext,
    FailedError,
    Function,
    Result,
    integer,
    is_null,
    mapping,
    nonnull,
    number,
    sequence,
    some,
    string,
    undecided,
    unified,
    whole,
)
from bklint.frontends.terraform.operators import equal
from bklint.frontends.terraform.shapes import Bag, MapData, bag_of, key_of, make_set, plain, settled, without_repeats
from bklint.frontends.terraform.types import STRING, plain_convert
from bklint.model.value import ListData, ObjectData, Text, Unknown, Value, first_unknown
from bklint.records import replace

_MOST_GENERATED = 1024
"""Most numbers that `range` makes, Terraform's own limit."""
_MOST_PRODUCTS = 10_000
"""Most combinations that `setproduct` makes."""


def _keys(args: Args, context: CallContext) -> Result:
    data = mapping(args[0])
    found = [Value(name, data.keys.get(name) or context.place) for name in _ordered(data)]
    return bag_of(found, data.rest, 0 if data.rest else len(found))


def _values(args: Args, context: CallContext) -> Result:
    data = mapping(args[0])
    return bag_of([data.fields[name] for name in _ordered(data)], data.rest, 0 if data.rest else len(data.fields))


def _ordered(data: ObjectData) -> list[str]:
    return sorted(data.fields, key=lambda name: name.encode("utf-8", "replace"))


def _zipmap(args: Args, context: CallContext) -> Result:
    names, values = whole(args[0]), whole(args[1], sets=False)
    if len(names) != len(values):
        raise FailedError(f"the number of keys ({len(names)}) is not the number of values ({len(values)})")
    fields: dict[str, Value] = {}
    keys = {}
    for name, value in zip(names, values, strict=True):
        written = string(name)
        fields[written] = value
        if name.place is not None:
            keys[written] = name.place
    return ObjectData(fields, None, keys)


def _chunklist(args: Args, context: CallContext) -> Result:
    items, size = unified(whole(args[0])), integer(args[1])
    if size < 0:
        raise FailedError("the size must be positive")
    size = size or max(len(items), 1)
    chunks = [items[at : at + size] for at in range(0, len(items), size)]
    return ListData(tuple([Value(ListData(chunk), context.place) for chunk in chunks]))


def _strings(data: ListData) -> list[Value]:
    """The elements as strings. What is no scalar is refused."""
    converted = [plain_convert(item, STRING) for item in data.items]
    for item, before in zip(converted, data.items, strict=True):
        if isinstance(item.data, Unknown) and item.data.is_error and not isinstance(before.data, Unknown):
            raise FailedError(item.data.cause)
    return converted


def _compact(args: Args, context: CallContext) -> Result:
    data = sequence(args[0])
    kept: list[Value] = []
    doubt: Unknown | None = None
    ordered = 0
    for item in _strings(data):
        if is_null(item) or item.data == "":
            continue
        if not _certain(item):
            doubt = doubt or plain(undecided(item).why)
            continue
        kept.append(item)
        ordered += doubt is None
    return bag_of(kept, data.rest or doubt, 0 if isinstance(data, Bag) and not settled(data) else ordered)


def _certain(item: Value) -> bool:
    """Whether an element is certain not to be null or empty."""
    if isinstance(item.data, Text):
        return any(isinstance(part, str) or part.nonempty for part in item.data.parts)
    return not isinstance(item.data, Unknown) or (item.data.nonnull and item.data.nonempty)


def _distinct(args: Args, context: CallContext) -> Result:
    data = sequence(args[0])
    kept = without_repeats(unified(data.items, data.rest))
    vague = next((n for n, item in enumerate(kept) if first_unknown(item) is not None), len(kept))
    if vague == len(kept) and not isinstance(data, Bag):
        return ListData(tuple(kept), data.rest)
    certain = vague if not isinstance(data, Bag) else 0
    single = len(kept) == 1 and data.rest is None
    return Bag(tuple(kept), data.rest, ordered=len(kept) if single else certain, merging=not single)


def _index(args: Args, context: CallContext) -> Result:
    items = whole(args[0], sets=False)
    if not items:
        raise FailedError("cannot search an empty list")
    for at, item in enumerate(items):
        answer = equal(item, args[1])
        if answer:
            return at
        if answer is None:
            raise undecided(item, args[1])
    raise FailedError("the item is not found")


def _matchkeys(args: Args, context: CallContext) -> Result:
    values, names, wanted = (whole(arg) for arg in args)
    if len(values) != len(names):
        raise FailedError("keys and values must have one length")
    searched = unified([*names, *wanted])
    names, wanted = searched[: len(names)], searched[len(names) :]
    kept = []
    for value, name in zip(unified(values), names, strict=True):
        answers = [equal(name, other) for other in wanted]
        if True in answers:
            kept.append(value)
        elif None in answers:
            raise undecided(name, *wanted)
    return ListData(tuple(kept))


def _range(args: Args, context: CallContext) -> Result:
    numbers = [number(arg) for arg in args]
    start, end = (0, numbers[0]) if len(numbers) == 1 else (numbers[0], numbers[1])
    step = numbers[2] if len(numbers) == 3 else 1 if end >= start else -1
    if step < 0 < end - start or end - start < 0 < step:
        raise FailedError("the step leads away from the end")
    found: list[Value] = []
    current = start
    while current < end if end >= start else current > end:
        if len(found) >= _MOST_GENERATED:
            raise FailedError(f"more than {_MOST_GENERATED} values")
        found.append(Value(current, context.place))
        current += step
    return ListData(tuple(found))


def _reverse(args: Args, context: CallContext) -> Result:
    data = sequence(args[0])
    items = tuple(reversed(data.items))
    if data.rest is None and settled(data):
        return ListData(items)
    return Bag(items, data.rest, merging=isinstance(data, Bag) and data.merging)


def _slice(args: Args, context: CallContext) -> Result:
    data = sequence(args[0], sets=False)
    start, end = integer(args[1]), integer(args[2])
    if start < 0:
        raise FailedError("the start index must not be negative")
    if start > end:
        raise FailedError("the start index must not be greater than the end index")
    ordered = data.ordered if isinstance(data, Bag) else len(data.items)
    if end <= ordered:
        return ListData(data.items[start:end])
    if data.rest is None and not isinstance(data, Bag):
        raise FailedError("the end index must not be greater than the length of the list")
    raise undecided(args[0])


def _sort(args: Args, context: CallContext) -> Result:
    data = sequence(args[0])
    items = _strings(data)
    if any(is_null(item) for item in items):
        raise FailedError("a null string cannot be sorted")
    if data.rest is not None or (any(first_unknown(item) is not None for item in items) and len(items) > 1):
        return Bag(tuple(items), data.rest, merging=isinstance(data, Bag) and data.merging)
    return ListData(tuple(sorted(items, key=lambda item: string(item).encode("utf-8", "replace"))))


def _sum(args: Args, context: CallContext) -> Result:
    data = sequence(args[0])
    if not data.items and data.rest is None:
        raise FailedError("cannot sum an empty list")
    if data.rest is not None:
        raise undecided(Value(data.rest))
    if isinstance(data, Bag) and data.merging:
        raise undecided(args[0])
    low = high = 0.0
    exact: int | float = 0
    why: Unknown | None = None
    for item in data.items:
        if isinstance(item.data, Unknown) and item.data.type in (None, "number", "string"):
            why = why or item.data
            low += -float("inf") if item.data.low is None else item.data.low
            high += float("inf") if item.data.high is None else item.data.high
        else:
            exact += number(item)
    if why is None:
        return exact
    bounds = {
        "low": None if low == -float("inf") else low + exact,
        "high": None if high == float("inf") else high + exact,
    }
    return some(why, type="number", nonnull=True, **bounds)


def _transpose(args: Args, context: CallContext) -> Result:
    data = mapping(args[0])
    if data.rest is not None:
        raise undecided(Value(data.rest))
    found: dict[str, dict[str, Value]] = {}
    for name in _ordered(data):
        for item in whole(nonnull(data.fields[name])):
            made = Value(name, data.keys.get(name) or context.place)
            found.setdefault(string(item), {})[name] = made
    lists = {name: Value(ListData(tuple(found[name].values())), context.place) for name in sorted(found)}
    return MapData(lists)


# -- sets --------------------------------------------------------------------------------------------------------------


def _sets(args: Args) -> list[ListData]:
    """The arguments as sets of one type."""
    found = [sequence(arg) for arg in args]
    rest = next((data.rest for data in found if data.rest is not None), None)
    items = iter(unified([item for data in found for item in data.items], rest))
    return [make_set([next(items) for _ in data.items], data.rest) for data in found]


def _setunion(args: Args, context: CallContext) -> Result:
    found = _sets(args)
    rest = next((data.rest for data in found if data.rest is not None), None)
    return make_set([item for data in found for item in data.items], rest)


def _setintersection(args: Args, context: CallContext) -> Result:
    return _by_membership(args, lambda answers: None if None in answers and False not in answers else all(answers))


def _setsubtract(args: Args, context: CallContext) -> Result:
    first, *others = _sets(args)
    kept, why = _kept(first, others, lambda answers: None if answers[0] is None else not answers[0])
    return make_set(kept, first.rest or why)


def _by_membership(args: Args, keep: Callable[[list[bool | None]], bool | None]) -> Result:
    first, *others = _sets(args)
    kept, why = _kept(first, others, keep)
    return make_set(kept, first.rest or why)


def _kept(
    first: ListData, others: list[ListData], keep: Callable[[list[bool | None]], bool | None]
) -> tuple[list[Value], Unknown | None]:
    """The members of the first set that stay, and why there may be more."""
    kept: list[Value] = []
    why: Unknown | None = None
    known = [{key_of(item) for item in other.items if first_unknown(item) is None} for other in others]
    for item in first.items:
        answer = keep([_member(item, other, keys) for other, keys in zip(others, known, strict=True)])
        if answer:
            kept.append(item)
        elif answer is None:
            why = why or plain(undecided(item, *[Value(other) for other in others]).why)
    return kept, why


def _member(item: Value, data: ListData, known: set[Hashable]) -> bool | None:
    """Whether a set has a member. `known` are the keys of its known members, which decide most cases at once."""
    if first_unknown(item) is None and key_of(item) in known:
        return True
    if first_unknown(item) is None and len(known) == len(data.items):
        return None if data.rest is not None else False
    answers = [equal(item, other) for other in data.items]
    if True in answers:
        return True
    return None if None in answers or data.rest is not None else False


def _setproduct(args: Args, context: CallContext) -> Result:
    if len(args) < 2:
        raise FailedError("at least two arguments are required")
    found = [sequence(arg) for arg in args]
    if any(data.rest is None and not data.items for data in found):
        return ListData()
    lists = [unified(whole(arg)) for arg in args]
    if _count(lists) > _MOST_PRODUCTS:
        what = f"setproduct() of more than {_MOST_PRODUCTS} combinations"
        return replace(passed("", what, context.place), type="list", nonnull=True)
    rows = tuple([Value(ListData(row), context.place) for row in product(*lists)])
    if all(isinstance(data, Bag) and data.is_set for data in found):
        return make_set(rows)
    return ListData(rows)


def _count(lists: Iterable[tuple[Value, ...]]) -> int:
    count = 1
    for items in lists:
        count *= len(items)
    return count


TABLE: Mapping[str, Function] = {
    "chunklist": Function(_chunklist, 2, 2, "list"),
    "compact": Function(_compact, 1, 1, "list"),
    "distinct": Function(_distinct, 1, 1, "list"),
    "index": Function(_index, 2, 2, "number"),
    "keys": Function(_keys, 1, 1, "list"),
    "matchkeys": Function(_matchkeys, 3, 3, "list"),
    "range": Function(_range, 1, 3, "list"),
    "reverse": Function(_reverse, 1, 1, "list"),
    "setintersection": Function(_setintersection, 1, None, "list"),
    "setproduct": Function(_setproduct, 0, None, "list"),
    "setsubtract": Function(_setsubtract, 2, 2, "list"),
    "setunion": Function(_setunion, 1, None, "list"),
    "slice": Function(_slice, 3, 3, "list"),
    "sort": Function(_sort, 1, 1, "list"),
    "sum": Function(_sum, 1, 1, "number"),
    "transpose": Function(_transpose, 1, 1, "object"),
    "values": Function(_values, 1, 1, "list"),
    "zipmap": Function(_zipmap, 2, 2, "object"),
}

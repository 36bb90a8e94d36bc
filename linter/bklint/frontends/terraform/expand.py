"""`count` and `for_each`: a block to its instances.

An unknown number gives one placeholder instance with unknown keys, so that what does not depend on them is still
judged; it is `conditional`, because there may be none.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from bklint import limits
from bklint.frontends.terraform.evaluate import members_of
from bklint.frontends.terraform.module import Written
from bklint.frontends.terraform.scalars import known_text
from bklint.model.compare import bounds, number_of
from bklint.model.value import ListData, ObjectData, Reason, Unknown, Value, first_unknown, join, member_of
from bklint.source import Place

if TYPE_CHECKING:
    from bklint.frontends.terraform.instance import ModuleInstance

MAX_GUESSED = 16
"""Up to this many instances of an unknown but bounded count are told apart."""


class Instance(NamedTuple):
    """One instance: its key (None for a block without count, or a placeholder), the loop variables, and why it may not
    exist."""

    key: str | int | None
    suffix: str
    frames: dict[str, Value]
    conditional: Unknown | None = None


class Expansion(NamedTuple):
    """The instances of a block. `kind` is single, count or for_each; `open` says why there may be more of them."""

    kind: str
    instances: tuple[Instance, ...]
    open: Unknown | None = None


SINGLE = Expansion("single", (Instance(None, "", {}),))
Say = Callable[..., None]


def expand(written: Written, module: ModuleInstance, note: Say) -> Expansion:
    """The instances of a resource, data or module block."""
    count = written.attribute("count")
    if count is not None:
        scope = module.scope(count[1])
        return _by_count(module.evaluate(count[0], scope), scope.place(count[0].expr), note)
    each = written.attribute("for_each")
    if each is not None:
        scope = module.scope(each[1])
        return _by_key(module.evaluate(each[0], scope), scope.place(each[0].expr), note)
    return SINGLE


def _by_count(value: Value, place: Place, note: Say) -> Expansion:
    if value.unknown is None:
        number = number_of(value.data)
        if number is None or number < 0:
            why = Unknown(Reason.ERROR, "count must be a whole number", place)
            return Expansion("count", (_placeholder_count(why, place),), why)
        return Expansion("count", tuple(_counted(i, place) for i in range(_capped(int(number), place, note))))
    why = value.unknown
    low, high = bounds(value)
    if high is not None and high <= MAX_GUESSED:
        least = int(low or 0)
        return Expansion("count", tuple(_counted(i, place, None if i < least else why) for i in range(int(high))))
    return Expansion("count", (_placeholder_count(why, place),), why)


def _capped(number: int, place: Place, note: Say) -> int:
    most = limits.value("instances")
    if number > most:
        note(
            "limit", f"{number} instances, of which the first {most} are looked at ({limits.told('instances')})", place
        )
        return most
    return number


def _counted(number: int, place: Place, conditional: Unknown | None = None) -> Instance:
    return Instance(
        number, f"[{number}]", {"count": Value(ObjectData({"index": Value(number, place)}), place)}, conditional
    )


def _placeholder_count(why: Unknown, place: Place) -> Instance:
    index = Value(
        Unknown(why.reason, why.cause, why.place, type="number", nonnull=True, low=0, key=("count.index", place.start)),
        place,
    )
    return Instance(None, "[*]", {"count": Value(ObjectData({"index": index}), place)}, why)


def _by_key(value: Value, place: Place, note: Say) -> Expansion:
    data = value.data
    if isinstance(data, Unknown) and data.domain:
        return _by_alternatives(data, place, note)
    members = members_of(value, place)
    if members.whole is not None:
        return Expansion("for_each", (_placeholder_key(members.whole, data, place),), members.whole)
    found: list[Instance] = []
    rest = members.rest
    for key_value, member in members.pairs[: _capped(len(members.pairs), place, note)]:
        key = known_text(member if isinstance(data, ListData) else key_value)
        if key is None:
            rest = (
                rest
                or first_unknown(member)
                or Unknown(Reason.ERROR, "for_each needs a map or a set of strings", place)
            )
            continue
        found.append(_keyed(key, member if isinstance(data, ListData) else key_value, member, place))
    if rest is not None:
        found.append(_placeholder_key(rest, data, place))
    return Expansion("for_each", tuple(found), rest)


def _keyed(key: str, key_value: Value, member: Value, place: Place, conditional: Unknown | None = None) -> Instance:
    value = member.via("loop", f'each.value of ["{key}"]', place)
    each = Value(ObjectData({"key": key_value._replace(data=key), "value": value}), place)
    return Instance(key, f'["{key}"]', {"each": each}, conditional)


def _placeholder_key(why: Unknown, data: object, place: Place) -> Instance:
    key = Value(
        Unknown(
            why.reason, why.cause, why.place, type="string", nonnull=True, nonempty=True, key=("each.key", place.start)
        ),
        place,
    )
    value = Value(
        member_of(data, "*") if isinstance(data, Unknown) else Unknown(why.reason, why.cause, why.place), place
    )
    return Instance(None, "[*]", {"each": Value(ObjectData({"key": key, "value": value}), place)}, why)


def _by_alternatives(data: Unknown, place: Place, note: Say) -> Expansion:
    """One of several known collections: every key of any of them, certain only where all have it."""
    choices = [_by_key(choice, place, note) for choice in data.domain]
    by_key: dict[str | int | None, list[Instance]] = {}
    for choice in choices:
        for instance in choice.instances:
            by_key.setdefault(instance.key, []).append(instance)
    found = []
    for instances in by_key.values():
        everywhere = len(instances) == len(choices) and not any(one.conditional for one in instances)
        each = (
            join(tuple(one.frames["each"] for one in instances), data)
            if len(instances) > 1
            else instances[0].frames["each"]
        )
        frames = {"each": each} if isinstance(each.data, ObjectData) else instances[0].frames
        found.append(instances[0]._replace(frames=frames, conditional=None if everywhere else data))
    rest = next((choice.open for choice in choices if choice.open is not None), None)
    return Expansion("for_each", tuple(found), rest)

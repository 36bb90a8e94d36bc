"""Checks that an input without a value leaves undecided, decided by trying the input's possible values.

Trying one value at a time in a world of its own keeps what belongs together: where `var.encrypted` chooses both the
size and the encryption of a disk, no world holds one without the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from bklint.engine.verdicts import Judgement
from bklint.engine.worlds import Assumed, Worlds
from bklint.model.inventory import World
from bklint.model.resource import Resource
from bklint.model.verdict import Verdict
from bklint.policy.model import Policy
from bklint.records import replace

MAX_LEAVES = 16
"""Most combinations of values tried for one check."""

Judge = Callable[[Policy, Resource], Judgement]


class Leaf(NamedTuple):
    """One combination of values and what comes of it; None where the resource is not created under it."""

    assumed: Assumed
    judgement: Judgement | None


def split(judgement: Judgement, worlds: Worlds, judge: Judge) -> Judgement:
    """The judgement of an undecided check after its inputs were tried; the same one where that does not decide it."""
    leaves: list[Leaf] = []
    for leaf in _leaves(judgement, judgement, worlds, worlds.base, (), judge):
        leaves.append(leaf)
        if leaf.judgement is not None and leaf.judgement.verdict is Verdict.UNKNOWN:
            return judgement
        if len(leaves) > MAX_LEAVES or len(_verdicts(leaves)) > 1:
            break
    found = _verdicts(leaves)
    if len(leaves) > MAX_LEAVES or len(found) != 1:
        return replace(judgement, assumed=_failing(leaves))
    return _agreed(judgement, leaves, found.pop())


def _verdicts(leaves: list[Leaf]) -> set[Verdict]:
    return {leaf.judgement.verdict for leaf in leaves if leaf.judgement is not None}


def _agreed(judgement: Judgement, leaves: list[Leaf], verdict: Verdict) -> Judgement:
    found = [leaf.judgement for leaf in leaves if leaf.judgement is not None]
    mildest = min(found, key=lambda each: each.severity)
    names = ", ".join(dict.fromkeys(cause for leaf in leaves for cause, _ in leaf.assumed))
    return replace(
        judgement,
        verdict=verdict,
        severity=mildest.severity,
        case=mildest.case,
        causes=(),
        assumed=names,
        partial=len(found) < len(leaves),
    )


def _failing(leaves: list[Leaf]) -> str:
    """The first combination that is a fault, in words."""
    for leaf in leaves:
        if leaf.judgement is not None and leaf.judgement.verdict is Verdict.FAULT:
            return ", ".join(f"{cause} is {_shown(value)}" for cause, value in leaf.assumed)
    return ""


def _shown(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _leaves(
    base: Judgement, here: Judgement, worlds: Worlds, world: World, assumed: Assumed, judge: Judge
) -> Iterator[Leaf]:
    """Try the values of the first input that leaves `here` undecided, and so on in each of them."""
    known = {cause for cause, _ in assumed}
    cause = next((why.cause for why in here.causes if why.cause in world.inputs and why.cause not in known), None)
    if cause is None:
        yield Leaf(assumed, here)
        return
    for choice in world.inputs[cause].choices:
        further = (*assumed, (cause, choice))
        inner = worlds.assuming(further)
        if inner is None:
            yield Leaf(further, here)
            continue
        found = [judge(base.policy, resource) for resource in counterparts(base.resource, inner)]
        if not found:
            yield Leaf(further, None)
        for judgement in found:
            if judgement.verdict is Verdict.UNKNOWN:
                yield from _leaves(base, judgement, worlds, inner, further, judge)
            else:
                yield Leaf(further, judgement)


def counterparts(resource: Resource, world: World) -> list[Resource]:
    """The same resource in another world of the same root, or the instances that one here stands for."""
    same = [each for each in world.of(resource.type) if each.address == resource.address]
    if same:
        return same
    group = resource.group_address or resource.address
    return [each for each in world.of(resource.type) if (each.group_address or each.address) == group]

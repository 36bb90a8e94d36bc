"""One finding per cause: over policies that subsume each other, input contexts, instances of one loop, and roots.

The one fact a reader would not guess: contexts are merged before instances, and subsumption happens before both, inside
one context: a finding that another one hides in `dev` may stand alone in `prod`.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import TypeVar

from bklint.decided import merged
from bklint.engine import places
from bklint.engine.findings import INTERNAL
from bklint.engine.outcome import Outcome
from bklint.engine.places import spot
from bklint.finding import Finding, RelatedPlace, Undecided
from bklint.model.inventory import Note
from bklint.records import dataclass, field, replace

_Item = TypeVar("_Item")

PLAN = "plan"
"""The dialect of what comes from a plan."""


@dataclass(frozen=True, slots=True)
class Found:
    """A finding in one context, the address that instances of its loop share, and the (policy, address) it is about."""

    finding: Finding
    group: str = ""
    title: str = ""
    check: tuple[str, str] = ("", "")


@dataclass(slots=True)
class Judged:
    """What all policies say in one context: by (policy, address)."""

    context: str
    found: list[Found] = field(default_factory=list)
    undecided: dict[tuple[str, str], Undecided] = field(default_factory=dict)
    clear: set[tuple[str, str]] = field(default_factory=set)


def grouped(items: Iterable[_Item], key: Callable[[_Item], Hashable]) -> list[list[_Item]]:
    """The items with equal keys together, in the order in which the keys are first met."""
    groups: dict[Hashable, list[_Item]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return list(groups.values())


# -- policies ----------------------------------------------------------------------------------------------------------


def subsumed(found: list[Found], subsumes: Mapping[str, tuple[str, ...]]) -> list[Found]:
    """The findings with those hidden that another one on the same resource has the cause of."""
    kept: list[Found] = []
    for group in grouped(found, lambda each: each.finding.address):
        kept.extend(_subsumed(group, subsumes) if len(group) > 1 else group)
    return kept


def _subsumed(group: list[Found], subsumes: Mapping[str, tuple[str, ...]]) -> list[Found]:
    hidden_by: dict[int, int] = {}
    for a, one in enumerate(group):
        for b, other in enumerate(group):
            if other.finding.policy in subsumes.get(one.finding.policy, ()):
                winner, loser = (b, a) if other.finding.severity > one.finding.severity else (a, b)
                hidden_by.setdefault(loser, winner)
    return [
        _with_hidden(each, [group[loser] for loser in hidden_by if _winner(loser, hidden_by) == index])
        for index, each in enumerate(group)
        if index not in hidden_by
    ]


def _winner(loser: int, hidden_by: Mapping[int, int]) -> int:
    """Who is shown in the end. Each step goes to a stronger or subsuming finding; a circle of policies ends it."""
    seen = {loser}
    while loser in hidden_by and hidden_by[loser] not in seen:
        loser = hidden_by[loser]
        seen.add(loser)
    return loser


def _with_hidden(shown: Found, hidden: list[Found]) -> Found:
    if not hidden:
        return shown
    finding = shown.finding
    also = tuple(f"also {each.finding.policy}: {each.finding.message}" for each in hidden)
    theirs = tuple(
        RelatedPlace(each.finding.place, f"{each.finding.policy}: {each.title}")
        for each in hidden
        if each.finding.place is not None
    )
    related = places.once(finding.place, (*finding.related, *theirs))
    below = tuple(each.finding for each in hidden)
    return replace(shown, finding=replace(finding, notes=(*finding.notes, *also), related=related, subsumed=below))


# -- contexts ----------------------------------------------------------------------------------------------------------


def over_contexts(judged: list[Judged]) -> tuple[list[Found], list[Undecided], set[tuple[str, str]]]:
    """Findings, undecided checks and the clear ones: a fault in any context is a finding, which names its
    contexts when there are others; what is clear in all is passed."""
    labels = [each.context for each in judged]
    found = grouped(
        ((each.context, one) for each in judged for one in each.found),
        lambda pair: (pair[1].check, pair[1].finding.policy, pair[1].finding.sub_key, spot(pair[1].finding.place)),
    )
    findings = [_over_contexts(group, labels) for group in found]
    faults = {each.check for each in findings}
    undecided: dict[tuple[str, str], Undecided] = {}
    for each in judged:
        for key, entry in each.undecided.items():
            if key not in faults:
                undecided.setdefault(key, entry)
    clear = {key for each in judged for key in each.clear} - faults - undecided.keys()
    return findings, list(undecided.values()), clear


def _over_contexts(group: list[tuple[str, Found]], labels: list[str]) -> Found:
    context, main = max(group, key=lambda pair: pair[1].finding.severity)
    if len(labels) == 1:
        return main
    names = [name for name, _ in group]
    finding = replace(main.finding, contexts=() if len(names) == len(labels) else tuple(names))
    others = tuple(
        RelatedPlace(other.finding.fix_at, f"value in {name}")
        for name, other in group
        if name != context and other.finding.fix_at is not None
        if spot(other.finding.fix_at) != spot(finding.fix_at)
    )
    return replace(main, finding=replace(finding, related=places.once(finding.place, (*finding.related, *others))))


# -- instances ---------------------------------------------------------------------------------------------------------


def over_instances(found: list[Found]) -> list[Finding]:
    """Instances of one loop, and callers of one module, in one finding that lists them."""
    groups = grouped(found, lambda each: _cause(each.finding))
    return [_over_instances(group) for group in groups]


def _cause(finding: Finding) -> Hashable:
    if finding.policy == INTERNAL:
        return (finding.policy, finding.sub_key)
    if finding.place is None:
        return (finding.policy, finding.path, finding.address, finding.sub_key)
    somewhere = None if finding.exact else spot(finding.compiled)
    return (finding.policy, spot(finding.place), spot(finding.fix_at), somewhere)


def _over_instances(group: list[Found]) -> Finding:
    main = max(group, key=lambda each: each.finding.severity)
    if len(group) == 1:
        return main.finding
    addresses = tuple(dict.fromkeys(name for each in group for name in each.finding.addresses))
    contexts: tuple[str, ...] = ()
    if all(each.finding.contexts for each in group):
        contexts = tuple(dict.fromkeys(name for each in group for name in each.finding.contexts))
    shared = {each.group for each in group}
    several = len(addresses) > 1
    return replace(
        main.finding,
        address=main.group if several and main.group and len(shared) == 1 else main.finding.address,
        related=_all_related(main.finding, group),
        instances=addresses if several else (),
        contexts=contexts,
        roots=tuple(dict.fromkeys(root for each in group for root in each.finding.roots)),
        subsumed=tuple(over_instances([Found(below) for each in group for below in each.finding.subsumed])),
    )


def _all_related(main: Finding, group: list[Found]) -> tuple[RelatedPlace, ...]:
    """The related places; of a script that is read loose and in machines also what brings it there."""
    if not main.resource_type.startswith("guest/"):
        return main.related
    further = [place for each in group for place in each.finding.related]
    return places.once(main.place, (*main.related, *further))[: len(main.related) + places.MAX_HOPS]


# -- roots -------------------------------------------------------------------------------------------------------------


def combine(outcomes: Iterable[Outcome]) -> Outcome:
    """Several roots' outcomes as one: each finding once, though several roots reach it."""
    every = list(outcomes)
    found = _once_planned([finding for outcome in every for finding in outcome.findings])
    findings = over_instances(list(map(Found, found)))
    undecided = {(each.policy, each.address, each.cause): each for one in every for each in one.undecided}
    return Outcome(
        findings=sorted(findings, key=order),
        undecided=sorted(undecided.values(), key=lambda each: (each.policy, each.address, each.cause)),
        passed=sum(outcome.passed for outcome in every),
        resources=sum(outcome.resources for outcome in every),
        of_interest=sum(outcome.of_interest for outcome in every),
        machines=sum(outcome.machines for outcome in every),
        passes=sorted({check for outcome in every for check in outcome.passes}),
        notes=places.distinct(note for outcome in every for note in outcome.notes),
        statistics=merged(outcome.statistics for outcome in every),
    )


def _once_planned(findings: list[Finding]) -> list[Finding]:
    """The findings without those of plans that the configuration they were made of has too, at the same text."""
    if not any(each.dialect == PLAN for each in findings):
        return findings
    written = {(each.policy, spot(each.place)) for each in findings if each.dialect != PLAN and each.place is not None}
    return [each for each in findings if each.dialect != PLAN or (each.policy, spot(each.place)) not in written]


def order(finding: Finding) -> tuple[str, int, str, str, str]:
    """Findings are sorted by path, offset, policy; then by address."""
    offset = finding.place.locate().start if finding.place is not None else -1
    return (finding.path, offset, finding.policy, finding.address, finding.sub_key)


def once(notes: Iterable[Note]) -> list[Note]:
    """Each note once."""
    return places.distinct(notes)

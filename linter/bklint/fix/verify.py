"""The loop that mends: plan, edit in memory, read again, scan again; only what stands all tests is kept.

Many fixes are tried together and halved where they fail, so that one bad fix keeps no other from being made. Nothing is
written here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from typing import NamedTuple

from bklint.errors import InputError
from bklint.files import Reader, normalise
from bklint.finding import Finding, Report, Severity, lasting
from bklint.fix.edits import Edit, RefusedError, applied, united
from bklint.fix.gate import check
from bklint.fix.plan import Plan, Planner, Seen
from bklint.fix.repository import Edited
from bklint.policy.store import PolicySet
from bklint.records import dataclass, field
from bklint.source import Source

MAX_ROUNDS = 20
"""Most times that is planned anew; each round mends at least one finding."""

Statement = tuple[str, str, str]
"""Policy, file and text of a statement in a script."""

Sign = tuple[str, str, str, str]
"""Policy, address, sub-key and file: what a finding is recognised by while texts move."""


class Wanted(NamedTuple):
    """What may be changed: fixes that force replacement with `unsafe`; those of security also need their policy in
    `named`. `least` is the severity from which findings that are not named are mended."""

    unsafe: bool = False
    named: frozenset[str] = frozenset()
    least: Severity = Severity.WARNING

    def refusal(self, plan: Plan) -> str:
        """Why a plan may not be done; empty where it may."""
        if plan.safety == "replace" and not self.unsafe:
            return f"{plan.does} forces replacement: add --unsafe-fixes"
        if plan.safety == "security" and not (self.unsafe and plan.finding.policy in self.named):
            changed = f"changes a security control ({plan.control or 'see the fix'})"
            return f"{plan.does} {changed}: add --unsafe-fixes --select {plan.finding.policy}"
        return ""


class Left(NamedTuple):
    """A finding that was not mended, and why."""

    finding: Finding
    reason: str


@dataclass(slots=True)
class Fixed:
    """What came of it: the files with their content before and after, what was done and what was not. `unread`: an
    input that claims a dialect could not be read."""

    files: dict[str, tuple[bytes, bytes]] = field(default_factory=dict)
    done: list[Plan] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    unread: bool = False


class Bench(NamedTuple):
    """How a scan is done: the report of everything a reader gives, and the worlds of some of its roots."""

    scan: Callable[[Reader], Report]
    worlds: Callable[[Reader], Iterator[Seen]]
    policies: PolicySet


class Mending:
    """One run of fixes."""

    def __init__(self, bench: Bench, wanted: Wanted, reader: Reader) -> None:
        self._bench = bench
        self._wanted = wanted
        self._texts = Edited(reader, {})
        self._refused: dict[Sign, Left] = {}
        self._notes: dict[str, None] = {}
        self._done: list[Plan] = []
        self._report = Report()

    def run(self) -> None:
        """Mend what can be mended."""
        self._report = self._bench.scan(self._texts)
        for _ in range(MAX_ROUNDS):
            plans = self._plans()
            if not plans or not self._attempt(plans):
                break

    def note(self, message: str) -> None:
        """Say something."""
        self._notes[message] = None

    def result(self) -> Fixed:
        """What has been mended so far."""
        there = signs(self._report.findings)
        texts, left = self._texts, [each for each in self._refused.values() if signs([each.finding]) & there]
        files = {name: (texts.original(name), data) for name, data in texts.texts.items()}
        return Fixed(files, self._done, left, list(self._notes), self._report.unread_claimed)

    def _plans(self) -> list[Plan]:
        """The plans that may be done together; those that stand in the way of an earlier one wait for another round."""
        open_ = [each for each in self._report.findings if self._concerns(each)]
        planner = Planner(open_, self._bench.policies, self._texts)
        if any(self._bench.policies.by_id(each.policy) for each in open_):
            for seen in self._bench.worlds(self._texts):
                planner.look(seen)
        made, left = planner.plans()
        for finding, reason in left:
            self._refuse(finding, reason)
        fit: list[Plan] = []
        for plan in made:
            reason = self._wanted.refusal(plan)
            if reason:
                self._refuse(plan.finding, reason)
            elif _compatible([*fit, plan]):
                fit.append(plan)
        return fit

    def _concerns(self, finding: Finding) -> bool:
        shown = finding.severity >= self._wanted.least or finding.policy in self._wanted.named
        return shown and not any(sign in self._refused for sign in signs([finding]))

    def _refuse(self, finding: Finding, reason: str) -> None:
        for sign in signs([finding]):
            self._refused[sign] = Left(finding, reason)

    def _forget(self, changed: Container[str]) -> None:
        """Ask again for what was refused in scripts that have changed: their statements are known by their lines."""
        for sign, left in list(self._refused.items()):
            if left.finding.resource_type.startswith("guest/") and normalise(left.finding.path) in changed:
                del self._refused[sign]

    def _attempt(self, plans: Sequence[Plan]) -> bool:
        """Do the plans, or as many of them as stand the tests; whether anything was done or refused."""
        try:
            self._accept(plans)
            return True
        except RefusedError as refused:
            if len(plans) == 1:
                self._refuse(plans[0].finding, str(refused))
                return True
        half = len(plans) // 2
        done = len(self._done)
        self._attempt(plans[:half])
        return True if len(self._done) > done else self._attempt(plans[half:])

    def _accept(self, plans: Sequence[Plan]) -> None:
        """Take the plans over. Raises RefusedError and changes nothing where a test fails."""
        texts: dict[str, bytes] = {}
        notes = []
        for name, edits in _by_file(united(edit for plan in plans for edit in plan.edits)).items():
            before = edits[0].source
            after = Source(name, applied(before.data, edits))
            notes.append(check(before, after, edits))
            texts[normalise(name)] = after.data
        candidate = self._texts.with_texts(texts)
        report = self._bench.scan(candidate)
        _compare(self._report, report, plans, self._wanted.least)
        self._texts, self._report = candidate, report
        self._done.extend(plans)
        self._forget(texts)
        self._notes.update(dict.fromkeys(filter(None, notes)))


def _compatible(plans: Sequence[Plan]) -> bool:
    among = [plan.among for plan in plans if plan.among]
    try:
        united(edit for plan in plans for edit in plan.edits)
    except RefusedError:
        return False
    return len(among) == len(set(among))


def _by_file(edits: Iterable[Edit]) -> dict[str, list[Edit]]:
    found: dict[str, list[Edit]] = {}
    for edit in edits:
        found.setdefault(edit.name, []).append(edit)
    return found


def signs(findings: Iterable[Finding]) -> set[Sign]:
    """What findings are recognised by, one for each address."""
    return {(each.policy, address, each.sub_key, each.path) for each in findings for address in each.addresses}


def _marks(findings: Iterable[Finding]) -> Counter[Sign]:
    """What findings are recognised by when lines move, counted: of a statement in a script, what is said of it."""
    found: Counter[Sign] = Counter()
    for each in findings:
        key = each.message if each.resource_type.startswith("guest/") else each.sub_key
        found.update((each.policy, lasting(name, each.resource_type), key, each.path) for name in each.addresses)
    return found


def _compare(before: Report, after: Report, plans: Sequence[Plan], least: Severity) -> None:
    """Raises RefusedError where a finding is still there, a check is undecided now, or a new finding came up.

    What is left of an error as mere advice, below the severity that is mended, counts as gone; what a finding stood for
    is not new when it is told by itself, nor is another statement that it named as a part of the same.
    """
    parts = _parts(plans)
    were, are = _marks(before.findings), _marks(each for each in after.findings if _statement(each) not in parts)
    for plan in plans:
        level = min(least, plan.finding.severity)
        there = _marks(each for each in after.findings if each.severity >= level)
        many = _marks(each.finding for each in plans if each.finding.severity >= plan.finding.severity)
        if any(there[mark] > were[mark] - many[mark] for mark in _marks([plan.finding])):
            raise RefusedError("the fault would still be there")
    mended = signs(plan.finding for plan in plans)
    new = sorted(are - were - _marks(below for each in before.findings for below in each.subsumed))
    if new:
        raise RefusedError(f"{new[0][0]} would be reported on {new[0][1] or new[0][3]} then")
    asked = {sign[:2] for sign in mended} - {(each.policy, each.address) for each in before.undecided}
    if any((each.policy, each.address) in asked for each in after.undecided):
        raise RefusedError("it could not be decided any more whether the fault is gone")
    if after.files_unread > before.files_unread:
        raise RefusedError("a file could not be read any more")


def _parts(plans: Sequence[Plan]) -> set[Statement]:
    """The other statements that findings in scripts name."""
    return {
        (plan.finding.policy, place.source.name, place.text)
        for plan in plans
        if plan.finding.resource_type.startswith("guest/")
        for place in (each.place.locate() for each in plan.finding.related if each.kind == "point")
    }


def _statement(finding: Finding) -> Statement | None:
    if not finding.resource_type.startswith("guest/") or finding.place is None:
        return None
    place = finding.place.locate()
    return finding.policy, place.source.name, place.text


def changed_meanwhile(fixed: Fixed, reader: Reader) -> Iterator[str]:
    """The files that are not what they were when they were read."""
    for name, (before, _) in fixed.files.items():
        try:
            same = reader.read(name) == before
        except InputError:
            same = False
        if not same:
            yield name

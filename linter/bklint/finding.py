"""Findings and the report of a scan: what the engine makes and every reporter reads."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import IntEnum
from typing import NamedTuple

from bklint.decided import Statistics
from bklint.model.inventory import Note
from bklint.records import dataclass, field
from bklint.source import Locator


class Severity(IntEnum):
    """error: the documents say backup or restore fails, and the file proves the condition. warning: it can fail. info: advice."""

    INFO = 1
    WARNING = 2
    ERROR = 3

    @property
    def label(self) -> str:
        """`error`, `warning` or `info`."""
        return self.name.lower()

    @classmethod
    def of(cls, label: str) -> Severity:
        """The severity with that label. Raises KeyError."""
        return cls[label.upper()]


@dataclass(frozen=True, slots=True)
class RelatedPlace:
    """A further place that explains a finding, and what it is (`default of var.size`, `the disk is encrypted here`).

    `kind` is leaf (the text that decides), hop (a place the value came through) or point (what the policy adds).
    """

    place: Locator
    label: str
    kind: str = "point"


@dataclass(frozen=True, slots=True)
class FixText:
    """How to mend a fault: one sentence, and a snippet in the dialect of the file."""

    safety: str
    summary: str
    snippet: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """A fault of one resource, or an input that cannot be read (BKP900), or an internal error (BKP901).

    `place` is the expression at the place of use; `fix_at` the leaf literal to change, where it is another one. `path`
    is the file of `place` as displayed. `notice` is the first line that says a newer document changed the fact.
    `sub_key` tells two faults on one resource apart (rule name, LUN, property path). `header` is where the resource is
    declared, `roots` the root modules or templates it was found in; suppressions look at both. `advice` is what other
    tools ask for that speaks against the fix. `annotate` is the place
    that a change is at fault in, where that is not `place`: annotations of a pull request go there. `compiled` is the
    place in the compiled template where `place` is in its source, which is not `exact` where only the declaration is known.
    """

    policy: str
    name: str
    severity: Severity
    message: str
    path: str
    place: Locator | None
    address: str = ""
    resource_type: str = ""
    dialect: str = ""
    notice: str = ""
    why: str = ""
    errors: tuple[str, ...] = ()
    related: tuple[RelatedPlace, ...] = ()
    fix_at: Locator | None = None
    fix: FixText | None = None
    notes: tuple[str, ...] = ()
    advice: tuple[str, ...] = ()
    contexts: tuple[str, ...] = ()
    instances: tuple[str, ...] = ()
    sub_key: str = ""
    conditional: bool = False
    documents: tuple[str, ...] = ()
    header: Locator | None = None
    roots: tuple[str, ...] = ()
    annotate: Locator | None = None
    compiled: Locator | None = None
    exact: bool = True
    subsumed: tuple[Finding, ...] = ()
    """Findings of milder policies on the same resource that it stands for; they count where it is accepted."""

    @property
    def addresses(self) -> tuple[str, ...]:
        """Every address it is about: those of its instances, else its own."""
        return self.instances or (self.address,)

    @property
    def link(self) -> str:
        """The page of the resource it points at, where that was read from Azure."""
        return self.place.locate().source.link if self.place is not None else ""

    @property
    def paths(self) -> frozenset[str]:
        """The files of all its places."""
        places = (self.place, self.fix_at, *(related.place for related in self.related))
        return frozenset((self.path, *(place.locate().source.name for place in places if place is not None)))


_LINE = re.compile(r"(?: \([^()]*:\d+\)|\A.*:\d+)(?: #\d+)?\Z")


def lasting(address: str, resource_type: str) -> str:
    """An address without the file and line that statements of scripts are addressed by: the machine's, or nothing."""
    return _LINE.sub("", address) if resource_type.startswith("guest/") else address


class Key(NamedTuple):
    """What a fault is recognised by: no line number, so that it stays the same when lines move."""

    policy: str
    address: str
    sub_key: str
    path: str


def key_of(finding: Finding) -> Key:
    """The key of a finding; ids and addresses compare without case."""
    address = lasting(finding.address, finding.resource_type)
    return Key(finding.policy, address.casefold(), finding.sub_key.casefold(), finding.path)


def of_azure(path: str) -> bool:
    """Whether a finding's path is the id of a resource of Azure and no file."""
    return path.casefold().startswith(("/subscriptions/", "/providers/microsoft."))


def fingerprints(findings: Iterable[Finding]) -> list[str]:
    """One stable name for each finding: equal ones are told apart by their order."""
    import hashlib

    seen: dict[str, int] = {}
    names = []
    for finding in findings:
        text = "\0".join(key_of(finding))
        key = hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:32]
        seen[key] = seen.get(key, 0) + 1
        names.append(f"{key}:{seen[key]}")
    return names


@dataclass(frozen=True, slots=True)
class Accepted:
    """A finding that is known and does not count.

    `kind` is comment or configuration (suppressed there), baseline, or base (it was there before the change).
    """

    finding: Finding
    kind: str
    reason: str = ""

    @property
    def suppressed(self) -> bool:
        """Whether someone wrote down that it is accepted."""
        return self.kind in ("comment", "configuration")


class Gone(NamedTuple):
    """A finding of the baseline (or of the base of a change) that is no longer there."""

    policy: str
    address: str
    path: str
    message: str
    kind: str


@dataclass(frozen=True, slots=True)
class Undecided:
    """A check that could not be decided: which policy on which resource, and the root causes in the user's words.

    `header` is where the resource is declared.
    """

    policy: str
    address: str
    cause: str
    reason: str
    place: Locator | None
    hint: str = ""
    header: Locator | None = None


class Failure(NamedTuple):
    """A backup job that failed in Azure. `machine` is the id of the virtual machine, or its name where the id is not
    known. `entry` is what its code or message is in the knowledge base, `policies` are those behind it. `explained` are
    the findings of these on what concerns the machine, `others` further findings there: policy, address, message."""

    job: str
    machine: str
    operation: str
    started: str
    codes: tuple[str, ...]
    message: str
    entry: str
    policies: tuple[str, ...]
    explained: tuple[tuple[str, str, str], ...]
    others: tuple[tuple[str, str, str], ...]
    link: str = ""


class Estate(NamedTuple):
    """What was read from Azure: subscriptions, resources in them, and requests that this took."""

    subscriptions: int
    resources: int
    requests: int
    failures: tuple[Failure, ...] = ()


@dataclass(slots=True)
class Report:
    """Everything a scan has to say. Findings are sorted by (path, offset, policy)."""

    findings: tuple[Finding, ...] = ()
    undecided: tuple[Undecided, ...] = ()
    notes: tuple[Note, ...] = ()
    files_read: int = 0
    files_by_dialect: dict[str, int] = field(default_factory=dict)
    files_unread: int = 0
    files_skipped: tuple[str, ...] = ()
    resources: int = 0
    resources_of_interest: int = 0
    machines: int = 0
    checks_passed: int = 0
    passes: tuple[tuple[str, str], ...] = ()
    """Policy and address of each check that passed, where they were asked for."""
    hidden: int = 0
    """Findings below `--min-severity`."""
    unread_claimed: bool = False
    """Whether an input that claims a dialect, or was given by name, could not be read: exit status 3."""
    seconds: float = 0.0
    edition: str = "original"
    accepted: tuple[Accepted, ...] = ()
    """Findings that are known: suppressed, in the baseline, or older than the change."""
    gone: tuple[Gone, ...] = ()
    """Findings of the baseline, or of the base of the change, that are no longer there."""
    statistics: Statistics | None = None
    """How much of what policies read is decided, where that was asked for."""
    compared: bool = False
    """Whether findings were compared with a baseline or a base, so that those left are new."""
    estate: Estate | None = None
    """What was read from Azure, where that was asked for."""

"""Findings and the report of a scan: what the engine makes and every reporter reads."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

from bklint.model.inventory import Note
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
    """A further place that explains a finding, and what it is (`default of var.size`, `the disk is encrypted here`)."""

    place: Locator
    label: str


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
    `sub_key` tells two faults on one resource apart (rule name, LUN, property path).
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
    contexts: tuple[str, ...] = ()
    instances: tuple[str, ...] = ()
    sub_key: str = ""
    conditional: bool = False
    documents: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Undecided:
    """A check that could not be decided: which policy on which resource, and the root causes in the user's words."""

    policy: str
    address: str
    cause: str
    reason: str
    place: Locator | None
    hint: str = ""


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
    hidden: int = 0
    """Findings below `--min-severity`."""
    unread_claimed: bool = False
    """Whether an input that claims a dialect, or was given by name, could not be read: exit status 3."""
    seconds: float = 0.0
    edition: str = "original"

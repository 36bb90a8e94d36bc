"""What the engine is told, and what it answers for one root or, combined, for several."""

from __future__ import annotations

from collections.abc import Mapping

from bklint.decided import Statistics
from bklint.finding import Finding, Severity, Undecided
from bklint.model.inventory import Note
from bklint.records import dataclass, field


@dataclass(frozen=True, slots=True)
class Settings:
    """`parameters` are values of policy parameters by name, `severities` the user's severities by policy id.
    `only_protected` leaves out resources of machines that are not known to be backed up. `statistics` asks for them,
    `passes` for which checks passed."""

    edition: str = "original"
    parameters: Mapping[str, object] = field(default_factory=dict)
    severities: Mapping[str, Severity] = field(default_factory=dict)
    only_protected: bool = False
    statistics: bool = False
    passes: bool = False


@dataclass(slots=True)
class Outcome:
    """Findings and undecided checks, sorted, and the numbers of a summary.

    `passed` counts checks (one policy on one resource) that are clear in every context; `resources` those declared, and
    `of_interest` those of them that a policy looks at, itself or a part of it; `machines` the virtual machines.
    """

    findings: list[Finding] = field(default_factory=list)
    undecided: list[Undecided] = field(default_factory=list)
    passed: int = 0
    resources: int = 0
    of_interest: int = 0
    machines: int = 0
    passes: list[tuple[str, str]] = field(default_factory=list)
    """Policy and address of each passed check, where they were asked for."""
    notes: list[Note] = field(default_factory=list)
    statistics: Statistics | None = None

"""How much of what policies read could be read: the numbers of `--statistics`.

What is counted is an attribute: one property, which the model keeps because a policy or a fact reads it, of one instance
of a resource, in one input context. What the table of defaults fills in is nobody's attribute and does not count.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from bklint.records import dataclass, field


class Cause(NamedTuple):
    """The root of undecided attributes: why, and in the user's words what (`var.size`, `parameter 'zone'`)."""

    reason: str
    name: str


@dataclass(slots=True)
class Tally:
    """Attributes of one kind of input.

    `decided` are known, or known by identity (a reference to a declared resource, an id made of names); `absent` belong
    to resources that are certainly not created; `undecided` is by root cause.
    """

    decided: int = 0
    absent: int = 0
    undecided: Counter[Cause] = field(default_factory=Counter)

    @property
    def unknown(self) -> int:
        """How many are undecided."""
        return self.undecided.total()

    @property
    def total(self) -> int:
        """All that were counted."""
        return self.decided + self.absent + self.unknown

    @property
    def share(self) -> float | None:
        """The part that is decided or not created, from 0 to 1; None where nothing was counted."""
        return (self.decided + self.absent) / self.total if self.total else None

    def add(self, other: Tally) -> None:
        """Count another one's attributes too."""
        self.decided += other.decided
        self.absent += other.absent
        self.undecided.update(other.undecided)


@dataclass(slots=True)
class Statistics:
    """Tallies by the kind of input (`terraform`, `arm with a parameters file`)."""

    kinds: dict[str, Tally] = field(default_factory=dict)

    def of(self, kind: str) -> Tally:
        """The tally of a kind, made where there is none."""
        return self.kinds.setdefault(kind, Tally())

    def rows(self) -> Iterator[tuple[str, Tally]]:
        """Kind and tally in order, and last all of them where there are several."""
        kinds = sorted((kind, tally) for kind, tally in self.kinds.items() if tally.total)
        yield from kinds
        if len(kinds) > 1:
            whole = Tally()
            for _, tally in kinds:
                whole.add(tally)
            yield "all", whole

    def reasons(self) -> list[tuple[str, int]]:
        """Why attributes are undecided, most attributes first."""
        found: Counter[str] = Counter()
        for cause, number in self.causes():
            found[cause.reason] += number
        return sorted(found.items(), key=lambda row: (-row[1], row[0]))

    def causes(self) -> list[tuple[Cause, int]]:
        """Root causes of what is undecided, most attributes first."""
        found: Counter[Cause] = Counter()
        for tally in self.kinds.values():
            found.update(tally.undecided)
        return sorted(found.items(), key=lambda row: (-row[1], row[0]))


def merged(every: Iterable[Statistics | None]) -> Statistics | None:
    """Several roots' statistics as one; None where none were asked for."""
    asked = [one for one in every if one is not None]
    if not asked:
        return None
    found = Statistics()
    for one in asked:
        for kind, tally in one.kinds.items():
            found.of(kind).add(tally)
    return found

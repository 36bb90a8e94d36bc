"""Findings in compiled templates into findings in the Bicep source that lies beside them.

The place in the template stays as a related one. A place that is only known to be somewhere in a declaration is its
header; then `compiled` keeps findings apart that would otherwise point at the same text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bklint.engine.outcome import Outcome
from bklint.engine.places import once, spot
from bklint.finding import Finding, RelatedPlace, Undecided
from bklint.records import replace
from bklint.source import Locator, Place

if TYPE_CHECKING:
    from bklint.frontends.bicep import Originals

LABEL = "in the compiled template"


def in_source(outcome: Outcome, originals: Originals) -> Outcome:
    """The outcome with all places in compiled templates taken back to their source. Nothing is read for an outcome
    without findings."""
    outcome.findings = [_with_subsumed(each, originals) for each in outcome.findings]
    outcome.undecided = [_undecided(each, originals) for each in outcome.undecided]
    return outcome


def _with_subsumed(finding: Finding, originals: Originals) -> Finding:
    shown = _shown(finding, originals)
    below = tuple(_with_subsumed(each, originals) for each in finding.subsumed)
    return replace(shown, subsumed=below) if below else shown


class Later(NamedTuple):
    """A place that is taken back to its source when it is asked for."""

    place: Locator
    originals: Originals

    def locate(self) -> Place:
        """See Locator."""
        return back(self.place, self.originals)


def back(place: Locator, originals: Originals) -> Place:
    """The place in the source, else the place itself."""
    here = place.locate()
    found = originals.of(here)
    return here if found is None else found.place


def _shown(finding: Finding, originals: Originals) -> Finding:
    main = finding.place.locate() if finding.place is not None else None
    found = originals.of(main) if main is not None else None
    related = tuple(replace(each, place=back(each.place, originals)) for each in finding.related)
    header = back(finding.header, originals) if finding.header is not None else None
    if main is None or found is None:
        fix_at = back(finding.fix_at, originals) if finding.fix_at is not None else None
        return replace(finding, related=related, fix_at=fix_at, header=header)
    fix_at = back(finding.fix_at, originals) if finding.fix_at is not None else None
    compiled = (RelatedPlace(main, LABEL, "compiled"),) if originals.shown(main) else ()
    return replace(
        finding,
        place=found.place,
        path=found.place.source.name,
        related=once(found.place, (*related, *compiled)),
        fix_at=None if spot(fix_at) == spot(found.place) else fix_at,
        header=header,
        dialect="bicep" if finding.dialect == "arm" else finding.dialect,
        compiled=main,
        exact=found.exact,
    )


def _undecided(check: Undecided, originals: Originals) -> Undecided:
    place = Later(check.place, originals) if check.place is not None else None
    header = Later(check.header, originals) if check.header is not None else None
    return replace(check, place=place, header=header)

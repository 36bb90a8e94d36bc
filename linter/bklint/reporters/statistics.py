"""The table of `--statistics`: how much of what policies read is decided, and what keeps the rest."""

from __future__ import annotations

from collections.abc import Iterator

from bklint.decided import Statistics
from bklint.reporters import Style, mask

CAUSES = 20
"""Root causes that are listed without `--verbose`."""


def table(statistics: Statistics, style: Style) -> Iterator[str]:
    """The lines of the table."""
    rows = list(statistics.rows())
    if not rows:
        yield "attributes read by policies: none"
        return
    width = max(len(kind) for kind, _ in rows)
    yield "attributes that policies read, as far as they are written; share: decided or not created"
    yield f"{'':{width}}  {'decided':>8}  {'not created':>11}  {'undecided':>9}  {'share':>7}"
    for kind, tally in rows:
        share = f"{tally.share:.1%}" if tally.share is not None else ""
        yield f"{kind:{width}}  {tally.decided:>8}  {tally.absent:>11}  {tally.unknown:>9}  {share:>7}"
    reasons = statistics.reasons()
    if reasons:
        yield "undecided because"
        yield from (f"{number:>8}  {reason}" for reason, number in reasons)
        causes = statistics.causes()
        listed = causes if style.verbose else causes[:CAUSES]
        yield "root causes"
        yield from (f"{number:>8}  {mask.escaped(cause.name or cause.reason)}" for cause, number in listed)
        if len(causes) > len(listed):
            rest = sum(number for _, number in causes[len(listed) :])
            yield f"{rest:>8}  {len(causes) - len(listed)} others; list them with --verbose"

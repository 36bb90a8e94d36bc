"""`--fix` and `--diff`: what fixes make of the files, written or shown, and what is said of it.

The diff goes to standard output and can be handed to `git apply`; everything that is said, and the snippets of what
takes a decision, to standard error.
"""

from __future__ import annotations

import os
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from bklint import run
from bklint.files import Reader, write_atomically
from bklint.finding import Finding, Severity
from bklint.fix.plan import Plan
from bklint.fix.verify import Fixed, Left, Wanted, changed_meanwhile
from bklint.policy.store import PolicySet
from bklint.replacing import take_away_leftovers
from bklint.reporters import mask
from bklint.reporters.diff import file_diff
from bklint.run import ScanOptions


class Said(NamedTuple):
    """What goes to standard output and standard error, and the exit status; None where a report is to follow."""

    output: str
    errors: str
    code: int | None = None


def mend(
    paths: Sequence[str], options: ScanOptions, policies: PolicySet, selected: Iterable[str], unsafe: bool, write: bool
) -> Said:
    """Mend, or show what would be mended. `selected` are the words of `--select`. Raises UsageError."""
    wanted = Wanted(unsafe, named(selected, policies), options.min_severity)
    fixed = run.fixed(paths, options, policies, wanted)
    if not write:
        code = 3 if fixed.unread else 1 if fixed.files else 0
        return Said(diff(fixed), "".join(f"{line}\n" for line in told(fixed, "would fix")), code)
    take_away_leftovers(os.path.dirname(name) for name in (*fixed.files, *(each.finding.path for each in fixed.left)))
    failures = list(_written(fixed, run.disk_reader(paths, options)))
    errors = [*told(fixed, "fixed", snippets=False), *failures]
    return Said("", "".join(f"{line}\n" for line in errors), 3 if failures else None)


def named(selected: Iterable[str], policies: PolicySet) -> frozenset[str]:
    """The policies that are selected one by one, by id or name; a glob or an area names none."""
    given = {word.casefold() for word in selected}
    return frozenset(each.id for each in policies if given & {each.id.casefold(), each.name.casefold()})


def diff(fixed: Fixed) -> str:
    """All files' diffs, by name."""
    return "".join(
        file_diff(name, before, after, [_heading(plan) for plan in fixed.done if _touches(plan, name)])
        for name, (before, after) in sorted(fixed.files.items())
    )


def _touches(plan: Plan, name: str) -> bool:
    return any(edit.name == name for edit in plan.edits)


def _heading(plan: Plan) -> str:
    finding = plan.finding
    changes = f"; changes a security control: {plan.control}" if plan.control else ""
    replaced = "; the resource is replaced when this is applied" if plan.replaces else ""
    return f"{finding.policy} {finding.address}: {plan.does}{changes}{replaced}"


def told(fixed: Fixed, verb: str, snippets: bool = True) -> Iterator[str]:
    """The lines that say what was done and what was not, with the snippets of what is left to people."""
    for note in fixed.notes:
        yield f"note: {mask.escaped(note)}"
    left = _once(fixed.left)
    for each in left:
        yield f"not applied: {_where(each.finding)}: {mask.escaped(mask.masked(each.reason))}"
    if snippets:
        yield from _snippets(each.finding for each in left)
    count = len(fixed.done)
    files = f" in {len(fixed.files)} file{'s' if len(fixed.files) != 1 else ''}" if count else ""
    yield f"{verb} {count} finding{'s' if count != 1 else ''}{files}; {len(left)} left"


def _once(left: Iterable[Left]) -> list[Left]:
    found = {(each.finding.policy, each.finding.address, each.finding.sub_key): each for each in left}
    return sorted(found.values(), key=lambda each: (each.finding.path, each.finding.policy, each.finding.address))


def _where(finding: Finding) -> str:
    place = finding.place.locate() if finding.place is not None else None
    line = f":{place.position.line}" if place is not None else ""
    return f"{mask.escaped(finding.path)}{line}: {finding.policy} {mask.escaped(finding.address)}"


def _snippets(findings: Iterable[Finding]) -> Iterator[str]:
    """The fix texts of what was not done, each once."""
    seen: set[tuple[str, str]] = set()
    for finding in findings:
        fix = finding.fix
        if fix is None or finding.severity < Severity.WARNING or (finding.policy, fix.snippet) in seen:
            continue
        seen.add((finding.policy, fix.snippet))
        yield ""
        yield f"{finding.policy}: {' '.join(fix.summary.split())}"
        if fix.snippet.strip():
            yield textwrap.indent(mask.escaped(textwrap.dedent(fix.snippet).strip("\n"), keep="\n\t"), "    ")


def _written(fixed: Fixed, reader: Reader) -> Iterator[str]:
    """Write every file; the reasons for those that were not."""
    stale = set(changed_meanwhile(fixed, reader))
    for name, (_, after) in sorted(fixed.files.items()):
        if name in stale:
            yield f"not written: {mask.escaped(name)} was changed meanwhile"
            continue
        try:
            write_atomically(name, after)
        except OSError as error:
            yield f"not written: {mask.escaped(name)}: {error.strerror or error}"

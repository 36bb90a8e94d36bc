"""Findings into those that count: configuration, suppressions, baseline, the change; and those that are known.

The order matters: what is left out is no more suppressed than it is new, and a suppressed finding needs no entry in a
baseline. Severity hides last, so that a suppression of a finding that is not shown is not called unused.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import TYPE_CHECKING

from bklint import baseline, limits
from bklint.baseline import Entry, View
from bklint.choices import Choices
from bklint.directives import MARK, Directive, directives
from bklint.discover import Inputs
from bklint.errors import InputError
from bklint.files import Reader, normalise
from bklint.finding import Accepted, Finding, Gone, Report, Undecided, of_azure
from bklint.policy.store import RESERVED, PolicySet
from bklint.records import dataclass, field, replace
from bklint.source import Locator, Source
from bklint.suppress import NAMES as NOTICES
from bklint.suppress import NEVER, Rules, Scope, apply

if TYPE_CHECKING:
    from bklint.revision import Revision
    from bklint.run import ScanOptions

COMMENTED = ("terraform", "tfvars", "arm", "parameters", "bicep", "compiled", "nsg", "guest")
"""Kinds of file in which suppressions may stand."""

MAX_COMPARED = 5000
"""Longest file, in lines, whose changed lines are found by their order and not only by their text."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a scan found, and the checks it could not decide."""

    findings: Sequence[Finding]
    undecided: Sequence[Undecided]


@dataclass(slots=True)
class Sifted:
    """The findings that count, those that are known, what is gone, and how many are below the severity shown."""

    findings: list[Finding] = field(default_factory=list)
    accepted: list[Accepted] = field(default_factory=list)
    gone: list[Gone] = field(default_factory=list)
    hidden: int = 0


class Sieve:
    """Everything that decides which findings count. `policies` are those that were asked; `base` and `old` are the
    tree and the report from before the change."""

    def __init__(
        self,
        paths: Sequence[str],
        options: ScanOptions,
        policies: PolicySet,
        choices: Choices,
        reader: Reader,
        found: Inputs,
        base: Revision | None = None,
        old: Report | None = None,
    ) -> None:
        self._paths = paths
        self._options = options
        self._choices = choices
        self._reader = reader
        self._listing = found.listing
        self._base = base
        self._old = old
        self._policies = policies
        asked = (policy for policy in policies if options.edition not in policy.disabled)
        notices = NOTICES if options.suppressions else ()
        self.gaps = False
        """Whether a part of Azure was not read: then nothing there is gone because it was not found."""
        self._judged = frozenset((*(policy.id for policy in asked), "BKP900", "BKP902", *notices))

    @property
    def compares(self) -> bool:
        """Whether there is something to compare with."""
        return bool(self._options.baseline) or self._old is not None

    def sift(self, found: Found) -> Sifted:
        """The findings that count, and what became of the others."""
        self.gaps = has_gaps(found.findings)
        sifted = Sifted()
        left = list(self._reported(filter(None, map(self._choices.chosen, found.findings))))
        left = self._suppressed(left, found, sifted)
        left = self._new(left, found, sifted)
        sifted.findings = [each for each in left if each.severity >= self._options.min_severity]
        sifted.hidden = len(left) - len(sifted.findings)
        return sifted

    def _reported(self, findings: Iterable[Finding]) -> Iterator[Finding]:
        """The findings that the files named have a part in."""
        only = {normalise(path) for path in self._options.report_only}
        return (each for each in findings if not only or not only.isdisjoint(each.paths))

    # -- suppressions --------------------------------------------------------------------------------------------

    def _suppressed(self, findings: list[Finding], found: Found, sifted: Sifted) -> list[Finding]:
        if not self._options.suppressions:
            return findings
        scope = Scope(self._reader, self._choices.config.relative)
        written = self._directives(findings)
        result = apply(findings, found.undecided, written, self._choices.accepts, self._rules(), scope)
        sifted.accepted += result.accepted
        return [*result.kept, *self._reported(filter(None, map(self._choices.chosen, result.notices)))]

    def _rules(self) -> Rules:
        options, inputs = self._options, self._options.inputs
        known = {word.casefold(): each.id for each in self._policies.everything for word in (each.id, each.name)}
        known |= {id_.casefold(): id_ for id_ in RESERVED if id_ not in NEVER}
        narrowed = (inputs.variables, inputs.var_files, inputs.parameter_files, options.report_only)
        return Rules(
            known=known,
            judged=self._judged,
            today=options.today or date.today(),
            require_reason=options.config.require_reason,
            unused=not any(narrowed) and not options.only_protected,
        )

    def _directives(self, findings: Iterable[Finding]) -> Iterator[Directive]:
        """The suppressions in what was scanned and in what findings point at."""
        listed = (path for path, kind in self._listing if kind in COMMENTED)
        pointed = (path for finding in findings for path in sorted(finding.paths))
        for path in dict.fromkeys((*listed, *pointed)):
            try:
                data = self._reader.head(path, limits.value("file_bytes"))
                if MARK in data:
                    yield from directives(Source.of(path, data))
            except InputError:
                continue

    # -- what is known -------------------------------------------------------------------------------------------

    def _new(self, findings: list[Finding], found: Found, sifted: Sifted) -> list[Finding]:
        """The findings without those of the baseline, and without those from before the change."""
        if self._options.baseline:
            entries = baseline.load(self._options.baseline)
            view = self.view(self._options.baseline)
            findings = self._compared(findings, entries, "baseline", view, found, sifted)
        if self._old is not None:
            entries = tuple(baseline.entry_of(each, each.path) for each in self._old.findings)
            view = View(lambda path: path, self._reader.exists, self._moves())
            findings = self._compared(findings, entries, "base", view, found, sifted)
            findings = [self._annotated(each) for each in findings]
        return findings

    def _compared(
        self, findings: list[Finding], entries: Sequence[Entry], kind: str, view: View, found: Found, sifted: Sifted
    ) -> list[Finding]:
        matched = baseline.match(entries, findings, view)
        known = ((finding, entry) for finding, entry in matched.known if entry is not None)
        sifted.accepted += [Accepted(finding, kind, entry.reason) for finding, entry in known]
        seen = self.seen(found.undecided, kind)
        suppressed = [each.finding for each in sifted.accepted if each.suppressed]
        left = baseline.match(matched.left, suppressed, view).left
        sifted.gone += baseline.gone(left, kind, seen)
        return [finding for finding, entry in matched.known if entry is None]

    def view(self, file: str) -> View:
        """How the entries of a baseline file are compared."""
        directory = posixpath.dirname(normalise(file)) or "."

        def relative(shown: str) -> str:
            if of_azure(shown):
                return shown
            return os.path.relpath(shown, directory).replace(os.sep, "/")

        def exists(entry: str) -> bool:
            return of_azure(entry) or self._reader.exists(normalise(os.path.relpath(os.path.join(directory, entry))))

        return View(relative, exists, self._moves())

    def _moves(self) -> list[baseline.Move]:
        paths = [path for path, kind in self._listing if kind == "terraform"]
        return baseline.moves(paths, self._reader)

    def seen(self, undecided: Sequence[Undecided], kind: str) -> baseline.Seen:
        """Whether this scan would have found an entry of a baseline (or of the base)."""
        directory = posixpath.dirname(self._options.baseline) if kind == "baseline" else ""
        only = {normalise(path) for path in self._options.report_only}
        tops = [os.path.abspath(path) for path in self._paths]

        def inside(path: str) -> bool:
            if of_azure(path):
                return self._read_in_azure(path)
            shown = normalise(os.path.relpath(os.path.join(directory, path)))
            whole = os.path.abspath(shown)
            below = any(whole == top or whole.startswith(top.rstrip(os.sep) + os.sep) for top in tops)
            return below and (not only or shown in only) and not self._choices.config.excludes(shown)

        return baseline.seen_by(self._judged, undecided, inside)

    def _read_in_azure(self, identity: str) -> bool:
        """Whether this scan looked at a resource of Azure, were it there. With files it looks at what these meet only."""
        live = self._options.live
        return live is not None and not self._paths and not self.gaps and live.covers(identity)

    # -- where a change is at fault ------------------------------------------------------------------------------

    def _annotated(self, finding: Finding) -> Finding:
        """The finding with the place that was changed, where it points at text that was not."""
        if finding.place is None or self._is_changed(finding.place):
            return finding
        order = {"leaf": 0, "hop": 1}
        related = sorted(finding.related, key=lambda each: order.get(each.kind, 2))
        places = [each for each in (finding.fix_at, *(each.place for each in related)) if each is not None]
        changed = next((place for place in places if self._is_changed(place)), None)
        return finding if changed is None else replace(finding, annotate=changed)

    def _is_changed(self, locator: Locator) -> bool:
        place = locator.locate()
        first, last = place.position.line, place.end_position.line
        changed = self._changed(place.source)
        return any(line in changed for line in range(first, last + 1))

    def _changed(self, source: Source) -> frozenset[int]:
        """The lines of a file that are not as they were."""
        assert self._base is not None
        try:
            before = self._base.read(source.name)
        except InputError:
            before = b""
        return changed_lines(before, source.data)


def has_gaps(findings: Iterable[Finding]) -> bool:
    """Whether findings tell that a part of Azure was not read."""
    return any(each.policy == "BKP900" and of_azure(each.path) for each in findings)


def changed_lines(before: bytes, after: bytes) -> frozenset[int]:
    """The 1-based lines of a text that another one does not have."""
    from difflib import SequenceMatcher

    old, new = before.splitlines(), after.splitlines()
    if max(len(old), len(new)) > MAX_COMPARED:
        known = set(old)
        return frozenset(number for number, line in enumerate(new, 1) if line not in known)
    blocks = SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    return frozenset(line + 1 for tag, _, _, start, end in blocks if tag != "equal" for line in range(start, end))

"""A report into Markdown: the comment on a pull request, and the summary of a GitHub job.

Where the report is a comparison, findings are new, fixed or unchanged. What comes from scanned files stands in table
cells only, in code spans or with references in place of signs, so that it can make no link, mention or HTML. What goes
beyond the size that the place takes is counted instead: GitHub refuses comments above 65,536 characters, and a job
summary above 1 MiB as a whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from bklint.finding import Failure, Finding, Gone, Report, Severity
from bklint.reporters import Style, mask
from bklint.reporters.excerpt import location
from bklint.reporters.mask import presentable
from bklint.reporters.places import annotated, places
from bklint.reporters.text import cause, counted, headline, jobs, known, reasons, work

MARKER = "<!-- bklint -->"
"""The first line: what finds the comment of an earlier run again."""

COMMENT = 60_000
"""Most bytes of a comment."""

SUMMARY = 900_000
"""Most bytes of a job summary."""

RESERVE = 400
"""Bytes kept for each table that follows without a row."""

Row = tuple[str, ...]


def report(report: Report, style: Style) -> str:
    """See the module."""
    return _page(report, style, COMMENT)


def summary(report: Report, style: Style) -> str:
    """The job summary of a report that was not made presentable yet."""
    return _page(presentable(report), style, SUMMARY)


def _page(report: Report, style: Style, limit: int) -> str:
    counts = _counts(report)
    lines = [MARKER, f"## bklint: {_title(report)}", "", *([counts, ""] if counts else [])]
    done = work(report)
    room = limit - _size(f"{done}\n") - sum(_size(line) + 1 for line in lines)
    for table in _tables(report):
        shown = _shown(table, room)
        room -= sum(_size(line) + 1 for line in shown)
        lines += shown
    return "\n".join([*lines, done]) + "\n"


def _title(report: Report) -> str:
    new = "new " if report.compared else ""
    return counted(len(report.findings), f"{new}finding") if report.findings else f"no {new}findings"


def _counts(report: Report) -> str:
    parts = []
    for severity in sorted(Severity, reverse=True):
        number = sum(finding.severity is severity for finding in report.findings)
        if number:
            parts.append(f"{number} info" if severity is Severity.INFO else counted(number, severity.label))
    fixed = sum(each.kind == "base" for each in report.gone)
    parts += [f"{fixed} fixed"] if fixed else []
    parts += [f"{number} {name}" for name, number in known(report).items() if number]
    parts += [f"{report.hidden} below `--min-severity`"] if report.hidden else []
    return f"**{' · '.join(parts)}**" if parts else ""


# -- tables --------------------------------------------------------------------------------------------------------

FINDINGS: Row = ("severity", "policy", "what", "where")
GONE: Row = ("policy", "what", "where")


class _Table(NamedTuple):
    """Rows under a heading, or folded away behind their number."""

    title: str
    header: Row
    rows: Sequence[Row]
    folded: bool = False


def _tables(report: Report) -> Iterator[_Table]:
    fixed = [_gone(each) for each in report.gone if each.kind == "base"]
    recorded = [_gone(each) for each in report.gone if each.kind == "baseline"]
    same = [each.finding for each in report.accepted if not each.suppressed]
    yield _Table("New" if report.compared else "", FINDINGS, _ordered(report.findings))
    yield _Table("Fixed", GONE, fixed)
    yield _Table("Fixed, still in the baseline", GONE, recorded)
    yield _Table(f"{len(same)} unchanged", FINDINGS, _ordered(same), folded=True)
    failures = report.estate.failures if report.estate is not None else ()
    failed = [_failure(each) for each in failures]
    yield _Table(f"Failed backup jobs: {jobs(failures)}", ("started", "machine", "error", "explained by"), failed)
    told = f"{len(report.undecided)} undecided"
    yield _Table(told, ("checks", "not known", "what helps"), _undecided(report), folded=True)
    unread = [(prose(note.kind), prose(note.message)) for note in report.notes if note.strict]
    yield _Table(f"{len(unread)} not read", ("kind", "note"), unread, folded=True)


def _shown(table: _Table, room: int) -> list[str]:
    """A table with as many rows as there is room for, nothing where it has none."""
    if not table.rows:
        return []
    before, after = ([f"### {table.title}", ""] if table.title else []), [""]
    if table.folded:
        before, after = ["<details>", f"<summary>{table.title}</summary>", ""], ["", "</details>", ""]
    lines = [*before, _row(table.header), _row(("---",) * len(table.header))]
    room -= sum(_size(line) + 1 for line in (*lines, *after)) + RESERVE
    for number, row in enumerate(table.rows):
        line = _row(row)
        room -= _size(line) + 1
        if room < 0:
            after = ["", f"{counted(len(table.rows) - number, 'more row')} left out: too long for this page.", *after]
            break
        lines.append(line)
    return [*lines, *after]


def _row(cells: Row) -> str:
    return f"| {' | '.join(cells)} |"


def _ordered(findings: Iterable[Finding]) -> list[Row]:
    """The rows of findings, gravest first."""
    return [_finding(finding) for finding in sorted(findings, key=lambda finding: -finding.severity)]


def _finding(finding: Finding) -> Row:
    primary, _ = annotated(finding, places(finding))
    where = mask.escaped(finding.path) if primary is None else location(primary.place)
    what = prose(headline(finding))
    if finding.fix is not None and finding.fix.summary:
        what += f"<br>**Fix:** {prose(' '.join(finding.fix.summary.split()))}"
    told = (where,) if where.startswith(finding.address) else (where, finding.address)
    spots = [code(text) for text in told if text]
    if finding.link:
        spots.append(f"[portal](<{finding.link}>)")
    return finding.severity.label, f"{code(finding.policy)} {prose(finding.name)}", what, "<br>".join(spots)


def _failure(failure: Failure) -> Row:
    codes = ", ".join(code(each) for each in failure.codes) or "none"
    told = "<br>".join(prose(line) for line in reasons(failure))
    return prose(failure.started[:16]), code(failure.machine), codes, told


def _gone(gone: Gone) -> Row:
    spots = [code(text) for text in (mask.escaped(gone.path), gone.address) if text]
    return code(gone.policy), prose(gone.message), "<br>".join(spots)


def _undecided(report: Report) -> list[Row]:
    """What could not be decided, by cause, most first."""
    counts: dict[tuple[str, str], int] = {}
    for check in report.undecided:
        key = (cause(check), check.hint)
        counts[key] = counts.get(key, 0) + 1
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [(str(number), prose(what), prose(hint)) for (what, hint), number in ordered]


# -- text ----------------------------------------------------------------------------------------------------------

_SIGNS = re.compile(r"[\\`*{}\[\]<>#+!|&~$^]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|:(?=\S)|(?i:(?<=www)\.)")


def prose(text: str) -> str:
    """Text that shows as it is: nothing in it is Markdown, HTML, a link or a mention."""
    return _SIGNS.sub(_reference, text).replace("@", "@<!-- -->").replace("&#35;", "&#35;<!-- -->").replace("\n", " ")


def code(text: str) -> str:
    """Text as code. The signs that could end a span or a cell take references."""
    if not set(text) & set("`|\\\n") and text == text.strip() and "##" not in text:
        return f"`{text}`"
    return f"<code>{prose(text)}</code>"


def _reference(match: re.Match[str]) -> str:
    return f"&#{ord(match[0])};"


def _size(text: str) -> int:
    return len(text.encode("utf-8", "backslashreplace"))

"""A report into Markdown: the comment on a pull request, and the summary of a GitHub job.

Where the report is a comparison, findings are new, fixed or unchanged. What comes from scanned files stands in table
cells only, in code spans or with references in place of signs, so that it can make no link, mention or HTML. What goes
beyond the size that the place takes is counted instead: GitHub refuses comments above 65,536 characters, and a job
summary above 1 MiB as a whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from bklint.finding import Finding, Gone, Report, Severity
from bklint.reporters import Style, mask
from bklint.reporters.excerpt import location
from bklint.reporters.mask import presentable
from bklint.reporters.places import annotated, places
from bklint.reporters.text import cause, counted, headline, known

MARKER = "<!-- bklint -->"
"""The first line: what finds the comment of an earlier run again."""

COMMENT = 60_000
"""Most bytes of a comment."""

SUMMARY = 900_000
"""Most bytes of a job summary."""

CAUSES = 10
"""Causes of undecided checks that are listed."""

Row = tuple[str, ...]


def report(report: Report, style: Style) -> str:
    """See the module."""
    return _page(report, style, COMMENT)


def summary(report: Report, style: Style) -> str:
    """The job summary of a report that was not made presentable yet."""
    return _page(presentable(report), style, SUMMARY)


def _page(report: Report, style: Style, limit: int) -> str:
    head = [MARKER, f"## bklint: {_title(report)}", "", _counts(report), ""]
    tail = [*_undecided(report), *_notes(report), _work(report)]
    room = limit - _size("\n".join([*head, *tail])) - 1000
    fixed = [each for each in report.gone if each.kind == "base"]
    recorded = [each for each in report.gone if each.kind == "baseline"]
    same = [each.finding for each in report.accepted if not each.suppressed]
    tables: list[tuple[str, Row, Iterable[Row], int]] = [
        ("New" if report.compared else "", FINDINGS, map(_finding, _ordered(report.findings)), len(report.findings)),
        ("Fixed", GONE, map(_gone, fixed), len(fixed)),
        ("Fixed, still in the baseline", GONE, map(_gone, recorded), len(recorded)),
        ("Unchanged", FINDINGS, map(_finding, _ordered(same)), len(same)),
    ]
    body: list[str] = []
    for title, header, rows, number in tables:
        if number:
            lines = _table(title, header, rows, number, room)
            room -= _size("\n".join(lines))
            body += lines
    return "\n".join([*head, *body, *tail]) + "\n"


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
    return f"**{' · '.join(parts)}**" if parts else "Nothing that would break Azure VM backup."


def _work(report: Report) -> str:
    undecided = f", {len(report.undecided)} undecided" if report.undecided else ""
    return (
        f"{counted(report.files_read, 'file')}, {counted(report.resources, 'resource')} "
        f"({report.resources_of_interest} of interest), {counted(report.machines, 'machine')}: "
        f"{counted(report.checks_passed, 'check')} passed{undecided}"
    )


# -- tables --------------------------------------------------------------------------------------------------------

FINDINGS: Row = ("severity", "policy", "what", "where")
GONE: Row = ("policy", "what", "where")


def _table(title: str, header: Row, rows: Iterable[Row], number: int, room: int) -> list[str]:
    """A table with as many rows as there is room for; unchanged findings are folded away."""
    before = [f"### {title}", ""] if title else []
    after = [""]
    if title == "Unchanged":
        before = ["<details>", f"<summary>{number} unchanged</summary>", ""]
        after = ["", "</details>", ""]
    lines = [_row(header), _row(("---",) * len(header))]
    for done, row in enumerate(rows):
        line = _row(row)
        room -= _size(line) + 1
        if room < 0:
            after = ["", f"{counted(number - done, 'more row')} left out: this page has a largest size.", *after]
            break
        lines.append(line)
    return [*before, *lines, *after]


def _row(cells: Row) -> str:
    return f"| {' | '.join(cells)} |"


def _ordered(findings: Iterable[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda finding: -finding.severity)


def _finding(finding: Finding) -> Row:
    primary, _ = annotated(finding, places(finding))
    where = mask.escaped(finding.path) if primary is None else location(primary.place)
    what = prose(headline(finding))
    if finding.fix is not None and finding.fix.summary:
        what += f"<br>**Fix:** {prose(' '.join(finding.fix.summary.split()))}"
    places_ = [code(where), *([code(finding.address)] if finding.address else [])]
    return finding.severity.label, f"{code(finding.policy)} {prose(finding.name)}", what, "<br>".join(places_)


def _gone(gone: Gone) -> Row:
    places_ = [code(text) for text in (mask.escaped(gone.path), gone.address) if text]
    return code(gone.policy), prose(gone.message), "<br>".join(places_)


def _undecided(report: Report) -> list[str]:
    """What could not be decided, by cause, most first."""
    counts: dict[tuple[str, str], int] = {}
    for check in report.undecided:
        key = (cause(check), check.hint)
        counts[key] = counts.get(key, 0) + 1
    if not counts:
        return []
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    rows = [(str(number), prose(what), prose(hint)) for (what, hint), number in ordered[:CAUSES]]
    more = [f"{len(ordered) - CAUSES} other causes", ""] if len(ordered) > CAUSES else []
    return _folded(f"{len(report.undecided)} undecided", ("checks", "not known", "what helps"), rows, more)


def _notes(report: Report) -> list[str]:
    """What was not read."""
    rows = [(prose(note.kind), prose(note.message)) for note in report.notes if note.strict]
    more = [f"{len(rows) - CAUSES} other notes", ""] if len(rows) > CAUSES else []
    return _folded(f"{len(rows)} not read", ("kind", "note"), rows[:CAUSES], more) if rows else []


def _folded(title: str, header: Row, rows: Sequence[Row], more: Sequence[str]) -> list[str]:
    lines = [_row(header), _row(("---",) * len(header)), *map(_row, rows), ""]
    return ["<details>", f"<summary>{title}</summary>", "", *lines, *more, "</details>", ""]


# -- text ----------------------------------------------------------------------------------------------------------

_SIGNS = re.compile(r"[\\`*{}\[\]<>#+!|&~$^]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|:(?=\S)|(?i:(?<=www)\.)")


def prose(text: str) -> str:
    """Text that shows as it is: nothing in it is Markdown, HTML, a link or a mention."""
    return _SIGNS.sub(_reference, text).replace("@", "@<!-- -->").replace("&#35;", "&#35;<!-- -->").replace("\n", " ")


def code(text: str) -> str:
    """Text as code. The signs that could end a span or a cell take references."""
    if not set(text) & set("`|\\\n") and text == text.strip():
        return f"`{text}`"
    return f"<code>{prose(text)}</code>"


def _reference(match: re.Match[str]) -> str:
    return f"&#{ord(match[0])};"


def _size(text: str) -> int:
    return len(text.encode("utf-8", "backslashreplace"))

"""A report into one self-contained HTML page: findings with their source lines, filters, and a view by machine.

Nothing is loaded from elsewhere. Every text is escaped, and the page's own policy lets run no script and no style but
the two whose digests it holds. The machine of a finding is read off its address: a disk, an extension or a script that
stands in a machine belongs to it; what else a machine uses stands under its own address. Without scripts the page shows
everything.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence
from html import escape

from bklint.finding import Accepted, Finding, Gone, Report, Severity, Undecided, lasting
from bklint.reporters import Style, mask
from bklint.reporters.excerpt import Mark, excerpt, location
from bklint.reporters.paint import Paint
from bklint.reporters.places import Places, places
from bklint.reporters.text import cause, counted, headline, known, reasons, work

WIDTH = 120
"""Columns of excerpts."""

_MACHINE = re.compile(
    r".*?(?:Microsoft\.Compute/virtualMachines/|azurerm_(?:linux_|windows_)?virtual_machine\.)[^/.\[]+(?:\[[^\]]*\])?",
    re.IGNORECASE,
)
_URL = re.compile(r"https://[^\s<>\"']+[^\s<>\"'.,;:)]")


def report(report: Report, style: Style) -> str:
    """See the module."""
    from bklint.reporters.page import framed

    main = [*_summary(report), _filters(report)]
    main += ['<section id="findings">', *map(_finding, _ordered(report.findings)), "</section>"]
    main += ['<p id="none" hidden>Nothing matches these filters.</p>']
    main += [*_failures(report), *_accepted(report.accepted), *_gone(report.gone)]
    main += [*_undecided(report.undecided), *_unread(report)]
    footer = f"<footer>bklint {escape(style.version)}, edition {escape(report.edition)}</footer>"
    # ASCII with references is read right whatever encoding standard output has.
    return framed("\n".join([*main, footer])).encode("ascii", "xmlcharrefreplace").decode("ascii")


def _ordered(findings: Sequence[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda finding: -finding.severity)


def machine(finding: Finding) -> str:
    """The machine a finding belongs to by its address; the empty text where it is none's."""
    if finding.resource_type.startswith("guest/"):
        return lasting(finding.address, finding.resource_type)
    found = _MACHINE.match(finding.address)
    return found[0] if found is not None else ""


# -- head ----------------------------------------------------------------------------------------------------------


def _summary(report: Report) -> Iterator[str]:
    new = "new " if report.compared else ""
    number = counted(len(report.findings), f"{new}finding") if report.findings else f"no {new}findings"
    yield f"<h1>bklint: {number}</h1>"
    if report.findings:
        yield f'<p class="counts">{_counts(report)}</p>'
    others = [f"{count} {name}" for name, count in known(report).items() if count]
    others += [f"{report.hidden} below --min-severity"] if report.hidden else []
    if others:
        yield f"<p>Not shown as findings: {', '.join(others)}.</p>"
    yield f"<p>{work(report)}.</p>"


def _counts(report: Report) -> str:
    """How many findings there are of each severity."""
    counts = {each: sum(finding.severity is each for finding in report.findings) for each in Severity}
    return " ".join(
        f'<span class="badge {each.label}">{f"{number} info" if each is Severity.INFO else counted(number, each.label)}</span>'
        for each, number in sorted(counts.items(), reverse=True)
        if number
    )


def _filters(report: Report) -> str:
    if not report.findings:
        return ""
    policies = {finding.policy: finding.name for finding in report.findings}
    options = "".join(
        f'<option value="{escape(id_)}">{escape(f"{id_} {name}")}</option>' for id_, name in sorted(policies.items())
    )
    boxes = "".join(map(_box, sorted({finding.severity for finding in report.findings}, reverse=True)))
    return (
        f'<form id="filters" hidden><fieldset><legend>Severity</legend>{boxes}</fieldset>'
        f'<label>Policy <select id="policy"><option value="">all</option>{options}</select></label>'
        '<label>View <select id="view"><option value="">by severity</option><option value="machine">by machine</option>'
        '<option value="policy">by policy</option><option value="file">by file</option></select></label>'
        '<label>Search <input id="search" type="search"></label><output id="shown"></output></form>'
    )


def _box(severity: Severity) -> str:
    label = severity.label
    return f'<label><input type="checkbox" name="severity" value="{label}" checked> {label}</label>'


# -- one finding ---------------------------------------------------------------------------------------------------


def _finding(finding: Finding) -> str:
    label = finding.severity.label
    own = machine(finding)
    root = f" in {mask.escaped(finding.roots[0])}" if finding.roots else ""
    group = f"machine {own}{root}" if own else f"resource {finding.address}" if finding.address else "no resource"
    file = mask.escaped(finding.path)
    data = {"severity": label, "policy": finding.policy, "machine": group, "file": file}
    attributes = " ".join(f'data-{name}="{escape(value)}"' for name, value in data.items())
    found = places(finding)
    where = file if found.primary is None else location(found.primary.place)
    return "\n".join(
        [
            f'<details class="finding {label}" {attributes} open>',
            f'<summary><b class="badge {label}">{label}</b> <code>{escape(finding.policy)}</code>'
            f" {escape(headline(finding))} <small>{escape(where)}</small></summary>",
            *_excerpt(found),
            *_remarks(finding, found.left_out),
            "</details>",
        ]
    )


class _Tags(Paint):
    """Marks painted text with control characters, which no shown text holds; they become elements after escaping."""

    __slots__ = ()

    def __call__(self, text: str, kind: str) -> str:
        """The text between its marks."""
        return f"\x01{kind}\x02{text}\x03"


def _excerpt(found: Places) -> Iterator[str]:
    """The source lines; secrets in them are masked as in the text format."""
    if found.primary is None or not found.primary.place.source.data:
        return
    marks = [Mark(*found.primary, primary=True), *(Mark(*related) for related in found.related)]
    text = escape("\n".join(excerpt(marks, _Tags(True), WIDTH)))
    text = re.sub("\x01([a-z]+)\x02", r'<span class="\1">', text).replace("\x03", "</span>")
    yield f"<pre>{text}</pre>"


def _remarks(finding: Finding, left_out: int) -> Iterator[str]:
    """What is told of this finding, and folded away what is the same for all of its policy."""
    yield "<dl>"
    if finding.fix is not None and finding.fix.summary:
        yield _remark("fix", finding.fix.summary)
    if finding.address:
        kind = f" ({finding.resource_type})" if finding.resource_type else ""
        yield _remark("resource", f"{finding.address}{kind}")
    if finding.link:
        yield f"<dt>portal</dt><dd>{_anchor(finding.link)}</dd>"
    for note in _notes(finding, left_out):
        yield _remark("note", note)
    if finding.errors:
        yield _remark("Azure reports", ", ".join(finding.errors))
    yield "</dl>"
    more = [*_reasons(finding), *_snippet(finding)]
    if more:
        yield from ('<details class="more"><summary>why, sources and example</summary>', *more, "</details>")


def _reasons(finding: Finding) -> Iterator[str]:
    rows = [_remark("why", finding.why)] if finding.why else []
    rows += [_remark("other tools", text) for text in finding.advice]
    rows += [f"<dt>source</dt><dd>{_linked(_flat(document))}</dd>" for document in finding.documents]
    if rows:
        yield from ("<dl>", *rows, "</dl>")


def _snippet(finding: Finding) -> Iterator[str]:
    if finding.fix is not None and finding.fix.snippet.strip():
        snippet = mask.escaped(textwrap.dedent(finding.fix.snippet).strip("\n").expandtabs(4), keep="\n")
        yield f"<pre>{escape(snippet)}</pre>"


def _notes(finding: Finding, left_out: int) -> Iterator[str]:
    if finding.conditional:
        yield "whether it is created is not known from the code"
    contexts = [context for context in finding.contexts if context]
    if contexts:
        yield f"found with {', '.join(contexts)}"
    if len(finding.instances) > 1:
        yield f"{len(finding.instances)} instances: {', '.join(finding.instances)}"
    yield from finding.notes
    if left_out:
        yield f"{left_out} more places are not shown"


def _remark(name: str, text: str) -> str:
    return f"<dt>{name}</dt><dd>{escape(_flat(text))}</dd>"


def _flat(text: str) -> str:
    return mask.escaped(" ".join(text.split()))


def _linked(text: str) -> str:
    """Escaped text in which addresses of pages are links."""
    parts, at = [], 0
    for match in _URL.finditer(text):
        parts += [escape(text[at : match.start()]), _anchor(match[0])]
        at = match.end()
    return "".join([*parts, escape(text[at:])])


def _anchor(address: str) -> str:
    return f'<a href="{escape(address)}" rel="noreferrer">{escape(address)}</a>'


# -- what is no finding --------------------------------------------------------------------------------------------


def _failures(report: Report) -> list[str]:
    failures = report.estate.failures if report.estate is not None else ()
    rows = [(each.started[:16], each.machine, ", ".join(each.codes), "; ".join(reasons(each))) for each in failures]
    return _table("backup jobs that failed", ("started", "machine", "error", "explained by"), rows)


def _accepted(accepted: Sequence[Accepted]) -> list[str]:
    kinds = {"baseline": "in the baseline", "base": "older than the change"}
    rows = []
    for each in accepted:
        finding = each.finding
        path = mask.escaped(finding.path) if finding.place is None else location(finding.place.locate())
        why = kinds.get(each.kind, "suppressed") + (f": {each.reason}" if each.reason else "")
        rows.append((finding.severity.label, finding.policy, headline(finding), path, why))
    return _table("known", ("severity", "policy", "what", "where", "why it does not count"), rows)


def _gone(gone: Sequence[Gone]) -> list[str]:
    kinds = {"baseline": "fixed, still in the baseline", "base": "fixed"}
    rows = [(kinds.get(g.kind, g.kind), g.policy, g.message, mask.escaped(g.path), g.address) for g in gone]
    return _table("no longer found", ("", "policy", "what", "where", "resource"), rows)


def _undecided(undecided: Sequence[Undecided]) -> list[str]:
    rows = []
    for check in undecided:
        where = location(check.place.locate()) if check.place is not None else ""
        rows.append((check.policy, check.address, cause(check), where, check.hint))
    return _table("undecided", ("policy", "resource", "not known", "where", "what helps"), rows)


def _unread(report: Report) -> list[str]:
    rows = [(note.kind, note.message) for note in report.notes if note.strict]
    rows += [("skipped", mask.escaped(name)) for name in report.files_skipped]
    return _table("not read", ("kind", "what"), rows)


def _table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    if not rows:
        return []
    head = "".join(f"<th>{name}</th>" for name in header)
    body = ["".join(f"<td>{escape(cell)}</td>" for cell in row) for row in rows]
    lines = [f"<details><summary>{len(rows)} {title}</summary>", f"<table><thead><tr>{head}</tr></thead><tbody>"]
    return [*lines, *(f"<tr>{row}</tr>" for row in body), "</tbody></table>", "</details>"]

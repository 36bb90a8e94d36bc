"""A report into text for people: each finding with its source lines, why backup breaks and how to mend it; then what
was checked, what could not be decided and what was not read.

What is the same for all findings of a policy (reasons, documents, advice of other tools) is printed with the first of
them only: fifty disks of one size are to be read once. `--verbose` repeats it, and adds the snippet, the words of the
documents and the kind of the resource, which `bklint policies show` tells too.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence

from bklint.finding import Failure, Finding, Report, Severity, Undecided
from bklint.model.inventory import Note
from bklint.records import replace
from bklint.reporters import Style, mask, statistics
from bklint.reporters.excerpt import Mark, excerpt, location
from bklint.reporters.paint import Paint
from bklint.reporters.places import places

JOBS = 20
"""Failed jobs that are listed unless all are asked for."""

LISTED = 6
"""Names that are listed before `…` where only their number matters."""


def report(report: Report, style: Style) -> str:
    """See the module."""
    paint = Paint(style.color, style.links, style.root)
    lines: list[str] = []
    told: set[tuple[str, str]] = set()
    for finding in report.findings:
        lines += [*_finding(_untold(finding, told) if not style.verbose else finding, style, paint), ""]
    if style.undecided and report.undecided:
        lines += [*_undecided(report.undecided, paint), ""]
    if report.statistics is not None:
        lines += [*statistics.table(report.statistics, style), ""]
    if report.estate is not None and report.estate.failures:
        lines += [*_failures(report.estate.failures, style, paint), ""]
    if not style.quiet:
        lines += _summary(report, style, paint)
    return "\n".join(lines) + "\n" if lines else ""


# -- one finding ---------------------------------------------------------------------------------------------------


def headline(finding: Finding) -> str:
    """What is wrong, in one line, with the word that a newer document changed the fact."""
    return f"{finding.message}; {finding.notice}" if finding.notice else finding.message


def _untold(finding: Finding, told: set[tuple[str, str]]) -> Finding:
    """The finding without what an earlier one of its policy told already."""
    texts = (finding.why, *finding.documents, *finding.advice)
    known = {text for text in texts if (finding.policy, text) in told}
    told.update((finding.policy, text) for text in texts)
    return replace(
        finding,
        why="" if finding.why in known else finding.why,
        documents=tuple(text for text in finding.documents if text not in known),
        advice=tuple(text for text in finding.advice if text not in known),
    )


def _finding(finding: Finding, style: Style, paint: Paint) -> Iterator[str]:
    label = finding.severity.label
    yield f"{paint(f'{label}[{finding.policy}]', label)}: {paint(headline(finding), 'bold')}"
    found = places(finding)
    indent = "  "
    if found.primary is None:
        yield f" {paint('-->', 'gutter')} {mask.escaped(finding.path)}"
    else:
        marks = [Mark(*found.primary, primary=True), *(Mark(*related) for related in found.related)]
        lines = list(excerpt(marks, paint, style.width))
        yield from lines
        gutter = max((len(str(m.place.position.line)) for m in marks if m.place.source.data), default=1)
        indent = " " * (gutter + 1)
    yield from _remarks(finding, found.left_out, indent, style, paint)


def _remarks(finding: Finding, left_out: int, indent: str, style: Style, paint: Paint) -> Iterator[str]:
    for kind, text in _notes(finding, left_out):
        yield from _prose(kind, text, indent, style, paint)
    if finding.fix is not None and finding.fix.summary:
        yield from _prose("help", finding.fix.summary, indent, style, paint)
        if style.verbose:
            yield from _snippet(finding.fix.snippet, indent, paint)
    yield from _documents(finding, indent, style, paint)
    if finding.address:
        kind = f" ({finding.resource_type})" if finding.resource_type and style.verbose else ""
        yield f"{indent}{paint('=', 'gutter')} {paint('resource', 'bold')}: {finding.address}{kind}"
    if finding.link:
        yield f"{indent}{paint('=', 'gutter')} {paint('portal', 'bold')}: {finding.link}"


def _snippet(snippet: str, indent: str, paint: Paint) -> Iterator[str]:
    """The fix as code, between bars."""
    if not snippet.strip():
        return
    bar = paint("|", "gutter")
    text = mask.escaped(textwrap.dedent(snippet).strip("\n"), keep="\n\t")
    yield f"{indent}{bar}"
    yield from (f"{indent}{bar}   {line}".rstrip() for line in text.expandtabs(4).splitlines())
    yield f"{indent}{bar}"


_SAYS = re.compile(r"(?<=\(\d{4}-\d\d-\d\d\)): ")
_URL = re.compile(r"https://\S+$")


def _documents(finding: Finding, indent: str, style: Style, paint: Paint) -> Iterator[str]:
    """The first document, and what shows all of them and the fix as code."""
    for document in finding.documents[:1]:
        name, url = _SAYS.split(document, maxsplit=1)[0], _URL.search(document)
        target = url[0] if url is not None else ""
        said = document.rstrip(".") if style.verbose else name if style.links or not target else f"{name} {target}"
        for line in _prose("docs", said, indent, style, paint):
            yield line.replace(name, paint.link(name, target), 1)
        yield from _prose("more", f"bklint policies show {finding.policy}", indent, style, paint)


def _notes(finding: Finding, left_out: int) -> Iterator[tuple[str, str]]:
    errors = f"Azure reports {', '.join(finding.errors)}" if finding.errors else ""
    if finding.why and errors:
        yield "note", f"{finding.why.strip()} ({errors})"
    elif finding.why or errors:
        yield "note", finding.why or errors
    if finding.conditional:
        yield "note", "whether it is created is not known from the code"
    if any(finding.contexts):
        yield "note", f"found with {_listed([c for c in finding.contexts if c])}"
    if len(finding.instances) > 1:
        yield "note", f"{len(finding.instances)} instances: {_listed(finding.instances)}"
    for note in (*finding.notes, *finding.advice):
        yield "note", note
    if left_out:
        yield "note", f"{left_out} more places are not shown"


def _prose(kind: str, text: str, indent: str, style: Style, paint: Paint) -> Iterator[str]:
    """`= note: text`, wrapped under its first word."""
    head = f"{indent}{paint('=', 'gutter')} {paint(kind, 'help' if kind == 'help' else 'bold')}: "
    hang = " " * (len(indent) + len(kind) + 4)
    text = mask.escaped(" ".join(text.split()))
    lines = textwrap.wrap(text, max(24, style.width - len(hang)), break_long_words=False, break_on_hyphens=False)
    for number, line in enumerate(lines):
        yield (hang if number else head) + line


def _listed(names: Sequence[str]) -> str:
    more = len(names) - LISTED
    return ", ".join(names[:LISTED]) + (f", … ({more} more)" if more > 0 else "")


# -- what was not decided ------------------------------------------------------------------------------------------


def _undecided(undecided: Sequence[Undecided], paint: Paint) -> Iterator[str]:
    yield f"{paint('undecided', 'info')}:"
    for check in undecided:
        where = f" at {location(check.place.locate())}" if check.place is not None else ""
        hint = f"; {check.hint}" if check.hint else ""
        yield f"  {check.policy} {check.address}: {cause(check)}{where}{hint}"


def cause(check: Undecided) -> str:
    """The root of an undecided check, in the user's words."""
    if check.cause and check.reason and check.reason not in check.cause:
        return f"{check.cause} ({check.reason})"
    return check.cause or check.reason


def _by_cause(undecided: Sequence[Undecided]) -> list[tuple[str, str, int]]:
    """Root causes with the hint that helps and the number of checks, most first."""
    counts: dict[tuple[str, str], int] = {}
    for check in undecided:
        key = (cause(check), check.hint)
        counts[key] = counts.get(key, 0) + 1
    return sorted(((what, hint, n) for (what, hint), n in counts.items()), key=lambda row: (-row[2], row[0]))


# -- failed jobs ---------------------------------------------------------------------------------------------------


def _failures(failures: Sequence[Failure], style: Style, paint: Paint) -> Iterator[str]:
    """The failed jobs, machine by machine as they come, those that nothing explains among them."""
    shown = failures if style.verbose else failures[:JOBS]
    yield paint(f"backup jobs that failed in the last 7 days: {jobs(failures)}", "bold")
    for failure in shown:
        codes = ", ".join(failure.codes) or "no error code"
        yield f"  {failure.started[:16]} {failure.machine}: {codes}"
        yield from (f"    {line}" for line in reasons(failure))
    if len(failures) > len(shown):
        yield f"  {len(failures) - len(shown)} older ones; list them with --verbose"


def jobs(failures: Sequence[Failure]) -> str:
    """How many jobs failed, and how many of them a finding explains."""
    known = sum(bool(each.explained) for each in failures)
    return f"{len(failures)}, {known} explained by findings, {len(failures) - known} by nothing that bklint sees"


def reasons(failure: Failure) -> Iterator[str]:
    """What explains a failure, or what there is to say where nothing does."""
    for policy, address, message in failure.explained:
        yield f"explained by {policy} {address}: {message}"
    if failure.explained:
        return
    others = ", ".join(dict.fromkeys(policy for policy, _, _ in failure.others))
    also = f"; other findings there: {others}" if others else ""
    if failure.entry:
        yield f"not explained by a finding{also}; bklint explain {failure.entry}"
    else:
        yield f"not explained: bklint does not know this error{also}"


# -- what was done -------------------------------------------------------------------------------------------------


def counted(number: int, noun: str) -> str:
    """`1 file`, `2 files`."""
    return f"{number} {noun}" + ("" if number == 1 else "s")


def _summary(report: Report, style: Style, paint: Paint) -> Iterator[str]:
    yield _findings(report, paint)
    yield from _gone(report, style)
    yield work(report)
    if not report.resources_of_interest:
        yield "`bklint scan --show-files` lists what would be read, and as what"
    causes = _by_cause(report.undecided)
    for what, hint, number in causes if style.verbose or style.undecided else causes[:LISTED]:
        yield f"{what}: {counted(number, 'check')} undecided" + (f"; {hint}" if hint else "")
    if len(causes) > LISTED and not (style.verbose or style.undecided):
        rest = sum(number for _, _, number in causes[LISTED:])
        more = len(causes) - LISTED
        yield f"{more} other {'cause' if more == 1 else 'causes'}: {counted(rest, 'check')} undecided; list them with --undecided"
    yield from dict.fromkeys(_note(note) for note in report.notes if note.strict or style.verbose)
    if report.files_skipped:
        names = [mask.escaped(name) for name in report.files_skipped]
        yield f"skipped: {counted(len(names), 'JSON or YAML file')} of no known dialect: {_listed(names)}"
    if style.verbose:
        kinds = ", ".join(f"{number} {kind}" for kind, number in sorted(report.files_by_dialect.items()))
        yield f"found: {kinds or 'no files'}"
        yield f"bklint {style.version}, edition {report.edition}, {report.seconds:.1f} s"


def _findings(report: Report, paint: Paint) -> str:
    others = [f"{number} {name}" for name, number in known(report).items() if number]
    others += [f"{report.hidden} more below --min-severity"] if report.hidden else []
    hidden = f" ({', '.join(others)})" if others else ""
    new = "new " if report.compared else ""
    if not report.findings:
        return (
            f"no {new}findings{hidden}"
            if report.resources_of_interest
            else f"no {new}findings, nothing was checked{hidden}"
        )
    parts = []
    for severity in sorted(Severity, reverse=True):
        number = sum(finding.severity is severity for finding in report.findings)
        if number:
            parts.append(
                paint(counted(number, severity.label) if severity.label != "info" else f"{number} info", severity.label)
            )
    return f"{counted(len(report.findings), f'{new}finding')}{hidden}: {', '.join(parts)}"


def known(report: Report) -> dict[str, int]:
    """How many findings are known, by why."""
    kinds = [each.kind for each in report.accepted]
    return {
        "suppressed": kinds.count("comment") + kinds.count("configuration"),
        "in the baseline": kinds.count("baseline"),
        "older than the change": kinds.count("base"),
    }


def _gone(report: Report, style: Style) -> Iterator[str]:
    """What is no longer found, and what to do about it."""
    for kind, told in (("base", "fixed"), ("baseline", "fixed, still in the baseline")):
        names = [
            f"{each.policy} {each.address or mask.escaped(each.path)}" for each in report.gone if each.kind == kind
        ]
        if names:
            listed = ", ".join(names) if style.verbose else _listed(names)
            yield f"{told}: {listed}" + ("; `bklint baseline` removes it" if kind == "baseline" else "")


def work(report: Report) -> str:
    """What was looked at, and with what result."""
    files = counted(report.files_read, "file")
    if report.estate is not None:
        read = counted(report.estate.subscriptions, "subscription")
        files = f"{files}, {read}" if report.files_read else read
    if not report.resources_of_interest:
        others = f" ({counted(report.resources, 'other resource')})" if report.resources else ""
        return f"0 resources of interest in {files}{others}: nothing that the selected policies look at"
    passed = f"{counted(report.checks_passed, 'check')} passed"
    undecided = f", {len(report.undecided)} undecided" if report.undecided else ""
    resources = f"{counted(report.resources, 'resource')} ({report.resources_of_interest} of interest)"
    return f"{files}, {resources}, {counted(report.machines, 'machine')}: {passed}{undecided}"


def _note(note: Note) -> str:
    return f"{note.kind}: {note.message}" if note.kind else note.message

"""A report into JSON for programs. Members are added without notice; `version` changes when one changes or goes.

    version    1
    tool       {name, version}
    edition    original | current
    findings   [{policy, name, severity, message, notice, path, at, address, resourceType, dialect, why, errors,
                 related: [{label, at}], fixAt, fix: {safety, summary, language, snippet} | null, notes, contexts,
                 instances, subKey, conditional, documents, fingerprint, changedAt, link}]
    known      [{kind: comment | configuration | baseline | base, reason, policy, severity, message, path, at, address,
                 fingerprint}]
    gone       [{kind: baseline | base, policy, address, path, message}]
    undecided  [{policy, address, cause, reason, hint, at}]
    notes      [{kind, message, strict, at}]
    statistics {kinds: [{kind, decided, notCreated, undecided, share}], reasons: [{reason, attributes}],
                causes: [{reason, cause, attributes}]}, only with --statistics
    failures   [{job, machine, operation, started, codes, message, entry, policies,
                 explained: [{policy, address, message}], others: [the same], link}]
    summary    {exitCode, errors, warnings, infos, hidden, suppressed, inBaseline, older, filesRead, filesByDialect,
                filesUnread, filesSkipped,
                resources, resourcesOfInterest, machines, checksPassed, undecided}

`known` are findings that do not count: suppressed, in the baseline, or older than the change; `gone` are those of the
baseline or of the base of the change that are no longer there. `at`, `fixAt` and `changedAt` are {path, line, column,
endLine, endColumn, start, end} or null. Lines and columns are 1-based and count code points, `start` and `end` are byte
offsets in the UTF-8 text; ends are exclusive. Of a resource read from Azure, `path` is its id, `property` the property
that is meant and `link` its page in the portal; lines are those of its own JSON, indented by two. `failures` are backup
jobs that failed, with the findings that explain them; only a live scan has any. Texts of the scanned files are not
repeated, only where they are. `fingerprint` holds no line number, so it survives edits elsewhere in the file.
`bklint schema output` prints the schema.
"""

from __future__ import annotations

import json
from typing import Any

from bklint.decided import Statistics
from bklint.finding import Accepted, Failure, Finding, Report, Severity, Undecided, fingerprints
from bklint.reporters import Style
from bklint.reporters.places import places
from bklint.source import Locator

VERSION = 1


def report(report: Report, style: Style) -> str:
    """See the module."""
    names = fingerprints(report.findings)
    known = fingerprints(each.finding for each in report.accepted)
    data: dict[str, Any] = {
        "version": VERSION,
        "tool": {"name": "bklint", "version": style.version},
        "edition": report.edition,
        "findings": [_finding(finding, name) for finding, name in zip(report.findings, names, strict=True)],
        "known": [_known(each, name) for each, name in zip(report.accepted, known, strict=True)],
        "gone": [
            {
                "kind": each.kind,
                "policy": each.policy,
                "address": each.address,
                "path": text(each.path),
                "message": each.message,
            }
            for each in report.gone
        ],
        "undecided": [_undecided(check) for check in report.undecided],
        "notes": [{"kind": n.kind, "message": n.message, "strict": n.strict, "at": _at(n.place)} for n in report.notes],
        **_azure(report),
        "summary": _summary(report, style),
    }
    if report.statistics is not None:
        data["statistics"] = _statistics(report.statistics)
    return json.dumps(data, indent=2) + "\n"


def _azure(report: Report) -> dict[str, Any]:
    """What only a live scan has."""
    if report.estate is None:
        return {}
    return {"failures": [_failure(each) for each in report.estate.failures]}


def _failure(failure: Failure) -> dict[str, Any]:
    names = ("policy", "address", "message")
    return {
        "job": failure.job,
        "machine": failure.machine,
        "operation": failure.operation,
        "started": failure.started,
        "codes": list(failure.codes),
        "message": failure.message,
        "entry": failure.entry,
        "policies": list(failure.policies),
        "explained": [dict(zip(names, each, strict=True)) for each in failure.explained],
        "others": [dict(zip(names, each, strict=True)) for each in failure.others],
        "link": failure.link,
    }


def _finding(finding: Finding, fingerprint: str) -> dict[str, Any]:
    found = places(finding)
    fix = finding.fix
    return {
        "policy": finding.policy,
        "name": finding.name,
        "severity": finding.severity.label,
        "message": finding.message,
        "notice": finding.notice,
        "path": text(finding.path),
        "at": _at(found.primary.place if found.primary else None),
        "address": finding.address,
        "resourceType": finding.resource_type,
        "dialect": finding.dialect,
        "why": finding.why,
        "errors": list(finding.errors),
        "related": [{"label": label, "at": _at(place)} for place, label in found.related],
        "fixAt": _at(finding.fix_at),
        "fix": fix and {"safety": fix.safety, "summary": fix.summary, "language": fix.language, "snippet": fix.snippet},
        "notes": [*finding.notes, *finding.advice],
        "contexts": list(finding.contexts),
        "instances": list(finding.instances),
        "subKey": finding.sub_key,
        "conditional": finding.conditional,
        "documents": list(finding.documents),
        "fingerprint": fingerprint,
        "changedAt": _at(finding.annotate),
        **({"link": finding.link} if finding.link else {}),
    }


def _known(accepted: Accepted, fingerprint: str) -> dict[str, Any]:
    finding = accepted.finding
    return {
        "kind": accepted.kind,
        "reason": accepted.reason,
        "policy": finding.policy,
        "severity": finding.severity.label,
        "message": finding.message,
        "path": text(finding.path),
        "at": _at(finding.place),
        "address": finding.address,
        "fingerprint": fingerprint,
    }


def _undecided(check: Undecided) -> dict[str, Any]:
    return {
        "policy": check.policy,
        "address": check.address,
        "cause": check.cause,
        "reason": check.reason,
        "hint": check.hint,
        "at": _at(check.place),
    }


def _at(locator: Locator | None) -> dict[str, Any] | None:
    if locator is None:
        return None
    place = locator.locate()
    first, last = place.position, place.end_position
    return {
        "path": text(place.source.name),
        "line": first.line,
        "column": first.column,
        "endLine": last.line,
        "endColumn": last.column,
        "start": place.start,
        "end": place.end,
        **({"property": place.source.member(place.start), "link": place.source.link} if place.source.link else {}),
    }


def _statistics(statistics: Statistics) -> dict[str, Any]:
    return {
        "kinds": [
            {
                "kind": kind,
                "decided": tally.decided,
                "notCreated": tally.absent,
                "undecided": tally.unknown,
                "share": None if tally.share is None else round(tally.share, 4),
            }
            for kind, tally in statistics.rows()
        ],
        "reasons": [{"reason": reason, "attributes": number} for reason, number in statistics.reasons()],
        "causes": [
            {"reason": cause.reason, "cause": cause.name, "attributes": number} for cause, number in statistics.causes()
        ],
    }


def _summary(report: Report, style: Style) -> dict[str, Any]:
    severities = [finding.severity for finding in report.findings]
    return {
        "exitCode": style.exit_code,
        "errors": severities.count(Severity.ERROR),
        "warnings": severities.count(Severity.WARNING),
        "infos": severities.count(Severity.INFO),
        "hidden": report.hidden,
        "suppressed": sum(each.suppressed for each in report.accepted),
        "inBaseline": sum(each.kind == "baseline" for each in report.accepted),
        "older": sum(each.kind == "base" for each in report.accepted),
        "filesRead": report.files_read,
        "filesByDialect": dict(sorted(report.files_by_dialect.items())),
        "filesUnread": report.files_unread,
        "filesSkipped": [text(name) for name in report.files_skipped],
        "resources": report.resources,
        "resourcesOfInterest": report.resources_of_interest,
        "machines": report.machines,
        "checksPassed": report.checks_passed,
        "undecided": len(report.undecided),
        **_read(report),
    }


def _read(report: Report) -> dict[str, int]:
    estate = report.estate
    if estate is None:
        return {}
    explained = sum(bool(each.explained) for each in estate.failures)
    return {
        "subscriptions": estate.subscriptions,
        "requests": estate.requests,
        "jobsFailed": len(estate.failures),
        "jobsExplained": explained,
    }


def text(path: str) -> str:
    """A path that may hold undecodable bytes as text that every reader of JSON takes."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")

"""A report into SARIF 2.1.0, as GitHub code scanning reads it.

Only the first location of a result is used there, and an alert is shown in a pull request only where all of its lines
are in the diff: so the region is that of one attribute. `partialFingerprints` carry no line numbers; the key that
GitHub computes itself (`primaryLocationLineHash`) is left to the upload action. No `security-severity`: a backup that
fails is no vulnerability. See
https://docs.github.com/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from bklint.files import join
from bklint.finding import Accepted, Finding, Gone, Report, fingerprints, of_azure
from bklint.model.inventory import Note
from bklint.reporters import Rule, Style
from bklint.reporters.places import Labelled, Places, annotated, places, way
from bklint.reporters.text import cause, counted, headline, jobs, reasons
from bklint.source import Place

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
LEVELS = {"error": "error", "warning": "warning", "info": "note"}
PROBLEM = {"error": "error", "warning": "warning", "info": "recommendation"}
FINGERPRINT = "bklintFinding/v1"
ROOT = "%SRCROOT%"

MAX_DESCRIPTION = 1024
"""Longest description of a rule that GitHub takes, in characters."""


def report(report: Report, style: Style) -> str:
    """See the module."""
    accepted = [each.finding for each in report.accepted]
    rules = {finding.policy: _rule(finding, style) for finding in (*accepted, *report.findings)}
    order = {id_: number for number, id_ in enumerate(sorted(rules))}
    names = fingerprints((*report.findings, *accepted))
    results = [
        {**_result(finding, order[finding.policy], name, style), **_state("new", report.compared)}
        for finding, name in zip(report.findings, names, strict=False)
    ]
    known = names[len(report.findings) :]
    results += [
        {**_result(each.finding, order[each.finding.policy], name, style), **_accepted(each, report.compared)}
        for each, name in zip(report.accepted, known, strict=True)
    ]
    run = {
        "tool": {
            "driver": {
                "name": "bklint",
                "semanticVersion": style.version or "0.0.0",
                "rules": [rules[id_] for id_ in order],
            }
        },
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {ROOT: {"description": {"text": "The directory that bklint was run in."}}},
        "invocations": [_invocation(report, style)],
        "results": results + [_absent(each, style) for each in report.gone],
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _invocation(report: Report, style: Style) -> dict[str, Any]:
    return {
        "executionSuccessful": style.exit_code in (0, 1),
        "exitCode": style.exit_code,
        "toolExecutionNotifications": [*map(_notification, report.notes), *_undecided(report), *_failed(report)],
    }


def _failed(report: Report) -> Iterable[dict[str, Any]]:
    """One notification for each failed job that nothing explains, and one that counts them all."""
    failures = report.estate.failures if report.estate is not None else ()
    if failures:
        yield {
            "level": "note",
            "message": {"text": f"failed backup jobs: {jobs(failures)}"},
            "descriptor": {"id": "jobs"},
        }
    for each in failures:
        if not each.explained:
            text = f"backup of {each.machine} failed ({', '.join(each.codes) or 'no error code'}): {' '.join(reasons(each))}"
            yield {"level": "warning", "message": {"text": text}, "descriptor": {"id": "unexplained-job"}}


def _notification(note: Note) -> dict[str, Any]:
    return {
        "level": "warning" if note.strict else "note",
        "message": {"text": note.message},
        "descriptor": {"id": note.kind or "note"},
    }


def _undecided(report: Report) -> Iterable[dict[str, Any]]:
    """One notification for each policy and root cause, not for each resource."""
    counts: dict[tuple[str, str], int] = {}
    for check in report.undecided:
        key = (check.policy, cause(check))
        counts[key] = counts.get(key, 0) + 1
    for (policy, why), number in sorted(counts.items()):
        text = f"{policy} not decided for {counted(number, 'resource')}: {why}"
        yield {"level": "note", "message": {"text": text}, "descriptor": {"id": "undecided"}}


# -- rules ---------------------------------------------------------------------------------------------------------


def _rule(finding: Finding, style: Style) -> dict[str, Any]:
    rule = style.rules.get(finding.policy) or _rule_of(finding)
    why = " ".join(rule.why.split()) or rule.title
    return {
        "id": rule.id,
        "name": rule.name,
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": why if len(why) <= MAX_DESCRIPTION else why[: MAX_DESCRIPTION - 1] + "…"},
        "help": {"text": _help_text(rule, why), "markdown": _help_markdown(rule, why)},
        "defaultConfiguration": {"level": LEVELS[rule.level]},
        "properties": {
            "tags": ["azure", "backup", *([rule.area] if rule.area else [])],
            "precision": "high",
            "problem.severity": PROBLEM[rule.level],
        },
    }


def _rule_of(finding: Finding) -> Rule:
    """What a finding says of its own policy, for those that have no file."""
    title = finding.name.replace("-", " ").capitalize() or finding.policy
    level = finding.severity.label
    return Rule(finding.policy, finding.name or finding.policy, title, "", level, finding.why, finding.errors)


def _help_text(rule: Rule, why: str) -> str:
    lines = [why]
    if rule.errors:
        lines.append(f"Azure reports {', '.join(rule.errors)}.")
    if rule.fix:
        lines.append(f"Fix: {' '.join(rule.fix.split())}")
    return "\n\n".join([*lines, *rule.sources])


def _help_markdown(rule: Rule, why: str) -> str:
    parts = [f"**{rule.title}**", why]
    if rule.errors:
        parts.append("Azure reports " + ", ".join(f"`{error}`" for error in rule.errors) + ".")
    if rule.fix:
        parts.append(f"**Fix.** {' '.join(rule.fix.split())}")
    for dialect, snippet in sorted(rule.snippets.items()):
        language = {"arm": "json", "terraform": "hcl"}.get(dialect, dialect)
        parts.append(f"```{language}\n{snippet.strip()}\n```")
    if rule.sources:
        parts.append("**Sources**\n\n" + "\n".join(f"- {source}" for source in rule.sources))
    return "\n\n".join(parts)


# -- results -------------------------------------------------------------------------------------------------------


def _result(finding: Finding, rule: int, fingerprint: str, style: Style) -> dict[str, Any]:
    whole = places(finding)
    found = Places(*annotated(finding, whole), whole.left_out)
    result: dict[str, Any] = {
        "ruleId": finding.policy,
        "ruleIndex": rule,
        "level": LEVELS[finding.severity.label],
        "message": {"text": _message(finding, found)},
        "locations": [_primary(finding, found, style)],
        "partialFingerprints": {FINGERPRINT: fingerprint},
        "properties": _properties(finding),
    }
    if finding.link:
        result["hostedViewerUri"] = finding.link
    if found.related:
        result["relatedLocations"] = [
            {"id": number, **_location(place, label, style)} for number, (place, label) in enumerate(found.related, 1)
        ]
    steps = way(finding)
    if whole.primary is not None and steps:
        result["codeFlows"] = [_flow(whole.primary, steps, style)]
    return result


def _state(state: str, compared: bool) -> dict[str, Any]:
    return {"baselineState": state} if compared else {}


def _accepted(accepted: Accepted, compared: bool) -> dict[str, Any]:
    """What tells readers not to count a result. GitHub reads neither; others read one or the other."""
    state = "unchanged" if not accepted.suppressed else "new"
    if accepted.kind == "base":
        return _state(state, compared)
    told = accepted.reason or ("recorded in the baseline" if accepted.kind == "baseline" else "no reason given")
    kind = "inSource" if accepted.kind == "comment" else "external"
    return {"suppressions": [{"kind": kind, "justification": told}], **_state(state, compared)}


def _absent(gone: Gone, style: Style) -> dict[str, Any]:
    region = {"startLine": 1, "startColumn": 1, "endLine": 1, "endColumn": 1}
    place: dict[str, Any] = {
        "physicalLocation": {"artifactLocation": artifact(gone.path, style.root), "region": region}
    }
    if of_azure(gone.path):
        place = {"logicalLocations": [_logical(gone.path, "")]}
    return {
        "ruleId": gone.policy,
        "level": "none",
        "kind": "pass",
        "message": {"text": _unlinked(gone.message) or "no longer found"},
        "locations": [place],
        "baselineState": "absent",
    }


def _message(finding: Finding, found: Places) -> str:
    lines = [_unlinked(headline(finding))]
    if finding.fix is not None and finding.fix.summary:
        lines.append(f"Fix: {_unlinked(' '.join(finding.fix.summary.split()))}")
    lines += [f"See [{_label(related)}]({number})." for number, related in enumerate(found.related, 1)]
    return "\n".join(lines)


def _unlinked(text: str) -> str:
    """Text in which nothing can be taken for a link."""
    return text.replace("](", "] (")


def _label(related: Labelled) -> str:
    text = related.label or f"line {related.place.position.line}"
    return text.replace("[", "(").replace("]", ")")


def _properties(finding: Finding) -> dict[str, Any]:
    found = {
        "address": finding.address,
        "resourceType": finding.resource_type,
        "dialect": finding.dialect,
        "conditional": finding.conditional,
        "contexts": [context for context in finding.contexts if context],
        "instances": list(finding.instances),
        "notes": [*finding.notes, *finding.advice],
    }
    return {name: value for name, value in found.items() if value}


def _primary(finding: Finding, found: Places, style: Style) -> dict[str, Any]:
    if found.primary is not None:
        return _location(found.primary.place, found.primary.label, style)
    if of_azure(finding.path):
        return {"logicalLocations": [_logical(finding.path, "")]}
    region = {"startLine": 1, "startColumn": 1, "endLine": 1, "endColumn": 1}
    return {"physicalLocation": {"artifactLocation": artifact(finding.path, style.root), "region": region}}


def _logical(identity: str, member: str) -> dict[str, Any]:
    """A resource of Azure, or a property of it: it is in no file."""
    name = member or identity.rpartition("/")[2]
    whole = f"{identity}#{member}" if member else identity
    return {"name": name, "fullyQualifiedName": whole, "kind": "member" if member else "resource"}


def _location(place: Place, label: str, style: Style) -> dict[str, Any]:
    if place.source.link:
        member = place.source.member(place.start)
        found: dict[str, Any] = {"logicalLocations": [_logical(place.source.name, member)]}
        return {**found, "message": {"text": label}} if label else found
    first, last = place.position, place.end_position
    location: dict[str, Any] = {
        "physicalLocation": {
            "artifactLocation": artifact(place.source.name, style.root),
            "region": {
                "startLine": first.line,
                "startColumn": first.column,
                "endLine": last.line,
                "endColumn": last.column,
            },
        }
    }
    if label:
        location["message"] = {"text": label}
    return location


def _flow(primary: Labelled, way: Iterable[Labelled], style: Style) -> dict[str, Any]:
    """From the text that decides, over the places it is handed on at, to the attribute that is at fault."""
    steps = [*way, Labelled(primary.place, primary.label or "used here")]
    locations = [{"location": _location(step.place, step.label, style)} for step in steps]
    return {"threadFlows": [{"locations": locations}]}


def artifact(path: str, root: str) -> dict[str, str]:
    """The artifact location of a displayed path: relative to `root` where it lies below, else an absolute file URI."""
    if root:
        whole = join(root, path)
        inside = whole.removeprefix(root.rstrip("/") + "/")
        if inside == whole:
            return {"uri": "file://" + ("" if whole.startswith("/") else "/") + _quoted(whole)}
        path = inside
    return {"uri": _quoted(path).replace(":", "%3A"), "uriBaseId": ROOT}


def _quoted(path: str) -> str:
    return quote(path.encode("utf-8", "surrogateescape"), safe="/:")

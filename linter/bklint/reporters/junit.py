"""A report into JUnit XML: a suite for each policy with something to say, and in it a case for each resource.

A case fails by findings, of which `type` is the gravest severity; errors by an input that cannot be read, whole or in
part (BKP900, BKP902), or a fault of bklint (BKP901); is skipped where the check was undecided or all its findings are accepted;
and passes otherwise.
A report that holds only the number of passed checks and not which they are has one case for them, `bklint / all other
checks`. There is no time in it: equal code gives equal bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from xml.etree import ElementTree as ET

from bklint.finding import Accepted, Finding, Report, Undecided, of_azure
from bklint.records import dataclass, field
from bklint.reporters import Style, mask
from bklint.reporters.excerpt import location
from bklint.reporters.github import told
from bklint.reporters.places import annotated, places
from bklint.reporters.text import cause, headline

ERRORS = ("BKP900", "BKP901", "BKP902")
"""What is no fault of a resource."""

_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold, not even as a reference."""


@dataclass(slots=True)
class _Case:
    """What is said of one policy on one resource."""

    findings: list[Finding] = field(default_factory=list)
    accepted: list[Accepted] = field(default_factory=list)
    undecided: list[Undecided] = field(default_factory=list)


_Cases = dict[str, dict[str, _Case]]


def report(report: Report, style: Style) -> str:
    """See the module."""
    cases = _cases(report)
    suites = [_passed(report, style), *(_suite(policy, cases[policy], style.names) for policy in sorted(cases))]
    top = _counted(ET.Element("testsuites", name="bklint"), list(_each_case(suites)))
    top.extend(suites)
    ET.indent(top)
    # ASCII with references is read right whatever encoding standard output has.
    written: bytes = ET.tostring(top, encoding="us-ascii", xml_declaration=True)
    return written.decode("ascii") + "\n"


def _cases(report: Report) -> _Cases:
    cases: _Cases = {}
    for finding in report.findings:
        _case(cases, finding.policy, _resource(finding)).findings.append(finding)
    for accepted in report.accepted:
        _case(cases, accepted.finding.policy, _resource(accepted.finding)).accepted.append(accepted)
    for check in report.undecided:
        _case(cases, check.policy, check.address).undecided.append(check)
    covered = {(each.policy, name) for each in report.findings for name in each.addresses}
    for policy, address in report.passes:
        if (policy, address) not in covered:
            _case(cases, policy, address)
    return cases


def _case(cases: _Cases, policy: str, resource: str) -> _Case:
    return cases.setdefault(policy, {}).setdefault(resource, _Case())


def _resource(finding: Finding) -> str:
    """What a case is named after: the resource, else the file."""
    return finding.address or mask.escaped(finding.path)


def _passed(report: Report, style: Style) -> ET.Element:
    """The suite of the checks that passed, with what was looked at."""
    suite = ET.Element("testsuite", name="bklint")
    values = {
        "checksPassed": report.checks_passed,
        "resources": report.resources,
        "resourcesOfInterest": report.resources_of_interest,
        "machines": report.machines,
        "filesRead": report.files_read,
        "exitCode": style.exit_code,
    }
    properties = ET.SubElement(suite, "properties")
    for name, value in values.items():
        ET.SubElement(properties, "property", name=name, value=str(value))
    if report.checks_passed and not report.passes:
        case = ET.SubElement(suite, "testcase", classname="bklint", name="all other checks")
        ET.SubElement(case, "system-out").text = f"{report.checks_passed} passed"
    return _counted(suite, list(suite.iter("testcase")))


def _suite(policy: str, cases: dict[str, _Case], names: Mapping[str, str]) -> ET.Element:
    named = (finding.name for case in cases.values() for finding in _findings(case) if finding.name)
    name = names.get(policy) or next(named, "")
    suite = ET.Element("testsuite", name=_legal(f"{policy} {name}".rstrip()))
    for resource in sorted(cases):
        suite.append(_testcase(policy, resource, cases[resource]))
    return _counted(suite, list(suite.iter("testcase")))


def _findings(case: _Case) -> list[Finding]:
    return [*case.findings, *(each.finding for each in case.accepted)]


def _testcase(policy: str, resource: str, case: _Case) -> ET.Element:
    element = ET.Element("testcase", classname=_legal(policy), name=_legal(resource))
    for name, value in _at(_findings(case)).items():
        element.set(name, _legal(value))
    if case.findings:
        _fail(element, "error" if policy in ERRORS else "failure", case.findings)
    elif case.undecided:
        causes = dict.fromkeys(cause(check) for check in case.undecided)
        _skip(element, f"undecided: {'; '.join(causes)}")
    elif case.accepted:
        _skip(element, "; ".join(dict.fromkeys(map(_why, case.accepted))))
    return element


def _at(findings: Sequence[Finding]) -> dict[str, str]:
    """File and line of the first finding; GitLab and others link them."""
    if not findings:
        return {}
    primary, _ = annotated(findings[0], places(findings[0]))
    if of_azure(findings[0].path if primary is None else primary.place.source.name):
        return {}
    if primary is None:
        return {"file": mask.escaped(findings[0].path)}
    return {"file": mask.escaped(primary.place.source.name), "line": str(primary.place.position.line)}


def _fail(element: ET.Element, tag: str, findings: Sequence[Finding]) -> None:
    gravest = max(finding.severity for finding in findings)
    message = "; ".join(map(headline, findings))
    failure = ET.SubElement(element, tag, type=gravest.label, message=_legal(message))
    failure.text = _legal("\n\n".join("\n".join(_lines(finding)) for finding in findings))


def _lines(finding: Finding) -> Iterator[str]:
    found = places(finding)
    yield from told(finding)
    if finding.why:
        yield " ".join(finding.why.split())
    for place, label in (*([found.primary] if found.primary else []), *found.related):
        yield f"at {location(place)}" + (f": {label}" if label else "")


def _skip(element: ET.Element, message: str) -> None:
    ET.SubElement(element, "skipped", message=_legal(message))


def _why(accepted: Accepted) -> str:
    """Why a finding does not count."""
    kinds = {"baseline": "in the baseline", "base": "older than the change"}
    kind = kinds.get(accepted.kind, "suppressed")
    return f"{kind}: {accepted.reason}" if accepted.reason else kind


def _each_case(suites: Sequence[ET.Element]) -> Iterator[ET.Element]:
    for suite in suites:
        yield from suite.iter("testcase")


def _counted(element: ET.Element, cases: Sequence[ET.Element]) -> ET.Element:
    """The element with the numbers of its cases."""
    element.set("tests", str(len(cases)))
    for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        element.set(attribute, str(sum(case.find(tag) is not None for case in cases)))
    return element


def _legal(text: str) -> str:
    return _ILLEGAL.sub("\ufffd", text)

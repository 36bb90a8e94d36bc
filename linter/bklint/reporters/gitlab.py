"""A report into the code quality report of GitLab, which a merge request shows beside its lines.

GitLab compares the reports of both branches by fingerprint, and takes the first of equal ones: they hold no line, so a
finding that moves is no new one, and none is given twice. Accepted findings are left out.
(https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format)
"""

from __future__ import annotations

import json
import posixpath
from typing import Any

from bklint.finding import Finding, Report, Severity, fingerprints, of_azure
from bklint.reporters import Style, mask
from bklint.reporters.github import in_one_line
from bklint.reporters.places import annotated, places

SEVERITIES = {Severity.ERROR: "critical", Severity.WARNING: "major", Severity.INFO: "info"}


def report(report: Report, style: Style) -> str:
    """See the module."""
    names = fingerprints(report.findings)
    issues = [_issue(finding, name, style) for finding, name in zip(report.findings, names, strict=True)]
    return json.dumps(issues, indent=2) + "\n"


def _issue(finding: Finding, fingerprint: str, style: Style) -> dict[str, Any]:
    primary, _ = annotated(finding, places(finding))
    lines = {"begin": 1}
    path = finding.path
    if primary is not None:
        path = primary.place.source.name
    if primary is not None and not of_azure(path):
        lines = {"begin": primary.place.position.line, "end": primary.place.end_position.line}
    return {
        "description": in_one_line(finding),
        "check_name": finding.policy,
        "fingerprint": fingerprint,
        "severity": SEVERITIES[finding.severity],
        "location": {"path": _relative(path, style.root), "lines": lines},
    }


def _relative(path: str, root: str) -> str:
    """A path as GitLab compares it: below the checkout, without `./`. A resource of Azure is in no file; its id, which the
    format wants for a path, tells at least which it is."""
    if of_azure(path):
        return mask.escaped(path).lstrip("/")
    whole = posixpath.normpath(path)
    return mask.escaped(whole.removeprefix(root.rstrip("/") + "/") if root else whole)

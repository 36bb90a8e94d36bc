"""A report into GitHub workflow commands, which become annotations of a pull request.

GitHub keeps ten errors and ten warnings of a step, so the worst come first. Everything that could end a command early
is escaped (https://docs.github.com/actions/reference/workflow-commands-for-github-actions).
"""

from __future__ import annotations

from bklint.finding import Finding, Report, Severity, of_azure
from bklint.reporters import Style, mask
from bklint.reporters.places import annotated, places
from bklint.reporters.text import headline

COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}


def report(report: Report, style: Style) -> str:
    """See the module."""
    ordered = sorted(report.findings, key=lambda finding: -finding.severity)
    return "".join(map(_command, ordered))


def _command(finding: Finding) -> str:
    primary, _ = annotated(finding, places(finding))
    path = finding.path if primary is None else primary.place.source.name
    properties = {} if of_azure(path) else {"file": mask.escaped(path)}
    if primary is not None and not of_azure(path):
        first, last = primary.place.position, primary.place.end_position
        properties |= {"line": str(first.line), "endLine": str(last.line), "col": str(first.column)}
        if first.line == last.line:
            properties["endColumn"] = str(last.column)
    properties["title"] = f"{finding.policy} {finding.name}"
    written = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    text = _data("\n".join(told(finding)))
    return f"::{COMMANDS[finding.severity]} {written}::{text}\n"


def told(finding: Finding) -> list[str]:
    """What is wrong, what Azure calls it, how to mend it, and of which resource."""
    lines = [headline(finding)]
    if finding.errors:
        lines.append(f"Azure reports {', '.join(finding.errors)}")
    if finding.fix is not None and finding.fix.summary:
        lines.append(f"Fix: {' '.join(finding.fix.summary.split())}")
    if finding.address:
        lines.append(f"Resource: {finding.address}")
    if finding.link:
        lines.append(f"Portal: {finding.link}")
    return lines


def in_one_line(finding: Finding) -> str:
    """The same, for formats that have one line."""
    return ". ".join(line.rstrip(".") for line in told(finding))


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")

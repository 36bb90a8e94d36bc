"""A report into logging commands of Azure Pipelines, which become issues of the run, and the result of its task.

The agent takes `##vso[` anywhere in a line for a command, so nothing of a scanned file is printed outside of one; what
could end a command or its properties early is escaped. There is no issue below warning: advice counts as one and says
`info`. (https://learn.microsoft.com/azure/devops/pipelines/scripts/logging-commands)
"""

from __future__ import annotations

from bklint.finding import Finding, Report, Severity, of_azure
from bklint.reporters import Style, mask
from bklint.reporters.github import in_one_line
from bklint.reporters.places import annotated, places
from bklint.reporters.text import counted

ISSUES = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "warning"}


def report(report: Report, style: Style) -> str:
    """See the module."""
    ordered = sorted(report.findings, key=lambda finding: -finding.severity)
    return "".join([*map(_issue, ordered), _complete(report, style)])


def _issue(finding: Finding) -> str:
    primary, _ = annotated(finding, places(finding))
    path = finding.path if primary is None else primary.place.source.name
    properties = {"type": ISSUES[finding.severity]}
    if not of_azure(path):
        properties["sourcepath"] = mask.escaped(path)
    if primary is not None and not of_azure(path):
        line, column = primary.place.position
        properties |= {"linenumber": str(line), "columnnumber": str(column)}
    properties["code"] = finding.policy
    label = "info: " if finding.severity is Severity.INFO else ""
    return _command("task.logissue", properties, label + in_one_line(finding))


def _complete(report: Report, style: Style) -> str:
    """What the task ends with; nothing where it simply succeeds. Advice is no issue of the run."""
    told = [counted(len(report.findings), "finding")] if report.findings else []
    told += [f"{len(report.undecided)} undecided"] if report.undecided else []
    if style.exit_code:
        return _command("task.complete", {"result": "Failed"}, ", ".join(told) or f"exit status {style.exit_code}")
    if any(finding.severity > Severity.INFO for finding in report.findings):
        return _command("task.complete", {"result": "SucceededWithIssues"}, ", ".join(told))
    return ""


def _command(name: str, properties: dict[str, str], data: str) -> str:
    written = "".join(f"{key}={_property(value)};" for key, value in properties.items())
    return f"##vso[{name} {written}]{_data(data)}\n"


def _data(text: str) -> str:
    return text.replace("%", "%AZP25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(";", "%3B").replace("]", "%5D")

"""Logging commands of Azure Pipelines: read back as the agent reads them, they hold what the findings hold."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from bklint.finding import Report, Severity
from bklint.reporters import Style, render

_ESCAPES = (("%3B", ";"), ("%5D", "]"), ("%0D", "\r"), ("%0A", "\n"), ("%AZP25", "%"))


def read(line: str) -> tuple[str, dict[str, str], str]:
    """Command, properties and data of a line, as the agent splits and unescapes them."""
    start = line.index("##vso[")
    end = line.index("]", start)
    name, _, properties = line[start + 6 : end].partition(" ")
    pairs = (pair.partition("=") for pair in properties.split(";") if pair)
    return name, {key: unescaped(value) for key, _, value in pairs}, unescaped(line[end + 1 :])


def unescaped(text: str) -> str:
    for escape, sign in _ESCAPES:
        text = text.replace(escape, sign)
    return text


def test_hostile_names(reports: dict[str, Report]) -> None:
    lines = render("azure-devops", reports["names"], Style()).splitlines()
    assert len(lines) == 2
    name, properties, data = read(lines[0])
    assert name == "task.logissue"
    assert set(properties) == {"type", "sourcepath", "linenumber", "columnnumber", "code"}
    assert properties["sourcepath"] == "a]b;c%25,d|e`f`<script>alert(1)<%2Fscript>.tf"
    assert "; % %0A %5D %AZP25 |" in data


def test_control_characters_make_no_line(reports: dict[str, Report]) -> None:
    lines = render("azure-devops", reports["hostile"], Style()).splitlines()
    assert [read(line)[0] for line in lines] == ["task.logissue", "task.complete"]


@pytest.mark.parametrize(
    ("severities", "code", "result"),
    [
        ((Severity.ERROR, Severity.WARNING), 1, "Failed"),
        ((Severity.WARNING,), 0, "SucceededWithIssues"),
        ((Severity.ERROR,), 0, "SucceededWithIssues"),
        ((Severity.INFO,), 0, None),
        ((), 0, None),
        ((), 1, "Failed"),
    ],
)
def test_result(severities: tuple[Severity, ...], code: int, result: str | None, reports: dict[str, Report]) -> None:
    disk = reports["full"].findings[1]
    report = Report(tuple(replace(disk, severity=severity) for severity in severities))
    text = render("azure-devops", report, Style(exit_code=code))
    assert re.findall(r"task\.complete result=(\w+);", text) == ([result] if result else [])
    assert text.count("##vso[task.logissue") == len(severities)

"""The code quality report: what GitLab requires of each issue, and fingerprints that are unique and stay."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from bklint.finding import Report, Severity
from bklint.reporters import Style, render
from bklint.source import Place, Source

STYLE = Style(root="/srv")


def issues(report: Report) -> list[dict[str, Any]]:
    found = json.loads(render("gitlab", report, STYLE))
    assert isinstance(found, list)
    return found


def test_shape(named_report: tuple[str, Report]) -> None:
    report = named_report[1]
    found = issues(report)
    assert len(found) == len(report.findings)
    for issue in found:
        assert set(issue) == {"description", "check_name", "fingerprint", "severity", "location"}
        assert issue["severity"] in ("info", "minor", "major", "critical", "blocker")
        assert issue["description"]
        assert "\n" not in issue["description"]
        assert not issue["location"]["path"].startswith(("/", "./"))
        assert issue["location"]["lines"]["begin"] >= 1
    assert len({issue["fingerprint"] for issue in found}) == len(found)


def test_equal_findings_have_fingerprints_of_their_own(reports: dict[str, Report]) -> None:
    disk = reports["full"].findings[1]
    assert len({issue["fingerprint"] for issue in issues(Report((disk, disk)))}) == 2


def test_a_finding_that_moves_is_the_same(reports: dict[str, Report]) -> None:
    disk = reports["full"].findings[1]
    assert isinstance(disk.place, Place)
    source = Source("main.tf", b"\n\n" + disk.place.source.data)
    moved = replace(disk, place=Place(source, disk.place.start + 2, disk.place.end + 2))
    (before,), (after,) = issues(Report((disk,))), issues(Report((moved,)))
    assert before["fingerprint"] == after["fingerprint"]
    assert after["location"]["lines"]["begin"] == before["location"]["lines"]["begin"] + 2


def test_paths_are_those_of_the_checkout(reports: dict[str, Report]) -> None:
    bare = replace(reports["full"].findings[0], place=None)
    given = {"/srv/a/main.tf": "a/main.tf", "./main.tf": "main.tf", "a\n.tf": "a\\n.tf", "b\udcff.tf": "b\\xff.tf"}
    for path, shown in given.items():
        assert issues(Report((replace(bare, path=path),)))[0]["location"]["path"] == shown


def test_severities(reports: dict[str, Report]) -> None:
    disk = reports["full"].findings[1]
    for severity, word in zip(Severity, ("info", "major", "critical"), strict=True):
        assert issues(Report((replace(disk, severity=severity),)))[0]["severity"] == word

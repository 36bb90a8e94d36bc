"""Every format of hand-made reports, word for word. `BKLINT_UPDATE_GOLDEN=1` rewrites the files under tests/golden."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import bklint
from bklint.finding import Finding, Report, Severity, fingerprints
from bklint.reporters import REPORTERS, Rule, Style, render
from bklint.reporters.policies import listed, shown
from bklint.source import BOM, Place, Source

GOLDEN = Path(__file__).parents[2] / "golden" / "reporters"
OASIS = Path(__file__).parents[2] / "data" / "sarif" / "sarif-schema-2.1.0.json"
SAMPLES = Path(__file__).parents[3] / "sample-templates"
ENDINGS = {
    "text": "txt",
    "json": "json",
    "sarif": "sarif",
    "github": "github",
    "azure-devops": "azure",
    "gitlab": "gitlab.json",
    "junit": "xml",
    "markdown": "md",
    "html": "html",
}
COMMANDS = {"azure-devops": ("##vso[task.logissue type=", "##vso[task.complete result="), "markdown": ("## ", "### ")}
"""What a line may start with that some system takes for its own, where it is the format's."""
DISK = Rule(
    "BKP301",
    "disk-larger-than-32tb",
    "Disk is larger than 32 TB",
    "disks",
    "error",
    "Azure Backup cannot take a snapshot of a disk that is larger than 32 TB.",
    ("UserErrorUnsupportedDiskSize",),
    "Split the disk.",
    ("S2, UserErrorUnsupportedDiskSize (2020-11-05): disks above 32 TB are not supported",),
    {"terraform": "disk_size_gb = 32767\n", "arm": '"diskSizeGB": 32767\n'},
)
STYLE = Style(undecided=True, verbose=True, exit_code=3, version="0.1.0", root="/srv", rules={"BKP301": DISK})

Named = tuple[str, Report]


@pytest.mark.parametrize("format_", REPORTERS)
def test_golden(format_: str, named_report: Named) -> None:
    name, report = named_report
    text = render(format_, report, STYLE)
    file = GOLDEN / f"{name}.{ENDINGS[format_]}"
    if os.environ.get("BKLINT_UPDATE_GOLDEN"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8", newline="\n")
    assert text == file.read_text("utf-8")


@pytest.mark.parametrize("format_", REPORTERS)
def test_nothing_secret_and_no_control_character(format_: str, named_report: Named) -> None:
    text = render(format_, named_report[1], replace(STYLE, color=False))
    assert "hunter2" not in text
    assert not [c for c in text if c != "\n" and (ord(c) < 0x20 or c in "\x7f\x9b\u202e\u2028")]
    others = [line for line in text.splitlines() if not line.startswith(COMMANDS.get(format_, ("\0",)))]
    assert not [line for line in others if line.startswith(("::error::", "##"))]
    text.encode("utf-8")


def test_colour_only_colours(reports: dict[str, Report]) -> None:
    import re

    coloured = render("text", reports["full"], replace(STYLE, color=True))
    assert "\x1b[1;31m" in coloured
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == render("text", reports["full"], STYLE)


def test_quiet_text_is_findings_only(reports: dict[str, Report]) -> None:
    assert render("text", reports["clean"], Style(quiet=True)) == ""
    assert "182 resources" not in render("text", reports["full"], Style(quiet=True))


# -- SARIF ---------------------------------------------------------------------------------------------------------


def sarif(report: Report, style: Style = STYLE) -> Any:
    """The one run of a report."""
    log = json.loads(render("sarif", report, style))
    assert log["version"] == "2.1.0"
    assert len(log["runs"]) == 1
    return log["runs"][0]


@pytest.fixture(scope="module")
def oasis() -> Any:
    """What validates against the schema of the standard."""
    from jsonschema import Draft4Validator

    return Draft4Validator(json.loads(OASIS.read_text("utf-8")))


def test_sarif_against_the_schema(named_report: Named, oasis: Any) -> None:
    log = json.loads(render("sarif", named_report[1], STYLE))
    assert [error.message for error in oasis.iter_errors(log)] == []
    for result in log["runs"][0]["results"][:1]:
        result["locations"][0]["physicalLocation"]["region"]["startLine"] = 0
        assert [error.json_path for error in oasis.iter_errors(log)]


def test_sarif_has_what_code_scanning_reads(named_report: Named) -> None:
    run = sarif(named_report[1])
    rules = run["tool"]["driver"]["rules"]
    assert run["columnKind"] == "unicodeCodePoints"
    for rule in rules:
        assert rule["shortDescription"]["text"]
        assert 0 < len(rule["fullDescription"]["text"]) <= 1024
        assert rule["help"]["text"]
        assert rule["help"]["markdown"]
        assert "security-severity" not in rule["properties"]
        assert len(rule["properties"]["tags"]) <= 10
    for result in run["results"]:
        if result.get("baselineState") == "absent":
            continue
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in ("error", "warning", "note")
        assert result["message"]["text"]
        assert len(result["locations"]) == 1
        assert "primaryLocationLineHash" not in result["partialFingerprints"]
        places = [result["locations"][0], *result.get("relatedLocations", [])]
        for place in places:
            region = place["physicalLocation"]["region"]
            assert set(region) == {"startLine", "startColumn", "endLine", "endColumn"}
            assert min(region.values()) >= 1
            assert (region["startLine"], region["startColumn"]) <= (region["endLine"], region["endColumn"])
            uri = place["physicalLocation"]["artifactLocation"]["uri"]
            assert uri.isascii()
            assert not set(uri) & set(" \\:\n\x1b")


def test_place_to_change_is_the_first_related_location(reports: dict[str, Report]) -> None:
    result = next(result for result in sarif(reports["full"])["results"] if result["ruleId"] == "BKP301")
    first = result["relatedLocations"][0]
    assert first["id"] == 1
    assert first["physicalLocation"]["artifactLocation"]["uri"] == "env/prod%20%C3%A9.tfvars"
    assert "](1)" in result["message"]["text"]
    flow = result["codeFlows"][0]["threadFlows"][0]["locations"]
    uris = [step["location"]["physicalLocation"]["artifactLocation"]["uri"] for step in flow]
    assert uris == ["env/prod%20%C3%A9.tfvars", "main.tf"]


def test_code_flow_goes_from_the_default_over_the_module_to_the_attribute(tmp_path: Path, monkeypatch: Any) -> None:
    """The way of a value: what decides it, each place that hands it on, the attribute at fault, one line each."""
    (tmp_path / "disk").mkdir()
    (tmp_path / "disk" / "main.tf").write_text(
        'variable "gb" {}\nresource "azurerm_managed_disk" "d" {\n  name         = "d"\n  disk_size_gb = var.gb\n}\n'
    )
    (tmp_path / "main.tf").write_text(
        'variable "size" {\n  default = 40000\n}\nlocals {\n  big = var.size\n}\n'
        'module "disk" {\n  source = "./disk"\n  gb     = local.big\n}\n'
    )
    monkeypatch.chdir(tmp_path)
    run = json.loads(bklint.render(bklint.scan(".", select=["BKP301"]), "sarif"))["runs"][0]
    (result,) = run["results"]
    (flow,) = result["codeFlows"]
    steps = [step["location"] for step in flow["threadFlows"][0]["locations"]]
    assert [(uri(step), lines(step), step["message"]["text"]) for step in steps] == [
        ("main.tf", (2, 13, 2, 18), "default of var.size"),
        ("main.tf", (5, 9, 5, 17), "local.big"),
        ("main.tf", (9, 12, 9, 21), "argument module.disk.gb"),
        ("disk/main.tf", (4, 18, 4, 24), "used here"),
    ]
    assert [uri(result["locations"][0]), lines(result["locations"][0])] == ["disk/main.tf", (4, 18, 4, 24)]
    assert {(uri(each), lines(each)) for each in result["relatedLocations"]} == {
        (uri(step), lines(step)) for step in steps[:-1]
    }


def uri(location: Any) -> str:
    """The file of a location."""
    found = location["physicalLocation"]["artifactLocation"]["uri"]
    assert isinstance(found, str)
    return found


def lines(location: Any) -> tuple[int, ...]:
    """Start line and column, end line and column."""
    region = location["physicalLocation"]["region"]
    return tuple(region[name] for name in ("startLine", "startColumn", "endLine", "endColumn"))


def test_samples_as_code_scanning_shows_them(oasis: Any) -> None:
    """On real findings of all dialects: valid, each primary region within one line, as an alert in a diff needs it."""
    report = bklint.scan(SAMPLES, min_severity="info")
    log = json.loads(bklint.render(report, "sarif"))
    assert [error.message for error in oasis.iter_errors(log)] == []
    results = log["runs"][0]["results"]
    assert len(results) == len(report.findings) > 30
    for result in results:
        first, start, last, end = lines(result["locations"][0])
        assert first == last
        assert start < end
    assert any("codeFlows" in result for result in results)


def test_fingerprints_stay_when_lines_move(tmp_path: Path, monkeypatch: Any) -> None:
    """Lines and comments added above every finding of a sample change no fingerprint."""
    import shutil

    shutil.copytree(SAMPLES / "terraform-vm", tmp_path / "terraform-vm")
    monkeypatch.chdir(tmp_path)
    before = fingerprinted(bklint.scan("terraform-vm"))
    for file in Path("terraform-vm").rglob("*.tf"):
        file.write_text("# moved\n\n\n" + file.read_text("utf-8"), "utf-8")
    after = fingerprinted(bklint.scan("terraform-vm"))
    assert sorted(before) == sorted(after)
    assert before != after


def fingerprinted(report: Report) -> dict[str, int]:
    """The line of each result by its fingerprint."""
    results = json.loads(bklint.render(report, "sarif"))["runs"][0]["results"]
    return {each["partialFingerprints"]["bklintFinding/v1"]: lines(each["locations"][0])[0] for each in results}


def test_a_second_reader_takes_sarif(tmp_path: Path) -> None:
    """sarif-tools (PyPI) reads what the samples give, and counts the same."""
    loader = pytest.importorskip("sarif.loader", reason="sarif-tools is large: .ci/run installs it")
    report = bklint.scan(SAMPLES, min_severity="info")
    file = tmp_path / "bklint.sarif"
    file.write_text(bklint.render(report, "sarif"), "utf-8")
    read = loader.load_sarif_file(str(file))
    assert read.get_distinct_tool_names() == ["bklint"]
    for word, label in (("error", "error"), ("warning", "warning"), ("note", "info")):
        expected = sum(each.severity.label == label for each in report.findings)
        assert read.get_report().get_issue_count_for_severity(word) == expected
    shown = sorted((row["Code"], row["Location"], row["Line"]) for row in read.get_records())
    assert shown == sorted(
        (each.policy, os.path.relpath(each.path), each.place.locate().position.line)
        for each in report.findings
        if each.place is not None
    )
    for finding in report.findings:
        assert read.get_rules_by_id(finding.policy)


def test_labels_cannot_make_links(reports: dict[str, Report]) -> None:
    text = sarif(reports["hostile"])["results"][0]["message"]["text"]
    assert "](1)" not in text.splitlines()[0]


PATHS = [
    ("main.tf", {"uri": "main.tf", "uriBaseId": "%SRCROOT%"}),
    ("/srv/a b/main.tf", {"uri": "a%20b/main.tf", "uriBaseId": "%SRCROOT%"}),
    ("../other/main.tf", {"uri": "file:///other/main.tf"}),
    ("/srver/main.tf", {"uri": "file:///srver/main.tf"}),
    ("b\udcff.tf", {"uri": "b%FF.tf", "uriBaseId": "%SRCROOT%"}),
]


@pytest.mark.parametrize(("path", "expected"), PATHS)
def test_uris(path: str, expected: dict[str, str]) -> None:
    from bklint.reporters.sarif import artifact

    assert artifact(path, "/srv") == expected


# -- all formats ---------------------------------------------------------------------------------------------------


def test_fingerprints_survive_moves_but_tell_findings_apart(reports: dict[str, Report]) -> None:
    disk = next(finding for finding in reports["full"].findings if finding.policy == "BKP301")
    assert isinstance(disk.place, Place)
    source = Source("main.tf", b"\n\n" + disk.place.source.data)
    moved = replace(disk, place=Place(source, disk.place.start + 2, disk.place.end + 2), message="reworded")
    recased = replace(disk, address=disk.address.upper())
    other = replace(disk, sub_key="lun 1")
    names = [fingerprints([each])[0] for each in (disk, moved, recased, other)]
    assert names[0] == names[1] == names[2] != names[3]
    assert len(set(fingerprints([disk, disk]))) == 2


def test_every_severity_has_a_word_in_every_format(reports: dict[str, Report]) -> None:
    disk = next(finding for finding in reports["full"].findings if finding.policy == "BKP301")
    words = {"text": ("info[", "warning[", "error["), "github": ("::notice ", "::warning ", "::error ")}
    for severity in Severity:
        report = Report((replace(disk, severity=severity),))
        for format_, expected in words.items():
            assert render(format_, report, STYLE).startswith(expected[severity - 1])
        assert sarif(report)["results"][0]["level"] == ("note", "warning", "error")[severity - 1]


def test_positions_are_code_points_and_bytes() -> None:
    source = Source("x.tf", BOM + "😀é = 5\n".encode())
    start = source.data.index(b"5")
    finding = Finding("BKP301", "x", Severity.ERROR, "m", "x.tf", Place(source, start, start + 1))
    at = json.loads(render("json", Report((finding,)), STYLE))["findings"][0]["at"]
    assert at == {"path": "x.tf", "line": 1, "column": 6, "endLine": 1, "endColumn": 7, "start": 12, "end": 13}


def test_annotations_come_worst_first(reports: dict[str, Report]) -> None:
    report = reports["full"]
    text = render("github", replace(report, findings=report.findings[::-1]), STYLE)
    assert [line.split()[0] for line in text.splitlines()] == ["::error", "::error", "::warning"]


def test_many_findings_are_quick(reports: dict[str, Report]) -> None:
    import time

    report = replace(reports["full"], findings=reports["full"].findings * 300)
    for format_ in REPORTERS:
        began = time.process_time()
        render(format_, report, STYLE)
        assert time.process_time() - began < 5


def test_policies() -> None:
    assert listed([DISK]) == "BKP301  error    disk-larger-than-32tb  Disk is larger than 32 TB\n"
    text = shown([DISK])
    for part in ("Azure reports: UserErrorUnsupportedDiskSize", "# terraform", "  disk_size_gb = 32767", "Sources:"):
        assert part in text


def test_reasons_are_told_once(reports: dict[str, Report]) -> None:
    disk = next(finding for finding in reports["full"].findings if finding.policy == "BKP301")
    report = Report((disk, replace(disk, address="b")))
    text, verbose = render("text", report, Style()), render("text", report, Style(verbose=True))
    for part, times in (("cannot take a snapshot", 1), ("UserErrorUnsupportedDiskSize, 2020", 1), ("32767\n", 0),
                        ("Split the disk.", 2), ("Azure reports", 2)):  # fmt: skip
        assert text.count(part) == times
        assert verbose.count(part) == 2

"""A line of a scanned file that a build system would take for a command of its own is none in any report.

The two parsers are written after the agents' own: Azure Pipelines takes `##vso[` anywhere and `##[` at the start of a
line, the runner of GitHub `##[` anywhere and `::name` at the start, after blanks.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

import bklint
from bklint.finding import Finding, Gone, RelatedPlace, Report, Severity, Undecided
from bklint.model.inventory import Note
from bklint.reporters import REPORTERS, Style, mask, render
from bklint.source import Place, Source

OWN = {"github": "::error ", "azure-devops": "##vso[task."}
"""What each line of the formats that are commands starts with."""

TEXTS = [
    "##vso[task.setvariable variable=x]y",
    "##VSO[task.complete result=Succeeded;]",
    "##[error]pwned",
    "x ##[add-mask]y",
    "###[error]pwned",
    "::error file=a::pwned",
    "  ::add-mask::pwned",
    "word " * 20 + "::set-output name=a::pwned",
]


def taken(line: str) -> bool:
    """Whether an agent would take a line for a command."""
    return bool(re.search(r"##(vso)?\[", line, re.IGNORECASE) or re.match(r"\s*::[A-Za-z][\w-]*( [^:]*)?::", line))


def report_with(text: str) -> Report:
    """A report that has the text in every place that a scanned file can fill."""
    source = Source(f"{text}.tf", f'# {text}\n{text}\nname = "{text}"\n'.encode())
    start = len(f"# {text}\n")
    finding = Finding(
        policy="BKP301", name="x", severity=Severity.ERROR, message=text, path=source.name, address=text,
        place=Place(source, start, start + len(text)), related=(RelatedPlace(Place(source, 2, 3), text),),
        notes=(text,), contexts=(text,), instances=(text, "b"), notice=text,
    )  # fmt: skip
    return Report(
        findings=(finding, replace(finding, place=None)),
        undecided=(Undecided("BKP301", text, text, text, None, text),),
        notes=(Note("", text), Note(text, text)),
        files_skipped=(text,),
        gone=(Gone("BKP301", text, text, text, "base"), Gone("BKP301", text, text, text, "baseline")),
        passes=(("BKP302", text),),
        compared=True,
    )


@pytest.mark.parametrize("color", [False, True])
@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("format_", REPORTERS)
def test_no_line_of_a_report_is_a_command(format_: str, text: str, color: bool) -> None:
    style = Style(verbose=True, undecided=True, width=60, color=color)
    lines = render(format_, report_with(text), style).splitlines()
    plain = [re.sub(r"\x1b\[[\d;]*m", "", line) for line in lines]
    assert [line for line in plain if taken(line) and not line.startswith(OWN.get(format_, "\0"))] == []


def test_the_parsers_here_take_what_the_agents_take() -> None:
    assert all(map(taken, TEXTS[:-1]))
    assert not any(map(taken, ["a::b", ":: x", " ::: a.tf:1:2", "# [x]", "## vso", "std::vector::size", "#[x]"]))


def test_what_was_a_command_is_still_read() -> None:
    """The text shows it with its first sign as an escape; JSON and XML hold the same value as before."""
    text = "##vso[task.setvariable variable=x]y"
    shown = render("text", report_with(text), Style())
    assert "\\x23#vso[task.setvariable variable=x]y" in shown
    data = json.loads(render("json", report_with(text), Style()))
    assert data["findings"][0]["message"] == text
    assert json.loads(render("gitlab", report_with(text), Style()))[0]["description"].startswith(text)
    assert json.loads(render("sarif", report_with(text), Style()))["runs"][0]["results"]
    case = next(ET.fromstring(render("junit", report_with(text), Style())).iter("failure"))
    assert case.attrib["message"].startswith(text)


def test_marks_stay_under_their_text() -> None:
    source = Source("a.tf", b"x = ##[error] 5\n")
    at = source.data.index(b"5")
    finding = Finding("BKP301", "x", Severity.ERROR, "m", "a.tf", Place(source, at, at + 1))
    shown = render("text", Report((finding,)), Style()).splitlines()
    line, mark = (next(each for each in shown if word in each) for word in ("x = ", "^"))
    assert line.index("5") == mark.index("^")


def test_inert_leaves_everything_else_alone() -> None:
    for text in ("a ::: b\n", " ::: a.tf:1:2", "## heading", "#[derive(x)]", "std::vec", "a ##b", "::", ""):
        assert mask.inert(text) == mask.inert_json(text) == mask.inert_xml(text) == text


def test_other_output_is_inert_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is explained, listed and said of errors holds names of files and words of the user."""
    from bklint import cli

    monkeypatch.chdir(tmp_path)
    name = "a ##vso[task.x] ##[error].tf"
    Path(name).write_text('resource "azurerm_managed_disk" "d" {\n  name = "d"\n  disk_size_gb = 40000\n}\n')
    for arguments in (
        ["explain", "BKP301", "."], ["explain", "--format", "json", "BKP301", "."], ["scan", "--show-files"],
        ["scan", "::error::##vso[task.x]"], ["explain", "##vso[task.x]zzz"],
    ):  # fmt: skip
        cli.main(arguments)
        out, err = capsys.readouterr()
        assert out or err
        assert [line for line in (out + err).splitlines() if taken(line)] == [], arguments


def test_no_slow_pattern() -> None:
    import time

    for piece in ("\n", " ", "#", "##", ":", " :", "\t\n", "\x1b[1m"):
        began = time.process_time()
        for make in (mask.inert, mask.inert_json, mask.inert_xml):
            make(piece * 200_000)
        assert time.process_time() - began < 3


def test_a_scanned_file_with_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole way, in the file's name, in a resource's name, in a comment on the line, and in a syntax error."""
    monkeypatch.chdir(tmp_path)
    scope = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/AzureBackupRG_westeurope_1"
    Path("a ##vso[task.x].tf").write_text(
        f'resource "azurerm_management_lock" "a" {{\n  name = "##vso[task.setvariable]::error::"\n'
        f'  scope = "{scope}" # ##[error]pwned\n  lock_level = "ReadOnly"\n}}\n'
    )
    Path("other").mkdir()
    Path("other/b.tf").write_text("::error file=x::pwned ##vso[task.x]\n")
    report = bklint.scan(".")
    assert {finding.policy for finding in report.findings} == {"BKP201", "BKP900"}
    for format_ in REPORTERS:
        lines = bklint.render(report, format_).splitlines()
        assert [line for line in lines if taken(line) and not line.startswith(OWN.get(format_, "\0"))] == []

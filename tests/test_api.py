"""The Python interface: the same report as the command gives, and nothing printed, nothing exited, nothing changed."""

from __future__ import annotations

import ast
import gc
import inspect
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import bklint
from bklint import api, cli

ROOT = Path(__file__).resolve().parent.parent
LINTER = ROOT / "linter"
DISK = 'resource "azurerm_managed_disk" "d" {\n  name         = "d"\n  disk_size_gb = %s\n}\n'


@pytest.fixture
def infra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with one disk whose size is a variable without a value."""
    (tmp_path / "main.tf").write_text('variable "gb" {}\n' + DISK % "var.gb")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_what_is_offered() -> None:
    assert set(dir(bklint)) == set(bklint.__all__)
    for name in bklint.__all__:
        assert getattr(bklint, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'scna'"):
        bklint.scna  # noqa: B018
    assert (LINTER / "bklint" / "py.typed").exists()


def test_importing_loads_nothing() -> None:
    code = "import sys, bklint; print([name for name in sys.modules if name.startswith('bklint.')])"
    done = subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": str(LINTER)}, capture_output=True, text=True)
    assert done.stdout == "[]\n"


def test_a_type_checker_knows_them(tmp_path: Path) -> None:
    """Under mypy --strict the interface has the types that its documentation says."""
    (tmp_path / "use.py").write_text(
        "import bklint\n"
        "report: bklint.Report = bklint.scan('infra', select=['disks'], variables={'a': '1'})\n"
        "worst: bklint.Severity = max(finding.severity for finding in report.findings)\n"
        "text: str = bklint.render(report, 'sarif')\n"
        "status: int = bklint.exit_status(report, fail_on='warning')\n"
        "bklint.scan(5)\n"
    )
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path / "cache"),
               "--follow-imports=silent", "use.py"]  # fmt: skip
    environment = {**os.environ, "MYPYPATH": str(LINTER)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    errors = [line for line in done.stdout.splitlines() if ": error:" in line]
    assert len(errors) == 1, done.stdout
    assert errors[0].startswith('use.py:6: error: Argument 1 to "scan"')


CASES = [
    ({"variables": {"gb": "40000"}}, ["--var", "gb=40000"]),
    ({"variables": {"gb": "40000"}, "min_severity": "error"}, ["--var", "gb=40000", "--min-severity", "error"]),
    ({"select": ["BKP2*"]}, ["--select", "BKP2*"]),
    ({"edition": "current", "complete": True}, ["--edition", "current", "--complete"]),
    ({"var_files": [Path("big.tfvars")], "ignore": ["BKP4*"]}, ["--var-file", "big.tfvars", "--ignore", "BKP4*"]),
    ({"config": False, "report_only": ["main.tf"]}, ["--no-config", "--report-only", "main.tf"]),
]


@pytest.mark.parametrize(("words", "options"), CASES, ids=lambda value: str(value)[:40])
def test_the_same_as_the_command(
    words: dict[str, object], options: list[str], infra: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (infra / "big.tfvars").write_text("gb = 50000\n")
    (infra / ".bklint.yaml").write_text("severity: {BKP301: error}\n")
    given = bklint.scan(**words)  # type: ignore[arg-type]
    assert capsys.readouterr() == ("", "")
    status = cli.main(["scan", *([] if "--report-only" in options else ["."]), *options, "--format", "json"])
    said = json.loads(capsys.readouterr().out)
    mine = json.loads(bklint.render(given, "json"))
    for data in (said, mine):
        data["summary"].pop("exitCode")
    assert said == mine
    assert status == bklint.exit_status(given)


def test_every_word_of_the_command_is_a_word_of_scan() -> None:
    """An option of `bklint scan` that decides what is found cannot be left out of the interface by mistake."""
    names = {
        "var": "variables",
        "var_file": "var_files",
        "no_config": "config",
        "no_suppressions": "suppressions",
        "limit": "limits",
    }
    groups = {"inputs", "checks", "known findings"}
    parser = cli.parser().commands()["scan"]  # type: ignore[attr-defined]
    options = {
        action.dest for group in parser._action_groups if group.title in groups for action in group._group_actions
    }
    offered = set(inspect.signature(bklint.scan).parameters)
    assert {names.get(name, name) for name in options} - {"stdin_filename"} <= offered


def test_it_neither_prints_nor_changes_the_process(infra: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (infra / "broken.tf").write_text("resource {")
    before = dict(os.environ), os.getcwd(), gc.get_threshold(), sys.stdout, sorted(os.listdir("."))
    report = bklint.scan(infra)
    assert bklint.exit_status(report) == 3
    for format_ in ("text", "json", "sarif", "github", "azure-devops", "gitlab", "junit", "markdown", "html"):
        assert bklint.render(report, format_)
    assert capsys.readouterr() == ("", "")
    assert before == (dict(os.environ), os.getcwd(), gc.get_threshold(), sys.stdout, sorted(os.listdir(".")))
    tree = ast.parse(inspect.getsource(api))
    called = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    assert not called & {"print", "exit", "sys.exit", "os._exit", "quit"}


WRONG = [
    ({"paths": "nowhere"}, "path 'nowhere' does not exist"),
    ({"select": ["BKP3O1"]}, "no policy is called 'BKP3O1'"),
    ({"min_severity": "fatal"}, "severity 'fatal' is not known"),
    ({"edition": "newest"}, "edition 'newest' is not known"),
    ({"bicep": "compile"}, "bicep 'compile' is not known"),
    ({"config": "no.yaml"}, "configuration 'no.yaml' does not exist"),
    ({"baseline": "no.json"}, "baseline 'no.json' cannot be read"),
]


@pytest.mark.parametrize(("words", "message"), WRONG, ids=lambda value: str(value)[:40])
def test_wrong_use_raises(words: dict[str, object], message: str, infra: Path) -> None:
    with pytest.raises(bklint.UsageError, match=message):
        bklint.scan(**words)  # type: ignore[arg-type]


def test_an_unknown_format(infra: Path) -> None:
    with pytest.raises(bklint.UsageError, match="format 'xml' is not known: use text, json"):
        bklint.render(bklint.Report(), "xml")


def test_passes_are_cases_of_junit(infra: Path) -> None:
    from xml.etree import ElementTree as ET

    (infra / "main.tf").write_text(DISK % "40000" + (DISK % "5").replace('"d"', '"e"'))
    report = bklint.scan(select=["BKP301", "BKP601"], passes=True)
    top = ET.fromstring(bklint.render(report, "junit"))
    cases = {(case.get("classname"), case.get("name")): [child.tag for child in case] for case in top.iter("testcase")}
    assert cases == {
        ("BKP301", "azurerm_managed_disk.d"): ["failure"],
        ("BKP301", "azurerm_managed_disk.e"): [],
    }
    assert report.passes == (("BKP301", "azurerm_managed_disk.e"),)
    assert report.checks_passed == 1
    assert bklint.scan(select=["BKP301"]).passes == ()
    names = [suite.get("name") for suite in top.iter("testsuite")]
    assert names == ["bklint", "BKP301 disk-larger-than-32tb"]


# -- standard input ------------------------------------------------------------------------------------------------


def piped(text: str, *arguments: str, cwd: Path) -> tuple[int, str, str]:
    """Exit status, output and errors of `bklint scan` with a text on standard input."""
    done = subprocess.run(
        [sys.executable, "-m", "bklint", "scan", *arguments],
        cwd=cwd, env={"PYTHONPATH": str(LINTER)}, input=text.encode(), capture_output=True, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout.decode(), done.stderr.decode()


ALONE = {
    "terraform": (DISK % "40000", "stdin.tf:3:18"),
    "template": (
        '{"$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",\n'
        ' "resources": [{"type": "Microsoft.Compute/disks", "name": "d", "apiVersion": "2023-10-02",\n'
        '  "properties": {"creationData": {"createOption": "Empty"}, "diskSizeGB": 40000}}]}',
        "stdin.json:3:75",
    ),
    "script": ("#!/bin/bash\niptables -A OUTPUT -d 168.63.129.16 -j DROP\n", "stdin.sh:2:"),
}


@pytest.mark.parametrize("case", ALONE)
def test_a_text_alone(case: str, tmp_path: Path) -> None:
    text, place = ALONE[case]
    _, out, err = piped(text, "-", cwd=tmp_path)
    assert err == ""
    assert place in out


def test_a_text_in_place_of_a_file(infra: Path) -> None:
    """What an editor holds counts instead of the file, values beside it count, and only this file is reported."""
    (infra / "big.auto.tfvars").write_text("gb = 40000\n")
    (infra / "other.tf").write_text((DISK % "50000").replace('"d"', '"other"'))
    edited = "# a line more\n" + (infra / "main.tf").read_text()
    for name in ("main.tf", str(infra / "main.tf"), "./main.tf"):
        status, out, err = piped(edited, "-", "--stdin-filename", name, "--fail-on", "warning", cwd=infra)
        assert (status, err) == (1, "")
        assert " --> main.tf:5:18\n" in out
        assert " ::: big.auto.tfvars:1:6\n" in out
        assert "azurerm_managed_disk.other" not in out
    status, out, _ = piped(edited.replace("var.gb", "5"), "-", "--stdin-filename", "main.tf", cwd=infra)
    assert "no findings" in out


def test_a_text_for_a_file_that_is_not_there_yet(infra: Path) -> None:
    status, out, _ = piped(DISK % "40000", "-", "--stdin-filename", "new/main.tf", "--fail-on=warning", cwd=infra)
    assert (status, " --> new/main.tf:3:18\n" in out) == (1, True)


def test_a_text_for_a_file_elsewhere(infra: Path, tmp_path: Path) -> None:
    (infra / "here").mkdir()
    _, out, err = piped(
        (DISK % "40000").replace('"d"', '"x"'), "-", "--stdin-filename", str(tmp_path / "x.tf"), cwd=infra / "here"
    )
    assert err == ""
    assert f" --> {tmp_path / 'x.tf'}:3:18\n" in out


REFUSED = [
    (["-", "infra"], "goes with no other path"),
    (["-", "--fix"], "--fix does not go with standard input"),
    (["-", "--diff"], "--diff does not go with standard input"),
    (["-", "--changed-since", "HEAD"], "--changed-since does not go with standard input"),
    (["-", "--report-only"], "--report-only does not go with standard input"),
    (["--stdin-filename", "a.tf"], "bklint scan --stdin-filename a.tf -"),
]


@pytest.mark.parametrize(("arguments", "message"), REFUSED, ids=lambda value: str(value)[:40])
def test_what_does_not_go_with_it(
    arguments: list[str], message: str, infra: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
    assert cli.main(["scan", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_damage_on_standard_input(infra: Path) -> None:
    status, out, err = piped('resource "a" {', "-", "--stdin-filename", "main.tf", cwd=infra)
    assert (status, err) == (3, "")
    assert "error[BKP900]" in out
    assert piped("\x00\xff", "-", cwd=infra)[0] in (0, 3)

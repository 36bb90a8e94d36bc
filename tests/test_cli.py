"""The command line: exit status of each row of the table, streams, colour, hostile names, closed pipes."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bklint import __version__, cli, run
from bklint.arguments import SHELLS
from bklint.errors import UsageError
from bklint.finding import Finding, Report, Severity, Undecided
from bklint.model.inventory import Note
from bklint.reporters import rules

LINTER = Path(cli.__file__).parent.parent

ERROR = Finding("BKP301", "disk-larger-than-32tb", Severity.ERROR, "too large", "main.tf", None)
WARNING = replace(ERROR, policy="BKP101", severity=Severity.WARNING)
INFO = replace(ERROR, policy="BKP102", severity=Severity.INFO)
UNREADABLE = replace(ERROR, policy="BKP900")
UNCLAIMED = replace(UNREADABLE, severity=Severity.WARNING)
INTERNAL = replace(ERROR, policy="BKP901")
UNDECIDED = (Undecided("BKP301", "a", "var.x", "input without a value", None),)

CODES: list[tuple[str, Report, str, int]] = [
    ("nothing", Report(), "", 0),
    ("error", Report((ERROR,)), "", 1),
    ("warning", Report((WARNING,)), "", 0),
    ("warning counts", Report((WARNING,)), "--fail-on warning", 1),
    ("info", Report((INFO,)), "--fail-on warning", 0),
    ("info counts", Report((INFO,)), "--fail-on info", 1),
    ("undecided", Report(undecided=UNDECIDED), "", 0),
    ("undecided counts", Report(undecided=UNDECIDED), "--fail-on-undecided", 1),
    ("exit zero", Report((ERROR,), UNDECIDED), "--exit-zero --fail-on-undecided", 0),
    ("unreadable wins", Report((ERROR, UNREADABLE), unread_claimed=True), "", 3),
    ("unreadable in spite of exit zero", Report((UNREADABLE,), unread_claimed=True), "--exit-zero", 3),
    ("unreadable that claims nothing", Report((UNCLAIMED,)), "--fail-on warning", 0),
    ("internal error", Report((INTERNAL,)), "", 3),
    ("note", Report(notes=(Note("bicep", "1 Bicep file"),)), "", 0),
    ("note, strict", Report(notes=(Note("bicep", "1 Bicep file"),)), "--strict", 3),
    ("remark, strict", Report(notes=(Note("skipped", "x", None, False),)), "--strict", 0),
    ("skipped", Report(files_skipped=("package.json",)), "", 0),
    ("skipped, strict", Report(files_skipped=("package.json",)), "--strict", 3),
]


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Replaces the scan by a given report."""

    def give(report: Report) -> None:
        monkeypatch.setattr(run, "load_policies", lambda options: None)
        monkeypatch.setattr(rules, "rules", lambda report, policies: {})
        monkeypatch.setattr(run, "scan", lambda *arguments, **options: report)

    return give


@pytest.mark.parametrize("format_", ["text", "json", "sarif", "github"])
@pytest.mark.parametrize(("report", "options", "code"), [row[1:] for row in CODES], ids=[row[0] for row in CODES])
def test_exit_code(report: Report, options: str, code: int, format_: str, stub: Any) -> None:
    stub(report)
    assert cli.main(["scan", "--format", format_, *options.split()]) == code


USAGE = [
    ["scan", "no/such/path"],
    ["scan", "--no-such-flag"],
    ["scan", "--format", "xml"],
    ["scan", "--format", "text", "--format", "json"],
    ["scan", "--format", "json="],
    ["scan", "--format", "json=no/such/directory/x.json"],
    ["scan", "--format", "json=x.json", "--output", "y.json"],
    ["scan", "--select", "BKP999X"],
    ["scan", "--ignore", "nothing-like-it"],
    ["scan", "--var", "novalue"],
    ["scan", "--var-file", "no/such.tfvars"],
    ["scan", "--parameters", "no/such.json"],
    ["scan", "--policies", "no/such/directory"],
    ["scan", "--edition", "newest"],
    ["scan", "--min-severity", "fatal"],
    ["policies", "show"],
    ["policies", "show", "BKP000"],
    ["policies", "list", "BKP301"],
    ["sacn"],
    [],
]


@pytest.mark.parametrize("arguments", USAGE, ids=" ".join)
def test_wrong_usage(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    try:
        code: Any = cli.main(arguments)
    except SystemExit as error:
        code = error.code
    out, err = capsys.readouterr()
    assert (code, out) == (2, "")
    assert err.strip()


def bklint(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """The real command in a process of its own."""
    clean = {"PYTHONPATH": str(LINTER), "PATH": os.environ["PATH"], **environment}
    command = [sys.executable, "-m", "bklint", *arguments]
    return subprocess.run(command, cwd=cwd, env=clean, capture_output=True, check=False, timeout=60)


def test_help_and_version(tmp_path: Path) -> None:
    assert bklint("--version", cwd=tmp_path).stdout.decode().strip() == f"bklint {__version__}"
    text = bklint("scan", "--help", cwd=tmp_path)
    assert text.returncode == 0
    for flag in ("--format", "--select", "--edition", "--fail-on", "--var-file", "--parameters", "--undecided"):
        assert flag in text.stdout.decode()
    assert bklint("--help", cwd=tmp_path).returncode == 0


BROKEN = {
    "damaged terraform": ("main.tf", b'resource "azurerm_managed_disk" "a" {\n  disk_size_gb = \n}\n'),
    "not UTF-8": ("main.tf", b'locals {\n  a = "\xff"\n}\n'),
    "damaged template": ("t.json", b'{"$schema": "https://x/deploymentTemplate.json#", "resources": [}'),
}


@pytest.mark.parametrize("case", BROKEN)
def test_unreadable_input(case: str, tmp_path: Path) -> None:
    name, data = BROKEN[case]
    (tmp_path / name).write_bytes(data)
    done = bklint("scan", cwd=tmp_path)
    assert b"Traceback" not in done.stderr
    assert b"BKP900" in done.stdout
    assert name.encode() in done.stdout
    assert done.returncode == 3
    assert bklint("scan", "--ignore", "BKP900", cwd=tmp_path).returncode == 0


def test_unrelated_files_are_no_error(tmp_path: Path) -> None:
    (tmp_path / "main.tf").write_text("")
    (tmp_path / "terraform.tfvars").write_text("\n")
    (tmp_path / "package.json").write_text('{"name": "x"}')
    (tmp_path / "tsconfig.json").write_text("// comment\n{}")
    done = bklint("scan", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"0 resources of interest in" in done.stdout
    assert b"package.json, tsconfig.json" in done.stdout


def test_named_file_that_cannot_be_parsed(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text("{")
    assert bklint("scan", cwd=tmp_path).returncode == 0
    assert bklint("scan", "x.json", cwd=tmp_path).returncode == 3


def test_empty_directory(tmp_path: Path) -> None:
    done = bklint("scan", cwd=tmp_path)
    assert done.returncode == 0
    assert b"0 resources of interest in 0 files" in done.stdout


@pytest.mark.skipif(os.name == "nt", reason="no such names there")
def test_hostile_names(tmp_path: Path) -> None:
    for name in (b"a\x1b]0;x\x07.tf", b"b\n::error::x.tf", b"c\xff.tf", "d\u202e.tf".encode(), b"-e.tf", b" f .json"):
        with open(os.fsencode(tmp_path) + b"/" + name, "wb") as out:
            out.write(b"{" if name.endswith(b"json") else b"resource \xff {")
    for format_ in ("text", "json", "sarif", "github"):
        done = bklint("scan", "--format", format_, cwd=tmp_path, PYTHONIOENCODING="ascii")
        assert b"Traceback" not in done.stderr
        assert done.returncode == 3
        assert not {0x1B, 0x07} & set(done.stdout)
        if format_ in ("json", "sarif"):
            json.loads(done.stdout)
        else:
            lines = done.stdout.decode("utf-8").splitlines()
            assert not [line for line in lines if line.startswith("::error::")]
    assert bklint("scan", "--show-files", cwd=tmp_path).stdout.count(b"\n") == 6


def test_same_output_twice(tmp_path: Path) -> None:
    (tmp_path / "main.tf").write_text("resource {")
    for format_ in ("text", "json", "sarif", "github"):
        first, second = (
            bklint("scan", "--format", format_, cwd=tmp_path, PYTHONHASHSEED=seed).stdout for seed in ("1", "2")
        )
        assert first == second != b""


def test_several_reports(tmp_path: Path) -> None:
    (tmp_path / "main.tf").write_text("resource {")
    done = bklint("scan", "--format=text", "--format=sarif=a.sarif", "--format=json=b.json", cwd=tmp_path)
    assert done.stdout.startswith(b"error[BKP900]")
    assert json.loads((tmp_path / "a.sarif").read_text())["runs"][0]["invocations"][0]["exitCode"] == 3
    assert json.loads((tmp_path / "b.json").read_text())["summary"]["exitCode"] == 3
    done = bklint("scan", "--output", "c.txt", "--color", "always", cwd=tmp_path)
    assert done.stdout == b""
    assert (tmp_path / "c.txt").read_bytes().startswith(b"error[BKP900]")


def test_unwritable_report(tmp_path: Path) -> None:
    (tmp_path / "a.json").mkdir()
    done = bklint("scan", "--format", "json=a.json", cwd=tmp_path)
    assert done.returncode == 2
    assert b"cannot write 'a.json'" in done.stderr


def test_quiet_and_verbose(tmp_path: Path) -> None:
    assert bklint("scan", "-q", cwd=tmp_path).stdout == b""
    assert b"edition original" in bklint("scan", "-v", cwd=tmp_path).stdout


def test_show_files(tmp_path: Path) -> None:
    (tmp_path / "main.tf").write_text("")
    (tmp_path / "x.json").write_text("{}")
    assert bklint("scan", "--show-files", cwd=tmp_path).stdout.decode().split() == [
        "terraform", "main.tf", "skipped", "x.json",
    ]  # fmt: skip


@pytest.mark.skipif(os.name == "nt", reason="pipes differ")
def test_closed_pipe(tmp_path: Path) -> None:
    for number in range(300):
        (tmp_path / f"{number}.tf").write_text("resource {" * 30)
    command = [sys.executable, "-m", "bklint", "scan"]
    with subprocess.Popen(
        command, cwd=tmp_path, env={"PYTHONPATH": str(LINTER)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(10)
        process.stdout.close()
        assert process.stderr.read() == b""


def test_interrupt(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(*_: object, **__: object) -> Report:
        raise KeyboardInterrupt

    monkeypatch.setattr(run, "scan", interrupted)
    assert cli.main(["scan"]) == 130
    assert capsys.readouterr() == ("", "bklint: interrupted\n")


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


COLOURS: list[tuple[str, dict[str, str], bool, bool]] = [
    ("auto", {}, True, True),
    ("auto", {}, False, False),
    ("auto", {"TERM": "dumb"}, True, False),
    ("auto", {"NO_COLOR": "1"}, True, False),
    ("auto", {"NO_COLOR": ""}, True, True),
    ("auto", {"FORCE_COLOR": "1"}, False, True),
    ("auto", {"FORCE_COLOR": "0"}, False, False),
    ("auto", {"CLICOLOR_FORCE": "1"}, False, True),
    ("auto", {"NO_COLOR": "1", "FORCE_COLOR": "1"}, True, False),
    ("always", {"NO_COLOR": "1"}, False, True),
    ("never", {"FORCE_COLOR": "1"}, True, False),
]


@pytest.mark.parametrize(("choice", "environment", "terminal", "expected"), COLOURS)
def test_colour(choice: str, environment: dict[str, str], terminal: bool, expected: bool) -> None:
    assert cli.colored(choice, environment, Terminal() if terminal else io.StringIO()) is expected


def test_progress_only_for_long_work_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(cli.time, "monotonic", lambda: now)
    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal()
    with cli.Progress(stream, True) as progress:
        progress(0, "a")
        assert stream.getvalue() == ""
        now = 2.0
        progress(7, "b\x1b[31m\n")
        progress(8, "too soon")
    assert stream.getvalue() == "\r\x1b[K7 checked, now b\\x1b[31m\\n\r\x1b[K"
    quiet = io.StringIO()
    with cli.Progress(quiet, True) as progress:
        now = 9.0
        progress(1, "a")
    assert quiet.getvalue() == ""


WIDTHS = [
    ({"COLUMNS": "70"}, 70),
    ({"COLUMNS": "20"}, 40),
    ({"COLUMNS": "500"}, 120),
    ({"COLUMNS": "0"}, 100),
    ({"COLUMNS": "wide"}, 100),
    ({}, 100),
]


@pytest.mark.parametrize(("environment", "expected"), WIDTHS)
def test_width(environment: dict[str, str], expected: int) -> None:
    assert cli.width(environment, io.StringIO()) == expected


@pytest.mark.skipif(os.name == "nt", reason="no pseudo-terminals there")
def test_width_of_a_terminal() -> None:
    import fcntl
    import pty
    import struct
    import termios

    ours, theirs = pty.openpty()
    try:
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 66, 0, 0))
        with open(theirs, "w", closefd=False) as stream:
            assert cli.width({}, stream) == 66
    finally:
        os.close(ours)
        os.close(theirs)


@pytest.mark.parametrize("columns", [40, 60, 80])
def test_a_narrow_terminal(columns: int, tmp_path: Path) -> None:
    """Excerpts and prose keep to the width. Headlines, places and what marks say and words are never cut."""
    lock = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/AzureBackupRG_westeurope_1"
    (tmp_path / "main.tf").write_text(
        f'resource "azurerm_management_lock" "a" {{\n  name = "a"\n  scope = "{lock}"\n  lock_level = "ReadOnly"\n}}\n'
    )
    text = bklint("scan", "--select=BKP201", cwd=tmp_path, COLUMNS=str(columns)).stdout.decode()
    prose = [line for line in text.splitlines() if line.startswith("   ") or " | " in line]
    assert len(prose) > 8
    assert [line for line in prose if len(line) > columns and len(line.split()) > 1 and "^" not in line] == []


LINKS = [
    ({"TERM": "xterm"}, True, True),
    ({"TERM": "dumb"}, True, False),
    ({}, False, False),
    ({"FORCE_HYPERLINK": "1"}, False, True),
    ({"FORCE_HYPERLINK": "0"}, True, False),
]


@pytest.mark.parametrize(("environment", "terminal", "expected"), LINKS)
def test_links(environment: dict[str, str], terminal: bool, expected: bool) -> None:
    assert cli.linked(environment, Terminal() if terminal else io.StringIO()) is expected


def test_links_go_to_the_file_and_to_the_document(tmp_path: Path) -> None:
    """OSC 8; what is between the escapes is what is shown without links, apart from the address."""
    import re

    directory = tmp_path / "a b é"
    directory.mkdir()
    (directory / "main.tf").write_text(
        'resource "azurerm_managed_disk" "d" {\n  name = "d"\n  disk_size_gb = 40000\n}\n'
    )
    done = bklint("scan", "--select=BKP301", cwd=directory, FORCE_HYPERLINK="1")
    text = done.stdout.decode()
    found = re.findall(r"\x1b\]8;;([^\x1b]+)\x1b\\(.*?)\x1b\]8;;\x1b\\", text)
    assert [words for _, words in found] == ["main.tf:3:18", "S2, UserErrorUnsupportedDiskSize (2020-11-05)"]
    assert found[0][0] == (directory / "main.tf").as_uri()
    assert found[1][0].startswith("https://learn.microsoft.com/")
    plain = bklint("scan", "--select=BKP301", cwd=directory).stdout.decode()
    assert re.sub(r"\x1b\]8;;[^\x1b]*\x1b\\", "", text) == re.sub(rf"\n +{re.escape(found[1][0])}", "", plain)
    for option in ("--color=never", "--output=x.txt"):
        bare = bklint("scan", "--select=BKP301", option, cwd=directory, FORCE_HYPERLINK="1").stdout
        assert b"\x1b" not in bare
    assert b"\x1b" not in (directory / "x.txt").read_bytes()


def test_windows_paths(monkeypatch: pytest.MonkeyPatch) -> None:
    """What Windows separates by backslashes is shown, linked and reported with slashes."""
    from bklint import files
    from bklint.reporters import Style, render
    from bklint.source import Place, Source

    monkeypatch.setattr(files.os, "sep", "\\")
    assert files.normalise("infra\\prod\\..\\main.tf") == "infra/main.tf"
    assert files.normalise("C:\\infra\\main.tf") == "C:/infra/main.tf"
    source = Source("C:/infra/my disk.tf", b"size = 5")
    finding = replace(ERROR, path=source.name, place=Place(source, 7, 8))
    style = Style(root="C:/infra", links=True)
    assert "file:///C:/infra/my%20disk.tf\x1b" in render("text", Report((finding,)), style)
    location = json.loads(render("sarif", Report((finding,)), style))["runs"][0]["results"][0]["locations"][0]
    assert location["physicalLocation"]["artifactLocation"] == {"uri": "my%20disk.tf", "uriBaseId": "%SRCROOT%"}
    (issue,) = json.loads(render("gitlab", Report((finding,)), style))
    assert issue["location"]["path"] == "my disk.tf"


HINTS = [
    (["sacn"], "did you mean 'scan'?\ntry `bklint --help`\n"),
    (["scan", "--colour", "never"], "bklint scan: unknown: --colour; did you mean '--color'?"),
    (["scan", "--fromat=json"], "did you mean '--format'?"),
    (["policies", "lst"], "did you mean 'list'?"),
    (["schema", "confg"], "did you mean 'config'?"),
    (["scan", "--edition"], "expected one argument\ntry `bklint scan --help`\n"),
    (["scan", "--xyzzy"], "bklint scan: unknown: --xyzzy\ntry `bklint scan --help`\n"),
]


@pytest.mark.parametrize(("arguments", "hint"), HINTS, ids=lambda value: str(value)[:40])
def test_errors_say_what_to_type(arguments: list[str], hint: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as error:
        cli.main(arguments)
    assert error.value.code == 2
    assert hint in capsys.readouterr().err


@pytest.mark.parametrize("shell", SHELLS)
def test_completion(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["completion", shell]) == 0
    script = capsys.readouterr().out
    for word in ("scan", "baseline", *([] if shell == "tcsh" else ["stdin-filename", "azure-devops"])):
        assert word in script  # shtab has no options of commands for tcsh
    program = {"bash": ["bash", "-n"], "zsh": ["zsh", "-n"], "fish": ["fish", "--no-execute"], "tcsh": ["tcsh", "-n"]}
    if shell in program and shutil.which(program[shell][0]):
        done = subprocess.run(program[shell], input=script.encode(), capture_output=True, check=False)
        assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash")
def test_bash_completes(tmp_path: Path) -> None:
    """The script, loaded into a shell, offers commands, options, and the formats of `--format`."""
    script = bklint("completion", "bash", cwd=tmp_path).stdout.decode()
    for typed, expected in (("bklint sc", "scan"), ("bklint scan --edi", "--edition"), ("bklint scan --edition c", "current"),
                            ("bklint scan --format azu", "azure-devops"), ("bklint completion z", "zsh")):  # fmt: skip
        words = typed.split(" ")
        run = f"COMP_WORDS=({' '.join(words)}); COMP_CWORD={len(words) - 1}; _shtab_bklint; printf '%s\\n' \"${{COMPREPLY[@]}}\""
        done = subprocess.run(["bash", "--norc", "-c", f"{script}\n{run}"], capture_output=True, check=False, text=True)
        assert expected in done.stdout.split(), (typed, done)


def test_what_fails_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = cli.parser().parse_args(["scan", "--fail-on", "info", "--min-severity", "error"])
    assert cli.scan_options(arguments).min_severity is Severity.INFO


def test_usage_error_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def wrong(*_: object, **__: object) -> Report:
        raise UsageError("policies/x.yaml:3:1: unknown word 'sevrity'")

    monkeypatch.setattr(run, "load_policies", wrong)
    assert cli.main(["scan"]) == 2
    assert capsys.readouterr() == ("", "bklint: policies/x.yaml:3:1: unknown word 'sevrity'\n")


# -- the whole way -------------------------------------------------------------------------------------------------

POLICY = """\
id: TST301
name: disk-too-large
title: Disk is too large
area: testing
target: [Microsoft.Compute/disks]
condition: {field: properties.diskSizeGB, greater: 32767}
cases: [{severity: error}]
report: {at: {field: properties.diskSizeGB}}
message: "disk {resource.name} is {properties.diskSizeGB} GiB"
fix: {safety: manual}
---
why: The backup job fails.
errors: [UserErrorUnsupportedDiskSize]
sources: [{document: S2, section: Disks, date: 2020-11-05, says: disks above 32 TB are not supported}]
fix:
  summary: Split the disk.
  terraform: |
    disk_size_gb = 32767
examples:
  bad: [{terraform: 'resource "azurerm_managed_disk" "a" { disk_size_gb = 40000 }', at: '40000'}]
  good: [{terraform: 'resource "azurerm_managed_disk" "a" { disk_size_gb = 5 }', because: it is small}]
  unknown: [{terraform: 'resource "azurerm_managed_disk" "a" { disk_size_gb = var.x }', because: no default}]
"""

MAIN = """\
variable "size" {
  type = number
}

resource "azurerm_managed_disk" "data" {
  name         = "data"
  disk_size_gb = var.size
}
"""

FINDING = """\
error[TST301]: disk data is 40000 GiB
 --> main.tf:7:18
  |
7 |   disk_size_gb = var.size
  |                  ^^^^^^^^
  |
 ::: terraform.tfvars:1:8
  |
1 | size = 40000
  |        ----- value of var.size: change it here
  |
  = note: The backup job fails. (Azure reports UserErrorUnsupportedDiskSize)
  = help: Split the disk.
  = docs: S2, Disks (2020-11-05)
          https://learn.microsoft.com/fr-fr/azure/backup/backup-azure-troubleshoot-vm-backup-fails-snapshot-timeout
  = more: bklint policies show TST301
  = resource: azurerm_managed_disk.data

1 finding: 1 error
2 files, 1 resource (1 of interest), 0 machines: 0 checks passed
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A Terraform directory whose disk has no size yet, and a directory of policies beside it."""
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "disk.yaml").write_text(POLICY)
    (tmp_path / "infra").mkdir()
    (tmp_path / "infra" / "main.tf").write_text(MAIN)
    return tmp_path / "infra"


def check(project: Path, *arguments: str) -> tuple[int, str]:
    """Exit status and output of a scan of the project with its policy alone."""
    done = bklint("scan", "--policies", "../policies", "--select", "TST301", *arguments, cwd=project)
    assert done.stderr == b""
    return done.returncode, done.stdout.decode()


def test_finding(project: Path) -> None:
    (project / "terraform.tfvars").write_text("size = 40000\n")
    assert check(project) == (1, FINDING)


def test_undecided_and_what_decides_it(project: Path) -> None:
    code, text = check(project)
    assert (code, "no findings" in text) == (0, True)
    assert "var.size (input without a value): 1 check undecided; pass --var-file or --var" in text
    assert "TST301 azurerm_managed_disk.data: var.size" in check(project, "--undecided")[1]
    assert check(project, "--fail-on-undecided")[0] == 1
    assert check(project, "--var", "size=40000")[0] == 1
    assert check(project, "--var", "size=5", "--fail-on-undecided")[0] == 0
    (project.parent / "x.tfvars").write_text("size = 50000\n")
    assert "disk data is 50000 GiB" in check(project, "--var-file", "../x.tfvars")[1]


def test_formats_agree(project: Path) -> None:
    (project / "terraform.tfvars").write_text("size = 40000\n")
    data = json.loads(check(project, "--format", "json")[1])
    log = json.loads(check(project, "--format", "sarif")[1])
    result, rule = log["runs"][0]["results"][0], log["runs"][0]["tool"]["driver"]["rules"][0]
    assert data["findings"][0]["at"]["line"] == 7
    assert result["locations"][0]["physicalLocation"]["region"]["startLine"] == 7
    assert result["partialFingerprints"]["bklintFinding/v1"] == data["findings"][0]["fingerprint"]
    assert rule["shortDescription"]["text"] == "Disk is too large"
    annotation = check(project, "--format", "github")[1]
    assert annotation.startswith("::error file=main.tf,line=7,endLine=7,col=18,endColumn=26,title=TST301")


def test_policies_command(project: Path) -> None:
    done = bklint("policies", "list", "--policies", "../policies", cwd=project)
    assert "TST301  error" in done.stdout.decode()
    done = bklint("policies", "show", "TST301", "--policies", "../policies", cwd=project)
    assert "The backup job fails." in done.stdout.decode()

"""Every message about a bad configuration or policy file, word for word. `BKLINT_UPDATE_GOLDEN=1` rewrites the pages.

A golden page holds, for each case, the text that is wrong and what bklint says of it.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from bklint.cli import main
from bklint.policy.skeleton import skeleton

GOLDEN = Path(__file__).parent / "golden" / "messages"

CONFIGURATIONS = [
    "selct: [disks]",
    "select: disks",
    "select: [disk]",
    "select: [BKP3O1]",
    "select: [5]",
    "ignore: [BKP3O1]",
    "ignore: [5]",
    "ignore:\n  - BKP301\n  - {id: BKP301, reason: x}",
    "ignore: [{id: BKP301, address: x}]",
    "ignore: [{address: x, reason: x}]",
    "ignore: [{id: BKP301, address: x, reason: ''}]",
    "ignore: [{id: [], address: x, reason: x}]",
    "ignore: [{id: [BKP301, BKP3O1], address: x, reason: x}]",
    "ignore: [{id: BKP301, adress: x, reason: x}]",
    "ignore: [{id: BKP301, path: x, reason: x, until: tomorrow}]",
    "ignore: [{id: BKP301, path: x, reason: x, until: 2026-02-30}]",
    "severity: {BKP301: fatal}",
    "severity: {BKP3O1: error}",
    "severity: error",
    "parameters: {treat_cmk: true}",
    "parameters: {treat_cmk_as_encrypted: 1}",
    "parameters: {treat_cmk_as_encrypted: {a: 1}}",
    "overrides: {paths: [x]}",
    "overrides: [{ignore: [BKP301]}]",
    "overrides: [{paths: [x], select: [BKP301]}]",
    "overrides: [{paths: [x], ignore: [BKP3O1]}]",
    "overrides: [{paths: [x], severity: {BKP301: off}}]",
    "overrides: [{paths: [x], parameters: {treat_cmk: 1}}]",
    "contexts: [prod.tfvars]",
    "contexts: {infra: prod.tfvars}",
    "contexts: {infra: [prod.tfvars]}",
    "contexts: {infra: [[a.tfvars, b.tfvars]]}",
    "contexts: {infra: []}",
    "exclude: old/",
    "gitignore: sometimes",
    "policies: own",
    "policies: [own]",
    "baseline: no.json",
    "edition: newest",
    "complete: 1",
    "fail_on: fatal",
    "min_severity: eror",
    "require_reason: never",
    "[",
    "a: b: c",
    "a: *b",
    "just text",
    "select: [disks]\n---\nselect: [network]",
    "\tselect: [disks]",
]

TOML = [
    '[tool.bklint]\nselct = ["disks"]',
    '[tool.bklint.severity]\nBKP3O1 = "error"',
    '[tool.bklint]\nedition = "newest"',
    '[[tool.bklint.ignore]]\nid = "BKP301"\naddress = "x"\nreason = "x"\nuntil = 2026-02-01\nwhen = 1',
    "[tool.bklint]\nselect = [",
]

POLICIES = [
    ("id: OWN001", "id: own1"),
    ("id: OWN001", "id: BKP301"),
    ("id: OWN001", "identity: OWN001"),
    ("name: too-large", "name: Too Large"),
    ("title: Disk", "titel: Disk"),
    ("area: disks", "area: 5"),
    ("target: Microsoft.Compute/disks", "target: disks"),
    ("type: int", "type: integer"),
    ("default: 1024", "default: many"),
    ("default: 1024, ", ""),
    ("greater:", "greter:"),
    ("greater: {param: largest}", "greater: {param: larges}"),
    ("greater: {param: largest}", "greater: {parameter: largest}"),
    ("greater: {param: largest}", "greater: big"),
    ("greater: {param: largest}", "greater: 5\n  less: 6"),
    ("  field: properties.diskSizeGB\n  greater", "  fact: sizeGib\n  greater"),
    ("  field: properties.diskSizeGB\n  greater", "  fact: encryption.klass\n  greater"),
    ("  field: properties.diskSizeGB\n  greater", "  fact: hostIp\n  greater"),
    ("  field: properties.diskSizeGB\n  greater", "  exists: {resource: parents}\n  greater"),
    ("  field: properties.diskSizeGB\n", ""),
    ("  greater: {param: largest}", "  equals: []"),
    ("severity: warning", "severity: fatal"),
    ("severity: warning", "severity: warning, when: {field: sku.name, equals: x}"),
    ("at: {field: properties.diskSizeGB}", "at: {fact: sizeGib}"),
    ("at: {field: properties.diskSizeGB}", "where: {field: properties.diskSizeGB}"),
    ("{largest} GiB", "{larges} GiB"),
    ("{largest} GiB", "{largest GiB"),
    ("safety: manual", "safety: sure"),
    ("why: |", "wy: |"),
    ("errors: []", "errors: none"),
    ("document: our rules", "dokument: our rules"),
    ('at: "1025" ', 'att: "1025" '),
    ("unknown:", "unknwon:"),
    ("---\nwhy", "why"),
    ("examples:", "---\nexamples:"),
    ("id: OWN001", "id: [OWN001"),
]


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What the command says of an error."""
    code = main(arguments)
    out, err = capsys.readouterr()
    assert (code, out) == (2, ""), arguments
    return err.strip()


def golden(name: str, cases: list[tuple[str, str]]) -> None:
    """Compare with the golden page, or rewrite it."""
    page = "\n".join(f"{text}\n=> {message}\n" for text, message in cases)
    path = GOLDEN / name
    if os.environ.get("BKLINT_UPDATE_GOLDEN"):
        path.write_text(page, encoding="utf-8")
    assert page == path.read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, a repository of its own."""
    (tmp_path / ".git").mkdir()
    (tmp_path / "own").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_configurations(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cases = []
    for text in CONFIGURATIONS:
        (directory / ".bklint.yaml").write_text(text + "\n")
        cases.append((text, said(capsys, "scan")))
    golden("config.txt", cases)


@pytest.mark.skipif(sys.version_info < (3, 11), reason="needs tomllib")
def test_toml(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cases = []
    for text in TOML:
        (directory / "pyproject.toml").write_text(text + "\n")
        cases.append((text, said(capsys, "scan")))
    golden("toml.txt", cases)


def test_policies(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cases = []
    for old, new in POLICIES:
        text = skeleton("disks/too-large").replace(old, new, 1)
        assert text != skeleton("disks/too-large"), old
        (directory / "own" / "p.yaml").write_text(text)
        cases.append((f"{old} -> {new}", said(capsys, "scan", "--policies", "own")))
    golden("policies.txt", cases)


def test_python_3_10(directory: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "tomllib", None)
    (directory / "pyproject.toml").write_text("[project]\n")
    assert main(["scan"]) == 0
    (directory / "pyproject.toml").write_text("[tool.bklint]\n")
    capsys.readouterr()
    assert said(capsys, "scan") == (
        "bklint: pyproject.toml: [tool.bklint] needs Python 3.11 or newer; use .bklint.yaml"
    )

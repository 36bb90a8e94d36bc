"""Defects that the fuzzer found, each as the smallest input that showed it: an error meant for people, or none, and no crash."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from bklint import baseline, cli, config, files, run
from bklint.errors import UsageError
from bklint.files import MemoryReader
from bklint.finding import Report


def scanned(**named: str) -> Report:
    options = run.ScanOptions()
    texts = {name.replace("__", "."): text for name, text in named.items()}
    return run.scan(["."], options, run.load_policies(options), MemoryReader(texts))


@pytest.mark.skipif(sys.version_info < (3, 11), reason="tomllib came with Python 3.11")
@pytest.mark.parametrize(
    "deep", ["tool.bklint" + ".a" * 5000 + " = 1", "[tool.bklint]\na = " + "[" * 5000 + "]" * 5000]
)
def test_a_configuration_that_nests_without_end(deep: str, tmp_path: Path) -> None:
    file = tmp_path / "pyproject.toml"
    file.write_text(deep)
    with pytest.raises(UsageError, match=r"pyproject\.toml: .*nest"):
        config.load(str(file))


@pytest.mark.skipif(sys.version_info < (3, 11), reason="tomllib came with Python 3.11")
@pytest.mark.parametrize(
    "text", ["[tool]\nbklint = 5", "[tool.bklint]\nfail_on = 10:00:00", "[tool.bklint]\nselect = 1979-05-27"]
)
def test_a_configuration_of_the_wrong_kind(text: str, tmp_path: Path) -> None:
    file = tmp_path / "pyproject.toml"
    file.write_text(text)
    with pytest.raises(UsageError, match=r"pyproject\.toml:\d+:\d+: "):
        run.load_policies(run.ScanOptions(config=config.load(str(file))))


@pytest.mark.skipif(sys.version_info < (3, 11), reason="tomllib came with Python 3.11")
def test_a_file_of_tools_that_holds_none(tmp_path: Path) -> None:
    file = tmp_path / "pyproject.toml"
    file.write_text("tool = 1")
    assert config.load(str(file)).select == ()


def test_a_configuration_that_is_no_text_of_people(tmp_path: Path) -> None:
    file = tmp_path / ".bklint.yaml"
    file.write_text("#" * (config.MAX_BYTES + 1))
    with pytest.raises(UsageError, match="bklint reads files up to 1048576 bytes"):
        config.load(str(file))


def test_a_baseline_that_nests_without_end(tmp_path: Path) -> None:
    file = tmp_path / "baseline.json"
    file.write_text("[" * 100_000)
    with pytest.raises(UsageError, match="not a baseline"):
        baseline.load(str(file))


def test_a_message_in_another_encoding(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    text = "UserErrorRpCollectionLimitReached, d\xe9pass\xe9".encode("latin-1")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text), encoding="utf-8"))
    assert cli.main(["explain", "-"]) == 0
    assert "UserErrorRpCollectionLimitReached" in capsys.readouterr().out


def test_standard_input_without_an_end(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UsageError, match="standard input has more than 10 bytes"):
        files.received(io.BytesIO(b"y\n" * 100), 10)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"y\n" * cli.MAX_MESSAGE)))
    assert cli.main(["explain", "-"]) == 2
    assert "standard input has more than 1048576 bytes" in capsys.readouterr().err


def test_an_option_with_control_characters(capsys: pytest.CaptureFixture[str]) -> None:
    """As in `bklint scan *` beside a file of such a name."""
    with pytest.raises(SystemExit) as ended:
        cli.main(["scan", "--\x1b[31mred\u202e", "##vso[task.x]y"])
    said = capsys.readouterr().err
    assert ended.value.code == 2
    assert r"unknown: --\x1b[31mred\u{202e}" in said
    assert "\x1b" not in said


@pytest.mark.parametrize("kind", [[], {}, 5, None, "shell"])
def test_provisioners_of_packer_of_any_type(kind: object) -> None:
    text = json.dumps({"builders": [], "provisioners": [{"type": kind, "inline": ["iptables -P OUTPUT DROP"]}]})
    ids = {finding.policy for finding in scanned(image__json=text).findings}
    assert run.INTERNAL not in ids
    assert (ids == {"BKP603"}) == (kind == "shell")


@pytest.mark.parametrize("member", ["subnets", "networkInterfaces", "securityRules"])
@pytest.mark.parametrize("value", [True, 5, "x", {"a": 1}])
def test_an_export_with_members_of_any_type(member: str, value: object) -> None:
    group = {
        "id": "/x/networkSecurityGroups/n",
        "name": "n",
        "defaultSecurityRules": [],
        "securityRules": [],
        member: value,
    }
    assert run.INTERNAL not in {finding.policy for finding in scanned(n__json=json.dumps(group)).findings}


@pytest.mark.parametrize(
    "text", ["#cloud-config\nruncmd: [a,", "#cloud-config\nruncmd: {a: b", '#cloud-config\nruncmd: ["\xe9']
)
def test_a_text_that_ends_too_early_is_told_at_its_end(text: str) -> None:
    (finding,) = scanned(**{"user-data": text}).findings
    assert finding.policy == run.UNREADABLE
    assert finding.place is not None
    place = finding.place.locate()
    assert 0 < place.start <= place.end <= len(text.encode())


@pytest.mark.parametrize("parameters", [-1, [1], "x", True, None])
def test_parameters_of_any_type(parameters: object) -> None:
    template = {"$schema": "https://x/deploymentTemplate.json#", "parameters": parameters, "resources": []}
    assert scanned(**{"a__json": json.dumps(template), "a.parameters.json": "{}"}).findings == ()


@pytest.mark.parametrize("key", ["deployment()", "createArray(1)", "null()", "true()", "json('1.5')"])
def test_a_member_that_is_looked_up_by_what_is_no_name(key: str) -> None:
    disk = {"type": "Microsoft.Compute/disks", "apiVersion": "2023-01-02", "name": f"[tryGet(parameters('o'), {key})]"}
    template = {
        "$schema": "https://x/deploymentTemplate.json#",
        "parameters": {"o": {"type": "object"}},
        "resources": [disk],
    }
    assert scanned(a__json=json.dumps(template)).findings == ()

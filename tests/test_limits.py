"""Limits: each can be lowered, and is named where it is passed, with exit status 3; who may raise one; what is said of them."""

from __future__ import annotations

import base64
import gzip
import json
import re
from pathlib import Path
from typing import Any

import pytest

import bklint
from bklint import api, cli, config, limits, run
from bklint.errors import UsageError
from bklint.files import MemoryReader
from bklint.finding import Report
from bklint.syntax import shell

ROOT = Path(__file__).parent.parent
DISK = 'resource "azurerm_managed_disk" "d" {{\n  name = {}\n  disk_size_gb = 40000\n}}\n'
GOOD = DISK.format('"good"').replace('"d"', '"good"')
PACKED = base64.b64encode(gzip.compress(b"#!/bin/sh\n" + b"# filler\n" * 500)).decode()
LOOP = {"name": "l", "count": 9}


def template(*resources: dict[str, Any]) -> str:
    schema = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"
    return json.dumps({"$schema": schema, "contentVersion": "1", "resources": resources})


def resource(name: str, type_: str = "Microsoft.Compute/disks", **members: Any) -> dict[str, Any]:
    return {"type": type_, "apiVersion": "2023-01-02", "name": name, **members}


NESTED = resource("n", "Microsoft.Resources/deployments", copy=LOOP,
                  properties={"mode": "Incremental", "template": json.loads(template())})  # fmt: skip

CASES: dict[str, tuple[int, dict[str, str]]] = {
    "file_bytes": (200, {"a.tf": DISK.format('"x"') + "#" * 200}),
    "terraform_bytes": (200, {"a.tf": DISK.format('"x"') + "#" * 200}),
    "script_bytes": (100, {"a.sh": "#!/bin/bash\niptables -P OUTPUT DROP\n" + "# x\n" * 40}),
    "unpacked_bytes": (1000, {"a.tf": 'resource "azurerm_linux_virtual_machine" "v" {\n  name = "v"\n'
                                      f'  custom_data = "{PACKED}"\n}}\n'}),
    "files": (2, {f"{letter}.tf": "" for letter in "abc"}),
    "directory_depth": (2, {"a/b/c/d/main.tf": ""}),
    "yaml_values": (5, {"cloud-init.yml": "#cloud-config\nruncmd: [iptables -P OUTPUT DROP, b, c, d, e, f]\n"}),
    "instances": (5, {"a.tf": 'resource "azurerm_managed_disk" "d" {\n  count = 9\n}\n'}),
    "modules": (1, {"a.tf": "".join(f'module "{name}" {{\n  source = "./m"\n}}\n' for name in "xyz"),
                    "m/m.tf": DISK.format('"x"')}),
    "module_depth": (1, {"a.tf": 'module "m" {\n  source = "./m"\n}\n', "m/m.tf": 'module "n" {\n  source = "./n"\n}\n',
                         "m/n/n.tf": DISK.format('"x"')}),
    "contexts": (1, {"a.tf": 'variable "x" {}\n' + DISK.format("var.x"),
                     "one.tfvars": 'x = "1"\n', "two.tfvars": 'x = "2"\n'}),
    "expressions": (20, {"a.tf": DISK.format('join("", [for n in range(50) : "x"])')}),
    "members": (20, {"a.tf": DISK.format('join("", [for n in range(50) : "x"])')}),
    "text_characters": (20, {"a.tf": DISK.format('"${"abcdefghijkl"}${"abcdefghijkl"}"')}),
    "work_characters": (9000, {"a.tf": "locals {\n  a = \"" + "x" * 5000 + '"\n}\n' + DISK.format("upper(lower(local.a))")}),
    "regex_steps": (20, {"a.tf": DISK.format('regex("(a|b)*c", "abababababababababababc")[0]')}),
    "template_steps": (20, {"a.json": template(resource("[concat(" + "concat('a')," * 30 + "'b')]"))}),
    "template_instances": (5, {"a.json": template(resource("[concat('d', copyIndex())]", copy=LOOP))}),
    "deployments": (2, {"a.json": template(NESTED)}),
}  # fmt: skip


def scanned(texts: dict[str, str], **lower: int) -> Report:
    options = run.ScanOptions(limits=lower)
    return run.scan(["."], options, run.load_policies(options), MemoryReader(texts))


def written(directory: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.mark.parametrize("name", CASES)
def test_what_passes_a_limit_is_a_finding_that_names_it(name: str, tmp_path: Path) -> None:
    number, files = CASES[name]
    written(tmp_path, files)
    report = bklint.scan(tmp_path, config=False, limits={name: number})
    (finding, *_) = [
        each for each in report.findings if f"limit {name} is {number}; `--limit {name}=N` raises it" in each.message
    ]
    assert finding.policy in ("BKP900", "BKP902")
    assert finding.path
    assert api.exit_status(report) == api.exit_status(report, exit_zero=True) == 3
    plain = scanned(files)
    assert not {each.policy for each in plain.findings} & {"BKP900", "BKP902"}
    assert api.exit_status(plain, fail_on="error") < 3


def test_every_limit_has_a_case() -> None:
    apart = {"script_seconds", "input_combinations"}
    """The clock has a test below; combinations that are not tried leave checks undecided, which the report says."""
    assert {each.name for each in limits.TABLE} == {*CASES, *apart}


@pytest.mark.parametrize("name", ["instances", "template_instances", "regex_steps"])
def test_the_other_files_are_judged(name: str) -> None:
    number, files = CASES[name]
    report = scanned({**files, "zz/main.tf": GOOD}, **{name: number})
    assert "zz/main.tf" in {each.path for each in report.findings if each.policy == "BKP301"}


def test_a_script_that_takes_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 10_000, 60))
    monkeypatch.setattr(shell, "monotonic", lambda: next(clock))
    report = scanned({"a.sh": "#!/bin/bash\niptables -P OUTPUT DROP\n"})
    (finding,) = [each for each in report.findings if each.policy == "BKP902"]
    assert "a script takes longer than 10 s to read (limit script_seconds is 10;" in finding.message
    assert finding.path == "a.sh"


def test_the_limits_of_a_scan_end_with_it() -> None:
    number, files = CASES["instances"]
    scanned(files, instances=number)
    assert limits.value("instances") == 10_000


def test_a_report_of_several_processes_tells_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: Any
) -> None:
    for name, (_, files) in CASES.items():
        written(tmp_path / name, files)
    monkeypatch.chdir(tmp_path)
    lowered = [
        f"--limit={name}={CASES[name][0]}"
        for name in ("instances", "regex_steps", "script_bytes", "members", "contexts")
    ]
    said = []
    for jobs in "12":
        status = cli.main(["scan", ".", "--no-config", "--format", "json", "--jobs", jobs, *lowered])
        said.append((status, re.sub(r'"(seconds|duration)": [\d.]+', "", capsys.readouterr().out)))
    assert said[0] == said[1]
    assert said[0][0] == 3
    assert said[0][1].count('"BKP902"') >= 5


# -- who sets them -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("given", "told"), [
    ("instances", "--limit instances: expected NAME=NUMBER"),
    ("instances=", "expected NAME=NUMBER"),
    ("instances=-1", "expected NAME=NUMBER"),
    ("instances=1e3", "expected NAME=NUMBER"),
    ("instances=0", "give a number from 1 to 200000"),
    ("instances=200001", "give a number from 1 to 200000"),
    ("instanses=5", "there is no such limit; did you mean 'instances'?"),
    ("x=5", "there is no such limit: one of file_bytes, "),
])  # fmt: skip
def test_a_limit_that_is_none(given: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["scan", str(ROOT / "sample-templates/first-look"), "--limit", given]) == 2
    assert told in capsys.readouterr().err
    with pytest.raises(UsageError, match="limit nothing: there is no such limit"):
        bklint.scan(str(ROOT / "sample-templates/first-look"), limits={"nothing": 1})


def test_a_configuration_that_is_found_only_lowers(tmp_path: Path) -> None:
    """A pull request can change it."""
    (tmp_path / "main.tf").write_text(CASES["instances"][1]["a.tf"])
    file = tmp_path / ".bklint.yaml"
    file.write_text("limits:\n  instances: 3\n")
    found = bklint.scan(tmp_path)
    assert any("limit instances is 3" in each.message for each in found.findings)
    assert not any(each.policy == "BKP902" for each in bklint.scan(tmp_path, limits={"instances": 20}).findings)
    file.write_text("limits:\n  instances: 10001\n")
    with pytest.raises(
        UsageError, match=r"\.bklint\.yaml:2:14: a configuration that is found can only lower limit instances"
    ):
        bklint.scan(tmp_path)
    assert config.load(str(file)).limits == {"instances": 10_001}
    bklint.scan(tmp_path, config=file)


@pytest.mark.parametrize(("text", "told"), [
    ("limits: {instances: 0}", "0"),
    ("limits: {instances: many}", "expected a whole number"),
    ("limits: {instances: 200001}", "give a number from 1 to 200000"),
    ("limits: {insances: 1}", "did you mean 'instances'?"),
    ("limits: [instances]", "expected a mapping"),
])  # fmt: skip
def test_a_configuration_with_a_limit_that_is_none(text: str, told: str, tmp_path: Path) -> None:
    file = tmp_path / ".bklint.yaml"
    file.write_text(text)
    with pytest.raises(UsageError, match=r"\.bklint\.yaml:1:\d+: ") as caught:
        config.load(str(file))
    assert told in str(caught.value)


def test_a_limit_that_cannot_be_raised_says_so() -> None:
    with limits.using({"instances": limits.BY_NAME["instances"].most}):
        assert limits.told("instances") == "limit instances is 200000; it cannot be raised"
    assert limits.told("") == "a fixed limit of bklint"


# -- what is written of them ----------------------------------------------------------------------------------------


def test_every_limit_is_asked_for_somewhere() -> None:
    code = "".join(path.read_text("utf-8") for path in (ROOT / "linter/bklint").rglob("*.py"))
    assert {each.name for each in limits.TABLE} == set(re.findall(r'limits\.(?:value|spend)\(\s*"(\w+)"', code))


def test_a_suppressed_limit_counts_as_accepted() -> None:
    files = {"a.tf": 'resource "azurerm_managed_disk" "d" {\n  count = 9 # bklint: ignore[BKP902] known\n}\n'}
    report = scanned(files, instances=5)
    assert [each.finding.policy for each in report.accepted] == ["BKP902"]
    assert api.exit_status(report) == 0

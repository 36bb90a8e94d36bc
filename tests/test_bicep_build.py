"""Bicep files without a compiled twin, with a stand-in for the compiler: what it is asked, and what comes of its answers.

The stand-in prints what lies beside the file as `X.bicep.out` (or `.err`), in the forms of the real one.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from bklint import cli
from bklint.bicep_cli import command

STAND_IN = f"""#!{sys.executable}
import os, sys, time
verb, path = sys.argv[1:3]
with open(os.environ["BICEP_LOG"], "a") as log:
    log.write(" ".join([verb, os.path.basename(path), *sys.argv[3:]]) + "\\n")
if os.path.exists(path + ".slow"):
    time.sleep(60)
if os.path.exists(path + ".err"):
    sys.stderr.write(open(path + ".err").read().replace("PATH", path))
    sys.exit(1)
sys.stderr.write(path + "(1,1) : Warning no-unused-params: Parameter is declared but never used.\\n")
sys.stdout.write(open(path + ".out").read())
"""

MAIN = """param size int = 40000

resource disk 'Microsoft.Compute/disks@2023-10-02' = {
  name: 'disk'
  location: 'westeurope'
  sku: {
    name: 'UltraSSD_LRS'
  }
  properties: {
    creationData: {
      createOption: 'Empty'
    }
    diskSizeGB: size
  }
}
"""


def template(value: Any = "[parameters('size')]", default: Any = 40000) -> dict[str, Any]:
    """MAIN as the compiler writes it (by hand)."""
    return {
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "contentVersion": "1.0.0.0",
        "metadata": {"_generator": {"name": "bicep", "version": "0.30.23.60470", "templateHash": "1"}},
        "parameters": {"size": {"type": "int", "defaultValue": default}},
        "resources": [
            {
                "type": "Microsoft.Compute/disks",
                "apiVersion": "2023-10-02",
                "name": "disk",
                "location": "westeurope",
                "sku": {"name": "UltraSSD_LRS"},
                "properties": {"creationData": {"createOption": "Empty"}, "diskSizeGB": value},
            }
        ],
    }


class Shop:
    """A directory with Bicep files, and the stand-in on PATH."""

    def __init__(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.root = root
        self._capsys = capsys

    def put(self, name: str, text: str | dict[str, Any]) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text if isinstance(text, str) else json.dumps(text))

    def scan(self, *options: str) -> tuple[int, dict[str, Any]]:
        code = cli.main(["scan", ".", "--format", "json", *options])
        return code, json.loads(self._capsys.readouterr().out)

    @property
    def asked(self) -> list[str]:
        log = self.root.parent / "log"
        return log.read_text().splitlines() if log.exists() else []


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shop:
    (tmp_path / "bin").mkdir()
    (tmp_path / "repo").mkdir()
    (tmp_path / "repo" / ".git").mkdir()
    program = tmp_path / "bin" / "bicep"
    program.write_text(STAND_IN)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("BICEP_LOG", str(tmp_path / "log"))
    monkeypatch.chdir(tmp_path / "repo")
    return Shop(tmp_path / "repo", capsys)


def test_a_lone_file_is_built_and_shown_in_the_source(shop: Shop) -> None:
    shop.put("main.bicep", MAIN)
    shop.put("main.bicep.out", template())
    code, report = shop.scan("--select", "BKP301", "--fail-on", "warning")
    assert code == 1
    (finding,) = report["findings"]
    assert (finding["path"], finding["at"]["line"], finding["dialect"]) == ("main.bicep", 13, "bicep")
    assert finding["fixAt"]["path"] == "main.bicep"
    assert finding["fixAt"]["line"] == 1
    assert {each["at"]["path"] for each in finding["related"]} == {"main.bicep"}
    assert shop.asked == ["build main.bicep --stdout --no-restore"]
    assert not (shop.root / "main.json").exists()
    assert not [note for note in report["notes"] if note["kind"] == "bicep"]


def test_off_and_no_compiler_leave_a_note_and_run_nothing(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.put("main.bicep", MAIN)
    code, report = shop.scan("--bicep", "off")
    assert code == 0
    assert [note["kind"] for note in report["notes"]] == ["bicep"]
    assert shop.asked == []
    monkeypatch.setenv("PATH", str(shop.root))
    assert command() is None
    assert [note["kind"] for note in shop.scan()[1]["notes"]] == ["bicep"]


def test_no_program_of_the_scanned_tree_is_run(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.put("bicep", STAND_IN)
    (shop.root / "bicep").chmod(0o755)
    monkeypatch.setenv("PATH", os.pathsep.join([".", "", "bin"]))
    assert command() is None


def test_a_compiled_twin_is_read_and_nothing_built(shop: Shop) -> None:
    shop.put("main.bicep", MAIN)
    shop.put("main.json", template())
    assert len(shop.scan("--select", "BKP301")[1]["findings"]) == 1
    assert shop.asked == []


def test_modules_are_built_through_what_calls_them(shop: Shop) -> None:
    shop.put("main.bicep", "module disk 'inner/disk.bicep' = {\n  name: 'disk'\n}\n")
    shop.put("inner/disk.bicep", MAIN)
    inner = template()
    outer = template() | {
        "parameters": {},
        "resources": [
            {
                "type": "Microsoft.Resources/deployments",
                "apiVersion": "2022-09-01",
                "name": "disk",
                "properties": {
                    "expressionEvaluationOptions": {"scope": "inner"},
                    "mode": "Incremental",
                    "template": inner,
                },
            }
        ],
    }
    shop.put("main.bicep.out", outer)
    _, report = shop.scan("--select", "BKP301")
    assert shop.asked == ["build main.bicep --stdout --no-restore"]
    (finding,) = report["findings"]
    assert (finding["path"], finding["at"]["line"]) == ("inner/disk.bicep", 13)


def test_a_parameters_file_gives_a_context(shop: Shop) -> None:
    shop.put("main.bicep", MAIN.replace("40000", "64"))
    shop.put("prod.bicepparam", "using 'main.bicep'\n\nparam size = 40000\n")
    made = {
        "parameters": {"size": {"value": 40000}},
        "$schema": "deploymentParameters.json#",
        "contentVersion": "1.0.0.0",
    }
    answer = {
        "parametersJson": json.dumps(made),
        "templateJson": json.dumps(template(default=64)),
        "templateSpecId": None,
    }
    shop.put("prod.bicepparam.out", answer)
    _, report = shop.scan("--select", "BKP301")
    assert shop.asked == ["build-params prod.bicepparam --stdout --no-restore"]
    (finding,) = report["findings"]
    assert (finding["path"], finding["at"]["line"]) == ("main.bicep", 13)
    assert (finding["fixAt"]["path"], finding["fixAt"]["line"]) == ("prod.bicepparam", 3)


def test_an_error_of_the_source_is_a_finding_at_its_line(shop: Shop) -> None:
    shop.put("main.bicep", "param size int\nresource x\n")
    shop.put("main.bicep.err", 'PATH(2,10) : Error BCP018: Expected the "\'" character at this location.\n')
    shop.put("other.bicep", MAIN)
    shop.put("other.bicep.out", template())
    code, report = shop.scan("--select", "BKP301,BKP900")
    assert code == 3
    broken, large = sorted(report["findings"], key=lambda each: str(each["path"]))
    assert (broken["policy"], broken["at"]["line"], broken["at"]["column"]) == ("BKP900", 2, 10)
    assert "BCP018" in broken["message"]
    assert (large["policy"], large["path"]) == ("BKP301", "other.bicep")


def test_a_module_that_is_not_restored_is_a_note(shop: Shop) -> None:
    shop.put("main.bicep", "module v 'br/public:avm/res/compute/disk:0.1.0' = {\n  name: 'v'\n}\n")
    shop.put(
        "main.bicep.err",
        'PATH(1,10) : Error BCP190: The artifact with reference "br:mcr.microsoft.com/bicep/avm/res/compute/disk:0.1.0" '
        "has not been restored.\n",
    )
    code, report = shop.scan()
    assert code == 0
    (note,) = report["notes"]
    assert note["kind"] == "bicep"
    assert "has not been restored; run `bicep restore`, or pass --bicep restore" in note["message"]
    assert report["findings"] == []
    shop.scan("--bicep", "restore")
    assert shop.asked[-1] == "build main.bicep --stdout"


def test_a_module_whose_caller_is_not_built_is_built_by_itself(shop: Shop) -> None:
    shop.put("test.bicep", "module v 'br/public:avm/x:1' = {\n}\nmodule disk 'disk.bicep' = {\n  name: 'disk'\n}\n")
    shop.put("test.bicep.err", 'PATH(1,10) : Error BCP190: The artifact with reference "x" has not been restored.\n')
    shop.put("disk.bicep", MAIN)
    shop.put("disk.bicep.out", template())
    _, report = shop.scan("--select", "BKP301")
    assert [each["path"] for each in report["findings"]] == ["disk.bicep"]
    assert [note["message"] for note in report["notes"]] == [
        '1 Bicep file (test.bicep): not checked, The artifact with reference "x" has not been restored; '
        "run `bicep restore`, or pass --bicep restore"
    ]


def test_a_compiler_that_hangs_or_prints_nonsense_is_a_note(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    from bklint import bicep_cli

    monkeypatch.setattr(bicep_cli, "SECONDS", 1)
    shop.put("a.bicep", MAIN)
    shop.put("a.bicep.slow", "")
    shop.put("b.bicepparam", "using 'a.bicep'\n")
    shop.put("b.bicepparam.out", "no JSON")
    code, report = shop.scan("--strict")
    assert code == 3
    notes = sorted(note["message"] for note in report["notes"] if note["kind"] == "bicep")
    assert notes[0] == "a.bicep: not checked, `bicep` did not finish within 1 s"
    assert notes[1].startswith("b.bicepparam: not checked, what `bicep build-params` prints cannot be read")


def test_fix_leaves_bicep_alone(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    shop.put("main.bicep", MAIN)
    shop.put("main.bicep.out", template())
    before = (shop.root / "main.bicep").read_text()
    cli.main(["scan", ".", "--fix", "--unsafe-fixes"])
    assert (shop.root / "main.bicep").read_text() == before


def test_a_compiled_template_does_not_stand_for_a_parameters_file_of_its_name(shop: Shop) -> None:
    shop.put("main.bicep", MAIN.replace("40000", "64"))
    shop.put("main.json", template(default=64))
    shop.put("main.bicepparam", "using './main.bicep'\nparam size = 40000\n")
    code, report = shop.scan("--select", "BKP301", "--bicep", "off", "--strict")
    assert code == 3
    assert [note["message"].partition(":")[0] for note in report["notes"]] == ["1 Bicep file (main.bicepparam)"]
    made = {
        "parameters": {"size": {"value": 40000}},
        "$schema": "deploymentParameters.json#",
        "contentVersion": "1.0.0.0",
    }
    shop.put(
        "main.bicepparam.out", {"parametersJson": json.dumps(made), "templateJson": json.dumps(template(default=64))}
    )
    _, report = shop.scan("--select", "BKP301")
    assert [(each["path"], each["fixAt"]["path"]) for each in report["findings"]] == [("main.bicep", "main.bicepparam")]


def test_the_modes_are_those_of_the_command_line() -> None:
    from bklint import arguments, discover

    assert arguments.BICEP == discover.BICEP_MODES

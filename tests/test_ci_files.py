"""The GitHub action, the Azure Pipelines template and the snippets of docs/ci.md: they parse, and their shell steps run.

What hosts do around them (installing Python, uploading) is not run.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bklint.arguments import FORMATS, parser
from bklint.syntax import yaml

ROOT = Path(__file__).parent.parent
FILES = {"github": ROOT / "action.yml", "azure-devops": ROOT / "ci" / "azure-pipelines-template.yml"}
PAGE = (ROOT / "docs" / "ci.md").read_text("utf-8")
ACTION: Any = yaml.load_data(FILES["github"].read_text("utf-8"))
TEMPLATE: Any = yaml.load_data(FILES["azure-devops"].read_text("utf-8"))
SCRIPTS = {
    "github": next(step["run"] for step in ACTION["runs"]["steps"] if step.get("id") == "scan"),
    "azure-devops": next(step["bash"] for step in TEMPLATE["steps"] if step.get("displayName") == "Scan with bklint"),
}
SCOPE = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/AzureBackupRG_westeurope_1"
BAD = f'''resource "azurerm_management_lock" "a" {{
  name       = "##vso[task.x]::error::"
  scope      = "{SCOPE}"
  lock_level = "CanNotDelete"
}}
'''
"""A fault with a name that is a command of either system."""


class Runner:
    """A directory with a checkout, and the environment that both systems give to a step."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.temporary = root / "temporary directory"
        self.work = root / "work"
        for directory in (self.temporary, self.work, root / "bin"):
            directory.mkdir()
        (self.temporary / "bklint").symlink_to(ROOT / "linter", target_is_directory=True)
        python = root / "bin" / "python"
        python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
        python.chmod(0o755)

    def run(self, name: str, paths: str, arguments: str = "") -> subprocess.CompletedProcess[str]:
        """The scan step of an action or a template."""
        environment = {
            "PATH": f"{self.root / 'bin'}:{os.environ['PATH']}",
            "RUNNER_TEMP": str(self.temporary),
            "AGENT_TEMPDIRECTORY": str(self.temporary),
            "GITHUB_OUTPUT": str(self.root / "output"),
            "GITHUB_STEP_SUMMARY": str(self.root / "summary"),
            "BKLINT_PATHS": paths,
            "BKLINT_ARGUMENTS": arguments,
            "PYTHONSAFEPATH": "1",
        }
        command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", SCRIPTS[name]]
        return subprocess.run(
            command, cwd=self.work, env=environment, capture_output=True, check=False, timeout=60, encoding="utf-8"
        )


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    if os.name == "nt" or shutil.which("bash") is None:
        pytest.skip("no bash")
    made = Runner(tmp_path)
    (made.work / "infra $(touch pwned)").mkdir()
    (made.work / "infra $(touch pwned)" / "main.tf").write_text(BAD)
    (made.work / "json.py").write_text("raise SystemExit('a module of the scanned repository was run')\n")
    return made


@pytest.mark.parametrize("name", SCRIPTS)
def test_scan_step(name: str, runner: Runner) -> None:
    done = runner.run(name, "infra $(touch pwned)\n", "--select=BKP201\n--no-config\n")
    assert (done.returncode, done.stderr) == (1, "")
    assert "BKP201" in done.stdout
    assert not (runner.work / "pwned").exists()
    reports = {path.name for path in (runner.temporary / "bklint-reports").iterdir()}
    if name == "github":
        assert reports == {"bklint.txt", "bklint.sarif", "bklint.md"}
        assert (runner.root / "summary").read_text("utf-8").startswith("<!-- bklint -->\n## bklint: 1 finding")
        assert (runner.root / "output").read_text("utf-8").count("bklint-reports/bklint.") == 2
        _stopped(done.stdout)
    else:
        assert reports == {"bklint.xml", "bklint.sarif", "bklint.md"}
        assert "##vso[task.complete result=Failed;]1 finding\n##vso[task.uploadsummary]" in done.stdout


def _stopped(log: str) -> None:
    """The text report is printed while commands are off."""
    lines = log.splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("::stop-commands::"))
    end = lines.index(f"::{lines[start].removeprefix('::stop-commands::')}::")
    assert all(line.startswith("::error ") for line in lines[:start])
    assert lines[start + 1].startswith("error[BKP201]")
    assert end == len(lines) - 1


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_path_is_no_option(name: str, runner: Runner) -> None:
    done = runner.run(name, "--exit-zero\n")
    assert done.returncode == 2
    assert "--exit-zero" in done.stderr


@pytest.mark.parametrize("name", SCRIPTS)
def test_success(name: str, runner: Runner) -> None:
    (runner.work / "fine.tf").write_text(BAD.replace("AzureBackupRG_westeurope_1", "rg-app"))
    done = runner.run(name, "fine.tf", "--select=BKP201")
    assert (done.returncode, done.stderr) == (0, "")
    assert "task.complete" not in done.stdout


@pytest.mark.parametrize("name", FILES)
def test_nothing_is_interpolated_into_a_script(name: str) -> None:
    steps = ACTION["runs"]["steps"] if name == "github" else TEMPLATE["steps"]
    scripts = [step[key] for step in steps for key in ("run", "bash", "script") if key in step]
    assert len(scripts) == 2
    assert not [script for script in scripts if "${{" in script or "$(" in script.replace('"$(python -c', "")]


def test_actions_are_pinned() -> None:
    for text in (FILES["github"].read_text("utf-8"), PAGE):
        for used in re.findall(r"uses: +(\S+.*)", text):
            assert re.fullmatch(r"(bklint/bklint@v\S+|\S+@[0-9a-f]{40} # v\d+\.\d+\.\d+)", used), used


def test_snippets_parse_and_name_what_exists(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parser().parse_args(["scan", "--help"])
    options = set(re.findall(r"--[a-z-]+", capsys.readouterr().out))
    snippets = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert len(snippets) == 4
    for snippet in snippets:
        assert yaml.load_data(snippet)
        for format_ in re.findall(r"--format[ =]\"?([a-z-]+)", snippet):
            assert format_ in FORMATS
        for option in re.findall(r"(?<=[\s\"'])--[a-z-]+", snippet):
            assert option in options | {"--quiet", "--disable-pip-version-check"}, option
    for given in re.findall(r"uses: bklint/bklint.*?\n((?: +with:\n)(?: {10,}.*\n)*)", PAGE):
        assert set(re.findall(r"^ {10}([a-z-]+):", given, re.MULTILINE)) <= set(ACTION["inputs"])


def test_every_format_is_on_the_page() -> None:
    assert not [format_ for format_ in FORMATS if f"`{format_}`" not in PAGE]

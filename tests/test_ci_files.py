"""The GitHub action, the Azure Pipelines template, the examples in `ci` and the snippets of the pages: each fits the schema
of its host, and the shell steps run. What hosts do around them (installing Python, uploading) is not run.
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

from bklint import __version__, starter
from bklint.arguments import FORMATS, parser
from bklint.syntax import yaml

ROOT = Path(__file__).parent.parent
FILES = {"github": ROOT / "action.yml", "azure-devops": ROOT / "ci" / "azure-pipelines-template.yml"}
PAGES = {path: path.read_text("utf-8") for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))}
PAGE = PAGES[ROOT / "docs" / "ci.md"]
SCHEMAS = {
    "action.yml": "github-actions",
    "ci/github-workflow.yml": "github-workflows",
    "ci/azure-pipelines.yml": "azure-pipelines",
    "ci/azure-pipelines-template.yml": "azure-pipelines",
    "ci/gitlab-ci.yml": "gitlab-ci",
}
"""Each file and the schema of its host: those of SchemaStore, Microsoft and GitLab that check-jsonschema ships."""
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
    for name in ("json", "secrets", "bklint", "runpy"):
        (made.work / f"{name}.py").write_text("raise SystemExit('a module of the scanned repository was run')\n")
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
        assert reports == {"bklint.txt", "bklint.xml", "bklint.sarif", "bklint.md"}
        assert "##vso[task.complete result=Failed;]1 finding\nerror[BKP201]: " in done.stdout
        commands = [re.search(r"##(?:vso)?\[[\w.]*", line) for line in done.stdout.splitlines()]
        assert [each[0] for each in commands if each] == [
            "##vso[task.logissue", "##vso[task.complete", "##vso[task.uploadsummary",
        ]  # fmt: skip


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
    assert not [script for script in scripts if "${{" in script or "$(" in script.replace('"$(python -I -c', "")]


def valid(name: str, file: Path) -> subprocess.CompletedProcess[str]:
    """What check-jsonschema says of a file; it reads no network for the schemas it ships."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{name}", str(file)]
    if name == "azure-pipelines":
        command += ["--data-transform", name, "--regex-variant", "nonunicode"]
    return subprocess.run(command, capture_output=True, check=False, text=True, timeout=120)


@pytest.mark.parametrize("name", SCHEMAS)
def test_schema(name: str) -> None:
    done = valid(SCHEMAS[name], ROOT / name)
    assert done.returncode == 0, done.stdout


DAMAGE = {
    "action.yml": ("using: composite", "using: compsite"),
    "ci/github-workflow.yml": ("runs-on:", "run-on:"),
    "ci/azure-pipelines.yml": ("steps:", "steps: 5\nstages:"),
    "ci/gitlab-ci.yml": ("script:", "scripts:"),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_a_schema_refuses_damage(name: str, tmp_path: Path) -> None:
    text = (ROOT / name).read_text("utf-8")
    assert DAMAGE[name][0] in text
    (tmp_path / "damaged.yml").write_text(text.replace(*DAMAGE[name]))
    assert valid(SCHEMAS[name], tmp_path / "damaged.yml").returncode == 1


def test_every_file_has_a_schema() -> None:
    assert {path.relative_to(ROOT).as_posix() for path in (ROOT / "ci").glob("*.yml")} | {"action.yml"} == set(SCHEMAS)


def test_actions_are_pinned() -> None:
    texts = [path.read_text("utf-8") for path in (FILES["github"], ROOT / "ci" / "github-workflow.yml")]
    for text in (*texts, *PAGES.values()):
        for used in re.findall(r"(?m)^ *(?:- )?uses: +(\S+.*)", text):
            assert re.fullmatch(r"(bklint/bklint@v\S+|\S+@[0-9a-f]{40} # v\d+\.\d+\.\d+)", used), used


def test_versions_in_snippets_are_that_of_the_package() -> None:
    """Pages belong to a release: the tag that they name is made of the version, and a release is tagged with it."""
    texts = [*PAGES.values(), *((ROOT / name).read_text("utf-8") for name in SCHEMAS)]
    texts += [snippet for _, snippet in starter._SNIPPETS.values()]
    tagged = r"(?:bklint/bklint@|rev: |refs/tags/)(v[\w.-]*?\d)(?=[\s\"`]|\.zip|$)"
    found = [tag for text in texts for tag in re.findall(tagged, text)]
    assert len(found) > 10
    assert set(found) == {f"v{__version__}"}


def test_snippets_parse_and_name_what_exists() -> None:
    options = set(parser().commands()["scan"]._option_string_actions)
    snippets = [snippet for page in PAGES.values() for snippet in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)]
    snippets += [snippet for _, snippet in starter._SNIPPETS.values()]
    snippets += [(ROOT / name).read_text("utf-8") for name in SCHEMAS]
    assert len(snippets) > 10
    for snippet in snippets:
        assert yaml.load_data(snippet)
        for format_ in re.findall(r"--format[ =]\"?([a-z-]+)", snippet):
            assert format_ in FORMATS
        for option in re.findall(r"(?<=[\s\"'\[])--[a-z-]+", snippet):
            assert option in options | {"--target", "--disable-pip-version-check"}, option
    workflow: Any = yaml.load_data((ROOT / "ci" / "github-workflow.yml").read_text("utf-8"))
    used = next(step for step in workflow["jobs"]["bklint"]["steps"] if step["uses"].startswith("bklint/"))
    assert set(used["with"]) <= set(ACTION["inputs"])
    pipeline: Any = yaml.load_data((ROOT / "ci" / "azure-pipelines.yml").read_text("utf-8"))
    given = next(step["parameters"] for step in pipeline["steps"] if "template" in step)
    assert set(given) <= {parameter["name"] for parameter in TEMPLATE["parameters"]}


@pytest.mark.parametrize(("page", "names"), [("github", ACTION["inputs"]), ("azure-devops", None)])
def test_pages_list_every_input(page: str, names: Any) -> None:
    text = PAGES[ROOT / "docs" / f"{page}.md"]
    for name in names or [parameter["name"] for parameter in TEMPLATE["parameters"]]:
        assert f"| `{name}` |" in text


def test_every_format_is_on_the_page() -> None:
    assert not [format_ for format_ in FORMATS if f"`{format_}`" not in PAGE]

"""The pre-commit hooks: the manifest is valid, its pattern takes the right files, and both hooks run in a repository.

pre-commit itself runs them, from the manifest's own entries, on a scratch repository; only the installation is left out
(`language: system`), because it needs a package index.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bklint import cli
from bklint.syntax import yaml

pytest.importorskip("pre_commit")

MANIFEST = Path(__file__).parent.parent / ".pre-commit-hooks.yaml"
HOOKS: dict[str, dict[str, Any]] = {hook["id"]: hook for hook in yaml.load_data(MANIFEST.read_bytes())}

TAKEN = [
    "main.tf", "a/b.tofu", "x.tf.json", "prod.tfvars", "prod.auto.tfvars.json", "main.bicep", "main.bicepparam",
    "azuredeploy.json", "t.jsonc", ".bklint.yaml", "infra/.bklint.yml", "scripts/init.sh", "Install.ps1", "a.cmd",
    "cloud-init.yaml", "etc/netplan/50.yaml", "etc/waagent.conf", "etc/fstab", "user_data.tftpl", "image.pkr.hcl",
    "etc/network/interfaces", "ifcfg-eth0", "AppLocker.xml", "nsg.json", "etc/iptables/rules.v4", "etc/selinux/config",
]  # fmt: skip
LEFT = ["README.md", "app.py", "go.mod", "Makefile", "x.tf.bak", "main.tf/README", "logo.png", "a.jsonl"]


def test_manifest() -> None:
    from pre_commit.clientlib import load_manifest

    assert [hook["id"] for hook in load_manifest(str(MANIFEST))] == ["bklint", "bklint-changed"]
    for hook in HOOKS.values():
        assert hook["require_serial"]
        assert "types" not in hook
        assert "types_or" not in hook


@pytest.mark.parametrize("id_", HOOKS)
def test_pattern(id_: str) -> None:
    pattern = re.compile(HOOKS[id_]["files"])
    assert [path for path in TAKEN if not pattern.search(path)] == []
    assert [path for path in LEFT if pattern.search(path)] == []


def disk(name: str, size: object) -> str:
    return f'resource "azurerm_managed_disk" "{name}" {{\n  name         = "{name}"\n  disk_size_gb = {size}\n}}\n'


class Repository:
    """A scratch repository with the hooks of the manifest."""

    def __init__(self, root: Path, home: Path) -> None:
        self.root = root
        self.environment = {
            "PATH": os.environ["PATH"], "HOME": str(home), "PRE_COMMIT_HOME": str(home / "cache"),
            "PYTHONPATH": str(Path(cli.__file__).parent.parent), "GIT_CONFIG_GLOBAL": "/dev/null",
        }  # fmt: skip
        self.run("git", "init", "-q", "-b", "main")

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, cwd=self.root, env=self.environment, capture_output=True, text=True, check=False, timeout=300
        )

    def write(self, **files: str) -> None:
        for name, text in files.items():
            path = self.root / name.replace("__", "/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def commit(self) -> None:
        self.run("git", "add", "-A")
        self.run("git", "-c", "user.name=n", "-c", "user.email=n@example.com", "commit", "-q", "-m", "x")

    def hook(self, id_: str) -> tuple[str, str]:
        """Stage everything and run a hook: Passed, Failed or Skipped, and what it says."""
        self.run("git", "add", "-A")
        done = self.run(sys.executable, "-m", "pre_commit", "run", id_)
        status = re.search(r"(Passed|Failed|Skipped)", done.stdout)
        return (status[1] if status is not None else done.stdout + done.stderr), done.stdout


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    (tmp_path / "home").mkdir()
    (tmp_path / "repo").mkdir()
    made = Repository(tmp_path / "repo", tmp_path / "home")
    made.write(
        **{
            ".pre-commit-config.yaml": _configuration(),
            ".bklint.yaml": "select: [BKP301]\nseverity: {BKP301: error}\n",
            "infra__main.tf": disk("old", 40000) + 'module "vm" {\n  source = "../modules/vm"\n}\n',
            "modules__vm__main.tf": 'variable "size" {\n  default = 5\n}\n' + disk("m", "var.size"),
            "README.md": "x\n",
        }
    )
    made.commit()
    return made


def _configuration() -> str:
    """The manifest's hooks as local ones, with this Python instead of an installed command."""
    text = "repos:\n- repo: local\n  hooks:\n"
    for hook in HOOKS.values():
        words = hook["entry"].split()
        entry = " ".join([sys.executable, "-m", "bklint", *words[1:]])
        text += f"  - id: {hook['id']}\n    name: {hook['name']}\n    entry: {entry}\n    language: system\n"
        text += f"    require_serial: true\n    pass_filenames: {str(hook.get('pass_filenames', True)).lower()}\n"
        text += "    files: |-\n" + "".join(f"      {line}\n" for line in hook["files"].splitlines())
    return text


def test_both_hooks(repository: Repository) -> None:
    repository.write(**{"README.md": "y\n"})
    assert repository.hook("bklint")[0] == "Skipped"
    repository.write(**{"infra__more.tf": disk("fine", 5)})
    status, text = repository.hook("bklint")
    assert (status, "azurerm_managed_disk.old" in text) == ("Failed", True)
    assert repository.hook("bklint-changed")[0] == "Passed"


def test_a_changed_default_of_a_module(repository: Repository) -> None:
    main = repository.root / "modules" / "vm" / "main.tf"
    main.write_text(main.read_text().replace("= 5\n", "= 50000\n"))
    status, text = repository.hook("bklint-changed")
    assert status == "Failed"
    assert "module.vm.azurerm_managed_disk.m" in text
    assert "azurerm_managed_disk.old" not in text


def test_a_deletion_alone_is_not_seen(repository: Repository) -> None:
    """pre-commit passes no deleted files and runs nothing where there are no others; docs say so."""
    (repository.root / "modules" / "vm" / "main.tf").unlink()
    assert repository.hook("bklint")[0] == "Skipped"

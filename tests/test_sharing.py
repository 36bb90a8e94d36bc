"""Several processes give the report of one, byte for byte, and lose no more than the root at which one of them dies."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from bklint import sharing
from bklint.errors import UsageError

ROOT = Path(__file__).parent.parent
SAMPLES = ROOT / "sample-templates"

RULE = """
resource "azurerm_network_security_rule" "out{number}" {{
  name                        = "deny"
  priority                    = 100
  direction                   = "Outbound"
  access                      = "Deny"
  protocol                    = "*"
  source_port_range           = "*"
  destination_port_range      = "*"
  source_address_prefix       = "*"
  destination_address_prefix  = "168.63.129.16"
  resource_group_name         = "rg"
  network_security_group_name = "nsg"
}}
"""


def scan(where: Path, *options: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "bklint", "scan", ".", "--no-config", "--undecided", *options]
    paths = {"PYTHONPATH": f"{ROOT / 'linter'}{os.pathsep}{ROOT / 'tests'}"}
    return subprocess.run(
        command, cwd=where, capture_output=True, env={**os.environ, **paths, **environment}, timeout=60
    )


@pytest.fixture
def roots(tmp_path: Path) -> Path:
    """Roots of all kinds: with a shared module, an unreadable file, a broken module, a ring of calls, locks and backup."""
    for number in range(6):
        directory = tmp_path / f"root{number}"
        directory.mkdir()
        call = 'module "shared" {\n  source = "../shared"\n}\n'
        (directory / "main.tf").write_text(call + RULE.format(number=number))
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "main.tf").write_text(RULE.format(number=99))
    (tmp_path / "shared" / "broken.tf").write_text('resource "x" "y" {\n  a = [\n}\n')
    (tmp_path / "root2" / "bytes.tf").write_bytes(b"\xff\x00\xff")
    (tmp_path / "root3" / "prod.tfvars").write_text("size = [\n")
    (tmp_path / "lock").mkdir()
    (tmp_path / "lock" / "main.tf").write_text(
        'data "azurerm_subscription" "this" {}\nresource "azurerm_management_lock" "all" {\n  name = "l"\n'
        '  scope = "/subscriptions/11111111-2222-3333-4444-555555555555"\n  lock_level = "CanNotDelete"\n}\n'
    )
    vault = {
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "contentVersion": "1.0.0.0",
        "resources": [{"type": "Microsoft.RecoveryServices/vaults", "apiVersion": "2023-01-01", "name": "v"}],
    }
    for number in range(3):
        (tmp_path / f"vault{number}.json").write_text(json.dumps(vault))
    (tmp_path / "cut.json").write_text(json.dumps(vault)[:-20])
    return tmp_path


@pytest.mark.parametrize("options", [("--format", "text"), ("--format", "sarif=-.sarif", "--complete")])
def test_the_report_is_the_same_with_any_number_of_processes(roots: Path, options: tuple[str, ...]) -> None:
    told = []
    for jobs in ("1", "2", "3"):
        done = scan(roots, *options, "--jobs", jobs)
        written = (roots / "-.sarif").read_bytes() if (roots / "-.sarif").exists() else b""
        told.append((done.returncode, done.stdout, done.stderr, written))
    assert told[0] == told[1] == told[2]
    assert told[0][0] == 3
    assert b"168.63.129.16" in told[0][1]


def test_the_samples_give_the_same_json(tmp_path: Path) -> None:
    reports = []
    for jobs in ("1", "2"):
        done = scan(SAMPLES, "--format", "json", "--jobs", jobs, "--statistics")
        reports.append((done.returncode, re.sub(rb'"seconds": *[0-9.e-]+', b"", done.stdout)))
    assert reports[0] == reports[1]
    assert len(reports[0][1]) > 10_000


DYING = """
import os, signal
from bklint import sharing
judge = sharing._Part._judge
def dying(self, root):
    if root.path.endswith("root3"):
        os.kill(os.getpid(), signal.SIGKILL)
    return judge(self, root)
sharing._Part._judge = dying
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="processes are killed by signals only on POSIX")
def test_a_killed_process_costs_the_root_that_it_was_at(roots: Path, tmp_path: Path) -> None:
    hook = tmp_path.parent / "hook"
    hook.mkdir(exist_ok=True)
    (hook / "sitecustomize.py").write_text(DYING)
    paths = os.pathsep.join(map(str, (hook, ROOT / "linter")))
    done = scan(roots, "--jobs", "2", PYTHONPATH=paths)
    assert done.returncode == 3
    assert b"error[BKP901]: the process that checked it was killed (SIGKILL)" in done.stdout
    assert b"Traceback" not in done.stderr
    for number in (0, 1, 2, 4, 5):
        assert f"root{number}/main.tf".encode() in done.stdout


@pytest.mark.skipif(os.name != "posix", reason="Ctrl-C is sent as a signal to the group of processes only on POSIX")
def test_ctrl_c_ends_all_processes_with_one_line(tmp_path: Path) -> None:
    for number in range(40):
        (tmp_path / f"r{number}").mkdir()
        (tmp_path / f"r{number}" / "main.tf").write_text("".join(RULE.format(number=each) for each in range(200)))
    command = [sys.executable, "-m", "bklint", "scan", ".", "--no-config", "--jobs", "2"]
    environment: dict[str, Any] = {**os.environ, "PYTHONPATH": str(ROOT / "linter")}
    process = subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, start_new_session=True
    )
    time.sleep(1.5)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (130, b"", b"bklint: interrupted\n")
    end = time.monotonic() + 10
    while alive(process.pid) and time.monotonic() < end:
        time.sleep(0.1)
    assert alive(process.pid) == []


def alive(group: int) -> list[str]:
    """The processes of a group that have not ended; without /proc, none are seen."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == group and fields[0] != "Z":
            found.append(status.parent.name)
    return found


def test_less_than_no_process_is_refused() -> None:
    with pytest.raises(UsageError, match="--jobs -1"):
        sharing.sharing(-1)

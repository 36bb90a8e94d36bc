"""A run that is killed while it writes: each file is what it was or what it should become, never something between."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

SOURCE = str(Path(__file__).parent.parent / "linter")

WRITER = """
import sys
sys.path.insert(0, sys.argv[1])
from bklint.files import write_atomically
print("begun", flush=True)
for number in range(10_000):
    write_atomically(sys.argv[2], (b"old\\n", b"new\\n")[number % 2] * 100_000)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL on Windows")
def test_a_file_is_never_half_written(tmp_path: Path) -> None:
    file = tmp_path / "main.tf"
    chance = random.Random(3)
    contents = (b"old\n" * 100_000, b"new\n" * 100_000)
    seen = set()
    for _ in range(25):
        file.write_bytes(contents[0])
        with subprocess.Popen(
            [sys.executable, "-S", "-c", WRITER, SOURCE, str(file)], stdout=subprocess.PIPE
        ) as writer:
            assert writer.stdout is not None
            writer.stdout.readline()
            time.sleep(chance.random() * 0.02)
            writer.kill()
        assert file.read_bytes() in contents
        seen.add(file.read_bytes())
    assert len(seen) == 2, "no kill came after a write"


AGENT = 'resource "azurerm_linux_virtual_machine" "m{0}" {{\n  name               = "m{0}"\n  provision_vm_agent = {1}\n}}\n'
COUNT = 40


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL on Windows")
def test_a_killed_fix_leaves_old_or_new_files(tmp_path: Path) -> None:
    """Killed after 0 to all of the time that a whole run takes; a second run does the rest."""
    command = [sys.executable, "-m", "bklint", "scan", ".", "--fix", "--unsafe-fixes", "--no-config", "-q"]
    environment = {"PYTHONPATH": SOURCE}

    def fresh() -> None:
        for number in range(COUNT):
            (tmp_path / f"m{number}.tf").write_text(AGENT.format(number, "false"))

    fresh()
    began = time.monotonic()
    subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, check=False)
    whole = time.monotonic() - began
    chance = random.Random(5)
    for _ in range(6):
        fresh()
        with subprocess.Popen(
            command, cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as run:
            time.sleep(whole * (0.5 + chance.random() / 2))
            run.kill()
        for number in range(COUNT):
            text = (tmp_path / f"m{number}.tf").read_text()
            assert text in (AGENT.format(number, "false"), AGENT.format(number, "true"))
    subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, check=False)
    assert all((tmp_path / f"m{number}.tf").read_text() == AGENT.format(number, "true") for number in range(COUNT))


KILLED = """
import os, signal, sys
sys.path.insert(0, sys.argv[1])
os.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
from bklint.cli import main
main(["scan", ".", "--fix", "--unsafe-fixes", "--no-config", "-q"])
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL on Windows")
def test_what_a_killed_fix_leaves_is_not_read_and_goes(tmp_path: Path) -> None:
    """Killed with the new text beside the file: no scan takes it for a configuration, and the next fix removes it."""
    (tmp_path / "m.tf").write_text(AGENT.format(1, "false"))
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "good.tf").write_text(AGENT.format(2, "true"))
    environment = {"PYTHONPATH": SOURCE}
    scan = [sys.executable, "-m", "bklint", "scan", ".", "--no-config", "--format", "json"]
    before = subprocess.run(scan, cwd=tmp_path, env=environment, capture_output=True, check=False).stdout
    killed = subprocess.run([sys.executable, "-c", KILLED, SOURCE], cwd=tmp_path, capture_output=True, check=False)
    assert killed.returncode == -9
    left = [path.name for path in tmp_path.iterdir() if path.name.startswith(".bklint-")]
    assert len(left) == 1
    assert (tmp_path / left[0]).read_text() == AGENT.format(1, "true")
    assert subprocess.run(scan, cwd=tmp_path, env=environment, capture_output=True, check=False).stdout == before
    fix = [sys.executable, "-m", "bklint", "scan", ".", "--fix", "--unsafe-fixes", "--no-config", "-q"]
    subprocess.run(fix, cwd=tmp_path, env=environment, capture_output=True, check=False)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m.tf", "other"]
    assert (tmp_path / "m.tf").read_text() == AGENT.format(1, "true")

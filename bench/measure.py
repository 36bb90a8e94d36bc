"""What a command costs: CPU (user and system), wall time and peak memory, of the command and of what it waits for.

CPU is what is compared, because a machine shared with others stretches the wall time at will.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent

LIMIT = """
import json, sys
from tree_sitter import Language, Parser
import tree_sitter_hcl
parser = Parser(Language(tree_sitter_hcl.language()))
for line in sys.stdin:
    path = line.rstrip("\\n")
    try:
        with open(path, "rb") as handle:
            data = handle.read()
    except OSError:
        continue
    if path.endswith((".tf", ".tfvars", ".tofu")):
        parser.parse(data)
    elif path.endswith(".json"):
        try:
            json.loads(data)
        except ValueError:
            pass
"""
"""What any tool of this kind must do: start Python, read the files, parse them. Nothing is done with the trees."""


class Cost(NamedTuple):
    """CPU and wall time in seconds, peak memory in bytes, exit status."""

    cpu: float
    wall: float
    memory: int
    status: int


def environment() -> dict[str, str]:
    """That of the commands: byte code may be written, so that every run but the first finds it."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPATH": str(ROOT / "linter")}


def cost(command: Sequence[str], given: str = "") -> Cost:
    """Run a command once."""
    began = time.monotonic()
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment()
    )
    assert process.stdin is not None
    try:
        process.stdin.write(given.encode("utf-8", "surrogateescape"))
        process.stdin.close()
    except BrokenPipeError:
        pass
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    memory = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return Cost(usage.ru_utime + usage.ru_stime, time.monotonic() - began, memory, process.returncode)


def least(runs: int, *commands: Callable[[], Cost]) -> list[Cost]:
    """The cheapest of several runs of each command, taken in turn, so that a change of the machine's load meets all."""
    found: list[list[Cost]] = [[] for _ in commands]
    for _ in range(runs):
        for number, command in enumerate(commands):
            found[number].append(command())
    return [min(each, key=lambda one: one.cpu) for each in found]


def scan(path: Path, *options: str) -> Cost:
    """`bklint scan` of a path."""
    return cost([sys.executable, "-m", "bklint", "scan", str(path), "--exit-zero", "--no-config", *options])


def limit(files: Sequence[str]) -> Cost:
    """Reading and parsing the files of a scan."""
    return cost([sys.executable, "-c", LIMIT], "".join(f"{file}\n" for file in files if "\n" not in file))


def start() -> Cost:
    """Importing a parser and a YAML reader: what a tool pays before it looks at a file."""
    return cost([sys.executable, "-c", "import tree_sitter, yaml"])


def files(path: Path) -> list[str]:
    """The files that a scan of a path reads."""
    command = [sys.executable, "-m", "bklint", "scan", str(path), "--no-config", "--show-files"]
    done = subprocess.run(
        command, capture_output=True, text=True, env=environment(), errors="surrogateescape", check=True
    )
    return [line[13:] for line in done.stdout.splitlines() if line.split()[0] not in ("skipped", "unreadable")]


def checkov(command: str, path: Path, framework: str) -> Cost:
    """Checkov on a path, its own way of being quick."""
    options = ["--framework", framework, "--compact", "--quiet", "--skip-download"]
    return cost([command, "-d", str(path), *options])

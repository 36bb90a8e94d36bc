"""CPU of a scan as a ratio of what any tool of this kind must pay.

Usage: python -m bench [PATH…]

Prints, for a small Terraform directory (and for every PATH given), the CPU seconds of `bklint scan` divided by those of
`python -c "import tree_sitter, yaml"`, both measured in this run, the median of several runs each.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FLOOR = [sys.executable, "-c", "import tree_sitter, yaml"]
RUNS = 7


def cpu_of(command: list[str]) -> float:
    """The CPU seconds (user and system) of one run of a command."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "linter")}
    subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def median(command: list[str], runs: int = RUNS) -> float:
    """The median CPU of several runs, after one that warms the caches."""
    cpu_of(command)
    return statistics.median(cpu_of(command) for _ in range(runs))


def main() -> int:
    """Measure and print."""
    floor = median(FLOOR)
    print(f"floor: import tree_sitter, yaml: {floor:.3f} s CPU")
    for path in sys.argv[1:] or [str(ROOT / "sample-templates" / "terraform-vm")]:
        seconds = median([sys.executable, "-m", "bklint", "scan", path, "--exit-zero"], 7 if len(sys.argv) < 2 else 3)
        print(f"bklint scan {os.path.relpath(path)}: {seconds:.3f} s CPU, {seconds / floor:.1f} times the floor")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

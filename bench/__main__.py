"""What a scan costs, as ratios. `python -m bench --help`.

For generated trees, and for every PATH given: CPU and peak memory of `bklint scan`, divided by those of the limit (read and
parse the same files, nothing else), by those of the last recorded baseline, and, where there is one, by those of Checkov.
`--growth` fits the exponent with which CPU grows with the size of the input. Nothing here asserts on seconds.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from bench import measure, trees
from bench.measure import Cost

BASELINE = Path(__file__).with_name("baseline.json")
SIZES = (1, 2, 4, 8)
LARGE = 8


class Row(NamedTuple):
    """One case: its name, what is read, and what it costs."""

    name: str
    files: int
    size: int
    ours: Cost
    limit: Cost
    theirs: Cost | None


def main() -> int:
    """Measure and print."""
    arguments = _arguments().parse_args()
    floor, empty = _start(arguments.runs)
    print(f"A scan of an empty directory takes {empty.cpu / floor.cpu:.1f} times the CPU of `import tree_sitter, yaml`")
    print(f"and {empty.memory / floor.memory:.1f} times its memory ({_mb(empty.memory)}).\n")
    if arguments.growth:
        _growth(arguments.runs, arguments.seed, empty)
        return 0
    rows = list(_rows(arguments))
    recorded = json.loads(BASELINE.read_text()) if BASELINE.exists() else {}
    _table(rows, recorded)
    if arguments.record:
        made = {row.name: round(row.ours.cpu / row.limit.cpu, 2) for row in rows}
        BASELINE.write_text(json.dumps({**recorded, **made}, indent=2, sort_keys=True) + "\n")
    return 0


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("paths", nargs="*", type=Path, metavar="PATH", help="measure these instead of generated trees")
    parser.add_argument("--runs", type=int, default=3, help="runs of each; the cheapest counts (default: 3)")
    parser.add_argument("--seed", type=int, default=0, help="of the generated trees")
    parser.add_argument("--jobs", type=int, default=1, help="as of bklint scan")
    parser.add_argument("--checkov", metavar="COMMAND", help="compare with this Checkov")
    parser.add_argument(
        "--framework", default="terraform", help="what Checkov is to read in the PATHs (default: terraform)"
    )
    parser.add_argument(
        "--growth", action="store_true", help="the exponent of growth over 1, 2, 4 and 8 times the size"
    )
    parser.add_argument("--record", action="store_true", help="keep the ratios as the baseline")
    return parser


def _start(runs: int) -> tuple[Cost, Cost]:
    with tempfile.TemporaryDirectory() as directory:
        where = Path(directory)
        measure.scan(where)
        floor, empty = measure.least(max(runs, 5), measure.start, lambda: measure.scan(where))
    return floor, empty


def _rows(arguments: argparse.Namespace) -> Iterator[Row]:
    for path in arguments.paths:
        yield _row(path.resolve().name, path, arguments, arguments.framework)
    if arguments.paths:
        return
    small = measure.ROOT / "sample-templates" / "terraform-vm"
    yield _row("small directory", small, arguments, "terraform")
    for family in trees.FAMILIES:
        with tempfile.TemporaryDirectory() as directory:
            where = Path(directory) / family
            trees.make(family, where, LARGE, arguments.seed)
            framework = {"templates": "arm", "bicep": "arm", "plan": "terraform_plan"}.get(family, "terraform")
            yield _row(family, where, arguments, framework)


def _row(name: str, path: Path, arguments: argparse.Namespace, framework: str) -> Row:
    files = measure.files(path)
    size = sum(Path(file).stat().st_size for file in files)
    jobs = f"--jobs={arguments.jobs}"
    ours, limit = measure.least(arguments.runs, lambda: measure.scan(path, jobs), lambda: measure.limit(files))
    theirs = measure.checkov(arguments.checkov, path, framework) if arguments.checkov else None
    return Row(name, len(files), size, ours, limit, theirs)


def _table(rows: list[Row], recorded: dict[str, float]) -> None:
    print("| case | files | MB | CPU / limit | recorded | memory | memory / limit | Checkov / bklint, CPU |")
    print("|---|---|---|---|---|---|---|---|")
    for row in rows:
        ratio = row.ours.cpu / row.limit.cpu
        before = f"{recorded[row.name]:.1f}" if row.name in recorded else ""
        cells = [
            row.name,
            f"{row.files:,}",
            f"{row.size / 1e6:.1f}",
            f"{ratio:.1f}",
            before,
            _mb(row.ours.memory),
            f"{row.ours.memory / row.limit.memory:.1f}",
            _against(row),
        ]
        print(f"| {' | '.join(cells)} |", flush=True)


def _against(row: Row) -> str:
    if row.theirs is None:
        return ""
    failed = "" if row.theirs.status in (0, 1) else f" (it failed, status {row.theirs.status})"
    return f"{row.theirs.cpu / row.ours.cpu:.0f}{failed}"


def _growth(runs: int, seed: int, empty: Cost) -> None:
    print("| family | CPU at 1, 2, 4, 8 times the size, relative to 1 | exponent |\n|---|---|---|")
    for family in trees.FAMILIES:
        costs = []
        for size in SIZES:
            with tempfile.TemporaryDirectory() as directory:
                where = Path(directory) / family
                trees.make(family, where, size, seed)
                scan = measure.least(runs, lambda where=where: measure.scan(where))[0]
                costs.append(max(scan.cpu - empty.cpu, 1e-3))
        relative = ", ".join(f"{each / costs[0]:.2f}" for each in costs)
        print(f"| {family} | {relative} | {exponent(SIZES, costs):.2f} |", flush=True)


def exponent(sizes: tuple[int, ...], costs: list[float]) -> float:
    """The exponent k that fits `cost = c * size ** k` best, by least squares over the logarithms."""
    xs, ys = [math.log(size) for size in sizes], [math.log(each) for each in costs]
    x, y = sum(xs) / len(xs), sum(ys) / len(ys)
    return sum((a - x) * (b - y) for a, b in zip(xs, ys, strict=True)) / sum((a - x) ** 2 for a in xs)


def _mb(size: int) -> str:
    return f"{size / 1e6:.0f} MB"


if __name__ == "__main__":
    sys.exit(main())

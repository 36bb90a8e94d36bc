"""Every sample template gives exactly the report that is recorded; the fixed twins give no finding.

`BKLINT_UPDATE_GOLDEN=1 python -m pytest tests/test_samples.py` records anew; read the difference before you commit it.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
GOLDEN = ROOT / "tests" / "golden" / "samples"
SAMPLES = sorted(path.name for path in (ROOT / "sample-templates").iterdir())


def report(name: str) -> tuple[int, str]:
    """Exit status and text report of a sample, times replaced."""
    done = subprocess.run(
        [sys.executable, "-m", "bklint", "scan", f"sample-templates/{name}", "--min-severity", "info"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT / "linter"), "NO_COLOR": "1", "COLUMNS": "100", "PYTHONUTF8": "1"},
        capture_output=True,
        check=False,
        encoding="utf-8",
    )
    assert done.stderr == ""
    return done.returncode, re.sub(r"\b\d+\.\d+ s\b", "0.1 s", done.stdout)


@pytest.mark.parametrize("name", SAMPLES)
def test_recorded(name: str) -> None:
    status, text = report(name)
    golden = GOLDEN / f"{name}.txt"
    if os.environ.get("BKLINT_UPDATE_GOLDEN"):
        golden.parent.mkdir(parents=True, exist_ok=True)
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8")
    assert status == (0 if name.endswith("-fixed") else 1)


@pytest.mark.parametrize("name", [name for name in SAMPLES if name.endswith("-fixed")])
def test_a_fixed_sample_is_clean(name: str) -> None:
    assert report(name)[1].startswith("no findings")

"""The wheel holds what the tree holds, and runs in an environment of its own."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the checkout."""
    target = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(target)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return next(target.glob("*.whl"))


def test_the_wheel_holds_the_tree(wheel: Path) -> None:
    package, policies = ROOT / "linter" / "bklint", ROOT / "policies"
    wanted = {f"bklint/{path.relative_to(package).as_posix()}" for path in package.rglob("*") if _shipped(path)}
    wanted |= {
        f"bklint/policies/{path.relative_to(policies).as_posix()}" for path in policies.rglob("*") if _shipped(path)
    }
    with zipfile.ZipFile(wheel) as archive:
        found = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert found == wanted


def _shipped(path: Path) -> bool:
    return path.is_file() and not {"__pycache__", ".mypy_cache", ".ruff_cache"} & set(path.parts)


def test_the_wheel_finds_its_policies(wheel: Path, tmp_path: Path) -> None:
    """Unpacked outside the checkout, it reports the first sample's fault."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(tmp_path / 'site')!r}); import bklint.cli; "
         "assert 'site' in bklint.cli.__file__; sys.exit(bklint.cli.main(['scan', '.', '--format', 'json']))"],
        cwd=ROOT / "sample-templates" / "first-look",
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert '"BKP201"' in done.stdout

"""Faults of the machine: a full disk, no home, no time zone, two runs at once. A clean line, the right status, no half file."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from bklint import files
from bklint.errors import UsageError

ROOT = Path(__file__).parent.parent
SAMPLE = ROOT / "sample-templates" / "first-look"
FULL = Path("/dev/full")


def bklint(
    *arguments: str, output: int | None = subprocess.PIPE, **environment: str
) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "bklint", *arguments]
    kept = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT / "linter"), **environment}
    return subprocess.run(command, stdout=output, stderr=subprocess.PIPE, env=kept, cwd=ROOT, timeout=60)


@pytest.mark.skipif(not FULL.exists(), reason="the system has no device that is always full")
@pytest.mark.parametrize(
    "arguments",
    [("scan", str(SAMPLE)), ("scan", str(SAMPLE), "--format", "json"), ("policies", "list"), ("explain", "--list")],
)
def test_standard_output_on_a_full_disk(arguments: tuple[str, ...]) -> None:
    with FULL.open("wb") as full:
        done = bklint(*arguments, output=full.fileno())
    told = b"bklint: cannot write to standard output: No space left on device\n"
    assert (done.returncode, done.stderr) == (2, told)


@pytest.mark.skipif(not FULL.exists(), reason="the system has no device that is always full")
def test_a_report_on_a_full_device() -> None:
    done = bklint("scan", str(SAMPLE), "--format", "sarif=/dev/full")
    assert (done.returncode, done.stderr) == (2, b"bklint: cannot write '/dev/full': No space left on device\n")


@pytest.mark.parametrize("there", [True, False])
def test_a_disk_that_gets_full_leaves_the_old_file_or_none(
    there: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "report.json"
    if there:
        path.write_text("old")
    real = os.fdopen

    class Full:
        def __init__(self, handle: int) -> None:
            self.out = real(handle, "wb")

        def __enter__(self) -> Full:
            return self

        def __exit__(self, *_: object) -> None:
            self.out.close()

        def write(self, data: bytes) -> None:
            self.out.write(data[:3])
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fdopen", lambda handle, _: Full(handle))
    with pytest.raises(UsageError, match="No space left on device"):
        files.write(str(path), b"a new report")
    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == ([("report.json", "old")] if there else [])


def test_a_written_file_keeps_its_mode_and_a_new_one_has_the_usual(tmp_path: Path) -> None:
    old, new, link = tmp_path / "old", tmp_path / "new", tmp_path / "link"
    old.write_text("old")
    old.chmod(0o640)
    link.symlink_to(old)
    mask = os.umask(0o022)
    try:
        files.write(str(link), b"1")
        files.write(str(new), b"2")
    finally:
        os.umask(mask)
    assert (link.is_symlink(), old.read_bytes(), new.read_bytes()) == (True, b"1", b"2")
    assert [stat.S_IMODE(each.stat().st_mode) for each in (old, new)] == [0o640, 0o644]
    assert sorted(each.name for each in tmp_path.iterdir()) == ["link", "new", "old"]


def test_a_pipe_is_written_in_place(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = subprocess.Popen(["cat", str(pipe)], stdout=subprocess.PIPE)
    files.write(str(pipe), b"through")
    assert reader.communicate(timeout=10)[0] == b"through"
    assert stat.S_ISFIFO(pipe.stat().st_mode)


ENVIRONMENTS = {
    "nothing": {},
    "no home": {"HOME": "/nonexistent"},
    "a home that takes nothing": {"HOME": "/proc"},
    "a time zone that is none": {"TZ": "Nowhere/Land"},
    "a language that is none": {"LC_ALL": "xx_XX.nothing", "LANG": "xx"},
    "no place for temporary files": {"TMPDIR": "/nonexistent"},
}


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_the_environment_changes_nothing(name: str, tmp_path: Path) -> None:
    usual = bklint("scan", str(SAMPLE), HOME=str(tmp_path), LANG="C.UTF-8")
    done = bklint("scan", str(SAMPLE), "--color", "never", PYTHONUTF8="1", **ENVIRONMENTS[name])
    assert (done.returncode, done.stderr) == (1, b"")
    assert done.stdout == usual.stdout
    assert list(tmp_path.iterdir()) == []


def test_runs_at_once_each_write_a_whole_report(tmp_path: Path) -> None:
    report = tmp_path / "report.sarif"
    command = [sys.executable, "-m", "bklint", "scan", str(SAMPLE), "--format", f"sarif={report}", "--quiet"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "linter")}
    runs = [subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment, cwd=ROOT) for _ in range(4)]
    assert [each.wait(timeout=60) for each in runs] == [1, 1, 1, 1]
    alone = bklint("scan", str(SAMPLE), "--format", f"sarif={tmp_path / 'alone.sarif'}", "--quiet")
    assert alone.returncode == 1
    assert report.read_bytes() == (tmp_path / "alone.sarif").read_bytes()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["alone.sarif", "report.sarif"]

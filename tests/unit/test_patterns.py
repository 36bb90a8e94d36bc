"""Path patterns: as git reads them, in linear time, from nested files."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path

import pytest

from bklint.discover import discover
from bklint.files import DiskReader, MemoryReader
from bklint.gitignore import Gitignore
from bklint.patterns import Patterns, pattern

LINES = ["a", "/a", "a/", "*.tf", "!keep.tf", "a/b", "a/*", "a/**", "**/b", "a/**/c", "[ab].tf", "[!a].tf", "[^a].tf",
         "\\!x", "\\#x", "#x", "x y", "x\\ ", "x ", "?.tf", "*", "/*", "!/a", "a**", "**", "/**/c", "a/b/", "*/b", ".*",
         "a\\*", "ä*", "**/a/b", "foo[", "//a", "[]a].tf", "a.tf", "!a/b"]  # fmt: skip
PATHS = ["a", "b", "a/b", "a/b/c", "b/a", "b/a/c", "c/b/a", "a.tf", "b.tf", "keep.tf", "d/keep.tf", "d/a.tf", "!x", "#x",
         "x y", "x ", "x", "a/c", "a/x/y/c", ".hidden", "a*", "ab", "foo[", "].tf"]  # fmt: skip


def by_git(root: Path, lines: list[str], paths: list[str]) -> set[str]:
    """The paths that git ignores; `paths` must exist."""
    (root / ".gitignore").write_text("\n".join(lines) + "\n", encoding="utf-8")
    done = subprocess.run(
        ["git", "-c", "core.excludesFile=/dev/null", "check-ignore", "--no-index", "-z", "--stdin"],
        cwd=root, input="\0".join(paths).encode(), capture_output=True, check=False, timeout=60,
    )  # fmt: skip
    return set(filter(None, done.stdout.decode().split("\0")))


def ours(lines: list[str], path: str, directories: set[str]) -> bool:
    return Patterns(lines).cover(path, path in directories)


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_as_git_does(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", "."], cwd=tmp_path, check=True, timeout=60)
    directories = {"a", "b", "c", "d", "a/b", "a/x", "a/x/y", "b/a", "c/b", "e"}
    files = {path for path in PATHS if path not in directories} - {"a/b/c"} | {"a/b/c", "e/a"}
    for directory in directories:
        (tmp_path / directory).mkdir(parents=True, exist_ok=True)
    for file in files:
        (tmp_path / file).touch()
    pairs = [[one] for one in LINES] + [
        [one, other] for one in LINES[:12] for other in ("!a", "!keep.tf", "!a/b", "a/")
    ]
    for lines in pairs:
        paths = sorted(directories | files)
        expected = by_git(tmp_path, lines, paths)
        assert {path for path in paths if ours(lines, path, directories)} == expected, lines


def test_hostile_patterns_take_no_time() -> None:
    began = time.monotonic()
    found = Patterns(["*a" * 60 + "b", "**/" * 60 + "x", "?" * 2000, "[" * 500])
    found.cover("/".join(["a" * 200] * 60))
    assert time.monotonic() - began < 1


def test_lines_that_say_nothing() -> None:
    assert [pattern(line) for line in ("", "#", "  ", "/", "!")] == [None] * 5
    assert not Patterns(["", "# x"])


def test_nested_files_and_their_order() -> None:
    files = {".git/HEAD": "", ".gitignore": "*.tf\nout/\n", "a/.gitignore": "!x.tf\n", "a/x.tf": "", "a/y.tf": "",
             "b/x.tf": "", "b/out/z.json": "", "a/deep/x.tf": ""}  # fmt: skip
    reader = MemoryReader(files)
    ignored = Gitignore(reader)
    assert [path for path in files if ignored.ignores(path, False)] == ["a/y.tf", "b/x.tf"]
    assert ignored.ignores("b/out", True)
    found = discover(["."], reader, ("terraform",), ignored.ignores)
    assert [path for path, _ in found.listing] == ["a/deep/x.tf", "a/x.tf"]
    assert [path for path, _ in discover(["b/x.tf"], reader, ("terraform",), ignored.ignores).listing] == ["b/x.tf"]


def test_files_above_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "infra" / "dev").mkdir(parents=True)
    (tmp_path / ".gitignore").write_text("/infra/dev/a.tf\n")
    (tmp_path.parent / ".gitignore").write_text("*\n")
    for name in ("a.tf", "b.tf"):
        (tmp_path / "infra" / "dev" / name).touch()
    monkeypatch.chdir(tmp_path / "infra")
    ignored = Gitignore(DiskReader((str(tmp_path),)))
    assert ignored.ignores("dev/a.tf", False)
    assert not ignored.ignores("dev/b.tf", False)

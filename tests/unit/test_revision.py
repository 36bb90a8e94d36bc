"""A commit read as a tree: like the disk at that time, and nothing of the repository is run."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from bklint.errors import InputError, UsageError
from bklint.files import DiskReader, Entry
from bklint.revision import Revision


def git(root: Path, *arguments: str) -> str:
    command = ("git", "-c", "user.name=n", "-c", "user.email=n@example.com", *arguments)
    return subprocess.run(command, cwd=root, check=True, capture_output=True, text=True, timeout=60).stdout


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository whose working tree is not as it was committed."""
    root = tmp_path / "repo"
    files = {"a.tf": "old\n", "m/b.tf": "b\n", "m/deep/c ü.tf": "c\n", "gone.tf": "", ".gitignore": "*.tfvars\n"}
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    os.symlink("a.tf", root / "link.tf")
    git(root, "init", "-q", "-b", "main")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "one")
    (root / "a.tf").write_text("new\n")
    (root / "gone.tf").unlink()
    (root / "added.tf").write_text("x")
    (root / "x.tfvars").write_text("v")
    (root / ".terraform" / "modules").mkdir(parents=True)
    (root / ".terraform" / "modules" / "modules.json").write_text("{}")
    monkeypatch.chdir(root)
    return root


def reader(root: Path, name: str = "HEAD") -> Revision:
    return Revision(["."], name, DiskReader((str(root),)))


def test_reads_what_was_committed(root: Path) -> None:
    with reader(root) as base:
        assert base.read("a.tf") == b"old\n"
        assert base.read("m/deep/c ü.tf") == b"c\n"
        assert base.head("a.tf", 2) == b"ol"
        assert base.read("gone.tf") == b""
        assert base.is_file("m/b.tf")
        assert base.exists("m/deep")
        assert not base.exists("added.tf")
        assert not base.is_file("link.tf")
        assert base.list("m") == (Entry("b.tf", False), Entry("deep", True))
        assert [entry.name for entry in base.list(".")] == [".gitignore", "a.tf", "gone.tf", "link.tf", "m", "x.tfvars"]
        assert base.files_read == 3
        for path in ("added.tf", "m", "link.tf", "../outside", "no/such"):
            with pytest.raises(InputError):
                base.read(path)


def test_what_no_commit_holds_is_read_from_the_disk(root: Path) -> None:
    with reader(root) as base:
        assert base.read("x.tfvars") == b"v"
        assert base.read(".terraform/modules/modules.json") == b"{}"
        assert base.is_file(".terraform/modules/modules.json")


def test_paths_are_those_of_the_working_directory(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root / "m")
    with reader(root) as base:
        assert base.read("../a.tf") == b"old\n"
        assert base.read(str(root / "a.tf")) == b"old\n"
        assert base.list(".") == (Entry("b.tf", False), Entry("deep", True))


def test_the_base_is_where_the_branch_began(root: Path) -> None:
    first = git(root, "rev-parse", "HEAD").strip()
    git(root, "checkout", "-q", "-b", "topic")
    git(root, "checkout", "-q", "main")
    git(root, "commit", "-q", "--allow-empty", "-m", "two")
    git(root, "checkout", "-q", "topic")
    git(root, "commit", "-q", "--allow-empty", "-m", "three")
    with reader(root, "main") as base:
        assert base.commit == first


@pytest.mark.parametrize("name", ["nope", "--output=x", "-h", "", "HEAD:a.tf", "HEAD^{tree}"])
def test_no_commit(root: Path, name: str) -> None:
    with pytest.raises(UsageError, match="git knows no commit"):
        reader(root, name)
    assert not (root / "x").exists()


def test_no_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="not a git repository"):
        Revision(["."], "HEAD", DiskReader((str(tmp_path),)))


def test_nothing_of_the_repository_is_run(root: Path) -> None:
    script = root / "evil.sh"
    script.write_text("#!/bin/sh\ntouch ran\n")
    script.chmod(0o755)
    for key in ("core.fsmonitor", "filter.x.smudge", "diff.external", "core.pager"):
        git(root, "config", key, str(script))
    (root / ".git" / "hooks" / "post-checkout").write_text(script.read_text())
    (root / ".gitattributes").write_text("* filter=x diff=x\n")
    with reader(root) as base:
        base.read("a.tf")
        base.list(".")
    assert not (root / "ran").exists()


def test_git_is_not_taken_from_the_directory_that_is_scanned(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    planted = root / "git"
    planted.write_text(f"#!/bin/sh\ntouch {root}/ran\n")
    planted.chmod(0o755)
    monkeypatch.setenv("PATH", os.pathsep.join((".", "", os.environ["PATH"])))
    with Revision(["."], "HEAD", DiskReader((".",))) as revision:
        assert revision.read("a.tf") == b"old\n"
    monkeypatch.setenv("PATH", os.pathsep.join((".", "")))
    with pytest.raises(UsageError, match="needs git, which is not on PATH"):
        Revision(["."], "HEAD", DiskReader((".",)))
    assert not (root / "ran").exists()


@pytest.mark.parametrize("url", ["ssh://host.invalid/x", "ext::touch {}/ran"])
def test_a_missing_object_is_fetched_from_nowhere(url: str, root: Path) -> None:
    """A configuration of the repository names who has it, and a program to get there."""
    script = root / "transport"
    script.write_text(f"#!/bin/sh\ntouch {root}/ran\n")
    script.chmod(0o755)
    blob = git(root, "rev-parse", "HEAD:a.tf").strip()
    for key, value in {
        "core.repositoryformatversion": "1", "extensions.partialClone": "origin", "remote.origin.promisor": "true",
        "remote.origin.url": url.format(root), "core.sshCommand": str(script), "protocol.ext.allow": "always",
    }.items():  # fmt: skip
        git(root, "config", key, value)
    (root / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    with (
        Revision(["."], "HEAD", DiskReader((".",))) as revision,
        pytest.raises(InputError, match="git does not have it"),
    ):
        revision.read("a.tf")
    assert not (root / "ran").exists()

"""What `bklint.files` reads, refuses and writes."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from bklint.errors import InputError, LimitError, UsageError
from bklint.files import (
    DiskReader,
    Entry,
    MemoryReader,
    Reader,
    confinement,
    found_above,
    join,
    normalise,
    write,
    write_atomically,
)
from bklint.replacing import take_away_leftovers

FILES: dict[str, str | bytes] = {"main.tf": "a", "modules/vm/main.tf": "bé", "modules/vm/x.txt": b"\xff", "z": ""}


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with FILES that is the working directory, beside a file that must not be read."""
    (tmp_path / "secret").write_text("s")
    root = tmp_path / "root"
    for name, content in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    monkeypatch.chdir(root)
    return root


def refusal(reader: Reader, path: str) -> str:
    """The message with which `path` is refused."""
    with pytest.raises(InputError) as caught:
        reader.read(path)
    assert not reader.is_file(path)
    return caught.value.message


OUTSIDE = "lies outside the directory that is scanned, so it is not read"


@pytest.mark.parametrize("path", ["../secret", "modules/../../secret", "/etc/passwd", "../root2/main.tf", ".."])
def test_paths_out_of_the_root_are_refused(root: Path, path: str) -> None:
    (root.parent / "root2").mkdir()
    (root.parent / "root2" / "main.tf").touch()
    assert refusal(DiskReader((".",)), path) == OUTSIDE


@pytest.mark.parametrize(
    ("link", "target", "path"),
    [
        ("file", "../secret", "file"),
        ("dir", "..", "dir/secret"),
        ("chain", "modules/../../secret", "chain"),
        ("absolute", "/etc/passwd", "absolute"),
    ],
)
def test_links_out_of_the_root_are_refused(root: Path, link: str, target: str, path: str) -> None:
    os.symlink(target, link)
    assert refusal(DiskReader((".",)), path) == OUTSIDE


def test_links_inside_the_root_are_read(root: Path) -> None:
    os.symlink("modules", "alias")
    reader = DiskReader((".",))
    assert reader.read("alias/vm/main.tf") == "bé".encode()
    assert reader.is_file("alias/vm/main.tf")
    assert Entry("alias", True, True) in reader.list(".")


def test_directory_of_a_refused_listing(root: Path) -> None:
    with pytest.raises(InputError, match="lies outside"):
        DiskReader((".",)).list("..")


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("missing.tf", "cannot be read: No such file or directory"),
        ("main.tf/x", "cannot be read: Not a directory"),
        ("modules", "is not a regular file"),
        (".", "is not a regular file"),
        ("fifo", "is not a regular file"),
        ("loop", "cannot be read: Too many levels of symbolic links"),
        ("a\0b", "is not the path of a file"),
        ("\ud800", "is not the path of a file"),
        ("n" * 300, "cannot be read: File name too long"),
    ],
)
def test_what_is_no_readable_file(root: Path, path: str, message: str) -> None:
    os.mkfifo("fifo")
    os.symlink("loop", "loop")
    assert refusal(DiskReader((".",)), path) == message


def test_size_limit(root: Path) -> None:
    reader = DiskReader((".",), max_bytes=3)
    Path("three").write_bytes(b"123")
    Path("four").write_bytes(b"1234")
    assert reader.read("three") == b"123"
    with pytest.raises(LimitError, match="is 4 bytes; bklint reads files up to 3 bytes"):
        reader.read("four")


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="needs a file whose size is given as 0")
def test_size_limit_of_a_file_that_does_not_tell_its_size() -> None:
    with pytest.raises(LimitError, match="is larger than its size tells; bklint reads files up to 3 bytes"):
        DiskReader(("/proc",), max_bytes=3).read("/proc/self/status")


def test_each_file_is_read_and_counted_once(root: Path) -> None:
    for reader in (DiskReader((".",)), MemoryReader(FILES)):
        for _ in range(3):
            assert reader.read("main.tf") == b"a"
            assert reader.read("modules/vm/main.tf") == "bé".encode()
        assert (reader.files_read, reader.bytes_read) == (2, 4)
        reader.forget("main.tf")
        reader.forget("never read")
        reader.read("main.tf")
        assert (reader.files_read, reader.bytes_read) == (2, 4)


@pytest.mark.parametrize("path", [".", "modules", "modules/vm", "modules/vm/", "./modules", "missing", "main.tf", "z"])
def test_memory_reader_answers_as_the_disk_does(root: Path, path: str) -> None:
    disk, memory = DiskReader((".",)), MemoryReader(FILES)
    assert memory.list(path) == disk.list(path)
    assert memory.is_file(path) == disk.is_file(path)
    if disk.is_file(path):
        assert memory.read(path) == disk.read(path)
    else:
        assert refusal(memory, path) == refusal(disk, path)


def test_listing_is_sorted(root: Path) -> None:
    expected = (Entry("main.tf", False), Entry("modules", True), Entry("z", False))
    assert DiskReader((".",)).list(".") == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [("a/./b/../c", "a/c"), ("", "."), (".", "."), ("./x", "x"), ("../x", "../x"), ("a//b/", "a/b"), ("/a/..", "/")],
)
def test_normalise(path: str, expected: str) -> None:
    assert normalise(path) == expected


@pytest.mark.parametrize(
    ("directory", "name", "expected"),
    [("a", "b", "a/b"), (".", "b", "b"), ("a/b", "../c", "a/c"), ("a", "/b", "/b"), ("", "b", "b"), ("a", "", "a")],
)
def test_join(directory: str, name: str, expected: str) -> None:
    assert join(directory, name) == expected


@pytest.mark.parametrize(
    ("git", "here", "path", "expected"),
    [
        (None, "t", "t/a", "t"),
        (None, "t", "t/a/f", "t"),
        (None, "t/a", "t/b/g", "t/b"),
        (None, "t/a", "t/b/missing", "t/b"),
        ("t", "t/a", "t/a", "t"),
        ("t", "t/a", "t/b/g", "t"),
        ("t/b", "t", "t/b/g", "t/b"),
        ("t/b", "t", "t/a", "t"),
    ],
)
def test_confinement(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, git: str | None, here: str, path: str, expected: str
) -> None:
    for name in ("t/a/f", "t/b/g", *([f"{git}/.git/HEAD"] if git else [])):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path / here)
    assert confinement(str(tmp_path / path)) == os.path.realpath(tmp_path / expected)


@pytest.mark.parametrize("mode", [0o644, 0o600, 0o755])
def test_write_atomically_keeps_the_mode(root: Path, mode: int) -> None:
    os.chmod("main.tf", mode)
    write_atomically("main.tf", b"new")
    assert Path("main.tf").read_bytes() == b"new"
    assert stat.S_IMODE(os.stat("main.tf").st_mode) == mode
    assert sorted(os.listdir(".")) == ["main.tf", "modules", "z"]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("link", "is a symbolic link"),
        ("modules", "is not a regular file"),
        ("fifo", "is not a regular file"),
        ("missing", "No such file"),
    ],
)
def test_write_atomically_refuses_all_but_files(root: Path, path: str, message: str) -> None:
    os.symlink("main.tf", "link")
    os.mkfifo("fifo")
    with pytest.raises(OSError, match=message):
        write_atomically(path, b"new")
    assert Path("main.tf").read_text() == "a"
    assert sorted(os.listdir(".")) == ["fifo", "link", "main.tf", "modules", "z"]


def test_what_nobody_may_write_is_not_replaced(root: Path) -> None:
    os.chmod("main.tf", 0o444)
    with pytest.raises(OSError, match="is read-only"):
        write_atomically("main.tf", b"new")
    assert Path("main.tf").read_text() == "a"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives files away")
def test_the_owner_stays(root: Path) -> None:
    os.chown("main.tf", 12345, 54321)
    write_atomically("main.tf", b"new")
    info = os.stat("main.tf")
    assert (info.st_uid, info.st_gid) == (12345, 54321)


def test_leftovers_go_and_what_is_held_stays(root: Path) -> None:
    fcntl = pytest.importorskip("fcntl", reason="no locks")
    kept = [".bklint-baseline.json", ".bklint.yaml", ".bklint-a b.tmp", "x.bklint-abc.tmp", ".bklint-held_one.tmp"]
    for name in (*kept, ".bklint-dead_one.tmp", "modules/.bklint-12345678.tmp"):
        Path(name).write_text("x")
    os.symlink("main.tf", ".bklint-link.tmp")
    os.mkfifo(".bklint-fifo.tmp")
    with open(".bklint-held_one.tmp", "rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        take_away_leftovers(["", "modules", "missing"])
    assert sorted(os.listdir(".")) == sorted([*kept, ".bklint-fifo.tmp", ".bklint-link.tmp", "main.tf", "modules", "z"])
    assert os.listdir("modules") == ["vm"]


def test_a_failed_write_leaves_nothing_behind(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        write_atomically("main.tf", b"new")
    assert Path("main.tf").read_text() == "a"
    assert sorted(os.listdir(".")) == ["main.tf", "modules", "z"]


@pytest.mark.parametrize("kind", ["disk", "memory"])
def test_heads_are_neither_counted_nor_remembered(root: Path, kind: str) -> None:
    reader: Reader = DiskReader((".",)) if kind == "disk" else MemoryReader(FILES)
    assert reader.head("modules/vm/main.tf", 2) == b"b\xc3"
    assert (reader.files_read, reader.bytes_read) == (0, 0)
    assert reader.exists("modules/vm")
    assert reader.exists("main.tf")
    assert not reader.exists("missing")
    assert not reader.exists("../secret")
    for path in ("missing", "modules"):
        with pytest.raises(InputError):
            reader.head(path, 9)


def test_a_forgotten_file_is_read_again(root: Path) -> None:
    reader = DiskReader((".",))
    assert reader.read("main.tf") == b"a"
    (root / "main.tf").write_text("new")
    assert reader.read("main.tf") == b"a"
    reader.forget("main.tf")
    assert reader.read("main.tf") == b"new"


def test_files_above_end_with_the_repository(root: Path) -> None:
    (root / "x.yaml").touch()
    (root.parent / "x.yaml").touch()
    assert [Path(path).parent for path in found_above("modules/vm", ("x.yaml",))] == [root]
    (root / "modules" / ".git").mkdir()
    assert list(found_above("modules/vm", ("x.yaml",))) == []


def test_what_cannot_be_written(root: Path) -> None:
    write("new.txt", b"x")
    assert (root / "new.txt").read_bytes() == b"x"
    with pytest.raises(UsageError, match="cannot write 'modules'"):
        write("modules", b"x")


@pytest.mark.skipif(not hasattr(os, "set_blocking"), reason="files of this system always answer")
@pytest.mark.parametrize("first", [b"", b"a beginning"])
def test_a_file_that_never_answers_is_not_waited_for(
    first: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As /proc/kmsg, which counts as a regular file: here an open pipe takes the place of one."""
    (tmp_path / "file").write_bytes(b"")
    reader = DiskReader((str(tmp_path),))
    for whole, read in ((True, reader.read), (False, lambda path: reader.head(path, 1000))):
        end, start = os.pipe()
        os.write(start, first)
        os.set_blocking(end, False)
        monkeypatch.setattr("bklint.files._without_waiting", lambda path, flags, end=end: end)
        if first and not whole:
            assert read(str(tmp_path / "file")) == first  # no more was asked for
        else:
            with pytest.raises(InputError, match="cannot be read: it would have to be waited for"):
                read(str(tmp_path / "file"))
        os.close(start)

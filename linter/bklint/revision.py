"""A commit of a git repository as a tree to read from, without checking it out.

The only module that runs `git`, and only for `--changed-since`: plumbing commands that run no hook, filter or pager and
fetch nothing. Installed modules (`.terraform`) and ignored variable files are no part of a commit; they are read from
the disk, so that both sides of a comparison see the same ones.
"""

from __future__ import annotations

import os
import posixpath
import subprocess
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from bklint import limits
from bklint.errors import InputError, LimitError, UsageError
from bklint.files import Entry, Reader, normalise, program

_OPTIONS = ("--no-pager", "-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false")
_SETTINGS = {"GIT_OPTIONAL_LOCKS": "0", "GIT_NO_LAZY_FETCH": "1", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
_SETTINGS["GIT_ALLOW_PROTOCOL"] = "none"  # a repository with missing objects names who has them, and how to get there
_FILE, _LINK = ("100644", "100755"), "120000"


class _Blob(NamedTuple):
    id: str
    link: bool


class Revision:
    """Reads files as they are in a commit. Paths are displayed ones, as of the working directory. Implements Reader."""

    def __init__(self, paths: Iterable[str], name: str, disk: Reader) -> None:
        """The commit of the repository that holds `paths` in which the change `name`..HEAD began. Raises UsageError."""
        first = os.path.abspath(next(iter(paths), "."))
        where = first if os.path.isdir(first) else os.path.dirname(first)
        self.top = os.path.realpath(_git(where, "rev-parse", "--show-toplevel").strip())
        self.commit = _began(self.top, name)
        self.files_read = self.bytes_read = 0
        self._disk = disk
        self._cache: dict[str, bytes] = {}
        self._blobs = _tree(self.top, self.commit)
        self._directories = _directories(self._blobs)
        self._ignored = _ignored(self.top)
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Revision:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.communicate()

    def _key(self, path: str) -> str:
        """A displayed path as git writes it, relative to the repository; it may lead out of it."""
        where, name = os.path.split(os.path.abspath(path))
        inside = os.path.relpath(os.path.join(os.path.realpath(where), name), self.top)
        return "" if inside == "." else inside.replace(os.sep, "/")

    def _on_disk(self, key: str) -> bool:
        return key in self._ignored or ".terraform" in key.split("/") or key.startswith("../")

    def read(self, path: str) -> bytes:
        """See Reader."""
        path = normalise(path)
        if path not in self._cache:
            data = self._cache[path] = self._read(path)
            self.files_read += 1
            self.bytes_read += len(data)
        return self._cache[path]

    def _read(self, path: str) -> bytes:
        key = self._key(path)
        if self._on_disk(key):
            return self._disk.read(path)
        blob = self._blobs.get(key)
        if blob is None or blob.link:
            missing = key not in self._directories
            raise InputError("cannot be read: No such file or directory" if missing else "is not a regular file")
        return self._content(blob.id)

    def _content(self, id_: str) -> bytes:
        """The bytes of a blob, by one `git cat-file` for all of them."""
        if self._process is None:
            command = (*_command(), "-C", self.top, "cat-file", "--batch")
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=_environment()
            )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(id_.encode() + b"\n")
        self._process.stdin.flush()
        header = self._process.stdout.readline().split()
        if len(header) != 3:
            raise InputError("cannot be read: git does not have it")
        data = self._process.stdout.read(int(header[2]))
        self._process.stdout.read(1)
        most = limits.value("file_bytes")
        if len(data) > most:
            raise LimitError(
                f"is {len(data)} bytes; bklint reads files up to {most} bytes ({limits.told('file_bytes')})"
            )
        return data

    def head(self, path: str, size: int) -> bytes:
        """See Reader."""
        path = normalise(path)
        return (self._cache.get(path) or self._read(path))[:size]

    def forget(self, path: str) -> None:
        """See Reader."""
        self._cache.pop(normalise(path), None)

    def is_file(self, path: str) -> bool:
        """See Reader."""
        key = self._key(path)
        if self._on_disk(key):
            return self._disk.is_file(path)
        blob = self._blobs.get(key)
        return blob is not None and not blob.link

    def exists(self, path: str) -> bool:
        """See Reader."""
        key = self._key(path)
        if self._on_disk(key) or posixpath.basename(key) == ".git":
            return self._disk.exists(path)
        return key in self._blobs or key in self._directories

    def list(self, path: str) -> tuple[Entry, ...]:
        """See Reader."""
        key = self._key(path)
        if self._on_disk(key):
            return self._disk.list(path)
        found = dict(self._directories.get(key, {}))
        below = f"{key}/" if key else ""
        for other in self._ignored:
            if other.startswith(below) and "/" not in other[len(below) :]:
                found.setdefault(other[len(below) :], Entry(other[len(below) :], False))
        return tuple(sorted(found.values()))


def _command() -> tuple[str, ...]:
    """git, from an absolute directory of PATH. Raises UsageError where there is none."""
    found = program("git")
    if found is None:
        raise UsageError("--changed-since needs git, which is not on PATH")
    return (found, *_OPTIONS)


def _environment() -> dict[str, str]:
    return {**os.environ, **_SETTINGS}


def _git(where: str, *arguments: str) -> str:
    """The output of a git command. Raises UsageError with what git says."""
    try:
        done = subprocess.run(
            (*_command(), "-C", where, *arguments), capture_output=True, check=False, env=_environment(), timeout=600
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UsageError(f"--changed-since needs git: {error}") from error
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise UsageError(f"git {arguments[0]}: {said[-1] if said else 'failed'}")
    return os.fsdecode(done.stdout)


def _began(top: str, name: str) -> str:
    """The commit where a branch left `name`; the commit `name` itself where they have none in common (a shallow clone)."""
    try:
        commit = _git(top, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}").strip()
    except UsageError as error:
        raise UsageError(f"git knows no commit {name!r}; fetch it first") from error
    try:
        return _git(top, "merge-base", commit, "HEAD").strip() or commit
    except UsageError:
        return commit


def _tree(top: str, commit: str) -> dict[str, _Blob]:
    found = {}
    for row in _git(top, "ls-tree", "-r", "-z", "--full-tree", commit).split("\0"):
        about, _, path = row.partition("\t")
        mode, _, id_ = about.split(" ") if about else ("", "", "")
        if mode in _FILE or mode == _LINK:
            found[path] = _Blob(id_, mode == _LINK)
    return found


def _directories(blobs: Mapping[str, _Blob]) -> dict[str, dict[str, Entry]]:
    found: dict[str, dict[str, Entry]] = {"": {}}
    for path, blob in blobs.items():
        directory, _, name = path.rpartition("/")
        found.setdefault(directory, {})[name] = Entry(name, False, blob.link)
        while directory:
            above, _, name = directory.rpartition("/")
            known = found.setdefault(above, {})
            if name in known:
                break
            known[name] = Entry(name, True)
            directory = above
    return found


def _ignored(top: str) -> frozenset[str]:
    """Variable files that git ignores."""
    listed = _git(
        top, "ls-files", "--others", "--ignored", "--exclude-standard", "-z", "--", "*.tfvars", "*.tfvars.json"
    )
    return frozenset(filter(None, listed.split("\0")))

"""The only module that opens, lists or writes files.

A `Reader` is confined: a path that leaves its roots, through `..` or a symbolic link, is refused. Paths are
`/`-separated strings as they are displayed: relative to the working directory where the user gave them so. Everything
read is counted. Tests hand a `MemoryReader`.
"""

from __future__ import annotations

import os
import posixpath
import stat
from collections.abc import Iterator, Mapping, Sequence
from io import FileIO
from typing import BinaryIO, NamedTuple, Protocol

from bklint import limits
from bklint.errors import InputError, LimitError, UsageError


class Entry(NamedTuple):
    """One member of a directory. `link` marks a symbolic link; `directory` follows it."""

    name: str
    directory: bool
    link: bool = False


class Reader(Protocol):
    """Reads below its roots only."""

    @property
    def files_read(self) -> int:
        """How many files were read, each once."""
        ...

    @property
    def bytes_read(self) -> int:
        """How many bytes they have."""
        ...

    def read(self, path: str) -> bytes:
        """The bytes of a file, remembered. Raises InputError (missing, refused, a directory) or LimitError."""
        ...

    def head(self, path: str, size: int) -> bytes:
        """The first `size` bytes of a file, neither remembered nor counted. Raises InputError."""
        ...

    def forget(self, path: str) -> None:
        """Drop the remembered bytes of a file that is not needed again."""
        ...

    def is_file(self, path: str) -> bool:
        """Whether a regular file of that path exists below the roots."""
        ...

    def exists(self, path: str) -> bool:
        """Whether a file or directory of that path exists below the roots."""
        ...

    def list(self, path: str) -> tuple[Entry, ...]:
        """The members of a directory, sorted by name; empty where there is none. Raises InputError where refused."""
        ...


def normalise(path: str) -> str:
    """`a/./b/../c` as `a/c`, `/`-separated; the empty path is `.`."""
    return posixpath.normpath(path.replace(os.sep, "/")) if path else "."


def join(directory: str, name: str) -> str:
    """A path below a directory, normalised; an absolute `name` stays itself."""
    return normalise(name if is_absolute(name) else posixpath.join(directory, name))


def is_absolute(path: str) -> bool:
    """Whether a `/`-separated path is absolute, here or on Windows (`C:/infra`)."""
    return path.startswith("/") or (path[1:3] == ":/" and path[0].isalpha() and path[0].isascii())


def confinement(path: str) -> str:
    """The directory that a scan of `path` may read below.

    That is the nearest directory with a `.git` entry that holds the path, else the working directory when it holds the
    path, else the path itself (for a file, its directory): a module called as `../modules/vm` must be found, the rest
    of the machine not.
    """
    real = os.path.realpath(path)
    here = os.path.realpath(os.getcwd())
    directory = real if os.path.isdir(real) else os.path.dirname(real)
    probe = directory
    while True:
        if os.path.exists(os.path.join(probe, ".git")):
            return probe
        parent = os.path.dirname(probe)
        if parent == probe:
            break
        probe = parent
    if directory == here or directory.startswith(here.rstrip(os.sep) + os.sep):
        return here
    return directory


_STEPS = 64
"""Most directories of a path that are resolved one by one."""


class DiskReader:
    """Reads from the file system below `roots` (real paths)."""

    def __init__(self, roots: tuple[str, ...], max_bytes: int = 0) -> None:
        self._roots = tuple(os.path.realpath(root) for root in roots)
        self._max = max_bytes or limits.value("file_bytes")
        self._limit = "" if max_bytes else "file_bytes"
        self._cache: dict[str, bytes] = {}
        self._directories: dict[str, str] = {}
        self._listed: dict[str, tuple[Entry, ...]] = {}
        self.reads: dict[str, int] = {}
        """The files that were read, and their sizes in bytes."""

    @property
    def files_read(self) -> int:
        """See Reader."""
        return len(self.reads)

    @property
    def bytes_read(self) -> int:
        """See Reader."""
        return sum(self.reads.values())

    def count(self, reads: Mapping[str, int]) -> None:
        """Count files that another process has read, by path and size."""
        self.reads.update(reads)

    def _real(self, path: str) -> str:
        try:
            real = self._resolved(path)
        except ValueError as error:  # a NUL or half a surrogate pair, which an expression of a template can make
            raise InputError("is not the path of a file") from error
        except OSError as error:  # a link whose end may not be looked at, as /proc/1/cwd
            raise InputError(f"cannot be read: {error.strerror or error}") from error
        for root in self._roots:
            if real == root or real.startswith(root.rstrip(os.sep) + os.sep):
                return real
        raise InputError("lies outside the directory that is scanned, so it is not read")

    def _resolved(self, path: str) -> str:
        """The real path. Those of directories are remembered: resolving one takes a system call for each of its parts."""
        slash = path.rfind("/") + 1
        directory, name = path[:slash], path[slash:]
        if name in ("", ".", "..") or os.sep in name:
            return os.path.realpath(path)
        above = self._directories.get(directory)
        if above is None:
            short = directory.strip("/") and directory.count("/") < _STEPS
            real = self._resolved(directory[:-1]) if short else os.path.realpath(directory)
            above = self._directories[directory] = os.path.join(real, "")
        real = above + name
        try:
            linked = stat.S_ISLNK(os.lstat(real).st_mode)
        except OSError:
            return real
        return os.path.realpath(real) if linked else real

    def read(self, path: str) -> bytes:
        """See Reader."""
        found = self._cache.get(path)
        if found is not None:
            self.reads[path] = len(found)
            return found
        real = self._real(path)
        try:
            info = os.stat(real)
            if not stat.S_ISREG(info.st_mode):
                raise InputError("is not a regular file")
            if info.st_size > self._max:
                raise self._too_large(f"is {info.st_size} bytes")
            with open(real, "rb", buffering=0, opener=_without_waiting) as handle:
                data = _bytes(handle, info.st_size, self._max + 1)
        except OSError as error:
            raise InputError(f"cannot be read: {error.strerror or error}") from error
        if len(data) > self._max:  # it has grown, or is one of those whose size the system gives as 0
            raise self._too_large("is larger than its size tells")
        self.reads[path] = len(data)
        self._cache[path] = data
        return data

    def _too_large(self, what: str) -> LimitError:
        return LimitError(f"{what}; bklint reads files up to {self._max} bytes ({limits.told(self._limit)})")

    def head(self, path: str, size: int) -> bytes:
        """See Reader."""
        if path in self._cache:
            return self._cache[path][:size]
        real = self._real(path)
        try:
            if not stat.S_ISREG(os.stat(real).st_mode):
                raise InputError("is not a regular file")
            with open(real, "rb", buffering=0, opener=_without_waiting) as handle:
                return _bytes(handle, size, size)
        except OSError as error:
            raise InputError(f"cannot be read: {error.strerror or error}") from error

    def forget(self, path: str) -> None:
        """See Reader."""
        self._cache.pop(path, None)

    def is_file(self, path: str) -> bool:
        """See Reader."""
        try:
            return os.path.isfile(self._real(path))
        except InputError:
            return False

    def exists(self, path: str) -> bool:
        """See Reader."""
        try:
            return os.path.exists(self._real(path))
        except InputError:
            return False

    def list(self, path: str) -> tuple[Entry, ...]:
        """See Reader."""
        found = self._listed.get(path)
        if found is not None:
            return found
        real = self._real(path)
        try:
            with os.scandir(real) as members:
                found = tuple(sorted(Entry(m.name, _is_directory(m), m.is_symlink()) for m in members))
            self._listed[path] = found
            return found
        except FileNotFoundError:
            return ()
        except NotADirectoryError:
            return ()
        except OSError as error:
            raise InputError(f"cannot be listed: {error.strerror or error}") from error


def _bytes(handle: FileIO, likely: int, most: int) -> bytes:
    """The bytes of a file up to `most`; of more than the `likely` ones the system did not know, as below /proc."""
    data = _at_once(handle, min(likely + 1, most))
    while likely < len(data) < most and (more := _at_once(handle, min(most - len(data), 1 << 20))):
        data += more
    return data


def _at_once(handle: FileIO, most: int) -> bytes:
    found: bytes | None = handle.read(most)
    if found is None:  # as of /proc/kmsg, which counts as a regular file
        raise InputError("cannot be read: it would have to be waited for")
    return found


def _without_waiting(path: str, flags: int) -> int:
    """Open a file that may have become a pipe meanwhile, or be one of those of the system that only look like files."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _is_directory(member: os.DirEntry[str]) -> bool:
    try:
        return member.is_dir()
    except OSError:
        return False


class MemoryReader:
    """Reads from a dict of path to text or bytes, for tests and for policy examples."""

    def __init__(self, files: Mapping[str, str | bytes]) -> None:
        self._files = {normalise(k): v.encode() if isinstance(v, str) else v for k, v in files.items()}
        self._seen: set[str] = set()
        self.files_read = 0
        self.bytes_read = 0

    def read(self, path: str) -> bytes:
        """See Reader."""
        path = normalise(path)
        data = self._files.get(path)
        if data is None:
            missing = not self.list(path)
            raise InputError("cannot be read: No such file or directory" if missing else "is not a regular file")
        if path not in self._seen:
            self._seen.add(path)
            self.files_read += 1
            self.bytes_read += len(data)
        return data

    def head(self, path: str, size: int) -> bytes:
        """See Reader."""
        data = self._files.get(normalise(path))
        if data is None:
            raise InputError("cannot be read: No such file or directory")
        return data[:size]

    def forget(self, path: str) -> None:
        """See Reader."""
        del path  # what is in memory stays there

    def is_file(self, path: str) -> bool:
        """See Reader."""
        return normalise(path) in self._files

    def exists(self, path: str) -> bool:
        """See Reader."""
        return self.is_file(path) or bool(self.list(path))

    def list(self, path: str) -> tuple[Entry, ...]:
        """See Reader."""
        path = normalise(path)
        prefix = "" if path == "." else path.rstrip("/") + "/"
        found: dict[str, bool] = {}
        for name in self._files:
            if name.startswith(prefix):
                head, slash, _ = name[len(prefix) :].partition("/")
                if head and head != "..":
                    found[head] = found.get(head, False) or bool(slash)
        return tuple(sorted(Entry(name, directory) for name, directory in found.items()))


class OverlayReader:
    """Another reader, in which some files have a text of their own, whether they exist or not. Implements Reader."""

    def __init__(self, under: Reader, texts: Mapping[str, bytes]) -> None:
        self.under = under
        self._texts = frozenset(map(normalise, texts))
        self._over = MemoryReader(texts)

    @property
    def files_read(self) -> int:
        """See Reader."""
        return self.under.files_read + self._over.files_read

    @property
    def bytes_read(self) -> int:
        """See Reader."""
        return self.under.bytes_read + self._over.bytes_read

    def _of(self, path: str) -> Reader:
        return self._over if self._texts and normalise(path) in self._texts else self.under

    def read(self, path: str) -> bytes:
        """See Reader."""
        return self._of(path).read(path)

    def head(self, path: str, size: int) -> bytes:
        """See Reader."""
        return self._of(path).head(path, size)

    def forget(self, path: str) -> None:
        """See Reader."""
        self._of(path).forget(path)

    def is_file(self, path: str) -> bool:
        """See Reader."""
        return self._of(path).is_file(path)

    def exists(self, path: str) -> bool:
        """See Reader."""
        return self._of(path).exists(path)

    def list(self, path: str) -> tuple[Entry, ...]:
        """See Reader."""
        below = self.under.list(path)
        if not self._texts:
            return below
        names = {entry.name for entry in below}
        return tuple(sorted((*below, *(entry for entry in self._over.list(path) if entry.name not in names))))


def program(name: str) -> str | None:
    """The absolute path of a program on PATH; None where there is none. Relative entries of PATH (`.`, an empty one) do not
    count, nor does the working directory where the system searches it first: they may be what is scanned."""
    import shutil

    for directory in os.environ.get("PATH", "").split(os.pathsep):
        found = shutil.which(name, path=directory) if os.path.isabs(directory) else None
        if found is not None and os.path.isabs(found):
            return found
    return None


def received(stream: BinaryIO, most: int = 0) -> bytes:
    """What comes through standard input or a pipe. Raises UsageError where it is more than `most` bytes (0: than a file may
    have): it may have no end."""
    most = most or limits.value("file_bytes")
    data = stream.read(most + 1)
    if len(data) > most:
        raise UsageError(f"standard input has more than {most} bytes, the most that bklint reads of it")
    return data


def write(path: str, data: bytes) -> None:
    """Write a file of our own: a report, a configuration, a baseline. Raises UsageError, with the reason.

    The file is replaced in one step, so that nobody finds half of it: not who reads it meanwhile, nor after a disk was full.
    Where that is not possible (a device, a directory that takes no new file), it is written in place.
    """
    try:
        if not _replaced(os.path.realpath(path), data):
            with open(path, "wb") as out:
                out.write(data)
    except OSError as error:
        raise UsageError(f"cannot write {path!r}: {error.strerror or error}") from error


def _replaced(path: str, data: bytes) -> bool:
    """Write a file beside the one of that path and put it in its place; False where that cannot be."""
    try:
        mode = os.stat(path).st_mode
        if not stat.S_ISREG(mode) or not os.access(path, os.W_OK):
            return False
    except FileNotFoundError:
        mode = 0o666 & ~_umask()
    if not os.access(os.path.dirname(path) or ".", os.W_OK):
        return False
    from bklint.replacing import replace

    replace(path, data, mode)
    return True


def _umask() -> int:
    """The mask of new files, which can only be read by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def append(path: str, data: bytes) -> None:
    """Add to a file that others write too, as the summary of a job. Raises UsageError, with the reason."""
    try:
        with open(path, "ab") as out:
            out.write(data)
    except OSError as error:
        raise UsageError(f"cannot write {path!r}: {error.strerror or error}") from error


def found_above(start: str, names: Sequence[str]) -> Iterator[str]:
    """The files of these names in a directory and those above it, nearest first, as far as a scan may read."""
    directory = os.path.realpath(start)
    last = confinement(directory)
    while True:
        for name in names:
            path = os.path.join(directory, name)
            if os.path.isfile(path):
                yield path
        parent = os.path.dirname(directory)
        if directory == last or parent == directory:
            return
        directory = parent


def write_atomically(path: str, data: bytes) -> None:
    """Replace a file's content in one step, keeping its permissions and owner. Raises OSError; refuses what is no regular
    file, and what nobody may write: a file that is put in its place would be as new, whatever its own mode."""
    info = os.lstat(path)
    if stat.S_ISLNK(info.st_mode):
        raise OSError(f"{path} is a symbolic link")
    if not stat.S_ISREG(info.st_mode):
        raise OSError(f"{path} is not a regular file")
    if not info.st_mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH):
        raise OSError(f"{path} is read-only")
    from bklint.replacing import replace

    replace(path, data, info.st_mode, info)

"""A file's content replaced in one step: written beside it under a name of our own, and put in its place.

Who reads meanwhile finds the old content or the new. The one fact a reader would not guess: the file beside is locked
until it is in place, so one that nobody holds belonged to a run that was killed, whatever process or machine that was,
and the next run may take it away.
"""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Iterable

PREFIX, SUFFIX = ".bklint-", ".tmp"
_OURS = re.compile(r"\.bklint-[A-Za-z0-9_]+\.tmp\Z")


def replace(path: str, data: bytes, mode: int, like: os.stat_result | None = None) -> None:
    """Put a file of that content and mode (permission bits) in the place of `path`, owned as `like` is. Raises OSError,
    and then leaves nothing behind."""
    handle, temporary = _beside(os.path.dirname(path) or ".")
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(data)
            out.flush()
            if like is not None:
                _own(temporary, like)
            os.chmod(temporary, stat.S_IMODE(mode))
            if sys.platform != "win32":  # there a file that is open cannot be moved; here it stays locked until it is
                os.replace(temporary, path)
        if sys.platform == "win32":
            os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def _beside(directory: str) -> tuple[int, str]:
    """A new locked file in a directory: the open file and its path. Raises OSError."""
    from tempfile import mkstemp

    while True:
        handle, temporary = mkstemp(prefix=PREFIX, suffix=SUFFIX, dir=directory)
        if not _lock(handle, wait=True) or _is(handle, temporary):
            return handle, temporary
        os.close(handle)  # another run took it for a leftover before it was locked


def _is(handle: int, path: str) -> bool:
    """Whether an open file is still the one of that path."""
    try:
        return os.path.samestat(os.fstat(handle), os.stat(path))
    except OSError:
        return False


def _lock(handle: int, wait: bool = False) -> bool:
    """Lock a file against other runs; False where there are no locks, or somebody holds it and there is no `wait`."""
    if sys.platform == "win32":
        return False
    import fcntl

    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError:
        return False
    return True


def _own(path: str, like: os.stat_result) -> None:
    """Give a file to the owner and group of another one, where that is allowed: who runs as root keeps nothing."""
    own = os.stat(path)
    if sys.platform != "win32" and (own.st_uid, own.st_gid) != (like.st_uid, like.st_gid):
        try:
            os.chown(path, like.st_uid, like.st_gid)
        except PermissionError:
            return


def take_away_leftovers(directories: Iterable[str]) -> None:
    """Remove what killed runs left in directories. What cannot be listed, opened or removed is left as it is."""
    for directory in sorted({name or "." for name in directories}):
        try:
            names = [name for name in os.listdir(directory) if _OURS.match(name)]
        except OSError:
            continue
        for name in names:
            _take_away(os.path.join(directory, name))


def _take_away(path: str) -> None:
    try:
        if sys.platform == "win32":  # there what another run has open cannot be removed
            os.unlink(path)
            return
        handle = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            if stat.S_ISREG(os.fstat(handle).st_mode) and _lock(handle) and _is(handle, path):
                os.unlink(path)
        finally:
            os.close(handle)
    except OSError:
        return

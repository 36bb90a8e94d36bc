"""The `.gitignore` files of a tree into one answer: is this path ignored?

Files in the directories between the repository's root and the path count, the deepest first; what is in an ignored
directory is never asked for, because nobody walks into it. `.git/info/exclude` and the user's own settings are left
out: a scan must say the same on every machine.
"""

from __future__ import annotations

import os
import posixpath

from bklint.errors import InputError
from bklint.files import Reader, is_absolute, join
from bklint.patterns import Patterns

MAX_BYTES = 1 << 20
"""Most bytes of one `.gitignore` that are read."""

_NONE = Patterns(())


class Gitignore:
    """Reads the files when they are needed, each once."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._known: dict[str, Patterns] = {}
        self._above: dict[str, tuple[str, ...]] = {}

    def ignores(self, path: str, directory: bool) -> bool:
        """Whether the path is ignored, where the directories above it are not."""
        parent = posixpath.dirname(path) or "."
        for base in self._bases(parent):
            patterns = self._patterns(base)
            found = patterns.decide(_relative(path, base), directory) if patterns else None
            if found is not None:
                return found
        return False

    def _bases(self, directory: str) -> tuple[str, ...]:
        """The directories whose files count below `directory`, deepest first; up to the root of the repository."""
        found = self._above.get(directory)
        if found is None:
            found = self._above[directory] = (directory, *self._higher(directory))
        return found

    def _higher(self, directory: str) -> tuple[str, ...]:
        parent = join(directory, "..")
        if self._reader.exists(join(directory, ".git")) or os.path.abspath(parent) == os.path.abspath(directory):
            return ()
        return self._bases(parent) if self._reader.exists(parent) else ()

    def _patterns(self, directory: str) -> Patterns:
        found = self._known.get(directory)
        if found is None:
            found = self._known[directory] = self._read(join(directory, ".gitignore"))
        return found

    def _read(self, path: str) -> Patterns:
        if not self._reader.is_file(path):
            return _NONE
        try:
            return Patterns(self._reader.head(path, MAX_BYTES).decode("utf-8", "replace").splitlines())
        except InputError:
            return _NONE


def _relative(path: str, base: str) -> str:
    """A path below `base`; both are as the reader lists them, so most often one begins with the other."""
    if base == ".":
        return (
            path if not path.startswith("../") and not is_absolute(path) else os.path.relpath(path).replace(os.sep, "/")
        )
    if path.startswith(f"{base}/"):
        return path[len(base) + 1 :]
    return os.path.relpath(path, base).replace(os.sep, "/")

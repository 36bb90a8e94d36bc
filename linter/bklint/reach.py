"""Which root modules and templates a changed file has a part in, without lowering any."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection

from bklint.discover import TERRAFORM
from bklint.files import Reader, join, normalise

_CALL = re.compile(rb'^[ \t]*"?source"?[ \t]*[=:][ \t]*"(\.\.?(?:/[^"\r\n]*)?)"', re.MULTILINE)


def concerns(dialect: str, root: str, files: Collection[str], reader: Reader) -> bool:
    """Whether some of the files have a part in a root module or template; all roots are concerned where none is named.

    It may say yes of a root that the files have no part in, but never no of one they have a part in.
    """
    if not files:
        return True
    directories = {posixpath.dirname(normalise(file)) or "." for file in files}
    if dialect != "terraform":
        here = posixpath.dirname(root) or "."
        return any(_above(here, each) or _above(each, here) for each in directories)
    if not all(file.endswith(TERRAFORM) for file in files):  # variables, templates and scripts may stand anywhere
        return True
    return bool(directories & _called(root, reader))


def _above(directory: str, other: str) -> bool:
    return directory in (".", other) or other.startswith(f"{directory}/")


def _called(root: str, reader: Reader) -> set[str]:
    """The directories of a root module and of all local modules it calls."""
    seen: set[str] = set()
    pending = [root]
    while pending:
        directory = pending.pop()
        if directory in seen:
            continue
        seen.add(directory)
        for entry in reader.list(directory):
            if not entry.directory and entry.name.endswith(TERRAFORM):
                data = reader.read(join(directory, entry.name))
                pending.extend(join(directory, match.decode("utf-8", "replace")) for match in _CALL.findall(data))
    return seen

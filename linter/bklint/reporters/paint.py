"""Text into coloured text, and into links, where the output takes them.

Links are those of OSC 8 (https://gist.github.com/egmontkob/eb114294efbcd5adb1944c9f3cb5feda); other terminals pass over
them. Their targets are percent-encoded, so nothing in a file name can end one early.
"""

from __future__ import annotations

from urllib.parse import quote

from bklint.files import join

_CODES = {
    "error": "1;31",
    "warning": "1;33",
    "info": "1;36",
    "gutter": "1;34",
    "bold": "1",
    "primary": "1;31",
    "secondary": "1;34",
    "help": "1;32",
    "dim": "2",
}


_SAFE = ":/?#[]@!$&'()*+,;=%-._~"
"""What may stand in a link as it is."""


class Paint:
    """Wraps text in ANSI colour codes and links, or leaves it alone. `root` is what relative paths are relative to."""

    __slots__ = ("_links", "_on", "_root")

    def __init__(self, on: bool, links: bool = False, root: str = "") -> None:
        self._on = on
        self._links = links
        self._root = root

    def __call__(self, text: str, kind: str) -> str:
        """The text in the colour of `kind`."""
        return f"\x1b[{_CODES[kind]}m{text}\x1b[0m" if self._on else text

    def link(self, text: str, target: str) -> str:
        """The text as a link to a page."""
        return f"\x1b]8;;{quote(target, safe=_SAFE)}\x1b\\{text}\x1b]8;;\x1b\\" if self._links and target else text

    def file(self, text: str, path: str) -> str:
        """The text as a link to a file."""
        whole = join(self._root, path).encode("utf-8", "surrogateescape")
        slash = b"" if whole.startswith(b"/") else b"/"
        return self.link(text, "file://" + quote(slash + whole, safe="/:")) if self._links and self._root else text

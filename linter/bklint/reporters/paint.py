"""Text into coloured text, where the output takes colours."""

from __future__ import annotations

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


class Paint:
    """Wraps text in ANSI colour codes, or leaves it alone."""

    __slots__ = ("_on",)

    def __init__(self, on: bool) -> None:
        self._on = on

    def __call__(self, text: str, kind: str) -> str:
        """The text in the colour of `kind`."""
        return f"\x1b[{_CODES[kind]}m{text}\x1b[0m" if self._on else text

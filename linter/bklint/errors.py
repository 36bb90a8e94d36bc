"""The kinds of error, by whose fault they are. Everything else that is raised is a bug of bklint.

`UsageError` ends the run with exit status 2. `InputError` concerns one input: it becomes finding BKP900 at the place it
names and the scan goes on with the other inputs.
"""

from __future__ import annotations


class BklintError(Exception):
    """An error with a message meant for the user."""


class UsageError(BklintError):
    """Wrong command line, configuration or policy file: exit status 2."""


class InputError(BklintError):
    """One input cannot be read or parsed.

    `offset` is a byte offset in the input as read, or None where the input as a whole is meant (missing, too large).
    """

    def __init__(self, message: str, offset: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset


class LimitError(InputError):
    """An input passes a limit of size, depth or number. `limit` is its name in `limits.TABLE`, empty for a fixed one."""

    def __init__(self, message: str, offset: int | None = None, limit: str = "") -> None:
        super().__init__(message, offset)
        self.limit = limit

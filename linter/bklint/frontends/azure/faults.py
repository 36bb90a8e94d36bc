"""What could not be read from Azure, in words. Nothing of an answer but its error code and message is repeated."""

from __future__ import annotations

from bklint.errors import InputError

MAX_TOLD = 300
"""Most characters of a service's own message that are repeated."""


class NotCheckedError(InputError):
    """A part of Azure that was not read, so that nothing is known of it. `code` is the service's error code, `status`
    that of HTTP, 0 where there was no answer."""

    def __init__(self, message: str, code: str = "", status: int = 0) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


REMEDIES = {
    401: "sign in again: az login",
    403: "the identity needs the role Reader there",
    404: "it does not exist, or the identity may not see it",
    429: "Azure throttles; try again later",
}
"""What helps, by status."""


def refused(what: str, status: int, code: str, message: str) -> NotCheckedError:
    """An answer that is an error."""
    told = f"{what}: {status}" + (f" {code}" if code else "")
    if message:
        told += f": {' '.join(message.split())[:MAX_TOLD]}"
    remedy = REMEDIES.get(status)
    return NotCheckedError(f"{told}; {remedy}" if remedy else told, code, status)


def unanswered(what: str, kind: str) -> NotCheckedError:
    """No answer: a connection that failed, a time that ran out. The exception's own text may hold an address; its
    kind says enough."""
    return NotCheckedError(f"{what}: no answer ({kind})")

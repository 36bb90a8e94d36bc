"""bklint: finds in infrastructure code what would break Azure VM backup, before it is deployed.

`scan` checks files, `render` turns its report into text, `exit_status` into what the command exits with; see `api`.
They are loaded when they are first used.
"""

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from bklint.api import exit_status, render, scan
    from bklint.errors import UsageError
    from bklint.finding import Finding, Report, Severity

__all__ = ["Finding", "Report", "Severity", "UsageError", "__version__", "exit_status", "render", "scan"]

_FROM = {
    **dict.fromkeys(("exit_status", "render", "scan"), "bklint.api"),
    **dict.fromkeys(("Finding", "Report", "Severity"), "bklint.finding"),
    "UsageError": "bklint.errors",
}


def __getattr__(name: str) -> Any:
    if name not in _FROM:
        raise AttributeError(f"module 'bklint' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_FROM[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)

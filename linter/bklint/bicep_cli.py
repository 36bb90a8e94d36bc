"""The Bicep compiler, where there is one on PATH: `.bicep` and `.bicepparam` files to ARM JSON, without writing a file.

The only module that runs `bicep`. A program is only taken from an absolute entry of PATH, never from what is scanned.
Modules from registries are not restored unless that is asked for: then the compiler goes to the network.
https://learn.microsoft.com/azure/azure-resource-manager/bicep/bicep-cli#build and #build-params; diagnostics are lines
`PATH(LINE,COLUMN) : Error BCP018: TEXT` on standard error, and `build-params --stdout` prints an object with the texts
`parametersJson` and `templateJson` (Azure/bicep, `BuildParamsCommandTests`).
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from typing import NamedTuple

from bklint.files import program

SECONDS = 60
"""Longest time for one file. The largest module of the public Bicep registry takes a few seconds."""

MAX_OUTPUT = 64 * 1024 * 1024
"""Longest template that is taken from the compiler, in bytes."""

UNRESTORED = frozenset({"BCP190", "BCP191", "BCP192"})
"""Diagnostics that say that a module from a registry is not there.
https://learn.microsoft.com/azure/azure-resource-manager/bicep/bicep-core-diagnostics"""

_DIAGNOSTIC = re.compile(
    r"^(?P<path>.*)\((?P<line>\d+),(?P<column>\d+)\) ?: (?P<level>\w+) (?P<code>[\w-]+): (?P<text>.*)$"
)


class Diagnostic(NamedTuple):
    """What the compiler says of a line; `path` as it was given to it, or absolute."""

    path: str
    line: int
    column: int
    code: str
    text: str


class Built(NamedTuple):
    """Texts in ARM JSON (None where there is none), the errors of the compiler, and otherwise what went wrong."""

    template: bytes | None = None
    parameters: bytes | None = None
    errors: tuple[Diagnostic, ...] = ()
    failure: str = ""


def command() -> str | None:
    """The compiler on PATH; None where there is none."""
    return program("bicep")


def build(program: str, path: str, restore: bool, seconds: int) -> Built:
    """Compile one file."""
    parameters = path.endswith(".bicepparam")
    words = [program, "build-params" if parameters else "build", os.path.abspath(path), "--stdout"]
    try:
        done = subprocess.run(
            words if restore else [*words, "--no-restore"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Built(failure=f"`bicep` did not finish within {seconds} s")
    except OSError as error:
        return Built(failure=f"`bicep` cannot be run: {error.strerror or error}")
    errors = tuple(_errors(done.stderr.decode("utf-8", "replace")))
    if done.returncode != 0 or errors:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        return Built(
            errors=errors, failure="" if errors else f"`bicep` ended with {done.returncode}: {' '.join(said[:1])}"
        )
    if len(done.stdout) > MAX_OUTPUT:
        return Built(failure="what `bicep` makes of it is too large")
    return _parameters(done.stdout) if parameters else Built(template=done.stdout)


def _errors(text: str) -> list[Diagnostic]:
    found = []
    for line in text.splitlines():
        match = _DIAGNOSTIC.match(line)
        if match is not None and match["level"] == "Error":
            place = int(match["line"]), int(match["column"])
            found.append(Diagnostic(match["path"], *place, match["code"], match["text"].strip()))
    return found


def _parameters(output: bytes) -> Built:
    try:
        data = json.loads(output)
        texts = [data.get(name) for name in ("templateJson", "parametersJson")]
    except (ValueError, AttributeError):
        return Built(failure="what `bicep build-params` prints cannot be read")
    template, parameters = (text.encode() if isinstance(text, str) else None for text in texts)
    return Built(template, parameters)

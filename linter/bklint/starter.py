"""A repository into a first configuration: what it holds, as comments that can be switched on, and how to run bklint."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterator, Mapping, Sequence

from bklint import __version__
from bklint.discover import Inputs
from bklint.errors import UsageError
from bklint.files import DiskReader, Reader, confinement, join, write
from bklint.frontends import Options, frontend
from bklint.model.inventory import Inventory
from bklint.run import ScanOptions, inputs

NAME = ".bklint.yaml"

_HEAD = """\
# bklint configuration; every key is explained by `bklint schema config`.
# Paths are relative to this file; path patterns are written as in .gitignore.

# Policies: ids, names, areas, or patterns with *. `bklint policies` lists them.
# select: [disks, network]
# ignore:
#   - BKP301
#   - {id: BKP301, address: "module.archive.*", reason: copied by other means, until: 2030-12-31}
# severity: {BKP301: warning}

# What is not checked, beside what .gitignore names.
# exclude: [examples/]

# Exit 1 from this severity on, and show findings from this one on.
# fail_on: error
# min_severity: warning

# Whether this repository holds the whole estate: what is not there does not exist.
# complete: false

# Known findings, written by `bklint baseline`.
# baseline: .bklint-baseline.json
"""

_NO_CONTEXTS = """\

# Which variable and parameter files belong to which root; none were found.
# contexts:
#   infra: [env/prod.tfvars, env/test.tfvars]
"""

_CONTEXTS = """\

# Which variable and parameter files belong to which root: each is one context, files in [ ] apply together.
# These were found by their names and are what bklint would take by itself; write them down to have a say in it.
# contexts:
"""

_PRE_COMMIT = f"""\
  - repo: https://github.com/bklint/bklint
    rev: v{__version__}
    hooks:
      - id: bklint"""

_ARCHIVE = f"https://github.com/bklint/bklint/archive/refs/tags/v{__version__}.zip"

_SNIPPETS: Mapping[str, tuple[str, str]] = {
    ".pre-commit-config.yaml": ("pre-commit (.pre-commit-config.yaml)", _PRE_COMMIT),
    ".github/workflows": (
        "GitHub Actions (a step after the checkout)",
        f"      - uses: bklint/bklint@v{__version__}",
    ),
    "azure-pipelines.yml": (
        "Azure Pipelines (steps)",
        f"  - script: python -m pip install {_ARCHIVE}\n  - script: bklint scan --format azure-devops",
    ),
    ".gitlab-ci.yml": (
        "GitLab (a job)",
        f"bklint:\n  image: python:3.12-slim\n  script:\n    - pip install {_ARCHIVE}\n    - bklint scan",
    ),
}
"""What tells that a system is in use, what it is called, and how bklint runs there."""


def start(directory: str, force: bool) -> str:
    """Write the configuration; what was found and what to do next, in words. Raises UsageError."""
    if not os.path.isdir(directory):
        raise UsageError(f"directory {directory!r} does not exist")
    path = os.path.join(directory, NAME)
    if os.path.exists(path) and not force:
        raise UsageError(f"{os.path.normpath(path)!r} exists; --force replaces it")
    reader = DiskReader((confinement(directory),))
    found = inputs((directory,), ScanOptions(), reader)
    named = dict(_contexts(found, directory, reader))
    write(path, (_HEAD + _written(named)).encode())
    return "\n".join(_told(os.path.normpath(path), found, named, _systems(directory))) + "\n"


def _contexts(found: Inputs, directory: str, reader: Reader) -> Iterator[tuple[str, list[list[str]]]]:
    """Roots with the contexts that the front-ends find by convention."""
    for dialect, paths in sorted(found.roots.items()):
        if dialect not in ("terraform", "arm"):
            continue
        for root in frontend(dialect)(tuple(paths), reader, Options(), Inventory()):
            here = root.path if dialect == "terraform" else posixpath.dirname(root.path) or "."
            files = [_files(label, here, directory, reader) for label in root.contexts]
            if any(files):
                yield os.path.relpath(root.path, directory).replace(os.sep, "/"), [each for each in files if each]


def _files(label: str, here: str, directory: str, reader: Reader) -> list[str]:
    """The files of a context by its label."""
    paths = [join(here, name) for name in label.split(", ") if name]
    return [os.path.relpath(path, directory).replace(os.sep, "/") for path in paths if reader.is_file(path)]


def _written(named: Mapping[str, list[list[str]]]) -> str:
    if not named:
        return _NO_CONTEXTS
    text = _CONTEXTS
    for root, contexts in sorted(named.items()):
        text += f"#   {_quoted(root)}:\n"
        for files in contexts:
            listed = ", ".join(map(_quoted, files))
            text += f"#     - {listed}\n" if len(files) == 1 else f"#     - [{listed}]\n"
    return text


def _quoted(text: str) -> str:
    plain = text.replace("/", "").replace(".", "").replace("-", "").replace("_", "").isalnum()
    return text if plain else "'" + text.replace("'", "''") + "'"


def _systems(directory: str) -> list[tuple[str, str]]:
    return [snippet for name, snippet in _SNIPPETS.items() if os.path.exists(os.path.join(directory, name))]


def _told(
    path: str, found: Inputs, named: Mapping[str, list[list[str]]], systems: Sequence[tuple[str, str]]
) -> Iterator[str]:
    kinds = ", ".join(f"{number} {kind}" for kind, number in sorted(found.files.items()))
    yield f"wrote {path}"
    yield f"found {kinds or 'no files that bklint reads'}"
    if named:
        yield f"named the contexts of {len(named)} root{'' if len(named) == 1 else 's'} in it"
    yield "next: `bklint scan`, and `bklint baseline` where there is too much to mend at once"
    for name, snippet in systems or [_SNIPPETS[".pre-commit-config.yaml"]]:
        yield ""
        yield f"{name}:"
        yield snippet

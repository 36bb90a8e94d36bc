"""Bicep files without a compiled twin, compiled in memory where the compiler is at hand.

What comes of `X.bicep` is read as `X.json` beside it, and what comes of `X.bicepparam` as a parameters file of the template
it uses; neither is written. Findings are shown in the source. What cannot be compiled is said: an error of the source is
a finding with its line, a module that was not restored a note.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from bklint import bicep_cli
from bklint.bicep_cli import Built, Diagnostic
from bklint.discover import MODULE, Inputs, of_kind, uncompiled
from bklint.errors import InputError
from bklint.files import OverlayReader, Reader, join, normalise
from bklint.model.inventory import Note, Problem
from bklint.records import replace
from bklint.source import Place, Source

MAX_SECONDS = 600
"""Longest time for all of them, counted in the time limits of single files."""

BATCH = 16
"""Files that are handed to the compiler before it is asked again whether there is time left."""


class Compiled(NamedTuple):
    """What there is to scan, a reader that has what was compiled, and for each such path its source."""

    inputs: Inputs
    reader: Reader
    sources: Mapping[str, str]


def compiled(found: Inputs, reader: Reader, mode: str) -> Compiled:
    """The inputs with what the compiler makes of Bicep files that stand alone."""
    alone = found.uncompiled
    program = bicep_cli.command() if alone and mode != "off" else None
    if program is None:
        return Compiled(found, reader, {})
    work = _Compilation(reader, program, mode == "restore")
    modules = work.modules(alone)
    work.compile([path for path in alone if path.endswith(".bicepparam")])
    work.compile([path for path in alone if path not in modules])
    work.compile(alone)
    return work.result(found)


class _Compilation:
    def __init__(self, reader: Reader, program: str, restore: bool) -> None:
        self._reader = reader
        self._program = program
        self._restore = restore
        self._texts: dict[str, bytes] = {}
        self._sources: dict[str, str] = {}
        self._templates: list[str] = []
        self._done: set[str] = set()
        self._problems: list[Problem] = []
        self._notes: list[Note] = []
        self._unrestored: dict[str, str] = {}
        self._seconds = MAX_SECONDS

    def modules(self, paths: Iterable[str]) -> frozenset[str]:
        """The local files that the files are made of, in turn too: modules, and the template of a parameters file."""
        pending, found = list(paths), set[str]()
        while pending:
            for target in self._named(pending.pop()):
                if target not in found:
                    found.add(target)
                    pending.append(target)
        return frozenset(found)

    def _named(self, path: str) -> Iterator[str]:
        for match in MODULE.finditer(self._head(path)):
            yield join(posixpath.dirname(path) or ".", match[1].decode("utf-8", "replace"))

    def _head(self, path: str) -> bytes:
        try:
            return self._reader.read(path)
        except InputError:
            return b""

    def compile(self, paths: list[str]) -> None:
        """Compile those of the files that are not yet, alone, for a parameters file or as a module of one that is."""
        covered = self.modules(self._sources.values())
        waiting = [path for path in paths if path not in self._done and path not in covered]
        with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
            while waiting and self._seconds > 0:
                batch, waiting = waiting[:BATCH], waiting[BATCH:]
                for path, built in zip(batch, pool.map(self._build, batch), strict=True):
                    self._take(path, built)

    def _build(self, path: str) -> Built:
        return bicep_cli.build(self._program, path, self._restore, bicep_cli.SECONDS)

    def _take(self, path: str, built: Built) -> None:
        """What the compiler made of a file."""
        if built.failure:
            self._seconds -= bicep_cli.SECONDS
        if built.errors or built.failure:
            self._refused(path, built)
            return
        self._done.add(path)
        target = next(self._named(path), "") if path.endswith(".bicepparam") else path
        if built.template is not None and target:
            self._template(target, built.template)
        if built.parameters is not None and target:
            name = f"{posixpath.splitext(target)[0]}.parameters.{posixpath.basename(path)}.json"
            self._put(name, built.parameters, path)

    def _template(self, source: str, text: bytes) -> None:
        self._done.add(source)
        name = f"{posixpath.splitext(source)[0]}.json"
        if not self._reader.is_file(name) and name not in self._texts:
            self._put(name, text, source)
            self._templates.append(name)

    def _put(self, name: str, text: bytes, source: str) -> None:
        self._texts[name], self._sources[name] = text, source

    def _refused(self, path: str, built: Built) -> None:
        self._done.add(path)
        unrestored = [each for each in built.errors if each.code in bicep_cli.UNRESTORED]
        if built.failure:
            self._notes.append(Note("bicep", f"{path}: not checked, {built.failure}"))
        elif unrestored:
            self._unrestored[path] = unrestored[0].text.rstrip(".")
        else:
            self._problems.extend(dict.fromkeys(self._problem(each, path) for each in built.errors[:1]))

    def _problem(self, error: Diagnostic, path: str) -> Problem:
        where = _displayed(error.path, path)
        text = f"the Bicep compiler refuses it: {error.code}: {error.text}"
        try:
            source = Source.of(where, self._reader.read(where))
        except InputError:
            return Problem(path, text)
        at = _offset(source, error.line, error.column)
        return Problem(where, text, Place(source, at, min(at + 1, len(source.data))))

    def _not_restored(self) -> list[Note]:
        hint = "" if self._restore else "; run `bicep restore`, or pass --bicep restore"
        missing = next(iter(self._unrestored.values()), "")
        return of_kind("bicep", sorted(self._unrestored), "Bicep file", f"not checked, {missing}{hint}")

    def result(self, found: Inputs) -> Compiled:
        """The inputs with what was compiled as templates."""
        arm = sorted({*found.roots.get("arm", ()), *self._templates})
        roots = {**found.roots, "arm": arm} if arm else found.roots
        covered = self.modules(self._sources.values())
        left = [path for path in found.uncompiled if path not in self._done and path not in covered]
        notes = [*(note for note in found.notes if note.kind != "bicep"), *self._notes, *self._not_restored()]
        listing = [(path, "compiled" if path in self._done else kind) for path, kind in found.listing]
        files = {**found.files, "bicep": len(self._sources)} if self._sources else found.files
        inputs = replace(
            found,
            roots=roots,
            files=files,
            notes=[*notes, *uncompiled(left)],
            problems=[*found.problems, *self._problems],
            listing=listing,
            uncompiled=left,
        )
        return Compiled(inputs, OverlayReader(self._reader, self._texts), self._sources)


def _displayed(path: str, given: str) -> str:
    """A path of the compiler, which is absolute, as the scan displays it."""
    if not os.path.isabs(path):
        return normalise(path)
    if os.path.isabs(given):
        return normalise(path)
    return normalise(os.path.relpath(path, os.getcwd()))


def _offset(source: Source, line: int, column: int) -> int:
    """The byte of a line and column (both from 1; columns count UTF-16 units, which differ only outside the BMP)."""
    lines = source.data.split(b"\n")
    if line > len(lines):
        return len(source.data)
    start = sum(len(each) + 1 for each in lines[: line - 1])
    text = lines[line - 1].decode("utf-8", "replace")
    return min(start + len(text[: column - 1].encode("utf-8")), len(source.data))

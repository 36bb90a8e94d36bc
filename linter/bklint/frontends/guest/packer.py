"""Packer builds: the scripts that run before a machine becomes an image.

What an image build stops is started again in every machine made from the image, so its scripts, also those in files of
their own, are marked. The sequence is all provisioners of one build.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence

from bklint.errors import InputError
from bklint.files import join
from bklint.frontends.guest.record import Recorder, Unit
from bklint.frontends.guest.text import of_file, within
from bklint.source import Source
from bklint.syntax import hcl
from bklint.syntax import json as json_syntax
from bklint.syntax.node import Block, Expr, Literal, Template, TupleExpr

_FAMILIES = {"shell": "shell", "shell-local": "", "powershell": "powershell", "windows-shell": "batch", "file": ""}
_SCRIPTS = ("script", "scripts", "source", "sources")


def builds(sources: Sequence[tuple[Source, str]]) -> set[str]:
    """The paths among these of the scripts that builds among them run or put into the image. A build names them from
    its own directory or from that in which Packer is started."""
    beside: set[str] = set()
    endings: list[str] = []
    for source, kind in sources:
        if kind != "packer":
            continue
        directory = posixpath.dirname(source.name) or "."
        for _, scripts in _provisioners(source):
            names = [_relative(text) for text, _, _ in scripts]
            beside.update(join(directory, name) for name in names)
            endings += [f"/{name}" for name in names if "/" in name.strip("/")]
    names = [source.name for source, _ in sources]
    return {name for name in names if name in beside or any(f"/{name}".endswith(ending) for ending in endings)}


def _relative(path: str) -> str:
    return re.sub(r"^(?:\$\{path\.\w+\}|\{\{\s*template_dir\s*\}\}|\./)/?", "", path)


_Texts = list[tuple[str, int, int]]


def _provisioners(source: Source) -> list[tuple[tuple[str, _Texts], _Texts]]:
    """For each provisioner: family with its inline lines, and the paths of its scripts; with byte ranges."""
    try:
        return list(_hcl(source) if source.name.casefold().endswith(".hcl") else _json(source))
    except InputError:
        return []


def _hcl(source: Source) -> Iterator[tuple[tuple[str, _Texts], _Texts]]:
    pending = list(hcl.parse(source).body.blocks)
    while pending:
        block = pending.pop(0)
        pending = [*block.body.blocks, *pending]
        if block.type == "provisioner" and block.labels and block.labels[0] in _FAMILIES:
            inline = [text for name in ("inline",) for text in _strings(block, name)]
            scripts = [text for name in _SCRIPTS for text in _strings(block, name)]
            yield (_FAMILIES[block.labels[0]], inline), scripts


def _strings(block: Block, name: str) -> _Texts:
    attribute = block.body.attributes.get(name)
    if attribute is None:
        return []
    items: tuple[Expr, ...] = attribute.expr.items if isinstance(attribute.expr, TupleExpr) else (attribute.expr,)
    found: _Texts = []
    for item in items:
        if isinstance(item, Literal) and isinstance(item.value, str):
            found.append((item.value, item.start, item.end))
        elif isinstance(item, Template):
            literal = "".join(str(part.value) if isinstance(part, Literal) else "${path.root}" for part in item.parts)
            found.append((literal, item.start, item.end))
    return found


def _json(source: Source) -> Iterator[tuple[tuple[str, _Texts], _Texts]]:
    document = json_syntax.parse(source)
    provisioners = document.data.get("provisioners") if isinstance(document.data, dict) else None
    for index, item in enumerate(provisioners if isinstance(provisioners, list) else ()):
        family = item.get("type") if isinstance(item, dict) else None
        if not isinstance(family, str) or family not in _FAMILIES:
            continue
        lists: dict[str, _Texts] = {"inline": [], "script": []}
        for name, kind in (("inline", "inline"), *((name, "script") for name in _SCRIPTS)):
            values = item.get(name)
            for number, text in enumerate(values if isinstance(values, list) else [values]):
                if isinstance(text, str):
                    pointer = ("provisioners", index, name, *((number,) if isinstance(values, list) else ()))
                    place = document.place(pointer).locate()
                    lists[kind].append((text, place.start, place.end))
        yield (_FAMILIES[family], lists["inline"]), lists["script"]


def read_build(unit: Unit, source: Source) -> None:
    """Add what the inline scripts of a build do."""
    from bklint.frontends.guest.reading import read

    unit.image = True
    whole = of_file(source)
    for (family, inline), _ in _provisioners(source):
        for text, start, end in inline:
            if family:
                read(family, Recorder(unit, within(whole, start, end, text), family))

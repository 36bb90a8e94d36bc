"""cloud-config and MIME messages → the scripts and files in them, and what they configure themselves.

https://cloudinit.readthedocs.io/en/latest/reference/modules.html
"""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from typing import Any

from bklint import limits
from bklint.errors import InputError
from bklint.frontends.guest import network_files, recognise
from bklint.frontends.guest.record import Recorder
from bklint.frontends.guest.system_files import mount
from bklint.frontends.guest.text import GuestText, marked, within
from bklint.syntax import yaml as yaml_syntax
from bklint.syntax.json import Pointer
from bklint.syntax.yaml import YamlDocument


def cloud_config(out: Recorder) -> None:
    """A `#cloud-config`."""
    for document in yaml_syntax.parse(out.text.source):
        if not isinstance(document.data, dict):
            continue
        for key in ("bootcmd", "runcmd"):
            _commands(out, document, key)
        _files(out, document)
        if "network" in document.data:
            network_files.network(out, document, ("network",))
        _mounts(out, document)
        _systemd(out, document)


def _items(document: YamlDocument, key: str) -> list[Any]:
    found = document.data.get(key)
    return found if isinstance(found, list) else []


def _scalar(out: Recorder, document: YamlDocument, pointer: Pointer, written: str, name: str = "") -> GuestText:
    place = document.place(pointer).locate()
    return within(out.text, place.start, place.end, written, name)


def _commands(out: Recorder, document: YamlDocument, key: str) -> None:
    from bklint.frontends.guest.reading import read

    for index, item in enumerate(_items(document, key)):
        if isinstance(item, str):
            text = _scalar(out, document, (key, index), item)
            read("shell", out.under(text, "shell"))
        elif isinstance(item, list) and item:
            place = document.place((key, index)).locate()
            written = " ".join(_quoted(str(word)) for word in item)
            read("shell", out.under(_whole(out, place.start, place.end, written), "shell"))


def _quoted(word: str) -> str:
    return word if re.fullmatch(r"[\w@%+=:,./\ue000\ue002-]+", word) else "'" + word.replace("'", "'\\''") + "'"


def _whole(out: Recorder, start: int, end: int, written: str) -> GuestText:
    """A text that is not written letter by letter: all of it is at one place."""
    return within(out.text, start, end, written)


def _files(out: Recorder, document: YamlDocument) -> None:
    for index, item in enumerate(_items(document, "write_files")):
        if (
            not isinstance(item, dict)
            or not isinstance(item.get("path"), str)
            or not isinstance(item.get("content"), str)
        ):
            continue
        content = decoded(item["content"], str(item.get("encoding", "")))
        if content is not None:
            text = _scalar(out, document, ("write_files", index, "content"), content, item["path"])
            written_file(out, text, item["path"])


def decoded(content: str, encoding: str) -> str | None:
    """The text of a file in write_files; None where it cannot be decoded."""
    kind = encoding.casefold()
    if not kind or kind in ("text/plain", "plain"):
        return content
    if marked(content):
        return None
    raw: bytes | None = content.encode("utf-8", "replace")
    if "b64" in kind or "base64" in kind:
        raw = unbase64(content)
    if raw is not None and kind.startswith(("gz", "gzip")):
        raw = unzipped(raw)
    return None if raw is None else raw.decode("utf-8", "replace")


def unbase64(text: str) -> bytes | None:
    """The bytes behind base64, blanks passed over; None for what is none."""
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return None


def unzipped(raw: bytes) -> bytes | None:
    """The bytes behind gzip; None for what is none, or too much."""
    unpack, most = zlib.decompressobj(zlib.MAX_WBITS | 16), limits.value("unpacked_bytes")
    try:
        found = unpack.decompress(raw, most)
    except zlib.error:
        return None
    if not unpack.unconsumed_tail:
        return found
    limits.hit("unpacked_bytes", f"compressed data of more than {most} bytes")
    return None


def written_file(out: Recorder, text: GuestText, path: str, conditional: bool = False) -> None:
    """A file that is written on the machine, read where its path says what it is."""
    from bklint.frontends.guest.reading import read

    low = path.replace("\\", "/").casefold()
    kind = recognise.path_kind(low)
    if kind is None and re.search(r"/etc/cloud/cloud\.cfg(?:\.d/|\Z)", low):
        kind = "cloud-init" if recognise.content_kind(text.data) == "cloud-init" else "netplan"
    if kind is None and low.endswith(".xml"):
        kind = recognise.recognises(low, text.data)
    if kind is not None:
        text.name = path
        read(kind, out.under(text, "config", conditional))


def _mounts(out: Recorder, document: YamlDocument) -> None:
    for index, item in enumerate(_items(document, "mounts")):
        if isinstance(item, list) and len(item) >= 2 and all(isinstance(word, str) for word in item[:2]):
            place = document.place(("mounts", index)).locate()
            options = item[3] if len(item) > 3 and isinstance(item[3], str) else ""
            if item[1].startswith("/"):
                mount(out, place.start, place.end, item[0], item[1], options)


def _systemd(out: Recorder, document: YamlDocument) -> None:
    """`systemd: masked units` of distributions that have it: `systemd: {masked: [walinuxagent.service]}`."""
    data = document.data.get("systemd")
    for key in ("masked", "mask"):
        units = data.get(key) if isinstance(data, dict) else None
        for index, unit in enumerate(units if isinstance(units, list) else []):
            if isinstance(unit, str):
                place = document.place(("systemd", key, index)).locate()
                name = re.sub(r"\.service\Z", "", unit.casefold())
                out.add("serviceChanges", place.start, place.end, service=name, action="mask", how="cloud-config")


# -- MIME --------------------------------------------------------------------------------------------------------------

_HEADER = re.compile(r"([A-Za-z-]+):[ \t]*((?:[^\n]*)(?:\n[ \t]+[^\n]*)*)\n?")
_BOUNDARY = re.compile(r"boundary=\"?([^\"\s;]+)\"?", re.I)


def mime(out: Recorder) -> None:
    """A MIME message of several parts. Raises InputError where it has no boundary."""
    text = out.text.source.text(0, len(out.text.data)).replace("\r\n", "\n")
    if b"\r\n" in out.text.data:
        outer = within(out.text, 0, len(out.text.data), text)
        out = out.under(outer, out.dialect)
    match = _BOUNDARY.search(text)
    if match is None:
        raise InputError("a MIME message without a boundary")
    mark = f"--{match[1]}"
    at = text.find("\n" + mark)
    while at >= 0:
        begin = text.find("\n", at + 1) + 1
        end = text.find("\n" + mark, begin - 1)
        if begin <= 0 or end < 0:
            break
        _part(out, text, begin, end)
        at = end


def _part(out: Recorder, text: str, begin: int, end: int) -> None:
    headers: dict[str, str] = {}
    at = begin
    while at < end and not text.startswith("\n", at):
        match = _HEADER.match(text, at, end)
        if match is None:
            break
        headers[match[1].casefold()] = match[2].strip()
        at = match.end()
    body = text[at + 1 : end] if text.startswith("\n", at) else text[at:end]
    start = at + 1 if text.startswith("\n", at) else at
    content: str | None = body
    if headers.get("content-transfer-encoding", "").casefold() == "base64":
        raw = None if marked(body) else unbase64(body)
        content = None if raw is None else raw.decode("utf-8", "replace")
    if content is None:
        return
    offset = len(text[:start].encode("utf-8", "replace"))
    part = within(out.text, offset, offset + len(body.encode("utf-8", "replace")), content)
    mime_part(out, part, headers.get("content-type", ""))


def mime_part(out: Recorder, part: GuestText, content_type: str) -> None:
    """One part of a message, by its content type, else by its content. A message in a message is read too."""
    from bklint.frontends.guest.reading import read

    kind = recognise.part_kind(part.data, content_type)
    if kind is not None:
        read(kind, out.under(part, kind))

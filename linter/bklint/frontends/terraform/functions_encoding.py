"""Functions that encode, decode and hash text, JSON excepted.

An encoded text keeps the text it was made of (see `embedded.py`), so that a script in `custom_data` can be read even
where parts of it are unknown.

https://developer.hashicorp.com/terraform/language/functions (encoding, hash and crypto functions)
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from urllib.parse import quote_plus

from bklint.frontends.terraform.embedded import decode_base64
from bklint.frontends.terraform.embedded_text import encoded_by
from bklint.frontends.terraform.extent import too_many
from bklint.frontends.terraform.functions_arguments import (
    Args,
    CallContext,
    FailedError,
    Function,
    Result,
    UndecidedError,
    derived,
    encoded,
    is_null,
    parts,
    some,
    string,
    undecided,
)
from bklint.model.value import Hop, ListData, ObjectData, Reason, Text, Unknown, Value, text

_CHARSETS = {
    "utf-8": "utf-8",
    "utf-16": "utf-16-be",
    "utf-16le": "utf-16-le",
    "utf-16be": "utf-16-be",
    "us-ascii": "ascii",
    "ascii": "ascii",
    "shift_jis": "shift_jis",
    "gbk": "gbk",
    "gb18030": "gb18030",
    "big5": "big5",
    "euc-jp": "euc_jp",
    "euc-kr": "euc_kr",
    "koi8-r": "koi8_r",
    "koi8-u": "koi8_u",
    "macintosh": "mac_roman",
    **{f"iso-8859-{n}": f"iso8859_{n}" for n in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 13, 14, 15, 16)},
    **{f"windows-{n}": f"cp{n}" for n in (874, *range(1250, 1259))},
}
_NAMESPACES = {
    "dns": "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
    "url": "6ba7b811-9dad-11d1-80b4-00c04fd430c8",
    "oid": "6ba7b812-9dad-11d1-80b4-00c04fd430c8",
    "x500": "6ba7b814-9dad-11d1-80b4-00c04fd430c8",
}
"""https://www.rfc-editor.org/rfc/rfc9562#section-6.6"""
_UNIT = 3


def _bytes(written: str) -> bytes:
    return written.encode("utf-8", "replace")


def base64_text(raw: bytes) -> str:
    """Bytes as base64."""
    return base64.b64encode(raw).decode("ascii")


def raw_base64(written: str) -> bytes:
    """The bytes behind base64; line ends are passed over."""
    try:
        return base64.b64decode(written.replace("\r", "").replace("\n", ""), validate=True)
    except (binascii.Error, ValueError) as error:
        raise FailedError("the string is no base64") from error


def _base64encode(args: Args, context: CallContext) -> Result:
    return encoded(_encoded_parts(args[0], "utf-8", b""), args[0], "base64encode", context.place)


def _encoded_parts(value: Value, codec: str, mark: bytes) -> str | Text:
    """Base64 of a string: known as far as whole groups of three bytes are."""
    found = parts(value)
    head = found[0] if found and isinstance(found[0], str) else ""
    try:
        raw = mark + head.encode(codec)
        for part in found:
            if isinstance(part, str):
                part.encode(codec)
    except UnicodeError as error:
        raise FailedError("the string has characters that cannot be represented in this encoding") from error
    if all(isinstance(part, str) for part in found):
        return base64_text(raw)
    why = undecided(value).why
    others = any(part if isinstance(part, str) else part.nonempty for part in found[bool(head) :])
    nonempty = others or len(raw) % _UNIT > 0
    rest = Unknown(why.reason, why.cause, why.place, type="string", nonnull=True, nonempty=nonempty)
    return text((base64_text(raw[: len(raw) // _UNIT * _UNIT]), rest))


def _base64decode(args: Args, context: CallContext) -> Result:
    value = args[0]
    if encoded_by(value) is not None or isinstance(value.data, (Text, Unknown)):
        parts(value)
        return decode_base64(value)
    return _decoded(raw_base64(string(value)), "utf-8")


def _decoded(raw: bytes, codec: str) -> str:
    try:
        return raw.decode(codec)
    except UnicodeError as error:
        raise FailedError("the result is no valid text") from error


def _codec(value: Value) -> str:
    name = string(value)
    codec = _CHARSETS.get(name.lower())
    if codec is None:
        raise FailedError(f"{name!r} is not a supported encoding")
    return codec


def _textencodebase64(args: Args, context: CallContext) -> Result:
    codec = _codec(args[1])
    mark = b"\xfe\xff" if string(args[1]).lower() == "utf-16" else b""
    return encoded(_encoded_parts(args[0], codec, mark), args[0], "textencodebase64", context.place)


def _textdecodebase64(args: Args, context: CallContext) -> Result:
    codec, value = _codec(args[1]), args[0]
    if encoded_by(value) == "textencodebase64":
        return value.pieces[0]
    raw = raw_base64(string(value))
    if string(args[1]).lower() == "utf-16" and raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return _decoded(raw[2:], "utf-16-le" if raw[:2] == b"\xff\xfe" else "utf-16-be")
    return _decoded(raw, codec)


def _base64gzip(args: Args, context: CallContext) -> Result:
    """Compressed bytes depend on the compressor, so only the content is known."""
    value = args[0]
    parts(value)
    why = Unknown(Reason.UNSUPPORTED, "function base64gzip()", context.place, "string", nonnull=True, nonempty=True)
    hop = Hop("function", "base64gzip()", context.place if value.hops is None else value.place, value.hops)
    return Value(why, context.place, hop, pieces=(value,))


def _urlencode(args: Args, context: CallContext) -> Result:
    found = [
        quote_plus(part) if isinstance(part, str) else some(part, type="string", nonnull=True, nonempty=part.nonempty)
        for part in parts(args[0])
    ]
    return text(tuple(found))


# -- hashes ------------------------------------------------------------------------------------------------------------


def digest(name: str, raw: bytes) -> bytes:
    """A hash of bytes. MD5 and SHA-1 are asked for by name, not used to protect anything."""
    import hashlib

    return hashlib.new(name, raw, usedforsecurity=False).digest()


def _hash(name: str, in_base64: bool) -> Callable[[Args, CallContext], Result]:
    def compute(args: Args, context: CallContext) -> Result:
        raw = digest(name, _bytes(string(args[0])))
        return base64_text(raw) if in_base64 else raw.hex()

    return compute


def _uuidv5(args: Args, context: CallContext) -> Result:
    from uuid import UUID, uuid5

    space, name = string(args[0]), string(args[1])
    try:
        return str(uuid5(UUID(_NAMESPACES.get(space, space)), name))
    except ValueError as error:
        raise FailedError(f"{space!r} is no namespace") from error


# -- CSV ---------------------------------------------------------------------------------------------------------------


def _csvdecode(args: Args, context: CallContext) -> Result:
    written = string(args[0])
    too_large = too_many(written.count(",") + written.count("\n"), context.place)
    if too_large is not None:
        raise UndecidedError(too_large)
    rows = _rows(written.replace("\r\n", "\n"))
    if not rows:
        raise FailedError("missing header line")
    header = rows[0]
    if len(set(header)) < len(header):
        raise FailedError("duplicate column name")
    found = []
    for row in rows[1:]:
        if len(row) != len(header):
            raise FailedError("wrong number of fields")
        cells = [derived(cell, args[0], "csvdecode", context) for cell in row]
        found.append(derived(ObjectData(dict(zip(header, cells, strict=True))), args[0], "csvdecode", context))
    return ListData(tuple(found))


def _rows(written: str) -> list[list[str]]:
    """The records of RFC 4180; empty lines are passed over."""
    rows: list[list[str]] = []
    row: list[str] = []
    at = 0
    while at < len(written):
        if written[at] == "\n" and not row:
            at += 1
            continue
        cell, at = _cell(written, at)
        row.append(cell)
        if written[at : at + 1] == ",":
            at += 1
            if at == len(written) or written[at] == "\n":
                row.append("")
            else:
                continue
        rows.append(row)
        row, at = [], at + 1
    return rows


def _cell(written: str, at: int) -> tuple[str, int]:
    """A field and the offset behind it."""
    if written[at] != '"':
        ends = [end for end in (written.find(",", at), written.find("\n", at)) if end >= 0]
        end = min(ends, default=len(written))
        if '"' in written[at:end]:
            raise FailedError('bare " in a field without quotes')
        return written[at:end], end
    found, at = [], at + 1
    while True:
        end = written.find('"', at)
        if end < 0:
            raise FailedError('missing " in a quoted field')
        found.append(written[at:end])
        at = end + 1
        if written[at : at + 1] != '"':
            break
        found.append('"')
        at += 1
    if written[at : at + 1] not in ("", ",", "\n"):
        raise FailedError('extraneous " in a quoted field')
    return "".join(found), at


def _bcrypt(args: Args, context: CallContext) -> Result:
    if is_null(args[0]):
        raise FailedError("an argument must not be null")
    return _fresh("bcrypt", context)


def _uuid(args: Args, context: CallContext) -> Result:
    return _fresh("uuid", context)


def _rsadecrypt(args: Args, context: CallContext) -> Result:
    return Unknown(Reason.SECURE, "function rsadecrypt()", context.place, type="string", nonnull=True)


def _fresh(name: str, context: CallContext) -> Unknown:
    """A text that is another one each time it is made, but the same wherever it is passed on."""
    why = Unknown(Reason.COMPUTED, f"function {name}()", context.place, type="string", nonnull=True)
    return some(why, type="string", nonnull=True, nonempty=True, key=(name, object()))


TABLE: Mapping[str, Function] = {
    "base64decode": Function(_base64decode, 1, 1, "string"),
    "base64encode": Function(_base64encode, 1, 1, "string"),
    "base64gzip": Function(_base64gzip, 1, 1, "string"),
    "base64sha256": Function(_hash("sha256", True), 1, 1, "string"),
    "base64sha512": Function(_hash("sha512", True), 1, 1, "string"),
    "bcrypt": Function(_bcrypt, 1, 2, "string"),
    "csvdecode": Function(_csvdecode, 1, 1, "list"),
    "md5": Function(_hash("md5", False), 1, 1, "string"),
    "rsadecrypt": Function(_rsadecrypt, 2, 2, "string"),
    "sha1": Function(_hash("sha1", False), 1, 1, "string"),
    "sha256": Function(_hash("sha256", False), 1, 1, "string"),
    "sha512": Function(_hash("sha512", False), 1, 1, "string"),
    "textdecodebase64": Function(_textdecodebase64, 2, 2, "string"),
    "textencodebase64": Function(_textencodebase64, 2, 2, "string"),
    "urlencode": Function(_urlencode, 1, 1, "string"),
    "uuid": Function(_uuid, 0, 0, "string"),
    "uuidv5": Function(_uuidv5, 2, 2, "string"),
}

"""`yamlencode` and `yamldecode`: values → YAML text and back.

The text is what Terraform writes: block style, keys and strings in double quotes, text of several lines as a literal
block. It keeps the value it was made of (see `embedded.py`). A string so long that it would be folded, or in several
lines that no literal block can hold, is an unknown part of the text.

https://developer.hashicorp.com/terraform/language/functions/yamlencode
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from bklint.frontends.terraform.embedded import decode_yaml
from bklint.frontends.terraform.extent import gathered
from bklint.frontends.terraform.functions_arguments import (
    Args,
    CallContext,
    Function,
    Result,
    UndecidedError,
    encoded,
    is_null,
    nonnull,
    renamed,
    undecided,
)
from bklint.frontends.terraform.scalars import number_string
from bklint.frontends.terraform.shapes import settled
from bklint.model.value import ListData, ObjectData, Reason, Text, Unknown, Value, text
from bklint.records import replace

_WIDTH = 80
_SPECIAL = re.compile("[^\n\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\t": "\\t", "\r": "\\r", "\n": "\\n", "\0": "\\0", "\x1b": "\\e", "\x07": "\\a"}
_ESCAPES |= {"\b": "\\b", "\v": "\\v", "\f": "\\f", "\x85": "\\N", "\xa0": "\\_", "\u2028": "\\L", "\u2029": "\\P"}
_LITERAL_LIMIT = re.compile(r" (?=\n)| \Z")

Parts = Iterator[str | Unknown]


def _document(value: Value) -> Parts:
    data = value.data
    if isinstance(data, (ListData, ObjectData)):
        yield from _block(value, 0, True)
    elif isinstance(data, (str, Text, Unknown)):
        yield from _string_or_unknown(value, 0, 2)
        yield "" if isinstance(data, str) and "\n" in data else "\n"
    else:
        yield _plain(value) + "\n...\n"


def _block(value: Value, indent: int, begun: bool) -> Parts:
    """A collection; `begun` when its first line already has its indentation."""
    data = value.data
    if isinstance(data, ListData):
        if not settled(data) or data.rest is not None:
            yield _hidden(value)
            return
        if not data.items:
            yield "[]\n"
        for number, item in enumerate(data.items):
            yield ("" if begun and number == 0 else " " * indent) + "- "
            yield from _member(item, indent + 2, indent + 2, True)
    elif isinstance(data, ObjectData):
        if data.rest is not None:
            yield _hidden(value)
            return
        if not data.fields:
            yield "{}\n"
        for number, name in enumerate(sorted(data.fields)):
            yield ("" if begun and number == 0 else " " * indent) + _quoted(name) + ":"
            yield from _field(data.fields[name], indent)


def _field(value: Value, indent: int) -> Parts:
    data = value.data
    if isinstance(data, ListData) and (data.items or data.rest is not None):
        yield "\n"
        yield from _block(value, indent, False)
    elif isinstance(data, ObjectData) and (data.fields or data.rest is not None):
        yield "\n"
        yield from _block(value, indent + 2, False)
    elif isinstance(data, Unknown) and data.type is None:
        yield _hidden(value)
        yield "\n"
    else:
        yield " "
        yield from _member(value, indent + 2, indent + 2, True)


def _member(value: Value, indent: int, deeper: int, begun: bool) -> Parts:
    data = value.data
    if isinstance(data, (ListData, ObjectData)):
        yield from _block(value, indent, begun)
    elif isinstance(data, (str, Text, Unknown)):
        yield from _string_or_unknown(value, indent, deeper)
        yield "" if isinstance(data, str) and "\n" in data else "\n"
    else:
        yield _plain(value) + "\n"


def _plain(value: Value) -> str:
    data = value.data
    if is_null(value):
        return "null"
    if isinstance(data, bool):
        return "true" if data else "false"
    return number_string(data) if isinstance(data, (int, float)) else ""


def _string_or_unknown(value: Value, indent: int, deeper: int) -> Parts:
    data = value.data
    if isinstance(data, Unknown):
        if data.is_error:
            raise UndecidedError(data)
        yield renamed(data, "yaml")
    elif isinstance(data, Text):
        yield replace(_hidden(value), nonempty=True)  # in quotes or as a block: that depends on the unknown part
    elif isinstance(data, str) and "\n" in data:
        if _SPECIAL.search(data) or _LITERAL_LIMIT.search(data):
            yield _unsupported("a text that YAML folds")
            yield "\n"
        else:
            yield _literal(data, deeper)
    elif isinstance(data, str):
        quoted = _quoted(data)
        yield quoted if len(quoted) + indent <= _WIDTH else _unsupported("a long text that YAML folds")


def _literal(written: str, indent: int) -> str:
    """A literal block, its header included."""
    hint = "2" if written[0] in " \n" else ""
    chomp = "-" if not written.endswith("\n") else "+" if written.endswith("\n\n") or written == "\n" else ""
    lines = written.removesuffix("\n").split("\n")
    return f"|{hint}{chomp}\n" + "".join([" " * indent * bool(line) + line + "\n" for line in lines])


def _quoted(written: str) -> str:
    return '"' + _escaped(written) + '"'


def _escaped(written: str) -> str:
    return "".join([_ESCAPES.get(one) or (_coded(one) if _SPECIAL.match(one) else one) for one in written])


def _coded(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02X}" if code < 0x100 else f"\\u{code:04X}" if code < 0x10000 else f"\\U{code:08X}"


def _hidden(value: Value) -> Unknown:
    why = undecided(value).why
    return Unknown(why.reason, why.cause, why.place, type="string", nonnull=True)


def _unsupported(what: str) -> Unknown:
    return Unknown(Reason.UNSUPPORTED, f"yamlencode() of {what}", type="string", nonnull=True, nonempty=True)


def _yamlencode(args: Args, context: CallContext) -> Result:
    found = gathered(_document(args[0]), context.place)
    if isinstance(found, Unknown):
        raise UndecidedError(found)
    data = text(found)
    if isinstance(data, Text):
        data = text(
            tuple([part if isinstance(part, str) else replace(part, place=context.place) for part in data.parts])
        )
    return encoded(data, args[0], "yamlencode", context.place)


def _yamldecode(args: Args, context: CallContext) -> Result:
    return decode_yaml(nonnull(args[0]))


TABLE: Mapping[str, Function] = {
    "yamldecode": Function(_yamldecode, 1, 1),
    "yamlencode": Function(_yamlencode, 1, 1, "string"),
}

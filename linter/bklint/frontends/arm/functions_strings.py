"""String functions: https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions-string

Texts of which parts are unknown keep what is known: their literal ends and what they contain. `toLower` keeps an unknown
as it is, because names and ids compare ignoring case.
"""

from __future__ import annotations

import base64
from urllib.parse import quote, unquote

from bklint.frontends.arm.functions import MANY, Result, Values, pure
from bklint.frontends.arm.json_text import read, written
from bklint.frontends.arm.operands import (
    MAX_TEXT,
    FunctionError,
    Parts,
    array,
    composed,
    derived,
    integer,
    items_limited,
    limit,
    parts,
    require_known,
    string,
    stuck,
    whole_array,
)
from bklint.model.value import ListData, ObjectData, Text, Unknown, Value


def literal_prefix(value: Value) -> str:
    """The literal text a string is certain to start with; all of it when it is known."""
    found = parts(value)
    return found[0] if found and isinstance(found[0], str) else ""


def literal_suffix(value: Value) -> str:
    """The literal text a string is certain to end with."""
    found = parts(value)
    return found[-1] if found and isinstance(found[-1], str) else ""


@pure("concat", 1, MANY, composes=True)
def concat(operands: Values) -> Result:
    """Strings into one string, or arrays into one array."""
    if any(isinstance(operand.data, ListData) for operand in operands):
        return _concat_arrays(operands)
    if len(operands) == 1:
        return operands[0]
    if all(isinstance(operand.data, Unknown) and operand.data.type == "list" for operand in operands):
        stuck(operands[0])
    return composed(tuple(part for operand in operands for part in parts(operand)))


def _concat_arrays(operands: Values) -> Result:
    """The items up to the first array whose number of items is not known; those after it have no known index."""
    items: list[Value] = []
    for operand in operands:
        if isinstance(operand.data, Unknown):
            return ListData(tuple(items), operand.data)
        data = array(operand)
        items.extend(data.items)
        if data.rest is not None:
            return ListData(tuple(items), data.rest)
    return ListData(items_limited(tuple(items)))


@pure("string", 1, 1, "string", composes=True)
def string_(operands: Values) -> Result:
    """Any value as a string: objects and arrays as compact JSON, bools with a capital as .NET writes them."""
    value = operands[0]
    if isinstance(value.data, bool):
        return "True" if value.data else "False"
    if isinstance(value.data, (ListData, ObjectData)):
        return composed(written(value))
    if value.data is None:
        return ""
    return composed(parts(value))


@pure("toLower", 1, 1, "string", composes=True)
def to_lower(operands: Values) -> Result:
    """Lower case."""
    return composed(tuple(part.lower() if isinstance(part, str) else part for part in parts(operands[0])))


@pure("toUpper", 1, 1, "string", composes=True)
def to_upper(operands: Values) -> Result:
    """Upper case."""
    return composed(tuple(part.upper() if isinstance(part, str) else part for part in parts(operands[0])))


@pure("trim", 1, 1, "string", composes=True)
def trim(operands: Values) -> Result:
    """Without white space at the ends; unknown ends are taken to have none."""
    found = list(parts(operands[0]))
    if isinstance(found[0], str):
        found[0] = found[0].lstrip()
    if isinstance(found[-1], str):
        found[-1] = found[-1].rstrip()
    return composed(tuple(found))


@pure("replace", 3, 3, "string", composes=True)
def replace(operands: Values) -> Result:
    """Every occurrence replaced, minding case. The replacement may be unknown; so may parts of the original."""
    old = string(operands[1])
    new = parts(operands[2])
    if not old:
        raise FunctionError("the string to replace is empty")
    found: list[str | Unknown] = []
    for part in parts(operands[0]):
        if isinstance(part, Unknown):
            found.append(derived("replace", (Value(part), *operands[1:]), part, "string"))
            continue
        if isinstance(operands[0].data, Text) and _may_straddle(part, old):
            stuck(operands[0])
        for index, piece in enumerate(part.split(old)):
            found.extend((*new, piece) if index else (piece,))
    return composed(tuple(found))


def _may_straddle(literal: str, old: str) -> bool:
    """Whether an occurrence may begin or end in the literal and go on in the unknown beside it."""
    return any(literal.endswith(old[:size]) or literal.startswith(old[-size:]) for size in range(1, len(old)))


@pure("split", 2, 2, "list")
def split(operands: Values) -> Result:
    """The pieces between delimiters. The unknown parts of a path or id hold no `/`, as names do not."""
    delimiters = [string(operands[1])] if not isinstance(operands[1].data, ListData) else []
    delimiters = delimiters or [string(item) for item in whole_array(operands[1])]
    found = parts(operands[0])
    if not isinstance(require_known(operands[0]).data, Text):
        return ListData(items_limited(tuple(Value(piece) for piece in _split(string(operands[0]), delimiters))))
    closed = delimiters == ["/"] and literal_prefix(operands[0]).startswith("/")
    rows: list[list[str | Unknown]] = [[]]
    for part in found:
        if isinstance(part, Unknown):
            if not closed:
                return ListData(tuple(Value(composed(tuple(row))) for row in rows[:-1]), part)
            rows[-1].append(part)
            continue
        first, *others = _split(part, delimiters)
        rows[-1].append(first)
        rows.extend([piece] for piece in others)
    return ListData(tuple(Value(composed(tuple(part for part in row if part != ""))) for row in rows))


def _split(found: str, delimiters: list[str]) -> list[str]:
    pieces = [found]
    for delimiter in delimiters:
        if delimiter:
            pieces = [inner for piece in pieces for inner in piece.split(delimiter)]
    return pieces


@pure("join", 2, 2, "string", composes=True)
def join(operands: Values) -> Result:
    """The items of an array in one string, with a delimiter between them."""
    delimiter = parts(operands[1])
    found: list[str | Unknown] = []
    for index, item in enumerate(whole_array(operands[0])):
        if index:
            found.extend(delimiter)
        found.extend(parts(item))
    return composed(tuple(found))


@pure("substring", 2, 3, "string", composes=True)
def substring(operands: Values) -> Result:
    """From a 0-based position on, so many characters. Fails outside the string."""
    start = integer(operands[1])
    known = literal_prefix(operands[0])
    if len(operands) == 3:
        size = integer(operands[2])
        if start < 0 or size < 0:
            raise FunctionError("a position or length is negative")
        if start + size <= len(known):
            return known[start : start + size]
    if isinstance(require_known(operands[0]).data, Text):
        if len(operands) == 2 and 0 <= start <= len(known):
            return composed((known[start:], *parts(operands[0])[1:]))
        stuck(operands[0])
    if len(operands) == 3 or not 0 <= start <= len(known):
        raise FunctionError("the position lies outside the string")
    return known[start:]


@pure("padLeft", 2, 3, "string", composes=True)
def pad_left(operands: Values) -> Result:
    """Filled at the left up to a length."""
    fill = string(operands[2]) if len(operands) == 3 else " "
    size = integer(operands[1])
    if len(fill) != 1:
        raise FunctionError("the padding is not a single character")
    if size > MAX_TEXT:
        limit("a string")
    if isinstance(operands[0].data, (Text, Unknown)):
        least = sum(len(part) for part in parts(operands[0]) if isinstance(part, str))
        return composed(parts(operands[0])) if least >= size else stuck(operands[0])
    return string(operands[0]).rjust(size, fill)


@pure("startsWith", 2, 2, "bool")
def starts_with(operands: Values) -> Result:
    """Ignoring case."""
    wanted = string(operands[1]).casefold()
    known = literal_prefix(operands[0]).casefold()
    if known.startswith(wanted):
        return True
    if operands[0].unknown is not None and wanted.startswith(known):
        stuck(operands[0])
    return False


@pure("endsWith", 2, 2, "bool")
def ends_with(operands: Values) -> Result:
    """Ignoring case."""
    wanted = string(operands[1]).casefold()
    known = literal_suffix(operands[0]).casefold()
    if known.endswith(wanted):
        return True
    if operands[0].unknown is not None and wanted.endswith(known):
        stuck(operands[0])
    return False


@pure("base64", 1, 1, "string", composes=True)
def base64_(operands: Values) -> Result:
    """The base64 text of the UTF-8 bytes."""
    return base64.b64encode(string(operands[0]).encode("utf-8", "replace")).decode("ascii")


@pure("base64ToString", 1, 1, "string", composes=True)
def base64_to_string(operands: Values) -> Result:
    """The text of base64."""
    return _decoded(string(operands[0]))


def _decoded(found: str) -> str:
    try:
        return base64.b64decode(found, validate=True).decode("utf-8")
    except ValueError as error:
        raise FunctionError("the text is no base64 of UTF-8") from error


@pure("base64ToJson", 1, 1)
def base64_to_json(operands: Values) -> Result:
    """The JSON value of base64."""
    return read((_decoded(string(operands[0])),), operands[0].place)


@pure("json", 1, 1)
def json_(operands: Values) -> Result:
    """The value of a JSON text: https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions-object#json"""
    found = parts(require_known(operands[0]))
    if found == ("",):
        return None
    return read(found, operands[0].place)._replace(hops=operands[0].hops)


@pure("dataUri", 1, 1, "string", composes=True)
def data_uri(operands: Values) -> Result:
    """A text as `data:` URI."""
    found = string(operands[0]).encode("utf-8", "replace")
    return "data:text/plain;charset=utf8;base64," + base64.b64encode(found).decode("ascii")


@pure("dataUriToString", 1, 1, "string")
def data_uri_to_string(operands: Values) -> Result:
    """The text of a `data:` URI."""
    head, comma, body = string(operands[0]).partition(",")
    if not head.startswith("data:") or not comma:
        raise FunctionError("the text is no data URI")
    return _decoded(body) if head.endswith(";base64") else unquote(body)


@pure("uriComponent", 1, 1, "string", composes=True)
def uri_component(operands: Values) -> Result:
    """A text with everything escaped that may not stand in a URI."""
    return quote(string(operands[0]), safe="-_.!~*'()")


@pure("uriComponentToString", 1, 1, "string")
def uri_component_to_string(operands: Values) -> Result:
    """The text of an escaped URI component."""
    return unquote(string(operands[0]))


@pure("uri", 2, 2, "string", composes=True)
def uri(operands: Values) -> Result:
    """A relative URI put on a base: what follows the last slash of the base goes, unless it ends with one."""
    base, relative = parts(operands[0]), parts(operands[1])
    if isinstance(relative[0], str) and "://" in relative[0]:
        return composed(relative)
    directory = _directory(base)
    while isinstance(relative[0], str) and relative[0].startswith(("./", "../", "/")):
        if relative[0].startswith("../"):
            directory = _directory(_without_slash(directory))
        relative = (relative[0].partition("/")[2], *relative[1:])
    return composed((*directory, *relative))


def _directory(base: Parts) -> Parts:
    """A base URI up to its last slash; one that has no path gets a slash."""
    last = base[-1]
    if not isinstance(last, str):
        return (*base, "/")
    at = last.rfind("/")
    if at < 0 or (at > 0 and last[at - 1] == "/" and last[:at].endswith(":/")):
        return (*base, "/")
    return (*base[:-1], last[: at + 1])


def _without_slash(directory: Parts) -> Parts:
    last = directory[-1]
    if isinstance(last, str) and last.endswith("/") and (len(last) > 1 or len(directory) == 1):
        return (*directory[:-1], last[:-1])
    return directory

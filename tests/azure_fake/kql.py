"""Enough of the Kusto query language for Resource Graph: a small parser and an interpreter over rows.

Operators: `where`, `project`, `extend`, `order by`, `summarize name = count() by column`, `limit`/`take`. Expressions:
`and`, `or`, `not()`, `=~`, `==`, `!=`, `in~`, `in`, `>`, `<`, member access, `tostring`, `tolower`, `todatetime`, `ago`.
Anything else raises QueryError, as the service answers with BadRequest. Strings compare as Kusto does: `==` by case,
`=~` and `in~` without.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta, timezone
from typing import Any

_TOKEN = re.compile(
    r"\s*(?:(?P<string>'(?:[^'\\]|\\.)*')|(?P<span>\d+[dhm]\b)|(?P<number>\d+)|(?P<name>[A-Za-z_]\w*)"
    r"|(?P<sign>in~|=~|!~|==|!=|>=|<=|[|(),.=<>]))"
)
Row = dict[str, Any]
Value = Callable[[Row], Any]


class QueryError(Exception):
    """The query cannot be run."""


class _Reader:
    """The tokens of a query."""

    def __init__(self, text: str) -> None:
        self.tokens: list[tuple[str, str]] = []
        at = 0
        text = text.strip()
        while at < len(text):
            match = _TOKEN.match(text, at)
            if match is None:
                raise QueryError(f"cannot read {text[at : at + 20]!r}")
            kind = match.lastgroup or ""
            token = match[kind]
            if kind == "name" and token == "in" and text[match.end() : match.end() + 1] == "~":
                kind, token, at = "sign", "in~", match.end() + 1
            else:
                at = match.end()
            self.tokens.append((kind, token))
        self.at = 0

    def peek(self) -> str:
        return self.tokens[self.at][1] if self.at < len(self.tokens) else ""

    def take(self, wanted: str = "") -> str:
        if self.at >= len(self.tokens):
            raise QueryError(f"the query ends where {wanted or 'more'} is wanted")
        token = self.tokens[self.at][1]
        if wanted and token != wanted:
            raise QueryError(f"{token!r} where {wanted!r} is wanted")
        self.at += 1
        return token

    def kind(self) -> str:
        return self.tokens[self.at][0] if self.at < len(self.tokens) else ""


class Query:
    """A parsed query: the table, the steps, and whether it limits its rows (then there is no skip token)."""

    def __init__(self, text: str) -> None:
        reader = _Reader(text)
        self.table = reader.take().lower()
        self.limited = False
        self._steps: list[Callable[[list[Row]], list[Row]]] = []
        while reader.peek():
            reader.take("|")
            self._steps.append(self._step(reader))

    def run(self, rows: Iterable[Row]) -> list[Row]:
        found = list(rows)
        for step in self._steps:
            found = step(found)
        return found

    def _step(self, reader: _Reader) -> Callable[[list[Row]], list[Row]]:
        name = reader.take()
        if name == "where":
            test = _or(reader)
            return lambda rows: [row for row in rows if test(row)]
        if name == "project":
            columns = _columns(reader)
            return lambda rows: [{column: value(row) for column, value in columns} for row in rows]
        if name == "extend":
            more = _columns(reader)
            return lambda rows: [{**row, **{column: value(row) for column, value in more}} for row in rows]
        if name == "order":
            return _order(reader)
        if name == "summarize":
            return _summarize(reader)
        if name in ("limit", "take"):
            number = int(reader.take())
            self.limited = True
            return lambda rows: rows[:number]
        raise QueryError(f"operator {name!r} is not known")


def _columns(reader: _Reader) -> list[tuple[str, Value]]:
    found = []
    while True:
        name = reader.take()
        if reader.peek() == "=":
            reader.take("=")
            found.append((name, _operand(reader)))
        else:
            found.append((name, _member((name,))))
        if reader.peek() != ",":
            return found
        reader.take(",")


def _order(reader: _Reader) -> Callable[[list[Row]], list[Row]]:
    reader.take("by")
    keys: list[tuple[Value, bool]] = []
    while True:
        value = _operand(reader)
        descending = True
        if reader.peek() in ("asc", "desc"):
            descending = reader.take() == "desc"
        keys.append((value, descending))
        if reader.peek() != ",":
            break
        reader.take(",")

    def sort(rows: list[Row]) -> list[Row]:
        for value, descending in reversed(keys):
            rows = sorted(rows, key=lambda row: str(value(row) or ""), reverse=descending)
        return rows

    return sort


def _summarize(reader: _Reader) -> Callable[[list[Row]], list[Row]]:
    name = reader.take()
    for token in ("=", "count", "(", ")", "by"):
        reader.take(token)
    column = reader.take()

    def count(rows: list[Row]) -> list[Row]:
        numbers: dict[Any, int] = {}
        for row in rows:
            numbers[row.get(column)] = numbers.get(row.get(column), 0) + 1
        return [{column: key, name: number} for key, number in numbers.items()]

    return count


def _or(reader: _Reader) -> Value:
    tests = [_and(reader)]
    while reader.peek() == "or":
        reader.take()
        tests.append(_and(reader))
    return tests[0] if len(tests) == 1 else lambda row: any(test(row) for test in tests)


def _and(reader: _Reader) -> Value:
    tests = [_test(reader)]
    while reader.peek() == "and":
        reader.take()
        tests.append(_test(reader))
    return tests[0] if len(tests) == 1 else lambda row: all(test(row) for test in tests)


def _test(reader: _Reader) -> Value:
    if reader.peek() == "(":
        reader.take()
        inner = _or(reader)
        reader.take(")")
        return inner
    if reader.peek() == "not":
        reader.take()
        reader.take("(")
        inner = _or(reader)
        reader.take(")")
        return lambda row: not inner(row)
    left = _operand(reader)
    sign = reader.take()
    if sign in ("in", "in~"):
        reader.take("(")
        options = [_operand(reader)]
        while reader.peek() == ",":
            reader.take()
            options.append(_operand(reader))
        reader.take(")")
        words = {str(option({})) for option in options}
        if sign == "in":
            return lambda row: str(left(row)) in words
        folded = {word.lower() for word in words}
        return lambda row: str(left(row) or "").lower() in folded
    right = _operand(reader)
    compare = _COMPARE.get(sign)
    if compare is None:
        raise QueryError(f"operator {sign!r} is not known")
    return lambda row: compare(left(row), right(row))


_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=~": lambda a, b: str(a or "").lower() == str(b or "").lower(),
    "!~": lambda a, b: str(a or "").lower() != str(b or "").lower(),
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    ">": lambda a, b: a is not None and b is not None and a > b,
    "<": lambda a, b: a is not None and b is not None and a < b,
    ">=": lambda a, b: a is not None and b is not None and a >= b,
    "<=": lambda a, b: a is not None and b is not None and a <= b,
}


def _operand(reader: _Reader) -> Value:
    kind = reader.kind()
    token = reader.take()
    if kind == "string":
        text = re.sub(r"\\(.)", r"\1", token[1:-1])
        return lambda row: text
    if kind == "number":
        return lambda row: int(token)
    if kind == "span":
        span = _span(token)
        return lambda row: span
    if kind != "name":
        raise QueryError(f"{token!r} where a value is wanted")
    if reader.peek() == "(":
        reader.take()
        inner = _operand(reader)
        reader.take(")")
        return _call(token, inner)
    path = [token]
    while reader.peek() == ".":
        reader.take()
        path.append(reader.take())
    return _member(tuple(path))


def _member(path: tuple[str, ...]) -> Value:
    def get(row: Row) -> Any:
        found: Any = row
        for name in path:
            found = found.get(name) if isinstance(found, dict) else None
        return found

    return get


def _call(name: str, inner: Value) -> Value:
    if name == "tostring":
        return lambda row: "" if inner(row) is None else str(inner(row))
    if name == "tolower":
        return lambda row: str(inner(row) or "").lower()
    if name == "todatetime":
        return lambda row: _time(inner(row))
    if name == "ago":
        return lambda row: datetime.now(timezone.utc) - inner(row)
    raise QueryError(f"function {name!r} is not known")


def _span(token: str) -> timedelta:
    number = int(token[:-1])
    return {"d": timedelta(days=number), "h": timedelta(hours=number), "m": timedelta(minutes=number)}[token[-1]]


def _time(text: Any) -> datetime | None:
    if not isinstance(text, str):
        return None
    found = datetime.fromisoformat(re.sub(r"(\.\d{1,6})\d*", r"\1", text.replace("Z", "+00:00")))
    return found if found.tzinfo is not None else found.replace(tzinfo=timezone.utc)

"""What a real Terraform core made of expressions (`data/terraform_oracle.json`), and values as plain data to compare."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from bklint.model.value import ListData, ObjectData, Text, Unknown, Value, first_unknown
from bklint.source import Source
from bklint.syntax import hcl
from bklint.syntax.node import Call, Expr, Literal, ObjectExpr, TupleExpr, Unary

ERROR = "<error>"
UNDECIDED = "<undecided>"
_RECORD = Path(__file__).parent / "data" / "terraform_oracle.json"


class Recorded(NamedTuple):
    """An expression and its result, ERROR where Terraform refuses it."""

    expr: str
    result: Any


def recorded() -> list[Recorded]:
    """The record."""
    return [
        Recorded(one["expr"], ERROR if "error" in one else one["result"])
        for one in json.loads(_RECORD.read_text(encoding="utf-8"))
    ]


def literal_calls() -> Iterator[tuple[Recorded, str, tuple[Value, ...]]]:
    """The recorded expressions that are one call of a function with constant arguments."""
    for one in recorded():
        expr = hcl.parse_expression(Source("<expression>", one.expr.encode()))
        if isinstance(expr, Call) and not expr.expand:
            args = [constant(arg) for arg in expr.args]
            if None not in args:
                yield one, expr.name, tuple([arg for arg in args if arg is not None])


def constant(expr: Expr) -> Value | None:
    """The value of a literal, negative number, tuple or object of such; None for any other expression."""
    if isinstance(expr, Literal):
        return Value(expr.value)
    if isinstance(expr, Unary) and isinstance(expr.operand, Literal) and isinstance(expr.operand.value, (int, float)):
        return Value(-expr.operand.value)
    if isinstance(expr, TupleExpr):
        items = [constant(item) for item in expr.items]
        return None if None in items else Value(ListData(tuple([item for item in items if item is not None])))
    if isinstance(expr, ObjectExpr):
        fields = {key.value: constant(value) for key, value in expr.items if isinstance(key, Literal)}
        if None in fields.values() or len(fields) < len(expr.items):
            return None
        return Value(ObjectData({str(key): value for key, value in fields.items() if value is not None}))
    return None


def value_of(data: Any) -> Value:
    """Plain data as a value."""
    if isinstance(data, Value):
        return data
    if isinstance(data, (list, tuple)):
        return Value(ListData(tuple([value_of(item) for item in data])))
    if isinstance(data, dict):
        return Value(ObjectData({key: value_of(item) for key, item in data.items()}))
    return Value(data)


def plain(value: Value) -> Any:
    """A value as plain data, ERROR or UNDECIDED where it is that in any part."""
    unknown = first_unknown(value)
    if unknown is not None:
        return ERROR if unknown.is_error else UNDECIDED
    data = value.data
    if isinstance(data, ListData):
        return [plain(item) for item in data.items]
    if isinstance(data, ObjectData):
        return {key: plain(item) for key, item in data.fields.items()}
    assert not isinstance(data, (Text, Unknown))
    return data


def alike(ours: Any, theirs: Any) -> bool:
    """Whether plain data are equal: bools only to bools, numbers as nearly as binary fractions allow."""
    if isinstance(ours, bool) or isinstance(theirs, bool):
        return ours is theirs
    if isinstance(ours, (int, float)) and isinstance(theirs, (int, float)):
        return math.isclose(ours, theirs, rel_tol=1e-12)
    if isinstance(ours, list) and isinstance(theirs, list):
        return len(ours) == len(theirs) and all(map(alike, ours, theirs))
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return ours.keys() == theirs.keys() and all(alike(ours[key], theirs[key]) for key in ours)
    return bool(ours == theirs)

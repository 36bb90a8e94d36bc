"""The one table of defaults: what Azure or a provider uses where the code says nothing.

`data/defaults.yaml` holds the rows, each with its source. They are filled in after lowering, under parents that are
written and complete; a filled value's hops say `default`. No front-end, policy or fact knows a default of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from bklint.model import path as paths
from bklint.model.resource import Resource
from bklint.model.value import MISSING, ListData, ObjectData, Reason, Scalar, Unknown, Value, step
from bklint.records import dataclass

_BOUND = re.compile(r"(>=|<)\s*([\w.\-]+)")


@dataclass(frozen=True, slots=True)
class Default:
    """One row. `terraform` names azurerm resource types it holds for (empty: every dialect); `version` bounds the
    apiVersion or the provider's major version; `computed` says that Azure chooses, so absence is unknown."""

    type: str
    path: tuple[paths.Step, ...]
    value: Scalar
    source: str
    terraform: frozenset[str] = frozenset()
    dialects: frozenset[str] = frozenset()
    version: str = ""
    computed: bool = False


class Defaults:
    """The rows, by type. Where several rows of one path fit, the first one written counts."""

    def __init__(self, rows: Iterable[Default]) -> None:
        self._by_type: dict[str, list[Default]] = {}
        for row in rows:
            self._by_type.setdefault(row.type.casefold(), []).append(row)

    @classmethod
    def of(cls, data: Iterable[Mapping[str, object]]) -> Defaults:
        """The table from the plain data of the YAML file."""
        return cls(_row(entry) for entry in data)

    def fill(self, resource: Resource) -> None:
        """Fill the resource's missing properties in place."""
        for row in self._by_type.get(resource.type.casefold(), ()):
            if _holds(row, resource):
                resource.body = _fill(resource.body, row.path, row)


def _row(entry: Mapping[str, object]) -> Default:
    value = entry.get("value")
    assert value is None or isinstance(value, (str, int, float, bool))
    return Default(
        type=str(entry["type"]),
        path=paths.parse(str(entry["path"])),
        value=value,
        source=str(entry["source"]),
        terraform=_names(entry.get("terraform")),
        dialects=_names(entry.get("dialects")),
        version=str(entry.get("version", "")),
        computed=bool(entry.get("computed", False)),
    )


def _names(value: object) -> frozenset[str]:
    return frozenset(map(str, value)) if isinstance(value, (list, tuple)) else frozenset()


def _holds(row: Default, resource: Resource) -> bool:
    if row.terraform and resource.source_type not in row.terraform:
        return False
    if row.dialects and resource.dialect not in row.dialects:
        return False
    return all(_bound(resource.version, *match.groups()) for match in _BOUND.finditer(row.version))


def _bound(version: str, operator: str, limit: str) -> bool:
    if not version:
        return False
    a, b = _parts(version), _parts(limit)
    return a >= b if operator == ">=" else a < b


def _parts(version: str) -> tuple[int, ...]:
    return tuple(int(digits) for digits in re.findall(r"\d+", version))


def _fill(value: Value, path: tuple[paths.Step, ...], row: Default) -> Value:
    name, data = path[0], value.data
    if name == paths.EACH:
        if not isinstance(data, ListData):
            return value
        items = tuple(_fill(item, path[1:], row) for item in data.items)
        return value._replace(data=ListData(items, data.rest))
    if not isinstance(data, ObjectData) or not isinstance(name, str):
        return value
    child = step(value, name)
    if len(path) > 1:
        filled = _fill(child, path[1:], row)
        return value if filled is child else paths.put(value, (name,), filled)
    if (child.data is not MISSING and child.data is not None) or data.rest is not None:
        return value
    return paths.put(value, (name,), _default(row, value))


def _default(row: Default, parent: Value) -> Value:
    label = f"default of {row.path[-1]} ({row.source})"
    place = parent.place
    if row.computed:
        return Value(Unknown(Reason.COMPUTED, f"{row.path[-1]} is chosen by Azure", place), place).via(
            "default", label, place
        )
    return Value(row.value, place).via("default", label, place)

"""The plain data of a policy file's two documents, into a compiled `Policy` and its `Texts`.

Everything is checked that a JSON Schema cannot: names of facts, relations and parameters, the words of messages, that
the last case always holds. A wrong file raises `PolicyError` with the pointer to what is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, TypeVar

from bklint.policy.conditions import condition
from bklint.policy.message import message
from bklint.policy.model import (
    SEVERITIES,
    ByHand,
    Case,
    Citation,
    Conflict,
    Edition,
    Example,
    Facts,
    Operation,
    Parameter,
    Parts,
    Point,
    Policy,
    Subject,
    Texts,
)
from bklint.policy.names import Names, Pointer, PolicyError, known_types, one_of
from bklint.policy.subjects import Scope, constant, subject

TYPES: Mapping[str, tuple[type, ...]] = {
    "bool": (bool,),
    "int": (int,),
    "number": (int, float),
    "string": (str,),
    "list": (list, tuple),
}
"""What the types of parameters are in Python."""

GUEST_FILES = (
    "shell", "powershell", "batch", "registry", "securityTemplate", "cloudInit", "netplan", "ifcfg", "interfaces",
    "networkd", "keyfile", "waagent", "environment", "systemdUnit", "fstab", "hosts", "selinux", "fapolicyd",
    "iptables", "nftables", "firewalld", "unattend", "appLocker", "wdac", "ufw", "packer", "config",
)  # fmt: skip
"""The words for files that a machine runs or reads."""

DIALECTS = ("terraform", "plan", "arm", "bicep", "nsg", *GUEST_FILES)
"""The words under which an example has its text."""


def policy(
    data: Mapping[str, Any], facts: Facts, file: str = "", types: frozenset[str] | None = None, *, lazily: bool = False
) -> Policy:
    """The policy of a first document. `types` are the resource types there are to relate to; those of the facts and of
    this policy where none are given. Raises PolicyError; with `lazily` only when a part of it is asked for, which is for
    files that are known to be right."""
    if not isinstance(data, Mapping):
        raise PolicyError("expected a mapping")
    for key in ("id", "name", "title", "area", "target", "condition", "cases", "message"):
        if key not in data:
            raise PolicyError(f"{key!r} is required", ())
    targets = _listed(data["target"])
    parameters = {name: _parameter(name, row) for name, row in data.get("parameters", {}).items()}

    @cache
    def compiled() -> Parts:
        names = Names(facts, parameters, targets, types or known_types(facts, targets))
        return _compiled(data, Scope(names, targets), names)

    if not lazily:
        compiled()
    return Policy(
        id=data["id"],
        name=data["name"],
        title=data["title"],
        area=data["area"],
        types=targets,
        compile=compiled,
        opt_in=data.get("profile") == "opt-in",
        doc_status=data.get("doc_status", "in-force"),
        modes=frozenset(data.get("modes", ["managed"])),
        parameters=parameters,
        subsumes=tuple(data.get("subsumes", ())),
        safety=data.get("fix", {}).get("safety", "manual"),
        file=file,
        disabled=frozenset(name for name, row in data.get("editions", {}).items() if row.get("disabled")),
    )


def _compiled(data: Mapping[str, Any], scope: Scope, names: Names) -> Parts:
    """The parts of a policy that look at resources."""
    report, fix = data.get("report", {}), data.get("fix", {})
    parts = {
        "condition": condition(data["condition"], scope, ("condition",)),
        "cases": _cases(data["cases"], scope, ("cases",)),
        "message": message(data["message"], scope, ("message",)),
        "editions": {name: _edition(row, scope, ("editions", name)) for name, row in data.get("editions", {}).items()},
        "at": _at(report.get("at", []), scope, ("report", "at")),
        "related": _each(_point, report.get("related", []), scope, ("report", "related")),
        "operations": _each(_operation, fix.get("operations", []), scope, ("fix", "operations")),
        "by_hand": _each(_by_hand, fix.get("byHand", []), scope, ("fix", "byHand")),
    }
    return Parts(**parts, reads=tuple(names.reads), facts=tuple(names.used_facts))  # type: ignore[arg-type]


_Made = TypeVar("_Made")
_Row = Mapping[str, Any]


def _each(
    make: Callable[[_Row, Scope, Pointer], _Made], rows: list[_Row], scope: Scope, at: Pointer
) -> tuple[_Made, ...]:
    return tuple(make(row, scope, (*at, index)) for index, row in enumerate(rows))


def _listed(data: Any) -> tuple[str, ...]:
    return (data,) if isinstance(data, str) else tuple(data)


def _parameter(name: str, row: Mapping[str, Any]) -> Parameter:
    at = ("parameters", name)
    if not isinstance(row, Mapping) or row.get("type") not in TYPES:
        raise PolicyError(f"parameter {name!r} has no type{one_of('', TYPES)}", at)
    if not fits(row.get("default"), row["type"]):
        raise PolicyError(f"the default of {name!r} is no {row['type']}", (*at, "default"))
    return Parameter(name, row["type"], row["default"], row.get("description", ""))


def fits(value: object, type_: str) -> bool:
    """Whether a value is of a parameter type; true and false are no numbers."""
    if isinstance(value, bool):
        return type_ == "bool"
    if isinstance(value, (list, tuple)):
        return type_ == "list" and all(isinstance(item, str) for item in value)
    return isinstance(value, TYPES[type_])


def _cases(rows: Any, scope: Scope, at: Pointer) -> tuple[Case, ...]:
    if not isinstance(rows, list) or not rows:
        raise PolicyError("cases is a list", at)
    for index, row in enumerate(rows):
        if not isinstance(row, Mapping) or row.get("severity") not in SEVERITIES:
            raise PolicyError(f"a case has a severity{one_of('', SEVERITIES)}", (*at, index))
        if index < len(rows) - 1 and "when" not in row:
            raise PolicyError("a case without `when` always holds: those after it are never reached", (*at, index))
    if "when" in rows[-1]:
        raise PolicyError("the last case has no `when`", (*at, len(rows) - 1, "when"))
    return _each(_case, rows, scope, at)


def _case(row: Mapping[str, Any], scope: Scope, at: Pointer) -> Case:
    return Case(
        severity=row["severity"],
        when=condition(row["when"], scope, (*at, "when")) if "when" in row else None,
        message=message(row["message"], scope, (*at, "message")) if "message" in row else None,
        note=row.get("note", "").strip(),
    )


def _edition(row: Mapping[str, Any], scope: Scope, at: Pointer) -> Edition:
    return Edition(
        cap=row.get("severity", "error"),
        notice=row.get("notice", "").strip(),
        note=row.get("note", "").strip(),
        disabled=row.get("disabled", False),
        cases=_cases(row["cases"], scope, (*at, "cases")) if "cases" in row else (),
    )


def _at(data: Any, scope: Scope, at: Pointer) -> tuple[Subject, ...]:
    if isinstance(data, Mapping):
        return (_subject(data, scope, at),)
    return _each(_subject, data, scope, at)


def _subject(row: Mapping[str, Any], scope: Scope, at: Pointer) -> Subject:
    kind = "fact" if "fact" in row else "field"
    return subject(kind, row[kind], scope, (*at, kind))


def _point(row: Mapping[str, Any], scope: Scope, at: Pointer) -> Point:
    label = message(row["label"], scope, (*at, "label")) if "label" in row else None
    return Point(_subject(row, scope, at), label)


def _operation(row: Mapping[str, Any], scope: Scope, at: Pointer) -> Operation:
    when = condition(row["when"], scope, (*at, "when")) if "when" in row else None
    _values(row.get("value"), scope, (*at, "value"))
    return Operation(row["op"], row.get("field", ""), row.get("value"), when)


def _by_hand(row: Mapping[str, Any], scope: Scope, at: Pointer) -> ByHand:
    when = condition(row["when"], scope, (*at, "when")) if "when" in row else None
    return ByHand(row["because"].strip(), when)


def _values(data: Any, scope: Scope, at: Pointer) -> None:
    """Check the parameters and facts inside the value of an operation."""
    if isinstance(data, list):
        for index, item in enumerate(data):
            _values(item, scope, (*at, index))
    elif isinstance(data, Mapping) and len(data) == 1 and next(iter(data)) in ("param", "fact"):
        kind, name = next(iter(data.items()))
        if kind == "param":
            scope.names.parameter(str(name), at)
        else:
            subject("fact", name, scope, at)
    elif isinstance(data, Mapping):
        for key, item in data.items():
            _values(item, scope, (*at, key))
    elif data is not None:
        constant(data)


def texts(data: Mapping[str, Any]) -> Texts:
    """The texts of a second document that fits the schema."""
    fix = data.get("fix", {})
    azure = data.get("azurePolicy", {})
    return Texts(
        why=data.get("why", "").strip(),
        errors=tuple(data.get("errors", ())),
        sources=tuple(map(_citation, data.get("sources", ()))),
        summary=fix.get("summary", "").strip(),
        snippets={name: text for name, text in fix.items() if name != "summary"},
        conflicts=tuple(Conflict(**row) for row in data.get("conflicts", ())),
        expressible=azure.get("expressible", ""),
        loses=tuple(azure.get("loses", ())),
        examples=tuple(_example(kind, row) for kind, rows in data.get("examples", {}).items() for row in rows),
    )


def _citation(row: Mapping[str, str]) -> Citation:
    """A source; documents that many policies cite have their address in one table."""
    from bklint.policy.reading import addresses

    return Citation(**row) if "url" in row else Citation(**row, url=addresses().get(row["document"], ""))


def _example(kind: str, row: Mapping[str, Any]) -> Example:
    dialect = next(name for name in DIALECTS if name in row)
    renamed = {"fixAt": "fix_at"}
    rest = {renamed.get(key, key): value for key, value in row.items() if key != dialect}
    return Example(kind=kind, dialect=dialect, text=row[dialect], **rest)

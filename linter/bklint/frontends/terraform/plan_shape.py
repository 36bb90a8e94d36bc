"""Whether a JSON text has the shape of a plan, as far as it is read here.

Plans are handed around as files, so what is read as one may have been edited, cut or made by another tool. Its shape is
tested once, so that everything behind may rely on it; what a plan may hold besides is not looked at.
Format: https://developer.hashicorp.com/terraform/internals/json-format
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

Pointer = tuple[str | int, ...]
Shape = Any
"""`str`, `dict` or `list` for anything of that type, None for anything; a dict of members, all optional and none null unless
in an `Optional`; a one-item list for a list of a shape; `Each` for an object whose members all have one shape; the name of a
shape below."""


class Optional(NamedTuple):
    """A shape, or null."""

    shape: Shape


class Each(NamedTuple):
    """An object with any names, whose members all have one shape."""

    shape: Shape


class Fault(NamedTuple):
    """Where a text is no plan, and why."""

    pointer: Pointer
    message: str


_EXPRESSION = {"references": [str]}

_SHAPES: dict[str, Shape] = {
    "plan": {
        "planned_values": Optional({"root_module": Optional("planned")}),
        "prior_state": Optional({"values": Optional({"root_module": Optional("planned")})}),
        "resource_changes": Optional([{"address": str, "module_address": str, "type": str, "change": "change"}]),
        "configuration": Optional({"provider_config": Optional(Each({})), "root_module": Optional("configured")}),
    },
    "planned": {
        "address": str,
        "resources": Optional([{"address": str, "type": str, "name": str, "mode": str, "values": Optional(dict)}]),
        "child_modules": Optional(["planned"]),
    },
    "change": {"actions": Optional([str]), "replace_paths": Optional(list)},
    "configured": {
        "resources": Optional(
            [{"address": str, "type": str, "name": str, "mode": str, "expressions": Optional(Each("expression"))}]
        ),
        "module_calls": Optional(
            Each({"source": str, "expressions": Optional(Each("expression")), "module": Optional("configured")})
        ),
        "outputs": Optional(Each({"expression": "expression"})),
    },
    "expression": None,
}  # fmt: skip

_KINDS: dict[type, str] = {str: "a text", dict: "an object", list: "a list"}


def fault(plan: object) -> Fault | None:
    """The first fault of a text that claims to be a plan; None where it has the shape of one."""
    return next(_faults(plan, "plan", ()), None)


def _faults(value: object, shape: Shape, at: Pointer) -> Iterator[Fault]:
    """The faults of a value. The reader bounds how deep texts nest."""
    if isinstance(shape, Optional):
        if value is not None:
            yield from _faults(value, shape.shape, at)
    elif shape == "expression":
        yield from _of_expression(value, at)
    elif isinstance(shape, str):
        yield from _faults(value, _SHAPES[shape], at)
    elif isinstance(shape, type):
        if not isinstance(value, shape):
            yield _wrong(shape, at)
    elif isinstance(shape, list):
        yield from _of_list(value, shape[0], at)
    elif not isinstance(value, dict):
        yield _wrong(dict, at)
    elif isinstance(shape, Each):
        for name, member in value.items():
            yield from _faults(member, shape.shape, (*at, name))
    else:
        for name, inner in shape.items():
            if name in value:
                yield from _faults(value[name], inner, (*at, name))


def _of_list(value: object, shape: Shape, at: Pointer) -> Iterator[Fault]:
    if not isinstance(value, list):
        yield _wrong(list, at)
        return
    for index, item in enumerate(value):
        yield from _faults(item, shape, (*at, index))


def _of_expression(value: object, at: Pointer) -> Iterator[Fault]:
    """An expression, or the expressions of the blocks of that name: as lists and objects of expressions."""
    if isinstance(value, dict):
        yield from _faults(value, _EXPRESSION, at)


def _wrong(kind: type, at: Pointer) -> Fault:
    steps = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in at).lstrip(".") or "the whole"
    return Fault(at, f"{steps} is not {_KINDS[kind]}, so this is no plan of `terraform show -json`")

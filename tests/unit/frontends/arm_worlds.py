"""Worlds from ARM templates given as Python data, for the tests of the ARM front-end."""

from __future__ import annotations

import json
from typing import Any

from bklint.files import MemoryReader
from bklint.frontends import Options
from bklint.frontends.arm import ArmRoot, roots
from bklint.model.inventory import Inventory, World
from bklint.model.resource import Resource
from bklint.model.value import MISSING, ListData, ObjectData, Text, Unknown, Value

SCHEMA = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"
PARAMETERS = "https://schema.management.azure.com/schemas/2019-04-01/deploymentParameters.json#"


def template(resources: Any, **sections: Any) -> dict[str, Any]:
    """A template; `schema` gives another `$schema` than that of resource groups."""
    schema = sections.pop("schema", SCHEMA)
    return {"$schema": schema, "contentVersion": "1.0.0.0", **sections, "resources": resources}


def disk(name: str = "d", **members: Any) -> dict[str, Any]:
    """A disk resource."""
    return {"type": "Microsoft.Compute/disks", "apiVersion": "2023-10-02", "name": name, **members}


def deployment(name: str, inner: Any, **properties: Any) -> dict[str, Any]:
    """A nested deployment resource; `inner` is its template, `members` further members of the resource."""
    members = properties.pop("members", {})
    body = {"mode": "Incremental", "template": inner, **properties}
    if inner is None:
        del body["template"]
    return {
        "type": "Microsoft.Resources/deployments",
        "apiVersion": "2022-09-01",
        "name": name,
        **members,
        "properties": body,
    }


INNER = {"expressionEvaluationOptions": {"scope": "inner"}}


def files_of(data: dict[str, Any]) -> dict[str, str | bytes]:
    """Files as text; what is no text is written as JSON."""
    return {
        path: content if isinstance(content, (str, bytes)) else json.dumps(content, indent=2)
        for path, content in data.items()
    }


def all_roots(
    data: dict[str, Any], options: Options | None = None, inventory: Inventory | None = None
) -> list[ArmRoot]:
    """The roots of the templates among files: those that do not look like parameters files."""
    files = files_of(data)
    paths = tuple(path for path in files if "param" not in path and path.endswith(".json"))
    return list(roots(paths, MemoryReader(files), options or Options(), inventory or Inventory()))


def world(data: Any, *, options: Options | None = None, assume: dict[str, object] | None = None) -> World:
    """The world of the first context of the first root: of one template, or of files by path."""
    files = data if "resources" not in data else {"azuredeploy.json": data}
    root = all_roots(files, options)[0]
    return root.lower(root.contexts[0], assume or {})


def evaluated(expression: Any, **sections: Any) -> Value:
    """The value of a property of this text in a template with these sections."""
    return world(template([disk(properties={"x": expression})], **sections)).resources[0].get("properties.x")


def only(found: World, type_: str = "Microsoft.Compute/disks") -> Resource:
    """The one resource of a type."""
    resources = [resource for resource in found.resources if resource.type.lower() == type_.lower()]
    assert len(resources) == 1, [resource.address for resource in resources]
    return resources[0]


def plain(value: Value) -> Any:
    """A value as plain data: an unknown as `?reason`, a partly known text as a list of its parts in a tuple."""
    data = value.data
    if isinstance(data, ListData):
        items = [plain(item) for item in data.items]
        return items if data.rest is None else [*items, f"...{data.rest.reason.name}"]
    if isinstance(data, ObjectData):
        found = {name: plain(data.fields[name]) for name in data.fields}
        return found if data.rest is None else {**found, "...": data.rest.reason.name}
    if isinstance(data, Unknown):
        return f"?{data.reason.name}"
    if isinstance(data, Text):
        return tuple(part if isinstance(part, str) else f"?{part.reason.name}" for part in data.parts)
    return "missing" if data is MISSING else data


def leaf(value: Value) -> str:
    """The text at a value's place."""
    assert value.place is not None
    return value.place.locate().text


def trail(value: Value) -> list[str]:
    """The hops of a value, newest first."""
    return [f"{hop.kind} {hop.label}" for hop in value.trail]

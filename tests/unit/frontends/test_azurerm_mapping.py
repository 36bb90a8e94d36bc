"""The azurerm mapping files and the table of defaults are well formed, and cover what the model links."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Any

import pytest

from bklint.model import path as paths
from bklint.model.defaults import Defaults
from bklint.model.derive import INLINE, STORAGE
from bklint.model.inventory import World
from bklint.model.relations import LOCK, RELATIONS, VAULT
from bklint.model.resource import Resource
from bklint.model.value import MISSING, ObjectData, Unknown, Value
from bklint.syntax import yaml

FOLDER = files("bklint.frontends.terraform") / "azurerm"
MAPPINGS: dict[str, dict[str, Any]] = {
    entry.name.removesuffix(".yaml"): yaml.load_data(entry.read_bytes())
    for entry in sorted(FOLDER.iterdir(), key=lambda entry: entry.name)
}
DEFAULTS: list[dict[str, Any]] = yaml.load_data((files("bklint") / "data" / "defaults.yaml").read_bytes())

KINDS = {
    "resource": {"kind", "type", "docs", "identity", "set", "rows"},
    "child": {"kind", "type", "docs", "identity", "set", "rows"},
    "patch": {"kind", "type", "docs", "target", "path", "rows"},
    "item": {"kind", "type", "docs", "identity", "target", "path", "rows"},
    "data": {"kind", "type", "docs", "identity", "rows"},
}
IDENTITY = {"name", "group", "parent", "parents", "scope"}
ROW = {"arg", "path", "as", "rows", "set", "provider", "readonly"}
ARM_TYPE = re.compile(r"Microsoft\.[A-Za-z]+(/[A-Za-z]+)+")
ARGUMENT = re.compile(r"[a-z][a-z0-9_]*")
PROVIDER = re.compile(r"(>=|<)[1-9]")
BOUND = re.compile(r"(>=|<)\d[\w.\-]*")


def steps(path: object) -> tuple[paths.Step, ...]:
    """A path as a mapping may have it: members, and the first item of a list."""
    assert isinstance(path, str)
    found = paths.parse(path)
    assert found
    assert all(isinstance(step, str) or step == 0 for step in found), path
    assert paths.EACH not in found, path
    return found


def constants(value: Mapping[str, object]) -> None:
    """Members that a type or an argument states: paths to plain values."""
    assert value
    for path, constant in value.items():
        steps(path)
        assert isinstance(constant, (str, int, bool))


def every_row(rows: list[dict[str, Any]], above: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """All rows of a mapping, with the blocks they stand in."""
    for row in rows:
        yield above, row
        yield from every_row(row.get("rows", []), f"{above}{row['arg']}.")


def converter(row: dict[str, Any]) -> str:
    """The name of the row's converter; its setting is checked."""
    how = row.get("as", "same")
    if isinstance(how, str):
        assert how in ("same", "not", "json", "block", "blocks"), how
        return how
    assert isinstance(how, dict)
    (name, setting), *others = how.items()
    assert not others
    if name == "each":
        assert len(steps(setting)) == 1
    else:
        assert name == "enum", name
        assert setting
        assert all(isinstance(word, str) for pair in setting.items() for word in pair), "quote true and false"
        assert len(set(setting.values())) == len(setting), "has no inverse"
    return str(name)


@pytest.mark.parametrize("name", MAPPINGS)
def test_mapping_file(name: str) -> None:
    mapping = MAPPINGS[name]
    composed = name in ("cloudinit_config", "template_cloudinit_config")
    assert composed or re.fullmatch(r"(azurerm|azuread)_[a-z0-9_]+", name)
    assert set(mapping) <= KINDS[mapping["kind"]]
    assert mapping["type"] == "guest/cloudInitMessages" if composed else ARM_TYPE.fullmatch(mapping["type"])
    assert re.fullmatch(
        rf"https://registry\.terraform\.io/providers/hashicorp/{name.partition('_')[0]}/[\w.]+/docs/"
        rf"(resources|data-sources)/{name.partition('_')[2]}",
        mapping["docs"],
    )
    assert ("target" in mapping) == ("path" in mapping) == (mapping["kind"] in ("patch", "item"))
    assert mapping["kind"] == "data" or mapping["rows"]
    assert (mapping["type"].count("/") > 1) or mapping["kind"] != "child"
    if "target" in mapping:
        assert set(mapping["target"]) == {"arg", "type"}
        assert mapping["target"]["type"] == mapping["type"]
        steps(mapping["path"])
    if "set" in mapping:
        constants(mapping["set"])


@pytest.mark.parametrize("name", MAPPINGS)
def test_identity(name: str) -> None:
    mapping = MAPPINGS[name]
    identity = mapping.get("identity", {})
    assert set(identity) <= IDENTITY
    parents = identity.get("parents", [])
    assert isinstance(parents, list)
    arguments = [value for key, value in identity.items() if key != "parents"] + parents
    assert all(ARGUMENT.fullmatch(argument) for argument in arguments)
    assert len(parents) < mapping["type"].count("/")
    assert mapping["kind"] != "child" or identity.get("parent") or parents


@pytest.mark.parametrize("name", MAPPINGS)
def test_rows(name: str) -> None:
    for above, row in every_row(MAPPINGS[name].get("rows", [])):
        where = above + str(row.get("arg"))
        assert set(row) <= ROW, where
        assert ARGUMENT.fullmatch(row["arg"]), where
        how = converter(row)
        assert ("rows" in row) == (how in ("block", "blocks")), where
        assert "path" in row or how == "block", where
        if "path" in row:
            steps(row["path"])
        if "rows" in row:
            assert row["rows"], where
        if "set" in row:
            constants(row["set"])
        assert isinstance(row.get("readonly", True), bool), where
        assert "provider" not in row or PROVIDER.fullmatch(row["provider"]), where


@pytest.mark.parametrize("name", MAPPINGS)
def test_no_row_twice(name: str) -> None:
    found = [(above, row["arg"], row.get("path", "")) for above, row in every_row(MAPPINGS[name].get("rows", []))]
    assert len(found) == len(set(found))


SHARED = {
    "azuread_service_principal": {"client_id", "application_id"},
    "azurerm_backup_protected_vm": {"include_disk_luns", "exclude_disk_luns"},
    "azurerm_firewall_policy_rule_collection_group": {
        "application_rule_collection",
        "network_rule_collection",
        "nat_rule_collection",
    },
}
"""Arguments that share a path without being names of one argument in several versions of azurerm."""


@pytest.mark.parametrize("name", MAPPINGS)
def test_arguments_of_one_path_are_one_argument(name: str) -> None:
    by_path: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for above, row in every_row(MAPPINGS[name].get("rows", [])):
        if "path" in row:
            by_path.setdefault((above, row["path"].casefold()), []).append(row)
    for rows in by_path.values():
        names = {row["arg"] for row in rows}
        renamed = any("provider" in row for row in rows)
        assert len(rows) == 1 or renamed or names <= SHARED.get(name, set()), names


def test_a_type_is_written_in_one_way() -> None:
    spelled: dict[str, str] = {}
    for mapping in MAPPINGS.values():
        assert spelled.setdefault(mapping["type"].casefold(), mapping["type"]) == mapping["type"]


def test_every_type_of_the_model_has_a_mapping() -> None:
    wanted = {LOCK, VAULT, *STORAGE}
    wanted |= {type_ for relation in RELATIONS for type_ in (relation.source, relation.target)}
    wanted |= {type_ for row in INLINE for type_ in (row.parent, row.type)}
    made = {mapping["type"] for mapping in MAPPINGS.values() if mapping["kind"] not in ("patch", "item", "data")}
    assert wanted <= made


def test_every_patched_type_has_a_mapping() -> None:
    made = {mapping["type"] for mapping in MAPPINGS.values() if mapping["kind"] in ("resource", "child")}
    assert {mapping["type"] for mapping in MAPPINGS.values() if "target" in mapping} <= made


def test_the_table_of_defaults_is_read() -> None:
    Defaults.of(DEFAULTS)


@pytest.mark.parametrize("row", DEFAULTS, ids=lambda row: f"{row['type']}:{row['path']}")
def test_default(row: dict[str, Any]) -> None:
    assert set(row) <= {"type", "path", "value", "computed", "source", "terraform", "dialects", "version"}
    assert ("value" in row) != row.get("computed", False)
    assert isinstance(row.get("value", ""), (str, int, bool))
    assert row["source"].startswith("https://")
    assert paths.parse(row["path"])
    assert "version" not in row or BOUND.fullmatch(row["version"])
    assert row["type"] in {mapping["type"] for mapping in MAPPINGS.values()}
    for name in row.get("terraform", []):
        assert MAPPINGS[name]["type"] == row["type"], name


def test_every_default_can_be_reached() -> None:
    """No row stands behind one that always fits, and none is there twice."""
    always: set[tuple[str, str]] = set()
    seen: set[str] = set()
    for row in DEFAULTS:
        assert (row["type"], row["path"]) not in always, row
        if not {"terraform", "dialects", "version"} & set(row):
            always.add((row["type"], row["path"]))
        bounds = repr({key: value for key, value in row.items() if key not in ("source", "value", "computed")})
        assert bounds not in seen
        seen.add(bounds)


def filled(type_: str, path: str, source_type: str, version: str, dialect: str = "terraform") -> object:
    """What the table puts at a path whose parent is written and empty."""
    parent = paths.parse(path)[:-1]
    body = paths.put(Value(ObjectData({})), parent, Value(ObjectData({})))
    resource = Resource(
        type=type_,
        address="x",
        body=body,
        world=World("", dialect),
        names=(Value("x"),),
        group=Value("rg"),
        subscription=Value("s"),
        dialect=dialect,
        source_type=source_type,
        version=version,
    )
    Defaults.of(DEFAULTS).fill(resource)
    data = resource.get(path).data
    return "computed" if isinstance(data, Unknown) else None if data is MISSING else data


VM_AGENT = ("Microsoft.Compute/virtualMachines", "properties.osProfile.windowsConfiguration.provisionVMAgent")
RBAC = ("Microsoft.KeyVault/vaults", "properties.enableRbacAuthorization")
MODE = ("Microsoft.Compute/virtualMachineScaleSets", "properties.orchestrationMode")
STATUS = ("Microsoft.DevTestLab/schedules", "properties.status")
RETENTION = ("Microsoft.RecoveryServices/vaults/backupPolicies", "properties.instantRpRetentionRangeInDays")


@pytest.mark.parametrize(
    ("where", "source_type", "version", "dialect", "expected"),
    [
        (VM_AGENT, "azurerm_virtual_machine", "", "terraform", False),
        (VM_AGENT, "azurerm_windows_virtual_machine", "4.0", "terraform", True),
        (VM_AGENT, "", "2024-07-01", "arm", True),
        (RBAC, "azurerm_key_vault", "3.90", "terraform", False),
        (RBAC, "azurerm_key_vault", "", "terraform", False),
        (RBAC, "azurerm_key_vault", "5.0", "terraform", "computed"),
        (RBAC, "", "2023-07-01", "arm", False),
        (RBAC, "", "2026-02-01", "arm", True),
        (RBAC, "", "2026-03-01-preview", "arm", True),
        (RBAC, "", "", "arm", "computed"),
        (RBAC, "azapi_resource", "2023-07-01", "terraform", False),
        (MODE, "", "2024-07-01", "arm", "Uniform"),
        (STATUS, "azurerm_dev_test_global_vm_shutdown_schedule", "4.0", "terraform", "Enabled"),
        (STATUS, "", "2018-09-15", "arm", "computed"),
        (RETENTION, "azurerm_backup_policy_vm", "4.0", "terraform", None),
    ],
)
def test_defaults_by_version(
    where: tuple[str, str], source_type: str, version: str, dialect: str, expected: object
) -> None:
    assert filled(*where, source_type, version, dialect) == expected

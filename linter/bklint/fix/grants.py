"""The access policy that lets Azure Backup at the keys of a vault, in Terraform.

A policy holds the object id of the service's principal in the tenant, which only a lookup in the directory tells: so there
is an edit where the code looks things up there already, with the azuread provider, and none elsewhere. A template cannot
look it up at all. Where policies stand inside the vault the new one does too, since the two forms must not be mixed
(https://registry.terraform.io/providers/hashicorp/azurerm/latest/docs/resources/key_vault_access_policy).
"""

from __future__ import annotations

import re

from bklint.fix import literals
from bklint.fix.edits import Edit, RefusedError, indentation, inserting, line_end, newline, replacing
from bklint.fix.repository import directory_of, mentions, module_sources
from bklint.fix.request import Request, Ways, spot
from bklint.fix.tree import parsed
from bklint.source import Place, Source
from bklint.syntax.node import Block, Expr, Literal

APP_ID = "262044b1-e2ce-469f-a196-69ab7ada62d3"
"""The application Backup Management Service
(https://learn.microsoft.com/azure/backup/backup-azure-vms-automation#enable-protection)."""
APP_NAME = "Backup Management Service"
LABEL = "backup_management_service"


def ways(request: Request) -> Ways:
    """How a vault gets the policy that a request describes: `keys` and `secrets` are permissions. Raises RefusedError."""
    resource = request.resource
    place = resource.block.locate() if resource.block is not None else None
    if place is None or place.source.name.endswith(".json") or resource.source_type != "azurerm_key_vault":
        raise RefusedError("it is not written as a block")
    if resource.get("properties.enableRbacAuthorization").data is not False:
        raise RefusedError("the vault works with roles: which one is given is to be decided")
    source = place.source
    block = next((each for each in parsed(source).body.blocks if each.start == place.start), None)
    if block is None or {"count", "for_each", "access_policy"} & block.body.attributes.keys():
        raise RefusedError("the vault is made in a loop, or its policies are not written as blocks")
    if any(each.type == "dynamic" for each in block.body.blocks):
        raise RefusedError("the policies of the vault are made in a loop")
    principal, data = _principal(request, directory_of(source))
    inline = [each for each in block.body.blocks if each.type == "access_policy"]
    name = f"azurerm_key_vault.{block.labels[1]}"
    rows = _permissions(request, directory_of(source))
    if inline:
        edit = _inside(source, inline[-1], principal, rows)
        edits = (edit, *_after(source, block, *data))
    else:
        header = rf'"?azurerm_key_vault_access_policy"?\s+"?{LABEL}"?'
        if mentions(directory_of(source), header, request.reader):
            raise RefusedError(f"there is a azurerm_key_vault_access_policy.{LABEL} already")
        own = [("key_vault_id", f"{name}.id"), ("tenant_id", f"{name}.tenant_id"), ("object_id", principal), *rows]
        edits = _after(source, block, *data, _block("resource", "azurerm_key_vault_access_policy", own))
    return Ways(use=edits, use_spot=spot(place))


def _principal(request: Request, directory: str) -> tuple[str, tuple[list[str], ...]]:
    """The expression of the object id, and the data source that is to be added for it."""
    for source in module_sources(directory, request.reader):
        if source.name.endswith(".json"):
            continue
        for block in parsed(source).body.blocks:
            if block.type == "data" and block.labels[:1] == ("azuread_service_principal",) and _is_backup(block):
                principal = f"data.azuread_service_principal.{block.labels[1]}.object_id"
                if mentions(directory, rf"\bobject_id\s*=\s*{re.escape(principal)}\b", request.reader):
                    raise RefusedError("Azure Backup has a policy here already: give it what is missing")
                return principal, ()
    if not mentions(
        directory, r"\bazuread_\w+\b|\"(?:registry[.\w/]+)?hashicorp/azuread\"|\bprovider\s+\"azuread\"", request.reader
    ):
        raise RefusedError("the azuread provider, which looks up the object id of Azure Backup, is not used here")
    if mentions(directory, rf'"?azuread_service_principal"?\s+"?{LABEL}"?', request.reader):
        raise RefusedError(f"there is a data.azuread_service_principal.{LABEL} already")
    older = mentions(directory, r"\bapplication_id\s*=", request.reader)
    rows = [("application_id" if older else "client_id", literals.hcl(APP_ID))]
    return f"data.azuread_service_principal.{LABEL}.object_id", (_block("data", "azuread_service_principal", rows),)


def _is_backup(block: Block) -> bool:
    written = block.body.attributes
    if {"count", "for_each"} & written.keys():
        return False
    ids = [written[name].expr for name in ("client_id", "application_id") if name in written]
    return any(_says(each, APP_ID) for each in ids) or (
        "display_name" in written and _says(written["display_name"].expr, APP_NAME)
    )


def _says(expr: Expr, text: str) -> bool:
    return isinstance(expr, Literal) and str(expr.value).casefold() == text.casefold()


def _permissions(request: Request, directory: str) -> list[tuple[str, str]]:
    """The arguments with permissions, in the case of those that are there: older providers want lower case."""
    lower = mentions(directory, r'"get"', request.reader) and not mentions(directory, r'"Get"', request.reader)
    rows = []
    for argument, member in (("key_permissions", "keys"), ("secret_permissions", "secrets")):
        given = [str(each).lower() if lower else str(each).capitalize() for each in request.value.get(member, ())]
        rows += [(argument, literals.hcl(given))] if given else []
    return rows


def _block(kind: str, type_: str, pairs: list[tuple[str, str]]) -> list[str]:
    return [f'{kind} "{type_}" "{LABEL}" {{', *(f"  {row}" for row in _aligned(pairs)), "}"]


def _aligned(pairs: list[tuple[str, str]]) -> list[str]:
    width = max(len(name) for name, _ in pairs)
    return [f"{name:{width}} = {text}" for name, text in pairs]


def _after(source: Source, block: Block, *new: list[str]) -> tuple[Edit, ...]:
    """Blocks behind a block of the file, each an edit of its own."""
    data = source.data
    end, at = newline(data, block.start), line_end(data, block.end)
    first = "" if data[at - 1 : at] == b"\n" else end
    texts = [f"{end}{end.join(rows)}{end}" for rows in new]
    return tuple(inserting(source, at, text if number else first + text) for number, text in enumerate(texts))


def _inside(source: Source, last: Block, principal: str, rows: list[tuple[str, str]]) -> Edit:
    """A policy behind the last one of a vault, for the same tenant."""
    data, written = source.data, last.body.attributes
    if (
        "tenant_id" not in written
        or data[last.end : line_end(data, last.end)].strip()
        or b"\n" not in data[last.start : last.end]
    ):
        raise RefusedError("the last policy of the vault is not written out on lines of its own")
    tenant = data[written["tenant_id"].expr.start : written["tenant_id"].expr.end].decode()
    indent, end = indentation(data, last.start), newline(data, last.start)
    unit = indentation(data, written["tenant_id"].start).removeprefix(indent) or "  "
    pairs = [("tenant_id", tenant), ("object_id", principal), *rows]
    lines = ["", f"{indent}access_policy {{", *(f"{indent}{unit}{row}" for row in _aligned(pairs)), f"{indent}}}", ""]
    at = line_end(data, last.end)
    return replacing(Place(source, at - 1, at), "\n" + end.join(lines))

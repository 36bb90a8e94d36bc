"""A provider without a cloud: plans whatever it is given, so that a real Terraform core makes real plans.

Its schemas are inferred from the configuration (see `Schemas`): every attribute that is written is optional, `id` and
what other expressions refer to without its being written is computed. So defaults that the true provider fills in are
null in its plans, and there is no validation. It speaks version 6 of the plugin protocol
(https://developer.hashicorp.com/terraform/plugin/terraform-plugin-protocol) by way of the PyPI package `tf`.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Iterator
from concurrent import futures
from pathlib import Path
from typing import Any

import grpc
import msgpack
from tf.gen import tfplugin_pb2 as pb
from tf.gen import tfplugin_pb2_grpc as rpc

from bklint.syntax.node import Block, Body, Literal, ObjectExpr, Template, TupleExpr

UNKNOWN = msgpack.ExtType(0, b"\x00")
_REFERENCE = re.compile(
    r"\b(data\.)?([a-z]+_[a-z0-9_]+)\.[A-Za-z_][\w-]*(?:\[[^\]]*\]|\.\*)?\.([a-z_0-9]+)(?:(?:\[\d+\]|\.\d+)\.([a-z_0-9]+))?"
)
_META = {"count", "for_each", "provider", "depends_on"}
_META_BLOCKS = {"lifecycle", "provisioner", "connection", "timeouts"}


class Schemas:
    """The schemas of the types that a configuration uses, inferred from how it uses them."""

    def __init__(self) -> None:
        self.types: dict[tuple[str, str], dict[str, Any]] = {}
        """(mode, type) to {attributes: {name: type}, blocks: {name: the same}, computed: set of names}."""

    def add(self, mode: str, block: Block) -> None:
        """Learn from a resource or data block."""
        self._body(self._of(mode, block.labels[0]), block.body, _META)

    def refer(self, text: str) -> None:
        """Learn from the references in a file: attributes that are nowhere written are computed."""
        for data, type_, name, inner in _REFERENCE.findall(text):
            schema = self.types.get(("data" if data else "resource", type_))
            if schema is None:
                continue
            if name in schema["blocks"]:
                if inner and inner not in schema["blocks"][name]["attributes"]:
                    schema["blocks"][name]["attributes"][inner] = "string"
                    schema["blocks"][name]["computed"].add(inner)
            elif name not in schema["attributes"]:
                schema["attributes"][name] = "string" if not inner else ["list", ["object", {inner: "string"}]]
                schema["computed"].add(name)

    def _of(self, mode: str, type_: str) -> dict[str, Any]:
        found = self.types.get((mode, type_))
        if found is None:
            found = self.types[mode, type_] = _empty()
            found["attributes"]["id"] = "string"
            found["computed"].add("id")
        return found

    def _body(self, schema: dict[str, Any], body: Body, meta: set[str]) -> None:
        for name, attribute in body.attributes.items():
            if name not in meta:
                known = schema["attributes"].get(name)
                schema["attributes"][name] = _joined(known, _type_of(attribute.expr, name))
        for block in body.blocks:
            name, inner = block.type, block.body
            if name in _META_BLOCKS:
                continue
            if name == "dynamic":
                name = block.labels[0]
                inner = next(each.body for each in block.body.blocks if each.type == "content")
            self._body(schema["blocks"].setdefault(name, _empty()), inner, set())
            schema["attributes"].pop(name, None)


def _empty() -> dict[str, Any]:
    return {"attributes": {}, "blocks": {}, "computed": set()}


def _type_of(expr: object, name: str) -> Any:
    if isinstance(expr, Literal):
        kinds = {bool: "bool", int: "number", float: "number", str: "string"}
        return kinds.get(type(expr.value), "dynamic")
    if isinstance(expr, Template):
        return "string" if len(expr.parts) > 1 else "dynamic"
    if isinstance(expr, TupleExpr):
        plain = all(isinstance(item, Literal) for item in expr.items)
        return ["list", "string"] if plain and expr.items else "dynamic"
    if isinstance(expr, ObjectExpr) and name == "tags":
        return ["map", "string"]
    return "string" if name.endswith(("_id", "name")) else "dynamic"


def _joined(a: Any, b: Any) -> Any:
    if a is None or a == b or a == "dynamic":
        return b
    return a if b == "dynamic" else "dynamic"


def _schema(shape: dict[str, Any]) -> pb.Schema:
    return pb.Schema(version=0, block=_block(shape))


def _block(shape: dict[str, Any]) -> pb.Schema.Block:
    attributes = [
        pb.Schema.Attribute(
            name=name, type=json.dumps(type_).encode(), optional=True, computed=name in shape["computed"]
        )
        for name, type_ in sorted(shape["attributes"].items())
        if name not in shape["blocks"]
    ]
    blocks = [
        pb.Schema.NestedBlock(type_name=name, block=_block(inner), nesting=pb.Schema.NestedBlock.LIST)
        for name, inner in sorted(shape["blocks"].items())
    ]
    return pb.Schema.Block(version=0, attributes=attributes, block_types=blocks)


def _planned(shape: dict[str, Any], value: dict[str, Any]) -> dict[str, Any]:
    """The proposed state with what is computed and not written made unknown."""
    found = dict(value)
    for name in shape["attributes"]:
        if name in shape["computed"] and name in found and found[name] is None:
            found[name] = UNKNOWN
    for name, inner in shape["blocks"].items():
        if isinstance(found.get(name), list):
            found[name] = [_planned(inner, item) if isinstance(item, dict) else item for item in found[name]]
    return found


# ruff: noqa: N802 - the methods are called as in the protocol


class Servicer(rpc.ProviderServicer):  # type: ignore[misc]
    """The protocol over the schemas of the moment."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self.schemas = Schemas()

    def _shape(self, mode: str, type_: str) -> dict[str, Any]:
        return self.schemas.types[mode, type_]

    def GetMetadata(self, request: Any, context: Any) -> Any:
        return pb.GetMetadata.Response(server_capabilities=pb.ServerCapabilities(plan_destroy=True))

    def GetProviderSchema(self, request: Any, context: Any) -> Any:
        mine = {key: shape for key, shape in self.schemas.types.items() if key[1].startswith(self.prefix + "_")}
        anything = {"attributes": {}, "blocks": {}, "computed": set()}
        for name in ("subscription_id", "alias", "tenant_id", "storage_use_azuread", "resource_provider_registrations"):
            anything["attributes"][name] = "dynamic"
        anything["attributes"]["skip_provider_registration"] = "dynamic"
        anything["blocks"]["features"] = _empty()
        return pb.GetProviderSchema.Response(
            provider=_schema(anything),
            provider_meta=_schema(_empty()),
            resource_schemas={type_: _schema(shape) for (mode, type_), shape in mine.items() if mode == "resource"},
            data_source_schemas={type_: _schema(shape) for (mode, type_), shape in mine.items() if mode == "data"},
        )

    def ValidateProviderConfig(self, request: Any, context: Any) -> Any:
        return pb.ValidateProviderConfig.Response()

    def ValidateResourceConfig(self, request: Any, context: Any) -> Any:
        return pb.ValidateResourceConfig.Response()

    def ValidateDataResourceConfig(self, request: Any, context: Any) -> Any:
        return pb.ValidateDataResourceConfig.Response()

    def ConfigureProvider(self, request: Any, context: Any) -> Any:
        return pb.ConfigureProvider.Response()

    def PlanResourceChange(self, request: Any, context: Any) -> Any:
        proposed = msgpack.unpackb(request.proposed_new_state.msgpack, ext_hook=msgpack.ExtType, strict_map_key=False)
        if proposed is not None:
            proposed = _planned(self._shape("resource", request.type_name), proposed)
        return pb.PlanResourceChange.Response(planned_state=pb.DynamicValue(msgpack=msgpack.packb(proposed)))

    def ReadDataSource(self, request: Any, context: Any) -> Any:
        raise NotImplementedError("there is no cloud to read from")

    def StopProvider(self, request: Any, context: Any) -> Any:
        return pb.StopProvider.Response()


def serve(servicers: dict[str, Servicer], directory: str) -> Iterator[dict[str, str]]:
    """Serve providers on sockets in a directory; yields what TF_REATTACH_PROVIDERS is to be, once they listen."""
    attach = {}
    servers = []
    for name, servicer in servicers.items():
        server = grpc.server(futures.ThreadPoolExecutor(max_workers=4))
        rpc.add_ProviderServicer_to_server(servicer, server)
        socket = os.path.join(directory, f"{name}.sock")
        server.add_insecure_port(f"unix://{socket}")
        server.start()
        servers.append(server)
        address = {"Network": "unix", "String": socket}
        source = "azure/azapi" if name == "azapi" else f"hashicorp/{name}"
        attach[f"registry.terraform.io/{source}"] = {
            "Protocol": "grpc",
            "ProtocolVersion": 6,
            "Pid": os.getpid(),
            "Test": True,
            "Addr": address,
        }
    try:
        yield {"TF_REATTACH_PROVIDERS": json.dumps(attach)}
    finally:
        for server in servers:
            server.stop(grace=0)


def learn(schemas: Schemas, files: dict[str, str]) -> None:
    """Learn from all `.tf` files of a configuration, its modules included."""
    from bklint.source import Source
    from bklint.syntax import hcl

    bodies = [hcl.parse(Source(name, text.encode())).body for name, text in files.items() if name.endswith(".tf")]
    for body in bodies:
        for block in body.blocks:
            if block.type in ("resource", "data") and len(block.labels) == 2:
                schemas.add(block.type, block)
    for text in files.values():
        schemas.refer(text)


def scratch() -> Path:
    """A new directory."""
    return Path(tempfile.mkdtemp(prefix="plan-"))

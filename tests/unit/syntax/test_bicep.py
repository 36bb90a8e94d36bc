"""Bicep: declarations by symbol, the trees of their values, and what damaged text leaves of them."""

from __future__ import annotations

import random
from time import monotonic

import pytest

from bklint.source import Source
from bklint.syntax import bicep
from bklint.syntax.bicep import Declaration, File, Node, body_of

TEXT = """\
// a comment
targetScope = 'resourceGroup'

@description('''
param notThis string
''')
@allowed(['a', 'b'])
param zone string = 'a'
param list array?
import { x, y } from './types.bicep'
var shapes = { a: 1, 'b c': [1, 2] }
resource vnet 'Microsoft.Network/virtualNetworks@2023-01-01' existing = {
  name: 'x'
  resource sub 'subnets@2023-01-01' = {
    name: 's'
    properties: { q: 1 }
  }
}
resource vms 'Microsoft.Compute/virtualMachines@2023-01-01' = [for (n, i) in list: if (n.on) {
  name: n.?name ?? '}'
  ...extra
  ...(zone == 'a' ? { tags: {} } : {})
  '${zone}x': 1
  properties: zone == 'a' ? { size: 1 } : union({ size: 2 }, { more: n!.x })
}]
module m './m.bicep' = if (true) {
  name: 'm'
  params: { zone: zone }
} // behind it
output o string = vnet.id
"""


def parsed(text: str) -> File:
    return bicep.parse(Source("main.bicep", text.encode()))


def declared(file: File, kind: str, symbol: str) -> Declaration:
    found = file.find(kind, symbol)
    assert found is not None, symbol
    return found


def names(node: Node | None) -> list[str]:
    body = body_of(node)
    return [member.name for member in body.members] if body is not None else []


def test_declarations() -> None:
    file = parsed(TEXT)
    found = [(one.kind, one.symbol, one.type, one.existing) for one in file.declarations]
    assert found == [
        ("param", "zone", "", False),
        ("param", "list", "", False),
        ("var", "shapes", "", False),
        ("resource", "vnet", "Microsoft.Network/virtualNetworks", True),
        ("resource", "vms", "Microsoft.Compute/virtualMachines", False),
        ("module", "m", "./m.bicep", False),
        ("output", "o", "", False),
    ]
    module = declared(file, "module", "m")
    assert file.source.text(*module.header) == "module m './m.bicep'"
    assert file.source.text(*module.span).endswith("}")
    assert [file.source.text(*span) for span in file.comments] == ["// a comment", "// behind it"]


def test_values() -> None:
    file = parsed(TEXT)
    assert names(declared(file, "var", "shapes").value) == ["a", "b c"]
    assert list(declared(file, "param", "zone").decorators) == ["description", "allowed"]
    assert len(declared(file, "param", "zone").decorators["allowed"].items) == 2
    assert declared(file, "param", "list").value is None
    nested = declared(file, "resource", "vnet").nested
    assert [(one.symbol, one.type, names(one.value)) for one in nested] == [
        ("sub", "Microsoft.Network/virtualNetworks/subnets", ["name", "properties"])
    ]


def test_loops_conditions_and_new_syntax() -> None:
    file = parsed(TEXT)
    value = declared(file, "resource", "vms").value
    assert value is not None
    assert [value.kind, value.items[0].kind] == ["loop", "if"]
    assert file.source.text(*value.head) == "[for (n, i) in list: "
    assert file.source.text(*value.items[0].head) == "if (n.on) "
    assert names(value) == ["name", "...", "...", "", "properties"]


def test_a_damaged_declaration_leaves_the_others() -> None:
    file = parsed("resource a 'T/a@1' = {\n  name: [(\nresource b 'T/b@1' = {\n  name: 'b'\n}\n")
    assert [one.symbol for one in file.declarations] == ["a", "b"]
    assert names(declared(file, "resource", "b").value) == ["name"]


@pytest.mark.parametrize(
    "text", ["", "'", "'''", "/*", "@", "resource", "resource a", "module m ' = {", "var x = [", "\ufeffvar x = 1"]
)
def test_pieces(text: str) -> None:
    for one in parsed(text).declarations:
        assert one.nested == []


def test_a_byte_order_mark_is_no_text() -> None:
    file = parsed("\ufeffparam a int = 1\r\nparam b int = 2\r\n")
    assert [one.symbol for one in file.declarations] == ["a", "b"]


def test_mutations_do_not_raise() -> None:
    random.seed(5)
    for _ in range(150):
        at, size = random.randrange(len(TEXT)), random.randrange(1, 40)
        for one in parsed(TEXT[:at] + random.choice("{}[]()'@?:\n") + TEXT[at + size :]).declarations:
            assert one.start <= one.header.start < one.header.end <= max(one.end, one.header.end)
            assert one.value is None or one.start <= one.value.start <= one.value.end <= one.end


@pytest.mark.parametrize("piece", ["x ? y : {", "[for a in b: {", "{ a: ", "'${", "!", "a ?? ", "1 + ", "@x(\n"])
def test_hostile_text_ends_in_time(piece: str) -> None:
    began = monotonic()
    file = parsed("var x = " + piece * 5000 + "\nvar y = { a: 1 }\n")
    assert monotonic() - began < 1
    for one in file.declarations:
        assert one.value is None or one.value.end > 0
    assert monotonic() - began < bicep.MAX_SECONDS + 2

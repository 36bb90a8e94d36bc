"""Inputs for the fuzzer: texts damaged byte by byte, JSON trees and Terraform texts recombined, expressions made by a grammar.

Damage finds what parsers do not expect. Recombination and grammars make texts that still parse, so that what lies behind the
parsers is reached: evaluators, lowering, facts, conditions, fixes. Everything follows from the generator that is handed in.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from functools import cache
from random import Random
from typing import Any

MAX_INPUT = 40_000
"""Longest input that is made, in bytes."""

TOKENS = (
    b"{", b"}", b"[", b"]", b"(", b")", b'"', b"'", b"${", b"%{", b"%{ if ", b"%{ endif }", b"<<EOT\n", b"EOT\n", b"\\", b"\n",
    b"\r\n", b"\x00", b"\xff", b"\xef\xbb\xbf", b"\xff\xfe", b"\xed\xa0\x80", b",", b":", b"=", b"==", b"?", b"...", b"//",
    b"/*", b"*/", b"#", b"null", b"true", b"-1", b"1e999", b"99999999999999999999", b"NaN", b"[*]", b".*", b"each.key",
    b"count.index", b"var.x", b"local.a", b"module.m", b"data.x.y", b"self", b"path.module", b"for x in ", b"for_each", b"count",
    b"dynamic", b"[concat(", b"[parameters('", b"[variables('", b"[copyIndex()]", b"[reference(", b"[resourceId('", b"')]",
    b"[[", b"\\u0000", b"\\ud800", b"- ", b"  ", b"\t", b"&a", b"*a", b"!!", b"<<: ", b"---", b"|", b">", b"`", b"$(", b"@'",
    b"<#", b"#>", b"if [ ", b"done", b"fi", b"| sh", b"&&", b"%FOO%", b"168.63.129.16", b"0.0.0.0/0", b"\xe2\x80\xae",
    b"bklint: ", b"jsondecode(", b"yamldecode(", b"templatefile(", b"regex(", b"format(\"%", b"merge(", b"flatten(",
    b"setproduct(", b"try(", b"cidrsubnet(", b"base64gzip(", b"join(", b"split(", b"range(",
    b"# bklint: ignore[BKP301] x", b"// bklint: ignore", b"bklint: ignore-file[*] y", b"\x1b[31m", b"::error::x",
    b"##vso[task.x]y",     b"&lt;", b"<![CDATA[", b"<!ENTITY a 'b'>", b"iptables -P OUTPUT DROP\n",
    b"function f { f; }\nf\n", b"a=$a$a\n", b"<<EOF\n",
)  # fmt: skip

Maker = Callable[[Sequence[bytes], Random], bytes]
"""Makes an input from the seeds of its kind."""


def damaged(seeds: Sequence[bytes], random: Random) -> bytes:
    """One of the seeds, damaged in one to eight places."""
    data = bytearray(random.choice(seeds))
    for _ in range(random.randrange(1, 9)):
        at, to = sorted((random.randrange(len(data) + 1), random.randrange(len(data) + 1)))
        kind = random.randrange(8)
        if kind == 0:
            del data[at : min(to, at + 60)]
        elif kind == 1:
            data[at:at] = random.choice(TOKENS)
        elif kind == 2:
            data[at:at] = random.choice(TOKENS) * random.choice((2, 20, 300))
        elif kind == 3:
            data[at:at] = data[at : min(to, at + 400)]
        elif kind == 4:
            other = random.choice(seeds)
            start = random.randrange(len(other) + 1)
            data[at : min(to, at + 200)] = other[start : start + random.randrange(400)]
        elif kind == 5 and data:
            data[min(at, len(data) - 1)] = random.randrange(256)
        elif kind == 6:
            del data[at:]
        else:
            data[at : min(to, at + 20)] = random.choice(TOKENS)
    return bytes(data[:MAX_INPUT])


# -- JSON ----------------------------------------------------------------------------------------------------------

_ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1.5, 10**30, 1e308, "", "x", " ", "null", "[", "[[x", "[a(", "\u202e\u0000", "::error::x",
    "A" * 3000, [], {}, [[]], [None], {"": None}, {"a": {"b": []}}, "[parameters('x')]", "[variables('a')]", "[reference('a').b]",
    "[copyIndex()]", "${var.x}", "${local.a[0]}", "%{ for x in y }", "/subscriptions/s/resourceGroups/g", "0.0.0.0/0", "*",
    "65535", ["10.0.0.0/8", 5, None], "True", "Deny", "Outbound", "Microsoft.Compute/virtualMachines",
    "168.63.129.16", 100, "100",
)  # fmt: skip


@cache
def _tree(data: bytes) -> Any:
    try:
        return json.loads(data.decode("utf-8-sig"))
    except ValueError:
        return None


def recombined(seeds: Sequence[bytes], random: Random) -> bytes:
    """A JSON text of the seeds with subtrees replaced, moved, repeated, renamed and dropped; it is JSON still."""
    trees = [tree for tree in map(_tree, seeds) if isinstance(tree, (dict, list))]
    if not trees:
        return damaged(seeds, random)
    tree = json.loads(json.dumps(random.choice(trees)))
    for _ in range(random.randrange(1, 7)):
        holder = random.choice(_holders(tree))
        keys: list[Any] = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
        if not keys:
            continue
        key, kind = random.choice(keys), random.randrange(7)
        if kind == 0:
            del holder[key]
        elif kind == 1:
            holder[key] = _copy(random.choice(_ODD))  # a list put in as it is would in time hold itself
        elif kind == 2:
            holder[key] = _copy(_below(random.choice(trees), random))
        elif kind == 3:
            holder[key] = [_copy(holder[key]), _copy(holder[key])]
        elif kind == 4:
            holder[key] = {"value": _copy(holder[key]), str(random.choice(_ODD))[:40]: _copy(random.choice(_ODD))}
        elif kind == 5 and isinstance(holder, dict):
            holder[random.choice((str(key).upper(), str(key) + "s", "copy", "type", "name", "condition", "value"))] = (
                _copy(holder[key])
            )
        else:
            holder[key] = _expression(random)
    return json.dumps(tree, indent=random.choice((None, 2))).encode("utf-8", "surrogatepass")[: 4 * MAX_INPUT]


def _holders(tree: Any) -> list[Any]:
    found, pending = [], [tree]
    while pending:
        each = pending.pop()
        if isinstance(each, (dict, list)):
            found.append(each)
            pending.extend(each.values() if isinstance(each, dict) else each)
    return found


def _below(tree: Any, random: Random) -> Any:
    return random.choice(_holders(tree))


def _copy(value: Any) -> Any:
    return json.loads(json.dumps(value)) if len(repr(value)) < MAX_INPUT else None


def _expression(random: Random) -> str:
    text = template_expression(random)
    return text if random.random() < 0.5 else "${" + terraform_expression(random) + "}"


# -- Terraform -----------------------------------------------------------------------------------------------------

_ASSIGNED = re.compile(rb"(?<==)[ \t]*[^\s={][^\n]*")
_BLOCK = re.compile(rb"^[a-z]+ (?:\"[^\"\n]*\" )*\{.*?^\}\n?", re.MULTILINE | re.DOTALL)


def rewritten(seeds: Sequence[bytes], random: Random) -> bytes:
    """A Terraform text of the seeds with values replaced by expressions and blocks moved, repeated and taken from others."""
    data = random.choice(seeds)
    for _ in range(random.randrange(1, 6)):
        kind = random.randrange(6)
        if kind < 3:
            places = list(_ASSIGNED.finditer(data))
            if places:
                place = random.choice(places)
                data = data[: place.start()] + b" " + terraform_expression(random).encode() + data[place.end() :]
        elif kind == 3:
            data += b"\n" + _some_block(seeds, random)
        elif kind == 4:
            places = list(_BLOCK.finditer(data))
            if places:
                place = random.choice(places)
                data = data[: place.start()] + data[place.end() :]
        else:
            extra = random.choice(("count = ", "for_each = ", "depends_on = ", "provider = ", "source = ")).encode()
            opened = [found.end() for found in re.finditer(rb"\{\n", data)]
            if opened:
                at = random.choice(opened)
                data = data[:at] + b"  " + extra + terraform_expression(random).encode() + b"\n" + data[at:]
    return data[:MAX_INPUT]


def _some_block(seeds: Sequence[bytes], random: Random) -> bytes:
    blocks = _BLOCK.findall(random.choice(seeds))
    return bytes(random.choice(blocks)) if blocks else b""


# -- expressions ---------------------------------------------------------------------------------------------------

_LITERALS = (
    "0", "1", "-1", "2.5", "1e9", "1e400", "99999999999999999999999", "null", "true", "false", '""', '"a"', '"10.0.0.0/8"',
    '"0x1F"', '"2020-01-01T00:00:00Z"', '"{}"', '"[1]"', '"a,b"', '"é\\u0000"', '"(a+)+$"', '"%s%d%v%q%#v%*d"', '"YYYY-MM-DD"',
    '"H4sIAAAA"', '"fe80::/10"', '"../../x"', '"/etc/passwd"', '"."', "[]", "{}", '["a", "b"]',
    "[1, null, [2]]", "{a = 1, b = {c = []}}",
    "var.x", "local.a", "local.b", "each.value", "count.index", "path.module", "terraform.workspace", "module.m.o", "data.d.e.f",
    "azurerm_managed_disk.d.id", "azurerm_managed_disk.d", "var.s", "var.o",
)  # fmt: skip
_OPERATORS = ("+", "-", "*", "/", "%", "==", "!=", "<", ">", "<=", ">=", "&&", "||")


@cache
def _terraform_functions() -> tuple[str, ...]:
    from bklint.frontends.terraform.functions import names

    return tuple(sorted(names()))


@cache
def _template_functions() -> tuple[str, ...]:
    from bklint.frontends.arm import evaluate, functions  # noqa: F401 - the first fills the tables

    return tuple(sorted(functions.FUNCTIONS))


def terraform_expression(random: Random, depth: int = 3) -> str:
    """An expression of Terraform: functions, operators, templates, loops, indexes."""

    def inner() -> str:
        return terraform_expression(random, depth - 1)

    if depth == 0 or random.random() < 0.15:
        return random.choice(_LITERALS)
    kind = random.randrange(12)
    if kind < 5:
        many = "..." if random.random() < 0.08 else ""
        return (
            f"{random.choice(_terraform_functions())}({', '.join(inner() for _ in range(random.randrange(4)))}{many})"
        )
    return (
        lambda: f"({inner()} {random.choice(_OPERATORS)} {inner()})",
        lambda: f"({inner()} ? {inner()} : {inner()})",
        lambda: f"[{', '.join(inner() for _ in range(random.randrange(3)))}]",
        lambda: f"{{a = {inner()}, ({inner()}) = {inner()}}}",
        lambda: f"[for k, v in {inner()} : {random.choice(('k', 'v', inner()))} if {inner()}]",
        lambda: f"{{for k, v in {inner()} : {random.choice(('k', 'v'))} => {random.choice(('v...', 'v', inner()))}}}",
        lambda: random.choice((
            f'"x${{{inner()}}}y"',
            f'"%{{ for a in {inner()} }}${{a}}%{{ endfor }}"',
            f"{inner()}[{inner()}]",
            f"{inner()}[*].a",
            f"{inner()}.a.b",
            f"!{inner()}",
        )),
    )[kind - 5]()  # fmt: skip


_ARM_LITERALS = (
    "0", "1", "-5", "123456789012345678901", "''", "'a'", "'10.0.0.0/8'", "'{0}{1:N}'", "'it''s'", "'[x'", "'{\"a\":[1]}'",
    "'a,b'", "parameters('x')", "parameters('o')", "variables('a')", "variables('l')", "createArray()",
    "createObject()", "true()",
    "null()", "copyIndex()", "resourceGroup().location", "subscription()", "deployment()", "'2020-01-01T00:00:00Z'", "'P1D'",
    "'Microsoft.A/b'", "lambdaVariables('i')", "newGuid()", "utcNow()", "'é\u0000'", "'%41'", "'TWFu'",
)  # fmt: skip


def template_expression(random: Random, depth: int = 3) -> str:
    """An expression of an ARM template, in its brackets."""
    return f"[{_arm(random, depth)}]"


def _arm(random: Random, depth: int) -> str:
    if depth == 0 or random.random() < 0.15:
        return random.choice(_ARM_LITERALS)
    inner = [_arm(random, depth - 1) for _ in range(random.randrange(4))]
    kind = random.randrange(10)
    if kind == 0:
        return f"lambda('i', {_arm(random, depth - 1)})"
    if kind == 1:
        looped = random.choice(("map", "filter", "mapValues", "toObject"))
        return f"{looped}({_arm(random, depth - 1)}, lambda('i', {_arm(random, depth - 1)}))"
    called = f"{random.choice(_template_functions())}({', '.join(inner)})"
    return called + random.choice(("", "", "", ".a", "[0]", ".a.b[1]", f"[{_arm(random, depth - 1)}]"))


def expression_of(make: Callable[[Random], str]) -> Maker:
    """A maker of expressions by a grammar."""
    return lambda seeds, random: make(random).encode("utf-8", "surrogatepass")[:MAX_INPUT]

"""HCL text and Terraform JSON into nodes: what each construct becomes, where it is, and what an error spoils."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bklint.errors import InputError
from bklint.source import Source
from bklint.syntax import hcl, hcl_strict
from bklint.syntax.node import (
    Attribute,
    Bad,
    Binary,
    Block,
    Body,
    Call,
    Conditional,
    Expr,
    ForExpr,
    GetAttr,
    Index,
    Literal,
    Name,
    ObjectExpr,
    Splat,
    SplatItem,
    Template,
    TemplateFor,
    TemplateIf,
    TupleExpr,
    Unary,
)


def parse(text: str | bytes) -> hcl.File:
    return hcl.parse(Source("main.tf", text if isinstance(text, bytes) else text.encode()))


def shown(expr: Expr) -> str:
    """An expression in one line, every grouping in brackets."""
    match expr:
        case Literal(value=value):
            return repr(value)
        case Template(parts=parts):
            return f"T({row(parts)})"
        case TemplateIf(test=test, then=then, otherwise=otherwise):
            return f"%if({shown(test)}: {row(then)}: {row(otherwise)})"
        case TemplateFor(key=key, value=value, collection=collection, parts=parts):
            return f"%for({key} {value} {shown(collection)}: {row(parts)})"
        case TupleExpr(items=items):
            return f"[{row(items)}]"
        case ObjectExpr(items=items):
            return "{" + ", ".join(f"{shown(key)}: {shown(value)}" for key, value in items) + "}"
        case Name(name=name):
            return name
        case GetAttr(target=target, name=name):
            return f"{shown(target)}.{name}"
        case Index(target=target, key=key):
            return f"{shown(target)}[{shown(key)}]"
        case Splat(target=target, each=each, full=full):
            return f"{shown(target)}{'[*]' if full else '.*'}<{shown(each)}>"
        case SplatItem():
            return "@"
        case Call(name=name, args=args, expand=expand):
            return f"{name}({row(args)}{'...' if expand else ''})"
        case Unary(operator=operator, operand=operand):
            return f"({operator}{shown(operand)})"
        case Binary(operator=operator, left=left, right=right):
            return f"({shown(left)} {operator} {shown(right)})"
        case Conditional(test=test, then=then, otherwise=otherwise):
            return f"({shown(test)} ? {shown(then)} : {shown(otherwise)})"
        case ForExpr():
            return shown_for(expr)
        case Bad():
            return "BAD"
    raise AssertionError(expr)


def shown_for(expr: ForExpr) -> str:
    key = f"{shown(expr.key)} => " if expr.key else ""
    names = f"{expr.key_name}, {expr.value_name}" if expr.key_name else expr.value_name
    condition = f" if {shown(expr.condition)}" if expr.condition else ""
    return f"for({names} in {shown(expr.collection)}: {key}{shown(expr.value)}{'...' if expr.group else ''}{condition})"


def row(parts: tuple[Expr, ...]) -> str:
    return ", ".join(shown(part) for part in parts)


EXPRESSIONS = [
    # literals
    ('"plain"', "'plain'"),
    ('""', "''"),
    ('"é😀\t"', "'é😀\\t'"),
    ("7", "7"),
    ("007", "7"),
    ("0.25", "0.25"),
    ("1.0", "1"),
    ("1e3", "1000"),
    ("1.5E-1", "0.15"),
    ("[1e2, x1e3]", "[100, x1e3]"),
    ("true", "True"),
    ("false", "False"),
    ("null", "None"),
    # escapes
    (r'"\n\r\t\"\\"', repr('\n\r\t"\\')),
    (r'"\u00e9\U0001F600"', "'é😀'"),
    ('"$${x} %%{y} $ % $$ {"', "'${x} %{y} $ % $$ {'"),
    # traversals
    ("azurerm_x.y.id", "azurerm_x.y.id"),
    ("a.b . c", "a.b.c"),
    ("x.0.y", "x[0].y"),
    ('x["k"][i + 1].z', "x['k'][(i + 1)].z"),
    ("f(x).y[0]", "f(x).y[0]"),
    ("(x).y", "x.y"),
    # splats
    ("a[*]", "a[*]<@>"),
    ("a.*", "a.*<@>"),
    ("a[*].b[0].c", "a[*]<@.b[0].c>"),
    ("a.*.b[0].c", "a.*<@.b>[0].c"),
    ("a.*.b.0.c", "a.*<@.b[0].c>"),
    ("a[*].b[*].c", "a[*]<@.b[*]<@.c>>"),
    ("a.b[*][0]", "a.b[*]<@[0]>"),
    # calls
    ("f()", "f()"),
    ("f(1, [2], )", "f(1, [2])"),
    ("f(a, b...)", "f(a, b...)"),
    ("provider::azurerm::parse(id)", "provider::azurerm::parse(id)"),
    ("f(\n  1, # one\n  2\n)", "f(1, 2)"),
    # operators
    ("1 + 2 * 3", "(1 + (2 * 3))"),
    ("1 * 2 + 3", "((1 * 2) + 3)"),
    ("8 - 4 - 2", "((8 - 4) - 2)"),
    ("8 / 4 % 3", "((8 / 4) % 3)"),
    ("-a + b", "((-a) + b)"),
    ("-a.b", "(-a.b)"),
    ("!a == b", "((!a) == b)"),
    ("!a.b[0]", "(!a.b[0])"),
    ("!!a", "(!(!a))"),
    ("a || b && c", "(a || (b && c))"),
    ("a && b || c", "((a && b) || c)"),
    ("a == b > c", "(a == (b > c))"),
    ("a != b && c <= d + 1", "((a != b) && (c <= (d + 1)))"),
    ("(1 + 2) * 3", "((1 + 2) * 3)"),
    ("1 + /* c */ 2", "(1 + 2)"),
    # conditionals: the grammar's first trap
    ("a ? b : c", "(a ? b : c)"),
    ("a ? b : c ? d : e", "(a ? b : (c ? d : e))"),
    ("a ? b : c ? d : e ? f : g", "(a ? b : (c ? d : (e ? f : g)))"),
    ("(a ? b : c) ? d : e", "((a ? b : c) ? d : e)"),
    ("a ? b ? c : d : e", "(a ? (b ? c : d) : e)"),
    ("a == 1 ? b + 1 : !c ? d : e", "((a == 1) ? (b + 1) : ((!c) ? d : e))"),
    ("[a ? 1 : 2, b ? 3 : c ? 4 : 5]", "[(a ? 1 : 2), (b ? 3 : (c ? 4 : 5))]"),
    # collections
    ("[]", "[]"),
    ("[\n  1,\n  # two\n  2,\n]", "[1, 2]"),
    ("{}", "{}"),
    ('{ a = 1, "b" : 2 }', "{'a': 1, 'b': 2}"),
    ("{\n  a = x\n  (b) = y\n}", "{'a': x, b: y}"),
    ("{\n  a = x # c\n\n  (b) = y\n  (c) : null\n  (d) = 1e2\n}", "{'a': x, b: y, c: None, d: 100}"),
    ('{\n  (a.b) = 1\n  "${c}-d" = 2\n}', "{a.b: 1, T(c, '-d'): 2}"),
    ("{ true = 1, null = 2, é = 3, 4 = 5 }", "{'true': 1, 'null': 2, 'é': 3, 4: 5}"),
    ("{ a = { b = [1] } }", "{'a': {'b': [1]}}"),
    ("{ azurerm.west = azurerm.w }", "{azurerm.west: azurerm.w}"),
    # for
    ("[for v in c : v.x]", "for(v in c: v.x)"),
    ("[for k, v in c : v if k]", "for(k, v in c: v if k)"),
    ("{for k, v in c : k => v}", "for(k, v in c: k => v)"),
    ("{\n  for v in c : v.k => v.x... if v.x != null\n}", "for(v in c: v.k => v.x... if (v.x != None))"),
    # templates; edge white space is the grammar's second trap
    ('"${x}"', "T(x)"),
    ('"${x.y}"', "T(x.y)"),
    ('"  ${x}  "', "T('  ', x, '  ')"),
    ('" a ${f(1)} b ${y} "', "T(' a ', f(1), ' b ', y, ' ')"),
    ('"${x}${y}"', "T(x, y)"),
    ('"${"a"}"', "T('a')"),
    ('"${lookup({a = "b"}, "c")}"', "T(lookup({'a': 'b'}, 'c'))"),
    ('"$${a}${b}"', "T('${a}', b)"),
    ('"\\t${x}\\n"', "T('\\t', x, '\\n')"),
    ('"${\n  x\n}"', "T(x)"),
    ('"a ${~ x ~} b"', "T('a', x, 'b')"),
    ('"${x ~} "', "T(x, '')"),
    ('"%{ if a }1%{ endif }"', "T(%if(a: '1': ))"),
    ('"%{ if a } 1 %{ else }2%{ endif }3"', "T(%if(a: ' 1 ': '2'), '3')"),
    ('"%{ for v in c }${v},%{ endfor }"', "T(%for(None v c: v, ','))"),
    ('"%{for k, v in c ~} ${k} %{~ endfor}"', "T(%for(k v c: k))"),
    ('"%{if a}%{if b}x%{endif}%{endif}"', "T(%if(a: %if(b: 'x': ): ))"),
]


@pytest.mark.parametrize(("text", "expected"), EXPRESSIONS, ids=[text for text, _ in EXPRESSIONS])
def test_expression(text: str, expected: str) -> None:
    assert shown(hcl.parse_expression(Source("x", text.encode()))) == expected
    file = parse(f"a = {text}\n")
    assert not file.problems
    attribute = file.body.attributes["a"]
    assert (shown(attribute.expr), attribute.damaged) == (expected, False)


HEREDOCS = [
    ("<<EOF\n  a\n\n b\nEOF", "  a\n\n b\n"),
    ("<<EOF\nEOF", ""),
    ("<<EOF\n\n  \nEOF", "\n  \n"),
    ("<<EOF\nx\n  EOF", "x\n"),
    ("<<EOF\nx\nEOF  ", "x\n"),
    ('<<EOF\n\\n "q" $${x} %%{y}\nEOF', '\\n "q" ${x} %{y}\n'),
    ("<<EOF\nEOFX\nEO\nEOF", "EOFX\nEO\n"),
    ("<<EOF\r\n a\r\n  b\r\nEOF", " a\r\n  b\r\n"),
    ("<<-EOF\n    a\n      b\n    EOF", "a\n  b\n"),
    ("<<-EOF\n    a\n\n      \n   b\n  EOF", " a\n\n      \nb\n"),
    ("<<-EOF\n\ta\n\t\tb\nEOF", "a\n\tb\n"),
    ("<<-EOF\r\n  a\r\n\r\n   b\r\nEOF", "a\r\n\r\n b\r\n"),
    ("<<-E\nflush\n  not\nE", "flush\n  not\n"),
]


@pytest.mark.parametrize(("text", "expected"), HEREDOCS)
def test_heredoc_text(text: str, expected: str) -> None:
    file = parse(f"a = {text}\nb = 1\n")
    assert (file.problems, shown(file.body.attributes["a"].expr)) == ((), repr(expected))
    assert list(file.body.attributes) == ["a", "b"]


HEREDOC_TEMPLATES = [
    ("<<EOF\n  ${x} y\nEOF", "T('  ', x, ' y\\n')"),
    ("<<-EOF\n    ${x}\n      b\n    EOF", "T(x, '\\n  b\\n')"),
    ("<<-EOF\n    a ${x}\n  ${y}\n  EOF", "T('  a ', x, '\\n', y, '\\n')"),
    ("<<-EOF\n${x}\n    b\nEOF", "T(x, '\\n    b\\n')"),
    ("<<EOF\n%{ for v in c ~}\n  ${v}\n%{ endfor ~}\nEOF", "T(%for(None v c: '  ', v, '\\n'))"),
    ("<<-EOF\n  %{ if a }\n  b\n  %{ endif }\n  EOF", "T(%if(a: '\\nb\\n': ), '\\n')"),
]


@pytest.mark.parametrize(("text", "expected"), HEREDOC_TEMPLATES)
def test_heredoc_template(text: str, expected: str) -> None:
    file = parse(f"a = {text}\n")
    expr = file.body.attributes["a"].expr
    assert (file.problems, shown(expr)) == ((), expected)
    assert isinstance(expr, Template)
    assert expr.heredoc


BODY = """\
# first
variable "size" { default = 1 }

resource azurerm_disk "é" { // second
  name = "x" /* third */
  tags = {
    a = 1 # fourth
  }
  empty {}
  os_disk {
    size = var.size
  }
}
"""


@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["plain", "bom"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"], ids=["lf", "crlf"])
def test_body(mark: str, line_end: str) -> None:
    data = (mark + BODY.replace("\n", line_end)).encode()
    file = parse(data)
    assert file.problems == ()
    assert (file.body.attributes, file.body.damaged) == ({}, False)
    variable, resource = file.body.blocks
    assert (variable.type, variable.labels, shown(variable.body.attributes["default"].expr)) == (
        "variable",
        ("size",),
        "1",
    )
    assert (resource.type, resource.labels, resource.lifted) == ("resource", ("azurerm_disk", "é"), False)
    assert data[resource.start : resource.header_end].decode() == 'resource azurerm_disk "é"'
    assert data[resource.end - 1 : resource.end] == b"}"
    assert data[resource.body.start - 1 : resource.body.start] + data[resource.body.end :][:1] == b"{}"
    assert [block.type for block in resource.body.blocks] == ["empty", "os_disk"]
    name = resource.body.attributes["name"]
    assert data[name.start : name.name_end] == b"name"
    assert data[name.start : name.end] == b'name = "x"'
    assert [comment.text for comment in file.comments] == ["# first", "// second", "/* third */", "# fourth"]
    assert [data[c.start : c.end].decode() for c in file.comments] == [c.text for c in file.comments]


SPANS = [
    (
        'a = "é${ x.y }😀"',
        [('"é${ x.y }😀"', Template), ("é", Literal), ("x.y", GetAttr), ("x", Name), ("😀", Literal)],
    ),
    ("a = [1, -b]", [("[1, -b]", TupleExpr), ("1", Literal), ("-b", Unary), ("b", Name)]),
    ("a = {k = v}", [("{k = v}", ObjectExpr), ("k", Literal), ("v", Name)]),
    ('a = {"k" : 1}', [('{"k" : 1}', ObjectExpr), ('"k"', Literal), ("1", Literal)]),
    ("a = p ? q : r ? s : t", [("p ? q : r ? s : t", Conditional), ("p", Name), ("q", Name)]),
    ("a = x[*].b", [("x[*].b", Splat), ("x", Name), ("[*].b", GetAttr), ("[*]", SplatItem)]),
    ("a = <<E\n\tx\nE", [("\tx\n", Literal)]),
    ("a = f(1)[0].z", [("f(1)[0].z", GetAttr), ("f(1)[0]", Index), ("f(1)", Call), ("1", Literal), ("0", Literal)]),
]


def nodes(value: object) -> Iterator[Expr]:
    """All expressions in an expression, outermost first, in the order of the text."""
    if isinstance(value, tuple):
        for item in value:
            yield from nodes(item)
    elif isinstance(value, Expr):
        yield value
        order = {"target": 0, "test": 1, "then": 2, "each": 3, "key": 3}
        slots = sorted(type(value).__slots__, key=lambda slot: order.get(slot, 9))
        for slot in slots:
            yield from nodes(getattr(value, slot))


@pytest.mark.parametrize(("text", "expected"), SPANS, ids=[text for text, _ in SPANS])
def test_spans(text: str, expected: list[tuple[str, type[Expr]]]) -> None:
    data = b"\xef\xbb\xbf# \xc3\xa9\r\n" + text.encode() + b"\n"
    found = [
        (data[node.start : node.end].decode(), type(node)) for node in nodes(parse(data).body.attributes["a"].expr)
    ]
    assert found[: len(expected)] == expected


def test_expression_in_a_source_keeps_its_place() -> None:
    source = Source("x", 'é = ["a", b]'.encode())
    expr = hcl.parse_expression(source, 5)
    assert [source.text(node.start, node.end) for node in nodes(expr)] == ['["a", b]', '"a"', "b"]


@pytest.mark.parametrize("text", ["", '["a"', "1\nb = 2", "1 2", "a {}", "}", "x ? y"])
def test_what_is_no_expression_is_bad(text: str) -> None:
    assert isinstance(hcl.parse_expression(Source("x", text.encode())), Bad)


REFUSED = [
    ("a = \n1\n", "name, `=` and the start of the value must stand on one line", "a"),
    ('a = "x\ny"\n', "a quoted string cannot hold a line end; a closing quote seems to be missing", '"x'),
    ('a = "\\q"\n', "`\\q` is not an escape sequence", "\\q"),
    ('a = "\\ud800"\n', "`\\ud800` is not an escape sequence", "\\ud800"),
    ('a = "${}"\n', "an interpolation `${…}` needs an expression", "${}"),
    ("a = 0x10\n", "`0x10` is not a number", "0x10"),
    ("a = x.0.1\n", "two legacy indexes behind each other; write `[…][…]`", ".0"),
    ("a = b\n[c]\n", "expected a line end, not more of the value above", "["),
    ("a = { b = 1 c = 2 }\n", "expected a line end or a comma before this", "c"),
    ("a = 1 b = 2\n", "expected a line end before this", "b"),
    ("x {} y {}\n", "expected a line end before this", "y"),
    ("x { a = 1\n}\n", "expected a line end before this", "a"),
    ("x {\na = 1 }\n", "expected a line end before this", "}"),
    ("a = { b = \n1 }\n", "key, `=` and the start of the value must stand on one line", "b"),
    ("a = { (b)\n= 1 }\n", "key, `=` and the start of the value must stand on one line", "(b)"),
    ("x\n{\n}\n", "the opening brace must stand on the line of the block's type and labels", "x"),
    ('x "${y}" {}\n', "a label cannot hold an interpolation", '"${y}"'),
    ("a = 1\na = 2\n", "the attribute 'a' is defined twice in one body", "a"),
    ('{"a": 1}\n', "expected attributes and blocks, not an object", "{"),
    ("a = [1, 2\nb = 3\n", "syntax error: unexpected `b`, expected `,`, `]` or a line end", "b"),
    ("a = \nb = 3\n", "syntax error: unexpected line end, expected a value", ""),
    ("x {\n  a = 1\n", "syntax error: unexpected end of the file, expected `}`", ""),
    ("\ufeff}\n", "syntax error: unexpected `}`, expected a line end or a name", "}"),
    ("ä = é = 1\n", "syntax error: unexpected `= é`", "= é"),
    ('resource "a" "b" {\n  data "c" "d" {\n  }\n}\n',
     "a `data` block cannot stand inside a `resource` block; a closing brace seems to be missing", 'data "c" "d"'),
]  # fmt: skip


@pytest.mark.parametrize(("text", "message", "place"), REFUSED, ids=[text for text, _, _ in REFUSED])
def test_problem(text: str, message: str, place: str) -> None:
    data = text.encode()
    file = parse(data)
    assert [(problem.message, data[problem.start : problem.end].decode()) for problem in file.problems] == [
        (message, place)
    ]
    assert file.body.damaged


def test_problems_are_few_and_in_order() -> None:
    file = parse("a = \\\n\n\n" * 50)
    starts = [problem.start for problem in file.problems]
    assert len(starts) <= 20
    assert starts == sorted(set(starts))


def attributes(body: Body, path: str = "") -> dict[str, Attribute]:
    """All attributes by a path of block types, labels and name."""
    found = {path + name: attribute for name, attribute in body.attributes.items()}
    for block in body.blocks:
        found |= attributes(block.body, f"{path}{'.'.join([block.type, *block.labels])}/")
    return found


DAMAGE = [
    # an attribute that holds the error, and its neighbours; the others are untouched
    ("a = 1\nb = \nc = 3\nd = 4\n", {"a": True, "b": True, "d": True}),
    ("a = 1\nb = 2\nc = (\nd = 4\n\n\ne = 5\nf = 6\n", {"a": False, "b": True, "c": True}),
    ('a = 1\nb = "x\nc = 3"\nd = 4\n', {"a": False, "b": True, "d": False}),
    ('a = "\\q"\nb = 2\n', {"a": True, "b": False}),
    ("a = 1\na = 2\nb = 3\n", {"a": True, "b": False}),
    # a missing brace: the inner block ends at the outer one's brace, the next block is lifted
    (
        'resource "t" "a" {\n  x = 1\n  os {\n    y = 2\n  z = 3\n}\nresource "t" "b" {\n  x = 4\n}\n',
        {"resource.t.a/x": True, "resource.t.a/os/y": True, "resource.t.a/os/z": True, "resource.t.b/x": True},
    ),
    # braces that balance only by accident
    (
        'resource "t" "a" {\n  x = 1\n  os {\n    y = 2\nresource "t" "b" {\n  x = 4\n}\n}\n}\n',
        {"resource.t.a/x": False, "resource.t.a/os/y": True, "resource.t.b/x": True},
    ),
    # an error in one block leaves the others alone
    (
        'resource "t" "a" {\n  x = [\n}\nresource "t" "b" {\n  x = 4\n}\n',
        {"resource.t.b/x": False},
    ),
    ('locals {\n  a = 1 +\n}\nlocals {\n  b = 1\n}\n', {"locals/a": True, "locals/b": False}),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), DAMAGE, ids=[str(number) for number in range(len(DAMAGE))])
def test_damage(text: str, expected: dict[str, bool]) -> None:
    file = parse(text)
    assert file.problems
    assert file.body.damaged
    found = attributes(file.body)
    assert {path: found[path].damaged for path in expected} == expected


LIFTED = [
    ('module "m" {\n  resource "t" "n" {\n  }\n}\n', ["module", "resource*"]),
    ('check "c" {\n  data "t" "n" {\n  }\n}\n', ["check"]),
    ('terraform {\n  state_store "s" {\n    provider "p" {}\n  }\n}\n', ["terraform"]),
    ('resource "t" "n" {\n  data {\n  }\n  provider {\n  }\n  variable {\n  }\n}\n', ["resource"]),
    ('resource "t" "n" {\n  dynamic "data" {\n    content {}\n  }\n}\n', ["resource"]),
    ('resource "t" "n" {\n  import {\n  }\n}\n', ["resource"]),
    ('resource "t" "n" {\n  os {\n}\nlocals {\n}\n', ["resource", "locals*"]),
    ('resource "t" "n" {\n  x = {\n}\nvariable "v" {\n}\n', ["resource", "variable*"]),
]


@pytest.mark.parametrize(("text", "expected"), LIFTED)
def test_lifted(text: str, expected: list[str]) -> None:
    blocks: tuple[Block, ...] = parse(text).body.blocks
    assert [block.type + "*" * block.lifted for block in blocks] == expected
    assert all(block.body.damaged for block in blocks if block.lifted)


DEEP = 100_000
HOSTILE = {
    "tuples": "a = " + "[" * DEEP + "]" * DEEP,
    "open tuples": "a = " + "[" * DEEP,
    "brackets": "a = " + "(" * DEEP + "1" + ")" * DEEP,
    "objects": "a = " + "{b=" * 9999 + "1" + "}" * 9999,
    "minus": "a = " + "-" * DEEP + "1",
    "not": "a = " + "!" * DEEP,
    "steps": "a = b" + ".c" * DEEP,
    "indexes": "a = b" + "[c" * DEEP + "]" * DEEP,
    "splats": "a = b" + "[*]" * DEEP,
    "sum": "a = b" + " + b" * DEEP,
    "conditionals": "a = b" + " ? b : b" * 9999,
    "calls": "a = " + "f(" * DEEP + ")" * DEEP,
    "for": "a = " + "[for a in " * 9999,
    "interpolations": 'a = "' + '${"' * 100 + '"}' * 100 + '"',
    "directives": 'a = "' + "%{if b}" * 9999 + "%{endif}" * 9999 + '"',
    "blocks": "a {\n" * 9999 + "}\n" * 9999,
    "open blocks": "a {\n" * 9999,
    "resources": 'resource "a" "b" {\n' * 999,
    "quotes": '"' * 9999,
    "heredocs": "a = <<E\n" * 9999,
    "mistakes": "a = \n" * 3000,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_depth(text: str) -> None:
    file = parse(text + "\n")
    assert file.problems
    assert file.body.damaged
    assert all(attribute.damaged for attribute in file.body.attributes.values())


def test_depth_that_is_allowed() -> None:
    text = "a = " + "[" * 250 + "1" + "]" * 250 + "\nb = c" + ".d" * 250 + "\n"
    assert parse(text).problems == ()


@pytest.mark.parametrize("text", ['a = "$$${x}"\n', "a = 1e999\n", "a = <<E\nE${x}\nE\n", f"a = {'9' * 5000}\n"])
def test_what_only_we_cannot_read_is_damaged_but_no_problem(text: str) -> None:
    file = parse(text)
    assert (file.problems, file.body.attributes["a"].damaged) == ((), True)


# -- JSON ----------------------------------------------------------------------------------------------------------


def parse_json(text: str, name: str = "main.tf.json") -> hcl.File:
    return hcl.parse_json(Source(name, text.encode()))


def blocks_of(body: Body) -> list[tuple[object, ...]]:
    return [(block.type, *block.labels, sorted(block.body.attributes)) for block in body.blocks]


JSON_BLOCKS = [
    ('{"resource": {"t": {"n": {"a": 1, "//": "b"}}}, "//": 1}', [("resource", "t", "n", ["a"])]),
    ('{"resource": {"t": {"n": [{"a": 1}, {"b": 2}]}}}', [("resource", "t", "n", ["a"]), ("resource", "t", "n", ["b"])]),
    ('{"resource": [{"t": {"n": {"a": 1}}}, {"t": {"m": {}}}]}', [("resource", "t", "n", ["a"]), ("resource", "t", "m", [])]),
    ('{"provider": {"p": [{"a": 1}, {"alias": "b"}]}}', [("provider", "p", ["a"]), ("provider", "p", ["alias"])]),
    ('[{"locals": {"a": 1}}, {"locals": [{"b": 1}, {"c": 1}]}]', [("locals", ["a"]), ("locals", ["b"]), ("locals", ["c"])]),
    ('{"module": null, "moved": [{"from": "a.b", "to": "a.c"}]}', [("moved", ["from", "to"])]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), JSON_BLOCKS)
def test_json_blocks(text: str, expected: list[tuple[object, ...]]) -> None:
    file = parse_json(text)
    assert (file.problems, blocks_of(file.body)) == ((), expected)


JSON_VALUES = [
    ('"a"', "'a'"),
    ('"é \\u00e9\\n"', "'é é\\n'"),
    ('"${x}"', "T(x)"),
    ('"a ${x.y} "', "T('a ', x.y, ' ')"),
    ('"\\"${f(\\"a\\\\n\\")}\\" é"', "T('\"', f('a\\n'), '\" é')"),
    ('"$${x} \\\\"', "'${x} \\\\'"),
    ('"a\\n%{ if b }c%{ endif }"', "T('a\\n', %if(b: 'c': ))"),
    ("1", "1"),
    ("1.0", "1"),
    ("-1.5", "-1.5"),
    ("null", "None"),
    ('[true, {"a": "${b}", "//": 1}]', "[True, {'a': T(b)}]"),
    ('{"${k}": {}}', "{T(k): {}}"),
]


@pytest.mark.parametrize(("text", "expected"), JSON_VALUES)
def test_json_value(text: str, expected: str) -> None:
    file = parse_json('{"locals": {"a": ' + text + "}}")
    attribute = file.body.blocks[0].body.attributes["a"]
    assert (file.problems, shown(attribute.expr)) == ((), expected)
    assert file.body.blocks[0].body.damaged is False


JSON_META = {
    "depends_on": '["azurerm_x.y"]',
    "provider": '"azurerm.west"',
    "size": '{"a": [1]}',
    "lifecycle": '{"ignore_changes": ["tags", "os_disk[0].size"], "precondition": {"condition": "${a}"}}',
    "dynamic": '{"rule": {"for_each": "${b}", "iterator": "r", "content": {"x": "${r.value}"}}}',
    "provisioner": '[{"local-exec": {"command": "c"}}, {"file": {"source": "d"}}]',
}


def test_json_inside_a_resource() -> None:
    members = ", ".join(f'"{key}": {value}' for key, value in JSON_META.items())
    file = parse_json('{"resource": {"t": {"n": {' + members + "}}}}")
    assert file.problems == ()
    assert {path.removeprefix("resource.t.n/"): shown(a.expr) for path, a in attributes(file.body).items()} == {
        "depends_on": "[azurerm_x.y]",
        "provider": "azurerm.west",
        "size": "{'a': [1]}",
        "lifecycle/ignore_changes": "[tags, os_disk[0].size]",
        "lifecycle/precondition/condition": "T(a)",
        "dynamic.rule/for_each": "T(b)",
        "dynamic.rule/iterator": "r",
        "dynamic.rule/content/x": "T(r.value)",
        "provisioner.local-exec/command": "'c'",
        "provisioner.file/source": "'d'",
    }


def test_json_variable() -> None:
    file = parse_json('{"variable": {"v": {"type": "list(string)", "default": "${x}", "description": "d"}}}')
    found = {name: shown(attribute.expr) for name, attribute in file.body.blocks[0].body.attributes.items()}
    assert found == {"type": "list(string)", "default": "'${x}'", "description": "'d'"}


def test_json_variable_values_are_text() -> None:
    file = parse_json('{"a": "${b}", "resource": {"//": 1}}', "x.auto.tfvars.json")
    assert {name: shown(a.expr) for name, a in file.body.attributes.items()} == {"a": "'${b}'", "resource": "{'//': 1}"}


def test_json_spans() -> None:
    text = '{"resource": {"é": {"n": {"a": "\\u00e9\\t${f(\\"x\\")}!"}}}}'
    data = text.encode()
    resource = parse_json(text).body.blocks[0]
    assert data[resource.start : resource.header_end] == b'"n"'
    assert data[resource.body.start - 1 : resource.body.start] + data[resource.body.end :][:1] == b"{}"
    a = resource.body.attributes["a"]
    assert data[a.start : a.name_end] == b'"a"'
    found = [data[node.start : node.end].decode() for node in nodes(a.expr)]
    assert found == ['"\\u00e9\\t${f(\\"x\\")}!"', "\\u00e9\\t", 'f(\\"x\\")', '\\"x\\"', "!"]


JSON_PROBLEMS = [
    ('{"locals": {"a": }}', "expected a value", "}"),
    ('{"locals": 1}', "expected an object, or an array of objects", "1"),
    ('{"locals": {"a": "${"}}', "the text is not a valid template", '"${"'),
    ('{"moved": {"from": "a b"}}', "the text is not a valid reference", '"a b"'),
]


@pytest.mark.parametrize(("text", "message", "place"), JSON_PROBLEMS)
def test_json_problem(text: str, message: str, place: str) -> None:
    file = parse_json(text)
    assert [(problem.message, text[problem.start : problem.end]) for problem in file.problems] == [(message, place)]
    assert file.body.damaged


def test_json_depth() -> None:
    file = parse_json('{"locals": {"a": ' + "[" * 9999 + "]" * 9999 + "}}")
    assert len(file.problems) == 1


# -- python-hcl2 ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["a = 1\n", "", "x {\n}\n", 'a = "é${b}"'])
def test_strict_has_nothing_to_say(text: str) -> None:
    assert hcl_strict.explain(Source("x", text.encode())) is None


@pytest.mark.parametrize("text", ["a = (\n" * 200_000, "a = <<E\n" + "\n" * 9999 + "E\n)"], ids=["large", "blank"])
def test_strict_does_not_read_what_would_take_long(text: str) -> None:
    assert hcl_strict.explain(Source("x", text.encode())) is None


def test_strict_loads() -> None:
    loaded = hcl_strict.loads('\ufeffa = "x" # c\nb {\n  c = 1\n}\n')
    assert isinstance(loaded, dict)
    assert (loaded["a"], loaded["b"][0]["c"]) == ('"x"', 1)
    with pytest.raises(InputError, match="python-hcl2 refuses the text"):
        hcl_strict.loads("a = (\n")


@pytest.mark.parametrize("writable", [True, False])
def test_strict_keeps_its_grammar_in_the_users_cache(
    writable: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "cache"
    if not writable:
        folder.write_text("a file where the folder should be")
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    monkeypatch.setattr("sys.platform", "linux")
    file = hcl_strict.cache_file()
    assert file.parent.is_dir() is writable
    assert file.is_relative_to(folder) is writable

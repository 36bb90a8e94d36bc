"""The expression parser: trees, escapes, errors, limits."""

from __future__ import annotations

import re

import pytest

from bklint.errors import InputError, LimitError
from bklint.frontends.arm.expressions import Access, Call, Literal, Node, is_expression, parse, parsed, unescaped


def shown(node: Node) -> str:
    if isinstance(node, Literal):
        return repr(node.value)
    if isinstance(node, Call):
        return f"{node.name}({', '.join(map(shown, node.arguments))})"
    return shown(node.target) + "".join(f"{'?' if step.safe else ''}[{shown(step.key)}]" for step in node.steps)


TREES = [
    ("[concat('a', 'b')]", "concat('a', 'b')"),
    ("[concat ( 'a' ,\n\t'b' )]", "concat('a', 'b')"),
    ("[Parameters('Size')]", "parameters('Size')"),
    ("['it''s']", '"it\'s"'),
    ("['']", "''"),
    ("['''']", '"\'"'),
    ("[5]", "5"),
    ("[-5]", "-5"),
    ("[float(1.5)]", "float(1.5)"),
    ("[true]", "True"),
    ("[null]", "None"),
    ("[resourceGroup().location]", "resourcegroup()['location']"),
    ("[variables('a')[0].b['c']]", "variables('a')[0]['b']['c']"),
    ("[variables('a')[copyIndex()]]", "variables('a')[copyindex()]"),
    ("[variables('a')[variables('b')[0]]]", "variables('a')[variables('b')[0]]"),
    ("[parameters('a').?b.?c]", "parameters('a')?['b']?['c']"),
    ("[parameters('a')[?'b']]", "parameters('a')?['b']"),
    ("[contoso.unique('x')]", "contoso.unique('x')"),
    ("[__bicep.build(1)]", "__bicep.build(1)"),
    ("[variables('$fxv#0')]", "variables('$fxv#0')"),
    ("[lambda('x', lambdaVariables('x').y)]", "lambda('x', lambdavariables('x')['y'])"),
    ("[if(true(), 'a]', '[b')]", "if(true(), 'a]', '[b')"),
    ("[concat('(', ')')]", "concat('(', ')')"),
    ("[createArray()]", "createarray()"),
]


@pytest.mark.parametrize(("text", "tree"), TREES)
def test_trees(text: str, tree: str) -> None:
    assert shown(parse(text)) == tree


ERRORS = [
    ("[]", "ends too early"),
    ("[concat('a']", "ends too early"),
    ("[concat('a',)]", "unexpected ')'"),
    ("[concat('a' 'b')]", "unexpected \"'b'\""),
    ("[concat('a'']", "unexpected"),
    ("['open]", "unexpected"),
    ("[parameters]", "neither a text in quotes nor a function call"),
    ("[a.b]", "neither a text in quotes nor a function call"),
    ("[concat('a').]", "ends too early"),
    ("[concat('a')..b]", "unexpected '.'"),
    ("[a(1)(2)]", "unexpected '('"),
    ("[a(1))]", "unexpected ')'"),
    ("[a(1), b(2)]", "unexpected ','"),
    ("[a(]", "ends too early"),
    ('["a"]', "unexpected"),
    ("[a() + b()]", "unexpected '+"),
    ("[variables('a')[]]", "unexpected ']'"),
]


@pytest.mark.parametrize(("text", "message"), ERRORS)
def test_errors(text: str, message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        parse(text)


def test_what_is_an_expression() -> None:
    assert is_expression("[a()]")
    assert not is_expression("[[a()]")
    assert not is_expression("[a() ")
    assert not is_expression("a()")
    assert not is_expression("[")
    assert unescaped("[[a()]") == "[a()]"
    assert unescaped("a") == "a"


def test_depth_is_limited_without_a_crash() -> None:
    parse("[" + "a(" * 256 + "1" + ")" * 256 + "]")
    with pytest.raises(LimitError):
        parse("[" + "a(" * 257 + "1" + ")" * 257 + "]")
    with pytest.raises(LimitError):
        parse("[" + "a(1)[" * 100_000 + "]")


def test_a_long_chain_of_members_is_one_node() -> None:
    node = parse("[a()" + ".b" * 5000 + "]")
    assert isinstance(node, Access)
    assert len(node.steps) == 5000


def test_trees_are_remembered() -> None:
    assert parsed("[concat('x', 'y')]") is parsed("[concat('x', 'y')]")


@pytest.mark.parametrize(
    ("text", "constant"),
    [
        ("[concat('a', 'b')]", True),
        ("[copyIndex()]", True),
        ("[resourceGroup().name]", True),
        ("[parameters('a')]", False),
        ("[concat('a', variables('b'))]", False),
        ("[variables('b').c]", False),
        ("[listKeys('a', 'b')]", False),
        ("[my.own()]", False),
    ],
)
def test_what_is_constant(text: str, constant: bool) -> None:
    assert parse(text).constant is constant

"""Template functions: the documented examples, and what is known when operands are not."""

from __future__ import annotations

import re
from typing import Any

import pytest
from arm_worlds import disk, evaluated, plain, template, world

from bklint.frontends import Options
from bklint.model.value import Text, Unknown


def spelled(text: str) -> str:
    """The expression of a case, in which `@x` stands for `lambdaVariables('x')`."""
    return "[" + re.sub(r"@(\w+)", r"lambdaVariables('\1')", text) + "]"


VARIABLES = {
    "numbers": [1, 2, 3],
    "words": ["one", "two", "three"],
    "mixed": [1, "a", True, None],
    "object": {"one": "a", "two": "b", "three": "c"},
    "nested": {"a": {"b": [10, 20, {"c": "deep"}]}, "n": None},
    "entities": {"item002": {"enabled": False, "number": 200}, "item001": {"enabled": True, "number": 300}},
    "dogs": [
        {"name": "Evie", "age": 5, "interests": ["Ball", "Frisbee"]},
        {"name": "Casper", "age": 3, "interests": ["Other dogs"]},
        {"name": "Indy", "age": 2, "interests": ["Butter"]},
        {"name": "Kira", "age": 8, "interests": ["Rubs"]},
    ],
    "empty": {"array": [], "object": {}, "string": ""},
    "nulls": {"null1": None, "null2": None, "string": "default", "int": 1, "array": [1]},
    "first": {"property": {"one": "a", "two": "b", "three": "c1"}, "nestedArray": [1, 2]},
    "second": {"property": {"three": "c2", "four": "d"}, "nestedArray": [3, 4]},
}

KNOWN: list[tuple[str, Any]] = [
    # string
    ("base64('one, two, three')", "b25lLCB0d28sIHRocmVl"),
    ("base64ToString('b25lLCB0d28sIHRocmVl')", "one, two, three"),
    ("base64ToJson(base64('{''one'': ''a'', ''two'': ''b''}'))", {"one": "a", "two": "b"}),
    ("concat('prefix', '-', 'x')", "prefix-x"),
    ("concat('a', 1, 'b')", "a1b"),
    ("concat(createArray('1-1'), createArray('2-1', '2-2'))", ["1-1", "2-1", "2-2"]),
    ("contains('OneTwoThree', 'e')", True),
    ("contains('OneTwoThree', 'z')", False),
    ("contains('OneTwoThree', 'one')", False),
    ("contains(variables('object'), 'one')", True),
    ("contains(variables('object'), 'ONE')", True),
    ("contains(variables('object'), 'a')", False),
    ("contains(variables('words'), 'three')", True),
    ("contains(variables('words'), 'Three')", False),
    ("contains(variables('numbers'), 2)", True),
    ("contains(variables('numbers'), '2')", False),
    ("dataUri('Hello')", "data:text/plain;charset=utf8;base64,SGVsbG8="),
    ("dataUriToString('data:;base64,SGVsbG8sIFdvcmxkIQ==')", "Hello, World!"),
    ("empty(variables('empty').array)", True),
    ("empty(variables('empty').object)", True),
    ("empty(variables('empty').string)", True),
    ("empty(null())", True),
    ("empty('a')", False),
    ("empty(variables('numbers'))", False),
    ("endsWith('abcdef', 'ef')", True),
    ("endsWith('abcdef', 'F')", True),
    ("endsWith('abcdef', 'e')", False),
    ("startsWith('abcdef', 'ab')", True),
    ("startsWith('abcdef', 'A')", True),
    ("startsWith('abcdef', 'e')", False),
    ("first('One Two Three')", "O"),
    ("first('')", ""),
    ("last('One Two Three')", "e"),
    (
        "format('{0}, {1}. Formatted number: {2:N0}', 'Hello', 'User', 8175133)",
        "Hello, User. Formatted number: 8,175,133",
    ),
    ("format('{0}-{0}-{1}', 'a', 2)", "a-a-2"),
    ("format('{{0}}{0}', 'x')", "{0}x"),
    ("format('{0:D3}', 7)", "007"),
    ("format('{0:000}', 7)", "007"),
    ("format('{0:X}', 255)", "FF"),
    ("format('{0:x4}', 255)", "00ff"),
    ("format('{0,5}|{1,-5}|', 'a', 'b')", "    a|b    |"),
    ("format('{0}', true())", "True"),
    ("format('{0}', null())", ""),
    ("format('{0}', variables('numbers'))", "[1,2,3]"),
    ("format('{0:F2}', 3)", "3.00"),
    ("indexOf('test', 't')", 0),
    ("lastIndexOf('test', 't')", 3),
    ("indexOf('abcdef', 'CD')", 2),
    ("lastIndexOf('abcdef', 'AB')", 0),
    ("indexOf('abcdef', 'z')", -1),
    ("indexOf(variables('words'), 'two')", 1),
    ("lastIndexOf(createArray(1, 2, 1), 1)", 2),
    ("indexOf(variables('words'), 'no')", -1),
    ("join(variables('words'), ';')", "one;two;three"),
    ("join(variables('numbers'), ', ')", "1, 2, 3"),
    ('json(\'{"a": "b"}\')', {"a": "b"}),
    ("json('\"test\"')", "test"),
    ("json('true')", True),
    ("json('3')", 3),
    ("json('[1,2,3]')", [1, 2, 3]),
    ("json('null')", None),
    ("empty(json('null'))", True),
    ("json(concat('{\"a\": \"', 'demo value', '\"}'))", {"a": "demo value"}),
    ('json(\'{"a": 1, /* note */ "b": [2,],}\')', {"a": 1, "b": [2]}),
    ("length('One Two Three')", 13),
    ("length(variables('numbers'))", 3),
    ("length(variables('object'))", 3),
    ("padLeft('123', 10, '0')", "0000000123"),
    ("padLeft(123, 5)", "  123"),
    ("padLeft('12345', 3, '0')", "12345"),
    ("replace('123-123-1234', '-', '')", "1231231234"),
    ("replace('123-123-1234', '1234', 'xxxx')", "123-123-xxxx"),
    ("replace('aAa', 'a', 'b')", "bAb"),
    ("skip('one two three', 4)", "two three"),
    ("skip('one', -1)", "one"),
    ("skip('one', 9)", ""),
    ("skip(variables('words'), 2)", ["three"]),
    ("split('one,two,three', ',')", ["one", "two", "three"]),
    ("split('one;two,three', createArray(',', ';'))", ["one", "two", "three"]),
    ("string(createObject('valueA', 10, 'valueB', 'Example Text'))", '{"valueA":10,"valueB":"Example Text"}'),
    ("string(createArray('a', 'b', 'c'))", '["a","b","c"]'),
    ("string(5)", "5"),
    ("string(true())", "True"),
    ("substring('one two three', 4, 3)", "two"),
    ("substring('one two three', 8)", "three"),
    ("substring('abc', 3)", ""),
    ("substring('abc', 1, 0)", ""),
    ("take('one two three', 2)", "on"),
    ("take('on', 5)", "on"),
    ("take(variables('words'), 2)", ["one", "two"]),
    ("take(variables('words'), -1)", []),
    ("toLower('One Two Three')", "one two three"),
    ("toUpper('One Two Three')", "ONE TWO THREE"),
    ("trim('    one two three   ')", "one two three"),
    ("uri('http://contoso.org/firstpath', 'myscript.sh')", "http://contoso.org/myscript.sh"),
    ("uri('http://contoso.org/firstpath/azuredeploy.json', 'myscript.sh')", "http://contoso.org/firstpath/myscript.sh"),
    (
        "uri('http://contoso.org/firstpath/azuredeploy.json/', 'myscript.sh')",
        "http://contoso.org/firstpath/azuredeploy.json/myscript.sh",
    ),
    ("uri('http://contoso.org', 'a/b.json')", "http://contoso.org/a/b.json"),
    ("uri('http://contoso.org/a/b/c.json', '../d.json')", "http://contoso.org/a/d.json"),
    ("uri('http://contoso.org/a/b.json', 'https://other.org/c.json')", "https://other.org/c.json"),
    (
        "uriComponent('http://contoso.com/resources/nested/azuredeploy.json')",
        "http%3A%2F%2Fcontoso.com%2Fresources%2Fnested%2Fazuredeploy.json",
    ),
    ("uriComponentToString('http%3A%2F%2Fcontoso.com')", "http://contoso.com"),
    # array
    ("array(1)", [1]),
    ("array('efgh')", ["efgh"]),
    ("array(variables('object'))", [{"one": "a", "two": "b", "three": "c"}]),
    ("array(variables('numbers'))", [1, 2, 3]),
    ("createArray('a', 1)", ["a", 1]),
    ("createArray()", []),
    ("first(variables('words'))", "one"),
    ("first(createArray())", None),
    ("last(variables('words'))", "three"),
    ("flatten(createArray(createArray(1, 2), createArray(), createArray(createArray(3))))", [1, 2, [3]]),
    ("intersection(variables('words'), createArray('two', 'three', 'four'))", ["two", "three"]),
    (
        "intersection(variables('object'), createObject('one', 'a', 'two', 'z', 'three', 'c'))",
        {"one": "a", "three": "c"},
    ),
    ("max(variables('numbers'))", 3),
    ("max(0, 3, 2, 5, 4)", 5),
    ("min(variables('numbers'))", 1),
    ("min(0, 3, 2, 5, 4)", 0),
    ("range(5, 3)", [5, 6, 7]),
    ("range(0, 0)", []),
    ("union(createArray('one', 'two', 'three'), createArray('three', 'four'))", ["one", "two", "three", "four"]),
    (
        "union(createObject('one', 'a', 'three', 'c1'), createObject('three', 'c2', 'four', 'd'))",
        {"one": "a", "three": "c2", "four": "d"},
    ),
    (
        "union(variables('first'), variables('second'))",
        {"property": {"one": "a", "two": "b", "three": "c2", "four": "d"}, "nestedArray": [3, 4]},
    ),
    (
        "union(createArray(createArray(1, 2), createArray(3)), createArray(createArray(3), createArray(4)))",
        [[1, 2], [3], [4]],
    ),
    # object
    ("createObject('intProp', 1, 'arrayProp', createArray('a'))", {"intProp": 1, "arrayProp": ["a"]}),
    ("createObject()", {}),
    (
        "items(variables('entities'))",
        [
            {"key": "item001", "value": {"enabled": True, "number": 300}},
            {"key": "item002", "value": {"enabled": False, "number": 200}},
        ],
    ),
    ("objectKeys(variables('entities'))", ["item001", "item002"]),
    ("shallowMerge(createArray(createObject('a', 1), createObject('A', 2, 'b', 3)))", {"a": 2, "b": 3}),
    ("tryGet(variables('nested'), 'a', 'b', 2, 'c')", "deep"),
    ("tryGet(variables('nested'), 'x', 'y')", None),
    ("tryGet(variables('numbers'), 9)", None),
    ("variables('nested').a.b[2].c", "deep"),
    ("variables('nested').A.B[2].C", "deep"),
    ("variables('nested')['a'].b[1]", 20),
    ("variables('nested').?missing.?more", None),
    ("variables('nested').n", None),
    # logical and comparison
    ("and(true(), false())", False),
    ("and(true(), true(), true())", True),
    ("or(false(), true())", True),
    ("or(false(), false())", False),
    ("not(true())", False),
    ("bool('true')", True),
    ("bool('FALSE')", False),
    ("bool(1)", True),
    ("bool(0)", False),
    ("if(equals('a', 'a'), 'yes', 'no')", "yes"),
    ("if(equals('a', 'b'), 'yes', 'no')", "no"),
    ("if(false(), 'yes', json('null'))", None),
    ("equals(1, 1)", True),
    ("equals('a', 'A')", False),
    ("equals(1, '1')", False),
    ("equals(true(), 'true')", False),
    ("equals(createArray('a', 'b'), createArray('a', 'b'))", True),
    ("equals(createArray('a', 'b'), createArray('a', 'B'))", False),
    ("equals(variables('object'), variables('object'))", True),
    ("equals(null(), null())", True),
    ("equals(null(), '')", False),
    ("less(1, 2)", True),
    ("less('A', 'a')", True),
    ("lessOrEquals(2, 2)", True),
    ("greater(1, 2)", False),
    ("greater('b', 'a')", True),
    ("greaterOrEquals(2, 3)", False),
    ("coalesce(variables('nulls').null1, variables('nulls').null2, variables('nulls').string)", "default"),
    ("coalesce(variables('nulls').null1, variables('nulls').int)", 1),
    ("empty(coalesce(variables('nulls').null1, variables('nulls').null2))", True),
    # numeric
    ("add(5, 3)", 8),
    ("sub(7, 3)", 4),
    ("mul(mul(5, 3), 3)", 45),
    ("div(8, 3)", 2),
    ("div(-8, 3)", -2),
    ("mod(7, 3)", 1),
    ("mod(-7, 3)", -1),
    ("int('4')", 4),
    ("int(4)", 4),
    ("float('3.5')", 3.5),
    # lambda
    (
        "filter(variables('dogs'), lambda('dog', greaterOrEquals(@dog.age, 8)))",
        [{"name": "Kira", "age": 8, "interests": ["Rubs"]}],
    ),
    ("filter(range(0, 10), lambda('i', equals(0, mod(@i, 2))))", [0, 2, 4, 6, 8]),
    ("filter(createArray('a', 'b'), lambda('v', 'i', equals(@i, 1)))", ["b"]),
    ("map(variables('dogs'), lambda('dog', @dog.name))", ["Evie", "Casper", "Indy", "Kira"]),
    (
        "map(variables('dogs'), lambda('dog', format('Hello {0}!', @dog.name)))",
        ["Hello Evie!", "Hello Casper!", "Hello Indy!", "Hello Kira!"],
    ),
    (
        "map(range(0, 2), lambda('i', createObject('i', @i, 'dog', variables('dogs')[@i].name)))",
        [{"i": 0, "dog": "Evie"}, {"i": 1, "dog": "Casper"}],
    ),
    ("map(createArray('a', 'b'), lambda('v', 'i', format('{0}{1}', @v, @i)))", ["a0", "b1"]),
    ("map(createArray(1, 2), lambda('x', map(createArray(10, 20), lambda('y', add(@x, @y)))))", [[11, 21], [12, 22]]),
    ("reduce(map(variables('dogs'), lambda('dog', @dog.age)), 0, lambda('cur', 'next', add(@cur, @next)))", 18),
    (
        "reduce(createArray(createObject('foo', 1), createObject('bar', 2)), createObject(), lambda('c', 'n', union(@c, @n)))",
        {"foo": 1, "bar": 2},
    ),
    ("reduce(createArray('a', 'b'), '', lambda('c', 'n', 'i', concat(@c, @n, string(@i))))", "a0b1"),
    (
        "map(sort(variables('dogs'), lambda('a', 'b', less(@a.age, @b.age))), lambda('d', @d.name))",
        ["Indy", "Casper", "Evie", "Kira"],
    ),
    (
        "toObject(variables('dogs'), lambda('entry', @entry.name), lambda('entry', @entry.age))",
        {"Evie": 5, "Casper": 3, "Indy": 2, "Kira": 8},
    ),
    (
        "groupBy(createArray('foo', 'bar', 'baz'), lambda('x', substring(@x, 0, 1)))",
        {"f": ["foo"], "b": ["bar", "baz"]},
    ),
    ("mapValues(createObject('a', 1, 'b', 2), lambda('v', mul(@v, 10)))", {"a": 10, "b": 20}),
    # cidr
    (
        "parseCidr('10.144.0.0/20')",
        {
            "network": "10.144.0.0",
            "netmask": "255.255.240.0",
            "broadcast": "10.144.15.255",
            "firstUsable": "10.144.0.1",
            "lastUsable": "10.144.15.254",
            "cidr": 20,
        },
    ),
    (
        "parseCidr('fdad:3236:5555::/48')",
        {
            "network": "fdad:3236:5555::",
            "netmask": "ffff:ffff:ffff::",
            "firstUsable": "fdad:3236:5555::",
            "lastUsable": "fdad:3236:5555:ffff:ffff:ffff:ffff:ffff",
            "cidr": 48,
        },
    ),
    (
        "map(range(0, 3), lambda('i', cidrSubnet('10.144.0.0/20', 24, @i)))",
        ["10.144.0.0/24", "10.144.1.0/24", "10.144.2.0/24"],
    ),
    ("cidrSubnet('fdad:3236:5555::/48', 52, 4)", "fdad:3236:5555:4000::/52"),
    ("cidrHost('10.144.3.0/24', 0)", "10.144.3.1"),
    ("cidrHost('fdad:3236:5555:3000::/52', 4)", "fdad:3236:5555:3000::5"),
    # time
    ("dateTimeAdd('2020-04-07 14:53:14Z', 'P3Y', 'M/d/yyyy h:mm:ss tt')", "4/7/2023 2:53:14 PM"),
    ("dateTimeAdd('2020-04-07 14:53:14Z', '-P9D', 'M/d/yyyy h:mm:ss tt')", "3/29/2020 2:53:14 PM"),
    ("dateTimeAdd('2024-01-31T00:00:00Z', 'P1M')", "2024-02-29T00:00:00Z"),
    ("dateTimeAdd('20240101T000000Z', 'PT36H')", "20240102T120000Z"),
    ("dateTimeToEpoch('1970-01-02T00:00:00Z')", 86400),
    ("dateTimeFromEpoch(86400)", "1970-01-02T00:00:00Z"),
    # deployment
    ("environment().suffixes.storage", "core.windows.net"),
    ("environment().name", "AzureCloud"),
    ("environment().authentication.audiences[1]", "https://management.azure.com/"),
    ("deployment().properties.template.contentVersion", "1.0.0.0"),
    ("last(split(resourceId('Microsoft.Compute/disks', 'd1'), '/'))", "d1"),
    ("split(resourceId('Microsoft.Compute/disks', 'd1'), '/')[6]", "Microsoft.Compute"),
    (
        "tenantResourceId('Microsoft.Authorization/policyDefinitions', 'x')",
        "/providers/Microsoft.Authorization/policyDefinitions/x",
    ),
    (
        "resourceId('s', 'g', 'Microsoft.Compute/disks', 'd')",
        "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/disks/d",
    ),
    (
        "subscriptionResourceId('s', 'Microsoft.Authorization/roleDefinitions', 'r')",
        "/subscriptions/s/providers/Microsoft.Authorization/roleDefinitions/r",
    ),
    (
        "managementGroupResourceId('m', 'Microsoft.Authorization/policyDefinitions', 'p')",
        "/providers/Microsoft.Management/managementGroups/m/providers/Microsoft.Authorization/policyDefinitions/p",
    ),
    (
        "extensionResourceId('/subscriptions/s/resourceGroups/g', 'Microsoft.Authorization/locks', 'l')",
        "/subscriptions/s/resourceGroups/g/providers/Microsoft.Authorization/locks/l",
    ),
    ("length(uniqueString('a'))", 13),
    ("length(concat('st', uniqueString('a')))", 15),
    ("length(guid('a'))", 36),
    ("equals(uniqueString('a'), uniqueString('A'))", True),
]


@pytest.mark.parametrize(("text", "expected"), KNOWN, ids=[text for text, _ in KNOWN])
def test_known(text: str, expected: Any) -> None:
    found = plain(evaluated(spelled(text), variables=VARIABLES))
    assert found == expected
    assert type(found) is type(expected)


FAILURES = [
    ("div(1, 0)", "division by zero"),
    ("mod(1, 0)", "division by zero"),
    ("int('x')", "expected a number"),
    ("substring('1234567890', 0, 11)", "outside the string"),
    ("variables('object').missing", "there is no property 'missing'"),
    ("variables('numbers')[3]", "there is no item 3"),
    ("variables('numbers')[-1]", "there is no item -1"),
    ("variables('nested').n.x", "there is no property 'x'"),
    ("variables('nope')", "there is no variable 'nope'"),
    ("parameters('nope')", "there is no parameter 'nope'"),
    ("json('{')", "the text is no JSON"),
    ("base64ToString('%%')", "no base64"),
    ("createObject('a')", "a name has no value"),
    ("format('{1}', 'a')", "there is no argument"),
    ("format('{', 'a')", "single brace"),
    ("resourceId('Microsoft.Compute/disks', 'a', 'b')", "takes 1 names, not 2"),
    ("resourceId('a', 'b')", "no operand is a resource type"),
    ("concat(createArray(1), 'a')", "expected an array"),
    ("lambdaVariables('x')", "no lambda variable"),
    ("map(createArray(1), 'x')", "expected a lambda"),
    ("copyIndex()", "no such loop"),
    ("contoso.f('x')", "there is no function"),
    ("cidrSubnet('10.0.0.0/24', 8, 0)", "does not fit"),
    ("parseCidr('x')", "no address range"),
    ("mul(9223372036854775807, 2)", "no 64-bit integer"),
    ("toLower()", "does not take 0 arguments"),
    ("not('maybe')", "expected a bool"),
    ("padLeft('a', 5, 'xy')", "single character"),
    ("range(0, 10001)", "more than 10,000"),
    ("fail('stop')", "stop"),
    ("concat(int('x'), 'a')", "expected a number"),
]


@pytest.mark.parametrize(("text", "message"), FAILURES, ids=[text for text, _ in FAILURES])
def test_failures_are_error_values(text: str, message: str) -> None:
    found = evaluated(spelled(text), variables=VARIABLES).unknown
    assert found is not None
    assert found.is_error
    assert message in found.cause


LAZY = [
    "if(true(), 'ok', div(1, 0))",
    "if(false(), variables('nope'), 'ok')",
    "if(or(true(), div(1, 0)), 'ok', 'no')",
    "if(and(false(), div(1, 0)), 'no', 'ok')",
    "coalesce('ok', div(1, 0))",
    "if(or(parameters('unknown'), true()), 'ok', 'no')",
    "if(and(parameters('unknown'), false()), 'no', 'ok')",
]


@pytest.mark.parametrize("text", LAZY)
def test_only_what_decides_is_evaluated(text: str) -> None:
    found = evaluated(spelled(text), parameters={"unknown": {"type": "bool"}})
    assert found.data == "ok"


PARAMETERS = {
    "s": {"type": "string"},
    "n": {"type": "int", "minValue": 1, "maxValue": 8},
    "long": {"type": "string", "minLength": 3},
    "list": {"type": "array"},
    "object": {"type": "object"},
    "env": {"type": "string", "allowedValues": ["dev", "prod"]},
    "secret": {"type": "securestring"},
}

PARTLY = [
    ("concat('vm-', parameters('s'))", ("vm-", "?INPUT")),
    ("format('{0}-{1}-x', parameters('s'), 'a')", ("?INPUT", "-a-x")),
    ("toLower(concat('VM-', parameters('s')))", ("vm-", "?INPUT")),
    ("replace(concat('a-b', parameters('s')), '-', '_')", ("a_b", "?INPUT")),
    ("replace('x{0}y', '{0}', parameters('s'))", ("x", "?INPUT", "y")),
    ("substring(concat('prefix', parameters('s')), 0, 3)", "pre"),
    ("take(concat('prefix', parameters('s')), 3)", "pre"),
    ("take(concat('st', uniqueString('a'), parameters('s')), 24)", ("st", "?COMPUTED", "?INPUT")),
    ("skip(concat('prefix', parameters('s')), 3)", ("fix", "?INPUT")),
    ("startsWith(concat('a', parameters('s')), 'A')", True),
    ("startsWith(concat('a', parameters('s')), 'b')", False),
    ("startsWith(parameters('s'), 'b')", "?INPUT"),
    ("endsWith(concat(parameters('s'), '.json'), '.JSON')", True),
    ("contains(concat('abc', parameters('s')), 'bc')", True),
    ("contains(concat('abc', parameters('s')), 'zz')", "?INPUT"),
    ("empty(concat('a', parameters('s')))", False),
    ("empty(parameters('s'))", "?INPUT"),
    ("empty(parameters('long'))", False),
    ("empty(parameters('secret'))", False),
    ("equals(concat('a-', parameters('s')), 'b-x')", False),
    ("equals(parameters('s'), parameters('s'))", True),
    ("equals(toLower(parameters('s')), parameters('S'))", True),
    ("equals(parameters('s'), 'x')", "?INPUT"),
    ("equals(parameters('long'), '')", False),
    ("equals(parameters('secret'), '')", False),
    ("greater(parameters('n'), 8)", False),
    ("greater(parameters('n'), 0)", True),
    ("greater(parameters('n'), 4)", "?INPUT"),
    ("less(parameters('n'), 1)", False),
    ("less(0, parameters('n'))", True),
    ("greaterOrEquals(8, parameters('n'))", True),
    ("greater(mul(parameters('n'), 1024), 9000)", False),
    ("greater(add(parameters('n'), 10), 10)", True),
    ("less(sub(100, parameters('n')), 92)", False),
    ("greater(length(concat(parameters('s'), 'abcd')), 3)", True),
    ("contains(parameters('env'), 'zz')", False),
    ("equals(parameters('env'), 'test')", False),
    ("if(equals(parameters('env'), 'dev'), 'a', 'a')", "a"),
    ("length(parameters('env'))", "?INPUT"),
    ("contains(parameters('list'), 1)", "?INPUT"),
    ("concat(createArray(1), parameters('list'), createArray(2))", [1, "...INPUT"]),
    ("union(createObject('a', 1), parameters('object'))", {"...": "INPUT"}),
    ("union(parameters('object'), createObject('a', 1))", {"a": 1, "...": "INPUT"}),
    ("union(parameters('object'), createObject('a', 1)).a", 1),
    ("contains(union(parameters('object'), createObject('a', 1)), 'A')", True),
    ("contains(union(parameters('object'), createObject('a', 1)), 'b')", "?INPUT"),
    ("filter(createArray('a', parameters('s'), 'b'), lambda('x', equals(@x, 'a')))", ["a", "...INPUT"]),
    ("map(createArray('a', parameters('s')), lambda('x', concat('p-', @x)))", ["p-a", ("p-", "?INPUT")]),
    ("first(createArray('a', parameters('s')))", "a"),
    ("createArray('a', 'b')[length(parameters('list'))]", "?INPUT"),
    ("createArray('a', 'a')[length(parameters('list'))]", "a"),
    ("coalesce(parameters('s'), 'x')", "?INPUT"),
    ("coalesce(tryGet(parameters('object'), 'a'), 'x')", "?INPUT"),
    ("json(concat('{\"name\": \"vm-', parameters('s'), '\"}'))", {"name": ("vm-", "?INPUT")}),
    ("json(concat('{\"name\": ', parameters('s'), '}'))", "?INPUT"),
    ("string(createObject('a', parameters('s')))", ('{"a":"', "?INPUT", '"}')),
    ("split(concat('a,b', parameters('s')), ',')", ["a", "...INPUT"]),
    ("split(resourceId('Microsoft.Compute/disks', parameters('s')), '/')[8]", "?INPUT"),
    (
        "uri('http://contoso.org/a/', concat(parameters('s'), '/b.json'))",
        ("http://contoso.org/a/", "?INPUT", "/b.json"),
    ),
    ("join(createArray('a', parameters('s')), '-')", ("a-", "?INPUT")),
    ("padLeft(parameters('s'), 3, '0')", "?INPUT"),
    ("base64(parameters('s'))", "?INPUT"),
    ("notAFunction('a')", "?UNSUPPORTED"),
    ("newGuid()", "?COMPUTED"),
    ("utcNow()", "?COMPUTED"),
    ("dateTimeAdd(utcNow('u'), 'P1Y')", "?COMPUTED"),
    ("subscription().subscriptionId", "?SCOPE"),
    ("resourceGroup().tags.owner", "?SCOPE"),
    ("listKeys('x', '2021-01-01').keys[0].value", "?SECURE"),
    ("reference('/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/disks/x').diskSizeGB", "?DATA"),
    ("pickZones('Microsoft.Compute', 'virtualMachines', 'westeurope')", "?COMPUTED"),
]


@pytest.mark.parametrize(("text", "expected"), PARTLY, ids=[text for text, _ in PARTLY])
def test_partly_known(text: str, expected: Any) -> None:
    assert plain(evaluated(spelled(text), parameters=PARAMETERS)) == expected


def unknown_of(text: str) -> Unknown:
    found = evaluated(spelled(text), parameters=PARAMETERS).data
    assert isinstance(found, Unknown)
    return found


def test_alternatives_pass_through_functions() -> None:
    found = unknown_of("toUpper(parameters('env'))")
    assert found.key == ("parameter", (), "env")
    listed = unknown_of(
        "if(equals(parameters('env'), 'dev'), createArray('a', 'b'), createArray('c'))[parameters('n')]"
    )
    assert [choice.data for choice in listed.domain] == ["a", "b", "c"]
    assert unknown_of("parameters('list')[parameters('n')]").type is None
    sizes = unknown_of("if(equals(parameters('env'), 'prod'), 4096, 128)")
    assert sorted(choice.data for choice in sizes.domain) == [128, 4096]  # type: ignore[type-var]
    assert (sizes.low, sizes.high, sizes.type) == (128, 4096, "number")
    assert sizes.cause == "parameter 'env'"
    picked = unknown_of("createObject('dev', 10, 'prod', 20)[parameters('env')]")
    assert [choice.data for choice in picked.domain] == [10, 20]
    spelled = unknown_of("length(concat(substring(parameters('env'), 0, 1), 'x'))")
    assert spelled.low is not None


def test_equal_operands_give_equal_unknowns() -> None:
    atoms = world(
        template(
            [
                disk(
                    properties={
                        "a": "[uniqueString(resourceGroup().id, 'x')]",
                        "b": "[uniquestring(resourcegroup().id, 'X')]",
                        "c": "[uniqueString(resourceGroup().id, 'y')]",
                        "d": "[base64(parameters('s'))]",
                        "e": "[base64(parameters('s'))]",
                        "f": "[newGuid()]",
                        "g": "[newGuid()]",
                    }
                )
            ],
            parameters=PARAMETERS,
        )
    ).resources[0]
    keys = [atoms.get(f"properties.{name}").data.key for name in "abcdefg"]  # type: ignore[union-attr]
    assert None not in keys
    assert keys[0] == keys[1] != keys[2]
    assert keys[3] == keys[4]
    assert keys[5] != keys[6]


def test_what_is_known_of_computed_text() -> None:
    found = evaluated("[concat('st', uniqueString(resourceGroup().id))]")
    assert isinstance(found.data, Text)
    assert found.data.prefix == "st"
    (why,) = found.data.unknowns
    assert why.nonempty
    assert why.type == "string"


def test_composed_texts_know_their_pieces() -> None:
    found = evaluated("[concat('#!/bin/sh\n', variables('script'))]", variables={"script": "echo"})
    assert [piece.data for piece in found.pieces] == ["#!/bin/sh\n", "echo"]
    inner = evaluated("[base64(concat('a', 'b'))]").pieces[0]
    assert inner.data == "ab"


def test_a_region_can_be_given() -> None:
    found = world(template([disk(location="[resourceGroup().location]")]), options=Options(location="westeurope"))
    assert found.resources[0].get("location").data == "westeurope"

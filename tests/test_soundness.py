"""No verdict comes from a guessed value: make one literal of an example unknown, then give it sampled values.

Where the verdict with the unknown is a fault, it is a fault for every value; where it is clear, for none. What is only
reported "if created" is left out: for some value there is nothing to report it on.
"""

from __future__ import annotations

import json
import random
import re
from dataclasses import replace
from typing import NamedTuple

import pytest

from bklint import facts
from bklint.engine import Settings
from bklint.policy.model import Example, Texts
from bklint.policy.store import PolicySet
from bklint.source import Source
from bklint.syntax import hcl
from policy_examples import examples, lowered, policy_files
from terraform_roots import generated

PROBES = 220
GENERATED = 200
SEED = 20261122
ROOTS = [files for _, files in generated(GENERATED)]
POLICIES = PolicySet([file.policy for file in policy_files()], lambda _: Texts(), facts.all_facts())
TERRAFORM = re.compile(r"^(\s+[a-z_]+\s*= )(\d+|true|false|\"[^\"$%\\]*\")$", re.MULTILINE)
ARM = re.compile(r"(\"[A-Za-z]+\": )(\d+|true|false|\"[^\"\[\\]*\")(?=\s*[,}\n])")
NAMES = re.compile(
    r"\"(\$schema|contentVersion|apiVersion|type|name|defaultValue|scope|priority)\": $|\s(name|priority|type)\s*= $"
)
"""What is left out: names, since findings are compared by address, and priorities, of which Azure refuses some."""
VALUES: dict[str, list[object]] = {
    "number": [1, 16, 4096, 4097, 32768, 32769, 65500],
    "bool": [True, False],
    "string": ["", "x", "*", "Deny", "Allow", "168.63.129.16", "V1", "V2", "ReadOnly", "PremiumV2_LRS"],
}


LEGAL: dict[str, list[object]] = {"protocol": ["*", "Tcp", "Udp", "Icmp"]}
"""The values of properties for which Azure refuses all others."""


class Probe(NamedTuple):
    """An example with one literal of it: the text before and behind, and the literal as data."""

    label: str
    example: Example
    before: str
    behind: str
    literal: object

    @property
    def name(self) -> str:
        """What the literal is written for."""
        return self.label.rpartition("-")[2].strip('"')

    def unknown(self) -> Example:
        """The example with the literal unknown."""
        return self.given(None)

    def given(self, value: object | None) -> Example:
        """The example with an input in the place of the literal, and a default for it."""
        default = "" if value is None else json.dumps(value)
        if self.example.dialect == "terraform":
            body = f"  default = {default}\n" if default else ""
            text = f'{self.before}var.probe{self.behind}\nvariable "probe" {{\n{body}}}\n'
            return replace(self.example, text=text)
        whole = json.loads(f"{self.before}\"[parameters('probe')]\"{self.behind}")
        row = {"type": {bool: "bool", int: "int"}.get(type(self.literal), "string")}
        whole.setdefault("parameters", {})["probe"] = row | ({"defaultValue": value} if default else {})
        return replace(self.example, text=json.dumps(whole))


def probes() -> list[Probe]:
    """A seeded choice of literals over all examples."""
    chance, found = random.Random(SEED), []
    for file in policy_files():
        for label, example in examples(file):
            pattern = {"terraform": TERRAFORM, "arm": ARM}.get(example.dialect)
            if pattern is None or example.files:
                continue
            places = [match for match in pattern.finditer(example.text) if not NAMES.search(match[1])]
            if places and _readable(example):
                match = chance.choice(places)
                before, behind = example.text[: match.start(2)], example.text[match.end(2) :]
                found.append(Probe(f"{label}-{match[1].strip(' :=')}", example, before, behind, json.loads(match[2])))
    chance.shuffle(found)
    return found[:PROBES]


def _readable(example: Example) -> bool:
    if example.dialect == "terraform":
        return not hcl.parse(Source("main.tf", example.text.encode())).problems
    try:
        return isinstance(json.loads(example.text), dict)
    except ValueError:
        return False


class Verdicts(NamedTuple):
    """Faults, those and what they subsume, undecided checks and conditional faults, each by (policy, address)."""

    faults: set[tuple[str, str]]
    covered: set[tuple[str, str]]
    undecided: set[tuple[str, str]]
    conditional: set[tuple[str, str]]


def verdicts(example: Example) -> Verdicts:
    outcome = lowered(example).judge(POLICIES, Settings(edition=example.edition, parameters=example.parameters))
    subsumes = {policy.id: policy.subsumes for policy in POLICIES}
    found = [(each, address) for each in outcome.findings for address in each.instances or (each.address,)]
    faults = {(finding.policy, address) for finding, address in found}
    covered = {(id_, address) for finding, address in found for id_ in subsumes.get(finding.policy, ())}
    undecided = {(each.policy, each.address) for each in outcome.undecided}
    conditional = {(finding.policy, address) for finding, address in found if finding.conditional}
    return Verdicts(faults, faults | covered, undecided, conditional)


@pytest.mark.parametrize("probe", probes(), ids=lambda probe: probe.label)
def test_a_verdict_without_the_value_holds_for_every_value(probe: Probe) -> None:
    vague = verdicts(probe.unknown())
    kind = {bool: "bool", int: "number"}.get(type(probe.literal), "string")
    certain = vague.faults - vague.conditional - vague.undecided
    clear = addresses(probe)
    for value in (probe.literal, *LEGAL.get(probe.name, VALUES[kind])):
        known = verdicts(probe.given(value))
        invented = certain - known.covered - known.undecided
        missed = {each for each in known.faults - vague.covered - vague.undecided if each[1] in clear}
        assert not invented, f"a fault without the value, none with {value!r}"
        assert not missed, f"clear without the value, a fault with {value!r}"


def addresses(probe: Probe) -> set[str]:
    """The addresses that there are whatever the value is."""
    return declared(probe.unknown())


def declared(example: Example) -> set[str]:
    """The addresses of the resources of an example."""
    roots = lowered(example).roots
    return {resource.address for root in roots for resource in root.lower(root.contexts[0], {}).resources}


# -- whole roots -----------------------------------------------------------------------------------------------------


def inputs(text: str) -> dict[str, tuple[str, str]]:
    """The variables of a generated root: name to the block without its default, and the default."""
    found = {}
    for block in text.strip().split("\nvariable "):
        front, default, rest = block.rpartition("\n}")[0].partition("\n  default ")
        found[block.split('"')[1]] = (front.removeprefix("variable "), default + rest)
    return found


def written(variables: dict[str, tuple[str, str]], name: str, default: str) -> str:
    """The variables with another default of one; an empty one is none."""
    given = {each: default if each == name else own for each, (_, own) in variables.items()}
    return "".join(f"\nvariable {front}{given[each]}\n}}\n" for each, (front, _) in variables.items())


def _root(files: dict[str, str]) -> Example:
    others = {name: text for name, text in files.items() if name != "main.tf"}
    return Example("bad", "terraform", files["main.tf"], others)


@pytest.mark.parametrize("number", range(GENERATED))
def test_a_root_with_an_unknown_variable(number: int) -> None:
    """One variable of a root without a value (so that loops, modules and conditions hang on it); then with sampled ones:
    of its own kind, of other roots."""
    files = ROOTS[number]
    variables = inputs(files["variables.tf"])
    name = random.Random(SEED + number).choice(sorted(variables))
    vague_root = _root({**files, "variables.tf": written(variables, name, "")})
    vague = verdicts(vague_root)
    certain = vague.faults - vague.conditional - vague.undecided
    there = declared(vague_root)
    for other in range(3):
        given = inputs(ROOTS[(number + other) % GENERATED]["variables.tf"])[name][1]
        known_root = _root({**files, "variables.tf": written(variables, name, given)})
        known, now = verdicts(known_root), declared(known_root)
        invented = {each for each in certain - known.covered - known.undecided if each[1] in now}
        assert not invented, f"a fault without var.{name}, none with {given!r}"
        missed = {each for each in known.faults - vague.covered - vague.undecided if each[1] in there}
        assert not missed, f"clear without var.{name}, a fault with {given!r}"

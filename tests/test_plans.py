"""A configuration and its plan, made by a real Terraform core, give the same findings and the same values.

The record (`data/terraform_plans.json.gz`, written by `oracle/record_plans.py`) holds configurations and plans. The
provider was a stub, so computed attributes that nothing refers to are missing from the plans, and defaults are null.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from bklint import packaged, run
from bklint.engine.statistics import Node
from bklint.files import MemoryReader
from bklint.finding import Report, Severity
from bklint.frontends import Options, frontend
from bklint.model.inventory import Inventory, World
from bklint.model.path import EACH, parse
from bklint.model.value import ListData, ObjectData, Value
from bklint.policy.store import PolicySet
from bklint.run import ScanOptions

RECORD = Path(__file__).parent / "data" / "terraform_plans.json.gz"
OPTIONS = ScanOptions(min_severity=Severity.INFO)

DIFFERENT = {
    "BKP302-bad1-terraform": "a plan does not say which instance `data[count.index]` is, so attachments stay undecided",
    "BKP302-bad4-terraform": "as BKP302-bad1",
    "BKP302-bad5-terraform": "as BKP302-bad1",
    "BKP302-good3-terraform": "as BKP302-bad1",
    "BKP406-bad5-terraform": "the stub has no computed `secret_id`, by which the certificate is found",
    "BKP112-bad1-terraform": "a plan holds nothing of `${…primary_blob_endpoint}vhds/os.vhd` but that it is not known",
    "BKP112-bad4-terraform": "as BKP112-bad1",
    "BKP109-unknown2-terraform": "the stub has no computed private_ip_address",
    "BKP712-bad2-terraform": "a plan holds nothing of `${…id}/backupPolicies/x` but that it is not known",
    "BKP705-bad3-terraform": "as BKP712-bad2; the other one of the two protected items is reported",
}


class Recorded(NamedTuple):
    """A configuration and what a real core plans for it."""

    name: str
    files: dict[str, str]
    plan: dict[str, Any]


@cache
def recorded() -> tuple[Recorded, ...]:
    """The whole record."""
    return tuple(Recorded(**each) for each in json.loads(gzip.decompress(RECORD.read_bytes())))


@cache
def policies() -> PolicySet:
    """The policies that run by default."""
    return run.load_policies(OPTIONS)


def said(report: Report) -> set[tuple[str, str, str]]:
    """Policy, address and severity of what is found; scripts are addressed by file and line, so not these."""
    return {
        (finding.policy, address, finding.severity.label)
        for finding in report.findings
        for address in finding.addresses
        if not finding.resource_type.startswith("guest/") and finding.policy != "BKP717"
    }


@pytest.mark.parametrize("one", recorded(), ids=lambda one: one.name)
def test_same_findings(one: Recorded) -> None:
    from_files = run.scan(["."], OPTIONS, policies(), MemoryReader(one.files))
    from_plan = run.scan(["plan.json"], OPTIONS, policies(), MemoryReader({"plan.json": json.dumps(one.plan)}))
    assert from_plan.resources == from_files.resources
    if one.name in DIFFERENT:
        assert said(from_files) != said(from_plan), f"{one.name} is the same now: {DIFFERENT[one.name]}"
    else:
        assert said(from_files) == said(from_plan)


def test_the_record_is_large_enough() -> None:
    assert len(recorded()) > 350
    assert sum(one.name.startswith("generated") for one in recorded()) >= 50
    assert len(DIFFERENT) <= 10


# -- values ----------------------------------------------------------------------------------------------------------


def world(dialect: str, path: str, files: dict[str, str]) -> World:
    """The world of the only root, unfinished."""
    reader = MemoryReader(files)
    directories = sorted({name.rpartition("/")[0] or "." for name in files})
    paths = tuple(directories) if dialect == "terraform" else (path,)
    roots = list(frontend(dialect)(paths, reader, Options(), Inventory()))
    root = next(each for each in roots if each.path == path)
    return root.lower(root.contexts[0], {})


@cache
def read_of(type_: str) -> Node:
    """What policies read of a type."""
    node = Node()
    for path in packaged.reads().get(type_.casefold(), {}):
        node.put(parse(path))
    return node


def known(value: Value, node: Node, path: str = "") -> Iterator[tuple[str, object]]:
    """Path and data of what is known; lists that may be longer are left out."""
    data = value.data
    if isinstance(data, ListData):
        for number, item in enumerate(data.items):
            yield from known(item, node if node.whole else node.members.get(EACH, node), f"{path}[{number}]")
    elif isinstance(data, ObjectData):
        for name, member in data.fields.items():
            below = node if node.whole else node.members.get(name.casefold())
            if below is not None:
                yield from known(member, below, f"{path}.{name}")
    elif value.known and data is not None:
        yield path, data


def same(a: object, b: object) -> bool:
    """Whether two scalars are one value; a provider's schema turns numbers and bools into strings and back."""
    texts = [str(one).lower() if isinstance(one, bool) else str(one).removesuffix(".0") for one in (a, b)]
    return texts[0] == texts[1]


@pytest.mark.parametrize("one", recorded(), ids=lambda one: one.name)
def test_what_is_decided_is_what_is_planned(one: Recorded) -> None:
    mine = world("terraform", ".", one.files)
    theirs = world("plan", "plan.json", {"plan.json": json.dumps(one.plan)})
    assert {each.address for each in mine.resources} == {each.address for each in theirs.resources}
    for resource in mine.resources:
        node = read_of(resource.type)
        planned = theirs.by_address(resource.address)
        assert planned is not None
        values = dict(known(planned.body, node))
        for path, data in known(resource.body, node):
            assert path in values, (resource.address, path, data)
            assert same(data, values[path]), (resource.address, path, data, values[path])

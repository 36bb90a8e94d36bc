"""The page on live Azure is true."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from azure_fake.estates import broken
from bklint import facts
from bklint.cli import main
from bklint.frontends.azure import queries
from bklint.model.relations import RELATIONS
from bklint.policy import store

PAGE = Path(__file__).parents[3] / "docs" / "live.md"


def test_its_example_is_what_comes_out(serve: Any, capsys: pytest.CaptureFixture[str]) -> None:
    page = PAGE.read_text("utf-8")
    examples = re.findall(r"<!-- live: bklint ([^\n]*?) -->\n```text\n(.*?)```\n", page, re.DOTALL)
    assert examples
    for command, shown in examples:
        fake = serve(broken(jobs=False))
        assert main([*shlex.split(command), "--cloud", fake.endpoint, "--no-config", "--quiet"]) == 1
        printed = capsys.readouterr().out.replace("https://portal.example", "https://portal.azure.com")
        assert printed.rstrip() == shown.rstrip()


def test_every_type_that_policies_look_at_is_read_or_said_not_to_be() -> None:
    """Targets of policies, and both ends of relations; children that stand inside of their parents come with these."""
    inline = {
        "Microsoft.Network/networkSecurityGroups/securityRules",
        "Microsoft.Network/routeTables/routes",
        "Microsoft.Network/virtualNetworks/subnets",
        "Microsoft.Compute/virtualMachineScaleSets/extensions",
    }
    targets = {type_ for policy in store.load((), facts.all_facts()) for type_ in policy.types}
    ends = {type_ for relation in RELATIONS for type_ in (relation.source, relation.target)}
    wanted = {type_ for type_ in targets | ends if not type_.startswith("guest/")}
    known = {*queries.TABLES, queries.LOCK, *queries.NOT_LISTED, *inline}
    assert {type_.casefold() for type_ in wanted} <= {type_.casefold() for type_ in known}

"""The examples of policy files, lowered once each, and judged with any policy."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

from bklint import facts, run
from bklint.engine import Outcome, Settings, combine, judge
from bklint.files import MemoryReader
from bklint.finding import Finding
from bklint.frontends import FRONTENDS, Options, Root, attach, frontend
from bklint.model.defaults import Defaults
from bklint.model.derive import derive
from bklint.model.inventory import Inventory, Problem, World
from bklint.policy.model import Example, Policy, Texts
from bklint.policy.store import PolicySet

GUEST_FILES = {
    "shell": "script.sh",
    "powershell": "script.ps1",
    "batch": "script.cmd",
    "registry": "settings.reg",
    "securityTemplate": "baseline.inf",
    "cloudInit": "cloud-init.yaml",
    "netplan": "etc/netplan/50-config.yaml",
    "ifcfg": "ifcfg-eth0",
    "interfaces": "etc/network/interfaces",
    "networkd": "10-eth0.network",
    "keyfile": "eth0.nmconnection",
    "waagent": "etc/waagent.conf",
    "environment": "etc/environment",
    "systemdUnit": "walinuxagent.service.d/proxy.conf",
    "fstab": "etc/fstab",
    "hosts": "etc/hosts",
    "selinux": "etc/selinux/config",
    "fapolicyd": "etc/fapolicyd/fapolicyd.rules",
    "iptables": "etc/iptables/rules.v4",
    "nftables": "etc/nftables.conf",
    "firewalld": "direct.xml",
    "unattend": "unattend.xml",
    "appLocker": "AppLocker.xml",
    "wdac": "SiPolicy.xml",
    "ufw": "etc/default/ufw",
    "packer": "image.pkr.hcl",
}
"""The file that an example of what a machine runs or reads is in."""

FILES = {
    "terraform": "main.tf",
    "plan": "plan.json",
    "arm": "azuredeploy.json",
    "bicep": "main.bicep",
    **GUEST_FILES,
}
"""The file that an example's text is in, by its dialect."""


def readable(example: Example) -> bool:
    """Whether there is a front-end for the dialect of an example."""
    return front_end_of(example) in FRONTENDS


def front_end_of(example: Example) -> str:
    """The front-end that reads an example."""
    return "guest" if example.dialect in GUEST_FILES else example.dialect


@cache
def defaults() -> Defaults:
    """The table of defaults."""
    return run.defaults()


class LoweredRoot:
    """A root whose worlds are lowered and finished once, however often it is judged."""

    def __init__(self, root: Root, complete: bool, reader: MemoryReader) -> None:
        self._root = root
        self._reader = reader
        self._complete = complete
        self._worlds: dict[tuple[str, str], World] = {}

    @property
    def path(self) -> str:
        """See Root."""
        return self._root.path

    @property
    def contexts(self) -> tuple[str, ...]:
        """See Root."""
        return self._root.contexts

    def lower(self, context: str, assume: Mapping[str, object]) -> World:
        """See Root."""
        key = (context, repr(sorted(assume.items())))
        if key not in self._worlds:
            world = self._root.lower(context, assume)
            world.complete = world.complete or self._complete
            world.finish(derive, defaults().fill)
            attach(world, self._reader)
            self._worlds[key] = world
        return self._worlds[key]


class Lowered(NamedTuple):
    """An example's roots, and what could not be read."""

    roots: tuple[LoweredRoot, ...]
    problems: list[Problem]

    def judge(self, policies: PolicySet, settings: Settings) -> Outcome:
        """What policies say of it."""
        return combine(judge(root, policies, settings, lambda _: None, facts.read) for root in self.roots)


def lowered(example: Example) -> Lowered:
    """The roots of an example."""
    files = {FILES[example.dialect]: example.text, **example.files}
    inventory = Inventory()
    paths: tuple[str, ...] = (FILES[example.dialect],)
    if example.dialect == "terraform":
        paths = tuple(sorted({posixpath.dirname(name) or "." for name in files if name.endswith(".tf")}))
    reader = MemoryReader(files)
    if front_end_of(example) == "guest":
        paths = tuple(sorted(files))
    roots = frontend(front_end_of(example))(paths, reader, Options(), inventory)
    return Lowered(tuple(LoweredRoot(root, example.complete, reader) for root in roots), inventory.problems)


def alone(policy: Policy) -> PolicySet:
    """A set of one policy, which nothing subsumes."""
    return PolicySet([policy], lambda _: Texts(), facts.all_facts())


def judged(example: Example, policy: Policy, roots: Lowered) -> Outcome:
    """What one policy says of an example."""
    return roots.judge(alone(policy), Settings(edition=example.edition, parameters=example.parameters))


def text_at(place: Any) -> str:
    """The text of a place; nothing for none."""
    return place.locate().text if place is not None else ""


def complaint(example: Example, outcome: Outcome) -> str:
    """How an outcome differs from what the example says; nothing where it does not."""
    if any(finding.policy == "BKP901" for finding in outcome.findings):
        return outcome.findings[0].message
    if example.kind == "bad":
        return _bad(example, outcome.findings, outcome)
    if outcome.findings:
        return f"reported at {text_at(outcome.findings[0].place)!r}: {outcome.findings[0].message}"
    if example.kind == "unknown":
        return "" if outcome.undecided else "decided: clear"
    return f"undecided because of {outcome.undecided[0].cause}" if outcome.undecided else ""


def _bad(example: Example, findings: list[Finding], outcome: Outcome) -> str:
    if not findings:
        why = f"undecided because of {outcome.undecided[0].cause}" if outcome.undecided else "clear"
        return f"not reported: {why} ({outcome.resources} resources)"
    found = [(text_at(finding.place), text_at(finding.fix_at), finding) for finding in findings]
    here = [(fix_at, finding) for at, fix_at, finding in found if at == example.at]
    if not here:
        return f"reported at {[at for at, _, _ in found]}, not at {example.at!r}"
    if example.fix_at not in [fix_at for fix_at, _ in here]:
        return f"to be fixed at {[fix_at for fix_at, _ in here]}, not at {example.fix_at!r}"
    if example.severity and example.severity not in [finding.severity.label for _, finding in here]:
        return f"reported as {[finding.severity.label for _, finding in here]}, not as {example.severity}"
    if example.findings not in (0, len(findings)):
        return f"{len(findings)} findings, not {example.findings}, at {[at for at, _, _ in found]}"
    if not any(example.message in finding.message for _, finding in here):
        return f"message {[finding.message for _, finding in here]} without {example.message!r}"
    return ""

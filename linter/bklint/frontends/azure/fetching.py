"""References that lead out of what was read, to the resources they name: fetched by id, remembered, followed on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from bklint.frontends.azure import queries
from bklint.frontends.azure.client import Azure
from bklint.frontends.azure.faults import NotCheckedError
from bklint.frontends.azure.queries import FOLLOWED_API, Question
from bklint.frontends.azure.reading import Row, rows
from bklint.frontends.azure.references import references, subnets_of, type_of, wanted

AT_A_TIME = 100
"""Ids of one query."""

MAX_KEPT = 5000
"""Fetched resources that are remembered; beyond it the oldest are dropped."""

MAX_STEPS = 8
"""How far references are followed: machine, interface, network, group, firewall, its policy, the policy's base."""

Told = Callable[[str, str], None]
"""Told of a path that something was not read."""


class Fetching:
    """Fetches by id. `gap` is told what could not be read."""

    def __init__(self, azure: Azure, gap: Told) -> None:
        self._azure = azure
        self._gap = gap
        self._kept: dict[str, Row | None] = {}
        self._rules: dict[str, list[Row] | None] = {}

    def prepare(self, owned: Mapping[str, Sequence[Row]], assigned: Sequence[Row], path: str) -> None:
        """Fetch at once what several subscriptions (id in lower case to its rows) refer to; what one of them has for
        another is remembered without being asked for."""
        every = {str(row.get("id", "")).casefold(): row for listed in owned.values() for row in listed}
        for id_, listed in owned.items():
            own = f"/subscriptions/{id_}/"
            pending: list[Row] = list(listed)
            subnets: set[str] = set()
            for _ in range(MAX_STEPS):
                subnets.update(each for row in pending for each in subnets_of(row))
                asked = {wanted(each) for row in pending for each in references(row, subnets)}
                others = [each for each in asked & every.keys() if not each.startswith(own)]
                pending = [every[each] for each in others if each not in self._kept or _is_network(every[each])]
                self._kept.update((each, every[each]) for each in others)
                if not pending:
                    break
        self.complete((*every.values(), *assigned), path)

    def complete(
        self, listed: Iterable[Mapping[str, Any]], path: str, joined: Iterable[str] = ()
    ) -> tuple[list[Row], frozenset[str], bool]:
        """What the rows refer to and do not hold (of networks, what the subnets do that they refer to, and those in
        `joined`), with the rule groups of firewall policies; the policies whose rule
        groups were read (ids in lower case); and whether something could not be read. A resource that an answer leaves
        out is none: it is gone, or the identity may not see it."""
        own = {str(row.get("id", "")).casefold(): row for row in listed}
        found: dict[str, Row] = {}
        pending: list[Mapping[str, Any]] = list(own.values())
        subnets = set(joined)
        missed = False
        for _ in range(MAX_STEPS):
            subnets.update(each for row in pending for each in subnets_of(row))
            networks = [row for row in (*own.values(), *found.values()) if _is_network(row)]
            asked = {wanted(each) for row in (*pending, *networks) for each in references(row, subnets)}
            asked -= {"", *own, *found}
            if not asked:
                break
            got, failed = self.fetch(sorted(asked), path)
            missed = missed or failed
            found.update(got)
            pending = list(got.values())
            if not got:
                break
        rules, read, failed = self._rule_groups([*own.values(), *found.values()], path)
        return [*found.values(), *rules], read, missed or failed

    def fetch(self, ids: Sequence[str], path: str) -> tuple[dict[str, Row], bool]:
        """The resources of these ids (lower case), and whether some could not be asked for."""
        tables: dict[str, list[str]] = {}
        for identity in ids:
            table = queries.TABLES.get(type_of(identity), "")
            if identity not in self._kept and table:
                tables.setdefault(table, []).append(identity)
        failed = False
        for table, unread in sorted(tables.items()):
            for start in range(0, len(unread), AT_A_TIME):
                failed = self._ask(table, unread[start : start + AT_A_TIME], path) or failed
        self._forget(ids)
        found = {identity: self._kept.get(identity) for identity in ids}
        return {identity: row for identity, row in found.items() if row is not None}, failed

    def _ask(self, table: str, ids: Sequence[str], path: str) -> bool:
        """Ask for some ids of one table; whether that failed."""
        problems: list[str] = []
        question = Question(queries.of_ids(table, ids))
        try:
            listed = rows(self._azure, question, problems.append, "resources that others refer to")
        except NotCheckedError as error:
            problems.append(error.message)
            listed = []
        self._kept.update(dict.fromkeys(ids, None) if not problems else {})
        self._kept.update({str(row.get("id", "")).casefold(): row for row in listed})
        for message in problems:
            self._gap(path, message)
        return bool(problems)

    def _forget(self, needed: Iterable[str]) -> None:
        """Drop the oldest beyond MAX_KEPT, but those that are needed now."""
        surplus = len(self._kept) - MAX_KEPT
        if surplus > 0:
            now = frozenset(needed)
            for identity in [each for each in self._kept if each not in now][:surplus]:
                del self._kept[identity]

    def _rule_groups(self, listed: Iterable[Mapping[str, Any]], path: str) -> tuple[list[Row], frozenset[str], bool]:
        """The rule collection groups of the firewall policies among some rows: Resource Graph has none of them."""
        found: list[Row] = []
        read: set[str] = set()
        failed = False
        for row in listed:
            identity = str(row.get("id", ""))
            if type_of(identity) != "Microsoft.Network/firewallPolicies":
                continue
            if identity.casefold() not in self._rules:
                self._rules[identity.casefold()] = self._rules_of(identity)
            rules = self._rules[identity.casefold()]
            if rules is None:
                failed = True
            else:
                read.add(identity.casefold())
                found.extend(rules)
        return found, frozenset(read), failed

    def _rules_of(self, identity: str) -> list[Row] | None:
        path = f"{identity}/ruleCollectionGroups?api-version={FOLLOWED_API}"
        try:
            return list(self._azure.listed(path, "rules of a firewall policy"))
        except NotCheckedError as error:
            self._gap(identity, error.message)
            return None


def _is_network(row: Mapping[str, Any]) -> bool:
    return str(row.get("type", "")).casefold() == "microsoft.network/virtualnetworks"


def by_subscription(listed: Iterable[Row], ids: Sequence[str]) -> dict[str, list[Row]]:
    """Rows by subscription, in lower case."""
    found: dict[str, list[Row]] = {each.casefold(): [] for each in ids}
    for row in listed:
        parts = str(row.get("id", "")).casefold().split("/")
        if len(parts) > 2 and parts[1] == "subscriptions" and parts[2] in found:
            found[parts[2]].append(row)
    return found

"""A question into all its rows: pages that fit together, or the word that they do not.

Resource Graph gives no snapshot: what changes between two pages shifts the rest. So totals are compared, rows counted
and ids told apart, and where something does not add up everything is read again; what still does not is a gap.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bklint.frontends.azure.client import Answer, Azure
from bklint.frontends.azure.faults import NotCheckedError
from bklint.frontends.azure.queries import PAGE, Question

READS = 3
"""How often rows are read before differing totals are told."""

CUT = "x-ms-tenant-subscription-limit-hit"
"""Said by Resource Graph where the identity sees more than 10,000 subscriptions and the answer leaves out the rest
(https://learn.microsoft.com/azure/governance/resource-graph/concepts/guidance-for-throttled-requests)."""

Row = dict[str, Any]
Gap = Callable[[str], None]
"""Told what was not read."""

Told = Callable[[int, int], None]
"""Told how many rows came, and how many there are."""


class _ChangedError(Exception):
    """The pages do not fit together."""


def rows(azure: Azure, question: Question, gap: Gap, what: str, told: Told | None = None) -> list[Row]:
    """All rows; what is missing of them goes to `gap`. Raises NotCheckedError where not even one page came."""
    why = ""
    found: list[Row] = []
    for _ in range(READS):
        found = []
        try:
            if _read(azure, question, found, told):
                gap(f"{what}: more than 10,000 subscriptions; Resource Graph leaves out the rest")
            return found
        except _ChangedError as error:
            why = str(error)
        except NotCheckedError as error:
            if not found:
                raise
            gap(f"{what}: only {len(found)} rows came; {error.message}")
            return _once(found)
    gap(f"{what}: {why}, in each of {READS} attempts")
    return _once(found)


def _read(azure: Azure, question: Question, found: list[Row], told: Told | None) -> bool:
    """One reading of all pages, into `found`; whether subscriptions were left out."""
    token, total, cut = "", -1, False
    while True:
        answer = azure.graph(_body(question, token))
        data, page = _page(answer)
        if total not in (-1, page["totalRecords"]):
            raise _ChangedError(f"the total changed while pages were read ({total}, then {page['totalRecords']})")
        total, cut = page["totalRecords"], cut or answer.headers.get(CUT, "").lower() == "true"
        found.extend(data)
        if told is not None:
            told(len(found), total)
        token = page.get("$skipToken") or ""
        if not token or not data:
            break
    if len(found) != total:
        raise _ChangedError(f"{len(found)} of {total} rows came")
    if len(_once(found)) != total:
        raise _ChangedError("rows came twice")
    return cut


def _page(answer: Answer) -> tuple[list[Row], dict[str, Any]]:
    """The rows of a page, and the page."""
    page = answer.body
    if not isinstance(page, dict) or not isinstance(page.get("totalRecords"), int):
        raise NotCheckedError("query of Resource Graph: the answer has no totalRecords")
    data = page.get("data")
    if not isinstance(data, list) or page.get("count", len(data)) != len(data):
        raise _ChangedError("a page came in part")
    return [row for row in data if isinstance(row, dict)], page


def _body(question: Question, token: str) -> dict[str, Any]:
    options: dict[str, Any] = {"$top": PAGE, "resultFormat": "objectArray"}
    if question.levels:
        options["authorizationScopeFilter"] = question.levels
    if token:
        options["$skipToken"] = token
    body: dict[str, Any] = {"query": question.query, "options": options}
    if question.subscriptions:
        body["subscriptions"] = list(question.subscriptions)
    elif question.management_groups:
        body["managementGroups"] = list(question.management_groups)
    return body


def _once(found: list[Row]) -> list[Row]:
    """The rows, each id once; rows without an id are counts."""
    kept: dict[Any, Row] = {}
    for number, row in enumerate(found):
        identity = row.get("id")
        kept.setdefault(identity.casefold() if isinstance(identity, str) else number, row)
    return list(kept.values())

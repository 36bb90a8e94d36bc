"""Backup jobs that failed, as far as they tell which machine and why.

Resource Graph keeps jobs for some time with their properties as the service writes them; the reason is a list of
`errorDetails` (https://learn.microsoft.com/rest/api/backup/job-details/get). Where a row has none, the job itself is
asked. Texts of the service are kept as they are: whoever reads them must not take them for ours.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from bklint.frontends.azure.client import Azure
from bklint.frontends.azure.faults import NotCheckedError
from bklint.frontends.azure.reading import Row
from bklint.frontends.azure.references import at
from bklint.model.relations import PROTECTED_ITEM

JOBS_API = "2024-04-01"
MAX_ASKED = 200
"""Most jobs that are asked for one by one in a subscription."""

_CODE = re.compile(r"\b[A-Z][A-Za-z]{7,}\w*\b")


class FailedJob(NamedTuple):
    """A failed job. `machine` is the id of the virtual machine, empty where it is not known, and `name` what the job
    calls it; `codes` are error codes, `message` the text of the service."""

    id: str
    machine: str
    name: str
    operation: str
    started: str
    codes: tuple[str, ...]
    message: str


def failed_jobs(
    azure: Azure, jobs: Sequence[Row], listed: Sequence[Row], known_only: bool, gap: Callable[[str, str], None]
) -> tuple[FailedJob, ...]:
    """The failed jobs among rows, newest first. `listed` are the resources of the same subscription; with `known_only`,
    jobs of machines that no protected item among them is of are left out."""
    items = [row for row in listed if str(row.get("type", "")).casefold() == PROTECTED_ITEM.casefold()]
    found: list[FailedJob] = []
    asked = 0
    for job in jobs:
        machine = _machine(job, items)
        if known_only and not machine:
            continue
        details = at(job, "properties.errorDetails[*]")
        if not details and asked < MAX_ASKED:
            asked += 1
            details = _asked(azure, job, gap)
        found.append(_job(job, machine, details))
    return tuple(sorted(found, key=lambda job: (job.started, job.id), reverse=True))


def _asked(azure: Azure, job: Row, gap: Callable[[str, str], None]) -> list[Any]:
    identity = str(job.get("id", ""))
    try:
        return at(azure.get(f"{identity}?api-version={JOBS_API}", "backup job"), "properties.errorDetails[*]")
    except NotCheckedError as error:
        gap(identity, error.message)
        return []


def _job(job: Row, machine: str, details: Sequence[Any]) -> FailedJob:
    codes: list[str] = []
    texts: list[str] = []
    for detail in details:
        if isinstance(detail, Mapping):
            codes += _codes(detail)
            texts += [text for name in ("errorString", "errorMessage", "message") for text in at(detail, name)]
    started = next(iter(at(job, "properties.startTime")), "")
    return FailedJob(
        id=str(job.get("id", "")),
        machine=machine,
        name=str(next(iter(at(job, "properties.entityFriendlyName")), "")),
        operation=str(next(iter(at(job, "properties.operation")), "")),
        started=str(started),
        codes=tuple(dict.fromkeys(codes)),
        message=" ".join(dict.fromkeys(map(str, texts))),
    )


def _codes(detail: Mapping[str, Any]) -> list[str]:
    """The codes that a detail names: `errorCode` may be a number, and the name of the error is then its title."""
    found = [str(value) for name in ("errorCode", "code", "errorTitle") for value in at(detail, name)]
    return [text for text in found if text and (text.isdigit() or _CODE.fullmatch(text))]


def _machine(job: Row, items: Sequence[Row]) -> str:
    """The machine of a job: by what it names itself, else by the protected item of that name in its vault."""
    for path in ("properties.dataSourceId", "properties.virtualMachineId", "properties.sourceResourceId"):
        for value in at(job, path):
            if "/virtualmachines/" in str(value).casefold():
                return str(value)
    vault = str(job.get("id", "")).casefold().partition("/backupjobs/")[0]
    name = str(next(iter(at(job, "properties.entityFriendlyName")), "")).casefold()
    found = {
        str(source)
        for item in items
        if str(item.get("id", "")).casefold().startswith(f"{vault}/") and name and _called(item) == name
        for source in at(item, "properties.sourceResourceId")
    }
    return found.pop() if len(found) == 1 else ""


def _called(item: Row) -> str:
    """The name of an item's machine."""
    named = at(item, "properties.friendlyName")
    return str(named[0] if named else str(item.get("id", "")).rpartition(";")[2]).casefold()

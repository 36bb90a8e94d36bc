"""Secrets that were planted in every text of a report show in no format."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest

from bklint.finding import Accepted, Finding, Gone, RelatedPlace, Report, Severity, Undecided
from bklint.model.inventory import Note
from bklint.reporters import REPORTERS, Style, render
from bklint.reporters.markdown import summary
from bklint.source import Place, Source

CANARY = "CANARY7Secret"
LINES = (
    f'admin_password = "{CANARY}"',
    f'"adminPassword": {{ "value": "{CANARY}" }},',
    f'uri = "https://me:{CANARY}@host/x"',
    f'sas = "https://a.blob.core.windows.net/c?sv=1&sig={CANARY}&se=2"',
    f"az login --password {CANARY} -u x",
    f'custom_data = "{base64.b64encode(CANARY.encode()).decode()}"',
    f"export DB_PASSWORD={CANARY}",
)
SOURCE = Source("main.tf", "\n".join(LINES).encode())
TOLD = f'password="{CANARY}" https://me:{CANARY}@h/ AccountKey={CANARY}; --token {CANARY}'


def place(line: int) -> Place:
    """A whole line of the source."""
    return Place(SOURCE, SOURCE.lines[line], SOURCE.lines[line] + len(LINES[line]))


def planted() -> Report:
    finding = Finding(
        policy="BKP301",
        name="x",
        severity=Severity.ERROR,
        message=TOLD,
        path="main.tf",
        place=place(0),
        notice=TOLD,
        related=tuple(RelatedPlace(place(line), TOLD) for line in range(1, len(LINES))),
        fix_at=place(1),
        notes=(TOLD,),
        contexts=(TOLD,),
        instances=(TOLD, "b"),
    )
    return Report(
        findings=(finding,),
        undecided=(Undecided("BKP401", "a", TOLD, TOLD, place(2), TOLD),),
        notes=(Note("x", TOLD),),
        accepted=tuple(
            Accepted(replace(finding, address=kind), kind, TOLD) for kind in ("comment", "baseline", "base")
        ),
        gone=(Gone("BKP101", "a", "b.tf", TOLD, "base"), Gone("BKP101", "a", "b.tf", TOLD, "baseline")),
        compared=True,
    )


@pytest.mark.parametrize("format_", REPORTERS)
@pytest.mark.parametrize("color", [False, True])
def test_no_planted_secret_shows(format_: str, color: bool) -> None:
    text = render(format_, planted(), Style(color=color, verbose=True, undecided=True))
    assert CANARY not in text
    assert base64.b64encode(CANARY.encode()).decode() not in text
    assert "***" in text or "&#42;" in text


def test_no_planted_secret_is_in_a_job_summary() -> None:
    assert CANARY not in summary(planted(), Style())

"""The pages that come from data, and the outputs that README shows, are as they would be written now."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

import bklint

ROOT = Path(__file__).resolve().parent.parent
WANTED = runpy.run_path(str(ROOT / "docs" / "generate.py"))["wanted"]


@pytest.mark.parametrize(("path", "text"), [(p, t) for p, t in WANTED()], ids=lambda value: getattr(value, "name", ""))
def test_fresh(path: Path, text: str) -> None:
    assert path.exists(), f"run: python docs/generate.py ({path.name} is not written)"
    assert path.read_text(encoding="utf-8") == text, "run: python docs/generate.py"


def test_no_page_is_left_over() -> None:
    wanted = {path for path, _ in WANTED()}
    assert [path for path in (ROOT / "docs" / "policies").glob("*.md") if path not in wanted] == []


README = (ROOT / "README.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| `([\w-]+)` \| (\d+) \| \d", README, re.MULTILINE)


@pytest.mark.parametrize(("sample", "number"), ROWS)
def test_the_comparison_has_the_numbers_of_today(sample: str, number: str) -> None:
    """What bklint finds; what checkov of the version named there finds was counted with the command beside the table."""
    assert len(bklint.scan(ROOT / "sample-templates" / sample).findings) == int(number)


def test_the_comparison_has_rows() -> None:
    assert len(ROWS) == 6


def test_every_area_is_in_the_table() -> None:
    areas = {path.parent.name for path in (ROOT / "policies").glob("*/*.yaml")}
    table = README.split("<!-- policies -->")[1].split("<!-- /policies -->")[0]
    numbers = {area: int(number) for area, number in re.findall(r"^\| ([\w -]+) \| (\d+) \|", table, re.MULTILINE)}
    assert len(numbers) == len(areas)
    assert sum(numbers.values()) == len(list((ROOT / "policies").glob("*/*.yaml")))

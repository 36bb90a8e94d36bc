"""The pages that come from data, and the outputs that README shows, are as they would be written now."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
WANTED = runpy.run_path(str(ROOT / "docs" / "generate.py"))["wanted"]


@pytest.mark.parametrize(("path", "text"), [(p, t) for p, t in WANTED()], ids=lambda value: getattr(value, "name", ""))
def test_fresh(path: Path, text: str) -> None:
    assert path.exists(), f"run: python docs/generate.py ({path.name} is not written)"
    assert path.read_text(encoding="utf-8") == text, "run: python docs/generate.py"


def test_no_page_is_left_over() -> None:
    wanted = {path for path, _ in WANTED()}
    assert [path for path in (ROOT / "docs" / "policies").glob("*.md") if path not in wanted] == []

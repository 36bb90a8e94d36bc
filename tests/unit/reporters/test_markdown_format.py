"""Markdown: what is new, fixed and unchanged; nothing in a name is Markdown; no page is larger than its place takes."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest

from bklint import cli
from bklint.finding import Report
from bklint.reporters import Style, render
from bklint.reporters.markdown import COMMENT, SUMMARY, code, prose, summary


def test_sections_of_a_comparison(reports: dict[str, Report]) -> None:
    text = render("markdown", reports["compared"], Style())
    assert re.findall(r"^(?:##+ |<summary>)(.*?)(?:</summary>)?$", text, re.MULTILINE) == [
        "bklint: 1 new finding", "New", "Fixed", "Fixed, still in the baseline", "2 unchanged",
    ]  # fmt: skip
    assert "azurerm_managed_disk.old" not in text


def test_rows_have_the_cells_of_their_header(named_report: tuple[str, Report]) -> None:
    cells = 0
    for line in render("markdown", named_report[1], Style()).splitlines():
        number = len(re.findall(r"(?<!\\)\|", line)) if line.startswith("|") else 0
        assert number in (0, cells) or not cells
        cells = number


def test_names_are_no_markup(reports: dict[str, Report]) -> None:
    text = render("markdown", reports["names"], Style())
    tags = set(re.findall(r"<[^>]*>", text))
    assert tags <= {"<!-- bklint -->", "<!-- -->", "<br>", "<code>", "</code>",
                    "<details>", "</details>", "<summary>", "</summary>"}  # fmt: skip
    assert not re.search(r"\]\(|@\w|https?://|www\.|(?<!&)#\d|(?<!`)`(?!BKP)[^|`]*<", text)


@pytest.mark.parametrize(
    "text", ["a|b", "`", "``x``", "\\", "\\|", " x", "<b>", "*a*", "_a_", "@me", "#1", "a_b", "x: y", ""]
)
def test_text_shows_as_it_is(text: str) -> None:
    for written in (prose(text), code(text)):
        assert "|" not in written
        shown = unescape(written.replace("<!-- -->", ""))
        assert shown in (text, f"`{text}`", f"<code>{text}</code>")


def test_sizes(reports: dict[str, Report]) -> None:
    report = replace(reports["names"], findings=reports["names"].findings * 3000, gone=reports["names"].gone * 50)
    comment, page = render("markdown", report, Style()), summary(report, Style())
    assert COMMENT // 2 < len(comment.encode()) < 65_536
    assert SUMMARY // 2 < len(page.encode()) < 1_000_000
    for text in (comment, page):
        assert re.search(r"^\d+ more rows left out", text, re.MULTILINE)
        assert text.count("<details>") == text.count("</details>")


def test_a_summary_is_masked(reports: dict[str, Report]) -> None:
    text = summary(reports["hostile"], Style())
    assert "hunter2" not in text
    assert not set(text) & set("\x1b\x07\u202e")


def test_a_job_summary_is_added_for_github_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "summary.md"
    file.write_text("before\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(file))
    assert cli.main(["scan", "--format", "text"]) == 0
    assert file.read_text() == "before\n"
    assert cli.main(["scan", "--format", "github"]) == 0
    assert file.read_text().startswith("before\n<!-- bklint -->\n## bklint: no findings\n")


def test_a_job_summary_that_cannot_be_written_fails_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path))
    assert cli.main(["scan", "--format", "github"]) == 0
    assert "cannot write" in capsys.readouterr().err

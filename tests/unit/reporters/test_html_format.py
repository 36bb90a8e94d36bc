"""The HTML page: one file that loads nothing, in which no name is markup and no script but its own runs.

Where a Chromium is installed it opens the page: filters work, and what the page forbids does not run.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from base64 import b64encode
from collections import Counter
from dataclasses import replace
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path

import pytest

import bklint
from bklint.finding import Report
from bklint.reporters import Style, render
from bklint.reporters.html import machine

SAMPLES = Path(__file__).parents[3] / "sample-templates"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
VOID = {"meta", "input"}


class Page(HTMLParser):
    """The elements of a page; fails where they are not closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: Counter[str] = Counter()
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements[tag] += 1
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_one_page_that_loads_nothing(named_report: tuple[str, Report]) -> None:
    text = render("html", named_report[1], Style())
    page = Page(text)
    assert text.isascii()
    assert page.elements["script"] == page.elements["style"] == 1
    assert not set(page.elements) & {"img", "link", "iframe", "object", "embed", "base"}
    names = [name for name, _ in page.attributes]
    assert not [name for name in names if name in ("src", "style", "srcset") or name.startswith("on")]
    assert all((value or "").startswith("https://") for name, value in page.attributes if name == "href")
    assert "url(" not in text
    assert "@import" not in text


def test_its_policy_names_its_own_script_and_style(reports: dict[str, Report]) -> None:
    text = render("html", reports["full"], Style())
    for tag in ("script", "style"):
        inner = re.search(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        assert inner is not None
        assert f"{tag}-src 'sha256-{b64encode(sha256(inner[1].encode()).digest()).decode()}'" in text


def test_names_come_back_as_text(reports: dict[str, Report]) -> None:
    page = Page(render("html", reports["names"], Style()))
    assert "<script>alert(1)</script> <!-- --> & ' \" _a_ *b* @all" in page.text
    assert "</pre><img src=x onerror=alert(1)>" in page.text
    assert "hunter2" not in page.text


def test_only_sources_are_links(reports: dict[str, Report]) -> None:
    page = Page(render("html", reports["names"], Style()))
    assert [value for name, value in page.attributes if name == "href"] == ["https://learn.microsoft.com/x?a=1&b=2"]


MACHINES = [
    ("Microsoft.Compute/virtualMachines/vm-1.dataDisks[1]", "", "Microsoft.Compute/virtualMachines/vm-1"),
    ('module.a["x.y"].azurerm_linux_virtual_machine.vm["b.c"].os_disk', "",
     'module.a["x.y"].azurerm_linux_virtual_machine.vm["b.c"]'),
    ("azurerm_virtual_machine.vm", "", "azurerm_virtual_machine.vm"),
    ("azurerm_virtual_machine_extension.vm", "", ""),
    ("azurerm_managed_disk.d", "Microsoft.Compute/disks", ""),
    ("azurerm_linux_virtual_machine.vm (setup.sh:3)", "guest/command", "azurerm_linux_virtual_machine.vm"),
]  # fmt: skip


@pytest.mark.parametrize(("address", "type_", "expected"), MACHINES)
def test_machine(address: str, type_: str, expected: str, reports: dict[str, Report]) -> None:
    finding = replace(reports["full"].findings[1], address=address, resource_type=type_)
    assert machine(finding) == expected


def test_one_name_in_two_roots_is_two_machines(reports: dict[str, Report]) -> None:
    own = replace(reports["full"].findings[1], address="azurerm_linux_virtual_machine.vm")
    page = Page(render("html", Report((replace(own, roots=("prod",)), replace(own, roots=("test",)))), Style()))
    assert [value for name, value in page.attributes if name == "data-machine"] == [
        "machine azurerm_linux_virtual_machine.vm in prod",
        "machine azurerm_linux_virtual_machine.vm in test",
    ]


def test_what_all_findings_of_a_policy_share_is_folded(reports: dict[str, Report]) -> None:
    page = Page(render("html", Report((reports["full"].findings[1],)), Style()))
    folded = [value for name, value in page.attributes if name == "class" and value == "more"]
    assert len(folded) == 1
    assert "why, sources and example" in page.text
    assert page.text.index("Split the disk.") < page.text.index("why, sources and example")


def opened(text: str, tmp_path: Path) -> str:
    """The page as Chromium has it after its scripts."""
    assert CHROMIUM is not None
    (tmp_path / "page.html").write_text(text)
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}",
               "--dump-dom", (tmp_path / "page.html").as_uri()]  # fmt: skip
    done = subprocess.run(command, capture_output=True, check=True, timeout=120, encoding="utf-8")
    return done.stdout.partition("<script>")[0]


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium")
def test_filters_and_views(reports: dict[str, Report], tmp_path: Path) -> None:
    text = render("html", reports["full"], Style())
    assert "3 of 3 shown" in opened(text, tmp_path)
    chosen = text.replace('<option value="machine">', '<option value="machine" selected>')
    chosen = chosen.replace('value="warning" checked', 'value="warning"')
    shown = opened(chosen, tmp_path)
    assert "2 of 3 shown" in shown
    assert re.findall("<h2>(.*?)</h2>", shown) == ["no resource (1)", 'resource azurerm_managed_disk.data["a"] (1)']


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium")
def test_the_page_of_a_scan_is_drawn(tmp_path: Path) -> None:
    """The report on the samples, opened as a reader opens it: by machine, every finding shown, and not a blank picture."""
    report = bklint.scan(SAMPLES)
    text = bklint.render(report, "html").replace('<option value="machine">', '<option value="machine" selected>')
    shown = opened(text, tmp_path)
    assert f"{len(report.findings)} of {len(report.findings)} shown" in shown
    groups = re.findall(r"<h2>machine .*? in (\S+) \((\d+)\)</h2>", shown)
    assert len(groups) == len({root for root, _ in groups}) >= 4
    assert "^^^^" in shown
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}",
               "--window-size=800,600", f"--screenshot={tmp_path / 'page.png'}", (tmp_path / "page.html").as_uri()]  # fmt: skip
    subprocess.run(command, capture_output=True, check=True, timeout=120)  # type: ignore[arg-type]
    picture = (tmp_path / "page.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert len(picture) > 20_000  # a blank page of this size has about 3,000 bytes


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium")
def test_no_other_script_runs(reports: dict[str, Report], tmp_path: Path) -> None:
    text = render("html", reports["names"], Style())
    planted = text.replace("<footer>", "<script>document.title = 'pwned'</script><footer>")
    assert "<title>bklint report</title>" in opened(planted, tmp_path)

"""The documentation: the site builds strictly and loads nothing from elsewhere, links lead somewhere, commands are understood,
and what pages say of the program is what the program says of itself.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from bklint import __version__, run
from bklint.arguments import parser
from bklint.syntax import yaml

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
PAGES = {
    path: path.read_text("utf-8")
    for path in (
        *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
        *sorted(DOCS.rglob("*.md")),
    )
    if "samples" not in path.parts
}
WRITTEN = {path: text for path, text in PAGES.items() if path.parent.name not in ("policies", "errors")}
"""The pages that people write."""


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


# -- the site ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as CI builds it: every warning is an error."""
    target = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(target)]
    environment = {
        **os.environ,
        "NO_MKDOCS_2_WARNING": "1",
        "http_proxy": "http://127.0.0.1:9",
        "https_proxy": "http://127.0.0.1:9",
    }
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return target


class Loaded(HTMLParser):
    """What a page loads when it is opened, and the targets inside it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in ("script", "img", "iframe", "source", "embed"):
            self.loaded.append(given.get("src") or "")
        elif tag == "link" and given.get("rel") in ("stylesheet", "preload", "icon", "preconnect"):
            self.loaded.append(given.get("href") or "")


def test_the_site_has_every_page(site: Path) -> None:
    for path in PAGES:
        if DOCS in path.parents:
            name = path.relative_to(DOCS).with_suffix("").as_posix()
            name = re.sub(r"(^|/)(README|index)$", r"\1", name)
            assert (site / name / "index.html").exists(), name
    assert not list(site.rglob("*.py"))
    assert not (site / "samples").exists()


def test_the_site_loads_nothing_from_elsewhere(site: Path) -> None:
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 150
    for page in pages:
        loaded = Loaded(page.read_text("utf-8")).loaded
        assert not [each for each in loaded if re.match(r"(https?:)?//", each)], page
    styles = "".join(each.read_text("utf-8") for each in site.rglob("*.css"))
    assert "@import" not in styles
    assert not re.findall(r"url\(['\"]?(?:https?:)?//", styles)


def test_names_in_prose_stay_as_they_are(site: Path) -> None:
    """`<geo>` in a sentence is no element, and nothing is cut out of it."""
    page = (site / "policies" / "BKP201" / "index.html").read_text("utf-8")
    assert "AzureBackupRG_&lt;geo&gt;_&lt;number&gt;" in page


def test_the_navigation_has_every_written_page() -> None:
    """A page that is not in `nav` of mkdocs.yml can be found by nobody; a commented line waits for those to come."""
    nav = json.dumps(yaml.load_data((ROOT / "mkdocs.yml").read_text("utf-8"))["nav"])
    for path in WRITTEN:
        if DOCS in path.parents:
            assert json.dumps(path.relative_to(DOCS).as_posix()) in nav, f"add {path.name} to nav in mkdocs.yml"


# -- links ---------------------------------------------------------------------------------------------------------


def without_code(text: str) -> str:
    return re.sub(r"`[^`\n]*`", "", re.sub(r"(?ms)^ *```.*?^ *```$", "", text))


def anchors(path: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub and MkDocs make them."""
    found = set()
    for heading in re.findall(r"(?m)^#+ (.+)$", re.sub(r"(?ms)^```.*?^```$", "", path.read_text("utf-8"))):
        plain = re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        found.add(re.sub(r"\s", "-", re.sub(r"[^\w\s-]", "", plain).strip()))
    return found


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_links_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", without_code(PAGES[path])):
        if target.startswith("https://"):
            assert re.fullmatch(r"https://[\w.-]+\.[a-z]+(/[^\s<>]*)?(#[\w-]+)?", target), target
            continue
        name, _, anchor = target.partition("#")
        file = (path.parent / name).resolve() if name else path
        assert file.exists(), f"{name_of(path)}: {target}"
        assert file == ROOT or ROOT in file.parents
        if anchor:
            assert anchor in anchors(file), f"{name_of(path)}: {target}"


def test_addresses_are_secure() -> None:
    for path, text in WRITTEN.items():
        assert "http://" not in text.replace("http://127.0.0.1", "").replace("http://e.x", ""), path


# -- commands ------------------------------------------------------------------------------------------------------


def commands() -> Iterator[tuple[str, str]]:
    """Every `bklint …` in code of a written page, with the page. What a page prints as output is left out."""
    for path, text in WRITTEN.items():
        if path.name in ("command-line.md", "CHANGELOG.md", "findings.md"):
            continue
        bare = re.sub(r"(?s)<!-- output: .*?-->\n```.*?\n```", "", text)
        fences = re.findall(r"(?ms)^ *```(\w*)\n(.*?)^ *```$", bare)
        blocks = [line.strip() for language, block in fences if language in ("", "sh") for line in block.splitlines()]
        inline = [code for code in re.sub(r"(?s)```.*?```", "", bare).split("`")[1::2] if code.startswith("bklint ")]
        blocks += re.findall(r"<!-- output: (bklint .*?) -->", text)
        for line in (*blocks, *inline):
            for part in re.split(r" && | \| | > ", line.split("  #")[0]):
                if part.startswith("bklint "):
                    yield part.strip(), name_of(path)


PLACEHOLDERS = {"COMMAND", "…", "ID", "DIR", "AREA/SLUG"}


@pytest.mark.parametrize(("command", "page"), sorted(set(commands())))
def test_commands_on_pages_are_understood(command: str, page: str) -> None:
    words = shlex.split(command)[1:]
    if words[0] in PLACEHOLDERS | {"--version"}:
        return
    parser().parse_args([word for word in words if word != "…"])  # exits where it does not understand


def test_there_are_commands_to_check() -> None:
    assert len(set(commands())) > 30


def test_help_and_reference_say_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    """Each option that `--help` lists, with its sentence, is on the page, and the page has no other."""
    page = PAGES[DOCS / "command-line.md"]
    for name, command in parser().commands().items():
        section = page.split(f"## bklint {name}\n")[1].split("\n## ")[0]
        shown = set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", re.sub(r"\| .*?$", "", command.format_help())))
        listed = set(re.findall(r"`(--?[a-z][a-z-]*)", section))
        options = {option for action in command._actions for option in action.option_strings}
        assert options - {"-h", "--help"} == listed & options
        assert options <= shown
        for action in command._actions:
            if action.help and action.dest != "help":
                first = re.split(r"[<*|]", action.help)[0].strip()
                assert first in section, (name, action.dest)


def test_every_key_of_the_configuration_is_on_its_page() -> None:
    page = PAGES[DOCS / "configuration.md"]
    schema: dict[str, Any] = json.loads(run.schema("config"))
    assert [key for key in schema["properties"] if f"`{key}`" not in page and f"`{key}:" not in page] == []


def test_every_member_of_the_report_is_on_its_page() -> None:
    page = PAGES[DOCS / "output.md"]
    schema: dict[str, Any] = json.loads(run.schema("output"))
    members = set(schema["properties"]).union(*(each.get("properties", ()) for each in schema["$defs"].values()))
    assert [member for member in members if f"`{member}`" not in page] == []
    report = subprocess.run(
        [sys.executable, "-m", "bklint", "scan", "sample-templates", "--format", "json", "--statistics"],
        cwd=ROOT, env={"PYTHONPATH": str(ROOT / "linter")}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    data = json.loads(report.stdout)
    live = {"failures", "link"}  # what only a scan of Azure has
    assert set(data) == set(schema["properties"]) - live
    assert set(data["findings"][0]) == set(schema["$defs"]["finding"]["properties"]) - live
    assert {key for key in data["summary"] if f"`{key}`" not in page} == set()
    assert data["tool"]["version"] == __version__


def test_the_reasons_for_exit_codes_agree() -> None:
    """README, the reference and the program's own table name the same codes."""
    from bklint import cli

    tables = [PAGES[ROOT / "README.md"], PAGES[DOCS / "command-line.md"], cli.__doc__ or ""]
    codes = [re.findall(r"(?m)^\| (\d+) \|", table) for table in tables]
    assert [code[:4] for code in codes] == [["0", "1", "2", "3"]] * 3


@pytest.mark.parametrize("block", re.findall(r"(?s)```python\n(.*?)```", PAGES[DOCS / "python.md"]))
def test_the_python_on_the_page_runs(block: str, tmp_path: Path) -> None:
    (tmp_path / "infra").mkdir()
    (tmp_path / "infra" / "main.tf").write_text('resource "azurerm_managed_disk" "d" {\n  disk_size_gb = 40000\n}\n')
    done = subprocess.run(
        [sys.executable, "-c", block], cwd=tmp_path, env={"PYTHONPATH": str(ROOT / "linter")},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (1, "")
    assert "warning BKP301 infra/main.tf Position(line=2, column=18)" in done.stdout
    assert json.loads((tmp_path / "bklint.sarif").read_text())["version"] == "2.1.0"

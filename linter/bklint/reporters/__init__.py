"""Reporters: each turns a report into the text of one output format.

A reporter is a function of a report and a style. It is pure: no file, no clock, no environment, so that equal reports
give equal bytes. Reports pass `mask.presentable` first, so no reporter can show a secret or a control character that
came out of a scanned file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module

from bklint.finding import Report
from bklint.records import dataclass, field
from bklint.reporters import mask
from bklint.reporters.mask import presentable


@dataclass(frozen=True, slots=True)
class Rule:
    """What people read of one policy. `level` is the highest severity it gives (`error`, `warning`, `info`)."""

    id: str
    name: str
    title: str
    area: str
    level: str
    why: str = ""
    errors: tuple[str, ...] = ()
    fix: str = ""
    sources: tuple[str, ...] = ()
    snippets: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Style:
    """How to report. `width` is that of excerpts and prose in columns; `exit_code` what the run ends with; `root` the
    absolute path that relative paths are relative to; `rules` the policies that have findings, by id; `names` those of
    all policies; `links` whether the terminal takes links (OSC 8)."""

    color: bool = False
    links: bool = False
    width: int = 100
    quiet: bool = False
    verbose: bool = False
    undecided: bool = False
    exit_code: int = 0
    root: str = ""
    version: str = ""
    rules: Mapping[str, Rule] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)


Reporter = Callable[[Report, Style], str]

REPORTERS: Mapping[str, str] = {
    "text": "bklint.reporters.text:report",
    "json": "bklint.reporters.json:report",
    "sarif": "bklint.reporters.sarif:report",
    "github": "bklint.reporters.github:report",
    "azure-devops": "bklint.reporters.azure_devops:report",
    "gitlab": "bklint.reporters.gitlab:report",
    "junit": "bklint.reporters.junit:report",
    "markdown": "bklint.reporters.markdown:report",
    "html": "bklint.reporters.html:report",
}
"""Format to its reporter; modules are imported when the format is asked for."""


INERT: Mapping[str, Callable[[str], str]] = {
    "text": mask.inert,
    "json": mask.inert_json,
    "sarif": mask.inert_json,
    "gitlab": mask.inert_json,
    "junit": mask.inert_xml,
    "html": mask.inert_xml,
}
"""What keeps a build system from taking a line of a scanned file for a command of its own, wherever a report is printed.
Markdown has no such signs, and the formats that are commands escape in their own way."""


def render(format_: str, report: Report, style: Style) -> str:
    """The report in a format, ending in a line end (or empty)."""
    module, _, name = REPORTERS[format_].partition(":")
    reporter: Reporter = getattr(import_module(module), name)
    return INERT.get(format_, str)(reporter(presentable(report), style))

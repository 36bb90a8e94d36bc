"""The Python interface: a scan into a report, a report into text and exit status. The command line is a layer over it.

    import bklint

    report = bklint.scan("infra", select=["network"])
    for finding in report.findings:
        print(finding.policy, finding.message)

Nothing here prints, exits or changes the process. What is wrong with an input is in the report (finding BKP900); wrong
use raises `UsageError`. Paths are relative to the working directory, and reports show them so.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

from bklint import __version__, run
from bklint.config import Configuration
from bklint.discover import BICEP_MODES
from bklint.errors import UsageError
from bklint.files import MemoryReader, OverlayReader, Reader, normalise
from bklint.finding import Report, Severity
from bklint.frontends import Options
from bklint.limits import checked
from bklint.records import replace
from bklint.reporters import REPORTERS, Style
from bklint.reporters import render as rendered
from bklint.source import utf8

if TYPE_CHECKING:
    from bklint.frontends.azure.options import LiveOptions

Path: TypeAlias = "str | os.PathLike[str]"

SEVERITIES = ("error", "warning", "info")

STDIN = "stdin"
"""What a text without a file name is called, before the ending that its content tells."""


def scan(
    paths: Path | Sequence[Path] = ".",
    *,
    select: Sequence[str] = (),
    ignore: Sequence[str] = (),
    policies: Sequence[Path] = (),
    config: Path | bool = True,
    variables: Mapping[str, str] | None = None,
    var_files: Sequence[Path] = (),
    parameters: Sequence[Path] = (),
    location: str = "",
    edition: str = "",
    complete: bool = False,
    only_protected: bool = False,
    min_severity: str = "",
    suppressions: bool = True,
    baseline: Path = "",
    changed_since: str = "",
    report_only: Sequence[Path] = (),
    passes: bool = False,
    statistics: bool = False,
    bicep: str = "build",
    limits: Mapping[str, int] | None = None,
) -> Report:
    """Check what is at `paths` (directories and files).

    `config` is a configuration file, True for the nearest `.bklint.yaml` or `[tool.bklint]`, False for none; what is
    given here wins over it, as on the command line. `select` and `ignore` hold ids, names, areas or patterns of
    policies, `policies` directories of further ones, `variables` values of Terraform variables in Terraform's own
    syntax, `var_files` and `parameters` files of values. `edition` is `original` or `current`, `min_severity` the
    least severity that is reported: `error`, `warning` (the default) or `info`. `passes` keeps in the report which checks
    passed, for JUnit, `statistics` how much of what policies read was decided. `limits` are limits by
    name, as of `--limit`. The other words are those of `bklint scan --help`.

    The report's findings are sorted by file, position and policy. Raises UsageError where a path does not exist, and
    for a configuration, policy or word that is wrong.
    """
    found = [os.fspath(paths)] if isinstance(paths, (str, os.PathLike)) else [os.fspath(path) for path in paths]
    settings = configuration(config, found)
    options = scan_options(
        settings,
        select=tuple(select),
        ignore=tuple(ignore),
        policies=_texts(policies),
        edition=edition,
        complete=complete,
        only_protected=only_protected,
        min_severity=min_severity,
        inputs=Options(
            variables=tuple((variables or {}).items()),
            var_files=_texts(var_files),
            parameter_files=_texts(parameters),
            location=location,
        ),
        suppressions=suppressions,
        baseline=os.fspath(baseline),
        changed_since=changed_since,
        report_only=_texts(report_only),
        passes=passes,
        statistics=statistics,
        bicep=bicep,
        limits=limits,
    )
    return run.scan(found, options, run.load_policies(options))


def _texts(paths: Sequence[Path]) -> tuple[str, ...]:
    return tuple(os.fspath(path) for path in paths)


def configuration(config: Path | bool, paths: Sequence[str]) -> Configuration:
    """The configuration in a file, the one that counts for `paths` (True), or none (False). Raises UsageError."""
    from bklint import config as configurations

    if isinstance(config, bool):
        return configurations.find(paths) if config else Configuration()
    return configurations.load(os.fspath(config))


def scan_options(
    config: Configuration,
    *,
    select: tuple[str, ...] = (),
    ignore: tuple[str, ...] = (),
    policies: tuple[str, ...] = (),
    edition: str = "",
    complete: bool = False,
    only_protected: bool = False,
    min_severity: str = "",
    inputs: Options | None = None,
    suppressions: bool = True,
    baseline: str = "",
    changed_since: str = "",
    report_only: tuple[str, ...] = (),
    passes: bool = False,
    statistics: bool = False,
    bicep: str = "build",
    limits: Mapping[str, int] | None = None,
    live: LiveOptions | None = None,
) -> run.ScanOptions:
    """What is asked for; what that does not say, the configuration says, and then the defaults. `select` takes the place
    of the configuration's list, `ignore` and `policies` add to it, single values win. Raises UsageError."""
    inputs = inputs or Options()
    edition = edition or config.edition or "original"
    if edition not in ("original", "current"):
        raise UsageError(f"edition {edition!r} is not known: use original or current")
    if bicep not in BICEP_MODES:
        raise UsageError(f"bicep {bicep!r} is not known: use {', '.join(BICEP_MODES)}")
    return run.ScanOptions(
        select=select or config.select,
        ignore=(*ignore, *config.ignore),
        policy_directories=(*config.policies, *policies),
        edition=edition,
        complete=complete or config.complete,
        only_protected=only_protected or config.only_protected,
        min_severity=severity(min_severity or config.min_severity or "warning"),
        inputs=inputs if inputs.location else _located(inputs, config),
        config=config,
        suppressions=suppressions,
        baseline=baseline or config.baseline or "",
        changed_since=changed_since,
        report_only=tuple(map(_below_here, report_only)),
        passes=passes,
        statistics=statistics,
        bicep=bicep,
        limits={**config.limits, **_limits(limits or {})},
        live=live,
    )


def _limits(values: Mapping[str, int]) -> dict[str, int]:
    try:
        return checked(values, "limit ")
    except ValueError as error:
        raise UsageError(str(error)) from error


def _located(inputs: Options, config: Configuration) -> Options:
    return replace(inputs, location=config.location or "")


def _below_here(path: str) -> str:
    """A path as a scan of the working directory displays it, where it lies below."""
    inside = os.path.relpath(path) if os.path.isabs(path) else path
    return path if inside.startswith(os.pardir) else inside


def severity(label: str) -> Severity:
    """The severity of a label. Raises UsageError."""
    if label not in SEVERITIES:
        raise UsageError(f"severity {label!r} is not known: use {', '.join(SEVERITIES)}")
    return Severity.of(label)


# -- one text instead of files -------------------------------------------------------------------------------------


def given_text(data: bytes, name: str) -> tuple[str, Reader | None]:
    """Where to look for a text that comes from an editor or a pipe, and what reads it there.

    With a name the text takes the place of that file, which need not exist, and what stands around it is read too:
    the path returned is a directory to scan, with the file as the only one to report. Without one it stands alone.
    """
    if not name:
        alone = f"{STDIN}{ending(data)}"
        return alone, MemoryReader({alone: data})
    path = normalise(_below_here(name))
    top = os.path.dirname(path) if path.startswith("../") or os.path.isabs(path) else "."
    return top, OverlayReader(run.disk_reader([top], run.ScanOptions()), {path: data})


def ending(data: bytes) -> str:
    """The ending of file name that the start of a text tells: JSON, cloud-init, a script, else Terraform."""
    start = utf8(data[:4096]).decode("utf-8", "replace").lstrip("\ufeff \t\r\n")
    for prefix, found in (("{", ".json"), ("[", ".json"), ("#cloud-config", ".yaml"), ("#!", ".sh")):
        if start.startswith(prefix):
            return found
    return ".tf"


# -- what comes of a report ----------------------------------------------------------------------------------------


def render(report: Report, format: str = "text", *, policies: Sequence[Path] = (), color: bool = False) -> str:  # noqa: A002
    """The report in a format of `bklint scan --format`. `policies` are directories of policies beyond those of bklint,
    for their texts. Secrets are masked. Raises UsageError for an unknown format."""
    from bklint import facts
    from bklint.policy import store
    from bklint.reporters import rules

    if format not in REPORTERS:
        raise UsageError(f"format {format!r} is not known: use {', '.join(REPORTERS)}")
    style = Style(color=color, root=normalise(os.getcwd()), version=__version__, exit_code=exit_status(report))
    if format in ("sarif", "junit"):
        every = store.load(_texts(policies), facts.all_facts())
        known = rules.rules(report, every) if format == "sarif" else {}
        style = replace(style, rules=known, names={policy.id: policy.name for policy in every})
    return rendered(format, report, style)


def exit_status(
    report: Report,
    *,
    fail_on: str = "error",
    fail_on_undecided: bool = False,
    strict: bool = False,
    exit_zero: bool = False,
) -> int:
    """What `bklint scan` exits with: 0 nothing, 1 findings from `fail_on` on (or undecided checks), 3 an input that
    claims a dialect cannot be read, an internal error, or with `strict` anything unread. 3 wins over 1."""
    unread = any(note.strict for note in report.notes) or bool(report.files_skipped)
    broken = any(finding.policy == run.INTERNAL for finding in report.findings)
    if report.unread_claimed or broken or (strict and unread):
        return 3
    least = severity(fail_on)
    unread_ids = (run.UNREADABLE, run.LIMITED)
    failing = any(finding.severity >= least for finding in report.findings if finding.policy not in unread_ids)
    return int((failing or (fail_on_undecided and bool(report.undecided))) and not exit_zero)


__all__ = ["exit_status", "render", "scan"]

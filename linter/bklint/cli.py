"""The command line: arguments into a scan, a report into output and exit status. Prints; decides nothing else.

| exit | when |
|---|---|
| 0 | nothing at or above `--fail-on` |
| 1 | findings at or above it, or undecided checks with `--fail-on-undecided` |
| 2 | wrong usage or configuration, a path that does not exist, an unknown policy id |
| 3 | an input that claims a dialect, or was named, cannot be read or parsed; an internal error; wins over 1 |
| 130 | interrupted |
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, TextIO

from bklint import __version__
from bklint.errors import UsageError

if TYPE_CHECKING:
    from bklint.finding import Report
    from bklint.reporters import Style
    from bklint.run import ScanOptions

FORMATS = ("text", "json", "sarif", "github")
SEVERITIES = ("error", "warning", "info")

PROGRESS_AFTER = 1.0
"""Seconds of work before progress is shown."""

PROGRESS_EVERY = 0.1
"""Seconds between two updates of the progress line."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    for stream in (sys.stdout, sys.stderr):
        _never_fail_on_encoding(stream)
    try:
        arguments = parser().parse_args(argv)
        code: int = arguments.run(arguments)
        sys.stdout.flush()
    except UsageError as error:
        _error(str(error))
        return 2
    except KeyboardInterrupt:
        _error("interrupted")
        return 130
    except BrokenPipeError:
        return _output_closed()
    return code


def _never_fail_on_encoding(stream: TextIO) -> None:
    """A character that the output cannot show becomes an escape, not an exception."""
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="backslashreplace")


def _error(message: str) -> None:
    with suppress(OSError):
        print(f"bklint: {message}", file=sys.stderr)


def _output_closed() -> int:
    """Whoever read the output has gone, as `head` does: nothing is left to say, and Python must not try at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 141


# -- arguments -----------------------------------------------------------------------------------------------------


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = argparse.ArgumentParser(
        prog="bklint",
        description="Finds in infrastructure code what would break Azure VM backup, before it is deployed.",
        allow_abbrev=False,
    )
    top.add_argument("--version", action="version", version=f"bklint {__version__}")
    commands = top.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _scan_arguments(commands.add_parser("scan", help="check files and directories", allow_abbrev=False))
    _policy_arguments(commands.add_parser("policies", help="list the policies, or show one", allow_abbrev=False))
    return top


def _scan_arguments(scan: argparse.ArgumentParser) -> None:
    scan.set_defaults(run=_scan)
    scan.add_argument("paths", nargs="*", default=["."], metavar="PATH", help="directories and files (default: .)")
    _input_arguments(scan.add_argument_group("inputs"))
    _check_arguments(scan.add_argument_group("checks"))
    _output_arguments(scan.add_argument_group("output"))


def _input_arguments(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--var", action="append", default=[], metavar="NAME=VALUE", help="value of a Terraform variable")
    group.add_argument("--var-file", action="append", default=[], metavar="FILE", help="Terraform variable values")
    group.add_argument("--parameters", action="append", default=[], metavar="FILE", help="ARM parameter values")
    group.add_argument("--location", default="", metavar="REGION", help="region that is deployed to")
    group.add_argument(
        "--complete", action="store_true", help="the paths hold the whole estate: what is not there does not exist"
    )
    group.add_argument("--show-files", action="store_true", help="list what would be read, and as what, then stop")


def _check_arguments(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--select", action="append", default=[], metavar="IDS", help="only these policies or areas")
    group.add_argument("--ignore", action="append", default=[], metavar="IDS", help="all but these policies or areas")
    group.add_argument("--policies", action="append", default=[], metavar="DIR", help="further policies")
    group.add_argument(
        "--edition",
        choices=("original", "current"),
        default="original",
        help="which documents count: the two original ones, or newer ones (default: original)",
    )
    group.add_argument("--only-protected", action="store_true", help="only machines that are known to be backed up")
    group.add_argument("--strict", action="store_true", help="exit 3 where anything was not read")
    group.add_argument(
        "--fail-on", choices=SEVERITIES, default="error", help="exit 1 from this severity on (default: error)"
    )
    group.add_argument("--fail-on-undecided", action="store_true", help="exit 1 where a check could not be decided")
    group.add_argument("--exit-zero", action="store_true", help="exit 0 in spite of findings")


def _output_arguments(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--format",
        action="append",
        default=[],
        metavar="FMT[=FILE]",
        help=f"{', '.join(FORMATS)}; repeatable, one of them without a file (default: text)",
    )
    group.add_argument("--output", metavar="FILE", help="write the report here instead of to standard output")
    group.add_argument(
        "--min-severity",
        choices=SEVERITIES,
        default="warning",
        help="show findings from this severity on; never hides what --fail-on counts (default: warning)",
    )
    group.add_argument("--undecided", action="store_true", help="list the checks that could not be decided")
    group.add_argument("-q", "--quiet", action="store_true", help="findings only, no summary")
    group.add_argument("-v", "--verbose", action="store_true", help="a longer summary")
    group.add_argument("--color", choices=("auto", "always", "never"), default="auto")
    group.add_argument("--no-progress", action="store_true", help="no progress line on the terminal")


def _policy_arguments(policies: argparse.ArgumentParser) -> None:
    policies.set_defaults(run=_policies)
    policies.add_argument("action", nargs="?", choices=("list", "show"), default="list")
    policies.add_argument("ids", nargs="*", metavar="ID")
    policies.add_argument("--policies", action="append", default=[], metavar="DIR", help="further policies")


def _ids(options: Sequence[str]) -> tuple[str, ...]:
    """The ids of repeated, comma-separated options."""
    return tuple(id_.strip() for option in options for id_ in option.split(",") if id_.strip())


def scan_options(arguments: argparse.Namespace) -> ScanOptions:
    from bklint.finding import Severity
    from bklint.frontends import Options
    from bklint.run import ScanOptions

    fail_on, shown = Severity.of(arguments.fail_on), Severity.of(arguments.min_severity)
    inputs = Options(
        variables=tuple(_pair(option) for option in arguments.var),
        var_files=tuple(arguments.var_file),
        parameter_files=tuple(arguments.parameters),
        location=arguments.location,
    )
    return ScanOptions(
        select=_ids(arguments.select),
        ignore=_ids(arguments.ignore),
        policy_directories=tuple(arguments.policies),
        edition=arguments.edition,
        complete=arguments.complete,
        only_protected=arguments.only_protected,
        min_severity=min(shown, fail_on),
        inputs=inputs,
    )


def _pair(option: str) -> tuple[str, str]:
    name, equals, value = option.partition("=")
    if not equals or not name.strip():
        raise UsageError(f"--var {option!r} has no value: write --var NAME=VALUE")
    return name.strip(), value


# -- commands ------------------------------------------------------------------------------------------------------


def _scan(arguments: argparse.Namespace) -> int:
    from bklint import run

    options = scan_options(arguments)
    if arguments.show_files:
        return _show_files(arguments.paths, options)
    outputs = _outputs(arguments.format, arguments.output)
    policies = run.load_policies(options)
    with Progress(sys.stderr, not (arguments.no_progress or arguments.quiet)) as progress:
        report = run.scan(arguments.paths, options, policies, progress=progress)
    code = exit_code(report, arguments)
    style = _style(arguments, code)
    if any(format_ == "sarif" for format_, _ in outputs):
        style = replace(style, rules=run.rules(report, policies))
    for format_, file in outputs:
        _write(format_, file, report, style)
    return code


def exit_code(report: Report, arguments: argparse.Namespace) -> int:
    """The exit status of a scan; see the module."""
    from bklint.finding import Severity
    from bklint.run import INTERNAL, UNREADABLE

    unread = any(note.strict for note in report.notes) or bool(report.files_skipped)
    broken = any(finding.policy == INTERNAL for finding in report.findings)
    if report.unread_claimed or broken or (arguments.strict and unread):
        return 3
    least = Severity.of(arguments.fail_on)
    failing = any(finding.severity >= least for finding in report.findings if finding.policy != UNREADABLE)
    if failing or (arguments.fail_on_undecided and report.undecided):
        return 0 if arguments.exit_zero else 1
    return 0


def _show_files(paths: Sequence[str], options: ScanOptions) -> int:
    from bklint import run
    from bklint.reporters.mask import escaped

    for path, kind in run.inputs(paths, options).listing:
        print(f"{kind:12} {escaped(path)}")
    return 0


def _policies(arguments: argparse.Namespace) -> int:
    from bklint import run
    from bklint.reporters.policies import listed, shown

    if (arguments.action == "show") != bool(arguments.ids):
        raise UsageError("`bklint policies show` takes the ids to show, `bklint policies list` takes none")
    found = run.all_rules(tuple(arguments.policies), arguments.ids)
    print(shown(found) if arguments.ids else listed(found), end="")
    return 0


# -- output --------------------------------------------------------------------------------------------------------


def _outputs(formats: Sequence[str], output: str | None) -> list[tuple[str, str]]:
    """Format and file of each report; the empty file is standard output."""
    found = []
    for option in formats or ["text"]:
        format_, equals, file = option.partition("=")
        if format_ not in FORMATS:
            raise UsageError(f"--format {format_!r} is not known: use {', '.join(FORMATS)}")
        if equals and not file:
            raise UsageError(f"--format {option!r} names no file")
        found.append((format_, file))
    plain = [format_ for format_, file in found if not file]
    if len(plain) > 1:
        raise UsageError(f"only one format goes to standard output, not {' and '.join(plain)}: use --format FMT=FILE")
    if output is not None and not plain:
        raise UsageError("--output has no report to write: every --format names its own file")
    found = [(format_, file or output or "") for format_, file in found]
    for _, file in found:
        if file and not os.path.isdir(os.path.dirname(file) or "."):
            raise UsageError(f"cannot write {file!r}: its directory does not exist")
    return found


def _write(format_: str, file: str, report: Report, style: Style) -> None:
    from bklint.reporters import render

    if not file:
        print(render(format_, report, style), end="")
        return
    data = render(format_, report, replace(style, color=False)).encode("utf-8", "backslashreplace")
    try:
        with open(file, "wb") as out:
            out.write(data)
    except OSError as error:
        raise UsageError(f"cannot write {file!r}: {error.strerror or error}") from error


def _style(arguments: argparse.Namespace, code: int) -> Style:
    from bklint.files import normalise
    from bklint.reporters import Style

    return Style(
        quiet=arguments.quiet,
        verbose=arguments.verbose,
        undecided=arguments.undecided,
        exit_code=code,
        root=normalise(os.getcwd()),
        version=__version__,
        color=colored(arguments.color, os.environ, sys.stdout),
    )


def colored(choice: str, environment: Mapping[str, str], stream: TextIO) -> bool:
    """Whether to colour: `--color`, NO_COLOR, FORCE_COLOR or CLICOLOR_FORCE, whether it is a terminal; in this order."""
    if choice != "auto":
        return choice == "always"
    if environment.get("NO_COLOR"):
        return False
    if any(environment.get(name, "0") not in ("", "0") for name in ("FORCE_COLOR", "CLICOLOR_FORCE")):
        return True
    return stream.isatty() and environment.get("TERM") != "dumb"


class Progress:
    """A line on the terminal that says what is being checked; silent for short work and where nobody watches."""

    def __init__(self, stream: TextIO, wanted: bool) -> None:
        self._stream = stream
        self._on = wanted and stream.isatty() and os.environ.get("TERM") != "dumb"
        self._next = time.monotonic() + PROGRESS_AFTER
        self._shown = False

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._shown:
            self._put("\r\x1b[K")

    def __call__(self, done: int, label: str) -> None:
        """Say that `done` inputs are finished and `label` is next."""
        now = time.monotonic()
        if not self._on or now < self._next:
            return
        from bklint.reporters.mask import escaped

        self._next = now + PROGRESS_EVERY
        self._shown = True
        self._put(f"\r\x1b[K{done} checked, now {escaped(label)[-60:]}")

    def _put(self, text: str) -> None:
        with suppress(OSError):
            self._stream.write(text)
            self._stream.flush()

"""The command line: arguments into a scan, a report into output and exit status. Prints; decides nothing else.

| exit | when |
|---|---|
| 0 | nothing at or above `--fail-on` |
| 1 | findings at or above it, or undecided checks with `--fail-on-undecided` |
| 2 | wrong usage or configuration, a path that does not exist, an unknown policy id, a report that cannot be written |
| 3 | an input that claims a dialect, or was named, cannot be read or parsed; a part of Azure is not read; an internal
      error; wins over 1 |
| 130 | interrupted |
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, TextIO

from bklint import __version__, limits
from bklint.arguments import (
    FORMATS,
    asked,
    causes_options,
    completion,
    configuration,
    fail_on,
    from_stdin,
    parser,
    scan_options,
    scanned,
)
from bklint.errors import UsageError
from bklint.records import replace

if TYPE_CHECKING:
    from argparse import Namespace

    from bklint.config import Configuration
    from bklint.files import Reader
    from bklint.finding import Report
    from bklint.policy.store import PolicySet
    from bklint.reporters import Style
    from bklint.reporters.explanation import Explanation
    from bklint.run import Scanning, ScanOptions

__all__ = ["main", "parser", "scan_options"]

WIDTH = 100
"""Columns of a text report in a file."""

MAX_MESSAGE = 1 << 20
"""Longest error message that `explain -` reads, in bytes."""

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
        code = COMMANDS[arguments.command](arguments)
        sys.stdout.flush()
    except UsageError as error:
        _error(str(error))
        return 2
    except KeyboardInterrupt:
        _error("interrupted")
        return 130
    except BrokenPipeError:
        return _output_closed()
    except OSError as error:
        return _output_failed(error)
    return code


def _never_fail_on_encoding(stream: TextIO) -> None:
    """A character that the output cannot show becomes an escape, not an exception."""
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="backslashreplace")


def _error(message: str) -> None:
    from bklint.reporters.mask import inert

    with suppress(OSError):
        print(inert(f"bklint: {message}"), file=sys.stderr)


def _output_failed(error: OSError) -> int:
    """What was printed could not be written, as on a full disk. Other files are read and written with errors of their own."""
    _error(f"cannot write to standard output: {error.strerror or error}")
    _output_closed()
    return 2


def _output_closed() -> int:
    """Whoever read the output has gone, as `head` does: nothing is left to say, and Python must not try at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 141


# -- commands ------------------------------------------------------------------------------------------------------


def _scan(arguments: Namespace) -> int:
    config = configuration(arguments)
    options = scan_options(arguments, config)
    with limits.using(options.limits):
        return _checked(arguments, config, options)


def _checked(arguments: Namespace, config: Configuration, options: ScanOptions) -> int:
    from bklint import run
    from bklint.reporters import rules

    if arguments.show_files:
        return _show_files(scanned(arguments), options)
    outputs = _outputs(arguments.format, arguments.output)
    policies = run.load_policies(options)
    if arguments.fix or arguments.diff or arguments.unsafe_fixes:
        code = _mend(arguments, options, policies)
        if code is not None:
            return code
    paths, reader = _given(arguments)
    with Progress(sys.stderr, not (arguments.no_progress or arguments.quiet)) as progress:
        report = run.scan(paths, options, policies, reader, progress, _scanning(arguments.jobs, options))
    code = exit_code(report, arguments, config)
    style = _style(arguments, code)
    if any(format_ == "sarif" for format_, _ in outputs):
        style = replace(style, rules=rules.rules(report, policies))
    if report.passes:
        style = replace(style, names={policy.id: policy.name for policy in policies})
    for format_, file in outputs:
        _write(format_, file, report, style)
    if any(format_ == "github" for format_, _ in outputs):
        _job_summary(os.environ.get("GITHUB_STEP_SUMMARY", ""), report, style)
    return code


def _scanning(jobs: int, options: ScanOptions) -> Callable[..., Scanning] | None:
    """How roots are judged: in this process, or in several."""
    if jobs == 1 or options.live is not None:  # what is read from Azure is read once
        return None
    from bklint.sharing import sharing

    return sharing(jobs)


def _mend(arguments: Namespace, options: ScanOptions, policies: PolicySet) -> int | None:
    """`--fix` and `--diff`: the exit status, None where the report of what is left is to follow."""
    from bklint import mending
    from bklint.arguments import check_fixes, words

    check_fixes(arguments)
    unsafe, selected = arguments.unsafe_fixes, words(arguments.select)
    said = mending.mend(scanned(arguments), options, policies, selected, unsafe, not arguments.diff)
    print(said.errors, end="", file=sys.stderr)
    print(said.output, end="")
    return said.code


def _given(arguments: Namespace) -> tuple[list[str], Reader | None]:
    """What is scanned, and what reads it where that is not the disk alone."""
    if not from_stdin(arguments):
        return scanned(arguments), None
    from bklint import api
    from bklint.files import received

    path, reader = api.given_text(received(sys.stdin.buffer), arguments.stdin_filename or "")
    return [path], reader


def exit_code(report: Report, arguments: Namespace, config: Configuration) -> int:
    """The exit status of a scan; see the module."""
    from bklint import api

    return api.exit_status(
        report,
        fail_on=fail_on(arguments, config),
        fail_on_undecided=arguments.fail_on_undecided,
        strict=arguments.strict,
        exit_zero=arguments.exit_zero,
    )


def _show_files(paths: Sequence[str], options: ScanOptions) -> int:
    from bklint import run
    from bklint.reporters.mask import escaped, inert

    for path, kind in run.inputs(paths, options).listing:
        print(inert(f"{kind:12} {escaped(path)}"))
    return 0


def _baseline(arguments: Namespace) -> int:
    from bklint import run
    from bklint.baseline import NAME

    config = configuration(arguments)
    file = arguments.output or config.baseline or NAME
    said, complete = run.record(scanned(arguments), scan_options(arguments, config), file)
    print(said)
    return 0 if complete else 3


def _explain(arguments: Namespace) -> int:
    from bklint import explain
    from bklint.reporters import Style, explanation

    style = Style(version=__version__, color=colored(arguments.color, os.environ, sys.stdout))
    knowledge, as_json = explain.load(), arguments.format == "json"
    words, paths = asked(arguments)
    if arguments.list:
        if words or paths:
            raise UsageError("`bklint explain --list` takes no words and no paths")
        print(explanation.json_listing(knowledge) if as_json else explanation.listing(knowledge, style), end="")
        return 0
    said, code = _explained(_message() if words == "-" else words, paths, arguments)
    print((explanation.json if as_json else explanation.text)(said, style), end="")
    return code


def _message() -> str:
    """The message that standard input has, of which a part may be in another encoding, as what is copied from a portal is."""
    from bklint.files import received

    return received(sys.stdin.buffer, MAX_MESSAGE).decode("utf-8", "replace")


def _explained(words: str, paths: Sequence[str], arguments: Namespace) -> tuple[Explanation, int]:
    """What there is to say about some words, with what a scan of the paths found; and the exit status."""
    from bklint import explain, facts, run
    from bklint.finding import Report
    from bklint.policy import store
    from bklint.reporters import explanation

    arguments.paths = list(paths) or ["."]
    config, knowledge = configuration(arguments), explain.load()
    policies = store.load(config.policies, facts.all_facts())
    answer = explain.find(words, knowledge, {policy.id: policy.name for policy in policies})
    if not (answer.policy or answer.matches):
        raise UsageError(explanation.unknown(words, knowledge))
    said = explanation.explanation(words, answer, knowledge, policies)
    if not paths:
        return said, 0
    options = causes_options(arguments, config, said.selected)
    reader = run.disk_reader(paths, options)
    report = run.scan(paths, options, policies.select(said.selected), reader) if said.selected else Report()
    said = replace(said, report=explanation.ranked(report, said.selected), paths=tuple(paths))
    return said, 3 if report.unread_claimed else 0


def _policies(arguments: Namespace) -> int:
    from bklint.reporters import rules
    from bklint.reporters.policies import listed, shown

    action, words = arguments.action, arguments.words
    if action in ("list", "facts") and words:
        raise UsageError(f"`bklint policies {action}` takes no words")
    if action not in ("list", "facts") and not words:
        wanted = {"show": "the ids to show", "test": "a directory", "new": "an area and a name, as in disks/too-many"}
        raise UsageError(f"`bklint policies {action}` takes {wanted[action]}")
    if action == "test":
        return _test(words)
    if action == "new":
        from bklint.policy.skeleton import skeleton

        print("".join(skeleton(word) for word in words), end="")
    elif action == "facts":
        from bklint.reporters.vocabulary import vocabulary

        print(vocabulary(), end="")
    else:
        from bklint import api

        own = api.configuration(True, ["."]).policies
        found = rules.all_rules((*own, *arguments.policies), words)
        print(shown(found) if words else listed(found), end="")
    return 0


def _test(directories: Sequence[str]) -> int:
    from bklint.trial import trials

    failed = 0
    for line, passed in trials(directories):
        print(line)
        failed += not passed
    return 1 if failed else 0


def _init(arguments: Namespace) -> int:
    from bklint.starter import start

    print(start(arguments.directory, arguments.force), end="")
    return 0


def _schema(arguments: Namespace) -> int:
    from bklint.run import schema

    print(schema(arguments.name), end="")
    return 0


def _completion(arguments: Namespace) -> int:
    print(completion(arguments.shell), end="")
    return 0


COMMANDS: Mapping[str, Callable[[Namespace], int]] = {
    "scan": _scan,
    "baseline": _baseline,
    "explain": _explain,
    "policies": _policies,
    "init": _init,
    "schema": _schema,
    "completion": _completion,
}


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
    if all(file and format_ != "text" for format_, file in found):
        found.append(("text", ""))  # a failed job with an empty log helps nobody
    for _, file in found:
        if file and not os.path.isdir(os.path.dirname(file) or "."):
            raise UsageError(f"cannot write {file!r}: its directory does not exist")
    return found


def _write(format_: str, file: str, report: Report, style: Style) -> None:
    from bklint.files import write
    from bklint.reporters import render

    if not file:
        print(render(format_, report, style), end="")
        return
    write(
        file,
        render(format_, report, replace(style, color=False, links=False, width=WIDTH)).encode(
            "utf-8", "backslashreplace"
        ),
    )


def _job_summary(file: str, report: Report, style: Style) -> None:
    """Append the summary of the job where GitHub names a file for it. That it cannot be written fails no run."""
    if not file:
        return
    from bklint.files import append
    from bklint.reporters.markdown import summary

    try:
        append(file, summary(report, style).encode("utf-8", "backslashreplace"))
    except UsageError as error:
        _error(str(error))


def _style(arguments: Namespace, code: int) -> Style:
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
        width=width(os.environ, sys.stdout),
        links=arguments.color != "never" and linked(os.environ, sys.stdout),
    )


def width(environment: Mapping[str, str], stream: TextIO) -> int:
    """Columns of a text report: COLUMNS, else those of the terminal, else 100; never fewer than 40 or more than 120."""
    given = environment.get("COLUMNS", "")
    if given.isdecimal() and int(given):
        found = int(given)
    else:
        found = WIDTH
        with suppress(OSError, ValueError):
            found = os.get_terminal_size(stream.fileno()).columns or found
    return max(40, min(found, 120))


def linked(environment: Mapping[str, str], stream: TextIO) -> bool:
    """Whether to write links (OSC 8): FORCE_HYPERLINK, else on a terminal that is not dumb."""
    if "FORCE_HYPERLINK" in environment:
        return environment["FORCE_HYPERLINK"] not in ("", "0")
    return stream.isatty() and environment.get("TERM") != "dumb"


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

"""The command line into options; what it does not say, the configuration says, and then the defaults.

`--select` takes the place of the configuration's list, `--ignore` and `--policies` add to it, single values win.
"""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from bklint import __version__
from bklint.errors import UsageError
from bklint.records import replace

if TYPE_CHECKING:
    from bklint.config import Configuration
    from bklint.frontends.azure.options import LiveOptions
    from bklint.run import ScanOptions

FORMATS = ("text", "json", "sarif", "github", "azure-devops", "gitlab", "junit", "markdown", "html")
SEVERITIES = ("error", "warning", "info")
SCHEMAS = ("config", "policy", "output")
BICEP = ("build", "restore", "off")
SHELLS = ("bash", "zsh", "fish", "tcsh", "powershell")

STDIN = "-"
"""The path that means standard input."""


class Parser(argparse.ArgumentParser):
    """A parser whose errors name the nearest word that exists, and the help that lists them all."""

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As in the base class, but an option that a command does not know is that command's error."""
        found, rest = self.parse_known_args(args, namespace)
        if rest:
            self.commands().get(getattr(found, "command", ""), self).error(f"unknown: {' '.join(rest)}")
        return found

    def commands(self) -> dict[str, Parser]:
        """The parsers of its commands, by name."""
        return {
            name: command
            for action in self._actions
            if isinstance(action.choices, dict)
            for name, command in action.choices.items()
        }

    def error(self, message: str) -> NoReturn:
        """Print what is wrong and exit with status 2."""
        from difflib import get_close_matches

        from bklint.reporters.mask import escaped, inert

        choices = (str(name) for action in self._actions for name in action.choices or ())
        known = (*self._option_string_actions, *choices)
        word = next(iter(_WORD.findall(message)), "")
        near = get_close_matches(word.partition("=")[0], known, 1, 0.6) if word not in known else ()
        hint = f"; did you mean {near[0]!r}?" if near else ""
        said = escaped(
            f"{self.prog}: {message}{hint}", keep="\n"
        )  # the message holds what was given, a file name perhaps
        self.exit(2, inert(f"{said}\ntry `{self.prog} --help`\n"))


_WORD = re.compile(r"(?:(?<=invalid choice: ')|(?<=unknown: ))(-[^' ]*|[\w-]+)")


def parser() -> Parser:
    """The whole command line."""
    top = Parser(
        prog="bklint",
        description="Finds in infrastructure code what would break Azure VM backup, before it is deployed.",
        epilog="`bklint scan --help` lists the options of a command. Exit status: 0 nothing to report, 1 findings, "
        "2 wrong usage, 3 an input cannot be read.",
        allow_abbrev=False,
    )
    top.add_argument("--version", action="version", version=f"bklint {__version__}")
    commands = top.add_subparsers(title="commands", required=True, metavar="COMMAND", dest="command")

    def command(name: str, told: str, usage: str) -> argparse.ArgumentParser:
        about = f"{told[0].upper()}{told[1:]}."
        return commands.add_parser(
            name, help=told, description=about, usage=f"bklint {name} {usage}", allow_abbrev=False
        )

    _scan(command("scan", "check files and directories", "[options] [PATH ...]"))
    _baseline(command("baseline", "record what is found today as known", "[options] [PATH ...]"))
    _explain(command("explain", "what an error of Azure Backup means", "[options] WORD ... [PATH ...]"))
    _policies(command("policies", "list, show, test and write policies", "[options] [ACTION] [WORD ...]"))
    _init(command("init", "write a configuration to start from", "[options] [DIR]"))
    schema = command("schema", "print a JSON Schema", "NAME")
    schema.add_argument("name", choices=SCHEMAS, metavar="NAME", help=f"one of {', '.join(SCHEMAS)}")
    completion = command("completion", "print the completion script of a shell", "SHELL")
    completion.add_argument("shell", choices=SHELLS, metavar="SHELL", help=f"one of {', '.join(SHELLS)}")
    return top


def completion(shell: str) -> str:
    """The script by which a shell completes commands, options and their values."""
    import shtab

    top = parser()
    for action in (action for command in top.commands().values() for action in command._actions):
        if action.dest == "format" and action.choices is None:
            action.choices = FORMATS
        elif action.metavar in ("PATH", "FILE", "DIR"):
            action.complete = shtab.DIRECTORY if action.metavar == "DIR" else shtab.FILE  # type: ignore[attr-defined]
    return shtab.complete(top, shell)


def _scan(scan: argparse.ArgumentParser) -> None:
    scan.add_argument(
        "paths", nargs="*", default=[], metavar="PATH",
        help="directories and files (default: . unless Azure itself is scanned); - reads one file from standard input",
    )  # fmt: skip
    inputs = scan.add_argument_group("inputs")
    inputs.add_argument(
        "--stdin-filename",
        metavar="FILE",
        help="with -, the file whose text standard input has: it is read in its place, with the files around it",
    )
    _inputs(inputs)
    _live(scan.add_argument_group("live Azure (bklint[azure]; reads only)"))
    _checks(scan.add_argument_group("checks"))
    _known(scan.add_argument_group("known findings"))
    _fixes(scan.add_argument_group("fixes"))
    _exit(scan.add_argument_group("exit status"))
    _output(scan.add_argument_group("output"))


def _baseline(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "paths", nargs="*", default=[], metavar="PATH",
        help="directories and files (default: . unless Azure itself is scanned)",
    )  # fmt: skip
    command.add_argument("--output", metavar="FILE", help="the file to write (default: .bklint-baseline.json)")
    command.add_argument("--no-suppressions", action="store_true", help="record suppressed findings too")
    _inputs(command.add_argument_group("inputs"))
    _live(command.add_argument_group("live Azure (bklint[azure]; reads only)"))
    _checks(command.add_argument_group("checks"))


def _explain(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "words", nargs="*", metavar="WORD",
        help="an error code, a policy, or the error message, English or French; - reads it from standard input; "
        "paths at the end are searched for causes",
    )  # fmt: skip
    command.add_argument("--in", nargs="+", action="extend", default=[], dest="paths", metavar="PATH",
                         help="look here for what may have caused the error")  # fmt: skip
    command.add_argument("--list", action="store_true", help="list everything that can be explained")
    command.add_argument("--format", choices=("text", "json"), default="text", help="of the answer")
    command.add_argument("--color", choices=("auto", "always", "never"), default="auto", help="as of scan")
    command.add_argument("--edition", choices=("original", "current"), help="as of scan")
    _inputs(command.add_argument_group("inputs"))


def _policies(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "action", nargs="?", choices=("list", "show", "test", "new", "facts"), default="list",
        help="list all; show ID…; test DIR; print a new AREA/SLUG; facts and relations they may use",
    )  # fmt: skip
    command.add_argument("words", nargs="*", metavar="WORD", help="ids, a directory, or AREA/SLUG")
    command.add_argument("--policies", action="append", default=[], metavar="DIR", help="further policies")


def _init(command: argparse.ArgumentParser) -> None:
    command.add_argument("directory", nargs="?", default=".", metavar="DIR", help="where to write it (default: .)")
    command.add_argument("--force", action="store_true", help="replace a configuration that is there")


def _inputs(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--var", action="append", default=[], metavar="NAME=VALUE", help="value of a Terraform variable")
    group.add_argument("--var-file", action="append", default=[], metavar="FILE", help="Terraform variable values")
    group.add_argument("--parameters", action="append", default=[], metavar="FILE", help="ARM parameter values")
    group.add_argument(
        "--bicep", choices=BICEP, default="build",
        help="Bicep files without a compiled template: build them with `bicep` from PATH where it is; restore: and let "
        "it fetch modules from registries; off (default: build)",
    )  # fmt: skip
    group.add_argument("--location", default="", metavar="REGION", help="region that is deployed to")
    group.add_argument(
        "--complete", action="store_true", help="the paths hold the whole estate: what is not there does not exist"
    )
    group.add_argument(
        "--limit", action="append", default=[], metavar="NAME=N",
        help="another value of a limit, as instances=500; repeatable (docs/limits.md lists them)",
    )  # fmt: skip
    group.add_argument("--config", metavar="FILE", help="this configuration instead of the nearest .bklint.yaml")
    group.add_argument("--no-config", action="store_true", help="no configuration")


def _live(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--subscription", action="append", default=[], metavar="ID",
        help="what is deployed in this subscription; with PATHs, what these refer to there",
    )  # fmt: skip
    group.add_argument("--resource-group", action="append", default=[], metavar="NAME", help="only this group of it")
    group.add_argument("--management-group", default="", metavar="ID", help="all subscriptions below it")
    group.add_argument("--tenant", action="store_true", help="all subscriptions that the identity sees")
    group.add_argument(
        "--what-if", action="store_true",
        help="judge what Azure says the templates among the PATHs would deploy to the subscription or group",
    )  # fmt: skip
    group.add_argument(
        "--via", choices=("resource-graph", "export"), default="resource-graph",
        help="how to read resource groups (default: resource-graph)",
    )  # fmt: skip
    group.add_argument(
        "--cloud", default="AzureCloud", metavar="NAME",
        help="AzureCloud, AzureUSGovernment, AzureChinaCloud, or the https:// endpoint of a Resource Manager",
    )  # fmt: skip


def _checks(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--select", action="append", default=[], metavar="IDS", help="only these policies or areas")
    group.add_argument("--ignore", action="append", default=[], metavar="IDS", help="all but these policies or areas")
    group.add_argument("--policies", action="append", default=[], metavar="DIR", help="further policies")
    group.add_argument(
        "--edition",
        choices=("original", "current"),
        help="which documents count: the two original ones, or newer ones (default: original)",
    )
    group.add_argument("--only-protected", action="store_true", help="only machines that are known to be backed up")


def _known(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--baseline", metavar="FILE", help="findings recorded here are known and do not count")
    group.add_argument("--no-suppressions", action="store_true", help="report suppressed findings as any other")
    group.add_argument(
        "--changed-since", metavar="REV", help="only what the working tree adds to this commit (runs git)"
    )
    group.add_argument(
        "--report-only",
        action="store_true",
        help="the PATHs are files: read whole roots below the working directory, report what these files cause",
    )


def _fixes(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--fix", action="store_true", help="mend what can be mended safely, then report what is left")
    group.add_argument(
        "--diff",
        action="store_true",
        help="print what --fix would change and write nothing; exit 1 if that is anything",
    )
    group.add_argument(
        "--unsafe-fixes",
        action="store_true",
        help="with --fix or --diff: also fixes that force replacement, and of the policies that --select names by "
        "their id those that change a security control",
    )


def _exit(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--fail-on", choices=SEVERITIES, help="exit 1 from this severity on (default: error)")
    group.add_argument("--fail-on-undecided", action="store_true", help="exit 1 where a check could not be decided")
    group.add_argument("--strict", action="store_true", help="exit 3 where anything was not read")
    group.add_argument("--exit-zero", action="store_true", help="exit 0 in spite of findings")


def _output(group: argparse._ArgumentGroup) -> None:
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
        help="show findings from this severity on; never hides what --fail-on counts (default: warning)",
    )
    group.add_argument("--undecided", action="store_true", help="list the checks that could not be decided")
    group.add_argument(
        "--statistics", action="store_true", help="how much of what policies read is decided, and what keeps the rest"
    )
    group.add_argument("--show-files", action="store_true", help="list what would be read, and as what, then stop")
    group.add_argument("-q", "--quiet", action="store_true", help="findings only, no summary")
    group.add_argument("-v", "--verbose", action="store_true", help="a longer summary")
    group.add_argument(
        "--jobs",
        type=int,
        default=1,
        metavar="N",
        help="judge in N processes, 0: one on each processor; the report stays the same (default: 1)",
    )
    group.add_argument(
        "--color", choices=("auto", "always", "never"), default="auto", help="colours; never turns links off too"
    )
    group.add_argument("--no-progress", action="store_true", help="no progress line on the terminal")


# -- options -------------------------------------------------------------------------------------------------------


def configuration(arguments: argparse.Namespace) -> Configuration:
    """The configuration that counts. Raises UsageError."""
    from bklint import api

    if arguments.no_config and arguments.config:
        raise UsageError("--config and --no-config exclude each other")
    return api.configuration(arguments.config or not arguments.no_config, scanned(arguments))


def scanned(arguments: argparse.Namespace) -> list[str]:
    """The paths that are scanned: those given, else the working directory, but none where only Azure is asked for."""
    if getattr(arguments, "report_only", False) or from_stdin(arguments):
        return ["."]
    return list(arguments.paths) or ([] if _asks_azure(arguments) else ["."])


def from_stdin(arguments: argparse.Namespace) -> bool:
    """Whether standard input is read. Raises UsageError for what does not go with it."""
    name = getattr(arguments, "stdin_filename", None)
    if STDIN not in arguments.paths or arguments.command not in ("scan", "baseline"):
        if name is not None:
            raise UsageError(f"--stdin-filename goes with standard input: bklint scan --stdin-filename {name} -")
        return False
    if arguments.command == "baseline" or len(arguments.paths) > 1:
        raise UsageError("- stands for standard input, and goes with no other path and with `bklint scan` only")
    wrong = [name for name in ("fix", "diff", "report_only", "changed_since", "show_files") if getattr(arguments, name)]
    if wrong:
        raise UsageError(f"--{wrong[0].replace('_', '-')} does not go with standard input: save the file, and scan it")
    return True


def _asks_azure(arguments: argparse.Namespace) -> bool:
    names = ("subscription", "management_group", "tenant", "resource_group", "what_if")
    return any(getattr(arguments, name, None) for name in names)


def live(arguments: argparse.Namespace) -> LiveOptions | None:
    """What of Azure is asked for; None for nothing. Raises UsageError for options that do not fit together."""
    if not _asks_azure(arguments):
        if getattr(arguments, "via", "resource-graph") != "resource-graph":
            raise UsageError("--via export exports resource groups: give --subscription and --resource-group")
        return None
    from bklint.frontends.azure.options import LiveOptions

    found = LiveOptions(
        subscriptions=words(arguments.subscription),
        groups=words(arguments.resource_group),
        management_group=arguments.management_group,
        tenant=arguments.tenant,
        cloud=arguments.cloud,
        via=arguments.via,
        what_if=arguments.what_if,
    )
    found.check(bool(scanned(arguments)))
    for name in ("changed_since", "report_only"):
        if getattr(arguments, name, None):
            raise UsageError(f"--{name.replace('_', '-')} is about files alone: it does not go with a live scan")
    if not scanned(arguments) and any(getattr(arguments, name, None) for name in ("fix", "diff", "show_files")):
        raise UsageError("bklint only reads Azure: --fix, --diff and --show-files need paths")
    return found


def check_fixes(arguments: argparse.Namespace) -> None:
    """Raises UsageError for options of fixes that do nothing without others."""
    if arguments.unsafe_fixes and not (arguments.fix or arguments.diff):
        raise UsageError("--unsafe-fixes does nothing by itself: add --fix, or --diff to see what it would do")
    if arguments.diff and (arguments.format or arguments.output):
        raise UsageError("--diff prints a diff and no report, so it takes neither --format nor --output")


def fail_on(arguments: argparse.Namespace, config: Configuration | None = None) -> str:
    """The severity from which a finding fails the run."""
    return arguments.fail_on or (config.fail_on if config is not None else None) or "error"


def scan_options(arguments: argparse.Namespace, config: Configuration | None = None) -> ScanOptions:
    """What `scan` and `baseline` are asked to do. Raises UsageError."""
    from bklint import api
    from bklint.config import Configuration
    from bklint.frontends import Options

    config = config or Configuration()
    recording = arguments.command == "baseline"
    azure = live(arguments)
    options = api.scan_options(
        config,
        select=words(arguments.select),
        ignore=words(arguments.ignore),
        policies=tuple(arguments.policies),
        edition=arguments.edition or "",
        complete=arguments.complete,
        only_protected=arguments.only_protected,
        min_severity="info" if recording else _shown(arguments, config),
        inputs=Options(
            variables=tuple(_pair(option) for option in arguments.var),
            var_files=tuple(arguments.var_file),
            parameter_files=tuple(arguments.parameters),
            location=arguments.location,
            subscription=azure.subscription if azure is not None else "",
            group=azure.group if azure is not None else "",
        ),
        suppressions=not arguments.no_suppressions,
        baseline="" if recording else arguments.baseline or "",
        changed_since="" if recording else arguments.changed_since or "",
        report_only=() if recording else _report_only(arguments),
        statistics=not recording and arguments.statistics,
        limits=_limits(arguments.limit),
        bicep="off" if from_stdin(arguments) else arguments.bicep,  # the compiler would read the file and not the text
        passes=not recording and any(option.partition("=")[0] == "junit" for option in arguments.format),
        live=azure,
    )
    return replace(options, baseline="") if recording else options


def asked(arguments: argparse.Namespace) -> tuple[str, list[str]]:
    """What `explain` is asked about, and the paths to search: those of `--in`, and existing ones at the end of the words.

    The first word is never a path, so that a directory called `lock` hides nothing.
    """
    said, paths = list(arguments.words), list(arguments.paths)
    while len(said) > 1 and (os.path.exists(said[-1]) or said[-1].startswith(("./", "../"))):
        paths.insert(0, said.pop())
    return " ".join(said).strip(), paths


def causes_options(arguments: argparse.Namespace, config: Configuration, policies: tuple[str, ...]) -> ScanOptions:
    """A scan for what may have caused an error: only the policies behind it, and nothing is hidden, since what somebody
    has accepted may be the cause."""
    from bklint.finding import Severity
    from bklint.records import replace

    bare = parser().parse_args(["scan", "--no-suppressions"])
    options = scan_options(argparse.Namespace(**{**vars(bare), **vars(arguments)}), config)
    whole = replace(config, select=(), ignore=(), accepts=(), severity={}, overrides=())
    return replace(options, select=policies, ignore=(), baseline="", min_severity=Severity.INFO, config=whole)


def _shown(arguments: argparse.Namespace, config: Configuration) -> str:
    least = arguments.min_severity or config.min_severity or "warning"
    return max(least, fail_on(arguments, config), key=SEVERITIES.index)


def _report_only(arguments: argparse.Namespace) -> tuple[str, ...]:
    if arguments.stdin_filename:
        return (arguments.stdin_filename,)
    if not arguments.report_only or arguments.paths == ["."]:
        return ()
    return tuple(arguments.paths)


def words(options: Sequence[str]) -> tuple[str, ...]:
    """The words of repeated, comma-separated options."""
    return tuple(word.strip() for option in options for word in option.split(",") if word.strip())


def _limits(options: Sequence[str]) -> dict[str, int]:
    from bklint import limits

    try:
        return limits.given(options)
    except ValueError as error:
        raise UsageError(str(error)) from error


def _pair(option: str) -> tuple[str, str]:
    name, equals, value = option.partition("=")
    if not equals or not name.strip():
        raise UsageError(f"--var {option!r} has no value: write --var NAME=VALUE")
    return name.strip(), value

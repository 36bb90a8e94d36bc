"""The reference pages that come from the program: the command line from its parser, the JSON report from its schema.

`docs/generate.py` writes them and says where they are stale.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping
from typing import Any

from bklint import run
from bklint.arguments import Parser, parser

EXIT = """## Exit status

| status | meaning |
|---|---|
| 0 | nothing at or above `--fail-on` (default `error`) |
| 1 | findings at or above it; undecided checks with `--fail-on-undecided`; with `--diff`, something to change |
| 2 | wrong usage or configuration, a path that does not exist, an unknown policy |
| 3 | an input that claims a dialect, or was named, cannot be read; internal error; with `--strict` anything unread. Wins over 1 |
| 130 | interrupted |

## Environment

| variable | effect |
|---|---|
| `NO_COLOR` | no colours, unless `--color always` |
| `FORCE_COLOR`, `CLICOLOR_FORCE` | colours where the output is no terminal |
| `FORCE_HYPERLINK` | `1` writes links (OSC 8) where the output is no terminal, `0` and `--color never` write none |
| `COLUMNS` | columns of text reports, 40 to 120; without it those of the terminal, else 100 |
| `TERM` | `dumb`: neither colours, links nor progress |
| `GITHUB_STEP_SUMMARY` | with `--format github`, the file that the job summary is added to |
"""


def command_line() -> str:
    """The page of the command line."""
    top = parser()
    parts = [
        "# Command line\n",
        "*Generated from the parser of the program; `bklint COMMAND --help` says the same.*\n",
        f"{top.description}\n",
        "| command | |\n|---|---|\n" + "".join(map(_row_of_command, top.commands().values())),
        "Options may stand before and after paths. Options that take a list (`IDS`) take words separated by commas, and "
        "may be given more than once.\n",
    ]
    parts += [_command(name, each) for name, each in top.commands().items()]
    return "\n".join([*parts, EXIT])


def _row_of_command(command: argparse.ArgumentParser) -> str:
    name = command.prog.split()[-1]
    return f"| [`bklint {name}`](#bklint-{name}) | {command.description} |\n"


def _command(name: str, command: Parser) -> str:
    text = f"## bklint {name}\n\n{command.description}\n\n```text\n{str(command.usage).strip()}\n```\n"
    for group in command._action_groups:
        actions = [action for action in group._group_actions if action.dest != "help"]
        if actions:
            title = {"positional arguments": "arguments"}.get(str(group.title), str(group.title))
            rows = "".join(f"| {_name(action)} | {_told(action)} |\n" for action in actions)
            text += f"\n**{title.capitalize()}**\n\n| | |\n|---|---|\n{rows}"
    return text


def _name(action: argparse.Action) -> str:
    """Options with their value, or the place of a positional argument."""
    value = "" if action.nargs == 0 else f" {_value(action)}"
    options = ", ".join(f"`{option}{value}`" for option in action.option_strings)
    return options or f"`{_value(action)}`"


def _value(action: argparse.Action) -> str:
    if action.metavar is not None:
        return str(action.metavar)
    return "{" + ",".join(map(str, action.choices)) + "}" if action.choices else action.dest.upper()


def _told(action: argparse.Action) -> str:
    told = escaped(action.help or "")
    if action.choices is not None and isinstance(action.default, str):
        told = f"{told} (default: `{action.default}`)".strip()
    return told


def escaped(text: str) -> str:
    """Text as it stands, in a cell of a table."""
    return text.replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*")


# -- the JSON report -----------------------------------------------------------------------------------------------

REPORT = """# JSON report

*Generated from the schema that `bklint schema output` prints.*

`bklint scan --format json` prints one object. {description}

```sh
bklint scan infra --format json > report.json
bklint schema output > report.schema.json
```

`version` is {version}. A program that reads reports should check it, and pass over members that it does not know.
"""


def json_report() -> str:
    """The page of the JSON report."""
    schema: dict[str, Any] = json.loads(run.schema("output"))
    version = schema["properties"]["version"]["const"]
    about = schema["description"].split(". ", 1)[1]
    parts = [REPORT.format(description=about, version=version), *_object("The report", schema)]
    for name, definition in schema["$defs"].items():
        if "properties" in definition:
            parts += _object(f"`{name}`", definition)
    return "\n".join(parts)


def _object(title: str, schema: Mapping[str, Any]) -> Iterator[str]:
    """A section with a row for each member. The last column says what is always there."""
    yield f"## {title}\n"
    if "$defs" not in schema and schema.get("description"):
        yield f"{schema['description']}\n"
    required = schema.get("required", ())
    rows = ""
    for name, member in schema["properties"].items():
        always = "always" if name in required else ""
        rows += f"| `{name}` | {_type(member)} | {escaped(member.get('description', ''))} | {always} |\n"
    if isinstance(schema.get("additionalProperties"), dict):
        rows += f"| any other | {_type(schema['additionalProperties'])} | | |\n"
    yield f"| member | type | meaning | |\n|---|---|---|---|\n{rows}"


def _type(schema: Mapping[str, Any]) -> str:
    """The type of a member in words; definitions with members of their own are links."""
    if "$ref" in schema:
        name = str(schema["$ref"]).rpartition("/")[2]
        simple = {"severity": "`error`, `warning` or `info`", "texts": "list of strings", "count": "integer ≥ 0"}
        return simple.get(name, f"[`{name}`](#{name})") + (" or null" if name == "at" else "")
    if "const" in schema:
        return f"`{json.dumps(schema['const'])}`"
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_type(schema['items'])}"
    if "properties" in schema:
        members = ", ".join(f"`{name}`: {_type(member)}" for name, member in schema["properties"].items())
        null = " or null" if "null" in schema["type"] else ""
        return f"object ({members}){null}"
    return str(schema.get("type", "object"))

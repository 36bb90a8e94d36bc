"""The page on limits: those that have a name from `bklint.limits`, those that are fixed from the constants of the modules."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from bklint import limits

PACKAGE = Path(__file__).resolve().parent.parent / "linter" / "bklint"
_NAME = re.compile(r"_?(?:MAX|MOST|LONGEST)(?:_[A-Z]+)*\Z")

_OTHERS = ("facts/", "reporters/", "explain/", "frontends/azure/")
"""Where limits are those of Azure, of what is printed, or of what is asked of Azure."""

HEAD = """# Limits

What bklint reads may mean harm, so nothing in it may cost more than a bound allows. Where a bound is passed, the report says so
and names it: finding BKP900 where a text cannot be read for it, finding BKP902 where something is read in part. The value is then
unknown, everything else is judged, and the exit status is 3.

```console
$ bklint scan infra --limit instances=500 --limit file_bytes=1048576
```

`--limit NAME=N` sets a limit, up to the most that the table allows; the configuration has the key `limits`
(`limits: {instances: 500}`), the Python interface the word `limits`. **A configuration that is found beside what is scanned
can only lower a limit**: whoever changes the code can change that file too. One that `--config` names is trusted and can
raise it. A limit that is lowered hides nothing, since what passes it is a finding.

## With a name

| limit | value | at most | bounds |
|---|---|---|---|
"""

FIXED = """
## Fixed

Bounds that protect the program itself (how deep code nests, how far something is followed), or say how much of what is not
known is kept apart. No code that people write has been seen to come near the former; past the latter, a value is less precisely
known, and nothing is guessed.

| bound | value | where |
|---|---|---|
"""


class Bound(NamedTuple):
    """A constant that bounds something."""

    told: str
    value: int | float
    module: str


def page() -> str:
    """The whole page."""
    named = "".join(f"| `{each.name}` | {each.default:,} | {each.most:,} | {each.bounds} |\n" for each in limits.TABLE)
    fixed = "".join(
        f"| {each.told} | {each.value:,} | `{each.module}` |\n" for each in sorted(fixed_bounds(), key=_order)
    )
    return HEAD + named + FIXED + fixed


def fixed_bounds() -> Iterator[Bound]:
    """The constants of all modules that are named as bounds are; what they bound is the docstring behind them."""
    for path in sorted(PACKAGE.rglob("*.py")):
        module = path.relative_to(PACKAGE).as_posix()
        if not module.startswith(_OTHERS):
            yield from _of_module(ast.parse(path.read_text(encoding="utf-8")).body, module)


def _of_module(body: list[ast.stmt], module: str) -> Iterator[Bound]:
    for statement, after in zip(body, [*body[1:], None], strict=True):
        if not isinstance(statement, ast.Assign) or not isinstance(statement.targets[0], ast.Name):
            continue
        if not _NAME.match(statement.targets[0].id):
            continue
        value = getattr(
            import_module("bklint." + module.removesuffix(".py").replace("/", ".")), statement.targets[0].id
        )
        told = after.value.value if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant) else ""
        assert isinstance(told, str), f"{module}: {statement.targets[0].id}"
        assert told, f"{module}: what {statement.targets[0].id} bounds is not said in a docstring behind it"
        if isinstance(value, (int, float)):
            yield Bound(re.split(r"[.:;](?:\s|\Z)", " ".join(told.split()))[0], value, module)


def _order(bound: Bound) -> tuple[str, str]:
    return bound.module, bound.told

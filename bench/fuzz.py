"""Fuzzing: damaged and recombined inputs of every kind. `python -m bench.fuzz --minutes 10`.

Samples and policy examples are cut, repeated, spliced and sprinkled with what breaks parsers, by a seeded generator, and
given to the part that reads them. Nothing may be raised but the errors meant for the input, no scan may hold an internal
error (BKP901), and no input may take longer than `SECONDS` of CPU. What fails is written to `--keep`, to be made a test.
"""

from __future__ import annotations

import argparse
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "linter"))

from bklint import run  # noqa: E402
from bklint.errors import BklintError  # noqa: E402
from bklint.files import MemoryReader  # noqa: E402

SECONDS = 5.0
"""Most CPU for one small input, on a slow machine."""

MAX_INPUT = 40_000
"""Longest input that is made, in bytes."""

TOKENS = (
    b"{", b"}", b"[", b"]", b"(", b")", b'"', b"'", b"${", b"%{", b"%{ if ", b"%{ endif }", b"<<EOT\n", b"EOT\n", b"\\", b"\n",
    b"\r\n", b"\x00", b"\xff", b"\xef\xbb\xbf", b"\xff\xfe", b"\xed\xa0\x80", b",", b":", b"=", b"==", b"?", b"...", b"//",
    b"/*", b"*/", b"#", b"null", b"true", b"-1", b"1e999", b"99999999999999999999", b"NaN", b"[*]", b".*", b"each.key",
    b"count.index", b"var.x", b"local.a", b"module.m", b"data.x.y", b"self", b"path.module", b"for x in ", b"for_each", b"count",
    b"dynamic", b"[concat(", b"[parameters('", b"[variables('", b"[copyIndex()]", b"[reference(", b"[resourceId('", b"')]",
    b"[[", b"\\u0000", b"\\ud800", b"- ", b"  ", b"\t", b"&a", b"*a", b"!!", b"<<: ", b"---", b"|", b">", b"`", b"$(", b"@'",
    b"<#", b"#>", b"if [ ", b"done", b"fi", b"| sh", b"&&", b"%FOO%", b"168.63.129.16", b"0.0.0.0/0", b"\xe2\x80\xae",
    b"bklint: ", b"jsondecode(", b"yamldecode(", b"templatefile(", b"regex(", b"format(\"%", b"merge(", b"flatten(",
    b"setproduct(", b"try(", b"cidrsubnet(", b"base64gzip(", b"join(", b"split(", b"range(",
)  # fmt: skip

Target = Callable[[bytes, Random], None]


def _scanned(*names: str) -> Target:
    """A scan of one file under a name that its content fits."""
    policies = run.load_policies(run.ScanOptions())

    def target(data: bytes, random: Random) -> None:
        name = random.choice(names)
        report = run.scan(["."], run.ScanOptions(), policies, MemoryReader({name: data}))
        for finding in report.findings:
            assert finding.policy != run.INTERNAL, finding.message
            for place in (finding.place, finding.fix_at):
                if place is not None:
                    found = place.locate()
                    assert 0 <= found.start <= found.end <= len(found.source.data), "a place outside of the file"
        _reported(report)

    return target


def _reported(report: Any) -> None:
    from bklint.reporters import Style, render

    for format_ in ("text", "json"):
        render(format_, report, Style())


def _terraform_expression(data: bytes, random: Random) -> None:
    from bklint.frontends.terraform.evaluate import evaluate_text

    evaluate_text(data.decode("utf-8", "replace"))


def _arm_expression(data: bytes, random: Random) -> None:
    from bklint.frontends.arm.expressions import parse

    parse(data.decode("utf-8", "replace"))


def _policy(data: bytes, random: Random) -> None:
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as directory:
        Path(directory, "x.yaml").write_bytes(data)
        run.load_policies(run.ScanOptions(policy_directories=(directory,)))


def _configuration(data: bytes, random: Random) -> None:
    from tempfile import TemporaryDirectory

    from bklint import config

    name = random.choice((".bklint.yaml", "pyproject.toml"))
    with TemporaryDirectory() as directory:
        path = Path(directory, name)
        path.write_bytes(data)
        run.load_policies(run.ScanOptions(config=config.load(str(path))))


def _files(*patterns: str) -> list[bytes]:
    found = sorted({path for pattern in patterns for path in ROOT.glob(pattern) if path.is_file()})
    return [path.read_bytes()[:MAX_INPUT] for path in found]


EXPRESSIONS = [
    b"merge({a = 1}, {for k, v in var.x : k => v if v != null})",
    b'"${join(",", [for s in ["a"] : upper(s)])}-%{ if true }x%{ endif }"',
    b'cidrsubnet("10.0.0.0/8", 8, 2)',
    b'regex("(a|b)+", "ab")',
    b'try(jsondecode("{}").a[0], [for i in range(3) : i * 2])',
    b'format("%05d %s %v", 3, "a", {})',
    b"flatten([[1], [2, [3]]])[*]",
    b'templatestring("${a}", {a = 1})',
    b"1 + 2 * -3 == 4 ? [] : {}",
    b'yamldecode("a: [1, 2]")["a"]',
    b'sort(["b", "a"])...',
    b'formatdate("YYYY", "2020-01-01T00:00:00Z")',
]
ARM_EXPRESSIONS = [
    b"[concat('a', parameters('b'), variables('c')[0].d)]",
    b"[if(equals(1, 2), reference('x').y, json('{}'))]",
    b"[[literal]",
    b"[map(range(0, 3), lambda('i', format('{0}', lambdaVariables('i'))))]",
    b"[resourceId('A/b', 'c')]",
    b"['it''s']",
    b"[union(createObject('a', 1), createObject('b', createArray(1)))]",
    b"[copyIndex('loop', 1)]",
]
CONFIGURATIONS = [
    b"select: [disks]\nignore:\n  - id: BKP301\n    path: a\n    reason: x\nexclude: [a]\n",
    b"[tool.bklint]\nselect = ['disks']\n",
]
TERRAFORM_JSON = b'{"resource":{"azurerm_managed_disk":{"a":{"disk_size_gb":"${var.x}"}}}}'
MAIN = b"""variable "x" {}
variable "y" {
  type = list(string)
}
resource "azurerm_managed_disk" "d" {
  disk_size_gb = var.x
}
"""


def targets() -> dict[str, tuple[Target, list[bytes]]]:
    """What is fuzzed, and the inputs to start from."""
    templates = _files("sample-templates/arm-vm*/*.json", "sample-templates/bicep-vm*/*.json")
    plan = b'{"format_version":"1.2","terraform_version":"1.9.0","planned_values":{"root_module":{"resources":[{"address":"a.b",'
    plan += b'"mode":"managed","type":"azurerm_managed_disk","name":"b","values":{"disk_size_gb":5}}]}},"resource_changes":[]}'
    scripts = _files("sample-templates/guest-files/**/*")
    return {
        "terraform": (_scanned("main.tf"), _files("sample-templates/terraform-vm*/*.tf")),
        "tfvars": (_terraform_with_values, [b'x = 1\ny = ["a"]\nz = {\n  a = null\n}\n']),
        "terraform json": (_scanned("main.tf.json"), [TERRAFORM_JSON]),
        "template": (_scanned("a.json"), templates),
        "plan": (_scanned("plan.json"), [plan]),
        "nsg export": (_scanned("n.json", "n.yaml"), _files("sample-templates/nsg-export*/*")),
        "script": (_scanned("a.sh", "a.ps1", "a.cmd", "cloud-init.yml", "unattend.xml", "a.netplan.yaml"), scripts),
        "terraform expression": (_terraform_expression, EXPRESSIONS),
        "template expression": (_arm_expression, ARM_EXPRESSIONS),
        "policy": (_policy, _files("policies/disks/*.yaml", "policies/network/*.yaml")),
        "configuration": (_configuration, CONFIGURATIONS),
    }


def _terraform_with_values(data: bytes, random: Random) -> None:
    report = run.scan(["."], run.ScanOptions(), _POLICIES, MemoryReader({"main.tf": MAIN, "terraform.tfvars": data}))
    assert all(finding.policy != run.INTERNAL for finding in report.findings)


_POLICIES: Any = None


def mutated(seeds: list[bytes], random: Random) -> bytes:
    """One of the seeds, damaged in one to eight places."""
    data = bytearray(random.choice(seeds))
    for _ in range(random.randrange(1, 9)):
        at, to = sorted((random.randrange(len(data) + 1), random.randrange(len(data) + 1)))
        kind = random.randrange(8)
        if kind == 0:
            del data[at : min(to, at + 60)]
        elif kind == 1:
            data[at:at] = random.choice(TOKENS)
        elif kind == 2:
            data[at:at] = random.choice(TOKENS) * random.choice((2, 20, 300))
        elif kind == 3:
            data[at:at] = data[at : min(to, at + 400)]
        elif kind == 4:
            other = random.choice(seeds)
            start = random.randrange(len(other) + 1)
            data[at : min(to, at + 200)] = other[start : start + random.randrange(400)]
        elif kind == 5 and data:
            data[min(at, len(data) - 1)] = random.randrange(256)
        elif kind == 6:
            del data[at:]
        else:
            data[at : min(to, at + 20)] = random.choice(TOKENS)
    return bytes(data[:MAX_INPUT])


def attempts(seed: int, only: str = "") -> Iterator[tuple[str, int, Target, bytes, Random]]:
    """Inputs without end; each follows from the seed and its number alone."""
    global _POLICIES
    _POLICIES = run.load_policies(run.ScanOptions())
    chosen = {name: each for name, each in targets().items() if only in name}
    number = 0
    while True:
        for name, (target, seeds) in chosen.items():
            random = Random(f"{seed} {name} {number}")
            yield name, number, target, mutated(seeds, random), random
        number += 1


def failure(target: Target, data: bytes, random: Random) -> str:
    """What is wrong with how an input was taken; empty for nothing."""
    began = time.process_time()
    try:
        target(data, random)
    except BklintError:
        pass
    except Exception:  # noqa: BLE001 - that is what is looked for
        return traceback.format_exc()
    took = time.process_time() - began
    return f"took {took:.1f} s of CPU" if took > SECONDS else ""


def main() -> int:
    """Try inputs until the time is over; 1 where any failed."""
    parser = argparse.ArgumentParser(prog="python -m bench.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--attempts", type=int, default=0, help="stop after so many inputs; 0: only by time")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="targets whose name holds this")
    parser.add_argument("--keep", type=Path, help="a directory for the inputs that fail")
    arguments = parser.parse_args()
    end = time.monotonic() + 60 * arguments.minutes
    tried: Counter[str] = Counter()
    failed: Counter[str] = Counter()
    for name, number, target, data, random in attempts(arguments.seed, arguments.only):
        if time.monotonic() > end or (arguments.attempts and sum(tried.values()) >= arguments.attempts):
            break
        tried[name] += 1
        wrong = failure(target, data, random)
        if wrong:
            failed[name] += 1
            print(f"{name} {number} (seed {arguments.seed}): {wrong}", flush=True)
            if arguments.keep is not None:
                arguments.keep.mkdir(parents=True, exist_ok=True)
                (arguments.keep / f"{name.replace(' ', '-')}-{arguments.seed}-{number}").write_bytes(data)
    for name, count in tried.items():
        print(f"{name}: {count} inputs, {failed[name]} failures")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

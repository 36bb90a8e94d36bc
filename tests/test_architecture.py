"""The direction of imports, the walls around third-party libraries, and what a scan does not load."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "linter" / "bklint"
FILES = sorted(ROOT.rglob("*.py"))

RANKS = {
    "errors": 0, "records": 0, "process": 0, "replacing": 0, "limits": 0,
    "source": 1, "files": 1, "patterns": 1, "packaged": 1,
    "syntax": 2, "model": 2, "checking": 2, "bicep_cli": 2, "gitignore": 2, "revision": 2,
    "policy": 3, "facts": 3, "frontends": 3, "config": 3, "discover": 3, "explain": 3, "directives": 3,
    "decided": 3, "finding": 4, "reach": 4, "compiling": 4, "removed": 3,
    "engine": 5, "suppress": 5, "baseline": 5, "choices": 5, "fix": 5, "reporters": 5,
    "sift": 6, "failures": 5, "live": 6,
    "run": 7, "starter": 8, "examples": 8, "mending": 8, "api": 8, "sharing": 8, "trial": 9, "arguments": 9,
    "cli": 10,
    "__main__": 11,
}  # fmt: skip

WALLS = {
    "tree_sitter": ("syntax/",),
    "hcl2": ("syntax/hcl_strict.py",),
    "lark": ("syntax/hcl_strict.py",),
    "yaml": ("syntax/yaml.py",),
    "jsonschema": ("checking.py",),
    "subprocess": ("revision.py", "bicep_cli.py"),
    "azure": ("frontends/azure/client.py",),
    "argparse": ("arguments.py",),
    "dataclasses": ("records.py",),
    "shtab": ("arguments.py",),
}
"""Library to the only places that may import it."""

GUARDS = ("engine/", "run.py")
"""The only places that may catch every exception."""

WRITERS = ("files.py", "packaged.py")
"""The only places that open files."""

COMPILERS = ("records.py",)
"""The only places that make code, of the names in a class of bklint's own."""


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def package_of(module: str) -> str:
    """`bklint.syntax.json` is of `syntax`."""
    return module.split(".")[1] if "." in module else ""


def imports(path: Path) -> Iterator[tuple[str, int]]:
    """Every module that a file imports for use at run time, and the line; `TYPE_CHECKING` blocks are left out."""
    pending: list[ast.AST] = [ast.parse(path.read_text("utf-8"))]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: relative import"
            names = [f"bklint.{alias.name}" for alias in node.names] if node.module == "bklint" else [node.module or ""]
            yield from ((name, node.lineno) for name in names)
        pending.extend(ast.iter_child_nodes(node))


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_ranks(path: Path) -> None:
    own = name_of(path).split("/")[0].removesuffix(".py")
    if own == "__init__":
        return
    for module, line in imports(path):
        package = package_of(module)
        if module.startswith("bklint.") and package in RANKS and package != own:
            assert RANKS[package] < RANKS[own], f"{path}:{line}: {own} imports {module}"
            assert (own, package) != ("facts", "syntax"), f"{path}:{line}: facts never see text"


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_walls(path: Path) -> None:
    for module, line in imports(path):
        top = module.split(".")[0]
        library = "tree_sitter" if top.startswith("tree_sitter") else top
        if library in WALLS:
            assert name_of(path).startswith(WALLS[library]), f"{path}:{line}: imports {module}"


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_guards_and_files(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ExceptHandler):
            caught = ast.unparse(node.type) if node.type is not None else "everything"
            if caught == "everything" or "Exception" in caught.split() or caught == "Exception":
                assert name_of(path).startswith(GUARDS), f"{path}:{node.lineno}: catches {caught}"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("open", "eval", "exec"):
            allowed = WRITERS if node.func.id == "open" else COMPILERS
            assert name_of(path) in allowed, f"{path}:{node.lineno}: {node.func.id}()"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print":
            assert name_of(path) == "cli.py", f"{path}:{node.lineno}: print()"


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_modules_say_what_they_are(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text("utf-8"))), f"{path} has no docstring"
    assert path.stem.lstrip("_") not in ("utils", "helpers", "common", "manager", "base"), path


LOADED = """
import json, sys
from bklint import run
from bklint.files import MemoryReader
from bklint.reporters import Style, render
files = json.loads(sys.argv[1])
options = run.ScanOptions()
policies = run.load_policies(options)
report = run.scan(["."], options, policies, MemoryReader(files))
render(sys.argv[2], report, Style())
print(json.dumps(sorted(sys.modules)))
"""

HEAVY = {
    "dataclasses", "inspect", "yaml", "jsonschema", "hcl2", "lark", "azure", "argparse", "asyncio", "http", "email", "xml",
    "bklint.syntax.bicep",
}  # fmt: skip
TERRAFORM = {"main.tf": 'resource "azurerm_managed_disk" "a" {\n  disk_size_gb = 5\n}\n'}
TEMPLATE = {"a.json": '{"$schema": "https://schema.management.azure.com/deploymentTemplate.json#", "resources": []}'}


def loaded(files: dict[str, str], format_: str) -> set[str]:
    """The modules that a scan of some files has loaded."""
    command = [sys.executable, "-c", LOADED, json.dumps(files), format_]
    environment = {"PYTHONPATH": str(ROOT.parent)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout))


def test_terraform_scan_loads_no_more_than_it_needs() -> None:
    found = loaded(TERRAFORM, "text")
    assert not found & (HEAVY | {"bklint.frontends.arm", "bklint.reporters.sarif", "tree_sitter_bash"})


@pytest.mark.parametrize("files", [TERRAFORM, TEMPLATE])
def test_offline_scan_loads_nothing_of_azure(files: dict[str, str]) -> None:
    """Not the SDK, and nothing of what would talk to it; only what the options are."""
    found = loaded(files, "sarif")
    assert not {name for name in found if name.split(".")[0] in ("azure", "msal", "requests", "cryptography")}
    assert not {name for name in found if name.startswith(("bklint.frontends.azure", "bklint.live", "bklint.failures"))}


COMMAND = (
    "import sys; from bklint.cli import main; code = main(sys.argv[1:]); print(*sorted(sys.modules)); sys.exit(code)"
)


def test_the_command_line_loads_nothing_of_azure_unless_asked(tmp_path: Path) -> None:
    (tmp_path / "main.tf").write_text(TERRAFORM["main.tf"])
    words = ["scan", str(tmp_path), "--no-config", "--exit-zero"]
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, *words],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(ROOT.parent)},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    names = done.stdout.splitlines()[-1].split()
    assert "bklint.arguments" in names
    assert not [name for name in names if name.startswith(("azure", "bklint.frontends.azure", "bklint.live"))]


def test_template_scan_loads_no_more_than_it_needs() -> None:
    found = loaded(TEMPLATE, "json")
    assert not found & (HEAVY | {"bklint.frontends.terraform", "tree_sitter", "bklint.reporters.text"})

"""Every fix of every policy, on the policy's own bad examples: the finding is gone, nothing new is there, nothing else moved."""

from __future__ import annotations


import pytest

from bklint import run
from bklint.config import Configuration
from bklint.files import MemoryReader
from bklint.finding import Severity
from bklint.fix.verify import Fixed, Wanted
from bklint.policy.model import Example
from policy_examples import FILES, PolicyFile, examples, policy_files

EXAMPLES = [
    (file, label, example)
    for file in policy_files()
    for label, example in examples(file)
    if example.kind == "bad" and example.dialect in ("terraform", "arm") and file.policy.operations
]


def files_of(example: Example) -> dict[str, str]:
    return {FILES[example.dialect]: example.text, **example.files}


def mended(files: dict[str, str] | dict[str, bytes], id_: str, example: Example | None = None) -> Fixed:
    """What the fixes of one policy make of files."""
    options = run.ScanOptions(
        select=(id_,),
        min_severity=Severity.INFO,
        edition=example.edition if example else "original",
        complete=bool(example and example.complete),
        config=Configuration(parameters=dict(example.parameters) if example else {}),
    )
    wanted = Wanted(unsafe=True, named=frozenset({id_}), least=Severity.INFO)
    return run.fixed(["."], options, run.load_policies(options), wanted, MemoryReader(dict(files)))


@pytest.mark.parametrize(
    ("file", "example"), [(file, example) for file, _, example in EXAMPLES], ids=[label for _, label, _ in EXAMPLES]
)
def test_bad_example(file: PolicyFile, example: Example) -> None:
    fixed = mended(files_of(example), file.id, example)
    assert fixed.done or fixed.left
    if not fixed.done:
        pytest.fail("; ".join(f"{left.finding.policy}: {left.reason}" for left in fixed.left))

"""Every fix of every policy, on the policy's own bad examples: the finding is gone, nothing new is there, all else stays.

The same examples are also laid out in other ways (line ends, byte-order mark, indentation, comments), and the fix must
make the same change in each.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Mapping

import pytest

from bklint import run
from bklint.config import Configuration
from bklint.examples import alone
from bklint.files import MemoryReader
from bklint.finding import Severity
from bklint.fix.edits import applied, united
from bklint.fix.verify import Fixed, Wanted
from bklint.policy.model import Example, Policy
from policy_examples import FILES, GUEST_FILES, PolicyFile, examples, policy_files

Files = Mapping[str, "str | bytes"]

BY_HAND = {
    "BKP505-bad4-terraform": "the list is a parameter of a definition of one's own",
    "BKP505-bad5-terraform": "a list of refused extensions",
    "BKP505-bad6-terraform": "the list is a parameter of a definition of one's own",
    "BKP306-bad3-terraform": "an assignment of a policy",
    "BKP306-bad4-arm": "an assignment of a policy",
    "BKP702-bad2-arm": "advice: the number of days fits already",
    "BKP702-bad3-arm": "advice: the number of days fits already",
    "BKP702-bad4-arm": "restore points that other code makes count too",
    "BKP702-bad5-terraform": "restore points that other code makes count too",
    "BKP702-bad6-arm": "an Enhanced policy, whose own limits count",
    "BKP702-bad7-arm": "an Enhanced policy, whose own limits count",
    "BKP702-bad8-terraform": "an Enhanced policy, whose own limits count",
    "BKP711-bad4-arm": "the retention is in weeks or more",
    "BKP703-bad13-terraform": "the schedule is to be changed",
    "BKP703-bad14-terraform": "the schedule is to be changed",
    "BKP703-bad15-arm": "the schedule is to be changed",
    **dict.fromkeys(
        (
            "BKP608-bad3-batch",
            "BKP608-bad4-batch",
            "BKP608-bad12-batch",
            "BKP619-bad3-shell",
            "BKP619-bad4-shell",
            "BKP619-bad5-shell",
            "BKP619-bad6-shell",
            "BKP619-bad11-shell",
            "BKP619-bad12-shell",
            "BKP619-bad13-shell",
            "BKP619-bad14-shell",
            "BKP610-bad2-powershell",
            "BKP610-bad4-batch",
            "BKP610-bad5-batch",
            "BKP610-bad11-powershell",
            "BKP610-bad13-batch",
            "BKP610-bad14-batch",
            "BKP610-bad15-powershell",
            "BKP610-bad16-powershell",
            "BKP610-bad17-powershell",
            "BKP610-bad18-powershell",
        ),
        "statements are not removed",
    ),
    **dict.fromkeys(("BKP619-bad16-powershell", "BKP619-bad17-shell"), "statements are not removed"),
    **dict.fromkeys(
        ("BKP610-bad21-powershell", "BKP610-bad24-batch"),
        "the statement is about other services, too",
    ),
    "BKP610-bad22-powershell": "the start type is in a hash table",
    "BKP603-bad18-shell": "a last rule for everything, and no default",
    "BKP602-bad27-shell": "a chain of one's own",
    "BKP618-bad12-netplan": "the route is the only one of its list",
    **dict.fromkeys(
        ("BKP611-bad4-powershell", "BKP611-bad10-powershell", "BKP611-bad11-powershell", "BKP611-bad12-powershell"),
        "a policy of Windows Installer, not its service",
    ),
    **dict.fromkeys(
        ("BKP609-bad3-registry", "BKP609-bad4-terraform", "BKP609-bad5-arm", "BKP609-bad6-terraform"),
        "an account in a registry file, or in a text within a text",
    ),
    **dict.fromkeys(
        (f"BKP403-bad{number}-terraform" for number in (1, 2, 3, 9, 10, 11)),
        "the azuread provider, which looks the object id up, is not used",
    ),
    **dict.fromkeys((f"BKP403-bad{number}-terraform" for number in (4, 5, 6)), "which role is given is to be decided"),
    "BKP403-bad7-terraform": "a policy of Azure Backup lacks a permission",
    "BKP403-bad8-terraform": "a policy of Azure Backup lacks a permission",
    "BKP403-bad12-arm": "a template cannot look up the object id",
    "BKP403-bad13-arm": "which role is given is to be decided",
    "BKP403-bad14-arm": "a template cannot look up the object id",
    "BKP602-bad9-powershell": "the rule blocks other addresses too, and a block wins over every allow",
    "BKP603-bad14-ufw": "the rules of ufw are in another file",
    "BKP603-bad15-shell": "the rules of ufw are in another file",
    "BKP603-bad6-registry": "a value of the registry; rules are values of their own",
    "BKP603-bad16-powershell": "a resource of DSC; a rule is another one",
    "BKP604-bad7-waagent": "waagent.conf has no list of what bypasses its proxy",
    **dict.fromkeys(
        (
            "BKP603-bad10-arm",
            "BKP604-bad11-arm",
            "BKP613-bad9-arm",
            "BKP613-bad6-batch",
            "BKP613-bad13-batch",
            "BKP615-bad7-arm",
            "BKP618-bad8-arm",
        ),
        "the command shares its line with others, or is a text within a text",
    ),
    **dict.fromkeys(
        (
            "BKP613-bad8-terraform",
            "BKP613-bad10-terraform",
            "BKP613-bad14-powershell",
            "BKP613-bad15-powershell",
            "BKP618-bad3-shell",
            "BKP618-bad7-terraform",
            "BKP618-bad9-terraform",
            "BKP618-bad11-shell",
        ),
        "nothing would be left of the script, or of the block around it",
    ),
    **dict.fromkeys(("BKP615-bad12-wdac", "BKP615-bad13-wdac"), "a code integrity policy, which tools make and sign"),
}
"""Examples that no operation mends, and why."""

EXAMPLES = [
    (file, label, example)
    for file in policy_files()
    for label, example in examples(file)
    if example.kind == "bad" and example.dialect in ("terraform", "arm", *GUEST_FILES) and file.policy.operations
]
APPLICABLE = [(file, label, example) for file, label, example in EXAMPLES if label not in BY_HAND]


def each(cases: list[tuple[PolicyFile, str, Example]]) -> pytest.MarkDecorator:
    ids = [label for _, label, _ in cases]
    return pytest.mark.parametrize(("file", "example"), [(file, example) for file, _, example in cases], ids=ids)


def files_of(example: Example) -> dict[str, str]:
    return {FILES[example.dialect]: example.text, **example.files}


def mended(files: Files, policy: Policy, example: Example) -> Fixed:
    """What the fixes of one policy make of files."""
    options = run.ScanOptions(
        min_severity=Severity.INFO,
        edition=example.edition,
        complete=example.complete,
        config=Configuration(parameters=dict(example.parameters)),
    )
    wanted = Wanted(unsafe=True, named=frozenset({policy.id}), least=Severity.WARNING)
    return run.fixed(["."], options, alone(policy), wanted, MemoryReader(files))


@each(APPLICABLE)
def test_fix(file: PolicyFile, example: Example) -> None:
    files = files_of(example)
    fixed = mended(files, file.policy, example)
    assert fixed.done, [left.reason for left in fixed.left]
    assert fixed.notes == []
    for name, (before, after) in fixed.files.items():
        assert before == files[name].encode()
        edits = [edit for plan in fixed.done for edit in plan.edits if edit.name == name]
        if all(edit.source.data == before for edit in edits):  # and not one after the other
            assert applied(before, united(edits)) == after
    again = mended({**files, **{name: after for name, (_, after) in fixed.files.items()}}, file.policy, example)
    assert again.files == {}


@each([case for case in EXAMPLES if case[1] in BY_HAND])
def test_left_to_people(file: PolicyFile, example: Example) -> None:
    fixed = mended(files_of(example), file.policy, example)
    assert fixed.files == {}
    assert fixed.left


def test_each_exception_is_an_example() -> None:
    assert {label for _, label, _ in EXAMPLES} >= BY_HAND.keys()


# -- layout --------------------------------------------------------------------------------------------------------


def windows(text: str) -> bytes:
    return b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode()


@each(APPLICABLE)
def test_line_ends_and_byte_order_mark_stay(file: PolicyFile, example: Example) -> None:
    files = files_of(example)
    plain = mended(files, file.policy, example)
    other = mended({name: windows(text) for name, text in files.items()}, file.policy, example)
    assert {name: after for name, (_, after) in other.files.items()} == {
        name: windows(after.decode()) for name, (_, after) in plain.files.items()
    }


@each(APPLICABLE)
def test_utf_16_is_not_written(file: PolicyFile, example: Example) -> None:
    files = {name: b"\xff\xfe" + text.encode("utf-16-le") for name, text in files_of(example).items()}
    fixed = mended(files, file.policy, example)
    assert fixed.files == {}
    assert any("UTF-16" in left.reason for left in fixed.left)


def tabs(text: str, _: random.Random) -> str:
    return re.sub(r"^(?:  )+", lambda match: "\t" * (len(match[0]) // 2), text, flags=re.MULTILINE)


def four(text: str, _: random.Random) -> str:
    return re.sub(r"^ +", lambda match: match[0] * 2, text, flags=re.MULTILINE)


def ragged(text: str, _: random.Random) -> str:
    return re.sub(r" +=", " =", text)


def commented(text: str, chance: random.Random) -> str:
    """Comments behind arguments and between lines, where the line is one of a plain block."""
    lines = []
    for line in text.split("\n"):
        if re.fullmatch(r"\s*\w+ += [\w\".\-]+", line):
            if chance.random() < 0.3:
                lines.append(f"{line[: len(line) - len(line.lstrip())]}# why {chance.random()}")
            line += chance.choice(["", "", " # x", " // é", "  /* y */"])
        lines.append(line)
    return "\n".join(lines)


def spaced(text: str, chance: random.Random) -> str:
    return re.sub(r"\n(?= *\w+ +=)", lambda _: "\n\n" if chance.random() < 0.3 else "\n", text)


LAYOUTS: tuple[Callable[[str, random.Random], str], ...] = (tabs, four, ragged, commented, spaced)


@each([case for case in APPLICABLE if case[2].dialect == "terraform"])
def test_layout_of_terraform_stays(file: PolicyFile, example: Example) -> None:
    """Laid out in another way, the same lines change: those that stay are there to the byte and in order."""
    plain = mended(files_of(example), file.policy, example)
    for number, layout in enumerate(LAYOUTS):
        files = {name: layout(text, random.Random(number)) for name, text in files_of(example).items()}
        fixed = mended(files, file.policy, example)
        assert [plan.does for plan in fixed.done] == [plan.does for plan in plain.done], layout.__name__
        assert fixed.files.keys() == plain.files.keys()
        for name, (before, after) in fixed.files.items():
            edits = united(edit for plan in fixed.done for edit in plan.edits if edit.name == name)
            assert applied(before, edits) == after
            assert squeezed(after) == squeezed(layout(plain.files[name][1].decode(), random.Random(number)).encode())


def squeezed(data: bytes) -> str:
    """A configuration without comments and blanks, as layout may differ where a block was taken out."""
    return re.sub(r"/\*.*?\*/|(?:#|//(?!\S*\.)) ?[a-zé].*|\s+", "", data.decode())


@each([case for case in APPLICABLE if case[2].dialect == "arm"])
@pytest.mark.parametrize("indent", [None, 1, 4, "\t"], ids=["one line", "1", "4", "tab"])
def test_layout_of_templates_stays(file: PolicyFile, example: Example, indent: int | str | None) -> None:
    """In any layout the fix makes the same data, and writes it as the rest is written."""
    plain = mended(files_of(example), file.policy, example)
    files = {name: json.dumps(json.loads(text), indent=indent) for name, text in files_of(example).items()}
    fixed = mended(files, file.policy, example)
    for name, (_, after) in plain.files.items():
        made = fixed.files[name][1].decode()
        assert json.loads(made) == json.loads(after)
        if indent is not None and not any(edit.new.startswith(b", ") for plan in fixed.done for edit in plan.edits):
            removed = [plan for plan in fixed.done if "remove" in plan.does]
            lists = re.search(r'\["80", "443"', made)
            assert removed or lists or made == json.dumps(json.loads(made), indent=indent)

"""Write the pages that come from data, and the outputs that README shows; with `--check`, only say what is stale.

Usage: python docs/generate.py [--check]

* `docs/policies/<id>.md` and the index: from `policies/*/*.yaml`.
* `docs/errors/<id>.md` and the index: from `linter/bklint/data/knowledge/*.yaml`.
* `docs/command-line.md` and `docs/output.md`: from the parser and from the schema of the JSON report.
* `docs/limits.md`: from `bklint.limits` and the constants of the modules.
* README and docs pages: each fenced block after a line `<!-- output: COMMAND -->` is the output of that command, run in
  the checkout's root, with times replaced, since they differ from run to run; one after `<!-- file: PATH -->` is that
  file; and what stands between `<!-- policies -->` and `<!-- /policies -->` is the table of policies by area.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "linter"), str(ROOT / "docs")]

import bounds  # noqa: E402
import reads  # noqa: E402
import reference  # noqa: E402

from bklint import explain, facts, packaged  # noqa: E402
from bklint.frontends.terraform import functions  # noqa: E402
from bklint.policy import compile as compiler  # noqa: E402
from bklint.policy import reading  # noqa: E402
from bklint.policy.names import known_types  # noqa: E402
from bklint.policy.reading import addresses  # noqa: E402
from bklint.syntax import yaml  # noqa: E402

PAGES = ROOT / "docs" / "policies"
ERRORS = ROOT / "docs" / "errors"
PACKAGE = ROOT / "linter" / "bklint"
OUTPUT = re.compile(r"(<!-- output: (?P<command>[^\n]*?) -->\n```(?P<language>\w*)\n)(?P<text>.*?)(```\n)", re.DOTALL)
FILE = re.compile(r"(<!-- file: (?P<file>\S+) -->\n```\w*\n)(?P<text>.*?)(```\n)", re.DOTALL)
TABLE = re.compile(r"(<!-- policies -->\n).*?(<!-- /policies -->)", re.DOTALL)
EDITIONS = re.compile(r"(<!-- editions -->\n).*?(<!-- /editions -->)", re.DOTALL)
SECONDS = re.compile(r"\b\d+\.\d+ s\b")
ORDER = ["error", "warning", "info"]
"""Severities, gravest first."""

LANGUAGES = {
    "terraform": "hcl",
    "arm": "json",
    "bicep": "bicep",
    "nsg": "json",
    "shell": "sh",
    "powershell": "powershell",
}


def main() -> int:
    """Write, or with --check compare; the exit status is 1 when something was stale."""
    check = "--check" in sys.argv[1:]
    stale = [path for path, text in wanted() if not path.exists() or path.read_text(encoding="utf-8") != text]
    for path, text in wanted() if not check else ():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    known = {path for path, _ in wanted()}
    left = [path for directory in (PAGES, ERRORS) for path in directory.glob("*.md") if path not in known]
    for path in left if not check else ():
        path.unlink()
    for path in (*stale, *left):
        print(f"{'stale' if check else 'written'}: {path.relative_to(ROOT)}")
    if check and (stale or left):
        print("run: python docs/generate.py")
        return 1
    return 0


def wanted() -> Iterator[tuple[Path, str]]:
    """Every generated file and the text it should have."""
    policies = sorted(
        (load(path) for path in (ROOT / "policies").glob("*/*.yaml")), key=lambda policy: str(policy["id"])
    )
    for policy in policies:
        yield PAGES / f"{policy['id']}.md", page(policy)
    yield PAGES / "README.md", index(policies)
    written = {str(policy["id"]) for policy in policies}
    for entry in explain.load().entries:
        yield ERRORS / f"{entry.id}.md", error_page(entry, written)
    yield ERRORS / "README.md", index_of_errors(written)
    yield ROOT / "docs" / "command-line.md", reference.command_line()
    yield ROOT / "docs" / "output.md", reference.json_report()
    yield ROOT / "docs" / "limits.md", bounds.page()
    yield PACKAGE / packaged.INDEX, index_of_policies()
    yield PACKAGE / packaged.TEXTS, index_of_texts()
    yield PACKAGE / packaged.MAPPINGS, index_of_mappings()
    yield PACKAGE / packaged.READS, index_of_reads()
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        if path.exists() and path.name not in ("command-line.md", "output.md", "limits.md"):
            yield path, with_table(with_files(with_outputs(path.read_text(encoding="utf-8"))), policies)


def index_of_policies() -> str:
    """The first documents of the policies, and where facts are defined."""
    documents = {name: yaml.load_first(packaged.policy(name).decode()) for name in packaged.policy_files()}
    modules = facts.modules()
    targets = {str(type_) for document in documents.values() for type_ in _listed(document["target"])}
    types = sorted(known_types({name: facts.Table(modules)[name] for name in modules}, targets))
    table = packaged.defaults()[0]
    defaults = {"seal": packaged.sealed(table), "data": yaml.load_data(table)}
    digest = packaged.digest()
    data = {
        "digest": digest,
        "types": types,
        "facts": modules,
        "functions": functions.modules(),
        "defaults": defaults,
        "policies": documents,
    }
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")) + "\n"


def index_of_texts() -> str:
    """The second documents of the policies, one a line behind the name of the file, without their examples, and with the
    addresses of what they cite."""
    lines, addresses = [packaged.digest()], reading.addresses()
    for name in packaged.policy_files():
        rest = yaml.load_rest(packaged.policy(name).decode()) or {}
        rest.pop("examples", None)
        for row in rest.get("sources", ()):
            if "url" not in row and row["document"] in addresses:
                row["url"] = addresses[row["document"]]
        lines.append(f"{name}\t{json.dumps(rest, ensure_ascii=False, separators=(',', ':'))}")
    return "\n".join(lines) + "\n"


def _listed(data: Any) -> list[Any]:
    return data if isinstance(data, list) else [data]


def index_of_mappings() -> str:
    """The mapping files as plain data, each with the digest of its text."""
    texts = {type_: packaged.mapping(type_)[0] for type_ in sorted(packaged.mapped_types())}
    data = {type_: {"seal": packaged.sealed(text), "data": yaml.load_data(text)} for type_, text in texts.items()}
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")) + "\n"


def index_of_reads() -> str:
    """Which properties each policy reads; see reads.py. Examples are in the files alone, and not in the index of texts."""
    known = facts.all_facts()
    rows = []
    for file in reading.built_in_files():
        first, second = (document.data for document in yaml.parse(file.source))
        rows.append((compiler.policy(first, known, file.source.name), compiler.texts(second).examples))
    return json.dumps(reads.index(rows), separators=(",", ":")) + "\n"


def load(path: Path) -> dict[str, Any]:
    """Both documents of a policy file as one mapping; the texts of `fix` beside its operations."""
    text = path.read_text(encoding="utf-8")
    first, rest = yaml.load_first(text), yaml.load_rest(text)
    assert isinstance(first, dict)
    assert isinstance(rest, dict)
    return {
        **first,
        **rest,
        "fix": {**first.get("fix", {}), **rest.get("fix", {})},
        "path": path.relative_to(ROOT).as_posix(),
    }


def page(policy: Mapping[str, Any]) -> str:
    """The page of one policy."""
    parts = [
        f"# {policy['id']} {policy['name']}\n",
        f"{marked(policy['title'])}.\n",
        overview(policy),
        f"## Why backup breaks\n\n{marked(policy['why'].strip())}\n",
    ]
    if policy.get("errors"):
        parts.append("Azure error codes: " + ", ".join(map(error_code, policy["errors"])) + ".\n")
    parts.extend(errors_behind(policy))
    parts.append(fix(policy["fix"]))
    parts.append("## Sources\n\n" + "".join(source(row) for row in policy["sources"]))
    if policy.get("conflicts"):
        rows = "".join(f"* {row['tool']} {row.get('id', '')}: {marked(row['note'])}\n" for row in policy["conflicts"])
        parts.append("## Advice of other tools\n\n" + rows)
    parts.append(examples(policy["examples"]))
    parts.append(f"*Generated from [{policy['path']}](../../{policy['path']}).*\n")
    return "\n".join(parts)


def severities(policy: Mapping[str, Any]) -> str:
    """The severities of a policy's cases, gravest first."""
    found = {str(case["severity"]) for case in policy["cases"]}
    return ", ".join(severity for severity in ORDER if severity in found)


def overview(policy: Mapping[str, Any]) -> str:
    """The table at the top of a page."""
    target = policy["target"] if isinstance(policy["target"], list) else [policy["target"]]
    rows = [
        ("Severity", severities(policy)),
        ("Area", policy["area"]),
        ("Looks at", ", ".join(f"`{type_}`" for type_ in target)),
        ("Runs", "by default" if policy.get("profile", "default") == "default" else "with `--select`"),
        ("Fix", policy["fix"].get("safety", "manual")),
    ]
    for edition, change in (policy.get("editions") or {}).items():
        words = "; ".join(str(change[key]) for key in ("notice", "note", "severity") if change.get(key))
        if words:
            rows.append((f"`--edition {edition}`", words))
    return "| | |\n|---|---|\n" + "".join(f"| {name} | {text} |\n" for name, text in rows)


def fix(data: Mapping[str, Any]) -> str:
    """The section on how to mend it."""
    text = f"## Fix\n\n{marked(str(data.get('summary', '')).strip())}\n"
    for language in ("terraform", "arm", "bicep"):
        if data.get(language):
            text += f"\n{fenced(language, data[language])}"
    return text


def fenced(language: str, text: str) -> str:
    """A fenced code block."""
    return f"```{LANGUAGES.get(language, '')}\n{text.rstrip()}\n```\n"


def source(row: Mapping[str, Any]) -> str:
    """One line of the list of sources."""
    url = row.get("url") or addresses().get(row["document"])
    link = f" <{url}>" if url else ""
    return f"* {row['document']}, {row['section']} ({row['date']}): {marked(row['says'])}{link}\n"


def examples(data: Mapping[str, Any]) -> str:
    """The bad, good and undecided examples; they are tests too."""
    text = ""
    for kind, title in (("bad", "Reported"), ("good", "Not reported"), ("unknown", "Undecided")):
        for row in data.get(kind, ()):
            language = next((name for name in row if name in LANGUAGES), None)
            if language is None:
                continue
            because = f": {row['because']}" if row.get("because") else ""
            text += f"### {title}{because}\n\n{fenced(language, row[language])}\n"
    return "## Examples\n\n" + text.rstrip() + "\n"


def index(policies: list[dict[str, Any]]) -> str:
    """The table of all policies."""
    rows = "".join(
        f"| [{p['id']}]({p['id']}.md) | {marked(p['title'])} | {severities(p)} | {p['area']} |\n" for p in policies
    )
    return f"# Policies\n\n| id | finds | severity | area |\n|---|---|---|---|\n{rows}"


# -- pages of errors -----------------------------------------------------------------------------------------------


def error_code(code: str) -> str:
    """An error code, as a link where there is a page about it."""
    entry = next((each for each in explain.load().entries if code in each.codes), None)
    return f"[`{code}`](../errors/{entry.id}.md)" if entry is not None else f"`{code}`"


def errors_behind(policy: Mapping[str, Any]) -> Iterator[str]:
    """The line with the errors, causes and requirements that a policy is behind; none without any."""
    codes = policy.get("errors") or ()
    entries = [each for each in explain.load().naming(policy["id"]) if not set(codes) & set(each.codes)]
    if entries:
        yield "See also: " + ", ".join(f"[{entry.title}](../errors/{entry.id}.md)" for entry in entries) + ".\n"


def error_page(entry: explain.Entry, written: set[str]) -> str:
    """The page of one error, cause or procedure."""
    parts = [f"# {entry.id}: {entry.title}\n"]
    if entry.codes:
        parts.append("Error codes: " + ", ".join(f"`{code}`" for code in entry.codes) + ".\n")
    if entry.messages:
        parts.append(">\n".join(f"> {marked(message.text)} ({message.document})\n" for message in entry.messages))
    parts.append(f"{' '.join(entry.meaning.split())}\n")
    title = "Causes" if entry.kind == "error" else "What the documents say"
    if entry.rows:
        parts.append(f"## {title}\n\n" + "".join(cause(row, written) for row in entry.rows))
    if entry.also:
        parts.append("Policies on related settings: " + policy_links(entry.also, written) + ".\n")
    parts.append(
        "## By hand\n\n" + "".join(f"{number}. {marked(step)}\n" for number, step in enumerate(entry.steps, 1))
    )
    found = [each for id_ in entry.related if (each := explain.load().entry(id_)) is not None]
    if found:
        parts.append("## See also\n\n" + "".join(f"* [{each.title}]({each.id}.md)\n" for each in found))
    return "\n".join([*parts, cited(entry), "*Generated from the knowledge base of `bklint explain`.*\n"])


def marked(text: str) -> str:
    """Prose with what Markdown would take for HTML or emphasis kept as it is, outside of code."""
    pieces = text.split("`")
    return "`".join(
        piece if number % 2 else re.sub(r"([*_\\])", r"\\\1", piece.replace("<", "&lt;"))
        for number, piece in enumerate(pieces)
    )


def cause(row: explain.Row, written: set[str]) -> str:
    """One row of the documents, with the policies that see it."""
    label = f", row {row.label} of the catalogue" if row.label else ""
    classic = "; classic deployment model only" if row.classic else ""
    seen = f"found by {policy_links(row.policies, written)}" if row.policies else "no policy: it shows at run time"
    date = explain.load().documents[row.document].date
    return f"* {marked(row.says)} ({row.document}, {row.section}, {date}{label}; {seen}{classic})\n"


def policy_links(ids: tuple[str, ...], written: set[str]) -> str:
    """Policies as links; those that are planned without one."""
    return ", ".join(f"[{id_}](../policies/{id_}.md)" if id_ in written else f"{id_} (planned)" for id_ in ids)


def cited(entry: explain.Entry) -> str:
    """The documents of a page."""
    labels = dict.fromkeys((*(row.document for row in entry.rows), *(message.document for message in entry.messages)))
    documents = [explain.load().documents[label] for label in labels]
    return "## Documents\n\n" + "".join(f"* {d.label}: {d.title} ({d.date}) <{d.url}>\n" for d in documents)


def index_of_errors(written: set[str]) -> str:
    """The tables of all errors, by group, with the rows of the catalogue and the policies of each."""
    text = (
        "# Errors, causes and requirements\n\n"
        "`bklint explain` finds these by code, policy or words of the message. "
        "*Rows* are those of the policy catalogue: S1 is 1 to 52, S2 53 to 97.\n"
    )
    for group in explain.load().groups:
        text += f"\n## {group.title}\n\n| | about | rows | found by |\n|---|---|---|---|\n"
        for entry in group.entries:
            seen = policy_links(entry.policies, written) or "runtime: explained"
            text += f"| [{entry.id}]({entry.id}.md) | {entry.title} | {', '.join(entry.labels)} | {seen} |\n"
    return text


def with_outputs(text: str) -> str:
    """A page with the outputs of its commands as they are now."""
    return OUTPUT.sub(lambda match: f"{match[1]}{run(match['command'])}{match[5]}", text)


def with_files(text: str) -> str:
    """A page with the files it shows as they are now."""
    return FILE.sub(lambda match: f"{match[1]}{(ROOT / match['file']).read_text('utf-8')}{match[4]}", text)


def with_table(text: str, policies: list[dict[str, Any]]) -> str:
    """A page with the tables of policies by area and of what the editions change."""
    text = TABLE.sub(lambda match: f"{match[1]}{table_of_areas(policies)}{match[2]}", text)
    return EDITIONS.sub(lambda match: f"{match[1]}{table_of_editions(policies)}{match[2]}", text)


def table_of_areas(policies: list[dict[str, Any]]) -> str:
    """One row for each area."""
    areas: dict[str, list[dict[str, Any]]] = {}
    for policy in policies:
        areas.setdefault(str(policy["area"]), []).append(policy)
    rows = ""
    for area, found in areas.items():
        worst = sorted(found, key=lambda policy: ORDER.index(severities(policy).split(", ")[0]))[:3]
        named = "; ".join(f"[{p['id']}](docs/policies/{p['id']}.md) {marked(p['title'])}" for p in worst)
        rows += f"| {area} | {len(found)} | {named} |\n"
    return f"| area | policies | such as |\n|---|---|---|\n{rows}"


def table_of_editions(policies: list[dict[str, Any]]) -> str:
    """One row for each policy that an edition changes."""
    rows = ""
    for policy in policies:
        changes = policy.get("editions") or {}
        if changes:
            cells = " | ".join(in_edition(policy, changes.get(name) or {}) for name in ("original", "current"))
            rows += f"| [{policy['id']}](policies/{policy['id']}.md) {marked(policy['title'])} | {cells} |\n"
    return f"| policy | `original` | `current` |\n|---|---|---|\n{rows}"


def in_edition(policy: Mapping[str, Any], change: Mapping[str, Any]) -> str:
    """The gravest severity of a policy in an edition, and what is added to its findings."""
    if change.get("disabled"):
        return "not reported"
    worst = severities({"cases": change.get("cases", policy["cases"])}).split(", ")[0]
    if "severity" in change:
        worst = max(worst, change["severity"], key=ORDER.index)
    words = [marked(change[key]) for key in ("notice", "note") if change.get(key)]
    return "; ".join([worst, *words])


def run(command: str) -> str:
    """The output of a command line that starts with `bklint`, with times replaced."""
    words = command.split()
    assert words[0] == "bklint", f"only bklint is run: {command}"
    done = subprocess.run(
        [sys.executable, "-m", "bklint", *words[1:]],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT / "linter"), "PATH": "", "COLUMNS": "100", "NO_COLOR": "1", "PYTHONUTF8": "1"},
        capture_output=True,
        check=False,
        text=True,
        encoding="utf-8",
    )
    text = SECONDS.sub("0.1 s", done.stdout + done.stderr)
    return text if text.endswith("\n") else text + "\n"


if __name__ == "__main__":
    raise SystemExit(main())

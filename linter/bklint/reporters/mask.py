"""Text of scanned files into text that may be shown: secrets become `***`, control characters visible escapes.

Nobody can know every secret, so this goes by names and by shapes: what is assigned to something called password,
secret, token, key, connection string or custom data; user information and signatures in URLs; options of commands;
long runs of base64. A reference (`var.password`) or the URL of a key is no secret and stays readable: it is what gets
mended.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from bklint.finding import Accepted, Estate, Failure, Finding, RelatedPlace, Report, Undecided
from bklint.model.inventory import Note
from bklint.records import replace
from bklint.source import Source

HIDDEN = "***"

MAX_TEXT = 1200
"""Longest message, note or label that is shown, in characters."""

MAX_ADDRESS = 400
"""Longest address of a resource that is shown, in characters."""

Range = tuple[int, int]

_WORD = (
    r"[\w.$-]*(?:(?i:passwords?|passwd|passphrase|secrets?|secret_?value|tokens?|connection_?strings?|credentials?"
    r"|custom_?data|user_?data|protected_?settings|access_?keys?|api_?keys?|private_?keys?)"
    r"|(?<![A-Za-z])(?i:keys?|pwd|sas)|(?<=[a-z0-9])(?:Keys?|KEYS?|Pwd|Sas|SAS))"
)
_NAME = rf"(?<![\w.$-]){_WORD}"
_QUOTED = r"\"(?:[^\"\\]|\\.)*(?:\"|$)|'[^']*(?:'|$)"
_REFERENCE = re.compile(
    r"(?:var|local|module|data|each|self|count|path)\.|[a-z]+_[a-z_]+\.|(?:true|false|null|none)\b|[\[{(<]"
    r"|(?:file|filebase64|templatefile)\(",
    re.IGNORECASE,
)
_QUOTED_REFERENCE = re.compile(
    r"""["'](?:\$\{[^}"]*\}|\[(?:parameters|variables)\('[^']*'\)\])?["']?$""", re.IGNORECASE
)
_STRINGS = re.compile(_QUOTED)
_NAMED_TEXT = rf"{_NAME}[\"']?\s*(?:=>|[:=])\s*(?P<a>{_QUOTED})"
_NAMED_WORD = rf"{_NAME}=(?P<b>[^\s\"',;&<>()\[\]{{}}=][^\s\"',;&<>]*)"
_NAMED_LINE = rf"{_NAME}(?::\s+|\s*=\s*)(?P<c>[^\s\"',;&<>()\[\]{{}}=][^\s\"',;&<>]*)"
_MEMBER = rf"\"{_NAME}\"\s*:\s*\{{[^{{}}]*?\"(?i:value|defaultValue)\"\s*:\s*(?P<d>{_QUOTED})"
_SHAPES = (
    r"(?<![a-zA-Z0-9+.-])[a-zA-Z][a-zA-Z0-9+.-]*://(?!git@)(?P<e>[^\s/@\"'<>]+)@",
    r"[?&;](?i:sig|code|token|key|password|access_token)=(?P<f>[^&\s\"'<>]+)",
    rf"(?<![\w.$-])(?=[-/])/?{_WORD}(?:\s+|[=:]\s*)(?P<g>{_QUOTED}|[^\s\"'-][^\s\"']*)",
    rf"(?i:convertto-securestring)\s+(?:(?i:-string)\s+)?(?P<h>{_QUOTED})",
    r"\b(?i:bearer|basic)\s+(?P<i>[\w.~+/=-]{12,})",
    r"\b(?i:net1?(?:\.exe)?)\s+(?i:user)\s+[^\s/]+\s+(?P<j>[^\s/*]\S*)",
    rf"\becho\s+(?:-\w+\s+)?(?P<k>{_QUOTED}|\S+)\s*\|\s*(?:sudo\s+)?(?:chpasswd|passwd)",
    # A long run without a slash tells base64 from the path of a resource id.
    r"(?P<l>(?<![A-Za-z0-9+/])(?=[A-Za-z0-9/]*[A-Za-z0-9+]{34})[A-Za-z0-9+/]{64,}={0,2})",
)


@cache
def _pattern(of_source: bool) -> re.Pattern[str]:
    """What a secret looks like in a source line, or in a message. Compiled when needed: it takes milliseconds."""
    own = (_MEMBER, _NAMED_TEXT, _NAMED_LINE) if of_source else (_NAMED_TEXT, _NAMED_WORD)
    return re.compile("|".join((*own, *_SHAPES)))


_TELLING = (
    "pass", "secret", "token", "connection", "credential", "data", "settings", "key", "pwd", "sas", "sig=", "code=", "://",
    "securestring", "bearer", "basic", "user",
)  # fmt: skip
"""Every secret but a long run of base64 stands beside one of these words, in any case."""
_LONG_RUN = re.compile("[A-Za-z0-9+/]{64}")


def _may_hold(text: str) -> bool:
    """Whether a text may hold a secret: most hold none, and the patterns are long."""
    if not text.isascii():
        return True
    folded = text.lower()
    return any(word in folded for word in _TELLING) or _LONG_RUN.search(text) is not None


_INVISIBLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff"
    "\U000e0000-\U000e007f]"
)
_NAMES = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def ranges(line: str) -> list[Range]:
    """The code-point ranges of a source line that hold secrets."""
    return _ranges(_pattern(True), line) if _may_hold(line) else []


def _ranges(pattern: re.Pattern[str], text: str) -> list[Range]:
    found: list[Range] = []
    at = 0
    while (match := pattern.search(text, at)) is not None:
        start, end = match.span(match.lastgroup or 0)
        at = end
        if text[start] in "\"'":
            found += _inside(text, start, end)
        elif _REFERENCE.match(text, start) is not None:
            at = start + 1
        elif text[end : end + 1] == "(" or "(" in text[start:end]:
            inner = [_inside(text, *string.span()) for string in _STRINGS.finditer(text, start)]
            return found + [each for ranges in inner for each in ranges]
        else:
            found.append((start, end))
    return found


def _inside(text: str, start: int, end: int) -> list[Range]:
    """The content of a quoted string; nothing where it is only a reference."""
    if _QUOTED_REFERENCE.match(text[start:end]) is not None:
        return []
    closed = end - start > 1 and text[end - 1] == text[start]
    return [(start + 1, end - closed)]


def masked(text: str) -> str:
    """A message with secrets replaced."""
    for start, end in reversed(_ranges(_pattern(False), text) if _may_hold(text) else []):
        text = text[:start] + HIDDEN + text[end:]
    return text


def escaped(text: str, keep: str = "") -> str:
    """Control, direction and other invisible characters as visible escapes, except those in `keep`."""
    return _INVISIBLE.sub(lambda match: match[0] if match[0] in keep else escape(match[0]), text)


def escape(character: str) -> str:
    """How one invisible character is shown: `\\n`, `\\x1b`, `\\u{202e}`; an undecodable byte as that byte."""
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:
        code -= 0xDC00
    return _NAMES.get(character) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{{{code:x}}}")


def is_invisible(character: str) -> bool:
    """Whether a character is shown as an escape."""
    return _INVISIBLE.match(character) is not None


# -- commands of build systems -------------------------------------------------------------------------------------
#
# An agent of Azure Pipelines takes `##vso[` anywhere in a line of a log for a command, and `##[` at its start for a
# format (https://learn.microsoft.com/azure/devops/pipelines/scripts/logging-commands). The runner of GitHub takes `##[`
# anywhere, and `::name` at the start of a line, after blanks
# (https://github.com/actions/runner/blob/main/src/Runner.Common/ActionCommand.cs).

_BRACKET = re.compile(r"#(?=#(?:vso)?\[)", re.IGNORECASE)
_COLONS = re.compile(r"(?m)^((?:[^\S\n]|\x1b\[[\d;]*m)*):(?=:[A-Za-z])")


def commands(line: str) -> Iterator[int]:
    """Where in a line a sign stands that makes a command of it, wherever the line is printed."""
    return (match.start() for match in _BRACKET.finditer(line))


def inert(text: str) -> str:
    """Text for a log in which nothing is a command: the first sign of each is shown as an escape."""
    return _COLONS.sub(r"\1\\x3a", _BRACKET.sub(r"\\x23", text))


def inert_json(text: str) -> str:
    """The same for JSON, which says the same with the escape. Between strings JSON has no such signs."""
    return _BRACKET.sub(r"\\u0023", text)


def inert_xml(text: str) -> str:
    """The same for XML and HTML."""
    return _COLONS.sub(r"\1&#58;", _BRACKET.sub("&#35;", text))


def plain(text: str) -> str:
    """One line of text that holds no secret, no control character, and not more than is readable."""
    return _cut(escaped(masked(text[: 4 * MAX_TEXT])), MAX_TEXT)


def _address(text: str) -> str:
    return _cut(escaped(text[:MAX_ADDRESS]), MAX_ADDRESS)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


# -- secrets that only their block tells ---------------------------------------------------------------------------

_HEADER = r"\s*(?:(?:variable|output)\s+\"(?P<name>[^\"]+)\"|\"(?P<member>[^\"]+)\"\s*:\s*\{\s*$)"
_SECURE = r"(?i:\bsensitive\s*=\s*true\b|\"type\"\s*:\s*\"secure(?:string|object)\")"
_NAMED = rf"{_NAME}\Z"
_GIVEN = rf"\s*\"?(?:default|defaultValue|value)\"?\s*[:=]\s*(?P<a>{_QUOTED}|[^\s,]+)"
_BLOCK = 40
"""Lines above and below that are looked at for the block a line belongs to."""


def line_ranges(source: Source, line: int, text: str) -> list[Range]:
    """The ranges of a line that hold secrets, by the line itself and by the block it stands in."""
    given = re.match(_GIVEN, text)
    if given is not None and _in_secret_block(source, line):
        return [given.span("a")]
    return ranges(text)


def _in_secret_block(source: Source, line: int) -> bool:
    for above in range(line - 1, max(0, line - _BLOCK), -1):
        header = re.match(_HEADER, source.line_text(above))
        if header is not None:
            return re.match(_NAMED, header["name"] or header["member"]) is not None or _is_secure(source, above)
    return False


def _is_secure(source: Source, header: int) -> bool:
    indent = _indent(source.line_text(header))
    for below in range(header + 1, min(len(source.lines), header + _BLOCK) + 1):
        text = source.line_text(below)
        if re.search(_SECURE, text) is not None:
            return True
        if text.strip() and _indent(text) <= indent:
            return False
    return False


def _indent(text: str) -> int:
    return len(text) - len(text.lstrip())


# -- reports -------------------------------------------------------------------------------------------------------


def presentable(report: Report) -> Report:
    """The report with every text fit to be shown. Paths stay as they are: each format has its own way with them."""
    return replace(
        report,
        findings=tuple(map(_finding, report.findings)),
        undecided=tuple(map(_undecided, report.undecided)),
        notes=tuple(Note(note.kind, plain(note.message), note.place, note.strict) for note in report.notes),
        files_by_dialect=dict(report.files_by_dialect),
        passes=tuple((policy, _address(address)) for policy, address in report.passes),
        accepted=tuple(Accepted(_finding(each.finding), each.kind, plain(each.reason)) for each in report.accepted),
        gone=tuple(each._replace(address=_address(each.address), message=plain(each.message)) for each in report.gone),
        estate=None if report.estate is None else _estate(report.estate),
    )


def _estate(estate: Estate) -> Estate:
    return estate._replace(failures=tuple(map(_failure, estate.failures)))


def _failure(failure: Failure) -> Failure:
    return failure._replace(
        job=_address(failure.job),
        machine=_address(failure.machine),
        operation=plain(failure.operation),
        started=plain(failure.started),
        codes=tuple(map(plain, failure.codes)),
        message=plain(failure.message),
        explained=tuple((policy, _address(address), plain(message)) for policy, address, message in failure.explained),
        others=tuple((policy, _address(address), plain(message)) for policy, address, message in failure.others),
    )


def _finding(finding: Finding) -> Finding:
    return replace(
        finding,
        message=plain(finding.message),
        address=_address(finding.address),
        notice=plain(finding.notice),
        related=tuple(RelatedPlace(each.place, plain(each.label), each.kind) for each in finding.related),
        notes=tuple(map(plain, finding.notes)),
        advice=tuple(map(plain, finding.advice)),
        contexts=tuple(map(plain, finding.contexts)),
        instances=tuple(map(plain, finding.instances)),
        sub_key=_address(finding.sub_key),
    )


def _undecided(undecided: Undecided) -> Undecided:
    return replace(
        undecided,
        address=_address(undecided.address),
        cause=plain(undecided.cause),
        reason=plain(undecided.reason),
        hint=plain(undecided.hint),
    )

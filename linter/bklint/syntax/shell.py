"""Shell scripts into a flat list of statements, by the tree-sitter grammar of bash.

The tree gives commands, pipelines, conditions and here-documents; the words of a command are read by a small scanner of
our own, so that quotes are removed in one place. Comments never become statements. What the grammar cannot read is
counted as a gap and passed over; commands inside the gap that it could still tell apart are kept.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable
from functools import cache
from operator import eq, gt, lt, ne
from time import monotonic
from typing import TYPE_CHECKING, Any

from bklint import limits
from bklint.errors import LimitError
from bklint.syntax import heredocs
from bklint.syntax.words import (
    MAX_STATEMENTS,
    Body,
    Loop,
    Redirect,
    Ref,
    Script,
    Statement,
    Word,
    bounded,
    joined,
    whole,
)

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

_WORDS = frozenset(
    {"word", "string", "raw_string", "ansi_c_string", "translated_string", "concatenation", "number", "expansion",
     "simple_expansion", "command_substitution", "process_substitution", "brace_expression", "arithmetic_expansion",
     "extglob_pattern", "regex", "test_operator"}
)  # fmt: skip
_SKIPPED = frozenset({"comment", "heredoc_body", "heredoc_end", "heredoc_start", *_WORDS})
MAX_BRANCHES = 16
"""Most conditions around a statement that are told apart."""

_TESTS = frozenset({"[", "[[", "test", "grep", "command", "which", "type", "id", "dpkg", "rpm"})
"""Commands whose success is a question, so that what follows them after `&&` runs under a condition."""


@cache
def _parser() -> Parser:
    import tree_sitter_bash
    from tree_sitter import Language, Parser

    return Parser(Language(tree_sitter_bash.language()))


def parse(data: bytes) -> Script:
    """The statements of a script, spans in the bytes given. Raises LimitError for a script that is too long."""
    bounded(data, "a script")
    documents = heredocs.find(data)
    text = heredocs.blanked(data, documents)
    if _unclosed(text) > MAX_UNCLOSED:
        raise LimitError("a script with here-documents that have no end")
    if _longest_pipeline(text) > MAX_PIPELINE:
        raise LimitError(f"a pipeline of more than {MAX_PIPELINE} commands")
    reader = _Reader(text)
    feed = _Feed(text)
    reader.run(_parser().parse(feed.read).root_node)
    reader.script.gaps += feed.late
    if feed.late:
        limits.hit("script_seconds", f"a script takes longer than {limits.value('script_seconds')} s to read")
    reader.script.statements.sort(key=lambda statement: statement.start)
    _attach(data, documents, reader.script.statements)
    return whole(reader.script)


_BETWEEN = re.compile(rb"(?:[ \t]|\\\n|\d?[<>]{1,3}[&|]?[ \t]*(?:\"[^\"]*\"|'[^']*'|[^\s|&;()]+))*\Z")


def _attach(data: bytes, documents: list[heredocs.Heredoc], statements: list[Statement]) -> None:
    """Give here-documents to the commands that they are the input of: those that their operators stand in, or behind
    with nothing but blanks and redirections between."""
    starts = [statement.start for statement in statements]
    for each in documents:
        at = bisect_right(starts, each.start) - 1
        for statement in reversed(statements[max(at - 3, 0) : at + 1]):
            if statement.end > each.start or _BETWEEN.match(data, statement.end, each.start):
                body = Body(each.body, each.stop, each.expands, each.strip)
                statement.bodies = (*statement.bodies, body)
                line = data.find(b"\n", each.end)
                statement.end = max(statement.end, each.end if line < 0 else min(line, each.body))
                break


_CHUNK = 4096


class _Feed:
    """Gives a text to the parser in pieces, and ends it early when time is up."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._deadline = monotonic() + limits.value("script_seconds")
        """Some damaged text takes the grammar quadratic time; no real script comes near."""
        self.late = 0

    def read(self, offset: int, _: object) -> bytes:
        """The piece at an offset."""
        if self.late or monotonic() > self._deadline:
            self.late = 1
            return b""
        return self._data[offset : offset + _CHUNK]


MAX_UNCLOSED = 20
"""Most here-documents without an end: the grammar takes time in proportion to their number for every line."""

MAX_PIPELINE = 2000
"""Most commands of a pipeline: the grammar takes time in proportion to the square of their number."""


def _longest_pipeline(data: bytes) -> int:
    """An upper bound of the commands in a pipeline: bars on a line, and on those that it goes on with."""
    longest = going = 0
    for line in data.split(b"\n"):
        bars = line.count(b"|")
        going += bars
        longest = max(longest, going)
        if not line.rstrip().endswith((b"|", b"\\")):
            going = 0
    return longest


_HEREDOC = re.compile(rb"<<-?[ \t]*[\"']?\\?([^\s<>|&;()\"']+)")


def _unclosed(data: bytes) -> int:
    """How many here-documents have no line that ends them."""
    starts = _HEREDOC.findall(data)
    if len(starts) <= MAX_UNCLOSED:
        return 0
    ends = {line.strip() for line in data.split(b"\n")}
    return sum(1 for mark in starts if mark not in ends)


class _State:
    """What encloses a node."""

    __slots__ = ("branch", "conditional", "function", "loops", "tested")

    def __init__(
        self,
        conditional: bool,
        function: str,
        loops: tuple[Loop, ...],
        tested: bool = False,
        branch: tuple[int, ...] = (),
    ) -> None:
        self.conditional = conditional
        self.function = function
        self.loops = loops
        self.tested = tested
        self.branch = branch

    def under(self, **changed: Any) -> _State:
        kept = {name: changed.get(name, getattr(self, name)) for name in self.__slots__}
        return _State(**kept)

    def maybe(self, node: Node) -> _State:
        """What runs under a condition, which a node begins."""
        branch = (*self.branch, node.start_byte) if len(self.branch) < MAX_BRANCHES else self.branch
        return self.under(conditional=True, branch=branch)


class _Reader:
    """Walks a tree with a stack of its own."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.script = Script()
        self._stack: list[tuple[Node, _State]] = []
        self._pending: dict[tuple[int, int], list[Redirect]] = {}

    def run(self, root: Node) -> None:
        self._stack = [(root, _State(False, "", ()))]
        while self._stack and len(self.script.statements) < MAX_STATEMENTS:
            node, state = self._stack.pop()
            kind = node.type
            if kind in _SKIPPED:
                self._inner(node, state)
                continue
            take = getattr(self, "_on_" + kind, None)
            if take is not None:
                take(node, state)
                continue
            if kind == "ERROR" or node.is_missing:
                self.script.gaps += 1
            self._push(node.children, state)

    def _push(self, nodes: list[Node], state: _State) -> None:
        self._stack.extend((child, state) for child in reversed(nodes))

    def _inner(self, node: Node, state: _State) -> None:
        """The commands in `$(…)` inside a word run as well."""
        if node.child_count:
            self._push([child for child in node.children if child.child_count], state)

    # -- conditions ----------------------------------------------------------------------------------------------------

    def _on_if_statement(self, node: Node, state: _State) -> None:
        """Branches up to one that is certain to be taken; one that is certain not to be is passed over."""
        sure = True
        for branch in (node, *(child for child in node.children if child.type in _CLAUSES)):
            tests, body = _split_at(branch, "then", _CLAUSES)
            truth = True if branch.type == "else_clause" else _constant(tests)
            around = state if sure else state.maybe(branch)
            self._push(tests, around.under(tested=True))
            if truth is not False:
                inside = around if truth or not body else around.maybe(body[0])
                self._push(body, inside)
            if truth:
                return
            sure = sure and truth is False

    def _on_while_statement(self, node: Node, state: _State) -> None:
        tests, body = _split_at(node, "do_group", ())
        until = any(child.type == "until" for child in node.children)
        truth = _constant(tests)
        self._push(tests, state.maybe(node))
        if truth is None:
            self._push(body, state.maybe(node))
        elif truth is not until:
            self._push(body, state)

    def _on_c_style_for_statement(self, node: Node, state: _State) -> None:
        self._push(node.children, state.maybe(node))

    def _on_case_item(self, node: Node, state: _State) -> None:
        self._push(node.children, state.maybe(node))

    def _on_list(self, node: Node, state: _State) -> None:
        """`a && b || c`: what follows `||`, or a test and `&&`, runs under a condition."""
        conditional, first = False, True
        truth: bool | None = None
        for child in node.children:
            if child.type in ("||", "&&") and truth is (child.type == "||"):
                return  # `false && a`, `true || a`
            if child.type == "||" or (child.type == "&&" and not first and self._asks and truth is None):
                conditional = True
            if child.is_named:
                self._asks = _is_test(child)
                self._stack.append((child, state.maybe(child) if conditional else state))
                truth = _constant([child]) if first else None
                first = False

    _asks = False

    def _on_function_definition(self, node: Node, state: _State) -> None:
        name = node.child_by_field_name("name")
        label = self._raw(name) if name is not None else "?"
        self.script.functions.add(label)
        body = node.child_by_field_name("body")
        if body is not None:
            self._stack.append((body, state.under(function=label)))

    def _on_for_statement(self, node: Node, state: _State) -> None:
        variable = node.child_by_field_name("variable")
        values = [child for child in node.children if child.type in _WORDS]
        items = tuple(self._globbed(value) for value in values)
        if not any(child.type == "in" for child in node.children):
            items = (Word((Ref("@", "$@"),), node.start_byte, node.start_byte, True),)
        if any(child.type == "select" for child in node.children):
            items = (Word((Ref("", "what select is answered"),), node.start_byte, node.start_byte, True),)
        loop = Loop(self._raw(variable) if variable is not None else "", items)
        body = node.child_by_field_name("body")
        if body is not None:
            self._stack.append((body, state.under(loops=(*state.loops, loop))))
        for value in values:
            self._inner(value, state)

    # -- commands ------------------------------------------------------------------------------------------------------

    def _on_pipeline(self, node: Node, state: _State) -> None:
        before: Statement | None = None
        for child in node.children:
            if not child.is_named or child.type == "comment":
                continue
            statement = self._statement(child, state)
            if statement is None:
                self._stack.append((child, state))
            else:
                statement.source = before
            before = statement

    def _on_command(self, node: Node, state: _State) -> None:
        self._statement(node, state)

    _on_redirected_statement = _on_declaration_command = _on_unset_command = _on_command
    _on_variable_assignment = _on_variable_assignments = _on_command

    def _statement(self, node: Node, state: _State) -> Statement | None:
        """The statement of a command node; None for any other, which is then walked into."""
        kind = node.type
        if kind == "redirected_statement":
            return self._redirected(node, state)
        if kind in ("command", "test_command"):
            return self._command(node, state)
        if kind == "declaration_command":
            return self._declared(node, state)
        if kind in ("variable_assignment", "variable_assignments"):
            nodes = [node] if kind == "variable_assignment" else node.children
            appends = any(child.type == "+=" for one in nodes for child in one.children)
            return self._add(node, (), state, assigned=self._assigned(nodes, state), appends=appends)
        if kind == "unset_command":
            return self._add(node, (), state)
        return None

    def _command(self, node: Node, state: _State) -> Statement:
        words: list[Word] = []
        before: list[Node] = []
        redirects: list[Redirect] = []
        for child in node.children:
            if child.type == "variable_assignment":
                before.append(child)
            elif child.type == "command_name" or child.type in _WORDS:
                words.append(self._word(child))
                self._inner(child, state)
            elif child.type == "file_redirect":
                redirects += self._redirect(child)
            elif child.child_count:
                self._stack.append((child, state))
        for child in before:
            words.insert(0, self._word(child))
        if before:  # `A=1 command`: an environment for that command only
            words = words[len(before) :]
        return self._add(node, tuple(words), state, redirects=tuple(redirects))

    def _declared(self, node: Node, state: _State) -> Statement:
        words = [self._token(child) for child in node.children[:1]]
        words += [self._word(child) for child in node.children[1:] if child.type in (*_WORDS, "variable_assignment")]
        assigned = self._assigned([child for child in node.children if child.type == "variable_assignment"], state)
        return self._add(node, tuple(words), state, assigned=assigned)

    def _assigned(self, nodes: list[Node], state: _State) -> tuple[tuple[str, Word | None], ...]:
        found: list[tuple[str, Word | None]] = []
        for node in nodes:
            name, value = node.child_by_field_name("name"), node.child_by_field_name("value")
            if name is None:
                continue
            if value is None:
                found.append((self._raw(name), Word((), node.end_byte, node.end_byte)))
                continue
            self._inner(value, state)
            if value.type == "array":
                found.append((self._raw(name), self._array(value)))
            else:  # braces are not expanded here
                known = value.type in _WORDS
                found.append((self._raw(name), self._word(value)._replace(items=()) if known else None))
        return tuple(found)

    def _array(self, node: Node) -> Word | None:
        """`(a b)`; None for one with keys of its own (`([x]=a)`)."""
        words = [child for child in node.children if child.is_named and child.type != "comment"]
        if any(child.type not in _WORDS or self._bytes(child)[:1] == b"[" for child in words):
            return None
        items = tuple(self._globbed(child) for child in words)
        return Word((Ref("", self._raw(node)),), node.start_byte, node.end_byte, True, items, many=True)

    def _redirected(self, node: Node, state: _State) -> Statement | None:
        body = node.child_by_field_name("body")
        statement = self._statement(body, state) if body is not None else None
        if statement is None and body is not None:
            self._stack.append((body, state))
            last = _last_command(body)
            outside = [child for child in node.children if child.type == "file_redirect"]
            self._pending[last.start_byte, last.end_byte] = [each for one in outside for each in self._redirect(one)]
            return None
        bodies: list[Body] = []
        redirects: list[Redirect] = []
        after: list[Node] = []
        for child in node.children:
            if child.type == "file_redirect":
                redirects += self._redirect(child)
            elif child.type == "heredoc_redirect":
                self._heredoc(child, bodies, redirects, after)
        if statement is not None:
            statement.bodies, statement.redirects = tuple(bodies), (*statement.redirects, *redirects)
            statement.start, statement.end = node.start_byte, self._head_end(node, statement)
        self._after(after, statement, state)
        return statement

    def _heredoc(self, node: Node, bodies: list[Body], redirects: list[Redirect], after: list[Node]) -> None:
        strip = any(child.type == "<<-" for child in node.children)
        start = next((child for child in node.children if child.type == "heredoc_start"), None)
        expands = start is not None and not re.search(rb"[\"'\\]", self._bytes(start))
        for child in node.children:
            if child.type == "heredoc_body":
                bodies.append(Body(child.start_byte, child.end_byte, expands, strip))
            elif child.type == "file_redirect":
                redirects += self._redirect(child)
            elif child.is_named and child.type not in ("heredoc_start", "heredoc_end"):
                after.append(child)

    def _after(self, nodes: list[Node], source: Statement | None, state: _State) -> None:
        """What stands behind `<<EOF` on its line: the rest of a pipeline or of a list."""
        for node in nodes:
            children = node.children if node.type == "pipeline" else [node]
            for child in children:
                statement = self._statement(child, state) if child.is_named else None
                if statement is not None:
                    statement.source, source = source, statement
                elif child.is_named:
                    self._stack.append((child, state))

    def _head_end(self, node: Node, statement: Statement) -> int:
        """The end of the line that a command with a here-document begins on."""
        if not statement.bodies:
            return node.end_byte
        end = self.data.find(b"\n", node.start_byte, node.end_byte)
        return node.end_byte if end < 0 else end

    def _redirect(self, node: Node) -> list[Redirect]:
        operator = next((child.type for child in node.children if child.type in (">", ">>", "&>", "&>>", ">|")), "")
        target = next((child for child in reversed(node.children) if child.type in _WORDS), None)
        if not operator or target is None:
            return []
        descriptor = node.child_by_field_name("descriptor")
        if descriptor is not None and self._bytes(descriptor) != b"1":
            return []
        return [Redirect(self._word(target), operator.endswith(">>"))]

    def _add(self, node: Node, words: tuple[Word, ...], state: _State, **more: Any) -> Statement:
        end = node.end_byte
        statement = Statement(
            words, node.start_byte, end, state.conditional, state.function, state.loops, tested=state.tested,
            branch=state.branch, **more,
        )  # fmt: skip
        pending = self._pending.pop((node.start_byte, node.end_byte), None)
        if pending is not None:
            statement.redirects = (*statement.redirects, *pending)
        self.script.statements.append(statement)
        return statement

    # -- words ---------------------------------------------------------------------------------------------------------

    def _bytes(self, node: Node) -> bytes:
        return self.data[node.start_byte : node.end_byte]

    def _raw(self, node: Node) -> str:
        return self._bytes(node).decode("utf-8", "replace")

    def _token(self, node: Node) -> Word:
        return Word((self._raw(node),), node.start_byte, node.end_byte)

    def _word(self, node: Node) -> Word:
        return word(self._raw(node), node.start_byte, node.end_byte)

    def _globbed(self, node: Node) -> Word:
        """A word in a list: where it stands for the names of files, they are not known."""
        found = self._word(node)
        if found.quoted or not re.search(r"[*?\[]", found.literal or ""):
            return found
        return found._replace(parts=(Ref("", self._raw(node)),))


_CLAUSES = ("elif_clause", "else_clause")


def _split_at(node: Node, kind: str, leave_out: tuple[str, ...]) -> tuple[list[Node], list[Node]]:
    """The children before the first of a kind, and that with those behind it."""
    children = [child for child in node.children if child.type not in leave_out]
    at = next((index for index, child in enumerate(children) if child.type == kind), 0)
    return children[:at], children[at:]


_COMPARED = re.compile(r"\[\[?\s+(?P<a>\d+)\s+(?P<how>-eq|-ne|-gt|-lt|==|=|!=)\s+(?P<b>\d+)\s+\]\]?\Z")
_COMPARES: dict[str, Callable[[int, int], bool]] = {
    "-eq": eq, "=": eq, "==": eq, "-ne": ne, "!=": ne, "-gt": gt, "-lt": lt,
}  # fmt: skip


def _constant(tests: list[Node]) -> bool | None:
    """Whether a condition always holds (`true`, `:`, `[ 1 -eq 1 ]`), or never does (`false`); None for others."""
    named = [child for child in tests if child.is_named and child.type != "comment"]
    if len(named) != 1 or named[0].end_byte - named[0].start_byte > 40 or named[0].text is None:
        return None
    written = named[0].text.decode("utf-8", "replace").strip()
    match = _COMPARED.match(written)
    if match is not None:
        return _COMPARES[match["how"]](int(match["a"]), int(match["b"]))
    return {
        "true": True,
        ":": True,
        "false": False,
        "((0))": False,
        "((1))": True,
        "! true": False,
        "! false": True,
    }.get(written)


def _last_command(node: Node) -> Node:
    """The command of a list or pipeline that a redirection behind it belongs to."""
    while node.type in ("list", "pipeline", "negated_command") and node.named_children:
        node = node.named_children[-1]
    return node


def _is_test(node: Node) -> bool:
    if node.type == "test_command":
        return True
    if node.type == "negated_command":
        return True
    if node.type == "list":
        return any(_is_test(child) for child in node.children[:3:2] if child.type != "list")
    name = node.child_by_field_name("name")
    return name is not None and name.text is not None and name.text.decode("utf-8", "replace") in _TESTS


_PIECE = re.compile(
    r"'(?P<single>[^']*)'?"
    r"|(?P<double>\")"
    r"|\\(?P<escaped>\n|.)?"
    r"|\$\{(?P<braced>[A-Za-z_][A-Za-z0-9_]*)\}"
    r"|\$(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<special>\$[0-9@*#?$!-])"
    r"|(?P<opened>\$\(|\$\{|`|<\(|>\()"
    r"|(?P<plain>[^'\"\\$`<>]+|[$<>])",
    re.DOTALL,
)
_DEFAULT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*|\d+):?[-=]([^$`\"'\\{}]*)\Z")
_MEMBER = re.compile(r"([A-Za-z_][A-Za-z0-9_]*\[(?:[@*]|-?\d+)\]|\d+|[@*])\Z")
_CLOSERS = {"$(": ")", "${": "}", "`": "`", "<(": ")", ">(": ")"}


def word(text: str, start: int, end: int) -> Word:
    """A word as it is written, with its quotes removed."""
    ansi = text.startswith("$'")
    written = text[1:] if ansi else text
    parts: list[str | Ref] = []
    at, quoted, damaged = 0, False, False
    while at < len(written):
        match = _PIECE.match(written, at)
        if match is None:
            parts.append(written[at])
            at += 1
            continue
        at = match.end()
        if match["double"]:
            quoted = not quoted
        elif match["single"] is not None:
            if quoted:  # an apostrophe between double quotes
                parts.append("'")
                at = match.start() + 1
            else:
                parts.append(_ansi(match["single"]) if ansi else match["single"])
        elif match["escaped"] is not None or match[0].startswith("\\"):
            parts.append(_unescaped(match["escaped"] or "\\", quoted))
        elif match["opened"]:
            behind = 0 if damaged else _closed_by_rule(written, at, match["opened"], quoted)
            damaged = damaged or behind == 0  # looked for once only, or the time would be quadratic
            at = behind or _closed_by_count(written, at, match["opened"])
            parts.append(_reference(written[match.start() : at]))
        elif match["plain"]:
            parts.append(match["plain"])
        else:
            special = (match["special"] or "")[1:]
            given = special if special.isdigit() or special in ("@", "*") else ""
            parts.append(Ref(match["braced"] or match["name"] or given, match[0]))
    content = start + 1 if _verbatim(text) else -1
    return Word(joined(parts), start, end, text[:1] in "'\"" or ansi, _braces(text, start, end), content)


_BRACES = re.compile(r"([^'\"\\$`{}\s]*)\{([^'\"\\$`{}\s]*,[^'\"\\$`{}\s]*)\}([^'\"\\$`{}\s]*)\Z")


def _braces(text: str, start: int, end: int) -> tuple[Word, ...]:
    """The words that braces make of one: `a{b,c}` is `ab ac`. Nested ones and ranges are left as they are."""
    match = _BRACES.match(text) if "{" in text else None
    if match is None:
        return ()
    return tuple(Word((match[1] + each + match[3],), start, end) for each in match[2].split(","))


def _verbatim(text: str) -> bool:
    """Whether a word is one pair of quotes around text that stands for itself."""
    inner, quote = text[1:-1], text[:1]
    return (
        quote in ("'", '"') and len(text) > 1 and text[-1] == quote and not any(mark in inner for mark in (quote, "\\"))
    )


def _unescaped(character: str, quoted: bool) -> str:
    if character == "\n":
        return ""
    return "\\" + character if quoted and character not in '$`"\\' else character


def _ansi(text: str) -> str:
    return text.replace("\\n", "\n").replace("\\t", "\t").replace("\\'", "'").replace("\\\\", "\\")


def _reference(text: str) -> Ref:
    match = _DEFAULT.match(text[2:-1]) if text.startswith("${") else None
    member = _MEMBER.match(text[2:-1]) if text.startswith("${") else None
    if member is not None:
        return Ref(member[1], text)
    return Ref(match[1], text, match[2]) if match else Ref("", text)


_INSIDE = re.compile(r"\\.|\$\(|\$\{|[<>]\(|(?:(?<=[\s;&|(])|\A)#[^\n]*|[()}'\"`]", re.DOTALL)


def _closed_by_rule(text: str, at: int, opener: str, quoted: bool) -> int:
    """The offset behind the end of a substitution; brackets in its quotes and comments do not count. 0 where the end is
    not found (an apostrophe in a here-document in it). A single quote quotes nothing in `"${x:-it's}"`."""
    stack = [(_CLOSERS[opener], not (quoted and opener == "${"))]
    while stack:
        closer, single = stack[-1]
        if closer == "'":
            end = text.find("'", at)
            if end < 0:
                return 0
            at = end + 1
            stack.pop()
            continue
        match = _INSIDE.search(text, at)
        if match is None:
            return 0
        at, found = match.end(), match[0]
        if found == closer:
            stack.pop()
        elif found in _CLOSERS:
            plain = found != "${" or (closer != '"' and single)
            if found in ("$(", "${", "`") or closer != '"':
                stack.append((_CLOSERS[found], plain))
        elif found == "(" and closer == ")":
            stack.append((")", True))
        elif found == '"':
            stack.append(('"', False))
        elif found == "'" and single:
            stack.append(("'", False))
        elif found.startswith("#") and closer != ")":
            at = match.start() + 1
    return at


def _closed_by_count(text: str, at: int, opener: str) -> int:
    """The same for damaged text: every bracket of its kind counts."""
    closer, depth, opening = _CLOSERS[opener], 1, opener[-1] if opener != "`" else ""
    while at < len(text):
        character = text[at]
        at += 1
        if character == "\\":
            at += 1
        elif character == closer:
            depth -= 1
            if depth == 0:
                return at
        elif character == opening:
            depth += 1
    return len(text)


def command_line(text: str) -> list[str]:
    """The words of a simple command line without expansions, as in `ExecStart=` and crontab lines."""
    return [word(match[0], 0, 0).literal or match[0] for match in _SIMPLE.finditer(text)]


_SIMPLE = re.compile(r"(?:'[^']*'|\"(?:\\.|[^\"\\])*\"|\\.|[^\s'\"\\])+")

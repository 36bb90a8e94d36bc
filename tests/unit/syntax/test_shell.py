"""Shell scripts into statements: words, conditions, loops, here-documents, and that nothing makes the reader fail."""

from __future__ import annotations

import gc
import random
import time

import pytest

from bklint import limits
from bklint.errors import LimitError
from bklint.syntax import shell
from bklint.syntax.words import Ref, Statement

SCRIPT = r"""#!/bin/bash
# systemctl stop comment
X=eth0
sudo ip addr add "10.0.0.$i/24" dev ${X} \
  && echo 'a b' > /etc/f || false
cat > /etc/netplan/1.yaml <<'EOF'
a: $b
EOF
cat <<-EOF | sudo tee -a /etc/x
	q=$Z
EOF
if [ -f x ]; then
  in-then
else in-else; fi
case $1 in start) in-case ;; esac
f() { in-function; }
for i in 1 2; do in-loop $i; done
[ -x a ] && after-test
first && second
A=1 with-environment
"""


def statements() -> dict[str, Statement]:
    found = shell.parse(SCRIPT.encode()).statements
    return {statement.words[0].literal or "": statement for statement in found if statement.words}


@pytest.mark.parametrize(
    ("name", "conditional"),
    [
        ("sudo", False), ("false", True), ("in-then", True), ("in-else", True), ("in-case", True), ("in-function", False),
        ("in-loop", False), ("after-test", True), ("second", False), ("with-environment", False),
    ],
)  # fmt: skip
def test_conditions(name: str, conditional: bool) -> None:
    found = shell.parse(SCRIPT.encode()).statements
    at = [statement for statement in found if statement.words and statement.words[0].literal == name]
    assert [statement.conditional for statement in at][:1] == [conditional]


def test_words_lose_their_quotes_and_keep_their_references() -> None:
    words = [
        word.parts for word in shell.parse(b"""x 'a $b' "c $d" e\\ f ${g:-h} $(i j) k"l"m\n""").statements[0].words
    ]
    assert words == [
        ("x",),
        ("a $b",),
        ("c ", Ref("d", "$d")),
        ("e f",),
        (Ref("g", "${g:-h}", "h"),),
        (Ref("", "$(i j)"),),
        ("klm",),
    ]


def test_spans_are_those_of_the_text() -> None:
    data = SCRIPT.encode()
    for statement in shell.parse(data).statements:
        for word in statement.words:
            assert statement.start <= word.start <= word.end <= len(data)


def test_here_documents_and_redirections() -> None:
    found = [statement for statement in shell.parse(SCRIPT.encode()).statements if statement.bodies]
    first, second = found
    assert first.redirects[0].target.literal == "/etc/netplan/1.yaml"
    assert SCRIPT.encode()[first.bodies[0].start : first.bodies[0].end] == b"a: $b\n"
    assert (first.bodies[0].expands, second.bodies[0].expands, second.bodies[0].strip_tabs) == (False, True, True)
    tee = next(s for s in shell.parse(SCRIPT.encode()).statements if any(w.literal == "tee" for w in s.words))
    assert tee.source is not None
    assert tee.source.bodies == second.bodies


def test_a_redirection_behind_a_list_is_that_of_its_last_command() -> None:
    found = shell.parse(b"a && echo x > /etc/y\n").statements
    assert [bool(statement.redirects) for statement in found] == [False, True]


def test_loops_functions_and_environments() -> None:
    found = statements()
    (loop,) = found["in-loop"].loops
    assert (loop.variable, [item.literal for item in loop.items or ()]) == ("i", ["1", "2"])
    assert found["in-function"].function == "f"
    assert found["with-environment"].assigned == ()
    assert "systemctl" not in found


def test_limits() -> None:
    with pytest.raises(LimitError):
        shell.parse(b"#" * (limits.DEFAULTS["script_bytes"] + 1))
    with pytest.raises(LimitError):
        shell.parse(b"cat <<E\n" * 5000)


def test_damaged_text_never_fails() -> None:
    chance = random.Random(7)
    for _ in range(300):
        data = bytearray(SCRIPT.encode())
        for _ in range(chance.randint(1, 5)):
            at = chance.randrange(len(data))
            data[at : at + chance.randint(0, 9)] = chance.choice(
                [b'"', b"'", b"$(", b"`", b"<<E\n", b"{", b")", b"\xff", b""]
            )
        shell.parse(bytes(data))


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        (r"""$(jq -r '.[] | @sh "v[\(.k|t)]=\(.v)"')x""", "x"),
        ('"$(b "c$(d)" ")")e"', "e"),
        ("""$(echo ")")'x'""", "x"),
        ("<(env | grep ')')x", "x"),
        ("${x:-')'}z", "z"),
        ('"${x:-it\'s}"y', "y"),
        ("\"$(a `b ')'` c)d\"", "d"),
        ("$(a # it's )\n b)c", "c"),
        ("${x#*{}y", "y"),
        ("$(cat <<E\nit's\nE\n)", None),
        ("$(", None),
    ],
)
def test_a_substitution_ends_where_the_shell_ends_it(text: str, rest: str | None) -> None:
    parts = shell.word(text, 0, 0).parts
    assert isinstance(parts[0], Ref)
    assert parts[1:] == (() if rest is None else (rest,))


def test_text_that_is_evaluated_is_no_gap() -> None:
    text = b"""eval "$(jq -r 'to_entries[] | @sh "v[\\(.key|tostring)]=\\(.value|tostring)"' a.json)"
docker run --env-file <(env | grep '^TF_(') "${image}" -e "$(a ")")"
while read -r x; do :; done < <(env | grep ')' || true)
"""
    assert shell.parse(text).gaps == 0
    assert [statement.words[0].literal for statement in shell.parse(text).statements if statement.words][:2] == [
        "eval",
        "jq",
    ]


DOCUMENTS = [
    ("cat <<A\nx\nA\nb\n", [("cat", "x\n")]),
    ("cat <<E\nEnd of\nE\nb\n", [("cat", "End of\n")]),
    ("cat <<A <<B\nx\nA\ny\nB\nb\n", [("cat", "x\n"), ("cat", "y\n")]),
    ("cat > f <<-'A' || true\n\tx\n\tA\nb\n", [("cat", "\tx\n")]),
    ("cat <<A | tee f\nx\nA\nb\n", [("cat", "x\n")]),
    ('x="$(cat <<A\nit\'s\nA\n)"\nb\n', [("cat", "it's\n")]),
    ("echo '<<A'\n# cat <<A\nb\nA\n", []),
    ("echo $((1<<2))\n[[ a < b ]]\ncat <<< A\nb\nA\n", []),
    ("if x; then\n cat <<A\nfi\nA\nfi\nb\n", [("cat", "fi\n")]),
    ("while read a; do c; done <<A\nx\nA\nb\n", []),
    ("cat <<A\r\nx\r\nA\r\nb\r\n", [("cat", "x\r\n")]),
]


@pytest.mark.parametrize(("text", "expected"), DOCUMENTS, ids=[text for text, _ in DOCUMENTS])
def test_here_documents(text: str, expected: list[tuple[str, str]]) -> None:
    script = shell.parse(text.encode())
    found = [(s.words[0].literal, text[b.start : b.end]) for s in script.statements for b in s.bodies]
    assert found == expected
    assert script.gaps == 0
    assert "b" in {(s.words[0].literal or "").strip() for s in script.statements if s.words}
    assert all(s.end <= len(text) and "\nx" not in text[s.start : s.end] for s in script.statements if s.bodies)


@pytest.mark.parametrize(
    "piece", ["cat <<A <<B\nx\nA\ny\nB\n", "cat <<E\nExyz\nE\n", "x <<A\n", "$(cat <<A\n'\nA\n)\n"]
)
def test_time_for_here_documents(piece: str) -> None:
    """One of three attempts is enough, for a machine may be busy with something else; the collector is no part of it."""

    def seconds(count: int) -> float:
        gc.disable()
        try:
            began = time.process_time()
            shell.parse((piece * count).encode())
            return time.process_time() - began
        finally:
            gc.enable()

    try:
        pairs = ((seconds(1000), seconds(4000)) for _ in range(3))
        assert any(long < max(0.6, 8 * short) for short, long in pairs)
    except LimitError:
        assert piece == "x <<A\n"

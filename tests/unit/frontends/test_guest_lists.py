"""Lists, tables, loops and functions of scripts: what is followed, and the reason given for what is not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from guest_worlds import places, rows, world

from bklint.frontends.guest.services import KNOWN
from bklint.model.value import Reason, first_unknown

FOLLOWED = [
    ("powershell", "$l = @('a','b'); foreach ($s in $l) { Stop-Service $s }", ["a", "b"]),
    ("powershell", "$l = @(\n 'a'\n 'b' # why\n)\n$l | % { Stop-Service $_ }", ["a", "b"]),
    ("powershell", "'a','b' | ForEach-Object { Stop-Service -Name $_ -Force }", ["a", "b"]),
    ("powershell", "'a','b' | Stop-Service", ["a", "b"]),
    ("powershell", "[string[]]$l = 'a'\n$l += 'b'\n$l += @('c')\nStop-Service $l", ["a", "b", "c"]),
    ("powershell", "$l = @(); $l += 'a'; $l += 'b','c'\n$l.ForEach({ Stop-Service $_ })", ["a", "b", "c"]),
    ("powershell", "@('a','b').ForEach({ Stop-Service $_ })", ["a", "b"]),
    ("powershell", "foreach ($s in 'a') { $n = \"x$s\"; Stop-Service $n }", ["xa"]),
    ("powershell", "$l = @('a') + 'b' + @('c')\nStop-Service $l", ["a", "b", "c"]),
    ("powershell", "$n = 'b'\nStop-Service ('a' + $n)\n$m = 'x' + $n\nStop-Service $m", ["ab", "xb"]),
    ("powershell", "$l = 'a','b'\nStop-Service $l[1]\nStop-Service $l[-2]", ["b", "a"]),
    ("powershell", "$p = @{Name='a'; Force=$true}\nStop-Service @p", ["a"]),
    ("powershell", "$p = @{ Name = 'a' }\n$p.Name = 'b'\nStop-Service @p", ["b"]),
    ("powershell", "$t = @(@{N='a'}, [pscustomobject]@{N='b'})\nforeach ($e in $t) { Stop-Service $e.N }", ["a", "b"]),
    ("powershell", "Get-Service a,b | Where-Object { $_.Status -eq 'Running' } | Stop-Service", ["a", "b"]),
    ("powershell", "Get-Service | ? { $_.Name -eq 'a' } | Stop-Service", ["a"]),
    ("powershell", "$s = Get-Service a\n$s | Stop-Service", ["a"]),
    ("powershell", "function F($n, $m = 'd') { Stop-Service $n; Stop-Service $m }\nF a\nF -m c -n b", ["a", "d", "b", "c"]),
    ("powershell", "function F { param($n) Stop-Service $n }\n'a','b' | % { F $_ }", ["a", "b"]),
    ("powershell", "foreach ($s in @()) { Stop-Service $s }\nStop-Service z", ["z"]),
    ("powershell", "Stop-Service WindowsAzure*", ["windowsazureguestagent", "windowsazuretelemetryservice"]),
    ("powershell", "Get-Service -DisplayName '*Shadow Copy*' | Stop-Service", ["swprv", "vss"]),
    ("powershell", "$t = @{ a = 1; b = 2 }\nforeach ($k in $t.Keys) { Stop-Service $k }", ["a", "b"]),
    ("powershell", "$t = @{ x = 'a' }\nforeach ($k in $t.Keys) { Stop-Service $t[$k] }", ["a"]),
    ("powershell", "$t = @{ 'a' = 1 }\n$t.GetEnumerator() | % { Stop-Service $_.Key }", ["a"]),
    ("powershell", "'a, b' -split ',' | % { Stop-Service $_ }", ["a", "b"]),
    ("powershell", "$l = 'a;b' -split ';'\nStop-Service $l", ["a", "b"]),
    ("shell", "l=(a b); for s in \"${l[@]}\"; do systemctl stop \"$s\"; done", ["a", "b"]),
    ("shell", "l='a b'; for s in $l; do systemctl stop $s; done", ["a", "b"]),
    ("shell", "l='a b'; for s in \"$l\"; do systemctl stop \"$s\"; done", ["a b"]),
    ("shell", "l=(a); l+=(b 'c d'); systemctl stop \"${l[@]}\"; systemctl stop ${l[1]} $l", ["a", "b", "c d", "b", "a"]),
    ("shell", "declare -a l=(a b)\nl[0]=c\nsystemctl stop ${l[*]}", ["c", "b"]),
    ("shell", "for p in a b; do for q in c d; do systemctl stop $p-$q; done; done", ["a-c", "a-d", "b-c", "b-d"]),
    ("shell", "systemctl stop {a,b}.service x{,y}", ["a", "b", "x", "xy"]),
    ("shell", "f() { local n=$1; systemctl stop \"$n\"; }\nf a\nf b\nf a", ["a", "b"]),
    ("shell", "f() { for s in \"$@\"; do systemctl stop $s; done; }\nf a b", ["a", "b"]),
    ("shell", "try() { \"$@\" || true; }\ntry systemctl stop a", ["a"]),
    ("shell", "f() { f; systemctl stop a; }\nf", ["a"]),
    ("shell", "for s in a a; do systemctl stop $s x; done", ["a", "x"]),
    ("batch", "for %%s in (a b) do sc stop %%s", ["a", "b"]),
    ("batch", "set L=a b\nfor %%s in (%L% \"c d\") do sc stop %%s", ["a", "b", "c d"]),
    ("batch", "for %%s in (\n a,\n b\n) do (\n net stop %%s\n)", ["a", "b"]),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "text", "names"), FOLLOWED, ids=[text for _, text, _ in FOLLOWED])
def test_followed(kind: str, text: str, names: list[str]) -> None:
    assert rows(kind, text + "\n", "serviceChanges", "service") == [(name,) for name in names]


NOT_FOLLOWED = [
    ("powershell", "foreach ($s in Get-Content l.txt) { Stop-Service $s }", Reason.OUTPUT, "Get-Content l.txt"),
    ("powershell", "Get-Content l.txt | % { Stop-Service $_ }", Reason.OUTPUT, "the output of get-content"),
    ("powershell", "Import-Csv l.csv | Stop-Service", Reason.OUTPUT, "the output of import-csv"),
    ("powershell", "$l = Get-Content l.txt\nStop-Service $l", Reason.OUTPUT, "$l"),
    ("powershell", "Get-Service | ? { $_.DisplayName -match 'x' } | Stop-Service", Reason.OUTPUT, "the output of ?"),
    ("powershell", "Stop-Service (Get-Content l.txt)", Reason.OUTPUT, "(Get-Content l.txt)"),
    ("powershell", "Get-Service -Name $n | Stop-Service", Reason.INPUT, "$n"),
    ("powershell", "param($n)\nStop-Service $n", Reason.INPUT, "$n"),
    ("powershell", "$n = 'a'\nif ($x) { $n = 'b' }\nStop-Service $n", Reason.CONDITION, "$n"),
    ("powershell", "foreach ($s in 'a') { if ($s -eq $x) { continue }; Stop-Service $s }", Reason.CONDITION, "$s"),
    ("powershell", "$l = 'a','b'\nfor ($i = 0; $i -lt 2; $i++) { Stop-Service $l[$i] }", Reason.UNSUPPORTED, "$l[$i]"),
    ("powershell", "'a,b'.Split(',') | Stop-Service", Reason.OUTPUT, "the output of an expression"),
    ("shell", "for s in $(cat l); do systemctl stop $s; done", Reason.OUTPUT, "$(cat l)"),
    ("shell", "mapfile -t l < f\nsystemctl stop \"${l[@]}\"", Reason.OUTPUT, "$l"),
    ("shell", "while read -r s; do systemctl stop $s; done < f", Reason.OUTPUT, "$s"),
    ("shell", "systemctl stop $1", Reason.INPUT, "$1"),
    ("shell", "for s in \"$@\"; do systemctl stop $s; done", Reason.INPUT, "$@"),
    ("shell", "for s in /etc/a/*; do systemctl stop $s; done", Reason.UNSUPPORTED, "/etc/a/*"),
    ("shell", "for s in a b; do [ \"$s\" = a ] && continue; systemctl stop $s; done", Reason.CONDITION, "$s"),
    ("batch", "for /f %%s in (l.txt) do sc stop %%s", Reason.OUTPUT, "l.txt"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "text", "reason", "cause"), NOT_FOLLOWED, ids=[text for _, text, _, _ in NOT_FOLLOWED]
)
def test_not_followed(kind: str, text: str, reason: Reason, cause: str) -> None:
    (change,) = world(kind, text + "\n").of("guest/serviceChanges")
    why = first_unknown(change.get("properties.service"))
    assert why is not None
    assert (why.reason, why.cause) == (reason, cause)


def test_a_list_that_may_grow_keeps_what_is_known() -> None:
    text = 'l=(a)\nif x; then l+=(b); fi\nfor s in "${l[@]}"; do systemctl stop $s; done\n'
    assert rows("shell", text, "serviceChanges", "service") == [("a",), ("?",)]


def test_a_function_that_nothing_calls_and_one_called_under_a_condition() -> None:
    assert rows("shell", "f() { systemctl stop a; }\nif x; then f; fi\n", "serviceChanges", "conditional") == [(True,)]
    assert rows("shell", "f() { systemctl stop a; }\n", "serviceChanges", "conditional") == [(True,)]


def test_calls_of_functions_keep_their_order() -> None:
    text = "on() { systemctl start a; }\noff() { systemctl stop a; }\noff\non\n"
    assert rows("shell", text, "serviceChanges", "action") == [("stop",), ("start",)]
    assert places("shell", text, "serviceChanges") == ["systemctl stop a", "systemctl start a"]


def test_rounds_are_limited() -> None:
    text = "for a in {0}; do for b in {0}; do for c in {0}; do systemctl stop $a$b$c; done; done; done\n"
    found = rows("shell", text.format(" ".join(map(str, range(60)))), "serviceChanges", "service")
    assert 60 < len(found) < 25_000
    assert ("?",) in found


def test_patterns_know_all_services_of_the_policies() -> None:
    named: set[str] = set()

    def look(node: object) -> None:
        if isinstance(node, dict):
            if node.get("field") == "properties.service":
                named.update(node.get("in", ()), [node["equals"]] if "equals" in node else [])
            for each in node.values():
                look(each)
        elif isinstance(node, list):
            for each in node:
                look(each)

    for path in (Path(__file__).parents[3] / "policies" / "guest").glob("*.yaml"):
        look(next(iter(yaml.safe_load_all(path.read_text(encoding="utf-8")))))
    assert len(named) > 15
    assert named <= KNOWN
    assert all(re.fullmatch(r"[a-z-]+", name) for name in named)

"""Suppressions in text: what they say, and which text they mean."""

from __future__ import annotations

import time

import pytest

from bklint.directives import Directive, directives
from bklint.source import Source

HCL = """\
# bklint: ignore[A] above a block
resource "t" "a" {
  # bklint: ignore[B] first in a block
  name = "a"
  # bklint: ignore[C] above a statement
  size = 5
  tags = {
    # bklint: ignore[D] first in an object
    k = "v"
  }
  inner { # bklint: ignore[E] behind a header
    x = 1 # bklint: ignore[F] behind a value
  }
  items = [
    { a = 1 }, # bklint: ignore[G] behind an item
    # bklint: ignore[H] above an item
    { b = 2 },
  ]
  script = <<-EOT
    # bklint: ignore[I] in a script
    # another comment
    stop
  EOT
  # bklint: ignore[J] last in a block
}
module "m" { // bklint: ignore[K] a module
  source = "./m"
}
/* bklint: ignore[L] as a block
   bklint: ignore[M] and another */
locals {}
# BKLINT: ignore-file[N] the file
# bklint: ignore[O] nothing follows
"""

MEANS = {
    "A": 'resource "t" "a" {', "B": 'resource "t" "a" {', "C": "size = 5", "D": "tags = {", "E": "inner {",
    "F": "    x = 1 #", "G": "    { a = 1 }", "H": "{ b = 2 }", "I": "    # bklint: ignore[I]", "J": 'resource "t" "a" {',
    "K": 'module "m" {', "L": "locals {}", "M": "locals {}",
}  # fmt: skip


def meant(source: Source, each: Directive) -> str:
    return "" if each.scope is None else source.text(each.scope.start, each.scope.end)


@pytest.mark.parametrize("name", ["main.tf", "main.tofu"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_hcl(name: str, end: str) -> None:
    source = Source(name, ("\ufeff" + HCL.replace("\n", end)).encode())
    found = {each.ids[0]: each for each in directives(source)}
    assert "".join(found) == "ABCDEFGHIJKLMNO"
    assert {id_: meant(source, found[id_]).startswith(text) for id_, text in MEANS.items()} == dict.fromkeys(
        MEANS, True
    )
    assert meant(source, found["I"]).rstrip().endswith("stop")
    assert meant(source, found["F"]).count("\n") == 0
    assert found["N"].scope is None
    assert found["K"].module == "m"
    assert {each.reason for each in found.values() if each.ids[0] in "LM"} == {"as a block", "and another"}
    assert not any(each.mistake for each in found.values())


TEMPLATE = """\
// bklint: ignore-file[A] all of it
{
  "metadata": {"bklint": {"ignore": {"id": "B", "reason": "the template"}}},
  // bklint: ignore[C] a member
  "parameters": {"size": {"type": "int", "defaultValue": 5, "metadata": {"bklint": {"ignore": [{"id": ["D", "E"],
    "reason": "a parameter", "until": "2030-01-01"}]}}}},
  "resources": [
    { // bklint: ignore[F] an item
      "type": "t",
      "size": 5 // bklint: ignore[G] a line
    },
    // bklint: ignore[H] the next item
    {
      /* bklint: ignore[I] first in an object */
      "type": "u",
    },
  ]
}
"""


def test_json() -> None:
    source = Source("a.json", TEMPLATE.encode())
    found = {each.ids[0]: each for each in directives(source)}
    assert "".join(sorted(found)) == "ABCDFGHI"
    assert found["A"].scope is None
    assert found["B"].scope is None
    assert meant(source, found["C"]).startswith('"parameters": {')
    assert found["D"].ids == ("D", "E")
    assert found["D"].until == "2030-01-01"
    assert meant(source, found["D"]).startswith('{"type": "int"')
    assert '"type": "t"' in meant(source, found["F"])
    assert meant(source, found["G"]).strip().startswith('"size": 5')
    assert meant(source, found["H"]).startswith("{\n      /*")
    assert meant(source, found["I"]).startswith("{\n      /*")


SAYS: dict[str, tuple[tuple[str, ...], str, str, str]] = {
    "# bklint: ignore[BKP301] reason": (("BKP301",), "reason", "", ""),
    "# bklint:ignore[BKP301]: reason": (("BKP301",), "reason", "", ""),
    "## bklint: ignore [ BKP301 , x-y ]  - the reason, until Monday": (
        ("BKP301", "x-y"), "the reason, until Monday", "", ""),
    "# bklint: ignore[BKP301] until=2030-01-01 reason": (("BKP301",), "reason", "2030-01-01", ""),
    "# bklint: ignore[BKP301] reason (until=2030-01-01)": (("BKP301",), "reason", "2030-01-01", ""),
    "# bklint: ignore[BKP301] reason until=soon": (("BKP301",), "reason", "soon", ""),
    "# bklint: ignore[BKP301]": (("BKP301",), "", "", ""),
    "# bklint: ignore": ((), "", "", "it names no policy; write `bklint: ignore[BKP301] reason`"),
    "# bklint: ignore[] x": ((), "x", "", "it names no policy; write `bklint: ignore[BKP301] reason`"),
    "# bklint: ignore BKP301 x": ((), "BKP301 x", "", "it names no policy; write `bklint: ignore[BKP301] reason`"),
    "# bklint: ingore[BKP301] x": (("BKP301",), "x", "", "unknown word 'ingore'; did you mean 'ignore'?"),
    "# bklint: [BKP301]": (("BKP301",), "", "", "write `bklint: ignore[BKP301] reason`"),
}  # fmt: skip


@pytest.mark.parametrize("text", SAYS)
def test_what_it_says(text: str) -> None:
    (found,) = directives(Source("a.tf", f"{text}\nx = 1\n".encode()))
    assert (found.ids, found.reason, found.until, found.mistake) == SAYS[text]


@pytest.mark.parametrize(
    "text", ["# see bklint: it is a linter", 'x = "# bklint: ignore[A] x"', "# bklintx: ignore[A]"]
)
def test_what_is_none(text: str) -> None:
    assert directives(Source("a.tf", f"{text}\n".encode())) == []


METADATA_MISTAKES = {
    '{"metadata": {"bklint": 5}}': 'it cannot be read; write {"ignore": [{"id": "BKP301", "reason": "…"}]}',
    '{"metadata": {"bklint": {"ignore": ["BKP301"]}}}':
        'it cannot be read; write {"ignore": [{"id": "BKP301", "reason": "…"}]}',
    '{"metadata": {"bklint": {"ignore": [{"reason": "x"}]}}}':
        'it names no policy; write {"ignore": [{"id": "BKP301", "reason": "…"}]}',
    '{"metadata": {"bklint": {"ignore": [{"id": "A", "reson": "x"}]}}}': "unknown word 'reson'; did you mean 'reason'?",
}  # fmt: skip


@pytest.mark.parametrize("text", METADATA_MISTAKES)
def test_mistakes_in_metadata(text: str) -> None:
    (found,) = directives(Source("a.json", text.encode()))
    assert found.mistake == METADATA_MISTAKES[text]


def test_scripts() -> None:
    text = "stop # bklint: ignore[A] a\n  # bklint: ignore[B] b\n\n# c\nnext\nREM bklint: ignore[C] c\nlast\n"
    source = Source("a.cmd", text.encode())
    found = {each.ids[0]: meant(source, each).strip() for each in directives(source)}
    assert found["A"] == "stop # bklint: ignore[A] a"
    assert found["B"].endswith("next")
    assert found["C"].endswith("last")


@pytest.mark.parametrize("text", [b"{ bklint", b'resource "x" {\n # bklint: ignore[A] r\n', b"\xff bklint", b"bklint"])
@pytest.mark.parametrize("name", ["a.tf", "a.json", "a.sh", "a.tfvars", "a.tf.json"])
def test_damaged_files(name: str, text: bytes) -> None:
    assert all(each.ids == ("A",) for each in directives(Source(name, text)))


@pytest.mark.parametrize("name", ["a.tf", "a.sh", "a.json"])
@pytest.mark.parametrize(
    "line", ["# bklint: ignore[A] x\n", "x = 1 # bklint: ignore[A] x\n", "x = 1\n# bklint: ignore[A] x\n"]
)
def test_many_take_no_time(name: str, line: str) -> None:
    """Linear, and bounded: a file of twenty thousand suppressions is no file that someone wrote."""
    text = line * 20_000
    if name.endswith("json"):
        text = "{" + text.replace("x = 1", '"x": 1,').replace("#", "//") + '"y": 2}'
    began = time.monotonic()
    found = directives(Source(name, text.encode()))
    assert found
    assert time.monotonic() - began < 10

"""Whether the literal that decides a value is the one place to change: nothing else may be read from it.

A variable, local or argument that is used twice is left alone, and so is whatever an expression is computed from. This
looks at the text, comments included, and so errs to the careful side: then the place of use is edited.
"""

from __future__ import annotations

import re

from bklint.files import Reader
from bklint.fix.edits import RefusedError
from bklint.fix.repository import check_editable, directory_of, mentions
from bklint.fix.tree import is_exactly, parsed, way_to
from bklint.model.value import Data, Hop, Unknown, Value
from bklint.source import Place
from bklint.syntax.node import Call, Expr, Literal, Node, ObjectExpr, TupleExpr

_TRAVERSAL = re.compile(r"[A-Za-z_][\w-]*(?:\.[A-Za-z_][\w-]*|\[[\"\w-]+\])+\Z")
_FOLLOWED = ("variable", "tfvars", "module argument", "local", "loop")
_MERGING = frozenset({"jsonencode", "merge", "tomap", "tolist", "concat"})


def sole_leaf(value: Value, data: Data | None, reader: Reader) -> Place | None:
    """The place of the literal that alone decides a value and decides nothing else; None where there is no such place.

    `data` is what the literal must spell; None for any.
    """
    if value.place is None or value.used_at is None:
        return None
    leaf = value.place.locate()
    try:
        check_editable(leaf.source, reader)
    except RefusedError:
        return None
    if not _stands_alone(leaf, data) or not _only_way(value, reader):
        return None
    return leaf


def _stands_alone(leaf: Place, data: Data | None) -> bool:
    """Whether a place is a literal that is a whole value, and not a part of what something is computed from."""
    way = way_to(parsed(leaf.source).body, leaf.start, leaf.end)
    last = way.last
    if not is_exactly(last, leaf.start, leaf.end):
        return False
    if data is not None and not (isinstance(last, Literal) and _spells(last, data)):
        return False
    blocks = [block for block in way.blocks if block.type == "variable"]
    if any(inner.type == "validation" for block in blocks for inner in block.body.blocks):
        return False
    return all(_passes_on(node) for node in way.nodes[:-1])


def _passes_on(node: Node) -> bool:
    """Whether a node around a literal hands it on as it is."""
    if isinstance(node, Call):
        return node.name in _MERGING
    return not isinstance(node, Expr) or isinstance(node, (ObjectExpr, TupleExpr))


def _spells(literal: Literal, data: Data) -> bool:
    if isinstance(data, Unknown) or literal.value is None:
        return False
    return str(literal.value).casefold() == str(data).casefold()


def _only_way(value: Value, reader: Reader) -> bool:
    """Whether every step from the literal to the place of use is read by the next one only."""
    hops = [hop for hop in value.trail if hop.kind != "use" and hop.place is not None]
    used = value.used_at.locate() if value.used_at is not None else None
    if used is None or not hops:
        return False
    text, directory, member = used.text, directory_of(used.source), False
    for hop in hops:
        if hop.kind not in _FOLLOWED or hop.place is None:
            return False
        if not (member and hop.kind in ("loop", "local")) and not _read_once(text, directory, reader):
            return False
        member = member or text.count(".") > 1
        place = hop.place.locate()
        text, directory = place.text, directory_of(place.source)
    return _ends(hops[-1])


def _ends(hop: Hop) -> bool:
    return hop.kind in ("variable", "tfvars", "module argument", "local")


def _read_once(text: str, directory: str, reader: Reader) -> bool:
    """Whether a traversal is the only one in a module that reads what it names."""
    text = text.strip().removeprefix('"${').removesuffix('}"').strip()
    if _TRAVERSAL.match(text) is None:
        return False
    if re.fullmatch(r"(?:var|local)\.[\w-]+", text):
        return mentions(directory, rf"(?<![\w.-]){re.escape(text)}(?![\w-])", reader) == 1
    last = text.rpartition(".")[2]
    if re.fullmatch(r"[\w-]+", last) is None:
        return False
    return mentions(directory, rf"(?<!\bvar)(?<!\blocal)\.{last}(?![\w-])", reader) == 1

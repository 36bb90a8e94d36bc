"""Whether an edited file differs from what it was by its edits alone, as two readers see it.

The tree of our own reader must be the same node for node outside the edits, every offset moved by what was inserted.
python-hcl2 must see no more differences than there are edits; where it refuses the file as it was, it has no say.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from bklint.errors import InputError
from bklint.fix.edits import Edit, RefusedError
from bklint.fix.tree import children, parsed
from bklint.source import Source
from bklint.syntax import json
from bklint.syntax.node import Node

Outline = list[tuple[str, int, int]]
"""Kind, start and end of every node, in order."""

_NATIVE = (".tf", ".tofu", ".tfvars")


def check(before: Source, after: Source, edits: Sequence[Edit]) -> str:
    """Raises RefusedError where the edits change more than themselves. Returns a note where a reader had no say."""
    if not before.name.endswith((*_NATIVE, ".json")):
        return _guest(before, after, edits)
    old, new = _outline(before), _outline(after)
    if _outside_old(old, edits) != _outside_new(new, edits):
        raise RefusedError(f"the changed {before.name} would be read as something else")
    if not _whole(old, new, edits):
        raise RefusedError(f"what is written into {before.name} would not be one value")
    return _agreed(before, after, len(edits)) if before.name.endswith(_NATIVE) else ""


# -- our reader ----------------------------------------------------------------------------------------------------


def _outline(source: Source) -> Outline:
    if source.name.endswith(".json") and not source.name.endswith((".tf.json", ".tofu.json", ".tfvars.json")):
        return sorted(_of_json(source))
    file = parsed(source)
    if file.problems:
        raise RefusedError(f"{source.name} has a syntax error")
    found = [(type(node).__name__, node.start, node.end) for node in _below(file.body)]
    return sorted([*found, *(("comment", comment.start, comment.end) for comment in file.comments)])


def _below(body: Node) -> Iterator[Node]:
    pending = list(children(body))
    while pending:
        node = pending.pop()
        yield node
        pending.extend(children(node))


def _of_json(source: Source) -> Iterator[tuple[str, int, int]]:
    try:
        document = json.parse(source)
    except InputError as error:
        raise RefusedError(f"{source.name} would not be valid JSON: {error.message}") from error
    for span in document.comments:
        yield "comment", span.start, span.end
    pending: list[tuple[Any, json.Slot]] = [(document.data, document.root())]
    while pending:
        data, slot = pending.pop()
        yield type(data).__name__, slot.start, slot.end
        steps: list[Any] = list(data) if isinstance(data, dict) else list(range(len(data) if _is_list(data) else 0))
        for step in steps:
            inner = document.child(slot, step)
            if inner is not None:
                pending.append((data[step], inner))
                if inner.key_start >= 0:
                    yield "key", inner.key_start, inner.key_end


def _is_list(data: object) -> bool:
    return isinstance(data, list)


def _outside_old(nodes: Outline, edits: Sequence[Edit]) -> Outline:
    """The nodes that are not inside an edit, with the offsets they have after the edits."""
    inside = [(edit.start, edit.end) for edit in edits]
    return sorted(
        (kind, _moved(start, edits, False), _moved(end, edits, True))
        for kind, start, end in nodes
        if not any(a <= start and end <= b for a, b in inside if a < b)
    )


def _outside_new(nodes: Outline, edits: Sequence[Edit]) -> Outline:
    inside, shift = [], 0
    for edit in edits:
        inside.append((edit.start + shift, edit.start + shift + len(edit.new)))
        shift += len(edit.new) - (edit.end - edit.start)
    return sorted(node for node in nodes if not any(a <= node[1] and node[2] <= b for a, b in inside if a < b))


def _whole(old: Outline, new: Outline, edits: Sequence[Edit]) -> bool:
    """Whether what takes the place of one node is one node again."""
    ranges, results, shift = {node[1:] for node in old}, {node[1:] for node in new}, 0
    for edit in edits:
        start = edit.start + shift
        if edit.new and (edit.start, edit.end) in ranges and (start, start + len(edit.new)) not in results:
            return False
        shift += len(edit.new) - (edit.end - edit.start)
    return True


def _moved(at: int, edits: Sequence[Edit], is_end: bool) -> int:
    """An offset after the edits. What is inserted at the end of a node stands behind it, at its start before it."""
    shift = 0
    for edit in edits:
        if edit.end < at or (edit.end == at and (not is_end or edit.start < edit.end)):
            shift += len(edit.new) - (edit.end - edit.start)
    return at + shift


# -- what machines run or read ---------------------------------------------------------------------------------------


def _guest(before: Source, after: Source, edits: Sequence[Edit]) -> str:
    """What the file does must be the same outside of the statements that are changed, each at its moved place, and its
    statements must be the same throughout."""
    from bklint.frontends.guest import recognise

    kind = recognise.recognises(before.name, before.data)
    if kind is None:
        raise RefusedError(f"{before.name} is not known as what a machine runs or reads")
    moved = [_moved(edit.start, edits, True) for edit in edits]
    ends = [start + (len(edit.new) if edit.old else 0) for start, edit in zip(moved, edits, strict=True)]
    old = _apart(_told(before, kind), [(edit.start, edit.end) for edit in edits])
    new = _apart(_told(after, kind), list(zip(moved, ends, strict=True)))
    if set(_outside_old(old, edits)) != set(_outside_new(new, edits)):  # a loop says the same once for each round
        raise RefusedError(f"the changed {before.name} would be read as something else")
    return ""


def _apart(nodes: Outline, ranges: list[tuple[int, int]]) -> Outline:
    """The statements, and what the file does in places that no edit touches."""
    return [
        node
        for node in nodes
        if not node[0].startswith("guest/") or not any(_holds(node, start, end) for start, end in ranges)
    ]


def _holds(node: tuple[str, int, int], start: int, end: int) -> bool:
    """Whether a node says what an edit changes. What is inserted in front of a node is none of it; and what a list of
    programs comes to is said at its head or at one of its rules, wherever the list is changed."""
    if node[0] == "guest/applicationControlRules":
        return True
    return node[1] <= start and end <= node[2] and (node[1] < start or start < end)


def _told(source: Source, kind: str) -> Outline:
    """Kind, start and end of everything that a file of a machine says, and of the statements of a script."""
    from bklint.frontends.guest import worlds

    world, gaps = worlds.told(source, kind)
    places = [(each.type, each.body.place.locate()) for each in world.resources if each.body.place is not None]
    found = [(type_, place.start, place.end) for type_, place in places if place.source.name == source.name]
    return sorted([*found, *worlds.statements(source, kind), ("gaps", -1, -1 - gaps)])


# -- python-hcl2 ---------------------------------------------------------------------------------------------------


def _agreed(before: Source, after: Source, most: int) -> str:
    from bklint.syntax import hcl_strict

    if len(before.data) > hcl_strict.MAX_BYTES:
        return f"{before.name} is too large for python-hcl2, which did not check it"
    try:
        old = hcl_strict.loads(before.data.decode())
    except InputError:
        return f"python-hcl2 cannot read {before.name} as it is, and did not check it"
    try:
        new = hcl_strict.loads(after.data.decode())
    except InputError as error:
        raise RefusedError(f"python-hcl2 would refuse {before.name}") from error
    if not 1 <= sum(1 for _ in _differences(old, new)) <= most:
        raise RefusedError(f"python-hcl2 would read {before.name} as something else")
    return ""


def _differences(old: Any, new: Any) -> Iterator[tuple[Any, Any]]:
    """The narrowest parts in which two readings differ; items added to or taken from a list are one difference."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in {**old, **new}:
            if key not in old or key not in new:
                yield old.get(key), new.get(key)
            else:
                yield from _differences(old[key], new[key])
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for a, b in zip(old, new, strict=True):
            yield from _differences(a, b)
    elif isinstance(old, list) and isinstance(new, list):
        short, long = sorted((old, new), key=len)
        head = next((n for n, (a, b) in enumerate(zip(short, long, strict=False)) if a != b), len(short))
        tail = len(short) - head
        rest = long[len(long) - tail :] if tail else []
        if short[head:] == rest:
            yield old, new
        else:
            yield from ((old, new), (old, new))
    elif old != new:
        yield old, new

"""YAML text into plain Python data, and pointers into that data back into byte ranges.

PyYAML's parser gives a flat stream of events, which is built up here with an explicit stack: PyYAML's own composer
recurses in C, so that some 100,000 `[` end the process. Values are PyYAML's (YAML 1.1: `yes` is true, `010` is 8), but
what JSON could not hold is not made: timestamps stay text, unknown tags (`!Sub`, `!reference`) are passed over, a key
that is a collection becomes its source text.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import Any, NamedTuple

from bklint import limits
from bklint.errors import InputError, LimitError
from bklint.source import BOM, Source
from bklint.syntax.json import MAX_DEPTH, JsonPlace, Members, Pointer, Slot

MAX_RESOLVED = 4300
"""Longest scalar, in characters, that is tried as a number: reading a longer one takes quadratic time."""


class _Entry(NamedTuple):
    """Where one value is written, in code points; `shape` is -1 for a scalar, `key_start` is -1 without a key."""

    start: int
    end: int
    head_end: int
    shape: int
    key_start: int = -1
    key_end: int = -1


_Shape = Members[_Entry] | list[_Entry]


class YamlDocument:
    """One document of a YAML stream: `data`, and the places of its values.

    An alias is at the place of the alias; what is in it, and what a merge key brings, is at the place of the anchor.
    """

    __slots__ = ("_offsets", "_root", "_shapes", "data", "source")

    def __init__(self, source: Source, offsets: _Offsets, data: Any, root: _Entry, shapes: list[_Shape]) -> None:
        self.source = source
        self.data = data
        self._offsets = offsets
        self._root = root
        self._shapes = shapes

    def __repr__(self) -> str:
        return f"YamlDocument({self.source.name!r})"

    def place(self, pointer: Pointer, part: str = "value") -> JsonPlace:
        """The place of a value or of a part of it: value, key, member (key to value) or header."""
        return JsonPlace(self, pointer, part)

    def root(self) -> Slot:
        """See Tree."""
        return self._slot(self._root)

    def child(self, slot: Slot, step: str | int) -> Slot | None:
        """See Tree. Names match exactly first, then without regard to case."""
        shape = self._shapes[slot.node] if slot.node >= 0 else []
        if isinstance(shape, Members):
            entry = shape.find(step)
            return None if entry is None else self._slot(entry)
        if isinstance(step, int) and 0 <= step < len(shape):
            return self._slot(shape[step])
        return None

    def _slot(self, entry: _Entry) -> Slot:
        at = self._offsets.at
        key_start, key_end = (at(entry.key_start), at(entry.key_end)) if entry.key_start >= 0 else (-1, -1)
        return Slot(at(entry.start), at(entry.end), key_start, key_end, at(entry.head_end), entry.shape)


class _Offsets:
    """Code-point indices, which PyYAML counts in, into byte offsets of the source."""

    __slots__ = ("_base", "_extra", "_wide")

    def __init__(self, text: str, base: int) -> None:
        self._base = base
        self._wide, self._extra = array("q"), array("q", [0])
        if not text.isascii():
            for found in _WIDE.finditer(text):
                self._wide.append(found.start())
                self._extra.append(self._extra[-1] + len(found[0].encode("utf-8")) - 1)

    def at(self, index: int) -> int:
        """The byte offset of the code point `index`."""
        return self._base + index + self._extra[bisect_left(self._wide, index)]


_WIDE = re.compile(r"[^\x00-\x7f]")
_SEPARATOR = re.compile(r"^---(?=\s|\Z)", re.MULTILINE)
_CONTENT = re.compile(r"^[ \t\ufeff]*[^ \t\r\n\ufeff#%]", re.MULTILINE)


def parse(source: Source) -> tuple[YamlDocument, ...]:
    """The documents of a YAML text; none where it holds nothing but comments. Raises InputError or LimitError."""
    base = len(BOM) if source.data.startswith(BOM) else 0
    text = _decoded(source.data, base)
    offsets = _Offsets(text, base)
    return tuple(YamlDocument(source, offsets, *parts) for parts in _built(text, offsets))


def load_data(text: bytes | str) -> Any:
    """The data of a text of one document; None for an empty one. Raises InputError.

    Twice as fast as `parse`, and as PyYAML's own loader, where the text has no anchor and no tag.
    """
    text = _decoded(text, 0) if isinstance(text, bytes) else text
    data = _plain_data(text.removeprefix("\ufeff"))
    if data is not _NOT_PLAIN:
        return data
    documents = parse(Source("<data>", text.encode("utf-8", "replace")))
    if len(documents) > 1:
        raise InputError("expected one document, found a second", documents[1].root().start)
    return documents[0].data if documents else None


def split_documents(text: str) -> tuple[str, str]:
    """A text before and from the `---` line that separates its first document from the rest, without parsing it.

    A `---` that opens the first document separates nothing. The rest is empty where there is no further document.
    """
    separators = _SEPARATOR.finditer(text)
    found = next(separators, None)
    if found and not _CONTENT.search(text, 0, found.start()):
        found = next(separators, None)
    return (text[: found.start()], text[found.start() :]) if found else (text, "")


def load_first(text: bytes | str) -> Any:
    """The data of the first document of a text; the rest is not even read."""
    return load_data(split_documents(_decoded(text, 0) if isinstance(text, bytes) else text)[0])


def load_rest(text: bytes | str) -> Any:
    """The data of the second document of a text of two; None where there is none. Offsets of errors are in `text`."""
    first, rest = split_documents(_decoded(text, 0) if isinstance(text, bytes) else text)
    try:
        return load_data(rest)
    except InputError as error:
        if error.offset is not None:
            error.offset += len(first.encode("utf-8"))
        raise


def _decoded(data: bytes, start: int) -> str:
    try:
        return data[start:].decode("utf-8")
    except UnicodeDecodeError as error:
        wrong = start + error.start
        raise InputError(f"not valid UTF-8: byte 0x{data[wrong]:02x}", wrong) from error


# -- building -----------------------------------------------------------------


class _PlacedError(Exception):
    """An InputError or LimitError whose offset is still a code-point index."""

    def __init__(self, message: str, index: int, kind: Callable[[str, int], InputError] = InputError) -> None:
        super().__init__(message)
        self.index = index
        self.kind = kind


class _Whole(NamedTuple):
    """A finished value: `size` values in all, itself included, in `height` levels of containers."""

    data: Any
    entry: _Entry
    size: int = 1
    height: int = 0


class _Frame:
    """A mapping or sequence whose end has not been met yet. `event` is where it began."""

    __slots__ = ("data", "end", "entries", "event", "head_end", "height", "key", "merged", "size")

    def __init__(self, event: Any, mapping: bool) -> None:
        self.event = event
        self.data: Any = {} if mapping else []
        self.entries: Any = {} if mapping else []
        self.merged: list[_Whole] = []
        self.key: _Whole | None = None
        self.size = self.height = 1
        self.end: int = event.end_mark.index
        self.head_end: int = self.end if event.flow_style else 0


class _Builder:
    """Builds the documents of one text out of events, which PyYAML's stubs leave untyped."""

    def __init__(self, text: str, loader: Any, values: _Values) -> None:
        self.text = text
        self.loader = loader
        self.values = values
        self._most = limits.value("yaml_values")
        """Most values in one document, each alias counted as what it stands for."""
        self.begin()

    def begin(self) -> None:
        """Forgets the document before: anchors do not outlive it."""
        self.stack: list[_Frame] = []
        self.shapes: list[Any] = []
        self.anchors: dict[str, _Whole | None] = {}
        self.whole: _Whole | None = None

    def documents(self) -> Iterator[tuple[Any, _Entry, list[_Shape]]]:
        """Data, root entry and shapes of each document."""
        yaml = _yaml()
        takers: dict[type, Callable[[Any], None]] = {
            yaml.ScalarEvent: self.scalar,
            yaml.AliasEvent: self.alias,
            yaml.MappingStartEvent: self.mapping,
            yaml.SequenceStartEvent: self.sequence,
            yaml.MappingEndEvent: self.end,
            yaml.SequenceEndEvent: self.end,
        }
        while self.loader.check_event():
            event = self.loader.get_event()
            take = takers.get(type(event))
            if take is not None:
                take(event)
            elif self.whole is not None and type(event) is yaml.DocumentEndEvent:
                shapes: list[_Shape] = [Members(each) if isinstance(each, dict) else each for each in self.shapes]
                yield self.whole.data, self.whole.entry, shapes
                self.begin()

    def scalar(self, event: Any) -> None:
        start, end = event.start_mark.index, event.end_mark.index
        if event.style in ("|", ">"):  # libyaml ends a block scalar where the next token begins
            while end > start and self.text[end - 1] in " \t\r\n":
                end -= 1
        self.finish(_Whole(self.values.of(event), _Entry(start, end, end, -1)), event)

    def alias(self, event: Any) -> None:
        start, end = event.start_mark.index, event.end_mark.index
        whole = self.anchors.get(event.anchor)
        if whole is None:
            known = event.anchor in self.anchors
            raise _PlacedError(
                "this alias is inside what it stands for" if known else "this alias has no anchor", start
            )
        self.add(whole._replace(entry=_Entry(start, end, end, whole.entry.shape)))

    def mapping(self, event: Any) -> None:
        self.open(_Frame(event, mapping=True))

    def sequence(self, event: Any) -> None:
        self.open(_Frame(event, mapping=False))

    def open(self, frame: _Frame) -> None:
        if len(self.stack) >= MAX_DEPTH:
            raise _PlacedError(f"nested deeper than {MAX_DEPTH} levels", frame.event.start_mark.index, LimitError)
        if frame.event.anchor:
            self.anchors[frame.event.anchor] = None
        self.stack.append(frame)

    def end(self, event: Any) -> None:
        frame = self.stack.pop()
        start = frame.event.start_mark.index
        if frame.event.flow_style:
            frame.end = event.end_mark.index
        if frame.merged:
            self.merge(frame)
        entry = _Entry(start, frame.end, frame.head_end or min(start + 1, frame.end), len(self.shapes))
        self.shapes.append(frame.entries)
        self.finish(_Whole(frame.data, entry, frame.size, frame.height), frame.event)

    def finish(self, whole: _Whole, event: Any) -> None:
        if event.anchor:
            self.anchors[event.anchor] = whole
        self.add(whole)

    def add(self, whole: _Whole) -> None:
        """Puts a value into the innermost open container."""
        if not self.stack:
            self.whole = whole
            return
        frame, entry = self.stack[-1], whole.entry
        frame.size += whole.size
        frame.height = max(frame.height, whole.height + 1)
        frame.end = max(frame.end, entry.end)
        if frame.size > self._most:
            told = f"more than {self._most} values, aliases expanded ({limits.told('yaml_values')})"
            raise _PlacedError(told, entry.start, partial(LimitError, limit="yaml_values"))
        if len(self.stack) + whole.height > MAX_DEPTH:
            raise _PlacedError(f"nested deeper than {MAX_DEPTH} levels, aliases expanded", entry.start, LimitError)
        if isinstance(frame.data, list):
            frame.data.append(whole.data)
            frame.entries.append(entry)
        elif frame.key is None:
            frame.key = whole
            frame.head_end = frame.head_end or entry.end
        else:
            self.member(frame, frame.key, whole)
            frame.key = None

    def member(self, frame: _Frame, key: _Whole, value: _Whole) -> None:
        start, end = key.entry.start, key.entry.end
        written = self.text[start:end]
        if written == "<<" and _mergeable(value.data):
            frame.merged.append(value)
            return
        name = written if isinstance(key.data, (dict, list)) else key.data
        frame.data[name] = value.data
        frame.entries[name] = value.entry._replace(key_start=start, key_end=end)

    def merge(self, frame: _Frame) -> None:
        """Fills in the members that merge keys bring; those written in the mapping itself come before them."""
        data: dict[Any, Any] = {}
        entries: dict[Any, _Entry] = {}
        for value in frame.merged:
            shape = self.shapes[value.entry.shape]
            if isinstance(value.data, dict):
                data.update(value.data)
                entries.update(shape)
            else:
                for item, entry in zip(reversed(value.data), reversed(shape), strict=True):
                    data.update(item)
                    entries.update(self.shapes[entry.shape])
        frame.data = {**data, **frame.data}
        frame.entries = {**entries, **frame.entries}


def _mergeable(data: Any) -> bool:
    return isinstance(data, dict) or (isinstance(data, list) and all(isinstance(item, dict) for item in data))


# -- PyYAML ---------------------------------------------------------------------

_TAG = "tag:yaml.org,2002:"
_TYPED = frozenset(_TAG + name for name in ("null", "bool", "int", "float"))
_NOT_PLAIN = object()


@cache
def _yaml() -> Any:
    import yaml

    return yaml


def _loader(text: str) -> Any:
    yaml = _yaml()
    return getattr(yaml, "CSafeLoader", yaml.SafeLoader)(text)


class _Values:
    """The values of scalars, by PyYAML's rules; those of plain ones are remembered, because they recur."""

    def __init__(self, loader: Any) -> None:
        self.loader = loader
        self.node = _yaml().ScalarNode
        self.known: dict[str, Any] = {}

    def of(self, event: Any) -> Any:
        """What the standard tag of a scalar says, else, where it is plain, what it looks like, else text."""
        text: str = event.value
        if event.implicit[0]:
            if text in self.known:
                return self.known[text]
            value = self.known[text] = self.made(self.loader.resolve(self.node, text, event.implicit), text)
            return value
        return self.made(event.tag, text)

    def made(self, tag: str | None, text: str) -> Any:
        """The value of a tagged text; what does not fit its tag stays text."""
        if tag not in _TYPED or len(text) > MAX_RESOLVED:
            return text
        try:
            return self.loader.yaml_constructors[tag](self.loader, self.node(tag, text))
        except (ValueError, KeyError, IndexError):
            return text


def _built(text: str, offsets: _Offsets) -> Iterator[tuple[Any, _Entry, list[_Shape]]]:
    """The parts of each document, errors worded and placed."""
    yaml = _yaml()
    try:
        loader = _loader(text)
        try:
            yield from _Builder(text, loader, _Values(loader)).documents()
        finally:
            loader.dispose()
    except _PlacedError as error:
        raise error.kind(str(error), offsets.at(error.index)) from error
    except yaml.reader.ReaderError as error:
        # libyaml's position counts bytes, that of PyYAML's own reader code points; so the character is looked for
        index = text.find(error.character if isinstance(error.character, str) else chr(error.character))
        raise InputError(f"the character U+{ord(text[index]):04X} is not allowed", offsets.at(index)) from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        message = " ".join(filter(None, (error.problem, error.context)))
        raise InputError(message, offsets.at(mark.index) if mark else None) from error


def _plain_data(text: str) -> Any:
    """The data of one document without anchors, tags, merges and collections as keys; _NOT_PLAIN for any other text."""
    yaml = _yaml()
    try:
        loader = _loader(text)
        try:
            return _simple(loader, _Values(loader))
        finally:
            loader.dispose()
    except yaml.YAMLError:
        return _NOT_PLAIN


def _simple(loader: Any, values: _Values) -> Any:
    """The loop of `_plain_data`. `keys` runs beside `stack`: the key that waits for its value, _NOT_PLAIN for none."""
    yaml = _yaml()
    scalar, mapping, sequence = yaml.ScalarEvent, yaml.MappingStartEvent, yaml.SequenceStartEvent
    ends, passed = (yaml.MappingEndEvent, yaml.SequenceEndEvent), (yaml.StreamStartEvent, yaml.DocumentEndEvent)
    stack: list[Any] = []
    keys: list[Any] = []
    documents, result = 0, None
    while True:
        event = loader.get_event()
        kind = type(event)
        if kind is scalar:
            value = values.of(event)
        elif kind is mapping or kind is sequence:
            value = {} if kind is mapping else []
        elif kind in ends:
            stack.pop()
            keys.pop()
            continue
        elif kind in passed:
            continue
        elif kind is yaml.StreamEndEvent:
            return result
        elif kind is yaml.DocumentStartEvent and not documents:
            documents = 1
            continue
        else:
            return _NOT_PLAIN
        if event.anchor or event.tag:
            return _NOT_PLAIN
        if not stack:
            result = value
        elif type(stack[-1]) is list:
            stack[-1].append(value)
        elif keys[-1] is _NOT_PLAIN:
            if kind is not scalar or value == "<<":
                return _NOT_PLAIN
            keys[-1] = value
        else:
            stack[-1][keys[-1]] = value
            keys[-1] = _NOT_PLAIN
        if kind is not scalar:
            stack.append(value)
            keys.append(_NOT_PLAIN)
            if len(stack) > MAX_DEPTH:
                return _NOT_PLAIN

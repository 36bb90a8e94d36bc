"""Loose files into worlds of their own, and what a finished world brings into its machines into that world."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bklint.errors import InputError
from bklint.files import Reader
from bklint.frontends import Options
from bklint.frontends.guest import carriers, recognise
from bklint.frontends.guest.packer import builds, read_build
from bklint.frontends.guest.reading import SCRIPTS, parsed, read
from bklint.frontends.guest.record import Recorder, Unit
from bklint.frontends.guest.text import GuestText, of_file
from bklint.model.inventory import Inventory, Note, Problem, World
from bklint.model.value import Value
from bklint.source import Source

_WINDOWS = frozenset({"powershell", "batch", "registry", "template", "unattend", "applocker", "wdac", "mof"})


def attach(world: World, reader: Reader) -> None:
    """Add to a finished world what its resources bring into machines."""
    units: dict[tuple[int, bool], Unit] = {}
    found = list(carriers.carried(world, reader))
    for each in found:
        key = (id(each.owner), each.image)
        unit = units.get(key)
        if unit is None:
            label = each.owner.address if each.owner is not None else world.root
            system = {True: "windows", False: "linux", None: ""}[carriers.windows(each.owner)]
            unit = units[key] = Unit(world, label, each.owner, image=each.image, system=system)
        unit.carrier = Value(each.label, each.carrier.used_at)
        if not unit.system:
            unit.system = _system(each.kind)
        _read(each.kind, unit, each.text)
    gaps = sum(unit.gaps for unit in units.values())
    if gaps:
        world.notes.append(_note(world.root, gaps))


def _system(kind: str) -> str:
    return "windows" if kind in _WINDOWS else "linux"


def _read(kind: str, unit: Unit, text: GuestText, claims: bool = False) -> None:
    read(kind, Recorder(unit, text, kind if kind in SCRIPTS else "config"), claims)


def _note(path: str, gaps: int) -> Note:
    return Note(
        "grammar gap", f"{path}: {gaps} place{'' if gaps == 1 else 's'} in scripts could not be read", strict=True
    )


class GuestRoot:
    """One loose file."""

    contexts = ("",)

    def __init__(self, source: Source, kind: str, image: bool) -> None:
        self._source = source
        self._kind = kind
        self._image = image

    @property
    def path(self) -> str:
        """The file."""
        return self._source.name

    def lower(self, context: str, assume: Mapping[str, object]) -> World:
        """The world of the file. Raises InputError where it claims to be what it cannot be read as."""
        world = World(self.path, "guest", context)
        unit = Unit(world, self.path, image=self._image, system=_system(self._kind))
        if self._kind == "packer":
            read_build(unit, self._source)
        else:
            claims = recognise.claims(self._kind, self.path, self._source.data)
            _read(self._kind, unit, of_file(self._source), claims)
        if unit.gaps:
            world.notes.append(_note(self.path, unit.gaps))
        return world


def told(source: Source, kind: str) -> tuple[World, int]:
    """The world of a file of a known kind, and the number of places that could not be read."""
    world = World(source.name, "guest")
    unit = Unit(world, source.name, system=_system(kind))
    if kind == "packer":
        read_build(unit, source)
    else:
        _read(kind, unit, of_file(source))
    return world, unit.gaps


def statements(source: Source, kind: str) -> Iterator[tuple[str, int, int]]:
    """The statements of a script as `statement`, start and end. Raises InputError."""
    if kind in SCRIPTS:
        for each in parsed(kind, source.data).statements:
            yield ("conditional statement" if each.conditional else "statement"), each.start, each.end


def source_of(path: str, raw: bytes) -> Source:
    """The source of a script; what is no UTF-8 is read as Windows-1252, which old editors of Windows write."""
    try:
        return Source.of(path, raw)
    except InputError:
        return Source(path, raw.decode("cp1252", "replace").encode("utf-8"), fixable=False)


def roots(paths: tuple[str, ...], reader: Reader, options: Options, inventory: Inventory) -> Iterator[GuestRoot]:
    """A root for each file that is one a machine runs or reads. Scripts that an image build runs are known as such."""
    sources: list[tuple[Source, str]] = []
    for path in paths:
        try:
            raw = reader.read(path)
        except InputError as error:
            inventory.problems.append(Problem(path, error.message, None, claims=False))
            continue
        kind = recognise.recognises(path, raw)
        if kind is not None:
            sources.append((source_of(path, raw), kind))
    built = builds(sources)
    for source, kind in sources:
        yield GuestRoot(source, kind, source.name in built)

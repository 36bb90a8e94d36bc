"""What a text inside a machine says it does → guest/* resources of a world.

The body of a guest resource is at the statement that makes it. `unit` in its extras names the sequence of texts that it
is a part of (one file, or all provisioners of one image build), `order` its position there, so that facts can tell what
is undone later.
"""

from __future__ import annotations

from collections.abc import Sequence

from bklint.frontends.guest.nft_names import Names
from bklint.frontends.guest.text import GuestText
from bklint.model.inventory import World
from bklint.model.resource import DEPLOYMENT_GROUP, DEPLOYMENT_SUBSCRIPTION, Resource
from bklint.model.value import ListData, ObjectData, Value
from bklint.records import dataclass, field
from bklint.source import Locator, Place

DIALECTS = ("shell", "powershell", "batch")
"""Dialects of resources; what is no script is `config`."""

Data = str | bool | int | None | Value | Sequence[str]


@dataclass(slots=True)
class Unit:
    """A sequence of texts that run one after the other on one machine.

    `owner` is the machine, None for a loose file. `carrier` says what brings the text to it, at the attribute that
    does; `image` whether the machine is turned into an image afterwards. `system` is windows, linux or empty.
    """

    world: World
    label: str
    owner: Resource | None = None
    carrier: Value | None = None
    image: bool = False
    system: str = ""
    order: int = 0
    gaps: int = 0
    addresses: dict[str, int] = field(default_factory=dict)
    flags: set[str] = field(default_factory=set)
    """What has been seen so far that later statements depend on (`switch`, `renamed:lan`)."""
    sets: Names = field(default_factory=Names)
    """The sets of nftables that commands have made so far."""


class Recorder:
    """Adds the resources that one text stands for."""

    def __init__(self, unit: Unit, text: GuestText, dialect: str, conditional: bool = False) -> None:
        self.unit = unit
        self.text = text
        self.dialect = dialect if dialect in DIALECTS else "config"
        self.conditional = conditional
        self.branch = ""
        """The conditions around what is being read, each with a stroke behind it."""

    def under(self, text: GuestText, dialect: str, conditional: bool = False) -> Recorder:
        """A recorder for a text that this one carries."""
        found = Recorder(self.unit, text, dialect, self.conditional or conditional)
        found.branch = self.branch
        return found

    def add(
        self, kind: str, start: int, end: int, conditional: bool = False, at: Locator | None = None, **fields: Data
    ) -> Resource:
        """Add a resource of type `guest/{kind}` that the bytes from `start` to `end` make."""
        place = at.locate() if at is not None else self.text.place(start, end)
        values = {name: self._value(data, place) for name, data in fields.items() if data is not None}
        if self.unit.carrier is not None and not _inside(place, self.unit.carrier.place):
            values["carrier"] = self.unit.carrier
        conditional = conditional or self.conditional
        values["conditional"] = Value(conditional, place)
        values["system"] = Value(self.unit.system, place)
        owner = self.unit.owner
        body = Value(ObjectData({"properties": Value(ObjectData(values), place)}), place)
        label = next((value for name, value in values.items() if name in _NAMES), Value(kind, place))
        resource = Resource(
            type=f"guest/{kind}",
            address=self._address(place),
            body=body,
            world=self.unit.world,
            names=(label,),
            group=owner.group if owner is not None else Value(DEPLOYMENT_GROUP),
            subscription=owner.subscription if owner is not None else Value(DEPLOYMENT_SUBSCRIPTION),
            dialect=self.dialect,
            parent=owner,
            block=place,
            conditional=owner.conditional if owner is not None else None,
        )
        resource.group_address = resource.address
        self.unit.order += 1
        resource.extra["order"] = Value(self.unit.order)
        resource.extra["unit"] = Value(self.unit.label)
        resource.extra["branch"] = Value(self.branch)
        resource.extra["image"] = Value(self.unit.image)
        if self.unit.carrier is not None:
            resource.extra["carried"] = Value(self.unit.carrier.data)
        self.unit.world.add(resource)
        return resource

    def _value(self, data: Data, place: Locator) -> Value:
        if isinstance(data, Value):
            return data if data.place is not None else data._replace(place=place)
        if isinstance(data, str):
            return self.text.unknowns.value(data, place)
        if data is None or isinstance(data, (bool, int)):
            return Value(data, place)
        return Value(ListData(tuple(self.text.unknowns.value(item, place) for item in data)), place)

    def _address(self, place: Place) -> str:
        owner = self.unit.owner
        line = place.position.line
        base = f"{place.source.name}:{line}" if owner is None else f"{owner.address} ({place.source.name}:{line})"
        count = self.unit.addresses[base] = self.unit.addresses.get(base, 0) + 1
        return base if count == 1 else f"{base} #{count}"


_NAMES = ("name", "service", "key", "package", "point", "path", "destination")


def _inside(place: Place, outer: Locator | None) -> bool:
    """Whether a place lies in the text of a carrier, so that pointing at the carrier adds nothing."""
    if outer is None:
        return True
    found = outer.locate()
    return found.source.name == place.source.name and found.start <= place.start and place.end <= found.end

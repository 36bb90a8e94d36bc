"""The texts that stand for addresses in a network rule become ranges of IPv4 addresses, or service tags.

`*`, `10.0.0.0/8`, `168.63.129.16`, `Storage.WestEurope`. The one fact a reader would not guess: a text that is only
partly known can still be decided. `10.${var.net}.0.0/16` starts with 10 and has a mask of at least 8 bits, so it holds
no address outside 10.0.0.0/8; `Storage.${var.region}` is a tag whatever the region.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from bklint.model.value import Text, Unknown, Value

LAST = (1 << 32) - 1
ANY = ("*", "any")
"""Every address. `Any` is what portal and command line call `*` (network-security-groups-overview, default rules)."""

_ADDRESS = re.compile(r"(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\Z")
_TAG = re.compile(r"([A-Za-z][A-Za-z0-9]*)(\..*)?\Z", re.DOTALL)
_FIRST_OCTET = re.compile(r"(\d{1,3})\.")
_MASK = re.compile(r"/(\d{1,2})\Z")


class Prefix(NamedTuple):
    """A range of IPv4 addresses, both ends included, or a service tag (lower case, without its region). IPv6 prefixes
    are an empty range. Where `exact` is false the range is certain to hold the prefix, and may be larger. `region` are
    the parts of what follows a tag's dot, as written; empty for a tag without region."""

    low: int
    high: int
    tag: str = ""
    exact: bool = True
    region: tuple[str | Unknown, ...] = ()

    @property
    def everything(self) -> bool:
        """Whether it is every address."""
        return not self.tag and self.low == 0 and self.high == LAST


NOTHING = Prefix(1, 0)


def prefix_of(value: Value) -> Prefix | None:
    """The prefix that a value spells; None for what is not known or is no prefix."""
    if isinstance(value.data, str):
        return parse(value.data)
    if isinstance(value.data, Text):
        return _bounded(value.data)
    return None


def parse(text: str) -> Prefix | None:
    """A prefix from its text; an `a-b` range is accepted though Azure refuses it. None for what is none of these."""
    text = text.strip()
    if text.casefold() in ANY:
        return Prefix(0, LAST)
    if ":" in text:
        return NOTHING
    low, dash, high = text.partition("-")
    if dash and (first := _number(low)) is not None and (last := _number(high)) is not None:
        return Prefix(first, last)
    address, slash, mask = text.partition("/")
    number = _number(address)
    if number is None:
        tag = _TAG.match(text)
        region = (tag[2][1:],) if tag and tag[2] else ()
        return Prefix(0, 0, tag[1].casefold(), region=region) if tag and not slash else None
    if slash and (not mask.isdigit() or int(mask) > 32):
        return None
    return _network(number, int(mask) if slash else 32)


def _network(number: int, bits: int) -> Prefix:
    size = 1 << (32 - bits)
    low = number & ~(size - 1)
    return Prefix(low, low + size - 1)


def _number(text: str) -> int | None:
    match = _ADDRESS.match(text.strip())
    if match is None:
        return None
    octets = [int(octet) for octet in match.groups()]
    if max(octets) > 255:
        return None
    return sum(octet << shift for octet, shift in zip(octets, (24, 16, 8, 0), strict=True))


def _bounded(text: Text) -> Prefix | None:
    """The least network that is certain to hold a partly known prefix, or its tag."""
    tag = _TAG.match(text.prefix)
    if tag is not None and tag[2] is not None:
        return Prefix(0, 0, tag[1].casefold(), region=(tag[2][1:], *text.parts[1:]))
    octet, mask = _FIRST_OCTET.match(text.prefix), _MASK.search(text.suffix)
    if octet is None or mask is None or int(mask[1]) < 8 or int(octet[1]) > 255:
        return None
    return _network(int(octet[1]) << 24, 8)._replace(exact=False)


def ranges_of(values: Iterable[Value]) -> tuple[tuple[int, int], ...] | None:
    """The address ranges of several prefixes; None when one of them is not an exact range."""
    found = []
    for value in values:
        prefix = parse(value.data) if isinstance(value.data, str) else None
        if prefix is None or prefix.tag:
            return None
        if prefix.low <= prefix.high:
            found.append((prefix.low, prefix.high))
    return tuple(found)

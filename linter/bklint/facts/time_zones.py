"""Clock times in two time zones become: how many minutes apart they are, in each part of the year.

Azure names zones as Windows does ("W. Europe Standard Time"). The one fact a reader would not guess: two zones that
change their clocks by one rule are always equally far apart; of all others each combination of summer and winter time
counts as possible, and an answer is known where all of them agree.

Offsets and rules: Unicode CLDR `windowsZones` with the IANA time zone database of 2026
(https://github.com/unicode-org/cldr/blob/main/common/supplemental/windowsZones.xml).
"""

from __future__ import annotations

import re
from typing import NamedTuple

DAY = 1440
"""Minutes of a day."""

_ZONES = """
none -720: Dateline
none -660: UTC-11
none -600: Hawaiian
none -570: Marquesas
none -540: UTC-09
none -480: UTC-08
none -420: Mountain Standard Time (Mexico), US Mountain, Yukon
none -360: Canada Central, Central America, Central Standard Time (Mexico)
none -300: Eastern Standard Time (Mexico), SA Pacific
none -240: Central Brazilian, SA Western, Venezuela
none -180: Argentina, Bahia, E. South America, Magallanes, Montevideo, Paraguay, SA Eastern, Tocantins
none -120: UTC-02
none -60: Cape Verde
none 0: Greenwich, Sao Tome, UTC
none 60: W. Central Africa
none 120: Kaliningrad, Libya, Namibia, South Africa, South Sudan, Sudan
none 180: Arab, Arabic, Belarus, E. Africa, Jordan, Russian, Syria, Turkey, Volgograd
none 210: Iran
none 240: Arabian, Astrakhan, Azerbaijan, Caucasus, Georgian, Mauritius, Russia Time Zone 3, Saratov
none 270: Afghanistan
none 300: Ekaterinburg, Pakistan, Qyzylorda, West Asia
none 330: India, Sri Lanka
none 345: Nepal
none 360: Bangladesh, Central Asia, Omsk
none 390: Myanmar
none 420: Altai, N. Central Asia, North Asia, SE Asia, Tomsk, W. Mongolia
none 480: China, North Asia East, Singapore, Taipei, Ulaanbaatar, W. Australia
none 525: Aus Central W.
none 540: Korea, North Korea, Tokyo, Transbaikal, Yakutsk
none 570: AUS Central
none 600: E. Australia, Vladivostok, West Pacific
none 660: Bougainville, Central Pacific, Magadan, Russia Time Zone 10, Sakhalin
none 720: Fiji, Russia Time Zone 11, UTC+12
none 780: Samoa, Tonga, UTC+13
none 840: Line Islands
au 570: Cen. Australia
au 600: AUS Eastern, Tasmania
au 660: Norfolk
cl -360: Easter Island
cl -240: Pacific SA
eu -120: Greenland
eu -60: Azores
eu 0: GMT
eu 60: Central Europe, Central European, Romance, W. Europe
eu 120: E. Europe, FLE, GTB
nz 720: New Zealand
nz 765: Chatham Islands
own 0: Morocco
own 120: Egypt, Israel, Middle East, West Bank
us -600: Aleutian
us -540: Alaskan
us -480: Pacific, Pacific Standard Time (Mexico)
us -420: Mountain
us -360: Central, Manitoba
us -300: Cuba, Eastern, Haiti, Turks And Caicos, US Eastern
us -240: Atlantic
us -210: Newfoundland
us -180: Saint Pierre
"""
"""`rule offset: names`: the rule by which clocks change, the offset of winter time from UTC in minutes, and the zones
without their " Standard Time". `own` zones have a rule that no other zone has."""


class Zone(NamedTuple):
    """`rule` is the name of the clock changes, `none` for none; `offset` winter time's minutes from UTC."""

    name: str
    rule: str
    offset: int

    @property
    def title(self) -> str:
        """The name as Azure writes it."""
        return self.name if self.name.startswith(("UTC", "Russia Time")) else f"{self.name} Standard Time"

    @property
    def offsets(self) -> tuple[int, ...]:
        """Minutes from UTC, in winter and in summer."""
        return (self.offset,) if self.rule == "none" else (self.offset, self.offset + 60)


def _read() -> dict[str, Zone]:
    found: dict[str, Zone] = {}
    for rule, offset, names in re.findall(r"(\w+) (-?\d+): ([^:]+)(?=\n\w+ -?\d+:|\n*\Z)", _ZONES.strip()):
        for name in re.split(r",\s+", names.strip()):
            found[re.sub(r"\s+", " ", name).casefold()] = Zone(name, rule, int(offset))
    return found


_BY_NAME = _read()


def zone_of(name: str) -> Zone | None:
    """The zone of a Windows name, ignoring case; None for one that is not in the table."""
    return _BY_NAME.get(name.strip().casefold().removesuffix(" standard time"))


def apart(earlier: int, zone: Zone, later: int, other: Zone) -> frozenset[int]:
    """By how many minutes a clock time in `other` follows one in `zone`, 0 to 1439; every possible answer."""
    if zone.rule == other.rule != "own" or zone.name == other.name:
        return frozenset({(later - other.offset - earlier + zone.offset) % DAY})
    pairs = ((one, two) for one in zone.offsets for two in other.offsets)
    return frozenset((later - two - earlier + one) % DAY for one, two in pairs)


_CLOCK = re.compile(r"(?:\d{4}-\d\d-\d\d[T ])?(\d{1,2}):?(\d\d)(?::\d\d(?:\.\d+)?)?(?:Z|\+00:00)?\Z")


def minutes(text: str) -> int | None:
    """Minutes after midnight of `1900`, `19:00` or a date with a time, of which the date does not matter.

    The Z of a backup policy's run time is not UTC: the time is one in the policy's time zone.
    """
    match = _CLOCK.match(text.strip())
    if match is None or int(match[1]) > 23 or int(match[2]) > 59:
        return None
    return int(match[1]) * 60 + int(match[2])


def clock(minute: int) -> str:
    """`19:30` of 1170 minutes."""
    return f"{minute // 60 % 24:02}:{minute % 60:02}"

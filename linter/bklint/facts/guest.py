"""The guest/* resources of a machine or file become: what counts of them, taken together and in their order.

The one fact a reader would not guess: only what is in the same unit is compared (one loose file, or everything that is
brought to one machine), and an image build undoes what it stops, because a machine made from the image starts anew.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from bklint.facts import fact, read, record
from bklint.facts.machines import says
from bklint.facts.protection import needs_guest_agent
from bklint.model.compare import equal
from bklint.model.inventory import World
from bklint.model.relations import VM, related
from bklint.model.resource import Resource
from bklint.model.value import ListData, Reason, Text, Unknown, Value, first_unknown, missing, step

SERVICES = "guest/serviceChanges"
INTERFACES = "guest/networkInterfaces"
RULES = "guest/firewallRules"
DEFAULTS = "guest/firewallDefaults"
REGISTRY = "guest/registryValues"
PACKAGES = "guest/packageChanges"
FILES = "guest/fileRemovals"
PROXIES = "guest/proxySettings"
MOUNTS = "guest/mounts"
SOURCES = "guest/agentSources"
ACLS = "guest/aclChanges"
SELINUX = "guest/selinux"
SQL = "guest/sqlBackups"
SETTINGS = "guest/agentSettings"
SQL_MACHINES = "Microsoft.SqlVirtualMachine/sqlVirtualMachines"

TYPES = (
    SERVICES, INTERFACES, RULES, DEFAULTS, REGISTRY, PACKAGES, FILES, PROXIES, MOUNTS, SELINUX, SQL, "guest/routes",
    ACLS, SOURCES, SETTINGS, "guest/bitLockerActions",
    "guest/applicationControlRules",
)  # fmt: skip


def property_of(resource: Resource, name: str) -> Value:
    """A property of a guest resource."""
    return resource.get(f"properties.{name}")


def text_of(resource: Resource, name: str) -> str | None:
    """A property that is known text."""
    data = property_of(resource, name).data
    return data if isinstance(data, str) else None


def unit_of(resource: Resource, *types: str) -> Iterator[Resource]:
    """The resources of the unit that a guest resource is in, in their order."""
    key = ("guest unit", types)
    units = resource.world.memo.get(key)
    if not isinstance(units, dict):
        units = dict[str, list[Resource]]()
        every = [each for type_ in types for each in resource.world.of(type_)]
        for each in sorted(every, key=_order):
            units.setdefault(str(each.extra["unit"].data), []).append(each)
        resource.world.memo[key] = units
    yield from units.get(str(resource.extra["unit"].data), ())


def _order(resource: Resource) -> int:
    number = resource.extra["order"].data
    return number if isinstance(number, int) else 0


def later(resource: Resource, *types: str) -> Iterator[Resource]:
    """What comes after a guest resource in its unit, and is certain to where the resource itself is."""
    sure = property_of(resource, "conditional").data is not True
    for each in unit_of(resource, *types):
        if _order(each) > _order(resource) and not (sure and property_of(each, "conditional").data is True):
            yield each


def same(a: Resource, b: Resource, name: str) -> bool:
    """Whether two guest resources have the same value of a property, as far as it is known."""
    return equal(property_of(a, name), property_of(b, name)) is True


@fact(
    "guest",
    *TYPES,
    fields=("conditional", "image", "multiAddress", "agentless", "where", "note"),
)
def guest(resource: Resource) -> Value:
    """The circumstances of something that is done or configured inside a machine.

    `conditional`: only under a condition that is not decided. `image`: by an image build (Packer, Image Builder, or
    beside sysprep or deprovisioning). `multiAddress`: the machine is declared with a network interface of several IP
    configurations. `agentless`: the joined backup policy does without the agent. `where`: the machine or the file.
    `note`: a text for messages. catalogue B.7, 0.2(8)
    """
    place = resource.body.place
    machine = resource.parent if resource.parent is not None and says(Value(resource.parent.type), VM) else None
    conditional = property_of(resource, "conditional").data is True
    agent = needs_guest_agent(machine) if machine is not None else Value(True, place)
    return record(
        resource.body,
        conditional=Value(conditional, place),
        image=Value(_image(resource), place),
        multiAddress=Value(machine is not None and _several(machine), place),
        agentless=Value(agent.data is False, place),
        where=Value(_where(resource), place),
        note=Value(" (under a condition)" if conditional else "", place),
    )


def _where(resource: Resource) -> str:
    if resource.parent is not None:
        return resource.parent.address
    return resource.address.partition(":")[0]


def _image(resource: Resource) -> bool:
    if resource.extra["image"].data is True:
        return True
    if any(True for _ in unit_of(resource, "guest/imageSteps")):
        return True
    return any("sysprepexternal\\generalize" in (text_of(each, "key") or "") for each in unit_of(resource, REGISTRY))


def _several(machine: Resource) -> bool:
    """Whether a network interface of the machine has several IP configurations."""
    for nic in related(machine, "networkInterfaces").items:
        data = nic.get("properties.ipConfigurations").data
        if isinstance(data, ListData) and len(data.items) > 1:
            return True
    return False


# -- firewalls ---------------------------------------------------------------------------------------------------------


def _covered(rule: Resource) -> set[str] | None:
    data = property_of(rule, "covers").data
    return {str(item.data) for item in data.items} if isinstance(data, ListData) else None


@fact("guestRule", RULES, fields=("exempted", "agentPorts"))
def guest_rule(rule: Resource) -> Value:
    """What a firewall rule means for traffic to the Azure host.

    `exempted`: an earlier rule of the same chain accepts what this one blocks, also where it does so for root only,
    as the Linux agent's own rules do (N-WA); in the Windows firewall a block wins over every allow. `agentPorts`: the
    ports of 80, 443 and 32526 that it takes. catalogue BKP602
    """
    taken, place = _covered(rule), rule.body.place
    cause = property_of(rule, "covers")
    ports = None if taken is None else sorted(taken & {"80", "443", "32526"}, key=int)
    return record(
        rule.body,
        exempted=Value(_led_to(rule, 0) or _exempted(rule), place),
        agentPorts=cause if ports is None else Value(ListData(tuple(Value(port, place) for port in ports)), place),
    )


_OUTPUT = re.compile(r"(?:\A|/)[^/]*output[^/]*\Z|firewalld/rich\Z|\A\Z", re.I)
_ELSEWHERE = re.compile(r"/(?:docker.*|kube-.*|cali-.*|.*forward.*|.*input.*|.*prerouting.*)\Z", re.I)


def _led_to(rule: Resource, depth: int) -> bool | Unknown:
    """False where outgoing traffic comes to the chain of a rule, True where it does not; unknown where nothing in the
    unit leads to a chain of one's own."""
    chain = text_of(rule, "chain") or ""
    if text_of(rule, "tool") != "iptables" or _OUTPUT.search(chain):
        return False
    if _ELSEWHERE.search(chain):
        return True
    leading = [each for each in unit_of(rule, RULES) if text_of(each, "jump") == chain]
    answers = [_led_to(each, depth + 1) for each in leading if depth < 8]
    if False in answers:
        return False
    name = chain.rpartition("/")[2]
    unknown = Unknown(Reason.OPEN, f"whether OUTPUT leads to the chain {name}", rule.body.place)
    return True if answers and all(each is True for each in answers) else unknown


def _exempted(rule: Resource) -> bool:
    if text_of(rule, "tool") == "windows":
        return False
    wanted = (_covered(rule) or set()) & {"80", "32526"} or {"80", "32526"}
    open_: set[str] = set()
    for each in _chain(rule):
        if each is rule:
            return wanted <= open_
        roots = text_of(each, "owner") in ("", "0", "root")
        if roots and text_of(each, "action") == "allow" and text_of(each, "reach") in ("explicit", "any"):
            open_ |= _covered(each) or set()
    return False


def _chain(rule: Resource) -> list[Resource]:
    """The rules of a chain in the order they are asked: what is inserted comes before what is there."""
    found: list[Resource] = []
    for each in unit_of(rule, RULES, "guest/firewallFlushes"):
        if text_of(each, "chain") != text_of(rule, "chain"):
            continue
        position = text_of(each, "position") or "bottom"
        if each.type == "guest/firewallFlushes":
            found = []
        elif position.isdigit():
            found.insert(min(max(int(position) - 1, 0), len(found)), each)
        else:
            found.append(each)
    return sorted(found, key=_priority)


def _priority(rule: Resource) -> int:
    """The priority of a direct rule of firewalld; those without one keep their order, behind them."""
    match = re.fullmatch(r"priority (-?\d+)", text_of(rule, "position") or "")
    return int(match[1]) if match else 1 << 31


@fact("guestEgressOpen", DEFAULTS)
def guest_egress_open(default: Resource) -> Value:
    """Whether a rule of the same unit allows the agent's ports 80 and 32526 to the Azure host, wherever it stands.

    Unknown where such a rule has addresses or ports that are not known. catalogue BKP603
    """
    open_: set[str] = set()
    undecided: Unknown | None = None
    for rule in unit_of(default, RULES):
        if text_of(rule, "action") != "allow" or text_of(rule, "direction") != text_of(default, "direction"):
            continue
        reach, taken = text_of(rule, "reach"), _covered(rule)
        if reach in ("explicit", "any") and taken is not None:
            open_ |= taken
        elif reach != "other":
            undecided = (
                undecided or first_unknown(property_of(rule, "reach")) or first_unknown(property_of(rule, "covers"))
            )
    if {"80", "32526"} <= open_:
        return Value(True, default.body.place)
    return Value(False if undecided is None else undecided, default.body.place)


@fact("guestDefaultReplaced", DEFAULTS)
def guest_default_replaced(default: Resource) -> Value:
    """Whether a later statement of the same unit sets the same default to allow."""
    found = any(
        same(default, each, "tool") and same(default, each, "direction") and text_of(each, "action") == "allow"
        for each in later(default, DEFAULTS)
    )
    return Value(found, default.body.place)


# -- the rest ----------------------------------------------------------------------------------------------------------


@fact("guestProxyBypassed", PROXIES)
def guest_proxy_bypassed(proxy: Resource) -> Value:
    """Whether traffic to 168.63.129.16 goes round a proxy: by its own list, or by one set beside it in the same scope.

    Unknown where a list is not known. catalogue BKP604
    """
    own = property_of(proxy, "bypassesHost")
    answers = [own]
    answers += [
        property_of(each, "bypassesHost")
        for each in unit_of(proxy, PROXIES)
        if each is not proxy and same(each, proxy, "scope") and property_of(each, "url").exists is False
    ]
    if any(answer.data is True for answer in answers):
        return Value(True, own.place)
    return next((answer for answer in answers if answer.unknown is not None), Value(False, own.place))


@fact("guestOtherDhcp", SERVICES)
def guest_other_dhcp(change: Resource) -> Value:
    """Whether the same unit sets up another DHCP client than the service that is changed. catalogue BKP619"""
    wanted = {"networkmanager", "systemd-networkd", "dhcpcd", "wicked", "networking"}
    name = text_of(change, "service")
    found = any(
        text_of(each, "action") in ("enable", "start", "unmask") and text_of(each, "service") in wanted - {name}
        for each in unit_of(change, SERVICES)
    )
    found = found or any(
        text_of(each, "action") == "install"
        and text_of(each, "package") in ("network-manager", "networkmanager", "dhcpcd", "dhcpcd5")
        for each in unit_of(change, PACKAGES)
    )
    return Value(found, change.body.place)


_DEPENDENCIES = (
    (".NET Framework 4.5 or later", re.compile(r"netfx4.*|net-framework-45.*|.*\.net framework 4(?:\.[0-9.]+)?\b.*")),
    (
        "Visual C++ runtime",
        re.compile(r".*visual c\+\+ 201[23].*redist.*|.*visual c\+\+ 201[23]\b.*|vcredist201[23].*"),
    ),
    (
        "Python",
        re.compile(r"python(?:[23](?:\.\d+)?)?(?:-minimal|\*)?|/usr/bin/python[23*]?(?:\.\d+)?\*?|/usr/bin/python\*"),
    ),
)


@fact("guestDependency", PACKAGES, FILES)
def guest_dependency(removal: Resource) -> Value:
    """What the agent or the backup extension needs of what is removed: `.NET Framework 4.5 or later`, `Visual C++
    runtime`, `Python`; missing where it needs none of it. catalogue BKP622; S2 step 2 and agent sections
    """
    value = property_of(removal, "package" if removal.type == PACKAGES else "path")
    if value.unknown is not None:
        known = value.data.prefix if isinstance(value.data, Text) else ""
        possible = known == "" or known.startswith(("python", "/usr/bin/p")) or "python".startswith(known)
        return Value(value.unknown, value.place) if possible else missing(value.place)
    text = str(value.data).casefold()
    found = next((name for name, pattern in _DEPENDENCIES if pattern.fullmatch(text)), None)
    return missing(value.place) if found is None else Value(found, value.place)


@fact("guestMountTwin", MOUNTS, fields=("exists", "bind", "first"))
def guest_mount_twin(mount: Resource) -> Value:
    """The earlier entry of the same unit with the same mount point.

    `exists`; `bind`: this or the other is a bind mount, or both are of one device; `first`: the device of the other.
    catalogue BKP620
    """
    point = property_of(mount, "point")
    undecided: Unknown | None = None
    for each in unit_of(mount, MOUNTS):
        if each is mount:
            break
        if _apart(each, mount) and equal(property_of(each, "point"), point) is True:  # perhaps one or the other
            place = each.body.place
            undecided = undecided or Unknown(Reason.CONDITION, "whether both mounts are made", place)
            continue
        if equal(property_of(each, "point"), point) is None:
            undecided = undecided or point.unknown or property_of(each, "point").unknown
        if equal(property_of(each, "point"), point) is True and same(mount, each, "device") is False:
            bound = property_of(each, "bind").data is True or property_of(mount, "bind").data is True
            first = property_of(each, "device")
            return record(
                mount.body, exists=Value(True), bind=Value(bound), first=first._replace(place=each.body.place)
            )
    found = Value(False if undecided is None else undecided, point.place)
    return record(mount.body, exists=found, bind=Value(False), first=Value(None, point.place))


def _apart(a: Resource, b: Resource) -> bool:
    """Whether two things happen under conditions of which neither is the other's, so that perhaps only one does."""
    if property_of(a, "conditional").data is not True or property_of(b, "conditional").data is not True:
        return False
    first, second = str(a.extra["branch"].data), str(b.extra["branch"].data)
    return not (first.startswith(second) or second.startswith(first))


@fact("guestSelinuxExcluded", SELINUX)
def guest_selinux_excluded(setting: Resource) -> Value:
    """Whether the same unit gives SELinux an exclusion for `/var/lib/waagent`. catalogue BKP616"""
    found = any(text_of(each, "action") == "exclusion" for each in unit_of(setting, SELINUX))
    return Value(found, setting.body.place)


@fact("guestSql", SQL, SQL_MACHINES, fields=("protected", "vssCopy"))
def guest_sql(backup: Resource) -> Value:
    """The machine whose databases SQL Server backs up itself.

    `protected`: whether a protected item refers to it; unknown where nothing tells. `vssCopy`: whether what is brought
    to it sets USEVSSCOPYBACKUP for the backup extension. catalogue BKP617; N-INTRO19
    """
    machine, place = backup.parent, backup.body.place
    if says(Value(backup.type), SQL_MACHINES):
        machine = backup.world.link(backup.get("properties.virtualMachineResourceId"), VM).resource
    open_ = Unknown(Reason.OPEN, "whether the machine is protected", place)
    if machine is None or not says(Value(machine.type), VM):
        return record(backup.body, protected=Value(open_, place), vssCopy=Value(_copies(backup.world, None), place))
    state = read("protection.state", machine)
    protected = Value(open_, place) if state.data == "unknown" else Value(True, state.place)
    return record(backup.body, protected=protected, vssCopy=Value(_copies(backup.world, machine), place))


def _copies(world: World, machine: Resource | None) -> bool:
    """Whether registry values of a machine, or of a file, say so."""
    return any(
        each.parent is machine
        and (text_of(each, "key") or "").endswith("\\microsoft\\bcdragent")
        and text_of(each, "name") == "usevsscopybackup"
        and says(step(each.get("properties"), "value"), "true") is True
        for each in world.of(REGISTRY)
    )

"""A tenant of any size whose rows are made when they are asked for, so that the fake holds none of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache

from azure_fake.rows import (
    Row,
    disk,
    extension,
    id_of,
    item,
    lock,
    nic,
    nsg,
    policy,
    rule,
    subnet,
    subscription,
    table_of,
    vault,
    vm,
    vnet,
)

OVERHEAD = 5
"""Resources of a subscription besides its machines: group, network, vault, policy and a lock."""

PER_MACHINE = 6
"""Resources of a machine: itself, its card, its item, two disks and the service's extension."""


class Tenant:
    """`subscriptions` subscriptions of `size` resources each: protected machines with their disks, cards and the
    service's extension, every other one in the network of the first subscription. One in `faulty` machines has a disk
    that is too large."""

    def __init__(self, subscriptions: int, size: int, faulty: int = 10) -> None:
        self._number = subscriptions
        self._machines = max(1, (size - OVERHEAD) // PER_MACHINE)
        self._faulty = faulty
        self._ids = [f"{number:08x}-0000-4000-8000-000000000000" for number in range(1, subscriptions + 1)]
        self._rows = lru_cache(maxsize=64)(self._made)

    @property
    def resources(self) -> int:
        """All resources of the tenant."""
        return self._number * (OVERHEAD + PER_MACHINE * self._machines)

    def rows(self, table: str, subscriptions: frozenset[str] | None) -> Iterable[Row]:
        """See Store."""
        wanted = self._ids if subscriptions is None else [each for each in self._ids if each in subscriptions]
        if table == "resourcecontainers":
            yield from (subscription(each, f"sub-{each[:8]}", ["root"]) for each in wanted)
            return
        for each in wanted:
            yield from (row for row in self._rows(each) if table_of(row["type"]) == table)

    def locks(self, subscription_: str) -> list[Row]:
        """See Store."""
        return [lock(f"/subscriptions/{subscription_}/resourceGroups/rg-net", "network-stays")]

    def _made(self, s: str) -> list[Row]:
        return list(self._subscription(s))

    def _subscription(self, s: str) -> Iterator[Row]:
        group = nsg(
            s, "rg-net", "nsg", [rule(f"allow-{n}", "Allow", "VirtualNetwork", str(n), 100 + n) for n in range(8)]
        )
        network = vnet(s, "rg-net", "vnet", [subnet("app", group["id"])])
        yield from (group, network, vault(s, "rg-bk", "rsv"), policy(s, "rg-bk", "rsv"))
        for number in range(self._machines):
            name = f"vm{number:05d}"
            data = id_of(s, "rg-app", "Microsoft.Compute/disks", f"{name}-data")
            joined = network["id"] if number % 2 else network["id"].replace(s, self._ids[0])
            card = nic(s, "rg-app", f"{name}-nic", f"{joined}/subnets/app")
            machine = vm(s, "rg-app", name, [card["id"]], [data])
            size = 40000 if number % self._faulty == self._faulty - 1 else 256
            yield from (machine, card, item(s, "rg-bk", "rsv", machine["id"]))
            yield disk(s, "rg-app", f"{name}-os", 30, machine["id"])
            yield disk(s, "rg-app", f"{name}-data", size, machine["id"])
            yield extension(s, "rg-app", name, "snap", "Microsoft.Azure.RecoveryServices", "VMSnapshotLinux")

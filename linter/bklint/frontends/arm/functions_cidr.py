"""Functions of address ranges: https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions-cidr"""

from __future__ import annotations

import ipaddress

from bklint.frontends.arm.functions import Result, Values, pure
from bklint.frontends.arm.operands import FunctionError, integer, string
from bklint.model.value import ObjectData, Value

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _network(value: Value) -> Network:
    try:
        return ipaddress.ip_network(string(value), strict=False)
    except ValueError as error:
        raise FunctionError("the text is no address range") from error


@pure("parseCidr", 1, 1, "object")
def parse_cidr(operands: Values) -> Result:
    """The parts of a range. IPv6 ranges have no broadcast address, and all their addresses are usable."""
    network = _network(operands[0])
    first, last = network.network_address, network.broadcast_address
    found: dict[str, str | int] = {"network": str(first), "netmask": str(network.netmask)}
    if network.version == 4:
        found["broadcast"] = str(last)
        if network.prefixlen < 31:
            first, last = first + 1, last - 1
    found.update(firstUsable=str(first), lastUsable=str(last), cidr=network.prefixlen)
    return ObjectData({name: Value(item, operands[0].place, operands[0].hops) for name, item in found.items()})


@pure("cidrSubnet", 3, 3, "string")
def cidr_subnet(operands: Values) -> Result:
    """The subnet of a given size and number in a range."""
    network, size, index = _network(operands[0]), integer(operands[1]), integer(operands[2])
    if not network.prefixlen <= size <= network.max_prefixlen:
        raise FunctionError("the size does not fit into the range")
    if not 0 <= index < 1 << (size - network.prefixlen):
        raise FunctionError("there is no subnet of that number")
    start = int(network.network_address) + (index << (network.max_prefixlen - size))
    return f"{network.network_address.__class__(start)}/{size}"


@pure("cidrHost", 2, 2, "string")
def cidr_host(operands: Values) -> Result:
    """The usable address of a number in a range; number 0 is the first after the network's own."""
    network, index = _network(operands[0]), integer(operands[1])
    if not 0 <= index < network.num_addresses - 1:
        raise FunctionError("there is no host of that number")
    return str(network.network_address + index + 1)

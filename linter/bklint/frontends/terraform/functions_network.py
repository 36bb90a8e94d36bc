"""IP network functions.

https://developer.hashicorp.com/terraform/language/functions (IP network functions)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address
from typing import NamedTuple

from bklint.frontends.terraform.functions_arguments import (
    Args,
    CallContext,
    FailedError,
    Function,
    Result,
    UndecidedError,
    integer,
    string,
)
from bklint.model.value import ListData, Reason, Unknown, Value

_MAPPED = range(0xFFFF << 32, 0x10000 << 32)
_ZEROS = re.compile(r"(?<![\d.])0+(?=\d)|(?<=\.)0+(?=\d)")


class _Network(NamedTuple):
    """An address range: `bits` is 32 or 128; host bits of `address` are zero."""

    address: int
    prefix: int
    bits: int

    @property
    def size(self) -> int:
        """How many bits number the hosts."""
        return self.bits - self.prefix


def _network(written: str) -> _Network:
    address, slash, prefix = written.partition("/")
    try:
        if ":" in address:
            number, bits = int(IPv6Address(address)), 128
        else:
            number, bits = int(IPv4Address(_ZEROS.sub("", address))), 32
        if not slash or not prefix.isascii() or not prefix.isdigit() or int(prefix) > bits or "%" in address:
            raise ValueError
    except ValueError as error:
        raise FailedError(f"{written!r} is no address range in CIDR notation") from error
    size = bits - int(prefix)
    return _Network(number >> size << size, int(prefix), bits)


def _address(number: int, bits: int) -> str:
    if bits == 32:
        return str(IPv4Address(number))
    if number in _MAPPED:
        raise _unsupported("an IPv4-mapped IPv6 address")
    return str(IPv6Address(number))


def _unsupported(what: str) -> UndecidedError:
    return UndecidedError(Unknown(Reason.UNSUPPORTED, f"an address range with {what}"))


def _cidrhost(args: Args, context: CallContext) -> Result:
    network, number = _network(string(args[0])), integer(args[1])
    count = 1 << network.size
    if not -count <= number < count:
        raise FailedError(f"a prefix of {network.prefix} does not accommodate a host numbered {number}")
    return _address(network.address + number % count, network.bits)


def _cidrnetmask(args: Args, context: CallContext) -> Result:
    network = _network(string(args[0]))
    if network.bits == 128:
        raise FailedError("IPv6 addresses cannot have a netmask")
    return _address((1 << 32) - (1 << network.size), 32)


def _cidrsubnet(args: Args, context: CallContext) -> Result:
    network, new_bits, number = _network(string(args[0])), integer(args[1]), integer(args[2])
    if new_bits < 0 or number < 0:
        raise _unsupported("a negative number")
    prefix = network.prefix + new_bits
    if prefix > network.bits:
        raise FailedError(f"insufficient address space to extend a prefix of {network.prefix} by {new_bits}")
    if number >= 1 << new_bits:
        raise FailedError(f"a prefix extension of {new_bits} does not accommodate a subnet numbered {number}")
    return f"{_address(network.address + (number << network.bits - prefix), network.bits)}/{prefix}"


def _cidrsubnets(args: Args, context: CallContext) -> Result:
    network = _network(string(args[0]))
    end = network.address + (1 << network.size)
    following = network.address
    found = []
    for arg in args[1:]:
        prefix = network.prefix + _extension(integer(arg), network)
        size = network.bits - prefix
        start = -(-following >> size) << size
        following = start + (1 << size)
        if following > end:
            raise FailedError(f"not enough remaining address space for a subnet with a prefix of {prefix} bits")
        found.append(Value(f"{_address(start, network.bits)}/{prefix}", context.place))
    return ListData(tuple(found))


def _extension(new_bits: int, network: _Network) -> int:
    if new_bits < 1:
        raise FailedError("a prefix must be extended by at least one bit")
    if new_bits > 32 or network.prefix + new_bits > network.bits:
        raise FailedError(f"a prefix of {network.prefix} cannot be extended by {new_bits} bits")
    return new_bits


TABLE: Mapping[str, Function] = {
    "cidrhost": Function(_cidrhost, 2, 2, "string"),
    "cidrnetmask": Function(_cidrnetmask, 1, 1, "string"),
    "cidrsubnet": Function(_cidrsubnet, 3, 3, "string"),
    "cidrsubnets": Function(_cidrsubnets, 1, None, "list"),
}

"""The address of a request, the host that it names, and which addresses count as one client."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

_NETWORK_BITS = 64


def address_of(scope: Mapping[str, Any]) -> str:
    """The client's address, or an empty string; behind a trusted proxy, the address it forwards."""
    peer = scope.get("client")
    return peer[0] if peer else ""


def is_loopback(address: str) -> bool:
    """Whether an address is this machine.

    >>> is_loopback("127.0.0.1"), is_loopback("::1"), is_loopback("10.0.0.1"), is_loopback("")
    (True, True, False, False)
    """
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def host_of(header: str) -> str:
    """The name in a Host header, without its port and brackets.

    >>> host_of("Example.org:8000"), host_of("[::1]:8000"), host_of("localhost")
    ('example.org', '::1', 'localhost')
    """
    name = header.strip().lower()
    if name.startswith("["):
        return name[1:].partition("]")[0]
    return name.rpartition(":")[0] if ":" in name else name


def counted_as(address: str) -> str:
    """The key that limits count by: an address, or an IPv6 network, since a home has 2**64.

    >>> counted_as("2001:db8:1:2:3:4:5:6"), counted_as("::ffff:192.0.2.7"), counted_as("192.0.2.7")
    ('2001:db8:1:2::/64', '192.0.2.7', '192.0.2.7')
    """
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return address
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, _NETWORK_BITS), strict=False))

"""Where webhooks may go: public addresses by their plain names, resolved once and then pinned.

The address that was looked at is the address that is connected to; a name that answers differently
the second time gains nothing.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from domain.errors import RowRefused, Unavailable

Resolve = Callable[[str, int], Sequence[str]]
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_NAME = re.compile(rf"(?:{_LABEL}\.){{1,10}}[a-z][a-z0-9-]{{0,61}}[a-z0-9]")
_LONGEST = 2_000
_PORTS = {"https": 443, "http": 80}
_HIDING = tuple(
    ipaddress.ip_network(net)
    for net in ("::/96", "64:ff9b::/96", "64:ff9b:1::/48", "2001::/32", "2002::/16", "fec0::/10")
)


@dataclass(frozen=True)
class Target:
    """A URL that was found good, and the one address to connect to."""

    scheme: str
    host: str
    port: int
    path: str
    address: str


def resolved(host: str, port: int) -> Sequence[str]:
    """Every address of a name, as the system answers."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(info[4][0]) for info in found]


def target_of(url: str, own_hosts: Sequence[str] = (), resolve: Resolve = resolved) -> Target:
    """The target of a URL; `RowRefused` for what may not be called, `Unavailable` without a name.

    `own_hosts` (name:port) are in the house and may be private and without TLS.
    """
    parts = _parsed(url)
    host, port = _host(parts), _port(parts)
    own = f"{host}:{port}" in own_hosts
    if parts.scheme != "https" and not own:
        raise _refused("must begin with https://")
    if not own and not (_NAME.fullmatch(host) or _is_plain_address(host)):
        raise _refused("must name a host in full, as in https://hooks.example.com/path")
    addresses = _resolved(host, port, resolve)
    if not own and not all(_is_public(address) for address in addresses):
        raise _refused("leads to an address inside a network; it must be a public one")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, host, port, path, addresses[0])


def _parsed(url: str) -> SplitResult:
    if len(url) > _LONGEST or not url.isascii() or not url.isprintable() or " " in url:
        raise _refused("must be plain ASCII without blanks, at most 2,000 characters")
    if "\\" in url:
        raise _refused("must not hold a backslash")
    try:
        parts = urlsplit(url)
    except ValueError:
        raise _refused("is no URL") from None
    if parts.scheme not in _PORTS:
        raise _refused("must begin with https://")
    if "@" in parts.netloc or parts.fragment:
        raise _refused("must hold no user name, password or fragment")
    return parts


def _host(parts: SplitResult) -> str:
    host = (parts.hostname or "").lower()
    if not host or "%" in parts.netloc:
        raise _refused("must name a host")
    return host


def _port(parts: SplitResult) -> int:
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        raise _refused("has no port that there could be")
    return port or _PORTS[parts.scheme]


def _is_plain_address(host: str) -> bool:
    """Whether it is an address in its usual notation, not 127.1, 0x7f000001 or 2130706433."""
    try:
        return str(ipaddress.ip_address(host)) == host
    except ValueError:
        return False


def _resolved(host: str, port: int, resolve: Resolve) -> Sequence[str]:
    try:
        addresses = resolve(host, port)
    except (OSError, UnicodeError):
        addresses = []
    if not addresses:
        raise Unavailable("the name of the webhook's host has no address now")
    return addresses


def _is_public(written: str) -> bool:
    try:
        address = ipaddress.ip_address(written.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and _hides_another(address):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def _hides_another(address: ipaddress.IPv6Address) -> bool:
    """Whether an IPv4 address stands inside, which a gateway would go on to."""
    return address.ipv4_mapped is not None or any(address in net for net in _HIDING)


def _refused(reason: str) -> RowRefused:
    return RowRefused(reason, "url")

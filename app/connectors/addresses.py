"""Which addresses we may call: public https, and what CROSSFOOT_ALLOW_HOSTS names. Checked again on every connection.

A host name is judged by what it resolves to at the moment of connecting, so that a name cannot be turned to an inside
address after it was checked.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Self
from urllib.parse import urlsplit

from requests.adapters import HTTPAdapter
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import NameResolutionError

from app.connectors.protocols import ConnectionFailedError

Ip = ipaddress.IPv4Address | ipaddress.IPv6Address

#: IPv4 inside IPv6 for networks without IPv4 (RFC 6052): judged by the address inside.
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
PORTS = {"http": 80, "https": 443}


class NotSentError(ConnectionFailedError):
    """The request was provably not executed: no byte of it reached the vendor."""


class AddressRefusedError(NotSentError):
    """The address is not one that we may call."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message, remedy, systemic=True, code="not_allowed_address")


@dataclass(frozen=True, slots=True)
class NetRules:
    """Address rules and time limits of all vendor calls.

    Attributes:
        allow: ``host:port`` (port ``*``: any) that may be plain http, private or loopback.
        connect_timeout: seconds.
        read_timeout: seconds without a byte of the answer.
        ca_bundle: file with the only certificate authorities to trust; empty: those of this machine and of certifi.
    """

    allow: frozenset[str] = frozenset()
    connect_timeout: float = 10.0
    read_timeout: float = 120.0
    ca_bundle: str = ""

    @classmethod
    def parse(cls, allow_hosts: str, **rest: Any) -> Self:
        """Rules from the text of CROSSFOOT_ALLOW_HOSTS, e.g. ``localhost:8088,cw.corp.example:*``."""
        names = (name.strip().lower().replace("[", "").replace("]", "") for name in allow_hosts.split(","))
        return cls(frozenset(name for name in names if name), **rest)

    def lists(self, host: str, port: int) -> bool:
        """Whether an administrator has named this host and port."""
        return bool({f"{host.lower()}:{port}", f"{host.lower()}:*"} & self.allow)

    def check_url(self, url: str) -> None:
        """Refuse what is not https, unless it is named. Raises AddressRefusedError."""
        try:
            parts = urlsplit(url)
            port = parts.port or PORTS.get(parts.scheme, 0)
        except ValueError:
            raise AddressRefusedError("The address is not valid.", "Check the address.") from None
        host = parts.hostname or ""
        if not host or not port or "@" in parts.netloc:
            raise AddressRefusedError("The address is not valid.", "Give an address such as https://api.example.com.")
        if parts.scheme != "https" and not self.lists(host, port):
            raise AddressRefusedError(
                f"{host}:{port} is not https.", f"Use https, or add {host}:{port} to CROSSFOOT_ALLOW_HOSTS."
            )

    def check_ip(self, host: str, port: int, ip: str) -> None:
        """Refuse what a host resolves to, unless it is public or named. Raises AddressRefusedError."""
        address = _inner(ipaddress.ip_address(ip.partition("%")[0]))
        if address.is_link_local or address.is_multicast or address.is_unspecified:
            raise AddressRefusedError(
                f"{host} is a link-local or otherwise special address ({address}), which is never called.",
                "Enter the vendor's real address.",
            )
        if not address.is_global and not self.lists(host, port):
            raise AddressRefusedError(
                f"{host} is an address inside this network ({address}).",
                f"Check the address; if it is meant, add {host}:{port} to CROSSFOOT_ALLOW_HOSTS.",
            )


def _inner(address: Ip) -> Ip:
    """The IPv4 address that an IPv6 address stands for, or the address itself."""
    if not isinstance(address, ipaddress.IPv6Address):
        return address
    if address in NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


class _Guard(HTTPConnection):
    """A connection that looks where it leads before and after it is made."""

    rules: NetRules

    def _new_conn(self) -> socket.socket:
        for ip in self._resolved():
            self.rules.check_ip(self.host, self.port, ip)
        connected = super()._new_conn()
        try:
            # The name was resolved once more for connecting: what counts is where we really are.
            self.rules.check_ip(self.host, self.port, connected.getpeername()[0])
        except AddressRefusedError:
            connected.close()
            raise
        return connected

    def _resolved(self) -> list[str]:
        try:
            return [str(found[4][0]) for found in socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)]
        except (socket.gaierror, UnicodeError) as error:
            cause = error if isinstance(error, socket.gaierror) else socket.gaierror(str(error))
            raise NameResolutionError(self.host, self, cause) from None


class _SecureGuard(_Guard, HTTPSConnection):
    """The same over TLS."""


class _GuardedAdapter(HTTPAdapter):
    """Mounts guarded connections into a requests session."""

    def __init__(self, rules: NetRules, connections: int) -> None:
        self._rules = rules
        super().__init__(pool_connections=4, pool_maxsize=connections)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, ssl_context=trust(self._rules.ca_bundle), **kwargs)
        rules = {"rules": self._rules}
        plain: Any = type("Plain", (HTTPConnectionPool,), {"ConnectionCls": type("Guard", (_Guard,), rules)})
        secure: Any = type("Secure", (HTTPSConnectionPool,), {"ConnectionCls": type("Guard", (_SecureGuard,), rules)})
        self.poolmanager.pool_classes_by_scheme = {"http": plain, "https": secure}

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Always verified, by our context; requests would load its own bundle into it for every connection."""
        conn.cert_reqs = "CERT_REQUIRED"


@lru_cache(maxsize=8)
def trust(ca_bundle: str) -> ssl.SSLContext:
    """This machine's authorities, so that an office's own counts, and certifi's, where the machine's are old.

    Read once a process: to read them takes longer than most of what is done with a connection.
    """
    context = ssl.create_default_context(cafile=ca_bundle or None)
    if not ca_bundle:
        context.load_verify_locations(DEFAULT_CA_BUNDLE_PATH)
    return context


def guarded_adapter(rules: NetRules, connections: int) -> HTTPAdapter:
    """An adapter for a requests session that obeys the rules on every new connection."""
    return _GuardedAdapter(rules, connections)

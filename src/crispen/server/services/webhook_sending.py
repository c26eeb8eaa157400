"""Delivers one signed webhook message, and only to an allowed address.

Messages are signed as https://www.standardwebhooks.com describes. The address that was checked is
the one that is connected to, so that DNS rebinding has no effect; redirects are not followed.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import ipaddress
import socket
import ssl
import time
from urllib.parse import SplitResult, urlsplit

from crispen.errors import CrispenError, UsageError

TIMEOUT_S = 15.0


class NotDelivered(CrispenError):
    """The receiver did not accept a message; it may do so later."""


def signature(key: bytes, id: str, timestamp: int, body: bytes) -> str:
    """The value of the ``webhook-signature`` header.

    >>> key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    >>> signature(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE='
    """
    signed = f"{id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def check_url(url: str, hosts: tuple[str, ...]) -> SplitResult:
    """The parts of an allowed address.

    Args:
        url: An http or https address.
        hosts: Allowed host names; ``*.example.org`` allows all subdomains.

    Raises:
        UsageError: It is not allowed, or not an address.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError as error:
        raise UsageError("webhook: not an address such as https://example.org/hook") from error
    if parts.scheme not in ("http", "https") or not host or parts.username is not None:
        raise UsageError("webhook: not an address such as https://example.org/hook")
    if not any(_matches(host, name.lower()) for name in hosts):
        raise UsageError(
            f"webhook: this server may not send webhooks to {host}; ask its operator to add the "
            "host to webhook_hosts"
        )
    return parts


def send(
    url: str,
    id: str,
    body: bytes,
    key: bytes,
    *,
    hosts: tuple[str, ...],
    private: bool = False,
    timeout_s: float = TIMEOUT_S,
) -> None:
    """Send a message.

    Args:
        url: The receiver's address.
        id: The message's; the same in each attempt.
        body: JSON.
        key: The signing key.
        hosts: See `check_url`.
        private: Whether this machine and the local network are allowed.
        timeout_s: Limit for connecting, and for each read and write.

    Raises:
        NotDelivered: The receiver did not accept it.
        UsageError: The address is no longer allowed.
    """
    parts = check_url(url, hosts)
    now = int(time.time())
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Crispen",
        "webhook-id": id,
        "webhook-timestamp": str(now),
        "webhook-signature": signature(key, id, now, body),
    }
    try:
        connection = _connected(parts, private, timeout_s)
        try:
            path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            connection.request("POST", path, body, headers)
            status = connection.getresponse().status
        finally:
            connection.close()
    except (OSError, http.client.HTTPException, ValueError) as error:
        if isinstance(error, CrispenError):
            raise
        raise NotDelivered(f"{parts.hostname}: {error or type(error).__name__}") from error
    if not 200 <= status < 300:
        raise NotDelivered(f"{parts.hostname} answers {status}")


def _matches(host: str, name: str) -> bool:
    if name.startswith("*."):
        return host.endswith(name[1:])
    return host == name


def _connected(parts: SplitResult, private: bool, timeout_s: float) -> http.client.HTTPConnection:
    host, secure = parts.hostname or "", parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    # One address that is not public is enough to refuse the host.
    if not private:
        for address in addresses:
            if not is_public(address):
                raise NotDelivered(
                    f"{host} is {address}, which is not public; webhook_private allows it"
                )
    plain = socket.create_connection((addresses[0], port), timeout_s)
    connection = http.client.HTTPConnection(host, port, timeout=timeout_s)
    connection.sock = plain
    if secure:
        try:
            context = ssl.create_default_context()
            connection.sock = context.wrap_socket(plain, server_hostname=host)
        except BaseException:
            plain.close()
            raise
    return connection


def is_public(address: str) -> bool:
    """Whether an address is on the public internet, rather than in a private network.

    >>> [is_public(a) for a in ("93.184.216.34", "10.0.0.1", "169.254.169.254", "::ffff:127.0.0.1")]
    [True, False, False, False]
    """
    found = ipaddress.ip_address(address.partition("%")[0])
    inner = getattr(found, "ipv4_mapped", None) or getattr(found, "sixtofour", None)
    if inner is not None:
        found = inner
    return found.is_global and not found.is_multicast

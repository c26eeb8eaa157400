"""Which addresses are allowed, and what a message looks like; with receivers on this machine."""

from __future__ import annotations

import pytest

from crispen.errors import UsageError
from crispen.server.services import webhook_sending
from crispen.server.services.webhook_sending import NotDelivered, check_url, is_public, send

from ..receiver import KEY, receiver, verified

LOCAL = ("127.0.0.1", "localhost")


def test_a_message_that_its_receiver_can_verify():
    with receiver() as server:
        send(server.url, "msg_1", b'{"a": 1}', KEY, hosts=LOCAL, private=True)
    ((headers, body),) = server.got
    assert (headers["webhook-id"], body) == ("msg_1", b'{"a": 1}')
    assert verified(headers, body)
    assert not verified(headers, body + b" ")


@pytest.mark.parametrize("status", [301, 302, 400, 410, 500, 503])
def test_what_is_not_taken(status):
    with receiver(status) as server, pytest.raises(NotDelivered, match=f"answers {status}"):
        send(server.url, "msg_1", b"{}", KEY, hosts=LOCAL, private=True)
    assert len(server.got) == 1  # a redirect is not followed


def test_nobody_there():
    with receiver() as server:
        url = server.url
    with pytest.raises(NotDelivered, match="refused"):
        send(url, "msg_1", b"{}", KEY, hosts=LOCAL, private=True)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_this_machine_is_refused_unless_allowed(host):
    with receiver() as server, pytest.raises(NotDelivered, match="which is not public"):
        send(server.url.replace("127.0.0.1", host), "msg_1", b"{}", KEY, hosts=LOCAL)
    assert server.got == []


def test_a_name_that_is_allowed_and_means_a_private_address(monkeypatch):
    asked = []

    def lookup(host, port, **_):
        asked.append(host)
        return [(2, 1, 6, "", ("93.184.216.34", port)), (2, 1, 6, "", ("10.0.0.1", port))]

    monkeypatch.setattr(webhook_sending.socket, "getaddrinfo", lookup)
    with pytest.raises(NotDelivered, match=r"example\.org is 10\.0\.0\.1, which is not public"):
        send("http://example.org/", "msg_1", b"{}", KEY, hosts=("example.org",))
    assert asked == ["example.org"]


def test_the_address_that_was_checked_is_the_one_that_is_connected_to(monkeypatch):
    """A name that means another host at the second look-up fools nobody."""
    with receiver() as server:
        port = int(server.url.rpartition(":")[2].strip("/"))
        answers = [[(2, 1, 6, "", ("127.0.0.1", port))]]
        monkeypatch.setattr(webhook_sending.socket, "getaddrinfo", lambda *_, **__: answers.pop())
        monkeypatch.setattr(webhook_sending, "is_public", lambda address: True)
        connected = []
        connect = webhook_sending.socket.create_connection

        def watched(place, *more):
            connected.append(place)
            sock = __import__("socket").socket()
            sock.settimeout(5)
            sock.connect(place)
            return sock

        assert connect
        monkeypatch.setattr(webhook_sending.socket, "create_connection", watched)
        send(f"http://example.org:{port}/", "msg_1", b"{}", KEY, hosts=("example.org",))
    assert connected == [("127.0.0.1", port)]
    assert server.got[0][0]["Host"] == f"example.org:{port}"


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0"),
        *("100.64.0.1", "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1%eth0", "fd00::1"),
        *("::ffff:10.0.0.1", "2002:7f00:1::", "ff02::1"),
    ],
)
def test_addresses_that_are_not_public(address):
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111"])
def test_addresses_that_are(address):
    assert is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        *("ftp://example.org/", "https:///a", "example.org", "https://me:pw@example.org/"),
        *("https://evil.org/", "https://example.org.evil.org/", "https://example.org:x/"),
        *("file:///etc/passwd", "https://[::1/", "https://notexample.org/"),
    ],
)
def test_addresses_that_are_refused(url):
    with pytest.raises(UsageError, match="webhook: "):
        check_url(url, ("example.org", "*.example.org"))


def test_hosts():
    assert check_url("https://EXAMPLE.org:8443/a?b=c", ("example.org",)).port == 8443
    assert check_url("https://a.b.example.org/", ("*.example.org",)).hostname == "a.b.example.org"
    with pytest.raises(UsageError):
        check_url("https://example.org/", ("*.example.org",))

"""A receiver of webhooks."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

from ..http_servers import running

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
KEY = base64.b64decode(SECRET.removeprefix("whsec_"))


@dataclass
class Receiver:
    """What came, and what is answered."""

    url: str = ""
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)


@contextmanager
def receiver(*answers: int, port: int = 0) -> Iterator[Receiver]:
    """A server that gives these answers, then 204."""
    about = Receiver(answers=list(answers))

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            about.got.append((dict(self.headers), body))
            self.send_response(about.answers.pop(0) if about.answers else 204)
            self.send_header("Location", about.url)
            self.send_header("Content-Length", "0")
            self.end_headers()

    with running(Handler, port) as url:
        about.url = f"{url}/"
        yield about


def verified(headers: dict[str, str], body: bytes, secret: str = SECRET) -> bool:
    """Whether a message is genuine, as docs/server.md shows it."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    given = [one.removeprefix("v1,") for one in headers["webhook-signature"].split()]
    return any(hmac.compare_digest(one, expected) for one in given)

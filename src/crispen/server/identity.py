"""Who asks: a token, a session cookie, and which client's jobs somebody sees."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from typing import Annotated

from fastapi import Depends, Request, Response

from crispen.server.errors import ApiError
from crispen.server.settings import Settings

COOKIE = "crispen_session"
EVERYONE = "local"
_SESSION_S = 30 * 86_400
_FORM = re.compile(r"^(?P<id>[0-9a-f]{32})\.(?P<ends>\d{1,12})\.(?P<mark>[0-9a-f]{64})$")


def _client(request: Request) -> str:
    client: str = request.scope["crispen.client"]
    return client


Client = Annotated[str, Depends(_client)]
"""Whose jobs the request may see."""


class Identity:
    """Tells clients apart.

    A session cookie holds a random id, the time it ends and a mark that only this server can
    make, so that nothing needs to be stored. With a token the mark is made with the token: a new
    token ends all sessions. Without one the key lies beside the queue.

    Args:
        settings: Of the server.
        key: Secret of the data folder.
    """

    def __init__(self, settings: Settings, key: bytes) -> None:
        token = settings.token.get_secret_value() if settings.token else ""
        self._token = token
        self._key = hashlib.sha256(b"crispen session\0" + key + token.encode()).digest()
        self._separate = settings.separate
        self._secure = settings.secure_cookies

    @property
    def needs_token(self) -> bool:
        """Whether a token is asked for."""
        return bool(self._token)

    def signed_in(self, request: Request) -> bool:
        """Whether a request brings the token or a session made with it."""
        return not self._token or bool(request.scope.get("crispen.known"))

    def look(self, headers: Mapping[str, str]) -> tuple[bool, str, str | None]:
        """Who sends these headers.

        Returns:
            Whether it may use the API, whose jobs it sees, and the value of a cookie to set for a
            new session, if any.
        """
        session = self._session(headers.get("cookie", ""))
        given = headers.get("authorization", "")
        bearer = given[7:].strip() if given[:7].lower() == "bearer " else ""
        trusted = self._token and hmac.compare_digest(bearer.encode(), self._token.encode())
        known = not self._token or bool(trusted) or session is not None
        if not self._separate:
            return known, EVERYONE, None
        if session is not None:
            return known, session, None
        if trusted:
            return True, "bearer", None
        if self._token:
            return False, "", None
        cookie = self._new()
        return True, cookie.partition(".")[0], cookie

    def sign_in(self, response: Response, token: str) -> None:
        """Give a browser its cookie for the right token.

        Raises:
            ApiError: The wrong one.
        """
        if self._token and not hmac.compare_digest(token.encode(), self._token.encode()):
            raise ApiError(401, "wrong_token", "this is not the token the server was started with")
        response.headers.append("set-cookie", self.cookie(self._new()))

    def sign_out(self, response: Response) -> None:
        """Take a browser's cookie away."""
        response.headers.append("set-cookie", self.cookie("", 0))

    def cookie(self, value: str, seconds: int = _SESSION_S) -> str:
        """The Set-Cookie header."""
        secure = "; Secure" if self._secure else ""
        return f"{COOKIE}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}"

    def _new(self) -> str:
        start = f"{secrets.token_hex(16)}.{int(time.time()) + _SESSION_S}"
        return f"{start}.{self._mark(start)}"

    def _mark(self, start: str) -> str:
        return hmac.new(self._key, start.encode(), hashlib.sha256).hexdigest()

    def _session(self, header: str) -> str | None:
        try:
            cookie = SimpleCookie(header).get(COOKIE)
        except CookieError:
            return None
        match = _FORM.match(cookie.value) if cookie is not None else None
        if match is None or int(match["ends"]) < time.time():
            return None
        mark = self._mark(f"{match['id']}.{match['ends']}")
        return match["id"] if hmac.compare_digest(mark, match["mark"]) else None

"""Authentication by token or session cookie, and which jobs a client can see."""

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

from crispen.server.api_errors import ApiError
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
    """Distinguishes clients.

    A session cookie holds a random id, the time it ends and a mark that only this server can
    make, so that nothing needs to be stored. With tokens the mark is made with the token that was
    given: taking a token away ends its sessions. Without tokens the key is stored beside the queue.
    (`itsdangerous` would sign another form of cookie; browsers that have this one would lose
    their jobs with it.)

    Args:
        settings: Of the server.
        key: Secret of the data folder.
    """

    def __init__(self, settings: Settings, key: bytes) -> None:
        self._tokens = {name: token.encode() for name, token in settings.all_tokens.items()}
        tokens = list(self._tokens.values()) or [b""]
        self._keys = [hashlib.sha256(b"crispen session\0" + key + t).digest() for t in tokens]
        self._separate = settings.separate
        self._secure = settings.secure_cookies
        self._path = settings.root_path or "/"

    @property
    def needs_token(self) -> bool:
        """Whether a token is required."""
        return bool(self._tokens)

    def signed_in(self, request: Request) -> bool:
        """Whether a request has a token or a session made with one."""
        return not self._tokens or bool(request.scope.get("crispen.known"))

    def look(self, headers: Mapping[str, str]) -> tuple[bool, str, str | None]:
        """Who sends these headers.

        Returns:
            Whether it may use the API, whose jobs it sees, and the value of a cookie to set for a
            new session, if any.
        """
        session = self._session(headers.get("cookie", ""))
        given = headers.get("authorization", "")
        bearer = given[7:].strip() if given[:7].lower() == "bearer " else ""
        name = self.name_of(bearer)
        known = not self._tokens or name is not None or session is not None
        if not self._separate:
            return known, EVERYONE, None
        if session is not None:
            return known, session, None
        if name is not None:
            return True, f"token-{name}" if name else "bearer", None
        if self._tokens:
            return False, "", None
        cookie = self._new(self._keys[0])
        return True, cookie.partition(".")[0], cookie

    def name_of(self, token: str) -> str | None:
        """A token's name, empty if it has none; None for an unknown token."""
        found = None
        for (
            name,
            ours,
        ) in self._tokens.items():  # compare with all of them, so that timing reveals nothing
            if hmac.compare_digest(token.encode(), ours):
                found = name
        return found

    def sign_in(self, response: Response, token: str) -> None:
        """Give a browser its cookie for the right token.

        Raises:
            ApiError: The wrong one.
        """
        name = self.name_of(token)
        if self._tokens and name is None:
            raise ApiError(401, "wrong_token", "this token is not valid on this server")
        key = self._keys[0 if name is None else list(self._tokens).index(name)]
        response.headers.append("set-cookie", self.cookie(self._new(key)))

    def sign_out(self, response: Response) -> None:
        """Take a browser's cookie away."""
        response.headers.append("set-cookie", self.cookie("", 0))

    def cookie(self, value: str, seconds: int = _SESSION_S) -> str:
        """The Set-Cookie header."""
        secure = "; Secure" if self._secure else ""
        where = f"Path={self._path}; Max-Age={seconds}"
        return f"{COOKIE}={value}; {where}; HttpOnly; SameSite=Strict{secure}"

    def _new(self, key: bytes) -> str:
        start = f"{secrets.token_hex(16)}.{int(time.time()) + _SESSION_S}"
        return f"{start}.{_mark(key, start)}"

    def _session(self, header: str) -> str | None:
        try:
            cookie = SimpleCookie(header).get(COOKIE)
        except CookieError:
            return None
        match = _FORM.match(cookie.value) if cookie is not None else None
        if match is None or int(match["ends"]) < time.time():
            return None
        start = f"{match['id']}.{match['ends']}"
        good = [hmac.compare_digest(_mark(key, start), match["mark"]) for key in self._keys]
        return match["id"] if any(good) else None


def _mark(key: bytes, start: str) -> str:
    return hmac.new(key, start.encode(), hashlib.sha256).hexdigest()

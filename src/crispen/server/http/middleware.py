"""Middleware: request id, log line, authentication, limits and security headers.

Plain ASGI, so that streams stay streams and the route learns when a client disconnects.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import re
import secrets
import socket
import time
from urllib.parse import urlsplit, urlunsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from crispen.server.api_errors import ApiError
from crispen.server.http.addresses import address_of, counted_as, host_of, is_loopback
from crispen.server.http.bodies import check_length, interruptible, limited
from crispen.server.http.errors import body, unexpected
from crispen.server.http.identity import Identity
from crispen.server.http.rates import Rate
from crispen.server.services.prometheus_metrics import ServerMetrics
from crispen.server.settings import Settings

log = logging.getLogger("crispen.server")

API = "/api/v1"
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "media-src 'self' blob:; font-src 'self'; connect-src 'self'; worker-src 'self'; "
    "manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
# The reference at /docs, a third-party page, writes styles into its elements.
_DOCS_CSP = CSP.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'")
_HEADERS = {
    "content-security-policy": CSP,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "geolocation=(), microphone=(), payment=(), usb=()",
}
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_OPEN = frozenset({f"{API}/health", f"{API}/session"})
_UNTRUSTED = frozenset({b"x-forwarded-proto", b"x-forwarded-host", b"x-http-method-override"})
_ID = re.compile(r"^[A-Za-z0-9._-]{1,64}$")


class Gate:
    """The one middleware.

    Args:
        app: What it guards.
        settings: Of the server.
        identity: Distinguishes clients.
        metrics: Counts requests.
    """

    def __init__(
        self, app: ASGIApp, *, settings: Settings, identity: Identity, metrics: ServerMetrics
    ) -> None:
        self._app = app
        self._settings = settings
        self._identity = identity
        self._metrics = metrics
        self._rate = Rate(settings.rate_per_minute)
        self._guesses = Rate(settings.sign_ins_per_minute)
        self._hosts = {host.lower() for host in settings.allowed_hosts}
        self._own_names = {"localhost", socket.gethostname().lower(), settings.host.lower()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        root = self._settings.root_path
        scope = below(scope, root)
        headers = Headers(scope=scope)
        given = headers.get("x-request-id", "")
        id = scope["crispen.id"] = given if _ID.match(given) else secrets.token_hex(8)
        seen: dict[str, int] = {"status": 0, "bytes": 0}
        new_cookie: str | None = None

        async def tell(message: Message) -> None:
            if message["type"] == "http.response.start":
                seen["status"] = message["status"]
                out = MutableHeaders(scope=message)
                out["x-request-id"] = id
                for name, value in _HEADERS.items():
                    out.setdefault(name, value)
                if root and "location" in out:
                    out["location"] = _rooted(out["location"], root)
                if scope["path"] == "/docs":
                    out["content-security-policy"] = _DOCS_CSP
                if scope["path"].startswith(API):
                    out.setdefault("cache-control", "no-store")
                if new_cookie is not None and message["status"] < 400:
                    out.append("set-cookie", self._identity.cookie(new_cookie))
            elif message["type"] == "http.response.body":
                seen["bytes"] += len(message.get("body", b""))
            await send(message)

        try:
            try:
                self._check_host(headers)
                self._check_origin(scope, headers)
                self._check_rate(scope)
                new_cookie = self._identify(scope, headers)
                check_length(scope["path"], headers)
            except ApiError as error:
                said = JSONResponse(
                    body(error.code, str(error), id), error.status, headers=error.headers
                )
                await said(scope, receive, tell)
                return
            if not self._settings.trusted_proxies:
                scope["headers"] = [h for h in scope["headers"] if h[0] not in _UNTRUSTED]
            try:
                body_in = limited(scope["path"], interruptible(scope, receive))
                await self._app(scope, body_in, tell)
            except Exception as error:
                if seen["status"]:  # too late for another response
                    raise
                await unexpected(error, id)(scope, receive, tell)
            except asyncio.CancelledError:
                # The server stops and waits no longer. Raised further, this would only fill
                # the log; an answer that has begun is cut off by returning.
                if not seen["status"]:
                    await _stopping(id)(scope, receive, tell)
        finally:
            took = time.perf_counter() - began
            self._metrics.request(scope, seen["status"], took)
            if log.isEnabledFor(logging.INFO):
                self._note(scope, seen, took)

    def _note(self, scope: Scope, seen: dict[str, int], took: float) -> None:
        log.info(
            "%s %s %d",
            scope["method"],
            scope["path"],
            seen["status"],
            extra={
                "request_id": scope["crispen.id"],
                "method": scope["method"],
                "path": scope["path"],
                "status": seen["status"],
                "bytes": seen["bytes"],
                "seconds": round(took, 4),
                "peer": address_of(scope) or None,
            },
        )

    def _check_host(self, headers: Headers) -> None:
        """Refuses foreign web pages whose host name resolves to this machine (DNS rebinding)."""
        name = host_of(headers.get("host", ""))
        if self._hosts:
            good = name in self._hosts or (self._settings.local and name in self._own_names)
        else:
            good = name in self._own_names or _is_address(name) or bool(self._settings.all_tokens)
        if not good:
            raise ApiError(
                421,
                "wrong_host",
                f"this server does not answer to '{name[:100]}'; list it with --allow-host",
            )

    def _check_origin(self, scope: Scope, headers: Headers) -> None:
        """Only our own page, listed pages and programs may change anything."""
        if scope["method"] in _SAFE:
            return
        origin = headers.get("origin")
        if origin is not None and origin in self._settings.cors_origins:
            return
        site = headers.get("sec-fetch-site", "none")
        same = origin is None or (
            urlsplit(origin).netloc.lower() == headers.get("host", "").lower()
        )
        if site not in ("same-origin", "none") or not same:
            raise ApiError(
                403,
                "other_origin",
                "another web page may not do this; list its origin with --cors-origin",
            )

    def _check_rate(self, scope: Scope) -> None:
        address = address_of(scope)
        # Programs on this machine can load it anyway.
        if not address or is_loopback(address) or not scope["path"].startswith(API):
            return
        wait_s = self._rate.wait_s(counted_as(address))
        if wait_s:
            raise ApiError(
                429,
                "too_many_requests",
                f"more than {self._settings.rate_per_minute} requests a minute; wait a little",
                {"Retry-After": str(max(1, round(wait_s)))},
            )

    def _check_guesses(self, key: str) -> None:
        wait_s = self._guesses.wait_s(key, take=False)
        if wait_s:
            raise ApiError(
                429,
                "too_many_sign_ins",
                "too many wrong tokens from your address; wait a minute",
                {"Retry-After": str(max(1, round(wait_s)))},
            )

    def _identify(self, scope: Scope, headers: Headers) -> str | None:
        path = scope["path"]
        key = counted_as(address_of(scope))
        guess = "authorization" in headers or (
            path == f"{API}/session" and scope["method"] == "POST"
        )
        if guess and self._identity.needs_token:
            self._check_guesses(key)
        # A wrong token that a route detects counts too.
        scope["crispen.wrong_token"] = lambda: self._guesses.wait_s(key)
        known, client, cookie = self._identity.look(headers)
        if not known and "authorization" in headers:
            self._guesses.wait_s(key)
        scope["crispen.known"] = known
        scope["crispen.client"] = client
        guarded = path == "/metrics" or (path.startswith(f"{API}/") and path not in _OPEN)
        # A browser asks before it sends another page's request; it never sends a token then.
        if guarded and not known and scope["method"] != "OPTIONS":
            raise ApiError(
                401,
                "token_needed",
                "a token is needed: sign in on the page, or send 'Authorization: Bearer TOKEN'",
                {"WWW-Authenticate": 'Bearer realm="crispen"'},
            )
        return cookie if path.startswith(f"{API}/") and path not in _OPEN else None


def below(scope: Scope, root: str) -> Scope:
    """A request as if the server were at the top, whether a proxy cut the path's root off or not.

    >>> below({"path": "/sub/api", "raw_path": b"/sub/api"}, "/sub")["path"]
    '/api'
    """
    path = scope["path"]
    if not root or not (path == root or path.startswith(f"{root}/")):
        return scope
    raw = scope.get("raw_path") or b""
    return {
        **scope,
        "path": path.removeprefix(root) or "/",
        "raw_path": raw.removeprefix(root.encode()) or b"/",
    }


def _rooted(location: str, root: str) -> str:
    """Where something is, as clients beyond the proxy reach it.

    >>> _rooted("http://a/api/v1/jobs/1", "/sub"), _rooted("/api/v1/jobs/1", "/sub")
    ('http://a/sub/api/v1/jobs/1', '/sub/api/v1/jobs/1')
    """
    parts = urlsplit(location)
    if parts.path.startswith(f"{root}/"):
        return location
    return urlunsplit(parts._replace(path=root + parts.path))


def _stopping(id: str) -> JSONResponse:
    text = "the server is being stopped; ask again when it is back"
    return JSONResponse(body("stopping", text, id), 503, headers={"Retry-After": "10"})


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True

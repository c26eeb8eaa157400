"""``/health``, ``/settings``, ``/session``, and ``/metrics``."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse

from crispen.server.api_errors import ApiError
from crispen.server.http.dependencies import ChoicesOf, HealthOf, MetricsOf
from crispen.server.http.identity import Client, Identity
from crispen.server.schemas import Health, SessionState, SettingsView, SignIn

router = APIRouter(tags=["server"])
metrics_router = APIRouter(tags=["server"])


@router.get("/health")
async def health(check: HealthOf) -> Health:
    """Whether the server works; needs no token. Answers 503 while it does not."""
    return check.check()


@router.get("/settings")
def settings(choices: ChoicesOf, client: Client) -> SettingsView:
    """Limits and choices: formats, tasks, models, defaults."""
    return choices.of(client)


@router.get("/session")
def session(request: Request) -> SessionState:
    """Whether a token is needed, and whether this browser has given it; needs no token."""
    identity: Identity = request.app.state.identity
    return SessionState(needed=identity.needs_token, signed_in=identity.signed_in(request))


@router.post("/session")
def sign_in(request: Request, response: Response, given: SignIn) -> SessionState:
    """Give the token once; the browser then has a cookie that no script can read."""
    identity: Identity = request.app.state.identity
    try:
        identity.sign_in(response, given.token)
    except ApiError:
        request.scope["crispen.wrong_token"]()
        raise
    return SessionState(needed=identity.needs_token, signed_in=True)


@router.delete("/session", status_code=204)
def sign_out(request: Request, response: Response) -> None:
    """Forget this browser."""
    identity: Identity = request.app.state.identity
    identity.sign_out(response)


@metrics_router.get("/metrics", response_class=PlainTextResponse)
def metrics(server_metrics: MetricsOf) -> PlainTextResponse:
    """Metrics for Prometheus."""
    return PlainTextResponse(server_metrics.text(), media_type=server_metrics.media_type)

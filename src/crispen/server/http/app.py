"""`create_app`: makes a complete, independent app from its settings."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.middleware.cors import CORSMiddleware

from crispen import __version__
from crispen.server.http.conditional import Compressed, Conditional
from crispen.server.http.errors import RESPONSES, add_handlers
from crispen.server.http.identity import Identity
from crispen.server.http.middleware import API, Gate
from crispen.server.http.rates import Seats
from crispen.server.http.routes import enhance, health, jobs, models, runs
from crispen.server.http.routes.uploads import UploadRoutes
from crispen.server.http.upload_docs import describe_uploads
from crispen.server.http.web_page import docs_router, page_router
from crispen.server.services.assembly import assemble
from crispen.server.settings import Settings

_ABOUT = """Makes low-quality pictures and videos look good again.

One call for programs: `POST /api/v1/enhance`. For everything else a file is uploaded (tus, from
`POST /api/v1/uploads/` on), a job is made of it (`POST /api/v1/jobs`), watched
(`GET /api/v1/events`) and its result fetched (`GET /api/v1/jobs/{id}/result`).

Every failure has the body `{"error": {"code", "message", "id"}}`. Where the server was started with
a token, send it as `Authorization: Bearer TOKEN`.
"""


def create_app(settings: Settings) -> FastAPI:
    """The server as an ASGI app; workers start and stop with it."""
    services = assemble(settings)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with services.lifecycle.running():
            yield

    app = FastAPI(
        title="Crispen",
        version=__version__,
        description=_ABOUT,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        swagger_ui_oauth2_redirect_url=None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
    )
    identity = Identity(settings, services.folder.secret())
    app.state.services = services
    app.state.settings = settings
    app.state.streams = Seats(settings.max_streams_per_address)
    app.state.identity = identity
    add_handlers(app)
    api = APIRouter(prefix=API, responses=RESPONSES)
    for routes in (health.router, models.router, jobs.router, enhance.router, runs.router):
        api.include_router(routes)
    api.include_router(UploadRoutes(services.uploads, services.upload_store).router())
    app.include_router(api)
    app.include_router(health.metrics_router)
    app.include_router(docs_router(settings.root_path))
    app.include_router(page_router(settings.page_folder, settings.root_path))
    # The last one added runs first.
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(settings.cors_origins),
            allow_methods=["GET", "HEAD", "POST", "PATCH", "DELETE"],
            allow_headers=["*"],
            expose_headers=["*"],
        )
    app.add_middleware(Compressed)
    app.add_middleware(Conditional)
    app.add_middleware(Gate, settings=settings, identity=identity, metrics=services.metrics)
    _describe(app)
    return app


def _describe(app: FastAPI) -> None:
    """Let the OpenAPI document say how to sign in."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = get_openapi(
                title=app.title,
                version=app.version,
                description=app.description,
                routes=app.routes,
            )
            schemes = schema.setdefault("components", {}).setdefault("securitySchemes", {})
            schemes["token"] = {"type": "http", "scheme": "bearer"}
            schema["security"] = [{"token": []}, {}]
            describe_uploads(schema["paths"])
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]

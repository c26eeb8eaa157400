"""Apps are made from settings, each with its own."""

from __future__ import annotations

import asyncio
from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace

from fastapi.routing import APIRoute

from crispen.server.http import dependencies
from crispen.server.http.app import create_app
from crispen.server.http.routes import enhance, health, jobs, models, runs
from crispen.server.services.assembly import Services

from ..conftest import local


def test_two_apps_share_nothing(tmp_path: Path) -> None:
    first, second = create_app(local(tmp_path / "a")), create_app(local(tmp_path / "b"))
    assert first.state.services is not second.state.services
    assert first.state.streams is not second.state.streams
    assert first.openapi() == second.openapi()
    for app in (first, second):
        app.state.services.lifecycle.end()


def test_the_document_says_how_to_sign_in(tmp_path: Path) -> None:
    app = create_app(local(tmp_path))
    document = app.openapi()
    assert document["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
    assert document["security"] == [{"token": []}, {}]
    app.state.services.lifecycle.end()


def test_routes_are_given_single_services() -> None:
    routers = (enhance.router, health.router, jobs.router, models.router, runs.router)
    picked = {
        dependency.call
        for router in routers
        for route in router.routes
        if isinstance(route, APIRoute)
        for dependency in route.dependant.dependencies
    }
    ours = [call for call in picked if call and call.__module__ == dependencies.__name__]
    assert len(ours) > 10
    for call in ours:
        asked = call(SimpleNamespace(app=SimpleNamespace(state=_State())))
        assert asyncio.run(asked) in {"settings", *(field.name for field in fields(Services))}


class _State:
    """An app's state whose services are their names."""

    settings = "settings"
    services = SimpleNamespace(**{field.name: field.name for field in fields(Services)})

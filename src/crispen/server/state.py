"""What one app has: its settings, files, uploads, metrics."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import Depends, Request

from crispen.server.files import Files
from crispen.server.metrics import Metrics
from crispen.server.settings import Settings
from crispen.server.uploads import Uploads


class Server:
    """Everything a route may need; made by `create_app`, never global."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.files = Files(
            settings.folder,
            max_total_bytes=settings.max_total_bytes,
            min_free_bytes=settings.min_free_bytes,
        )
        self.metrics = Metrics()
        self.uploads = Uploads(settings, self.files)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Its workers, as long as the block lasts."""
        yield


def _server(request: Request) -> Server:
    server: Server = request.app.state.server
    return server


Here = Annotated[Server, Depends(_server)]

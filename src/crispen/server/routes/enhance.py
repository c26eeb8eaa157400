"""``POST /enhance``: a picture in, the enhanced picture out, for programs."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from crispen.jobs.options import MAX_SCALE, MAX_SIDE_PX, ModelName, Options, PictureFormat, Task
from crispen.server.errors import failures
from crispen.server.identity import Client
from crispen.server.receiving import file_body, received
from crispen.server.state import Here

router = APIRouter(tags=["enhance"])

PICTURE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The enhanced picture",
        "content": {"image/*": {"schema": {"type": "string", "format": "binary"}}},
    }
}


class Wish(BaseModel):
    """What should happen; a model of its own, so that no misspelt word is passed over."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    scale: float | None = Field(None, gt=0, le=MAX_SCALE)
    width: int | None = Field(None, ge=1, le=MAX_SIDE_PX)
    height: int | None = Field(None, ge=1, le=MAX_SIDE_PX)
    fit: bool = False
    task: list[Task] | None = Field(None, max_length=5)
    model: list[ModelName] | None = Field(None, max_length=8)
    strength: float | None = Field(None, ge=0, le=1)
    format: PictureFormat | None = None
    quality: int | None = Field(None, ge=1, le=100)
    strip_metadata: bool = False

    def options(self) -> Options:
        """The same as a job's options, which have lists under plural names."""
        alike = self.model_dump(exclude={"task", "model"})
        return Options(**alike, tasks=self.task, models=self.model)


@router.post(
    "/enhance",
    response_class=Response,
    responses=PICTURE | failures(411, 413, 503, 504, 507),
    openapi_extra=file_body("file", "a picture"),
)
async def enhance(
    request: Request, server: Here, client: Client, wish: Annotated[Wish, Query()]
) -> Response:
    """Enhance one picture and get it back.

    ``curl -F file=@photo.jpg 'localhost:8000/api/v1/enhance?scale=2' -o out.jpg``; or the picture's
    bytes as the body. Whoever goes away while it waits takes the work with them.
    """
    with server.at_once.seat():
        limit = server.settings.max_upload_bytes
        async with received(request, server.files, field="file", max_bytes=limit) as file:
            return await server.at_once.enhance_now(request, client, file, wish.options())

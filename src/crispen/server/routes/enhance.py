"""``POST /enhance``: a picture in, the enhanced picture out, for programs."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

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


@router.post(
    "/enhance",
    response_class=Response,
    responses=PICTURE | failures(411, 413, 503, 504, 507),
    openapi_extra=file_body("file", "a picture"),
)
async def enhance(
    request: Request,
    server: Here,
    client: Client,
    scale: Annotated[float | None, Query(gt=0, le=MAX_SCALE)] = None,
    width: Annotated[int | None, Query(ge=1, le=MAX_SIDE_PX)] = None,
    height: Annotated[int | None, Query(ge=1, le=MAX_SIDE_PX)] = None,
    fit: bool = False,
    task: Annotated[list[Task] | None, Query(max_length=5)] = None,
    model: Annotated[list[ModelName] | None, Query(max_length=8)] = None,
    strength: Annotated[float | None, Query(ge=0, le=1)] = None,
    format: PictureFormat | None = None,
    quality: Annotated[int | None, Query(ge=1, le=100)] = None,
    strip_metadata: bool = False,
) -> Response:
    """Enhance one picture and get it back.

    ``curl -F file=@photo.jpg 'localhost:8000/api/v1/enhance?scale=2' -o out.jpg``; or the picture's
    bytes as the body. Whoever goes away while it waits takes the work with them.
    """
    options = Options(
        scale=scale,
        width=width,
        height=height,
        fit=fit,
        tasks=task,
        models=model,
        strength=strength,
        format=format,
        quality=quality,
        strip_metadata=strip_metadata,
    )
    with server.at_once.seat():
        limit = server.settings.max_upload_bytes
        async with received(request, server.files, field="file", max_bytes=limit) as file:
            return await server.at_once.enhance_now(request, client, file, options)

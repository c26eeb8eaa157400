"""``POST /enhance``: a picture in, the enhanced picture out, for programs."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, create_model

from crispen.enhance.request import Request as Wanted
from crispen.enhance.request import options
from crispen.server.errors import failures
from crispen.server.identity import Client
from crispen.server.receiving import file_body, received
from crispen.server.schemas import Question
from crispen.server.state import Here

router = APIRouter(tags=["enhance"])

PICTURE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The enhanced picture",
        "content": {"image/*": {"schema": {"type": "string", "format": "binary"}}},
    }
}


def _typed() -> type[BaseModel]:
    """`Wanted` as it is typed into an address: numbers are text, and a list has the name of one."""
    fields: dict[str, Any] = {
        option.word: (Wanted.model_fields[option.name].annotation, Wanted.model_fields[option.name])
        for option in options()
        if "image" in option.kinds
    }
    config = ConfigDict(frozen=True, extra="forbid")
    return create_model("Wish", __config__=config, __doc__="What should happen.", **fields)


Wish = _typed()


def wanted(wish: BaseModel) -> Wanted:
    """What was typed, as everything else takes it."""
    words = {option.word: option.name for option in options()}
    return Wanted(**{words[word]: value for word, value in wish})


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
    wish: Annotated[Wish, Query()],  # type: ignore[valid-type]
) -> Response:
    """Enhance one picture and get it back.

    ``curl -F file=@photo.jpg 'localhost:8000/api/v1/enhance?scale=2' -o out.jpg``; or the picture's
    bytes as the body. If the client disconnects, the job is cancelled.
    """
    asked = wanted(wish)
    await server.jobs.check(client, Question(kind="image", options=asked))
    with server.at_once.seat():
        limit = server.settings.max_upload_bytes
        async with received(request, server.files, field="file", max_bytes=limit) as file:
            return await server.at_once.enhance_now(request, client, file, asked)

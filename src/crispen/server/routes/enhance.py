"""``POST /enhance``: a picture in, the enhanced picture out, for programs."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field, create_model

from crispen.enhance.request import Request as Wanted
from crispen.enhance.request import options
from crispen.jobs.glance import Found, glance
from crispen.server.errors import failures
from crispen.server.identity import Client
from crispen.server.names import clean_name
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
    fields["jpeg_step"] = (
        float | None,
        Field(
            None,
            ge=0,
            description="The picture was cut out of a JPEG file that was quantised so coarsely, as "
            "`POST /look` says of it.",
        ),
    )
    config = ConfigDict(frozen=True, extra="forbid")
    return create_model("Wish", __config__=config, __doc__="What should happen.", **fields)


Wish = _typed()


def wanted(wish: BaseModel) -> Wanted:
    """What was typed, as everything else takes it.

    Raises:
        UsageError: Options that contradict each other.
    """
    words = {option.word: option.name for option in options()}
    return Wanted.of(**{words[word]: value for word, value in wish if word in words})


def cut_from(wish: BaseModel) -> float | None:
    """How coarsely the file was quantised that a picture was cut out of, if somebody says so."""
    step: float | None = dict(wish)["jpeg_step"]
    return step


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
            return await server.at_once.enhance_now(
                request, client, file, asked, jpeg_step=cut_from(wish)
            )


@router.post(
    "/look",
    responses=failures(411, 413, 503, 507),
    openapi_extra=file_body("file", "a picture or video, or its beginning"),
)
async def look(
    request: Request,
    server: Here,
    client: Client,
    part: Annotated[
        bool, Query(description="this is only the beginning of the file: say what stands there")
    ] = False,
) -> Found:
    """Say what a file is and what is wrong with it: compression, noise, exposure.

    Nothing is kept.
    """
    limit = server.settings.max_upload_bytes
    async with received(request, server.files, field="file", max_bytes=limit) as file:
        name = clean_name(file.name, otherwise="file")
        return await server.helpers.quick(glance, file.path, name, server.jobs.bounds, part=part)

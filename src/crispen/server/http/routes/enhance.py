"""``POST /enhance``: a picture in, the enhanced picture out, for programs."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field, create_model
from starlette.requests import ClientDisconnect

from crispen.enhance.naming import VIDEO_FORMATS
from crispen.enhance.options import options
from crispen.enhance.request import Request as Wanted
from crispen.errors import UsageError
from crispen.jobs.glance import Found
from crispen.server.http.dependencies import (
    FolderOf,
    ImmediateOf,
    InspectionOf,
    PlanningOf,
    SettingsOf,
)
from crispen.server.http.disconnection import gone
from crispen.server.http.errors import failures
from crispen.server.http.file_responses import SentOnce
from crispen.server.http.identity import Client
from crispen.server.http.receiving import file_body, received
from crispen.server.schemas import Question
from crispen.server.services.client_names import clean_name
from crispen.server.services.immediate import ClientGone

router = APIRouter(tags=["enhance"])

PICTURE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The enhanced picture",
        "content": {"image/*": {"schema": {"type": "string", "format": "binary"}}},
    }
}


def _typed() -> type[BaseModel]:
    """`Wanted` as query parameters: numbers are text, and a list has its element's name."""
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
            description="Quantisation of the JPEG file that the picture was cut out of, "
            "as `POST /look` reports it.",
        ),
    )
    config = ConfigDict(frozen=True, extra="forbid")
    return create_model("TypedRequest", __config__=config, __doc__="What should happen.", **fields)


TypedRequest = _typed()


def wanted(typed: BaseModel) -> Wanted:
    """The parameters as the request that everything else uses.

    Raises:
        UsageError: Options that contradict each other.
    """
    words = {option.word: option.name for option in options()}
    return Wanted.of(**{words[word]: value for word, value in typed if word in words})


def cut_from(typed: BaseModel) -> float | None:
    """Quantisation of the file that a picture was cut out of, if given."""
    step: float | None = dict(typed)["jpeg_step"]
    return step


@router.post(
    "/enhance",
    response_class=Response,
    responses=PICTURE | failures(411, 413, 503, 504, 507),
    openapi_extra=file_body("file", "a picture"),
)
async def enhance(
    request: Request,
    immediate: ImmediateOf,
    planning: PlanningOf,
    folder: FolderOf,
    settings: SettingsOf,
    client: Client,
    typed: Annotated[TypedRequest, Query()],  # type: ignore[valid-type]
) -> Response:
    """Enhance one picture and get it back.

    ``curl -F file=@photo.jpg 'localhost:8000/api/v1/enhance?scale=2' -o out.jpg``; or the picture's
    bytes as the body. If the client disconnects, the job is cancelled.
    """
    requested = wanted(typed)
    if requested.format in VIDEO_FORMATS:
        raise UsageError(
            f"format {requested.format} does not suit a picture that is enhanced in one call; "
            "make a job of an animation",
            field="format",
        )
    await planning.answer(client, Question(kind="image", options=requested))
    with immediate.seat():
        limit = settings.max_upload_bytes
        async with received(request, folder, field="file", max_bytes=limit) as file:
            try:
                result = await immediate.enhance(
                    client,
                    file.path,
                    file.name,
                    requested,
                    disconnected=lambda: gone(request),
                    jpeg_step=cut_from(typed),
                )
            except ClientGone as error:
                raise ClientDisconnect() from error
    timing = {"Server-Timing": f"enhance;dur={1000 * result.seconds:.0f}"}
    return SentOnce(result.file, timing, lambda: immediate.discard(result))


@router.post(
    "/look",
    responses=failures(411, 413, 503, 507),
    openapi_extra=file_body("file", "a picture or video, or its beginning"),
)
async def look(
    request: Request,
    inspection: InspectionOf,
    folder: FolderOf,
    settings: SettingsOf,
    client: Client,
    part: Annotated[
        bool, Query(description="this is only the beginning of the file: report what is in it")
    ] = False,
) -> Found:
    """Say what a file is and what is wrong with it: compression, noise, exposure.

    Nothing is kept.
    """
    limit = settings.max_upload_bytes
    async with received(request, folder, field="file", max_bytes=limit) as file:
        name = clean_name(file.name, otherwise="file")
        return await inspection.look(file.path, name, part=part)

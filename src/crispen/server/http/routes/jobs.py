"""Jobs: made of an upload, watched, cancelled, tried again, measured, and their files."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Query, Request
from fastapi.responses import Response
from sse_starlette import EventSourceResponse

from crispen.jobs.states import Status
from crispen.server.http.dependencies import (
    CreationOf,
    DatabaseOf,
    EventsOf,
    FilesOf,
    FolderOf,
    JobsOf,
    PlanningOf,
    SettingsOf,
)
from crispen.server.http.errors import failures
from crispen.server.http.event_streams import Streams
from crispen.server.http.file_responses import job_file, zip_archive
from crispen.server.http.identity import Client
from crispen.server.http.receiving import file_body, received
from crispen.server.schemas import (
    Answer,
    Bulk,
    BulkDone,
    FrameTimes,
    JobPage,
    JobView,
    Measured,
    NewJob,
    Question,
)
from crispen.server.services.files import Side

router = APIRouter(tags=["jobs"])
Id = Annotated[str, Path(pattern=r"^[0-9a-f]{32}$", description="a job's id")]

AFTER = r"^[0-9]+\.[0-9]+(e\+[0-9]+)?-[0-9a-f]{32}$"

BINARY: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
FILE: dict[int | str, dict[str, Any]] = {
    200: {"description": "The file", "content": {"*/*": BINARY}},
    206: {"description": "The part asked for with Range", "content": {"*/*": BINARY}},
    304: {"description": "Not changed"},
    **failures(416),
}
EVENTS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Server-sent events",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    }
}
ZIP: dict[int | str, dict[str, Any]] = {
    200: {"description": "A ZIP archive", "content": {"application/zip": BINARY}}
}


@router.get("/jobs")
async def list_jobs(
    jobs: JobsOf,
    database: DatabaseOf,
    client: Client,
    status: Annotated[list[Status] | None, Query(description="only jobs in these states")] = None,
    limit: Annotated[int, Query(ge=1, le=5000, description="maximum number")] = 1000,
    after: Annotated[
        str | None,
        Query(pattern=AFTER, max_length=100, description="`next` of the previous page"),
    ] = None,
) -> JobPage:
    """This client's jobs, newest first."""
    return await database.run(jobs.list, client, status, limit, after)


@router.post("/plan")
async def plan(planning: PlanningOf, client: Client, question: Question) -> Answer:
    """Ask what would be done, before a file is uploaded in vain."""
    return await planning.answer(client, question)


@router.post(
    "/jobs",
    status_code=201,
    responses={
        200: {"model": JobView, "description": "The existing job for this upload"},
        **failures(404, 409, 413, 507),
    },
)
async def create_job(
    request: Request,
    response: Response,
    creation: CreationOf,
    client: Client,
    new: NewJob,
    idempotency_key: Annotated[
        str | None,
        Header(min_length=1, max_length=200, description="the same key gives the same job"),
    ] = None,
) -> JobView:
    """Enhance a finished upload; posting the same upload again gives the same job, with 200.

    So does the same ``Idempotency-Key``, whatever else is posted with it.
    """
    job, made = await creation.create(client, new, idempotency_key)
    if not made:
        response.status_code = 200
    response.headers["Location"] = request.app.url_path_for("get_job", id=job.id)
    return job


@router.patch("/jobs", responses=failures(413))
async def change_jobs(jobs: JobsOf, database: DatabaseOf, client: Client, change: Bulk) -> BulkDone:
    """Cancel, retry, delete, pause or resume many jobs in one request."""
    return await database.run(jobs.bulk, client, change)


@router.get("/jobs.zip", response_class=Response, responses=ZIP | failures(404))
async def download_all(
    files: FilesOf,
    database: DatabaseOf,
    client: Client,
    id: Annotated[
        list[Annotated[str, Query(pattern=r"^[0-9a-f]{32}$")]] | None,
        Query(max_length=1000, description="which jobs; all finished ones unless given"),
    ] = None,
) -> Response:
    """Results of finished jobs as one ZIP archive, streamed."""
    return zip_archive(await database.run(files.results, client, id))


@router.get(
    "/events",
    response_class=EventSourceResponse,
    responses=EVENTS,
)
async def all_events(events: EventsOf, streams: Streams, client: Client) -> EventSourceResponse:
    """All of this client's jobs, live.

    First ``snapshot`` with ``{"jobs": […]}``, then ``job`` with a job whenever one changes, and
    ``deleted`` with ``{"id"}``. A comment every 15 seconds keeps the connection open. A client that
    connects again gets a new snapshot, so nothing is missed.
    """
    return streams.open(lambda stop: events.all_jobs(client, stop))


@router.get("/jobs/{id}", responses=failures(404))
async def get_job(jobs: JobsOf, database: DatabaseOf, client: Client, id: Id) -> JobView:
    """One job."""
    return await database.run(jobs.get, client, id)


@router.delete("/jobs/{id}", status_code=204, responses=failures(404))
async def delete_job(jobs: JobsOf, database: DatabaseOf, client: Client, id: Id) -> None:
    """Cancel the job if necessary, and delete it with its files."""
    await database.run(jobs.delete, client, id)


@router.post("/jobs/{id}/cancel", responses=failures(404, 409))
async def cancel_job(jobs: JobsOf, database: DatabaseOf, client: Client, id: Id) -> JobView:
    """Stop a waiting or running job; its source is kept for another try."""
    return await database.run(jobs.cancel, client, id)


@router.post("/jobs/{id}/retry", responses=failures(404, 409))
async def retry_job(jobs: JobsOf, database: DatabaseOf, client: Client, id: Id) -> JobView:
    """Queue a failed or cancelled job again."""
    return await database.run(jobs.retry, client, id)


@router.get(
    "/jobs/{id}/events",
    response_class=EventSourceResponse,
    responses=EVENTS | failures(404),
)
async def job_events(
    events: EventsOf, streams: Streams, client: Client, id: Id
) -> EventSourceResponse:
    """One job, live: ``job`` now and whenever it changes; the stream ends when the job does."""
    await events.check(client, id)
    return streams.open(lambda stop: events.one_job(id, stop))


@router.get("/jobs/{id}/source", response_class=Response, responses=FILE | failures(404))
async def get_source(files: FilesOf, database: DatabaseOf, client: Client, id: Id) -> Response:
    """The file as it was uploaded."""
    return job_file(await database.run(files.source, client, id))


@router.get("/jobs/{id}/result", response_class=Response, responses=FILE | failures(404, 409))
async def get_result(files: FilesOf, database: DatabaseOf, client: Client, id: Id) -> Response:
    """The enhanced file, as a download; answers Range requests."""
    return job_file(await database.run(files.result, client, id))


@router.get(
    "/jobs/{id}/preview/{side}", response_class=Response, responses=FILE | failures(404, 409)
)
async def preview(files: FilesOf, client: Client, id: Id, side: Side) -> Response:
    """The source or result as browsers show it; the file itself where they can."""
    return job_file(await files.preview(client, id, side))


@router.get(
    "/jobs/{id}/thumbnail/{side}", response_class=Response, responses=FILE | failures(404, 409)
)
async def thumbnail(files: FilesOf, client: Client, id: Id, side: Side) -> Response:
    """The source or result as a WebP of 640 pixels at most on each side; of a video, one frame."""
    return job_file(await files.thumbnail(client, id, side))


@router.get("/jobs/{id}/frames", responses=failures(404, 409))
async def frames(files: FilesOf, client: Client, id: Id) -> FrameTimes:
    """When the frames of a video's result begin, as its preview plays them."""
    return await files.frames(client, id)


@router.post(
    "/jobs/{id}/measure",
    responses=failures(404, 409, 411, 413, 507),
    openapi_extra=file_body("reference", "the reference picture"),
)
async def measure(
    request: Request,
    files: FilesOf,
    folder: FolderOf,
    settings: SettingsOf,
    client: Client,
    id: Id,
) -> Measured:
    """PSNR and SSIM of the result and of bicubic, against a reference picture."""
    limit = settings.max_upload_bytes
    async with received(request, folder, field="reference", max_bytes=limit) as file:
        return await files.measure(client, id, file.path, file.name)

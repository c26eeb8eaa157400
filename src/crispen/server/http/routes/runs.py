"""Training runs: curves, sample sheets, tables, live while one is going."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path
from fastapi.responses import FileResponse
from sse_starlette import EventSourceResponse

from crispen.server.http.dependencies import RunsOf
from crispen.server.http.errors import failures
from crispen.server.http.event_streams import Streams
from crispen.server.http.file_responses import RangedFile
from crispen.server.http.routes.jobs import EVENTS
from crispen.server.schemas import RunList, RunView

router = APIRouter(prefix="/runs", tags=["runs"])
Name = Annotated[
    str,
    Path(max_length=255, description="a run's id: its folder, with / where it is inside another"),
]
File = Annotated[str, Path(max_length=255, description="a sheet's file name")]
PICTURE: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/png": {"schema": {"type": "string", "format": "binary"}}}}
}


@router.get("")
def list_runs(runs: RunsOf) -> RunList:
    """All runs, the one written to last first."""
    return runs.summaries()


@router.get(
    "/{name:path}/samples/{file}",
    response_class=FileResponse,
    responses=PICTURE | failures(404, 416),
)
def get_sample(runs: RunsOf, name: Name, file: File) -> FileResponse:
    """One sheet of sample pictures."""
    return RangedFile(runs.sample(name, file), media_type="image/png")


@router.get(
    "/{name:path}/events",
    response_class=EventSourceResponse,
    responses=EVENTS | failures(404),
)
async def run_events(runs: RunsOf, streams: Streams, name: Name) -> EventSourceResponse:
    """One run, live: ``run`` now and whenever its folder changes; ends when the run does."""
    await runs.check(name)
    return streams.open(lambda stop: runs.events(name, stop))


# Last, as its path matches everything that follows.
@router.get("/{name:path}", responses=failures(404))
def get_run(runs: RunsOf, name: Name) -> RunView:
    """One run with its curves and samples."""
    return runs.get(name)

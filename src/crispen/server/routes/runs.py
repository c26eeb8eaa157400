"""Training runs: curves, sample sheets, tables, live while one is going."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path
from fastapi.responses import FileResponse
from sse_starlette import EventSourceResponse

from crispen.server.errors import failures
from crispen.server.events import check_streams
from crispen.server.routes.jobs import EVENTS
from crispen.server.schemas import RunList, RunView
from crispen.server.state import Here

router = APIRouter(prefix="/runs", tags=["runs"])
Name = Annotated[
    str, Path(max_length=255, description="a run's id: its folder, with / where it lies in another")
]
File = Annotated[str, Path(max_length=255, description="a sheet's file name")]
PICTURE: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/png": {"schema": {"type": "string", "format": "binary"}}}}
}


@router.get("")
def list_runs(server: Here) -> RunList:
    """All runs, the one written to last first."""
    return server.runs.summaries()


@router.get(
    "/{name:path}/samples/{file}",
    response_class=FileResponse,
    responses=PICTURE | failures(404, 416),
)
def get_sample(server: Here, name: Name, file: File) -> FileResponse:
    """One sheet of sample pictures."""
    return server.runs.sample(name, file)


@router.get(
    "/{name:path}/events",
    response_class=EventSourceResponse,
    responses=EVENTS | failures(404),
    dependencies=[Depends(check_streams)],
)
async def run_events(server: Here, name: Name) -> EventSourceResponse:
    """One run, live: ``run`` now and whenever its folder changes; ends when the run does."""
    return await server.runs.stream(name)


# Last, as its name takes in all that follows.
@router.get("/{name:path}", responses=failures(404))
def get_run(server: Here, name: Name) -> RunView:
    """One run with its curves and samples."""
    return server.runs.get(name)

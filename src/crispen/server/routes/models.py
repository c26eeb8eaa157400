"""Models: their cards, a picture before and after, and the user's own."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import FileResponse

from crispen.enhance.request import ModelName
from crispen.server.errors import failures
from crispen.server.ranges import FileAnswer
from crispen.server.receiving import file_body, received
from crispen.server.schemas import ModelList, ModelView
from crispen.server.shelf import Side
from crispen.server.state import Here

router = APIRouter(prefix="/models", tags=["models"])
Name = Annotated[ModelName, Path(description="a model's name")]

PICTURE: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/png": {"schema": {"type": "string", "format": "binary"}}}}
}


@router.get("")
def list_models(server: Here) -> ModelList:
    """All models at hand: those that ship, and the user's own."""
    return ModelList(models=server.catalogue.models())


@router.post(
    "",
    status_code=201,
    responses=failures(409, 411, 413, 507),
    openapi_extra=file_body("file", "an ONNX file, with or without a Crispen card"),
)
async def add_model(
    request: Request,
    server: Here,
    name: Annotated[
        ModelName | None, Query(description="call it so; the card's or file's name unless given")
    ] = None,
) -> ModelView:
    """Add an own model; it is tried out on a small picture first."""
    limit = server.settings.max_model_bytes
    async with received(request, server.files, field="file", max_bytes=limit) as file:
        return await server.catalogue.add(file.path, file.name, name)


@router.get("/{name}", responses=failures(404))
def get_model(server: Here, name: Name) -> ModelView:
    """One model's card."""
    return server.catalogue.model(name)


@router.delete("/{name}", status_code=204, responses=failures(404, 409))
def delete_model(server: Here, name: Name) -> None:
    """Delete an own model; those that ship stay."""
    server.catalogue.delete(name)


@router.get(
    "/{name}/sample/{side}",
    response_class=FileResponse,
    responses=PICTURE | failures(404, 416),
)
async def sample(server: Here, name: Name, side: Side) -> FileResponse:
    """A small picture before and after this model; made when first asked for."""
    path = await server.catalogue.sample(name, side)
    return FileAnswer(
        path, media_type="image/png", headers={"Cache-Control": "private, max-age=3600"}
    )

"""Models: their cards, a picture before and after, and the user's own."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import FileResponse

from crispen.enhance.request import ModelName
from crispen.server.disconnection import while_there
from crispen.server.errors import failures
from crispen.server.file_service import Side
from crispen.server.identity import Client
from crispen.server.ranges import FileAnswer
from crispen.server.receiving import file_body, received
from crispen.server.schemas import ModelList, ModelView
from crispen.server.state import Here

router = APIRouter(prefix="/models", tags=["models"])
Name = Annotated[ModelName, Path(description="a model's name")]

PICTURE: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/webp": {"schema": {"type": "string", "format": "binary"}}}}
}


@router.get("")
def list_models(server: Here, client: Client) -> ModelList:
    """The models that this client may use: those that ship, the server's, and its own."""
    return ModelList(models=server.catalogue.models(client))


@router.post(
    "",
    status_code=201,
    responses=failures(409, 411, 413, 507),
    openapi_extra=file_body("file", "an ONNX file, with or without a Crispen card"),
)
async def add_model(
    request: Request,
    server: Here,
    client: Client,
    name: Annotated[
        ModelName | None, Query(description="call it so; the card's or file's name unless given")
    ] = None,
) -> ModelView:
    """Add an own model; it is tried out on a small picture first.

    If the client disconnects, the trial ends and nothing is added.
    """
    limit = server.settings.max_model_bytes
    async with received(request, server.files, field="file", max_bytes=limit) as file:
        adding = server.catalogue.add(client, file.path, file.name, name)
        return await while_there(request, adding)


@router.get("/{name}", responses=failures(404))
def get_model(server: Here, client: Client, name: Name) -> ModelView:
    """One model's card."""
    return server.catalogue.model(client, name)


@router.delete("/{name}", status_code=204, responses=failures(404, 409))
def delete_model(server: Here, client: Client, name: Name) -> None:
    """Delete an own model; those that ship, and those of others, stay."""
    server.catalogue.delete(client, name)


@router.get(
    "/{name}/sample/{side}",
    response_class=FileResponse,
    responses=PICTURE | failures(404, 416),
)
async def sample(server: Here, client: Client, name: Name, side: Side) -> FileResponse:
    """A picture before and after this model; made when first asked for."""
    path = await server.catalogue.sample(client, name, side)
    return FileAnswer(
        path, media_type="image/webp", headers={"Cache-Control": "private, max-age=3600"}
    )

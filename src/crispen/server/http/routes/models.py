"""Models: their cards, a picture before and after, and the user's own."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import FileResponse

from crispen.enhance.value_types import ModelName
from crispen.server.http.dependencies import FolderOf, ModelsOf, SettingsOf
from crispen.server.http.disconnection import while_there
from crispen.server.http.errors import failures
from crispen.server.http.file_responses import RangedFile
from crispen.server.http.identity import Client
from crispen.server.http.receiving import file_body, received
from crispen.server.schemas import ModelList, ModelView
from crispen.server.services.files import Side

router = APIRouter(prefix="/models", tags=["models"])
Name = Annotated[ModelName, Path(description="a model's name")]

PICTURE: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/webp": {"schema": {"type": "string", "format": "binary"}}}}
}


@router.get("")
def list_models(models: ModelsOf, client: Client) -> ModelList:
    """The models that this client may use: those that ship, the server's, and its own."""
    return ModelList(models=models.views(client))


@router.post(
    "",
    status_code=201,
    responses=failures(409, 411, 413, 507),
    openapi_extra=file_body("file", "an ONNX file, with or without a Crispen card"),
)
async def add_model(
    request: Request,
    models: ModelsOf,
    folder: FolderOf,
    settings: SettingsOf,
    client: Client,
    name: Annotated[
        ModelName | None, Query(description="its name; the card's or file's name unless given")
    ] = None,
) -> ModelView:
    """Add your own model; it is tried out on a small picture first.

    If the client disconnects, the trial ends and nothing is added.
    """
    limit = settings.max_model_bytes
    async with received(request, folder, field="file", max_bytes=limit) as file:
        adding = models.add(client, file.path, file.name, name)
        return await while_there(request, adding)


@router.get("/{name}", responses=failures(404))
def get_model(models: ModelsOf, client: Client, name: Name) -> ModelView:
    """One model's card."""
    return models.view(client, name)


@router.delete("/{name}", status_code=204, responses=failures(404, 409))
def delete_model(models: ModelsOf, client: Client, name: Name) -> None:
    """Delete your own model; shipped models and those of others cannot be deleted."""
    models.delete(client, name)


@router.get(
    "/{name}/sample/{side}",
    response_class=FileResponse,
    responses=PICTURE | failures(404, 416),
)
async def sample(models: ModelsOf, client: Client, name: Name, side: Side) -> FileResponse:
    """A picture before and after this model; made when first asked for."""
    path = await models.sample(client, name, side)
    return RangedFile(
        path, media_type="image/webp", headers={"Cache-Control": "private, max-age=3600"}
    )

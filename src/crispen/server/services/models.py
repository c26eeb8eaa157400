"""Models: listed, added after a trial, deleted, and shown on a sample picture."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path
from typing import Literal

from crispen.engines.adding import add
from crispen.errors import CrispenError, ModelError
from crispen.jobs.file_kinds import renamed
from crispen.models.athand import family_of
from crispen.models.card import ModelCard, has_card, read_card
from crispen.models.guide import GUIDES, photo_seconds, rank_of, stem_of
from crispen.models.store import SHIPPED, Known, list_cards, shipped_names, user_folder
from crispen.server.api_errors import ApiError, not_found
from crispen.server.schemas import ModelView
from crispen.server.services.client_names import model_name
from crispen.server.services.data_folder import DataFolder
from crispen.server.services.helper_processes import HelperProcesses
from crispen.server.services.model_owners import ModelOwners


class Models:
    """The models of one server.

    Args:
        folder: Where samples are kept.
        helpers: Try models out.
        owners: Who may use which.
    """

    def __init__(self, folder: DataFolder, helpers: HelperProcesses, owners: ModelOwners) -> None:
        self._folder = folder
        self._helpers = helpers
        self._owners = owners
        self._making = asyncio.Lock()

    def usable(self, client: str) -> list[Known]:
        """The models that a client may use."""
        return self._owners.visible(client, list_cards())

    def views(self, client: str) -> list[ModelView]:
        """The models that a client may use."""
        return [self._view(client, path, card) for path, card in self.usable(client)]

    def view(self, client: str, name: str) -> ModelView:
        """One model.

        Raises:
            ApiError: No such model.
        """
        return self._view(client, *self._find(client, name))

    def _find(self, client: str, name: str) -> tuple[Path, ModelCard]:
        for path, card in list_cards():
            if card.name == name and self._owners.sees(client, name):
                return path, card
        raise not_found(f"model '{name}'")

    async def add(
        self, client: str, path: Path, file_name: str | None, name: str | None
    ) -> ModelView:
        """Put a model into the user's folder, after it was tried out.

        Raises:
            ApiError: The name is taken, or the model takes too long or too much memory.
            ModelError: It does not work.
        """
        try:
            carded = await self._helpers.quick(card_name, path)
            wanted = name or (model_name(file_name) if carded is None else None)
            await asyncio.to_thread(self._check_name, client, wanted or carded)
            card = await self._helpers.trial(add, path, name=wanted)
        except CrispenError as error:
            if isinstance(error, ApiError):
                raise
            raise ModelError(renamed(error, path, file_name or "the file")) from error
        await asyncio.to_thread(self._owners.note, card.name, client)
        return await asyncio.to_thread(self.view, client, card.name)

    def _check_name(self, client: str, name: str | None) -> None:
        cards = [card for _, card in list_cards()]
        taken = any(card.name == name for card in cards) and name not in shipped_names()
        if name is not None and (taken or self._owners.takes_over(client, name, cards)):
            raise ApiError(
                409, "name_taken", f"a model is called '{name}' already; choose another name"
            )

    def delete(self, client: str, name: str) -> None:
        """Delete a model that this client added.

        Raises:
            ApiError: No such model, one that ships, or one of another client.
        """
        path, _ = self._find(client, name)
        if path.parent == SHIPPED:
            raise ApiError(409, "not_possible", f"{name} ships with Crispen and cannot be deleted")
        if not self._owners.may_delete(client, name):
            raise ApiError(
                409,
                "not_possible",
                f"{name} belongs to this server; only its administrator can delete it",
            )
        path.unlink(missing_ok=True)
        self._owners.note(name, None)

    async def sample(self, client: str, name: str, side: Literal["before", "after"]) -> Path:
        """A picture before or after a model.

        Raises:
            ApiError: No such model.
        """
        from crispen.jobs.model_samples import make_sample

        path, card = await asyncio.to_thread(self._find, client, name)
        stat = path.stat()
        mark = f"{path.resolve()}\0{stat.st_mtime_ns}\0{stat.st_size}"
        folder = self._folder.samples / hashlib.sha256(mark.encode()).hexdigest()[:32]
        async with self._making:
            if not (folder / "after.webp").is_file():
                folder.mkdir(exist_ok=True)
                before, after = folder / "before.webp", folder / "after.webp"
                await self._helpers.slow(make_sample, path, card, before, after)
        return folder / f"{side}.webp"

    def _view(self, client: str, path: Path, card: ModelCard) -> ModelView:
        added = path.parent == user_folder()
        guide = GUIDES.get(stem_of(card.name))
        return ModelView(
            **card.model_dump(),
            own=added and self._owners.may_delete(client, card.name),
            family=family_of(card),
            stem=stem_of(card.name),
            rank=None if added else rank_of(card.name),
            use="" if added or guide is None else guide.use,
            photo_s=photo_seconds(card),
            bytes=path.stat().st_size,
        )


def card_name(path: Path) -> str | None:
    """The name on the card of an ONNX file, or None; in a helper, since the file may be large."""
    if not has_card(path.read_bytes()):
        return None
    return read_card(path).name

"""Models and choices as the API shows them."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from crispen import __version__
from crispen.engines.adding import add
from crispen.enhance.request import MAX_SIDE_PX, Request, options
from crispen.enhance.tasks import default_models
from crispen.errors import CrispenError, ModelError
from crispen.jobs.file_kinds import LOSSLESS, PICTURES, UNWRITTEN, VIDEOS, renamed
from crispen.media.formats import VIDEO_SUFFIXES
from crispen.media.video.codecs import CODEC_NAMES, codecs_in
from crispen.models.athand import AtHand, family_of
from crispen.models.card import ModelCard, has_card, read_card
from crispen.models.guide import GUIDES, photo_seconds, rank_of, stem_of
from crispen.models.store import SHIPPED, Known, list_cards, shipped_names, user_folder
from crispen.models.tasks import TASKS
from crispen.server.errors import ApiError, not_found
from crispen.server.model_owners import ModelOwners
from crispen.server.names import model_name
from crispen.server.schemas import FormatChoice, Limits, ModelView, SettingsView, TaskChoice

if TYPE_CHECKING:
    from crispen.server.files import Files
    from crispen.server.helpers import Helpers
    from crispen.server.settings import Settings

_SCALES = [1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0]


class Catalogue:
    """What this server offers.

    Args:
        settings: Of the server.
        files: Where samples are kept.
        helpers: Who tries models out.
    """

    def __init__(self, settings: Settings, files: Files, helpers: Helpers) -> None:
        self._settings = settings
        self._owners = ModelOwners(files.folder, separate=settings.separate)
        self._files = files
        self._aides = helpers
        self._making = asyncio.Lock()

    def settings(self, client: str) -> SettingsView:
        """Limits and choices."""
        settable = Limits.model_fields.keys() - {"max_side_px"}
        limits = {name: getattr(self._settings, name) for name in settable}
        return SettingsView(
            version=__version__,
            limits=Limits(**limits, max_side_px=MAX_SIDE_PX),
            options=options(),
            tasks=self._tasks(AtHand(self.usable(client))),
            formats=[
                FormatChoice(
                    format=name,
                    kind=kind,
                    suffix=suffix,
                    type=type,
                    quality=name not in LOSSLESS,
                    codecs=codecs_in(suffix) if kind == "video" else [],
                )
                for kind, table in (("image", PICTURES), ("video", VIDEOS))
                for name, (suffix, type) in table.items()
                if name not in UNWRITTEN
            ],
            codecs=list(CODEC_NAMES),
            scales=_SCALES,
            defaults=Request(scale=2, tasks=("upscale",)),
            accept=[*(t for _, t in PICTURES.values()), "video/*", *sorted(VIDEO_SUFFIXES)],
            runs=self._settings.runs_folder is not None,
            tus_url=f"{self._settings.root_path}/api/v1/uploads/",
        )

    def usable(self, client: str) -> list[Known]:
        """The models that a client may use."""
        return self._owners.visible(client, list_cards())

    @staticmethod
    def _tasks(at_hand: AtHand) -> list[TaskChoice]:
        pictures = default_models(at_hand=at_hand)
        videos = default_models(video=True, at_hand=at_hand)
        choices = []
        for task, row in TASKS.items():
            chosen = {pictures.get(task), videos.get(task)}
            choices.append(
                TaskChoice(
                    task=task,
                    label=row.label,
                    verb=row.verb,
                    hint=row.hint,
                    result=row.result,
                    usual=row.model,
                    available=task in pictures,
                    image_model=pictures.get(task),
                    video_model=videos.get(task),
                    models=at_hand.names(task),
                    strength=any(
                        model.card.takes_strength
                        for name, model in at_hand.items()
                        if name in chosen
                    ),
                )
            )
        return choices

    def models(self, client: str) -> list[ModelView]:
        """The models that a client may use."""
        return [self._view(client, path, card) for path, card in self.usable(client)]

    def model(self, client: str, name: str) -> ModelView:
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
            carded = await self._aides.quick(card_name, path)
            wanted = name or (model_name(file_name) if carded is None else None)
            await asyncio.to_thread(self._check_name, client, wanted or carded)
            card = await self._aides.trial(add, path, name=wanted)
        except CrispenError as error:
            if isinstance(error, ApiError):
                raise
            raise ModelError(renamed(error, path, file_name or "the file")) from error
        await asyncio.to_thread(self._owners.note, card.name, client)
        return await asyncio.to_thread(self.model, client, card.name)

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
            raise ApiError(409, "not_possible", f"{name} ships with Crispen and stays")
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
        from crispen.jobs.samples import make_sample

        path, card = await asyncio.to_thread(self._find, client, name)
        stat = path.stat()
        mark = f"{path.resolve()}\0{stat.st_mtime_ns}\0{stat.st_size}"
        folder = self._files.samples / hashlib.sha256(mark.encode()).hexdigest()[:32]
        async with self._making:
            if not (folder / "after.webp").is_file():
                folder.mkdir(exist_ok=True)
                before, after = folder / "before.webp", folder / "after.webp"
                await self._aides.slow(make_sample, path, card, before, after)
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

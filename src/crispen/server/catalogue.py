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
from crispen.jobs.kinds import LOSSLESS, PICTURES, UNWRITTEN, VIDEOS, renamed
from crispen.media._video_codecs import CODEC_NAMES, codecs_in
from crispen.models.athand import AtHand, family_of
from crispen.models.card import ModelCard, has_card
from crispen.models.store import SHIPPED, list_cards, user_folder
from crispen.models.tasks import TASKS
from crispen.server.errors import ApiError, not_found
from crispen.server.names import model_name
from crispen.server.schemas import FormatChoice, Limits, ModelView, SettingsView, TaskChoice

if TYPE_CHECKING:
    from crispen.server.aides import Aides
    from crispen.server.files import Files
    from crispen.server.settings import Settings

_SCALES = [1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0]


class Catalogue:
    """What this server offers.

    Args:
        settings: Of the server.
        files: Where samples are kept.
        aides: Who tries models out.
    """

    def __init__(self, settings: Settings, files: Files, aides: Aides) -> None:
        self._settings = settings
        self._files = files
        self._aides = aides
        self._making = asyncio.Lock()

    def settings(self) -> SettingsView:
        """Limits and choices."""
        settable = Limits.model_fields.keys() - {"max_side_px"}
        limits = {name: getattr(self._settings, name) for name in settable}
        return SettingsView(
            version=__version__,
            limits=Limits(**limits, max_side_px=MAX_SIDE_PX),
            options=options(),
            tasks=self._tasks(AtHand()),
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
            accept=[*(t for _, t in PICTURES.values()), "video/*", ".mkv", ".ts", ".m2ts"],
            runs=self._settings.runs_folder is not None,
            tus_url="/api/v1/uploads/",
        )

    def cards(self) -> list[ModelCard]:
        """All models' cards."""
        return [card for _, card in list_cards()]

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

    def models(self) -> list[ModelView]:
        """All models at hand."""
        return [_view(path, card) for path, card in list_cards()]

    def model(self, name: str) -> ModelView:
        """One model.

        Raises:
            ApiError: No such model.
        """
        return _view(*self._find(name))

    def _find(self, name: str) -> tuple[Path, ModelCard]:
        for path, card in list_cards():
            if card.name == name:
                return path, card
        raise not_found(f"model '{name}'")

    async def add(self, path: Path, file_name: str | None, name: str | None) -> ModelView:
        """Put a model into the user's folder, after it was tried out.

        Raises:
            ApiError: The name is taken.
            ModelError: It does not work.
        """
        carded = has_card(await asyncio.to_thread(path.read_bytes))
        wanted = name or (None if carded else model_name(file_name))
        if wanted is not None and any(card.name == wanted for card in self.cards()):
            raise ApiError(
                409, "name_taken", f"a model is called '{wanted}' already; choose another name"
            )
        try:
            card = await self._aides.slow(add, path, name=wanted)
        except CrispenError as error:
            raise ModelError(renamed(error, path, file_name or "the file")) from error
        return self.model(card.name)

    def delete(self, name: str) -> None:
        """Delete one of the user's models.

        Raises:
            ApiError: No such model, or one that ships.
        """
        path, _ = self._find(name)
        if path.parent == SHIPPED:
            raise ApiError(409, "not_possible", f"{name} ships with Crispen and stays")
        path.unlink(missing_ok=True)

    async def sample(self, name: str, side: Literal["before", "after"]) -> Path:
        """A small picture before or after a model.

        Raises:
            ApiError: No such model.
        """
        from crispen.jobs.samples import make_sample

        path, card = await asyncio.to_thread(self._find, name)
        stat = path.stat()
        mark = f"{path.resolve()}\0{stat.st_mtime_ns}\0{stat.st_size}"
        folder = self._files.samples / hashlib.sha256(mark.encode()).hexdigest()[:32]
        async with self._making:
            if not (folder / "after.png").is_file():
                folder.mkdir(exist_ok=True)
                before, after = folder / "before.png", folder / "after.png"
                await self._aides.slow(make_sample, path, card, before, after)
        return folder / f"{side}.png"


def _view(path: Path, card: ModelCard) -> ModelView:
    return ModelView(
        **card.model_dump(),
        own=path.parent == user_folder(),
        family=family_of(card),
        bytes=path.stat().st_size,
    )

"""What can be chosen: tasks, formats, options and limits, as the API shows them."""

from __future__ import annotations

from crispen import __version__
from crispen.enhance.options import options
from crispen.enhance.request import Kind, Request
from crispen.enhance.task_models import default_models
from crispen.jobs.file_kinds import ANIMATIONS, LOSSLESS, PICTURES, UNWRITTEN, VIDEOS
from crispen.media.video.codecs import CODEC_NAMES, codecs_in, hardware_names
from crispen.media.video_formats import VIDEO_SUFFIXES
from crispen.models.athand import AtHand
from crispen.models.tasks import TASKS
from crispen.server.schemas import FormatChoice, Limits, SettingsView, TaskChoice
from crispen.server.services.models import Models

# Animated pictures can become videos, and videos animated pictures.
_KINDS: tuple[tuple[Kind, dict[str, tuple[str, str]]], ...] = (
    ("image", PICTURES | VIDEOS),
    ("video", VIDEOS | ANIMATIONS),
)
_SCALES = [1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0]


class Choices:
    """What this server offers.

    Args:
        models: Those of the server.
        limits: The limits that it enforces.
        runs: Whether it shows training runs.
        tus_url: Where uploads begin.
    """

    def __init__(self, models: Models, limits: Limits, *, runs: bool, tus_url: str) -> None:
        self._models = models
        self._limits = limits
        self._runs = runs
        self._tus_url = tus_url

    def of(self, client: str) -> SettingsView:
        """Limits and choices of a client."""
        hardware = hardware_names()
        return SettingsView(
            version=__version__,
            limits=self._limits,
            options=[
                option.model_copy(update={"choices": [*(option.choices or ()), *hardware]})
                if option.name == "codec"
                else option
                for option in options()
            ],
            tasks=_tasks(AtHand(self._models.usable(client))),
            formats=[
                FormatChoice(
                    format=name,
                    kind=kind,
                    suffix=suffix,
                    type=type,
                    quality=name not in LOSSLESS,
                    codecs=_codecs(suffix, hardware) if name in VIDEOS else [],
                )
                for kind, table in _KINDS
                for name, (suffix, type) in table.items()
                if name not in UNWRITTEN
            ],
            codecs=[*CODEC_NAMES, *hardware],
            scales=_SCALES,
            defaults=Request(scale=2, tasks=("upscale",)),
            accept=[*(t for _, t in PICTURES.values()), "video/*", *sorted(VIDEO_SUFFIXES)],
            runs=self._runs,
            tus_url=self._tus_url,
        )


def _codecs(suffix: str, hardware: list[str]) -> list[str]:
    held = codecs_in(suffix)
    return [*held, *(name for name in hardware if name.partition("_")[0] in held)]


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
                    model.card.takes_strength for name, model in at_hand.items() if name in chosen
                ),
            )
        )
    return choices

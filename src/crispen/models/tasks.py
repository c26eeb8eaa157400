"""What can be done to a picture, in words: one row a task, and everything else reads the row.

To add a task, add its name to `Task` and its row to `TASKS`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Task = Literal["denoise", "relight", "sharpen", "restore", "upscale"]

Example = Literal["none", "noise", "dark", "blocks"]
"""How a good picture is degraded to show what a task does; `jobs.samples` does it."""


@dataclass(frozen=True, slots=True)
class TaskRow:
    """One task.

    Attributes:
        model: The model or family that usually does it; None if nothing that ships does.
        video_model: The same for videos, where speed counts more.
        example: The degradation of the sample picture.
        about: When to choose it, for the command line; empty if the name says it.
        label: What the page calls it.
        verb: The same inside a sentence.
        hint: When to choose it, for the page.
        result: What a picture is afterwards, in a word or two.
    """

    model: str | None
    video_model: str | None
    example: Example
    about: str
    label: str
    verb: str
    hint: str
    result: str


# In the order in which they are done. Noise goes first, since light and sharpness would raise it
# and an enlargement would take it for texture; the cheap steps come before the picture grows.
TASKS: dict[Task, TaskRow] = {
    "denoise": TaskRow(
        model="denoise-photo",
        video_model="denoise-photo",
        example="noise",
        about="",
        label="Remove noise",
        verb="remove noise",
        hint="For grainy pictures and those taken in the dark.",
        result="less noise",
    ),
    "relight": TaskRow(
        model="relight",
        video_model="relight",
        example="dark",
        about="too dark or too bright",
        label="Brighten",
        verb="brighten",
        hint="For pictures too dark or too pale.",
        result="brighter",
    ),
    "sharpen": TaskRow(
        model="sharpen-photo",
        video_model="sharpen-photo",
        example="blocks",
        about="",
        label="Sharpen",
        verb="sharpen",
        hint="For blurred and blocky pictures.",
        result="sharper",
    ),
    "restore": TaskRow(
        model=None,
        video_model=None,
        example="noise",
        about="several faults at once, with a model of your own",
        label="Repair",
        verb="repair",
        hint="For pictures with several faults at once.",
        result="restored",
    ),
    "upscale": TaskRow(
        model="photo",
        video_model="photo-fast",
        example="none",
        about="",
        label="Make larger",
        verb="make larger",
        hint="More pixels, with fine detail.",
        result="",
    ),
}


def tasks_in_words() -> str:
    """All tasks for a help text: ``denoise, relight (too dark or too bright), …``."""
    return ", ".join(f"{task} ({row.about})" if row.about else task for task, row in TASKS.items())

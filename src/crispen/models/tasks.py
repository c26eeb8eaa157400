"""The tasks: one row per task, and everything else reads the row.

To add a task, add its name to `Task` and its row to `_OWN`. A package can offer a `TaskRow` of its
own as an entry point of the group ``crispen.tasks``; the entry point's name is the task's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

from crispen import plugins
from crispen.errors import UsageError

if TYPE_CHECKING:
    Task = Literal["denoise", "relight", "sharpen", "restore", "upscale"]
else:

    class Task(str):
        """A task's name, as pydantic checks it: one of `TASKS`, those of plug-ins included."""

        __slots__ = ()

        @classmethod
        def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
            """A string that is checked when it is read, when plug-ins are known."""
            from pydantic_core import core_schema

            return core_schema.no_info_after_validator_function(_known, core_schema.str_schema())

        @classmethod
        def __get_pydantic_json_schema__(cls, schema: Any, handler: Any) -> Any:
            """The names."""
            return {"type": "string", "enum": [*TASKS]}


Example = Literal["none", "noise", "dark", "blocks", "compressed", "specks"]
"""How a good picture is degraded to show what a task does; `jobs.model_samples` does it."""


@dataclass(frozen=True, slots=True)
class TaskRow:
    """One task.

    Attributes:
        label: Its label on the page.
        verb: The same inside a sentence.
        hint: When to choose it, for the page.
        result: The result in a word or two.
        model: The model or family that usually does it; None if no shipped one does.
        video_model: The same for videos, where speed counts more.
        example: The degradation of the sample picture.
        about: When to choose it, for the command line; empty if the name says it.
    """

    label: str
    verb: str
    hint: str = ""
    result: str = ""
    model: str | None = None
    video_model: str | None = None
    example: Example = "none"
    about: str = ""


# In execution order. Noise goes first, since light and sharpness would amplify it and an
# enlargement would treat it as texture; the cheap steps come before the picture grows.
_OWN: dict[Task, TaskRow] = {
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
        about="too dark, too bright, pale or tinted",
        label="Correct the light",
        verb="correct the light",
        hint="For pictures too dark, too bright, pale or tinted.",
        result="better light",
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
        example="compressed",
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


class _Tasks(Mapping[Task, TaskRow]):
    """Our tasks, with those of plug-ins before the enlargement; looked up on first use."""

    def __init__(self) -> None:
        self._rows: dict[Task, TaskRow] | None = None

    def _all(self) -> dict[Task, TaskRow]:
        if self._rows is None:
            added: dict[Task, TaskRow] = {}
            for name in plugins.installed("tasks"):
                row = plugins.find("tasks", name)
                if not isinstance(row, TaskRow):
                    raise UsageError(f"plug-in {name}: is not a crispen.models.tasks.TaskRow")
                added[cast(Task, name)] = row
            before: dict[Task, TaskRow] = {
                task: row for task, row in _OWN.items() if task != "upscale"
            }
            self._rows = {**before, **{t: r for t, r in added.items() if t not in _OWN}, **_OWN}
        return self._rows

    def __getitem__(self, task: Task) -> TaskRow:
        return self._all()[task]

    def __iter__(self) -> Iterator[Task]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())


TASKS: Mapping[Task, TaskRow] = _Tasks()


def _known(task: str) -> str:
    """Rejects unknown tasks, as pydantic rejects a literal."""
    from pydantic_core import PydanticCustomError

    if task in TASKS:
        return task
    names = [f"'{name}'" for name in TASKS]
    expected = f"{', '.join(names[:-1])} or {names[-1]}"
    raise PydanticCustomError("literal_error", "Input should be {expected}", {"expected": expected})


def tasks_in_words() -> str:
    """All tasks for a help text: ``denoise, relight (too dark or too bright), …``."""
    return ", ".join(f"{task} ({row.about})" if row.about else task for task, row in TASKS.items())

"""A job's source, result and progress."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from crispen.enhance import source
from crispen.look.looking import faults_of


class Source(source.Source):
    """What a file contains, by its content."""

    type: str = Field(description="media type, such as image/png")
    bytes: int
    duration_s: float | None = None
    viewable: bool = Field(description="whether browsers show it as it is")
    folder: str = Field("", description="where the client had it, such as holiday/2019")

    @property
    def found(self) -> list[str]:
        """What is known of its damage, a few words each."""
        return faults_of(self.seen, once=self.format != "jpeg")


class JobResult(BaseModel):
    """What was made."""

    model_config = ConfigDict(frozen=True)

    name: str = Field(description="file name for a download")
    type: str = Field(description="media type")
    width: int
    height: int
    frames: int = 1
    bytes: int
    notes: list[str] = Field([], description="what a person should know about it, a line each")
    viewable: bool = Field(description="whether browsers show it as it is")


class ProgressNow(BaseModel):
    """Progress of the work."""

    model_config = ConfigDict(frozen=True)

    what: str = Field(description="what is being done")
    done: float
    total: float | None
    unit: str = Field(description="px, frames, bytes")
    rate: float = Field(description="unit per second")
    left_s: float | None = Field(None, description="seconds left, if known")

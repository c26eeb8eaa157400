"""Every request and response of the API; the page's TypeScript types are generated from these."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from crispen.enhance.options import Option
from crispen.enhance.request import Kind, Request
from crispen.enhance.value_types import Amount
from crispen.jobs.job_facts import JobResult, ProgressNow, Source
from crispen.jobs.states import Status
from crispen.models.card import ModelCard
from crispen.models.tasks import Task


class ErrorDetail(BaseModel):
    """What went wrong."""

    code: str = Field(description="for programs, such as not_found or too_large")
    message: str = Field(description="one line for a person: what, and what to do")
    id: str = Field(description="the request's id, which the server's log has too")
    field: str | None = Field(None, description="the value at fault, where it is one")


class ErrorBody(BaseModel):
    """The body of every answer that is not a success."""

    error: ErrorDetail


class Health(BaseModel):
    """That the server works; otherwise the answer is a failure, 503."""

    status: Literal["ok"]
    version: str
    workers: int = Field(description="worker processes that are alive")
    queued: int
    running: int


class SessionState(BaseModel):
    """Whether this browser may use the API."""

    needed: bool = Field(description="whether a token is asked for at all")
    signed_in: bool


class SignIn(BaseModel):
    """The token that the server was started with."""

    model_config = ConfigDict(extra="forbid")

    token: str = Field(min_length=1, max_length=500)


class Limits(BaseModel):
    """What the server refuses; 0 where there is no limit."""

    max_upload_bytes: int
    max_model_bytes: int
    max_pixels: int
    max_result_pixels: int
    max_side_px: int
    max_frames: int
    max_video_s: float
    max_jobs_per_client: int
    max_total_bytes: int
    result_ttl_s: float
    upload_ttl_s: float
    rate_per_minute: int


class TaskChoice(BaseModel):
    """One thing that can be done."""

    task: Task
    label: str = Field(description="what it is called on the page")
    verb: str = Field(description="the same inside a sentence")
    hint: str = Field(description="when to choose it")
    result: str = Field(description="what a picture is afterwards, in a word or two")
    usual: str | None = Field(description="the model or family that ships for it, if any")
    available: bool = Field(description="whether a model for it is available")
    image_model: str | None = Field(description="model or family used unless another is named")
    video_model: str | None
    models: list[str] = Field(description="all models and families for it")
    strength: bool = Field(description="whether the chosen models have a dial for how much")


class FormatChoice(BaseModel):
    """A format that can be written."""

    format: str
    kind: Kind
    suffix: str
    type: str
    quality: bool = Field(description="whether quality applies")
    codecs: list[str] = Field(description="that a video of it can hold; empty for pictures")


class SettingsView(BaseModel):
    """Limits and choices, so that no client keeps its own copy."""

    version: str
    limits: Limits
    options: list[Option] = Field(description="what can be wanted: each field of a request")
    tasks: list[TaskChoice] = Field(description="in the order in which they are done")
    formats: list[FormatChoice]
    codecs: list[str]
    scales: list[float] = Field(description="scales worth offering")
    defaults: Request
    accept: list[str] = Field(description="media types that can be read, for a file picker")
    runs: bool = Field(description="whether a folder of training runs is shown")
    tus_url: str = Field(description="where resumable uploads begin")


class ModelView(ModelCard):
    """A model's card, and what the server knows beside it."""

    own: bool = Field(False, description="added by the user, so it can be deleted")
    family: str | None = Field(None, description="the name that chooses the scale automatically")
    stem: str = Field("", description="its name without the scale, which its relatives share")
    rank: int | None = Field(
        None, description="place among those that most people need; null for the laboratory's"
    )
    use: str = Field("", description="when to use it, after the words 'Use this for'")
    photo_s: float | None = Field(
        None, description="seconds for a photo of 12 megapixels, by the speed on its card"
    )
    bytes: int = Field(0, description="size of the model file")


class ModelList(BaseModel):
    """All available models."""

    models: list[ModelView]


class NewJob(BaseModel):
    """A finished upload, or an earlier job's source, and what should happen with it."""

    model_config = ConfigDict(extra="forbid")

    upload: str | None = Field(
        None,
        max_length=200,
        description="id of a finished upload, or the URL that the upload's creation gave",
    )
    from_job: str | None = Field(
        None, max_length=64, description="take this job's source again, instead of an upload"
    )
    name: str | None = Field(None, max_length=1000, description="the file's name, for people")
    folder: str | None = Field(
        None,
        max_length=1000,
        description="where the client has it, such as holiday/2019; the result goes there in "
        "archives",
    )
    webhook: str | None = Field(
        None,
        max_length=1000,
        description="address that is notified when the job has ended; its host must be one of the "
        "server's `webhook_hosts`",
    )
    options: Request = Request()


class Damage(BaseModel):
    """How bad a picture is, each from 0 (not at all) to 1."""

    model_config = ConfigDict(extra="forbid", strict=True)

    noise: Amount | None = None
    compression: Amount | None = None
    blur: Amount | None = None


class FileFacts(BaseModel):
    """What is known of a file that is not here."""

    model_config = ConfigDict(extra="forbid", strict=True)

    width: int = Field(ge=1, le=1_000_000)
    height: int = Field(ge=1, le=1_000_000)
    frames: int = Field(1, ge=0, description="0 if not known")
    duration_s: float | None = Field(None, gt=0, description="of a video; null if not known")
    jpeg_step: float | None = Field(None, ge=0, description="as `POST /look` says")
    damage: Damage | None = Field(None, description="as `POST /look` says")


class Question(BaseModel):
    """What should happen with files of a kind, asked before one is uploaded."""

    model_config = ConfigDict(extra="forbid")

    kind: Kind
    options: Request = Request()
    files: list[FileFacts] = Field(
        [], max_length=5000, description="to get a plan for each of them"
    )


class Cutting(BaseModel):
    """A rectangle of a video's picture, in pixels."""

    width: int
    height: int
    left: int
    top: int


class FilePlan(BaseModel):
    """What would be done to one file."""

    models: list[str] = Field(description="networks in order")
    width: int = Field(description="of the result")
    height: int = Field(description="of the result")
    problem: str | None = Field(None, description="why it cannot be done, if it cannot")
    field: str | None = Field(None, description="the option that is at fault, where it is one")
    frames: int = Field(1, description="to be enhanced; 0 if not known")
    begin_s: float = Field(0, description="when the first of them is shown, in a video")
    box: Cutting | None = Field(None, description="what is cut out of a video; null for all of it")


class Answer(BaseModel):
    """What would be done."""

    models: list[str] = Field(
        description="models in order; a family picks its scale by the size of the file"
    )
    files: list[FilePlan] = Field([], description="one for each of the question's")


class JobView(BaseModel):
    """One piece of work."""

    id: str
    name: str = Field(description="the source's name as text; never a path")
    kind: Kind
    status: Status
    created: float = Field(description="seconds since 1970")
    started: float | None
    finished: float | None
    expires: float | None = Field(description="when it is deleted; seconds since 1970")
    attempts: int
    error: str | None = Field(description="one line, if it failed")
    options: Request
    models: list[str] = Field(description="names of the networks that run, in order")
    source: Source
    found: list[str] = Field(description="what was found of the source's damage, in words")
    result: JobResult | None
    progress: ProgressNow | None
    position: int | None = Field(description="place in the queue, 1 is next")


class JobList(BaseModel):
    """This client's jobs, newest first."""

    jobs: list[JobView]


class JobPage(JobList):
    """Some of this client's jobs, newest first, and where the next ones begin."""

    next: str | None = Field(description="give it as `after` for the next ones; null at the end")


class Bulk(BaseModel):
    """What should happen with many jobs."""

    model_config = ConfigDict(extra="forbid")

    action: Literal["cancel", "retry", "delete", "pause", "resume"]
    ids: list[Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]] | None = Field(
        None, max_length=5000, description="which jobs"
    )
    status: list[Status] | None = Field(
        None, min_length=1, description="instead of ids: all of this client's jobs in these states"
    )


class BulkFailure(BaseModel):
    """A job for which the action failed."""

    id: str
    code: str
    message: str


class BulkDone(BaseModel):
    """The outcome."""

    done: list[str] = Field(description="ids of the jobs for which it succeeded")
    failed: list[BulkFailure]


class Measured(BaseModel):
    """How close the result comes to a reference.

    On luma (BT.601 studio swing), 8 bits, a border of the scale shaved. ``null`` where a picture
    is too small to measure, and PSNR where the pictures are equal.
    """

    psnr: float | None = Field(description="dB, of the result")
    ssim: float | None = Field(description="of the result")
    before_psnr: float | None = Field(description="dB, of the source enlarged bicubically")
    before_ssim: float | None
    equal: bool = Field(description="whether the result equals the reference")
    border: int = Field(description="pixels shaved on each side")
    width: int
    height: int


class FrameTimes(BaseModel):
    """When the frames of a video begin."""

    times_s: list[float] = Field(description="seconds, of each frame in the order shown")


class RunSummary(BaseModel):
    """One training run, without its curves."""

    model_config = ConfigDict(extra="allow")

    id: str = Field(description="below the folder of runs; unique, with / between folders")
    name: str
    task: str
    scale: int
    status: Literal["running", "done", "stopped", "failed", "unknown"]
    step: int
    steps: int
    epoch: float
    started: str
    wall_time_s: float
    updated: float = Field(description="when its folder last changed; seconds since 1970")
    parameters: int
    device: str
    seed: int | None
    error: str
    best: dict[str, float | None]
    psnr: list[tuple[float, float]] = Field(description="(step, dB) while it trained, thinned")


class RunList(BaseModel):
    """All runs below the server's folder of runs, newest first."""

    folder: str | None = Field(description="null if none was given; see 'crispen serve --runs'")
    runs: list[RunSummary]


class SampleSheet(BaseModel):
    """One sheet of sample pictures."""

    step: int
    epoch: float | None
    file: str
    url: str


class RunView(RunSummary):
    """One training run with everything there is to see."""

    columns: dict[str, list[float | None]] = Field(description="log.csv, column by column")
    samples: list[SampleSheet] = Field(description="oldest first")
    recipe: str = Field(description="the resolved recipe, TOML")
    paper: dict[str, Any]
    data: dict[str, Any]
    versions: dict[str, str]
    command: str
    commit: str

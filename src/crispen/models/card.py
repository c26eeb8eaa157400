"""ModelCard: everything that is known about a trained network, in one place.

The card travels inside the ONNX file (metadata key ``crispen.card``, JSON). Tiling, engines,
tables, the command line and the web page read it from there.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from crispen.errors import ModelError
from crispen.models.protobuf import fields
from crispen.models.tasks import Task as Task

CARD_KEY = "crispen.card"
NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"
# If a third-party network has a larger radius than this, tiles are blended: the difference is
# invisible, and exact tiles would mostly overlap.
FAR_PX = 48

Color = Literal["luma", "rgb"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Training(_Frozen):
    """Origin of the weights."""

    recipe: str = Field("", description="name of the recipe")
    steps: int = Field(0, description="optimiser steps, including earlier stages")
    seed: int = Field(0, description="seed of weights and crops")
    loss: str = Field("", description="what was minimised")
    data: str = Field("", description="name of the data set")
    data_sha256: str = Field("", description="SHA-256 of its manifest")
    data_licences: str = Field("", description="licences of the pictures in it")
    hardware: str = Field("", description="what it was trained on")
    wall_time_s: float = Field(0.0, description="seconds of training, including earlier stages")
    kept: str = Field("", description="which checkpoint it is, if there was a choice")
    started_from: str = Field("", description="model whose weights it began with")
    crispen: str = Field("", description="version of Crispen that exported the model")
    teacher: str = Field("", description="third-party teacher network, if distilled")
    teacher_licence: str = Field("", description="licence of the teacher network, with its notice")


class Result(_Frozen):
    """One measured line: the metric's definition is that of `crispen.evaluate.metrics`."""

    data: str = Field(description="Set5, Set14, …")
    degradation: str = Field("", description="how the pictures were degraded; bicubic if empty")
    psnr: float = Field(description="dB on Y'; a border of `scale` pixels shaved, none at scale 1")
    ssim: float = Field(description="on Y', 11×11 Gaussian, σ 1.5")
    bicubic_psnr: float | None = Field(None, description="bicubic on the same pictures")
    input_psnr: float | None = Field(None, description="the degraded inputs themselves, at scale 1")


class ModelCard(_Frozen):
    """A typed description of one model file.

    Attributes:
        halo: Input pixels around a pixel on which its output depends; None if there is no such
            limit (tiles are then blended).
        base: ``bicubic`` if the graph adds its output to bicubic phases before the final shuffle
            (at scale 1 to the picture itself); the tensor before that sum is then called
            ``residual``.
        multiple: Input sides must be multiples of this, as for a network that pools and unpools:
            tiles begin at such multiples, and pictures are padded and cropped again.
        window_px: The side of the square windows it must be run on, as for a network with a fully
            connected layer; None for any side. The windows overlap.
        stride_px: Step between overlapping windows whose results are averaged, as the classic
            autoencoder needs; windows are then `window_px`, or else four strides, wide. None for
            exact tiles if there is a halo, and for blended ones otherwise.
    """

    name: str = Field(pattern=NAME)
    task: Task = "upscale"
    summary: str = ""
    scale: int = Field(1, ge=1, le=16)
    color: Color = "luma"
    halo: int | None = Field(None, ge=0)
    base: Literal["bicubic", "none"] = "none"
    multiple: int = Field(1, ge=1, le=256)
    window_px: int | None = Field(None, ge=1, le=4096)
    stride_px: int | None = Field(None, ge=1, le=4096)
    parameters: int = Field(0, ge=0)
    architecture: str = ""
    licence: str = "unknown"
    version: str = "1"
    training: Training = Training()
    results: tuple[Result, ...] = ()
    speed: str = Field("", description="measured speed and the hardware, as text")
    dials: bool = Field(
        False, description="takes dials: how degraded the input is; see `crispen.models.dials`"
    )
    vivid: bool = Field(False, description="takes a vividness from 0 to 1")
    int8: bool = Field(False, description="trained for int8 (quantisation-aware)")
    curve: bool = Field(
        False,
        description="returns a tone curve for the whole picture; see `crispen.models.curve`",
    )

    @model_validator(mode="after")
    def _windows_fit(self) -> Self:
        window, stride = self.window_px, self.stride_px
        if window is not None and window % self.multiple:
            raise ValueError(f"window_px {window} is not a multiple of {self.multiple}")
        if window is not None and stride is not None and stride > window:
            raise ValueError(f"stride_px {stride} leaves gaps between windows of {window}")
        return self

    @property
    def takes_strength(self) -> bool:
        """Whether its output can be mixed with the picture: only if both have one size."""
        return self.scale == 1

    def psnr(self, data: str = "Set5") -> float | None:
        """Measured PSNR on a data set, or None."""
        return next((r.psnr for r in self.results if r.data == data), None)


def _card_texts(model: bytes) -> Iterator[bytes]:
    """The JSON of every card in an ONNX file's bytes; ends early if the file is truncated."""
    for number, content in fields(memoryview(model)):
        if number == 14:
            entry = dict(fields(content))
            if bytes(entry.get(1, b"")) == CARD_KEY.encode():
                yield bytes(entry[2])


def has_card(model: bytes) -> bool:
    """Whether an ONNX file's bytes contain a card, valid or not."""
    try:
        return any(True for _ in _card_texts(model))
    except (IndexError, KeyError):
        return False


def read_card(path: Path) -> ModelCard:
    """The card inside an ONNX file, read without importing ``onnx`` (which takes 0.2 s).

    ``ModelProto.metadata_props`` is field 14, ``ModelProto.graph`` field 7; a property is a key
    (field 1) and a value (field 2). If there are several cards, the last one counts.

    A file is read once in a process, and again when its size or its time of change differs.

    Raises:
        ModelError: It is not an ONNX file, or has no valid card.
    """
    try:
        stat = path.stat()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror}); check the path") from error
    return _read_card(path, (stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns))


@functools.lru_cache(maxsize=1024)
def _read_card(path: Path, state: tuple[int, ...]) -> ModelCard:
    """The card of the file that has this `state`; failures are not cached."""
    try:
        model = path.read_bytes()
        texts = list(_card_texts(model))
        if texts:
            return ModelCard.model_validate_json(texts[-1])
        graph = any(number == 7 for number, _ in fields(memoryview(model)))
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror}); check the path") from error
    except IndexError as error:
        raise ModelError(
            f"{path}: not an ONNX file, or one that was cut off; fetch or export it again"
        ) from error
    except (ValidationError, KeyError) as error:
        raise ModelError(
            f"{path}: its Crispen card is damaged ({_what(error)}); fetch or export it again"
        ) from error
    if not graph:
        raise ModelError(
            f"{path}: not an ONNX file; name one, or a model ('crispen models' lists them)"
        )
    raise ModelError(
        f"{path}: an ONNX file without a Crispen card; 'crispen models add {path}' tries it out "
        "and gives it one"
    )


def _what(error: ValidationError | KeyError) -> str:
    """The first error in a card."""
    if isinstance(error, KeyError):
        return "it is empty"
    first = error.errors()[0]
    where = ".".join(map(str, first["loc"]))
    return f"{where}: {first['msg']}" if where else first["msg"]

"""The recipe's ``[data]`` table: one class per kind of data; `DataTable` is their base."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Literal, Self

from pydantic import Field, model_validator

from crispen.lab.table import Kinds, Table

if TYPE_CHECKING:
    from crispen.progress import Progress

Color = Literal["luma", "yuv", "rgb"]
Memory = Literal["auto", "all", "stream"]
SetName = Literal[
    "bsds500", "cats-dogs", "cifar10", "div2k", "div2k-valid", "places365-val", "unsplash-pairs"
]


class Stage(Table):
    """Crops of another size from a step on."""

    step: int = Field(ge=1, description="the first step with them; steps are counted from 0")
    patch: int = Field(ge=1, description="side of an input crop in pixels")
    batch: int = Field(ge=1, description="crops per step, on each device")


class DataKind(Table):
    """The ``[data]`` table of a recipe; a subclass adds ``kind``, its keys and `material`."""

    kind: str = Field("", description="kind of data")

    color: Color = Field(
        "luma",
        description="what the network operates on: Y' of studio-range Y'CbCr (luma), Y of "
        "full-range YUV (yuv), or rgb",
    )
    patch: int = Field(32, ge=1, description="side of an input crop in pixels")
    batch: int = Field(16, ge=1, description="crops per step, on each device")
    progressive: tuple[Stage, ...] = Field(
        (),
        description="other crops from a step on, as in [{ step = 10000, patch = 48, batch = 8 }]; "
        "validation keeps `patch`",
    )
    symmetries: bool = Field(True, description="rotate and flip crops at random, in all 8 ways")
    bilevel: float = Field(
        0.0,
        ge=0,
        le=1,
        description="share of the crops reduced to black and white, like text and line art; not "
        "for pairs",
    )
    pages: float = Field(
        0.0,
        ge=0,
        le=1,
        description="share of synthetic crops: pages of text, charts and program windows; for "
        "rgb, not for pairs",
    )
    patterns: float = Field(
        0.0,
        ge=0,
        le=1,
        description="share of the crops that are patterns (checkerboards, dithering, halftone), "
        "which the network learns to enlarge as bicubic does; for rgb and luma, not for pairs",
    )
    soft: float = Field(
        0.0,
        ge=0,
        le=1,
        description="share of the crops that are blurred, or enlarged from smaller ones, before "
        "anything else: the network learns to leave soft pictures soft; not for pairs",
    )
    stride: int = Field(0, ge=0, description="spacing of the grid of crops; 0: crops anywhere")
    epoch: int = Field(
        0,
        ge=0,
        description="crops per epoch; 0: each grid position once, or every pixel about once",
    )
    limit: int = Field(
        0,
        ge=0,
        description="use this many pictures, drawn by split_seed before any is opened; 0: all",
    )
    valid_share: float = Field(
        0.1, ge=0, lt=1, description="share of the pictures held out for validation"
    )
    split_seed: int = Field(0, ge=0, description="decides which pictures are held out")
    memory: Memory = Field(
        "auto",
        description="all: every pixel on the training device; stream: pictures are read when they "
        "are needed; auto: all, where that takes at most half of the free memory",
    )
    cache_mb: int = Field(
        1024,
        ge=1,
        description="maximum size of the pixels that streaming keeps, in MB; a larger set than "
        "half of it is read in portions of that half, so the value affects the order "
        "of the crops",
    )
    workers: int = Field(2, ge=1, le=64, description="threads that decode pictures")
    licence: str = Field(
        "", description="licences of the pictures, for the card; empty: those of MANIFEST.csv"
    )

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        steps = [stage.step for stage in self.progressive]
        if any(a >= b for a, b in itertools.pairwise(steps)):
            raise ValueError(
                f"progressive: its steps {steps} do not rise; put the entries in order, each step "
                "once"
            )
        return self

    @property
    def channels(self) -> int:
        """Channels of the network's input."""
        return 3 if self.color == "rgb" else 1

    def material(self, scale: int | None = None, progress: Progress | None = None) -> object:
        """The pictures, not read yet: a `crispen.lab.data.material.Material`.

        Only plug-ins override it; `crispen.lab.data.opening` handles the built-in kinds.

        Args:
            scale: Required scale of paired data: how many times larger targets are.
            progress: Receives events while pictures are listed or downloaded.

        Raises:
            CrispenError: There are none, or they do not fit the table.
        """
        raise NotImplementedError


class PictureFiles(DataKind):
    """Keys of all data read from picture files."""

    skip_unreadable: bool = Field(
        False, description="leave out pictures that cannot be read, rather than stop"
    )


class SinglePictures(PictureFiles):
    """Keys of single pictures that pairs lack."""

    resize: int = Field(
        0,
        ge=0,
        description="crop every picture to a centred square of this side, after enlarging smaller "
        "ones bicubically; 0: unchanged",
    )
    shortest: int = Field(
        0,
        ge=0,
        description="shrink larger pictures until their shorter side is this, so "
        "that a crop shows most of a picture; 0: unchanged",
    )


class FolderTable(SinglePictures):
    """Every picture in a folder and its sub-folders."""

    kind: Literal["folder"] = "folder"
    path: str = Field("../shared/data/train", description="folder of pictures")
    valid_path: str = Field(
        "", description="folder of the held-out pictures; then none of path are held out"
    )


class PairsTable(PictureFiles):
    """Low-quality pictures and their targets, matched by name or listed in a CSV file."""

    kind: Literal["pairs"] = "pairs"
    input: str = Field("", description="folder of the network's inputs")
    target: str = Field("", description="folder of the targets")
    csv: str = Field(
        "",
        description="file with the columns input and target: names in those two folders, or "
        "relative to the file where no folder is given",
    )
    enlarge: bool = Field(
        False, description="enlarge inputs bicubically to their target's size, so that scale is 1"
    )


class PackTable(DataKind):
    """One file of decoded pictures, made by ``crispen data pack``."""

    kind: Literal["pack"] = "pack"
    path: str = Field(description="the pack, a .safetensors file")


class CifarTable(DataKind):
    """CIFAR-10: its binary archive, packed or unpacked, or ``train.npz`` and ``test.npz``."""

    kind: Literal["cifar10"] = "cifar10"
    path: str = Field(
        "", description="archive, folder or .npz file; empty: downloaded once and kept"
    )
    color: Color = Field("rgb", description="luma, yuv or rgb")
    patch: int = Field(32, ge=1, le=32, description="side of a crop in pixels")
    stride: int = Field(32, ge=0, description="32: whole pictures, each once per epoch")
    valid_share: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="share of the training pictures held out; 0: hold out the test pictures "
        "instead",
    )


class NamedTable(SinglePictures):
    """A public set by its name, downloaded once (``crispen data`` lists them)."""

    kind: Literal["named"] = "named"
    name: SetName = Field(description="which set")


class VideoTable(PictureFiles):
    """Frames of a clip, or of every clip in a folder, read directly from the clips."""

    kind: Literal["video"] = "video"
    path: str = Field(description="clip, or folder of clips")
    frames: int = Field(
        8,
        ge=0,
        description="evenly spaced frames from each shot, since neighbours are alike; 0: all",
    )
    shortest: int = Field(
        0,
        ge=0,
        description="shrink larger frames until their shorter side is this; 0: unchanged",
    )


class ToyTable(DataKind):
    """Generated pictures of discs, bars and stripes (`crispen.lab.data.toy`)."""

    kind: Literal["toy"] = "toy"
    count: int = Field(24, ge=2, le=10_000, description="how many")
    side: int = Field(128, ge=16, le=2048, description="side of each picture, in pixels")
    drawn_with: int = Field(0, ge=0, description="seed of their content")


# In the order of the documents.
DATA: tuple[type[DataKind], ...] = (
    FolderTable,
    PairsTable,
    PackTable,
    CifarTable,
    NamedTable,
    VideoTable,
    ToyTable,
)

DATA_KINDS: Kinds[DataKind] = Kinds("data", DATA, DataKind, "kind of data", usual="folder")

if TYPE_CHECKING:
    DataTable = DataKind
else:
    DataTable = DATA_KINDS.annotation()

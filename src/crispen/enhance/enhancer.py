"""Image -> Image and file -> file: models, any target size, alpha, 16 bit, animation, one path.

A picture is a stream of bands that runs through stages (see `stages`). A file is decoded,
enhanced and encoded at the same time, each in its own thread; a picture in memory goes through
the same stages and is collected.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from crispen.engines.base import Pixels
from crispen.enhance.blend import Overlap
from crispen.enhance.choice import choose, may_repair
from crispen.enhance.memory_budget import left_for_tiles
from crispen.enhance.modelfile import ModelFile, ModelFiles
from crispen.enhance.naming import label_of
from crispen.enhance.plan import Plan, check, plan
from crispen.enhance.prefetch import Prefetch
from crispen.enhance.request import Request, ask
from crispen.enhance.shrinking_back import difference
from crispen.enhance.source import Source, damage_in, overview_in
from crispen.enhance.stages import FillStage, ModelStage, ResizeStage, Shape, Stage, run_stages
from crispen.enhance.target import Target
from crispen.enhance.window import reach_of
from crispen.errors import Cancelled, UsageError
from crispen.look.crops import peeked
from crispen.media.image import (
    MAX_PIXELS,
    Header,
    Image,
    ImageReader,
    ImageWriter,
    as_image,
    open_image,
)
from crispen.models.athand import AtHand, HasCard
from crispen.models.curve import Overview
from crispen.models.dials import Dials, VividDials
from crispen.progress import Progress

DEFAULT_MEMORY_BYTES = 1 << 30
_LEAST_MEMORY_BYTES = 64 << 20
_READ_BYTES = 4 << 20


@dataclass(frozen=True, slots=True)
class Enhanced:
    """Report on one enhanced picture file.

    Attributes:
        source: Its width and height.
        result: Width and height of the result.
        frames: How many frames both have.
        models: Names of the models that ran, in order.
        notes: What the user should know about the result.
        shrinks_back: Difference in levels between a vivid result, shrunk again, and the repaired
            picture; None if nothing was invented. See `crispen.enhance.shrinking_back`.
    """

    source: tuple[int, int]
    result: tuple[int, int]
    frames: int
    models: tuple[str, ...]
    notes: tuple[str, ...] = ()
    shrinks_back: float | None = None


class Enhancer:
    """Makes pictures larger and better; keeps its engines open from one picture to the next.

    Args:
        models: Names (``photo-x2``), families (``photo``, which picks ``-x2``, ``-x3`` … by the
            target), paths or `Model` objects, applied in order; None for ``photo``.
        tasks: Names of tasks, as `crispen.models.tasks` lists them; models are chosen
            for them, and `models` replace those.
        strength: Share of the change by models of scale 1 to keep, 0 to 1; all unless given.
        request: The whole request, instead of the three above; its size is the default.
        at_hand: The models that `request` names; those that ship and the user's own unless given.
        dials: For networks that have dials, the same for every picture; unless given, what the
            picture's file says.
        device: ``auto``, ``cpu``, ``cuda``, …
        threads: Maximum number of CPU threads; all unless given.
        memory_bytes: Memory budget, including the program; 1 GiB unless given, 64 MiB at least.
            Below about 250 MiB the smallest tiles may take more.
        tile_px: Side of square tiles; chosen by memory unless given.
        overlap: Overlapped and averaged tiles instead of exact ones, as the classic autoencoder
            needs them.

    Attributes:
        lineup: Which models run.

    Raises:
        ModelError: A model is not known or broken.
        UsageError: An argument does not fit.
    """

    def __init__(
        self,
        models: Sequence[str | Path | HasCard] | None = None,
        *,
        tasks: Sequence[str] | None = None,
        strength: float | None = None,
        request: Request | None = None,
        at_hand: AtHand | None = None,
        dials: Dials | None = None,
        device: str = "auto",
        threads: int | None = None,
        memory_bytes: int | None = None,
        tile_px: int | None = None,
        overlap: Overlap | None = None,
    ) -> None:
        _check_numbers(memory_bytes=memory_bytes, tile_px=tile_px, threads=threads)
        if memory_bytes is not None and memory_bytes < _LEAST_MEMORY_BYTES:
            raise UsageError(
                f"a memory budget of {memory_bytes / 2**20:.0f} MB is too small; "
                f"give {_LEAST_MEMORY_BYTES >> 20}M or more"
            )
        if tile_px is not None and tile_px < 1:
            raise UsageError(f"--tile {tile_px} is not a size; give 64 or more")
        if threads is not None and threads < 1:
            raise UsageError(f"--threads {threads} is not a number of threads; give 1 or more")
        if request is None:
            request, at_hand = ask(models, tasks=tasks, strength=strength)
        self._request = request
        self._at_hand = AtHand() if at_hand is None else at_hand
        self.lineup = check(request, "image", self._at_hand)
        self._files = ModelFiles(self._at_hand, device=device, threads=threads)
        self._memory_bytes = memory_bytes or DEFAULT_MEMORY_BYTES
        self._tile_px = tile_px
        self._dials = dials
        self._overlap = overlap

    def target(self, target: Target | None) -> Target:
        """`target`, or if it is None, the request's size or the models' own scale."""
        asked = self._request.target if target is None else target
        return asked.or_scale(self.lineup.default_scale)

    def label(self, target: Target | None) -> str:
        """The label in the name of a result; see `naming.label_of`."""
        tasks = [model.card.task for model in self.lineup.same_size]
        return label_of(self.target(target), tasks, self.lineup.strength)

    def enhance(
        self, image: Any, target: Target | None = None, progress: Progress | None = None
    ) -> Image:
        """The enhanced picture; grey, alpha, bit depth, frames and metadata stay what they are.

        Args:
            image: An `Image`, a path, bytes, a PIL image, or an array.
            target: Size of the result; the models' own scale unless given.
            progress: Receives progress events; can cancel.
        """
        picture = as_image(image)
        shape = Shape(
            picture.width, picture.height, picture.channels, picture.pixels.dtype.itemsize
        )
        width, height = self.target(target).resolve(picture.width, picture.height)
        factor = max(width / shape.width, height / shape.height)
        damage = Dials()
        if may_repair(self._request, factor, self._at_hand):
            top, _ = peeked(iter([picture.frame(0)]), picture.height)
            damage = damage_in(top, image)
        choice = choose(self._request, self.lineup, self._at_hand, factor, damage)
        models = self._told(choice.models, choice.dials)
        peak = int(np.iinfo(picture.pixels.dtype).max)
        stages = self._stages(
            shape, models, width, height, lambda: Overview.of(picture.frame(0), peak)
        )
        frames = (picture.frame(i) for i in range(picture.frames))
        total = width * height * picture.frames
        out = np.empty((height * picture.frames, width, picture.channels), picture.pixels.dtype)
        at = given = 0

        def room(rows: int) -> Pixels:
            nonlocal given
            given += rows
            return out[given - rows : given]

        if stages and isinstance(stages[-1], ModelStage):
            stages[-1].room = room
        with (progress or Progress()).task("picture", total, "px") as task:
            for band in run_stages(
                stages, frames, picture.frames, lambda share: task.advance(share * total)
            ):
                if band.base is not out:
                    out[at : at + len(band)] = band
                at += len(band)
        return replace(picture, pixels=out)

    def enhance_file(
        self,
        source: str | Path | bytes | BinaryIO,
        result: str | Path | BinaryIO,
        target: Target | None = None,
        *,
        format: str | None = None,
        quality: int | None = None,
        overwrite: bool = False,
        strip_metadata: bool = False,
        max_pixels: int | None = None,
        keep_damaged: bool = False,
        progress: Progress | None = None,
    ) -> Enhanced:
        """Enhance a file into another, in memory that does not grow with the picture.

        Args:
            source: A path, bytes or a binary stream.
            result: Destination; a path is written under another name first, then renamed.
            target: How large; the models' own scale unless given.
            format: ``png``, ``jpeg``, …; from the result's name, or the source's, unless given.
            quality: 1 to 100 for lossy formats.
            overwrite: Replace an existing result.
            strip_metadata: Leave EXIF, XMP and the like out.
            max_pixels: Refuse sources of more pixels; 300 million unless given.
            keep_damaged: Enhance the readable part of a damaged source instead of refusing it.
            progress: Receives progress events; can cancel.

        Raises:
            InputError: The source cannot be read.
            OutputError: The result cannot be written.
            UsageError: The result would be too large for its format.
        """
        progress = progress or Progress()
        limit = max_pixels or MAX_PIXELS
        with open_image(source, max_pixels=limit, keep_damaged=keep_damaged) as reader:
            header = reader.header
            path = Path(result) if isinstance(result, (str, Path)) else None
            planned = self._plan(header, target, format, path, None)
            width, height = planned.width, planned.height
            itemsize = np.dtype(header.dtype).itemsize
            shape = Shape(header.width, header.height, header.channels, itemsize)
            # First of all, since it checks size and name before any work.
            writer = ImageWriter(
                result,
                replace(header, width=width, height=height),
                format=planned.format,
                quality=quality,
                overwrite=overwrite,
                strip_metadata=strip_metadata,
                like=Path(source) if isinstance(source, (str, Path)) else None,
                check=progress.check,
            )
            rows = max(16, min(512, _READ_BYTES // (header.width * header.channels * itemsize)))
            total = width * height * header.frames
            with (
                writer,
                progress.task(_label(source), total, "px") as task,
                ExitStack() as threads,
            ):
                bands = reader.bands(rows)
                shrinks_back = None
                factor = max(width / header.width, height / header.height)
                if may_repair(self._request, factor, self._at_hand):
                    top, bands = peeked(bands, header.height)
                    damage = damage_in(top, source)
                    planned = self._plan(header, target, format, path, damage)
                    shrinks_back = self._shrinks_back(planned, top)
                models = self._told(planned.models, planned.dials)
                stages = self._stages(shape, models, width, height, lambda: overview_in(reader))
                decoded = threads.enter_context(Prefetch(bands, ahead=2))

                def tick(share: float) -> None:
                    if enhanced.stopped:  # the writer failed, or the user pressed Ctrl-C
                        raise Cancelled()
                    task.advance(share * total)

                def interrupt(thread: int) -> None:
                    for model in models:
                        model.engine.interrupt(thread)

                enhanced = Prefetch(
                    run_stages(stages, iter(decoded), header.frames, tick),
                    check=progress.check,
                    interrupt=interrupt,
                )
                for band in threads.enter_context(enhanced):
                    writer.write(band)
        return Enhanced(
            (header.width, header.height),
            (width, height),
            header.frames,
            tuple(model.card.name for model in models),
            (*planned.notes, *_left_out(reader), *reader.notes, *writer.notes),
            shrinks_back,
        )

    def _plan(
        self,
        header: Header,
        target: Target | None,
        format: str | None,
        result: Path | None,
        damage: Dials | None,
    ) -> Plan:
        size = self.target(target)
        request = self._request.model_copy(
            update={
                "scale": size.scale,
                "width": size.width,
                "height": size.height,
                "fit": size.fit,
                "format": format,
            }
        )
        source = Source(
            kind="image",
            format=header.format,
            width=header.width,
            height=header.height,
            frames=header.frames,
            damage=damage,
        )
        return plan(request, source, self._at_hand, result=result, lineup=self.lineup)

    def _shrinks_back(self, planned: Plan, pixels: NDArray[np.uint8]) -> float | None:
        name = planned.models[0] if planned.models else ""
        if not planned.dials.vivid or not self._files[name].card.vivid:
            return None
        vivid, faithful = (
            self._files.with_dials(name, VividDials(*planned.dials.values, vivid=amount))
            for amount in (planned.dials.vivid, 0.0)
        )
        return difference(vivid, faithful, pixels)

    def _told(self, names: Sequence[str], dials: Dials) -> list[ModelFile]:
        return [self._files.with_dials(name, self._dials or dials) for name in names]

    def _stages(
        self,
        shape: Shape,
        models: Sequence[ModelFile],
        width: int,
        height: int,
        overview: Callable[[], Overview],
    ) -> list[Stage]:
        stages: list[Stage] = []
        if shape.has_alpha and models:
            stages.append(FillStage(shape, reach_of(model.card for model in models)))
        for model in models:
            stage = ModelStage(
                model.engine_for(overview),
                shape,
                memory_bytes=left_for_tiles(self._memory_bytes) // len(models),
                tile_px=self._tile_px,
                overlap=self._overlap,
                strength=self.lineup.strength,
            )
            stages.append(stage)
            shape = stage.result
        if (shape.width, shape.height) != (width, height):
            stages.append(ResizeStage(shape, width, height))
        return stages

    def close(self) -> None:
        """Release engines."""
        self._files.close()

    def __enter__(self) -> Enhancer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _check_numbers(**given: Any) -> None:
    for name, value in given.items():
        if value is not None and not isinstance(value, int):
            raise UsageError(f"{name} is {value!r}; give a whole number")


def _left_out(reader: ImageReader) -> tuple[str, ...]:
    """A note, if the file holds more than was read."""
    what = "pages" if reader.header.format == "tiff" else "pictures"
    return (f"of its {reader.pages} {what} the first was enhanced",) if reader.pages > 1 else ()


def _label(source: str | Path | bytes | BinaryIO) -> str:
    return Path(source).name if isinstance(source, (str, Path)) else "picture"

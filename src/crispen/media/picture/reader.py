"""Reading pictures: whole, or band by band in bounded memory."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import TracebackType
from typing import Any, BinaryIO, TypeVar

import numpy as np
from numpy.typing import NDArray

from crispen.errors import InputError
from crispen.media.format_choice import require
from crispen.media.formats import PICTURES, READABLE
from crispen.media.picture import (
    broken_files,
    color_description,
    file_chunks,
    gif,
    jpeg_segments,
    own_codecs,
    texts,
    tiff_tags,
    vips_metadata,
)
from crispen.media.picture.broken_files import Damaged
from crispen.media.picture.byte_source import Source, first_bytes, locate
from crispen.media.picture.color_description import Stated
from crispen.media.picture.decoded import Decoded, Whole
from crispen.media.picture.header import MAX_PIXELS, Header, Pixels
from crispen.media.picture.pixel_layout import (
    deep_from_float,
    encode,
    full_range,
    interpret,
    interpretation,
    reduced,
    turn_upright,
)
from crispen.media.picture.texts import Texts
from crispen.media.picture.tiff_choice import Choice, choose
from crispen.media.picture.vips import NotUnderstood, reason, vips
from crispen.media.signatures import HEAD_BYTES, describe_stranger, sniff

__all__ = ["ImageReader", "Source", "open_image"]

_LOADERS = {
    "png": "pngload_source",
    "jpeg": "jpegload_source",
    "webp": "webpload_source",
    "tiff": "tiffload_source",
    "avif": "heifload_source",
    "gif": "gifload_source",
}
_WORDS = {
    "jpeg": texts.in_jpeg,
    "png": texts.in_png,
    "tiff": tiff_tags.in_tiff,
    "gif": lambda file: Texts(comment=gif.comment(file.read())),
}
_BAND_BYTES = 4 << 20
_ROWS = 64
_ROWS_OF_NOTE = 8  # fewer may be one colour by chance
T = TypeVar("T")


def open_image(
    source: Source, *, max_pixels: int = MAX_PIXELS, keep_damaged: bool = False
) -> ImageReader:
    """A picture with its header read and its pixels not yet decoded.

    Args:
        source: A path, the bytes of a file, or a binary stream (read to its end at once).
        max_pixels: Limit on the pixels of all frames together, checked before decoding.
        keep_damaged: Read what is left of a damaged file, with a note, instead of refusing it.

    Raises:
        InputError: Not a picture, damaged, or too large.
        MissingInput: No such file.
    """
    return ImageReader(source, max_pixels=max_pixels, keep_damaged=keep_damaged)


class ImageReader:
    """An open picture; a context manager.

    Pixels are upright and grey, grey and alpha, RGB or RGBA: palettes are expanded, CMYK, Lab and
    similar become sRGB, floats become 16 bits. If a file describes its colours without a profile
    (PNG's gAMA and cHRM, AVIF's nclx), a profile replaces the description, or code points for HDR
    (PQ, HLG); linear light gets sRGB's curve. Only the first page of a file is read, or the largest
    picture of a TIFF whose first one is a preview; `pages` is the number of pages.

    `bands` keeps only a few rows in memory. Some pictures are decoded whole: formats that libvips
    does not decode, animated PNG and AVIF, by design WebP, AVIF, interlaced PNG and progressive
    JPEG, and pictures stored sideways or upside down (into a temporary file from 100 MB up).
    """

    def __init__(
        self, source: Source, *, max_pixels: int = MAX_PIXELS, keep_damaged: bool = False
    ) -> None:
        self._keep = keep_damaged
        self._checked = False
        self._lenient = False
        self._name, self._data, self._path = locate(source)
        self._max_pixels = max_pixels
        head = self._data[:HEAD_BYTES] if self._path is None else first_bytes(self._path)
        if not head:
            raise InputError(f"{self._name}: the file is empty; fetch it again")
        found = sniff(head)
        if found is None:
            raise InputError(
                f"{self._name}: not a {READABLE} picture; it looks like {describe_stranger(head)}"
            )
        self._format = found
        self._choice = Choice()
        if found == "tiff":
            self._choice = self._guarded(self._looked_at, choose)
            if self._choice.raw:
                self._format = "raw"
        require(PICTURES[self._format], self._name)
        self._whole: Whole | None = None
        self._decoded: Decoded | None = None
        self.notes: list[str] = []
        """Notes for the user on how it was read; complete once all bands are read."""
        self._before_decoding()
        words = _WORDS.get(self._format)
        self._texts = self._looked_at(words) if words else Texts()
        if self._texts.placed:
            self._note("its GeoTIFF position was left out: it is wrong after resizing")
        self._told = self._guarded(self._look_at_colours)
        self.notes += self._choice.notes
        try:
            image = self._guarded(self._load)
        except Damaged as error:
            self._tolerate(error)
            image = self._guarded(self._load)
        self.header = self._describe(image)
        """Size, depth, frames and metadata."""
        self.pages = self._whole.pages if self._whole else self._choice.pages
        if self._whole is None and self._format == "avif":
            self.pages = int(image.get("n-pages"))
        """Number of pages or frames in the file if only the first is read; otherwise 1."""

    def __enter__(self) -> ImageReader:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Releases the file's bytes; call it when `bands` and `read` are no longer needed."""
        self._data = b""
        self._decoded = None

    def again(self) -> ImageReader:
        """A new reader for the same picture, from its start."""
        source = self._data if self._path is None else self._path
        return ImageReader(source, max_pixels=self._max_pixels, keep_damaged=self._keep)

    def bands(self, rows: int | None = None) -> Iterator[Pixels]:
        """Full-width bands ``(rows or fewer, width, channels)``, top to bottom, frame after frame.

        A band never spans two frames. Each call reads the picture from its start.

        Args:
            rows: Height of a band; by default about 4 MB of rows.

        Raises:
            InputError: While iterating, if the file turns out to be damaged.
        """
        self._check()
        header = self.header
        row_bytes = header.width * header.channels * np.dtype(header.dtype).itemsize
        rows = max(1, rows if rows is not None else _BAND_BYTES // row_bytes)
        image = self._guarded(self._load)
        region = vips().Region.new(image)
        end = broken_files.FlatEnd()
        for frame in range(header.frames):
            top = frame * header.height
            for y in range(0, header.height, rows):
                n = min(rows, header.height - y)
                data = self._guarded(region.fetch, 0, top + y, header.width, n)
                band = self._array(data, n, image.format)
                if self._keep:
                    end.add(band)
                yield band
        self._note_end(end)

    def read(self) -> Pixels:
        """All pixels: ``(frames * height, width, channels)``."""
        self._check()
        image = self._guarded(self._load)
        data = self._guarded(image.write_to_memory)
        pixels = self._array(data, self.header.height * self.header.frames, image.format)
        if self._keep:
            end = broken_files.FlatEnd()
            end.add(pixels)
            self._note_end(end)
        return pixels

    def _check(self) -> None:
        """Looks for damage before the first row is returned, if possible.

        Raises:
            InputError: It is damaged, and `keep_damaged` is off.
        """
        if self._checked:
            return
        self._checked = True
        if self._format == "jpeg":
            # libvips does not pass on all of libjpeg's messages about a file.
            found = broken_files.examine_jpeg(self._looked_at(lambda file: file.read()))
            for note in found.notes:
                self._note(note)
            if found.damage:
                self._tolerate(self._damaged(found.damage))
        if not self._keep or self._lenient:
            return
        try:
            image = self._guarded(self._load)
            region = vips().Region.new(image)
            for y in range(0, image.height, _ROWS):
                n = min(_ROWS, image.height - y)
                self._guarded(region.fetch, 0, y, image.width, n)
        except Damaged as error:
            self._tolerate(error)

    def _tolerate(self, error: Damaged) -> None:
        """Continues despite damage if `keep_damaged` is set."""
        if not self._keep:
            raise error
        self._lenient = True
        self._note(f"the file is damaged: {error.why}")

    def _note_end(self, end: broken_files.FlatEnd) -> None:
        """Notes how much of a damaged file's end is one colour, and so missing."""
        if self._lenient and end.rows >= _ROWS_OF_NOTE:
            self._note(f"the last {end.rows} of its {self.header.height} rows are missing")

    def _array(self, data: Any, rows: int, samples: str) -> Pixels:
        header = self.header
        shape = (rows, header.width, header.channels)
        if samples not in ("float", "double"):
            return np.frombuffer(data, header.dtype).reshape(shape)
        floats = np.frombuffer(data, np.float32 if samples == "float" else np.float64)
        deep: NDArray[np.uint16]
        deep, note = self._guarded(deep_from_float, floats.reshape(shape), self._choice.white)
        self._note(note)
        return deep

    def _note(self, text: str) -> None:
        if text and text not in self.notes:
            self.notes.append(text)

    def _look_at_colours(self) -> Stated | None:
        if self._format == "png":
            return self._looked_at(color_description.in_png)
        return self._looked_at(color_description.in_avif) if self._format == "avif" else None

    def _before_decoding(self) -> None:
        """Checks limits and damage without libvips, which allocates memory early."""
        opener = own_codecs.choose(self._format, self._looked_at, self._read_jpeg)
        if self._format != "gif" and opener is None:
            return
        if self._path is not None:
            self._data = self._path.read_bytes()
        if opener is not None:
            self._whole = whole = self._guarded(opener, self._data)
            self._check_size(whole.width, whole.height, whole.frames)
            return
        try:
            size = self._guarded(gif.walk, self._data)
        except Damaged as error:
            self._tolerate(error)
            self._data = gif.mend(self._data)
            size = self._guarded(gif.canvas, self._data)
        self._check_size(*size)

    def _read_jpeg(self, data: bytes) -> Decoded:
        """A JPEG embedded in this file."""
        with open_image(data, max_pixels=self._max_pixels) as reader:
            return Decoded(reader.read(), reader.header.metadata, tuple(reader.notes))

    def _check_size(self, width: int, height: int, frames: int = 1) -> None:
        pixels = width * height * frames
        if pixels > self._max_pixels:
            times = f" x {frames} frames" if frames > 1 else ""
            raise InputError(
                f"{self._name}: {width}x{height}{times} are {pixels / 1e6:,.0f} megapixels, more "
                f"than the limit of {self._max_pixels / 1e6:,.0f}; if you trust the file, raise it "
                f"with --max-pixels {pixels} (max_pixels={pixels} in Python)"
            )

    def _load(self) -> Any:
        """A fresh libvips picture, upright and of a kind `Header` can describe."""
        if self._whole is not None:
            if self._decoded is None:
                self._decoded = self._whole.decode()
            pixels = self._decoded.pixels
            image = vips().Image.new_from_array(pixels)
            return image.copy(interpretation=interpretation(pixels))
        image = self._decoder("sequential")
        self._check_size(image.width, image.get_page_height(), self._frames(image))
        orientation = vips_metadata.orientation(image, self._format, self._choice, self._texts)
        # A horizontal flip can be streamed; the others need their last rows first.
        if orientation in range(3, 9):
            image = self._decoder("random")
        if orientation in range(2, 9):
            image = turn_upright(image, orientation, self._frames(image))
        self._note(reduced(image))
        image = full_range(interpret(image)) if self._format == "avif" else interpret(image)
        if vips_metadata.is_linear(image, self._told):
            image = encode(image)
        return image

    def _decoder(self, access: str) -> Any:
        # Not "warning": TIFF warns about every private tag; for JPEG see `_check`.
        fail_on = "none" if self._lenient else "error"
        options: dict[str, Any] = {"access": access, "fail_on": fail_on}
        if self._format in ("gif", "webp"):
            options["n"] = -1
        elif self._format == "tiff":
            options |= {"page": self._choice.page, "subifd": self._choice.sub}
        source = (
            vips().Source.new_from_file(os.fsencode(self._path))
            if self._path is not None and not self._data
            else vips().Source.new_from_memory(self._data)
        )
        return vips().Operation.call(_LOADERS[self._format], source, **options)

    @staticmethod
    def _frames(image: Any) -> int:
        return int(image.height // image.get_page_height())

    def _describe(self, image: Any) -> Header:
        whole = self._whole
        frames = whole.frames if whole else self._frames(image)
        if self._decoded is not None:
            metadata, notes = self._decoded.metadata, list(self._decoded.notes)
            metadata = replace(metadata, texts=self._texts.texts)
        else:
            metadata, notes = vips_metadata.read(
                image, self._format, self._told, self._choice, frames, self._texts
            )
        for note in notes:
            self._note(note)
        return Header(
            width=int(image.width),
            height=int(image.height) // frames,
            channels=int(image.bands),
            dtype="uint8" if image.format == "uchar" else "uint16",
            frames=frames,
            metadata=metadata,
            format=self._format,
            lossless=self._format == "webp" and self._looked_at(file_chunks.lossless_webp),
        )

    def _looked_at(self, look: Callable[[BinaryIO], T]) -> T:
        """What `look` finds in the file's bytes."""
        with self._path.open("rb") if self._path is not None else io.BytesIO(self._data) as file:
            return look(file)

    def _guarded(self, work: Callable[..., Any], *args: Any) -> Any:
        """The result of `work`, with library errors translated into `CrispenError`."""
        # Messages left from another file would be reported for this one.
        vips().vips_lib.vips_error_clear()
        try:
            return work(*args)
        except NotUnderstood as error:
            raise InputError(f"{self._name}: {error.why}; {error.advice}") from None
        except ValueError as error:
            if isinstance(error, InputError):
                raise
            raise self._damaged(str(error)) from None
        except vips().Error as error:
            if "labq" in str(error):
                raise InputError(
                    f"{self._name}: its Lab colours are stored in an unsupported way; save it "
                    "as RGB with the program that made it"
                ) from error
            raise self._damaged(reason(error)) from error

    def _damaged(self, why: str) -> Damaged:
        kind = PICTURES[self._format].title
        why = why.removeprefix(f"{self._name}: ")
        why, advice = jpeg_segments.explain(why) if self._format == "jpeg" else (why, "")
        advice = advice or (
            "nothing of it can be read; get a fresh copy of the file"
            if self._lenient
            else "get a fresh copy of the file, or read what is left of it with --keep-damaged"
        )
        return Damaged(f"{self._name}: cannot be read as {kind}: {why}; {advice}", why)

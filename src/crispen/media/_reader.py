"""Reading pictures: whole, or band by band in bounded memory."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, TypeVar

import numpy as np
from numpy.typing import NDArray

from crispen.errors import InputError, MissingInput, UsageError
from crispen.media import _bmp, _chunks, _exif, _gif, _jpeg, _raw, _told
from crispen.media._header import MAX_PIXELS, Header, Metadata, Pixels
from crispen.media._pixels import deep_from_float, encode, full_range, interpret, turn_upright
from crispen.media._tiff_choice import Choice, choose
from crispen.media._told import Told
from crispen.media._vips import NotUnderstood, reason, vips
from crispen.media._whole import Whole
from crispen.media.formats import (
    HEAD_BYTES,
    PICTURES,
    READABLE,
    describe_stranger,
    require,
    sniff,
)

Source = str | os.PathLike[str] | bytes | BinaryIO

_LOADERS = {
    "png": "pngload_source",
    "jpeg": "jpegload_source",
    "webp": "webpload_source",
    "tiff": "tiffload_source",
    "avif": "heifload_source",
    "gif": "gifload_source",
}
_WHOLE: dict[str, Callable[[bytes], Whole]] = {"bmp": _bmp.open_bmp, "raw": _raw.open_raw}
_BAND_BYTES = 4 << 20
T = TypeVar("T")


def open_image(source: Source, *, max_pixels: int = MAX_PIXELS) -> ImageReader:
    """A picture whose header is read and whose pixels are not yet.

    Args:
        source: A path, the bytes of a file, or a binary stream (read to its end at once).
        max_pixels: Refuse more than this, all frames together, before anything is decoded.

    Raises:
        InputError: Not a picture, damaged, or too large.
        MissingInput: No such file.
    """
    return ImageReader(source, max_pixels=max_pixels)


class ImageReader:
    """An open picture; a context manager.

    Pictures come upright, as grey, grey and alpha, RGB or RGBA: palettes are looked up, CMYK, Lab
    and the like become sRGB, floats become 16 bits. Colours that a file tells without a profile
    (PNG's gAMA and cHRM, AVIF's nclx) are told by one from then on, HDR (PQ, HLG) by its code
    points; linear light gets sRGB's curve. Of a TIFF with several pages and of an AVIF sequence the
    first is read, of one whose first picture is a preview the largest, and of an APNG the picture
    that viewers without animation show; `pages` says how many there are.

    `bands` holds only a few rows in memory, with these exceptions: WebP, AVIF, interlaced PNG and
    progressive JPEG are decoded whole by design, and pictures stored sideways or upside down are
    decoded to memory or, from 100 MB on, to a temporary file, and turned from there.
    """

    def __init__(self, source: Source, *, max_pixels: int = MAX_PIXELS) -> None:
        self._name, self._data, self._path = _locate(source)
        self._max_pixels = max_pixels
        head = self._data[:HEAD_BYTES] if self._path is None else _first_bytes(self._path)
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
        self._pixels: Pixels | None = None
        self._before_decoding()
        self._told = self._guarded(self._look_at_colours)
        self.notes = [*self._choice.notes, *(self._whole.notes if self._whole else ())]
        """What a person should know of how it was read; complete when all bands are."""
        image = self._guarded(self._load)
        self.header = self._describe(image)
        """Size, depth, frames and metadata."""
        self.pages = self._count_pages(image)
        """How many pages or frames there are in the file where only the first is read; else 1."""

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
        """Lets go of the file's bytes; `bands` and `read` need them no more after this."""
        self._data = b""
        self._pixels = None

    def bands(self, rows: int | None = None) -> Iterator[Pixels]:
        """Full-width bands ``(rows or fewer, width, channels)``, top to bottom, frame after frame.

        A band never spans two frames. Each call reads the picture from its start.

        Args:
            rows: Height of a band; unless given, what makes about 4 MB.

        Raises:
            InputError: While iterating, where the file turns out to be damaged.
        """
        header = self.header
        row_bytes = header.width * header.channels * np.dtype(header.dtype).itemsize
        rows = max(1, rows if rows is not None else _BAND_BYTES // row_bytes)
        image = self._guarded(self._load)
        region = vips().Region.new(image)
        for frame in range(header.frames):
            top = frame * header.height
            for y in range(0, header.height, rows):
                n = min(rows, header.height - y)
                data = self._guarded(region.fetch, 0, top + y, header.width, n)
                yield self._array(data, n, image.format)

    def read(self) -> Pixels:
        """All pixels: ``(frames * height, width, channels)``."""
        image = self._guarded(self._load)
        data = self._guarded(image.write_to_memory)
        return self._array(data, self.header.height * self.header.frames, image.format)

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

    def _look_at_colours(self) -> Told | None:
        if self._format == "png":
            return self._looked_at(_told.in_png)
        return self._looked_at(_told.in_avif) if self._format == "avif" else None

    def _before_decoding(self) -> None:
        """Limits and damage that can be seen without libvips, which sets memory aside early."""
        if self._format != "gif" and self._format not in _WHOLE:
            return
        if self._path is not None:
            self._data = self._path.read_bytes()
        if self._format == "gif":
            self._check_size(*self._guarded(_gif.walk, self._data))
            return
        self._whole = whole = self._guarded(_WHOLE[self._format], self._data)
        self._check_size(whole.width, whole.height, whole.frames)

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
            if self._pixels is None:
                self._pixels = self._whole.decode()
            image = vips().Image.new_from_array(self._pixels)
            return image.copy(interpretation=_interpretation(self._pixels))
        image = self._decoder("sequential")
        self._check_size(image.width, image.get_page_height(), self._frames(image))
        orientation = self._orientation(image)
        # Mirrored left to right can be streamed; the others need their last rows first.
        if orientation in range(3, 9):
            image = self._decoder("random")
        if orientation in range(2, 9):
            image = turn_upright(image, orientation, self._frames(image))
        image = full_range(interpret(image)) if self._format == "avif" else interpret(image)
        if self._linear(image):
            image = encode(image)
        return image

    def _orientation(self, image: Any) -> int:
        """How it is stored; that of an AVIF is undone by its decoder, whatever its EXIF says."""
        if self._format == "tiff":
            return self._choice.orientation
        exif = _blob(image, "exif-data")
        if self._format == "avif" or exif is None:
            return 1
        return _exif.orientation(exif) or 1

    def _linear(self, image: Any) -> bool:
        """Whether the file says that its samples are light itself."""
        told = self._told
        if told is None or not told.linear:
            return False
        return told.before_icc or not image.get_typeof("icc-profile-data")

    def _decoder(self, access: str) -> Any:
        # "warning" for JPEG: what libjpeg calls a warning is a picture with a grey half. TIFF
        # warns about every private tag.
        options: dict[str, Any] = {
            "access": access,
            "fail_on": "warning" if self._format == "jpeg" else "error",
        }
        if self._format in ("gif", "webp"):
            options["n"] = -1
        elif self._format == "tiff":
            options |= {"page": self._choice.page, "subifd": self._choice.sub}
        source = (
            vips().Source.new_from_file(os.fspath(self._path))
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
        floats = image.format in ("float", "double")
        if floats:
            self._note(_float_note(self._choice))
        return Header(
            width=int(image.width),
            height=int(image.height) // frames,
            channels=int(image.bands),
            dtype="uint8" if image.format == "uchar" else "uint16",
            frames=frames,
            metadata=whole.metadata if whole else self._metadata(image, frames),
            format=self._format,
            lossless=self._lossless(),
        )

    def _lossless(self) -> bool:
        if self._whole is not None:
            return self._whole.lossless
        return self._format == "webp" and self._looked_at(_chunks.lossless_webp)

    def _metadata(self, image: Any, frames: int) -> Metadata:
        icc, exif, xmp = (_blob(image, f"{n}-data") for n in ("icc-profile", "exif", "xmp"))
        told = self._told
        if told is None and exif is not None and self._format == "jpeg":
            told = _told.in_exif(exif)
        cicp = None
        if told is not None and (icc is None or told.before_icc):
            if self._linear(image):
                self._note("its linear light was given sRGB's curve, and 16 bits")
                told = told.encoded()
            icc, cicp = told.profile(grey=image.bands < 3), told.cicp
        # Where the decoder turned the picture, or its EXIF did, XMP must not turn it again.
        turned = self._format == "avif" or (exif is not None and _exif.orientation(exif))
        turned = turned or self._choice.orientation > 1
        # 1 pixel a millimetre, or 72 dpi, is what libvips says when a file says nothing.
        unsaid = any(abs(image.xres - n) + abs(image.yres - n) < 0.01 for n in (1.0, 72 / 25.4))
        delays = image.get("delay") if frames > 1 and image.get_typeof("delay") else []
        return Metadata(
            icc=icc,
            exif=_exif.upright(exif) if exif else None,
            xmp=_exif.upright_xmp(xmp) if xmp and turned else xmp,
            dpi=(round(image.xres * 25.4, 2), round(image.yres * 25.4, 2)) if not unsaid else None,
            delays_ms=tuple(delays),
            loop=int(image.get("loop")) if frames > 1 and image.get_typeof("loop") else 0,
            cicp=cicp,
        )

    def _count_pages(self, image: Any) -> int:
        if self._whole is not None:
            return self._whole.pages
        told = int(image.get("n-pages")) if image.get_typeof("n-pages") else 1
        match self._format:
            case "png":
                return self._looked_at(_chunks.png_frames)
            case "avif":
                return max(told, self._looked_at(_chunks.avif_frames))
            case "tiff":
                return self._choice.pages
        return 1  # GIF and WebP are read whole

    def _looked_at(self, look: Callable[[BinaryIO], T]) -> T:
        """What `look` finds in the file's bytes."""
        with self._path.open("rb") if self._path is not None else io.BytesIO(self._data) as file:
            return look(file)

    def _guarded(self, work: Callable[..., Any], *args: Any) -> Any:
        """The result of `work`, with every way of failing told as ours."""
        # What libvips noted while another file was read would be told of this one.
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
            raise self._damaged(reason(error)) from error

    def _damaged(self, why: str) -> InputError:
        kind = self._format.upper()
        why = why.removeprefix(f"{self._name}: ")
        why, advice = _jpeg.explain(why) if self._format == "jpeg" else (why, "")
        advice = advice or (
            "get a fresh copy of the file, or open it in an image editor and save it again"
        )
        return InputError(f"{self._name}: cannot be read as {kind}: {why}; {advice}")


def _locate(source: Source) -> tuple[str, bytes, Path | None]:
    """What to call the source in errors, its bytes, and its path: bytes or path, not both."""
    if isinstance(source, bytes):
        return "the given bytes", source, None
    if not isinstance(source, str | os.PathLike):
        name = getattr(source, "name", None)
        data = source.read()
        if not isinstance(data, bytes):
            raise UsageError("a stream must be opened in binary mode: open(path, 'rb')")
        known = isinstance(name, str) and not name.startswith("<")
        return str(name) if known else "standard input or stream", data, None
    return os.fspath(source), b"", Path(source)


def _first_bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(HEAD_BYTES)
    except FileNotFoundError:
        if path.is_symlink():
            raise MissingInput(
                f"{path}: a link to {path.readlink()}, which is not there; mend it or name the file"
            ) from None
        raise MissingInput(f"{path}: no such file; check the spelling and the folder") from None
    except IsADirectoryError:
        raise InputError(f"{path}: a folder, where a picture file was expected") from None
    except PermissionError:
        raise InputError(f"{path}: no permission to read it; try chmod u+r on it") from None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise InputError(f"{path}: cannot be read: {why}") from None


def _interpretation(pixels: Pixels) -> str:
    deep = pixels.dtype == np.uint16
    if pixels.shape[2] < 3:
        return "grey16" if deep else "b-w"
    return "rgb16" if deep else "srgb"


def _blob(image: Any, name: str) -> bytes | None:
    return bytes(image.get(name)) if image.get_typeof(name) else None


def _float_note(choice: Choice) -> str:
    where = "of its own profile" if choice.profile else "of sRGB, since it holds no profile"
    return f"its floating-point samples were taken for 0 to {choice.white:g} {where}"

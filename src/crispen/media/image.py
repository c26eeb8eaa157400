"""Pictures in memory, and the functions that read and write them.

::

    image = read_image("photo.jpg")            # upright, with its metadata
    image.pixels                               # (height, width, 3) uint8
    image.save("photo.png")

`open_image` and `ImageWriter` do the same band by band, for pictures larger than memory.
"""

from __future__ import annotations

import io
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from crispen.errors import InputError, MissingExtra, UsageError
from crispen.media.format_choice import is_image_name
from crispen.media.formats import IMAGE_SUFFIXES
from crispen.media.picture import exif_orientation
from crispen.media.picture.header import (
    MAX_PIXELS,
    Header,
    Metadata,
    Pixels,
    flatten_on_white,
    to_8bit,
)
from crispen.media.picture.reader import ImageReader, Source, open_image
from crispen.media.picture.writer import ImageWriter, Target

if TYPE_CHECKING:
    import PIL.Image

__all__ = [
    "IMAGE_SUFFIXES",
    "MAX_PIXELS",
    "Header",
    "Image",
    "ImageLike",
    "ImageReader",
    "ImageWriter",
    "Metadata",
    "Pixels",
    "as_image",
    "is_image_name",
    "open_image",
    "read_image",
    "write_image",
]

# Maximum side of a picture in a notebook.
_SHOWN_PX = 1600


@dataclass(frozen=True, eq=False)
class Image:
    """Pixels with their metadata.

    Attributes:
        pixels: ``(frames * height, width, channels)`` ``uint8`` or ``uint16``, upright; channels
            are grey, grey and alpha, RGB, or RGB and alpha. Never BGR.
        frames: More than 1 in an animation; frames are stacked vertically.
        metadata: Profile, EXIF, XMP, resolution, delays.
    """

    pixels: Pixels
    frames: int = 1
    metadata: Metadata = field(default_factory=Metadata)

    def __post_init__(self) -> None:
        p = self.pixels
        if p.ndim != 3 or p.dtype not in (np.uint8, np.uint16) or not 1 <= p.shape[2] <= 4:
            raise UsageError(
                f"expected (height, width, 1 to 4) of uint8 or uint16, got {p.shape} of {p.dtype}; "
                "Image.from_array accepts more"
            )
        if self.frames < 1 or not p.shape[0] or not p.shape[1] or p.shape[0] % self.frames:
            raise UsageError(
                f"{p.shape[0]} rows of {p.shape[1]} are not {self.frames} whole frames"
            )

    @property
    def height(self) -> int:
        """Height of one frame."""
        return int(self.pixels.shape[0]) // self.frames

    @property
    def width(self) -> int:
        """Width of one frame."""
        return int(self.pixels.shape[1])

    @property
    def channels(self) -> int:
        """1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha."""
        return int(self.pixels.shape[2])

    @property
    def has_alpha(self) -> bool:
        """Whether the last channel is alpha."""
        return self.channels in (2, 4)

    def header(self, format: str = "png") -> Header:
        """The header that `ImageWriter` needs."""
        return Header(
            self.width,
            self.height,
            self.channels,
            str(self.pixels.dtype),
            self.frames,
            self.metadata,
            format,
        )

    def frame(self, index: int) -> Pixels:
        """``(height, width, channels)``: one frame, a view."""
        if not 0 <= index < self.frames:
            raise IndexError(f"frame {index}: there are {self.frames}, counted from 0")
        return self.pixels[index * self.height : (index + 1) * self.height]

    def as_rgb8(self) -> NDArray[np.uint8]:
        """``(height, width, 3)``: the first frame as 8-bit RGB, alpha flattened onto white.

        Values stay in the colour space of the picture's profile.
        """
        pixels = to_8bit(self.frame(0))
        if self.has_alpha:
            pixels = flatten_on_white(pixels)
        return np.repeat(pixels, 3, axis=2) if pixels.shape[2] == 1 else pixels

    def to_pil(self) -> PIL.Image.Image:
        """The first frame for Pillow, in 8 bits unless grey: Pillow has no 16-bit colour.

        Raises:
            MissingExtra: Pillow is not installed.
        """
        try:
            import PIL.Image
        except ImportError:
            raise MissingExtra("to_pil needs Pillow; type: pip install pillow") from None
        pixels = self.frame(0)
        if self.channels > 1:
            pixels = to_8bit(pixels)
        image = PIL.Image.fromarray(pixels[..., 0] if self.channels == 1 else pixels)
        if self.metadata.icc:
            image.info["icc_profile"] = self.metadata.icc
        return image

    def __array__(
        self, dtype: np.dtype[Any] | None = None, copy: bool | None = None
    ) -> NDArray[Any]:
        """The array for NumPy: `pixels`, or ``(frames, height, width, channels)`` of an animation.

        >>> np.asarray(Image(np.zeros((6, 4, 3), np.uint8), frames=2)).shape
        (2, 3, 4, 3)
        """
        shape = (self.frames, self.height, self.width, self.channels)
        pixels = self.pixels if self.frames == 1 else self.pixels.reshape(shape)
        if dtype is not None and dtype != pixels.dtype:
            if copy is False:
                raise ValueError(f"pixels of {pixels.dtype} become {dtype} only in a copy")
            return pixels.astype(dtype)
        return pixels.copy() if copy else pixels

    def _repr_png_(self) -> bytes:
        """What Jupyter shows: the first frame as PNG, shrunk if large."""
        shown = self.to_pil()
        if max(shown.size) > _SHOWN_PX:
            if shown.mode.startswith("I"):
                shown = Image(to_8bit(self.frame(0))).to_pil()
            icc = shown.info.get("icc_profile")
            shown.thumbnail((_SHOWN_PX, _SHOWN_PX))
            shown.info["icc_profile"] = icc
        file = io.BytesIO()
        shown.save(file, "PNG", icc_profile=shown.info.get("icc_profile"))
        return file.getvalue()

    def save(
        self,
        path: str | os.PathLike[str],
        quality: int | None = None,
        overwrite: bool = False,
    ) -> None:
        """Writes it in the format of the suffix; see `ImageWriter`."""
        write_image(self, path, quality=quality, overwrite=overwrite)

    @classmethod
    def from_array(cls, array: NDArray[Any], metadata: Metadata | None = None) -> Image:
        """An image from a NumPy array.

        Args:
            array: ``(height, width)`` or ``(height, width, channels)``; ``uint8``, ``uint16``,
                ``bool``, or float in [0, 1], which is rounded to 8 bits.
            metadata: Empty by default.

        Raises:
            InputError: Unsupported shape, type or range.

        >>> Image.from_array(np.array([[0.0, 1.0]])).pixels.ravel()
        array([  0, 255], dtype=uint8)
        """
        x = np.asarray(array)
        x = x[..., np.newaxis] if x.ndim == 2 else x
        if x.ndim != 3 or not 1 <= x.shape[2] <= 4 or 0 in x.shape:
            raise InputError(
                f"array of shape {x.shape}: expected (height, width) or (height, width, 1 to 4); "
                "move the channels to the end, and give one picture at a time"
            )
        if x.dtype.kind == "b":
            x = x * np.uint8(255)
        elif x.dtype.kind == "f":
            low, high = float(x.min()), float(x.max())
            # Half a level outside is rounding; NaN fails both comparisons.
            if not (low >= -0.002 and high <= 1.002):
                raise InputError(
                    f"float array with values from {low:g} to {high:g}: expected [0, 1]; divide by "
                    "its white, or convert it to uint8"
                )
            x = np.rint(np.clip(x, 0, 1) * 255).astype(np.uint8)
        elif x.dtype not in (np.uint8, np.uint16):
            raise InputError(
                f"array of {x.dtype}: expected uint8, uint16, or float in [0, 1]; convert it with "
                "astype"
            )
        return cls(np.ascontiguousarray(x), metadata=metadata or Metadata())


ImageLike: TypeAlias = "Image | NDArray[Any] | PIL.Image.Image | Source"


def read_image(
    source: Source, *, max_pixels: int = MAX_PIXELS, keep_damaged: bool = False
) -> Image:
    """A whole picture, upright, with its metadata.

    Args:
        source: A path, the bytes of a file, or a binary stream.
        max_pixels: Limit on the pixels of all frames together, checked before decoding.
        keep_damaged: Read what is left of a damaged file instead of refusing it.

    Raises:
        InputError: Not a picture, damaged, or too large.
        MissingInput: No such file.
    """
    with open_image(source, max_pixels=max_pixels, keep_damaged=keep_damaged) as reader:
        return Image(reader.read(), reader.header.frames, reader.header.metadata)


def write_image(
    image: Image,
    target: Target,
    *,
    format: str | None = None,
    quality: int | None = None,
    overwrite: bool = False,
    strip_metadata: bool = False,
) -> None:
    """Writes a whole picture, atomically; the arguments are those of `ImageWriter`.

    Raises:
        UsageError: Unsuitable format, quality or size.
        OutputError: The target exists, or cannot be written.
    """
    with ImageWriter(
        target,
        image.header(),
        format=format,
        quality=quality,
        overwrite=overwrite,
        strip_metadata=strip_metadata,
    ) as writer:
        writer.write(image.pixels)


def as_image(x: ImageLike) -> Image:
    """`x` as an `Image`: an array, a Pillow picture, a path, a file's bytes, or an `Image` itself.

    Raises:
        InputError: None of these, or a picture that cannot be read.
    """
    if isinstance(x, Image):
        return x
    if isinstance(x, np.ndarray):
        return Image.from_array(x)
    if type(x).__module__.partition(".")[0] == "PIL":
        return _from_pil(cast("PIL.Image.Image", x))
    if isinstance(x, str | os.PathLike | bytes) or hasattr(x, "read"):
        return read_image(cast("Source", x))
    if hasattr(x, "__array__") or hasattr(x, "__array_interface__"):
        return Image.from_array(np.asarray(x))
    raise InputError(
        f"a {type(x).__name__}, where a path, NumPy array, Pillow picture or Image was expected"
    )


def _from_pil(picture: PIL.Image.Image) -> Image:
    """A Pillow picture's first frame, upright."""
    from PIL import ImageOps

    icc, dpi = picture.info.get("icc_profile"), picture.info.get("dpi")
    exif = picture.getexif().tobytes()
    upright = ImageOps.exif_transpose(picture)
    mode = upright.mode
    if mode == "F" or (mode == "I" and not _fits_16bit(upright)):
        raise InputError(
            f"a Pillow picture of mode {mode}: expected L, LA, P, RGB, RGBA, CMYK, 1 or I;16; "
            "convert it with .convert('L'), or give a NumPy array in [0, 1]"
        )
    if mode == "1":
        upright = upright.convert("L")
    elif mode == "La":  # Pillow converts it to nothing else
        upright = upright.convert("LA")
    elif mode not in ("L", "LA", "RGB", "RGBA", "I") and not mode.startswith("I;16"):
        see_through = mode in ("PA", "RGBa", "La") or "transparency" in upright.info
        upright = upright.convert("RGBA" if see_through else "RGB")
    pixels = np.asarray(upright)
    if mode.startswith("I"):
        pixels = pixels.astype(np.uint16)
    metadata = Metadata(
        icc=icc if mode != "CMYK" else None,
        exif=exif_orientation.upright(exif) if exif else None,
        dpi=(float(dpi[0]), float(dpi[1])) if dpi else None,
    )
    return Image.from_array(pixels, metadata)


def _fits_16bit(picture: PIL.Image.Image) -> bool:
    values = np.asarray(picture)
    return bool(values.min() >= 0 and values.max() <= 65535)

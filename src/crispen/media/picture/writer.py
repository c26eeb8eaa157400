"""Writing pictures band by band, atomically, while the next band is still being computed."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

import numpy as np

from crispen.errors import OutputError, UsageError
from crispen.media.atomic import check_target, commit, open_beside
from crispen.media.format_choice import check_fits, output_format
from crispen.media.formats import PictureFormat
from crispen.media.picture import embedding, kept, savers
from crispen.media.picture.header import (
    Header,
    Pixels,
    flatten_on_white,
    to_8bit,
    to_12bit,
)
from crispen.media.picture.row_feed import Feed
from crispen.media.picture.vips import reason, vips

Target = str | os.PathLike[str] | BinaryIO

_EXACT = 100  # the quality at which WebP and AVIF are lossless
_PIECE_BYTES = 8 << 20
_CHECK_EVERY_S = 0.1
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class ImageWriter:
    """A picture being written; a context manager.

    ``write`` takes bands of any height, top to bottom, frame after frame, and returns as soon as
    they are queued: the encoder works in its own threads. The complete target appears when the
    block ends without an error; until then there is a temporary file beside it. A stream gets its
    bytes at the end.

    What a format cannot hold is reduced, and `notes` reports it: JPEG flattens alpha onto white; 16
    bits become 8 in JPEG, WebP, GIF, JPEG XL and animations, and 12 in AVIF; GIF gets 256 colours a
    frame; WebP, AVIF and GIF store grey as RGB; GIF holds no EXIF; WebP, AVIF and JPEG XL store the
    resolution only in EXIF, and none is made up. If the profile cannot be kept (in GIF, in JPEG XL
    and with grey stored as RGB), colours are converted to sRGB. A profile for another number of
    channels is dropped.

    PNG, JPEG and TIFF need a few dozen MB of memory at any size; the other encoders, and all
    animations, hold the whole picture.

    Args:
        target: Path or writable binary stream.
        header: That of the picture to write.
        format: ``"png"``, ``"jpeg"``, …; by default from the target's suffix, or
            ``header.format`` for a stream.
        quality: 1 to 100 for JPEG (default 95), WebP (90, or 100 if `header` is that of a lossless
            WebP), AVIF (80) and JPEG XL (90); 100 is lossless in the last three. JPEG keeps full
            colour resolution from 90 up and halves it (4:2:0) below.
        overwrite: Replace an existing target.
        strip_metadata: Leave EXIF, XMP and resolution out. The colour profile stays, since the
            colours would be wrong without it.
        like: A file whose permissions the new one gets.
        check: Called about ten times a second while waiting for the encoder; if it raises, the
            work is cancelled and nothing is written.

    Raises:
        UsageError: Unsuitable format, quality or size; raised before any work.
        OutputError: The target exists, or cannot be written.
    """

    def __init__(
        self,
        target: Target,
        header: Header,
        *,
        format: str | None = None,
        quality: int | None = None,
        overwrite: bool = False,
        strip_metadata: bool = False,
        like: Path | None = None,
        check: Callable[[], None] | None = None,
    ) -> None:
        self._check = check
        self._like = like
        self._path = Path(target) if isinstance(target, str | os.PathLike) else None
        self._stream = None if isinstance(target, str | os.PathLike) else target
        self._name = str(self._path) if self._path is not None else "the output stream"
        self._kind = output_format(format, self._path, header.format)
        self._header = header
        self._overwrite = overwrite
        if quality is not None and not 1 <= quality <= 100:
            raise UsageError(f"quality {quality}: expected a whole number from 1 to 100")
        stays = header.lossless and header.format == self._kind.name
        usual = _EXACT if stays else self._kind.quality
        self._quality = quality if quality is not None else usual
        _check_fits(self._name, self._kind, header)
        if self._path is not None:
            check_target(self._path, overwrite=overwrite)
        self._rows = 0
        self._temporary: Path | None = None
        self._file: BinaryIO | None = None
        self._failure = ""
        self._saving: Any = None
        self._own = savers.is_own(self._kind, header.frames)
        self._stored = kept.stored_header(
            header, self._kind, deep=savers.is_deep(self._kind, header), strip=strip_metadata
        )
        self.notes = kept.reductions(header, self._stored, self._kind)
        if quality is not None and not self._kind.quality:
            self.notes.append(f"{self._kind.title} has no quality setting, so quality was left out")
        if not strip_metadata:
            self.notes += kept.left_out(header.metadata, self._kind)
        """Notes for the user on what the format could not hold."""
        self._feed = Feed(self._stored, check)
        self._thread = threading.Thread(target=self._save, name="crispen-encode", daemon=True)

    def __enter__(self) -> ImageWriter:
        if self._path is not None:
            self._temporary, self._file = open_beside(self._path)
            if self._like is not None:
                with contextlib.suppress(OSError):
                    self._temporary.chmod(self._like.stat().st_mode & 0o777)
        else:
            self._file = tempfile.TemporaryFile(prefix="crispen-")
        self._thread.start()
        return self

    def write(self, band: Pixels) -> None:
        """Adds ``(rows, width, channels)`` at the bottom; waits only if the encoder is behind.

        Raises:
            OutputError: The encoder failed, e.g. because the disk is full.
        """
        if band.ndim == 2:
            band = band[..., np.newaxis]
        expected = (self._header.width, self._header.channels)
        total = self._header.height * self._header.frames
        if band.shape[1:] != expected or band.dtype != self._header.dtype:
            raise UsageError(
                f"{self._name}: expected rows of {expected[0]} pixels, {expected[1]} channels, "
                f"{self._header.dtype}; got {band.shape} {band.dtype}"
            )
        if self._rows + len(band) > total:
            raise UsageError(f"{self._name}: more than the {total} rows announced")
        # Small pieces, so that a whole picture passed at once is not held twice.
        step = max(1, _PIECE_BYTES // max(1, band[:1].nbytes))
        for y in range(0, len(band), step):
            if not self._feed.put(self._reduce(band[y : y + step])):
                self._thread.join()
                raise self._why()
        self._rows += len(band)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        whole = False
        try:
            if kind is None:
                self._finish()
                whole = True
        finally:
            self._feed.close()
            if not whole:
                saving = self._saving
                if saving is not None:
                    saving.set_kill(True)
                # An encoder that already has all its rows cannot be stopped: let it finish.
                self._thread.join(timeout=0.2)
            if not self._thread.is_alive():
                self._feed.release()
            if self._file is not None:
                self._file.close()
            if self._temporary is not None:
                self._temporary.unlink(missing_ok=True)

    def _finish(self) -> None:
        total = self._header.height * self._header.frames
        if self._rows != total and not self._failure:
            raise OutputError(f"{self._name}: only {self._rows} of {total} rows came; not written")
        while self._thread.is_alive():
            if self._check is not None:
                self._check()
            self._thread.join(_CHECK_EVERY_S)
        if self._failure:
            raise self._why()
        if self._path is not None and self._temporary is not None:
            if self._file is not None:
                self._file.close()  # Windows renames no file that is open
            commit(self._temporary, self._path, overwrite=self._overwrite)
        elif self._stream is not None and self._file is not None:
            self._file.seek(0)
            try:
                shutil.copyfileobj(self._file, self._stream)
                self._stream.flush()
            except OSError as error:
                raise self._cannot(error.strerror or str(error), error.errno) from None

    def _save(self) -> None:
        """Runs in the encoder's thread."""
        try:
            assert self._file is not None
            image = kept.with_metadata(self._feed.image(), self._stored)
            if image.get_typeof("icc-profile-data") and not self._keeps_profile():
                depth = 16 if self._stored.dtype == "uint16" else 8
                image = kept.in_srgb(image, depth)
            self._saving = image
            meta = self._stored.metadata
            head, more = (0, b"") if self._own else embedding.insertion(self._kind.name, meta)
            self._file.seek(len(more))
            if self._own:
                self._file.write(savers.encode(image, self._stored, self._kind, self._quality))
                self._file.flush()
            else:
                target = vips().Target.new_to_descriptor(self._file.fileno())
                options = _save_options(self._kind, self._quality, self._stored)
                options["keep"] = kept.kept(meta, self._kind)
                vips().Operation.call(self._kind.saver, image, target, **options)
                embedding.insert(self._file, head, more)
                embedding.finish(self._file, self._kind.name, meta, len(more))
        except Exception as error:
            # Not the error itself: its traceback would keep libvips' files open.
            self._failure = str(error) or "the encoder stopped"
        finally:
            self._saving = None
            self._feed.close()

    def _keeps_profile(self) -> bool:
        """Whether the format holds the profile; that of a grey picture does not suit RGB."""
        if self._kind.code_points and self._stored.metadata.cicp is not None:
            return True
        return self._kind.profile and (self._kind.grey or self._stored.channels > 2)

    def _reduce(self, band: Pixels) -> Pixels:
        """`band` reduced to what the format holds."""
        if self._stored.dtype == "uint8":
            band = to_8bit(band)
            if self._stored.channels < self._header.channels:
                band = flatten_on_white(band)
        elif self._kind.name == "avif":
            band = to_12bit(band)
        return band

    def _why(self) -> OutputError:
        """The encoder's failure as our error."""
        for code in _FULL:
            if os.strerror(code) in self._failure:
                return self._cannot(os.strerror(code), code)
        return self._cannot(reason(self._failure or "the encoder stopped"), None)

    def _cannot(self, why: str, code: int | None) -> OutputError:
        advice = "free some space and run it again" if code in _FULL else "nothing was written"
        return OutputError(f"{self._name}: cannot be written: {why}; {advice}")


def _check_fits(name: str, kind: PictureFormat, header: Header) -> None:
    check_fits(name, kind, header.width, header.height, header.frames)
    special = header.metadata.cicp.only_cicp if header.metadata.cicp else ""
    if special and (not kind.code_points or (kind.name == "avif" and header.frames > 1)):
        raise UsageError(
            f"{name}: the picture is {special}, which {kind.title} cannot hold; use PNG or "
            "AVIF, or convert it to SDR first"
        )


def _save_options(kind: PictureFormat, quality: int, stored: Header) -> dict[str, Any]:
    if kind.name == "png":
        # On photographs Paeth at 3 makes 2 % larger files than at 6, in half the time; without a
        # filter they are 60 % larger.
        return {"compression": 3, "filter": "paeth"}
    if kind.name == "jpeg":
        return {"Q": quality}
    if kind.name == "webp":
        return {"lossless": True} if quality == _EXACT else {"Q": quality, "smart_subsample": True}
    if kind.name == "avif":
        options = {"compression": "av1", "effort": 3, "subsample_mode": "off"}
        options |= {"lossless": True} if quality == _EXACT else {"Q": quality}
        return options | {"bitdepth": 12 if stored.dtype == "uint16" else 8}
    if kind.name == "tiff":
        # Every reader supports LZW with a predictor.
        size = stored.width * stored.height * stored.channels * np.dtype(stored.dtype).itemsize
        return {"compression": "lzw", "predictor": "horizontal", "bigtiff": size > 3_500_000_000}
    return {}

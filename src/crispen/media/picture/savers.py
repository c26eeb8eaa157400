"""Encoders other than libvips, for what its wheels do not write."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from crispen.media.formats import PictureFormat
from crispen.media.picture import embedding, own_codecs, pillow
from crispen.media.picture.header import Header, Pixels


def is_own(kind: PictureFormat, frames: int) -> bool:
    """Whether writing `kind` needs one of these: they hold the whole picture."""
    return kind.own_encoder or (frames > 1 and kind.name in ("png", "avif"))


def is_deep(kind: PictureFormat, header: Header) -> bool:
    """Whether `kind` is written with more than 8 bits per sample.

    Animations are not, and in some formats only grey in sRGB is.
    """
    if not is_own(kind, header.frames):
        return kind.deep
    return kind.deep_grey and header.channels == 1 and header.metadata.icc is None


def encode(image: Any, header: Header, kind: PictureFormat, quality: int) -> bytes:
    """The bytes of a file.

    Args:
        image: libvips picture, which is computed here.
        header: Its header, except for the profile, which is that of `image`.
        kind: The file's format.
        quality: 1 to 100.
    """
    samples: Pixels = np.frombuffer(image.write_to_memory(), header.dtype)
    pixels = samples.reshape(image.height, image.width, image.bands)
    kind_of = image.get_typeof("icc-profile-data")
    icc = bytes(image.get("icc-profile-data")) if kind_of else None
    header = replace(header, metadata=replace(header.metadata, icc=icc))
    if kind.own_encoder:
        return own_codecs.ENCODERS[kind.saver](pixels, header, quality)
    made = pillow.encode_animation(pixels, header, kind.name, quality)
    return embedding.with_texts(made, header.metadata.texts) if kind.name == "png" else made

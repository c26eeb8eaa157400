"""Removes XMP that is no longer true of a result, and updates its size."""

from __future__ import annotations

import re

_GAIN_MAPS = (
    rb"http://ns\.adobe\.com/hdr-gain-map/1\.0/",
    rb"http://ns\.apple\.com/HDRGainMap/1\.0/",
)
# Gain maps, videos after a photo, and lists of what else a file holds: none of it is copied.
_GONE = (
    *_GAIN_MAPS,
    rb"http://ns\.google\.com/photos/1\.0/container/",
    rb"http://ns\.google\.com/photos/1\.0/container/item/",
    rb"http://ns\.google\.com/photos/1\.0/(?:image|depthmap|audio)/",
)
_CAMERA = rb"http://ns\.google\.com/photos/1\.0/camera/"
_MOTION = rb"(?:MotionPhoto|MicroVideo)\w*"
_SIZES = (
    (rb"http://ns\.adobe\.com/tiff/1\.0/", rb"ImageWidth", rb"ImageLength"),
    (rb"http://ns\.adobe\.com/exif/1\.0/", rb"PixelXDimension", rb"PixelYDimension"),
)
_XMP = rb"http://ns\.adobe\.com/xap/1\.0/"
_NOTE = rb"http://ns\.adobe\.com/xmp/note/"


def for_result(xmp: bytes, width: int, height: int, *, more: bool) -> bytes:
    """`xmp` adapted to a result.

    Args:
        xmp: The packet.
        width: The result's.
        height: The result's.
        more: An extended packet goes with it.

    >>> for_result(b'<d xmlns:g="http://ns.adobe.com/hdr-gain-map/1.0/" g:Version="1.0"/>', 1, 1,
    ...            more=False)
    b'<d xmlns:g="http://ns.adobe.com/hdr-gain-map/1.0/"/>'
    """
    for namespace in _GONE:
        xmp = _without(xmp, namespace, rb"\w+")
    xmp = _without(xmp, _CAMERA, _MOTION)
    xmp = _without(xmp, _XMP, rb"Thumbnails")
    if not more:
        xmp = _without(xmp, _NOTE, rb"HasExtendedXMP")
    for namespace, wide, high in _SIZES:
        for name, value in ((wide, width), (high, height)):
            xmp = _with_number(xmp, namespace, name, value)
    return xmp


def companions(xmp: bytes) -> list[str]:
    """What else a file holds according to its XMP, but a result does not."""
    found = []
    if any(_prefixes(xmp, namespace) for namespace in _GAIN_MAPS):
        found.append("the gain map that makes it HDR")
    cameras = _prefixes(xmp, _CAMERA)
    if cameras and re.search(rb"\b(?:%s):%s" % (b"|".join(cameras), _MOTION), xmp):
        found.append("the video of its motion photo")
    return found


def _prefixes(xmp: bytes, namespace: bytes) -> list[bytes]:
    said = re.compile(rb"""\bxmlns:([\w.-]+)\s*=\s*["']%s["']""" % namespace)
    return [re.escape(prefix) for prefix in dict.fromkeys(said.findall(xmp))]


def _without(xmp: bytes, namespace: bytes, name: bytes) -> bytes:
    for prefix in _prefixes(xmp, namespace):
        element = rb"<%s:(%s)\b[^>]*?(?:/>|(?<!/)>.*?</%s:\1\s*>)" % (prefix, name, prefix)
        attribute = rb"""\s+%s:%s\s*=\s*(?:"[^"]*"|'[^']*')""" % (prefix, name)
        xmp = re.sub(attribute, b"", re.sub(element, b"", xmp, flags=re.DOTALL))
    return xmp


def _with_number(xmp: bytes, namespace: bytes, name: bytes, value: int) -> bytes:
    for prefix in _prefixes(xmp, namespace):
        stated = rb"""(<%s:%s>\s*|\b%s:%s\s*=\s*["'])\d+""" % (prefix, name, prefix, name)
        xmp = re.sub(stated, rb"\g<1>%d" % value, xmp)
    return xmp

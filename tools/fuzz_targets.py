"""Fuzz targets: functions of bytes that may raise only `CrispenError`, and their seeds.

`tools/fuzz.py` runs them under a coverage-guided fuzzer; the tests run them on its findings.
"""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from crispen.errors import CrispenError

_MOST_PIXELS = 1 << 20
_FRAMES = 3


def picture(data: bytes) -> None:
    """Reading: refused in one line, or read completely; then again as far as possible."""
    from crispen.media.image import read_image

    for keep in (False, True):
        try:
            image = read_image(data, max_pixels=_MOST_PIXELS, keep_damaged=keep)
        except CrispenError as error:
            _one_line(error)
            continue
        assert image.pixels.size


def metadata(data: bytes) -> None:
    """EXIF, XMP, IPTC and texts of any content: written to every format and read back."""
    from crispen.media.formats import PICTURES
    from crispen.media.image import Image, Metadata, read_image, write_image
    from crispen.media.picture import exif_orientation, gif, texts, tiff_tags, xmp
    from crispen.media.picture.color_description import in_avif, in_png

    if not data:
        return
    written = [f.name for f in PICTURES.values() if f.writable and f.name != "jxl"]
    kind, content = written[data[0] % len(written)], data[1:]
    for look in (texts.in_jpeg, texts.in_png, tiff_tags.in_tiff, in_png, in_avif):
        look(io.BytesIO(content))
    gif.comment(content)
    texts.in_resources(content)
    xmp.companions(content)
    exif_orientation.is_adobe_rgb(content)
    exif_orientation.orientation(content)
    half = content[: len(content) // 2]
    meta = Metadata(
        exif=b"Exif\0\0" + exif_orientation.upright(content) if content else None,
        xmp=exif_orientation.upright_xmp(content) or None,
        iptc=half or None,
        photoshop=half or None,
        comment=half or None,
        dpi=(float(data[0] + 1), 72.0),
    )
    import numpy as np

    file = io.BytesIO()
    pixels = np.full((4, 6, 3), data[0], np.uint8)
    try:
        write_image(Image(pixels, metadata=meta), file, format=kind)
    except CrispenError as error:
        raise AssertionError(f"metadata kept a picture from being written: {error}") from error
    assert read_image(file.getvalue()).pixels.shape[:2] == (4, 6)


def video(data: bytes) -> None:
    """Probing, and the first frames."""
    from crispen.media.video.container import Damage, probe, read_frames

    with _file(data, ".mp4") as path:
        try:
            header = probe(path)
            if header.width * header.height > _MOST_PIXELS:
                return
            for number, _ in enumerate(read_frames(path, Damage())):
                if number + 1 >= _FRAMES:
                    break
        except CrispenError as error:
            _one_line(error)


def model(data: bytes) -> None:
    """Trying out a third-party network, as before it is added, but in this process."""
    from crispen.engines.trial import Stated, check

    with _file(data, ".onnx") as path:
        try:
            check(path, path.name, "fuzzed", Stated("fuzzed", None, None, None), {})
        except CrispenError as error:
            _one_line(error)


def recipe(data: bytes) -> None:
    """Reading a recipe and writing it back."""
    from crispen.lab.recipe import load_recipe, recipe_text

    with _file(data, ".toml") as path:
        try:
            found = load_recipe(str(path))
        except CrispenError as error:
            _one_line(error)
            return
        path.write_text(recipe_text(found), encoding="utf-8")
        assert load_recipe(str(path)) == found


TARGETS: dict[str, Callable[[bytes], None]] = {
    f.__name__: f for f in (picture, metadata, video, model, recipe)
}


def seeds(target: str) -> Iterator[bytes]:
    """Small valid inputs to start from."""
    yield from {
        "picture": _pictures,
        "metadata": _metadata,
        "video": _videos,
        "model": _models,
        "recipe": _recipes,
    }[target]()


def _pictures() -> Iterator[bytes]:
    import numpy as np
    import PIL.Image

    from crispen.media.formats import PICTURES
    from crispen.media.image import Image, write_image

    y, x = np.mgrid[:9, :13]
    for channels in (1, 3, 4):
        for dtype, times in ((np.uint8, 9), (np.uint16, 2311)):
            planes = np.dstack([x, y, x + y, x * 2][:channels]) * times
            for kind in PICTURES.values():
                if kind.writable:
                    file = io.BytesIO()
                    write_image(Image(planes.astype(dtype)), file, format=kind.name)
                    yield file.getvalue()
    for name in ("BMP", "PPM", "TGA", "ICO", "JPEG2000"):
        file = io.BytesIO()
        PIL.Image.new("RGB", (16, 16), (9, 90, 200)).save(file, name)
        yield file.getvalue()
    for name in ("GIF", "PNG", "WEBP", "AVIF"):
        file = io.BytesIO()
        first, *rest = (PIL.Image.new("RGB", (12, 8), (60 * i, 9, 90)) for i in range(3))
        first.save(file, name, save_all=True, append_images=rest)
        yield file.getvalue()


def _metadata() -> Iterator[bytes]:
    import PIL.Image

    tags = PIL.Image.Exif()
    tags[0x010F], tags[0x0112] = "A camera", 6
    tags.get_ifd(0x8769).update({0xA002: 64, 0x927C: b"OLYMP\0" + bytes(30)})
    tags.get_ifd(0x8825).update({1: "N", 2: (47.0, 30.0, 0.0)})
    raw = tags.tobytes().removeprefix(b"Exif\0\0")
    packet = (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/" xmlns:tiff="http://ns.adobe.com/tiff/1.0/" '
        b'xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" tiff:Orientation="6" '
        b'hdrgm:Version="1.0"><hdrgm:GainMapMin>0</hdrgm:GainMapMin></x:xmpmeta>'
    )
    resources = b"8BIM\x04\x04\0\0\0\0\0\x06\x1c\2\x50\0\1A" + b"8BIM\x04\x0b\0\0\0\0\0\2ab"
    for number, content in enumerate((raw, packet, resources, *_pictures())):
        yield bytes([number % 8]) + content


def _videos() -> Iterator[bytes]:
    import av
    import numpy as np

    for suffix, codec in (("mp4", "libx264"), ("webm", "libvpx-vp9"), ("avi", "mpeg4")):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"a.{suffix}"
            with av.open(str(path), "w") as out:
                stream = out.add_stream(codec, rate=10)
                stream.width, stream.height, stream.pix_fmt = 16, 16, "yuv420p"
                for i in range(3):
                    frame = av.VideoFrame.from_ndarray(
                        np.full((16, 16, 3), 80 * i, np.uint8), format="rgb24"
                    )
                    out.mux(stream.encode(frame))
                out.mux(stream.encode(None))
            yield path.read_bytes()


def _models() -> Iterator[bytes]:
    import numpy as np
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    for scale, channels in ((1, 3), (2, 1)):
        weights = np.zeros((channels * scale * scale, channels, 3, 3), np.float32)
        nodes = [helper.make_node("Conv", ["x", "w"], ["y"], pads=[1, 1, 1, 1])]
        if scale > 1:
            nodes.append(helper.make_node("DepthToSpace", ["y"], ["z"], blocksize=scale))
        shape = [1, channels, "h", "w"]
        graph = helper.make_graph(
            nodes,
            "g",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
            [
                helper.make_tensor_value_info(
                    "yz"[scale > 1], TensorProto.FLOAT, [1, channels, 0, 0]
                )
            ],
            [numpy_helper.from_array(weights, "w")],
        )
        made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
        made.ir_version = 8
        onnx.helper.set_model_props(made, {"note": "a seed"})
        yield made.SerializeToString()


def _recipes() -> Iterator[bytes]:
    from crispen.lab.recipe import _shipped

    yield from (path.read_bytes() for path in _shipped().values())


def _one_line(error: CrispenError) -> None:
    text = str(error)
    assert text.strip(), "an error without a word"
    assert "\n" not in text.strip(), f"an error of several lines: {text!r}"


class _file:  # noqa: N801, named like a function
    """`data` in a named file, for code that reads only files."""

    def __init__(self, data: bytes, suffix: str) -> None:
        where = "/dev/shm" if os.path.isdir("/dev/shm") else None
        descriptor, name = tempfile.mkstemp(suffix, "fuzz-", where)
        os.write(descriptor, data)
        os.close(descriptor)
        self.path = Path(name)

    def __enter__(self) -> Path:
        return self.path

    def __exit__(self, *_: object) -> None:
        self.path.unlink(missing_ok=True)

import io
import threading

import numpy as np
import pytest

from crispen.enhance import chain
from crispen.enhance.enhancer import Enhancer
from crispen.enhance.model import Model
from crispen.enhance.target import Target
from crispen.errors import Cancelled, InputError, OutputError, UsageError
from crispen.media.image import Image, open_image, read_image
from crispen.progress import Progress


@pytest.fixture
def enhancer(box_engine, monkeypatch, tmp_path):
    """An enhancer whose only model doubles and copies: its result is known beforehand."""
    return make(box_engine(2, 0), tmp_path)


def make(engine, folder, **more):
    model = Model(folder / "none.onnx", engine.card)
    model._engine = engine
    return Enhancer([model], **more)


def picture(height, width, channels=3, dtype=np.uint8, frames=1):
    peak = int(np.iinfo(dtype).max)
    pixels = np.random.default_rng(0).integers(
        0, peak, (frames * height, width, channels), dtype, endpoint=True
    )
    return Image(pixels, frames)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_channels_and_depth_stay(enhancer, channels, dtype):
    result = enhancer.enhance(picture(9, 14, channels, dtype))
    assert result.pixels.shape == (18, 28, channels)
    assert result.pixels.dtype == dtype


@pytest.mark.parametrize("size", [(1, 1), (1, 4000), (4000, 1), (3, 2)])
def test_small_and_thin(enhancer, size):
    result = enhancer.enhance(picture(*size), Target(scale=2))
    assert (result.height, result.width) == (2 * size[0], 2 * size[1])


@pytest.mark.parametrize(
    "target", [Target(scale=1.5), Target(width=33, height=40), Target(scale=3.3)]
)
def test_any_size(enhancer, target):
    result = enhancer.enhance(picture(21, 17), target)
    assert (result.width, result.height) == target.resolve(17, 21)


def test_frames_and_metadata_stay(enhancer):
    moving = picture(10, 12, frames=3)
    result = enhancer.enhance(moving)
    assert (result.frames, result.height, result.width) == (3, 20, 24)
    assert result.metadata is moving.metadata


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_file_gives_what_a_picture_gives(box_engine, tmp_path, channels, dtype):
    source = picture(700, 90, channels, dtype)
    source.save(tmp_path / "a.png")
    whole = make(box_engine(2, 3), tmp_path).enhance(source, Target(scale=1.7))
    tiled = make(box_engine(2, 3), tmp_path, tile_px=50)
    done = tiled.enhance_file(tmp_path / "a.png", tmp_path / "b.png", Target(scale=1.7))
    assert (done.source, done.result, done.frames) == ((90, 700), (153, 1190), 1)
    read = read_image(tmp_path / "b.png").pixels
    assert read.dtype == dtype
    difference = np.abs(read.astype(int) - whole.pixels.astype(int))
    if channels == 4:  # the fainter a pixel, the fewer digits its colour has
        difference[..., :3] = difference[..., :3] * (whole.pixels[..., 3:] / np.iinfo(dtype).max)
    assert difference.max() <= 1


def test_streams(enhancer, tmp_path):
    picture(8, 9).save(tmp_path / "a.png")
    out = io.BytesIO()
    enhancer.enhance_file((tmp_path / "a.png").read_bytes(), out)
    with open_image(out.getvalue()) as reader:
        assert (reader.header.width, reader.header.format) == (18, "png")


def test_limits_are_told_before_any_work(box_engine, tmp_path):
    engine = box_engine(2, 0)
    picture(1, 9000).save(tmp_path / "a.png")
    with pytest.raises(UsageError, match="16383"):
        make(engine, tmp_path).enhance_file(tmp_path / "a.png", tmp_path / "b.webp")
    assert engine.shapes == []
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.png"]


def leftovers():
    return [t.name for t in threading.enumerate() if t.name == "crispen-prefetch"]


def test_a_damaged_file_leaves_nothing(enhancer, tmp_path):
    picture(300, 300).save(tmp_path / "a.png")
    whole = (tmp_path / "a.png").read_bytes()
    (tmp_path / "a.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"a\.png"):
        enhancer.enhance_file(tmp_path / "a.png", tmp_path / "b.png")
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]
    assert leftovers() == []


def test_a_cancel_leaves_nothing(box_engine, tmp_path):
    picture(400, 400).save(tmp_path / "a.png")
    progress = Progress(lambda event: progress.cancel() if event.done > 0 else None)
    slow = make(box_engine(2, 0, sleep_s=0.01), tmp_path, tile_px=32)
    with pytest.raises(Cancelled):
        slow.enhance_file(tmp_path / "a.png", tmp_path / "b.png", progress=progress)
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]
    assert leftovers() == []


def test_an_interrupt_while_writing_leaves_nothing(box_engine, tmp_path, monkeypatch):
    picture(400, 400).save(tmp_path / "a.png")

    def interrupted(self, band):
        raise KeyboardInterrupt

    monkeypatch.setattr("crispen.media.image.ImageWriter.write", interrupted)
    slow = make(box_engine(2, 0, sleep_s=0.01), tmp_path, tile_px=32)
    with pytest.raises(KeyboardInterrupt):
        slow.enhance_file(tmp_path / "a.png", tmp_path / "b.png")
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]
    assert leftovers() == []


def test_a_result_that_is_there_stays(enhancer, tmp_path):
    picture(4, 4).save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(b"mine")
    with pytest.raises(OutputError, match="overwrite"):
        enhancer.enhance_file(tmp_path / "a.png", tmp_path / "b.png")
    assert (tmp_path / "b.png").read_bytes() == b"mine"
    enhancer.enhance_file(tmp_path / "a.png", tmp_path / "b.png", overwrite=True)
    assert read_image(tmp_path / "b.png").width == 8


def test_progress_ends_at_the_whole(enhancer, tmp_path):
    events = []
    enhancer.enhance(picture(64, 64), Target(scale=1.5), Progress(events.append))
    assert events[-1].finished
    assert events[-1].done == pytest.approx(96 * 96)
    assert events[-1].total == 96 * 96


@pytest.mark.parametrize(
    "options", [{"memory_bytes": 1000}, {"tile_px": 0}, {"threads": 0}], ids=str
)
def test_options_that_do_not_fit(options):
    with pytest.raises(UsageError):
        Enhancer(**options)


def test_smaller_results_need_no_network(monkeypatch):
    monkeypatch.setattr(chain.Family, "chain", lambda self, factor, _: [] if factor <= 1 else None)
    result = Enhancer().enhance(picture(40, 60), Target(scale=0.5))
    assert (result.width, result.height) == (30, 20)

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crispen.enhance.stages import FillStage, ModelStage, ResizeStage, Shape, run_stages
from crispen.errors import InputError

from .conftest import BoxEngine


def random_picture(height, width, channels, dtype=np.uint8, seed=0):
    peak = int(np.iinfo(dtype).max)
    random = np.random.default_rng(seed)
    return random.integers(0, peak, (height, width, channels), dtype, endpoint=True)


def cut(picture, rows):
    return iter([picture[i : i + rows] for i in range(0, len(picture), rows)])


def collect(stages, bands, frames=1, ticks=None):
    tick = ticks.append if ticks is not None else (lambda share: None)
    return np.concatenate(list(run_stages(stages, bands, frames, tick)))


def shape_of(picture):
    height, width, channels = picture.shape
    return Shape(width, height, channels, picture.dtype.itemsize)


@given(
    height=st.integers(1, 60),
    width=st.integers(1, 60),
    channels=st.sampled_from([1, 3]),
    scale=st.integers(1, 3),
    halo=st.integers(0, 4),
    tile=st.integers(1, 40),
    band=st.integers(1, 70),
    dtype=st.sampled_from([np.uint8, np.uint16]),
)
@settings(max_examples=120, deadline=None, derandomize=True)
def test_tiled_equals_whole(height, width, channels, scale, halo, tile, band, dtype):
    picture = random_picture(height, width, channels, dtype)
    engine = BoxEngine(scale, halo)
    stage = ModelStage(
        engine, shape_of(picture), memory_bytes=1 << 30, tile_px=2 * max(halo, 2) + tile
    )
    ticks = []
    tiled = collect([stage], cut(picture, band), ticks=ticks)
    # Windows of one shape: an engine compiles for each.
    assert len(set(engine.shapes)) == 1
    np.testing.assert_array_equal(tiled, engine.run(picture))
    assert sum(ticks) == pytest.approx(1.0)


@pytest.mark.parametrize("channels", [2, 4])
def test_alpha_is_enlarged_beside_the_colour_without_seams(channels):
    picture = random_picture(70, 50, channels)
    whole = ModelStage(BoxEngine(2, 3), shape_of(picture), memory_bytes=1 << 30)
    tiled = ModelStage(BoxEngine(2, 3), shape_of(picture), memory_bytes=1 << 30, tile_px=17)
    a, b = collect([whole], cut(picture, 70)), collect([tiled], cut(picture, 9))
    assert a.shape == (140, 100, channels)
    np.testing.assert_array_equal(a[..., :-1], b[..., :-1])
    assert np.abs(a[..., -1].astype(int) - b[..., -1]).max() <= 1


def test_even_alpha_stays_even():
    picture = random_picture(20, 20, 4)
    picture[..., 3] = 77
    stage = ModelStage(BoxEngine(2, 3), shape_of(picture), memory_bytes=1 << 30, tile_px=13)
    assert (collect([stage], cut(picture, 20))[..., 3] == 77).all()


def test_frames_do_not_see_each_other():
    frames = [random_picture(23, 31, 3, seed=i) for i in range(3)]
    shape = shape_of(frames[0])
    stages = [
        ModelStage(BoxEngine(2, 3), shape, memory_bytes=1 << 30, tile_px=12),
    ]
    stages.append(ResizeStage(stages[0].result, 50, 40))
    bands = (band for frame in frames for band in cut(frame, 7))
    ticks = []
    together = collect(stages, bands, 3, ticks)
    alone = [collect(stages, cut(frame, 23)) for frame in frames]
    np.testing.assert_array_equal(together, np.concatenate(alone))
    assert sum(ticks) == pytest.approx(1.0)


def test_a_chain_equals_its_steps():
    picture = random_picture(40, 30, 3)
    first = ModelStage(BoxEngine(2, 2), shape_of(picture), memory_bytes=1 << 30, tile_px=11)
    second = ModelStage(BoxEngine(3, 2), first.result, memory_bytes=1 << 30, tile_px=19)
    expected = BoxEngine(3, 2).run(BoxEngine(2, 2).run(picture))
    np.testing.assert_array_equal(collect([first, second], cut(picture, 16)), expected)


def test_no_stage_passes_bands_on():
    picture = random_picture(9, 4, 3)
    np.testing.assert_array_equal(collect([], cut(picture, 2)), picture)


def test_a_network_without_halo_is_blended():
    picture = np.full((700, 600, 3), 9, np.uint8)
    engine = BoxEngine(2, 0, finite=False)
    stage = ModelStage(engine, shape_of(picture), memory_bytes=1 << 30)
    ticks = []
    out = collect([stage], cut(picture, 64), ticks=ticks)
    assert out.shape == (1400, 1200, 3)
    assert len(engine.shapes) == 4
    assert sum(ticks) == pytest.approx(1.0)


def test_a_stream_that_ends_early_is_told():
    picture = random_picture(20, 20, 3)
    stage = ModelStage(BoxEngine(2, 3), shape_of(picture), memory_bytes=1 << 30)
    with pytest.raises(InputError, match="ends before its last row"):
        collect([stage], cut(picture[:10], 5))


def test_what_is_hidden_does_not_matter():
    picture = random_picture(60, 60, 4)
    picture[..., 3] = 0
    picture[20:40, 10:50, 3] = 255
    other = picture.copy()
    other[picture[..., 3] == 0, :3] = (255, 0, 255)

    def run(pixels, band):
        shape = shape_of(pixels)
        model = ModelStage(BoxEngine(2, 3), shape, memory_bytes=1 << 30, tile_px=21)
        return collect(
            [FillStage(shape, 7), model, ResizeStage(model.result, 91, 77)], cut(pixels, band)
        )

    np.testing.assert_array_equal(run(picture, 60), run(other, 13))

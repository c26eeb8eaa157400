"""The functions that the package offers."""

import numpy as np
import pytest
from PIL import Image as PilImage

import crispen


def sources(folder):
    pixels = np.random.default_rng(0).integers(0, 256, (10, 14, 3), np.uint8)
    path = folder / "a.png"
    PilImage.fromarray(pixels).save(path)
    return pixels, {
        "array": pixels,
        "floats": pixels / 255.0,
        "pil": PilImage.fromarray(pixels),
        "path": path,
        "text": str(path),
        "bytes": path.read_bytes(),
        "image": crispen.read_image(path),
    }


def test_every_kind_of_picture_gives_the_same(tmp_path):
    _, kinds = sources(tmp_path)
    results = {
        kind: crispen.enhance(source, scale=2, model="photo-fast", threads=1).pixels
        for kind, source in kinds.items()
    }
    for kind, pixels in results.items():
        assert pixels.shape == (20, 28, 3), kind
        np.testing.assert_array_equal(pixels, results["array"], err_msg=kind)


def test_load_and_call(tmp_path):
    pixels, _ = sources(tmp_path)
    model = crispen.load("photo-fast-x3", threads=1)
    assert model.card.scale == 3
    assert "photo-fast-x3" in repr(model)
    result = model(pixels)
    assert isinstance(result, crispen.Image)
    result.save(tmp_path / "b.png")
    np.testing.assert_array_equal(np.asarray(PilImage.open(tmp_path / "b.png")), result.pixels)
    again = crispen.enhance(pixels, model=model)
    np.testing.assert_array_equal(again.pixels, result.pixels)
    model.close()


def test_sizes(tmp_path):
    pixels, _ = sources(tmp_path)
    small = {"model": "photo-fast", "threads": 1}
    assert crispen.enhance(pixels, size=(20, 17), **small).pixels.shape == (17, 20, 3)
    assert crispen.enhance(pixels, width=28, **small).pixels.shape == (20, 28, 3)
    assert crispen.enhance(pixels, size=(50, 20), fit=True, **small).pixels.shape == (20, 28, 3)
    with pytest.raises(crispen.UsageError, match="both"):
        crispen.enhance(pixels, size=(20, 17), width=3)
    with pytest.raises(crispen.ModelError, match="photo"):
        crispen.enhance(pixels, model="foto-x2")

"""Networks of one window, slid over the picture."""

from __future__ import annotations

import numpy as np

from crispen.engines.openvino import OpenVinoEngine
from crispen.enhance.enhancer import Enhancer

from .conftest import of, picture


def test_one_window_slides_over_the_picture_and_its_answers_are_blended(exported):
    path, card = exported("one window")
    engine = OpenVinoEngine(path, card, threads=1)
    pixels = picture(48, 32, 3)
    result = Enhancer([of(engine)]).enhance(pixels).pixels.astype(float)
    # Rows 0-15 lie in the first window alone, rows 32-47 in the second.
    first, second = engine.run(pixels[:32]), engine.run(pixels[16:])
    np.testing.assert_array_equal(result[:16], first[:16])
    np.testing.assert_array_equal(result[32:], second[16:])
    low, high = np.minimum(first[16:], second[:16]), np.maximum(first[16:], second[:16])
    assert ((low <= result[16:32]) & (result[16:32] <= high)).all()


def test_a_stride_averages_windows_as_the_classic_autoencoder_does(exported):
    path, card = exported("residual, half size")
    classic = card.model_copy(update={"window_px": 20, "stride_px": 5, "halo": None})
    engine = OpenVinoEngine(path, classic, threads=1)
    pixels = picture(20, 40, 3)
    result = Enhancer([of(engine)]).enhance(pixels).pixels
    sums, counts = np.zeros((20, 40, 3)), np.zeros((1, 40, 1))
    for left in range(0, 21, 5):
        sums[:, left : left + 20] += engine.run(np.ascontiguousarray(pixels[:, left : left + 20]))
        counts[:, left : left + 20] += 1
    np.testing.assert_array_equal(result, np.floor(sums / counts + 0.5))

"""A model as enhancing runs it: any size, and any strength."""

from __future__ import annotations

import numpy as np
import pytest

from crispen.engines.openvino import OpenVinoEngine
from crispen.enhance.enhancer import Enhancer

from .conftest import KINDS, of, picture


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("sides", [(1, 1), (1, 400), (400, 1), (2, 31)])
def test_small_and_thin(name, sides, exported):
    path, card = exported(name)
    model = of(OpenVinoEngine(path, card, threads=1))
    result = Enhancer([model]).enhance(picture(*sides, 3)).pixels
    assert result.shape == (sides[0] * card.scale, sides[1] * card.scale, 3)


@pytest.mark.parametrize("strength", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("channels", [1, 4])
def test_strength_is_the_way_from_the_input_to_the_answer(strength, dtype, channels, exported):
    path, card = exported("pools")
    model = of(OpenVinoEngine(path, card, threads=1))
    pixels = picture(20, 22, channels, dtype)
    full = model(pixels).pixels.astype(float)
    part = model(pixels, strength=strength).pixels
    assert part.dtype == pixels.dtype
    expected = pixels + strength * (full - pixels)
    assert np.abs(part - expected).max() <= 0.51
    if strength == 0.0:
        np.testing.assert_array_equal(part, pixels)

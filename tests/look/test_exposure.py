"""Exposure against levels that are known."""

from __future__ import annotations

import numpy as np
import pytest

from crispen.look.exposure import exposure


def ramp(low: int, high: int) -> np.ndarray:
    line = np.linspace(low, high, 256).round().astype(np.uint8)
    return np.broadcast_to(line[None, :, None], (64, 256, 3)).copy()


def test_levels_of_a_ramp() -> None:
    found = exposure(ramp(0, 255))
    assert found.median == pytest.approx(127.5, abs=1)
    assert found.low == pytest.approx(2.55, abs=1)
    assert found.high == pytest.approx(252.45, abs=1)
    assert found.faults == []


@pytest.mark.parametrize(
    ("low", "high", "faults"),
    [
        (0, 90, ["low contrast", "dark"]),
        (0, 130, []),
        (100, 150, ["low contrast"]),
        (190, 254, ["low contrast", "bright"]),
    ],
)
def test_faults(low: int, high: int, faults: list[str]) -> None:
    assert exposure(ramp(low, high)).faults == faults


def test_clipped_pixels_are_counted() -> None:
    pixels = ramp(20, 235)
    pixels[:8] = 255
    pixels[-16:] = 0
    found = exposure(pixels)
    assert found.white == pytest.approx(8 / 64)
    assert found.black == pytest.approx(16 / 64)
    assert "clipped highlights" in found.faults


def test_a_large_picture_is_measured_on_some_of_its_pixels() -> None:
    large = ramp(0, 255).repeat(16, 0).repeat(8, 1)
    assert exposure(large).median == pytest.approx(exposure(ramp(0, 255)).median, abs=1)

"""Resampling against MATLAB's files, Pillow, OpenCV and hand-sized cases."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import PIL.Image
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crispen.media.image import read_image
from crispen.media.resample import downscale, resize, taps

PILLOW = {
    "bilinear": PIL.Image.Resampling.BILINEAR,
    "bicubic": PIL.Image.Resampling.BICUBIC,
    "lanczos": PIL.Image.Resampling.LANCZOS,
}


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("name", ["Set5", "Set14"])
def test_equals_matlab_to_the_last_bit(shared_data: Path, name: str, scale: int) -> None:
    files = sorted((shared_data / "valid" / name / f"LR_x{scale}").glob("*.png"))
    assert len(files) == (5 if name == "Set5" else 14)
    for file in files:
        lr = read_image(file).pixels
        height, width = lr.shape[:2]
        hr = read_image(file.parents[1] / "HR" / file.name).pixels
        hr = hr[: scale * height, : scale * width]
        np.testing.assert_array_equal(downscale(hr, scale), lr, err_msg=str(file))


@pytest.mark.parametrize("method", ["bilinear", "bicubic", "lanczos"])
@pytest.mark.parametrize(("height", "width"), [(11, 9), (64, 50), (29, 83), (40, 37)])
def test_equals_pillow_inside(method: str, height: int, width: int) -> None:
    """Pillow cuts the kernel at the picture's edge, so that only the inside is the same."""
    x = np.random.default_rng(0).random((40, 37), np.float32)
    ours = resize(x.astype(np.float64), height, width, method=method)  # type: ignore[arg-type]
    theirs = np.asarray(PIL.Image.fromarray(x).resize((width, height), PILLOW[method]))
    reach = {"bilinear": 1, "bicubic": 2, "lanczos": 3}[method]
    rows, columns = (int(np.ceil(reach * max(1, n / 40)) + 1) for n in (height, width))
    inside = np.s_[rows : height - rows, columns : width - columns]
    np.testing.assert_allclose(ours[inside], theirs[inside], atol=2e-6)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_bilinear_enlarging_equals_opencv(scale: int) -> None:
    x = np.random.default_rng(1).random((13, 17))
    theirs = cv2.resize(x, None, fx=scale, fy=scale, interpolation=cv2.INTER_LINEAR)
    np.testing.assert_allclose(
        resize(x, 13 * scale, 17 * scale, method="bilinear"), theirs, atol=1e-6
    )


def test_nearest_by_hand() -> None:
    x = np.array([[10, 20, 30]], np.uint8)
    assert resize(x, 1, 6, method="nearest").tolist() == [[10, 10, 20, 20, 30, 30]]
    assert resize(x, 1, 1, method="nearest").tolist() == [[20]]


def test_keys_weights_by_hand() -> None:
    """Keys 1981 at a = -1/2, a quarter of a sample off: (-9, 111, 29, -3) / 128."""
    weights = taps(8, 16).weights[5]
    np.testing.assert_allclose(sorted(weights), np.array([-9, -3, 29, 111]) / 128, atol=1e-12)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    st.integers(1, 40),
    st.integers(1, 60),
    st.sampled_from(["nearest", "bilinear", "bicubic", "lanczos"]),
    st.integers(0, 255),
)
def test_flat_stays_flat_and_bands_agree(n_in: int, n_out: int, method: str, value: int) -> None:
    flat = np.full((n_in, 3, 2), value, np.uint8)
    assert (resize(flat, n_out, 5, method=method) == value).all()  # type: ignore[arg-type]
    whole = taps(n_in, n_out, method=method)  # type: ignore[arg-type]
    part = taps(n_in, n_out, method=method, start=n_out // 2)  # type: ignore[arg-type]
    np.testing.assert_array_equal(part.weights, whole.weights[n_out // 2 :])
    np.testing.assert_array_equal(part.indices, whole.indices[n_out // 2 :])


def test_sixteen_bits_clip_at_their_own_white() -> None:
    x = np.zeros((8, 8), np.uint16)
    x[:, 4:] = 65535  # bicubic overshoots at such an edge
    out = resize(x, 16, 16)
    assert (out.dtype, out.min(), out.max()) == (np.uint16, 0, 65535)

"""Metrics agree with the literature and with other libraries."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import skimage.metrics
import torch
from torch import Tensor

from crispen.lab.data.toy import toy_pictures
from crispen.lab.networks import Network
from crispen.lab.studies.bench import Bench
from crispen.lab.studies.measuring import (
    Answer,
    degraded,
    figures,
    interpolation,
    measure,
    of_network,
    untouched,
)
from crispen.lab.studies.plates import plate, same_place

PICTURES = toy_pictures(2, 64, 7)


class Doubled(Network):
    """Every pixel four times."""

    def __init__(self, channels: int) -> None:
        super().__init__(2, channels)
        self.unused = torch.nn.Parameter(torch.zeros(3))

    def forward(self, x: Tensor) -> Tensor:
        return x.repeat_interleave(2, -1).repeat_interleave(2, -2)


@pytest.mark.parametrize(
    ("scale", "psnr", "ssim"), [(2, 33.66, 0.9299), (3, 30.39, 0.8682), (4, 28.42, 0.8104)]
)
def test_bicubic_has_the_figures_of_the_literature(
    shared_data: Path, scale: int, psnr: float, ssim: float
) -> None:
    bench = Bench(Path(), {}, sets=[str(shared_data / "valid" / "Set5")])
    pictures = degraded(bench.targets, (), scale=scale)
    (result,) = measure([interpolation("bicubic", scale)], pictures, border=scale)
    assert result.means["psnr"] == pytest.approx(psnr, abs=0.02)
    assert result.means["ssim"] == pytest.approx(ssim, abs=0.001)


def test_rgb_figures_are_those_of_scikit_image() -> None:
    target = PICTURES[0]
    noise = np.random.default_rng(0).integers(-20, 21, target.shape)
    image = np.clip(target + noise, 0, 255).astype(np.uint8)
    found = figures(Answer(image), target, color="rgb")
    assert found["mse"] == pytest.approx(
        skimage.metrics.mean_squared_error(target / 255, image / 255)
    )
    assert found["psnr"] == pytest.approx(skimage.metrics.peak_signal_noise_ratio(target, image))
    # scikit-image blurs beyond the rim and cuts it off afterwards.
    wanted = skimage.metrics.structural_similarity(
        target,
        image,
        channel_axis=2,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        data_range=255,
    )
    assert found["ssim"] == pytest.approx(wanted, abs=2e-3)


def test_means_are_over_the_pictures() -> None:
    pictures = degraded([(str(i), p) for i, p in enumerate(PICTURES)], (), scale=2)
    (result,) = measure([interpolation("nearest", 2)], pictures, color="rgb")
    assert result.means["mse"] == pytest.approx(np.mean([one["mse"] for one in result.each]))
    assert result.row()["parameters"] is None


def test_equal_pictures_have_a_finite_psnr() -> None:
    pictures = degraded([("a", PICTURES[0])], ())
    (result,) = measure([untouched()], pictures, color="rgb")
    assert (result.means["psnr"], result.means["mse"]) == (100.0, 0.0)


def test_a_picture_too_small_for_ssim_has_none() -> None:
    small = PICTURES[0][:8, :8]
    assert set(figures(Answer(small), small)) == {"psnr", "mse"}


def test_sides_are_cut_to_the_scale() -> None:
    (picture,) = degraded([("a", PICTURES[0][:62, :63])], (), scale=4)
    assert (picture.input.shape, picture.target.shape) == ((15, 15, 3), (60, 60, 3))


def test_a_colour_network_is_measured_as_what_it_answers() -> None:
    pictures = degraded([("a", PICTURES[0])], (), scale=2)
    nearest, network = measure(
        [interpolation("nearest", 2), of_network("doubled", Doubled(3).eval(), "rgb")], pictures
    )
    assert np.array_equal(nearest.answers[0], network.answers[0])
    assert network.parameters == 3


@pytest.mark.parametrize("color", ["luma", "yuv"])
def test_a_luma_network_of_either_range_is_measured_on_one(color: str) -> None:
    pictures = degraded([("a", PICTURES[0])], (), scale=2)
    nearest, network = measure(
        [interpolation("nearest", 2), of_network("doubled", Doubled(1).eval(), color)], pictures
    )
    # The same luma, hence the same figures; to be looked at, it has the chroma of bicubic.
    assert network.means["psnr"] == pytest.approx(nearest.means["psnr"], abs=1e-3)
    grey = np.array([0.299, 0.587, 0.114])
    inside = (network.answers[0].min(axis=2) > 0) & (network.answers[0].max(axis=2) < 255)
    error = np.abs((network.answers[0] - nearest.answers[0].astype(float)) @ grey)[inside]
    assert error.max() < 1.6


def test_a_plate_shows_the_place_where_two_answers_differ() -> None:
    target = np.zeros((64, 64, 3), np.uint8)
    first, second = target.copy(), target.copy()
    second[40:44, 8:12] = 200
    cells = same_place(target, [("a", "", first), ("b", "", second)], side=16)
    assert [title for title, _, _ in cells] == ["a", "b", "target"]
    assert cells[1][2].shape == (16, 16, 3)
    assert int((cells[1][2] == 200).sum()) == 4 * 4 * 3
    drawn = plate([cells], cell_px=64)
    assert drawn.shape[1] == 3 * 70 + 6
    # Each pixel is shown four by four times.
    assert int((drawn[: 6 + 64] == 200).all(axis=2).sum()) == 16 * 16

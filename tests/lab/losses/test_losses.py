"""Losses against NumPy, scikit-image, torchmetrics and hand-sized cases."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from pydantic import TypeAdapter, ValidationError
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from torchmetrics.functional.image import structural_similarity_index_measure, total_variation

from crispen.errors import UsageError
from crispen.lab.losses import LOSSES, LossTable, build_loss
from crispen.lab.losses.base import Criterion
from crispen.lab.networks import Output

ADAPTER = TypeAdapter(LossTable)


def pair(height: int = 24, width: int = 31, n: int = 2) -> tuple[torch.Tensor, torch.Tensor]:
    """A smooth picture with noise, and without."""
    generator = torch.Generator().manual_seed(0)
    small = torch.rand(n, 3, 5, 5, generator=generator)
    target = torch.nn.functional.interpolate(small, (height, width), mode="bicubic").clamp(0, 1)
    noise = torch.randn(target.shape, generator=generator)
    return target + 0.1 * noise, target


def value(table: dict[str, object], image: torch.Tensor, target: torch.Tensor) -> float:
    loss = build_loss([ADAPTER.validate_python(table)])
    return float(loss(Output(image), target)[0])


def test_pixel_losses_by_numpy() -> None:
    image, target = pair()
    d = (image - target).double().numpy()
    assert value({"kind": "mse"}, image, target) == pytest.approx(np.mean(d**2), rel=1e-5)
    assert value({"kind": "l1"}, image, target) == pytest.approx(np.mean(np.abs(d)), rel=1e-5)
    charbonnier = np.mean(np.sqrt(d**2 + 0.05**2))
    table = {"kind": "charbonnier", "epsilon": 0.05}
    assert value(table, image, target) == pytest.approx(charbonnier, rel=1e-5)


def test_psnr_by_scikit_image() -> None:
    image, target = pair()
    expected = [
        peak_signal_noise_ratio(t.numpy(), i.numpy(), data_range=1.0)
        for i, t in zip(image, target, strict=True)
    ]
    assert value({"kind": "psnr"}, image, target) == pytest.approx(-np.mean(expected), abs=1e-4)
    assert value({"kind": "psnr"}, target, target) == pytest.approx(-100.0)


def test_ssim_by_scikit_image() -> None:
    image, target = pair()
    expected = [
        structural_similarity(
            t.double().numpy(),
            i.double().numpy(),
            channel_axis=0,
            data_range=1.0,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
        )
        for i, t in zip(image, target, strict=True)
    ]
    assert value({"kind": "ssim"}, image, target) == pytest.approx(1 - np.mean(expected), abs=1e-5)


@pytest.mark.parametrize("scales", [1, 3, 5])
def test_ms_ssim_by_torchmetrics_scale_by_scale(scales: int) -> None:
    """Its SSIM maps, cropped to where the Gaussian fits, put together by the paper's formula."""
    image, target = pair(180, 190, n=1)
    image, target = image[:, :1], target[:, :1]
    betas = np.array([0.0448, 0.2856, 0.3001, 0.2363, 0.1333])[:scales]
    x, y, expected = image, target, 1.0
    for scale, beta in enumerate(betas / betas.sum()):
        _, structure = structural_similarity_index_measure(
            x, y, data_range=1.0, return_contrast_sensitivity=True
        )
        _, full = structural_similarity_index_measure(x, y, data_range=1.0, return_full_image=True)
        factor = full[..., 5:-5, 5:-5].mean() if scale == scales - 1 else structure.mean()
        expected *= float(factor) ** beta
        x, y = torch.nn.functional.avg_pool2d(x, 2), torch.nn.functional.avg_pool2d(y, 2)
    table = {"kind": "ms-ssim", "scales": scales}
    assert value(table, image, target) == pytest.approx(1 - expected, abs=2e-5)


def test_ms_ssim_of_opposites_has_a_gradient() -> None:
    _, target = pair(48, 48)
    image = (1.0 - target).requires_grad_()
    loss = build_loss([ADAPTER.validate_python({"kind": "ms-ssim", "scales": 2})])
    loss(Output(image), target)[0].backward()
    assert image.grad is not None
    assert torch.isfinite(image.grad).all()


@pytest.mark.parametrize(
    ("table", "side", "told"),
    [
        ({"kind": "ssim"}, 10, "ssim: needs target crops of 11 px or more, not 10"),
        ({"kind": "ms-ssim"}, 175, "ms-ssim: needs target crops of 176 px or more, not 175"),
    ],
)
def test_crops_too_small_for_the_window(table: dict[str, object], side: int, told: str) -> None:
    image = torch.zeros(1, 1, side, side + 9)
    with pytest.raises(UsageError, match=told):
        value(table, image, image)


def test_total_variation_by_torchmetrics_and_by_hand() -> None:
    image, target = pair()
    expected = float(total_variation(image, reduction="sum")) / image.numel()
    assert value({"kind": "total-variation"}, image, target) == pytest.approx(expected, rel=1e-5)
    step = torch.zeros(1, 1, 4, 4)
    step[..., 2:] = 1.0
    # Four rows, one jump of 1 in each, over 16 pixels.
    assert value({"kind": "total-variation"}, step, step) == 0.25


def test_frequency_by_numpy() -> None:
    image, target = pair()
    spectra = [np.fft.fft2(x.double().numpy(), norm="ortho") for x in (image, target)]
    expected = np.mean(np.abs(spectra[0] - spectra[1]))
    assert value({"kind": "frequency"}, image, target) == pytest.approx(expected, rel=1e-5)


def test_divergence_is_the_networks() -> None:
    _, target = pair()
    loss = build_loss([ADAPTER.validate_python({"kind": "kl", "weight": 0.5})])
    total, terms = loss(Output(target, torch.tensor(3.0)), target)
    assert float(total) == 1.5
    assert {k: float(v) for k, v in terms.items()} == {"kl": 3.0}
    with pytest.raises(UsageError, match="loss kl: this network has no latents"):
        loss(Output(target), target)


def test_sum_of_weighted_losses() -> None:
    """L1 + 100·MSE of the residual study; terms are told before weighting."""
    image, target = pair()
    tables = [{"kind": "l1"}, {"kind": "mse", "weight": 100.0}]
    loss = build_loss([ADAPTER.validate_python(t) for t in tables])
    total, terms = loss(Output(image), target)
    d = (image - target).double().numpy()
    assert float(total) == pytest.approx(np.mean(np.abs(d)) + 100 * np.mean(d**2), rel=1e-5)
    assert float(terms["l1"]) == pytest.approx(np.mean(np.abs(d)), rel=1e-5)
    assert float(terms["mse"]) == pytest.approx(np.mean(d**2), rel=1e-5)


def test_two_of_a_kind_have_two_names() -> None:
    tables = [{"kind": "charbonnier"}, {"kind": "l1"}, {"kind": "charbonnier", "epsilon": 0.1}]
    assert build_loss([ADAPTER.validate_python(t) for t in tables]).names == [
        "charbonnier-1",
        "l1",
        "charbonnier-2",
    ]


# Those that need no file and, but for kl, no particular network.
PLAIN = [
    table
    for table in LOSSES
    if table.model_fields["kind"].default not in ("kl", "lpips", "perceptual")
]


@pytest.mark.parametrize("table", PLAIN, ids=lambda t: t.model_fields["kind"].default)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_minimising_it_brings_the_picture_nearer(
    table: type[Criterion], dtype: torch.dtype
) -> None:
    """Gradient descent on the pixels lowers the loss; autocast changes nothing."""
    start, target = pair(32, 32)
    image = start.clone().requires_grad_()
    small = {"scales": 2} if "scales" in table.model_fields else {}
    loss = build_loss([table(**small)])
    optimizer = torch.optim.Adam([image], 5e-3)
    values = []
    for _ in range(25):
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=dtype is torch.bfloat16):
            total, _ = loss(Output(image.to(dtype)), target)
        assert total.dtype == torch.float32
        total.backward()
        optimizer.step()
        values.append(float(total.detach()))
    assert values[-1] < values[0] - 0.1 * abs(values[0])
    assert torch.isfinite(image.detach()).all()


def test_equal_pictures_cost_nothing() -> None:
    _, target = pair(40, 40)
    for kind in ("mse", "l1", "ssim", "frequency"):
        assert value({"kind": kind}, target, target) == pytest.approx(0.0, abs=1e-6)


def test_strict_tables() -> None:
    for table in (
        {"kind": "l2"},
        {"kind": "l1", "wieght": 1.0},
        {"kind": "mse", "weight": 0},
        {"kind": "ms-ssim", "scales": 6},
    ):
        with pytest.raises(ValidationError):
            ADAPTER.validate_python(table)
    with pytest.raises(UsageError, match="nothing to minimise"):
        build_loss([])

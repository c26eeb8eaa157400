"""A network in pieces: exact tiles equal the output for the whole picture, patches do not."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from crispen.lab.networks import Network
from crispen.lab.networks.autoencoder_unet import AutoencoderUnet
from crispen.lab.studies.sharpen import clipped, wrapped
from crispen.lab.studies.tiles import averaged, exact, seam, starts


class _Corner(Network):
    """Marks where a patch begins."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out = torch.zeros_like(x)
        out[..., 0, 0] = 1.0
        return out


def test_tiles_with_their_halo_equal_the_whole_picture() -> None:
    torch.manual_seed(0)
    network = AutoencoderUnet(dropout=0.0).eval()
    x = torch.rand(1, 3, 84, 72)
    with torch.inference_mode():
        whole = network(x)
        tiled, count = exact(network, x, 64)
        cut, _ = averaged(network, x, 36, 36)
    assert count > 1
    torch.testing.assert_close(tiled, whole, rtol=0, atol=1e-5)
    assert (cut - whole).abs().max() > 1e-4


def test_patches_are_averaged_where_they_overlap() -> None:
    out, count = averaged(_Corner(), torch.zeros(1, 1, 6, 6), 4, 2)
    assert count == 4
    # By hand: the corner of the second patch along an axis lies in the first as well.
    assert out[0, 0, 0, 0] == 1.0
    assert out[0, 0, 0, 2] == out[0, 0, 2, 0] == 0.5
    assert out[0, 0, 2, 2] == 0.25
    assert out.sum() == 2.25


def test_the_last_patch_is_shifted_inward() -> None:
    assert starts(10, 4, 4) == [0, 4, 6]
    assert starts(3, 4, 4) == [0]


def test_a_jump_is_measured_where_a_patch_begins() -> None:
    whole = np.zeros((8, 8, 1))
    answer = whole.copy()
    answer[:, 4:] = 3.0
    # Columns jump by 3 and rows by nothing.
    assert seam(answer, whole, 4) == pytest.approx(1.5)
    assert seam(answer, whole, 8 - 1) == 0.0
    assert seam(answer, answer, 4) == 0.0


def test_bytes_wrap_unless_they_are_clipped() -> None:
    levels = np.array([-1.4, 0.0, 127.6, 255.4, 255.6, 300.0])
    assert wrapped(levels).tolist() == [255, 0, 128, 255, 0, 44]
    assert clipped(levels).tolist() == [0, 0, 128, 255, 255, 255]

"""PyTorch files as other makers publish them: architectures of spandrel with random weights."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from safetensors.torch import save_file

from crispen.lab.networks.spandrel import Foreign, SpandrelTable

# Importing it would ask for torchvision.
if importlib.util.find_spec("spandrel") is None:
    pytest.skip("pip install --no-deps spandrel", allow_module_level=True)

WINDOWS = {"embed_dim": 12, "num_heads": [2], "img_size": 16}


class Small(NamedTuple):
    """An architecture at its smallest.

    Attributes:
        scale: Its scale.
        arguments: What it is built from.
        halo: Pixels that it looks far, counted by hand from its layers; None if it sees too much.
        multiple: Where its tiles may begin.
        window_px: The side of its windows, where only one will do.
    """

    scale: int
    arguments: dict[str, Any]
    halo: int | None
    multiple: int = 1
    window_px: int | None = None


SMALL = {
    # First, two more and last: four 3×3 convolutions.
    "SRVGGNetCompact": Small(4, {"num_feat": 8, "num_conv": 2}, 4),
    # 3×3 convolutions: three blocks of five, one before and one after them; the last four work at
    # twice and four times the size, and see 1/2 + 3 · 1/4 pixels more: two whole ones.
    "RRDBNet": Small(4, {"num_filters": 8, "num_blocks": 1}, 19, 2),
    # Six blocks of three 3×3 convolutions, and three around them.
    "SPAN": Small(2, {"feature_channels": 8}, 21),
    # Four 3×3 convolutions.
    "DnCNN": Small(1, {"nc": 8, "nb": 4}, 4),
    # Means of the whole picture.
    "NAFNet": Small(
        1, {"width": 8, "middle_blk_num": 1, "enc_blk_nums": [1], "dec_blk_nums": [1]}, None
    ),
    "RCAN": Small(2, {"n_resgroups": 1, "n_resblocks": 1, "n_feats": 16, "reduction": 4}, None),
    "HAT": Small(
        2,
        WINDOWS | {"depths": [2], "window_size": 8, "squeeze_factor": 3, "num_feat": 8},
        None,
        16,
    ),
    # Pooling to a size that its graph cannot compute.
    "SAFMN": Small(2, {"dim": 8, "n_blocks": 1}, None, 8, 128),
}


def build(name: str) -> Foreign:
    """The network, with random weights, ready to be run."""
    torch.manual_seed(0)
    small = SMALL[name]
    return SpandrelTable(architecture=name, **small.arguments).build(small.scale, 3).eval()


def publish(path: Path, name: str = "SRVGGNetCompact", **about: str) -> Path:
    """A file of it, of the kind that its suffix says."""
    weights = {key: value.contiguous() for key, value in build(name).model.state_dict().items()}
    if path.suffix == ".safetensors":
        save_file(weights, path, about or None)
    else:  # as most training programs write it
        torch.save({"params_ema": weights}, path)
    return path

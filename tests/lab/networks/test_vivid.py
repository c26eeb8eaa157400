"""A network for looks that stands on a faithful one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import ndimage
from skimage import data

from crispen.engines.opening import open_engine
from crispen.errors import UsageError
from crispen.lab.checkpoint import no_lineage, save_checkpoint
from crispen.lab.export import export_checkpoint
from crispen.lab.networks.vivid import Vivid, VividTable, shrinking_kernel
from crispen.lab.recipe import read_recipe
from crispen.lab.start import begin
from crispen.media.resample import resize
from crispen.models.card import read_card
from crispen.models.dials import Dials, VividDials

TABLE = {
    "name": "looks",
    "task": "restore",
    "scale": 2,
    "network": {"kind": "vivid", "faithful": "real-x2", "width": 8, "depth": 2},
    "data": {"kind": "toy", "color": "rgb"},
    "degradation": [{"kind": "life", "video": 0.0}],
    "loss": [{"kind": "l1"}],
}


@pytest.fixture(scope="module")
def network() -> Vivid:
    torch.manual_seed(0)
    made = VividTable(faithful="real-x2", width=8, depth=2).build(2, 3)
    begin(made, read_recipe(TABLE, "here"))
    with torch.no_grad():  # as if it had learned something wild
        made.detail.tail.weight.mul_(8)
    return made.eval()


@pytest.mark.parametrize("scale", [2, 4])
def test_phases_shrink_as_a_picture_does(scale: int) -> None:
    x = torch.rand(1, 3, 20 * scale, 16 * scale, dtype=torch.float64)
    phases = torch.nn.functional.pixel_unshuffle(x, scale)
    small = torch.nn.functional.conv2d(phases, shrinking_kernel(scale, 3).double(), padding=2)
    expected = resize(x[0].permute(1, 2, 0).numpy(), 20, 16)
    found = small[0].permute(1, 2, 0).numpy()
    np.testing.assert_allclose(found[2:-2, 2:-2], expected[2:-2, 2:-2], atol=1e-6)


def test_no_phase_is_brighter_than_the_others_on_average() -> None:
    torch.manual_seed(0)
    made = VividTable(width=8, depth=2).build(2, 3).train()
    with torch.no_grad():
        made.detail.tail.bias += torch.linspace(-0.05, 0.05, 12)
        pictures = torch.rand(2, 3, 32, 32)
        for _ in range(300):
            made(pictures)
        invented = made.residual(pictures) - made.faithful(pictures)
    assert invented.mean((0, 2, 3)).abs().max() < 1e-3
    # It is part of what is exported.
    with torch.no_grad():
        torch.testing.assert_close(
            made.eval()(pictures), made.merged()(pictures), atol=2e-4, rtol=0
        )


def test_it_shrinks_back_to_what_the_faithful_network_gives(network: Vivid) -> None:
    photo = data.astronaut()[40:104, 180:244]
    x = torch.from_numpy(photo.copy()).permute(2, 0, 1)[None].float() / 255

    def small(image: torch.Tensor) -> np.ndarray:
        """Through a lens that blurs by half a pixel of the input."""
        seen = ndimage.gaussian_filter(image[0].permute(1, 2, 0).numpy(), (1, 1, 0))
        return 255 * resize(seen, 64, 64)

    with torch.no_grad():
        faithful = network.compose(x, network.faithful(x))
        vivid = network.compose(x, network.residual(x))
        alone = network.compose(x, network.detail(x))
        nothing = network.compose(x, network.residual(x, None, torch.zeros(1)))
    torch.testing.assert_close(nothing, faithful)
    assert 255 * float((vivid - faithful).abs().mean()) > 5
    # Random weights invent noise, which is as fine as it gets: little of it is seen small, and
    # next to nothing from afar.
    for size, share in ((1, 0.45), (9, 0.2)):
        seen, else_seen = (
            np.abs(ndimage.uniform_filter(small(made) - small(faithful), (size, size, 0))).mean()
            for made in (vivid, alone)
        )
        assert seen < share * else_seen


def test_only_what_invents_learns(network: Vivid) -> None:
    network.train()
    assert not network.faithful.training
    network(torch.rand(1, 3, 16, 16)).sum().backward()
    assert all(p.grad is None for p in network.faithful.parameters())
    assert any(p.grad is not None for p in network.detail.parameters())
    network.eval()


@pytest.mark.parametrize(("key", "value"), [("faithful_depth", 6), ("faithful", "real-x4")])
def test_another_model_is_refused(key: str, value: object) -> None:
    recipe = read_recipe({**TABLE, "network": TABLE["network"] | {key: value}}, "here")
    assert isinstance(recipe.network, VividTable)
    with pytest.raises(UsageError, match="is not the network"):
        begin(recipe.network.build(2, 3), recipe)


def test_the_exported_file_goes_from_faithful_to_vivid(network: Vivid, tmp_path: Path) -> None:
    content = {
        "average": network.state_dict(),
        "step": 1,
        "wall_time_s": 0.0,
        "lineage": no_lineage(),
        "data": {"digest": "0" * 64, "licence": ""},
        "hardware": "",
    }
    save_checkpoint(tmp_path / "last.ckpt", content, read_recipe(TABLE, "here"))
    path = export_checkpoint(tmp_path / "last.ckpt", tmp_path)
    card = read_card(path)
    assert card.vivid
    assert card.dials
    assert card.halo == network.halo
    pixels = np.random.default_rng(0).integers(60, 190, (40, 40, 3), np.uint8)

    def answer(vivid: float | None) -> np.ndarray:
        dials = Dials(0.1, 0.3, 0.0)
        if vivid is not None:
            dials = VividDials(*dials.values, vivid=vivid)
        engine = open_engine(path, card, dials=dials)
        found: np.ndarray = engine.run(pixels).astype(float)
        engine.close()
        return found

    none, half, all_of_it = answer(0.0), answer(0.5), answer(1.0)
    assert np.abs(all_of_it - none).mean() > 5
    assert np.abs(half - (none + all_of_it) / 2).mean() < 2
    np.testing.assert_array_equal(answer(None), all_of_it)

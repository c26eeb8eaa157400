"""A narrower network starts from the most important channels of a wide one, and trains on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from crispen.errors import UsageError
from crispen.lab.checkpoint import BEST
from crispen.lab.data.toy import toy_pictures
from crispen.lab.export import export_checkpoint
from crispen.lab.learner import make_network
from crispen.lab.narrowing import most_important, narrow
from crispen.lab.networks.plain import Plain
from crispen.lab.recipe import Recipe, load_recipe
from crispen.lab.start import start_from
from crispen.lab.training import Trainer
from crispen.models.card import read_card
from crispen.models.dials import Dials

Make = Callable[..., Recipe]


def pictures(channels: int = 1) -> torch.Tensor:
    """Other pictures than those that the weights are fitted on."""
    made = [torch.from_numpy(p.copy())[..., :channels] for p in toy_pictures(2, 48, seed=7)]
    return torch.stack(made).permute(0, 3, 1, 2).float() / 255


def error(a: Plain, b: Plain, dials: torch.Tensor | None = None) -> float:
    """Of the residuals, relative to the second."""
    with torch.no_grad():
        x = pictures(a.channels)
        mine = a.eval().residual(x, dials if a.has_dials else None)
        theirs = b.eval().residual(x, dials if b.has_dials else None)
    return float((mine - theirs).norm() / theirs.norm())


def wide_network(**changes: int | str) -> Plain:
    torch.manual_seed(3)
    network = Plain(2, 1, 24, 3, **changes)  # type: ignore[arg-type]
    with torch.no_grad():
        network.tail.weight.mul_(10)
    return network


def test_the_channels_that_contribute_most() -> None:
    x = torch.tensor([1.0, 2.0, 0.0, 3.0]).reshape(1, 4, 1, 1).expand(1, 4, 5, 5)
    kernel = torch.ones(2, 4, 3, 3)
    assert most_important(x, kernel, 2).tolist() == [1, 3]
    kernel[:, 3] = 0.1  # little of the fourth is read
    kernel[:, 2] = 100  # and the third gives nothing
    assert most_important(x, kernel, 2).tolist() == [0, 1]


@pytest.mark.parametrize("changes", [{}, {"unshuffle": 2}, {"activation": "leaky-relu"}])
def test_channels_that_do_nothing_go_without_a_trace(changes: dict[str, int | str]) -> None:
    wide = wide_network(**changes)
    used = torch.tensor([0, 3, 4, 9, 10, 13, 17, 23])
    unused = torch.tensor([i for i in range(24) if i not in used])
    with torch.no_grad():
        for layer in wide.body:
            layer.weight[:, unused] -= layer.kernel()[:, unused]
        wide.tail.weight[:, unused] = 0
    thin = Plain(2, 1, 8, 3, **changes)  # type: ignore[arg-type]
    before = error(thin, wide)
    narrow(thin, wide)
    assert before > 0.5
    assert error(thin, wide) < 0.01
    assert error(thin.merged(), wide) < 0.01


def test_refitting_helps() -> None:
    wide, thin = wide_network(), Plain(2, 1, 16, 3)
    narrow(thin, wide)
    # The same channels with their weights as they were, by hand.
    plain = wide.merged()
    cut = Plain(2, 1, 16, 3, rich=False)
    x = (
        torch.from_numpy(toy_pictures(8, 96, 0)[0].copy())[None, ..., :1].permute(0, 3, 1, 2)
    ) / 255
    before = torch.arange(1)
    with torch.no_grad():
        layers = [plain.head, *plain.body, plain.tail]
        for i, target in enumerate([cut.head, *cut.body]):
            x = torch.relu(layers[i](x))
            kept = most_important(x, layers[i + 1].weight, 16)
            target.weight.copy_(layers[i].weight[kept][:, before])
            target.bias.copy_(layers[i].bias[kept])
            before = kept
        cut.tail.weight.copy_(plain.tail.weight[:, before])
        cut.tail.bias.copy_(plain.tail.bias)
    assert error(thin, wide) < 0.6 * error(cut, wide)


def told(*rows: tuple[float | None, float | None, float | None]) -> torch.Tensor:
    """``(pictures, 6)``, of noise, compression and blur."""
    return torch.tensor([Dials(*row).inputs() for row in rows])


def with_dials(width: int) -> Plain:
    """A network whose dials matter as much as its pictures."""
    torch.manual_seed(4)
    network = Plain(2, 1, width, 3, dials=True)
    assert network.dial_bias is not None
    with torch.no_grad():
        network.tail.weight.mul_(10)
        torch.nn.init.normal_(network.dial_bias.layers[2].weight, std=0.2)  # type: ignore[arg-type]
        torch.nn.init.normal_(network.dial_bias.deeper.weight, std=0.2)
    return network


SETTINGS = [told((0.1, 0.9, None), (0.7, None, 0.2)), told((None, None, None), (0.3, 0.0, 1.0))]


def test_dials_do_in_the_narrow_network_what_they_did() -> None:
    wide, thin = with_dials(24), Plain(2, 1, 12, 3, dials=True)
    # They matter: without them the wide network itself is far off.
    with torch.no_grad():
        x = pictures()
        changed = (wide.eval().residual(x, SETTINGS[0]) - wide.residual(x)).norm()
        assert changed > 0.3 * wide.residual(x).norm()
    narrow(thin, wide)
    for dials in SETTINGS:
        assert error(thin, wide, dials) < 0.4
    # Less than half of what is off where the dials' own layers keep their initial weights.
    fresh = Plain(2, 1, 12, 3, dials=True)
    kept = {k: v.clone() for k, v in fresh.state_dict().items() if k.startswith("dial_bias")}
    narrow(fresh, wide)
    fresh.load_state_dict(kept, strict=False)
    for dials in SETTINGS:
        assert error(thin, wide, dials) < 0.5 * error(fresh, wide, dials)


def test_channels_and_units_that_do_nothing_go_without_a_trace_with_dials() -> None:
    wide = with_dials(24)
    unused = torch.tensor([i for i in range(24) if i % 3])
    assert wide.dial_bias is not None
    with torch.no_grad():
        for layer in wide.body:
            layer.weight[:, unused] -= layer.kernel()[:, unused]
        wide.tail.weight[:, unused] = 0
        for reader in (wide.dial_bias.layers[2], wide.dial_bias.deeper):
            reader.weight[:, unused] = 0
    thin = Plain(2, 1, 8, 3, dials=True)
    narrow(thin, wide)
    for dials in SETTINGS:
        assert error(thin, wide, dials) < 0.01
        assert error(thin.merged(), wide, dials) < 0.01


def test_dials_that_only_one_of_them_has() -> None:
    # What the wide network does with unknown dials becomes a part of its biases.
    thin = Plain(2, 1, 20, 3)
    narrow(thin, with_dials(24))
    assert error(thin, with_dials(24)) < 0.4
    gains = Plain(2, 1, 16, 3, dials=True)
    narrow(gains, wide_network())
    without = Plain(2, 1, 16, 3)
    narrow(without, wide_network())
    assert error(gains, without) < 0.1


def test_a_shipped_network_with_dials_is_made_narrower() -> None:
    torch.manual_seed(0)
    thin = Plain(2, 1, 12, 10, "clipped-relu", dials=True)
    random = Plain(2, 1, 12, 10, "clipped-relu", dials=True)
    assert start_from(thin, "video-x2")["started_from"] == "video-x2"
    wide = Plain(2, 1, 16, 10, "clipped-relu", dials=True)
    start_from(wide, "video-x2")
    assert all(layer.fitted for layer in thin.activations)
    assert error(thin, wide, SETTINGS[0]) < 0.7 < error(random, wide, SETTINGS[0])


def toy(*changes: str) -> Recipe:
    return load_recipe(
        "toy",
        [
            "network.depth=2",
            "network.width=16",
            "train.sample_every=0",
            "train.validate_every=1000",
            "train.precision=fp32",
            "validation.count=8",
            *changes,
        ],
    )


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trained network with 16 channels."""
    folder = tmp_path_factory.mktemp("wide") / "run"
    torch.set_num_threads(1)
    Trainer(toy("train.steps=300"), folder).fit()
    return folder


def psnr(trainer: Trainer) -> float:
    assert trainer.keeper.validator is not None
    return trainer.keeper.validator.measure(trainer.learner.average)["val_psnr"]


def test_it_starts_better_than_random_and_exports(run: Path, tmp_path: Path) -> None:
    thin = ("network.width=8", "train.steps=20", "name=thin")
    start = f"train.start='{run / BEST}'"
    pruned = Trainer(toy(*thin, start), tmp_path / "pruned")
    random = Trainer(toy(*thin), tmp_path / "random")
    begun = psnr(pruned)
    assert begun > psnr(random) + 0.5
    after = pruned.fit()["psnr"]
    assert after > random.fit()["psnr"] + 0.3
    assert after > begun - 0.1
    path = export_checkpoint(tmp_path / "pruned" / BEST, tmp_path / "out")
    card = read_card(path)
    assert card.training is not None
    assert (card.training.started_from, card.training.steps) == ("toy", 320)
    # 9w + w, then 2 (9w² + w), then (9w + 1) 4 with w = 8.
    assert card.parameters == 80 + 2 * (576 + 8) + 292


def test_from_a_model_file_as_from_its_checkpoint(run: Path, tmp_path: Path) -> None:
    path = export_checkpoint(run / BEST, tmp_path)
    one, two = (make_network(toy("network.width=8", f"train.seed={i}")) for i in (1, 2))
    assert start_from(one, str(run / BEST))["started_from"] == "toy"
    assert start_from(two, str(path))["started_from"] == "toy"
    assert isinstance(one, Plain)
    assert isinstance(two, Plain)
    assert error(one, two) < 1e-3


def test_for_another_scale_the_tail_is_converted(run: Path) -> None:
    four = make_network(toy("network.width=8", "scale=4", "data.patch=12"))
    two = make_network(toy("network.width=8"))
    for network in (two, four):
        start_from(network, str(run / BEST))
    small, large = two.state_dict()["tail.weight"], four.state_dict()["tail.weight"]
    torch.testing.assert_close(large[0], small[0])
    torch.testing.assert_close(large[15], small[3])


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (["network.depth=3"], r"set network\.depth = 2, as there"),
        (["network.unshuffle=2"], r"set network\.unshuffle = 1, as there"),
    ],
)
def test_what_cannot_be_narrowed(run: Path, changes: list[str], told: str) -> None:
    network = make_network(toy("network.width=8", *changes))
    with pytest.raises(UsageError, match=told):
        start_from(network, str(run / BEST))

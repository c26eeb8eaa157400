"""Damaged pictures are repaired as they are enlarged, unless something else was asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as Pil
from skimage import data

from crispen.enhance.enhancer import Enhancer
from crispen.enhance.plan import REPAIR, REPAIRED_BELOW, plan
from crispen.enhance.request import Request
from crispen.enhance.source import Source, jpeg_step
from crispen.lab.export import to_onnx
from crispen.lab.networks.plain import Plain
from crispen.models import dials as scales
from crispen.models.athand import AtHand
from crispen.models.card import ModelCard
from crispen.models.store import Known, list_cards

SOURCE = Source(kind="image", format="jpeg", width=8, height=6, jpeg_step=scales.jpeg_step(60))
CARD = ModelCard(name=REPAIR, scale=2, color="rgb", task="restore", base="bicubic", dials=True)


@pytest.fixture(scope="module")
def repairing(tmp_path_factory: pytest.TempPathFactory) -> Known:
    """A network that repairs nothing, but answers to its dials."""
    torch.manual_seed(0)
    network = Plain(2, 3, width=8, depth=1, dials=True).merged().eval()
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    card = CARD.model_copy(update={"halo": network.halo})
    path = tmp_path_factory.mktemp("models") / f"{REPAIR}.onnx"
    path.write_bytes(to_onnx(network, card).SerializeToString())
    return Known(path, card)


@pytest.fixture(scope="module")
def at_hand(repairing: Known) -> AtHand:
    return AtHand([*(known for known in list_cards() if known.card.name != REPAIR), repairing])


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.jpg"
    Pil.fromarray(data.astronaut()[:64, :96]).save(path, quality=60)
    return path


def test_a_jpeg_is_repaired(at_hand: AtHand) -> None:
    planned = plan(Request(), SOURCE, at_hand)
    assert planned.models == (REPAIR,)
    assert planned.dials.compression == pytest.approx(0.55)
    assert (planned.dials.noise, planned.dials.blur) == (0, 0)
    (note,) = planned.notes
    assert note.startswith(f"JPEG quality about 60: {REPAIR}")


def test_what_is_missing_then_is_enlarged(at_hand: AtHand) -> None:
    assert plan(Request(scale=4), SOURCE, at_hand).models == (REPAIR, "photo-x2")
    assert plan(Request(scale=1.5), SOURCE, at_hand).models == (REPAIR,)


@pytest.mark.parametrize(
    ("request_", "models"),
    [
        (Request(as_is=True), ("photo-x2",)),
        (Request(tasks=("upscale",)), ("photo-x2",)),
        (Request(models=("photo-fast",)), ("photo-fast-x2",)),
        (Request(scale=1), ()),
        (Request(scale=0.5), ()),
    ],
)
def test_not_where_something_else_was_asked_for(
    at_hand: AtHand, request_: Request, models: tuple[str, ...]
) -> None:
    planned = plan(request_, SOURCE, at_hand)
    assert planned.models == models
    assert planned.notes == ()


def test_not_what_is_as_good_as_clean(at_hand: AtHand) -> None:
    fine = SOURCE.model_copy(update={"jpeg_step": scales.jpeg_step(REPAIRED_BELOW + 1)})
    none = SOURCE.model_copy(update={"jpeg_step": None})
    for source in (fine, none):
        assert plan(Request(), source, at_hand).models == ("photo-x2",)


def test_not_without_the_network() -> None:
    others = AtHand([known for known in list_cards() if known.card.name != REPAIR])
    assert plan(Request(), SOURCE, others).models == ("photo-x2",)


def test_the_step_is_read_from_files_and_bytes(photo: Path, tmp_path: Path) -> None:
    step = jpeg_step(photo)
    assert step == pytest.approx(scales.jpeg_step(60), rel=0.02)
    assert jpeg_step(photo.read_bytes()) == step
    Pil.fromarray(data.astronaut()[:8, :8]).save(tmp_path / "a.png")
    assert jpeg_step(tmp_path / "a.png") is None
    with photo.open("rb") as stream:
        assert jpeg_step(stream) is None


def test_file_and_python_give_the_same_and_dials_are_told(
    at_hand: AtHand, photo: Path, tmp_path: Path
) -> None:
    result = tmp_path / "large.png"
    with Enhancer(request=Request(), at_hand=at_hand, device="cpu") as enhancer:
        done = enhancer.enhance_file(photo, result)
        image = enhancer.enhance(photo)
    assert done.models == (REPAIR,)
    assert any("JPEG quality" in note for note in done.notes)
    assert np.array_equal(np.asarray(Pil.open(result)), image.pixels)
    blind = scales.Dials()
    with Enhancer(request=Request(), at_hand=at_hand, dials=blind, device="cpu") as enhancer:
        assert not np.array_equal(enhancer.enhance(photo).pixels, image.pixels)

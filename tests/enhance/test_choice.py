"""Damaged pictures are repaired as they are enlarged, unless something else was asked for."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pil
from skimage import data

from crispen.enhance.choice import HARMLESS, REPAIR, dials_for
from crispen.enhance.enhancer import Enhancer
from crispen.enhance.plan import plan
from crispen.enhance.request import Request
from crispen.enhance.source import Source, jpeg_step
from crispen.enhance.target import Target
from crispen.errors import UsageError
from crispen.evaluate.metrics import luma255, psnr
from crispen.media.image import Image
from crispen.media.resample import resize
from crispen.models import dials as scales
from crispen.models.athand import AtHand
from crispen.models.dials import Dials
from crispen.models.store import list_cards

DAMAGE = Dials(noise=0.11, compression=scales.compression_dial(80.0), blur=0.16)
SOURCE = Source(kind="image", format="jpeg", width=8, height=6, damage=DAMAGE)
AT_HAND = AtHand()


def jpeg(pixels: np.ndarray, quality: int) -> bytes:
    file = io.BytesIO()
    Pil.fromarray(pixels).save(file, "JPEG", quality=quality)
    return file.getvalue()


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.jpg"
    path.write_bytes(jpeg(data.astronaut()[:96, :128], 60))
    return path


def test_a_damaged_picture_is_repaired() -> None:
    planned = plan(Request(), SOURCE, AT_HAND)
    assert planned.models == ("real-x2",)
    # A little less than was seen.
    assert planned.dials == Dials(noise=0.1, compression=0.45, blur=0.0)
    (note,) = planned.notes
    assert note == "JPEG quality about 60: real-x2; --as-is only enlarges"


@pytest.mark.parametrize(
    ("scale", "models"),
    [
        (1.0, ("real-x2",)),
        (1.5, ("real-x2",)),
        (3.0, ("real-x4",)),
        (4.0, ("real-x4",)),
        (8.0, ("real-x4",)),
    ],
)
def test_the_network_fits_the_size(scale: float, models: tuple[str, ...]) -> None:
    assert plan(Request(scale=scale), SOURCE, AT_HAND).models == models


@pytest.mark.parametrize(
    ("request_", "models"),
    [
        (Request(as_is=True), ("photo-x2",)),
        (Request(tasks=("upscale",)), ("photo-x2",)),
        (Request(models=("photo-fast",)), ("photo-fast-x2",)),
        (Request(scale=0.5), ()),
    ],
)
def test_not_where_something_else_was_asked_for(request_: Request, models: tuple[str, ...]) -> None:
    planned = plan(request_, SOURCE, AT_HAND)
    assert planned.models == models
    assert planned.notes == ()


@pytest.mark.parametrize("damage", [HARMLESS, Dials(), None])
def test_not_what_is_as_good_as_clean(damage: Dials | None) -> None:
    source = SOURCE.model_copy(update={"damage": damage})
    assert plan(Request(), source, AT_HAND).models == ("photo-x2",)
    assert plan(Request(scale=1), source, AT_HAND).models == ()


def test_not_without_the_networks() -> None:
    others = AtHand([known for known in list_cards() if known.card.name not in REPAIR.values()])
    assert plan(Request(), SOURCE, others).models == ("photo-x2",)


def test_a_person_may_say_how_much() -> None:
    clean = SOURCE.model_copy(update={"damage": Dials(0.0, 0.0, 0.0)})
    planned = plan(Request(denoise=0.5), clean, AT_HAND)
    assert planned.models == ("real-x2",)
    assert planned.dials == Dials(0.5, 0.0, 0.0)
    # Blur is undone only where that was asked for.
    assert dials_for(Request(dejpeg=0.0), DAMAGE) == Dials(0.11, 0.0, 0.0)
    assert dials_for(Request(deblur=0.3), DAMAGE) == replace(DAMAGE, blur=0.3)
    assert dials_for(Request(vivid=0.5), DAMAGE) == DAMAGE
    assert plan(Request(deblur=0.2, scale=1), clean, AT_HAND).models == ("real-x2",)


def test_what_is_asked_for_is_done_in_full() -> None:
    seen = Dials(noise=0.5, compression=0.5, blur=0.0)
    damaged = SOURCE.model_copy(update={"damage": seen, "jpeg_step": None})
    automatic = plan(Request(), damaged, AT_HAND)
    assert automatic.dials == Dials(noise=0.35, compression=0.4, blur=0.0)
    asked = plan(Request(denoise=0.5, dejpeg=0.5), damaged, AT_HAND)
    assert asked.dials == seen
    # What was seen is what is said.
    assert automatic.notes[0].partition(":")[0] == asked.notes[0].partition(":")[0]


@pytest.mark.parametrize(
    "other", [{"tasks": ("denoise",)}, {"models": ("photo",)}, {"as_is": True}]
)
def test_or_else_what_to_do(other: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="denoise, dejpeg, deblur and vivid set how"):
        Request.of(denoise=0.5, **other)
    with pytest.raises(UsageError, match="denoise, dejpeg, deblur and vivid set how"):
        Request.of(vivid=0.5, **other)


@pytest.mark.parametrize(
    ("scale", "name"), [(1, "vivid-x2"), (2, "vivid-x2"), (3, "vivid-x4"), (8, "vivid-x4")]
)
def test_vivid_invents_detail_and_says_so(scale: float, name: str) -> None:
    planned = plan(Request(vivid=0.5, scale=scale), SOURCE, AT_HAND)
    assert planned.models == (name,)
    assert planned.dials.vivid == 0.5
    (note,) = planned.notes
    assert note.endswith(f"{name}, 0.5 vivid: its detail is a guess")


def test_not_vivid_at_all_is_what_comes_by_itself() -> None:
    assert plan(Request(vivid=0.0), SOURCE, AT_HAND) == plan(Request(), SOURCE, AT_HAND)


def test_a_vivid_result_shrinks_back(photo: Path, tmp_path: Path) -> None:
    results = {}
    for vivid in (None, 0.5, 1.0):
        with Enhancer(request=Request(vivid=vivid), device="cpu") as enhancer:
            done = enhancer.enhance_file(photo, tmp_path / f"{vivid}.png")
        results[vivid] = np.asarray(Pil.open(tmp_path / f"{vivid}.png")).astype(int)
        if vivid is None:
            assert done.shrinks_back is None
        else:
            assert done.shrinks_back is not None
            assert 0 < done.shrinks_back < 1
    half, full = (np.abs(results[v] - results[None]).mean() for v in (0.5, 1.0))
    assert 0.3 < half < full
    # No colour drifts.
    assert np.abs((results[1.0] - results[None]).mean(axis=(0, 1))).max() < 1


def test_the_step_is_read_from_files_and_bytes(photo: Path, tmp_path: Path) -> None:
    step = jpeg_step(photo)
    assert step == pytest.approx(scales.jpeg_step(60), rel=0.02)
    assert jpeg_step(photo.read_bytes()) == step
    Pil.fromarray(data.astronaut()[:8, :8]).save(tmp_path / "a.png")
    assert jpeg_step(tmp_path / "a.png") is None
    with photo.open("rb") as stream:
        assert jpeg_step(stream) is None


def test_file_and_python_give_the_same_and_dials_are_told(photo: Path, tmp_path: Path) -> None:
    result = tmp_path / "large.png"
    with Enhancer(request=Request(), device="cpu") as enhancer:
        done = enhancer.enhance_file(photo, result)
        image = enhancer.enhance(photo)
    assert done.models == ("real-x2",)
    assert any("JPEG quality" in note for note in done.notes)
    assert np.array_equal(np.asarray(Pil.open(result)), image.pixels)
    much = scales.Dials(1.0, 1.0, 1.0)
    with Enhancer(request=Request(), dials=much, device="cpu") as enhancer:
        assert not np.array_equal(enhancer.enhance(photo).pixels, image.pixels)


def test_it_is_seen_in_the_pixels_too(photo: Path, tmp_path: Path) -> None:
    once, clean, noisy = (tmp_path / f"{name}.png" for name in ("once", "clean", "noisy"))
    Pil.open(photo).save(once)
    # Shrunk, so that nothing of its own compression is left.
    good = Pil.fromarray(data.astronaut()).resize((200, 200), Pil.Resampling.LANCZOS)
    good.save(clean)
    noise = np.random.default_rng(0).normal(0, 15, (200, 200, 3))
    Pil.fromarray((np.asarray(good) + noise).clip(0, 255).astype(np.uint8)).save(noisy)
    with Enhancer(request=Request(), device="cpu") as enhancer:
        models = [
            enhancer.enhance_file(path, tmp_path / f"large-{path.name}").models
            for path in (once, clean, noisy)
        ]
    assert models == [("real-x2",), ("photo-x2",), ("real-x2",)]


@pytest.mark.parametrize("scale", [1, 2, 4])
@pytest.mark.parametrize("damage", ["noise", "JPEG"])
def test_what_repairs_makes_a_damaged_picture_better(scale: int, damage: str) -> None:
    """By 0.3 (JPEG, x4) to 4 dB; a network that answers with its input passes all other tests."""
    truth = data.astronaut()[:256, 128:384]
    small = resize(truth, 256 // scale, 256 // scale)
    if damage == "noise":
        noise = np.random.default_rng(0).normal(0, 12, small.shape)
        bad = Image(np.clip(np.rint(small + noise), 0, 255).astype(np.uint8))
        dials = scales.Dials(scales.noise_dial(12), 0.0, 0.0)
    else:
        file = io.BytesIO()
        Pil.fromarray(small).save(file, "JPEG", quality=40)
        bad = Image(np.asarray(Pil.open(file)))
        dials = scales.Dials(0.0, scales.compression_dial(scales.jpeg_step(40)), 0.0)
    with Enhancer([REPAIR[scale]], dials=dials, device="cpu") as enhancer:
        made = enhancer.enhance(bad, Target(scale=scale)).as_rgb8()
    plain = resize(bad.as_rgb8(), 256, 256)
    before, after = (psnr(luma255(pixels), luma255(truth), border=4) for pixels in (plain, made))
    gain = after - before
    assert gain > 0.25

"""What a request means for a file: answered before any work, or refused in one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from crispen.enhance.plan import check, plan
from crispen.enhance.request import Request, ask
from crispen.enhance.source import Source, video_source
from crispen.errors import ModelError, UsageError
from crispen.media.video.codecs import available_codecs
from crispen.media.video.container import probe
from crispen.models.athand import AtHand, family_of
from crispen.models.card import ModelCard
from crispen.models.dials import Dials
from crispen.models.store import Known, list_cards

from .video.clips import QUARTER_TURN, make_clip

CARDS = list_cards()
AT_HAND = AtHand(CARDS)
CLEAN = Known(Path("clean.onnx"), ModelCard(name="clean", task="denoise", scale=1))
SOURCE = Source(kind="image", format="png", width=8, height=6)
CLIP = Source(kind="video", format="mp4", width=48, height=32, frames=3, pixel_format="yuv420p")


def size(request: Request, source: Source = SOURCE) -> tuple[int, int]:
    planned = plan(request, source, AT_HAND)
    return planned.width, planned.height


def test_nothing_said_is_twice_as_large() -> None:
    planned = plan(Request(), SOURCE, AT_HAND)
    assert planned.models == ("photo-x2",)
    assert (planned.width, planned.height) == (16, 12)
    assert planned.label == "x2"
    assert (planned.format, planned.codec, planned.notes) == ("png", None, ())


def test_videos_have_their_own_default() -> None:
    assert plan(Request(), CLIP, AT_HAND).models == ("photo-fast-x2",)


def test_a_named_model_has_its_own_scale() -> None:
    assert size(Request(models=["espcn-x3"])) == (24, 18)


def test_a_named_model_takes_the_place_of_its_tasks_default() -> None:
    planned = plan(Request(tasks=["upscale"], models=["espcn"], scale=4), SOURCE, AT_HAND)
    assert (planned.models, planned.width, planned.height) == (("espcn-x4",), 32, 24)


def test_sizes() -> None:
    assert size(Request(width=100, height=30, fit=True)) == (40, 30)


def test_tasks_are_done_in_one_order_whatever_the_order_they_are_named_in() -> None:
    planned = plan(Request(tasks=["upscale", "sharpen", "relight", "denoise"]), SOURCE, AT_HAND)
    assert planned.models == ("denoise-photo", "relight", "sharpen-photo", "photo-x2")


def test_contradictions() -> None:
    with pytest.raises(UsageError, match="both a scale and a size"):
        plan(Request(scale=2, width=10), SOURCE, AT_HAND)
    with pytest.raises(UsageError, match="at least one task"):
        plan(Request(tasks=[]), SOURCE, AT_HAND)
    with pytest.raises(UsageError, match="strength"):
        plan(Request(strength=0.5), SOURCE, AT_HAND)


def test_unknown_models_are_told_with_the_nearest() -> None:
    with pytest.raises(ModelError, match="did you mean photo-x2"):
        plan(Request(models=["foto-x2"]), SOURCE, AT_HAND)


def test_a_file_is_no_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "evil.onnx").write_bytes(b"x")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelError, match="no model is called"):
        plan(Request(models=["evil.onnx"]), SOURCE, AT_HAND)


def test_whoever_programs_or_types_may_name_a_file(tmp_path: Path) -> None:
    """Under a name of its own, so that it is not taken for the shipped model of the same card."""
    path = tmp_path / "mine.onnx"
    path.write_bytes(AT_HAND["espcn-x2"].path.read_bytes())  # type: ignore[attr-defined]
    request, at_hand = ask([path, "espcn-x2"])
    (first, second) = plan(request, SOURCE, at_hand).models
    assert at_hand[first] == Known(path, AT_HAND["espcn-x2"].card)
    assert second == "espcn-x2"


def test_strength_is_in_the_name() -> None:
    request = Request(models=["clean"], strength=0.5)
    planned = plan(request, SOURCE, AtHand([*CARDS, CLEAN]))
    assert (planned.label, planned.width, planned.height) == ("denoise-0.5", 8, 6)
    assert planned.strength == 0.5


def test_beyond_what_networks_do_well_the_rest_is_left_to_bicubic() -> None:
    planned = plan(Request(models=("espcn-x2",), scale=33), SOURCE, AT_HAND)
    assert planned.models == ("espcn-x2", "espcn-x2")
    assert (planned.width, planned.height) == (264, 198)


def test_names_of_a_task() -> None:
    names = AT_HAND.names("upscale")
    assert names.index("photo") < names.index("photo-x2")
    assert AtHand([CLEAN]).names("denoise") == ["clean"]
    assert {family_of(card) for _, card in CARDS} >= {"photo", "photo-fast", "espcn"}


LIVE = ModelCard(name="photo-live-x2", scale=2, color="luma", halo=7, base="bicubic")
LIVE_KNOWN = Known(Path("live.onnx"), LIVE)


@pytest.mark.parametrize(
    ("wanted", "models"),
    [
        ({}, ("photo-live-x2",)),
        ({"scale": 3.0}, ("photo-live-x2", "photo-live-x2")),
        ({"tasks": ("upscale",)}, ("photo-live-x2",)),
        ({"models": ("espcn",)}, ("espcn-x2",)),
        ({"tasks": ("denoise",)}, ("denoise-photo",)),
    ],
)
def test_real_time_takes_the_smallest_network_unless_told(
    wanted: dict[str, Any], models: tuple[str, ...]
) -> None:
    cards = AtHand([*(known for known in CARDS if known.card.name != LIVE.name), LIVE_KNOWN])
    compressed = CLIP.model_copy(update={"seen": Dials(compression=0.9)})
    planned = plan(Request(realtime=True, **wanted), compressed, cards)
    assert planned.models == models
    assert planned.encoder_options["preset"] == "ultrafast"


def test_a_named_quality_or_preset_outweighs_real_time() -> None:
    def options(**wanted: Any) -> dict[str, str]:
        return plan(Request(models=("espcn",), **wanted), CLIP, AT_HAND).encoder_options

    assert options() == {"crf": "18", "preset": "superfast"}
    quick = options(realtime=True)
    assert options(realtime=True, crf=25.0) == quick | {"crf": "25"}
    assert options(realtime=True, preset="medium") == options(preset="medium")
    assert options(preset="medium") == {"crf": "18", "preset": "medium"}


def test_every_software_codec_that_has_presets_is_quicker_in_real_time() -> None:
    for codec in available_codecs():
        if codec.preset is not None and not codec.device:
            quick = codec.options(None, None, quick=True)[codec.preset_option]
            assert codec.presets.index(quick) > codec.presets.index(codec.preset), codec.name


@pytest.mark.parametrize(
    ("wanted", "source", "told"),
    [
        ({"format": "webm", "codec": "h264"}, CLIP, "h264 does not go into .webm files"),
        ({"codec": "ffv1"}, CLIP, "ffv1 does not go into .mp4 files"),
        ({"codec": "ffv1", "format": "mkv", "crf": 3}, CLIP, "ffv1 has no --crf"),
        ({"crf": 60}, CLIP, "outside 0 to 51 of h264"),
        ({"preset": "quick"}, CLIP, "superfast"),
        ({"format": "mp4"}, SOURCE, "format mp4 does not suit a picture; choose one of png, jpeg"),
        ({"format": "png"}, CLIP, "format png does not suit a video; choose one of .*mp4"),
        ({"scale": 256}, SOURCE.model_copy(update={"format": "webp", "width": 99}), "16383"),
        ({"format": "jpeg"}, SOURCE.model_copy(update={"frames": 3}), "use GIF, WebP, PNG or AVIF"),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_what_would_fail_later_is_refused_now(
    wanted: dict[str, object], source: Source, told: str
) -> None:
    with pytest.raises(UsageError, match=told):
        plan(Request(**wanted), source, AT_HAND)  # type: ignore[arg-type]


@pytest.mark.parametrize("format", ["gif", "webp", "avif"])
def test_a_video_becomes_an_animated_picture_by_its_format(format: str) -> None:
    check(Request(format=format), "video", AT_HAND)
    planned = plan(Request(format=format), CLIP, AT_HAND)
    # As by the name of its file.
    request = Request(codec="ffv1", pix_fmt="yuv444p")
    named = plan(request, CLIP, AT_HAND, result=Path(f"a.{format}"))
    assert planned == named
    assert (planned.format, planned.codec, planned.pixel_format) == (format, "ffv1", "yuv444p")
    with pytest.raises(UsageError, match="--crf is for videos, and the result is an animated"):
        plan(Request(format=format, crf=20), CLIP, AT_HAND)
    with pytest.raises(UsageError, match="--codec is for videos"):
        check(Request(format=format, codec="av1"), "video", AT_HAND)


def test_an_animated_picture_becomes_a_video_by_its_format() -> None:
    moving = SOURCE.model_copy(update={"format": "gif", "frames": 12})
    check(Request(format="mp4"), "image", AT_HAND)
    planned = plan(Request(format="mp4"), moving, AT_HAND)
    assert (planned.format, planned.codec, planned.pixel_format) == ("mp4", "h264", "yuv420p")
    assert planned.models == ("photo-fast-x2",)
    planned = plan(Request(format="mkv", codec="ffv1"), moving, AT_HAND)
    assert (planned.codec, planned.pixel_format) == ("ffv1", "yuv444p")
    with pytest.raises(UsageError, match=r"h264 does not go into \.webm"):
        plan(Request(format="webm", codec="h264"), moving, AT_HAND)


def test_a_container_that_does_not_hold_the_codec_is_refused_without_the_file() -> None:
    with pytest.raises(UsageError, match="choose --codec vp9, av1"):
        check(Request(format="webm", codec="h264"), "video", AT_HAND)


@pytest.mark.parametrize(
    ("quality", "codec", "crf"),
    [
        (100, "h264", "10"),
        (50, "h264", "32"),
        (6, "h264", "51"),
        (1, "h264", "51"),
        (5, "hevc", "51"),
        (1, "vp9", "54"),
    ],
)
def test_every_quality_is_one_that_the_codec_has(quality: int, codec: str, crf: str) -> None:
    format = "webm" if codec == "vp9" else "mp4"
    planned = plan(Request(quality=quality, codec=codec, format=format), CLIP, AT_HAND)
    assert planned.encoder_options["crf"] == crf


def test_a_codec_without_a_quality_says_so() -> None:
    planned = plan(Request(quality=50, codec="ffv1", format="mkv"), CLIP, AT_HAND)
    assert planned.notes == ("ffv1 has no quality setting, so quality was left out",)


def test_crf_says_it_in_the_codecs_own_numbers() -> None:
    assert plan(Request(quality=50, crf=20), CLIP, AT_HAND).encoder_options["crf"] == "20"


def test_a_video_as_it_is_shown(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mp4", range(0, 1536, 512), matrix=QUARTER_TURN)
    source = video_source(probe(path), "mp4")
    assert (source.width, source.height, source.turned) == (32, 48, True)
    planned = plan(Request(width=95, height=63), source, AT_HAND)
    assert (planned.width, planned.height, planned.pixel_format) == (94, 62, "yuv420p")
    assert planned.notes == ("95x63 becomes 94x62: 8 bit 4:2:0 needs even sides",)


def test_a_clip_is_cut_out_before_its_size_is_chosen() -> None:
    planned = plan(Request(scale=3.0, crop="20x10+4+6"), CLIP, AtHand())
    assert (planned.width, planned.height) == (60, 30)
    planned = plan(Request(width=100, crop="20:10:4:6"), CLIP, AtHand())
    assert (planned.width, planned.height) == (100, 50)
    with pytest.raises(UsageError, match="crop 20:10:40:0 reaches beyond the picture"):
        plan(Request(crop="20:10:40:0"), CLIP, AtHand())
    with pytest.raises(UsageError, match="height and top edge must be even"):
        plan(Request(crop="20:10:4:7"), CLIP, AtHand())

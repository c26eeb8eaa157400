"""How compressed a clip is decides which network enlarges it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
from skimage import data

from crispen.enhance.modelfile import ModelFiles
from crispen.enhance.plan import plan
from crispen.enhance.request import Request
from crispen.enhance.source import Source
from crispen.enhance.video.damage import damage_in_clip
from crispen.enhance.video.making import decide
from crispen.models.athand import AtHand
from crispen.models.dials import Dials


def filmed(path: Path, crf: int) -> Path:
    """A photograph that moves, coded by x264."""
    photo = data.astronaut()
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": str(crf)})
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        for i in range(12):
            pixels = np.ascontiguousarray(photo[2 * i : 2 * i + 240, 3 * i : 3 * i + 320])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, "rgb24")))
        container.mux(stream.encode(None))
    return path


def test_more_compression_is_seen_as_more(tmp_path: Path) -> None:
    found = [damage_in_clip(filmed(tmp_path / f"{crf}.mp4", crf)) for crf in (18, 28, 40)]
    dials = [one.compression or 0.0 for one in found]
    assert dials[0] + 0.05 < dials[1]
    assert dials[1] + 0.05 < dials[2]
    assert {one.blur for one in found} == {0.0}
    assert found[0] == damage_in_clip(tmp_path / "18.mp4")


def test_of_a_clip_that_cannot_be_read_nothing_is_known(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"no video")
    assert damage_in_clip(tmp_path / "a.mp4") == Dials()


@pytest.mark.parametrize(
    ("request_", "compression", "models"),
    [
        (Request(), 0.6, ("video-x2",)),
        (Request(scale=1.5), 0.6, ("video-x2",)),
        (Request(), 0.2, ("photo-fast-x2",)),
        (Request(), None, ("photo-fast-x2",)),
        (Request(scale=1), 0.6, ()),
        (Request(scale=4), 0.6, ("photo-fast-x4",)),
        (Request(tasks=("upscale",)), 0.6, ("photo-fast-x2",)),
        (Request(models=("photo-x2",)), 0.6, ("photo-x2",)),
    ],
)
def test_compressed_clips_have_a_network_of_their_own(
    request_: Request, compression: float | None, models: tuple[str, ...]
) -> None:
    damage = Dials(compression=compression)
    clip = Source(kind="video", format="mp4", width=320, height=240, frames=12, damage=damage)
    planned = plan(request_, clip, AtHand())
    assert planned.models == models
    # A little less than was measured, as pictures are.
    told = Dials(compression=0.5, blur=0.0) if "video-x2" in models else Dials()
    assert planned.dials == told
    assert [n for n in planned.notes if "compressed" in n] == (
        ["compressed: video-x2; --task upscale only enlarges"] if "video-x2" in models else []
    )


def test_the_network_is_told_how_much_the_clip_was_compressed(tmp_path: Path) -> None:
    source = filmed(tmp_path / "a.mp4", 34)
    decision = decide(source, tmp_path / "b.mp4", Request(), AtHand())
    assert decision.plan.models == ("video-x2",)
    found = damage_in_clip(source)
    told = replace(found, compression=0.8 * (found.compression or 0)).rounded()
    with ModelFiles(AtHand()) as files:
        work = decision.work(files, 1)
        assert [model.dials for model in work.models] == [told]
        other = replace(decision, plan=decision.plan.model_copy(update={"dials": Dials()}))
        # Segments made with other dials are not continued.
        assert other.work(files, 1).job(2.0) != work.job(2.0)

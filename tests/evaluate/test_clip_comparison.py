"""A comparison of two clips as a video, a page and a table."""

from __future__ import annotations

import csv
import shutil
import subprocess
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from crispen.errors import InputError, UsageError
from crispen.evaluate.clip_comparison import compare_clips

pytestmark = pytest.mark.skipif(
    shutil.which("ffmpeg") is None, reason="FFmpeg's command line makes the clips"
)


@pytest.fixture
def clips(tmp_path: Path) -> tuple[Path, Path]:
    """One of half the other's size, turned when it is shown."""
    paths = tmp_path / "small.mp4", tmp_path / "large.mp4"
    for path, size in zip(paths, ("48x32", "96x64"), strict=True):
        source = ("-f", "lavfi", "-i", f"testsrc2=s={size}:r=25:d=0.4")
        plain = tmp_path / "plain.mp4"
        command = ["ffmpeg", "-nostdin", "-y", "-v", "error"]
        subprocess.run([*command, *source, "-c:v", "libx264", "-qp", "4", plain], check=True)
        turned = ("-c", "copy", "-metadata:s:v:0", "rotate=90")
        subprocess.run([*command, "-i", plain, *turned, path], check=True)
    return paths


def test_both_halves_are_the_clips_as_ffmpeg_shows_them(
    clips: tuple[Path, Path], tmp_path: Path
) -> None:
    target = tmp_path / "both.mp4"
    scores = compare_clips(*clips, target)
    with av.open(str(target)) as file:
        made = [(f.time, f.to_ndarray(format="rgb24")) for f in file.decode(video=0)]
    assert [time for time, _ in made] == pytest.approx([n / 25 for n in range(10)])
    assert len(scores) == 10
    chain = "[0]scale=64:96:flags=bicubic[a];[a][1]hstack,format=rgb24"
    command = ["ffmpeg", "-v", "error", "-i", clips[0], "-i", clips[1], "-lavfi", chain]
    raw = subprocess.check_output([*command, "-f", "rawvideo", "-"])
    right = np.frombuffer(raw, np.uint8).reshape(10, 96, 128, 3)
    weights = np.array([0.2126, 0.7152, 0.0722])
    for (_, mine), theirs in zip(made, right, strict=True):
        assert mine.shape == theirs.shape
        shown, expected = mine @ weights, theirs @ weights
        # Coded once more, at crf 18; and nothing like the halves in each other's places.
        assert np.abs(shown - expected).mean() < 4
        assert np.abs(shown[:, :64] - np.flipud(expected[:, 64:])).mean() > 20


def test_the_page_holds_the_video_and_the_scores(clips: tuple[Path, Path], tmp_path: Path) -> None:
    scores = compare_clips(*clips, tmp_path / "both.html", log=tmp_path / "frames.csv")
    page = (tmp_path / "both.html").read_text()
    assert 'src="data:video/mp4;base64,' in page
    assert page.count("<polyline") == 2
    assert f"{len(scores)} frames, PSNR {np.mean([s.psnr for s in scores]):.2f} dB" in page
    with (tmp_path / "frames.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(r["frame"]) for r in rows] == list(range(10))
    assert [Fraction(r["time_s"]) for r in rows] == [Fraction(n, 25) for n in range(10)]
    assert [float(r["psnr_db"]) for r in rows] == pytest.approx([s.psnr for s in scores], abs=1e-3)


def test_what_cannot_be_compared(clips: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"give a name that ends in \.mp4, \.html"):
        compare_clips(*clips, tmp_path / "both.png")
    with pytest.raises(UsageError, match="the small clip first"):
        compare_clips(*clips[::-1], tmp_path / "both.mp4")
    with pytest.raises(InputError, match="no such file"):
        compare_clips(tmp_path / "none.mp4", clips[1], tmp_path / "both.mp4")
    assert sorted(p.name for p in tmp_path.glob("both*")) == []

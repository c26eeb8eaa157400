"""Time stamps rise strictly, and what was wrong is said in the end."""

from __future__ import annotations

from pathlib import Path

import av
import pytest

from crispen.enhance.video.timestamps import FrameClock
from crispen.media.video.container import Damage, probe

CLIP = Path(__file__).parents[3] / "docs" / "demo" / "clip.mp4"
WHOLE = Damage()


def frames(*stamps: int | None, size: tuple[int, int] | None = None):
    header = probe(CLIP)
    width, height = size or (header.width, header.height)
    for stamp in stamps:
        frame = av.VideoFrame(width, height, header.format.name)
        frame.pts = stamp
        yield frame


def stamps_of(clock: FrameClock, *given: int | None) -> list[int | None]:
    return [frame.pts for frame in clock.steady(frames(*given))]


def test_good_stamps_stay() -> None:
    clock = FrameClock(probe(CLIP))
    assert stamps_of(clock, 0, 512, 1024, 5000) == [0, 512, 1024, 5000]
    ending = clock.ending(WHOLE)
    assert (ending.frames, ending.notes) == (4, ())


def test_missing_and_falling_stamps_are_mended_and_counted() -> None:
    header = probe(CLIP)
    clock = FrameClock(header)
    usual = round(1 / header.rate / header.time_base)
    least = 13  # of 12800 a second: a millisecond, which is the least that Matroska knows
    assert stamps_of(clock, None, None, 10 * usual, 10 * usual, 3) == [
        0,
        usual,
        10 * usual,
        10 * usual + least,
        11 * usual + least,
    ]
    (note,) = clock.ending(WHOLE).notes
    assert note == "4 frames without a valid time stamp were given one"


@pytest.mark.parametrize("wrong", [10**9, 3])
def test_one_far_outlier_is_the_wrong_one_and_not_all_that_follow(wrong: int) -> None:
    right = [n * 512 for n in range(100, 106)]
    clock = FrameClock(probe(CLIP))
    assert stamps_of(clock, *right[:2], wrong, *right[3:]) == right
    (note,) = clock.ending(WHOLE).notes
    assert note.startswith("1 frames")


def test_frames_after_a_step_back_keep_their_distance() -> None:
    clock = FrameClock(probe(CLIP))
    header = probe(CLIP)
    usual = round(1 / header.rate / header.time_base)
    right = [n * usual for n in range(100)]
    assert stamps_of(clock, *right[:50], *right[:50]) == right


def test_a_change_of_size_is_noted() -> None:
    clock = FrameClock(probe(CLIP))
    list(clock.steady(frames(0, size=(64, 48))))
    assert any("change size" in note for note in clock.ending(WHOLE).notes)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (Damage(cut=True), "ends early, after 2 frames"),
        (Damage(packets=3, frames=1), "1 frames show errors, 3 packets could not be decoded"),
    ],
)
def test_damage_is_told_with_its_count(damage: Damage, words: str) -> None:
    clock = FrameClock(probe(CLIP))
    list(clock.steady(frames(0, 512)))
    ending = clock.ending(damage)
    assert any(words in note for note in ending.notes)
    assert ending.damaged == damage.packets + damage.frames + damage.cut

"""What the page of a clip is told, whoever asks."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest

from crispen.enhance.request import ask
from crispen.enhance.video.live import LIVE, Counts, open_live
from crispen.errors import InputError
from crispen.server.services.playing import Playing

from ...enhance.video.clips import MODEL, QUARTER_TURN, make_clip


@pytest.fixture
def playing(tmp_path: Path) -> Iterator[Playing]:
    path = make_clip(tmp_path / "clip.mov", matrix=QUARTER_TURN)
    request, at_hand = ask(MODEL, **LIVE)
    with open_live(path, request, at_hand, device="cpu", threads=1) as clip:
        yield Playing(clip, "clip.mov", 0.25)


def test_what_is_said_of_the_clip(playing: Playing) -> None:
    assert playing.about() == {
        "name": "clip.mov",
        "length_s": 0.48,
        "start_s": 0.25,
        "source_size": (32, 48),  # as shown
        "size": (64, 96),
        "models": [MODEL],
        "notes": [],
    }


def test_only_the_page_that_plays_is_told_how_it_goes(playing: Playing) -> None:
    assert playing.status("a", 0.0, playing=True) == {"current": False}
    live = playing.play(Fraction(0), "a")
    assert playing.status("a", 0.0, playing=False) == {
        "current": True,
        "enhanced": 0,
        "bicubic": 0,
        "dropped": 0,
        "share": None,
        "error": None,
    }
    assert [*live.pieces()]
    said = playing.status("a", 0.4, playing=False)
    assert (said["enhanced"], said["share"]) == (12, 1.0)
    playing.play(Fraction(0), "b")
    assert playing.status("a", 0.4, playing=False) == {"current": False}
    assert playing.status("b", 0.0, playing=False)["current"]


def test_its_player_says_where_it_is(playing: Playing) -> None:
    live = playing.play(Fraction(0), "a")
    live.pacing.start(0.0)
    playing.status("b", 7.0, playing=False)
    lead = live.pacing.lead(10.0)
    assert lead is not None
    assert lead > 9
    playing.status("a", 7.0, playing=False)
    assert live.pacing.lead(10.0) == 3.0


def test_a_new_position_ends_what_played_and_frames_are_counted_together(playing: Playing) -> None:
    first = playing.play(Fraction(0), "a").pieces()
    assert next(first)
    second = playing.play(Fraction(1, 5), "b")
    assert [*first] == []
    assert [*second.pieces()]
    assert second.counts == Counts(enhanced=7)
    assert playing.counts == Counts(enhanced=12 + 7)


def test_an_error_is_kept_until_the_next_position(playing: Playing) -> None:
    live = playing.play(Fraction(0), "a")
    playing.fail(live, InputError("cut"))
    assert playing.status("a", 0.0, playing=True)["error"] == "cut"
    playing.play(Fraction(0), "b")
    playing.fail(live, InputError("cut"))
    assert playing.status("b", 0.0, playing=True)["error"] is None

"""When frames are enhanced, bicubic or left out, on a clock that stands until it is moved."""

from __future__ import annotations

from crispen.enhance.video.pacing import Pacing

FRAME_S = 0.04


class Hand:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def playing(at: float = 0.0) -> tuple[Pacing, Hand]:
    hand = Hand()
    pacing = Pacing(hand)
    pacing.start(at)
    return pacing, hand


def test_the_lead_is_a_frames_time_minus_the_time_played() -> None:
    pacing, hand = Pacing(Hand()), Hand()
    assert pacing.lead(3.0) is None
    pacing, hand = playing()
    assert pacing.lead(3.0) == 3.0
    hand.now += 2.5
    assert pacing.lead(3.0) == 0.5


def test_the_beginning_is_enhanced_as_long_as_a_viewer_waits() -> None:
    hand = Hand()
    pacing = Pacing(hand)
    assert pacing.way(0.0) == "enhance"
    hand.now += 1.9
    assert pacing.way(FRAME_S) == "enhance"
    hand.now += 0.2
    assert pacing.way(2 * FRAME_S) == "bicubic"


def test_below_the_low_mark_frames_are_bicubic_until_the_lead_is_above_the_high_one() -> None:
    pacing, hand = playing()
    assert pacing.way(1.0) == "enhance"
    assert pacing.way(0.75) == "enhance"  # the low mark itself
    assert pacing.way(0.74) == "bicubic"
    assert pacing.way(1.0) == "bicubic"  # enough before, but not now
    assert pacing.way(1.49) == "bicubic"
    assert pacing.way(1.5) == "enhance"
    assert pacing.way(1.0) == "enhance"
    hand.now += 0.3
    assert pacing.way(1.0) == "bicubic"


def test_frames_that_come_too_late_are_left_out_but_not_all_of_them() -> None:
    pacing, hand = playing()
    assert pacing.way(1.0) == "enhance"
    hand.now += 0.8
    assert pacing.way(1.04) == "drop"  # 0.24 s ahead, and its fragment takes 0.25
    assert pacing.way(1.06) == "bicubic"
    hand.now += 10
    ways = [pacing.way(1.06 + n * FRAME_S) for n in range(1, 60)]
    kept = [n for n, way in enumerate(ways, start=1) if way == "bicubic"]
    assert kept == [13, 26, 39, 52]  # each after half a second of the clip
    assert set(ways) == {"bicubic", "drop"}


def test_far_ahead_there_is_nothing_to_do() -> None:
    pacing, hand = Pacing(Hand()), Hand()
    assert not pacing.is_far(1000.0)  # the beginning is not delivered yet
    pacing, hand = playing()
    assert pacing.is_far(4.1)
    hand.now += 0.2
    assert not pacing.is_far(4.1)


def test_a_player_says_where_it_is() -> None:
    pacing, hand = Pacing(Hand()), Hand()
    pacing.report(5.0, playing=True)
    assert pacing.lead(6.0) is None  # of an earlier stream
    pacing, hand = playing()
    hand.now += 1
    pacing.report(0.25, playing=True)  # it waited for data
    assert pacing.lead(1.25) == 1.0
    hand.now += 0.5
    assert pacing.lead(1.25) == 0.5
    pacing.report(0.75, playing=False)
    hand.now += 60
    assert pacing.lead(1.25) == 0.5


def test_time_in_which_the_player_takes_no_bytes_does_not_count() -> None:
    pacing, hand = playing()
    hand.now += 1
    with pacing.handing_over():
        hand.now += 30
    assert pacing.lead(2.0) == 1.0
    # What it reported meanwhile counts from then on only.
    with pacing.handing_over():
        hand.now += 30
        pacing.report(4.0, playing=True)
        hand.now += 2
    assert pacing.lead(5.0) == 1.0
    pacing.report(4.5, playing=False)
    with pacing.handing_over():
        hand.now += 30
    assert pacing.lead(5.0) == 0.5

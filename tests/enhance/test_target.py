"""Sizes asked for."""

import pytest

from crispen.enhance.target import Target, parse_size
from crispen.errors import UsageError


@pytest.mark.parametrize(
    ("target", "size"),
    [
        (Target(), (400, 300)),
        (Target(scale=2), (800, 600)),
        (Target(scale=0.5), (200, 150)),
        (Target(scale=3.7), (1480, 1110)),
        (Target(scale=0.001), (1, 1)),
        (Target(width=1000), (1000, 750)),
        (Target(height=150), (200, 150)),
        (Target(width=100, height=100), (100, 100)),
        (Target(width=1920, height=1080, fit=True), (1440, 1080)),
        (Target(width=800, height=10_000, fit=True), (800, 600)),
    ],
)
def test_sizes_of_a_400x300_picture(target, size):
    assert target.resolve(400, 300) == size


@pytest.mark.parametrize(
    ("wishes", "text"),
    [
        ({"scale": 2, "width": 3}, "both"),
        ({"scale": 0}, "above 0"),
        ({"scale": -1}, "above 0"),
        ({"scale": float("nan")}, "above 0"),
        ({"scale": float("inf")}, "above 0"),
        ({"width": 0}, "1 pixel"),
        ({"height": -4}, "1 pixel"),
        ({"width": 9, "fit": True}, "both sides"),
        ({"fit": True}, "both sides"),
    ],
)
def test_wishes_that_do_not_fit(wishes, text):
    with pytest.raises(UsageError, match=text):
        Target(**wishes)


def test_default_scale_only_where_nothing_was_asked():
    assert Target().or_scale(4) == Target(scale=4)
    assert Target(scale=1.5).or_scale(4) == Target(scale=1.5)
    assert Target(width=7).or_scale(4) == Target(width=7)


def test_parse_size():
    assert parse_size("3840x2160") == (3840, 2160)
    assert parse_size(" 10 X 20 ") == (10, 20)
    for text in ("3840", "3840x", "ax9", "3840x2160x3", "-1x3"):
        with pytest.raises(UsageError, match="WIDTHxHEIGHT"):
            parse_size(text)

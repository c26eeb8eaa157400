"""What a request takes, and what is said of what it does not."""

from __future__ import annotations

import inspect
import re
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import crispen
from crispen.enhance.request import MAX_SIDE_PX, Request, ask
from crispen.errors import UsageError
from crispen.media.video.span import Span


def test_a_request_is_frozen_and_strict() -> None:
    request = Request(scale=2, tasks=["denoise"])
    with pytest.raises(ValueError, match="frozen"):
        request.scale = 3
    assert Request.model_validate_json(request.model_dump_json()) == request
    for wrong in ({"scale": "2"}, {"quality": 90.5}, {"fit": 1}, {"nonsense": 1}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            Request(**wrong)


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ({"scale": 0}, "scale must be more than 0"),
        ({"width": MAX_SIDE_PX + 1}, "width must be at most 65500"),
        ({"tasks": "denoize"}, "did you mean denoise"),
        ({"format": "docx"}, r"no format 'docx' \(choose one of .*png"),
        ({"codec": "h265x"}, "no video codec 'h265x'; did you mean h264"),
        ({"nonsense": 1}, "nonsense is unknown"),
    ],
    ids=str,
)
def test_what_does_not_fit_is_one_line(wanted: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError, match=told) as caught:
        ask(**wanted)
    assert "\n" not in str(caught.value)


def test_numbers_of_numpy_are_numbers() -> None:
    request, _ = ask(width=np.int64(20), strength=np.float32(0.5), tasks="denoise")
    assert (request.width, request.strength) == (20, 0.5)
    assert type(request.width) is int


def test_help_tells_the_keywords() -> None:
    assert "strength" in inspect.signature(crispen.enhance_video).parameters


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"size": "100x50"}, r"size is '100x50'; give width and height, such as \(3840, 2160\)"),
        ({"size": 100}, "size is 100; give"),
        ({"size": (1, 2, 3)}, r"size is \(1, 2, 3\); give"),
        ({"size": (1.5, 2)}, "width must be a whole number"),
        ({"scale": "2"}, "scale must be a number"),
        ({"scale": float("nan")}, "scale must be a finite number"),
        ({"scale": float("inf")}, "scale must be a finite number"),
        ({"model": 3}, "model is 3; give the name of a model"),
        ({"model": b"x"}, "model is 120; give the name"),
        ({"tasks": 3}, "tasks must be text"),
        ({"device": 3}, "device is 3; give a name, such as 'cpu'"),
        ({"threads": "2"}, "threads is '2'; give a whole number"),
        ({"tile_px": 1.5}, "tile_px is 1.5; give a whole number"),
        ({"denoise": 0.5, "as_is": True}, "^denoise, dejpeg, deblur and vivid set how"),
    ],
    ids=str,
)
def test_what_does_not_fit_is_told_and_never_leaks_from_python(given, told):
    with pytest.raises(UsageError, match=told):
        crispen.enhance(np.zeros((8, 8), np.uint8), **given)


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        ("90", 90),
        ("1:30.25", Fraction(361, 4)),
        ("01:00:00.04", Fraction(90001, 25)),
        (0.04, Fraction(1, 25)),  # as it is written, and not as it is stored
        (1e-5, Fraction(1, 100_000)),
        (np.float64(2.5), Fraction(5, 2)),
        (3, 3),
        (Fraction(1001, 30000), Fraction(1001, 30000)),
        (" 7 ", 7),
    ],
    ids=str,
)
def test_times_are_exact(given: Any, seconds: Fraction) -> None:
    request = Request.of(start=given)
    assert request.span == Span(Fraction(seconds), None)
    assert Request.model_validate_json(request.model_dump_json()) == request
    schema = Request.model_json_schema()["properties"]["start"]["anyOf"][0]
    assert re.search(schema["pattern"], request.start or "")


def test_a_part_can_be_told_by_its_duration() -> None:
    assert Request.of(start="1:00", duration=2.5).span == Span(Fraction(60), Fraction(125, 2))
    assert Request.of(duration=2).span == Span(None, Fraction(2))
    assert not Request.of(scale=2.0).span


@pytest.mark.parametrize("text", ["", "1:2:3:4", "1:60", "-1", "1e3", "1/0", "٣", "1,5", "1:", "x"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is not a time; write seconds"):
        Request.of(end=text)

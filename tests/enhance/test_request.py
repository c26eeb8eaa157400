"""What a request takes, and what is said of what it does not."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest

import crispen
from crispen.enhance.request import MAX_SIDE_PX, Request, ask
from crispen.errors import UsageError


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
        ({"nonsense": 1}, "nonsense is not known"),
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

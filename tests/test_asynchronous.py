"""The functions for ``async`` programs."""

from __future__ import annotations

import asyncio
import inspect
from pathlib import Path

import numpy as np
import pytest

import crispen
from crispen.errors import InputError, UsageError
from crispen.progress import Event, Progress

CLIP = Path(__file__).parents[1] / "docs/demo/clip.mp4"


@pytest.mark.parametrize("name", ["enhance", "enhance_video"])
def test_arguments_are_those_of_the_function(name: str) -> None:
    function, awaited = getattr(crispen, name), getattr(crispen, f"{name}_async")
    assert inspect.signature(awaited) == inspect.signature(function)
    assert awaited.__name__ == f"{name}_async"
    assert inspect.iscoroutinefunction(awaited)


def test_the_loop_goes_on_and_the_result_is_the_same() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)

    async def both() -> tuple[crispen.Image, int]:
        turns = 0
        work = asyncio.ensure_future(crispen.enhance_async(pixels, scale=2, as_is=True))
        while not work.done():
            turns += 1
            await asyncio.sleep(0.001)
        return await work, turns

    result, turns = asyncio.run(both())
    np.testing.assert_array_equal(
        result.pixels, crispen.enhance(pixels, scale=2, as_is=True).pixels
    )
    assert turns > 5


def test_errors_are_the_functions() -> None:
    with pytest.raises(InputError):
        asyncio.run(crispen.enhance_async(b"no picture"))
    with pytest.raises(UsageError):
        asyncio.run(crispen.enhance_async(np.zeros((4, 4), np.uint8), scale=-1))


def test_a_cancelled_task_stops_the_work_and_can_be_continued(tmp_path: Path) -> None:
    target = tmp_path / "out.mp4"
    events: list[Event] = []

    async def cancelled() -> None:
        options = {"model": "espcn", "segment_s": 0.2, "progress": Progress(events.append)}
        work = asyncio.ensure_future(crispen.enhance_video_async(CLIP, target, **options))
        while not any(e.unit == "frames" and e.done >= 3 for e in events):
            assert not work.done()
            await asyncio.sleep(0.01)
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work

    asyncio.run(cancelled())
    frames = max(e.done for e in events if e.unit == "frames")
    assert not target.exists()
    assert frames < 62
    asyncio.run(crispen.enhance_video_async(CLIP, target, model="espcn", segment_s=0.2))
    assert [path.name for path in tmp_path.iterdir()] == ["out.mp4"]

"""Runs frames through libavfilter's filters."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import av


class FilterChain:
    """A chain of libavfilter's filters.

    Args:
        like: A frame like those that will come.
        filters: As on FFmpeg's command line.
    """

    def __init__(self, like: av.VideoFrame, filters: str) -> None:
        from av.filter import Graph

        self._graph = Graph()
        chain = [
            self._graph.add_buffer(
                width=like.width, height=like.height, format=like.format, time_base=like.time_base
            )
        ]
        for text in filters.split(","):
            name, _, arguments = text.partition("=")
            chain.append(self._graph.add(name, arguments or None))
        chain.append(self._graph.add("buffersink"))
        for one, other in pairwise(chain):
            one.link_to(other)
        self._graph.configure()

    def pushed(
        self, frame: av.VideoFrame | None, time_base: Fraction | None = None
    ) -> Iterator[av.VideoFrame]:
        """Frames ready after one more frame, with time stamps in `time_base`."""
        import av

        self._graph.push(frame)
        while True:
            try:
                out: Any = self._graph.pull()
            except (av.error.BlockingIOError, av.error.EOFError):
                return
            if time_base is not None and out.pts is not None and out.time_base is not None:
                out.pts = round(out.pts * out.time_base / time_base)
                if out.duration:
                    out.duration = max(1, round(out.duration * out.time_base / time_base))
                out.time_base = time_base
            yield out

    def flushed(self, time_base: Fraction) -> Iterator[av.VideoFrame]:
        """The frames left."""
        yield from self.pushed(None, time_base)

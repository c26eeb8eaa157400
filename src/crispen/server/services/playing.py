"""One clip that one viewer watches, and what the page that shows it is told."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from crispen.enhance.video.live import Counts, Live, LiveClip
from crispen.errors import CrispenError


class Playing:
    """Plays a clip from one position at a time: whoever asks again ends what played before.

    Args:
        clip: The clip.
        name: Its name, for display.
        start: Where the page begins, in seconds.
    """

    def __init__(self, clip: LiveClip, name: str, start: float = 0.0) -> None:
        self._clip = clip
        self._name = name
        self._start = start
        self._live: Live | None = None
        self._viewer = ""
        self._before = Counts()
        self._error: str | None = None

    @property
    def counts(self) -> Counts:
        """All frames since the beginning, wherever they were played from."""
        return self._before + (self._live.counts if self._live is not None else Counts())

    def about(self) -> dict[str, Any]:
        """What the page shows of the clip."""
        header, plan = self._clip.decision.header, self._clip.decision.plan
        sides = (header.width, header.height)
        return {
            "name": self._name,
            "length_s": self._clip.length,
            "start_s": self._start,
            "source_size": sides[::-1] if header.turned else sides,
            "size": self._clip.size,
            "models": list(plan.models),
            "notes": list(plan.notes),
        }

    def play(self, start: Fraction, viewer: str) -> Live:
        """The clip from a second on.

        Args:
            start: In seconds; 0 is its first frame.
            viewer: Names the page in later calls.
        """
        self.stop()
        self._before = self.counts
        self._viewer, self._error = viewer, None
        self._live = self._clip.play(start or None)
        return self._live

    def fail(self, live: Live, error: CrispenError) -> None:
        """Remember why a clip ended early."""
        if live is self._live:
            self._error = str(error)

    def status(self, viewer: str, position: float, *, playing: bool) -> dict[str, Any]:
        """How it goes, for a page that says where it is.

        Args:
            viewer: As in `play`.
            position: What its player shows, in seconds of the stream.
            playing: Whether its time goes on.
        """
        live = self._live
        if live is None or viewer != self._viewer:
            return {"current": False}
        live.pacing.report(position, playing=playing)
        counts = live.counts
        return {
            "current": True,
            "enhanced": counts.enhanced,
            "bicubic": counts.bicubic,
            "dropped": counts.dropped,
            "share": counts.share,
            "error": self._error,
        }

    def stop(self) -> None:
        """End what plays."""
        if self._live is not None:
            self._live.stop()

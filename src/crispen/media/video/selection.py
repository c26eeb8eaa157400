"""Which streams of a file to keep besides its picture."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from crispen.errors import UsageError

if TYPE_CHECKING:
    from crispen.media.video.header import StreamInfo

KINDS = ("video", "audio", "subtitle", "attachment", "data", "cover")
_ITEM = rf"(?:\d{{1,4}}|(?:{'|'.join(KINDS)})(?::[a-z]{{2,8}})?)"
PATTERN = rf"(?:all|{_ITEM}(?:,{_ITEM})*)"
"""A regular expression for what `Selection.of` accepts."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Some of a file's streams.

    Attributes:
        items: Numbers, kinds, and kinds with a language, such as ``audio:eng``; none for all.
    """

    items: tuple[str, ...] = ()

    @classmethod
    def of(cls, text: str) -> Selection:
        """Parses what the user wrote.

        >>> Selection.of("audio:eng,3").items, Selection.of("all").items
        (('audio:eng', '3'), ())
        """
        return cls(() if text == "all" else tuple(text.split(",")))

    def takes(self, info: StreamInfo) -> bool:
        """Whether a stream is among them."""
        return not self.items or any(_means(item, info) for item in self.items)

    def check(self, path: object, streams: Iterable[StreamInfo]) -> None:
        """Refuse numbers of streams that a file does not have.

        Args:
            path: The file's name.
            streams: All of its streams.

        Raises:
            UsageError: Lists those that it has.
        """
        there = [*streams]
        numbers = {str(info.index) for info in there}
        for item in self.items:
            if item.isdigit() and str(int(item)) not in numbers:
                held = ", ".join(info.label() for info in there)
                raise UsageError(f"{path}: it has no stream {item}; it has {held}")

    def notes(self, streams: Iterable[StreamInfo]) -> list[str]:
        """Which items are missing, one line each."""
        there = [*streams]
        return [
            f"no stream is {item}"
            for item in self.items
            if not item.isdigit() and not any(_means(item, info) for info in there)
        ]


def _means(item: str, info: StreamInfo) -> bool:
    if item.isdigit():
        return int(item) == info.index
    kind, _, language = item.partition(":")
    own = "cover" if info.kind == "attached picture" else info.kind
    return kind == own and language in ("", info.language or "und")

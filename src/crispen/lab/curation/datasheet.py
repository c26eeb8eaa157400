"""A set of pictures in figures: what a person wants to know before training on it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from crispen.lab.curation.duplicates import Duplicates, find_duplicates
from crispen.lab.curation.surveying import Surveyed
from crispen.look.looking import SEEN_BLUR, SEEN_QUALITY
from crispen.models.dials import blur_of

_SPREAD = (0, 5, 50, 95, 100)


@dataclass(frozen=True)
class Datasheet:
    """The figures.

    Attributes:
        pictures: All that could be read.
        unreadable: What is wrong with the others.
        duplicates: See `find_duplicates`.
    """

    pictures: Sequence[Surveyed]
    unreadable: Sequence[str]
    duplicates: Sequence[Duplicates]

    def rows(self) -> list[tuple[str, str]]:
        """Names and texts, for people."""
        n = len(self.pictures)
        pixels = sum(p.width * p.height for p in self.pictures)
        formats = Counter(p.format for p in self.pictures)
        # From these values on, `crispen look` calls a picture damaged or blurred.
        damaged = sum(p.damage < SEEN_QUALITY for p in self.pictures)
        seen_px = blur_of(SEEN_BLUR)
        blurred = sum(p.blur_px >= seen_px for p in self.pictures)
        rows = [
            ("pictures", f"{n:,}, {pixels / 1e6:,.1f} megapixels"),
            ("cannot be read", f"{len(self.unreadable):,}"),
            ("formats", ", ".join(f"{k} {c:,}" for k, c in formats.most_common()) or "–"),
            ("shorter side", _told(self._spread("short"), "px")),
            ("longer side", _told(self._spread("long"), "px")),
            ("grey", f"{sum(p.grey for p in self.pictures):,}"),
            ("JPEG and WebP quality", _told(self._spread("quality"))),
            (
                "damage as of a JPEG of",
                f"{_told(self._spread('damage'))}; {damaged:,} below {SEEN_QUALITY}",
            ),
            (
                "blur",
                f"{_told(self._spread('blur_px'), 'px')}; {blurred:,} of {seen_px:g} px or more",
            ),
            ("noise", _told(self._spread("noise"), "levels")),
        ]
        for exact, name in ((True, "equal files"), (False, "alike pictures")):
            groups = [group for group in self.duplicates if group.exact == exact]
            extra = sum(len(group.files) - 1 for group in groups)
            rows.append((name, f"{extra:,} too many, in {len(groups):,} groups"))
        return rows

    def _spread(self, name: str) -> list[float]:
        """Smallest, 5 %, median, 95 % and largest value; empty if no picture has one."""
        values = [v for p in self.pictures if (v := _value(p, name)) is not None]
        return np.percentile(values, _SPREAD).tolist() if values else []

    def facts(self) -> dict[str, Any]:
        """As JSON values."""
        names = ("short", "long", "quality", "damage", "blur_px", "noise")
        keys = ("min", "p5", "median", "p95", "max")
        return {
            "count": len(self.pictures),
            "pixels": sum(p.width * p.height for p in self.pictures),
            "formats": dict(Counter(p.format for p in self.pictures).most_common()),
            "grey": sum(p.grey for p in self.pictures),
            "spread": {
                name: dict(zip(keys, (round(v, 2) for v in spread), strict=True))
                for name in names
                if (spread := self._spread(name))
            },
            "duplicates": [
                {"exact": group.exact, "files": [str(f) for f in group.files]}
                for group in self.duplicates
            ],
            "unreadable": list(self.unreadable),
            "pictures": [p.facts() for p in self.pictures],
        }


def make_datasheet(pictures: Sequence[Surveyed], unreadable: Sequence[str]) -> Datasheet:
    """The sheet of what `survey` returned."""
    return Datasheet(pictures, unreadable, find_duplicates(pictures))


def _value(picture: Surveyed, name: str) -> float | None:
    match name:
        case "short":
            return min(picture.width, picture.height)
        case "long":
            return max(picture.width, picture.height)
        case _:
            value: float | None = getattr(picture, name)
            return value


def _told(spread: list[float], unit: str = "") -> str:
    if not spread:
        return "–"
    low, _, middle, _, high = (
        f"{v:,.0f}" if v >= 10 or v == int(v) else f"{v:.1f}" for v in spread
    )
    text = f"{low} to {high}, median {middle}"
    return f"{text} {unit}" if unit else text

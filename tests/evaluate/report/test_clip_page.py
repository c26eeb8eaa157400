"""The page of two clips holds everything, and names cannot break out of it."""

from __future__ import annotations

import json
import math
import re

from crispen.evaluate.clips import FrameScore
from crispen.evaluate.report.clip_page import clip_page, psnr_text


def test_what_the_page_holds() -> None:
    scores = [FrameScore(0, 0.0, 31.5, 0.9), FrameScore(1, 0.04, math.inf, None)]
    page = clip_page(("<b>.mp4", "a&b.mp4"), (96, 64), b"film", scores)
    assert "<b>" not in page.partition("<main>")[2]
    assert "a&amp;b.mp4" in page
    assert '<canvas width="96" height="64"' in page
    assert "media-src data:" in page
    (facts,) = re.findall(r'<script type="application/json">(\[\[.*?)</script>', page)
    assert json.loads(facts) == [[0.0, "31.50 dB", 0.9], [0.04, "∞ dB", None]]
    assert psnr_text(math.inf) == "∞ dB"

"""Two synchronised clips with a draggable divider, and the curve of their difference."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence

from crispen.evaluate.clips import FrameScore, mean_psnr, mean_ssim
from crispen.evaluate.report.charts import Series, line_chart
from crispen.evaluate.report.html_page import asset, data_url, escape, make_page


def clip_page(
    names: tuple[str, str], half: tuple[int, int], film: bytes, scores: Sequence[FrameScore]
) -> str:
    """The page, which is self-contained and fetches nothing.

    Both clips are halves of one video, so that they cannot be out of sync.

    Args:
        names: The clips' names.
        half: Width and height of each.
        film: An MP4 with the first clip on the left and the second one on the right.
        scores: Those of all frames.
    """
    title = f"{names[0]} – {names[1]}"
    similar = mean_ssim(scores)
    means = f"{len(scores)} frames, PSNR {psnr_text(mean_psnr(scores))}"
    if similar is not None:
        means += f", SSIM {similar:.4f}"
    facts = [[round(s.time_s, 6), psnr_text(s.psnr), s.ssim] for s in scores]
    charts = [
        line_chart(
            [Series("PSNR", [(s.time_s, s.psnr) for s in scores if math.isfinite(s.psnr)])],
            title="PSNR of luma",
            x_label="seconds",
            y_label="dB",
        ),
        line_chart(
            [Series("SSIM", [(s.time_s, s.ssim) for s in scores if s.ssim is not None], 1)],
            title="SSIM of luma",
            x_label="seconds",
            y_label="SSIM",
        ),
    ]
    view = asset("clips.html").format(
        width=half[0],
        height=half[1],
        film=data_url(film, "video/mp4"),
        before=escape(names[0]),
        after=escape(names[1]),
        facts=json.dumps(facts).replace("</", "<\\/"),
    )
    body = [
        f'<main><header class="lead"><h1>{escape(title)}</h1><p>{escape(means)}</p></header>',
        view,
        f'<section class="charts">{"".join(charts)}</section></main>',
    ]
    return make_page(
        title,
        "\n".join(body),
        styles=["report.css"],
        scripts=["charts.js", "clips.js"],
        kind="report",
    )


def psnr_text(value: float) -> str:
    """A PSNR formatted for people."""
    return "∞ dB" if math.isinf(value) else f"{value:.2f} dB"

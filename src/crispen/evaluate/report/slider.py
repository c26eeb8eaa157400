"""A comparison with a draggable divider: a page of its own, or part of a report."""

from __future__ import annotations

from string import Template

from crispen.evaluate.compare import Bytes, Comparison, Panel
from crispen.evaluate.report.html_page import asset, escape, picture_url
from crispen.evaluate.report.html_page import make_page as whole_page
from crispen.evaluate.report.html_page import save_page as save_page

# Lossless up to this size; beyond it, a page would grow to hundreds of megabytes.
LOSSLESS_PIXELS = 12_000_000

_HELP = """<p>Drag the line, or use <kbd>←</kbd> <kbd>→</kbd>. Zoom with the buttons,
<kbd>+</kbd> <kbd>−</kbd> or the wheel; enlarged, drag away from the line to move the picture. The
small views are the places that differ most; they follow the line, and a click takes you
there.{note}</p>"""


def make_page(comparison: Comparison) -> str:
    """The whole page; every panel can be chosen for either side of the divider."""
    before, after = comparison.panels[0], comparison.panels[1]
    title = f"{before.title} – {after.title}"
    lossless = _lossless(before.pixels)
    rows = "\n".join(
        f"<tr><td>{escape(p.title)}</td><td>{escape(p.note)}</td></tr>" for p in comparison.panels
    )
    body = [
        f"<h1>{escape(title)}</h1>",
        slider(comparison, picture="png" if lossless else "jpeg"),
        f'<table class="plain">\n{rows}\n</table>',
        _HELP.format(note="" if lossless else " Shown as JPEG of quality 95."),
    ]
    return whole_page(title, "\n".join(body), scripts=["slider.js"])


def slider(
    comparison: Comparison,
    *,
    prefix: str = "",
    share: float = 0.78,
    picture: str = "png",
    alone: bool = True,
) -> str:
    """The part of a page that shows a comparison; its script is ``slider.js``.

    Args:
        comparison: What is shown; the first two panels at first.
        prefix: Makes the ids of several on one page unique.
        share: Maximum share of the window's height.
        picture: ``png``, ``jpeg`` or ``webp``.
        alone: It is the only one, so that keys and wheel control it.
    """
    height, width = comparison.panels[0].pixels.shape[:2]
    return Template(asset("slider.html")).substitute(
        prefix=escape(prefix),
        width=width,
        height=height,
        share=share,
        scrolls="" if alone else ' data-scrolls="1"',
        left_choices=_choices(comparison.panels, chosen=0),
        right_choices=_choices(comparison.panels, chosen=1),
        windows="\n".join(
            f'<button type="button" class="inset crisp" data-left="{w.left}" data-top="{w.top}" '
            f'data-side="{w.side}" aria-label="Look closer at place {i + 1}"></button>'
            for i, w in enumerate(comparison.windows)
        ),
        sources="\n".join(_source(p, picture) for p in comparison.panels),
    )


def _lossless(pixels: Bytes) -> bool:
    return bool(pixels.shape[0] * pixels.shape[1] <= LOSSLESS_PIXELS)


def _source(panel: Panel, picture: str) -> str:
    note = f" <span>{escape(panel.note)}</span>" if panel.note else ""
    return (
        f'<figure><img alt="{escape(panel.title)}" src="{picture_url(panel.pixels, picture)}">'
        f"<figcaption>{escape(panel.title)}{note}</figcaption></figure>"
    )


def _choices(panels: tuple[Panel, ...], *, chosen: int) -> str:
    return "".join(
        f'<option value="{i}"{" selected" if i == chosen else ""}>{escape(p.title)}</option>'
        for i, p in enumerate(panels)
    )

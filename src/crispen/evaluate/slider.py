"""A comparison as one HTML file with a slider, which needs nothing else and fetches nothing."""

from __future__ import annotations

import base64
import html
import io
from importlib import resources
from pathlib import Path
from string import Template

from crispen.errors import OutputError
from crispen.evaluate.compare import Bytes, Comparison, Panel
from crispen.media.image import Image, write_image

# Lossless up to here; above, a page would grow to hundreds of megabytes.
LOSSLESS_PIXELS = 12_000_000


def make_page(comparison: Comparison) -> str:
    """The whole page; every panel may be chosen for either side of the line."""
    before, after = comparison.panels[0], comparison.panels[1]
    height, width = before.pixels.shape[:2]
    template = Template(_asset("slider.html"))
    return template.substitute(
        title=html.escape(f"{before.title} – {after.title}"),
        width=width,
        height=height,
        layers="\n".join(_layer(i, p) for i, p in enumerate(comparison.panels)),
        left_choices=_choices(comparison.panels, chosen=0),
        right_choices=_choices(comparison.panels, chosen=1),
        windows="\n".join(
            f'<button type="button" class="window" data-left="{w.left}" data-top="{w.top}" '
            f'data-side="{w.side}" aria-label="Look closer at place {i + 1}"></button>'
            for i, w in enumerate(comparison.windows)
        ),
        rows="\n".join(_row(p) for p in comparison.panels),
        note="" if _lossless(before.pixels) else " Shown as JPEG of quality 95.",
    )


def _asset(name: str) -> str:
    return (resources.files("crispen.evaluate") / name).read_text(encoding="utf-8")


def _lossless(pixels: Bytes) -> bool:
    return bool(pixels.shape[0] * pixels.shape[1] <= LOSSLESS_PIXELS)


def _layer(number: int, panel: Panel) -> str:
    return (
        f'<img class="source" id="picture{number}" alt="{html.escape(panel.title)}" '
        f'src="{_data_url(panel.pixels)}">'
    )


def _data_url(pixels: Bytes) -> str:
    kind = "png" if _lossless(pixels) else "jpeg"
    content = encode(pixels, kind)
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def encode(pixels: Bytes, kind: str) -> bytes:
    """A picture's file as bytes."""
    buffer = io.BytesIO()
    write_image(Image(pixels), buffer, format=kind, quality=95)
    return buffer.getvalue()


def _choices(panels: tuple[Panel, ...], *, chosen: int) -> str:
    return "".join(
        f'<option value="{i}"{" selected" if i == chosen else ""}>{html.escape(p.title)}</option>'
        for i, p in enumerate(panels)
    )


def _row(panel: Panel) -> str:
    return f"<tr><td>{html.escape(panel.title)}</td><td>{html.escape(panel.note)}</td></tr>"


def save_page(page: str, target: Path) -> None:
    """Writes a page whole or not at all.

    Raises:
        OutputError: It cannot be written there.
    """
    part = target.with_name(f".{target.name}.part")
    try:
        part.write_text(page, encoding="utf-8")
        part.replace(target)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise OutputError(f"{target}: cannot be written ({error.strerror})") from error

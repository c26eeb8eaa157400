"""Complete HTML pages in one style, self-contained: they fetch nothing."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from crispen.media.atomic import write_whole
from crispen.media.image import Image, write_image

Bytes = NDArray[np.uint8]

# Nothing is fetched from anywhere: pictures and videos are part of the page.
_POLICY = (
    "default-src 'none'; img-src data:; media-src data:; style-src 'unsafe-inline'; "
    "script-src 'unsafe-inline'"
)
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<title>{title}</title>
<style>
{style}</style>
</head>
<body{kind}>
{body}
<script>
{script}</script>
</body>
</html>
"""


def asset(name: str) -> str:
    """A text file from this folder."""
    return (resources.files("crispen.evaluate.report") / name).read_text(encoding="utf-8")


def escape(text: object) -> str:
    """Text that cannot break out of an element or an attribute."""
    return html.escape(str(text))


def make_page(
    title: str,
    body: str,
    *,
    styles: Sequence[str] = (),
    scripts: Sequence[str] = (),
    kind: str = "",
) -> str:
    """The page.

    Args:
        title: As text.
        body: As HTML.
        styles: More style sheets, by name; ``style.css`` is always there.
        scripts: Script files, by name.
        kind: Class of the body.
    """
    return _PAGE.format(
        policy=_POLICY,
        title=escape(title),
        style="".join(asset(name) for name in ("style.css", *styles)),
        kind=f' class="{kind}"' if kind else "",
        body=body,
        script="".join(asset(name) for name in scripts),
    )


def make_report_page(
    title: str,
    lead: str,
    sections: Mapping[str, tuple[str, str]],
    *,
    scripts: Sequence[str] = ("charts.js",),
) -> str:
    """A report: a lead, then sections with links to them.

    Args:
        title: As text.
        lead: What precedes the sections, as HTML.
        sections: Title as text and content as HTML, by id; those without content are left out.
        scripts: Script files, by name.
    """
    there = {key: value for key, value in sections.items() if value[1]}
    links = "".join(f'<a href="#{key}">{escape(name)}</a>' for key, (name, _) in there.items())
    body = [
        '<a class="skip" href="#main">To the report</a>',
        f'<nav class="toc" aria-label="Sections">{links}</nav>',
        f'<main id="main">{lead}',
        *(
            f'<section id="{key}"><h2>{escape(name)}</h2>{content}</section>'
            for key, (name, content) in there.items()
        ),
        "</main>",
    ]
    return make_page(title, "\n".join(body), styles=["report.css"], scripts=scripts, kind="report")


def picture_url(pixels: Bytes, kind: str = "png") -> str:
    """A picture as a ``data:`` URL.

    Args:
        pixels: ``(height, width, 3)``.
        kind: ``png`` for exact pixels, ``jpeg`` or ``webp`` to save space.
    """
    return data_url(encode(pixels, kind), f"image/{kind}")


def data_url(content: bytes, kind: str) -> str:
    """Any content as a ``data:`` URL."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def encode(pixels: Bytes, kind: str) -> bytes:
    """A picture encoded as a file, in bytes."""
    buffer = io.BytesIO()
    write_image(Image(pixels), buffer, format=kind, quality=95)
    return buffer.getvalue()


def save_page(page: str, target: Path) -> None:
    """Writes a page whole or not at all.

    Raises:
        OutputError: It cannot be written there.
    """
    write_whole(target, page.encode())

"""Pages that need nothing else."""

from __future__ import annotations

import base64
import io
import re

import numpy as np
import PIL.Image
import pytest

from crispen.evaluate.report.html_page import escape, make_page, make_report_page, picture_url

PIXELS = np.random.default_rng(0).integers(0, 256, (6, 9, 3), np.uint8)


def test_a_page_fetches_nothing() -> None:
    page = make_page("a title", "<p>a body</p>", scripts=["slider.js"])
    assert "default-src 'none'" in page
    assert "<p>a body</p>" in page
    assert not re.search(r"""(?:src|href)=["']?(?:https?:)?//""", page)


def test_a_title_cannot_break_out() -> None:
    page = make_page("</title><script>bad()</script>", "")
    assert "<script>bad()" not in page
    assert escape('a"b<c>') == "a&quot;b&lt;c&gt;"


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
def test_a_picture_is_its_own_address(kind: str) -> None:
    url = picture_url(PIXELS, kind)
    head, _, data = url.partition(",")
    assert head == f"data:image/{kind};base64"
    with PIL.Image.open(io.BytesIO(base64.b64decode(data))) as picture:
        assert picture.size == (9, 6)
        if kind == "png":
            assert np.array_equal(np.asarray(picture), PIXELS)


def test_a_report_links_to_the_sections_that_have_content() -> None:
    sections = {"a": ("One & two", "<p>1</p>"), "b": ("Nothing", "")}
    page = make_report_page("T", "<p>lead</p>", sections)
    assert '<a href="#a">One &amp; two</a>' in page
    assert '<section id="a"><h2>One &amp; two</h2><p>1</p></section>' in page
    assert "Nothing" not in page
    assert page.index("<p>lead</p>") < page.index('<section id="a">')

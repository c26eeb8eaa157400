"""The page of scores."""

from __future__ import annotations

from crispen.evaluate.report.score_page import score_page

from .conftest import A, B


def test_the_page_marks_the_best_and_escapes_names() -> None:
    page = score_page([A, B])
    assert "a<b>" not in page
    assert "a&lt;b&gt;" in page
    assert "the input itself" in page
    # Lower is better for LPIPS, where B has 0.05.
    assert '<td class="number best">0.0500</td>' in page
    assert '<td class="number best">0.00050</td>' in page

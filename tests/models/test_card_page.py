"""A card as a page for people."""

from __future__ import annotations

import pytest

from crispen.models.card import ModelCard, Training
from crispen.models.card_page import card_page


@pytest.mark.parametrize(
    ("facts", "line"),
    [
        ({"halo": 3}, "| tiles | exact with a halo of 3 pixels |"),
        ({"halo": 3, "multiple": 4}, "| tiles | exact with a halo of 3 pixels, on a grid of 4 |"),
        ({}, "| tiles | blended, since its receptive field has no limit |"),
        ({"window_px": 32}, "| tiles | windows of 32x32 pixels, blended |"),
        (
            {"window_px": 100, "stride_px": 25},
            "| tiles | windows of 100x100 pixels, averaged at a stride of 25 pixels |",
        ),
        ({"scale": 2}, "| scale | x2 |"),
        ({}, "| scale | the size stays; takes `--strength` |"),
        ({"scale": 2}, "| operates on | luma (Y'); chroma is enlarged bicubically |"),
        ({}, "| operates on | luma (Y'); chroma stays |"),
        ({"color": "rgb"}, "| operates on | RGB |"),
        ({}, "| training | unknown |"),
        ({"training": Training(recipe="mine")}, "| recipe | `mine` (`crispen train mine`) |"),
    ],
)
def test_facts_have_their_line(facts, line):
    assert line in card_page(ModelCard(name="n", **facts)).splitlines()

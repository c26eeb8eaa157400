"""The figures of a set."""

from __future__ import annotations

import shutil
from typing import Any

import numpy as np

from crispen.lab.curation.datasheet import make_datasheet
from crispen.lab.curation.surveying import survey


def test_the_sheet_counts(photos: Any, save: Any) -> None:
    first = save(photos["cat"], "in/a.png")  # 451x300
    shutil.copy(first, first.with_name("b.png"))
    save(photos["astronaut"], "in/c.jpg", quality=30)  # 512x512
    save(np.repeat(photos["cup"][..., :1], 3, axis=2), "in/d.jpg", quality=90)  # 512x400
    sheet = make_datasheet(*survey(first.parent))
    facts = sheet.facts()
    assert (facts["count"], facts["formats"]) == (4, {"png": 2, "jpeg": 2})
    assert facts["pixels"] == 2 * 451 * 300 + 512 * 512 + 512 * 400
    assert facts["grey"] == 1
    spread = facts["spread"]
    assert (spread["short"]["min"], spread["short"]["max"]) == (300, 512)
    assert spread["quality"] == {"min": 30, "p5": 33, "median": 60, "p95": 87, "max": 90}
    assert [group["exact"] for group in facts["duplicates"]] == [True]
    rows = dict(sheet.rows())
    assert rows["pictures"] == "4, 0.7 megapixels"
    assert rows["shorter side"] == "300 to 512, median 350 px"
    assert rows["JPEG and WebP quality"] == "30 to 90, median 60"
    assert rows["equal files"] == "1 too many, in 1 groups"


def test_a_sheet_of_nothing() -> None:
    sheet = make_datasheet([], ["a.png: not a picture"])
    assert dict(sheet.rows())["cannot be read"] == "1"
    assert sheet.facts()["spread"] == {}

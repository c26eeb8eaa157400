"""Which pictures are one and the same."""

from __future__ import annotations

import shutil
from typing import Any

import numpy as np
import PIL.Image

from crispen.lab.curation.duplicates import find_duplicates
from crispen.lab.curation.surveying import survey


def test_equal_files_and_alike_pictures(photos: Any, save: Any) -> None:
    rgb = photos["astronaut"]
    first = save(rgb, "in/a.png")
    folder = first.parent
    shutil.copy(first, folder / "b.png")
    small = np.asarray(PIL.Image.fromarray(rgb).resize((256, 256)))
    save(small, "in/c.jpg", quality=50)
    # Other pictures: one and its negative, and a part of the first.
    save(photos["cat"], "in/d.png")
    save(255 - photos["cat"], "in/e.png")
    save(rgb[:256, 128:384], "in/f.png")
    groups = find_duplicates(survey(folder)[0])
    assert [(g.exact, [f.name for f in g.files]) for g in groups] == [
        (True, ["a.png", "b.png"]),
        (False, ["a.png", "c.jpg"]),
    ]


def test_no_pictures_have_no_duplicates() -> None:
    assert find_duplicates([]) == []

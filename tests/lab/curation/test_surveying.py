"""What is found out about each file."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from crispen.errors import InputError, MissingInput
from crispen.lab.curation.surveying import survey, survey_file


def test_a_file_is_known_by_its_content_not_its_name(photos: Any, save: Any) -> None:
    path = save(photos["cat"], "in/a.jpg", quality=40)
    renamed = path.rename(path.with_suffix(".png"))
    found = survey_file(renamed)
    assert (found.format, found.width, found.height) == ("jpeg", 451, 300)
    assert found.quality == 40
    assert abs(found.damage - 40) < 20
    assert found.digest == hashlib.sha256(renamed.read_bytes()).hexdigest()
    facts = found.facts()
    assert (facts["quality"], facts["sha256"]) == (40, found.digest)
    assert len(facts["hash"]) == 16


def test_damage_blur_and_grey_are_measured(photos: Any, save: Any) -> None:
    from skimage.filters import gaussian

    rgb = photos["astronaut"]
    sharp = survey_file(save(rgb, "sharp.png"))
    soft = gaussian(rgb, 2, channel_axis=2, preserve_range=True).astype(np.uint8)
    blurred = survey_file(save(soft, "soft.png"))
    assert blurred.blur_px > sharp.blur_px + 0.5
    assert sharp.quality is None
    assert not sharp.grey
    assert survey_file(save(np.repeat(rgb[..., :1], 3, axis=2), "grey.png")).grey


def test_what_cannot_be_read_is_told_and_the_rest_surveyed(photos: Any, save: Any) -> None:
    folder = save(photos["cup"], "in/sub/b.png").parents[1]
    (folder / "a.png").write_bytes(b"no picture")
    pictures, unreadable = survey(folder)
    assert [p.file.name for p in pictures] == ["b.png"]
    assert len(unreadable) == 1
    assert "a.png" in unreadable[0]


def test_a_missing_or_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(MissingInput, match="no such folder"):
        survey(tmp_path / "none")
    with pytest.raises(InputError, match="no pictures"):
        survey(tmp_path)

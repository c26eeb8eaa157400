"""``crispen enhance --try``: all sensible ways side by side."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pil
from skimage import data

from crispen.cli.main import main
from crispen.evaluate.alternatives import make_choices, ways
from crispen.media.image import read_image
from crispen.models.dials import Dials


def photo(path: Path) -> Path:
    Pil.fromarray(data.astronaut()[:420, 60:480]).save(path, quality=40)
    return path


def test_a_damaged_picture_is_offered_less_and_more_repair() -> None:
    assert list(ways(Dials(0.1, 0.6, 0.0))) == [
        "as it comes",
        "--as-is",
        "--denoise 0.05 --dejpeg 0.3 --deblur 0",
        "--denoise 0.35 --dejpeg 0.85 --deblur 0.25",
        "--vivid 0.5",
        "--vivid 1",
    ]
    assert [label for label in ways(Dials()) if "denoise" in label] == []


def test_each_way_is_a_row_of_its_own(tmp_path: Path) -> None:
    sheet = make_choices(photo(tmp_path / "a.jpg"))
    # Seven rows of three places; what is shown differs from row to row.
    rows = np.array_split(sheet, 7)
    assert sheet.shape[1] > 3 * 336
    assert len({row[40:-40].tobytes() for row in rows}) == 7


def test_the_command_writes_the_sheet_beside_the_picture(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = photo(tmp_path / "a.jpg")
    for expected in (0, 2):  # the second time it is there
        with pytest.raises(SystemExit) as stopped:
            main(["enhance", str(source), "--try"])
        assert (stopped.value.code != 0) == (expected != 0)
    assert "exists already" in capsys.readouterr().err
    assert read_image(tmp_path / "a.try.png").height > 1000
    with pytest.raises(SystemExit) as stopped:
        main(["enhance", str(tmp_path), "--try"])
    assert stopped.value.code == 2

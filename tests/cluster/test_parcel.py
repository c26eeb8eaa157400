"""Models on their way to other machines."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from crispen.cluster.parcel import pack, unpack
from crispen.enhance.modelfile import ModelFiles
from crispen.errors import ModelError
from crispen.models.athand import AtHand
from crispen.models.store import SHIPPED


def test_models_that_ship_stay_and_others_go_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRISPEN_MODELS", str(tmp_path / "none"))  # which others have added
    own = tmp_path / "own.onnx"
    shutil.copy(SHIPPED / "espcn-x2.onnx", own)
    at_hand = AtHand()
    name = at_hand.take(own)
    packed = pack(at_hand)
    assert [one.name for one in packed if one.content is not None] == [name]
    own.unlink()
    there = unpack(packed, tmp_path)
    assert list(there) == list(at_hand)
    files = ModelFiles(there)
    assert files[name].sha256 == files["espcn-x2"].sha256
    assert SHIPPED not in files[name].path.parents


def test_a_model_that_is_not_installed_is_named(tmp_path: Path) -> None:
    (first, *_) = pack(AtHand())
    with pytest.raises(ModelError, match="is not installed here"):
        unpack((replace(first, file="none.onnx"),), tmp_path)

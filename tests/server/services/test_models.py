"""Models, without HTTP: who sees which, and what can be deleted."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from crispen.models.store import SHIPPED
from crispen.server.api_errors import ApiError
from crispen.server.services.data_folder import DataFolder
from crispen.server.services.model_owners import ModelOwners
from crispen.server.services.models import Models, card_name

ESPCN = SHIPPED / "espcn-x2.onnx"


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Models:
    own = tmp_path / "models"
    own.mkdir()
    monkeypatch.setenv("CRISPEN_MODELS", str(own))
    folder = DataFolder(tmp_path / "data", max_total_bytes=1, min_free_bytes=0)
    folder.prepare()
    return Models(folder, None, ModelOwners(folder.folder, separate=False))  # type: ignore[arg-type]


def test_shipped_models_are_listed_and_stay(models: Models) -> None:
    view = models.view("me", "espcn-x2")
    assert view.family == "espcn"
    assert view.bytes == ESPCN.stat().st_size
    assert not view.own
    assert view in models.views("me")
    with pytest.raises(ApiError, match="ships with Crispen") as error:
        models.delete("me", "espcn-x2")
    assert error.value.status == 409


def test_an_unknown_model_is_not_found(models: Models) -> None:
    with pytest.raises(ApiError) as error:
        models.view("me", "no-such-x2")
    assert error.value.status == 404


def test_the_name_of_a_card(tmp_path: Path) -> None:
    copy = tmp_path / "anything"
    shutil.copy(ESPCN, copy)
    assert card_name(copy) == "espcn-x2"
    copy.write_bytes(b"no model")
    assert card_name(copy) is None

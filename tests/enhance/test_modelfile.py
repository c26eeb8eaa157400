"""Model files and their engines, opened when needed."""

from __future__ import annotations

import hashlib

from crispen.enhance.modelfile import ModelFile, ModelFiles
from crispen.models.athand import AtHand
from crispen.models.dials import Dials
from crispen.models.store import find


def test_an_engine_is_opened_once_and_given_back() -> None:
    model = ModelFile(*find("espcn-x2"), device="cpu", threads=1)
    assert model._engine is None
    engine = model.engine
    assert model.engine is engine
    model.close()
    assert model._engine is None
    assert model.engine is not engine
    model.close()


def test_the_hash_is_of_the_file() -> None:
    path, card = find("espcn-x2")
    assert ModelFile(path, card).sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_models_without_dials_are_themselves() -> None:
    with ModelFiles(AtHand(), threads=1) as files:
        assert files.with_dials("espcn-x2", Dials(noise=0.5)) is files["espcn-x2"]
        assert files["espcn-x2"] is files["espcn-x2"]


def test_models_with_dials_are_kept_for_the_last_few_settings() -> None:
    with ModelFiles(AtHand(), threads=1) as files:
        assert files.with_dials("real-x2", Dials()) is files["real-x2"]
        first = files.with_dials("real-x2", Dials(noise=0.1))
        assert first is not files["real-x2"]
        assert first.dials == Dials(noise=0.1)
        assert files.with_dials("real-x2", Dials(noise=0.1)) is first
        for noise in (0.2, 0.3, 0.4, 0.5):
            files.with_dials("real-x2", Dials(noise=noise))
        assert files.with_dials("real-x2", Dials(noise=0.1)) is not first

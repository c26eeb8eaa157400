"""Protocol buffers, read without their library."""

from __future__ import annotations

import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crispen.errors import ModelError
from crispen.models.card import CARD_KEY, ModelCard, read_card
from crispen.models.store import SHIPPED, shipped_names


@pytest.mark.parametrize("name", shipped_names())
def test_equals_the_onnx_package(name):
    path = SHIPPED / f"{name}.onnx"
    entries = {p.key: p.value for p in onnx.load(path).metadata_props}
    assert read_card(path) == ModelCard.model_validate_json(entries[CARD_KEY])
    assert read_card(path).name == name


@settings(max_examples=100, derandomize=True, deadline=None)
@given(content=st.binary(max_size=200))
def test_any_bytes_are_a_model_error(content, tmp_path_factory):
    path = tmp_path_factory.mktemp("any") / "a.onnx"
    path.write_bytes(content)
    with pytest.raises(ModelError):
        read_card(path)


def test_an_endless_number_ends(tmp_path):
    path = tmp_path / "a.onnx"
    path.write_bytes(b"\xff" * 1_000_000)
    with pytest.raises(ModelError):
        read_card(path)

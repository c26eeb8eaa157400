"""Reading cards: against the ``onnx`` package, and from files cut or garbled anywhere."""

from __future__ import annotations

import contextlib

import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crispen.errors import ModelError
from crispen.models.card import ModelCard, has_card, read_card
from crispen.models.store import with_card

CARD = ModelCard(name="tiny-x2", scale=2, halo=3, architecture="ünïcode " * 40)


def tiny() -> bytes:
    node = onnx.helper.make_node("Relu", ["input"], ["output"])
    value = [
        onnx.helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, ["n", 1, "h", "w"])
        for n in ("input", "output")
    ]
    graph = onnx.helper.make_graph([node], "g", value[:1], value[1:])
    opset = onnx.helper.make_opsetid("", 17)
    return onnx.helper.make_model(graph, opset_imports=[opset], ir_version=8).SerializeToString()


TINY = with_card(tiny(), CARD)


def test_a_card_that_was_appended_is_found_by_onnx_too(tmp_path):
    path = tmp_path / "a.onnx"
    path.write_bytes(TINY)
    model = onnx.load(path)
    onnx.checker.check_model(model)
    assert ModelCard.model_validate_json(model.metadata_props[-1].value) == CARD
    assert read_card(path) == CARD


def test_the_last_card_counts(tmp_path):
    path = tmp_path / "a.onnx"
    newer = CARD.model_copy(update={"name": "newer"})
    path.write_bytes(with_card(TINY, newer))
    assert read_card(path) == newer


def test_a_file_without_card_says_so(tmp_path):
    path = tmp_path / "a.onnx"
    path.write_bytes(tiny())
    assert not has_card(tiny())
    with pytest.raises(ModelError, match=r"without a Crispen card; 'crispen models add .*a\.onnx'"):
        read_card(path)
    path.write_bytes(b"")
    with pytest.raises(ModelError, match="not an ONNX file"):
        read_card(path)
    with pytest.raises(ModelError, match="cannot be read"):
        read_card(tmp_path / "missing.onnx")


def test_an_invalid_card_is_told(tmp_path):
    path = tmp_path / "a.onnx"
    path.write_bytes(TINY.replace(b'"scale":2', b'"scale":0'))
    with pytest.raises(ModelError, match=r"card is damaged \(scale: .* greater than or equal to 1"):
        read_card(path)


def test_a_cut_file_is_told_in_words(tmp_path):
    path = tmp_path / "a.onnx"
    path.write_bytes(TINY[:-10])
    with pytest.raises(ModelError, match="not an ONNX file, or one that was cut off; fetch"):
        read_card(path)


@settings(max_examples=150, derandomize=True, deadline=None)
@given(cut=st.integers(0, len(TINY) - 1), noise=st.binary(max_size=12))
def test_cut_and_garbled_files_are_model_errors(cut, noise, tmp_path_factory):
    path = tmp_path_factory.mktemp("cut") / "a.onnx"
    path.write_bytes(TINY[:cut])
    with pytest.raises(ModelError):  # the card stands last, so every cut loses it
        read_card(path)
    path.write_bytes(TINY[:cut] + noise + TINY[cut + len(noise) :])
    # What was garbled may by luck be a name's letter; anything else must be told.
    with contextlib.suppress(ModelError):
        assert isinstance(read_card(path), ModelCard)


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ({"window_px": 30, "multiple": 4}, "not a multiple of 4"),
        ({"window_px": 32, "stride_px": 33}, "leaves gaps"),
        ({"multiple": 0}, "multiple"),
    ],
)
def test_windows_that_cannot_be(facts, told):
    with pytest.raises(ValueError, match=told):
        ModelCard(name="n", **facts)


def test_only_what_keeps_the_size_takes_a_strength():
    assert ModelCard(name="n", scale=1).takes_strength
    assert not ModelCard(name="n", scale=2).takes_strength

"""Names that came from a client."""

from __future__ import annotations

import email.message
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crispen.server.http.file_responses import disposition
from crispen.server.services.client_names import clean_name, model_name, unique


@settings(max_examples=200, derandomize=True, deadline=None)
@given(st.text(max_size=400))
def test_a_clean_name_is_one_name(text: str) -> None:
    name = clean_name(text)
    assert 0 < len(name) <= 150
    assert name not in (".", "..")
    assert not set(name) & set('/\\\0\r\n\t"'[:-1])
    assert name.isprintable()
    assert clean_name(name) == name
    assert Path(name).name == name


@settings(max_examples=200, derandomize=True, deadline=None)
@given(st.text(max_size=100))
def test_browsers_read_the_name_back(text: str) -> None:
    name = clean_name(text)
    header = disposition(name)
    assert header.isascii()
    assert header.isprintable()
    # The standard library's reading of RFC 2231, which RFC 6266 uses.
    message = email.message.Message()
    message["Content-Disposition"] = header
    kind, _ = header.split(";", 1)
    assert kind == "attachment"
    assert message.get_filename() is not None
    _, _, encoded = header.partition("filename*=UTF-8''")
    from urllib.parse import unquote

    assert unquote(encoded) == name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("a" * 300 + ".png", "a" * 146 + ".png"),
        (None, "file"),
        ("  x .png ", "x .png"),
        ("<script>alert(1)</script>.png", "script>.png"),
        ("\u202egnp.exe", "gnp.exe"),
        ("a\x00b\x1b[2J.png", "ab[2J.png"),
    ],
)
def test_names(text: str | None, name: str) -> None:
    assert clean_name(text) == name


@settings(max_examples=100, derandomize=True, deadline=None)
@given(st.text(max_size=200))
def test_model_names_are_model_names(text: str) -> None:
    from crispen.models.card import ModelCard

    assert ModelCard(name=model_name(text)).name


def test_names_in_an_archive_differ_on_every_system() -> None:
    names = unique(["A.png", "a.png", "a (2).png", "b", "b"])
    assert len({name.casefold() for name in names}) == 5

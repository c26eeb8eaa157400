"""Addresses as people type them."""

from __future__ import annotations

import pytest

from crispen.errors import UsageError
from crispen.stores.address import file_name, is_address, parse, without_secrets


@pytest.mark.parametrize(
    ("text", "folder", "name"),
    [
        ("s3://bucket", "s3://bucket/", ""),
        ("s3://bucket/a.jpg", "s3://bucket/", "a.jpg"),
        ("S3://bucket/in/b c.jpg", "s3://bucket/in/", "b c.jpg"),
        ("s3://bucket/in/100%#1?.jpg", "s3://bucket/in/", "100%#1?.jpg"),
        ("sftp://me:p@host:2222/home/me/", "sftp://me:p@host:2222/home/me/", ""),
        ("https://host/a/b.jpg?size=9#top", "https://host/a/", "b.jpg"),
        ("zip://photos.zip", "zip://photos.zip/", ""),
        ("zip:///home/me/photos.zip/in/a.jpg", "zip:///home/me/photos.zip/in/", "a.jpg"),
        ("zip://in/a.jpg::s3://b/x.zip", "zip://s3://b/x.zip/in/", "a.jpg"),
    ],
)
def test_parts(text, folder, name):
    address = parse(text)
    assert (address.folder, address.name) == (folder, name)


def test_what_follows_a_question_mark_counts_on_the_web_only():
    assert parse("https://host/b.jpg?size=9").text == "https://host/b.jpg?size=9"
    assert parse("https://host/b.jpg?size=9").shown == "https://host/b.jpg"


def test_a_folder_without_a_slash():
    assert parse("s3://bucket/in").as_folder() == parse("s3://bucket/in/")


@pytest.mark.parametrize("text", ["s3://", "s3:///a.jpg", "sftp://me@/a", "zip://photos"])
def test_what_names_no_place_is_refused(text):
    with pytest.raises(UsageError, match="names no"):
        parse(text)


def test_a_file_that_is_called_like_an_address(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert is_address("s3://bucket")
    (tmp_path / "s3:").mkdir()
    (tmp_path / "s3:/bucket").write_bytes(b"")
    assert not is_address("s3://bucket")
    assert not is_address("ftp://host/a.jpg")
    assert not is_address(b"s3://bucket")


@pytest.mark.parametrize(
    "text",
    ["sftp://me:SECRET@host/a", "https://me:SECRET@host/a?sig=SECRET", "smb://d;me:SECRET@h/a"],
)
def test_secrets_are_never_shown(text):
    assert "SECRET" in parse(text).text
    assert "SECRET" not in parse(text).shown
    assert "SECRET" not in without_secrets(text)


def test_names_from_the_web_are_decoded_and_hold_no_folder():
    assert file_name(parse("https://host/b%20c.jpg")) == "b c.jpg"
    assert file_name(parse("https://host/..%2F..%2Fetc%2Fb.jpg")) == "b.jpg"

"""Pictures and videos of stores in Python."""

from __future__ import annotations

import pytest

import crispen
from crispen.errors import MissingInput, OutputError
from crispen.stores.remote import RemoteStore

from .test_batch import at_home, clip, picture  # noqa: F401


def test_a_picture_from_the_web(web):
    web.files["/a.png"] = picture(1)
    image = crispen.enhance(web.url("/a.png"), 2, model="photo-fast", threads=1)
    assert image.pixels.shape == (40, 60, 3)
    with pytest.raises(MissingInput, match="the server has no such file"):
        crispen.enhance(web.url("/none.png"), 2)


def test_a_video_from_a_store_to_a_store(s3, clip, monkeypatch):  # noqa: F811
    s3.upload_file(str(clip), "pictures", "in/clip.mp4")
    ends = ("s3://pictures/in/clip.mp4", "s3://pictures/out/clip.mkv")
    put = RemoteStore.put
    fetched = []
    fetch = RemoteStore.fetch

    def counted(self, entry, path, progress):
        fetched.append(entry.name)
        fetch(self, entry, path, progress)

    def full(*_, **__):
        raise OutputError("full")

    monkeypatch.setattr(RemoteStore, "fetch", counted)
    monkeypatch.setattr(RemoteStore, "put", full)
    with pytest.raises(OutputError, match="full"):
        crispen.enhance_video(*ends, 2, model="photo-fast", threads=1)
    monkeypatch.setattr(RemoteStore, "put", put)
    report = crispen.enhance_video(*ends, 2, model="photo-fast", threads=1)
    assert (report.frames, report.target_size) == (10, (128, 96))
    assert fetched == ["clip.mp4"]  # not again in the second try
    assert s3.head_object(Bucket="pictures", Key="out/clip.mkv")["ContentLength"] > 1000
    with pytest.raises(OutputError, match="exists already"):
        crispen.enhance_video(*ends, 2, model="photo-fast", threads=1)
    assert not list((clip.parent / "cache").rglob("clip.*"))

"""Folders for files on their way."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from crispen.enhance.stored.workspace import Workspace
from crispen.errors import OutputError


def test_what_lasts_is_there_again_until_it_is_dropped(tmp_path):
    with Workspace(tmp_path) as space:
        place = space.lasting(of="s3://b/clip.mp4", to="x")
        (place / "segment").write_bytes(b"1")
        passing = space.place()
    assert not passing.exists()
    with Workspace(tmp_path) as space:
        assert space.lasting(of="s3://b/clip.mp4", to="y") != place
        assert space.lasting(of="s3://b/clip.mp4", to="x") == place
        assert (place / "segment").read_bytes() == b"1"
        space.drop(place)
    assert not place.exists()


def test_two_runs_do_not_share_a_folder(tmp_path):
    with Workspace(tmp_path) as one, Workspace(tmp_path) as other:
        one.lasting(of="s3://b/clip.mp4")
        with pytest.raises(OutputError, match=r"s3://b/clip\.mp4: another run is at work on it"):
            other.lasting(of="s3://b/clip.mp4")


def test_what_nobody_came_back_for_is_removed(tmp_path):
    with Workspace(tmp_path) as space:
        old = space.lasting(of="old")
        young = space.lasting(of="young")
    os.utime(old, (1, 1))
    with Workspace(tmp_path) as space:
        space.lasting(of="new")
    assert (old.exists(), young.exists()) == (False, True)


def test_what_a_thread_took_is_free_when_the_run_ends(tmp_path):
    """Pictures and videos are fetched in threads; the run ends in another one."""
    taken = []
    with Workspace(tmp_path) as first, ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: taken.append(first.lasting(of="a"))).result()
        first.__exit__()
        with Workspace(tmp_path) as second:
            assert [second.lasting(of="a")] == taken

"""What all tests share."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from . import players, postgresql, store_servers
from . import ray_nodes as ray


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of pictures and clips beside the repository; tests that need it skip without."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there")
    return folder


@pytest.fixture(scope="session")
def cluster() -> Iterator[postgresql.Cluster]:
    """A PostgreSQL of the tests' own; tests that need it skip without."""
    with postgresql.cluster() as found:
        yield found


@pytest.fixture
def postgresql_url(cluster: postgresql.Cluster) -> Iterator[str]:
    """The URL of an empty database."""
    with cluster.database() as url:
        yield url


@pytest.fixture(scope="session")
def ray_nodes() -> Iterator[ray.Nodes]:
    """A Ray of two nodes of one processor each; tests that need it skip without."""
    with ray.ray_nodes() as nodes:
        yield nodes


@pytest.fixture(scope="session")
def s3_port() -> Iterator[int]:
    """The port of an S3 server."""
    with store_servers.s3_server() as port:
        yield port


@pytest.fixture
def s3(s3_port: int, monkeypatch: pytest.MonkeyPatch) -> Any:
    """An S3 client with an empty bucket, ``pictures``; the environment names its server."""
    import boto3

    for name, value in store_servers.s3_environment(s3_port).items():
        monkeypatch.setenv(name, value)
    client = boto3.client("s3")
    client.create_bucket(Bucket="pictures")
    yield client
    for page in client.get_paginator("list_objects_v2").paginate(Bucket="pictures"):
        for about in page.get("Contents", ()):
            client.delete_object(Bucket="pictures", Key=about["Key"])
    client.delete_bucket(Bucket="pictures")
    client.close()


@pytest.fixture
def sftp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[int, Path]]:
    """The port of an SFTP server, and the folder that it serves; HOME has a key for it."""
    home, folder = tmp_path / "home", tmp_path / "served"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(home))
    with store_servers.sftp_server(folder, home) as port:
        yield port, folder


@pytest.fixture
def web() -> Iterator[store_servers.Web]:
    """A web server, which can cut its answers off."""
    with store_servers.web_server() as server:
        yield server


@pytest.fixture
def play() -> Iterator[Callable[..., players.Player]]:
    """Starts ``crispen play`` for a clip, with further options, by the smallest network."""
    from .enhance.video.clips import MODEL

    made: list[players.Player] = []

    def start(clip: Path, *options: str) -> players.Player:
        made.append(players.Player(clip, "--model", MODEL, *options))
        return made[-1]

    yield start
    for player in made:
        player.stop()


@pytest.fixture
def make_clip() -> Callable[..., Path]:
    """`enhance.video.clips.make_clip`, for tests that cannot import it."""
    from .enhance.video import clips

    return clips.make_clip


# The tools that write the documents are tested too, and share a module.
sys.path.append(str(Path(__file__).parents[1] / "tools"))

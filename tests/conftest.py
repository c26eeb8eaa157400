"""What all tests share."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from . import postgresql


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


# The tools that write the documents are tested too, and share a module.
sys.path.append(str(Path(__file__).parents[1] / "tools"))

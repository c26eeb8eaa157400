"""What all tests share."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of pictures and clips beside the repository; tests that need it skip without."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there")
    return folder


# The tools that write the documents are tested too, and share a module.
sys.path.append(str(Path(__file__).parents[1] / "tools"))

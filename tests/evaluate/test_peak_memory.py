"""The memory that work takes at its peak."""

from __future__ import annotations

import numpy as np
import pytest

from crispen.evaluate.peak_memory import peak_memory


def test_memory_is_that_of_the_work() -> None:
    with peak_memory() as idle:
        pass
    with peak_memory() as busy:
        block = np.ones(60_000_000, np.uint8)
        del block
    if idle.bytes is None:
        assert busy.bytes is None
        return
    assert busy.bytes is not None
    assert busy.bytes - idle.bytes == pytest.approx(60_000_000, rel=0.2)

"""The memory that work takes at its peak."""

from __future__ import annotations

import subprocess
import sys

import pytest

BLOCK = 300_000_000
# In a process of its own: of an old one the system takes back pages that it has not used for long,
# and the peak is then counted from less than before.
SCRIPT = f"""
import numpy as np
from crispen.evaluate.peak_memory import peak_memory

with peak_memory() as idle:
    pass
with peak_memory() as busy:
    block = np.ones({BLOCK}, np.uint8)
    del block
print(idle.bytes, busy.bytes)
"""


def test_memory_is_that_of_the_work() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True, timeout=120
    )
    idle, busy = done.stdout.split()
    if idle == "None":
        assert busy == "None"
        return
    assert int(busy) - int(idle) == pytest.approx(BLOCK, rel=0.1)

"""A memory budget holds for the whole process, measured from outside."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from crispen.enhance import memory_budget
from crispen.media.image import Image, write_image

CODE = """
import sys
from crispen.enhance.enhancer import Enhancer
from crispen.enhance.target import Target
with Enhancer(["photo-x2"], memory_bytes=int(sys.argv[1]) << 20, threads=2) as enhancer:
    enhancer.enhance_file(sys.argv[2], sys.argv[3], Target(scale=2))
# Unlike ru_maxrss, this does not begin with what the process that started this one took.
with open("/proc/self/status") as status:
    print(next(int(line.split()[1]) >> 10 for line in status if line.startswith("VmHWM:")))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
@pytest.mark.parametrize("budget", [300, 500])
def test_everything_is_counted(tmp_path: Path, budget: int) -> None:
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (300, 500, 3), np.uint8)
    write_image(Image(coarse.repeat(4, 0).repeat(4, 1)), tmp_path / "a.png")
    done = subprocess.run(
        [sys.executable, "-c", CODE, str(budget), str(tmp_path / "a.png"), str(tmp_path / "b.jpg")],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert int(done.stdout) <= budget


def test_what_the_caller_holds_is_not_counted() -> None:
    held = np.ones(300 << 20, np.uint8)
    memory_budget._program_bytes.cache_clear()
    assert memory_budget.left_for_tiles(1 << 30) == int(0.85 * ((1 << 30) - (192 << 20)))
    assert memory_budget.left_for_tiles(200 << 20) == 50 << 20
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss > held.nbytes >> 10
    memory_budget._program_bytes.cache_clear()

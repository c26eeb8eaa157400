"""A set several times larger than the memory there may be is trained on all the same."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from crispen.errors import UsageError
from crispen.lab.data import FolderTable, batches_of, free_memory, open_batches
from crispen.media.image import Image, write_image

LIMIT_MB = 100
PICTURES = 40
SIDE = 1600
"""40 pictures of 1600x1600 are 307 MB, three times the limit and more."""

SCRIPT = """
import json, resource, sys
from pathlib import Path
import torch
from torch import nn
from crispen.errors import UsageError
from crispen.lab.data import FolderTable, open_batches
from crispen.lab.data.free_memory import free_bytes
from crispen.media.image import read_image

torch.set_num_threads(1)
folder, limit = Path(sys.argv[1]), int(sys.argv[2]) * 1_000_000
net = nn.Conv2d(3, 3, 3, padding=1)
optimizer = torch.optim.SGD(net.parameters(), 0.01)
# What training needs of its own is there before the limit is set.
net(torch.zeros(4, 3, 64, 64)).sum().backward()
read_image(folder / "0.png")
status = Path("/proc/self/status").read_text().split()
used = int(status[status.index("VmData:") + 1]) * 1024
resource.setrlimit(resource.RLIMIT_DATA, (used + limit, used + limit))
told = {"free": free_bytes(torch.device("cpu"))}

given = dict(path=str(folder), color="rgb", patch=64, batch=4, cache_mb=25, valid_share=0)
try:
    open_batches(FolderTable(memory="all", **given), seed=0)
except UsageError as error:
    told["all"] = str(error)
try:
    torch.zeros(300_000_000, dtype=torch.uint8)
except RuntimeError:
    told["whole"] = "does not fit"
batches = open_batches(FolderTable(**given), seed=0)
told["description"] = batches.description
seen = set()
# As many steps as look at every pixel once are too many here; a few of each window do.
for step in range(0, batches.steps_per_epoch, batches.steps_per_epoch // 100):
    x = batches.batch(step, 64).target
    seen |= set(x[:, 0, 0, 0].tolist())
    optimizer.zero_grad()
    (net(x / 255) - x / 255).square().mean().backward()
    optimizer.step()
told["seen"] = sorted(seen)
batches.close()
print(json.dumps(told))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the limit is Linux's")
def test_a_set_larger_than_memory_streams(tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for i in range(PICTURES):
        write_image(Image(np.full((SIDE, SIDE, 3), i, np.uint8)), folder / f"{i}.png")
    assert sum(f.stat().st_size for f in folder.iterdir()) < 3_000_000
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(folder), str(LIMIT_MB)],
        capture_output=True,
        text=True,
        check=False,
        # One heap for all threads: each of its own would set memory aside.
        env=os.environ | {"CRISPEN_DATA": str(tmp_path / "cache"), "MALLOC_ARENA_MAX": "1"},
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert 60e6 < told["free"] <= LIMIT_MB * 1e6
    assert "the pictures take 307 MB" in told["all"]
    assert told["whole"] == "does not fit"
    assert f"{PICTURES} pictures" in told["description"]
    assert "streamed" in told["description"]
    assert told["seen"] == list(range(PICTURES))


def test_auto_takes_half_of_what_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    pictures = [np.zeros((100, 100, 1), np.uint8)] * 10  # 100,000 bytes
    for free, where in ((200_000, "in memory"), (199_999, "streamed")):
        monkeypatch.setattr("crispen.lab.data.stores.free_bytes", lambda _, free=free: free)
        batches = batches_of(pictures)
        assert where in batches.description
        batches.close()


def test_too_large_a_cache_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    write_image(Image(np.zeros((1000, 1500, 1), np.uint8)), tmp_path / "a.png")
    monkeypatch.setattr("crispen.lab.data.stores.free_bytes", lambda _: 1_000_000)
    table = FolderTable(path=str(tmp_path), memory="stream", valid_share=0)
    with pytest.raises(UsageError, match=r"data\.cache_mb: streaming would hold 2 MB and 1 MB are"):
        open_batches(table, seed=0)


def test_free_memory_is_what_the_narrowest_limit_leaves(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    cpu = torch.device("cpu")
    assert 0 < free_memory.free_bytes(cpu) < 1 << 50
    (tmp_path / "memory.max").write_text("1000000\n")
    (tmp_path / "memory.current").write_text("400000\n")
    monkeypatch.setattr(free_memory, "_CGROUP", tmp_path)
    assert free_memory.free_bytes(cpu) == 600_000
    (tmp_path / "memory.max").write_text("max\n")
    assert free_memory.free_bytes(cpu) > 600_000

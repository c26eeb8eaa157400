"""Where a set's pixels are during training: on the device or in the files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor

from crispen.errors import OutputError, UsageError
from crispen.lab.data.free_memory import SHARE, free_bytes
from crispen.lab.data.pixels import PixelSet
from crispen.lab.data.places import Indices, Places
from crispen.lab.data.sources import Failures, Source, for_each
from crispen.lab.data.stream import PictureStream
from crispen.lab.data.tables import Memory
from crispen.media.atomic import write_whole
from crispen.progress import Progress


class Store(Protocol):
    """Provides crops of pictures."""

    def expect(self, now: Indices, later: Indices) -> None:
        """Announces the pictures whose crops will be requested, now and next."""

    def crops(self, places: Places, size: int) -> Tensor:
        """``(N, channels, size, size)`` ``uint8`` on the device."""

    def close(self) -> None:
        """Stops the store's background work."""


def open_stores(
    sources: Mapping[str, Source],
    channels: int,
    device: torch.device,
    *,
    memory: Memory,
    cache_mb: int,
    workers: int,
    sharers: int = 1,
    failures: Failures,
    progress: Progress | None = None,
) -> dict[str, Store]:
    """A store for each source, all of them in memory or all of them streamed.

    When this returns, every picture has been decoded once: a stream's too, unless that was done
    before and no file has changed since.

    Args:
        sources: By name; of equal length.
        channels: Of their pictures.
        device: Device of the crops.
        memory: Where to keep the pixels.
        cache_mb: Maximum memory of the streams.
        workers: Threads that decode.
        sharers: Number of processes on this machine that do the same.
        failures: Records the pictures that cannot be read.
        progress: Receives progress events.

    Raises:
        UsageError: There is not enough memory.
    """
    needed = sum(int(s.sizes.prod(axis=1).sum()) for s in sources.values()) * channels
    free = free_bytes(device) // (sharers if device.type == "cpu" else 1)
    if memory == "all" and needed > free:
        raise UsageError(
            f"data.memory = all: the pictures take {_mb(needed)} and {_mb(free)} are free on "
            f"{device}; set data.memory = auto"
        )
    if memory == "all" or (memory == "auto" and needed <= SHARE * free):
        return {
            name: PixelSet(
                source, channels, device, workers=workers, failures=failures, progress=progress
            )
            for name, source in sources.items()
        }
    held = min(needed, cache_mb * 1_000_000)
    free = free_bytes(torch.device("cpu")) // sharers
    if held > free:
        raise UsageError(
            f"data.cache_mb: streaming would hold {_mb(held)} and {_mb(free)} are free; lower it"
        )
    for source in sources.values():
        if source.files:
            _check_all(source, workers, failures, progress)
    return {
        name: PictureStream(source, device, workers=workers) for name, source in sources.items()
    }


def _mb(count: int) -> str:
    return f"{count / 1e6:,.0f} MB"


def _check_all(source: Source, workers: int, failures: Failures, progress: Progress | None) -> None:
    """Decodes every picture once, so that a broken one is reported before training starts.

    The result is remembered as long as no file changes.
    """
    used = [f for i, f in enumerate(source.files) if i not in failures.left_out]
    stats = [f.stat() for f in used]
    listing = [
        f"{f.resolve()} {s.st_size} {s.st_mtime_ns}" for f, s in zip(used, stats, strict=True)
    ]
    if failures.left_out:  # reasons are noted by index
        listing.append(str(sorted(failures.left_out)))
    name = hashlib.sha256("\n".join(listing).encode()).hexdigest()
    note = checked_folder() / f"{name}.json"
    if note.is_file():
        known = json.loads(note.read_text())
        failures.reasons.update({int(index): reason for index, reason in known.items()})
        return
    found = Failures()

    def decode(index: int) -> None:
        source.read(index)

    wanted = failures.others(len(source.files))
    for_each(
        decode, wanted, found, workers=workers, what="checking pictures once", progress=progress
    )
    failures.reasons.update(found.reasons)
    try:
        note.parent.mkdir(parents=True, exist_ok=True)
        write_whole(note, json.dumps(found.reasons).encode())
    except (OSError, OutputError):
        # Only time is lost: they will be checked again.
        return


def checked_folder() -> Path:
    """The record of the sets that were decoded once."""
    from crispen.lab.data.fetching import cache_folder

    return cache_folder() / "checked"

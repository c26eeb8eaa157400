"""Batches of pictures: combines order and pixels."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import torch

from crispen.errors import InputError, UsageError
from crispen.lab.data.batches import Batch
from crispen.lab.data.material import Material
from crispen.lab.data.places import Grid, Indices, Order, Places, fixed_places
from crispen.lab.data.splitting import Split
from crispen.lab.data.stores import open_stores
from crispen.lab.data.stream import PictureStream
from crispen.lab.data.tables import DataTable
from crispen.progress import Progress


class PictureBatches:
    """`crispen.lab.data.Batches` from any material.

    Raises:
        InputError: Unreadable pictures, or none as large as a crop.
        UsageError: `split` has no pictures.
    """

    def __init__(
        self,
        material: Material,
        table: DataTable,
        *,
        seed: int,
        split: str,
        rank: int,
        world: int,
        device: torch.device,
        size: int,
        progress: Progress | None,
    ) -> None:
        self._table = table
        self._seed = (seed, split)
        self._rank, self._world = rank, world
        self.scale = material.scale
        self.digest = material.digest
        self.licence = table.licence or material.licence
        sources = {"target": material.target}
        if material.input is not None:
            sources["input"] = material.input
        self._stores = open_stores(
            sources,
            table.channels,
            device,
            memory=table.memory,
            cache_mb=table.cache_mb,
            workers=table.workers,
            sharers=world,
            failures=material.failures,
            progress=progress,
        )
        material.failures.refuse(material.name, skip=getattr(table, "skip_unreadable", False))
        self._patch_key = (
            "data.patch, also in data.progressive" if table.progressive else "data.patch"
        )
        self._sizes = material.target.sizes
        drawn = material.split(table)
        self.split = drawn.record(material.target.names)
        self._drawn = {"train": drawn.train, "valid": drawn.valid}
        if split == "valid" and not drawn.valid:
            raise UsageError(
                f"{material.name}: no pictures are held out; set data.valid_share, as in 0.1"
            )
        self._pictures = np.asarray(self._drawn[split], np.int64)
        self._order = lru_cache(maxsize=4)(self._make_order)
        self._near: tuple[Indices, Indices] | None = None
        order = self._order(self._check(size), table.batch)
        self.samples = table.epoch or order.pass_crops
        self.steps_per_epoch = self.pass_steps(size, table.batch)
        self.description = self._describe(material, split, order, size, drawn)

    def _describe(
        self,
        material: Material,
        split: str,
        order: Order,
        size: int,
        drawn: Split,
    ) -> str:
        used, here = len(order.all.pictures), len(self._pictures)
        streamed = any(isinstance(store, PictureStream) for store in self._stores.values())
        megapixels = self._sizes[order.all.pictures].prod(axis=1).sum() / 1e6
        parts = [
            f"{material.name}: {used} picture{'s' if used > 1 else ''} to "
            f"{'train on' if split == 'train' else 'validate'}"
            f" ({megapixels:.1f} megapixels, {self._table.color}, "
            f"{'streamed' if streamed else 'in memory'})",
            f"{len(drawn.valid)} held out" if split == "train" else f"{len(drawn.train)} to train",
        ]
        unreadable = len(material.failures.reasons)
        if unreadable:
            parts.append(f"{unreadable} unreadable left out")
        if used < here:
            parts.append(f"{here - used} smaller than {size} px left out")
        return ", ".join(parts)

    def _check(self, size: int) -> int:
        if self.scale is not None and size % self.scale:
            raise UsageError(
                f"crops of {size} px cannot be paired at scale {self.scale}; take a multiple"
            )
        sizes = self._sizes[self._pictures]
        if not (sizes >= size).all(axis=1).any():
            height, width = sizes[sizes.min(axis=1).argmax()].tolist()
            raise InputError(
                f"every picture is smaller than a crop of {size}x{size} px (the largest is "
                f"{width}x{height}); lower {self._patch_key}, or give larger pictures"
            )
        return size

    def pass_steps(self, size: int, count: int) -> int:
        """Steps in an epoch with `count` crops of `size` pixels, the same on every rank."""
        together = count * self._world
        if self._table.epoch:
            return max(1, math.ceil(self._table.epoch / together))
        return max(1, self._order(self._check(size), count).pass_crops // together)

    def _make_order(self, size: int, count: int) -> Order:
        scale = self.scale or 1
        table = self._table
        # Both pictures of a pair count: the target is larger by scale squared.
        bytes_per_px = table.channels * (1 + scale**2) if self.scale else table.channels
        return Order(
            self._sizes // scale,
            self._pictures,
            size // scale,
            stride=table.stride,
            batch=count,
            seed=self._seed,
            rank=self._rank,
            world=self._world,
            symmetries=table.symmetries,
            window_px=max(1, table.cache_mb * 1_000_000 // 2 // bytes_per_px),
        )

    def _cut(self, places: Places, size: int) -> Batch:
        scale = self.scale or 1
        target = self._stores["target"].crops(places.times(scale), size)
        if "input" not in self._stores:
            return Batch(target)
        return Batch(target, self._stores["input"].crops(places, size // scale))

    def batch(self, step: int, size: int, count: int | None = None) -> Batch:
        """The crops of a step: a pure function of seed, rank, step, size and count."""
        order = self._order(self._check(size), count or self._table.batch)
        near = order.near(step)
        if self._near is None or any(a is not b for a, b in zip(near, self._near, strict=True)):
            for store in self._stores.values():
                store.expect(*near)
            self._near = near
        return self._cut(order.places(step), size)

    def fixed(self, count: int, size: int) -> Batch:
        """The same crops of held-out pictures each time; of others if none are held out."""
        pictures = np.asarray(self._drawn["valid"] or self._drawn["train"], np.int64)
        scale = self.scale or 1
        sizes = self._sizes // scale
        grid = Grid(sizes, pictures, size // scale)
        if not len(grid):
            raise InputError(
                f"none of the {len(pictures)} held-out pictures is as large as a crop of "
                f"{size}x{size} px; lower data.patch, or change data.valid_share or split_seed"
            )
        return self._cut(
            fixed_places(grid, count, size // scale, sizes, self._table.split_seed), size
        )

    def close(self) -> None:
        """Ends the threads that read ahead."""
        for store in self._stores.values():
            store.close()

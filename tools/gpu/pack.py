"""Packs what a bare GPU machine needs, within the transfer limit."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[2]
LIMIT_BYTES = 64 << 20
MIDDLE = 256
WHEELS = (
    "pyvips-binary",
    "cffi",
    "pydantic",
    "pydantic-core",
    "annotated-types",
    "typing-inspection",
    "platformdirs",
    "pooch",
    "tomlkit",
    "av",
)
PLATFORMS = ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64")


def pack_pictures(folder: Path, pictures: Path) -> None:
    """The training pictures of `real-x2`, and some held-out ones to measure it.

    Args:
        folder: Folder for them; emptied first.
        pictures: The open pack.
    """
    from crispen.lab.data import open_batches
    from crispen.lab.recipe import load_recipe

    shutil.rmtree(folder, ignore_errors=True)
    (folder / "train").mkdir(parents=True)
    data = load_recipe("real-x2", [f'data.path="{pictures}"']).data
    batches = open_batches(
        data, seed=0, rank=0, world=1, device=torch.device("cpu"), size=96, scale=None
    )
    names = batches.split["train"]
    for name in names:
        shutil.copy(pictures / name, folder / "train")
    told = {key: getattr(batches, key) for key in ("digest", "licence", "description")}
    (folder / "data.json").write_text(json.dumps(told))
    np.savez_compressed(folder / "held-out.npz", **held_out(pictures))
    for name in ("real-x2", "real-x4"):
        pack_start(folder, name)
    say(folder)


def held_out(pictures: Path) -> dict[str, NDArray[np.generic]]:
    """Centre crops for `benchmarks/real.py` in four grades, and the shipped models' results."""
    sys.path.insert(0, str(ROOT / "benchmarks"))
    import real
    from crispen.evaluate.metrics import luma255, psnr

    whole = [p for p in map(real.middle, real.held_out(pictures)) if p is not None]
    edge = (real.SIDE - MIDDLE) // 2
    truth = np.stack([p[edge:-edge, edge:-edge] for p in whole])
    kept: dict[str, NDArray[np.generic]] = {"truth": truth}
    ship = real.ours("real-x{scale}@told")
    for grade, scale in enumerate(real.SCALES, 1):
        rim = edge // scale
        low = [real.damaged(p, grade, i)[rim:-rim, rim:-rim] for i, p in enumerate(whole)]
        scores = [
            psnr(np.rint(luma255(ship(x, grade))), luma255(y), border=scale)
            for x, y in zip(low, truth, strict=True)
        ]
        kept[f"input{grade}"] = np.stack(low)
        kept[f"told{grade}"] = np.array([real.TOLD[grade - 1].inputs()], np.float32)
        kept[f"before{grade}"] = np.array(np.mean(scores))
    return kept


def pack_teacher(folder: Path, teacher: Path, perceptual: Path) -> None:
    """The teacher in half precision, and VGG-16 with LPIPS's lines, without its last block."""
    import onnx
    from onnx import numpy_helper
    from safetensors.torch import load_file, save_file

    folder.mkdir(parents=True, exist_ok=True)
    model = onnx.load(teacher)
    for tensor in model.graph.initializer:
        array = numpy_helper.to_array(tensor)
        if array.dtype == np.float32:
            tensor.CopyFrom(numpy_helper.from_array(array.astype(np.float16), tensor.name))
    onnx.save(model, folder / "teacher.onnx")
    tensors = load_file(perceptual)
    last = tuple(f"features.{n}." for n in (24, 26, 28))
    kept = {k: v.half() for k, v in tensors.items() if not k.startswith((*last, "lin4"))}
    save_file(kept, folder / perceptual.name)
    for name in ("photo-x2", "photo-fast-x2", "vivid-x2", "vivid-x4"):
        pack_start(folder, name)
    say(folder)


def pack_start(folder: Path, name: str) -> None:
    """The weights of a shipped model, for the training network of its recipe."""
    from crispen.lab.networks import build_network
    from crispen.lab.recipe import load_recipe
    from crispen.lab.start import begin

    recipe = load_recipe(name, [f'train.start="{name}"'])
    channels = 1 if recipe.data.color == "luma" else 3
    network = build_network(recipe.network, scale=recipe.scale, channels=channels)
    begin(network, recipe)
    weights = {k: v.half() for k, v in network.state_dict().items()}  # half the size to transfer
    torch.save(weights, folder / f"{name}.pt")


def pack_codecs(folder: Path) -> None:
    """Packages missing there that the code needs, including PyAV, which encodes video."""
    wheels(folder, WHEELS, sources=("pyvips",))
    say(folder)


def wheels(folder: Path, names: tuple[str, ...], sources: tuple[str, ...] = ()) -> None:
    """Downloads them for Python 3.12 on Linux.

    Args:
        folder: Target folder.
        names: Packages published as wheels.
        sources: Pure Python packages published as source.
    """
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = {line.partition("==")[0].lower(): line for line in lines if "==" in line}

    def pinned(name: str) -> str:
        return pins.get(name.replace("-", "_"), pins.get(name, name))

    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary=:all:"]
    command += ["--python-version=3.12", "--implementation=cp"]
    command += [f"--platform={tag}" for tag in PLATFORMS]
    subprocess.run([*command, "-d", str(folder), *map(pinned, names)], check=True)
    for name in sources:
        command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", pinned(name)]
        subprocess.run([*command, "-w", str(folder)], check=True)


def say(folder: Path) -> None:
    """The size of the transfer, including the working tree."""
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True)
    files = [ROOT / name for name in names.stdout.decode().split("\0") if name]
    tree = sum(f.stat().st_size for f in files if f.is_file())
    mine = sum(f.stat().st_size for f in folder.rglob("*") if f.is_file())
    print(
        f"{folder}: {mine / 2**20:.1f} MiB and {tree / 2**20:.1f} MiB of tree, "
        f"of {LIMIT_BYTES >> 20}"
    )

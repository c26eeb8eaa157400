"""What goes along to a bare machine with a GPU, within what may be carried there."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import torch

ROOT = Path(__file__).resolve().parents[2]
LIMIT_BYTES = 64 << 20
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
)
PLATFORMS = ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64")


def pack_pictures(folder: Path, pictures: Path, start: Path) -> None:
    """The pictures that `real-x2` learns from, weights to go on from, and wheels.

    Args:
        folder: Gets them; emptied first.
        pictures: The open pack.
        start: A checkpoint of `real-x2`.
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
    without_optimizer(start, folder / "real-x2.ckpt")
    wheels(folder / "wheels", WHEELS, sources=("pyvips",))
    say(folder)


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
    kept = {k: v for k, v in tensors.items() if not k.startswith((*last, "lin4"))}
    save_file(kept, folder / perceptual.name)
    say(folder)


def pack_codecs(folder: Path) -> None:
    """PyAV, which encodes frames of video."""
    wheels(folder, ("av",))
    say(folder)


def wheels(folder: Path, names: tuple[str, ...], sources: tuple[str, ...] = ()) -> None:
    """Downloads them for Python 3.12 on Linux.

    Args:
        folder: Where to.
        names: Those published as wheels.
        sources: Those published as source, and pure Python.
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


def without_optimizer(checkpoint: Path, target: Path) -> None:
    """A checkpoint that weights can be taken from, at a third of its size."""
    from crispen.lab.checkpoint import load_checkpoint, save_checkpoint

    content = load_checkpoint(checkpoint)
    recipe = content.pop("recipe")
    save_checkpoint(target, content | {"network": {}, "optimizer": {}}, recipe)


def say(folder: Path) -> None:
    """How much is carried, with the tree that goes along."""
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True)
    files = [ROOT / name for name in names.stdout.decode().split("\0") if name]
    tree = sum(f.stat().st_size for f in files if f.is_file())
    mine = sum(f.stat().st_size for f in folder.rglob("*") if f.is_file())
    print(
        f"{folder}: {mine / 2**20:.1f} MiB and {tree / 2**20:.1f} MiB of tree, "
        f"of {LIMIT_BYTES >> 20}"
    )

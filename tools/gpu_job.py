"""Ten minutes of one GPU, used well: packs what a bare machine needs, and trains there.

::

    python tools/gpu_job.py pack .gpu                            # here: pictures, weights, wheels
    python tools/gpu_job.py pack .gpu-teacher --teacher F.onnx   # here: for a second call
    python tools/gpu_job.py train .gpu OUT --minutes 5           # there: longest value first
    python tools/gpu_job.py train .gpu OUT --smoke               # here: does it work at all

What is carried to such a machine, the working tree included, has a limit. `pack` takes as many of
the open pictures as fit, the weights that the stages go on from, and wheels of what a machine with
PyTorch may lack. `train` gives each stage its share of the minutes: it measures how fast the first
steps are, makes the schedule fit, writes a checkpoint every minute, and stops in time. The
checkpoints are ordinary runs: copy them to `runs/` and train on, or export them.
"""

from __future__ import annotations

import argparse
import platform
import random
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
LIMIT_BYTES = 64 << 20
SPARE_BYTES = 1 << 20
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
TEACHER = "teacher.onnx"


@dataclass(frozen=True)
class Stage:
    """One recipe's turn.

    Attributes:
        recipe: Its name; also of the run that it goes on from, if that was packed.
        share: Of the minutes.
        batch: Crops a step on a GPU.
        sets: What else differs from the recipe there. Codecs that run on the CPU are left out.
    """

    recipe: str
    share: float
    batch: int
    sets: tuple[str, ...] = ()


_NO_CODECS = ("degradation.0.video=0", "degradation.0.webp=0", "degradation.0.groups=16")
STAGES = (
    Stage("real-x2", 0.45, 256, _NO_CODECS),
    Stage("vivid-x4", 0.35, 64, (*_NO_CODECS, 'teacher.model="{teacher}"')),
    Stage("photo-x2", 0.12, 256),
    Stage("photo-fast-x2", 0.08, 256),
)


def carried_bytes() -> int:
    """Of the working tree, which goes along."""
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True)
    files = [ROOT / name for name in names.stdout.decode().split("\0") if name]
    return sum(f.stat().st_size for f in files if f.is_file())


def pack(folder: Path, pictures: Path, runs: Path) -> None:
    """Collects pictures, weights and wheels in one folder."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "train").mkdir(parents=True)
    for stage in STAGES:
        last = runs / stage.recipe / "last.ckpt"
        if last.is_file():
            (folder / "start").mkdir(exist_ok=True)
            without_optimizer(last, folder / "start" / f"{stage.recipe}.ckpt")
    constraints = (ROOT / "constraints.txt").read_text().splitlines()
    pins = {line.partition("==")[0].lower(): line for line in constraints if "==" in line}
    wheels = [pins.get(name.replace("-", "_"), pins.get(name, name)) for name in WHEELS]
    tags = [f"--platform={tag}" for tag in PLATFORMS]
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary=:all:"]
    command += ["--python-version=3.12", "--implementation=cp", *tags]
    subprocess.run([*command, "-d", str(folder / "wheels"), *wheels], check=True)
    # Published as source, and pure Python.
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", pins["pyvips"]]
    subprocess.run([*command, "-w", str(folder / "wheels")], check=True)
    size = carried_bytes() + sum(f.stat().st_size for f in folder.rglob("*") if f.is_file())
    files = sorted(f for f in pictures.iterdir() if f.suffix == ".avif")
    random.Random(0).shuffle(files)
    for file in [pictures / "MANIFEST.csv", *files]:
        size += file.stat().st_size
        if size > LIMIT_BYTES - SPARE_BYTES:
            break
        shutil.copy(file, folder / "train" / file.name)
    count = len(list((folder / "train").iterdir())) - 1
    print(f"{folder}: {count} of {len(files)} pictures, {size / 2**20:.1f} MiB with the tree")


def pack_teacher(folder: Path, teacher: Path) -> None:
    """The teacher by itself, its weights in half precision, which `crispen.lab.teacher` reads."""
    import onnx
    from onnx import numpy_helper

    model = onnx.load(teacher)
    for tensor in model.graph.initializer:
        array = numpy_helper.to_array(tensor)
        if array.dtype == np.float32:
            tensor.CopyFrom(numpy_helper.from_array(array.astype(np.float16), tensor.name))
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(model, folder / TEACHER)
    size = carried_bytes() + (folder / TEACHER).stat().st_size
    print(f"{folder}: {size / 2**20:.1f} MiB with the tree, of {LIMIT_BYTES >> 20}")


def without_optimizer(checkpoint: Path, target: Path) -> None:
    """A checkpoint that weights can be taken from, at a third of its size."""
    from crispen.lab.checkpoint import load_checkpoint, save_checkpoint

    content = load_checkpoint(checkpoint)
    recipe = content.pop("recipe")
    save_checkpoint(target, content | {"network": {}, "optimizer": {}}, recipe)


def train(folder: Path, out: Path, minutes: float, names: list[str], smoke: bool) -> None:
    """Trains every stage for its share of the time."""
    import torch

    sys.path.insert(0, str(ROOT / "src"))
    torch.backends.cudnn.benchmark = True
    device = "cuda" if torch.cuda.is_available() else "cpu"
    print(f"{platform.node()}: torch {torch.__version__} on {device}", flush=True)
    stages = [s for s in STAGES if not names or s.recipe in names]
    teacher = next((f for f in folder.parent.glob(f"{folder.name}*/{TEACHER}")), None)
    stages = [s for s in stages if s.recipe != "vivid-x4" or teacher is not None]
    end = time.monotonic() + 60 * minutes
    total = sum(stage.share for stage in stages)
    for stage in stages:
        # What an earlier stage left over goes to those that follow.
        left = end - time.monotonic()
        seconds = 30.0 if smoke else left * stage.share / total
        total -= stage.share
        try:
            run_stage(stage, folder, teacher, out / stage.recipe, seconds, device, smoke)
        except Exception as error:  # the next stage is worth its minutes all the same
            print(f"{stage.recipe}: {type(error).__name__}: {error}", flush=True)


def run_stage(
    stage: Stage,
    folder: Path,
    teacher: Path | None,
    out: Path,
    seconds: float,
    device: str,
    smoke: bool,
) -> None:
    """First steps to see how fast they are, then as many as fit."""
    from crispen.errors import Cancelled
    from crispen.lab.recipe import load_recipe
    from crispen.lab.training import Trainer
    from crispen.progress import Progress

    began = time.monotonic()
    start = folder / "start" / f"{stage.recipe}.ckpt"
    sets = [text.format(teacher=teacher) for text in stage.sets]
    sets += [f'data.path="{folder / "train"}"', f"data.batch={8 if smoke else stage.batch}"]
    sets += [f'train.start="{start if start.is_file() else ""}"', "train.validate_every=1000000"]
    sets += ["train.save_every=1000000", "train.sample_every=0", "train.log_every=20"]
    probe = 4 if smoke else 60

    def run(steps: int, where: Path, extra: list[str], limit: float) -> float:
        recipe = load_recipe(stage.recipe, [*sets, f"train.steps={steps}", *extra])
        trainer = Trainer(recipe, where, device=device, compile_network=not smoke, resume=False)
        first = time.monotonic()
        progress = Progress()
        keep_saving(trainer, progress, first + limit)
        try:
            trainer.fit(progress)
        except Cancelled:
            print(f"{stage.recipe}: out of time at step {trainer.step}", flush=True)
        return (time.monotonic() - first) / max(1, trainer.step)

    pace = run(probe, out.with_name(f"{out.name}-probe"), ["train.schedule=constant"], seconds / 3)
    shutil.rmtree(out.with_name(f"{out.name}-probe"), ignore_errors=True)
    left = seconds - (time.monotonic() - began) - (1 if smoke else 25)
    steps = max(8, int(0.9 * left / pace))
    print(f"{stage.recipe}: {1 / pace:.1f} steps/s, {steps} steps in {left:.0f} s", flush=True)
    run(steps, out, ["train.schedule=wsd", "train.decay=0.6", "train.warmup=100"], left)


def keep_saving(trainer: object, progress: object, deadline: float) -> None:
    """A checkpoint a minute, and an end in time, from the hook that runs after each step."""
    keeper = trainer.keeper  # type: ignore[attr-defined]
    after, last = keeper.after_step, [time.monotonic()]

    def after_step(step: int, rate: float, wall_time_s: float) -> None:
        after(step, rate, wall_time_s)
        now = time.monotonic()
        if now - last[0] > 60:
            last[0] = now
            keeper.save("last.ckpt", step)
        if now > deadline:
            progress.cancel()  # type: ignore[attr-defined]

    keeper.after_step = after_step


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    packing = commands.add_parser("pack")
    packing.add_argument("folder", type=Path)
    packing.add_argument("--data", type=Path, default=ROOT.parent / "shared/data/train")
    packing.add_argument("--runs", type=Path, default=ROOT / "runs")
    packing.add_argument("--teacher", type=Path)
    training = commands.add_parser("train")
    training.add_argument("folder", type=Path)
    training.add_argument("out", type=Path)
    training.add_argument("--minutes", type=float, default=8.0)
    training.add_argument("--stages", default="", help="names, with commas; all unless given")
    training.add_argument("--smoke", action="store_true")
    given = parser.parse_args()
    if given.command == "pack":
        if given.teacher:
            pack_teacher(given.folder, given.teacher)
        else:
            pack(given.folder, given.data, given.runs)
    else:
        names = [name for name in given.stages.split(",") if name]
        train(given.folder.resolve(), given.out, given.minutes, names, given.smoke)


if __name__ == "__main__":
    main()

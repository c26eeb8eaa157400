"""Makes good use of a few GPU minutes: packs what a bare machine needs, and trains there.

::

    python tools/gpu_job.py pack .gpu                                  # here: three loads, since
    python tools/gpu_job.py pack .gpu-codecs                           # the size of one transfer
    python tools/gpu_job.py pack .gpu-teacher --teacher F --perceptual F   # is limited
    cp .gpu/data.json .gpu-teacher
    python tools/gpu_job.py produce .gpu TILES                         # there: on the CPU cores
    python tools/gpu_job.py train real .gpu TILES OUT --minutes 5      # there: on the GPU
    python tools/gpu_job.py train vivid .gpu-teacher TILES OUT --minutes 5
    python tools/gpu_job.py train photo .gpu-teacher TILES OUT --minutes 2
    python tools/gpu_job.py train real .gpu TILES OUT --smoke          # here: a smoke test

`produce` degrades pictures on all CPU cores as long as the machine is available. `train` keeps the
tiles on the GPU and learns from them: each network for its share of the time. The checkpoints can
be exported, and trained further with ``train.start``. All start from the shipped weights: from
random ones, at the rates that a few minutes require, the ReLUs of wide networks die permanently.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tools")]


def pack(given: argparse.Namespace) -> None:
    """One of the three loads."""
    from gpu.pack import pack_codecs, pack_pictures, pack_teacher

    if given.teacher:
        pack_teacher(given.folder, given.teacher, given.perceptual)
    elif given.folder.name.endswith("codecs"):
        pack_codecs(given.folder)
    else:
        pack_pictures(given.folder, given.data)


def produce(given: argparse.Namespace) -> None:
    """Produces tiles until there are enough."""
    from gpu.produce import produce as make

    workers = given.workers or max(1, (os.cpu_count() or 2) - 2)
    caps = {2: 110_000, 4: 40_000}
    make(given.folder / "train", given.tiles, workers, {2: 0.65, 4: 0.35}, caps)


def train(given: argparse.Namespace) -> None:
    """Trains the stages of one call."""
    import torch

    from gpu import living, photo, stages, vivid

    torch.backends.cudnn.benchmark = True
    # So the bicubic base, which carries the picture, is not rounded to 10 bits.
    torch.backends.cudnn.allow_tf32 = False
    if torch.cuda.is_available():
        living.compile_ceilings()
    seconds = 60 * given.minutes
    job = stages.Job(given.folder, given.tiles, given.out, seconds, given.smoke)
    job.say(f"torch {torch.__version__} on {job.device}")
    {"real": stages.real, "vivid": vivid.vivid, "photo": photo.photo}[given.what](job)
    job.say("done")


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    packing = commands.add_parser("pack")
    packing.add_argument("folder", type=Path)
    packing.add_argument("--data", type=Path, default=ROOT.parent / "shared/data/train")
    packing.add_argument("--teacher", type=Path)
    packing.add_argument("--perceptual", type=Path)
    packing.set_defaults(run=pack)
    producing = commands.add_parser("produce")
    producing.add_argument("folder", type=Path)
    producing.add_argument("tiles", type=Path)
    producing.add_argument("--workers", type=int, default=0)
    producing.set_defaults(run=produce)
    training = commands.add_parser("train")
    training.add_argument("what", choices=("real", "vivid", "photo"))
    training.add_argument("folder", type=Path)
    training.add_argument("tiles", type=Path)
    training.add_argument("out", type=Path)
    training.add_argument("--minutes", type=float, default=5.0)
    training.add_argument("--smoke", action="store_true")
    training.set_defaults(run=train)
    given = parser.parse_args()
    given.run(given)


if __name__ == "__main__":
    main()

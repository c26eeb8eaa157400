"""Trains the degradation estimator of `crispen.look` on `Life`, and reports its accuracy.

    python -m crispen.lab.look --data ../shared/data/train --minutes 30 -o runs/look

Writes ``look.ckpt`` every two minutes and resumes from it. At the end it writes ``look.onnx`` and
prints a table of the estimation errors on held-out pictures.
"""

from __future__ import annotations

import argparse
import io
import time
import warnings
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from crispen.lab.data import FolderTable, open_batches
from crispen.lab.data.batches import Batches
from crispen.lab.degradations import Life, Pipeline
from crispen.lab.networks.look import SIDE, LookNetwork
from crispen.lab.processes import stream_seed
from crispen.media.atomic import write_whole
from crispen.models.dials import NAMES

_BATCH = 24
_RATE = 1e-3
_HELD_OUT = 16


def made(batches: Batches, pipeline: Pipeline, index: int | None) -> tuple[Tensor, Tensor]:
    """Degraded crops ``(N, 3, 96, 96)`` and their dials ``(N, 3)``, both in [0, 1].

    Args:
        batches: Source of the crops.
        pipeline: Degradations.
        index: Index of the batch; None for the held-out crops.
    """
    batch = (
        batches.fixed(192, pipeline.crop) if index is None else batches.batch(index, pipeline.crop)
    )
    generator = torch.Generator().manual_seed(stream_seed(7, "look", index or 0))
    pair = pipeline(batch.target.float() / 255, generator)
    assert pair.dials is not None
    return pair.input, pair.dials[:, ::2]


def loss(out: Tensor, dials: Tensor) -> Tensor:
    """β-weighted Gaussian negative log-likelihood of the dials, a scalar.

    A large predicted variance does not weaken the gradient of the mean.

    Args:
        out: ``(N, 6)``: means, then logarithms of variances.
        dials: ``(N, 3)`` in [0, 1].

    Source: M. Seitzer et al., "On the pitfalls of heteroscedastic uncertainty estimation", 2022,
    arXiv:2203.09168, with β = 0.5.
    """
    value, spread = out.chunk(2, dim=1)
    likelihood = 0.5 * (spread + (value - dials).square() / spread.exp())
    return (likelihood * (0.5 * spread).exp().detach()).mean()


def table(network: LookNetwork, x: Tensor, dials: Tensor) -> str:
    """A text table of the error's mean and standard deviation, by tenths of the true value."""
    with torch.no_grad():
        value = network(x)[:, : len(NAMES)]
    lines = ["truth       " + "".join(f"{name:>22}" for name in NAMES)]
    for low in np.arange(0, 1, 0.1):
        cells = []
        for k in range(len(NAMES)):
            here = (dials[:, k] >= low) & (dials[:, k] < low + 0.1)
            error = (value[here, k] - dials[here, k]).numpy()
            cells.append(
                f"{error.mean():+.3f} ± {error.std():.3f} ({len(error)})".rjust(22)
                if len(error)
                else "".rjust(22)
            )
        lines.append(f"{low:.1f} to {low + 0.1:.1f}  " + "".join(cells))
    errors = (value - dials).abs().mean(dim=0).tolist()
    return "\n".join([*lines, "mean absolute error " + ", ".join(f"{e:.3f}" for e in errors)])


def onnx_bytes(network: LookNetwork) -> bytes:
    """The ONNX graph, serialised: ``input`` (N, 3, 96, 96) → ``output`` (N, 6)."""
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network.eval(),
            (torch.zeros(1, 3, SIDE, SIDE),),
            buffer,  # type: ignore[arg-type]
            input_names=["input"],
            output_names=["output"],
            dynamic_axes={"input": {0: "n"}, "output": {0: "n"}},
            opset_version=17,
            dynamo=False,
        )
    return buffer.getvalue()


def main() -> None:
    """Runs the command line; see the module."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--data", default="../shared/data/train")
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("-o", "--output", type=Path, default=Path("runs/look"))
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    given.output.mkdir(parents=True, exist_ok=True)
    life = Life(unknown=0, jitter=0, groups=8, clean=0.08)
    pipeline = Pipeline((life,), scale=2, patch=SIDE)
    data = FolderTable(path=given.data, color="rgb", patch=SIDE, batch=_BATCH, valid_share=0.05)
    batches = open_batches(
        data, seed=5, rank=0, world=1, device=torch.device("cpu"), size=pipeline.crop, scale=None
    )
    torch.manual_seed(0)
    network = LookNetwork()
    optimizer = torch.optim.Adam(network.parameters(), _RATE, betas=(0.9, 0.99))
    step, place = 0, given.output / "look.ckpt"
    if place.is_file():
        saved = torch.load(place, weights_only=True)
        network.load_state_dict(saved["network"])
        optimizer.load_state_dict(saved["optimizer"])
        step = saved["step"]
    began, kept, total = time.monotonic(), time.monotonic(), 60 * given.minutes
    recent: list[float] = []
    while (now := time.monotonic()) - began < total:
        for group in optimizer.param_groups:
            group["lr"] = _RATE * min(1.0, 1.5 * (1 - (now - began) / total)) + 1e-6
        x, dials = made(batches, pipeline, step)
        optimizer.zero_grad()
        value = loss(network(x), dials)
        value.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        step += 1
        recent.append(float(F.l1_loss(network(x)[:, : len(NAMES)], dials)) if step % 50 == 0 else 0)
        if step % 50 == 0:
            print(step, f"loss {float(value):.4f}, error {recent[-1]:.4f}", flush=True)
        if now - kept > 120:
            kept = now
            content = {"network": network.state_dict(), "optimizer": optimizer.state_dict()}
            buffer = io.BytesIO()
            torch.save(content | {"step": step}, buffer)
            write_whole(place, buffer.getvalue())
    print(table(network.eval(), *made(batches, pipeline, None)))
    write_whole(given.output / "look.onnx", onnx_bytes(network))


if __name__ == "__main__":
    main()

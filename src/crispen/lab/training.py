"""The training loop: bytes in, weights out, resumable at any step.

One step is: gather crops on the device, shrink them there, run the network's residual in bf16, add
it to the bicubic phases in full precision, compare. Nothing waits for a loader. Everything random
comes from one generator whose state is in the checkpoint, so that a run that was killed and
resumed ends with the same weights as one that was not.
"""

from __future__ import annotations

import copy
import json
import math
import os
import platform
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from crispen.errors import Cancelled, InputError, TrainingError, UsageError
from crispen.lab.data.pixels import PixelSet, load_folder
from crispen.lab.degradations.bicubic import BicubicDown
from crispen.lab.networks import Upscaler, build_network
from crispen.lab.recipe import Recipe, Train
from crispen.lab.validation import validate
from crispen.progress import Progress

CHECKPOINT = "last.pt"


def schedule(step: int, train: Train) -> float:
    """Learning-rate factor: linear warm-up, stable, linear decay to zero (WSD).

    >>> schedule(0, Train(steps=100, warmup=10, decay=0.5)) == 0.1
    True
    """
    warm = min(1.0, (step + 1) / max(1, train.warmup))
    tail = max(1.0, train.decay * train.steps)
    return warm * min(1.0, (train.steps - step) / tail)


def pixel_loss(out: Tensor, target: Tensor, loss: str) -> Tensor:
    """A scalar; `mse` is scaled so that one learning rate fits all three."""
    match loss:
        case "l1":
            return F.l1_loss(out, target)
        case "mse":
            return 20.0 * F.mse_loss(out, target)
        case _:
            return torch.sqrt((out - target) ** 2 + 1e-6).mean()


@dataclass
class State:
    """All that changes while a run goes on."""

    network: Upscaler
    average: Upscaler
    optimizer: torch.optim.Optimizer
    generator: torch.Generator
    step: int = 0
    wall_time_s: float = 0.0
    history: list[dict[str, float]] | None = None
    lineage: dict[str, Any] | None = None


def save_checkpoint(path: Path, state: State, recipe: Recipe, data_sha256: str) -> None:
    """Writes everything needed to resume or export, atomically."""
    content = {
        "recipe": recipe.model_dump_json(),
        "network": state.network.state_dict(),
        "average": state.average.state_dict(),
        "optimizer": state.optimizer.state_dict(),
        "generator": state.generator.get_state(),
        "step": state.step,
        "wall_time_s": state.wall_time_s,
        "history": state.history,
        "lineage": state.lineage,
        "data_sha256": data_sha256,
        "versions": {"torch": str(torch.__version__), "python": platform.python_version()},
        "hardware": hardware(state.generator.device),
    }
    part = path.with_suffix(".part")
    torch.save(content, part)
    os.replace(part, path)


def load_checkpoint(path: Path) -> dict[str, Any]:
    """The content of a checkpoint, tensors on the CPU.

    Raises:
        InputError: It is not a Crispen checkpoint.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        content["recipe"] = Recipe.model_validate_json(content["recipe"])
    except Exception as error:
        raise InputError(f"{path}: not a Crispen checkpoint ({type(error).__name__})") from error
    return content  # type: ignore[no-any-return]


def hardware(device: torch.device) -> str:
    """What a card says of the machine."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{torch.get_num_threads()} CPU thread(s), {platform.machine()}"


def _transfer(network: Upscaler, content: dict[str, Any]) -> None:
    """Copies the weights that fit; a tail for another scale starts anew."""
    own = network.state_dict()
    fitting = {k: v for k, v in content["average"].items() if k in own and own[k].shape == v.shape}
    if not fitting:
        raise UsageError("train.start: nothing in that checkpoint fits this network")
    network.load_state_dict(fitting, strict=False)


def _begin(recipe: Recipe, device: torch.device, start: str) -> State:
    torch.manual_seed(recipe.train.seed)
    network = build_network(recipe)
    lineage: dict[str, Any] = {"started_from": "", "steps": 0, "wall_time_s": 0.0}
    if start:
        content = load_checkpoint(Path(start))
        _transfer(network, content)
        earlier = content["lineage"] or {"steps": 0, "wall_time_s": 0.0}
        lineage = {
            "started_from": content["recipe"].name,
            "steps": content["step"] + earlier["steps"],
            "wall_time_s": content["wall_time_s"] + earlier["wall_time_s"],
        }
    network.to(device, memory_format=torch.channels_last).train()  # type: ignore[call-overload]
    generator = torch.Generator(device).manual_seed(recipe.train.seed)
    return State(
        network=network,
        average=copy.deepcopy(network).eval(),
        optimizer=torch.optim.Adam(
            network.parameters(), lr=recipe.train.learning_rate, betas=(0.9, 0.99), fused=True
        ),
        generator=generator,
        history=[],
        lineage=lineage,
    )


def _resume(state: State, path: Path, recipe: Recipe) -> None:
    content = load_checkpoint(path)
    if content["recipe"].network != recipe.network or content["recipe"].scale != recipe.scale:
        raise UsageError(f"{path}: belongs to another recipe; give a new folder with -o")
    state.network.load_state_dict(content["network"])
    state.average.load_state_dict(content["average"])
    state.optimizer.load_state_dict(content["optimizer"])
    state.generator.set_state(content["generator"])
    state.step = content["step"]
    state.wall_time_s = content["wall_time_s"]
    state.history = content["history"]
    state.lineage = content["lineage"]


def _write_run(folder: Path, recipe: Recipe) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False
    ).stdout.strip()
    (folder / "recipe.json").write_text(recipe.model_dump_json(indent=2) + "\n")
    about = {"command": sys.argv, "commit": commit, "torch": torch.__version__}
    (folder / "run.json").write_text(json.dumps(about, indent=2) + "\n")


class Trainer:
    """Trains one recipe in one folder.

    Args:
        recipe: What to train.
        folder: Checkpoints and logs; a checkpoint found there is resumed.
        device: ``cpu``, ``cuda`` …
        pixels: The data, if it is loaded already.
        compile_network: Let ``torch.compile`` fuse the network (needs a C++ compiler on CPUs).
    """

    def __init__(
        self,
        recipe: Recipe,
        folder: Path,
        *,
        device: str = "cpu",
        pixels: PixelSet | None = None,
        compile_network: bool = False,
    ) -> None:
        self.recipe = recipe
        self.folder = folder
        self.device = torch.device(device)
        # A GPU would round the bicubic base, which carries the picture, to 10 bits.
        torch.backends.cudnn.allow_tf32 = False
        self.down = BicubicDown(recipe.scale, recipe.data.patch, self.device)
        self.pixels = pixels or load_folder(
            Path(recipe.data.path), recipe.data.color, self.down.crop
        ).to(self.device)
        resumed = (folder / CHECKPOINT).is_file()
        # A resumed run has its weights already; where they once came from need not be read again.
        self.state = _begin(recipe, self.device, "" if resumed else recipe.train.start)
        if resumed:
            _resume(self.state, folder / CHECKPOINT, recipe)
        _write_run(folder, recipe)
        residual = self.state.network.residual
        self._residual = torch.compile(residual) if compile_network else residual

    def _loss(self) -> Tensor:
        recipe, network = self.recipe, self.state.network
        crops = self.pixels.crops(recipe.data.batch, self.down.crop, self.state.generator)
        lr, hr = self.down(crops.float())
        x = (lr / 255.0).contiguous(memory_format=torch.channels_last)
        bf16 = recipe.train.precision == "bf16"
        with torch.autocast(self.device.type, torch.bfloat16, enabled=bf16):
            residual = self._residual(x)
        out = network.compose(x, residual)
        return pixel_loss(out, hr / 255.0, recipe.train.loss)

    def step(self) -> float | None:
        """One optimiser step; its loss every hundredth step (reading it waits for a GPU)."""
        state, train = self.state, self.recipe.train
        state.optimizer.param_groups[0]["lr"] = train.learning_rate * schedule(state.step, train)
        loss = self._loss()
        state.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        state.optimizer.step()
        state.step += 1
        # A short memory at first, so that the average forgets the random start.
        decay = min(train.ema, state.step / (state.step + 10))
        with torch.no_grad():
            torch._foreach_lerp_(
                list(state.average.parameters()), list(state.network.parameters()), 1 - decay
            )
        if state.step % 100 and state.step < train.steps:
            return None
        value = float(loss.detach())
        if not math.isfinite(value):
            raise TrainingError(
                f"step {state.step}: the loss is {value}; lower train.learning_rate "
                f"(last good checkpoint: {self.folder / CHECKPOINT})"
            )
        return value

    def _checkpoint(self) -> None:
        path = self.folder / CHECKPOINT
        save_checkpoint(path, self.state, self.recipe, self.pixels.digest)

    def fit(self, progress: Progress | None = None, valid: Path | None = None) -> State:
        """Trains to the recipe's last step.

        Args:
            progress: Told every step; cancelling it saves a checkpoint first.
            valid: Folder with ``HR`` and ``LR_xN``, measured now and then.
        """
        progress = progress or Progress()
        train, state = self.recipe.train, self.state
        log = self.folder / "log.jsonl"
        began, before = time.monotonic(), state.wall_time_s
        with progress.task(f"training {self.recipe.name}", train.steps, "steps") as task:
            task.advance(state.step)
            while state.step < train.steps:
                loss = self.step()
                state.wall_time_s = before + time.monotonic() - began
                if loss is not None:
                    row = {"step": state.step, "loss": loss, "seconds": state.wall_time_s}
                    last = state.step == train.steps
                    if valid and (last or state.step % train.validate_every == 0):
                        row["psnr"] = validate(state.average, valid, self.recipe.scale)
                    assert state.history is not None
                    state.history.append(row)
                    with log.open("a") as lines:
                        lines.write(json.dumps(row) + "\n")
                if state.step % train.save_every == 0 or state.step == train.steps:
                    self._checkpoint()
                try:
                    task.advance()
                except Cancelled:
                    self._checkpoint()
                    raise
        return state

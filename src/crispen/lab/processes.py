"""Devices of a run: one, several on this machine, or the nodes of a cluster.

Lightning's Fabric moves data and averages gradients. With several devices on one machine this
process is rank 0 and starts the others itself, so that a run works the same from the command line,
from Python and from a test. Under SLURM or ``torchrun`` the processes already exist.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import platform
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from lightning.fabric import Fabric
from lightning.fabric.plugins.environments.cluster_environment import ClusterEnvironment
from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from lightning.fabric.plugins.environments.slurm import SLURMEnvironment
from lightning.fabric.plugins.environments.torchelastic import TorchElasticEnvironment
from lightning.fabric.strategies.ddp import DDPStrategy

from crispen.errors import CrispenError, TrainingError, UsageError

_RANK, _WORLD, _PORT = "CRISPEN_RANK", "CRISPEN_WORLD", "CRISPEN_PORT"


class _Here(LightningEnvironment):
    """The processes that `start_helpers` started on this machine."""

    def __init__(self, rank: int, world: int, port: int) -> None:
        super().__init__()
        self._rank, self._world, self._port = rank, world, port

    creates_processes_externally = True

    @property
    def main_address(self) -> str:
        return "127.0.0.1"

    @property
    def main_port(self) -> int:
        return self._port

    def world_size(self) -> int:
        return self._world

    def global_rank(self) -> int:
        return self._rank

    def local_rank(self) -> int:
        return self._rank

    def node_rank(self) -> int:
        return 0

    def set_world_size(self, size: int) -> None: ...

    def set_global_rank(self, rank: int) -> None: ...


@dataclass(frozen=True)
class Place:
    """The processes that train together, as seen by one of them.

    Attributes:
        devices: Number of devices on this machine.
        port: Port of rank 0; 0 if this process is alone or was started by something else.
        rank: Rank of this process among all of them.
    """

    devices: int = 1
    port: int = 0
    rank: int = 0

    @classmethod
    def of_environment(cls, devices: int) -> Place:
        """The place from the environment variables of the launcher, or for a single machine."""
        if _RANK in os.environ:
            return cls(int(os.environ[_WORLD]), int(os.environ[_PORT]), rank=int(os.environ[_RANK]))
        outer = _outer()
        if outer is not None:
            return cls(devices, rank=outer.global_rank())
        return cls(devices, _free_port() if devices > 1 else 0)


def _outer() -> ClusterEnvironment | None:
    """The environment of SLURM (with several tasks) or torchrun; None without them."""
    if SLURMEnvironment.detect() and int(os.environ.get("SLURM_NTASKS", "1")) > 1:
        # submitit requeues the job.
        return SLURMEnvironment(auto_requeue=False)
    return TorchElasticEnvironment() if TorchElasticEnvironment.detect() else None


def connect(device: str, place: Place, callbacks: Sequence[object] = ()) -> Fabric:
    """Joins the processes that train together; returns once all have joined.

    Args:
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:1``, ``mps``.
        place: See `Place`.
        callbacks: What `Fabric.call` calls, in this process.

    Raises:
        UsageError: The device does not exist, or there are fewer than requested.
    """
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    kind, _, index = device.partition(":")
    if kind not in ("cpu", "cuda", "mps") or (index and not index.isdecimal()):
        raise UsageError(f"--device {device}: give auto, cpu, cuda, cuda:1 or mps")
    if kind == "cuda" and not torch.cuda.is_available():
        raise UsageError(f"--device {device}: PyTorch finds no CUDA device here; give cpu")
    if kind == "mps" and not torch.backends.mps.is_available():
        raise UsageError(f"--device {device}: PyTorch finds no Apple GPU here; give cpu")
    if kind == "cuda" and max(place.devices, int(index or 0) + 1) > torch.cuda.device_count():
        raise UsageError(
            f"--devices {place.devices} --device {device}: there are {torch.cuda.device_count()}"
        )
    outer = _outer() if not place.port else None
    if place.devices == 1 and outer is None:
        devices = [int(index)] if index else 1
        return Fabric(accelerator=kind, devices=devices, callbacks=list(callbacks))
    # Its messages about joining are only for debugging.
    logging.getLogger("lightning.fabric").setLevel(logging.WARNING)
    environment = outer or _Here(place.rank, place.devices, place.port)
    nodes = 1 if outer is None else max(1, outer.world_size() // place.devices)
    fabric = Fabric(
        accelerator=kind,
        devices=place.devices,
        num_nodes=nodes,
        callbacks=list(callbacks),
        # Running means of batch normalisation are rank 0's; broadcast between two passes, they
        # would corrupt the first one's gradient.
        strategy=DDPStrategy(cluster_environment=environment, forward_sync_buffers=False),
    )
    fabric.launch()
    return fabric


def disconnect() -> None:
    """Ends the connection to the other processes."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


@contextlib.contextmanager
def helpers(place: Place, arguments: list[str], folder: Path) -> Iterator[None]:
    """Runs the other processes of this machine during the ``with`` block.

    Args:
        place: Place of this process; rank 0 starts the others if they are not started yet.
        arguments: Arguments of ``python -m crispen.lab.helper``.
        folder: Folder for their output, ``rank-N.log``.

    Raises:
        TrainingError: One of the processes failed.
    """
    if not place.port or place.rank:
        yield
        return
    started = []
    try:
        for rank in range(1, place.devices):
            environment = os.environ | {
                _RANK: str(rank),
                _WORLD: str(place.devices),
                _PORT: str(place.port),
                "OMP_NUM_THREADS": str(torch.get_num_threads()),
            }
            with (folder / f"rank-{rank}.log").open("w") as log:
                started.append(
                    subprocess.Popen(
                        [sys.executable, "-m", "crispen.lab.helper", *arguments],
                        env=environment,
                        stdin=subprocess.DEVNULL,
                        stdout=log,
                        stderr=subprocess.STDOUT,
                        # Ctrl-C is for rank 0, which notifies the others.
                        start_new_session=True,
                    )
                )
        yield
        for process in started:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(60)
    except RuntimeError as error:
        if isinstance(error, CrispenError):
            raise  # an error of this process itself
        for rank, process in enumerate(started, 1):
            # It may still be writing its error message.
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(20)
            if process.poll():
                log_file = folder / f"rank-{rank}.log"
                raise TrainingError(
                    f"the process of device {rank} ended: {_last_line(log_file)} (see {log_file})"
                ) from error
        raise
    finally:
        for process in started:
            if process.poll() is None:
                process.kill()
            process.wait()


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else "without a message"


def end_with_parent() -> None:
    """Starts a thread that ends this process when its parent exits."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1.0)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def stream_seed(*what: object) -> int:
    """A seed derived from a key, such as ``(seed, rank, step, "noise")``.

    No generator keeps state between steps: the random numbers of a step depend only on its key.

    >>> stream_seed(0, 0, 1) != stream_seed(0, 1, 0)
    True
    """
    text = " ".join(map(str, what)).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest()) >> 1


def seed_layers(device: torch.device, seed: int) -> None:
    """Seeds PyTorch's global generators of the CPU and of `device`, which layers use.

    ``torch.manual_seed`` does the same, but on a machine without a GPU it records the whole call
    stack each time, in case CUDA is initialised later.
    """
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        torch.cuda.default_generators[device.index or 0].manual_seed(seed)
    elif device.type == "mps":
        torch.mps.manual_seed(seed)


def hardware(device: torch.device, world: int) -> str:
    """Description of the machine for the model card."""
    if device.type == "cuda":
        name = torch.cuda.get_device_name(device)
    else:
        name = f"{torch.get_num_threads()} CPU thread(s), {platform.machine()}"
    return f"{world} × {name}" if world > 1 else name

"""What runs on the machines of a cluster: a process that keeps its engines open between files."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from crispen.cluster.hello import Hello, hello, other_version
from crispen.cluster.parcel import Packed, unpack
from crispen.enhance.enhancer import Enhancer
from crispen.enhance.file_work import Batch
from crispen.enhance.modelfile import ModelFiles
from crispen.enhance.outcome import Options
from crispen.enhance.record import Record
from crispen.enhance.request import Request
from crispen.enhance.target import Target
from crispen.errors import CrispenError
from crispen.progress import Progress


@dataclass(frozen=True, slots=True)
class Setup:
    """What each worker of a batch receives once.

    Attributes:
        version: Of the program that sends work.
        options: What holds for all files; without models.
        requests: As in `Batch`.
        target: As in `Batch`.
        settings: Of the records of results, by whether they are videos.
        models: Those available.
        folders: Must be seen by all machines.
    """

    version: str
    options: Options
    requests: Mapping[bool, Request]
    target: Target
    settings: Mapping[bool, dict[str, Any]]
    models: tuple[Packed, ...]
    folders: tuple[Path, ...]


class Worker:
    """An actor, once Ray has made it one; `do` runs what it is sent.

    Attributes:
        batch: What files need, with this process's own engines.
        files: The models of videos.
    """

    batch: Batch
    files: ModelFiles

    def __init__(self, setup: Setup) -> None:
        self._refusal = ""
        try:
            self._settle(setup)
        except CrispenError as error:
            self._refusal = str(error)

    def _settle(self, setup: Setup) -> None:
        if refusal := other_version(setup.version):
            raise CrispenError(refusal)
        for folder in setup.folders:
            if not folder.is_dir():
                raise CrispenError(f"does not see {folder}; use a folder that all machines share")
        self._folder = tempfile.TemporaryDirectory(prefix="crispen-models-")
        at_hand = unpack(setup.models, Path(self._folder.name))
        options = setup.options
        self.files = ModelFiles(at_hand, device=options.device, threads=options.threads)
        here = {name: self.files[name] for name in at_hand}
        for settings in setup.settings.values():
            for card, sha256 in settings["models"]:
                if sha256 not in {m.sha256 for m in here.values() if m.card.name == card}:
                    raise CrispenError(f"has a different model {card}; install the same")
        self.batch = Batch(
            replace(options, at_hand=at_hand),
            setup.requests,
            at_hand,
            Enhancer(
                request=setup.requests[False],
                at_hand=at_hand,
                device=options.device,
                threads=options.threads,
                memory_bytes=options.memory_bytes,
                tile_px=options.tile_px,
            ),
            setup.target,
            {video: Record(settings) for video, settings in setup.settings.items()},
            Progress(),
        )

    def hello(self) -> Hello:
        """Where it is, and whether it can work."""
        return hello(self._refusal)

    def do(self, work: Callable[[Worker], Any]) -> Any:
        """The result of a piece of work."""
        return work(self)

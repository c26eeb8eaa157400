"""A random clip, the damage done to it, and what Crispen is asked to make of it."""

from __future__ import annotations

import random
import shlex
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Fault:
    """Damage done to a finished file.

    Attributes:
        kind: ``cut``, ``flip``, ``zero`` or ``twice``.
        share: Where in the file it begins, 0 to 1; what is kept of it if it is cut.
        amount: How many bytes.
    """

    kind: str
    share: float = 0.5
    amount: int = 0

    def apply(self, path: Path, rng: random.Random) -> None:
        """Damage a file."""
        data = bytearray(path.read_bytes())
        at = int(len(data) * self.share)
        match self.kind:
            case "cut":
                del data[at:]
            case "flip":
                for _ in range(self.amount):
                    data[rng.randrange(len(data) // 10, len(data))] ^= 1 << rng.randrange(8)
            case "zero":
                data[at : at + self.amount] = bytes(len(data[at : at + self.amount]))
            case "twice":
                data += bytes(data)
        path.write_bytes(data)


@dataclass(slots=True)
class Case:
    """One clip and what to make of it.

    Attributes:
        seed: Number from which all of it follows.
        turn: Which of that seed's clips it is; FFmpeg could not make earlier ones.
        source: Name of the clip.
        suffix: Of the result.
        texts: Files that FFmpeg reads, with their content.
        commands: FFmpeg's arguments, command by command, to run in one folder.
        faults: Damage done afterwards.
        options: Arguments of `crispen.enhance_video`.
        marks: Words for what is special about it.
    """

    seed: int
    turn: int
    source: str
    suffix: str
    texts: dict[str, str] = field(default_factory=dict)
    commands: list[list[str]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    options: dict[str, Any] = field(default_factory=dict)
    marks: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Whether the clip is free of faults."""
        return not self.faults and "timestamps" not in self.marks

    def shell(self) -> str:
        """The commands that make it, as typed."""
        lines = [
            f"printf %s {shlex.quote(text)} > {shlex.quote(name)}"
            for name, text in self.texts.items()
        ]
        lines += [shlex.join(command) for command in self.commands]
        lines += [f"# then: {fault}" for fault in self.faults]
        return "\n".join(lines)

    def make(self, folder: Path) -> bool:
        """Make the clip in a folder; False if FFmpeg cannot."""
        for name, text in self.texts.items():
            (folder / name).write_text(text, encoding="utf-8")
        for command in self.commands:
            done = subprocess.run(command, cwd=folder, capture_output=True, check=False)
            if done.returncode:
                return False
        source = folder / self.source
        if not source.is_file() or not source.stat().st_size:
            return False
        rng = random.Random(self.seed)
        for fault in self.faults:
            fault.apply(source, rng)
        return True

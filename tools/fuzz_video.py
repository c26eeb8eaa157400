"""Random clips made by FFmpeg, enhanced, and the results compared with what FFmpeg makes of them.

    python tools/fuzz_video.py [--count 300] [--seed 1] [--keep]

Each number from ``--seed`` on is a case: container, codecs, streams, flags, faults, and the result
that is asked for. What fails is printed with its number and the commands that make its clip, and
is kept in ``build/fuzz-video/NUMBER``; ``--seed NUMBER --count 1`` repeats it.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import time
import traceback
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures import TimeoutError as TooLate
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path

from video_cases import made
from video_checks import problems

WORK = Path(__file__).parents[1] / "build" / "fuzz-video"
_LONGEST_S = 600
# Refusals that say what a codec cannot do, or that were asked for.
_FAIR = ("does not encode", "no frame of it is shown", "does not go into")


@dataclass(slots=True)
class Outcome:
    """What came of a case.

    Attributes:
        seed: Its number.
        kind: ``right``, ``refused``, ``wrong`` or ``not made``.
        marks: What is special about the clip and the result.
        lines: What is wrong, or why it was refused.
        shell: The commands that make the clip.
        notes: What Crispen said.
        options: What it was asked for.
    """

    seed: int
    kind: str
    marks: str = ""
    lines: list[str] = field(default_factory=list)
    shell: str = ""
    notes: tuple[str, ...] = ()
    options: str = ""

    def text(self) -> str:
        """For people."""
        about = [f"seed {self.seed}: {self.kind}: {self.marks}", f"  {self.options}"]
        about += [f"  {line}" for line in self.lines]
        about += [f"  note: {note}" for note in self.notes]
        return "\n".join([*about, *(f"    {line}" for line in self.shell.splitlines())])


def conduct(seed: int, folder: Path) -> Outcome:
    """Make a case in an empty folder, enhance it, and judge the result."""
    from crispen import enhance_video
    from crispen.errors import CrispenError

    case = made(seed, folder)
    if case is None:
        return Outcome(seed, "not made")
    source = folder / case.source
    target = folder / f"result{case.suffix}"
    asked = f"enhance_video({case.source!r}, {target.name!r}, **{case.options})"
    marks = f"{' '.join(case.marks)} -> {case.suffix}"
    outcome = Outcome(seed, "right", marks, shell=case.shell(), options=asked)
    try:
        report = enhance_video(source, target, **case.options)
    except CrispenError as error:
        outcome.lines = [f"{type(error).__name__}: {error}"]
        fair = not case.clean or any(word in str(error) for word in _FAIR)
        outcome.kind = "refused" if fair and "\n" not in str(error) else "wrong"
        return outcome
    except Exception:
        outcome.kind = "wrong"
        outcome.lines = traceback.format_exc().splitlines()
        return outcome
    outcome.notes = report.notes
    try:
        outcome.lines = problems(case, source, target, report)
    except Exception:
        outcome.lines = traceback.format_exc().splitlines()
    outcome.kind = "wrong" if outcome.lines else "right"
    return outcome


def main() -> int:
    """Runs the cases; returns 1 if any is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", action="store_true", help="keep the files of all cases")
    parser.add_argument("--verbose", action="store_true", help="print all cases")
    given = parser.parse_args()
    began = time.monotonic()
    kinds: Counter[str] = Counter()
    pool = _pool()
    for seed in range(given.seed, given.seed + given.count):
        folder = WORK / str(seed)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        try:
            outcome = pool.submit(conduct, seed, folder).result(_LONGEST_S)
        except (BrokenProcessPool, TooLate) as error:
            outcome = Outcome(seed, "wrong", lines=[f"the process ended or hung: {error!r}"])
            _end(pool)
            pool = _pool()
        kinds[outcome.kind] += 1
        if given.verbose or outcome.kind in ("wrong", "refused"):
            print(outcome.text(), flush=True)
        if outcome.kind != "wrong" and not given.keep:
            shutil.rmtree(folder)
    _end(pool)
    told = ", ".join(f"{n} {kind}" for kind, n in sorted(kinds.items()))
    print(f"{given.count} cases in {time.monotonic() - began:.0f} s: {told}", flush=True)
    return 1 if kinds["wrong"] else 0


def _pool() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(1, mp_context=get_context("spawn"))


def _end(pool: ProcessPoolExecutor) -> None:
    processes = [*(pool._processes or {}).values()]
    pool.shutdown(wait=False, cancel_futures=True)
    for process in processes:
        process.kill()


if __name__ == "__main__":
    sys.exit(main())

"""Runs the command line and the server under faults, and counts losses: there must be none.

    python tools/soak.py [--minutes 30] [--seed 1] [--keep] [--only clients]

Three things run in parallel. Batches of pictures and a video (`soak_batches`) are killed, stopped,
and run out of disk space at random moments, and are rerun until they finish. A server
(`soak_server`) accepts jobs while it and its workers are killed, its database is locked or removed
and its disk is full, until every accepted job is done. Twenty clients (`soak_clients`) send
pictures to another server, which is killed while its database restarts and its clock jumps. Every
result is compared with that of an undisturbed run.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from soak_batches import Batches
from soak_clients import Crowd
from soak_server import Served

_DISK = "24m"


def main() -> int:
    """Runs for the given time; returns 1 if anything was lost."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--keep", action="store_true", help="leave the folder for a look")
    parser.add_argument(
        "--only", action="append", choices=("batches", "server", "clients"), help="one of the three"
    )
    given = parser.parse_args()
    seed = given.seed if given.seed is not None else random.randrange(10_000)
    folder = Path(tempfile.mkdtemp(prefix="crispen-soak-"))
    print(f"seed {seed}, {given.minutes:g} minutes, in {folder}", flush=True)
    end = time.monotonic() + 60 * given.minutes
    kinds = {"batches": Batches, "server": Served, "clients": Crowd}
    counts: dict[str, Counter[str]] = {name: Counter() for name in given.only or kinds}
    with contextlib.ExitStack() as stack:
        small = [stack.enter_context(small_disk(folder / name)) for name in counts]
        threads = []
        for name, disk in zip(counts, small, strict=True):
            work = kinds[name](folder / f"{name}-work", disk, random.Random(seed), counts[name])
            threads.append(threading.Thread(target=_until, args=(work, end, counts[name])))
            threads[-1].start()
        for thread in threads:
            thread.join()
    lost = 0
    for name, count in counts.items():
        told = ", ".join(f"{what} {number}" for what, number in sorted(count.items()))
        print(f"{name}: {told}")
        lost += sum(number for what, number in count.items() if what.startswith("LOST"))
    print(f"lost: {lost}")
    if not given.keep and not lost:
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if lost else 0


def _until(work: Batches | Served | Crowd, end: float, count: Counter[str]) -> None:
    try:
        work.prepare()
        while time.monotonic() < end:
            work.round()
            count["rounds"] += 1
    except Exception:
        traceback.print_exc()
        count["LOST to a fault of this program"] += 1
    finally:
        work.close()


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A folder on a small separate disk if one can be mounted; else a plain folder."""
    folder.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={_DISK}", "crispen-soak", str(folder)]
    mounted = os.name == "posix" and os.geteuid() == 0
    mounted = mounted and subprocess.run(mount, capture_output=True, check=False).returncode == 0
    if not mounted:
        print(f"{folder}: no disk of its own, so that none gets full", flush=True)
    try:
        yield folder
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(folder)], check=False)


if __name__ == "__main__":
    sys.exit(main())

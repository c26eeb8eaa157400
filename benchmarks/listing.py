"""How much memory the names of very many files take, in a store and in a local folder.

python benchmarks/listing.py                      20,000 and 200,000 names
python benchmarks/listing.py --names 2000 20000   other numbers
python benchmarks/listing.py --json               a line for each measurement
python benchmarks/listing.py --traced             what Python holds, not the process's memory

The store is S3's, whose network is replaced by a generator of names: the run is the second one of
`crispen enhance s3://bucket/in/ -o s3://bucket/out/ --recursive`, in which every result exists and
is recorded, so that all names of both sides and all records are read. With a local folder, it is
that of `crispen enhance in/ -o out/ --recursive`. Each measurement has a process of its own.
"""

from __future__ import annotations

import argparse
import io
import json
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as PilImage

from _table import print_table
from crispen.enhance.outcome import Options, Outcome
from crispen.enhance.request import Request
from crispen.evaluate.peak_memory import resident_peak

RESULT_BYTES = 7
LINES_A_FILE = 4096
FOLDER_FILES = 1000
OPTIONS = Options(Request(models=("espcn-x2",)), threads=1, recursive=True)


def name(number: int) -> str:
    """The name of a file, below one of many folders."""
    return f"year-{number // FOLDER_FILES:04}/photo-{number:09}.png"


class Bucket:
    """What `crispen.stores.remote` asks of a connection to S3, without a network."""

    def __init__(self, names: int) -> None:
        from fsspec.asyn import get_loop

        self.loop = get_loop()
        self.names = names
        self.settings: Any = None
        file = io.BytesIO()
        PilImage.fromarray(np.zeros((4, 4, 3), np.uint8)).save(file, "PNG")
        self.picture = file.getvalue()
        self.records: list[bytes] = []

    async def _iterdir(
        self, bucket: str, delimiter: str = "/", prefix: str = ""
    ) -> AsyncIterator[dict[str, Any]]:
        size = len(self.picture) if prefix == "in/" else RESULT_BYTES
        for number in range(self.names if prefix == "in/" or self.settings else 0):
            yield self._about(f"{bucket}/{prefix}{name(number)}", size)

    def ls(self, path: str, detail: bool = True) -> list[dict[str, Any]]:
        """The files of records in a folder."""
        files = -(-self.names // LINES_A_FILE) if self.settings else 0
        return [
            self._about(f"{path.rstrip('/')}/{k:06}.jsonl", len(self._lines(k)))
            for k in range(files)
        ]

    def info(self, path: str) -> dict[str, Any]:
        """A file or a folder."""
        if path.endswith(".jsonl"):
            return self._about(path, len(self._lines(int(Path(path).stem))))
        if path.endswith(".png"):
            return self._about(path, len(self.picture))
        return {"name": path, "size": 0, "type": "directory"}

    def cat_file(self, path: str, start: int, end: int) -> bytes:
        """A part of a file."""
        whole = self._lines(int(Path(path).stem)) if path.endswith(".jsonl") else self.picture
        return whole[start:end]

    def put_file(self, path: str, place: str, mode: str = "") -> None:
        """Write a file; only those of records are kept."""
        if place.endswith(".jsonl"):
            self.records.append(Path(path).read_bytes())

    @staticmethod
    def _about(path: str, size: int) -> dict[str, Any]:
        return {"name": path, "size": size, "type": "file", "ETag": "same"}

    def _lines(self, k: int) -> bytes:
        numbers = range(k * LINES_A_FILE, min((k + 1) * LINES_A_FILE, self.names))
        return b"".join(
            json.dumps(
                {
                    "name": name(number),
                    "of": f"s3://bucket/in/{name(number)}",
                    "result": {"bytes": RESULT_BYTES},
                    "source": {"bytes": len(self.picture), "version": "same"},
                    "settings": self.settings,
                }
            ).encode()
            + b"\n"
            for number in numbers
        )


def in_store(names: int) -> int:
    """Run a batch in which all is done already; the number of files."""
    from crispen.enhance.stored.batch import enhance_stored
    from crispen.stores import remote

    bucket = Bucket(1)
    remote.RemoteStore._connected = property(lambda _: bucket)  # type: ignore[assignment,misc]
    remote.RemoteStore.close = lambda _: None  # type: ignore[method-assign]
    counts: Counter[str] = Counter()

    def report(outcome: Outcome) -> None:
        counts[outcome.status] += 1

    def run() -> None:
        enhance_stored(["s3://bucket/in/"], "s3://bucket/out/", OPTIONS, report=report)

    run()  # the first picture, which tells the settings of the records
    bucket.settings = json.loads(bucket.records[-1].splitlines()[-1])["settings"]
    bucket.names = names
    run()
    assert counts == {"done": 1, "skipped": names}, counts
    return names


def in_folder(names: int) -> int:
    """Run a batch in which all is done already; the number of files."""
    from crispen.enhance.batch import enhance_all
    from crispen.enhance.record import NAME, Record

    counts: Counter[str] = Counter()

    def report(outcome: Outcome) -> None:
        counts[outcome.status] += 1

    with tempfile.TemporaryDirectory() as folder:
        inputs, results = Path(folder, "in"), Path(folder, "out")
        inputs.mkdir()
        PilImage.fromarray(np.zeros((4, 4, 3), np.uint8)).save(inputs / "first.png")

        def run() -> None:
            enhance_all([str(inputs)], f"{results}/", OPTIONS, report=report, keep=False)

        run()  # the first picture, which tells the settings of the record
        record = Record(json.loads((results / NAME).read_text())["settings"])
        for number in range(names - 1):
            source, result = inputs / name(number), results / name(number)
            if number % FOLDER_FILES == 0:
                source.parent.mkdir()
                result.parent.mkdir()
            source.touch()
            result.touch()
            record.add(source, result)
        run()
    assert counts == {"done": 1, "skipped": names}, counts
    return names


CASES = {"S3, all done before": in_store, "local folder, all done before": in_folder}


def measure(case: str, names: int, traced: bool) -> dict[str, Any]:
    """One case in a process of its own."""
    more = ["--traced"] if traced else []
    done = subprocess.run(
        [sys.executable, __file__, "--case", case, "--names", str(names), *more],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--names", type=int, nargs="+", default=[20_000, 200_000])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--traced", action="store_true")
    parser.add_argument("--case", choices=[*CASES], help="this alone, in this process")
    chosen = parser.parse_args()
    if chosen.case:
        if chosen.traced:
            tracemalloc.start()
        began = time.perf_counter()
        count = CASES[chosen.case](chosen.names[0])
        took_s = time.perf_counter() - began
        peak = tracemalloc.get_traced_memory()[1] if chosen.traced else resident_peak()
        told = {"case": chosen.case, "names": count, "peak": peak, "took_s": took_s}
        print(json.dumps(told))
        return
    rows = []
    for case in CASES:
        first, *more = (measure(case, names, chosen.traced) for names in sorted(chosen.names))
        for now in (first, *more):
            # What the program itself takes is in the smallest of them.
            apart = max(1, now["names"] - first["names"])
            a_name = max(0, now["peak"] - first["peak"]) / apart if now is not first else None
            if chosen.json:
                print(json.dumps({**now, "bytes_a_name": a_name}), flush=True)
            row = [
                case,
                f"{now['names']:,}",
                f"{now['took_s']:.0f} s",
                f"{now['peak'] / 2**20:.0f} MiB",
            ]
            rows.append([*row, "" if a_name is None else f"{a_name:.0f}"])
    if not chosen.json:
        header = ["files", "names", "took", "peak memory", "bytes for each further name"]
        print_table("memory of names", header, rows)


if __name__ == "__main__":
    main()

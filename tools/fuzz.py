"""Coverage-guided search for inputs that make Crispen raise anything but a `CrispenError`.

    python tools/fuzz.py [picture metadata video model recipe] [--seconds 3600] [--seeds FOLDER…]

Needs Atheris (libFuzzer for Python), which `make fuzz` installs. Findings are in
``build/fuzz/TARGET/found``, one file per kind of failure with its traceback beside it. Inputs that
covered something new are in ``build/fuzz/TARGET/corpus`` and are reused in the next run. A fixed
finding goes into ``tests/fuzz/TARGET``, which the tests run.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import resource
import subprocess
import sys
import time
import traceback
from pathlib import Path

ROOT = Path(__file__).parents[1]
WORK = ROOT / "build" / "fuzz"
CORPUS = ROOT / "tests" / "fuzz"
NAMES = ("picture", "metadata", "video", "model", "recipe")
# Limits of an input's length and running time.
_LONGEST = {"picture": 16_384, "metadata": 8_192, "video": 16_384, "model": 8_192, "recipe": 4_096}
_LONGEST_S = 20
STARTED = "INFO: Running with entropic power schedule"
"""What libFuzzer prints before its first input."""
_MEMORY_MB = 3000


def main() -> int:
    """Runs each target for its time; returns 1 if anything was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("targets", nargs="*", choices=[*NAMES, []], metavar="TARGET")
    parser.add_argument("--seconds", type=int, default=3600, help="for each target")
    parser.add_argument("--seeds", type=Path, nargs="*", default=[], help="folders of more inputs")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.inside:
        fuzz(given.targets[0], given.seconds)
        return 0
    found = 0
    for target in given.targets or NAMES:
        found += run(target, given.seconds, given.seeds)
    return 1 if found else 0


def run(target: str, seconds: int, folders: list[Path]) -> int:
    """Fuzzes one target in separate processes: a crashing decoder ends only one of them."""
    folder = WORK / target
    corpus, found = folder / "corpus", folder / "found"
    for made in (corpus, found):
        made.mkdir(parents=True, exist_ok=True)
    more = [f for given in (*folders, CORPUS / target) if given.is_dir() for f in given.rglob("*")]
    for path in more:
        if path.is_file() and path.stat().st_size <= _LONGEST[target]:
            content = path.read_bytes()
            content = b"\0" + content if target == "metadata" and path.parent != CORPUS else content
            (corpus / hashlib.sha1(content).hexdigest()).write_bytes(content)
    before = {p.name for p in found.iterdir()}
    end, began_s = time.monotonic() + seconds, _children_s()
    rounds = tried = 0
    log = folder / "log.txt"
    while (left := int(end - time.monotonic())) > 1:
        command = [sys.executable, __file__, target, "--inside", "--seconds", str(left)]
        start = log.stat().st_size if log.exists() else 0
        with log.open("ab") as out:
            code = subprocess.run(command, stdout=out, stderr=out, check=False).returncode
        told = log.read_bytes()[start:].decode(errors="replace")
        if STARTED not in told:
            raise SystemExit(f"{target}: nothing was tried:\n{told[-2000:]}")
        tried += sum(map(int, re.findall(r"number_of_executed_units: (\d+)", told)))
        rounds += 1
        if code == 0:
            break
    new = sorted({p.name for p in found.iterdir()} - before)
    kinds = [name for name in new if not name.endswith(".txt")]
    print(
        f"{target}: {seconds} s, {_children_s() - began_s:.0f} s of CPU, {rounds} processes, "
        f"{tried:,} inputs tried, {len(list(corpus.iterdir()))} in the corpus, "
        f"{len(kinds)} findings{': ' + ', '.join(kinds) if kinds else ''}",
        flush=True,
    )
    return len(kinds)


def _children_s() -> float:
    """CPU seconds of the processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def fuzz(target: str, seconds: int) -> None:
    """Fuzzes in this process; libFuzzer ends it."""
    import atheris

    with atheris.instrument_imports(include=["crispen"]):
        import fuzz_targets

        function = fuzz_targets.TARGETS[target]
        os.environ["CRISPEN_MODELS"] = str(WORK / target / "models")
        folder = WORK / target
        for content in fuzz_targets.seeds(target):
            (folder / "corpus" / hashlib.sha1(content).hexdigest()).write_bytes(content)
            _safely(function, content, folder / "found")  # and does its late imports

    def once(data: bytes) -> None:
        _safely(function, data, folder / "found")

    arguments = [
        *(sys.argv[0], f"-max_total_time={seconds}", f"-max_len={_LONGEST[target]}"),
        *(f"-timeout={_LONGEST_S}", f"-rss_limit_mb={_MEMORY_MB}", "-print_final_stats=1"),
        *(f"-artifact_prefix={folder / 'found'}/", str(folder / "corpus")),
    ]
    atheris.Setup(arguments, once)
    atheris.Fuzz()


def _safely(function: object, data: bytes, found: Path) -> None:
    """Calls it, and keeps the first input of each kind of failure, so it hides no other."""
    try:
        function(data)  # type: ignore[operator]
    except Exception as error:
        trace = traceback.extract_tb(error.__traceback__)
        ours = [f for f in trace if "crispen" in f.filename or "fuzz_targets" in f.filename]
        where = f"{Path(ours[-1].filename).stem}-{ours[-1].lineno}" if ours else "elsewhere"
        name = f"{type(error).__name__}-{where}"
        if not (found / name).exists():
            (found / name).write_bytes(data)
            (found / f"{name}.txt").write_text(traceback.format_exc(), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())

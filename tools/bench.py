"""Runs every benchmark, and puts its output between its marks in the README.

python tools/bench.py [NAME …]
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"


def fill(text: str, name: str, content: str) -> str:
    """The text with a table between ``<!-- bench: NAME -->`` and ``<!-- /bench -->``."""
    marks = re.compile(rf"(<!-- bench: {re.escape(name)} -->\n).*?(<!-- /bench -->)", re.DOTALL)
    return marks.sub(lambda m: f"{m[1]}{content.strip()}\n{m[2]}", text)


def main() -> None:
    """Runs those named, or all; a failing benchmark leaves its table unchanged."""
    wanted = sys.argv[1:]
    failed = []
    for script in sorted((ROOT / "benchmarks").glob("[a-z]*.py")):
        if wanted and script.stem not in wanted:
            continue
        print(f"\n== {script.stem}", flush=True)
        done = subprocess.run(
            [sys.executable, str(script)], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        print(done.stdout, flush=True)
        if done.returncode:
            failed.append(script.stem)
        else:
            README.write_text(fill(README.read_text(), script.stem, done.stdout))
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()

"""The README's first two commands, exactly as they are written there.

python tools/readme.py          print them
python tools/readme.py --run    run them, one after the other
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def commands(text: str) -> list[str]:
    """The lines of the first block of shell commands."""
    block = re.search(r"^```sh\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    if block is None:
        raise SystemExit("README.md has no block of shell commands")
    return block[1].strip().splitlines()


def main() -> None:
    """Prints or runs them."""
    for command in commands((ROOT / "README.md").read_text()):
        print(command, flush=True)
        if "--run" in sys.argv:
            code = subprocess.run(command, shell=True, cwd=ROOT).returncode
            if code:
                sys.exit(code)


if __name__ == "__main__":
    main()

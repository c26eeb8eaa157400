"""One question, answered by a module in a process of its own: a crash there is one clear line here.

The module's ``main`` calls `say`; whoever asks calls `ask`.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from crispen import errors
from crispen.errors import CrispenError, ModelError


def ask(
    module: str, *arguments: str, file: str, work: str, limit_s: float | None = None
) -> dict[str, Any]:
    """What ``python -m module arguments`` answers.

    Args:
        module: Its name.
        arguments: Its command line.
        file: What it is about, for errors.
        work: What is done to the file, as in "it could not be …".
        limit_s: Seconds after which the process is killed.

    Raises:
        CrispenError: As it was raised there.
        ModelError: The process ended without an answer, or has not ended in time.
    """
    try:
        done = subprocess.run(
            [sys.executable, "-m", module, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=limit_s,
        )
    except subprocess.TimeoutExpired as error:
        raise ModelError(f"{file}: was not {work} within {limit_s:.0f} s; use another") from error
    lines = done.stdout.splitlines() if done.returncode == 0 else []
    if not lines:
        said = done.stderr.strip().splitlines()
        why = said[-1] if said and done.returncode > 0 else _ending(done.returncode)
        raise ModelError(f"{file}: could not be {work} ({why}); export it again, or use another")
    answer: dict[str, Any] = json.loads(lines[-1])
    if "error" in answer:
        raise getattr(errors, answer["error"])(answer["text"])
    return answer


def _ending(code: int) -> str:
    if code < 0:
        return f"the process ended with {signal.Signals(-code).name}"
    return f"exit code {code}"


def say(answer: Callable[[], dict[str, Any]]) -> None:
    """Prints an answer, or type and text of the error, as a line of JSON."""
    try:
        said = answer()
    except CrispenError as error:
        said = {"error": type(error).__name__, "text": str(error)}
    print(json.dumps(said))

"""Third-party PyTorch files, converted to ONNX in a separate process.

That process imports PyTorch, which nothing else needs when a model is added, and it alone opens
the file: with ``weights_only``, so that no code in it runs.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from crispen import errors
from crispen.errors import MissingInput, ModelError
from crispen.models.published import require_spandrel


class Converted(NamedTuple):
    """A network in ONNX, with an incomplete card.

    Attributes:
        content: The file.
        facts: Known fields of the card.
    """

    content: bytes
    facts: dict[str, Any]


def convert(path: Path) -> Converted:
    """The ONNX file of a ``.pth``, ``.pt`` or ``.safetensors`` file.

    Raises:
        MissingExtra: PyTorch or spandrel is not installed.
        CrispenError: It does not exist, contains more than weights, or has an unknown architecture.
    """
    require_spandrel(f"adding {path.name}")
    if not path.is_file():
        raise MissingInput(f"{path}: no such file")
    with tempfile.TemporaryDirectory(prefix="crispen-") as folder:
        target = Path(folder) / "model.onnx"
        done = subprocess.run(
            [sys.executable, "-m", "crispen.lab.published", str(path), str(target)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        lines = done.stdout.splitlines() if done.returncode == 0 else []
        if not lines:
            why = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
            raise ModelError(f"{path}: could not be converted ({why}); report this file")
        said = json.loads(lines[-1])
        if "error" in said:
            raise getattr(errors, said["error"])(said["text"])
        return Converted(target.read_bytes(), said)

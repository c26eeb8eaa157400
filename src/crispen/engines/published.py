"""Third-party PyTorch files, converted to ONNX in a separate process.

That process imports PyTorch, which nothing else needs when a model is added, and it alone opens
the file: with ``weights_only``, so that no code in it runs.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from crispen.engines._separate import ask
from crispen.errors import MissingInput
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
        said = ask(
            "crispen.lab.published", str(path), str(target), file=str(path), work="converted"
        )
        return Converted(target.read_bytes(), said)

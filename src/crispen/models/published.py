"""Third-party weights in PyTorch files: the file types, and the packages that read them.

``spandrel`` recognises the architecture of such a file. It requires torchvision, which an
extra of ours cannot override, so it is installed without its requirements.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager

from crispen.errors import needs_extra

SUFFIXES = (".pth", ".pt", ".safetensors")
# The first installs its other requirements; the second would install torchvision without
# --no-deps.
EXTRA = "spandrel,train"
THEN = "then: pip install --no-deps 'spandrel>=0.4.2,<0.5'"


@contextmanager
def needs_spandrel(purpose: str) -> Iterator[None]:
    """Wrap imports of the library.

    Args:
        purpose: The purpose, as the start of a sentence.

    Raises:
        MissingExtra: It, or what it needs, is not installed; the text holds both lines to type.
    """
    with needs_extra(purpose, EXTRA, otherwise=THEN):
        yield


def require_spandrel(purpose: str) -> None:
    """Checks for the library and its requirements without importing them.

    Raises:
        MissingExtra: As `needs_spandrel`.
    """
    with needs_spandrel(purpose):
        for name in ("torch", "onnx", "einops", "spandrel"):
            if importlib.util.find_spec(name) is None:
                raise ModuleNotFoundError(f"No module named {name!r}", name=name)

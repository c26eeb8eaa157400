"""Weights that others publish as PyTorch files: which files those are, and what reading them needs.

``spandrel`` recognises the architecture of such a file. It names torchvision as a requirement,
which an extra of ours cannot take back, so that it is installed without what it names.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager

from crispen.errors import needs_extra

SUFFIXES = (".pth", ".pt", ".safetensors")
# The first brings whatever else it needs; the second would bring torchvision without --no-deps.
EXTRA = "spandrel,train"
THEN = "then: pip install --no-deps 'spandrel>=0.4.2,<0.5'"


@contextmanager
def needs_spandrel(purpose: str) -> Iterator[None]:
    """Wrap imports of the library.

    Args:
        purpose: What needs it, as the start of a sentence.

    Raises:
        MissingExtra: It, or what it needs, is not installed; the text holds both lines to type.
    """
    with needs_extra(purpose, EXTRA, otherwise=THEN):
        yield


def require_spandrel(purpose: str) -> None:
    """Looks for the library and what it needs, and imports nothing.

    Raises:
        MissingExtra: As `needs_spandrel`.
    """
    with needs_spandrel(purpose):
        for name in ("torch", "onnx", "einops", "spandrel"):
            if importlib.util.find_spec(name) is None:
                raise ModuleNotFoundError(f"No module named {name!r}", name=name)
